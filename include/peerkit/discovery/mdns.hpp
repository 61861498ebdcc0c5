// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Discovery by multicast DNS: nodes of the local link become candidates; and what a node publishes to be one.
#ifndef PEERKIT_DISCOVERY_MDNS_HPP
#define PEERKIT_DISCOVERY_MDNS_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/mdns_protocol.hpp>
#include <peerkit/discovery/strategy.hpp>
#include <peerkit/wire/dns_name.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// What a node says of itself in its TXT record. Everybody on the link can read it: no secrets.
struct mdns_facts {
    node_id id{};
    std::uint16_t gossip_port = 0; ///< also the port of the SRV record
    std::uint16_t api_port = 0;    ///< 0: none
    std::string name{};
    std::string version{};
    std::string network{}; ///< a hash of the network's name or key, so that others need not dial; empty: not said
    std::vector<label> labels{};
};

/// Octets of a TXT record that fit into any publication, however long its names are.
inline constexpr std::size_t mdns_text_limit = 800;

/// The strings of the TXT record: "v=1", then "id", "gossip", "api", "name", "version", "net", as far as they are
/// known, then the labels, as many as fit into `mdns_text_limit`: the node's announcement has them all. Labels under
/// one of these keys are left out.
[[nodiscard]] inline std::vector<std::string> mdns_text(mdns_facts const& from) {
    std::vector<std::string> text{"v=1"};
    auto const add = [&text](std::string_view key, std::string const& value) {
        if (!value.empty()) text.push_back(std::string{key} + "=" + value);
    };
    add("id", from.id ? from.id.to_string() : std::string{});
    add("gossip", from.gossip_port != 0 ? std::to_string(from.gossip_port) : std::string{});
    add("api", from.api_port != 0 ? std::to_string(from.api_port) : std::string{});
    add("name", from.name);
    add("version", from.version);
    add("net", from.network);
    std::size_t octets = 0;
    for (std::string const& one : text) octets += 1 + one.size();
    for (label const& l : from.labels) {
        std::size_t const size = 2 + l.key.size() + l.value.size();
        bool const fits = size <= 256 && octets + size <= mdns_text_limit;
        bool const taken = l.key == "v" || l.key == "id" || l.key == "gossip" || l.key == "api" || l.key == "name" ||
                           l.key == "version" || l.key == "net";
        if (taken || !fits) continue;
        octets += size;
        text.push_back(l.key + "=" + l.value);
    }
    return text;
}

struct mdns_options {
    std::string service{mdns_default_service};
    /// How long answers are waited for at most. Long enough that nodes started at the same moment find each other: each
    /// of them probes for its name for up to a second before it is there.
    duration listen = std::chrono::seconds{2};
    std::size_t max_instances = 1024;
    std::string network{}; ///< leave out nodes whose "net" says something else; empty: take all
    own_identity self{};   ///< what to leave out
};

/// The strategy behind multicast DNS (RFC 6762) and DNS-SD (RFC 6763): asks for the effect `browse_services` and makes
/// a candidate of every instance. Port from SRV, addresses from A and AAAA, the expected identity from the TXT key
/// "id", the name from "name", every other key a label. What is left of the records' life is that of the candidate.
///
/// This node is left out, and so are nodes of another network that say so. IPv6 link-local addresses are left out: they
/// mean nothing without an interface, which a candidate does not have. IPv4 link-local ones are kept, last.
///
/// @code
/// auto lan = discovery::mdns::make({.self = me}).value();
/// @endcode
class mdns {
public:
    /// @par Errors `bad_option` (field "service", "listen", "instances")
    [[nodiscard]] static result<mdns> make(mdns_options options = {}) {
        if (auto const name = mdns_service_name(options.service); !name) return fail(name.error());
        if (options.listen <= duration::zero()) return fail(discovery_error::bad_option, 0, "listen");
        if (options.max_instances == 0) return fail(discovery_error::bad_option, 0, "instances");
        return mdns{std::move(options)};
    }

