// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What must hold in every world at every moment, and the memory needed to notice that it does not.
#ifndef PEERKIT_SIM_INVARIANTS_HPP
#define PEERKIT_SIM_INVARIANTS_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/gossip/ring.hpp>
#include <peerkit/gossip/tunables.hpp>
#include <peerkit/membership/member_state.hpp>
#include <peerkit/sim/property.hpp>
#include <peerkit/sim/trace.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// Something that must not happen did.
struct violation {
    duration when{};          ///< since the world began
    node_index node = nobody; ///< the node at fault
    std::string what;         ///< a sentence
    property broken{};        ///< which property that is

    /// "1.500000 node 3: P8 no resurrection: a member that left is back with the same incarnation (node 4)".
    [[nodiscard]] std::string text() const {
        std::string const who = node == nobody ? std::string{"the world"} : "node " + std::to_string(node);
        std::string const name = broken == property::none ? "" : std::string{to_string(broken)} + ": ";
        return trace::seconds(when) + " " + who + ": " + name + what;
    }
};

/// For `invariant_options::views_per_call`: compare the whole view of a node after every call into it.
inline constexpr std::uint32_t every_call = ~std::uint32_t{0};

/// Which invariants are checked, how often, and the bounds some of them need. A bound of 0 is not checked.
struct invariant_options {
    bool enabled = true;
    /// The cost knob: how many member views are compared per call into a node, on average. A node's view is compared
    /// as a whole whenever enough calls have been made. 0: never, only cheap checks; `every_call`: dear, for small
    /// worlds.
    std::uint32_t views_per_call = 2;
    std::size_t max_datagram = limits::datagram;
    std::size_t max_members = 0;            ///< members a view may have, tombstones included
    std::size_t max_streams = 0;            ///< streams of a node
    std::uint32_t replies_per_datagram = 0; ///< datagrams sent on receipt of one
    std::uint32_t timer_datagrams = 0;      ///< datagrams sent by timers per `period`, ...
    std::uint32_t timer_datagrams_per_received =
        0; ///< ... plus these for every one received in this period and the last
    duration period = std::chrono::seconds{1};
    /// In a network without faults, this long after the last change of membership, the world as a whole sends no more
    /// than `quiet_per_mille` datagrams per thousand nodes and `period`.
    duration settled_after = std::chrono::minutes{2};
    std::uint32_t quiet_per_mille = 0;
    /// In a network without faults, so long after the last thing that was done to the world, everybody sees exactly who
    /// is up, and from then on nobody healthy is declared dead. 0: not checked; for worlds in which all nodes can find
    /// each other, and whose latency is within what the nodes are set for.
    duration converged_after{};
};

/// What is wrong with something a node showed or told; false if nothing is.
struct objection {
    property broken{};
    char const* what = nullptr;
    [[nodiscard]] explicit operator bool() const noexcept { return what != nullptr; }
};

/// The bounds that follow from a node's tunables.
[[nodiscard]] constexpr invariant_options invariants_of(gossip::tunables const& t) noexcept {
    invariant_options o;
    o.max_members = t.max_members;
    o.max_streams = t.max_streams;
    o.period = t.probe_period;
    // An answer, up to eight datagrams with what a comparison found missing, and questions to a few juries: after a
    // storm one datagram can bring several accusations forward (43 in all were seen in 1,000 random worlds).
    o.replies_per_datagram = 9 + 5 * static_cast<std::uint32_t>(gossip::jury::most);
    auto const rounds = static_cast<std::uint32_t>(t.probe_period / t.eager_interval) + 2;
    // A period may hold the end of one probe and the beginning of the next; candidates are called in both families.
    // Members with several addresses are pinged at the others too.
    auto const other_addresses = static_cast<std::uint32_t>(limits::addresses) + t.direct_tries;
    o.timer_datagrams = 2U * (t.direct_tries + other_addresses + 2U * t.helpers) + rounds * t.fan_out + 4U * t.contacts;
    // Last looks have a budget of their own, and with it a second in hand; they go to two addresses.
    auto const seconds = static_cast<std::uint32_t>(t.probe_period / std::chrono::seconds{1}) + 2U;
    o.timer_datagrams += 2U * t.looks_per_second * seconds;
    // Helping costs a repeated ping, to two addresses of the subject if it has them, and a nack.
    o.timer_datagrams_per_received = 3;
    // One ping and one ack, and a tenth for comparisons and what is called without being alive.
    auto const calls = 2 * t.contacts * static_cast<std::uint32_t>(1000 * t.probe_period / t.contact_period);
    o.quiet_per_mille = 2200 + calls;
    return o;
}

/// The same in a world whose nodes send user data: their timers send that, too.
[[nodiscard]] constexpr invariant_options invariants_with_user_data(gossip::tunables const& t) noexcept {
    invariant_options o = invariants_of(t);
    auto const rounds = static_cast<std::uint32_t>(t.probe_period / t.message_interval) + 2;
    o.timer_datagrams += rounds * 24U + static_cast<std::uint32_t>(t.max_requests) * 4U;
    return o;
}

