// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The order in which a node starts: discovery, peers of an earlier life, listening, telling everybody.
#ifndef PEERKIT_NODE_START_ORDER_HPP
#define PEERKIT_NODE_START_ORDER_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/detail/config.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// What a starting node is at.
enum class start_step : std::uint8_t {
    idle,        ///< not started
    discovering, ///< the strategies were asked; nobody is called yet
    recalling,   ///< the peers of an earlier life are taken in
    keeping,     ///< the store has not said yet that it holds the incarnation of this life
    listening,   ///< what arrives is taken from now on
    announcing,  ///< everybody known is called, once
    done,
};

[[nodiscard]] constexpr std::string_view to_string(start_step step) noexcept {
    switch (step) {
    case start_step::idle: return "idle";
    case start_step::discovering: return "discovering";
    case start_step::recalling: return "recalling";
    case start_step::keeping: return "keeping";
    case start_step::listening: return "listening";
    case start_step::announcing: return "announcing";
    case start_step::done: return "done";
    }
    return "unknown";
}

/// Leads a node through its start, in this order: what discovery finds, then what the node remembers, then it listens,
/// then it announces itself to everybody it knows. What discovery says is fresh and comes first; what is remembered
/// fills the gaps; and by the time others hear of the node it can answer them.
///
/// No step waits for ever. A discovery that is slower than its patience is not waited for, its answer is taken in
/// whenever it comes; nor is a store slower than its own. A node that others have introduced waits for nothing.
///
/// @code
/// order.begin(now, false);
/// order.discovered();
/// while (auto const step = order.next(now)) carry_out(*step); // recalling, listening, announcing
/// order.announced();
/// @endcode
class start_order {
public:
    /// How long the start waits for the strategies.
    static constexpr duration discovery_patience = std::chrono::seconds{1};
    /// How long it waits until the store has kept the incarnation: a disk that hangs does not keep a node from its
    /// network.
    static constexpr duration store_patience = std::chrono::seconds{5};

    /// Once. `has_store`: `kept` will be called when the store holds the incarnation, or cannot.
    void begin(time_point now, bool has_store) noexcept {
        step_ = start_step::discovering;
        kept_ = !has_store;
        discovery_until_ = saturating_add(now, discovery_patience);
        store_until_ = saturating_add(now, store_patience);
    }
    /// The strategies answered, or failed.
    void discovered() noexcept { discovered_ = true; }
    /// The store holds the incarnation of this life, or has said that it cannot.
    void kept() noexcept { kept_ = true; }
    /// Somebody else is alive: this node is heard of already.
    void joined() noexcept { discovered_ = kept_ = true; }
    /// Everybody known was called.
    void announced() noexcept {
        if (step_ == start_step::announcing) step_ = start_step::done;
    }

    /// The step that begins now, if there is one: `recalling`, `listening` or `announcing`, each once and in this
    /// order. To be asked again until it gives none.
    [[nodiscard]] std::optional<start_step> next(time_point now) noexcept {
        switch (step_) {
        case start_step::discovering:
            if (!discovered_ && now < discovery_until_) return std::nullopt;
            return step_ = start_step::recalling;
        case start_step::recalling: step_ = start_step::keeping; [[fallthrough]];
        case start_step::keeping:
            if (!kept_ && now < store_until_) return std::nullopt;
            return step_ = start_step::listening;
        case start_step::listening: return step_ = start_step::announcing;
        default: return std::nullopt;
        }
    }
    /// When `next` is to be asked, if nothing happens before.
    [[nodiscard]] time_point deadline() const noexcept {
        switch (step_) {
        case start_step::discovering: return discovery_until_;
        case start_step::keeping: return store_until_;
        default: return never;
        }
    }

    [[nodiscard]] start_step step() const noexcept { return step_; }
    /// What arrives is taken.
    [[nodiscard]] bool listening() const noexcept { return step_ >= start_step::listening; }
    /// The strategies have had their say.
    [[nodiscard]] bool has_discovered() const noexcept { return discovered_; }
    /// Nothing may leave this node before the store has spoken.
    [[nodiscard]] bool store_awaited() const noexcept { return !kept_ && !listening(); }

private:
    start_step step_ = start_step::idle;
    bool discovered_ = false;
    bool kept_ = true;
    time_point discovery_until_ = never;
    time_point store_until_ = never;
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
