// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// User data on the wire: broadcasts, messages to one member, requests and responses, offers of broadcasts.
#ifndef PEERKIT_WIRE_USER_MESSAGE_HPP
#define PEERKIT_WIRE_USER_MESSAGE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/error.hpp>
#include <peerkit/wire/message.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace wire {

/// The bodies of the messages `broadcast` to `fetch`. Those that deliver user data begin with `life`: the incarnation
/// by which the sender knows the receiver. A receiver that was started since knows from it that the packet was meant
/// for a life of it that is over, so a recording is worth nothing after a restart. Layouts in docs/wire.md.
///
/// A topic is 1 to `limits::topic` characters of a name (`check_name`). The views are made by `parse`, which checks
/// everything that can be checked without a key, and point into the bytes they were made of.

/// Bytes of `life` in front of a body.
inline constexpr std::size_t life_size = 8;

/// @par Errors `core_error::empty`, `too_long`, `bad_character`
[[nodiscard]] constexpr result<void> check_topic(std::string_view topic) noexcept {
    return check_name(topic, limits::topic, "topic");
}

namespace detail {

struct topic_and_payload {
    std::string_view topic;
    byte_view payload;
};
/// Reads what stands behind the first `at` bytes of a body.
[[nodiscard]] inline result<topic_and_payload> read_topic(byte_view body, std::size_t at) noexcept {
    if (body.size() <= at) return fail(wire_error::truncated, at, "topic");
    std::size_t const size = std::to_integer<std::size_t>(body[at]);
    if (size > body.size() - at - 1) return fail(wire_error::truncated, at, "topic");
    std::string_view const topic = as_text(body.subspan(at + 1, size));
    if (!check_topic(topic)) return fail(wire_error::bad_text, at + 1, "topic");
    byte_view const payload = body.subspan(at + 1 + size);
    if (payload.size() > limits::payload) return fail(wire_error::bad_length, at + 1 + size, "payload");
    return topic_and_payload{topic, payload};
}
inline std::byte* write_topic(std::byte* to, std::string_view topic, byte_view payload) noexcept {
    *to++ = static_cast<std::byte>(topic.size());
    to = std::copy_n(as_bytes(topic).data(), topic.size(), to);
    return std::copy_n(payload.data(), payload.size(), to);
}
[[nodiscard]] constexpr bool usable(std::uint64_t number) noexcept {
    return number != 0 && number < limits::incarnation;
}
[[nodiscard]] inline bool fits(std::string_view topic, byte_view payload) noexcept {
    return check_topic(topic).has_value() && payload.size() <= limits::payload;
}

} // namespace detail

/// Bytes in front of a broadcast, which every member writes anew: `life`, and the `u32` milliseconds since it was said,
/// by the time members have kept it.
inline constexpr std::size_t hop_size = life_size + 4;

/// A broadcast as its origin signed it and as every member keeps and forwards it, which is the body of `broadcast`
/// without its first `hop_size` bytes: origin, session and sequence (which together name it), topic, payload,
/// signature.
class broadcast_view {
public:
    static constexpr std::size_t signature_size = 64;
    static constexpr std::size_t head = 24;

    /// Does not verify the signature. @par Errors `wire_error`
    [[nodiscard]] static result<broadcast_view> parse(byte_view bytes) noexcept {
        if (bytes.size() < head + 2 + signature_size) return fail(wire_error::truncated, bytes.size(), "broadcast");
        broadcast_view made{bytes};
        if (!detail::usable(made.session()) || !detail::usable(made.sequence()))
            return fail(wire_error::reserved_incarnation, 8, "session and sequence");
        auto const rest = detail::read_topic(made.signed_part(), head);
        if (!rest) return fail(rest.error());
        made.topic_size_ = static_cast<std::uint8_t>(rest->topic.size());
        return made;
    }
    /// Bytes that `write` takes, the signature included.
    [[nodiscard]] static constexpr std::size_t size_of(std::string_view topic, std::size_t payload) noexcept {
        return head + 1 + topic.size() + payload + signature_size;
    }
    /// Writes all but the signature into the front of `to`, which is at least `size_of` bytes; gives what is to be
    /// signed. Empty if the topic, the payload or a number is not allowed.
    [[nodiscard]] static byte_view write(byte_span to, short_id origin, std::uint64_t session, std::uint64_t sequence,
                                         std::string_view topic, byte_view payload) noexcept {
        if (!detail::fits(topic, payload) || !detail::usable(session) || !detail::usable(sequence)) return {};
        if (to.size() < size_of(topic, payload.size())) return {};
        store_big(to.data(), static_cast<std::uint64_t>(origin));
        store_big(to.data() + 8, session);
        store_big(to.data() + 16, sequence);
        std::byte const* const end = detail::write_topic(to.data() + head, topic, payload);
        return to.first(static_cast<std::size_t>(end - to.data()));
    }

