// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The errors of the sim floor: what the simulated network reports to a node, and what is wrong with a recording.
#ifndef PEERKIT_SIM_ERROR_HPP
#define PEERKIT_SIM_ERROR_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>

#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// Errors of the sim floor: what the operating system would say, in virtual time, and what is wrong with a recording.
enum class sim_error : std::uint16_t {
    connection_refused = 1, ///< Nothing listens there: the process is down, its machine is up.
    connection_timed_out,   ///< No answer, or nothing got through for too long.
    connection_reset,       ///< The other side is gone or closed with data unread.
    discovery_unavailable,  ///< The scripted discovery has no answer.
    not_a_recording,        ///< The bytes are no dump of a flight recorder.
    recording_version,      ///< The dump has a format this version does not read; position is its number.
    recording_damaged,      ///< The dump does not have the checksum it ends with.
    bad_recording,          ///< The dump says something it cannot have seen; position is where.
    recording_truncated,    ///< The dump lacks its first inputs; position is how many.
    recorded_elsewhere,     ///< Stands for an error of a shell, in a replay; position is its own.
    other_suite,            ///< The dump is of a node with another sealing suite; position is its number.
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
        case not_a_recording: return "this is no dump of a flight recorder";
        case recording_version: return "the dump has a format that is not known here";
        case recording_damaged: return "the dump is damaged: its checksum is another one";
        case bad_recording: return "the dump says something that cannot have been";
        case recording_truncated: return "the dump lacks its first inputs, so it cannot be replayed";
        case recorded_elsewhere: return "an error of the shell that was recorded";
        case other_suite: return "the dump is of a node with another sealing suite";
        }
        return "unknown simulation error";
    }
    static constexpr error_domain const& get() noexcept { return domain; }
    static constexpr error_domain domain{"sim", &sentence};
};

PEERKIT_END_NAMESPACE

#endif
