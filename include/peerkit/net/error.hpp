// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Why the shell could not do something: the enum of the net floor.
#ifndef PEERKIT_NET_ERROR_HPP
#define PEERKIT_NET_ERROR_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>

#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Errors of the net floor. Where the sentence says so, position is the operating system's error code (errno).
///
/// What a discovery strategy asked for fails with a `discovery_error` instead, because strategies are resumed with it.
enum class net_error : std::uint16_t {
    // Starting and stopping a node.
    bind_failed = 1,    ///< The address cannot be bound; position is the system's error code.
    port_in_use,        ///< Another program holds the port; position is the port, field says "udp" or "tcp".
    listen_failed,      ///< The bound socket cannot listen; position is the system's error code.
    no_free_port,       ///< No port is free for UDP and TCP alike; position is the number of attempts.
    no_address,         ///< No interface has an address that could be advertised.
    interfaces_unknown, ///< The interfaces cannot be listed; position is the system's error code.
    socket_failed,      ///< A socket cannot be prepared; position is the system's error code.
    already_started,    ///< The node was started before.
    not_started,        ///< The node was not started yet.
    stopped,            ///< The node was stopped; make a new one.
    no_key,             ///< A sealed network needs a network key.
    unwanted_key,       ///< A network key was given to a node of an open network.
    no_thread,          ///< No thread can be had; position is the system's error code.

    // Streams.
    dial_failed,       ///< The connection was not made; position is the system's error code.
    dial_timed_out,    ///< The connection was not made in time; position is the time allowed in milliseconds.
    connection_closed, ///< The other side closed the connection within a frame.
    connection_failed, ///< The connection broke; position is the system's error code.
    connection_idle,   ///< No byte moved for too long; position is the time allowed in milliseconds.
    write_queue_full,  ///< More is waiting to be written than the queue may hold; position is that limit.

    // HTTP messages; position is the offset in the message.
    http_bad_status,       ///< The first line is not an HTTP/1.x status line.
    http_bad_header,       ///< A header line is malformed.
    http_bad_length,       ///< The length of the body is malformed or stated in contradicting ways.
    http_bad_chunk,        ///< A chunk of the body is malformed.
    http_unknown_encoding, ///< The body has a transfer encoding other than chunked.
    http_head_too_large,   ///< The status line, headers, chunk lines or trailers are larger than the limit.
    http_body_too_large,   ///< The body is larger than the limit; position is the limit.
    http_truncated,        ///< The response ends before its body is complete.
    http_bad_request,      ///< The first line is not an HTTP/1.x request line.
};

} // namespace net

template <>
struct domain_of<net::net_error> {
    static constexpr std::string_view sentence(std::uint16_t value) noexcept {
        using enum net::net_error;
        switch (static_cast<net::net_error>(value)) {
        case bind_failed: return "the address cannot be bound";
        case port_in_use: return "another program holds the port";
        case listen_failed: return "the bound socket cannot listen";
        case no_free_port: return "no port is free for UDP and TCP alike";
        case no_address: return "no interface has an address that could be advertised";
        case interfaces_unknown: return "the interfaces cannot be listed";
        case socket_failed: return "a socket cannot be prepared";
        case already_started: return "the node was started before";
        case not_started: return "the node was not started yet";
        case stopped: return "the node was stopped";
        case no_key: return "a sealed network needs a network key";
        case unwanted_key: return "a network key was given to a node of an open network";
        case no_thread: return "no thread can be had";
        case dial_failed: return "the connection was not made";
        case dial_timed_out: return "the connection was not made in time";
        case connection_closed: return "the other side closed the connection within a frame";
        case connection_failed: return "the connection broke";
        case connection_idle: return "no byte moved for too long";
        case write_queue_full: return "more is waiting to be written than the queue may hold";
        case http_bad_status: return "the first line is not an HTTP/1.x status line";
        case http_bad_header: return "a header line is malformed";
        case http_bad_length: return "the length of the body is malformed or stated in contradicting ways";
        case http_bad_chunk: return "a chunk of the body is malformed";
        case http_unknown_encoding: return "the body has a transfer encoding other than chunked";
        case http_head_too_large: return "the head of the message is larger than the limit";
        case http_body_too_large: return "the body is larger than the limit";
        case http_truncated: return "the response ends before its body is complete";
        case http_bad_request: return "the first line is not an HTTP request line";
        }
        return "unknown net error";
    }
    static constexpr error_domain const& get() noexcept { return domain; }
    static constexpr error_domain domain{"net", &sentence};
};

PEERKIT_END_NAMESPACE

#endif
