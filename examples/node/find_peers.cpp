// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// From flags to a discovery strategy: the modes become providers, several of them a first_of.
#include "find_peers.hpp"

#include "translated.hpp"

#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/filtered.hpp>
#include <peerkit/discovery/static_list.hpp>
#include <peerkit/net/interfaces.hpp>
#include <peerkit/net/mdns_local_link.hpp>
#include <peerkit/net/node.hpp>
#include <peerkit/registry/make_strategy.hpp>
#ifdef PEERKIT_NODE_HAS_DNS
#    include <peerkit/net/cares_resolver.hpp>
#endif
#ifdef PEERKIT_NODE_HAS_HTTP
#    include <peerkit/net/http_client.hpp>
#endif

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

namespace node_program {
namespace {

using namespace peerkit;

/// A flag that is an option of some providers.
struct source_flag {
    std::string flag;
    std::string value;
    std::string key;
    std::vector<std::string_view> modes;
    [[nodiscard]] bool is_for(std::string_view mode) const {
        return std::find(modes.begin(), modes.end(), mode) != modes.end();
    }
};

std::string joined(std::vector<std::string> const& words, char between, bool quoted) {
    std::string all;
    for (std::string const& word : words) {
        if (!all.empty()) all += between;
        all += quoted ? '"' + word + '"' : word;
    }
    return all;
}

/// Every entry that is refused is named, not only the first.
void check_peers(flags const& f) {
    discovery::static_list_options options;
    options.default_port = f.peer_port;
    std::vector<discovery::refused_entry> refused;
    auto const list = discovery::static_list::parse(joined(f.peers, ',', false), std::move(options), &refused);
    if (list) return;
    if (refused.empty()) refuse("--peers", list.error());
    std::string sentence = "--peers:";
    for (auto const& entry : refused) sentence += " '" + entry.text + "' is refused (" + entry.why.message() + ")";
    refuse(sentence);
}

discovery::provider_text parse_strategy(std::string const& text) {
    auto parsed = discovery::parse_provider(text);
    auto const fits = parsed ? registry::standard_providers().check(*parsed) : fail(parsed.error());
    if (fits) return std::move(*parsed);
    refuse("--strategy: " + discovery::point_at(text, fits.error()));
}

} // namespace

discovery::provider_text describe_strategy(flags const& f) {
    std::vector<std::string> modes = f.discover;
    if (!f.strategy.empty()) {
        if (!modes.empty()) refuse("--discover: does not go with --strategy");
        modes = {"strategy"};
    } else if (modes.empty()) {
        bool const meets = !f.registry_domain.empty() || !f.registries.empty() || !f.serve_registry.empty();
        modes = {meets ? "registry" : "static"};
    }
    // What registries speak is one flag, whatever else is said of them.
    std::replace(modes.begin(), modes.end(), std::string{"registry"}, f.registry_protocol);
    std::vector<std::string_view> const registries{"registry", "etcd", "consul"};
    std::vector<source_flag> const given{
        {"--peers", joined(f.peers, ',', false), "peers", {"static"}},
        {"--peers-file", f.peers_file, "path", {"file"}},
        {"--prefix", f.prefix, "prefix", {"tailscale", "dns_pattern"}},
        {"--dns-domain", f.domain, "domain", {"dns_pattern"}},
        {"--tag", f.tag, "tag", {"tailscale"}},
        {"--tailscale-socket", joined(f.tailscale_sockets, ' ', true), "sockets", {"tailscale"}},
        {"--tailscale-command", joined(f.tailscale_commands, ' ', true), "commands", {"tailscale"}},
        {"--tailscale-file", f.tailscale_file, "file", {"tailscale"}},
        {"--domain", f.registry_domain, "domain", registries},
        {"--registry", joined(f.registries, ',', false), "servers", registries},
        {"--registry-token-file", f.registry_token_file, "token_file", registries},
        {"--registry-ca-file", f.registry_ca_file, "ca_file", registries},
    };
    // A flag that would have no effect is a mistake worth hearing of.
    for (source_flag const& one : given) {
        if (one.value.empty() || std::any_of(modes.begin(), modes.end(), [&](auto const& m) { return one.is_for(m); }))
            continue;
        refuse(one.flag + ": is of use with --discover " + std::string{one.modes.front()} + " only");
    }
    if (!f.strategy.empty()) return parse_strategy(f.strategy);

    auto const providers = registry::standard_providers();
    discovery::provider_text made;
    for (std::string const& mode : modes) {
        auto const* const known = providers.find(mode);
        if (known == nullptr || known->schema.is_list) {
            std::string names;
            for (auto const& one : providers.providers()) {
                if (!one.schema.is_list) names += (names.empty() ? "" : ", ") + std::string{one.schema.name};
            }
            refuse("--discover: '" + mode + "' is not one of " + names);
        }
        if (std::count(modes.begin(), modes.end(), mode) > 1) refuse("--discover: names a mode twice");
        if (mode == "none" && modes.size() > 1) refuse("--discover: 'none' goes with nothing else");
        discovery::provider_text part;
        part.name = mode;
        for (source_flag const& one : given) {
            if (!one.value.empty() && one.is_for(mode)) part.options.push_back({one.key, one.value});
        }
        if (mode == "static" && f.peers.empty()) part.name = "none";
        // "node*.example.org" is a whole pattern.
        if (mode == "dns_pattern" && f.domain.empty() && f.prefix.find('*') != std::string::npos) {
            for (auto& option : part.options) {
                if (option.key == "prefix") option.key = "pattern";
            }
        }
        if (mode == "static") check_peers(f);
        auto const ready = providers.make(part, {.port = f.peer_port});
        if (!ready) {
            auto const about = std::find_if(given.begin(), given.end(), [&](source_flag const& one) {
                return one.is_for(mode) && !one.value.empty() &&
                       (one.key == ready.error().field() || given.size() == 1 || part.options.size() == 1);
            });
            refuse(about != given.end() ? about->flag : "--discover " + mode, ready.error());
        }
        made.parts.push_back(std::move(part));
    }
    if (made.parts.size() == 1) return std::move(made.parts.front());
    made.name = "first_of";
    return made;
}

discovery::any_strategy make_strategy(run_settings const& settings) {
    discovery_settings const& d = settings.discovery;
    discovery::strategy_context context;
    context.port = d.port;
    context.seed = std::random_device{}();
    if (char const* const place = std::getenv("TS_SOCKET"); place != nullptr && *place != '\0') {
        context.tailscale_sockets = {place};
    }
    // Ways to tell this node from its peers before anybody is called.
    context.self.port = settings.port;
    context.self.host_names = {net::host_label(), "localhost"};
    if (!settings.bind.is_unspecified()) {
        context.self.addresses = {settings.bind};
    } else if (auto const all = net::list_interfaces()) {
        for (net::interface_address const& one : *all) context.self.addresses.push_back(one.address);
    }
    if (settings.identity) context.self.id = settings.identity->id();

    auto made = registry::standard_providers().make(d.strategy, context);
    if (!made) refuse("--strategy", made.error());
    if (d.translations.empty()) return std::move(*made);
    return discovery::filtered{std::move(*made), translated{d.translations}};
}

net::local_link_maker make_link(run_settings const& settings) {
    auto const browses = [](discovery::provider_text const& strategy, auto const& self) -> bool {
        return strategy.name == "mdns" || std::any_of(strategy.parts.begin(), strategy.parts.end(),
                                                      [&](auto const& part) { return self(part, self); });
    };
    if (!browses(settings.discovery.strategy, browses)) return {};
    return net::mdns_on_link();
}

net::any_http_client make_http(asio::any_io_executor const& executor, run_settings const& settings) {
#ifdef PEERKIT_NODE_HAS_HTTP
    return net::http_client{executor, {}, make_resolver(executor, settings)};
#else
    static_cast<void>(executor);
    static_cast<void>(settings);
    return {};
#endif
}

net::any_resolver make_resolver(asio::any_io_executor const& executor, run_settings const& settings) {
    std::string const& servers = settings.discovery.name_servers;
    if (servers.empty()) return {};
#ifdef PEERKIT_NODE_HAS_DNS
    return net::cares_resolver{executor, {.servers = servers}};
#else
    static_cast<void>(executor);
    refuse("--dns-server: this program was built without c-ares");
#endif
}

} // namespace node_program
