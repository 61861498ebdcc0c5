// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Chooses by labels: an expression such as `zone=a,!gpu,tier!=free`, parsed once.
#ifndef PEERKIT_CORE_LABEL_FILTER_HPP
#define PEERKIT_CORE_LABEL_FILTER_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

/// Terms divided by commas, all of which must hold; blanks around them do not count. Nothing at all fits everybody.
///
/// | Term | Holds when |
/// |---|---|
/// | `key` | the label is there |
/// | `!key` | it is not |
/// | `key=a`, `key=a\|b` | its value is one of these |
/// | `key!=a`, `key!=a\|b` | its value is none of these, or it is not there (as in Kubernetes) |
///
/// `key=` asks for an empty value. A value with a comma, a bar, a quote or blanks at its ends is written in double
/// quotes, in which `\"` and `\\` stand for quote and backslash. A value; matching allocates nothing and any number of
/// threads may match at once.
///
/// @code
/// auto chosen = label_filter::parse("zone=a|b,!draining");
/// if (!chosen) return chosen.error();    // what is wrong, and at which character
/// if (chosen->matches(member.record())) ...
/// @endcode
class label_filter {
public:
    /// Terms, and values of one term, that a filter may have.
    static constexpr std::size_t max_terms = 32;

    /// Fits everybody.
    label_filter() = default;

    /// @par Errors position: an offset in `text`. `empty` for a term without a key; `bad_character` for what may not be
    /// in a key, for what follows a closing quote, and for control characters in values; `too_long` for a key or value
    /// that no label has, and for too many terms or values; `unclosed_quote`.
    [[nodiscard]] static result<label_filter> parse(std::string_view text) {
        label_filter made;
        std::size_t at = skip_blanks(text, 0);
        if (at == text.size()) return made;
        for (;;) {
            if (made.terms_.size() == max_terms) return fail(core_error::too_long, at, "label filter");
            auto read = read_term(text, at);
            if (!read) return fail(read.error());
            made.terms_.push_back(std::move(*read));
            if (at == text.size()) return made;
            ++at; // the comma
        }
    }

    /// `labelled.label_value(key)` is asked: a `description`, a `wire::record_view`.
    template <typename Labelled>
    [[nodiscard]] bool matches(Labelled const& labelled) const noexcept {
        return std::all_of(terms_.begin(), terms_.end(), [&](term const& t) {
            std::optional<std::string_view> const value = labelled.label_value(t.key);
            bool const fits =
                value && (t.values.empty() || std::find(t.values.begin(), t.values.end(), *value) != t.values.end());
            return fits != t.negated;
        });
    }
    /// Fits everybody.
    [[nodiscard]] bool empty() const noexcept { return terms_.empty(); }

private:
    struct term {
        std::string key{};
        std::vector<std::string> values{}; ///< none: the label need only be there
        bool negated = false;
    };

    [[nodiscard]] static std::size_t skip_blanks(std::string_view text, std::size_t at) noexcept {
        while (at < text.size() && text[at] == ' ') ++at;
        return at;
    }
    /// Reads the term at `at` and moves there to the comma or the end behind it.
    [[nodiscard]] static result<term> read_term(std::string_view text, std::size_t& at) {
        term made;
        at = skip_blanks(text, at);
        if (at < text.size() && text[at] == '!') {
            made.negated = true;
            at = skip_blanks(text, at + 1);
        }
        std::size_t const start = at;
        at = std::min(text.find_first_of("=!, ", at), text.size());
        std::string_view const key = text.substr(start, at - start);
        if (auto const ok = check_name(key, limits::label_key, "label key"); !ok) {
            std::size_t const within = ok.error() == core_error::bad_character ? ok.error().position() : 0;
            return fail(ok.error().at(start + within, "label key"));
        }
        made.key = key;
        at = skip_blanks(text, at);
        if (at == text.size() || text[at] == ',') return made;
        if (text[at] == '!') {
            if (made.negated || at + 1 == text.size() || text[at + 1] != '=')
                return fail(core_error::bad_character, at, "label filter");
            made.negated = true;
            ++at;
        } else if (made.negated) { // `!key=value` would be read in two ways
            return fail(core_error::bad_character, at, "label filter");
        }
        if (text[at] != '=') return fail(core_error::bad_character, at, "label filter");
        for (++at;; ++at) {
            std::size_t const value_at = skip_blanks(text, at);
            auto value = read_value(text, at);
            if (!value) return fail(value.error());
            if (auto const ok = check_text(*value, limits::label_value, "label value"); !ok)
                return fail(ok.error().at(value_at, "label value"));
            if (made.values.size() == max_terms) return fail(core_error::too_long, value_at, "label filter");
            made.values.push_back(std::move(*value));
            if (at == text.size() || text[at] == ',') return made;
        }
    }
    /// Reads a value and moves to the bar, the comma or the end behind it.
    [[nodiscard]] static result<std::string> read_value(std::string_view text, std::size_t& at) {
        at = skip_blanks(text, at);
        if (at == text.size() || text[at] != '"') {
            std::size_t const start = at;
            at = std::min(text.find_first_of(",|\"", at), text.size());
            if (at < text.size() && text[at] == '"') return fail(core_error::bad_character, at, "label value");
            std::string_view value = text.substr(start, at - start);
            while (value.ends_with(' ')) value.remove_suffix(1);
            return std::string{value};
        }
        std::size_t const opened = at++;
        std::string value;
        for (; at < text.size() && text[at] != '"'; ++at) {
            if (text[at] == '\\' && at + 1 < text.size()) ++at;
            value.push_back(text[at]);
        }
        if (at == text.size()) return fail(core_error::unclosed_quote, opened, "label value");
        at = skip_blanks(text, at + 1);
        if (at < text.size() && text[at] != ',' && text[at] != '|')
            return fail(core_error::bad_character, at, "label value");
        return value;
    }

    std::vector<term> terms_;
};

PEERKIT_END_NAMESPACE

#endif
