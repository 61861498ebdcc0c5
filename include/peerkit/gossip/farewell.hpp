// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Who has confirmed that it heard this node's goodbye.
#ifndef PEERKIT_GOSSIP_FAREWELL_HPP
#define PEERKIT_GOSSIP_FAREWELL_HPP

#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// A goodbye travels together with a ping; whoever answers that has heard it and tells others.
class farewell {
public:
    /// Confirmations that let a node go, or all members there are if they are fewer.
    static constexpr std::size_t needed = 3;

    /// `nonce` goes with every goodbye. Not zero.
    void begin(std::uint64_t nonce) noexcept {
        nonce_ = nonce;
        count_ = 0;
    }
    [[nodiscard]] std::uint64_t nonce() const noexcept { return nonce_; }
    /// An ack with `nonce` came from `who`. True if it confirms the goodbye, be it for the second time.
    bool heard(std::uint64_t nonce, short_id who) noexcept {
        if (nonce_ == 0 || nonce != nonce_) return false;
        auto const end = who_.begin() + static_cast<std::ptrdiff_t>(count_);
        if (count_ < who_.size() && std::find(who_.begin(), end, who) == end) who_[count_++] = who;
        return true;
    }
    /// Different members that confirmed it; counted up to `needed`.
    [[nodiscard]] std::size_t confirmed() const noexcept { return count_; }
    /// Enough of `others` have.
    [[nodiscard]] bool enough(std::size_t others) const noexcept { return count_ >= std::min(needed, others); }

private:
    std::uint64_t nonce_ = 0;
    std::array<short_id, needed> who_{};
    std::size_t count_ = 0;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
