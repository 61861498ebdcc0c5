// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// HTTP and HTTPS requests by cpp-httplib, on threads of their own.
#ifndef PEERKIT_NET_HTTP_CLIENT_HPP
#define PEERKIT_NET_HTTP_CLIENT_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/net/any_http_client.hpp>
#include <peerkit/net/any_resolver.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/http_client_connection.hpp>
#include <peerkit/net/http_origin.hpp>
#include <peerkit/net/system_resolver.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/error_code.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

struct http_client_options {
    std::size_t workers = 8;        ///< threads, that is requests at a time; started when they are needed
    std::size_t most_waiting = 256; ///< requests that may wait for a thread; further ones are `unavailable` (EAGAIN)
    /// How long a connection without a request is kept for another GET to the same server. Below what servers wait,
    /// so that it is seldom they who close it. Zero: no connection is kept.
    std::chrono::milliseconds keep_alive{3'000};
};

namespace detail {

/// One request on its way from the executor to a thread, and its reply on the way back.
class http_job {
public:
    using clock = std::chrono::steady_clock;

    /// The asking side; lives and dies on the executor.
    struct asker {
        explicit asker(asio::any_io_executor const& executor) : wake{executor} {}
        asio::steady_timer wake;
        result<discovery::http_reply> outcome{};
        bool answered = false;
    };

    http_job(asio::any_io_executor executor, std::shared_ptr<asker> who, discovery::http_request what, http_origin to)
        : wanted{std::move(what)}, origin{to}, reply_to_{std::move(executor)}, asker_{std::move(who)} {}

    /// On the thread. The lock is held while posting, so that `leave` returns only when it is safe to end.
    void answer(result<discovery::http_reply> what) {
        std::lock_guard const lock{mutex_};
        if (!asker_) return;
        asio::post(reply_to_, [asker = std::move(asker_), what = std::move(what)]() mutable {
            asker->outcome = std::move(what);
            asker->answered = true;
            asker->wake.cancel();
        });
    }
    /// On the executor: nobody waits any more.
    void leave() noexcept {
        control.abort();
        std::lock_guard const lock{mutex_};
        reply_to_ = asio::any_io_executor{};
        asker_.reset();
    }

    discovery::http_request wanted;
    http_origin origin;
    std::vector<ip_address> addresses{}; ///< tried in turn
    clock::time_point deadline{};
    http_control control;

private:
    std::mutex mutex_;
    asio::any_io_executor reply_to_;
    std::shared_ptr<asker> asker_;
};

/// The threads of a client, and the connections between two requests.
class http_workers {
public:
    using clock = std::chrono::steady_clock;

    explicit http_workers(http_client_options const& how) : options_{how} {}
    http_workers(http_workers const&) = delete;
    http_workers& operator=(http_workers const&) = delete;
    /// Takes milliseconds: nobody waits for what is under way.
    ~http_workers() {
        {
            std::unique_lock lock{mutex_};
            ending_ = true;
            waiting_.clear();
            wake_.notify_all();
            do {
                for (auto const& job : active_) job->control.abort();
            } while (!ended_.wait_for(lock, std::chrono::milliseconds{5}, [this] { return active_.empty(); }));
        }
        for (std::thread& one : threads_) one.join();
    }

    /// @par Errors `unavailable` with EAGAIN (too many wait) or the system's code (no thread can be had)
    [[nodiscard]] result<void> submit(std::shared_ptr<http_job> job) {
        using discovery::discovery_error;
        std::lock_guard const lock{mutex_};
        if (waiting_.size() >= options_.most_waiting) {
            std::erase_if(waiting_, [](auto const& one) { return one->control.aborted(); });
        }
        if (waiting_.size() >= options_.most_waiting) return fail(discovery_error::unavailable, EAGAIN, "http queue");
        if (idle_threads_ <= waiting_.size() && threads_.size() < std::max<std::size_t>(options_.workers, 1)) {
            if (int const failed = start_thread(); failed != 0 && threads_.empty()) {
                return fail(discovery_error::unavailable, static_cast<std::uint64_t>(failed), "thread");
            }
        }
        waiting_.push_back(std::move(job));
        wake_.notify_one();
        return {};
    }
    [[nodiscard]] std::size_t kept() const {
        std::lock_guard const lock{mutex_};
        return kept_.size();
    }

private:
    /// A connection that nobody uses now.
    struct idle_connection {
        http_origin origin;
        std::string ca_file;
        std::unique_ptr<http_client_connection> connection;
        clock::time_point until;
    };

    /// All signals are blocked there: the host's handlers run on the host's threads, and a server that closes early
    /// kills nobody by SIGPIPE.
    [[nodiscard]] int start_thread() {
        sigset_t all, before;
        sigfillset(&all);
        if (int const failed = ::pthread_sigmask(SIG_SETMASK, &all, &before); failed != 0) return failed;
        int failed = 0;
        try {
            threads_.emplace_back([this] { work(); });
        } catch (std::system_error const& e) {
            failed = e.code().value();
        }
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return failed;
    }

