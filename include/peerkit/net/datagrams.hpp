// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Datagrams in batches: received without allocating, sent with a bounded queue behind a full socket.
#ifndef PEERKIT_NET_DATAGRAMS_HPP
#define PEERKIT_NET_DATAGRAMS_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/net/convert.hpp>
#include <peerkit/net/traffic.hpp>

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

namespace detail {

#if defined(__linux__)
using message_header = mmsghdr;
inline msghdr& header_of(message_header& m) noexcept { return m.msg_hdr; }
inline std::size_t size_of(message_header const& m) noexcept { return m.msg_len; }
/// As recvmmsg and sendmmsg: the number of messages that were moved, or -1.
inline int receive_messages(int socket, message_header* first, unsigned count) noexcept {
    return ::recvmmsg(socket, first, count, MSG_DONTWAIT, nullptr);
}
inline int send_messages(int socket, message_header* first, unsigned count) noexcept {
    return ::sendmmsg(socket, first, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}
#else
struct message_header {
    msghdr header;
    std::size_t size;
};
inline msghdr& header_of(message_header& m) noexcept { return m.header; }
inline std::size_t size_of(message_header const& m) noexcept { return m.size; }
template <typename Move>
int move_messages(message_header* first, unsigned count, Move move) noexcept {
    for (unsigned i = 0; i < count; ++i) {
        ssize_t const moved = move(first[i].header);
        if (moved < 0) return i == 0 ? -1 : static_cast<int>(i);
        first[i].size = static_cast<std::size_t>(moved);
    }
    return static_cast<int>(count);
}
inline int receive_messages(int socket, message_header* first, unsigned count) noexcept {
    return move_messages(first, count, [socket](msghdr& h) { return ::recvmsg(socket, &h, MSG_DONTWAIT); });
}
inline int send_messages(int socket, message_header* first, unsigned count) noexcept {
    return move_messages(first, count, [socket](msghdr& h) { return ::sendmsg(socket, &h, MSG_DONTWAIT); });
}
#endif

/// What a sender sends with; another one stands in for a socket that is full.
struct system_send {
    int operator()(int socket, message_header* first, unsigned count) const noexcept {
        return send_messages(socket, first, count);
    }
};

} // namespace detail

/// Receives what is there, up to a batch at a time, into buffers that are allocated once (39 KiB).
class datagram_receiver {
public:
    static constexpr unsigned batch = 32;

    datagram_receiver() : buffers_(std::size_t{batch} * slot) {
        for (unsigned i = 0; i < batch; ++i) {
            parts_[i] = {buffers_.data() + std::size_t{i} * slot, slot};
            msghdr& header = detail::header_of(messages_[i]);
            header = {};
            header.msg_name = &names_[i];
            header.msg_iov = &parts_[i];
            header.msg_iovlen = 1;
        }
    }
    datagram_receiver(datagram_receiver const&) = delete;
    datagram_receiver& operator=(datagram_receiver const&) = delete;

    struct outcome {
        unsigned received = 0; ///< messages taken from the socket, refused ones included
        int code = 0;          ///< why nothing was received: EAGAIN when the socket is empty
    };

    /// Receives at most one batch and calls `take(byte_span, ip_endpoint const&)` for each datagram; the bytes may be
    /// overwritten and are valid during the call. Larger ones than `limits::datagram` are counted and dropped.
    template <typename Take>
    outcome receive(int socket, traffic& counted, Take&& take) {
        for (unsigned i = 0; i < batch; ++i) detail::header_of(messages_[i]).msg_namelen = sizeof(sockaddr_storage);
        int const count = detail::receive_messages(socket, messages_.data(), batch);
        if (count < 0) return {0, errno};
        for (unsigned i = 0; i < static_cast<unsigned>(count); ++i) {
            msghdr const& header = detail::header_of(messages_[i]);
            std::size_t const size = detail::size_of(messages_[i]);
            ++counted.datagrams_received;
            counted.bytes_received += size;
            if (size > limits::datagram || (header.msg_flags & MSG_TRUNC) != 0) {
                ++counted.oversize;
                continue;
            }
            ip_endpoint const from = from_system(reinterpret_cast<sockaddr const*>(&names_[i]), header.msg_namelen);
            take(byte_span{buffers_.data() + std::size_t{i} * slot, size}, from);
        }
        return {static_cast<unsigned>(count), 0};
    }

private:
    static constexpr std::size_t slot = limits::datagram + 16; // a larger datagram shows as truncated

