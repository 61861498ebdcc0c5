// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a strategy written as text may say: the keys of each provider, checked before anything is built.
#ifndef PEERKIT_DISCOVERY_PROVIDER_SCHEMA_HPP
#define PEERKIT_DISCOVERY_PROVIDER_SCHEMA_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/provider.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// What the value of a key is.
enum class option_kind : std::uint8_t {
    text,   ///< anything; not empty
    list,   ///< words between commas and blanks; at least one
    words,  ///< words between blanks, in double quotes where they hold blanks; at least one
    port,   ///< 1 to 65535
    number, ///< digits, from `min` to `max`
    time,   ///< a number and ms, s, m or h, from `min` to `max` milliseconds
    flag,   ///< yes or no
    choice, ///< one of the words in `choices`, with '|' between
};

/// A key of a provider. Texts live as long as the program: errors name them.
struct provider_key {
    char const* name = "";
    option_kind kind = option_kind::text;
    char const* help = ""; ///< a few words for people
    bool required = false;
    std::uint64_t min = 0;
    std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
    char const* choices = "";
};

/// A provider: its name, and the keys it has.
struct provider_schema {
    char const* name = "";
    char const* help = "";
    std::vector<provider_key> keys{};
    bool is_list = false;              ///< made of the strategies in parentheses
    char const* unsupported = nullptr; ///< why it cannot be used; null: it can
};

/// Longest time that can be written: ten years.
inline constexpr std::uint64_t longest_option_time_ms = std::uint64_t{10} * 365 * 24 * 3600 * 1000;

/// Keys that every strategy has, lists included. They are applied in this order, the last one outermost.
inline constexpr std::array<provider_key, 5> provider_modifiers{{
    {.name = "filter", .help = "keeps candidates whose name matches this pattern"},
    {.name = "where", .help = "keeps candidates with this label: key=value, or key with any value"},
    {.name = "timeout",
     .kind = option_kind::time,
     .help = "longest time of one try",
     .min = 1,
     .max = longest_option_time_ms},
    {.name = "retry", .kind = option_kind::number, .help = "tries, with a random pause between", .min = 1, .max = 100},
    {.name = "keep",
     .kind = option_kind::time,
     .help = "how long the last good answer stands in for a failure",
     .min = 1,
     .max = longest_option_time_ms},
}};

namespace detail {

[[nodiscard]] inline std::optional<std::uint64_t> read_number(std::string_view text) noexcept {
    std::uint64_t value = 0;
    auto const [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}
/// In milliseconds.
[[nodiscard]] inline std::optional<std::uint64_t> read_time(std::string_view text) noexcept {
    std::size_t const unit = std::min(text.find_first_not_of("0123456789"), text.size());
    auto const value = read_number(text.substr(0, unit));
    std::string_view const name = text.substr(unit);
    std::uint64_t const scale = name == "ms"  ? 1
                                : name == "s" ? 1000
                                : name == "m" ? 60'000
                                : name == "h" ? 3'600'000
                                              : 0;
    if (!value || scale == 0 || *value > longest_option_time_ms / scale) return std::nullopt;
    return *value * scale;
}
[[nodiscard]] inline std::optional<bool> read_flag(std::string_view text) noexcept {
    if (text == "yes" || text == "true" || text == "on" || text == "1") return true;
    if (text == "no" || text == "false" || text == "off" || text == "0") return false;
    return std::nullopt;
}
/// None for a quote that is not closed, or another escape than `\"` and `\\` within quotes.
[[nodiscard]] inline std::optional<std::vector<std::string>> read_words(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    std::vector<std::string> words;
    bool open = false, quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (!quoted && blanks.find(c) != std::string_view::npos) {
            open = false;
            continue;
        }
        if (!open) words.emplace_back();
        open = true;
        if (c == '"') {
            quoted = !quoted;
        } else if (quoted && c == '\\') {
            if (++i == text.size() || (text[i] != '"' && text[i] != '\\')) return std::nullopt;
            words.back() += text[i];
        } else {
            words.back() += c;
        }
    }
    if (quoted) return std::nullopt;
    return words;
}
[[nodiscard]] inline std::vector<std::string> read_list(std::string_view text) {
    constexpr std::string_view separators = ", \t\r\n";
    std::vector<std::string> all;
    for (std::size_t at = text.find_first_not_of(separators); at != std::string_view::npos;) {
        std::size_t const end = std::min(text.find_first_of(separators, at), text.size());
        all.emplace_back(text.substr(at, end - at));
        at = text.find_first_not_of(separators, end);
    }
    return all;
}
[[nodiscard]] inline bool is_choice(std::string_view all, std::string_view one) noexcept {
    while (!all.empty()) {
        std::string_view const word = all.substr(0, all.find('|'));
        if (word == one) return true;
        all.remove_prefix(std::min(word.size() + 1, all.size()));
    }
    return false;
}
[[nodiscard]] inline bool fits(provider_key const& key, std::string_view value) {
    auto const within = [&key](std::optional<std::uint64_t> number, std::uint64_t least, std::uint64_t most) {
        return number && *number >= std::max(least, key.min) && *number <= std::min(most, key.max);
    };
    switch (key.kind) {
    case option_kind::text: return !value.empty();
    case option_kind::list: return !read_list(value).empty();
    case option_kind::words: {
        auto const words = read_words(value);
        return words && !words->empty();
    }
    case option_kind::port: return within(read_number(value), 1, 65535);
    case option_kind::number: return within(read_number(value), 0, std::numeric_limits<std::uint64_t>::max());
    case option_kind::time: return within(read_time(value), 0, longest_option_time_ms);
    case option_kind::flag: return read_flag(value).has_value();
    case option_kind::choice: return is_choice(key.choices, value);
    }
    return false;
}

} // namespace detail

