// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What becomes of two nodes with one name: the rule, and the index that finds them.
#ifndef PEERKIT_GOSSIP_NAME_POLICY_HPP
#define PEERKIT_GOSSIP_NAME_POLICY_HPP

#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/membership/member_state.hpp>
#include <peerkit/membership/member_table.hpp>
#include <peerkit/membership/slot_column.hpp>
#include <peerkit/wire/record.hpp>

#include <cstdint>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Nodes are told apart by their keys; names are labels for people. A host that wants names to be unique among the
/// living chooses who keeps one. All nodes of a cluster should choose the same.
///
/// The order is that of incarnations, which begin with the time of the start, then that of the keys: it does not depend
/// on what a node heard first, so all decide alike. A name is only a claim: a member with the network's key can take
/// the name of another. Members that do not trust each other should not rely on names.
enum class name_policy : std::uint8_t {
    allow,   ///< several members may have one name
    refuse,  ///< whoever was started first keeps it; later ones are refused until it is dead or has left
    replace, ///< whoever was started last gets it; earlier ones are dropped
};

/// Whether the node of `claim` may have a name that the node of `held` has.
[[nodiscard]] constexpr bool wins_name(name_policy policy, wire::record_key const& claim,
                                       wire::record_key const& held) noexcept {
    std::pair const claimed{claim.incarnation, claim.subject}, holding{held.incarnation, held.subject};
    return policy == name_policy::allow || (policy == name_policy::refuse ? claimed < holding : holding < claimed);
}

/// Finds rows by name: two bytes a member, looked through one after the other. Not thread safe.
class name_index {
public:
    void note(membership::slot at, std::string_view name) { hashes_.set(at, hash(name)); }
    void clear(membership::slot at) noexcept { hashes_.clear(at); }
    /// A row other than `except` that is alive or suspect and has that name.
    [[nodiscard]] membership::slot find(membership::member_table const& table, std::string_view name,
                                        membership::slot except) const noexcept {
        std::uint16_t const wanted = hash(name);
        for (membership::slot at = 0; at < table.end(); ++at) {
            if (hashes_[at] != wanted || at == except) continue;
            membership::member const& row = table[at];
            if (row.used && row.state <= membership::member_state::suspect && row.record().name() == name) return at;
        }
        return membership::no_slot;
    }

private:
    /// FNV-1a, folded; never 0, which means no name.
    [[nodiscard]] static constexpr std::uint16_t hash(std::string_view name) noexcept {
        std::uint32_t word = 2166136261U;
        for (char const c : name) word = (word ^ static_cast<unsigned char>(c)) * 16777619U;
        return static_cast<std::uint16_t>(((word >> 16U) ^ word) | 1U);
    }

    membership::slot_column<std::uint16_t> hashes_;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
