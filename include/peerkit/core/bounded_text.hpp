// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Short text stored in place: trivially copyable, never longer than its bound.
#ifndef PEERKIT_CORE_BOUNDED_TEXT_HPP
#define PEERKIT_CORE_BOUNDED_TEXT_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE

/// Up to `Max` (at most 255) characters without allocation; a value type that may live in shared or static
/// memory.
template <std::size_t Max>
class bounded_text {
    static_assert(Max <= 255);

public:
    static constexpr std::size_t max_size = Max;

    constexpr bounded_text() noexcept = default;

    /// @par Errors `too_long` with the given length.
    [[nodiscard]] static constexpr result<bounded_text> from(std::string_view text) noexcept {
        if (text.size() > Max) return fail(core_error::too_long, text.size(), "text");
        return cut(text);
    }
    /// The first `Max` characters.
    [[nodiscard]] static constexpr bounded_text cut(std::string_view text) noexcept {
        bounded_text made;
        made.size_ = static_cast<std::uint8_t>(text.size() < Max ? text.size() : Max);
        for (std::size_t i = 0; i < made.size_; ++i) made.chars_[i] = text[i];
        return made;
    }

    [[nodiscard]] constexpr std::string_view view() const noexcept { return {chars_.data(), size_}; }
    [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }

    [[nodiscard]] friend constexpr bool operator==(bounded_text const& left, bounded_text const& right) noexcept {
        return left.view() == right.view();
    }
    [[nodiscard]] friend constexpr auto operator<=>(bounded_text const& left, bounded_text const& right) noexcept {
        return left.view() <=> right.view();
    }

private:
    std::array<char, Max> chars_{};
    std::uint8_t size_ = 0;
};

PEERKIT_END_NAMESPACE

#endif
