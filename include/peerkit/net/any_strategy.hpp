// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A discovery strategy chosen at run time: holds any other strategy.
#ifndef PEERKIT_NET_ANY_STRATEGY_HPP
#define PEERKIT_NET_ANY_STRATEGY_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <concepts>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Holds one strategy of any type, or none: then every run finds nobody. `DiscoveryStrategy` itself.
/// @code
/// net::any_strategy how = mode == "static" ? net::any_strategy{list} : net::any_strategy{tailnet};
/// @endcode
class any_strategy {
public:
    any_strategy() noexcept = default;
    // In this order: it is a strategy itself, and what has no `begin` must not be asked whether it moves, because the
    // standard's wrappers (of std::tuple, say) answer that by asking here again.
    template <typename S>
        requires(!std::same_as<S, any_strategy> && discovery::HasStrategyBegin<S> && discovery::DiscoveryStrategy<S>)
    any_strategy(S strategy) // NOLINT: every strategy is an any_strategy
        : held_{std::make_unique<model<S>>(std::move(strategy))} {}

    /// False if it holds none.
    [[nodiscard]] explicit operator bool() const noexcept { return held_ != nullptr; }

    [[nodiscard]] std::string_view name() const noexcept { return held_ ? held_->name() : std::string_view{"none"}; }
    [[nodiscard]] discovery::step begin(time_point now) {
        return held_ ? held_->begin(now) : discovery::step::found({});
    }
    [[nodiscard]] discovery::step resume(std::span<discovery::outcome> outcomes, time_point now) {
        return held_ ? held_->resume(outcomes, now)
                     : discovery::step::failed(discovery::discovery_error::unexpected_answer);
    }

private:
    struct interface {
        interface() = default;
        interface(interface const&) = delete;
        interface& operator=(interface const&) = delete;
        virtual ~interface() = default;
        [[nodiscard]] virtual std::string_view name() const noexcept = 0;
        [[nodiscard]] virtual discovery::step begin(time_point now) = 0;
        [[nodiscard]] virtual discovery::step resume(std::span<discovery::outcome> outcomes, time_point now) = 0;
    };
    template <typename S>
    struct model final : interface {
        explicit model(S&& from) noexcept : strategy{std::move(from)} {}
        [[nodiscard]] std::string_view name() const noexcept override { return strategy.name(); }
        [[nodiscard]] discovery::step begin(time_point now) override { return strategy.begin(now); }
        [[nodiscard]] discovery::step resume(std::span<discovery::outcome> outcomes, time_point now) override {
            return strategy.resume(outcomes, now);
        }
        S strategy;
    };

    std::unique_ptr<interface> held_;
};

static_assert(discovery::check_strategy<any_strategy>());

} // namespace net
PEERKIT_END_NAMESPACE

#endif