    void work() {
        std::unique_lock lock{mutex_};
        while (!ending_) {
            if (!waiting_.empty()) {
                auto const job = std::move(waiting_.front());
                waiting_.pop_front();
                active_.push_back(job);
                lock.unlock();
                do_job(*job);
                lock.lock();
                std::erase(active_, job);
                if (ending_) ended_.notify_all();
                continue;
            }
            ++idle_threads_;
            if (kept_.empty())
                wake_.wait(lock);
            else
                wake_.wait_until(lock, kept_.front().until);
            --idle_threads_;
            discard_old(lock);
        }
    }
    void do_job(http_job& job) {
        try {
            job.answer(reply_of(job));
        } catch (std::bad_alloc const&) {
            job.answer(fail(discovery::discovery_error::unavailable, ENOMEM, "http"));
        } catch (...) { // whatever cpp-httplib may throw
            job.answer(fail(discovery::discovery_error::unavailable, 0, "http"));
        }
    }
    [[nodiscard]] result<discovery::http_reply> reply_of(http_job& job) {
        result<discovery::http_reply> got = fail(discovery::discovery_error::unavailable, 0, "http");
        // Whether a lost request was carried out cannot be known, so only one that changes nothing is risked on a
        // connection that the server may be closing.
        if (job.wanted.method == discovery::http_method::get) {
            if (auto before = take(job)) {
                got = before->exchange(job.wanted, job.deadline, job.deadline, job.control);
                keep(job, std::move(before));
                if (got || job.control.answered() || job.control.aborted()) return got;
            }
        }
        for (std::size_t i = 0; i < job.addresses.size() && !job.control.aborted(); ++i) {
            auto const now = clock::now();
            if (now >= job.deadline) break;
            // Each address has its share of what is left, so that a silent one leaves time for the next.
            auto const share = (job.deadline - now) / static_cast<int>(job.addresses.size() - i);
            auto fresh = std::make_unique<http_client_connection>(job.origin, job.addresses[i], job.wanted.ca_file);
            got = fresh->exchange(job.wanted, now + share, job.deadline, job.control);
            keep(job, std::move(fresh));
            if (got || got.error().field() != "connect") break;
        }
        return got;
    }

    [[nodiscard]] std::unique_ptr<http_client_connection> take(http_job const& job) {
        std::lock_guard const lock{mutex_};
        auto const now = clock::now();
        for (auto one = kept_.rbegin(); one != kept_.rend(); ++one) {
            if (one->until <= now || one->origin != job.origin || one->ca_file != job.wanted.ca_file) continue;
            auto found = std::move(one->connection);
            kept_.erase(std::next(one).base());
            return found;
        }
        return nullptr;
    }
    void keep(http_job const& job, std::unique_ptr<http_client_connection> connection) {
        if (options_.keep_alive.count() <= 0 || !connection->open() || job.control.aborted()) return;
        idle_connection oldest; // closed after the lock is gone
        std::lock_guard const lock{mutex_};
        if (kept_.size() >= options_.workers) {
            oldest = std::move(kept_.front());
            kept_.pop_front();
        }
        kept_.push_back({job.origin, job.wanted.ca_file, std::move(connection), clock::now() + options_.keep_alive});
    }
    void discard_old(std::unique_lock<std::mutex>& lock) {
        std::vector<idle_connection> old;
        while (!kept_.empty() && kept_.front().until <= clock::now()) {
            old.push_back(std::move(kept_.front()));
            kept_.pop_front();
        }
        lock.unlock();
        old.clear();
        lock.lock();
    }

    http_client_options options_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable ended_;
    std::deque<std::shared_ptr<http_job>> waiting_;
    std::vector<std::shared_ptr<http_job>> active_;
    std::deque<idle_connection> kept_; ///< oldest first
    std::size_t idle_threads_ = 0;
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

} // namespace detail

/// Carries out `discovery::http_request` by cpp-httplib. An `HttpClient`.
///
/// cpp-httplib blocks, so each request runs on one of a few threads; the executor only waits for it. Deadlines,
/// cancellation and limits are this client's own: they hold against servers that send a byte at a time, a head without
/// end or a length that is not true. Host names are looked up by a resolver and tried address by address.
///
/// HTTPS needs a cpp-httplib with TLS (Debian's, or `CPPHTTPLIB_OPENSSL_SUPPORT` where it is a header); else such a
/// request is `unsupported`.
/// @code
/// net::node_config config;
/// config.http = net::http_client{loop.get_executor()};
/// @endcode
/// @par Errors `timed_out` (position: the time allowed in milliseconds); `unavailable` (position: errno, 0 where
/// cpp-httplib does not tell); `unresolved`, `server_failed` (the host's name); `too_large`; `bad_reply`; `bad_option`;
/// `untrusted_server`; `unsupported`
/// @par Lifetime
/// Copies share threads and connections. It may be destroyed while requests run: they go on. The last of them and the
/// client end the threads, which takes milliseconds.
class http_client {
public:
    /// @param executor where requests are made and end: the node's own, its strand if several threads run the loop
    /// @param resolver who looks up names; empty: the system's
    explicit http_client(asio::any_io_executor executor, http_client_options const& how = {},
                         any_resolver resolver = {})
        : shared_{std::make_shared<shared>(std::move(executor), how, std::move(resolver))} {}

