// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The plaintext of a datagram or stream frame: a flat sequence of messages, checked in one pass, then read.
#ifndef PEERKIT_WIRE_MESSAGE_HPP
#define PEERKIT_WIRE_MESSAGE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/digest.hpp>
#include <peerkit/wire/error.hpp>
#include <peerkit/wire/record_check.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

PEERKIT_BEGIN_NAMESPACE
namespace wire {

/// What a message says. Values below 128 that are not listed are refused; values from 128 on are for messages
/// a receiver may skip without harm, and those not listed are skipped and counted.
enum class message_type : std::uint8_t {
    ping = 1,            ///< nonce, incarnation and epoch of the sender: answer with `ack`
    ack = 2,             ///< nonce of the ping, incarnation and epoch of the sender
    nack = 3,            ///< nonce of the indirect ping: the subject has not answered the helper in time
    indirect_ping = 4,   ///< nonce, subject: ping the subject for the sender
    announce = 5,        ///< record: a signed announcement
    suspect = 6,         ///< subject, incarnation, accusers
    dead = 7,            ///< subject, incarnation, accusers
    want = 8,            ///< subject, incarnation known (0: none): send a newer record
    hello = 9,           ///< as ping, to an address whose node is not known
    check = 10,          ///< nonce, subject, incarnation: is the subject to be reached?
    heard = 11,          ///< nonce of the check: it is
    unheard = 12,        ///< nonce of the check: it did not answer in time
    heartbeat = 13,      ///< incarnation and epoch of the sender, which is alive; no answer is wanted
    exchange_begin = 16, ///< flags: a full-state exchange starts
    exchange_end = 17,   ///< count of announcements sent in the exchange
    digest = 20,         ///< kind, members, sum: heads every packet of a comparison (wire/digest.hpp)
    listing = 21,        ///< `listing_view`: who is in some ranges of short ids
    sums = 22,           ///< `sums_view`: what the members of some ranges sum up to
    pull = 23,           ///< `pull_view`: whose records are wanted
    broadcast = 32,      ///< signed user data for every member; body: wire/user_message.hpp, as of all up to `fetch`
    user_message = 33,   ///< user data for the receiver alone
    request = 34,        ///< user data to be answered, or only to be confirmed
    response = 35,       ///< the answer to a request
    offer = 36,          ///< broadcasts the sender holds
    fetch = 37,          ///< broadcasts the sender lacks of those offered
    entry = 48,          ///< `entry_view`: one key of a member's map, signed by that member (wire/entry.hpp)
    entry_marks = 49,    ///< `entry_marks_view`: which entries of a member the sender holds
    observed = 128,      ///< endpoint: where the answered packet came from, unless its sender announces that
};

/// Bits of `message::flags` in `exchange_begin`.
namespace exchange_flags {
inline constexpr std::uint8_t join = 1;  ///< the sender is joining
inline constexpr std::uint8_t reply = 2; ///< this is the answer of the side that was dialled
} // namespace exchange_flags

/// One decoded message. Only the fields that its type carries are meaningful; the others are zero or empty,
/// and `accusers` beyond `accuser_count` is whatever the object held before. `record` points into the packet.
struct message {
    message_type type{};
    std::uint8_t accuser_count = 0;
    std::uint8_t flags = 0;  ///< of `digest`: the `digest_kind`
    std::uint32_t count = 0; ///< of `digest`: the sender's reachable members
    std::uint32_t epoch = 0; ///< of the order in which members watch each other
    std::uint64_t nonce = 0; ///< of `digest`: the sum of their fingerprints
    short_id subject{};
    std::uint64_t incarnation = 0;
    byte_view record; ///< of `observed`: the bytes that `where` reads; of those with a codec of their own: the body
    std::array<short_id, limits::accusers> accusers;

