// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the program is told on its command line.
#ifndef PEERKIT_REGISTRY_SETTINGS_HPP
#define PEERKIT_REGISTRY_SETTINGS_HPP

#include <peerkit/core/ip_address.hpp>
#include <peerkit/registry/registry_options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace registry_program {

/// Exit codes of the program, as --help lists them.
enum exit_code : int {
    exit_ok = 0,        ///< stopped by a signal
    exit_failed = 1,    ///< could not be done: no port is free, the database cannot be used
    exit_bad_usage = 2, ///< a flag, an environment variable or a file they name is wrong
};

/// A sentence for the user, and the exit code that goes with it.
struct refusal : std::runtime_error {
    refusal(exit_code with, std::string const& sentence) : std::runtime_error{sentence}, code{with} {}
    exit_code code;
};

struct settings {
    std::string print;           ///< if not empty: print this and exit
    peerkit::ip_address address; ///< none: every address of this machine
    std::uint16_t port = 8000;
    peerkit::registry::registry_options options;
    std::string root;    ///< "http://host:port"; of replicas
    std::string ca_file; ///< of the root's certificate; empty: what the system trusts
    std::string database, restore, snapshots;
    std::chrono::seconds snapshot_interval{3600};
    std::size_t snapshots_kept = 24;
    bool quiet = false;
};

/// Reads the command line and the environment.
/// @throws refusal
settings parse(int argc, char** argv);

} // namespace registry_program

#endif
