// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Which host names belong to the network: a prefix or wildcard pattern over one DNS label.
#ifndef PEERKIT_DISCOVERY_NAME_PATTERN_HPP
#define PEERKIT_DISCOVERY_NAME_PATTERN_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// A pattern for the first label of a host name. `*` stands for any run of characters, `?` for one; there are no
/// other special characters. Case does not matter, and `_` and `-` are the same: a tailnet names the machine
/// `tw_node01` `tw-node01`.
///
/// A pattern also matches a name with `-` and digits appended ("db" and "db??" match "db-1" and "db01-2"): a machine
/// that registers again while its old name is taken gets such a name. An empty pattern matches every name.
///
/// @code
/// auto ours = discovery::name_pattern::parse("tw_node*");
/// assert(ours->matches("tw-node07") && !ours->matches("printer"));
/// @endcode
class name_pattern {
public:
    /// Matches every name, the empty one included.
    name_pattern() = default;

    /// @par Errors `bad_pattern` with the offset of a character that no label holds, or with the length of a pattern
    /// longer than 63.
    [[nodiscard]] static result<name_pattern> parse(std::string_view text) {
        if (text.size() > limits::name) return fail(discovery_error::bad_pattern, text.size(), "length");
        name_pattern made;
        for (std::size_t i = 0; i < text.size(); ++i) {
            char const c = fold(text[i]);
            bool const plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
            if (!plain && c != '*' && c != '?') return fail(discovery_error::bad_pattern, i, "pattern");
            // A run of stars says what one says.
            if (c != '*' || !made.text_.ends_with('*')) made.text_.push_back(c);
        }
        std::size_t const wild = made.text_.find_first_of("*?");
        made.kind_ = made.text_.empty() || made.text_ == "*"                     ? kind::all
                     : wild == std::string::npos                                 ? kind::exact
                     : wild + 1 == made.text_.size() && made.text_.back() == '*' ? kind::prefix
                                                                                 : kind::glob;
        return made;
    }

    [[nodiscard]] bool matches(std::string_view label) const noexcept {
        switch (kind_) {
        case kind::all: return true;
        case kind::prefix: {
            std::string_view const prefix = std::string_view{text_}.substr(0, text_.size() - 1);
            return label.size() >= prefix.size() && equal(prefix, label.substr(0, prefix.size()));
        }
        case kind::exact: return equal(text_, label) || equal(text_, without_number(label));
        case kind::glob: return glob(text_, label) || glob(text_, without_number(label));
        }
        return false;
    }

    /// Whether the first label of a host name matches.
    [[nodiscard]] bool matches_host(std::string_view name) const noexcept {
        // Stars aside, no pattern holds a dot: a prefix of the name is a prefix of its label.
        return kind_ == kind::prefix ? matches(name) : matches(name.substr(0, name.find('.')));
    }

    /// The pattern, folded: lower case, `-` for `_`. Empty for the pattern that matches everything by default.
    [[nodiscard]] std::string_view text() const noexcept { return text_; }

private:
    enum class kind : std::uint8_t { all, prefix, exact, glob };

    [[nodiscard]] static constexpr char fold(char c) noexcept {
        if (c >= 'A' && c <= 'Z') return static_cast<char>(c + ('a' - 'A'));
        return c == '_' ? '-' : c;
    }
    [[nodiscard]] static bool equal(std::string_view folded, std::string_view label) noexcept {
        if (folded.size() != label.size()) return false;
        for (std::size_t i = 0; i < label.size(); ++i) {
            if (folded[i] != fold(label[i])) return false;
        }
        return true;
    }
    /// "name-12" without "-12"; the label itself if it does not end so.
    [[nodiscard]] static std::string_view without_number(std::string_view label) noexcept {
        std::size_t end = label.size();
        while (end > 0 && label[end - 1] >= '0' && label[end - 1] <= '9') --end;
        return end < label.size() && end > 1 && label[end - 1] == '-' ? label.substr(0, end - 1) : label;
    }
    /// Linear in the label for each star: on a mismatch only the last star takes one character more.
    [[nodiscard]] static bool glob(std::string_view pattern, std::string_view label) noexcept {
        std::size_t p = 0, l = 0, star = std::string_view::npos, taken = 0;
        while (l < label.size()) {
            if (p < pattern.size() && pattern[p] == '*') {
                star = p++;
                taken = l;
            } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == fold(label[l]))) {
                ++p;
                ++l;
            } else if (star != std::string_view::npos) {
                p = star + 1;
                l = ++taken;
            } else {
                return false;
            }
        }
        while (p < pattern.size() && pattern[p] == '*') ++p;
        return p == pattern.size();
    }

    std::string text_;
    kind kind_ = kind::all;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
