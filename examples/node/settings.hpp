// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the program is told: flags and environment, read and checked.
#ifndef PEERKIT_NODE_SETTINGS_HPP
#define PEERKIT_NODE_SETTINGS_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/network_key.hpp>
#include <peerkit/discovery/provider.hpp>
#include <peerkit/gossip/tunables.hpp>
#include <peerkit/registry/registry_options.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace node_program {

/// Exit codes of the program, as --help lists them.
enum exit_code : int {
    exit_ok = 0,        ///< said goodbye and stopped, or did what was asked
    exit_failed = 1,    ///< could not be done: a port is taken, a file exists, nobody answers
    exit_bad_usage = 2, ///< a flag, an environment variable or a file they name is wrong
    exit_hurried = 3,   ///< told to stop a second time: gone without a goodbye
};

/// A sentence for the user that names the flag, and the exit code that goes with it.
struct refusal : std::runtime_error {
    refusal(exit_code with, std::string const& sentence) : std::runtime_error{sentence}, code{with} {}
    exit_code code;
};
[[noreturn]] inline void refuse(std::string const& sentence) { throw refusal{exit_bad_usage, sentence}; }
[[noreturn]] inline void refuse(std::string const& flag, peerkit::error const& why) {
    throw refusal{exit_bad_usage, flag + ": " + why.message()};
}

enum class log_level : std::uint8_t { error, warning, info, debug };
/// Where what has to survive a restart is kept; `usual`: in files, if there is a directory for them.
enum class store_kind : std::uint8_t { usual, file, sqlite, memory, none };
enum class output_format : std::uint8_t { text, json };

/// How peers are found.
struct discovery_settings {
    peerkit::discovery::provider_text strategy;        ///< known to fit the providers there are
    std::uint16_t port = peerkit::default_gossip_port; ///< of peers whose entry or source names none
    std::vector<std::pair<peerkit::ip_address, peerkit::ip_endpoint>> translations;
    std::string name_servers; ///< empty: the system's resolver
};

/// A registry beside the node.
struct registry_settings {
    peerkit::registry::registry_role role = peerkit::registry::registry_role::integrated;
    std::string root; ///< of a replica
    std::string token, ca_file;
    std::uint16_t port = 8000;
};

/// Everything `run` needs.
struct run_settings {
    std::string network;
    std::optional<peerkit::crypto::network_key> key; ///< none: an open network was asked for
    std::optional<peerkit::crypto::ed25519_identity> identity;
    peerkit::description self;
    peerkit::ip_address bind; ///< none: every address of this machine
    std::uint16_t port = peerkit::default_gossip_port;
    std::optional<peerkit::ip_address> api_bind; ///< none: as `bind`
    std::uint16_t api_port = peerkit::default_api_port;
    discovery_settings discovery;
    std::optional<registry_settings> registry; ///< none: not served
    peerkit::gossip::tunables tunables;
    std::string state_directory;
    std::string record_file;      ///< empty: nothing is recorded
    std::size_t record_bytes = 0; ///< memory of the recorder
    store_kind store = store_kind::usual;
    log_level level = log_level::info;
    output_format format = output_format::text;
};

/// One of the program's commands.
struct command {
    enum class kind : std::uint8_t { print_and_exit, run, keygen, psk, status };
    kind what = kind::print_and_exit;
    std::string text; ///< to print
    run_settings run;
    std::string file; ///< of keygen and psk
    std::string api;  ///< of status: endpoint of a node's API
};

/// Reads the command line and the environment. Keys are loaded and an identity file is made if it is missing.
/// @throws refusal
command parse(int argc, char** argv);

} // namespace node_program

#endif
