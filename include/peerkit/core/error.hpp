// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// One error value for all floors: which enum, which value, where in the input, which field.
#ifndef PEERKIT_CORE_ERROR_HPP
#define PEERKIT_CORE_ERROR_HPP

#include <peerkit/detail/config.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <type_traits>

PEERKIT_BEGIN_NAMESPACE

/// Names one error enum. Each floor has one enum and one domain; `sentence` gives an English sentence per
/// value.
struct error_domain {
    std::string_view name;
    std::string_view (*sentence)(std::uint16_t value) noexcept;
};

/// Customisation point: an error enum `E` specialises `domain_of<E>` with `static error_domain const& get()
/// noexcept`.
template <typename E>
struct domain_of;

template <typename E>
concept ErrorEnum = std::is_enum_v<E> && requires {
    { domain_of<E>::get() } noexcept -> std::same_as<error_domain const&>;
};

/// What went wrong and where. A trivially copyable value of four words; cheap to return and to count.
///
/// `position` is a byte offset, line number, or operating system code, as the enumerator says; `field` names
/// the part of the input that was refused and always points to text with static lifetime.
///
/// @par Example
/// @code
/// if (auto e = endpoint::parse("host:99999"); !e) {
///     assert(e.error() == core_error::bad_port);   // compares domain and value
///     log(e.error().message());                    // "core: the port is not ..., at 5 (port)"
/// }
/// @endcode
class error {
public:
    template <ErrorEnum E>
    constexpr error(E value, std::uint64_t position = 0, char const* field = "") noexcept
        : domain_{&domain_of<E>::get()}, field_{field}, position_{position}, value_{static_cast<std::uint16_t>(value)} {
    }

    [[nodiscard]] std::string_view domain() const noexcept { return domain_->name; }
    [[nodiscard]] std::uint16_t value() const noexcept { return value_; }
    [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
    [[nodiscard]] std::string_view field() const noexcept { return field_; }
    [[nodiscard]] std::string_view sentence() const noexcept { return domain_->sentence(value_); }

    /// The sentence with domain, position and field, for logs.
    [[nodiscard]] std::string message() const {
        std::string text{domain()};
        text.append(": ").append(sentence());
        if (position_ != 0) text.append(", at ").append(std::to_string(position_));
        if (*field_ != '\0') text.append(" (").append(field_).append(")");
        return text;
    }

    /// The same error, said of another place: used when a parser embeds another.
    [[nodiscard]] constexpr error at(std::uint64_t position, char const* field) const noexcept {
        error copy{*this};
        copy.position_ = position;
        copy.field_ = field;
        return copy;
    }

    /// Compares what went wrong (domain and value), not where: position and field play no part.
    template <ErrorEnum E>
    [[nodiscard]] friend constexpr bool operator==(error const& left, E right) noexcept {
        return left.domain_ == &domain_of<E>::get() && left.value_ == static_cast<std::uint16_t>(right);
    }
    [[nodiscard]] friend constexpr bool operator==(error const& left, error const& right) noexcept {
        return left.domain_ == right.domain_ && left.value_ == right.value_;
    }

private:
    error_domain const* domain_;
    char const* field_;
    std::uint64_t position_;
    std::uint16_t value_;
};

/// A value or an error; what every fallible function of peerkit returns.
template <typename T>
using result = tl::expected<T, error>;

/// Builds the error side of a `result`.
/// @code return fail(core_error::bad_port, 5, "port"); @endcode
template <ErrorEnum E>
[[nodiscard]] constexpr tl::unexpected<error> fail(E value, std::uint64_t position = 0,
                                                   char const* field = "") noexcept {
    return tl::unexpected<error>{error{value, position, field}};
}
[[nodiscard]] constexpr tl::unexpected<error> fail(error what) noexcept { return tl::unexpected<error>{what}; }

/// Errors of the core floor: text and value parsing.
enum class core_error : std::uint16_t {
    empty = 1,        ///< The text is empty where a value is required.
    too_long,         ///< The text or list is longer than its limit.
    bad_character,    ///< A character is not allowed here; position is its offset.
    bad_address,      ///< The text is not an IPv4 or IPv6 address.
    bad_port,         ///< The port is not a number from 1 to 65535.
    bad_host_name,    ///< The text is neither an address nor a host name.
    unclosed_bracket, ///< An IPv6 address was opened with '[' and not closed.
    bad_hex,          ///< The text is not the expected number of hexadecimal digits.
    duplicate_key,    ///< The same key appears twice.
    not_sorted,       ///< The entries are not in ascending order.
    out_of_range,     ///< The number is outside its permitted range.
    not_found,        ///< There is no entry of that name.
    unclosed_quote,   ///< A value was opened with '"' and not closed.
    bad_base64,       ///< The text is not Base64 with padding; position is the offset of what is wrong.
};

template <>
struct domain_of<core_error> {
    static constexpr std::string_view sentence(std::uint16_t value) noexcept {
        switch (static_cast<core_error>(value)) {
        case core_error::empty: return "the text is empty where a value is required";
        case core_error::too_long: return "the text or list is longer than its limit";
        case core_error::bad_character: return "a character is not allowed here";
        case core_error::bad_address: return "the text is not an IPv4 or IPv6 address";
        case core_error::bad_port: return "the port is not a number from 1 to 65535";
        case core_error::bad_host_name: return "the text is neither an address nor a host name";
        case core_error::unclosed_bracket: return "an IPv6 address was opened with '[' and not closed";
        case core_error::bad_hex: return "the text is not the expected number of hexadecimal digits";
        case core_error::duplicate_key: return "the same key appears twice";
        case core_error::not_sorted: return "the entries are not in ascending order";
        case core_error::out_of_range: return "the number is outside its permitted range";
        case core_error::not_found: return "there is no entry of that name";
        case core_error::unclosed_quote: return "a value was opened with '\"' and not closed";
        case core_error::bad_base64: return "the text is not Base64 with padding";
        }
        return "unknown core error";
    }
    static constexpr error_domain const& get() noexcept { return domain; }
    static constexpr error_domain domain{"core", &sentence};
};

PEERKIT_END_NAMESPACE

#endif
