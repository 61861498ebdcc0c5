// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Domain names: read in place inside a DNS message, compressed or not, or kept in 256 bytes of their own.
#ifndef PEERKIT_WIRE_DNS_NAME_HPP
#define PEERKIT_WIRE_DNS_NAME_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace wire {

inline constexpr std::size_t dns_name_limit = 255;    ///< octets of a name, length octets and the root included
inline constexpr std::size_t dns_label_limit = 63;    ///< octets of one label
inline constexpr std::size_t dns_pointer_limit = 127; ///< pointers followed to read one name: one for each label
inline constexpr std::size_t dns_header_size = 12;

/// Gives the labels of a name that was checked, first to last, without the root.
class dns_label_reader {
public:
    /// False at the end of the name; `label` is then untouched. A label may hold any octets, dots included.
    [[nodiscard]] bool next(std::string_view& label) noexcept {
        while (at_ < bytes_.size()) {
            auto const head = std::to_integer<std::size_t>(bytes_[at_]);
            if (head == 0) return false;
            if (head > dns_label_limit) {
                at_ = (head & 0x3fU) << 8U | std::to_integer<std::size_t>(bytes_[at_ + 1]);
                continue;
            }
            label = as_text(bytes_.subspan(at_ + 1, head));
            at_ += 1 + head;
            return true;
        }
        return false;
    }

private:
    friend class dns_name_view;
    dns_label_reader(byte_view bytes, std::size_t at) noexcept : bytes_{bytes}, at_{at} {}

    byte_view bytes_;
    std::size_t at_;
};

/// Compares as DNS does: letters of ASCII without case, every other octet as it is (RFC 4343).
[[nodiscard]] constexpr bool same_label(std::string_view left, std::string_view right) noexcept {
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
    if (left.size() != right.size()) return false;
    for (std::size_t i = 0; i < left.size(); ++i) {
        if (lower(left[i]) != lower(right[i])) return false;
    }
    return true;
}

/// A checked name inside a message (RFC 1035, 4.1.4), valid while the message is. Nothing is copied. A default-made one
/// is the root.
class dns_name_view {
public:
    dns_name_view() noexcept = default;

    /// Checks the name at `offset`, pointers included. A pointer has to lead to an earlier place than any octet read so
    /// far, which every encoder does and which makes loops impossible.
    /// @par Errors `truncated`, `bad_pointer`, `bad_label`, `name_too_long`; position is the offset of the refused
    /// octet
    [[nodiscard]] static result<dns_name_view> parse(byte_view message, std::size_t offset) noexcept {
        dns_name_view made{message, offset};
        std::size_t at = offset, earliest = offset, size = 0, pointers = 0;
        for (;;) {
            if (at >= message.size()) return fail(wire_error::truncated, at, "name");
            auto const head = std::to_integer<std::size_t>(message[at]);
            if (head >= 0xc0) {
                if (at + 1 >= message.size()) return fail(wire_error::truncated, at + 1, "name");
                std::size_t const to = (head & 0x3fU) << 8U | std::to_integer<std::size_t>(message[at + 1]);
                if (to >= earliest || to < dns_header_size || ++pointers > dns_pointer_limit) {
                    return fail(wire_error::bad_pointer, at, "name");
                }
                if (pointers == 1) made.stored_ = at + 2 - offset;
                at = earliest = to;
                continue;
            }
            if (head > dns_label_limit) return fail(wire_error::bad_label, at, "name");
            size += 1 + head;
            if (size > dns_name_limit) return fail(wire_error::name_too_long, at, "name");
            if (head >= message.size() - at) return fail(wire_error::truncated, message.size(), "name");
            at += 1 + head;
            if (head == 0) break;
        }
        made.size_ = size;
        if (pointers == 0) made.stored_ = at - offset;
        return made;
    }

    [[nodiscard]] dns_label_reader labels() const noexcept { return {message_, offset_}; }
    /// Octets it would take without compression, the root included: 1 to 255.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Octets it takes where it stands, up to and with its first pointer.
    [[nodiscard]] std::size_t stored_size() const noexcept { return stored_; }
    [[nodiscard]] bool is_root() const noexcept { return size_ == 1; }

    /// Letters without case.
    [[nodiscard]] friend bool operator==(dns_name_view left, dns_name_view right) noexcept {
        return left.size_ == right.size_ && same(left.labels(), right.labels(), &same_label);
    }
    /// Octet for octet, case included.
    [[nodiscard]] bool identical(dns_name_view other) const noexcept {
        return size_ == other.size_ &&
               same(labels(), other.labels(), [](std::string_view a, std::string_view b) noexcept { return a == b; });
    }
    /// True, and the label, if this is `parent` with one label in front.
    [[nodiscard]] bool is_child_of(dns_name_view parent, std::string_view& label) const noexcept {
        dns_label_reader rest = labels();
        std::string_view first;
        if (!rest.next(first) || size_ != parent.size_ + 1 + first.size()) return false;
        if (!same(rest, parent.labels(), &same_label)) return false;
        label = first;
        return true;
    }

