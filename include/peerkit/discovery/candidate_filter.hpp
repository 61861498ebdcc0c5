// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What is taken out of a list of candidates: this node, addresses that lead nowhere, the same node twice.
#ifndef PEERKIT_DISCOVERY_CANDIDATE_FILTER_HPP
#define PEERKIT_DISCOVERY_CANDIDATE_FILTER_HPP

#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// What this node knows of itself, to leave itself out. Several nodes may share a host, so an address or host name
/// is this node only together with its gossip port.
struct own_identity {
    std::vector<ip_address> addresses;   ///< of every local interface the node listens on, loopback included
    std::uint16_t port = 0;              ///< the gossip port; 0: not known, then nothing is taken for this node
    std::vector<std::string> host_names; ///< names of this host, with or without domain; compared without case
    node_id id;                          ///< zero: not known

    [[nodiscard]] bool is_me(ip_endpoint const& there) const noexcept {
        return port != 0 && there.port == port &&
               std::find(addresses.begin(), addresses.end(), there.address) != addresses.end();
    }
    [[nodiscard]] bool is_me(std::string_view host, std::uint16_t host_port) const noexcept {
        return port != 0 && host_port == port &&
               std::any_of(host_names.begin(), host_names.end(),
                           [host](std::string_view own) { return same(host, own); });
    }
    [[nodiscard]] bool is_me(node_id const& who) const noexcept { return id && who == id; }

private:
    [[nodiscard]] static bool same(std::string_view left, std::string_view right) noexcept {
        if (left.ends_with('.')) left.remove_suffix(1);
        if (right.ends_with('.')) right.remove_suffix(1);
        auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
        return !left.empty() && std::equal(left.begin(), left.end(), right.begin(), right.end(),
                                           [lower](char a, char b) { return lower(a) == lower(b); });
    }
};

/// True for an address that can belong to one particular node: not unspecified, not multicast or broadcast.
[[nodiscard]] constexpr bool is_unicast(ip_address const& address) noexcept {
    return address && !address.is_unspecified() && !address.is_multicast();
}

/// True for an address that may belong to another machine: unicast, neither loopback nor link-local. For sources
/// outside this machine; a user may well list 127.0.0.1.
[[nodiscard]] constexpr bool is_remote(ip_address const& address) noexcept {
    return is_unicast(address) && !address.is_loopback() && !address.is_link_local();
}

/// Takes out every address for which `unwanted(ip_endpoint)` holds, and every candidate left without address.
/// @returns how many candidates were taken out.
template <typename Predicate>
std::size_t drop_addresses(std::vector<candidate>& found, Predicate unwanted) {
    return std::erase_if(found, [&unwanted](candidate& c) {
        c.addresses.remove_if(unwanted);
        return c.addresses.empty();
    });
}

/// Takes this node out: by identity, or address by address.
/// @returns how many candidates were taken out.
inline std::size_t drop_self(std::vector<candidate>& found, own_identity const& me) {
    std::size_t const by_id = std::erase_if(found, [&me](candidate const& c) { return me.is_me(c.id); });
    return by_id + drop_addresses(found, [&me](ip_endpoint const& there) { return me.is_me(there); });
}

/// Takes out addresses that no remote source can mean, ports of 0 included.
/// @returns how many candidates were taken out.
inline std::size_t drop_unreachable(std::vector<candidate>& found) {
    return drop_addresses(found, [](ip_endpoint const& there) { return there.port == 0 || !is_remote(there.address); });
}

/// Merges candidates that have the same known identity or share an address: the first one stays in its place and
/// gains the addresses it lacked (as long as they fit) and what it did not know. Two different known identities on
/// one address stay apart.
/// @returns how many candidates were merged into another. Sorts an index, so the cost is n log n.
inline std::size_t merge_duplicates(std::vector<candidate>& found) {
    struct entry {
        ip_endpoint there;
        std::size_t index;
        [[nodiscard]] auto operator<=>(entry const&) const noexcept = default;
    };
    std::vector<std::size_t> parent(found.size());
    for (std::size_t i = 0; i < parent.size(); ++i) parent[i] = i;
    auto const root = [&parent](std::size_t i) {
        while (parent[i] != i) i = parent[i] = parent[parent[i]];
        return i;
    };
    std::vector<node_id> known(found.size());
    for (std::size_t i = 0; i < found.size(); ++i) known[i] = found[i].id;
    auto const join = [&](std::size_t a, std::size_t b) {
        std::size_t const first = std::min(root(a), root(b)), second = std::max(root(a), root(b));
        if (first == second || (known[first] && known[second] && known[first] != known[second])) return;
        parent[second] = first;
        if (!known[first]) known[first] = known[second];
    };

    std::vector<std::pair<node_id, std::size_t>> ids;
    std::vector<entry> places;
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (found[i].id) ids.emplace_back(found[i].id, i);
        for (ip_endpoint const& there : found[i].addresses) places.push_back({there, i});
    }
    std::sort(ids.begin(), ids.end());
    for (std::size_t i = 1; i < ids.size(); ++i) {
        if (ids[i].first == ids[i - 1].first) join(ids[i - 1].second, ids[i].second);
    }
    std::sort(places.begin(), places.end());
    for (std::size_t i = 1; i < places.size(); ++i) {
        if (places[i].there == places[i - 1].there) join(places[i - 1].index, places[i].index);
    }

    std::size_t kept = 0;
    std::vector<std::size_t> place(found.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (std::size_t const first = root(i); first != i) {
            candidate& into = found[place[first]];
            for (ip_endpoint const& there : found[i].addresses) {
                if (!into.addresses.contains(there)) static_cast<void>(into.addresses.push_back(there));
            }
            if (!into.id) into.id = found[i].id;
            if (into.name.empty()) into.name = found[i].name;
            if (into.state != presence::online && found[i].state != presence::unknown) into.state = found[i].state;
            for (label& l : found[i].labels) {
                if (std::find(into.labels.begin(), into.labels.end(), l) == into.labels.end()) {
                    into.labels.push_back(std::move(l));
                }
            }
            continue;
        }
        place[i] = kept;
        if (kept != i) found[kept] = std::move(found[i]);
        ++kept;
    }
    std::size_t const merged = found.size() - kept;
    found.erase(found.begin() + static_cast<std::ptrdiff_t>(kept), found.end());
    return merged;
}

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
