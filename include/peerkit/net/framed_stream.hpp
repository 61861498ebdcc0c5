// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A TCP connection that carries frames: bounded both ways, with a deadline, closed without losing what was sent.
#ifndef PEERKIT_NET_FRAMED_STREAM_HPP
#define PEERKIT_NET_FRAMED_STREAM_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/error.hpp>
#include <peerkit/net/system.hpp>
#include <peerkit/net/traffic.hpp>
#include <peerkit/wire/stream.hpp>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/redirect_error.hpp>
#include <asio/socket_base.hpp>
#include <asio/use_awaitable.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Bounds of one stream.
struct stream_bounds {
    std::size_t write_queue = limits::stream_total; ///< bytes that may wait to be written
    duration idle = std::chrono::seconds{15};       ///< the stream fails when no byte moves for this long
    duration linger = std::chrono::seconds{2};      ///< after `finish`, the other side has this long to take and close
};

/// One connection between two nodes. Everything happens on the executor of its socket.
///
/// Closing is graceful: what was queued is written, then the sending side is shut down, and what the other side still
/// sends is read and dropped until it closes, because closing a socket with unread data would destroy data on its way.
///
/// @code
/// auto stream = std::make_shared<framed_stream>(std::move(socket), stop, counted, stream_bounds{});
/// auto const why = co_await stream->run([&](byte_span frame) { handle(frame); });
/// @endcode
/// @tparam Socket a stream socket of Asio
template <typename Socket>
class basic_framed_stream : public std::enable_shared_from_this<basic_framed_stream<Socket>> {
public:
    using frame_handler = std::function<void(byte_span)>;

    /// `counted` must stay as long as `stop` does.
    basic_framed_stream(Socket socket, std::shared_ptr<stop_state> stop, std::shared_ptr<traffic> counted,
                        stream_bounds bounds)
        : socket_{std::move(socket)}, stop_{std::move(stop)}, counted_{std::move(counted)}, bounds_{bounds} {
        asio::error_code ignored;
        close_on_exec(socket_.native_handle());
        socket_.set_option(asio::ip::tcp::no_delay{true}, ignored); // where it is TCP
    }

    /// Queues bytes for writing, frame prefix included. After `finish` or `abort` they are dropped.
    /// @returns false when the queue is full; the stream is then aborted, and `run` says `write_queue_full`
    bool send(byte_view bytes) {
        if (finishing_ || !socket_.is_open()) return true;
        if (bytes.size() > bounds_.write_queue - queue_.size()) {
            failure_ = error{net_error::write_queue_full, bounds_.write_queue, "stream"};
            abort();
            return false;
        }
        queue_.insert(queue_.end(), bytes.begin(), bytes.end());
        if (!writing_) write();
        return true;
    }

    /// Closes after everything queued has been written. No more frames are handed over.
    void finish() {
        if (finishing_) return;
        finishing_ = true;
        if (writing_) {
            if (watch_ != nullptr)
                watch_->extend(bounds_.idle); // for the last time: a slow reader cannot hold us for ever
        } else {
            shut_down_sending();
        }
    }

    /// Closes at once.
    void abort() noexcept {
        asio::error_code ignored;
        socket_.close(ignored);
    }

    [[nodiscard]] bool finishing() const noexcept { return finishing_; }

    /// Reads until the stream ends; to be called once. `on_frame` gets every frame without its length and may overwrite
    /// it; it may call `finish` or `abort`.
    /// @returns why the stream ended: nothing when the other side closed between frames, when `finish` was called, or
    /// at the stop; else `connection_closed`, `connection_failed`, `connection_idle`, `write_queue_full`, or
    /// `wire_error::bad_length`
    [[nodiscard]] asio::awaitable<std::optional<error>> run(frame_handler on_frame) {
        auto const self = this->shared_from_this();
        if (stop_->stopped()) {
            abort();
            co_return std::nullopt;
        }
        watchdog watch{socket_.get_executor(), stop_, bounds_.idle, [this] { abort(); }};
        struct watching {
            basic_framed_stream& of;
            ~watching() { of.watch_ = nullptr; }
        } const watches{*this};
        watch_ = &watch;

        asio::error_code ec;
        while (!ec) {
            std::size_t const got = co_await socket_.async_read_some(asio::buffer(block_.data(), block_.size()),
                                                                     asio::redirect_error(asio::use_awaitable, ec));
            counted_->stream_bytes_received += got;
            if (got == 0 || finishing_) continue;
            watch.extend(bounds_.idle);
            splitter_.feed(byte_view{block_}.first(got));
            while (!finishing_ && socket_.is_open()) {
                auto const frame = splitter_.next();
                if (!frame) {
                    failure_ = frame.error();
                    abort();
                    break;
                }
                if (frame->empty()) break;
                on_frame(*frame);
            }
        }
        abort();
        if (watch.stopped() || (finishing_ && !failure_)) co_return std::nullopt;
        if (failure_) co_return failure_;
        if (watch.timed_out()) {
            auto const allowed = std::chrono::duration_cast<std::chrono::milliseconds>(bounds_.idle).count();
            co_return error{net_error::connection_idle, static_cast<std::uint64_t>(allowed), "stream"};
        }
        if (ec != asio::error::eof) co_return error{net_error::connection_failed, system_code(ec), "stream"};
        if (!splitter_.at_boundary()) co_return error{net_error::connection_closed, 0, "frame"};
        co_return std::nullopt;
    }

private:
    void write() {
        writing_ = true;
        if (written_ == sending_.size()) {
            sending_.clear();
            written_ = 0;
            std::swap(sending_, queue_);
        }
        socket_.async_write_some(
            asio::buffer(sending_.data() + written_, sending_.size() - written_),
            [self = this->shared_from_this()](asio::error_code ec, std::size_t count) { self->on_written(ec, count); });
    }
    void on_written(asio::error_code const& ec, std::size_t count) {
        writing_ = false;
        written_ += count;
        counted_->stream_bytes_sent += count;
        if (ec) return; // the reading side sees the broken connection and says so
        if (written_ < sending_.size() || !queue_.empty()) {
            if (watch_ != nullptr && !finishing_) watch_->extend(bounds_.idle);
            write();
        } else if (finishing_) {
            shut_down_sending();
        }
    }
    void shut_down_sending() {
        asio::error_code ignored;
        socket_.shutdown(asio::socket_base::shutdown_send, ignored);
        if (watch_ != nullptr) watch_->extend(bounds_.linger);
    }

    Socket socket_;
    std::shared_ptr<stop_state> stop_;
    std::shared_ptr<traffic> counted_;
    stream_bounds bounds_;
    watchdog* watch_ = nullptr;
    std::optional<error> failure_;
    wire::frame_splitter splitter_;
    std::vector<std::byte> queue_;   ///< not yet being written
    std::vector<std::byte> sending_; ///< being written, from `written_`
    std::size_t written_ = 0;
    bool writing_ = false;
    bool finishing_ = false;
    std::array<std::byte, std::size_t{16} << 10U> block_;
};

using framed_stream = basic_framed_stream<asio::ip::tcp::socket>;

} // namespace net
PEERKIT_END_NAMESPACE

#endif
