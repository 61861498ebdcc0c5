// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Small pieces of POSIX: error codes, owned descriptors, threads nobody waits for.
#ifndef PEERKIT_NET_SYSTEM_HPP
#define PEERKIT_NET_SYSTEM_HPP

#include <peerkit/detail/config.hpp>

#include <asio/error_code.hpp>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <system_error>
#include <thread>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// The system's code in an error of Asio; codes of Asio's own categories (end of file, resolver) as they are.
[[nodiscard]] inline std::uint64_t system_code(asio::error_code const& ec) noexcept {
    return static_cast<std::uint64_t>(ec.value());
}

/// Programs started by this process do not inherit the descriptor. Asio does not see to that itself.
inline void close_on_exec(int descriptor) noexcept {
    int const flags = ::fcntl(descriptor, F_GETFD);
    if (flags >= 0) ::fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC);
}

/// A file descriptor that is closed with its owner.
class owned_fd {
public:
    owned_fd() noexcept = default;
    explicit owned_fd(int descriptor) noexcept : descriptor_{descriptor} {}
    owned_fd(owned_fd&& from) noexcept : descriptor_{from.release()} {}
    owned_fd& operator=(owned_fd&& from) noexcept {
        if (this != &from) {
            reset();
            descriptor_ = from.release();
        }
        return *this;
    }
    ~owned_fd() { reset(); }

    [[nodiscard]] int get() const noexcept { return descriptor_; }
    [[nodiscard]] explicit operator bool() const noexcept { return descriptor_ >= 0; }
    [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }
    void reset() noexcept {
        if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    }

private:
    int descriptor_ = -1;
};

/// Runs `body` on the thread `to`, which had none. All signals are blocked there, so that the host's handlers keep
/// running on the host's threads. `body` must not throw.
/// @returns 0, or the error code when no thread can be had
template <typename Body>
[[nodiscard]] int start_thread(std::thread& to, Body body) noexcept {
    sigset_t all, before;
    sigfillset(&all);
    if (int const failed = ::pthread_sigmask(SIG_SETMASK, &all, &before); failed != 0) return failed;
    int failed = 0;
    try {
        to = std::thread{std::move(body)};
    } catch (std::system_error const& e) {
        failed = e.code().value();
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return failed;
}

/// The same on a thread that nobody joins: `body` must own what it uses.
/// @returns 0, or the error code when no thread can be had
template <typename Body>
[[nodiscard]] int run_detached(Body body) noexcept {
    std::thread thread;
    int const failed = start_thread(thread, std::move(body));
    if (failed == 0) thread.detach();
    return failed;
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
