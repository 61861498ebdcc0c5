// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The names a numbered pattern stands for, one by one, in any order, without a table and without allocation.
#ifndef PEERKIT_DISCOVERY_NAME_SEQUENCE_HPP
#define PEERKIT_DISCOVERY_NAME_SEQUENCE_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Which numbers take the place of the star, and how they are written.
struct number_range {
    std::uint32_t first = 1;
    std::uint32_t last = 99; ///< at most 999,999,999
    std::uint32_t step = 1;
    unsigned width = 2; ///< shorter numbers get zeros in front; longer ones stay as they are
};

/// Where a name is written: the longest absolute name (253 characters and the final dot) fits.
using name_buffer = std::array<char, 256>;

/// The host names `prefix01.domain.` to `prefix99.domain.`: absolute, with a final dot, so that no resolver tries its
/// search domains. A name is made when it is asked for, into the caller's buffer; nothing is allocated. A plain value.
///
/// Labels hold letters, digits, `-` and `_`; at most 63 characters each, 253 in all.
///
/// @par Example
/// @code
/// auto nodes = discovery::name_sequence::parse("tw_node*.example.org");
/// discovery::name_buffer buffer;
/// assert(nodes->size() == 99 && nodes->name(6, buffer) == "tw_node07.example.org.");
/// @endcode
class name_sequence {
public:
    /// From a pattern whose first label holds the place of the number, once: `*` (written as `numbers.width` says) or
    /// a template, `{n}` (no zeros in front) or `{n:02}` (zeros up to this width). A final dot may be there or not;
    /// without a domain behind it, it must: "tw_node*." means names of one label, "tw_node*" is a forgotten domain.
    /// @par Errors
    /// `bad_pattern`, position the offset in `pattern`: no star (field "star", at the end of the first label), a second
    /// one or one in another label ("star"), a template that is none ("template"), a character no label holds, an
    /// empty label, a last label of digits only, no domain ("label", "domain"); position the length: a label with its
    /// number, or a name, that is too long ("label", "name"). `bad_range`: numbers upside down or too large, position
    /// the first number. `bad_option`: a step of 0 ("step").
    [[nodiscard]] static result<name_sequence> parse(std::string_view pattern, number_range numbers = {}) {
        std::size_t const open = pattern.find_first_of("*{");
        std::size_t const dot = std::min(pattern.find('.'), pattern.size());
        if (open >= dot) {
            bool const elsewhere = open != std::string_view::npos;
            return fail(discovery_error::bad_pattern, elsewhere ? open : dot, "star");
        }
        std::size_t after = open + 1;
        if (pattern[open] == '{') {
            std::size_t const close = pattern.find('}', open);
            if (close == std::string_view::npos || close > dot) {
                return fail(discovery_error::bad_pattern, open, "template");
            }
            auto const width = width_of(pattern.substr(open, close + 1 - open));
            if (!width) return fail(discovery_error::bad_pattern, open, "template");
            numbers.width = *width;
            after = close + 1;
        }
        if (std::size_t const second = pattern.find_first_of("*{", after); second != std::string_view::npos) {
            return fail(discovery_error::bad_pattern, second, "star");
        }
        if (dot == pattern.size()) return fail(discovery_error::bad_pattern, dot, "domain");
        std::string_view const head = pattern.substr(0, open), rest = pattern.substr(after, dot - after);
        if (auto const done = check_label(head, 0, "label"); !done) return fail(done.error());
        if (auto const done = check_label(rest, after, "label"); !done) return fail(done.error());
        auto const domain = check_domain(pattern.substr(dot + 1), dot + 1);
        if (!domain) return fail(domain.error());
        return build(head, rest, *domain, numbers);
    }

    /// From the two parts around the star and a dot: `prefix`, which may be empty, and `domain`.
    /// @par Errors As `parse`; positions are offsets in the part that the field names ("prefix", "domain").
    /// `missing_option` ("domain") for an empty domain.
    [[nodiscard]] static result<name_sequence> from(std::string_view prefix, std::string_view domain,
                                                    number_range numbers = {}) {
        if (domain.empty()) return fail(discovery_error::missing_option, 0, "domain");
        if (auto const done = check_label(prefix, 0, "prefix"); !done) return fail(done.error());
        auto const checked = check_domain(domain, 0);
        if (!checked) return fail(checked.error());
        return build(prefix, {}, *checked, numbers);
    }

