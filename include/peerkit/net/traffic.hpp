// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the shell counts of its sockets.
#ifndef PEERKIT_NET_TRAFFIC_HPP
#define PEERKIT_NET_TRAFFIC_HPP

#include <peerkit/detail/config.hpp>

#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Totals of one node's sockets since it was made; what was in the datagrams is counted by `gossip::counters`.
/// Plain numbers; read them on the node's executor.
struct traffic {
    std::uint64_t datagrams_received = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t datagrams_sent = 0; ///< handed to the system
    std::uint64_t bytes_sent = 0;
    std::uint64_t receive_errors = 0;  ///< such as ECONNREFUSED, which some systems report for a datagram sent earlier
    std::uint64_t send_errors = 0;     ///< datagrams the system refused (ENOBUFS, EMSGSIZE, EPERM, no route)
    std::uint64_t oversize = 0;        ///< received and larger than `limits::datagram`; dropped
    std::uint64_t unreachable = 0;     ///< to be sent to an IPv6 address by a node bound to IPv4, or the reverse
    std::uint64_t queue_overflows = 0; ///< datagrams dropped because the send queue was full
    std::uint64_t streams_dialled = 0;
    std::uint64_t streams_dial_failed = 0;
    std::uint64_t streams_accepted = 0;
    std::uint64_t streams_refused = 0; ///< accepted and closed at once, over the cap
    std::uint64_t streams_broken = 0;  ///< ended by an error, not by either side closing
    std::uint64_t streams_open = 0;    ///< right now, those that linger included; the only one that goes down
    std::uint64_t accept_errors = 0;   ///< such as EMFILE; accepting goes on after a pause
    std::uint64_t stream_bytes_received = 0;
    std::uint64_t stream_bytes_sent = 0;
    std::uint64_t discovery_runs = 0;
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
