// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Discovery strategies as text: the grammar of "provider=dns_pattern prefix=node domain=example.org".
#ifndef PEERKIT_DISCOVERY_PROVIDER_HPP
#define PEERKIT_DISCOVERY_PROVIDER_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/error.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// `key=value`, as written.
struct provider_option {
    std::string key{};
    std::string value{};          ///< without quotes and escapes
    std::size_t offset = 0;       ///< of the key in the text
    std::size_t value_offset = 0; ///< of the value's first character, behind the quote if there is one
};

/// One strategy as it is written: syntax only, nothing is known yet about names and keys. A `provider_table`
/// compares it with what there is, and builds it.
struct provider_text {
    std::string name{};
    std::size_t offset = 0;                 ///< of the name in the text
    std::vector<provider_option> options{}; ///< in the order written; without `provider`
    std::vector<provider_text> parts{};     ///< the strategies in parentheses
};

/// Bounds of a strategy as text. Beyond them it is refused.
struct provider_limits {
    static constexpr std::size_t bytes = std::size_t{64} << 10U;
    static constexpr std::size_t depth = 8;       ///< of parentheses, the outermost strategy counted
    static constexpr std::size_t strategies = 64; ///< in all
    static constexpr std::size_t parts = 8;       ///< of one list
    static constexpr std::size_t options = 32;    ///< of one strategy
};

namespace detail {

/// Recursive descent, as deep as `provider_limits::depth`.
class provider_reader {
public:
    explicit provider_reader(std::string_view text) noexcept : text_{text} {}

    [[nodiscard]] result<provider_text> read() {
        auto made = read_strategy(1);
        if (made && at_ != text_.size()) return fail(core_error::bad_character, at_, "end of the strategy");
        return made;
    }

private:
    [[nodiscard]] static constexpr bool is_blank(char c) noexcept {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
    }
    [[nodiscard]] static constexpr bool is_name(char c) noexcept {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    }
    [[nodiscard]] bool next_is(char c) const noexcept { return at_ < text_.size() && text_[at_] == c; }
    void skip_blanks() noexcept {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    }
    [[nodiscard]] std::string_view read_name() noexcept {
        std::size_t const begin = at_;
        while (at_ < text_.size() && is_name(text_[at_])) ++at_;
        return text_.substr(begin, at_ - begin);
    }

