// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a registry client is told: where registries are, what to show them, and the numbers.
#ifndef PEERKIT_REGISTRY_CLIENT_OPTIONS_HPP
#define PEERKIT_REGISTRY_CLIENT_OPTIONS_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Options of `client`. Every member has a default, so that an initialiser names only what it sets.
struct client_options {
    /// Nodes of one domain belong together; every address of `tnr.<domain>` is taken for a registry. Empty: neither.
    std::string domain{};
    std::vector<std::string> registries{}; ///< "host", "host:port", "https://host:port"
    bool integrated = true;                ///< try this machine first, at the protocol's usual port
    bool announced = true;                 ///< at last, try those that members announce
    std::string remembered{};              ///< the one that worked in an earlier life, is asked first; empty: none

    std::string token{};      ///< shown to registries, not to announced ones
    std::string token_file{}; ///< in place of `token`; read again for every run, so that it can be replaced
    bool tls = false;         ///< HTTPS for registries that are not written with "http://"
    std::string ca_file{};    ///< PEM; empty: what the system trusts

    std::string found_by = "registry"; ///< what the registry is told of how this node finds others, for people
    bool enroll = true;                ///< make this node known; no: only look
    /// A node that is not heard of for so long is gone. A wish: the registry may say otherwise.
    duration time_to_live = std::chrono::seconds{45};
    duration request_timeout = std::chrono::seconds{5};      ///< for one answer
    duration hedge_after = std::chrono::milliseconds{500};   ///< then a read is sent to a second registry, too
    duration backoff_first = std::chrono::milliseconds{500}; ///< bound of the first pause after a failure; doubles ...
    duration backoff_most = std::chrono::seconds{30};        ///< ... up to this
    duration keep = std::chrono::hours{24};                  ///< for so long the last good list stands in for a failure
    duration second_look = std::chrono::seconds{3}; ///< when a list that lost more than half is asked for again
    std::size_t max_list = std::size_t{32} << 20U;  ///< bytes of an answer
    std::size_t max_candidates = 4096;              ///< beyond, the list is cut
    discovery::own_identity self{};                 ///< what to leave out
    std::uint64_t seed = 0;                         ///< of pauses; another one on every node
};

/// @par Errors `bad_option`, or that of the domain's host name; the field names the option.
[[nodiscard]] inline result<void> check(client_options const& o) {
    using discovery::discovery_error;
    auto const bad = [](char const* what) { return fail(discovery_error::bad_option, 0, what); };
    if (!o.domain.empty()) {
        auto const host = endpoint::parse("tnr." + o.domain, 1);
        if (!host) return fail(host.error().at(host.error().position(), "domain"));
        if (o.domain.find(':') != std::string::npos) return bad("domain");
    }
    if (o.time_to_live < std::chrono::seconds{3} || o.time_to_live > std::chrono::hours{24}) return bad("ttl");
    if (o.request_timeout <= duration::zero()) return bad("request_timeout");
    if (o.hedge_after <= duration::zero()) return bad("hedge_after");
    if (o.backoff_first <= duration::zero() || o.backoff_first > o.backoff_most) return bad("backoff");
    if (o.second_look <= duration::zero()) return bad("second_look");
    if (o.max_list == 0) return bad("max_list");
    if (o.max_candidates == 0) return bad("max_candidates");
    if (!o.token.empty() && !o.token_file.empty()) return bad("token_file");
    // A header must stay one.
    for (char const c : o.token) {
        if (static_cast<unsigned char>(c) < 0x21 || static_cast<unsigned char>(c) > 0x7e) return bad("token");
    }
    return {};
}

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
