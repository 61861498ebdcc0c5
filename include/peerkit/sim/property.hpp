// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The numbered properties that a world watches over, and what they say in a few words.
#ifndef PEERKIT_SIM_PROPERTY_HPP
#define PEERKIT_SIM_PROPERTY_HPP

#include <peerkit/detail/config.hpp>

#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// What must hold in every world. The value is the number of the property; docs/simulator.md has the whole list, with
/// those that are tested elsewhere.
enum class property : std::uint8_t {
    none = 0, ///< no property of the protocol: the node or the program breaks a rule of the world
    only_grows = 3,
    own_incarnation_grows = 4,
    signed_by_subject = 5,
    no_resurrection = 8,
    replay_is_nothing = 9,
    alive_to_itself = 10,
    events_tell_the_view = 11,
    fits_a_datagram = 19,
    strangers_change_nothing = 20,
    strangers_get_no_answer = 21,
    known_destinations = 23,
    bounded_traffic = 25,
    bounded_memory = 27,
    quiescence = 30,
    stored_before_said = 33,
    completeness = 35,
    accuracy = 37,
    convergence = 38,
    coverage = 45,
};

/// "P8 no resurrection"; empty for `none`.
[[nodiscard]] constexpr std::string_view to_string(property p) noexcept {
    switch (p) {
    case property::none: return "";
    case property::only_grows: return "P3 a view only grows";
    case property::own_incarnation_grows: return "P4 the own incarnation grows";
    case property::signed_by_subject: return "P5 only what the subject signed";
    case property::no_resurrection: return "P8 no resurrection";
    case property::replay_is_nothing: return "P9 a replay is nothing";
    case property::alive_to_itself: return "P10 a node is alive to itself";
    case property::events_tell_the_view: return "P11 events tell the view";
    case property::fits_a_datagram: return "P19 it fits a datagram";
    case property::strangers_change_nothing: return "P20 strangers change nothing";
    case property::strangers_get_no_answer: return "P21 strangers get no answer";
    case property::known_destinations: return "P23 only known destinations";
    case property::bounded_traffic: return "P25 bounded traffic";
    case property::bounded_memory: return "P27 bounded memory";
    case property::quiescence: return "P30 quiescence";
    case property::stored_before_said: return "P33 stored before said";
    case property::completeness: return "P35 the crashed are found";
    case property::accuracy: return "P37 nobody healthy is declared dead";
    case property::convergence: return "P38 all see all in the end";
    case property::coverage: return "P45 every fault strikes";
    }
    return "an unknown property";
}

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
