// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The registry protocol of Consul: a service with a TTL check at an agent, blocking queries of its health.
#ifndef PEERKIT_REGISTRY_CONSUL_HPP
#define PEERKIT_REGISTRY_CONSUL_HPP

#include <peerkit/core/base64.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/json_writer.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/registry/json_reply.hpp>
#include <peerkit/registry/protocol.hpp>
#include <peerkit/registry/record_candidate.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

struct consul_options {
    std::string service = "peerkit"; ///< letters, digits and '-': the name of the service
};

/// A node is an instance of one service at the agent that is asked (an agent on this machine, usually: it is the agent
/// that holds the registration), tagged with the domain, with a check that the node passes again and again. The node's
/// announcement is in the metadata, in parts, as a value there has at most 512 characters. Instances without one count
/// with their address and port. The client's token is shown as X-Consul-Token.
///
/// A change is watched for by a blocking query. That it returns is no proof of a change, and its index may go back; the
/// client lists anew whenever it has returned, so that neither matters. A `RegistryProtocol`. Not thread-safe.
/// See https://developer.hashicorp.com/consul/api-docs/features/blocking.
class consul {
public:
    explicit consul(consul_options options = {}) : options_{std::move(options)} {}

    [[nodiscard]] std::string_view name() const noexcept { return "consul"; }
    [[nodiscard]] std::uint16_t default_port() const noexcept { return 8500; }

    [[nodiscard]] std::optional<discovery::http_request> request(client_task task, registrant const& who) {
        using discovery::http_method;
        switch (task) {
        case client_task::list: return ask(http_method::get, instances(who), who);
        case client_task::watch: {
            if (index_ == 0) return std::nullopt;
            auto made = ask(http_method::get, instances(who) + "&index=" + std::to_string(index_) + "&wait=55s", who);
            made.timeout = std::chrono::seconds{65}; // the agent adds up to a sixteenth
            return made;
        }
        case client_task::enroll:
        case client_task::renew:
        case client_task::leave: break;
        }
        auto const record = wire::record_view::parse(who.record);
        if (!record) return std::nullopt;
        std::string const id = "peerkit-" + record->id().to_string();
        if (task == client_task::renew) return ask(http_method::put, "/v1/agent/check/pass/service:" + id, who);
        if (task == client_task::leave) return ask(http_method::put, "/v1/agent/service/deregister/" + id, who);
        auto made = ask(http_method::put, "/v1/agent/service/register", who);
        made.headers.push_back({"Content-Type", "application/json"});
        made.body = registration(*record, id, who);
        return made;
    }

    [[nodiscard]] client_answer answer(client_task task, discovery::http_reply const& reply, registrant const& who) {
        if (reply.status != 200) return refusal(task, reply);
        switch (task) {
        case client_task::enroll:
        case client_task::renew: return known{.time_to_live = who.time_to_live};
        case client_task::list: return take_list(reply);
        case client_task::leave: return gone{};
        case client_task::watch: break;
        }
        return refused{};
    }

    void forget() noexcept {}

private:
    static constexpr std::size_t part_size = 512, most_parts = 3; // of a record in Base64
    static_assert(base64_size(limits::record) <= part_size * most_parts);
    static constexpr std::string_view part_key = "peerkit-record-";

    [[nodiscard]] static discovery::http_request ask(discovery::http_method method, std::string target,
                                                     registrant const& who) {
        discovery::http_request made{.method = method, .target = std::move(target)};
        if (!who.token.empty()) made.headers.push_back({"X-Consul-Token", std::string{who.token}});
        return made;
    }
    /// The domain is a host name, and needs no escapes.
    [[nodiscard]] std::string instances(registrant const& who) const {
        std::string made = "/v1/health/service/" + options_.service + "?passing=1";
        if (!who.domain.empty()) made.append("&tag=").append(who.domain);
        return made;
    }
    [[nodiscard]] std::string registration(wire::record_view record, std::string const& id,
                                           registrant const& who) const {
        json_writer body;
        body.open('{').field("ID", id).field("Name", options_.service);
        for (typed_address const& a : record.addresses()) {
            body.field("Address", a.address.to_string());
            body.field("Port", a.port != 0 ? a.port : record.gossip_port());
            break;
        }
        if (!who.domain.empty()) body.key("Tags").open('[').value(who.domain).close(']');
        body.key("Meta").open('{');
        std::string const text = to_base64(record.bytes());
        for (std::size_t part = 0; part * part_size < text.size(); ++part) {
            body.field(std::string{part_key} + std::to_string(part), text.substr(part * part_size, part_size));
        }
        auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(who.time_to_live).count();
        body.close('}').key("Check").open('{').field("TTL", std::to_string(seconds) + "s");
        // Passing from the beginning: there is no gap. An agent takes no less than a minute for the removal.
        body.field("Status", "passing").field("DeregisterCriticalServiceAfter", "10m").close('}').close('}');
        return std::move(body).text();
    }

