// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Accepts each counter of a sender's session once.
#ifndef PEERKIT_CRYPTO_REPLAY_WINDOW_HPP
#define PEERKIT_CRYPTO_REPLAY_WINDOW_HPP

#include <peerkit/detail/config.hpp>

#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

enum class replay_verdict : std::uint8_t {
    fresh,    ///< not seen before; now it has been
    replayed, ///< seen before
    too_old,  ///< of an earlier session, or so far behind the newest counter that nobody remembers
};

/// The sliding window of RFC 6479 in its smallest form: the newest counter and the 63 before it, for the
/// newest session heard. 24 bytes per sender; value-initialised means nothing heard yet. To be asked only
/// about frames that opened.
///
/// A session is a number that grows with every start of the sender, so a new start begins a new window and no
/// recording from before it is accepted again.
struct replay_window {
    static constexpr std::uint64_t width = 64;
    static constexpr std::uint64_t farthest_overtaking = 4096;

    std::uint64_t session = 0;
    std::uint64_t highest = 0;
    std::uint64_t bitmap = 0; ///< bit i: counter `highest - i` was accepted; 0: nothing heard yet

    /// Whether a frame that is known to be no recording is further behind than frames overtake one another: then the
    /// window is further than its sender ever was, since every holder of the network's key can claim to be any sender.
    [[nodiscard]] constexpr bool is_astray(std::uint64_t true_session, std::uint64_t counter) const noexcept {
        return true_session != session || (highest > counter && highest - counter > farthest_overtaking);
    }
    /// Begins anew behind such a frame, whatever was accepted before.
    constexpr void restart(std::uint64_t with_session, std::uint64_t counter) noexcept {
        *this = {with_session, counter, ~std::uint64_t{0}};
    }
    /// Accepts a counter at most once. A refusal changes nothing.
    [[nodiscard]] constexpr replay_verdict accept(std::uint64_t from_session, std::uint64_t counter) noexcept {
        if (from_session > session) {
            *this = {from_session, counter, 1};
            return replay_verdict::fresh;
        }
        if (from_session < session) return replay_verdict::too_old;
        if (counter > highest) {
            std::uint64_t const ahead = counter - highest;
            bitmap = ahead < width ? bitmap << ahead | 1U : 1U;
            highest = counter;
            return replay_verdict::fresh;
        }
        std::uint64_t const behind = highest - counter;
        if (behind >= width) return replay_verdict::too_old;
        std::uint64_t const bit = std::uint64_t{1} << behind;
        if ((bitmap & bit) != 0) return replay_verdict::replayed;
        bitmap |= bit;
        return replay_verdict::fresh;
    }
};

static_assert(sizeof(replay_window) == 24);

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
