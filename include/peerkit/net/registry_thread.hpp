// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A registry on a thread of its own, beside a node or anything else in the process.
#ifndef PEERKIT_NET_REGISTRY_THREAD_HPP
#define PEERKIT_NET_REGISTRY_THREAD_HPP

#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/net/error.hpp>
#include <peerkit/net/registry_server.hpp>
#include <peerkit/net/system.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Runs a `registry_server` so that neither many registrations nor anything else it does delays the caller's loop. The
/// handlers of its configuration are called on its thread. Ends with the object, which waits for the end.
/// @code
/// auto registry = net::registry_thread::start([](asio::any_io_executor const& executor) {
///     net::registry_config config;
///     config.options.role = registry::registry_role::integrated;
///     config.http.address = ip_address::v4(127, 0, 0, 1);
///     config.root = "http://registry.example.org:8000";
///     config.client = net::http_client{executor};
///     return config;
/// });
/// @endcode
class registry_thread {
public:
    /// Called once, on the caller's thread; given the executor that clients of HTTP need.
    using maker = std::function<registry_config(asio::any_io_executor const&)>;

    /// @par Errors those of `registry_server::start`; `no_thread`
    [[nodiscard]] static result<registry_thread> start(maker const& make) {
        auto made = std::make_unique<running>();
        auto server = registry_server::start(made->loop.get_executor(), make(made->loop.get_executor()));
        if (!server) return fail(server.error());
        made->server.emplace(std::move(*server));
        made->local = made->server->local();
        if (int const failed = start_thread(made->thread, [of = made.get()] { of->loop.run(); }); failed != 0) {
            return fail(net_error::no_thread, static_cast<std::uint64_t>(failed), "registry");
        }
        return registry_thread{std::move(made)};
    }

    [[nodiscard]] ip_endpoint const& local() const noexcept { return running_->local; }

private:
    struct running {
        running() = default;
        running(running const&) = delete;
        running& operator=(running const&) = delete;
        ~running() {
            if (!thread.joinable()) return;
            asio::post(loop, [this] { server->stop(); });
            thread.join();
        }
        asio::io_context loop{1};
        std::optional<registry_server> server;
        ip_endpoint local;
        std::thread thread;
    };

    explicit registry_thread(std::unique_ptr<running> made) noexcept : running_{std::move(made)} {}
    std::unique_ptr<running> running_;
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
