// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Composes static list, Tailscale, address translation and first_of at run time.
#include "find_peers.hpp"

#include "translated.hpp"

#include <peerkit/discovery/first_of.hpp>
#include <peerkit/discovery/name_pattern.hpp>
#include <peerkit/discovery/static_list.hpp>
#include <peerkit/discovery/tailscale.hpp>
#include <peerkit/net/interfaces.hpp>
#include <peerkit/net/node.hpp>

#include <cstdlib>
#include <utility>
#include <vector>

namespace node_program {
namespace {

using namespace peerkit;

/// Ways to tell this node from its peers before anybody is called.
discovery::own_identity own_identity(run_settings const& settings) {
    discovery::own_identity me;
    me.port = settings.port;
    me.host_names = {net::host_label(), "localhost"};
    if (!settings.bind.is_unspecified()) {
        me.addresses = {settings.bind};
    } else if (auto const all = net::list_interfaces()) {
        for (net::interface_address const& one : *all) me.addresses.push_back(one.address);
    }
    if (settings.identity) me.id = settings.identity->id();
    return me;
}

discovery::static_list make_static(run_settings const& settings) {
    discovery_settings const& d = settings.discovery;
    discovery::static_list_options options;
    options.default_port = d.port;
    options.self = own_identity(settings);
    std::vector<discovery::refused_entry> refused;
    auto list = discovery::static_list::parse(d.peers, std::move(options), &refused);
    if (list) return std::move(*list);
    if (refused.empty()) refuse("--peers", list.error());
    std::string sentence = "--peers:";
    for (auto const& entry : refused) sentence += " '" + entry.text + "' is refused (" + entry.why.message() + ")";
    refuse(sentence);
}

discovery::tailscale make_tailscale(run_settings const& settings, bool is_last) {
    discovery_settings const& d = settings.discovery;
    discovery::tailscale_options options;
    auto pattern = discovery::name_pattern::parse(d.prefix);
    if (!pattern) refuse("--prefix", pattern.error());
    options.filter.names = std::move(*pattern);
    options.filter.required_tag = d.tag;
    options.filter.port = d.port;
    options.self = own_identity(settings);
    if (!d.sockets.empty() || !d.commands.empty() || !d.file.empty()) {
        options.sockets = d.sockets;
        options.commands = d.commands;
        options.file = d.file;
    } else if (char const* const place = std::getenv("TS_SOCKET"); place != nullptr && *place != '\0') {
        options.sockets = {place};
    }
    if (!is_last) options.tries = 1; // somebody else is asked instead of waiting
    auto made = discovery::tailscale::make(std::move(options));
    if (!made) refuse("--discover tailscale", made.error());
    return std::move(*made);
}

} // namespace

net::any_strategy make_strategy(run_settings const& settings) {
    using enum discovery_mode;
    std::vector<discovery_mode> const& modes = settings.discovery.modes;
    net::any_strategy made;
    if (modes == std::vector{static_list, tailscale}) {
        made = discovery::first_of{make_static(settings), make_tailscale(settings, true)};
    } else if (modes == std::vector{tailscale, static_list}) {
        made = discovery::first_of{make_tailscale(settings, false), make_static(settings)};
    } else if (modes == std::vector{static_list}) {
        made = make_static(settings);
    } else if (modes == std::vector{tailscale}) {
        made = make_tailscale(settings, true);
    }
    if (settings.discovery.translations.empty()) return made;
    return translated{std::move(made), settings.discovery.translations};
}

} // namespace node_program
