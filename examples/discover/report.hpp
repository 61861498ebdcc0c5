// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What is printed about a run: as text for people, or as one line of JSON.
#ifndef PEERKIT_DISCOVER_REPORT_HPP
#define PEERKIT_DISCOVER_REPORT_HPP

#include "traced.hpp"

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/strategy.hpp>
#include <peerkit/net/discovery_driver.hpp>

#include <string>
#include <vector>

namespace discover_program {

/// One run of the whole strategy.
struct run_report {
    std::string strategy; ///< in its short form
    unsigned number = 1;
    peerkit::duration took{};
    peerkit::net::discovery_end end{peerkit::fail(peerkit::discovery::discovery_error::stalled), {}};
    std::vector<peerkit::discovery::notice> notices; ///< of lists and of what is put around providers
    provider_logs const* providers = nullptr;
};

[[nodiscard]] std::string as_text(run_report const& run);
[[nodiscard]] std::string as_json(run_report const& run);

} // namespace discover_program

#endif
