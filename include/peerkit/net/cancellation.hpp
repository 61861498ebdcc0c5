// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// How the shell ends what it has begun: a stop shared by everything of one node, deadlines, and a gate to wait at.
#ifndef PEERKIT_NET_CANCELLATION_HPP
#define PEERKIT_NET_CANCELLATION_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/detail/config.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/basic_waitable_timer.hpp>
#include <asio/error_code.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/wait_traits.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// The stop shared by everything that one node has under way. Whoever starts something that could outlast it puts a
/// `hook` here that ends it: closes a socket, cancels a timer, kills a process.
///
/// Held by `std::shared_ptr`, since an operation may outlive the node that began it. Not thread safe: everything
/// happens on the node's executor.
class stop_state {
public:
    /// Calls `end` once when the stop comes, unless it is destroyed before. Must not be made after the stop: ask first.
    class hook {
    public:
        hook(std::shared_ptr<stop_state> of, std::function<void()> end)
            : of_{std::move(of)}, end_{std::move(end)}, next_{of_->first_}, link_{&of_->first_} {
            if (next_ != nullptr) next_->link_ = &next_;
            of_->first_ = this;
        }
        hook(hook const&) = delete;
        hook& operator=(hook const&) = delete;
        ~hook() { unlink(); }

    private:
        friend class stop_state;

        void unlink() noexcept {
            if (link_ == nullptr) return;
            *link_ = next_;
            if (next_ != nullptr) next_->link_ = link_;
            link_ = nullptr;
        }

        std::shared_ptr<stop_state> of_;
        std::function<void()> end_;
        hook* next_;
        hook** link_; ///< what points to this one; null once called
    };

    [[nodiscard]] bool stopped() const noexcept { return stopped_; }

    /// Calls every hook, newest first. Later calls do nothing.
    void stop() {
        stopped_ = true;
        while (first_ != nullptr) {
            hook* const one = first_;
            one->unlink();
            auto const end = std::move(one->end_); // the call may destroy the hook
            end();
        }
    }

private:
    hook* first_ = nullptr;
    bool stopped_ = false;
};

/// A steady timer on a given kind of executor. (What waits here are templates, so that including them costs little.)
template <typename Executor>
using timer_of =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

/// Ends something when its time is over or the stop comes, and remembers which. For use within one coroutine:
/// @code
/// watchdog guard{executor, stop, timeout, [&] { socket.close(ignored); }};
/// co_await socket.async_connect(...);              // fails when the guard has closed the socket
/// if (guard.timed_out()) ...
/// @endcode
template <typename Executor>
class basic_watchdog {
public:
    /// `end` is called at most once, never after the watchdog is gone. A `limit` not above zero has passed at once.
    basic_watchdog(Executor const& executor, std::shared_ptr<stop_state> stop, duration limit,
                   std::function<void()> end)
        : shared_{std::make_shared<shared>(std::move(end))}, timer_{executor},
          hook_{std::move(stop), [s = shared_.get()] { s->fire(s->stopped); }} {
        extend(limit);
    }
    basic_watchdog(basic_watchdog const&) = delete;
    basic_watchdog& operator=(basic_watchdog const&) = delete;
    ~basic_watchdog() { shared_->end = nullptr; }

    /// The time is over `limit` from now. Costs an armed timer; not for every packet.
    void extend(duration limit) {
        timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit));
        timer_.async_wait([s = shared_](asio::error_code ec) {
            if (!ec) s->fire(s->timed_out);
        });
    }

    [[nodiscard]] bool timed_out() const noexcept { return shared_->timed_out; }
    [[nodiscard]] bool stopped() const noexcept { return shared_->stopped; }
    [[nodiscard]] bool fired() const noexcept { return timed_out() || stopped(); }

private:
    struct shared {
        explicit shared(std::function<void()> call) : end{std::move(call)} {}
        void fire(bool& which) {
            if (!end) return;
            which = true;
            auto const call = std::exchange(end, nullptr);
            call();
        }
        std::function<void()> end; ///< empty once called or no longer wanted
        bool timed_out = false;
        bool stopped = false;
    };

    std::shared_ptr<shared> shared_;
    timer_of<Executor> timer_;
    stop_state::hook hook_;
};
using watchdog = basic_watchdog<asio::any_io_executor>;

/// Something that has not happened yet: coroutines wait until another part of the same executor opens it.
template <typename Executor>
class basic_gate {
public:
    explicit basic_gate(Executor const& executor) : timer_{executor, std::chrono::steady_clock::time_point::max()} {}

    void open() {
        open_ = true;
        timer_.cancel();
    }
    [[nodiscard]] bool is_open() const noexcept { return open_; }

    /// Returns at once if open. The gate must outlive the wait.
    [[nodiscard]] asio::awaitable<void> wait() {
        while (!open_) {
            asio::error_code ignored;
            co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
    }

private:
    timer_of<Executor> timer_;
    bool open_ = false;
};
using gate = basic_gate<asio::any_io_executor>;

/// Waits until a moment, or until the stop comes; at once if either is past.
template <typename Executor>
[[nodiscard]] asio::awaitable<void> pause_until(Executor executor, std::shared_ptr<stop_state> stop,
                                                std::chrono::steady_clock::time_point until) {
    if (stop->stopped()) co_return;
    timer_of<Executor> timer{executor, until};
    stop_state::hook const hook{stop, [&timer] { timer.cancel(); }};
    asio::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}
/// Waits for a time, or until the stop comes.
template <typename Executor>
[[nodiscard]] asio::awaitable<void> pause_for(Executor executor, std::shared_ptr<stop_state> stop,
                                              std::chrono::milliseconds time) {
    return pause_until(std::move(executor), std::move(stop), std::chrono::steady_clock::now() + time);
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