    /// The endpoint of `observed`; none in other messages.
    [[nodiscard]] ip_endpoint where() const noexcept;
    [[nodiscard]] std::span<short_id const> accuser_list() const noexcept { return {accusers.data(), accuser_count}; }
};

/// Bytes of type and length in front of every message body.
inline constexpr std::size_t message_head = 3;

namespace detail {

inline constexpr std::size_t accusation_head = 17; // subject, incarnation, count

[[nodiscard]] constexpr bool skippable(std::uint8_t type) noexcept {
    return type >= 128 && type != static_cast<std::uint8_t>(message_type::observed);
}
[[nodiscard]] constexpr bool usable_incarnation(std::byte const* at) noexcept {
    return (*at & std::byte{0x80}) == std::byte{0}; // below limits::incarnation, which is 2^63
}
static_assert(limits::incarnation == std::uint64_t{1} << 63U);

/// Body length of the messages that have only one; 0 for the others.
[[nodiscard]] constexpr std::size_t fixed_size(message_type type) noexcept {
    switch (type) {
    case message_type::ping:
    case message_type::ack:
    case message_type::hello: return 20;
    case message_type::indirect_ping:
    case message_type::want: return 16;
    case message_type::check: return 24;
    case message_type::heartbeat: return 12;
    case message_type::nack:
    case message_type::heard:
    case message_type::unheard: return 8;
    case message_type::exchange_begin: return 1;
    case message_type::exchange_end: return 4;
    case message_type::digest: return 13;
    case message_type::listing:
    case message_type::sums:
    case message_type::pull:
    case message_type::announce:
    case message_type::suspect:
    case message_type::dead:
    case message_type::broadcast:
    case message_type::user_message:
    case message_type::request:
    case message_type::response:
    case message_type::offer:
    case message_type::fetch:
    case message_type::entry:
    case message_type::entry_marks:
    case message_type::observed: break;
    }
    return 0;
}

/// Shortest and longest body of the messages whose layout is the matter of wire/user_message.hpp and wire/entry.hpp.
struct size_range {
    std::size_t least = 0;
    std::size_t most = 0;
};
[[nodiscard]] constexpr size_range user_size(message_type type) noexcept {
    constexpr std::size_t topics = 1 + limits::topic + limits::payload;
    switch (type) {
    case message_type::broadcast: return {12 + 24 + 2 + 64, 12 + 24 + topics + 64};
    case message_type::user_message: return {8 + 2, 8 + topics};
    case message_type::request: return {8 + 13 + 2, 8 + 13 + topics};
    case message_type::response: return {9, 9 + limits::payload};
    case message_type::offer:
    case message_type::fetch: return {33, 33 * 32};
    case message_type::entry: return {17 + 2 + 64, 17 + 1 + limits::entry_key + limits::entry_value + 64};
    case message_type::entry_marks: return {13, 13 + 4 * limits::entries};
    default: return {};
    }
}

[[nodiscard]] inline result<void> check_accusation(byte_view body, std::size_t offset) noexcept {
    if (body.size() < accusation_head) return fail(wire_error::bad_message_length, offset, "accusation");
    std::size_t const count = std::to_integer<std::size_t>(body[accusation_head - 1]);
    if (count == 0 || count > limits::accusers) {
        return fail(wire_error::too_many_accusers, offset + accusation_head - 1, "accusers");
    }
    if (body.size() != accusation_head + 8 * count) return fail(wire_error::bad_message_length, offset, "accusation");
    if (!usable_incarnation(body.data() + 8) || load_big<std::uint64_t>(body.data() + 8) == 0) {
        return fail(wire_error::reserved_incarnation, offset + 8, "incarnation");
    }
    std::byte const* const first = body.data() + accusation_head;
    for (std::size_t i = 1; i < count; ++i) {
        if (load_big<std::uint64_t>(first + 8 * (i - 1)) >= load_big<std::uint64_t>(first + 8 * i)) {
            return fail(wire_error::not_canonical, offset + accusation_head + 8 * i, "accusers");
        }
    }
    return {};
}

/// Bytes of an endpoint: family (4 or 6), address, port; 0 for another family.
[[nodiscard]] constexpr std::size_t endpoint_size(std::byte family) noexcept {
    return family == std::byte{4} ? 7 : family == std::byte{6} ? 19 : 0;
}
[[nodiscard]] inline ip_endpoint read_endpoint(std::byte const* body) noexcept {
    std::size_t const size = endpoint_size(*body) - 3;
    return {ip_address::from_bytes({body + 1, size}), load_big<std::uint16_t>(body + 1 + size)};
}
[[nodiscard]] inline result<void> check_endpoint(byte_view body, std::size_t offset) noexcept {
    if (body.empty()) return fail(wire_error::bad_message_length, offset, "endpoint");
    std::size_t const size = endpoint_size(body[0]);
    if (size == 0) return fail(wire_error::bad_address, offset, "endpoint");
    if (body.size() != size) return fail(wire_error::bad_message_length, offset, "endpoint");
    ip_endpoint const where = read_endpoint(body.data());
    // An IPv4 address in the clothes of an IPv6 one would not be written again as it was.
    if (where.address.bytes().size() != size - 3) return fail(wire_error::bad_address, offset, "endpoint");
    if (where.port == 0) return fail(wire_error::zero_port, offset + size - 2, "endpoint");
    return {};
}

/// One message body; `offset` is where it starts in the packet.
[[nodiscard]] inline result<void> check_body(message_type type, byte_view body, std::size_t offset) noexcept {
    switch (type) {
    case message_type::ping:
    case message_type::ack:
    case message_type::hello:
    case message_type::want:
    case message_type::check:
    case message_type::heartbeat: {
        if (body.size() != fixed_size(type)) return fail(wire_error::bad_message_length, offset, "message");
        std::size_t const at = type == message_type::check ? 16 : type == message_type::heartbeat ? 0 : 8;
        if (!usable_incarnation(body.data() + at))
            return fail(wire_error::reserved_incarnation, offset + at, "incarnation");
        return {};
    }
    case message_type::announce:
        if (body.size() < record_layout::min_size || body.size() > limits::record) {
            return fail(wire_error::bad_message_length, offset, "announce");
        }
        return {};
    case message_type::suspect:
    case message_type::dead: return check_accusation(body, offset);
    case message_type::observed: return check_endpoint(body, offset);
    case message_type::listing:
    case message_type::sums:
    case message_type::pull:
        // Whoever answers them parses them.
        if (body.empty()) return fail(wire_error::bad_message_length, offset, "message");
        return {};
    case message_type::broadcast:
    case message_type::user_message:
    case message_type::request:
    case message_type::response:
    case message_type::offer:
    case message_type::fetch:
    case message_type::entry:
    case message_type::entry_marks:
        if (size_range const range = user_size(type); body.size() < range.least || body.size() > range.most)
            return fail(wire_error::bad_message_length, offset, "user data");
        return {};
    case message_type::nack:
    case message_type::heard:
    case message_type::unheard:
    case message_type::indirect_ping:
    case message_type::exchange_begin:
    case message_type::exchange_end:
    case message_type::digest:
        if (body.size() != fixed_size(type)) return fail(wire_error::bad_message_length, offset, "message");
        if (type == message_type::exchange_begin && (body[0] & std::byte{0xfc}) != std::byte{0}) {
            return fail(wire_error::bad_flags, offset, "exchange flags");
        }
        if (type == message_type::digest && body[0] > std::byte{2})
            return fail(wire_error::bad_flags, offset, "digest kind");
        return {};
    }
    if (skippable(static_cast<std::uint8_t>(type))) return {};
    return fail(wire_error::unknown_message, offset - message_head, "message type");
}

} // namespace detail

inline ip_endpoint message::where() const noexcept {
    return type == message_type::observed && !record.empty() ? detail::read_endpoint(record.data()) : ip_endpoint{};
}

/// Reads the messages of a checked packet one after another; made by `packet_view::messages`.
class message_cursor {
public:
    /// Fills `out` with the next message, passing over skippable ones. False at the end, `out` is then
    /// unchanged.
    [[nodiscard]] bool next(message& out) noexcept {
        while (rest_.size() >= message_head) {
            auto const type = static_cast<message_type>(rest_[0]);
            std::size_t const size = load_big<std::uint16_t>(rest_.data() + 1);
            std::byte const* const body = rest_.data() + message_head;
            if (size > rest_.size() - message_head) break; // not in a checked packet
            rest_ = rest_.subspan(message_head + size);
            if (detail::skippable(static_cast<std::uint8_t>(type))) continue;
            read(type, body, size, out);
            return true;
        }
        return false;
    }

private:
    friend class packet_view;
    explicit message_cursor(byte_view plain) noexcept : rest_{plain} {}