    /// Presentation form (RFC 1035, 5.1) without the final dot; "." for the root. Dots and backslashes inside labels
    /// are escaped by a backslash, octets outside of printable ASCII as \DDD.
    [[nodiscard]] std::string to_string() const {
        std::string text;
        dns_label_reader rest = labels();
        for (std::string_view label; rest.next(label);) {
            if (!text.empty()) text.push_back('.');
            for (char const c : label) {
                auto const octet = static_cast<unsigned char>(c);
                if (octet > 0x20 && octet < 0x7f) {
                    if (c == '.' || c == '\\') text.push_back('\\');
                    text.push_back(c);
                } else {
                    text.push_back('\\');
                    for (unsigned const unit : {100U, 10U, 1U}) {
                        text.push_back(static_cast<char>('0' + octet / unit % 10U));
                    }
                }
            }
        }
        return text.empty() ? "." : text;
    }

private:
    friend class dns_name;
    dns_name_view(byte_view message, std::size_t offset) noexcept : message_{message}, offset_{offset} {}

    template <typename Same>
    [[nodiscard]] static bool same(dns_label_reader left, dns_label_reader right, Same same_one) noexcept {
        std::string_view a, b;
        for (;;) {
            bool const more = left.next(a);
            if (more != right.next(b)) return false;
            if (!more) return true;
            if (!same_one(a, b)) return false;
        }
    }

    byte_view message_;
    std::size_t offset_ = 0;
    std::size_t size_ = 1;
    std::size_t stored_ = 1;
};

/// A name with its own memory, uncompressed. Trivially copyable. A default-made one is the root.
///
/// @code
/// auto const service = wire::dns_name::parse("_peerkit._udp.local").value();
/// auto const instance = wire::dns_name::join("node 7 (lab)", service).value();   // "node\032..." when printed
/// @endcode
class dns_name {
public:
    dns_name() noexcept = default;
    explicit dns_name(dns_name_view from) noexcept {
        dns_label_reader rest = from.labels();
        for (std::string_view label; rest.next(label);) append(label);
    }

    /// From presentation form, with or without a final dot; "\." is a dot inside a label, \DDD any octet. "." is the
    /// root.
    /// @par Errors `bad_label` (empty, too long, or a bad escape; position: where the label begins), `name_too_long`
    [[nodiscard]] static result<dns_name> parse(std::string_view text) noexcept {
        dns_name made;
        if (text == ".") return made;
        std::array<char, dns_label_limit> label{};
        std::size_t at = 0;
        do {
            std::size_t const start = at;
            std::size_t size = 0;
            for (; at < text.size() && text[at] != '.'; ++at) {
                unsigned octet = static_cast<unsigned char>(text[at]);
                if (octet == '\\' && !unescape(text, at, octet)) return fail(wire_error::bad_label, start, "name");
                if (size == label.size()) return fail(wire_error::bad_label, start, "name");
                label[size++] = static_cast<char>(octet);
            }
            if (size == 0) return fail(wire_error::bad_label, start, "name");
            if (made.size_ + 1 + size > dns_name_limit) return fail(wire_error::name_too_long, start, "name");
            made.append({label.data(), size});
            ++at; // the dot, or one behind the end
        } while (at < text.size());
        return made;
    }
    /// `label` in front of `parent`. @par Errors `bad_label`, `name_too_long`
    [[nodiscard]] static result<dns_name> join(std::string_view label, dns_name_view parent) noexcept {
        dns_name made;
        if (label.empty() || label.size() > dns_label_limit) return fail(wire_error::bad_label, 0, "label");
        if (1 + label.size() + parent.size() > dns_name_limit) return fail(wire_error::name_too_long, 0, "name");
        made.append(label);
        dns_label_reader rest = parent.labels();
        for (std::string_view one; rest.next(one);) made.append(one);
        return made;
    }

    [[nodiscard]] dns_name_view view() const noexcept {
        dns_name_view made{bytes(), 0};
        made.size_ = made.stored_ = size_;
        return made;
    }
    // NOLINTNEXTLINE(google-explicit-constructor): valid while the name is
    operator dns_name_view() const noexcept { return view(); }
    /// Wire form, uncompressed, with the root.
    [[nodiscard]] byte_view bytes() const noexcept { return {octets_.data(), size_}; }
    [[nodiscard]] bool is_root() const noexcept { return size_ == 1; }
    [[nodiscard]] std::string to_string() const { return view().to_string(); }

    /// Letters without case.
    [[nodiscard]] friend bool operator==(dns_name const& left, dns_name const& right) noexcept {
        return left.view() == right.view();
    }

private:
    /// The caller has seen that it fits.
    void append(std::string_view label) noexcept {
        octets_[size_ - 1U] = static_cast<std::byte>(label.size());
        copy_bytes(as_bytes(label), byte_span{octets_}.subspan(size_));
        size_ = static_cast<std::uint8_t>(size_ + 1 + label.size());
        octets_[size_ - 1U] = std::byte{0};
    }
    /// Reads the escape whose backslash is at `at`, and leaves `at` on its last character.
    [[nodiscard]] static bool unescape(std::string_view text, std::size_t& at, unsigned& octet) noexcept {
        auto const digit = [text](std::size_t i) {
            return i < text.size() ? static_cast<unsigned char>(text[i]) - unsigned{'0'} : 10U;
        };
        if (++at == text.size()) return false;
        octet = static_cast<unsigned char>(text[at]);
        if (digit(at) > 9) return true;
        if (digit(at + 1) > 9 || digit(at + 2) > 9) return false;
        octet = digit(at) * 100 + digit(at + 1) * 10 + digit(at + 2);
        at += 2;
        return octet <= 255;
    }

    std::array<std::byte, dns_name_limit> octets_{};
    std::uint8_t size_ = 1;
};

} // namespace wire
PEERKIT_END_NAMESPACE

#endif
