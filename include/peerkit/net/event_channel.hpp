// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Events of a node for a consumer that takes its time: awaited one by one, in batches, from any executor.
#ifndef PEERKIT_NET_EVENT_CHANNEL_HPP
#define PEERKIT_NET_EVENT_CHANNEL_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/gossip/event_queue.hpp>
#include <peerkit/gossip/member_changes.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/convert.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// The node's end of an `event_subscription`. Everything happens on the node's executor.
class event_channel {
public:
    event_channel(asio::any_io_executor const& executor, std::size_t most)
        : executor_{executor}, timer_{executor, std::chrono::steady_clock::time_point::max()}, queue_{most} {}

    void push(gossip::event const& e) {
        queue_.push(e);
        timer_.cancel();
    }
    void close() {
        closed_ = true;
        timer_.cancel();
    }
    [[nodiscard]] asio::any_io_executor const& executor() const noexcept { return executor_; }
    /// On the node's executor.
    [[nodiscard]] static asio::awaitable<std::optional<gossip::event>> next(std::shared_ptr<event_channel> self) {
        asio::error_code ignored;
        while (self->queue_.empty() && !self->closed_) {
            co_await self->timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
        co_return self->queue_.pop();
    }

private:
    asio::any_io_executor executor_;
    timer_of<asio::any_io_executor> timer_;
    gossip::event_queue queue_;
    bool closed_ = false;
};

/// What `basic_node::events` gives: the consumer's end. Events wait for it, so that it may block, compute and await as
/// long as it likes without holding up the node; if too many wait, the oldest are dropped and `lagged` says how many.
/// Ends with the node. Movable; used by one coroutine at a time.
///
/// @code
/// asio::awaitable<void> watch(net::event_subscription events) {
///     while (auto e = co_await events.next()) co_await store(*e);
/// }
/// @endcode
class event_subscription {
public:
    explicit event_subscription(std::shared_ptr<event_channel> from) noexcept : channel_{std::move(from)} {}

    /// The next event, as soon as there is one; none when the node was stopped and nothing is left. From any executor:
    /// the coroutine goes on where it was.
    [[nodiscard]] asio::awaitable<std::optional<gossip::event>> next() {
        auto const channel = channel_;
        co_return co_await asio::co_spawn(channel->executor(), event_channel::next(channel), asio::use_awaitable);
    }

private:
    std::shared_ptr<event_channel> channel_;
};

/// Calls a handler with batches of changes. Held by the runtime; a wait under way ends when it is gone.
class change_feed : public std::enable_shared_from_this<change_feed> {
public:
    using handler = std::function<void(std::span<gossip::member_change const>)>;

    change_feed(asio::any_io_executor const& executor, handler tell, gossip::member_changes::options const& chosen)
        : timer_{executor}, tell_{std::move(tell)}, changes_{chosen} {}

    void push(gossip::event const& e) {
        changes_.add(e, clock_.now());
        if (changes_.due() != never && !waiting_) wait();
    }
    void close() {
        tell_ = nullptr;
        timer_.cancel();
    }

private:
    void wait() {
        waiting_ = true;
        timer_.expires_at(to_steady(changes_.due()));
        timer_.async_wait([self = shared_from_this()](asio::error_code) { self->look(); });
    }
    void look() {
        waiting_ = false;
        if (!tell_) return;
        if (changes_.due() > clock_.now()) return wait();
        auto const batch = changes_.take();
        auto const tell = tell_; // it may replace itself
        if (!batch.empty()) tell(batch);
    }

    timer_of<asio::any_io_executor> timer_;
    handler tell_;
    gossip::member_changes changes_;
    system_steady_clock clock_;
    bool waiting_ = false;
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