    [[nodiscard]] short_id origin() const noexcept {
        return static_cast<short_id>(load_big<std::uint64_t>(bytes_.data()));
    }
    /// The incarnation with which the origin's life began: grows with every start.
    [[nodiscard]] std::uint64_t session() const noexcept { return load_big<std::uint64_t>(bytes_.data() + 8); }
    /// Counts the broadcasts of a session from 1.
    [[nodiscard]] std::uint64_t sequence() const noexcept { return load_big<std::uint64_t>(bytes_.data() + 16); }
    [[nodiscard]] std::string_view topic() const noexcept { return as_text(bytes_.subspan(head + 1, topic_size_)); }
    [[nodiscard]] byte_view payload() const noexcept { return signed_part().subspan(head + 1 + topic_size_); }
    [[nodiscard]] byte_view signed_part() const noexcept { return bytes_.first(bytes_.size() - signature_size); }
    [[nodiscard]] byte_view signature() const noexcept { return bytes_.last(signature_size); }
    [[nodiscard]] byte_view bytes() const noexcept { return bytes_; }
    /// It travels in datagrams; larger ones are offered and fetched over a stream.
    [[nodiscard]] bool small() const noexcept { return payload().size() <= limits::datagram_payload; }

private:
    explicit broadcast_view(byte_view bytes) noexcept : bytes_{bytes} {}

    byte_view bytes_;
    std::uint8_t topic_size_ = 0;
};

/// The body of `user_message`.
struct user_message_view {
    std::uint64_t life = 0;
    std::string_view topic;
    byte_view payload;

    /// @par Errors `wire_error`
    [[nodiscard]] static result<user_message_view> parse(byte_view body) noexcept {
        auto const rest = detail::read_topic(body, life_size);
        if (!rest) return fail(rest.error());
        return user_message_view{load_big<std::uint64_t>(body.data()), rest->topic, rest->payload};
    }
    /// False if it does not fit or is not allowed.
    bool write(packet_writer& packet) const noexcept {
        if (!detail::fits(topic, payload)) return false;
        byte_span const to = packet.body(message_type::user_message, life_size + 1 + topic.size() + payload.size());
        if (to.empty()) return false;
        store_big(to.data(), life);
        detail::write_topic(to.data() + life_size, topic, payload);
        return true;
    }
};

/// The body of `request`.
struct request_view {
    static constexpr std::uint8_t confirm_only = 1; ///< flag: a message to be confirmed, nobody is to answer it
    static constexpr std::size_t head = life_size + 13;

    std::uint64_t life = 0;
    std::uint64_t id = 0; ///< random; the same in every repetition
    std::uint8_t flags = 0;
    std::uint32_t patience = 0; ///< milliseconds in which the requester wants the answer; clamped when read
    std::string_view topic;
    byte_view payload;

    /// @par Errors `wire_error`
    [[nodiscard]] static result<request_view> parse(byte_view body) noexcept {
        auto const rest = detail::read_topic(body, head);
        if (!rest) return fail(rest.error());
        request_view made;
        made.life = load_big<std::uint64_t>(body.data());
        made.id = load_big<std::uint64_t>(body.data() + 8);
        made.flags = std::to_integer<std::uint8_t>(body[16]);
        if ((made.flags & ~confirm_only) != 0) return fail(wire_error::bad_flags, 16, "request flags");
        made.patience = std::min(load_big<std::uint32_t>(body.data() + 17), limits::patience);
        made.topic = rest->topic;
        made.payload = rest->payload;
        return made;
    }
    /// False if it does not fit or is not allowed.
    bool write(packet_writer& packet) const noexcept {
        if (!detail::fits(topic, payload) || (flags & ~confirm_only) != 0) return false;
        byte_span const to = packet.body(message_type::request, head + 1 + topic.size() + payload.size());
        if (to.empty()) return false;
        store_big(to.data(), life);
        store_big(to.data() + 8, id);
        to[16] = std::byte{flags};
        store_big(to.data() + 17, patience);
        detail::write_topic(to.data() + head, topic, payload);
        return true;
    }
};

/// What became of a request at its receiver.
enum class response_status : std::uint8_t {
    answered = 0,  ///< the payload is the answer
    confirmed = 1, ///< the message was handed to the host
    refused = 2,   ///< nobody there handles the topic, or the handler declined
    busy = 3,      ///< too many requests are under way there
    by_stream = 4, ///< the answer is too large for a datagram: ask again over a stream
};

/// The body of `response`.
struct response_view {
    static constexpr std::size_t head = 9;

    std::uint64_t id = 0;
    response_status status{};
    byte_view payload;

