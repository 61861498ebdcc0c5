// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// How much each source address may ask of a registry: token buckets in a table of fixed size.
#ifndef PEERKIT_REGISTRY_SOURCE_LIMITS_HPP
#define PEERKIT_REGISTRY_SOURCE_LIMITS_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/crypto/siphash.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/registry_options.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// The number of a source: an IPv4 address, or the /64 of an IPv6 address, which is what one host is given.
[[nodiscard]] inline std::uint64_t source_number(ip_address const& source, crypto::siphash_key const& key) noexcept {
    byte_view const bytes = source.bytes();
    crypto::siphash hash{key};
    hash.part(bytes.first(std::min<std::size_t>(bytes.size(), 8)));
    return hash.value();
}

/// Allows each source so many takes in a time, and holds the latest 4,096 sources in 128 KiB. A source that is not held
/// has its burst; the one of four that asked longest ago makes room for another. Which four is keyed, so nobody can
/// choose whom to displace. Not thread safe.
class source_limits {
public:
    source_limits(source_rate const& rate, crypto::siphash_key const& key) : rate_{rate}, key_{key} {}

    /// Zero if it may; else how long it should wait.
    [[nodiscard]] duration take(ip_address const& source, time_point now) {
        if (rate_.per_second == 0) return duration::zero();
        if (cells_.empty()) cells_.resize(sets * ways);
        std::uint64_t const number = source_number(source, key_);
        cell* const set = &cells_[static_cast<std::size_t>(number % sets) * ways];
        cell* found = set;
        for (cell* at = set; at != set + ways; ++at) {
            if (at->used && at->source == number) {
                found = at;
                break;
            }
            if (!at->used || (found->used && at->free_at < found->free_at)) found = at;
        }
        // The generic cell rate algorithm (ITU-T I.371): a bucket is the one moment at which it will be full again.
        duration const one = duration{std::chrono::seconds{1}} / rate_.per_second;
        duration const room = one * std::max<std::uint32_t>(rate_.burst, 1);
        if (!found->used || found->source != number) *found = {number, now, true};
        time_point const after = std::max(found->free_at, now) + one;
        if (after - now > room) return after - now - room;
        found->free_at = after;
        return duration::zero();
    }

private:
    static constexpr std::size_t sets = 1024, ways = 4;

    struct cell {
        std::uint64_t source = 0;
        time_point free_at{}; ///< when all of the burst is there again
        bool used = false;
    };

    source_rate rate_;
    crypto::siphash_key key_;
    std::vector<cell> cells_;
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
