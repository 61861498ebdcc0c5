// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Says what is wrong with a document that a JSON parser refused, and where.
#ifndef PEERKIT_DISCOVERY_JSON_FAULT_HPP
#define PEERKIT_DISCOVERY_JSON_FAULT_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/error.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Bytes of a leading UTF-8 byte order mark: 0 or 3.
[[nodiscard]] constexpr std::size_t byte_order_mark(std::string_view text) noexcept {
    return text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
}

/// True for text in UTF-16 or UTF-32: by its byte order mark, or because every other byte of its start is zero.
[[nodiscard]] constexpr bool looks_like_utf16(std::string_view text) noexcept {
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return true;
    return text.size() >= 2 && (text[0] == '\0') != (text[1] == '\0');
}

/// Offset of the first byte that is not UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
[[nodiscard]] constexpr std::optional<std::size_t> find_invalid_utf8(std::string_view text) noexcept {
    auto const byte = [&text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    for (std::size_t i = 0; i < text.size();) {
        unsigned const lead = byte(i);
        if (lead < 0x80) {
            ++i;
            continue;
        }
        std::size_t const more = lead >= 0xc2 && lead <= 0xdf   ? 1
                                 : lead >= 0xe0 && lead <= 0xef ? 2
                                 : lead >= 0xf0 && lead <= 0xf4 ? 3
                                                                : 0;
        if (more == 0) return i;
        unsigned const low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        unsigned const high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (byte(i + 1) < low || byte(i + 1) > high) return i;
        for (std::size_t k = 2; k <= more; ++k) {
            if (byte(i + k) < 0x80 || byte(i + k) > 0xbf) return i;
        }
        i += more + 1;
    }
    return std::nullopt;
}

/// What is wrong with the outline of a document that should be one JSON object: encoding, strings, brackets, text
/// after its end, nesting deeper than `max_depth`. None if the outline is sound; the fault is then inside a value.
///
/// For the error path: it reads every byte once and knows no more grammar than that.
[[nodiscard]] inline std::optional<error> find_json_fault(std::string_view text, std::size_t max_depth) {
    if (looks_like_utf16(text)) return error{discovery_error::utf16_document};
    std::size_t at = byte_order_mark(text);
    auto const blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
    while (at < text.size() && blank(text[at])) ++at;
    if (at == text.size()) return error{discovery_error::empty_document};
    if (auto const bad = find_invalid_utf8(text)) return error{discovery_error::invalid_utf8, *bad};
    if (text[at] != '{') {
        std::string_view const rest = text.substr(at);
        bool const json = rest[0] == '[' || rest[0] == '"' || rest[0] == '-' || (rest[0] >= '0' && rest[0] <= '9') ||
                          rest.starts_with("null") || rest.starts_with("true") || rest.starts_with("false");
        return json ? error{discovery_error::not_an_object, at} : error{discovery_error::not_json, at, "start"};
    }

    std::string open;
    for (; at < text.size(); ++at) {
        char const c = text[at];
        if (c == '"') {
            std::size_t const quote = at;
            for (++at; at < text.size() && text[at] != '"'; ++at) {
                if (static_cast<unsigned char>(text[at]) < 0x20) {
                    return error{discovery_error::not_json, at, "control character in a string"};
                }
                if (text[at] == '\\') ++at;
            }
            if (at >= text.size()) return error{discovery_error::not_json, quote, "string without end"};
        } else if (c == '{' || c == '[') {
            open.push_back(c);
            if (open.size() > max_depth) return error{discovery_error::too_deep, at};
        } else if (c == '}' || c == ']') {
            if (open.back() != (c == '}' ? '{' : '[')) return error{discovery_error::not_json, at, "bracket"};
            open.pop_back();
            if (open.empty()) break;
        }
    }
    if (!open.empty()) return error{discovery_error::not_json, text.size(), "end of the document"};
    for (++at; at < text.size(); ++at) {
        if (!blank(text[at])) return error{discovery_error::trailing_bytes, at};
    }
    return std::nullopt;
}

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
