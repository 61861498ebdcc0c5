// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Discovery inside the world: a fixed answer, a function, or a real strategy driven in virtual time.
#ifndef PEERKIT_SIM_DISCOVERY_SOURCE_HPP
#define PEERKIT_SIM_DISCOVERY_SOURCE_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/strategy.hpp>
#include <peerkit/node/own_announcement.hpp>
#include <peerkit/sim/error.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// What a node's `run_discovery` comes to.
using discovery_answer = result<std::vector<discovery::candidate>>;

/// One node's discovery. The world calls `begin` for the action `run_discovery`, then `resume` whenever the returned
/// moment has come, until there is an answer. Times are those of the node's clock. `begin` abandons a run under way.
class discovery_source {
public:
    struct progress {
        time_point again = never;               ///< when to resume, if there is no answer yet
        std::optional<discovery_answer> answer; ///< the end of this run
        time_point hint = never;                ///< with `answer`: when there is reason to look again
        /// With `answer`: there is reason to look again once the node's announcement has another incarnation.
        std::optional<std::uint64_t> announced{};
    };
    discovery_source() = default;
    discovery_source(discovery_source const&) = delete;
    discovery_source& operator=(discovery_source const&) = delete;
    virtual ~discovery_source() = default;
    /// The world says which node this is for, where its nodes have announcements of their own.
    virtual void attach(peerkit::node::announcing_node) {}
    [[nodiscard]] virtual progress begin(time_point now) = 0;
    [[nodiscard]] virtual progress resume(time_point now) = 0;
};

/// Answers with what a function returns, a fixed time after it was asked.
class scripted_discovery final : public discovery_source {
public:
    using function = std::function<discovery_answer(time_point now)>;
    scripted_discovery(function answer, duration delay) : answer_{std::move(answer)}, delay_{delay} {}

    [[nodiscard]] progress begin(time_point now) override { return {saturating_add(now, delay_), std::nullopt}; }
    [[nodiscard]] progress resume(time_point now) override { return {never, answer_(now)}; }

private:
    function answer_;
    duration delay_;
};

/// What the simulated surroundings answer to one effect of a strategy, and after how long.
struct effect_reply {
    discovery::outcome what;
    duration after{};
};

/// Runs a real `DiscoveryStrategy` in virtual time. `wait_until` is carried out by the virtual clock, effects on this
/// node's announcement by the world; every other effect, also one that is watched, is answered by the function given.
/// Notices are collected.
///
/// @code
/// auto answers = [](discovery::effect const& wanted, time_point) -> sim::effect_reply {
///     if (std::get_if<discovery::http_get>(&wanted)) return {discovery::http_reply{200, document}, 3ms};
///     return {error{discovery::discovery_error::unsupported}, 0ms};
/// };
/// world.set_discovery(0, std::make_unique<sim::strategy_discovery<my_strategy>>(my_strategy{}, answers));
/// @endcode
template <discovery::DiscoveryStrategy Strategy>
class strategy_discovery final : public discovery_source {
public:
    using function = std::function<effect_reply(discovery::effect const& wanted, time_point now)>;
    strategy_discovery(Strategy strategy, function surroundings)
        : strategy_{std::move(strategy)}, surroundings_{std::move(surroundings)} {}

    void attach(peerkit::node::announcing_node to) override { node_ = std::move(to); }
    [[nodiscard]] progress begin(time_point now) override {
        under_way_.clear();
        return take(strategy_.begin(now), now);
    }
    [[nodiscard]] progress resume(time_point now) override {
        auto const first = next_due();
        if (first == under_way_.end() || first->due > now) return waiting();
        pending done = std::move(*first);
        under_way_.erase(first);
        return take(strategy_.resume(done.id, std::move(done.what), now), now);
    }
    /// Everything the strategy wanted the host to know.
    [[nodiscard]] std::vector<discovery::notice> const& notices() const noexcept { return notices_; }

private:
    struct pending {
        time_point due;
        discovery::ticket id;
        discovery::outcome what;
    };

    [[nodiscard]] auto next_due() noexcept {
        return std::min_element(under_way_.begin(), under_way_.end(),
                                [](pending const& a, pending const& b) { return a.due < b.due; });
    }
    [[nodiscard]] progress waiting() {
        auto const first = next_due();
        if (first != under_way_.end()) return {first->due, std::nullopt};
        return {never, discovery_answer{fail(discovery::discovery_error::stalled)}};
    }
    [[nodiscard]] progress take(discovery::step next, time_point now) {
        for (discovery::notice& told : next.notices()) notices_.push_back(std::move(told));
        if (next.ended()) {
            under_way_.clear();
            progress end{never, std::move(next.answer())};
            for (discovery::effect const& watched : next.watches()) {
                if (auto const* own = std::get_if<discovery::watch_announcement>(&watched); own && node_)
                    end.announced = own->incarnation;
                else
                    end.hint = std::min(end.hint, change_of(watched, now));
            }
            return end;
        }
        for (discovery::ticket const id : next.cancelled()) {
            std::erase_if(under_way_, [id](pending const& p) { return p.id == id; });
        }
        for (discovery::request& wanted : next.requests()) {
            if (auto const* wait = std::get_if<discovery::wait_until>(&wanted.what)) {
                under_way_.push_back({std::max(now, wait->at), wanted.id, discovery::elapsed{}});
                continue;
            }
            effect_reply reply = answer_to(wanted.what, now);
            under_way_.push_back({saturating_add(now, reply.after), wanted.id, std::move(reply.what)});
        }
        return waiting();
    }

    [[nodiscard]] effect_reply answer_to(discovery::effect const& wanted, time_point now) {
        using discovery::discovery_error;
        if (!node_) return surroundings_(wanted, now);
        if (auto const* read = std::get_if<discovery::read_announcement>(&wanted)) {
            auto got = node_.read(read->challenge);
            return {got ? discovery::outcome{std::move(*got)} : discovery::outcome{got.error()}, {}};
        }
        if (auto const* use = std::get_if<discovery::use_registry>(&wanted)) {
            auto const done = node_.use_registry(use->text);
            return {done ? discovery::outcome{discovery::elapsed{}} : discovery::outcome{done.error()}, {}};
        }
        if (auto const* own = std::get_if<discovery::watch_announcement>(&wanted)) {
            if (node_.incarnation() != own->incarnation) return {discovery::announcement_changed{}, {}};
            return {error{discovery_error::unsupported, 0, "announcement"}, {}}; // it may be watched between runs
        }
        return surroundings_(wanted, now);
    }

    /// When something that is watched changes; an effect that fails is no change.
    [[nodiscard]] time_point change_of(discovery::effect const& watched, time_point now) const {
        if (auto const* wait = std::get_if<discovery::wait_until>(&watched)) return std::max(now, wait->at);
        effect_reply const reply = surroundings_(watched, now);
        return std::holds_alternative<error>(reply.what) ? never : saturating_add(now, reply.after);
    }

    Strategy strategy_;
    function surroundings_;
    peerkit::node::announcing_node node_;
    std::vector<pending> under_way_;
    std::vector<discovery::notice> notices_;
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
