// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Why the engine refused something: the enum of the gossip and membership floors.
#ifndef PEERKIT_GOSSIP_ERROR_HPP
#define PEERKIT_GOSSIP_ERROR_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>

#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Refusals and failures of the engine. Every value has a counter of the same index in `gossip::counters`.
enum class gossip_error : std::uint16_t {
    source_over_budget = 1, ///< Too many packets from one address; dropped before any cryptography.
    replayed,               ///< The frame was received before, or is older than the replay window.
    from_self,              ///< A frame or record that names the receiver as its sender.
    not_admitted,           ///< The trust gate does not admit this node.
    verify_over_budget,     ///< More signatures per second than the budget allows; the record is asked for later.
    bad_signature,          ///< The record is not signed by the key it names.
    refused_by_handler,     ///< The announcement handler refused the record.
    short_id_taken,         ///< Another member's key begins with the same 64 bits.
    table_full,             ///< The member table is full of members that may not be evicted.
    too_many_entries,       ///< One member has more entries, or more bytes of them, than it may.
    entries_full,           ///< The entries of all members together take all the memory they may.
    entry_too_large,        ///< The value of an entry is longer than its limit; position is its length.
    stale,                  ///< An older incarnation than the one held.
    unproven,               ///< An accusation of an incarnation this node has not seen signed.
    unknown_subject,        ///< A message about a node this node does not know.
    unexpected_ack,         ///< An answer to no question asked, or too late.
    too_many_relays,        ///< The cap on probes carried out for others is reached.
    too_many_suspicions,    ///< The cap on running suspicions is reached.
    too_many_streams,       ///< The cap on streams is reached.
    stream_protocol,        ///< A stream sent something that is not allowed at that point.
    stream_timed_out,       ///< A stream made no progress in time.
    stream_refused,         ///< The other side could not be dialled, or closed before the exchange was complete.
    stream_too_large,       ///< A state exchange is larger than its cap.
    message_out_of_place,   ///< A message that is not allowed in this kind of frame.
    not_running,            ///< The call needs a started node that has not left.
    bad_tunables,           ///< The tunables contradict each other; the field names the relation.
    implausible_address,    ///< A member says it sees this node at an address that nobody far away can see.
    comparison_over_budget, ///< More packets that compare digests than the budget allows.
    never_agrees,           ///< Comparing with a member comes to no end; it is left alone for a while.
    not_reachable,          ///< The member the message is for is dead, has left, or is this node itself.
    message_too_large,      ///< The payload is larger than its limit; position is its size.
    too_many_messages,      ///< More broadcasts of one origin than its budget allows, or from too many origins.
    too_many_requests,      ///< The cap on this node's own requests under way is reached.
    request_timed_out,      ///< No answer came in time.
    request_refused,        ///< Nobody handles the topic there, or the handler declined.
    request_busy,           ///< Too many requests are under way there.
    no_such_request,        ///< The request was answered before, is not known, or its requester has given up.
    name_taken,             ///< Another member has this name and the better claim to it (`name_policy`).
};
inline constexpr std::uint16_t gossip_error_count = static_cast<std::uint16_t>(gossip_error::name_taken) + 1;

} // namespace gossip

template <>
struct domain_of<gossip::gossip_error> {
    static constexpr std::string_view sentence(std::uint16_t value) noexcept {
        using enum gossip::gossip_error;
        switch (static_cast<gossip::gossip_error>(value)) {
        case source_over_budget: return "too many packets from one address";
        case replayed: return "the frame was received before or is older than the replay window";
        case from_self: return "the frame or record names the receiver as its sender";
        case not_admitted: return "the trust gate does not admit this node";
        case verify_over_budget: return "more signatures per second than the budget allows";
        case bad_signature: return "the record is not signed by the key it names";
        case refused_by_handler: return "the announcement handler refused the record";
        case short_id_taken: return "another member's key begins with the same 64 bits";
        case table_full: return "the member table is full of members that may not be evicted";
        case too_many_entries: return "one member has more entries or more bytes of them than it may";
        case entries_full: return "the entries of all members together take all the memory they may";
        case entry_too_large: return "the value of an entry is longer than its limit";
        case stale: return "an older incarnation than the one held";
        case unproven: return "an accusation of an incarnation that was not seen signed";
        case unknown_subject: return "a message about a node that is not known";
        case unexpected_ack: return "an answer to no question asked, or too late";
        case too_many_relays: return "the cap on probes carried out for others is reached";
        case too_many_suspicions: return "the cap on running suspicions is reached";
        case too_many_streams: return "the cap on streams is reached";
        case stream_protocol: return "a stream sent something that is not allowed at that point";
        case stream_timed_out: return "a stream made no progress in time";
        case stream_refused: return "the other side could not be dialled or closed before the exchange was complete";
        case stream_too_large: return "a state exchange is larger than its cap";
        case message_out_of_place: return "a message that is not allowed in this kind of frame";
        case not_running: return "the call needs a started node that has not left";
        case bad_tunables: return "the tunables contradict each other";
        case implausible_address: return "a member says it sees this node at an address that nobody far away can see";
        case comparison_over_budget: return "more packets that compare digests than the budget allows";
        case never_agrees: return "comparing digests with a member comes to no end";
        case not_reachable: return "the member the message is for is dead, has left, or is this node itself";
        case message_too_large: return "the payload is larger than its limit";
        case too_many_messages: return "more broadcasts than the budget of their origin allows";
        case too_many_requests: return "the cap on requests under way is reached";
        case request_timed_out: return "no answer came in time";
        case request_refused: return "nobody handles the topic there, or the handler declined";
        case request_busy: return "too many requests are under way there";
        case name_taken: return "another member has this name and the better claim to it";
        case no_such_request: return "the request was answered before, is not known, or its requester has given up";
        }
        return "unknown gossip error";
    }
    static constexpr error_domain const& get() noexcept { return domain; }
    static constexpr error_domain domain{"gossip", &sentence};
};

PEERKIT_END_NAMESPACE

#endif
