// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Entries of a member's key-value map on the wire: the signed entry, and the marks of those that are held.
#ifndef PEERKIT_WIRE_ENTRY_HPP
#define PEERKIT_WIRE_ENTRY_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/error.hpp>
#include <peerkit/wire/message.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace wire {

/// Keys of entries are 1 to `limits::entry_key` characters of a name (`check_name`).
/// @par Errors `core_error::empty`, `too_long`, `bad_character`
[[nodiscard]] constexpr result<void> check_entry_key(std::string_view key) noexcept {
    return check_name(key, limits::entry_key, "entry key");
}

/// One key of a member's map as its owner signed it and as every member keeps and forwards it; the body of `entry`.
/// Layout in docs/wire.md. A view: the bytes must outlive it.
class entry_view {
public:
    static constexpr std::size_t head = 17; ///< owner, version, flags
    static constexpr std::size_t signature_size = 64;
    static constexpr std::size_t most = head + 1 + limits::entry_key + limits::entry_value + signature_size;

    /// Checks everything but the signature.
    /// @par Errors `truncated`, `reserved_incarnation` (version 0 or above 2^63), `bad_flags`, `bad_text`, `bad_length`
    /// (value over `limits::entry_value`), `trailing_bytes` (a value although erased)
    [[nodiscard]] static result<entry_view> parse(byte_view bytes) noexcept {
        if (bytes.size() < head + 2 + signature_size) return fail(wire_error::truncated, bytes.size(), "entry");
        entry_view made{bytes};
        if (made.version() == 0 || made.version() >= limits::incarnation)
            return fail(wire_error::reserved_incarnation, 8, "version");
        if ((bytes[16] & ~std::byte{1}) != std::byte{0}) return fail(wire_error::bad_flags, 16, "entry flags");
        if (made.key_size() > bytes.size() - head - 1 - signature_size)
            return fail(wire_error::truncated, head, "entry key");
        if (!check_entry_key(made.key())) return fail(wire_error::bad_text, head + 1, "entry key");
        std::size_t const value = head + 1 + made.key_size();
        if (made.value().size() > limits::entry_value) return fail(wire_error::bad_length, value, "entry value");
        if (made.erased() && !made.value().empty()) return fail(wire_error::trailing_bytes, value, "entry value");
        return made;
    }
    /// Of bytes that `parse` accepted before.
    [[nodiscard]] static entry_view trusted(byte_view bytes) noexcept { return entry_view{bytes}; }

    /// Bytes of an entry, the signature included.
    [[nodiscard]] static constexpr std::size_t size_of(std::string_view key, std::size_t value) noexcept {
        return head + 1 + key.size() + value + signature_size;
    }
    /// Writes all but the signature into the front of `to`, which is at least `size_of` bytes; gives what is to be
    /// signed. Empty if key, value or version are not allowed. What is erased has no value.
    [[nodiscard]] static byte_view write(byte_span to, short_id owner, std::uint64_t version, std::string_view key,
                                         byte_view value, bool erased) noexcept {
        if (!check_entry_key(key) || value.size() > limits::entry_value || (erased && !value.empty())) return {};
        if (version == 0 || version >= limits::incarnation || to.size() < size_of(key, value.size())) return {};
        byte_writer out{to};
        out.u64(static_cast<std::uint64_t>(owner));
        out.u64(version);
        out.u8(erased ? 1 : 0);
        out.short_bytes(as_bytes(key));
        out.bytes(value);
        return out.written();
    }

    [[nodiscard]] short_id owner() const noexcept {
        return static_cast<short_id>(load_big<std::uint64_t>(bytes_.data()));
    }
    /// Minted by the owner, one counter for all its keys.
    [[nodiscard]] std::uint64_t version() const noexcept { return load_big<std::uint64_t>(bytes_.data() + 8); }
    [[nodiscard]] bool erased() const noexcept { return bytes_[16] != std::byte{0}; }
    [[nodiscard]] std::string_view key() const noexcept { return as_text(bytes_.subspan(head + 1, key_size())); }
    [[nodiscard]] byte_view value() const noexcept { return signed_part().subspan(head + 1 + key_size()); }
    [[nodiscard]] byte_view signed_part() const noexcept { return bytes_.first(bytes_.size() - signature_size); }
    [[nodiscard]] byte_view signature() const noexcept { return bytes_.last(signature_size); }
    [[nodiscard]] byte_view bytes() const noexcept { return bytes_; }
    /// What makes this version different from any other of the same owner, in digests and marks.
    [[nodiscard]] std::uint64_t signature_word() const noexcept { return load_big<std::uint64_t>(signature().data()); }

private:
    explicit entry_view(byte_view bytes) noexcept : bytes_{bytes} {}
    [[nodiscard]] std::size_t key_size() const noexcept { return std::to_integer<std::size_t>(bytes_[head]); }

