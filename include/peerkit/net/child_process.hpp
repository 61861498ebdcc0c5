// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A child process with its standard output and error on pipes; never left behind, never waited for on the loop.
#ifndef PEERKIT_NET_CHILD_PROCESS_HPP
#define PEERKIT_NET_CHILD_PROCESS_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/system.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/posix/basic_stream_descriptor.hpp>
#include <asio/posix/descriptor_base.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#    include <sys/syscall.h>
#endif

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <concepts>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

extern char** environ;

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// A running child. It leads its own process group, so that ending it ends what it has started; an interrupt typed at
/// the terminal does not reach it.
///
/// The host's SIGCHLD handling is left alone: only this child is waited for, by its id. Where the host reaps every
/// child itself (SIGCHLD ignored, or `waitpid(-1)`), the exit status may be lost; that is an error, not a guess.
/// Movable until `wait` is called. The destructor kills a child that still runs; it never blocks.
class child_process {
public:
    /// Starts `argv[0]`, found through PATH, without a shell: standard input is empty, nothing else is inherited but
    /// the environment and the working directory. Blocks until the program is executed, as `posix_spawn` does.
    /// @par Errors `unavailable` with errno: ENOENT (no such program), EACCES, EMFILE, ...; `bad_option` (empty argv)
    [[nodiscard]] static result<child_process> start(std::vector<std::string> argv) {
        if (argv.empty() || argv.front().empty()) return fail(discovery::discovery_error::bad_option, 0, "argv");
        owned_fd out_read, out_write, error_read, error_write;
        if (!make_pipe(out_read, out_write) || !make_pipe(error_read, error_write)) {
            return fail(discovery::discovery_error::unavailable, static_cast<std::uint64_t>(errno), "pipe");
        }
        std::vector<char*> arguments;
        for (std::string& a : argv) arguments.push_back(a.data());
        arguments.push_back(nullptr);

        spawn_settings settings;
        int failed = settings.prepare(out_write.get(), error_write.get());
        pid_t pid = -1;
        if (failed == 0) {
            failed = ::posix_spawnp(&pid, argv.front().c_str(), &settings.actions, &settings.attributes,
                                    arguments.data(), environ);
        }
        if (failed != 0)
            return fail(discovery::discovery_error::unavailable, static_cast<std::uint64_t>(failed), "program");
        child_process made;
        made.pid_ = pid;
        made.output_ = std::move(out_read);
        made.diagnostics_ = std::move(error_read);
        return made;
    }

    child_process(child_process&& from) noexcept
        : pid_{std::exchange(from.pid_, -1)}, output_{std::move(from.output_)},
          diagnostics_{std::move(from.diagnostics_)} {}
    child_process& operator=(child_process&&) = delete;
    ~child_process() {
        kill();
        abandon();
    }

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /// Reading ends of the pipes, non-blocking; to be taken once.
    [[nodiscard]] owned_fd take_output() noexcept { return std::move(output_); }
    [[nodiscard]] owned_fd take_diagnostics() noexcept { return std::move(diagnostics_); }

    /// Kills the child and whatever it started in its process group. `wait` then returns soon, whatever happens.
    void kill() noexcept {
        if (pid_ <= 0) return;
        ::kill(-pid_, SIGKILL);
        killed_ = true;
        if (wake_) wake_();
    }

    /// Waits without blocking until the child has ended, and reaps it. A killed child that does not end within
    /// `kill_patience` (stuck in the kernel, or with other rights than ours) is left to a thread that reaps it later.
    /// @returns the exit status, 128 + n when ended by signal n
    /// @par Errors `unavailable` with ECHILD when somebody else reaped it, with EBUSY when it did not end
    template <std::convertible_to<asio::any_io_executor> Executor>
    [[nodiscard]] asio::awaitable<result<int>> wait(Executor executor) {
        asio::error_code ec;
        if (owned_fd handle{open_handle(pid_)}; handle && !killed_) {
            asio::posix::basic_stream_descriptor<Executor> ended{executor};
            if (!ended.assign(handle.get(), ec)) {
                (void)handle.release();
                struct waiting { // also when the coroutine is destroyed in the middle
                    child_process& of;
                    ~waiting() { of.wake_ = nullptr; }
                } const waits{*this};
                wake_ = [&ended] {
                    asio::error_code ignored;
                    ended.cancel(ignored);
                };
                co_await ended.async_wait(asio::posix::descriptor_base::wait_read,
                                          asio::redirect_error(asio::use_awaitable, ec));
            }
        }
        // Without a handle, and once killed, the state is polled: at first often, since most commands end soon.
        timer_of<Executor> pause{executor};
        std::chrono::milliseconds waited{0};
        for (std::chrono::milliseconds nap{2};; nap = std::min(nap * 2, std::chrono::milliseconds{64})) {
            int status = 0;
            pid_t const got = ::waitpid(pid_, &status, WNOHANG);
            if (got == pid_) {
                pid_ = -1;
                co_return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
            }
            if (got < 0 && errno != EINTR) {
                int const why = errno;
                pid_ = -1;
                co_return fail(discovery::discovery_error::unavailable, static_cast<std::uint64_t>(why), "wait");
            }
            if (killed_ && (waited += nap) > kill_patience) {
                abandon();
                co_return fail(discovery::discovery_error::unavailable, EBUSY, "wait");
            }
            pause.expires_after(nap);
            co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        }
    }

