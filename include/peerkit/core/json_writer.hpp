// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Writes JSON text, one value after the other, up to a limit.
#ifndef PEERKIT_CORE_JSON_WRITER_HPP
#define PEERKIT_CORE_JSON_WRITER_HPP

#include <peerkit/core/base64.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE

/// Places the commas; whether brackets and keys make sense is the caller's business. Texts are escaped, and bytes that
/// are not UTF-8 become U+FFFD, so that the document is valid whatever the texts hold.
///
/// A document that grows beyond the limit is given up: what is written from then on is dropped, and the writer says so
/// when asked (`operator bool`). A value is written whole or not at all.
///
/// @code
/// json_writer out;
/// out.open('{').key("name").value("db1").key("ports").open('[').value(1).close(']').close('}');
/// use(std::move(out).text());        // {"name":"db1","ports":[1]}
/// @endcode
class json_writer {
public:
    /// @param limit  most bytes of text
    explicit json_writer(std::size_t limit = static_cast<std::size_t>(-1)) noexcept : limit_{limit} {}

    json_writer& open(char bracket) {
        append([&] { (text_ += bracket), first_ = true; });
        return *this;
    }
    json_writer& close(char bracket) {
        first_ = true; // no comma
        append([&] { text_ += bracket; });
        return *this;
    }
    json_writer& key(std::string_view name) {
        value(name);
        first_ = true;
        append([&] { (text_ += ':'), first_ = true; });
        return *this;
    }
    json_writer& value(std::string_view text) {
        append([&] {
            text_ += '"';
            for (std::size_t i = 0; i < text.size();) i += plain(text, i);
            text_ += '"';
        });
        return *this;
    }
    json_writer& value(char const* text) { return value(std::string_view{text}); }
    template <std::integral T>
    json_writer& value(T number) {
        if constexpr (std::same_as<T, bool>) {
            return raw(number ? "true" : "false");
        } else {
            std::array<char, 24> digits{};
            char const* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
            return raw({digits.data(), static_cast<std::size_t>(end - digits.data())});
        }
    }
    /// Bytes as a text of hexadecimal digits.
    json_writer& hex(byte_view bytes) {
        append([&] {
            text_ += '"';
            for (std::byte const b : bytes) {
                text_ += digit(std::to_integer<unsigned>(b) >> 4U);
                text_ += digit(std::to_integer<unsigned>(b) & 15U);
            }
            text_ += '"';
        });
        return *this;
    }
    /// Bytes as a text in Base64.
    json_writer& base64(byte_view bytes) {
        append([&] {
            text_ += '"';
            append_base64(bytes, text_);
            text_ += '"';
        });
        return *this;
    }
    /// A value that is JSON already.
    json_writer& raw(std::string_view json) {
        append([&] { text_ += json; });
        return *this;
    }
    /// A key and its value.
    template <typename Value>
    json_writer& field(std::string_view name, Value const& what) {
        return key(name).value(what);
    }
    void reserve(std::size_t bytes) { text_.reserve(bytes < limit_ ? bytes : limit_); }

    /// False once something did not fit.
    [[nodiscard]] explicit operator bool() const noexcept { return !full_; }
    [[nodiscard]] std::size_t size() const noexcept { return text_.size(); }
    [[nodiscard]] std::string text() && { return std::move(text_); }

private:
    template <typename Write>
    void append(Write write) {
        if (full_) return;
        std::size_t const before = text_.size();
        if (!first_) text_ += ',';
        first_ = false;
        write();
        if (text_.size() <= limit_) return;
        text_.resize(before);
        full_ = true;
    }
    [[nodiscard]] static constexpr char digit(unsigned value) noexcept { return "0123456789abcdef"[value]; }

    /// Writes the text from `at` up to the next character that needs care, or that character; returns how far it came.
    std::size_t plain(std::string_view text, std::size_t at) {
        std::size_t end = at;
        while (end < text.size() && is_plain(text[end])) ++end;
        if (end != at) {
            text_ += text.substr(at, end - at);
            return end - at;
        }
        auto const c = static_cast<unsigned char>(text[at]);
        if (c < 0x80) {
            if (c == '"' || c == '\\') {
                (text_ += '\\') += text[at];
            } else {
                ((text_ += "\\u00") += digit(c >> 4U)) += digit(c & 15U);
            }
            return 1;
        }
        std::size_t const size = sequence(text.substr(at));
        if (size == 0) {
            text_ += "\\ufffd";
            return 1;
        }
        text_ += text.substr(at, size);
        return size;
    }
    [[nodiscard]] static constexpr bool is_plain(char c) noexcept {
        auto const value = static_cast<unsigned char>(c);
        return value >= 0x20 && value < 0x80 && c != '"' && c != '\\';
    }
    /// Bytes of the UTF-8 sequence of more than one byte that the text begins with (RFC 3629); 0 if it is none.
    [[nodiscard]] static std::size_t sequence(std::string_view text) noexcept {
        auto const at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
        unsigned char const c = at(0);
        std::size_t const size = c >= 0xc2 && c <= 0xdf ? 2 : (c & 0xf0U) == 0xe0 ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
        if (size == 0 || text.size() < size) return 0;
        for (std::size_t i = 1; i < size; ++i) {
            if ((at(i) & 0xc0U) != 0x80) return 0;
        }
        bool const bad = (c == 0xe0 && at(1) < 0xa0) || (c == 0xed && at(1) > 0x9f) || (c == 0xf0 && at(1) < 0x90) ||
                         (c == 0xf4 && at(1) > 0x8f);
        return bad ? 0 : size;
    }

    std::string text_;
    std::size_t limit_;
    bool first_ = true;
    bool full_ = false;
};

PEERKIT_END_NAMESPACE

#endif
