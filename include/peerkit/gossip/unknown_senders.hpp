// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The latest frames of senders that were not known yet, so that they are not taken again once they are.
#ifndef PEERKIT_GOSSIP_UNKNOWN_SENDERS_HPP
#define PEERKIT_GOSSIP_UNKNOWN_SENDERS_HPP

#include <peerkit/core/node_id.hpp>
#include <peerkit/crypto/replay_window.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Which frames were received is remembered in the sender's row. Somebody who holds the network key may call before
/// there is a row, and the row may then come from a third: without this the call could be replayed. Holds the latest
/// 128.
class unknown_senders {
public:
    void note(short_id sender, std::uint64_t session, std::uint64_t counter) noexcept {
        std::size_t const at = next_++ % senders_.size();
        senders_[at] = sender;
        frames_[at] = {session, counter};
    }
    [[nodiscard]] bool heard(short_id sender, std::uint64_t session, std::uint64_t counter) const noexcept {
        for (std::size_t i = 0; i < held(); ++i) {
            if (senders_[i] == sender && frames_[i].session == session && frames_[i].counter == counter) return true;
        }
        return false;
    }
    /// Tells the window of a new row what was heard before.
    void recall(short_id sender, crypto::replay_window& window) const noexcept {
        for (std::size_t i = 0; i < held(); ++i) {
            if (senders_[i] == sender) (void)window.accept(frames_[i].session, frames_[i].counter);
        }
    }

private:
    struct frame {
        std::uint64_t session;
        std::uint64_t counter;
    };
    [[nodiscard]] std::size_t held() const noexcept { return std::min(next_, senders_.size()); }

    std::array<short_id, 128> senders_{}; // apart from the rest: this is what is searched
    std::array<frame, 128> frames_{};
    std::size_t next_ = 0;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
