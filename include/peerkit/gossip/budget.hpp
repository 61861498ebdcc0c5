// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Token buckets: one, and a fixed table of one per source address.
#ifndef PEERKIT_GOSSIP_BUDGET_HPP
#define PEERKIT_GOSSIP_BUDGET_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Allows `rate` takes per second on average and `burst` at once.
class token_bucket {
public:
    constexpr token_bucket() noexcept = default;
    constexpr token_bucket(std::uint32_t rate, std::uint32_t burst) noexcept
        : rate_{rate}, burst_{burst}, tokens_{burst} {}

    [[nodiscard]] constexpr bool take(time_point now) noexcept {
        if (now > filled_) {
            // Refill in whole tokens and keep the remainder in `filled_`.
            auto const elapsed =
                static_cast<std::uint64_t>(std::min<duration>(now - filled_, std::chrono::seconds{60}).count());
            std::uint64_t const earned = elapsed * rate_ / 1'000'000'000U;
            if (earned != 0) {
                tokens_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(burst_, tokens_ + earned));
                filled_ = tokens_ == burst_
                              ? now
                              : filled_ + duration{static_cast<duration::rep>(earned * 1'000'000'000U / rate_)};
            }
        }
        if (tokens_ == 0) return false;
        --tokens_;
        return true;
    }

private:
    std::uint32_t rate_ = 1;
    std::uint32_t burst_ = 1;
    std::uint32_t tokens_ = 1;
    time_point filled_{};
};

/// How many packets each source address has sent lately. A fixed number of cells, so that no flood of forged addresses
/// grows it; two addresses that share a cell share its budget. The hash is keyed, so sharing cannot be aimed at.
class source_budget {
public:
    source_budget(std::uint32_t packets_per_second, std::uint64_t hash_key) noexcept
        : limit_{packets_per_second}, hash_key_{hash_key | 1U} {}

    [[nodiscard]] bool take(ip_address const& source, time_point now) noexcept {
        std::uint64_t word = hash_key_;
        byte_view const bytes = source.bytes();
        for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
            word = (word ^ load_big<std::uint32_t>(&bytes[i])) * 0x9e3779b97f4a7c15ULL;
            word ^= word >> 31U;
        }
        cell& c = cells_[static_cast<std::size_t>(word * hash_key_ >> 56U)];
        // Windows of about a second: coarse, but one comparison and one increment per packet.
        auto const window = static_cast<std::uint32_t>(now.time_since_epoch().count() >> 30U);
        if (c.window != window) c = {window, 0};
        return ++c.packets <= limit_;
    }

private:
    struct cell {
        std::uint32_t window = 0;
        std::uint32_t packets = 0;
    };
    std::uint32_t limit_;
    std::uint64_t hash_key_;
    std::array<cell, 256> cells_{};
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