    /// How many names there are; at least one.
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    /// The number in the name at `index`.
    [[nodiscard]] constexpr std::uint32_t number(std::size_t index) const noexcept {
        return static_cast<std::uint32_t>(numbers_.first + index * numbers_.step);
    }
    /// The name at `index`, in the order of the numbers, absolute and with a final dot. The text lies in `into`. Empty
    /// for an index that is not below `size()`.
    [[nodiscard]] std::string_view name(std::size_t index, name_buffer& into) const noexcept {
        if (index >= size_) return {};
        // All of it at once, zeros for the number; most names need no second copy.
        std::size_t const length = head_size_ + numbers_.width + tail_size_;
        std::memcpy(into.data(), text_.data(), 64);
        if (length > 64) std::memcpy(into.data() + 64, text_.data() + 64, text_.size() - 64);
        char* const end = into.data() + head_size_ + numbers_.width;
        char* at = end;
        std::uint32_t left = number(index);
        for (unsigned digits = numbers_.width; left != 0 && digits != 0; --digits, left /= 10) {
            *--at = static_cast<char>('0' + left % 10);
        }
        if (left != 0) return put(number(index), into);
        return {into.data(), length};
    }

    /// A name of the same shape that the sequence does not hold: letters chosen by `word`, up to 12 as there is room,
    /// in place of the number. An answer to it is an answer to anything.
    [[nodiscard]] std::string_view strange_name(std::uint64_t word, name_buffer& into) const noexcept {
        std::array<char, 12> letters{};
        seeded_rng rng{word};
        for (char& c : letters) c = static_cast<char>('a' + uniform(rng, std::uint64_t{26}));
        return put({letters.data(), std::min(letters.size(), room())}, into);
    }
    /// The same with a number that is outside every range, of ten digits; empty if it does not fit.
    [[nodiscard]] std::string_view strange_number(std::uint64_t word, name_buffer& into) const noexcept {
        constexpr std::uint64_t least = 1'000'000'000;
        if (room() < 10) return {};
        seeded_rng rng{word};
        return put(least + uniform(rng, 9 * least), into);
    }

    /// The pattern with a star, for people: "tw_node*.example.org".
    [[nodiscard]] std::string text() const {
        std::string made{head()};
        made.append("*").append(tail());
        made.pop_back();
        return made;
    }

private:
    static constexpr std::uint32_t most = 999'999'999;
    static constexpr std::size_t label_limit = 63;

    name_sequence() = default;

    [[nodiscard]] constexpr std::string_view head() const noexcept { return {text_.data(), head_size_}; }
    /// The rest of the first label, the domain and the final dot.
    [[nodiscard]] constexpr std::string_view tail() const noexcept {
        return {text_.data() + head_size_ + numbers_.width, tail_size_};
    }
    /// The name with this in the place of the number.
    [[nodiscard]] std::string_view put(std::string_view middle, name_buffer& into) const noexcept {
        char* at = into.data();
        for (std::string_view const part : {head(), middle, tail()}) at = std::copy(part.begin(), part.end(), at);
        return {into.data(), static_cast<std::size_t>(at - into.data())};
    }
    [[nodiscard]] std::string_view put(std::uint64_t number, name_buffer& into) const noexcept {
        std::array<char, 20> digits{};
        std::size_t first = digits.size();
        for (; number != 0; number /= 10) digits[--first] = static_cast<char>('0' + number % 10);
        return put({digits.data() + first, digits.size() - first}, into);
    }
    /// Characters that fit in the place of the number.
    [[nodiscard]] constexpr std::size_t room() const noexcept {
        std::size_t const in_name = limits::host_name + 1 - head_size_ - tail_size_;
        return std::min(in_name, label_limit - head_size_ - label_rest_);
    }

