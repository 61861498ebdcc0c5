// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Characters and words of HTTP/1.x lines, as requests and responses share them.
#ifndef PEERKIT_NET_HTTP_SYNTAX_HPP
#define PEERKIT_NET_HTTP_SYNTAX_HPP

#include <peerkit/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace net::http_syntax {

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
/// A-Z as a-z, everything else as it is.
[[nodiscard]] constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
/// 0 to 15, or 16 for what is no hexadecimal digit.
[[nodiscard]] constexpr unsigned hex_digit(char c) noexcept {
    if (is_digit(c)) return static_cast<unsigned>(c - '0');
    char const low = lower(c);
    return low >= 'a' && low <= 'f' ? static_cast<unsigned>(low - 'a') + 10U : 16U;
}
/// A character of a header's name or a method (RFC 9110, 5.6.2).
[[nodiscard]] constexpr bool is_token(char c) noexcept {
    char const low = lower(c);
    return (low >= 'a' && low <= 'z') || is_digit(c) ||
           std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}
/// A non-empty run of such characters.
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
    for (char const c : text) {
        if (!is_token(c)) return false;
    }
    return !text.empty();
}
/// Compares without regard to case. @param lower_word in lower case
[[nodiscard]] constexpr bool same_word(std::string_view text, std::string_view lower_word) noexcept {
    if (text.size() != lower_word.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (lower(text[i]) != lower_word[i]) return false;
    }
    return true;
}
/// Without blanks and tabs at both ends.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
    auto const blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}
/// The value of a Content-Length header: digits only, below 2^64.
[[nodiscard]] constexpr std::optional<std::uint64_t> parse_length(std::string_view value) noexcept {
    if (value.empty()) return std::nullopt;
    std::uint64_t length = 0;
    for (char const c : value) {
        if (!is_digit(c) || length > (~std::uint64_t{0} - 9) / 10) return std::nullopt;
        length = length * 10 + static_cast<unsigned>(c - '0');
    }
    return length;
}

} // namespace net::http_syntax
PEERKIT_END_NAMESPACE

#endif
