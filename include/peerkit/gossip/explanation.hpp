// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Why a member has the state it has: everything this node goes by, as a value and as text.
#ifndef PEERKIT_GOSSIP_EXPLANATION_HPP
#define PEERKIT_GOSSIP_EXPLANATION_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/membership/member_state.hpp>
#include <peerkit/membership/round_trips.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// What this node knows of one member and why it holds it for what it does. Owns everything; ages are as of `asked`.
struct explanation {
    /// Somebody who accuses, or told of, the member.
    struct witness {
        short_id id{};
        std::string name{}; ///< empty if that node is not known any more
    };
    /// One way to reach it, in the order in which they are tried.
    struct way {
        ip_endpoint where{};
        address_kind kind = address_kind::unspecified;
        bool in_use = false;
        bool proven = false; ///< the member was heard there
    };
    /// One of the latest changes.
    struct change {
        duration ago{};
        event_kind kind{};
        cause why = cause::none;
        witness by{};
    };

    node_id id{};
    std::string name{};
    bool is_self = false;
    membership::member_state state{};
    duration in_state{}; ///< as seen here
    std::uint64_t incarnation = 0;
    bool reported = false; ///< the host was told that it is up; a tombstone learnt from others is not

    std::vector<witness> accusers{};          ///< of the running suspicion
    std::optional<duration> left_to_refute{}; ///< until the suspicion runs out, if nobody else accuses
    std::uint8_t confirmations = 0;           ///< accusers beyond the first that shorten it the most
    bool probed_now = false;                  ///< this node is asking it at this moment

    std::optional<duration> last_heard{}; ///< since it was heard itself, to two seconds
    std::optional<membership::round_trip> round_trip{};
    std::vector<way> ways{};
    std::vector<change> changes{}; ///< of the latest of all members, the oldest first
    time_point asked{};

    /// How it was learnt that the member is up, if that is still among the latest changes.
    [[nodiscard]] change const* learnt() const noexcept {
        change const* found = nullptr;
        for (change const& one : changes) {
            if (one.kind == event_kind::member_up) found = &one;
        }
        return found;
    }
};

namespace detail {

/// "850 us", "12.3 ms", "4.2 s", "7 min", "3 h", "2 d".
[[nodiscard]] inline std::string short_duration(duration span) {
    using namespace std::chrono;
    auto const tenths = [](std::int64_t value, char const* unit) {
        std::string text = std::to_string(value / 10);
        if (value < 1000) text.append(".").append(std::to_string(value % 10));
        return text.append(" ").append(unit);
    };
    if (span < duration::zero()) span = duration::zero();
    if (span < milliseconds{1}) return std::to_string(duration_cast<microseconds>(span).count()) + " us";
    if (span < seconds{1}) return tenths(span / microseconds{100}, "ms");
    if (span < minutes{2}) return tenths(span / milliseconds{100}, "s");
    if (span < hours{2}) return std::to_string(duration_cast<minutes>(span).count()) + " min";
    if (span < hours{48}) return std::to_string(duration_cast<hours>(span).count()) + " h";
    return std::to_string(duration_cast<hours>(span).count() / 24) + " d";
}
[[nodiscard]] inline std::string text_of(explanation::witness const& who) {
    return who.name.empty() ? to_string(who.id) : who.name + " (" + to_string(who.id) + ")";
}

} // namespace detail

/// Some lines for people, each ended by a line feed.
/// @code
/// db2 (29acbae141bccaf0) is suspect for 3.2 s, incarnation 1700000000000017
///   accused by 2 of 3: db1 (03a1...), db7 (9c44...); 4.1 s left to refute
///   last heard 6.0 s ago; round trip 1.2 ms, varying by 0.3 ms
///   reached at 10.0.0.2:9000 (heard there); then 192.0.2.2:9000
///   5 min ago: up, announced, by db1 (03a1...)
/// @endcode
[[nodiscard]] inline std::string to_text(explanation const& e) {
    using detail::short_duration;
    std::string text = e.name + " (" + to_string(e.id.short_id()) + ") is " +
                       std::string{membership::to_string(e.state)} + " for " + short_duration(e.in_state) +
                       ", incarnation " + std::to_string(e.incarnation);
    if (e.is_self) text += ", this node itself";
    if (!e.reported && !e.is_self) text += ", known by hearsay only";
    text += '\n';
    if (!e.accusers.empty()) {
        text +=
            "  accused by " + std::to_string(e.accusers.size()) + " of " + std::to_string(e.confirmations + 1U) + ": ";
        for (std::size_t i = 0; i < e.accusers.size(); ++i)
            text.append(i == 0 ? "" : ", ").append(detail::text_of(e.accusers[i]));
        if (e.left_to_refute) text += "; " + short_duration(*e.left_to_refute) + " left to refute";
        text += '\n';
    }
    if (e.probed_now) text += "  is being asked at this moment\n";
    if (!e.is_self) {
        text += e.last_heard ? "  last heard " + short_duration(*e.last_heard) + " ago" : "  never heard itself";
        if (e.round_trip) {
            text += "; round trip " + short_duration(e.round_trip->smoothed) + ", varying by " +
                    short_duration(e.round_trip->variation);
        }
        text += '\n';
    }
    for (std::size_t i = 0; i < e.ways.size(); ++i) {
        text.append(i == 0 ? "  reached at " : "; then ").append(e.ways[i].where.to_string());
        if (e.ways[i].proven) text += " (heard there)";
    }
    if (!e.ways.empty()) text += '\n';
    for (explanation::change const& one : e.changes) {
        text += "  " + short_duration(one.ago) + " ago: " + std::string{to_string(one.kind)};
        if (one.why != cause::none) text += ", " + std::string{to_string(one.why)};
        if (static_cast<std::uint64_t>(one.by.id) != 0) text += ", by " + detail::text_of(one.by);
        text += '\n';
    }
    return text;
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
