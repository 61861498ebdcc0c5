// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Runs a program and collects what it prints, as a discovery strategy asks for it.
#ifndef PEERKIT_NET_COMMAND_HPP
#define PEERKIT_NET_COMMAND_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/strategy.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/child_process.hpp>
#include <peerkit/net/system.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/posix/basic_stream_descriptor.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace net {

namespace detail {

/// One pipe of a command, read while it runs.
template <typename Executor>
class pipe_reader {
public:
    /// Keeps at most `keep` bytes; what comes after is read and dropped, or ends the reading if `bounded`.
    pipe_reader(Executor const& executor, std::size_t keep, bool bounded)
        : pipe_{executor}, ended_{executor}, keep_{keep}, bounded_{bounded} {}

    [[nodiscard]] asio::error_code assign(owned_fd from) {
        asio::error_code ec;
        if (!pipe_.assign(from.get(), ec)) (void)from.release();
        return ec;
    }
    /// Reads until the end of the pipe, `cancel`, or too much, which kills the child. Opens the gate when done; the
    /// child is not touched afterwards.
    [[nodiscard]] static asio::awaitable<void> run(std::shared_ptr<pipe_reader> self, child_process& child) {
        struct opener {
            basic_gate<Executor>& ended;
            ~opener() { ended.open(); }
        } const opens{self->ended_};
        asio::error_code ec;
        while (!ec && !self->overflowed_) {
            std::size_t const got = co_await self->pipe_.async_read_some(asio::buffer(self->block_),
                                                                         asio::redirect_error(asio::use_awaitable, ec));
            self->take({self->block_.data(), got});
        }
        if (self->overflowed_) child.kill();
    }
    [[nodiscard]] basic_gate<Executor>& ended() noexcept { return ended_; }
    void cancel() {
        asio::error_code ignored;
        pipe_.cancel(ignored);
    }
    /// What is in the pipe now: a descendant that outlives the command may hold it open for ever.
    void drain() {
        for (std::size_t turns = 0; turns < 64 && !overflowed_; ++turns) {
            ssize_t const got = ::read(pipe_.native_handle(), block_.data(), block_.size());
            if (got <= 0 && !(got < 0 && errno == EINTR)) return;
            if (got > 0) take({block_.data(), static_cast<std::size_t>(got)});
        }
    }
    [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }
    [[nodiscard]] std::string take_text() noexcept { return std::move(text_); }

private:
    /// Spare room behind the text, which lets a JSON parser work in place.
    static constexpr std::size_t padding = 64;

    void take(std::string_view bytes) {
        std::string_view const kept = bytes.substr(0, keep_ - text_.size());
        if (bounded_ && kept.size() < bytes.size()) overflowed_ = true;
        if (text_.capacity() < text_.size() + kept.size() + padding) {
            text_.reserve(std::max(text_.size() + kept.size() + padding, 2 * text_.size()));
        }
        text_.append(kept);
    }

    asio::posix::basic_stream_descriptor<Executor> pipe_;
    basic_gate<Executor> ended_;
    std::size_t keep_;
    bool bounded_;
    bool overflowed_ = false;
    std::string text_;
    std::array<char, std::size_t{16} << 10U> block_;
};

} // namespace detail

/// Carries out `discovery::run_command`: both pipes are read while the program runs; it is killed with its process
/// group when its time is over, when it prints more than `max_bytes`, or when `stop` comes (`unavailable` with
/// ECANCELED). Has ended, and reaped the child, when it returns. Of standard error the first 4 KiB are kept.
///
/// Runs on `executor`, never blocks it but for the start of the program; the coroutine must be resumed there.
/// @par Errors `unavailable` (errno; ENOENT: no such program), `timed_out`, `too_large`, `bad_option` (empty argv)
template <std::convertible_to<asio::any_io_executor> Executor>
[[nodiscard]] asio::awaitable<result<discovery::command_exit>> run_command(Executor executor,
                                                                           std::shared_ptr<stop_state> stop,
                                                                           discovery::run_command request) {
    using discovery::discovery_error;
    constexpr std::size_t diagnostics_kept = std::size_t{4} << 10U;

    if (stop->stopped()) co_return fail(discovery_error::unavailable, ECANCELED, "command");
    auto child = child_process::start(std::move(request.argv));
    if (!child) co_return fail(child.error());

    // Shared, because the reading coroutines may be destroyed later than this one when the executor's context goes.
    using reader_type = detail::pipe_reader<Executor>;
    auto const output = std::make_shared<reader_type>(executor, request.max_bytes, true);
    auto const diagnostics = std::make_shared<reader_type>(executor, diagnostics_kept, false);
    if (asio::error_code const ec = output->assign(child->take_output())) {
        co_return fail(discovery_error::unavailable, system_code(ec), "pipe");
    }
    if (asio::error_code const ec = diagnostics->assign(child->take_diagnostics())) {
        co_return fail(discovery_error::unavailable, system_code(ec), "pipe");
    }
    basic_watchdog<Executor> guard{executor, stop, request.timeout, [&child] { child->kill(); }};

    auto const rethrow = [](std::exception_ptr e) {
        if (e) std::rethrow_exception(e);
    };
    asio::co_spawn(executor, reader_type::run(output, *child), rethrow);
    asio::co_spawn(executor, reader_type::run(diagnostics, *child), rethrow);
    auto const status = co_await child->wait(executor);
    bool const timed_out = guard.timed_out(), stopped = guard.stopped();
    std::array const readers{output, diagnostics};
    for (auto const& reader : readers) {
        reader->cancel();
        co_await reader->ended().wait();
        reader->drain();
    }

    if (timed_out) {
        auto const allowed = std::chrono::duration_cast<std::chrono::milliseconds>(request.timeout).count();
        co_return fail(discovery_error::timed_out, static_cast<std::uint64_t>(allowed), "command");
    }
    if (stopped) co_return fail(discovery_error::unavailable, ECANCELED, "command");
    if (output->overflowed()) co_return fail(discovery_error::too_large, request.max_bytes, "standard output");
    if (!status) co_return fail(status.error());
    co_return discovery::command_exit{*status, output->take_text(), diagnostics->take_text()};
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
