// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Notices that a file has changed, as a discovery strategy asks for it.
#ifndef PEERKIT_NET_FILE_WATCH_HPP
#define PEERKIT_NET_FILE_WATCH_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/file_read.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <concepts>
#include <memory>
#include <optional>
#include <string>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// The state a file is in now; none if nothing can be known of it.
[[nodiscard]] inline std::optional<discovery::file_stamp> stamp_of(std::string const& path) noexcept {
    struct ::stat about{};
    if (path.find('\0') != std::string::npos || ::stat(path.c_str(), &about) != 0) return std::nullopt;
    return stamp_of(about);
}

/// Carries out `discovery::watch_file` by asking for the file's state once a second, which sees changes on every file
/// system, also those made by another machine.
/// @par Errors `unavailable` (ECANCELED: stopped)
template <std::convertible_to<asio::any_io_executor> Executor>
[[nodiscard]] asio::awaitable<result<discovery::file_changed>> watch_file(
    Executor executor, std::shared_ptr<stop_state> stop, discovery::watch_file request,
    std::chrono::milliseconds period = std::chrono::seconds{1}) {
    while (stamp_of(request.path) == request.seen) {
        co_await pause_for(executor, stop, period);
        if (stop->stopped()) co_return fail(discovery::discovery_error::unavailable, ECANCELED, "file");
    }
    co_return discovery::file_changed{};
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