    static void read(message_type type, std::byte const* body, std::size_t size, message& out) noexcept {
        out.type = type;
        out.accuser_count = 0;
        out.flags = 0;
        out.count = 0;
        out.epoch = 0;
        out.nonce = 0;
        out.subject = short_id{};
        out.incarnation = 0;
        out.record = {};
        switch (type) {
        case message_type::ping:
        case message_type::ack:
        case message_type::hello:
            out.nonce = load_big<std::uint64_t>(body);
            out.incarnation = load_big<std::uint64_t>(body + 8);
            out.epoch = load_big<std::uint32_t>(body + 16);
            break;
        case message_type::check:
            out.nonce = load_big<std::uint64_t>(body);
            out.subject = static_cast<short_id>(load_big<std::uint64_t>(body + 8));
            out.incarnation = load_big<std::uint64_t>(body + 16);
            break;
        case message_type::heartbeat:
            out.incarnation = load_big<std::uint64_t>(body);
            out.epoch = load_big<std::uint32_t>(body + 8);
            break;
        case message_type::nack:
        case message_type::heard:
        case message_type::unheard: out.nonce = load_big<std::uint64_t>(body); break;
        case message_type::indirect_ping:
            out.nonce = load_big<std::uint64_t>(body);
            out.subject = static_cast<short_id>(load_big<std::uint64_t>(body + 8));
            break;
        case message_type::announce: out.record = {body, size}; break;
        case message_type::suspect:
        case message_type::dead:
            out.subject = static_cast<short_id>(load_big<std::uint64_t>(body));
            out.incarnation = load_big<std::uint64_t>(body + 8);
            out.accuser_count = std::to_integer<std::uint8_t>(body[detail::accusation_head - 1]);
            for (std::size_t i = 0; i < out.accuser_count && i < limits::accusers; ++i) {
                out.accusers[i] =
                    static_cast<short_id>(load_big<std::uint64_t>(body + detail::accusation_head + 8 * i));
            }
            break;
        case message_type::want:
            out.subject = static_cast<short_id>(load_big<std::uint64_t>(body));
            out.incarnation = load_big<std::uint64_t>(body + 8);
            break;
        case message_type::exchange_begin: out.flags = std::to_integer<std::uint8_t>(body[0]); break;
        case message_type::exchange_end: out.count = load_big<std::uint32_t>(body); break;
        case message_type::digest:
            out.flags = std::to_integer<std::uint8_t>(body[0]);
            out.count = load_big<std::uint32_t>(body + 1);
            out.nonce = load_big<std::uint64_t>(body + 5);
            break;
        case message_type::listing:
        case message_type::sums:
        case message_type::pull:
        case message_type::broadcast:
        case message_type::user_message:
        case message_type::request:
        case message_type::response:
        case message_type::offer:
        case message_type::fetch:
        case message_type::entry:
        case message_type::entry_marks:
        case message_type::observed: out.record = {body, size}; break;
        }
    }

