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
#include <peerkit/net/any_http_client.hpp>
#include <peerkit/net/any_resolver.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/command.hpp>
#include <peerkit/net/convert.hpp>
#include <peerkit/net/environment.hpp>
#include <peerkit/net/file_read.hpp>
#include <peerkit/net/file_watch.hpp>
#include <peerkit/net/http_get.hpp>
#include <peerkit/net/resolver.hpp>
#include <peerkit/net/system_resolver.hpp>
#include <peerkit/node/own_announcement.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error_code.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <cerrno>
#include <chrono>
#include <concepts>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Told what strategies have to say while they run.
using notice_handler = std::function<void(discovery::notice const&)>;

/// How a run ended.
struct discovery_end {
    result<std::vector<discovery::candidate>> answer;
    std::vector<discovery::effect> watches; ///< see `discovery::step::watching`
};

/// Carries out `discovery::browse_services`: an `mdns_link`, usually.
using service_browser = std::function<asio::awaitable<result<discovery::service_instances>>(
    std::shared_ptr<stop_state>, discovery::browse_services)>;

/// Carries out the effects of discovery strategies, for one node. Everything ends when the stop comes.
///
/// Used from `executor` only, and held by `std::shared_ptr` as what it began may outlive a run for a moment. One
/// strategy has one run at a time; several strategies may run at once.
/// @code
/// auto driver = std::make_shared<discovery_driver>(executor, stop);
/// auto end = co_await driver->run(strategy, [](discovery::notice const& n) { log(n.text); });
/// if (end.answer) use(*end.answer);
/// @endcode
/// @tparam Resolver looks up names: see docs/concepts/resolver.md
template <Resolver Lookup>
class basic_discovery_driver : public std::enable_shared_from_this<basic_discovery_driver<Lookup>> {
public:
    basic_discovery_driver(asio::any_io_executor executor, std::shared_ptr<stop_state> stop, Lookup lookup)
        : executor_{std::move(executor)}, stop_{std::move(stop)}, lookup_{std::move(lookup)} {}
    /// With the system's resolver.
    basic_discovery_driver(asio::any_io_executor const& executor, std::shared_ptr<stop_state> stop)
        requires std::constructible_from<Lookup, system_resolver>
        : basic_discovery_driver{executor, std::move(stop), Lookup{system_resolver{executor}}} {}

    /// Without one, browsing for services is `unsupported`.
    void browse_with(service_browser browser) { browse_ = std::move(browser); }
    /// Without one, HTTP requests are `unsupported`.
    void request_with(any_http_client client) { http_ = std::move(client); }
    /// Without one, whatever is about this node's announcement is `unsupported`.
    void run_for(peerkit::node::announcing_node of) { node_ = std::move(of); }
    /// The node's announcement is another one now.
    void announcement_changed() { std::exchange(announced_, std::make_shared<stop_state>())->stop(); }

    /// One run of a strategy, which must outlive it. Candidates that do not name their strategy are given its name.
    /// Effects still under way at the end are cancelled.
    /// @par Errors whatever the strategy ends with; `stalled`; `unavailable` with ECANCELED at the stop
    template <discovery::DiscoveryStrategy S>
    [[nodiscard]] asio::awaitable<discovery_end> run(S& strategy, notice_handler tell) {
        return run_from(strategy, strategy.begin(clock_.now()), std::move(tell));
    }
    /// The farewell of a strategy, for at most so long. Whatever else this driver runs is abandoned, and what it
    /// watches forgotten: their strategies are not resumed any more.
    template <discovery::DiscoveryStrategy S>
    [[nodiscard]] asio::awaitable<void> say_farewell(S& strategy, notice_handler tell, duration limit) {
        abandon_all();
        unwatch();
        auto const alive = this->shared_from_this();
        watchdog const guard{executor_, stop_, limit, [alive] { alive->abandon_all(); }};
        co_await run_from(strategy, discovery::say_farewell(strategy, clock_.now()), std::move(tell));
    }

    /// Waits for the first of these to be done and then calls `changed`, once; an effect that fails is no change.
    /// Replaces what was watched before.
    void watch(std::vector<discovery::effect> effects, std::function<void()> changed) {
        unwatch();
        if (effects.empty() || stop_->stopped()) return;
        auto const watching = watching_ = std::make_shared<stop_state>();
        auto const call = std::make_shared<std::function<void()>>(std::move(changed));
        for (discovery::effect& one : effects) {
            spawn(watching, std::move(one), [watching, call](discovery::outcome const& what) {
                if (watching->stopped() || std::holds_alternative<error>(what)) return;
                watching->stop();
                (*call)();
            });
        }
    }
    void unwatch() {
        if (auto const before = std::exchange(watching_, nullptr)) before->stop();
    }

