// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the host is told: events, each with its cause.
#ifndef PEERKIT_GOSSIP_EVENT_HPP
#define PEERKIT_GOSSIP_EVENT_HPP

#include <peerkit/core/bounded_text.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Per observer and subject the member events form `(up (updated | suspected | refuted)* (dead | left)? removed?)*`.
enum class event_kind : std::uint8_t {
    member_up,         ///< a member is alive that was unknown, dead or gone
    member_updated,    ///< a member announced a changed description
    member_suspected,  ///< a member is accused and may refute
    member_refuted,    ///< a suspected member is alive after all
    member_dead,       ///< a member did not refute in time
    member_left,       ///< a member said goodbye
    member_removed,    ///< a tombstone expired or was evicted; the member is forgotten
    conflict,          ///< two different records with the same key and incarnation: a cloned key
    self_refuted,      ///< this node was accused and minted a new incarnation
    self_left,         ///< the goodbye was spread; the shell may stop
    joined,            ///< a state exchange with another node completed for the first time since start or isolation
    join_failed,       ///< an attempt to join through an endpoint failed; `what` says why
    isolated,          ///< no other member is alive; discovery runs at once
    datagrams_blocked, ///< a member answered on a stream but not to datagrams
    discovery_started, ///< the strategies were asked
    discovery_found,   ///< the strategies answered; `count` candidates remain after filtering
    discovery_failed,  ///< the strategies failed; `what` says why; the last good answer is kept
    peer_found,     ///< a member became a candidate whom neither host nor strategy had named; `why` says how it was met
    peer_named,     ///< reverse DNS found a name for such a peer
    refused,        ///< something was refused for a reason the host should know of; `what` says which
    lagged,         ///< the host was too slow: `count` events were dropped here; see `event_queue`
    cluster_merged, ///< another cluster was met: `count` members came at once with `by`; told where the two meet
    address_observed, ///< `count` members see this node at `where`; without `where`: no more
    entry_changed,    ///< the entry `key` of a member's map is there, or has another value, since `version`
    entry_erased,     ///< the entry `key` of a member's map is gone since `version`
    peers_recalled,   ///< at the start: `count` peers of an earlier life became candidates
    listening,        ///< at the start: this node takes what others send; `what` says what it did not wait for
    announced,        ///< at the start: the `count` peers known by then have been called; the start is over
};

/// Why an event happened.
enum class cause : std::uint8_t {
    none,
    announced,         ///< a signed announcement arrived by gossip
    contacted,         ///< the subject itself answered or called
    state_exchange,    ///< learnt in a full exchange with `by`
    probe_failed,      ///< this node's own probe, direct and through helpers, was not answered
    accused,           ///< `by` accused the subject
    suspicion_expired, ///< the suspicion ran out without a refutation
    declared_by_other, ///< `by` declared the subject dead
    refuted,           ///< the subject signed a higher incarnation
    said_goodbye,      ///< the subject signed its leave
    tombstone_expired, ///< the tombstone's time was over
    evicted,           ///< room was needed
    requested,         ///< the host asked for it
    scheduled,         ///< its time had come
    alone,             ///< no other member is alive
    name_taken,        ///< `by` has the member's name and the better claim to it
};

[[nodiscard]] constexpr std::string_view to_string(event_kind kind) noexcept {
    switch (kind) {
    case event_kind::member_up: return "up";
    case event_kind::member_updated: return "updated";
    case event_kind::member_suspected: return "suspected";
    case event_kind::member_refuted: return "refuted";
    case event_kind::member_dead: return "dead";
    case event_kind::member_left: return "left";
    case event_kind::member_removed: return "removed";
    case event_kind::conflict: return "conflict";
    case event_kind::self_refuted: return "self-refuted";
    case event_kind::self_left: return "self-left";
    case event_kind::joined: return "joined";
    case event_kind::join_failed: return "join-failed";
    case event_kind::isolated: return "isolated";
    case event_kind::datagrams_blocked: return "datagrams-blocked";
    case event_kind::discovery_started: return "discovery-started";
    case event_kind::discovery_found: return "discovery-found";
    case event_kind::discovery_failed: return "discovery-failed";
    case event_kind::peer_found: return "peer-found";
    case event_kind::peer_named: return "peer-named";
    case event_kind::refused: return "refused";
    case event_kind::lagged: return "lagged";
    case event_kind::cluster_merged: return "cluster-merged";
    case event_kind::address_observed: return "address-observed";
    case event_kind::entry_changed: return "entry-changed";
    case event_kind::entry_erased: return "entry-erased";
    case event_kind::peers_recalled: return "peers-recalled";
    case event_kind::listening: return "listening";
    case event_kind::announced: return "announced";
    }
    return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(cause why) noexcept {
    switch (why) {
    case cause::none: return "none";
    case cause::announced: return "announced";
    case cause::contacted: return "contacted";
    case cause::state_exchange: return "state exchange";
    case cause::probe_failed: return "probe failed";
    case cause::accused: return "accused";
    case cause::suspicion_expired: return "suspicion expired";
    case cause::declared_by_other: return "declared by other";
    case cause::refuted: return "refuted";
    case cause::said_goodbye: return "said goodbye";
    case cause::tombstone_expired: return "tombstone expired";
    case cause::evicted: return "evicted";
    case cause::requested: return "requested";
    case cause::scheduled: return "scheduled";
    case cause::alone: return "alone";
    case cause::name_taken: return "name taken";
    }
    return "unknown";
}

/// One thing that happened. A value; nothing in it refers to the engine. The member's description is looked up with
/// `find(subject)` while the event is handled (a removed member is already gone).
struct event {
    event_kind kind{};
    cause why = cause::none;
    node_id subject{};             ///< the member concerned; zero for events of this node as a whole
    std::uint64_t incarnation = 0; ///< of the subject
    short_id by{};                 ///< accuser or partner, when `why` names one
    ip_endpoint where{};           ///< the endpoint concerned, when there is one
    std::optional<error> what{};   ///< the typed reason, for failures and refusals
    /// Candidates found, recalled or called; members after `joined`; members that came with `cluster_merged`; members
    /// that confirmed the goodbye of `self_left`, counted up to `farewell::needed`.
    std::uint32_t count = 0;
    /// For changes of state: how long the member was in the state before, as seen here. Zero when it was unknown.
    duration age{};
    /// Who accused the member: of a suspicion as far as known now, of a death, departure or refutation at its end.
    std::array<short_id, limits::accusers> accusers{};
    std::uint8_t accuser_count = 0;
    bounded_text<limits::entry_key> key{}; ///< of entries: which; the value is looked up with `get(subject, key)`
    std::uint64_t version = 0;             ///< of entries: minted by the owner, higher with every change of any key

    [[nodiscard]] std::span<short_id const> accuser_list() const noexcept { return {accusers.data(), accuser_count}; }
};

/// What an event tells of the state that has ended.
struct evidence {
    duration age{};
    std::array<short_id, limits::accusers> accusers{};
    std::uint8_t accuser_count = 0;

    /// The first of them, if there are more than an accusation names.
    void accused_by(std::span<short_id const> names) noexcept {
        accuser_count = static_cast<std::uint8_t>(std::min(names.size(), accusers.size()));
        std::copy_n(names.begin(), accuser_count, accusers.begin());
    }
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
