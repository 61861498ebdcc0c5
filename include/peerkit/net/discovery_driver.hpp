// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Runs discovery strategies on Asio: carries out what they ask for and resumes them with the outcome.
#ifndef PEERKIT_NET_DISCOVERY_DRIVER_HPP
#define PEERKIT_NET_DISCOVERY_DRIVER_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/strategy.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/command.hpp>
#include <peerkit/net/convert.hpp>
#include <peerkit/net/file_read.hpp>
#include <peerkit/net/http_get.hpp>
#include <peerkit/net/name_lookup.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>

#include <cerrno>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Told what strategies have to say while they run.
using notice_handler = std::function<void(discovery::notice const&)>;

/// Carries out the effects of discovery strategies, for one node. Everything ends when the stop comes.
///
/// Used from `executor` only, and held by `std::shared_ptr` as the lookups it begins may outlive a run. One strategy
/// has one run at a time; several strategies may run at once.
/// @code
/// auto driver = std::make_shared<discovery_driver>(executor, stop);
/// auto found = co_await driver->run(strategy, [](discovery::notice const& n) { log(n.text); });
/// @endcode
/// @tparam Lookup looks up host names: a `basic_name_lookup`
template <typename Lookup>
class basic_discovery_driver : public std::enable_shared_from_this<basic_discovery_driver<Lookup>> {
public:
    explicit basic_discovery_driver(asio::any_io_executor executor, std::shared_ptr<stop_state> stop, Lookup lookup)
        : executor_{std::move(executor)}, stop_{std::move(stop)}, lookup_{std::move(lookup)} {}
    explicit basic_discovery_driver(asio::any_io_executor const& executor, std::shared_ptr<stop_state> stop)
        : basic_discovery_driver{executor, std::move(stop), Lookup{executor}} {}

    /// One run of a strategy, which must outlive it. Candidates that do not name their strategy are given its name.
    /// @par Errors whatever the strategy ends with; `unavailable` with ECANCELED at the stop
    template <discovery::DiscoveryStrategy S>
    [[nodiscard]] asio::awaitable<result<std::vector<discovery::candidate>>> run(S& strategy, notice_handler tell) {
        auto const self = this->shared_from_this();
        discovery::step next = strategy.begin(clock_.now());
        while (!next.ended()) {
            for (discovery::notice const& told : next.notices()) tell(told);
            std::vector<discovery::outcome> outcomes = co_await carry_out_all(std::move(next.effects()));
            if (stop_->stopped()) co_return fail(discovery::discovery_error::unavailable, ECANCELED, "discovery");
            next = strategy.resume(outcomes, clock_.now());
        }
        for (discovery::notice const& told : next.notices()) tell(told);
        if (next.answer()) {
            for (discovery::candidate& c : *next.answer()) {
                if (c.strategy.empty()) c.strategy = bounded_text<31>::cut(strategy.name());
            }
        }
        co_return std::move(next.answer());
    }

    /// All effects at once; one outcome each, in their order, when the last has ended.
    [[nodiscard]] asio::awaitable<std::vector<discovery::outcome>> carry_out_all(
        std::vector<discovery::effect> effects) {
        struct round {
            round(asio::any_io_executor const& executor, std::size_t count)
                : outcomes(count), left{count}, over{executor} {}
            std::vector<discovery::outcome> outcomes;
            std::size_t left;
            gate over;
        };
        auto const all = std::make_shared<round>(executor_, effects.size());
        for (std::size_t i = 0; i < effects.size(); ++i) {
            asio::co_spawn(executor_, carry_out(this->shared_from_this(), std::move(effects[i])),
                           [all, i](std::exception_ptr e, discovery::outcome what) {
                               // Only memory can run out in there.
                               all->outcomes[i] =
                                   e ? discovery::outcome{error{discovery::discovery_error::unavailable, ENOMEM}}
                                     : std::move(what);
                               if (--all->left == 0) all->over.open();
                           });
        }
        co_await all->over.wait();
        co_return std::move(all->outcomes);
    }

    [[nodiscard]] Lookup const& lookups() const noexcept { return lookup_; }

private:
    template <typename T>
    [[nodiscard]] static discovery::outcome outcome_of(result<T> from) {
        if (!from) return from.error();
        return std::move(*from);
    }

    [[nodiscard]] static asio::awaitable<discovery::outcome> carry_out(std::shared_ptr<basic_discovery_driver> self,
                                                                       discovery::effect what) {
        if (auto* const wait = std::get_if<discovery::wait_until>(&what)) {
            co_await pause_until(self->executor_, self->stop_, to_steady(wait->at));
            co_return discovery::elapsed{};
        }
        if (auto* const get = std::get_if<discovery::http_get>(&what)) {
            co_return outcome_of(co_await http_get(self->executor_, self->stop_, std::move(*get)));
        }
        if (auto* const command = std::get_if<discovery::run_command>(&what)) {
            co_return outcome_of(co_await run_command(self->executor_, self->stop_, std::move(*command)));
        }
        if (auto* const file = std::get_if<discovery::read_file>(&what)) {
            co_return outcome_of(co_await read_file(self->executor_, self->stop_, std::move(*file)));
        }
        auto* const name = std::get_if<discovery::resolve_name>(&what);
        if (name == nullptr) co_return error{discovery::discovery_error::unsupported};
        co_return outcome_of(co_await self->lookup_.resolve(self->stop_, std::move(*name)));
    }

    asio::any_io_executor executor_;
    std::shared_ptr<stop_state> stop_;
    Lookup lookup_;
    system_steady_clock clock_;
};

using discovery_driver = basic_discovery_driver<name_lookup>;

} // namespace net
PEERKIT_END_NAMESPACE

#endif