    [[nodiscard]] Lookup& resolver() noexcept { return lookup_; }
    [[nodiscard]] Lookup const& resolver() const noexcept { return lookup_; }

private:
    /// What one run has under way, and which outcomes wait for the strategy.
    struct running {
        explicit running(asio::any_io_executor const& executor)
            : wake{executor, std::chrono::steady_clock::time_point::max()} {}

        void cancel(discovery::ticket id) {
            if (auto const found = under_way.find(id); found != under_way.end()) {
                auto const ending = found->second;
                under_way.erase(found);
                ending->stop();
            }
            std::erase_if(done, [id](auto const& d) { return d.first == id; });
        }
        void cancel_all() {
            for (auto const& [id, ending] : std::exchange(under_way, {})) ending->stop();
        }

        std::unordered_map<discovery::ticket, std::shared_ptr<stop_state>> under_way;
        std::deque<std::pair<discovery::ticket, discovery::outcome>> done;
        asio::steady_timer wake;
        bool abandoned = false;
    };

    template <discovery::DiscoveryStrategy S>
    [[nodiscard]] asio::awaitable<discovery_end> run_from(S& strategy, discovery::step next, notice_handler tell) {
        using discovery::discovery_error;
        auto const alive = this->shared_from_this();
        auto const round = std::make_shared<running>(executor_);
        std::erase_if(rounds_, [](auto const& one) { return one.expired(); });
        rounds_.push_back(round);
        struct ending {
            running& of;
            ~ending() { of.cancel_all(); }
        } const ends{*round};
        // What is under way ends by itself at the stop; this is for the case that nothing is.
        stop_state::hook const woken{stop_, [round] { round->wake.cancel(); }};

        for (;;) {
            for (discovery::notice const& told : next.notices()) tell(told);
            if (next.ended()) break;
            for (discovery::ticket const id : next.cancelled()) round->cancel(id);
            for (discovery::request& wanted : next.requests()) {
                if (!begin(round, wanted))
                    co_return ended(fail(discovery_error::unexpected_answer, wanted.id, "ticket"));
            }
            if (round->under_way.empty() && round->done.empty()) co_return ended(fail(discovery_error::stalled));
            while (round->done.empty() && !round->abandoned && !stop_->stopped()) {
                asio::error_code ignored;
                co_await round->wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            }
            if (round->abandoned || stop_->stopped())
                co_return ended(fail(discovery_error::unavailable, ECANCELED, "discovery"));
            auto [which, what] = std::move(round->done.front());
            round->done.pop_front();
            next = strategy.resume(which, std::move(what), clock_.now());
        }
        if (next.answer()) {
            for (discovery::candidate& c : *next.answer()) {
                if (c.strategy.empty()) c.strategy = bounded_text<31>::cut(strategy.name());
            }
        }
        co_return discovery_end{std::move(next.answer()), std::move(next.watches())};
    }
    void abandon_all() {
        for (auto const& one : std::exchange(rounds_, {})) {
            auto const round = one.lock();
            if (!round) continue;
            round->abandoned = true;
            round->wake.cancel();
        }
    }

    [[nodiscard]] static discovery_end ended(tl::unexpected<error> why) { return {std::move(why), {}}; }

    /// False if the ticket is in use.
    [[nodiscard]] bool begin(std::shared_ptr<running> const& round, discovery::request& wanted) {
        auto const own = std::make_shared<stop_state>();
        if (!round->under_way.try_emplace(wanted.id, own).second) return false;
        spawn(own, std::move(wanted.what), [round, own, id = wanted.id](discovery::outcome what) {
            auto const found = round->under_way.find(id);
            if (found == round->under_way.end() || found->second != own) return; // cancelled meanwhile
            round->under_way.erase(found);
            round->done.emplace_back(id, std::move(what));
            round->wake.cancel();
        });
        return true;
    }
    template <typename Done>
    void spawn(std::shared_ptr<stop_state> own, discovery::effect what, Done done) {
        asio::co_spawn(executor_, until_stopped(this->shared_from_this(), std::move(own), std::move(what)),
                       [done = std::move(done)](std::exception_ptr e, discovery::outcome got) mutable {
                           // Only memory can run out in there.
                           done(e ? discovery::outcome{error{discovery::discovery_error::unavailable, ENOMEM}}
                                  : std::move(got));
                       });
    }
    /// Ends with the effect's own stop or with the node's.
    [[nodiscard]] static asio::awaitable<discovery::outcome> until_stopped(std::shared_ptr<basic_discovery_driver> self,
                                                                           std::shared_ptr<stop_state> own,
                                                                           discovery::effect what) {
        if (self->stop_->stopped() || own->stopped()) {
            co_return error{discovery::discovery_error::unavailable, ECANCELED, "discovery"};
        }
        stop_state::hook const both{self->stop_, [own] { own->stop(); }};
        co_return co_await std::visit([&](auto& wanted) { return self->carry_out(own, std::move(wanted)); }, what);
    }