    byte_view bytes_;
};

/// The body of `entry_marks`: which entries of a member its sender holds, so that the receiver can send the others.
class entry_marks_view {
public:
    static constexpr std::size_t head = 13;          ///< owner, flags, mark of the record
    static constexpr std::uint8_t answer_wanted = 1; ///< flag: send me yours, too

    /// @par Errors `bad_message_length`, `bad_flags`, `too_many`, `not_canonical` (marks not ascending)
    [[nodiscard]] static result<entry_marks_view> parse(byte_view body) noexcept {
        if (body.size() < head || (body.size() - head) % 4 != 0)
            return fail(wire_error::bad_message_length, body.size(), "entry marks");
        if ((body[8] & ~std::byte{answer_wanted}) != std::byte{0}) return fail(wire_error::bad_flags, 8, "mark flags");
        entry_marks_view const made{body};
        if (made.size() > limits::entries) return fail(wire_error::too_many, made.size(), "entry marks");
        for (std::size_t i = 1; i < made.size(); ++i) {
            if (made[i - 1] >= made[i]) return fail(wire_error::not_canonical, head + 4 * i, "entry marks");
        }
        return made;
    }
    /// `marks` ascending, unique, at most `limits::entries`. False, and nothing written, if they do not fit.
    static bool write(packet_writer& packet, short_id owner, bool answer, std::uint32_t record,
                      std::span<std::uint32_t const> marks) noexcept {
        if (marks.size() > limits::entries) return false;
        byte_span const to = packet.body(message_type::entry_marks, head + 4 * marks.size());
        if (to.empty()) return false;
        store_big(to.data(), static_cast<std::uint64_t>(owner));
        to[8] = std::byte{answer ? answer_wanted : std::uint8_t{0}};
        store_big(to.data() + 9, record);
        for (std::size_t i = 0; i < marks.size(); ++i) store_big(to.data() + head + 4 * i, marks[i]);
        return true;
    }

    [[nodiscard]] short_id owner() const noexcept {
        return static_cast<short_id>(load_big<std::uint64_t>(body_.data()));
    }
    /// The receiver is to send its own marks as well, as far as they differ.
    [[nodiscard]] bool answer() const noexcept { return body_[8] != std::byte{0}; }
    /// The low half of the fingerprint of the owner's record as the sender holds it.
    [[nodiscard]] std::uint32_t record() const noexcept { return load_big<std::uint32_t>(body_.data() + 9); }
    [[nodiscard]] std::size_t size() const noexcept { return (body_.size() - head) / 4; }
    [[nodiscard]] std::uint32_t operator[](std::size_t i) const noexcept {
        return load_big<std::uint32_t>(body_.data() + head + 4 * i);
    }
    [[nodiscard]] bool holds(std::uint32_t mark) const noexcept {
        std::size_t low = 0, high = size();
        while (low < high) {
            std::size_t const middle = low + (high - low) / 2;
            if ((*this)[middle] < mark)
                low = middle + 1;
            else
                high = middle;
        }
        return low < size() && (*this)[low] == mark;
    }

private:
    explicit entry_marks_view(byte_view body) noexcept : body_{body} {}

    byte_view body_;
};

// What the check of a packet lets through is what these layouts can hold.
static_assert(detail::user_size(message_type::entry).least == entry_view::size_of("k", 0));
static_assert(detail::user_size(message_type::entry).most == entry_view::most);
static_assert(detail::user_size(message_type::entry_marks).least == entry_marks_view::head);
static_assert(detail::user_size(message_type::entry_marks).most == entry_marks_view::head + 4 * limits::entries);

} // namespace wire
PEERKIT_END_NAMESPACE

#endif