/// The key with this name, modifiers included; null if there is none.
[[nodiscard]] inline provider_key const* find_key(provider_schema const& schema, std::string_view name) noexcept {
    auto const named = [name](provider_key const& key) { return key.name == name; };
    auto const own = std::find_if(schema.keys.begin(), schema.keys.end(), named);
    if (own != schema.keys.end()) return &*own;
    auto const shared = std::find_if(provider_modifiers.begin(), provider_modifiers.end(), named);
    return shared != provider_modifiers.end() ? &*shared : nullptr;
}

/// Compares one strategy with its schema, not the ones in its parentheses.
/// @par Errors Positions are offsets in the text. `unsupported` with the reason; `bad_character` for parentheses behind
/// a provider that has none ("parenthesis"); `unknown_option` with the provider's name; else with the name of the key:
/// `duplicate_key`, `bad_option` for a value that is not of its kind or outside its bounds, `missing_option`.
[[nodiscard]] inline result<void> check_options(provider_text const& strategy, provider_schema const& schema) {
    if (schema.unsupported != nullptr) return fail(discovery_error::unsupported, strategy.offset, schema.unsupported);
    if (!schema.is_list && !strategy.parts.empty()) {
        return fail(core_error::bad_character, strategy.offset + strategy.name.size(), "parenthesis");
    }
    if (schema.is_list && strategy.parts.empty()) {
        return fail(discovery_error::missing_option, strategy.offset, "strategies in parentheses");
    }
    std::vector<provider_key const*> seen;
    for (provider_option const& one : strategy.options) {
        provider_key const* const key = find_key(schema, one.key);
        if (key == nullptr) return fail(discovery_error::unknown_option, one.offset, schema.name);
        if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
            return fail(core_error::duplicate_key, one.offset, key->name);
        }
        if (!detail::fits(*key, one.value)) return fail(discovery_error::bad_option, one.value_offset, key->name);
        seen.push_back(key);
    }
    for (provider_key const& key : schema.keys) {
        if (key.required && std::find(seen.begin(), seen.end(), &key) == seen.end()) {
            return fail(discovery_error::missing_option, strategy.offset, key.name);
        }
    }
    return {};
}

/// The options of a strategy that `check_options` found good, by type. A key that was not given has the value passed
/// along; one that is not in the schema, or is of another kind, never was.
class provider_values {
public:
    /// Both have to outlive it.
    provider_values(provider_text const& strategy, provider_schema const& schema) noexcept
        : strategy_{&strategy}, schema_{&schema} {}

    [[nodiscard]] bool has(std::string_view key) const noexcept { return find(key) != nullptr; }
    [[nodiscard]] std::string text(std::string_view key, std::string_view otherwise = {}) const {
        provider_option const* const one = find(key);
        return std::string{one != nullptr ? std::string_view{one->value} : otherwise};
    }
    /// Empty if it was not given.
    [[nodiscard]] std::vector<std::string> list(std::string_view key) const {
        provider_option const* const one = find(key);
        return one != nullptr ? detail::read_list(one->value) : std::vector<std::string>{};
    }
    /// Empty if it was not given.
    [[nodiscard]] std::vector<std::string> words(std::string_view key) const {
        provider_option const* const one = find(key);
        return one != nullptr ? detail::read_words(one->value).value_or(std::vector<std::string>{})
                              : std::vector<std::string>{};
    }
    template <std::unsigned_integral Number>
    [[nodiscard]] Number number(std::string_view key, Number otherwise) const noexcept {
        provider_option const* const one = find(key);
        auto const value = one != nullptr ? detail::read_number(one->value) : std::nullopt;
        return value && *value <= std::numeric_limits<Number>::max() ? static_cast<Number>(*value) : otherwise;
    }
    [[nodiscard]] std::uint16_t port(std::string_view key, std::uint16_t otherwise) const noexcept {
        return number(key, otherwise);
    }
    [[nodiscard]] duration duration_of(std::string_view key, duration otherwise) const noexcept {
        provider_option const* const one = find(key);
        auto const ms = one != nullptr ? detail::read_time(one->value) : std::nullopt;
        return ms ? std::chrono::milliseconds{static_cast<std::int64_t>(*ms)} : otherwise;
    }
    [[nodiscard]] bool flag(std::string_view key, bool otherwise) const noexcept {
        provider_option const* const one = find(key);
        return one != nullptr ? detail::read_flag(one->value).value_or(otherwise) : otherwise;
    }

    /// An error about the value of a key, said of the place where it stands in the text.
    /// @param is_offset the error's position is an offset in the value; else the value's beginning is meant
    [[nodiscard]] error place(error const& what, char const* key, bool is_offset = true) const noexcept {
        provider_option const* const one = find(key);
        if (one == nullptr) return what.at(strategy_->offset, key);
        bool const inside =
            is_offset && what.position() <= one->value.size() && one->value.find_first_of("\"\\") == std::string::npos;
        return what.at(one->value_offset + (inside ? static_cast<std::size_t>(what.position()) : 0), key);
    }

    [[nodiscard]] provider_text const& as_written() const noexcept { return *strategy_; }

private:
    [[nodiscard]] provider_option const* find(std::string_view key) const noexcept {
        auto const at = std::find_if(strategy_->options.begin(), strategy_->options.end(),
                                     [key](provider_option const& one) { return one.key == key; });
        return at != strategy_->options.end() && find_key(*schema_, key) != nullptr ? &*at : nullptr;
    }

    provider_text const* strategy_;
    provider_schema const* schema_;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