    std::vector<std::byte> buffers_;
    std::array<iovec, batch> parts_{};
    std::array<sockaddr_storage, batch> names_{};
    std::array<detail::message_header, batch> messages_{};
};

/// Sends datagrams in batches. What a full socket does not take waits in a queue of fixed size; when that is full too,
/// datagrams are dropped and counted, as a network would. No error ends anything: a datagram the system refuses is
/// counted and the next one is sent. For nodes it is `datagram_sender`.
/// @tparam Send `send(socket, first, count)`: as sendmmsg, the number of messages taken, or -1 and errno
template <typename Send>
class basic_datagram_sender {
public:
    static constexpr unsigned batch = 64;

    /// @param family AF_INET or AF_INET6, as the socket
    /// @param queue datagrams that may wait; their memory is taken when a socket is full for the first time
    explicit basic_datagram_sender(int family, std::size_t queue, Send send = Send{})
        : send_{std::move(send)}, family_{family}, limit_{queue} {
        for (unsigned i = 0; i < batch; ++i) {
            msghdr& header = detail::header_of(messages_[i]);
            header = {};
            header.msg_name = &names_[i];
            header.msg_iov = &parts_[i];
            header.msg_iovlen = 1;
        }
    }
    basic_datagram_sender(basic_datagram_sender const&) = delete;
    basic_datagram_sender& operator=(basic_datagram_sender const&) = delete;

    /// Puts a datagram into the batch; sends the batch when it is full. `bytes` must stay until `flush`.
    void add(int socket, ip_endpoint const& to, byte_view bytes, traffic& counted) {
        socklen_t const size = to_system(to, family_, names_[pending_]);
        if (size == 0) {
            ++counted.unreachable;
            return;
        }
        detail::header_of(messages_[pending_]).msg_namelen = size;
        // The interface of the system is not const, but does not write.
        parts_[pending_] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
        if (++pending_ == batch) flush(socket, counted);
    }

    /// Sends the batch, or lets it wait behind what waits already.
    void flush(int socket, traffic& counted) {
        unsigned const count = std::exchange(pending_, 0U);
        unsigned sent = waiting() != 0 ? 0 : send(socket, count, counted);
        for (; sent < count; ++sent) keep(sent, counted);
    }

    /// To be called when the socket can be written to again.
    void resume(int socket, traffic& counted) {
        while (waiting() != 0) {
            unsigned count = 0;
            for (; count < batch && count < waiting(); ++count) {
                kept& one = queue_[(first_ + count) % queue_.size()];
                names_[count] = one.to;
                detail::header_of(messages_[count]).msg_namelen = one.to_size;
                parts_[count] = {one.bytes.data(), one.size};
            }
            unsigned const sent = send(socket, count, counted);
            first_ = (first_ + sent) % queue_.size();
            waiting_ -= sent;
            if (sent < count) return;
        }
    }

    /// Datagrams in the queue. While there are any, the owner waits for the socket and calls `resume`.
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }

private:
    struct kept {
        sockaddr_storage to;
        socklen_t to_size;
        std::size_t size;
        std::array<std::byte, limits::datagram> bytes;
    };

    /// How many of the first `count` are done with: sent, or refused and counted. Fewer when the socket is full.
    [[nodiscard]] unsigned send(int socket, unsigned count, traffic& counted) {
        unsigned done = 0;
        while (done < count) {
            int const sent = send_(socket, messages_.data() + done, count - done);
            if (sent > 0) {
                for (unsigned i = done; i < done + static_cast<unsigned>(sent); ++i) {
                    ++counted.datagrams_sent;
                    counted.bytes_sent += parts_[i].iov_len;
                }
                done += static_cast<unsigned>(sent);
            } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
                break;
            } else if (sent == 0 || errno != EINTR) {
                ++counted.send_errors;
                ++done;
            }
        }
        return done;
    }
    void keep(unsigned i, traffic& counted) {
        if (waiting_ >= limit_ || parts_[i].iov_len > limits::datagram) {
            ++counted.queue_overflows;
            return;
        }
        if (queue_.empty()) queue_.resize(limit_);
        kept& one = queue_[(first_ + waiting_++) % queue_.size()];
        one.to = names_[i];
        one.to_size = detail::header_of(messages_[i]).msg_namelen;
        one.size = parts_[i].iov_len;
        copy_bytes({static_cast<std::byte const*>(parts_[i].iov_base), one.size}, one.bytes);
    }

    Send send_;
    int family_;
    std::size_t limit_;
    unsigned pending_ = 0;
    std::array<iovec, batch> parts_{};
    std::array<sockaddr_storage, batch> names_{};
    std::array<detail::message_header, batch> messages_{};
    std::vector<kept> queue_;
    std::size_t first_ = 0;
    std::size_t waiting_ = 0;
};

using datagram_sender = basic_datagram_sender<detail::system_send>;

} // namespace net
PEERKIT_END_NAMESPACE

#endif
