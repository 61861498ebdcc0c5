// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The bodies with which two nodes find out what one of them does not know: sums of ranges, listings, and pulls.
#ifndef PEERKIT_WIRE_DIGEST_HPP
#define PEERKIT_WIRE_DIGEST_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/error.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

PEERKIT_BEGIN_NAMESPACE
namespace wire {

/// What the sender of a `digest` message wants with the packet it heads.
enum class digest_kind : std::uint8_t {
    ask = 0,    ///< compare this with yours and answer
    answer = 1, ///< the answer; equal sums: nothing is left to say
    repair = 2, ///< what follows was found missing
};

/// One member in a listing.
struct listed {
    short_id key{};
    std::uint64_t incarnation = 0;
    std::uint32_t mark = 0; ///< the low half of what it counts: its record, and its entries
    [[nodiscard]] friend constexpr bool operator==(listed const&, listed const&) noexcept = default;
};

/// One member in a pull.
struct pulled {
    short_id key{};
    std::uint64_t known = 0; ///< the incarnation already held; 0 for none
    [[nodiscard]] friend constexpr bool operator==(pulled const&, pulled const&) noexcept = default;
};

namespace detail {

inline constexpr unsigned range_bits_most = 32;
inline constexpr unsigned range_span_most = 8;

[[nodiscard]] constexpr bool range_exists(std::uint32_t range, unsigned bits) noexcept {
    return bits >= 32 || range >> bits == 0;
}
[[nodiscard]] constexpr bool in_range(std::uint64_t key, std::uint32_t range, unsigned bits) noexcept {
    return bits == 0 || key >> (64U - bits) == range;
}

} // namespace detail

/// Body of `sums`: for each of some ranges of short ids the sums of its `2^span` parts, each part as wide as the ids
/// that share their first `bits` bits. The low 32 bits of a sum are sent. Layout in docs/wire.md. A view: the bytes
/// must outlive it.
class sums_view {
public:
    static constexpr std::size_t head = 2;

    /// @par Errors `bad_message_length`, `bad_length` (bits above 32, or span above 8 or above bits), `not_canonical`
    /// (ranges not ascending), `too_many` (a range that does not exist); position is an offset in `body`.
    [[nodiscard]] static result<sums_view> parse(byte_view body) noexcept {
        if (body.size() < head) return fail(wire_error::bad_message_length, body.size(), "sums");
        sums_view view{body};
        if (view.bits() > detail::range_bits_most || view.span() > detail::range_span_most || view.span() > view.bits())
            return fail(wire_error::bad_length, 0, "bits");
        std::size_t const rest = body.size() - head;
        if (rest == 0 || rest % view.group_size() != 0) return fail(wire_error::bad_message_length, head, "sums");
        for (std::size_t i = 0; i < view.size(); ++i) {
            std::size_t const at = head + i * view.group_size();
            if (!detail::range_exists(view.range(i), view.bits() - view.span()))
                return fail(wire_error::too_many, at, "range");
            if (i != 0 && view.range(i) <= view.range(i - 1)) return fail(wire_error::not_canonical, at, "range");
        }
        return view;
    }

    /// Bits of a part.
    [[nodiscard]] unsigned bits() const noexcept { return std::to_integer<unsigned>(body_[0]); }
    /// Each range has `2^span` parts.
    [[nodiscard]] unsigned span() const noexcept { return std::to_integer<unsigned>(body_[1]); }
    [[nodiscard]] std::size_t parts() const noexcept { return std::size_t{1} << span(); }
    /// Ranges.
    [[nodiscard]] std::size_t size() const noexcept { return (body_.size() - head) / group_size(); }
    /// Range `i`, of those whose ids share `bits() - span()` bits.
    [[nodiscard]] std::uint32_t range(std::size_t i) const noexcept {
        return load_big<std::uint32_t>(body_.data() + head + i * group_size());
    }
    [[nodiscard]] std::uint32_t sum(std::size_t i, std::size_t part) const noexcept {
        return load_big<std::uint32_t>(body_.data() + head + i * group_size() + 4 + 4 * part);
    }

private:
    explicit sums_view(byte_view body) noexcept : body_{body} {}
    [[nodiscard]] std::size_t group_size() const noexcept { return 4 + 4 * parts(); }

    byte_view body_;
};

/// Body of `listing`: everybody the sender holds reachable in some ranges of short ids.
class listing_view {
public:
    static constexpr std::size_t head = 1;
    static constexpr std::size_t group_head = 5;
    static constexpr std::size_t entry_size = 20;
    /// Entries of one range, at most; a range that holds more is cut and says so.
    static constexpr std::size_t most = 50;

    /// One range and who is in it, by ascending short id.
    class group {
    public:
        [[nodiscard]] std::uint32_t range() const noexcept { return load_big<std::uint32_t>(at_); }
        /// False if the range holds more than is listed.
        [[nodiscard]] bool whole() const noexcept { return (at_[4] & std::byte{0x80}) == std::byte{0}; }
        [[nodiscard]] std::size_t size() const noexcept { return std::to_integer<std::size_t>(at_[4]) & 0x7fU; }
        [[nodiscard]] listed operator[](std::size_t i) const noexcept {
            std::byte const* const entry = at_ + group_head + i * entry_size;
            return {static_cast<short_id>(load_big<std::uint64_t>(entry)), load_big<std::uint64_t>(entry + 8),
                    load_big<std::uint32_t>(entry + 16)};
        }

    private:
        friend class listing_view;
        explicit group(std::byte const* at) noexcept : at_{at} {}
        std::byte const* at_;
    };