    /// name [ "(" strategy { "," strategy } ")" ] { key "=" value }, or the options alone, `provider` among them.
    [[nodiscard]] result<provider_text> read_strategy(std::size_t depth) {
        skip_blanks();
        if (depth > provider_limits::depth) return fail(discovery_error::too_deep, at_, "strategy");
        if (++count_ > provider_limits::strategies) return fail(discovery_error::too_large, at_, "strategies");
        provider_text made;
        made.offset = at_;
        std::string_view const name = read_name();
        if (name.empty())
            return fail(at_ == text_.size() ? core_error::empty : core_error::bad_character, at_, "strategy");
        if (next_is('=')) {
            at_ = made.offset;
        } else {
            made.name = name;
            skip_blanks();
            if (next_is('(')) {
                if (auto const done = read_parts(made, depth); !done) return fail(done.error());
            }
        }
        for (skip_blanks(); at_ < text_.size() && !next_is(')') && !(depth > 1 && next_is(',')); skip_blanks()) {
            if (auto const done = read_option(made, depth > 1); !done) return fail(done.error());
        }
        if (made.name.empty()) return fail(discovery_error::missing_option, made.offset, "provider");
        return made;
    }
    [[nodiscard]] result<void> read_parts(provider_text& into, std::size_t depth) {
        std::size_t const open = at_;
        do {
            ++at_; // '(' or ','
            if (into.parts.size() == provider_limits::parts) {
                return fail(discovery_error::too_large, at_, "strategies in parentheses");
            }
            auto part = read_strategy(depth + 1);
            if (!part) return fail(part.error());
            into.parts.push_back(std::move(*part));
        } while (next_is(','));
        if (at_ == text_.size()) return fail(core_error::unclosed_bracket, open, "parenthesis");
        ++at_; // ')': nothing else ends a part
        return {};
    }
    [[nodiscard]] result<void> read_option(provider_text& into, bool in_list) {
        provider_option one;
        one.offset = at_;
        one.key = read_name();
        if (one.key.empty()) return fail(core_error::bad_character, at_, "option");
        if (!next_is('=')) return fail(core_error::bad_character, at_, "'=' behind the option");
        ++at_;
        if (auto const done = read_value(one, in_list); !done) return done;
        if (one.key == "provider") {
            if (!into.name.empty()) return fail(core_error::duplicate_key, one.offset, "provider");
            for (std::size_t i = 0; i < one.value.size(); ++i) {
                if (!is_name(one.value[i])) return fail(core_error::bad_character, one.value_offset + i, "provider");
            }
            if (one.value.empty()) return fail(core_error::empty, one.value_offset, "provider");
            into.name = std::move(one.value);
            into.offset = one.value_offset;
            return {};
        }
        if (into.options.size() == provider_limits::options) {
            return fail(discovery_error::too_large, one.offset, "options");
        }
        into.options.push_back(std::move(one));
        return {};
    }
    [[nodiscard]] result<void> read_value(provider_option& into, bool in_list) {
        if (!next_is('"')) {
            into.value_offset = at_;
            while (at_ < text_.size() && !is_blank(text_[at_]) && text_[at_] != '(' && text_[at_] != ')' &&
                   !(in_list && text_[at_] == ',')) {
                if (text_[at_] == '"') return fail(core_error::bad_character, at_, "value");
                into.value += text_[at_++];
            }
            return {};
        }
        std::size_t const open = at_++;
        into.value_offset = at_;
        for (; at_ < text_.size(); ++at_) {
            char c = text_[at_];
            if (c == '"') {
                ++at_;
                bool const ends = at_ == text_.size() || is_blank(text_[at_]) || text_[at_] == ')' || text_[at_] == ',';
                if (!ends) return fail(core_error::bad_character, at_, "value");
                return {};
            }
            if (c == '\\' && at_ + 1 < text_.size()) {
                c = text_[++at_];
                if (c != '"' && c != '\\') return fail(core_error::bad_character, at_, "value");
            }
            into.value += c;
        }
        return fail(core_error::bad_character, open, "quote that is not closed");
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t count_ = 0;
};

inline void print(provider_text const& from, std::string& into) {
    into += from.name;
    if (!from.parts.empty()) {
        char before = '(';
        for (provider_text const& part : from.parts) {
            into += before;
            if (before == ',') into += ' ';
            print(part, into);
            before = ',';
        }
        into += ')';
    }
    for (provider_option const& one : from.options) {
        into.append(" ").append(one.key).append("=");
        if (!one.value.empty() && one.value.find_first_of(" \t\r\n\",()") == std::string::npos) {
            into += one.value;
            continue;
        }
        into += '"';
        for (char const c : one.value) {
            if (c == '"' || c == '\\') into += '\\';
            into += c;
        }
        into += '"';
    }
}

} // namespace detail

/// Reads a strategy written as text.
///
/// ```text
/// strategy := name [ "(" strategy { "," strategy } ")" ] { key "=" value }
///           | { key "=" value }                              one of them provider=name
/// ```
/// - Names and keys are letters, digits, `_` and `-`. Blanks and line ends separate; none around '='.
/// - A value ends at a blank or a parenthesis, and in parentheses at a comma, too. Written in double quotes it may hold
///   all of these; within them `\"` and `\\` stand for themselves and there are no other escapes.
///
/// @code
/// auto how = discovery::parse_provider("first_of(tailscale, dns_pattern prefix=db domain=example.org) keep=1h");
/// @endcode
/// @par Errors Positions are offsets in `text`. `empty` and `bad_character` with what was expected there;
/// `unclosed_bracket`; `duplicate_key` and `missing_option` ("provider"); `too_deep` and `too_large`, where
/// `provider_limits` is passed.
[[nodiscard]] inline result<provider_text> parse_provider(std::string_view text) {
    if (text.size() > provider_limits::bytes) return fail(discovery_error::too_large, provider_limits::bytes, "text");
    return detail::provider_reader{text}.read();
}

/// In its short form, which `parse_provider` reads back to the same.
[[nodiscard]] inline std::string to_string(provider_text const& strategy) {
    std::string text;
    detail::print(strategy, text);
    return text;
}

/// What is wrong with a strategy's text, for people: the sentence, in a second line the part of the text that it is
/// about, and in a third a mark below its place.
[[nodiscard]] inline std::string point_at(std::string_view text, error const& why) {
    std::string told = why.message();
    if (text.empty() || why.position() > text.size()) return told;
    auto const at = static_cast<std::size_t>(why.position());
    std::size_t const begin = at > 50 ? at - 50 : 0;
    std::string mark;
    told += "\n  ";
    for (std::size_t i = begin; i < std::min(text.size(), begin + 76); ++i) {
        auto const c = static_cast<unsigned char>(text[i]);
        told += c < 0x20 || c == 0x7f ? ' ' : text[i];
        if (i < at && (c & 0xc0U) != 0x80) mark += ' '; // one column for each character of UTF-8
    }
    return told.append("\n  ").append(mark).append("^");
}

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
