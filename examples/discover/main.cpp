// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// peerkit-discover: what a discovery strategy finds, and why not more. See --help.
#include "report.hpp"
#include "settings.hpp"
#include "traced.hpp"

#include <peerkit/crypto/secure_rng.hpp>
#include <peerkit/discovery/with_timeout.hpp>
#include <peerkit/net/any_resolver.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/discovery_driver.hpp>
#include <peerkit/net/interfaces.hpp>
#include <peerkit/net/mdns.hpp>
#include <peerkit/net/node.hpp>
#include <peerkit/net/system_resolver.hpp>
#include <peerkit/registry/make_strategy.hpp>
#ifdef PEERKIT_DISCOVER_HAS_DNS
#    include <peerkit/net/cares_resolver.hpp>
#endif
#ifdef PEERKIT_DISCOVER_HAS_HTTP
#    include <peerkit/net/http_client.hpp>
#endif

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/redirect_error.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <random>
#include <string>
#include <utility>

namespace discover_program {
namespace {

using namespace peerkit;

discovery::own_identity own_identity(std::uint16_t port) {
    discovery::own_identity me;
    if (port == 0) return me; // nobody is left out
    me.port = port;
    me.host_names = {net::host_label(), "localhost"};
    if (auto const all = net::list_interfaces()) {
        for (net::interface_address const& one : *all) me.addresses.push_back(one.address);
    }
    return me;
}

net::any_resolver make_resolver(asio::any_io_executor const& executor, std::string const& servers) {
    if (servers.empty()) return net::system_resolver{executor};
#ifdef PEERKIT_DISCOVER_HAS_DNS
    if (auto const ok = net::cares_servers(servers); !ok) {
        throw refusal{"--server: " + ok.error().message() + "\n  " + servers};
    }
    return net::cares_resolver{executor, {.servers = servers}};
#else
    throw refusal{"--server: this program was built without c-ares"};
#endif
}

/// Runs the strategy once, or until a signal comes.
class session {
public:
    explicit session(settings with)
        : settings_{std::move(with)}, strategy_{make()},
          driver_{std::make_shared<net::discovery_driver>(loop_.get_executor(), stop_,
                                                          make_resolver(loop_.get_executor(), settings_.servers))} {
#ifdef PEERKIT_DISCOVER_HAS_HTTP
        driver_->request_with(
            net::http_client{loop_.get_executor(), {}, make_resolver(loop_.get_executor(), settings_.servers)});
#endif
        auto rng = crypto::secure_rng::make();
        if (!rng) return; // then the driver says that it cannot browse
        driver_->browse_with([link = net::mdns_link::make(loop_.get_executor(), stop_, std::move(*rng))](
                                 std::shared_ptr<net::stop_state> stop, discovery::browse_services wanted) {
            return link->browse(std::move(stop), std::move(wanted));
        });
    }

    int run() {
        std::signal(SIGPIPE, SIG_IGN);
        signals_.async_wait([this](asio::error_code ec, int) {
            if (ec) return;
            stop_->stop();
            wake_.cancel();
        });
        asio::co_spawn(loop_, look(), [this](std::exception_ptr failed) {
            driver_->unwatch();
            stop_->stop();
            signals_.cancel();
            failed_ = failed;
        });
        loop_.run();
        if (failed_) std::rethrow_exception(failed_);
        return code_;
    }

private:
    discovery::any_strategy make() {
        discovery::strategy_context context{
            .self = own_identity(settings_.own_port), .port = settings_.port, .seed = std::random_device{}()};
        if (char const* const place = std::getenv("TS_SOCKET"); place != nullptr && *place != '\0') {
            context.tailscale_sockets = {place};
        }
        context.around = [this](discovery::any_strategy made, discovery::provider_text const& text) {
            provider_log& log = logs_.emplace_back();
            log.text = to_string(text);
            return discovery::any_strategy{traced{std::move(made), log}};
        };
        auto made = registry::make_strategy(settings_.strategy, context);
        if (!made) throw refusal{"--strategy: " + discovery::point_at(settings_.strategy, made.error())};
        text_ = to_string(*discovery::parse_provider(settings_.strategy));
        if (settings_.timeout == duration::zero()) return std::move(*made);
        return discovery::with_timeout{std::move(*made), settings_.timeout};
    }

    asio::awaitable<void> look() {
        for (unsigned number = 1;; ++number) {
            for (provider_log& one : logs_) one.forget();
            run_report report;
            report.strategy = text_;
            report.number = number;
            report.providers = &logs_;
            auto const since = std::chrono::steady_clock::now();
            report.end = co_await driver_->run(
                strategy_, [&report](discovery::notice const& told) { report.notices.push_back(told); });
            report.took = std::chrono::steady_clock::now() - since;
            if (stop_->stopped()) co_return;
            code_ = report.end.answer && !report.end.answer->empty() ? exit_found : exit_nobody;
            std::string const text = settings_.json ? as_json(report) : as_text(report);
            bool const printed = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
            if (!settings_.watch || !printed) co_return;

            wake_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(settings_.interval));
            driver_->watch(std::move(report.end.watches), [this] { wake_.cancel(); });
            asio::error_code ignored;
            co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            if (stop_->stopped()) co_return;
            if (!settings_.json) std::fputs("\n", stdout);
        }
    }

    settings settings_;
    std::string text_; ///< the strategy in its short form
    provider_logs logs_;
    discovery::any_strategy strategy_;
    asio::io_context loop_{1};
    std::shared_ptr<net::stop_state> stop_ = std::make_shared<net::stop_state>();
    std::shared_ptr<net::discovery_driver> driver_;
    asio::signal_set signals_{loop_, SIGINT, SIGTERM};
    asio::steady_timer wake_{loop_};
    std::exception_ptr failed_;
    int code_ = exit_nobody;
};

} // namespace
} // namespace discover_program

int main(int argc, char** argv) {
    using namespace discover_program;
    try {
        settings with = parse(argc, argv);
        if (!with.print.empty()) return std::fputs(with.print.c_str(), stdout) < 0 ? exit_nobody : exit_found;
        return session{std::move(with)}.run();
    } catch (refusal const& e) {
        std::fprintf(stderr, "peerkit-discover: %s\nSee peerkit-discover --help.\n", e.what());
        return exit_bad_usage;
    } catch (std::exception const& e) {
        std::fprintf(stderr, "peerkit-discover: %s\n", e.what());
        return exit_nobody;
    }
}