    /// @par Errors `wire_error`
    [[nodiscard]] static result<response_view> parse(byte_view body) noexcept {
        if (body.size() < head) return fail(wire_error::truncated, body.size(), "response");
        response_view const made{load_big<std::uint64_t>(body.data()), static_cast<response_status>(body[8]),
                                 body.subspan(head)};
        if (made.status > response_status::by_stream) return fail(wire_error::bad_flags, 8, "response status");
        if (made.status != response_status::answered && !made.payload.empty())
            return fail(wire_error::trailing_bytes, head, "response");
        if (made.payload.size() > limits::payload) return fail(wire_error::bad_length, head, "payload");
        return made;
    }
    /// False if it does not fit or is not allowed.
    bool write(packet_writer& packet) const noexcept {
        if (payload.size() > limits::payload || (status != response_status::answered && !payload.empty())) return false;
        byte_span const to = packet.body(message_type::response, head + payload.size());
        if (to.empty()) return false;
        store_big(to.data(), id);
        to[8] = static_cast<std::byte>(status);
        copy_bytes(payload, to.subspan(head));
        return true;
    }
};

/// Up to 64 broadcasts of one session: bit i of `bitmap` stands for `highest - i`, and bit 0 is set.
struct broadcast_range {
    static constexpr std::size_t size = 33;
    static constexpr std::size_t most = 32; ///< in one offer or fetch

    short_id origin{};
    std::uint64_t session = 0;
    std::uint64_t highest = 0;
    std::uint64_t bitmap = 0;
    bool large = false; ///< too large for datagrams: to be fetched over a stream

    [[nodiscard]] friend bool operator==(broadcast_range const&, broadcast_range const&) noexcept = default;
};

/// The body of `offer` and of `fetch`: 1 to `broadcast_range::most` ranges.
class range_list_view {
public:
    /// @par Errors `wire_error`
    [[nodiscard]] static result<range_list_view> parse(byte_view body) noexcept {
        if (body.empty() || body.size() % broadcast_range::size != 0)
            return fail(wire_error::bad_message_length, body.size(), "ranges");
        range_list_view const made{body};
        if (made.size() > broadcast_range::most) return fail(wire_error::too_many, made.size(), "ranges");
        for (std::size_t i = 0; i < made.size(); ++i) {
            std::size_t const at = i * broadcast_range::size;
            if (std::to_integer<unsigned>(body[at]) > 1) return fail(wire_error::bad_flags, at, "range");
            broadcast_range const range = made[i];
            if (!detail::usable(range.session) || !detail::usable(range.highest))
                return fail(wire_error::reserved_incarnation, at + 9, "session and sequence");
            if ((range.bitmap & 1U) == 0) return fail(wire_error::not_canonical, at + 25, "bitmap");
            // There is nothing before the first.
            if (range.highest < 64 && range.bitmap >> range.highest != 0)
                return fail(wire_error::not_canonical, at + 25, "bitmap");
        }
        return made;
    }
    /// `type` is offer or fetch. False if they do not fit or there are none.
    static bool write(packet_writer& packet, message_type type, std::span<broadcast_range const> ranges) noexcept {
        if (ranges.empty() || ranges.size() > broadcast_range::most) return false;
        byte_span const to = packet.body(type, ranges.size() * broadcast_range::size);
        if (to.empty()) return false;
        std::byte* at = to.data();
        for (broadcast_range const& range : ranges) {
            *at = std::byte{range.large};
            store_big(at + 1, static_cast<std::uint64_t>(range.origin));
            store_big(at + 9, range.session);
            store_big(at + 17, range.highest);
            store_big(at + 25, range.bitmap);
            at += broadcast_range::size;
        }
        return true;
    }

    [[nodiscard]] std::size_t size() const noexcept { return body_.size() / broadcast_range::size; }
    [[nodiscard]] broadcast_range operator[](std::size_t i) const noexcept {
        std::byte const* const at = body_.data() + i * broadcast_range::size;
        return {static_cast<short_id>(load_big<std::uint64_t>(at + 1)), load_big<std::uint64_t>(at + 9),
                load_big<std::uint64_t>(at + 17), load_big<std::uint64_t>(at + 25), *at == std::byte{1}};
    }

private:
    explicit range_list_view(byte_view body) noexcept : body_{body} {}

    byte_view body_;
};

// What the check of a packet lets through is what these layouts can hold.
static_assert(detail::user_size(message_type::broadcast).least == hop_size + broadcast_view::size_of("t", 0));
static_assert(detail::user_size(message_type::broadcast).most ==
              hop_size + broadcast_view::size_of("t", 0) + limits::topic - 1 + limits::payload);
static_assert(detail::user_size(message_type::user_message).least == life_size + 2);
static_assert(detail::user_size(message_type::request).least == request_view::head + 2);
static_assert(detail::user_size(message_type::response).least == response_view::head);
static_assert(detail::user_size(message_type::offer).most == broadcast_range::size * broadcast_range::most);

} // namespace wire
PEERKIT_END_NAMESPACE

#endif