    using stopping = std::shared_ptr<stop_state>;
    using eventually = asio::awaitable<discovery::outcome>;

    template <typename T>
    [[nodiscard]] static eventually outcome_of(asio::awaitable<result<T>> doing) {
        result<T> got = co_await std::move(doing);
        if (!got) co_return got.error();
        co_return std::move(*got);
    }
    [[nodiscard]] eventually carry_out(stopping stop, discovery::wait_until wait) {
        co_await pause_until(executor_, std::move(stop), to_steady(wait.at));
        co_return discovery::elapsed{};
    }
    [[nodiscard]] eventually carry_out(stopping stop, discovery::http_get get) {
        return outcome_of(http_get(executor_, std::move(stop), std::move(get)));
    }
    [[nodiscard]] eventually carry_out(stopping stop, discovery::run_command command) {
        return outcome_of(run_command(executor_, std::move(stop), std::move(command)));
    }
    [[nodiscard]] eventually carry_out(stopping stop, discovery::read_file file) {
        return outcome_of(read_file(executor_, std::move(stop), std::move(file)));
    }
    [[nodiscard]] eventually carry_out(stopping stop, discovery::watch_file file) {
        return outcome_of(watch_file(executor_, std::move(stop), std::move(file)));
    }
    [[nodiscard]] eventually carry_out(stopping, discovery::read_environment wanted) {
        co_return read_environment(wanted);
    }
    template <typename Lookable>
        requires requires(Lookup& lookup, stopping stop, Lookable what) { lookup.resolve(stop, what); }
    [[nodiscard]] eventually carry_out(stopping stop, Lookable what) {
        return outcome_of(lookup_.resolve(std::move(stop), std::move(what)));
    }
    [[nodiscard]] eventually carry_out(stopping stop, discovery::browse_services wanted) {
        if (!browse_) co_return error{discovery::discovery_error::unsupported, 0, "multicast DNS"};
        co_return co_await outcome_of(browse_(std::move(stop), std::move(wanted)));
    }
    [[nodiscard]] eventually carry_out(stopping stop, discovery::http_request what) {
        return outcome_of(http_.request(std::move(stop), std::move(what)));
    }
    [[nodiscard]] eventually carry_out(stopping, discovery::read_announcement what) {
        if (!node_) co_return no_node();
        auto got = node_.read(what.challenge);
        if (!got) co_return got.error();
        co_return std::move(*got);
    }
    [[nodiscard]] eventually carry_out(stopping stop, discovery::watch_announcement what) {
        if (!node_) co_return no_node();
        while (node_.incarnation() == what.incarnation) {
            asio::steady_timer changed{executor_, std::chrono::steady_clock::time_point::max()};
            stop_state::hook const woken{announced_, [&changed] { changed.cancel(); }};
            stop_state::hook const ended{stop, [&changed] { changed.cancel(); }};
            asio::error_code ignored;
            co_await changed.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            if (stop->stopped()) co_return error{discovery::discovery_error::unavailable, ECANCELED, "announcement"};
        }
        co_return discovery::announcement_changed{};
    }
    [[nodiscard]] eventually carry_out(stopping, discovery::use_registry what) {
        if (!node_) co_return no_node();
        if (auto const done = node_.use_registry(what.text); !done) co_return done.error();
        co_return discovery::elapsed{};
    }
    [[nodiscard]] static error no_node() noexcept {
        return {discovery::discovery_error::unsupported, 0, "announcement"};
    }

    asio::any_io_executor executor_;
    std::shared_ptr<stop_state> stop_;
    Lookup lookup_;
    service_browser browse_;
    any_http_client http_;
    peerkit::node::announcing_node node_;
    std::shared_ptr<stop_state> announced_ = std::make_shared<stop_state>(); ///< comes with another announcement
    std::vector<std::weak_ptr<running>> rounds_;
    std::shared_ptr<stop_state> watching_;
    system_steady_clock clock_;
};

using discovery_driver = basic_discovery_driver<any_resolver>;

} // namespace net
PEERKIT_END_NAMESPACE

#endif
