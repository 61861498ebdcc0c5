// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Writes JSON text, one value after the other.
#ifndef PEERKIT_NODE_JSON_HPP
#define PEERKIT_NODE_JSON_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace node_program {

/// @code
/// json_writer out;
/// out.open('{').key("name").value("db1").key("ports").open('[').value(1).close(']').close('}');
/// use(std::move(out).text());        // {"name":"db1","ports":[1]}
/// @endcode
class json_writer {
public:
    json_writer& open(char bracket) {
        separate();
        text_ += bracket;
        first_ = true;
        return *this;
    }
    json_writer& close(char bracket) {
        text_ += bracket;
        first_ = false;
        return *this;
    }
    json_writer& key(std::string_view name) {
        value(name);
        text_ += ':';
        first_ = true;
        return *this;
    }
    json_writer& value(std::string_view text) {
        separate();
        text_ += '"';
        for (std::size_t i = 0; i < text.size();) {
            auto const c = static_cast<unsigned char>(text[i]);
            std::size_t const size = sequence(text.substr(i));
            if (size == 0) {
                text_ += "\\ufffd"; // bytes that are not UTF-8 would make the whole document invalid
                ++i;
                continue;
            }
            if (c == '"' || c == '\\')
                (text_ += '\\') += static_cast<char>(c);
            else if (c < 0x20)
                ((text_ += "\\u00") += "0123456789abcdef"[c >> 4U]) += "0123456789abcdef"[c & 15U];
            else
                text_ += text.substr(i, size);
            i += size;
        }
        text_ += '"';
        return *this;
    }
    json_writer& value(char const* text) { return value(std::string_view{text}); }
    json_writer& value(std::unsigned_integral auto number) { return raw(std::to_string(number)); }
    json_writer& value(std::signed_integral auto number) { return raw(std::to_string(number)); }
    json_writer& value(bool truth) { return raw(truth ? "true" : "false"); }

    [[nodiscard]] std::string text() && { return std::move(text_); }

private:
    void separate() {
        if (!first_) text_ += ',';
        first_ = false;
    }
    json_writer& raw(std::string_view text) {
        separate();
        text_ += text;
        return *this;
    }
    /// Bytes of the UTF-8 sequence the text begins with (RFC 3629); 0 if it is none.
    [[nodiscard]] static std::size_t sequence(std::string_view text) noexcept {
        auto const at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
        unsigned char const c = at(0);
        if (c < 0x80) return 1;
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
    bool first_ = true;
};

} // namespace node_program

#endif
