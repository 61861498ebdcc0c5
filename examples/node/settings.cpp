// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Turns flags into checked settings; each refusal names the flag.
#include "settings.hpp"

#include "find_peers.hpp"
#include "flags.hpp"
#include "hosted_registry.hpp"
#include "keys.hpp"
#include "record_file.hpp"

#include <peerkit/net/node.hpp>

#include <charconv>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace node_program {

using namespace peerkit;

namespace {

ip_address parse_address(std::string const& flag, std::string const& text) {
    auto const address = ip_address::parse(text);
    if (!address) refuse(flag + " '" + text + "'", address.error());
    return *address;
}

std::pair<std::string, std::string> split(std::string const& text, char at) {
    std::size_t const found = text.find(at);
    if (found == std::string::npos) return {text, {}};
    return {text.substr(0, found), text.substr(found + 1)};
}

description describe(flags const& f) {
    description self;
    self.name = f.name.empty() ? net::host_label() : f.name;
    self.version = program_version();
    self.roles = f.roles;
    self.capabilities = f.capabilities;
    for (std::string const& text : f.advertise) {
        auto const there = endpoint::parse(text, 0);
        if (!there) refuse("--advertise '" + text + "'", there.error());
        if (there->is_host_name()) refuse("--advertise '" + text + "': has to be an address, not a name");
        self.addresses.push_back({there->address(), there->port(), net::kind_of(there->address())});
    }
    for (std::string const& text : f.labels) {
        auto [key, value] = split(text, '=');
        if (text.find('=') == std::string::npos) refuse("--label '" + text + "': is not KEY=VALUE");
        self.labels.push_back({std::move(key), std::move(value)});
    }
    for (std::string const& text : f.services) {
        auto [name, rest] = split(text, '=');
        auto [port, info] = split(rest, '=');
        service offered{std::move(name), 0, std::move(info)};
        auto const [end, ec] = std::from_chars(port.data(), port.data() + port.size(), offered.port);
        if (!port.empty() && (ec != std::errc{} || end != port.data() + port.size())) {
            refuse("--service '" + text + "': '" + port + "' is not a port");
        }
        self.services.push_back(std::move(offered));
    }
    if (auto const ok = normalize(self); !ok) {
        std::string_view const field = ok.error().field();
        refuse(field.starts_with("role")      ? "--role"
               : field.starts_with("capabil") ? "--capability"
               : field.starts_with("label")   ? "--label"
               : field.starts_with("service") ? "--service"
               : field == "addresses"         ? "--advertise"
                                              : "--name",
               ok.error());
    }
    return self;
}

discovery_settings check_discovery(flags const& f) {
    discovery_settings d;
    d.port = f.peer_port;
    d.strategy = describe_strategy(f);
    d.name_servers = f.name_servers;
    for (std::string const& text : f.translations) {
        auto const [from, to] = split(text, '=');
        auto const there = endpoint::parse(to, d.port);
        if (!there) refuse("--translate '" + text + "'", there.error());
        if (there->is_host_name()) refuse("--translate '" + text + "': has to lead to an address, not to a name");
        d.translations.emplace_back(parse_address("--translate", from), there->ip());
    }
    return d;
}

} // namespace

std::string program_version() {
    return "peerkit-node " + std::to_string(PEERKIT_VERSION_MAJOR) + "." + std::to_string(PEERKIT_VERSION_MINOR) + "." +
           std::to_string(PEERKIT_VERSION_PATCH);
}

run_settings check(flags f) {
    run_settings s;
    s.network = f.network;
    s.port = f.port;
    s.api_port = f.api_port;
    s.level = f.level;
    s.format = f.format;
    s.tunables = f.profile();
    if (!f.bind.empty()) s.bind = parse_address("--bind", f.bind);
    if (!f.api_bind.empty()) s.api_bind = parse_address("--api-bind", f.api_bind);
    s.self = describe(f);
    if (f.name.empty()) s.self.name.clear(); // as in the earlier life, or else the host's
    s.discovery = check_discovery(f);
    s.registry = check_registry(f);
    s.key = load_network_key(f.key_file, f.open_network);
    s.state_directory = f.state_directory;
    s.store = f.store;
    if (!s.state_directory.empty()) {
        std::error_code ec;
        if (std::filesystem::create_directories(s.state_directory, ec) && !ec) {
            std::filesystem::permissions(s.state_directory, std::filesystem::perms::owner_all, ec);
        }
        if (ec) refuse("--state-dir '" + s.state_directory + "': " + ec.message());
        if (f.identity_file.empty()) f.identity_file = s.state_directory + "/identity.key";
    }
    s.identity = load_identity(f.identity_file);
    if (f.record_size == 0 || f.record_size > 4096) refuse("--record-size: from 1 to 4096 MiB");
    s.record_file = f.record_file;
    if (!s.record_file.empty()) {
        if (int const code = try_record(s.record_file); code != 0)
            refuse("--record '" + s.record_file + "': " + std::strerror(code));
    }
    s.record_bytes = std::size_t{f.record_size} << 20U;
    return s;
}

} // namespace node_program