    [[nodiscard]] http_answer request(std::shared_ptr<stop_state> stop, discovery::http_request what) {
        return ask(shared_, std::move(stop), std::move(what));
    }

    /// Requests whose outcome somebody waits for.
    [[nodiscard]] std::size_t under_way() const noexcept { return shared_->under_way; }
    /// Connections that wait for another request.
    [[nodiscard]] std::size_t kept_connections() const { return shared_->workers.kept(); }

private:
    struct shared {
        shared(asio::any_io_executor on, http_client_options const& how, any_resolver names)
            : executor{std::move(on)}, resolver{names ? std::move(names) : any_resolver{system_resolver{executor}}},
              workers{how} {}
        asio::any_io_executor executor;
        any_resolver resolver;
        detail::http_workers workers;
        std::size_t under_way = 0;
    };
    using asker = detail::http_job::asker;

    [[nodiscard]] static http_answer ask(std::shared_ptr<shared> self, std::shared_ptr<stop_state> stop,
                                         discovery::http_request what) {
        using discovery::discovery_error;
        auto const origin = http_origin::parse(what.url);
        if (!origin) co_return fail(origin.error());
        if (auto const ok = check_http_request(what); !ok) co_return fail(ok.error());
        if (stop->stopped()) co_return fail(discovery_error::unavailable, ECANCELED, "http");
        struct counted {
            std::size_t& of;
            explicit counted(std::size_t& count) : of{count} { ++of; }
            ~counted() { --of; }
        } const counts{self->under_way};

        auto const limit = std::clamp<duration>(what.timeout, duration::zero(), std::chrono::hours{24});
        auto const too_late = [limit] {
            auto const allowed = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
            return fail(discovery_error::timed_out, static_cast<std::uint64_t>(allowed), "http");
        };
        std::size_t const max_bytes = what.max_bytes;
        auto const waiting = std::make_shared<asker>(self->executor);
        auto const job = std::make_shared<detail::http_job>(self->executor, waiting, std::move(what), *origin);
        job->deadline =
            std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit);
        // Whichever way this ends, even by destruction, the thread must not touch an executor that may be gone.
        struct leaving {
            std::shared_ptr<detail::http_job> job;
            ~leaving() { job->leave(); }
        } const leaves{job};

        if (origin->where.is_host_name()) {
            discovery::resolve_name lookup;
            lookup.host = origin->host();
            lookup.timeout = limit;
            lookup.tries = 1;
            auto found = co_await self->resolver.resolve(stop, std::move(lookup));
            if (!found) {
                if (found.error() == discovery_error::timed_out) co_return too_late();
                co_return fail(found.error());
            }
            constexpr std::size_t most_addresses = 16;
            job->addresses = std::move(found->addresses);
            if (job->addresses.size() > most_addresses) job->addresses.resize(most_addresses);
        } else {
            job->addresses = {origin->where.address()};
        }

        watchdog guard{self->executor, stop,
                       std::chrono::duration_cast<duration>(job->deadline - std::chrono::steady_clock::now()),
                       [job, waiting] {
                           job->control.abort();
                           waiting->wake.cancel();
                       }};
        if (auto const ok = self->workers.submit(job); !ok) co_return fail(ok.error());
        bool overfed = false;
        while (!waiting->answered && !guard.fired() && !overfed) {
            waiting->wake.expires_after(std::chrono::milliseconds{100});
            asio::error_code ignored;
            co_await waiting->wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            overfed = !waiting->answered && job->control.overfed(max_bytes);
        }
        if (waiting->answered && waiting->outcome) co_return std::move(waiting->outcome);
        // Why it was ended counts, not what became of it then. At the deadline it may also end by itself, a moment
        // before.
        if (guard.stopped()) co_return fail(discovery_error::unavailable, ECANCELED, "http");
        if (guard.timed_out() || std::chrono::steady_clock::now() >= job->deadline) co_return too_late();
        if (overfed) co_return fail(discovery_error::too_large, max_bytes, "http reply");
        co_return std::move(waiting->outcome);
    }

    std::shared_ptr<shared> shared_;
};

static_assert(check_http_client<http_client>());

} // namespace net
PEERKIT_END_NAMESPACE

#endif