    [[nodiscard]] static constexpr bool in_label(char c) noexcept {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    }
    /// "{n}" or "{n:0W}" -> the width.
    [[nodiscard]] static result<unsigned> width_of(std::string_view text) noexcept {
        error const bad{discovery_error::bad_pattern};
        if (text == "{n}") return 1U;
        if (!text.starts_with("{n:0") || text.size() < 6 || text.size() > 7) return fail(bad);
        unsigned width = 0;
        for (char const c : text.substr(4, text.size() - 5)) {
            if (c < '0' || c > '9') return fail(bad);
            width = width * 10 + static_cast<unsigned>(c - '0');
        }
        return width;
    }
    [[nodiscard]] static result<void> check_label(std::string_view text, std::size_t offset,
                                                  char const* field) noexcept {
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (!in_label(text[i])) return fail(discovery_error::bad_pattern, offset + i, field);
        }
        return {};
    }
    /// The domain without its final dot. One that is only a dot is the root, and nothing is left of it.
    [[nodiscard]] static result<std::string_view> check_domain(std::string_view domain, std::size_t offset) noexcept {
        if (domain.ends_with('.')) {
            domain.remove_suffix(1);
            if (domain.empty()) return fail(discovery_error::bad_pattern, offset, "domain");
        }
        std::size_t label = 0;
        bool digits_only = true;
        for (std::size_t i = 0; i < domain.size(); ++i) {
            char const c = domain[i];
            if (c == '.' ? label == 0 : !in_label(c)) return fail(discovery_error::bad_pattern, offset + i, "domain");
            label = c == '.' ? 0 : label + 1;
            digits_only = c == '.' || (digits_only && c >= '0' && c <= '9');
            if (label > label_limit) return fail(discovery_error::bad_pattern, offset + i, "domain");
        }
        // "*.2.3.4" is a mistyped address.
        if (!domain.empty() && (label == 0 || digits_only)) {
            return fail(discovery_error::bad_pattern, offset + domain.size() - label, "domain");
        }
        return domain;
    }
    [[nodiscard]] static result<name_sequence> build(std::string_view head, std::string_view rest,
                                                     std::string_view domain, number_range numbers) noexcept {
        if (numbers.step == 0) return fail(discovery_error::bad_option, 0, "step");
        if (numbers.first > numbers.last || numbers.last > most) {
            return fail(discovery_error::bad_range, numbers.first, "range");
        }
        name_sequence made;
        numbers.width = std::max(numbers.width, 1U);
        made.numbers_ = numbers;
        made.size_ = std::size_t{numbers.last - numbers.first} / numbers.step + 1;
        std::size_t longest = 1;
        for (std::uint32_t left = made.number(made.size_ - 1); left > 9; left /= 10) ++longest;
        longest = std::max<std::size_t>(longest, numbers.width);
        std::size_t const label = head.size() + longest + rest.size();
        if (label > label_limit) return fail(discovery_error::bad_pattern, label, "label");
        std::size_t const name = label + (domain.empty() ? 0 : 1 + domain.size());
        if (name > limits::host_name) return fail(discovery_error::bad_pattern, name, "name");

        made.head_size_ = static_cast<std::uint8_t>(head.size());
        made.label_rest_ = static_cast<std::uint8_t>(rest.size());
        made.tail_size_ = static_cast<std::uint8_t>(name + 1 - head.size() - longest);
        char* at = std::copy(head.begin(), head.end(), made.text_.data());
        at = std::fill_n(at, numbers.width, '0');
        at = std::copy(rest.begin(), rest.end(), at);
        if (!domain.empty()) {
            *at++ = '.';
            at = std::copy(domain.begin(), domain.end(), at);
        }
        *at = '.';
        return made;
    }

    number_range numbers_;
    std::size_t size_ = 1;
    name_buffer text_{}; ///< the name with zeros for its number
    std::uint8_t head_size_ = 0;
    std::uint8_t tail_size_ = 0;  ///< rest of the first label, dot, domain, final dot
    std::uint8_t label_rest_ = 0; ///< of the first label
};

/// The numbers 0 to `size` - 1 in an order that `seed` chooses: each exactly once, none of them stored. A Feistel
/// network of six rounds over the next power of two, walked until it lands below `size` (Black and Rogaway 2002); one
/// or two walks on average. The same everywhere. Not a secret order.
///
/// @code
/// discovery::shuffled_order const order{99, rng()};
/// for (std::uint64_t i = 0; i < 99; ++i) ask(names.name(order(i), buffer));
/// @endcode
class shuffled_order {
public:
    /// The only order of nothing.
    constexpr shuffled_order() noexcept = default;
    /// `size` is at most 2^62.
    constexpr shuffled_order(std::uint64_t size, std::uint64_t seed) noexcept : size_{size} {
        unsigned bits = 2;
        while (bits < 62 && std::uint64_t{1} << bits < size) ++bits;
        left_ = bits / 2;
        right_ = bits - left_;
        seeded_rng rng{seed};
        for (round& r : rounds_) r = {rng(), rng() | 1U};
    }

    [[nodiscard]] constexpr std::uint64_t size() const noexcept { return size_; }
    /// The number at `place`; `place` itself if it is not below `size()`.
    [[nodiscard]] constexpr std::uint64_t operator()(std::uint64_t place) const noexcept {
        if (place >= size_) return place;
        do place = once(place);
        while (place >= size_);
        return place;
    }

private:
    /// Mixes a half; its upper bits are good (Dietzfelbinger's multiply-shift hash).
    struct round {
        std::uint64_t key = 0;
        std::uint64_t factor = 1;
        [[nodiscard]] constexpr std::uint64_t operator()(std::uint64_t half) const noexcept {
            return (half + key) * factor;
        }
    };

    [[nodiscard]] constexpr std::uint64_t once(std::uint64_t value) const noexcept {
        std::uint64_t left = value >> right_, right = value & ((std::uint64_t{1} << right_) - 1);
        for (std::size_t i = 0; i < rounds_.size(); i += 2) {
            left ^= rounds_[i](right) >> (64 - left_);
            right ^= rounds_[i + 1](left) >> (64 - right_);
        }
        return left << right_ | right;
    }

    std::uint64_t size_ = 0;
    unsigned left_ = 1; ///< bits of each half
    unsigned right_ = 1;
    std::array<round, 6> rounds_{};
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
