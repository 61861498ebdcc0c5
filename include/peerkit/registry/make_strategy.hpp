// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Strategies as text with registries among them: the providers registry, etcd and consul besides all others.
#ifndef PEERKIT_REGISTRY_MAKE_STRATEGY_HPP
#define PEERKIT_REGISTRY_MAKE_STRATEGY_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/any_strategy.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/make_strategy.hpp>
#include <peerkit/discovery/provider_schema.hpp>
#include <peerkit/discovery/provider_table.hpp>
#include <peerkit/registry/client.hpp>
#include <peerkit/registry/client_options.hpp>
#include <peerkit/registry/consul.hpp>
#include <peerkit/registry/etcd.hpp>
#include <peerkit/registry/peerkit_http.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

namespace detail {

/// Keys of every registry, in front of those of its protocol.
[[nodiscard]] inline std::vector<discovery::provider_key> client_keys(std::vector<discovery::provider_key> own = {}) {
    using discovery::option_kind;
    constexpr std::uint64_t hour = 3'600'000;
    std::vector<discovery::provider_key> all{
        {.name = "servers", .kind = option_kind::list, .help = "registries: host, host:port, https://host:port"},
        {.name = "domain", .help = "nodes of it only; every address of tnr.<domain> is a registry"},
        {.name = "integrated", .kind = option_kind::flag, .help = "this machine first"},
        {.name = "announced", .kind = option_kind::flag, .help = "at last those that members announce"},
        {.name = "remembered", .help = "as it was announced in an earlier life"},
        {.name = "enroll", .kind = option_kind::flag, .help = "make this node known"},
        {.name = "ttl",
         .kind = option_kind::time,
         .help = "without word for so long, gone",
         .min = 3000,
         .max = 24 * hour},
        {.name = "token", .help = "shown to the registries"},
        {.name = "token_file", .help = "file with the token"},
        {.name = "tls", .kind = option_kind::flag, .help = "HTTPS where no scheme is written"},
        {.name = "ca_file", .help = "file of certificates to trust, PEM"},
        {.name = "request_timeout", .kind = option_kind::time, .help = "for one answer", .min = 1, .max = hour},
        {.name = "hedge_after",
         .kind = option_kind::time,
         .help = "then a read goes to a second registry, too",
         .min = 1,
         .max = hour},
    };
    all.insert(all.end(), own.begin(), own.end());
    return all;
}

/// A client of that protocol, as the options say.
template <typename Protocol>
[[nodiscard]] result<discovery::any_strategy> make_client(discovery::provider_values const& options,
                                                          discovery::strategy_context const& context,
                                                          Protocol protocol) {
    client_options made;
    made.registries = options.list("servers");
    made.domain = options.text("domain");
    made.integrated = options.flag("integrated", made.integrated && made.registries.empty());
    made.announced = options.flag("announced", made.announced);
    made.remembered = options.text("remembered");
    made.enroll = options.flag("enroll", made.enroll);
    made.time_to_live = options.duration_of("ttl", made.time_to_live);
    made.token = options.text("token");
    made.token_file = options.text("token_file");
    made.tls = options.flag("tls", made.tls);
    made.ca_file = options.text("ca_file");
    made.request_timeout = options.duration_of("request_timeout", made.request_timeout);
    made.hedge_after = options.duration_of("hedge_after", made.hedge_after);
    made.self = context.self;
    made.seed = context.seed;
    auto one = client<Protocol>::make(std::move(made), std::move(protocol));
    if (one) return discovery::any_strategy{std::move(*one)};
    bool const servers = one.error().field() == "registries";
    return fail(options.place(one.error(), servers ? "servers" : one.error().field().data(), false));
}

[[nodiscard]] inline discovery::provider registry_provider() {
    return {{.name = "registry", .help = "nodes known to a registry of peerkit", .keys = client_keys()},
            [](auto const& options, auto const& context) { return make_client(options, context, peerkit_http{}); }};
}

[[nodiscard]] inline discovery::provider etcd_provider() {
    return {{.name = "etcd",
             .help = "nodes known to etcd 3.4 or later",
             .keys = client_keys({{.name = "prefix", .help = "of the keys"},
                                  {.name = "user", .help = "for etcd's own authentication"},
                                  {.name = "password", .help = "of the user"}})},
            [](auto const& options, auto const& context) {
                etcd_options own;
                own.prefix = options.text("prefix", own.prefix);
                own.user = options.text("user");
                own.password = options.text("password");
                return make_client(options, context, etcd{std::move(own)});
            }};
}

[[nodiscard]] inline discovery::provider consul_provider() {
    return {{.name = "consul",
             .help = "instances of a service known to a Consul agent",
             .keys = client_keys({{.name = "service", .help = "its name"}})},
            [](auto const& options, auto const& context) -> result<discovery::any_strategy> {
                consul_options own;
                own.service = options.text("service", own.service);
                if (own.service.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") !=
                    std::string::npos) {
                    return fail(options.place(discovery::discovery_error::bad_option, "service", false));
                }
                return make_client(options, context, consul{std::move(own)});
            }};
}

} // namespace detail

/// The providers of `discovery::standard_providers`, and those that ask registries; docs/registry_client.md lists these
/// with their keys.
[[nodiscard]] inline discovery::provider_table standard_providers() {
    discovery::provider_table all = discovery::standard_providers();
    for (discovery::provider (*const make)() :
         {detail::registry_provider, detail::etcd_provider, detail::consul_provider})
        static_cast<void>(all.add(make()));
    return all;
}

/// Makes the strategy that a text describes, registries included.
/// @code
/// auto how = registry::make_strategy("etcd servers=10.0.0.5,10.0.0.6", {.port = 9000, .seed = rng()});
/// @endcode
/// @par Errors Those of `discovery::provider_table::make`.
[[nodiscard]] inline result<discovery::any_strategy> make_strategy(std::string_view text,
                                                                   discovery::strategy_context const& context) {
    return standard_providers().make(text, context);
}

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
