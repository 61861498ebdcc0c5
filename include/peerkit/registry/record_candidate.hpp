// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// From an announcement that a registry hands out to a candidate.
#ifndef PEERKIT_REGISTRY_RECORD_CANDIDATE_HPP
#define PEERKIT_REGISTRY_RECORD_CANDIDATE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/wire/record.hpp>

#include <cstdint>
#include <optional>
#include <string>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// The candidate that a record describes: its addresses with ports, name, identity and labels. None if the bytes are
/// no record, the node says in it that it has left, or it names no address that can be called. The signature is not
/// looked at: a candidate is never trusted, and whoever answers there has to sign.
[[nodiscard]] inline std::optional<discovery::candidate> candidate_of(byte_view bytes) {
    auto const record = wire::record_view::parse(bytes);
    if (!record || record->left()) return std::nullopt;
    discovery::candidate found;
    found.name = found.name.cut(record->name());
    found.id = record->id();
    found.source = discovery::provenance::registry;
    for (typed_address const& a : record->addresses()) {
        std::uint16_t const port = a.port != 0 ? a.port : record->gossip_port();
        if (port == 0 || !discovery::is_unicast(a.address)) continue;
        static_cast<void>(found.addresses.push_back({a.address, port}));
    }
    if (found.addresses.empty()) return std::nullopt;
    for (wire::label_view const& l : record->labels()) {
        found.labels.push_back({std::string{l.key}, std::string{l.value}});
    }
    return found;
}

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
