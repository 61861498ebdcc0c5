// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the world asks of a node: the concept, in named parts, and a checker that says what is missing.
#ifndef PEERKIT_SIM_SIMULATED_NODE_HPP
#define PEERKIT_SIM_SIMULATED_NODE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/membership/member_state.hpp>
#include <peerkit/node/remembered_peer.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

namespace detail {
/// Stands for any callable given to `for_each_member`.
struct any_visitor {
    template <typename Member>
    void operator()(Member const&) const noexcept {}
};
} // namespace detail

/// `n.start(now, out)` begins a life.
template <typename N>
concept NodeStarts = requires(N& n, time_point now, gossip::outbox& out) {
    { n.start(now, out) } -> std::same_as<result<void>>;
};
/// `n.on_datagram(bytes, from, now, out)`; it may overwrite the bytes.
template <typename N>
concept NodeTakesDatagrams = requires(N& n, byte_span bytes, ip_endpoint const& from, time_point now,
                                      gossip::outbox& out) { n.on_datagram(bytes, from, now, out); };
/// The four inputs of streams; `on_stream_accepted` returns the stream or why the connection is closed at once.
template <typename N>
concept NodeTakesStreams = requires(N& n, byte_span frame, ip_endpoint const& from, gossip::stream_id stream,
                                    std::optional<error> why, time_point now, gossip::outbox& out) {
    { n.on_stream_accepted(from, now, out) } -> std::same_as<result<gossip::stream_id>>;
    n.on_stream_opened(stream, now, out);
    n.on_stream_frame(stream, frame, now, out);
    n.on_stream_closed(stream, why, now, out);
};
/// The two answers to the action `run_discovery`.
template <typename N>
concept NodeTakesCandidates =
    requires(N& n, std::span<discovery::candidate const> found, error why, time_point now, gossip::outbox& out) {
        n.on_candidates(found, now, out);
        n.on_discovery_failed(why, now, out);
    };
/// `n.next_deadline()`, `never` if nothing is due, and `n.on_tick(now, out)` for when it has come.
template <typename N>
concept NodeHasTimer = requires(N& n, N const& viewed, time_point now, gossip::outbox& out) {
    { viewed.next_deadline() } noexcept -> std::same_as<time_point>;
    n.on_tick(now, out);
};
/// `n.leave(now, out)` says goodbye.
template <typename N>
concept NodeLeaves = requires(N& n, time_point now, gossip::outbox& out) { n.leave(now, out); };

/// What a node tells of one member.
template <typename M>
concept MemberView = requires(M const& m) {
    { m.id() } -> std::convertible_to<node_id>;
    { m.state() } -> std::same_as<membership::member_state>;
    { m.incarnation() } -> std::same_as<std::uint64_t>;
    { m.is_self() } -> std::same_as<bool>;
};
/// The views: `running`, `id`, `incarnation`, `for_each_member(f)`, and `find(id)`, which gives something that is
/// false if the member is not known and points to a `MemberView` otherwise.
template <typename N>
concept NodeShowsMembers = requires(N const& n, node_id const& id) {
    { n.running() } noexcept -> std::same_as<bool>;
    { n.id() } -> std::convertible_to<node_id>;
    { n.incarnation() } noexcept -> std::same_as<std::uint64_t>;
    n.for_each_member(detail::any_visitor{});
    static_cast<bool>(n.find(id));
    requires MemberView<std::remove_cvref_t<decltype(*n.find(id))>>;
};

/// Not asked of every node: `n.introduce(record, now, out)`, for `world::acquaint_all`.
template <typename N>
concept NodeTakesIntroductions =
    requires(N& n, N const& viewed, byte_view record, time_point now, gossip::outbox& out, node_id const& id) {
        { n.introduce(record, now, out) } -> std::same_as<result<void>>;
        { viewed.find(id)->record().bytes() } -> std::convertible_to<byte_view>;
    };

/// Not asked of every node: `n.listening()` is false until the node has asked for the action `listen`; what arrives
/// before waits, as in the buffers of a socket. Without it a node listens from its start.
template <typename N>
concept NodeSaysWhenItListens = requires(N const& n) {
    { n.listening() } noexcept -> std::same_as<bool>;
};
/// Not asked of every node: `n.recollect(now, clock_ms)` gives what its next life is to be told of the others; see
/// `birth::remembered`.
template <typename N>
concept NodeRemembersPeers = requires(N& n, time_point now, std::int64_t clock_ms) {
    { n.recollect(now, clock_ms) } -> std::convertible_to<std::vector<node::remembered_peer> const&>;
};

/// Anything a `world` can run: `node::node_logic`, or a program of your own with the same inputs that returns its
/// actions in a `gossip::outbox`. It has no clock, no randomness but what it was made with, and does no I/O; the same
/// inputs give the same outputs. If it also has `int check_invariants() const`, 0 for "all is well", the world calls
/// it. See docs/simulator.md.
template <typename N>
concept SimulatedNode = NodeStarts<N> && NodeTakesDatagrams<N> && NodeTakesStreams<N> && NodeTakesCandidates<N> &&
                        NodeHasTimer<N> && NodeLeaves<N> && NodeShowsMembers<N>;

/// Says which part `N` lacks, one sentence each. Put it beside your type:
/// @code static_assert(peerkit::sim::check_simulated_node<my_node>()); @endcode
template <typename N>
[[nodiscard]] consteval bool check_simulated_node() noexcept {
    static_assert(NodeStarts<N>, "peerkit: a simulated node needs `result<void> start(time_point, gossip::outbox&)`; "
                                 "see docs/simulator.md");
    static_assert(
        NodeTakesDatagrams<N>,
        "peerkit: a simulated node needs `on_datagram(byte_span, ip_endpoint const&, time_point, gossip::outbox&)`; "
        "see docs/simulator.md");
    static_assert(NodeTakesStreams<N>, "peerkit: a simulated node needs `on_stream_accepted`, `on_stream_opened`, "
                                       "`on_stream_frame` and `on_stream_closed`; see docs/simulator.md");
    static_assert(NodeTakesCandidates<N>, "peerkit: a simulated node needs `on_candidates` and `on_discovery_failed`; "
                                          "see docs/simulator.md");
    static_assert(NodeHasTimer<N>, "peerkit: a simulated node needs `time_point next_deadline() const noexcept` and "
                                   "`on_tick(time_point, gossip::outbox&)`; see docs/simulator.md");
    static_assert(NodeLeaves<N>, "peerkit: a simulated node needs `leave(time_point, gossip::outbox&)`; "
                                 "see docs/simulator.md");
    static_assert(NodeShowsMembers<N>, "peerkit: a simulated node needs `running`, `id`, `incarnation`, "
                                       "`for_each_member` and `find`; see docs/simulator.md");
    return SimulatedNode<N>;
}

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
