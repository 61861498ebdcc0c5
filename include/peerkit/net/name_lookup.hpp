// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Host names to addresses by the system's resolver, on threads nobody waits for.
#ifndef PEERKIT_NET_NAME_LOOKUP_HPP
#define PEERKIT_NET_NAME_LOOKUP_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/strategy.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/convert.hpp>
#include <peerkit/net/system.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/post.hpp>

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// What a lookup came to: addresses without duplicates in the resolver's order, or its error code (EAI_...).
struct looked_up {
    int code = 0;
    std::vector<ip_address> addresses;
};

/// Asks the system's resolver (getaddrinfo); blocks. A `name_lookup` can be given another function.
[[nodiscard]] inline looked_up ask_system_resolver(std::string const& host) {
    looked_up answer;
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* list = nullptr;
    answer.code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    if (answer.code != 0) return answer;
    for (addrinfo const* a = list; a != nullptr; a = a->ai_next) {
        ip_address const found = from_system(a->ai_addr, a->ai_addrlen).address;
        bool const seen = std::find(answer.addresses.begin(), answer.addresses.end(), found) != answer.addresses.end();
        if (found && !seen) answer.addresses.push_back(found);
    }
    ::freeaddrinfo(list);
    if (answer.addresses.empty()) answer.code = EAI_NONAME;
    return answer;
}

/// Looks up host names without blocking the executor. A call of the system's resolver cannot be cancelled and may take
/// tens of seconds; it runs on a thread of its own, and whoever stops waiting leaves it behind. Asio's resolver would
/// hold up both `run()` and the destruction of its context until the call returns.
///
/// At most `max_threads` calls run at once, those left behind included; further lookups wait for a free thread within
/// their own timeout. Used from one executor; the threads share nothing else with it.
/// @tparam Resolver `resolver(host)` gives a `looked_up`, on any thread; it does not throw
template <typename Resolver>
class basic_name_lookup {
public:
    explicit basic_name_lookup(asio::any_io_executor executor, std::size_t max_threads = 16,
                               Resolver resolver = &ask_system_resolver)
        : executor_{std::move(executor)}, max_threads_{max_threads}, resolver_{std::move(resolver)} {}

    /// Carries out `discovery::resolve_name`. An address is its own answer.
    /// @par Errors `unresolved` (EAI code), `timed_out`, `unavailable` (errno: no thread; ECANCELED: stopped)
    [[nodiscard]] asio::awaitable<result<discovery::resolved>> resolve(std::shared_ptr<stop_state> stop,
                                                                       discovery::resolve_name request) {
        using discovery::discovery_error;
        if (auto const address = ip_address::parse(request.host)) {
            discovery::resolved itself;
            itself.addresses.push_back(*address);
            co_return itself;
        }
        if (stop->stopped()) co_return fail(discovery_error::unavailable, ECANCELED, "lookup");

        auto const asker = std::make_shared<waiter>(executor_);
        auto const box = std::make_shared<mailbox>(executor_, asker);
        // Whichever way this ends, even by destruction, the thread must not touch an executor that may be gone.
        struct leaving {
            std::shared_ptr<mailbox> box;
            ~leaving() { box->leave(); }
        } const leaves{box};
        watchdog guard{executor_, stop, request.timeout, [asker] { asker->done.open(); }};

        bool started = false;
        while (!guard.fired() && !started) {
            if (running_->load() < max_threads_) {
                ++*running_;
                int const failed = run_detached([box, host = request.host, running = running_, ask = resolver_] {
                    looked_up answer = ask(host);
                    --*running;
                    box->answer(std::move(answer));
                });
                if (failed != 0) {
                    --*running_;
                    co_return fail(discovery_error::unavailable, static_cast<std::uint64_t>(failed), "thread");
                }
                started = true;
            } else {
                co_await pause_for(executor_, stop, std::chrono::milliseconds{5});
            }
        }
        if (started) co_await asker->done.wait();

        if (asker->answered) {
            if (asker->found.code != 0) {
                co_return fail(discovery_error::unresolved, static_cast<std::uint64_t>(std::abs(asker->found.code)),
                               "host name");
            }
            discovery::resolved answer;
            answer.addresses = std::move(asker->found.addresses);
            co_return answer;
        }
        if (guard.stopped()) co_return fail(discovery_error::unavailable, ECANCELED, "lookup");
        auto const allowed = std::chrono::duration_cast<std::chrono::milliseconds>(request.timeout).count();
        co_return fail(discovery_error::timed_out, static_cast<std::uint64_t>(allowed), "lookup");
    }

    /// Calls of the resolver that have not returned, whether anybody waits for them or not.
    [[nodiscard]] std::size_t running() const noexcept { return running_->load(); }

private:
    /// The asking side; lives and dies on the executor.
    struct waiter {
        explicit waiter(asio::any_io_executor const& executor) : done{executor} {}
        gate done;
        looked_up found;
        bool answered = false;
    };

    /// All that the thread knows of the asking side, until that leaves.
    class mailbox {
    public:
        mailbox(asio::any_io_executor executor, std::shared_ptr<waiter> asker)
            : reply_to_{std::move(executor)}, asker_{std::move(asker)} {}

        /// On the thread. The lock is held while posting, so that `leave` returns only when it is safe to end.
        void answer(looked_up what) {
            std::lock_guard const lock{mutex_};
            if (!asker_) return;
            asio::post(reply_to_, [asker = std::move(asker_), what = std::move(what)]() mutable {
                asker->found = std::move(what);
                asker->answered = true;
                asker->done.open();
            });
        }
        /// On the executor.
        void leave() noexcept {
            std::lock_guard const lock{mutex_};
            reply_to_ = asio::any_io_executor{};
            asker_.reset();
        }

    private:
        std::mutex mutex_;
        asio::any_io_executor reply_to_;
        std::shared_ptr<waiter> asker_; ///< null when answered or nobody waits
    };

    asio::any_io_executor executor_;
    std::size_t max_threads_;
    Resolver resolver_;
    std::shared_ptr<std::atomic<std::size_t>> running_ = std::make_shared<std::atomic<std::size_t>>(0);
};

using name_lookup = basic_name_lookup<looked_up (*)(std::string const& host)>;

} // namespace net
PEERKIT_END_NAMESPACE

#endif