    [[nodiscard]] std::string_view name() const noexcept { return "mdns"; }

    [[nodiscard]] step begin(time_point) {
        return step::ask(browse_services{options_.service, options_.listen, options_.max_instances});
    }

    [[nodiscard]] step resume(ticket, outcome got, time_point) {
        auto const* const heard = std::get_if<service_instances>(&got);
        if (heard == nullptr) return step::failed(why_not(got));
        std::vector<candidate> found;
        std::size_t unusable = 0;
        std::string first_unusable;
        for (service_instance const& one : heard->instances) {
            if (found.size() == options_.max_instances) break;
            candidate c = make_candidate(one);
            if (is_elsewhere(one)) continue;
            if (c.addresses.empty()) {
                if (unusable++ == 0) first_unusable = printable(one.instance);
                continue;
            }
            found.push_back(std::move(c));
        }
        drop_self(found, options_.self);
        step answer = step::found(std::move(found));
        if (unusable == 0) return answer;
        return std::move(answer).with({notice::severity::info, error{discovery_error::bad_entry, unusable, "address"},
                                       "no address that can be dialled: " + first_unusable});
    }

private:
    explicit mdns(mdns_options options) : options_{std::move(options)} {}

    /// Labels may hold any octets; what people read has no control characters.
    [[nodiscard]] static std::string printable(std::string_view from) {
        std::string text{from};
        for (char& c : text) {
            auto const octet = static_cast<unsigned char>(c);
            if (octet < 0x20 || octet == 0x7f) c = '?';
        }
        return text;
    }
    [[nodiscard]] static bool same_key(std::string_view left, std::string_view right) noexcept {
        return wire::same_label(left, right);
    }
    /// The value of the first string with this key (RFC 6763, 6.4); empty if there is none.
    [[nodiscard]] static std::string_view value_of(service_instance const& one, std::string_view key) noexcept {
        for (std::string_view const text : one.text) {
            auto const equals = text.find('=');
            if (same_key(text.substr(0, equals), key)) {
                return equals == std::string_view::npos ? std::string_view{} : text.substr(equals + 1);
            }
        }
        return {};
    }
    [[nodiscard]] bool is_elsewhere(service_instance const& one) const noexcept {
        std::string_view const network = value_of(one, "net");
        return !options_.network.empty() && !network.empty() && network != options_.network;
    }
    [[nodiscard]] candidate make_candidate(service_instance const& one) const {
        candidate c;
        std::string_view const called = value_of(one, "name");
        c.name = c.name.cut(printable(called.empty() ? std::string_view{one.instance} : called));
        c.source = provenance::mdns;
        c.strategy = c.strategy.cut(name());
        c.state = presence::online;
        c.time_to_live = one.time_to_live;
        c.id = node_id::parse(value_of(one, "id")).value_or(node_id{});
        for (bool const link_local : {false, true}) {
            for (ip_address const& a : one.addresses) {
                bool const dialled = is_unicast(a) && !(a.is_link_local() && a.family() == ip_family::v6);
                if (one.port != 0 && dialled && a.is_link_local() == link_local) {
                    static_cast<void>(c.addresses.push_back({a, one.port}));
                }
            }
        }
        for (std::string_view const text : one.text) {
            auto const equals = std::min(text.find('='), text.size());
            std::string_view const key = text.substr(0, equals);
            std::string_view const value = text.substr(std::min(equals + 1, text.size()));
            if (c.labels.size() == limits::labels) break;
            if (same_key(key, "id") || same_key(key, "v") || same_key(key, "name")) continue;
            if (!check_name(key, limits::label_key, "key") || !check_text(value, limits::label_value, "value"))
                continue;
            bool const seen =
                std::any_of(c.labels.begin(), c.labels.end(), [key](label const& l) { return same_key(l.key, key); });
            if (!seen) c.labels.push_back({std::string{key}, std::string{value}});
        }
        return c;
    }

    mdns_options options_;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