    byte_view rest_;
};

/// A plaintext whose every message has been checked, so that a malformed packet is refused before any of it
/// counts. Records inside `announce` are checked for length only; whoever wants one parses it
/// (`record_view::parse`). A view: the plaintext must outlive it.
///
/// @code
/// auto packet = wire::packet_view::parse(plain);
/// if (!packet) return refuse(packet.error());
/// auto messages = packet->messages();
/// for (wire::message m; messages.next(m);) handle(m);
/// @endcode
class packet_view {
public:
    /// @par Errors `wire_error`; position is an offset in `plain`. An empty plaintext is `truncated`.
    [[nodiscard]] static result<packet_view> parse(byte_view plain) noexcept {
        if (plain.empty()) return fail(wire_error::truncated, 0, "message");
        packet_view view{plain};
        for (std::size_t at = 0; at != plain.size();) {
            std::size_t const left = plain.size() - at;
            if (left < message_head) return fail(wire_error::truncated, at, "message head");
            std::size_t const size = load_big<std::uint16_t>(plain.data() + at + 1);
            if (size > left - message_head) return fail(wire_error::truncated, at + 1, "message");
            auto const type = static_cast<message_type>(plain[at]);
            if (auto const ok = detail::check_body(type, plain.subspan(at + message_head, size), at + message_head);
                !ok) {
                return fail(ok.error());
            }
            ++(detail::skippable(static_cast<std::uint8_t>(type)) ? view.skipped_ : view.count_);
            at += message_head + size;
        }
        return view;
    }

