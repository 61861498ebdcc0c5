// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Notices when the addresses of this machine change: netlink on Linux, a look now and then everywhere.
#ifndef PEERKIT_NET_INTERFACE_MONITOR_HPP
#define PEERKIT_NET_INTERFACE_MONITOR_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/interfaces.hpp>
#include <peerkit/net/netlink.hpp>
#include <peerkit/net/system.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/error_code.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// The pace of `watch_interfaces`.
struct interface_monitor_options {
    std::chrono::milliseconds settle{500};   ///< after the last word of a change, before looking
    std::chrono::milliseconds longest{5000}; ///< but no longer than this after the first, if words do not end
    std::chrono::milliseconds look{30'000};  ///< without any word: routes change silently, and words can be lost
    std::chrono::milliseconds poll{5'000};   ///< the same where the system sends no words
    bool listen = true;                      ///< false: as if the system sent none
};

/// Gives the addresses of this machine, or why they are not known; `list_interfaces`, but for tests.
using interface_lister = std::function<result<std::vector<interface_address>>()>;
/// Is given all addresses whenever they have changed; an error once, until they are known again.
using interface_handler = std::function<void(result<std::vector<interface_address>> const&)>;

/// Calls `changed` on the executor whenever the addresses of this machine are others than before, at first than
/// `known`, until the stop comes. Bursts are one change: an interface that comes up has many addresses, one after
/// another. An address that is there again when the burst is over was never gone.
///
/// @code
/// co_spawn(executor, net::watch_interfaces(executor, stop, {}, [&](auto const& now) {
///     if (now) move_to(net::choose_addresses(*now), net::own_subnets(*now)); // engine::update and set_subnets
/// }), asio::detached);
/// @endcode
[[nodiscard]] inline asio::awaitable<void> watch_interfaces(
    asio::any_io_executor executor, std::shared_ptr<stop_state> stop, std::vector<interface_address> known,
    interface_handler changed, interface_monitor_options options = {},
    interface_lister list = [] { return list_interfaces(); }) {
    using clock = std::chrono::steady_clock;
    std::optional<asio::posix::stream_descriptor> words;
    if (options.listen) {
        if (owned_fd made = open_netlink(true)) words.emplace(executor, made.release());
    }
    // True when there was word of a change, false when `limit` is over or the stop has come.
    auto const word = [&](std::chrono::milliseconds limit) -> asio::awaitable<bool> {
        if (!words) {
            co_await pause_for(executor, stop, limit);
            co_return false;
        }
        asio::error_code ec;
        {
            watchdog const guard{executor, stop, limit, [&words] {
                                     asio::error_code ignored;
                                     words->cancel(ignored);
                                 }};
            co_await words->async_wait(asio::posix::stream_descriptor::wait_read,
                                       asio::redirect_error(asio::use_awaitable, ec));
            if (guard.fired()) co_return false;
        }
        bool broken = ec.operator bool();
        bool const heard = !broken && drain_netlink(words->native_handle(), broken);
        if (broken) words.reset();
        co_return heard;
    };
    // The order in which the system lists them says nothing.
    auto const in_order = [](std::vector<interface_address>& all) {
        std::sort(all.begin(), all.end(), [](interface_address const& a, interface_address const& b) {
            return a.interface != b.interface ? a.interface < b.interface : a.address < b.address;
        });
    };
    in_order(known);
    bool failed = false;
    while (!stop->stopped()) {
        auto now = list();
        if (now) {
            std::vector<interface_address> sorted = *now;
            in_order(sorted);
            if (std::exchange(failed, false) || sorted != known) {
                known = std::move(sorted);
                changed(now);
            }
        } else if (!std::exchange(failed, true)) {
            changed(now);
        }
        if (stop->stopped() || !co_await word(words ? options.look : options.poll)) continue;
        auto const begun = clock::now();
        while (!stop->stopped() && clock::now() - begun < options.longest && co_await word(options.settle)) {}
    }
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
