// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// In which order the places are tried at which one node may be found, down to guesses.
#ifndef PEERKIT_NODE_FALLBACK_ORDER_HPP
#define PEERKIT_NODE_FALLBACK_ORDER_HPP

#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/bounded_list.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/node/known_candidate.hpp>
#include <peerkit/node/provenance_set.hpp>
#include <peerkit/wire/record.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// Why a node may be found at an address, the best reason first: the order in which a call goes through them.
enum class whereabouts : std::uint8_t {
    proven,     ///< it answered there last, in this life
    configured, ///< the user named the address
    found,      ///< a strategy or a member names it now
    remembered, ///< it was there in an earlier life of this node: its last announcement, and where it was reached
    service,    ///< a port it served something on, according to that announcement
    neighbour,  ///< a guess: a port beside one it was reached at, on the same machine
};

[[nodiscard]] constexpr std::string_view to_string(whereabouts why) noexcept {
    switch (why) {
    case whereabouts::proven: return "answered there last";
    case whereabouts::configured: return "configured";
    case whereabouts::found: return "found";
    case whereabouts::remembered: return "remembered";
    case whereabouts::service: return "port of a service";
    case whereabouts::neighbour: return "neighbouring port";
    }
    return "unknown";
}

/// Where to look for one candidate next. A round calls all its addresses, the best reason first. When whole rounds
/// have been in vain, each further one ends with one guess more: first the ports of the services it last announced,
/// then ports beside those it was reached at, as of a program that found its port taken.
///
/// Guesses are made only for a candidate whose identity is known and that more than strangers vouch for: whoever
/// answers there is believed for its signature alone, and a member's word makes nobody knock at doors.
class fallback_order {
public:
    /// Rounds in vain before anything is guessed.
    static constexpr std::uint32_t vain_rounds = 2;
    /// Service ports looked at, and ports tried on each side of one that worked.
    static constexpr std::size_t most_services = 4;
    static constexpr std::uint16_t reach = 2;
    /// Addresses of a candidate whose neighbouring ports are tried.
    static constexpr std::size_t most_machines = 2;
    using place_list = discovery::bounded_list<ip_endpoint, most_services + most_machines * reach * 2>;

    [[nodiscard]] static whereabouts of(known_candidate const& entry, std::size_t place) noexcept {
        if (place == entry.proven_place) return whereabouts::proven;
        provenance_set const sources = entry.places[place].sources();
        if (trust_of(sources) == trust::user) return whereabouts::configured;
        return sources == provenance_set{discovery::provenance::stored} ? whereabouts::remembered : whereabouts::found;
    }
    /// The address of the round to call next; none when all have been called.
    [[nodiscard]] static std::optional<std::size_t> next_place(known_candidate const& entry) noexcept {
        std::optional<std::size_t> best;
        for (std::size_t i = 0; i < entry.places.size(); ++i) {
            if ((entry.tried >> i & 1U) != 0) continue;
            if (!best || of(entry, i) < of(entry, *best)) best = i;
        }
        return best;
    }
    /// What to try beyond its addresses in this round; none if nothing is guessed.
    [[nodiscard]] static ip_endpoint guess(known_candidate const& entry) noexcept {
        if (entry.unanswered < vain_rounds || !entry.id || entry.standing == trust::stranger) return {};
        place_list const all = beyond(entry);
        return all.empty() ? ip_endpoint{} : all.begin()[(entry.unanswered - vain_rounds) % all.size()];
    }
    /// All that is guessed of a candidate, in order.
    [[nodiscard]] static place_list beyond(known_candidate const& entry) noexcept {
        place_list all;
        auto const add = [&](ip_endpoint const& where) {
            if (where && !entry.has(where) && !all.contains(where)) static_cast<void>(all.push_back(where));
        };
        for (ip_endpoint const& where : entry.services) add(where);
        discovery::bounded_list<ip_endpoint, most_machines> machines;
        for (known_place const& p : entry.places) {
            bool same = false;
            for (ip_endpoint const& m : machines) same |= m.address == p.where.address;
            if (!same) static_cast<void>(machines.push_back(p.where));
        }
        for (std::uint16_t away = 1; away <= reach; ++away) {
            for (ip_endpoint const& m : machines) {
                if (m.port <= 65535 - away) add({m.address, static_cast<std::uint16_t>(m.port + away)});
                if (m.port > away) add({m.address, static_cast<std::uint16_t>(m.port - away)});
            }
        }
        return all;
    }
    /// The service ports of an announcement, at its first address: the api port, then the services, by name.
    [[nodiscard]] static std::vector<ip_endpoint> services_of(wire::record_view record) {
        std::vector<ip_endpoint> found;
        ip_endpoint const first = record.first_endpoint();
        auto const add = [&](std::uint16_t port) {
            if (!first || port == 0 || found.size() == most_services || port == first.port) return;
            for (ip_endpoint const& seen : found) {
                if (seen.port == port) return;
            }
            found.push_back({first.address, port});
        };
        add(record.api_port());
        for (auto const& s : record.services()) add(s.port);
        return found;
    }
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