    // ---- Answers ---------------------------------------------------------------------------------------------------

    /// Errors are a line of text.
    [[nodiscard]] static client_answer refusal(client_task task, discovery::http_reply const& reply) {
        using discovery::discovery_error;
        std::string said;
        for (char const c : reply.body) {
            if (said.size() == refused::most_words || c == '\n') break;
            if (c >= ' ' && c < '\x7f') said += c;
        }
        bool const unheard = said.find("Unknown check") != std::string::npos ||
                             said.find("Unknown service") != std::string::npos; // older agents say so with 500
        if ((task == client_task::renew || task == client_task::leave) && (reply.status == 404 || unheard))
            return lost{};
        bool const denied = reply.status == 401 || reply.status == 403;
        bool const elsewhere = reply.status >= 500 || reply.status == 429 || reply.status == 404;
        return refused{denied ? discovery_error::not_permitted : discovery_error::server_failed, std::move(said),
                       retry_after(reply), elsewhere};
    }

    [[nodiscard]] client_answer take_list(discovery::http_reply const& reply) {
        listed all;
        bool const sound = json_->read_array(reply.body, [&](json_reply::value& row) {
            instance one;
            bool const whole = json_reply::object_in(row, [&](std::string_view key, json_reply::value& v) {
                if (key == "Node") {
                    return json_reply::object_in(v, [&](std::string_view inner, json_reply::value& field) {
                        return inner != "Address" || json_reply::read(field, one.node_address);
                    });
                }
                return key != "Service" || read_service(v, one);
            });
            if (!whole) return false;
            if (auto found = one.to_candidate()) all.found.push_back(std::move(*found));
            return true;
        });
        if (!sound) return refused{discovery::discovery_error::bad_reply, {}, {}, true};
        std::string_view const text = reply.header("x-consul-index");
        std::uint64_t index = 0;
        auto const [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), index);
        // None, or 0, counts as 1: with 0 a query does not wait.
        index_ = wrong == std::errc{} && end == text.data() + text.size() && index != 0 ? index : 1;
        return all;
    }

    struct instance {
        std::string_view node_address{}, address{}, id{};
        std::uint64_t port = 0;
        std::array<std::string_view, most_parts> parts{};

        [[nodiscard]] std::optional<discovery::candidate> to_candidate() const {
            if (!parts[0].empty()) {
                std::string text;
                for (std::string_view const part : parts) text += part.substr(0, part_size);
                std::array<std::byte, limits::record> record{};
                auto const size = from_base64(text, record);
                return size ? candidate_of(byte_view{record}.first(*size)) : std::nullopt;
            }
            auto const there = ip_address::parse(address.empty() ? node_address : address);
            if (!there || !discovery::is_unicast(*there) || port == 0 || port > 65535) return std::nullopt;
            discovery::candidate found;
            found.name = found.name.cut(id);
            found.addresses = {{*there, static_cast<std::uint16_t>(port)}};
            found.source = discovery::provenance::registry;
            return found;
        }
    };
    [[nodiscard]] static bool read_service(json_reply::value& v, instance& into) {
        return json_reply::object_in(v, [&](std::string_view key, json_reply::value& field) {
            if (key == "Address") return json_reply::read(field, into.address);
            if (key == "ID") return json_reply::read(field, into.id);
            if (key == "Port") return json_reply::read(field, into.port);
            if (key != "Meta") return true;
            return json_reply::object_in(field, [&](std::string_view name, json_reply::value& text) {
                if (!name.starts_with(part_key) || name.size() != part_key.size() + 1) return true;
                auto const part = static_cast<std::size_t>(name.back() - '0');
                return part >= most_parts || json_reply::read(text, into.parts[part]);
            });
        });
    }

    consul_options options_;
    std::unique_ptr<json_reply> json_ = std::make_unique<json_reply>(); ///< moves without throwing
    std::uint64_t index_ = 0;                                           ///< of the last list; 0: there was none
};

static_assert(check_protocol<consul>());

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