    /// @par Errors `truncated`, `bad_length` (bits above 32), `too_many` (a range that does not exist, more than
    /// `most` entries), `not_canonical` (ranges or ids not ascending, an id outside its range),
    /// `reserved_incarnation`; position is an offset in `body`.
    [[nodiscard]] static result<listing_view> parse(byte_view body) noexcept {
        if (body.size() < head + group_head) return fail(wire_error::truncated, body.size(), "listing");
        listing_view view{body};
        if (view.bits() > detail::range_bits_most) return fail(wire_error::bad_length, 0, "bits");
        std::uint64_t next_range = 0;
        for (std::size_t at = head; at != body.size();) {
            if (body.size() - at < group_head) return fail(wire_error::truncated, at, "range");
            group const g{body.data() + at};
            if (!detail::range_exists(g.range(), view.bits())) return fail(wire_error::too_many, at, "range");
            if (g.range() < next_range) return fail(wire_error::not_canonical, at, "range");
            next_range = std::uint64_t{g.range()} + 1;
            if (g.size() > most) return fail(wire_error::too_many, at + 4, "entries");
            if ((body.size() - at - group_head) / entry_size < g.size())
                return fail(wire_error::truncated, at + 4, "entries");
            for (std::size_t i = 0; i < g.size(); ++i) {
                std::size_t const where = at + group_head + i * entry_size;
                listed const entry = g[i];
                if (!detail::in_range(static_cast<std::uint64_t>(entry.key), g.range(), view.bits()) ||
                    (i != 0 && entry.key <= g[i - 1].key))
                    return fail(wire_error::not_canonical, where, "short id");
                if (entry.incarnation == 0 || entry.incarnation >= limits::incarnation)
                    return fail(wire_error::reserved_incarnation, where + 8, "incarnation");
            }
            at += group_head + g.size() * entry_size;
            ++view.count_;
        }
        return view;
    }

    /// Bits the ids of one range share.
    [[nodiscard]] unsigned bits() const noexcept { return std::to_integer<unsigned>(body_[0]); }
    /// Ranges.
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    /// Calls `f(group)` for each range, ascending.
    template <typename F>
    void for_each(F&& f) const {
        for (std::size_t at = head; at < body_.size();) {
            group const g{body_.data() + at};
            f(g);
            at += group_head + g.size() * entry_size;
        }
    }

private:
    explicit listing_view(byte_view body) noexcept : body_{body} {}

    byte_view body_;
    std::size_t count_ = 0;
};

/// Body of `pull`: members whose records the sender wants.
class pull_view {
public:
    static constexpr std::size_t entry_size = 16;

    /// @par Errors `bad_message_length`, `reserved_incarnation`; position is an offset in `body`.
    [[nodiscard]] static result<pull_view> parse(byte_view body) noexcept {
        if (body.empty() || body.size() % entry_size != 0)
            return fail(wire_error::bad_message_length, body.size(), "pull");
        pull_view const view{body};
        for (std::size_t i = 0; i < view.size(); ++i) {
            if (view[i].known >= limits::incarnation)
                return fail(wire_error::reserved_incarnation, i * entry_size + 8, "incarnation");
        }
        return view;
    }
    [[nodiscard]] std::size_t size() const noexcept { return body_.size() / entry_size; }
    [[nodiscard]] pulled operator[](std::size_t i) const noexcept {
        std::byte const* const at = body_.data() + i * entry_size;
        return {static_cast<short_id>(load_big<std::uint64_t>(at)), load_big<std::uint64_t>(at + 8)};
    }

private:
    explicit pull_view(byte_view body) noexcept : body_{body} {}
    byte_view body_;
};

/// Writes the body of `sums` range by range. Each call writes a whole range, or nothing and returns false.
class sums_writer {
public:
    /// `span` at most `bits` and 8, `bits` at most 32.
    sums_writer(byte_span room, unsigned bits, unsigned span) noexcept : out_{room}, parts_{std::size_t{1} << span} {
        out_.u8(static_cast<std::uint8_t>(bits));
        out_.u8(static_cast<std::uint8_t>(span));
    }
    /// `range` above those before; one sum per part.
    bool add(std::uint32_t range, std::span<std::uint32_t const> sums) noexcept {
        if (!out_ || sums.size() != parts_ || out_.remaining() < 4 + 4 * parts_) return false;
        out_.u32(range);
        for (std::uint32_t const sum : sums) out_.u32(sum);
        return true;
    }
    /// Bytes of the body so far; 0 without a range.
    [[nodiscard]] std::size_t size() const noexcept { return out_.position() > sums_view::head ? out_.position() : 0; }

private:
    byte_writer out_;
    std::size_t parts_;
};

/// Writes the body of `listing` range by range. Each call writes a whole range, or nothing and returns false.
class listing_writer {
public:
    listing_writer(byte_span room, unsigned bits) noexcept : out_{room} { out_.u8(static_cast<std::uint8_t>(bits)); }
    /// `range` above those before; `entries` ascending, all in the range. What is above `listing_view::most` is cut.
    bool add(std::uint32_t range, std::span<listed const> entries) noexcept {
        bool const whole = entries.size() <= listing_view::most;
        if (!whole) entries = entries.first(listing_view::most);
        if (!out_ || out_.remaining() < listing_view::group_head + listing_view::entry_size * entries.size())
            return false;
        out_.u32(range);
        out_.u8(static_cast<std::uint8_t>(entries.size() | (whole ? 0U : 0x80U)));
        for (listed const& entry : entries) {
            out_.u64(static_cast<std::uint64_t>(entry.key));
            out_.u64(entry.incarnation);
            out_.u32(entry.mark);
        }
        return true;
    }
    /// Bytes of the body so far; 0 without a range.
    [[nodiscard]] std::size_t size() const noexcept {
        return out_.position() > listing_view::head ? out_.position() : 0;
    }

private:
    byte_writer out_;
};

} // namespace wire
PEERKIT_END_NAMESPACE

#endif