    /// How long `wait` goes on after `kill`.
    static constexpr std::chrono::milliseconds kill_patience{1000};

private:
    child_process() noexcept = default;

    struct spawn_settings {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;

        spawn_settings() noexcept {
            ::posix_spawn_file_actions_init(&actions);
            ::posix_spawnattr_init(&attributes);
        }
        spawn_settings(spawn_settings const&) = delete;
        spawn_settings& operator=(spawn_settings const&) = delete;
        ~spawn_settings() {
            ::posix_spawn_file_actions_destroy(&actions);
            ::posix_spawnattr_destroy(&attributes);
        }
        /// 0 or an error code.
        [[nodiscard]] int prepare(int output, int diagnostics) noexcept {
            int failed = ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
            if (failed == 0) failed = ::posix_spawn_file_actions_adddup2(&actions, output, 1);
            if (failed == 0) failed = ::posix_spawn_file_actions_adddup2(&actions, diagnostics, 2);
#if defined(__GLIBC__) && (__GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 34))
            // Descriptors of the host that are not marked close-on-exec are none of the program's business.
            if (failed == 0) failed = ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
#endif
            sigset_t none, all;
            sigemptyset(&none);
            sigfillset(&all);
            sigdelset(&all, SIGKILL);
            sigdelset(&all, SIGSTOP);
            if (failed == 0) failed = ::posix_spawnattr_setsigmask(&attributes, &none);
            if (failed == 0) failed = ::posix_spawnattr_setsigdefault(&attributes, &all);
            if (failed == 0) failed = ::posix_spawnattr_setpgroup(&attributes, 0);
            if (failed == 0) {
                failed = ::posix_spawnattr_setflags(
                    &attributes,
                    static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP));
            }
            return failed;
        }
    };

    /// Both ends close-on-exec and above the standard descriptors, so that dup2 in the child always makes a copy; the
    /// reading end does not block.
    [[nodiscard]] static bool make_pipe(owned_fd& read_end, owned_fd& write_end) noexcept {
        int ends[2] = {-1, -1};
#if defined(__linux__)
        if (::pipe2(ends, O_CLOEXEC) != 0) return false;
#else
        if (::pipe(ends) != 0) return false;
#endif
        owned_fd first{ends[0]}, second{ends[1]};
        read_end = owned_fd{::fcntl(first.get(), F_DUPFD_CLOEXEC, 3)};
        write_end = owned_fd{::fcntl(second.get(), F_DUPFD_CLOEXEC, 3)};
        if (!read_end || !write_end) return false;
        int const flags = ::fcntl(read_end.get(), F_GETFL);
        return flags >= 0 && ::fcntl(read_end.get(), F_SETFL, flags | O_NONBLOCK) == 0;
    }

    /// A descriptor that becomes readable when the child ends, or -1 where there is no such thing.
    [[nodiscard]] static int open_handle([[maybe_unused]] pid_t pid) noexcept {
#if defined(__linux__) && defined(SYS_pidfd_open)
        return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U));
#else
        return -1;
#endif
    }

    /// Leaves the child to a thread of its own, so that it does not stay a zombie.
    void abandon() noexcept {
        pid_t const left = std::exchange(pid_, -1);
        if (left <= 0 || ::waitpid(left, nullptr, WNOHANG) != 0) return;
        (void)run_detached([left] {
            while (::waitpid(left, nullptr, 0) < 0 && errno == EINTR) {}
        });
    }

    pid_t pid_ = -1;
    bool killed_ = false;
    owned_fd output_;
    owned_fd diagnostics_;
    std::function<void()> wake_; ///< ends the waiting for the child's end
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
