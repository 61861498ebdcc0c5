// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Reads values of JSON documents with simdjson On-Demand: a field may be there, absent, or of another type.
#ifndef PEERKIT_DISCOVERY_JSON_VALUES_HPP
#define PEERKIT_DISCOVERY_JSON_VALUES_HPP

#include <peerkit/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <simdjson.h>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// How reading one value went. `wrong`: another JSON type; `broken`: not JSON, the document is given up.
enum class json_reading : std::uint8_t { got, absent, wrong, broken };

// What runs for every field or text is inlined by force, as simdjson does with its own: it is a tenth of the time.

/// Compares a raw key with a literal that ends in the closing quote; reads no further than the padding.
/// @code
/// if (json_key_is(field.key().raw(), "Version\"")) ...
/// @endcode
template <std::size_t Size>
[[nodiscard]] simdjson_inline bool json_key_is(char const* key, char const (&literal)[Size]) noexcept {
    static_assert(Size <= simdjson::SIMDJSON_PADDING);
    return std::memcmp(key, literal, Size - 1) == 0;
}

namespace detail {

[[nodiscard]] inline json_reading absent_or_wrong(simdjson::ondemand::value& v) noexcept {
    bool null = false;
    if (v.is_null().get(null) != simdjson::SUCCESS) return json_reading::broken;
    return null ? json_reading::absent : json_reading::wrong;
}

} // namespace detail

/// Whether a text of a document may hold one of some characters. 32 at a time without a branch, since few texts are
/// longer. Looks beyond the end of the text, though no further than the padding: what it finds there costs its reader a
/// second look.
template <typename... Chars>
[[nodiscard]] simdjson_inline bool may_hold(std::string_view text, Chars... any) noexcept {
    static_assert(simdjson::SIMDJSON_PADDING >= 32);
    constexpr std::uint64_t ones = 0x0101010101010101U, high = 0x8080808080808080U;
    auto const is = [](std::uint64_t word, char c) {
        word ^= ones * static_cast<unsigned char>(c);
        return (word - ones) & ~word;
    };
    auto const eight = [&](char const* from) {
        std::uint64_t word = 0;
        std::memcpy(&word, from, 8);
        return (is(word, any) | ...);
    };
    std::uint64_t found = 0;
    char const* const at = text.data();
    for (std::size_t i = 0; i < text.size(); i += 32) {
        found |= eight(at + i) | eight(at + i + 8) | eight(at + i + 16) | eight(at + i + 24);
    }
    return (found & high) != 0;
}

/// The characters between the quotes of a string, escapes as they are. Returned by value, in registers: a text
/// written to memory in two halves and read back in one goes the slow way.
[[nodiscard]] simdjson_inline std::string_view raw_json_text(simdjson::ondemand::value& v,
                                                             json_reading& state) noexcept {
    std::string_view const token = v.raw_json_token();
    char const* const start = token.data();
    std::size_t size = token.size();
    if (*start != '"') {
        state = detail::absent_or_wrong(v);
        return {};
    }
    while (start[size - 1] <= ' ') --size;
    state = size < 2 || start[size - 1] != '"' ? json_reading::broken : json_reading::got;
    return {start + 1, state == json_reading::got ? size - 2 : 0};
}
/// A string, in place where it holds no escapes, which is nearly always: so most texts are never copied. The others
/// last as long as the parser's present document.
[[nodiscard]] simdjson_inline std::string_view json_text(simdjson::ondemand::value& v, json_reading& state) noexcept {
    std::string_view const raw = raw_json_text(v, state);
    if (!may_hold(raw, '\\')) return raw;
    std::string_view text;
    if (v.get_string().get(text) != simdjson::SUCCESS) state = json_reading::broken;
    return text;
}

/// Reads a value of the type of `into`, which is reset if there is none.
template <typename T>
[[nodiscard]] json_reading read_json(simdjson::ondemand::value& v, T& into) noexcept {
    into = T{};
    simdjson::error_code const code = v.get(into);
    if (code == simdjson::SUCCESS) return json_reading::got;
    if (code == simdjson::NUMBER_ERROR || code == simdjson::NUMBER_OUT_OF_RANGE) return json_reading::wrong;
    return code == simdjson::INCORRECT_TYPE ? detail::absent_or_wrong(v) : json_reading::broken;
}
[[nodiscard]] inline json_reading read_json(simdjson::ondemand::value& v, std::string_view& into) noexcept {
    json_reading state = json_reading::got;
    into = json_text(v, state);
    return state;
}
/// For texts that are only compared, and never hold escapes: one that does, equals nothing.
[[nodiscard]] simdjson_inline json_reading read_raw_json(simdjson::ondemand::value& v,
                                                         std::string_view& into) noexcept {
    json_reading state = json_reading::got;
    into = raw_json_text(v, state);
    return state;
}

/// Calls `use(text)` for every string of an array.
template <typename Use>
[[nodiscard]] json_reading each_json_text(simdjson::ondemand::value& v, Use use) noexcept {
    simdjson::ondemand::array list;
    if (json_reading const state = read_json(v, list); state != json_reading::got) return state;
    json_reading worst = json_reading::got;
    for (auto item : list) {
        if (item.error()) return json_reading::broken;
        simdjson::ondemand::value&& element = std::move(item).value_unsafe();
        json_reading state = json_reading::got;
        std::string_view const text = json_text(element, state);
        if (state == json_reading::broken) return state;
        if (state == json_reading::wrong) worst = state;
        if (state == json_reading::got) use(text);
    }
    return worst;
}

/// Passes by a value nobody needs, for its nesting. `depth` is that of the value, the document's being 0.
[[nodiscard]] inline json_reading skip_json(simdjson::ondemand::value& v, std::size_t depth,
                                            std::size_t max_depth) noexcept;

namespace detail {

[[nodiscard]] inline json_reading skip_nested_json(simdjson::ondemand::value& v, char first, std::size_t depth,
                                                   std::size_t max_depth) noexcept {
    if (depth >= max_depth) return json_reading::broken;
    if (first == '{') {
        simdjson::ondemand::object inner;
        if (v.get(inner) != simdjson::SUCCESS) return json_reading::broken;
        for (auto item : inner) {
            if (item.error()) return json_reading::broken;
            simdjson::ondemand::field&& f = std::move(item).value_unsafe();
            if (skip_json(f.value(), depth + 1, max_depth) != json_reading::got) return json_reading::broken;
        }
    } else {
        simdjson::ondemand::array inner;
        if (v.get(inner) != simdjson::SUCCESS) return json_reading::broken;
        for (auto item : inner) {
            if (item.error()) return json_reading::broken;
            simdjson::ondemand::value&& element = std::move(item).value_unsafe();
            if (skip_json(element, depth + 1, max_depth) != json_reading::got) return json_reading::broken;
        }
    }
    return json_reading::got;
}

} // namespace detail

inline json_reading skip_json(simdjson::ondemand::value& v, std::size_t depth, std::size_t max_depth) noexcept {
    char const first = *v.raw_json_token().data();
    return first == '{' || first == '[' ? detail::skip_nested_json(v, first, depth, max_depth) : json_reading::got;
}

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