/// What one observer showed of every subject, and whether what it shows next is allowed.
class view_memory {
public:
    void forget() noexcept { memory_.clear(); }

    /// Events form `(up (updated | suspected | refuted)* (dead | left)? removed?)*` per subject; what a subject said
    /// goodbye with is not outlived by the same incarnation.
    [[nodiscard]] objection on_event(node_index subject, gossip::event_kind kind, std::uint64_t incarnation) {
        entry& e = at(subject);
        using enum gossip::event_kind;
        bool const up = e.told == phase::alive || e.told == phase::suspect;
        switch (kind) {
        case member_up:
            if (up) return told_wrong("a member came up that was up");
            if (e.shown && e.last.state == membership::member_state::left && incarnation <= e.last.incarnation) {
                return {property::no_resurrection, "a member that left came back with the incarnation it left with"};
            }
            e.told = phase::alive;
            return {};
        case member_updated: return up ? objection{} : told_wrong("a member was updated that was not up");
        case member_suspected:
            if (!up) return told_wrong("a member was suspected that was not up");
            e.told = phase::suspect;
            return {};
        case member_refuted:
            if (!up) return told_wrong("a member refuted that was not up");
            e.told = phase::alive;
            return {};
        case member_dead:
            if (!up) return told_wrong("a member died that was not up");
            e.told = phase::dead;
            return {};
        case member_left:
            if (!up) return told_wrong("a member left that was not up");
            e.told = phase::left;
            return {};
        case member_removed: e = entry{}; return {};
        default: return {};
        }
    }

    void begin_scan() noexcept { ++scan_; }
    /// One member of the view being scanned.
    [[nodiscard]] objection on_member(node_index subject, membership::standing now) {
        entry& e = at(subject);
        bool const again = e.scan == scan_;
        e.scan = scan_;
        bool const fell = e.shown && now < e.last;
        membership::standing const before = e.last;
        e.last = now;
        e.shown = true;
        if (again) return told_wrong("a view has the same member twice");
        if (fell && before.state == membership::member_state::left && before.incarnation == now.incarnation)
            return {property::no_resurrection, "a member that left is back with the same incarnation"};
        if (fell) return {property::only_grows, "a view went back to something older"};
        using enum membership::member_state;
        switch (now.state) {
        case alive:
            return e.told == phase::alive ? objection{}
                                          : told_wrong("a view shows a member alive and the events do not");
        case suspect:
            return e.told == phase::suspect ? objection{}
                                            : told_wrong("a view shows a suspicion and the events do not");
        // A death or a goodbye of a stranger is remembered without being told.
        case dead:
            return e.told == phase::dead || e.told == phase::none
                       ? objection{}
                       : told_wrong("a view shows a death and the events do not");
        case left:
            return e.told == phase::left || e.told == phase::dead || e.told == phase::none
                       ? objection{}
                       : told_wrong("a view shows a goodbye and the events do not");
        }
        return told_wrong("a view shows a state that does not exist");
    }
    /// After every member: what the events say is there and the view does not show.
    [[nodiscard]] std::optional<node_index> end_scan() const noexcept {
        for (std::size_t i = 0; i < memory_.size(); ++i) {
            if (memory_[i].scan != scan_ && memory_[i].told != phase::none) return static_cast<node_index>(i);
        }
        return std::nullopt;
    }

private:
    [[nodiscard]] static objection told_wrong(char const* what) noexcept {
        return {property::events_tell_the_view, what};
    }
    enum class phase : std::uint8_t { none, alive, suspect, dead, left };
    struct entry {
        membership::standing last{};
        std::uint32_t scan = 0;
        phase told = phase::none;
        bool shown = false;
    };
    entry& at(node_index subject) {
        if (memory_.size() <= subject) memory_.resize(std::size_t{subject} + 1);
        return memory_[subject];
    }

    std::vector<entry> memory_;
    std::uint32_t scan_ = 0;
};

/// Every incarnation one subject ever minted, and those it said goodbye with.
class minted_incarnations {
public:
    void add(std::uint64_t incarnation) {
        if (!all_.empty() && all_.back() == incarnation) return;
        auto const at = std::lower_bound(all_.begin(), all_.end(), incarnation);
        if (at == all_.end() || *at != incarnation) all_.insert(at, incarnation);
    }
    void add_goodbye(std::uint64_t incarnation) {
        add(incarnation);
        auto const at = std::lower_bound(goodbyes_.begin(), goodbyes_.end(), incarnation);
        if (at == goodbyes_.end() || *at != incarnation) goodbyes_.insert(at, incarnation);
    }
    [[nodiscard]] bool has(std::uint64_t incarnation) const noexcept {
        return std::binary_search(all_.begin(), all_.end(), incarnation);
    }
    [[nodiscard]] bool has_goodbye(std::uint64_t incarnation) const noexcept {
        return std::binary_search(goodbyes_.begin(), goodbyes_.end(), incarnation);
    }
    [[nodiscard]] std::uint64_t highest() const noexcept { return all_.empty() ? 0 : all_.back(); }

private:
    std::vector<std::uint64_t> all_;      // sorted
    std::vector<std::uint64_t> goodbyes_; // sorted
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