    [[nodiscard]] message_cursor messages() const noexcept { return message_cursor{plain_}; }
    /// Messages the cursor will give.
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    /// Unknown messages it will pass over.
    [[nodiscard]] std::size_t skipped() const noexcept { return skipped_; }
    [[nodiscard]] byte_view bytes() const noexcept { return plain_; }

private:
    explicit packet_view(byte_view plain) noexcept : plain_{plain} {}

    byte_view plain_;
    std::size_t count_ = 0;
    std::size_t skipped_ = 0;
};

/// Writes messages into a caller's buffer. Each call writes one whole message, or nothing and returns false:
/// because it does not fit, or because a receiver would refuse it.
class packet_writer {
public:
    explicit packet_writer(byte_span room) noexcept : room_{room} {}

    bool ping(std::uint64_t nonce, std::uint64_t incarnation, std::uint32_t epoch = 0) noexcept {
        return with_epoch(message_type::ping, nonce, incarnation, epoch);
    }
    bool ack(std::uint64_t nonce, std::uint64_t incarnation, std::uint32_t epoch = 0) noexcept {
        return with_epoch(message_type::ack, nonce, incarnation, epoch);
    }
    bool nack(std::uint64_t nonce) noexcept { return one_word(message_type::nack, nonce); }
    bool check(std::uint64_t nonce, short_id subject, std::uint64_t incarnation) noexcept {
        if (incarnation >= limits::incarnation) return false;
        std::byte* const body = open(message_type::check, 24);
        if (body == nullptr) return false;
        store_big(body, nonce);
        store_big(body + 8, static_cast<std::uint64_t>(subject));
        store_big(body + 16, incarnation);
        return true;
    }
    bool heard(std::uint64_t nonce) noexcept { return one_word(message_type::heard, nonce); }
    bool unheard(std::uint64_t nonce) noexcept { return one_word(message_type::unheard, nonce); }
    bool heartbeat(std::uint64_t incarnation, std::uint32_t epoch = 0) noexcept {
        if (incarnation >= limits::incarnation) return false;
        std::byte* const body = open(message_type::heartbeat, 12);
        if (body == nullptr) return false;
        store_big(body, incarnation);
        store_big(body + 8, epoch);
        return true;
    }
    bool indirect_ping(std::uint64_t nonce, short_id subject) noexcept {
        return two_words(message_type::indirect_ping, nonce, static_cast<std::uint64_t>(subject));
    }
    /// `record`: the bytes of a signed record, verbatim.
    bool announce(byte_view record) noexcept {
        if (record.size() < record_layout::min_size || record.size() > limits::record) return false;
        std::byte* const body = open(message_type::announce, record.size());
        if (body == nullptr) return false;
        std::memcpy(body, record.data(), record.size());
        return true;
    }
    /// `type` is suspect or dead; `accusers` 1 to `limits::accusers`, ascending, unique.
    bool accuse(message_type type, short_id subject, std::uint64_t incarnation,
                std::span<short_id const> accusers) noexcept {
        if (type != message_type::suspect && type != message_type::dead) return false;
        if (accusers.empty() || accusers.size() > limits::accusers) return false;
        if (incarnation == 0 || incarnation >= limits::incarnation) return false;
        for (std::size_t i = 1; i < accusers.size(); ++i) {
            if (accusers[i - 1] >= accusers[i]) return false;
        }
        std::byte* const body = open(type, detail::accusation_head + 8 * accusers.size());
        if (body == nullptr) return false;
        store_big(body, static_cast<std::uint64_t>(subject));
        store_big(body + 8, incarnation);
        body[detail::accusation_head - 1] = static_cast<std::byte>(accusers.size());
        for (std::size_t i = 0; i < accusers.size(); ++i) {
            store_big(body + detail::accusation_head + 8 * i, static_cast<std::uint64_t>(accusers[i]));
        }
        return true;
    }
    /// `known`: the incarnation already held, 0 for none.
    bool want(short_id subject, std::uint64_t known) noexcept {
        return two_words(message_type::want, static_cast<std::uint64_t>(subject), known);
    }
    bool hello(std::uint64_t nonce, std::uint64_t incarnation, std::uint32_t epoch = 0) noexcept {
        return with_epoch(message_type::hello, nonce, incarnation, epoch);
    }
    /// `flags` from `exchange_flags`.
    bool exchange_begin(std::uint8_t flags) noexcept {
        if ((flags & 0xfcU) != 0) return false;
        std::byte* const body = open(message_type::exchange_begin, 1);
        if (body == nullptr) return false;
        *body = std::byte{flags};
        return true;
    }
    bool exchange_end(std::uint32_t count) noexcept {
        std::byte* const body = open(message_type::exchange_end, 4);
        if (body == nullptr) return false;
        store_big(body, count);
        return true;
    }

