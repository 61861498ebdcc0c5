// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the simulated network reports to a node: the errors of the sim floor.
#ifndef PEERKIT_SIM_ERROR_HPP
#define PEERKIT_SIM_ERROR_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>

#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// Errors of the sim floor: what the operating system would say, in virtual time.
enum class sim_error : std::uint16_t {
    connection_refused = 1, ///< Nothing listens there: the process is down, its machine is up.
    connection_timed_out,   ///< No answer, or nothing got through for too long.
    connection_reset,       ///< The other side is gone or closed with data unread.
    discovery_unavailable,  ///< The scripted discovery has no answer.
};

} // namespace sim

template <>
struct domain_of<sim::sim_error> {
    static constexpr std::string_view sentence(std::uint16_t value) noexcept {
        using enum sim::sim_error;
        switch (static_cast<sim::sim_error>(value)) {
        case connection_refused: return "nothing listens there";
        case connection_timed_out: return "no answer, or nothing got through for too long";
        case connection_reset: return "the other side is gone or closed with data unread";
        case discovery_unavailable: return "the scripted discovery has no answer";
        }
        return "unknown simulation error";
    }
    static constexpr error_domain const& get() noexcept { return domain; }
    static constexpr error_domain domain{"sim", &sentence};
};

PEERKIT_END_NAMESPACE

#endif
