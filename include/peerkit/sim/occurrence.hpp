// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the world has scheduled: one small value per thing that will happen.
#ifndef PEERKIT_SIM_OCCURRENCE_HPP
#define PEERKIT_SIM_OCCURRENCE_HPP

#include <peerkit/detail/config.hpp>

#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// What kind of thing happens. `a` and `b` of an `occurrence` mean what the comment says.
enum class occurrence_kind : std::uint8_t {
    datagram,  ///< a datagram arrives; a: its parcel
    dial,      ///< a dial goes on; a: connection, b: its generation
    pump,      ///< a stream delivers; a: connection, b: generation * 2 + sending half
    broken,    ///< a broken stream is noticed; a: connection, b: generation * 2 + half
    discovery, ///< a discovery goes on; a: node, b: number of the run
    script,    ///< a function of the user's is called; a: its slot
    noise,     ///< the intruder sends
};

/// A thing that will happen, to be kept in an `event_queue`.
struct occurrence {
    occurrence_kind kind{};
    std::uint32_t a = 0;
    std::uint32_t b = 0;
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
