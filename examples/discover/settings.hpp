// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the program is told on its command line.
#ifndef PEERKIT_DISCOVER_SETTINGS_HPP
#define PEERKIT_DISCOVER_SETTINGS_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/limits.hpp>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace discover_program {

/// Exit codes of the program, as --help lists them.
enum exit_code : int {
    exit_found = 0,     ///< somebody was found
    exit_nobody = 1,    ///< nobody was found, or it could not be known
    exit_bad_usage = 2, ///< a flag or the strategy's text is wrong
};

/// A sentence for the user; the program ends with `exit_bad_usage`.
struct refusal : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct settings {
    std::string print; ///< if not empty: print this and exit
    std::string strategy;
    std::string servers;                                  ///< empty: the system's resolver
    std::uint16_t port = peerkit::default_gossip_port;    ///< of peers without one
    std::uint16_t own_port = 0;                           ///< the node to be left out; 0: none
    peerkit::duration timeout = std::chrono::seconds{30}; ///< of a run; zero: none
    peerkit::duration interval = std::chrono::seconds{60};
    bool watch = false;
    bool json = false;
};

/// Reads the command line and the environment.
/// @throws refusal
settings parse(int argc, char** argv);

} // namespace discover_program

#endif
