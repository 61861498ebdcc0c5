// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the flags of `run` hold before it is checked.
#ifndef PEERKIT_NODE_FLAGS_HPP
#define PEERKIT_NODE_FLAGS_HPP

#include "settings.hpp"

#include <peerkit/core/limits.hpp>
#include <peerkit/gossip/tunables.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace node_program {

struct flags {
    std::string name, bind, api_bind, network = "peerkit", key_file, identity_file, state_directory, record_file;
    std::uint16_t port = peerkit::default_gossip_port;
    std::uint16_t api_port = peerkit::default_api_port;
    std::uint32_t record_size = 64;
    bool open_network = false;
    std::vector<std::string> advertise, roles, capabilities, labels, services, translations;
    peerkit::gossip::tunables (*profile)() noexcept = &peerkit::gossip::lan;
    std::vector<std::string> discover, peers, tailscale_sockets, tailscale_commands;
    std::string strategy, peers_file, prefix, domain, tag, tailscale_file, name_servers;
    std::vector<std::string> registries;
    std::string serve_registry, registry_root;
    std::uint16_t registry_port = 8000;
    std::string registry_domain, registry_protocol = "registry", registry_token_file, registry_ca_file;
    std::uint16_t peer_port = peerkit::default_gossip_port;
    store_kind store = store_kind::usual;
    log_level level = log_level::info;
    output_format format = output_format::text;
};

/// Checks every flag, loads the keys and makes directory and identity where they are missing. @throws refusal
run_settings check(flags f);

/// "peerkit-node 0.1.0"
std::string program_version();

} // namespace node_program

#endif
