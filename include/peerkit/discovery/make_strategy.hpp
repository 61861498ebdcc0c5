// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The providers that come with peerkit, and the way from a configuration string to a strategy.
#ifndef PEERKIT_DISCOVERY_MAKE_STRATEGY_HPP
#define PEERKIT_DISCOVERY_MAKE_STRATEGY_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/any_strategy.hpp>
#include <peerkit/discovery/dns_name.hpp>
#include <peerkit/discovery/dns_pattern.hpp>
#include <peerkit/discovery/dns_service.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/mdns.hpp>
#include <peerkit/discovery/name_pattern.hpp>
#include <peerkit/discovery/peers_command.hpp>
#include <peerkit/discovery/peers_environment.hpp>
#include <peerkit/discovery/peers_file.hpp>
#include <peerkit/discovery/provider_schema.hpp>
#include <peerkit/discovery/provider_table.hpp>
#include <peerkit/discovery/static_list.hpp>
#include <peerkit/discovery/tailscale.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

namespace detail {

// ---- Keys that several providers have ------------------------------------------------------------------------------

inline constexpr provider_key port_key{.name = "port", .kind = option_kind::port, .help = "of peers without one"};
inline constexpr provider_key resolve_timeout_key{.name = "resolve_timeout",
                                                  .kind = option_kind::time,
                                                  .help = "for each host name in the list",
                                                  .min = 1,
                                                  .max = 600'000};
inline constexpr provider_key family_key{
    .name = "family", .kind = option_kind::choice, .help = "addresses to look for", .choices = "both|v4|v6"};
inline constexpr provider_key query_timeout_key{.name = "query_timeout",
                                                .kind = option_kind::time,
                                                .help = "for one try to look up a name",
                                                .min = 1,
                                                .max = 600'000};
inline constexpr provider_key query_tries_key{
    .name = "query_tries", .kind = option_kind::number, .help = "to look up a name", .min = 1, .max = 100};
inline constexpr provider_key bound_key{
    .name = "bound", .kind = option_kind::time, .help = "for the whole run", .min = 1, .max = 600'000};
inline constexpr provider_key concurrency_key{.name = "concurrency",
                                              .kind = option_kind::number,
                                              .help = "names looked up at the same time",
                                              .min = 1,
                                              .max = 1024};

[[nodiscard]] inline address_families families(provider_values const& options) {
    std::string const word = options.text("family");
    return word == "v4" ? address_families::v4 : word == "v6" ? address_families::v6 : address_families::both;
}

/// The options that all strategies have which look up names.
template <typename Options>
void take_lookups(Options& into, provider_values const& options, strategy_context const& context) {
    into.families = families(options);
    into.timeout = options.duration_of("query_timeout", into.timeout);
    into.tries = options.number("query_tries", into.tries);
    into.self = context.self;
}

/// Moves what a strategy's own `make` gave into an `any_strategy`; an error is said of the strategy's text: of the
/// option it names, if that was given, else of the strategy.
template <typename S>
[[nodiscard]] result<any_strategy> made_or(result<S> made, provider_values const& options) {
    if (made) return any_strategy{std::move(*made)};
    return fail(options.place(made.error(), made.error().field().data(), false));
}

// ---- Written lists -------------------------------------------------------------------------------------------------

[[nodiscard]] inline provider static_provider() {
    return {{.name = "static",
             .help = "peers written down here",
             .keys = {{.name = "peers", .help = "entries as in a file of peers", .required = true},
                      port_key,
                      resolve_timeout_key}},
            [](provider_values const& options, strategy_context const& context) -> result<any_strategy> {
                static_list_options made{.default_port = options.port("port", context.port), .self = context.self};
                made.resolve_timeout = options.duration_of("resolve_timeout", made.resolve_timeout);
                std::vector<refused_entry> refused;
                auto list = static_list::parse(options.text("peers"), std::move(made), &refused);
                if (list) return any_strategy{std::move(*list)};
                if (refused.empty()) return fail(options.place(list.error(), "peers", false));
                refused_entry const& first = refused.front();
                bool const is_length = first.why == core_error::too_long;
                std::size_t const inside = is_length ? 0 : static_cast<std::size_t>(first.why.position());
                error const placed = options.place({discovery_error::bad_entry, first.offset + inside}, "peers");
                return fail(placed.at(placed.position(), first.why.field().data()));
            }};
}

[[nodiscard]] inline provider file_provider() {
    return {{.name = "file",
             .help = "peers in a file, which is watched",
             .keys = {{.name = "path", .help = "of the file", .required = true}, port_key, resolve_timeout_key}},
            [](provider_values const& options, strategy_context const& context) -> result<any_strategy> {
                peers_file_options made{.path = options.text("path"),
                                        .default_port = options.port("port", context.port),
                                        .self = context.self};
                made.resolve_timeout = options.duration_of("resolve_timeout", made.resolve_timeout);
                return made_or(peers_file::make(std::move(made)), options);
            }};
}

[[nodiscard]] inline provider environment_provider() {
    return {{.name = "environment",
             .help = "peers in an environment variable",
             .keys = {{.name = "variable", .help = "its name; PEERKIT_PEERS unless told otherwise"},
                      port_key,
                      resolve_timeout_key}},
            [](provider_values const& options, strategy_context const& context) -> result<any_strategy> {
                peers_environment_options made{.default_port = options.port("port", context.port),
                                               .self = context.self};
                made.variable = options.text("variable", made.variable);
                made.resolve_timeout = options.duration_of("resolve_timeout", made.resolve_timeout);
                return made_or(peers_environment::make(std::move(made)), options);
            }};
}

[[nodiscard]] inline provider command_provider() {
    return {
        {.name = "command",
         .help = "peers that a program prints",
         .keys =
             {{.name = "run",
               .kind = option_kind::words,
               .help = "the program and its arguments; no shell",
               .required = true},
              {.name = "run_timeout", .kind = option_kind::time, .help = "then it is killed", .min = 1, .max = 600'000},
              port_key,
              resolve_timeout_key}},
        [](provider_values const& options, strategy_context const& context) -> result<any_strategy> {
            peers_command_options made{
                .argv = options.words("run"), .default_port = options.port("port", context.port), .self = context.self};
            made.timeout = options.duration_of("run_timeout", made.timeout);
            made.resolve_timeout = options.duration_of("resolve_timeout", made.resolve_timeout);
            return made_or(peers_command::make(std::move(made)), options);
        }};
}

// ---- Tailscale -----------------------------------------------------------------------------------------------------

[[nodiscard]] inline provider tailscale_provider() {
    return {{.name = "tailscale",
             .help = "machines of the local tailnet",
             .keys = {{.name = "prefix", .help = "of the machines' names; or a pattern with * and ?"},
                      {.name = "tag", .help = "that they must have"},
                      port_key,
                      {.name = "family",
                       .kind = option_kind::choice,
                       .help = "addresses, and their order",
                       .choices = "v4_first|v6_first|v4|v6"},
                      {.name = "offline",
                       .kind = option_kind::choice,
                       .help = "machines called offline",
                       .choices = "fallback|include|exclude"},
                      {.name = "shared", .kind = option_kind::flag, .help = "machines of other tailnets, too"},
                      {.name = "expired", .kind = option_kind::flag, .help = "machines with an expired key, too"},
                      {.name = "sockets", .kind = option_kind::words, .help = "of the daemon"},
                      {.name = "commands", .kind = option_kind::words, .help = "the command, by name or path"},
                      {.name = "file", .help = "a status document"},
                      {.name = "tries",
                       .kind = option_kind::number,
                       .help = "waiting for the tailnet",
                       .min = 1,
                       .max = 100'000},
                      {.name = "interval",
                       .kind = option_kind::time,
                       .help = "between these tries",
                       .min = 1,
                       .max = 3'600'000}}},
            [](provider_values const& options, strategy_context const& context) -> result<any_strategy> {
                tailscale_options made;
                std::string prefix = options.text("prefix");
                if (!prefix.empty() && prefix.find_first_of("*?") == std::string::npos) prefix += '*';
                auto names = name_pattern::parse(prefix);
                if (!names) return fail(options.place(names.error(), "prefix"));
                made.filter.names = std::move(*names);
                made.filter.required_tag = options.text("tag");
                made.filter.port = options.port("port", context.port);
                std::string const family = options.text("family"), offline = options.text("offline");
                made.filter.family = family == "v6_first" ? address_preference::v6_first
                                     : family == "v4"     ? address_preference::v4_only
                                     : family == "v6"     ? address_preference::v6_only
                                                          : address_preference::v4_first;
                made.filter.offline = offline == "include"   ? offline_peers::include
                                      : offline == "exclude" ? offline_peers::exclude
                                                             : offline_peers::fallback;
                made.filter.include_shared = options.flag("shared", made.filter.include_shared);
                made.filter.include_expired = options.flag("expired", made.filter.include_expired);
                if (options.has("sockets") || options.has("commands") || options.has("file")) {
                    made.sockets = options.words("sockets");
                    made.commands = options.words("commands");
                    made.file = options.text("file");
                } else if (!context.tailscale_sockets.empty()) {
                    made.sockets = context.tailscale_sockets;
                }
                made.tries = options.number("tries", context.patient ? made.tries : 1U);
                made.interval = options.duration_of("interval", made.interval);
                made.self = context.self;
                return made_or(tailscale::make(std::move(made)), options);
            }};
}

// ---- DNS -----------------------------------------------------------------------------------------------------------

[[nodiscard]] inline provider dns_pattern_provider() {
    constexpr std::uint64_t most = 999'999'999;
    return {
        {.name = "dns_pattern",
         .help = "numbered names: node01.example.org to node99.example.org",
         .keys = {{.name = "pattern", .help = "node*.example.org; or prefix and domain"},
                  {.name = "prefix", .help = "in front of the number"},
                  {.name = "domain", .help = "behind it"},
                  {.name = "first", .kind = option_kind::number, .help = "number", .max = most},
                  {.name = "last", .kind = option_kind::number, .help = "number", .max = most},
                  {.name = "step", .kind = option_kind::number, .help = "between numbers", .min = 1, .max = most},
                  {.name = "width", .kind = option_kind::number, .help = "digits, with zeros in front", .max = 63},
                  port_key,
                  family_key,
                  concurrency_key,
                  query_timeout_key,
                  query_tries_key,
                  bound_key,
                  {.name = "stop_after",
                   .kind = option_kind::number,
                   .help = "names found that are enough; 0: all",
                   .max = most},
                  {.name = "detect_wildcard",
                   .kind = option_kind::flag,
                   .help = "asks for names that cannot exist, too"}}},
        [](provider_values const& options, strategy_context const& context) -> result<any_strategy> {
            dns_pattern_options made{
                .pattern = options.text("pattern"), .prefix = options.text("prefix"), .domain = options.text("domain")};
            made.numbers.first = options.number("first", made.numbers.first);
            made.numbers.last = options.number("last", made.numbers.last);
            made.numbers.step = options.number("step", made.numbers.step);
            made.numbers.width = options.number("width", made.numbers.width);
            made.port = options.port("port", context.port);
            take_lookups(made, options, context);
            made.concurrency = options.number("concurrency", made.concurrency);
            made.bound = options.duration_of("bound", made.bound);
            made.stop_after = options.number("stop_after", made.stop_after);
            made.detect_wildcard = options.flag("detect_wildcard", made.detect_wildcard);
            made.seed = context.seed;
            auto names = dns_pattern::create(std::move(made));
            if (names) return any_strategy{std::move(*names)};
            error const& why = names.error();
            if (why == discovery_error::bad_range || why == discovery_error::too_large) {
                return fail(options.place(why, options.has("last") ? "last" : "first", false));
            }
            if (why == discovery_error::bad_pattern) {
                bool const in_prefix = why.field() == "prefix" && options.has("prefix");
                return fail(options.place(why, options.has("pattern") ? "pattern" : in_prefix ? "prefix" : "domain"));
            }
            return made_or(std::move(names), options);
        }};
}

[[nodiscard]] inline provider dns_name_provider() {
    return {{.name = "dns_name",
             .help = "all addresses of a host name: headless services, network aliases",
             .keys = {{.name = "names",
                       .kind = option_kind::list,
                       .help = "host names, with or without port",
                       .required = true},
                      port_key,
                      family_key,
                      query_timeout_key,
                      query_tries_key,
                      {.name = "absolute",
                       .kind = option_kind::flag,
                       .help = "no: tried in the resolver's search domains, too"}}},
            [](provider_values const& options, strategy_context const& context) -> result<any_strategy> {
                dns_name_options made{.names = options.list("names")};
                made.port = options.port("port", context.port);
                take_lookups(made, options, context);
                made.absolute = options.flag("absolute", made.absolute);
                auto names = dns_name::create(std::move(made));
                if (names) return any_strategy{std::move(*names)};
                error const placed = options.place(names.error(), "names", false);
                if (names.error() == discovery_error::bad_entry) {
                    return fail(placed.at(placed.position(), names.error().field().data()));
                }
                return made_or(std::move(names), options);
            }};
}

[[nodiscard]] inline provider dns_service_provider() {
    return {{.name = "dns_service",
             .help = "SRV records of a service",
             .keys = {{.name = "service", .help = "_peerkit._udp.example.org", .required = true},
                      {.name = "text", .kind = option_kind::flag, .help = "TXT records become labels"},
                      family_key,
                      concurrency_key,
                      query_timeout_key,
                      query_tries_key,
                      bound_key}},
            [](provider_values const& options, strategy_context const& context) -> result<any_strategy> {
                dns_service_options made{.service = options.text("service")};
                made.text = options.flag("text", made.text);
                take_lookups(made, options, context);
                made.concurrency = options.number("concurrency", made.concurrency);
                made.bound = options.duration_of("bound", made.bound);
                made.seed = context.seed;
                return made_or(dns_service::create(std::move(made)), options);
            }};
}

// ---- Multicast DNS -------------------------------------------------------------------------------------------------

[[nodiscard]] inline provider mdns_provider() {
    return {{.name = "mdns",
             .help = "nodes on the local link",
             .keys = {{.name = "service", .help = "_peerkit._udp unless told otherwise"},
                      {.name = "network", .help = "leaves out nodes that say another one"},
                      {.name = "listen",
                       .kind = option_kind::time,
                       .help = "how long answers are collected",
                       .min = 1,
                       .max = 600'000}}},
            [](provider_values const& options, strategy_context const& context) -> result<any_strategy> {
                mdns_options made;
                made.service = options.text("service", made.service);
                made.network = options.text("network");
                made.listen = options.duration_of("listen", made.listen);
                made.self = context.self;
                return made_or(mdns::make(std::move(made)), options);
            }};
}

} // namespace detail

/// The providers that come with peerkit and ask no registry (`registry::standard_providers` has those, too);
/// docs/providers.md lists them with their keys.
[[nodiscard]] inline provider_table standard_providers() {
    provider_table all;
    for (provider (*const make)() : {detail::static_provider, detail::file_provider, detail::environment_provider,
                                     detail::command_provider, detail::tailscale_provider, detail::dns_pattern_provider,
                                     detail::dns_name_provider, detail::dns_service_provider, detail::mdns_provider}) {
        static_cast<void>(all.add(make()));
    }
    return all;
}

/// Makes the strategy that a text describes, out of the providers that come with peerkit.
///
/// @code
/// discovery::strategy_context const context{.self = me, .port = 9000, .seed = rng()};
/// auto how = discovery::make_strategy("provider=dns_pattern prefix=tw_node domain=example.org", context);
/// if (!how) return fail(how.error());
/// @endcode
/// @par Errors Those of `provider_table::make`.
[[nodiscard]] inline result<any_strategy> make_strategy(std::string_view text, strategy_context const& context) {
    return standard_providers().make(text, context);
}

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
