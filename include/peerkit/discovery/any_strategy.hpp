// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A discovery strategy chosen at run time: holds any other strategy.
#ifndef PEERKIT_DISCOVERY_ANY_STRATEGY_HPP
#define PEERKIT_DISCOVERY_ANY_STRATEGY_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <concepts>
#include <memory>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Holds one strategy of any type, or none: then every run finds nobody. `DiscoveryStrategy` itself.
/// @code
/// discovery::any_strategy how = mode == "static" ? discovery::any_strategy{list} : discovery::any_strategy{tailnet};
/// @endcode
class any_strategy {
public:
    any_strategy() noexcept = default;
    // Whether S moves must not be asked here: a combinator of an any_strategy could also be made from an any_strategy
    // made from itself, so that the question would be asked again to answer it.
    template <typename S>
        requires(!std::same_as<S, any_strategy> && HasStrategyName<S> && HasStrategyBegin<S> && HasStrategyResume<S>)
    any_strategy(S strategy) // NOLINT: every strategy is an any_strategy
        : held_{std::make_unique<model<S>>(std::move(strategy))} {}

    /// False if it holds none.
    [[nodiscard]] explicit operator bool() const noexcept { return held_ != nullptr; }

    [[nodiscard]] std::string_view name() const noexcept { return held_ ? held_->name() : std::string_view{"none"}; }
    [[nodiscard]] step begin(time_point now) { return held_ ? held_->begin(now) : step::found({}); }
    [[nodiscard]] step resume(ticket which, outcome got, time_point now) {
        return held_ ? held_->resume(which, std::move(got), now) : step::failed(discovery_error::unexpected_answer);
    }
    [[nodiscard]] step farewell(time_point now) { return held_ ? held_->farewell(now) : step::found({}); }

private:
    struct interface {
        interface() = default;
        interface(interface const&) = delete;
        interface& operator=(interface const&) = delete;
        virtual ~interface() = default;
        [[nodiscard]] virtual std::string_view name() const noexcept = 0;
        [[nodiscard]] virtual step begin(time_point now) = 0;
        [[nodiscard]] virtual step resume(ticket which, outcome got, time_point now) = 0;
        [[nodiscard]] virtual step farewell(time_point now) = 0;
    };
    template <typename S>
    struct model final : interface {
        static_assert(check_strategy<S>());
        explicit model(S&& from) noexcept : strategy{std::move(from)} {}
        [[nodiscard]] std::string_view name() const noexcept override { return strategy.name(); }
        [[nodiscard]] step begin(time_point now) override { return strategy.begin(now); }
        [[nodiscard]] step resume(ticket which, outcome got, time_point now) override {
            return strategy.resume(which, std::move(got), now);
        }
        [[nodiscard]] step farewell(time_point now) override { return say_farewell(strategy, now); }
        S strategy;
    };

    std::unique_ptr<interface> held_;
};

static_assert(check_strategy<any_strategy>());

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