    /// `where`: an address and a port.
    bool observed(ip_endpoint const& where) noexcept {
        if (!where) return false;
        byte_view const address = where.address.bytes();
        std::byte* const body = open(message_type::observed, 3 + address.size());
        if (body == nullptr) return false;
        *body = static_cast<std::byte>(where.address.family());
        copy_bytes(address, {body + 1, address.size()});
        store_big(body + 1 + address.size(), where.port);
        return true;
    }

    /// Room for a body that the caller writes as its codec says; empty if it does not fit.
    [[nodiscard]] byte_span body(message_type type, std::size_t size) noexcept {
        std::byte* const at = open(type, size);
        return at == nullptr ? byte_span{} : byte_span{at, size};
    }
    bool digest(digest_kind kind, std::uint32_t members, std::uint64_t sum) noexcept {
        std::byte* const body = open(message_type::digest, 13);
        if (body == nullptr) return false;
        *body = static_cast<std::byte>(kind);
        store_big(body + 1, members);
        store_big(body + 5, sum);
        return true;
    }
    /// A message whose body has a codec of its own: `make(byte_span room)` writes it to the front of `room` and returns
    /// its size; 0: there is no message.
    template <typename Make>
    bool composed(message_type type, Make&& make) noexcept {
        if (remaining() <= message_head) return false;
        std::size_t const most = std::min<std::size_t>(remaining() - message_head, 0xffff);
        std::size_t const size = make(room_.subspan(used_ + message_head, most));
        if (size == 0 || size > most) return false;
        (void)open(type, size);
        return true;
    }

    [[nodiscard]] std::size_t size() const noexcept { return used_; }
    /// What one more message may take, its head included.
    [[nodiscard]] std::size_t remaining() const noexcept { return room_.size() - used_ - held_; }
    /// Keeps the last `bytes` of the room for who comes later: nothing is written there until `release`.
    void hold(std::size_t bytes) noexcept { held_ = std::min(bytes, room_.size() - used_); }
    void release() noexcept { held_ = 0; }
    [[nodiscard]] bool empty() const noexcept { return used_ == 0; }
    [[nodiscard]] byte_span written() const noexcept { return room_.first(used_); }

private:
    [[nodiscard]] std::byte* open(message_type type, std::size_t body) noexcept {
        if (remaining() < message_head + body) return nullptr;
        std::byte* const at = room_.data() + used_;
        at[0] = static_cast<std::byte>(type);
        store_big(at + 1, static_cast<std::uint16_t>(body));
        used_ += message_head + body;
        return at + message_head;
    }
    bool one_word(message_type type, std::uint64_t word) noexcept {
        std::byte* const body = open(type, 8);
        if (body == nullptr) return false;
        store_big(body, word);
        return true;
    }
    bool with_epoch(message_type type, std::uint64_t nonce, std::uint64_t incarnation, std::uint32_t epoch) noexcept {
        if (incarnation >= limits::incarnation) return false;
        std::byte* const body = open(type, 20);
        if (body == nullptr) return false;
        store_big(body, nonce);
        store_big(body + 8, incarnation);
        store_big(body + 16, epoch);
        return true;
    }
    bool two_words(message_type type, std::uint64_t first, std::uint64_t second) noexcept {
        if (type != message_type::indirect_ping && second >= limits::incarnation) return false;
        std::byte* const body = open(type, 16);
        if (body == nullptr) return false;
        store_big(body, first);
        store_big(body + 8, second);
        return true;
    }

    byte_span room_;
    std::size_t used_ = 0;
    std::size_t held_ = 0;
};

} // namespace wire
PEERKIT_END_NAMESPACE

#endif
