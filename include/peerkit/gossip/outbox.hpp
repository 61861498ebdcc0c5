// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the core wants done: an ordered list of actions whose memory is reused.
#ifndef PEERKIT_GOSSIP_OUTBOX_HPP
#define PEERKIT_GOSSIP_OUTBOX_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/delivery.hpp>
#include <peerkit/gossip/event.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Names a stream between core and shell. Minted by the core, never reused within 2^32 streams.
enum class stream_id : std::uint32_t {};

enum class action_kind : std::uint8_t {
    send_datagram,   ///< send `bytes` to `to`
    open_stream,     ///< dial `to`; then report `on_stream_opened` or `on_stream_closed` of `stream`
    send_frame,      ///< write `bytes` (length prefix included) to `stream`, in order
    close_stream,    ///< close `stream` after everything sent before; nothing is reported back
    run_discovery,   ///< ask the strategies; then report `on_candidates` or `on_discovery_failed`
    resolve_address, ///< look up the host name of the address in `to`, in the background; then report `on_host_name`
    persist,         ///< keep `bytes` (this node's own record) for the next start
    notify,          ///< tell the host of `what`
    deliver,         ///< hand the host `bytes`, which `message` describes
    listen,          ///< take what arrives from now on; what came before waited in the sockets
};

/// One action. `bytes`, `what` and `message` point into the outbox and are valid until it is cleared.
struct action {
    action_kind kind;
    ip_endpoint to{};
    stream_id stream{};
    byte_span bytes{};
    event const* what = nullptr;
    delivery const* message = nullptr;
};

/// Collects the actions of one or more calls into the core. The shell carries them out in order and clears it.
/// After it has grown to the largest burst it allocates nothing. Not thread safe.
///
/// @code
/// node.on_datagram(bytes, from, now, out);
/// for (std::size_t i = 0; i < out.size(); ++i) carry_out(out[i]);
/// out.clear();
/// @endcode
class outbox {
public:
    outbox() {
        entries_.reserve(64);
        events_.reserve(16);
    }

    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] action operator[](std::size_t i) const noexcept {
        entry const& e = entries_[i];
        if (e.kind == action_kind::notify) return {e.kind, e.to, e.stream, {}, &events_[e.offset]};
        byte_span const bytes{arena_.get() + e.offset, e.size};
        if (e.kind == action_kind::deliver)
            return {e.kind, {}, {}, bytes, nullptr, &deliveries_[static_cast<std::size_t>(e.stream)]};
        return {e.kind, e.to, e.stream, bytes};
    }
    /// The events among the actions, in order.
    [[nodiscard]] std::span<event const> events() const noexcept { return events_; }
    void clear() noexcept {
        entries_.clear();
        events_.clear();
        deliveries_.clear();
        used_ = 0;
    }

    /// Room for up to `size` bytes, valid until the next call; committed by one of the calls below or abandoned.
    [[nodiscard]] byte_span room(std::size_t size) {
        if (capacity_ - used_ < size) grow(used_ + size);
        return {arena_.get() + used_, size};
    }
    /// The first `size` bytes of the last `room` become a datagram.
    void send_datagram(ip_endpoint const& to, std::size_t size) { commit(action_kind::send_datagram, to, {}, size); }
    /// The first `size` bytes of the last `room` become stream bytes.
    void send_frame(stream_id stream, std::size_t size) { commit(action_kind::send_frame, {}, stream, size); }
    /// The first `size` bytes of the last `room` are to be kept.
    void persist(std::size_t size) { commit(action_kind::persist, {}, {}, size); }

    void open_stream(stream_id stream, ip_endpoint const& to) {
        entries_.push_back({action_kind::open_stream, to, stream, 0, 0});
    }
    void close_stream(stream_id stream) { entries_.push_back({action_kind::close_stream, {}, stream, 0, 0}); }
    void run_discovery() { entries_.push_back({action_kind::run_discovery, {}, {}, 0, 0}); }
    void listen() { entries_.push_back({action_kind::listen, {}, {}, 0, 0}); }
    void resolve_address(ip_address const& of) {
        entries_.push_back({action_kind::resolve_address, {of, 0}, {}, 0, 0});
    }
    void notify(event const& what) {
        entries_.push_back({action_kind::notify, {}, {}, events_.size(), 0});
        events_.push_back(what);
    }
    /// The payload is copied.
    void deliver(delivery const& what, byte_view payload) {
        copy_bytes(payload, room(payload.size()));
        // The stream's place says which of the deliveries it is.
        commit(action_kind::deliver, {}, static_cast<stream_id>(deliveries_.size()), payload.size());
        deliveries_.push_back(what);
    }

private:
    struct entry {
        action_kind kind;
        ip_endpoint to;
        stream_id stream;
        std::size_t offset;
        std::size_t size;
    };

    void commit(action_kind kind, ip_endpoint const& to, stream_id stream, std::size_t size) {
        entries_.push_back({kind, to, stream, used_, size});
        used_ += size;
    }
    void grow(std::size_t needed) {
        std::size_t const larger = std::max<std::size_t>({needed, capacity_ * 2, 4096});
        std::unique_ptr<std::byte[]> moved{new std::byte[larger]};
        copy_bytes({arena_.get(), used_}, {moved.get(), larger});
        arena_ = std::move(moved);
        capacity_ = larger;
    }

    std::vector<entry> entries_;
    std::vector<event> events_;
    std::vector<delivery> deliveries_;
    std::unique_ptr<std::byte[]> arena_;
    std::size_t capacity_ = 0;
    std::size_t used_ = 0;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
