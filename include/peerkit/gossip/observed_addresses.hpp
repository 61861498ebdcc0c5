// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Where others see this node: votes of members, bounded, and what is believed of them.
#ifndef PEERKIT_GOSSIP_OBSERVED_ADDRESSES_HPP
#define PEERKIT_GOSSIP_OBSERVED_ADDRESSES_HPP

#include <peerkit/core/address_class.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Behind address translation a node does not know the address that others have to use; they do, because its packets
/// come from there. One member may err or lie, so an endpoint is believed when several members name the same one within
/// a window, address and port: where every destination sees another port, nothing can be announced.
///
/// The latest vote of each member and family counts, and of all votes the latest `most`. Not thread safe.
class observed_addresses {
public:
    static constexpr std::size_t needed = 3;                     ///< members that have to agree
    static constexpr std::size_t most = 16;                      ///< votes kept
    static constexpr duration window = std::chrono::minutes{10}; ///< a vote counts this long
    static constexpr duration pause = std::chrono::minutes{1};   ///< between changes of what is believed

    /// Whether a member whose packet came from `witness` can have seen this node at `seen`: a unicast address that is
    /// not bound to one machine or link, and none of a private network if the witness itself is outside.
    [[nodiscard]] static constexpr bool plausible(ip_address const& seen, ip_address const& witness) noexcept {
        switch (classify(seen)) {
        case address_class::global_v6:
        case address_class::global_v4: return true;
        case address_class::private_use:
        case address_class::overlay: {
            address_class const from = classify(witness);
            return from != address_class::global_v6 && from != address_class::global_v4;
        }
        default: return false;
        }
    }

    /// `by` sees this node at `where`. True if something else is believed now; ask `changed` then.
    [[nodiscard]] bool note(ip_endpoint const& where, short_id by, time_point now) noexcept {
        vote* place = &votes_[0];
        for (vote& v : votes_) {
            if (v.where && v.by == by && v.where.address.family() == where.address.family()) {
                place = &v;
                break;
            }
            if (v.when < place->when) place = &v; // a free place has the earliest time there is
        }
        *place = {where, by, now};
        return expire(now);
    }
    /// Lets old votes go. True if something else is believed now.
    [[nodiscard]] bool expire(time_point now) noexcept {
        bool other = false;
        if (now < next_change_) return false;
        for (vote& v : votes_) {
            if (v.where && now - v.when > window) v = {};
        }
        for (belief& b : beliefs_) {
            ip_endpoint best{};
            std::size_t votes = 0;
            for (vote const& v : votes_) {
                if (!v.where || v.where.address.family() != family_of(b)) continue;
                std::size_t const agreed = count(v.where);
                // What is believed stays so unless another has more votes.
                if (agreed > votes || (agreed == votes && v.where == b.where)) {
                    best = v.where;
                    votes = agreed;
                }
            }
            if (votes < needed) best = {};
            b.changed = best != b.where;
            b.where = best;
            other = other || b.changed;
        }
        if (other) next_change_ = now + pause;
        return other;
    }

    /// None if nothing is.
    [[nodiscard]] ip_endpoint believed(ip_family family) const noexcept {
        return family == ip_family::none ? ip_endpoint{} : of(family).where;
    }
    /// Whether the last call that returned true changed what is believed of this family.
    [[nodiscard]] bool changed(ip_family family) const noexcept { return of(family).changed; }
    /// How many members say so.
    [[nodiscard]] std::size_t observers(ip_family family) const noexcept {
        ip_endpoint const where = believed(family);
        return where ? count(where) : 0;
    }
    [[nodiscard]] bool any() const noexcept { return beliefs_[0].where || beliefs_[1].where; }

private:
    struct vote {
        ip_endpoint where{};
        short_id by{};
        time_point when = time_point::min();
    };
    struct belief {
        ip_endpoint where{};
        bool changed = false;
    };

    [[nodiscard]] belief const& of(ip_family family) const noexcept {
        return beliefs_[family == ip_family::v6 ? 1 : 0];
    }
    [[nodiscard]] ip_family family_of(belief const& b) const noexcept {
        return &b == beliefs_.data() ? ip_family::v4 : ip_family::v6;
    }
    [[nodiscard]] std::size_t count(ip_endpoint const& where) const noexcept {
        std::size_t found = 0;
        for (vote const& v : votes_) found += v.where == where ? 1U : 0U;
        return found;
    }

    std::array<vote, most> votes_{};
    std::array<belief, 2> beliefs_{};
    time_point next_change_ = time_point::min();
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
