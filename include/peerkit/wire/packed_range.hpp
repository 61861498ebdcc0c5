// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Lists inside a record, iterated in place: a count, then elements of varying size.
#ifndef PEERKIT_WIRE_PACKED_RANGE_HPP
#define PEERKIT_WIRE_PACKED_RANGE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace wire {

/// A label read in place.
struct label_view {
    std::string_view key;
    std::string_view value;
    [[nodiscard]] friend constexpr bool operator==(label_view const&, label_view const&) noexcept = default;
};

/// A service read in place.
struct service_view {
    std::string_view name{};
    std::uint16_t port = 0;
    std::string_view info{};
    service_health health = service_health::unknown;
    std::uint32_t version = 0; ///< grows whenever the entry changes
    [[nodiscard]] friend constexpr bool operator==(service_view const&, service_view const&) noexcept = default;
};

/// A forward range over elements of varying size in bytes that were validated before. Nothing is copied or
/// allocated; elements are made when the iterator is read. `Element` says how: `value_type`, `decode(at)`,
/// `size(at)`.
template <typename Element>
class packed_range {
public:
    class iterator {
    public:
        using value_type = typename Element::value_type;
        using difference_type = std::ptrdiff_t;
        using reference = value_type;
        using pointer = void;
        using iterator_concept = std::forward_iterator_tag;
        using iterator_category = std::input_iterator_tag; // reading gives a value, not a reference

        constexpr iterator() noexcept = default;
        [[nodiscard]] constexpr value_type operator*() const noexcept { return Element::decode(at_); }
        constexpr iterator& operator++() noexcept {
            at_ += Element::size(at_);
            --left_;
            return *this;
        }
        constexpr iterator operator++(int) noexcept {
            iterator const before = *this;
            ++*this;
            return before;
        }
        [[nodiscard]] friend constexpr bool operator==(iterator const& a, iterator const& b) noexcept {
            return a.left_ == b.left_;
        }

    private:
        friend class packed_range;
        constexpr iterator(std::byte const* at, std::size_t left) noexcept : at_{at}, left_{left} {}

        std::byte const* at_ = nullptr;
        std::size_t left_ = 0;
    };

    /// `count` points to the byte that counts the elements, which follow it.
    constexpr explicit packed_range(std::byte const* count) noexcept : count_{count} {}

    [[nodiscard]] constexpr std::size_t size() const noexcept { return std::to_integer<std::size_t>(*count_); }
    [[nodiscard]] constexpr bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] constexpr iterator begin() const noexcept { return {count_ + 1, size()}; }
    [[nodiscard]] constexpr iterator end() const noexcept { return {}; }

    /// The byte behind the last element. Walks the range.
    [[nodiscard]] constexpr std::byte const* after() const noexcept {
        std::byte const* at = count_ + 1;
        for (std::size_t left = size(); left != 0; --left) at += Element::size(at);
        return at;
    }

private:
    std::byte const* count_;
};

namespace detail {

[[nodiscard]] constexpr std::size_t short_size(std::byte const* at) noexcept {
    return 1 + std::to_integer<std::size_t>(*at);
}
[[nodiscard]] inline std::string_view short_text(std::byte const* at) noexcept {
    return {reinterpret_cast<char const*>(at + 1), std::to_integer<std::size_t>(*at)};
}

struct packed_text {
    using value_type = std::string_view;
    [[nodiscard]] static constexpr std::size_t size(std::byte const* at) noexcept { return short_size(at); }
    [[nodiscard]] static value_type decode(std::byte const* at) noexcept { return short_text(at); }
};

struct packed_address {
    using value_type = typed_address;
    [[nodiscard]] static constexpr std::size_t address_size(std::byte const* at) noexcept {
        return (*at & std::byte{15}) == std::byte{4} ? 4 : 16;
    }
    [[nodiscard]] static constexpr std::size_t size(std::byte const* at) noexcept { return 1 + address_size(at) + 2; }
    [[nodiscard]] static constexpr value_type decode(std::byte const* at) noexcept {
        std::size_t const bytes = address_size(at);
        return {ip_address::from_bytes({at + 1, bytes}), load_big<std::uint16_t>(at + 1 + bytes),
                static_cast<address_kind>(std::to_integer<std::uint8_t>(*at >> 4U))};
    }
};

struct packed_label {
    using value_type = label_view;
    [[nodiscard]] static constexpr std::size_t size(std::byte const* at) noexcept {
        std::size_t const key = short_size(at);
        return key + short_size(at + key);
    }
    [[nodiscard]] static value_type decode(std::byte const* at) noexcept {
        return {short_text(at), short_text(at + short_size(at))};
    }
};

struct packed_service {
    using value_type = service_view;
    [[nodiscard]] static constexpr std::size_t size(std::byte const* at) noexcept {
        std::size_t const info = short_size(at) + 7;
        return info + short_size(at + info);
    }
    [[nodiscard]] static value_type decode(std::byte const* at) noexcept {
        std::byte const* const port = at + short_size(at);
        return {short_text(at), load_big<std::uint16_t>(port), short_text(port + 7),
                static_cast<service_health>(port[2]), load_big<std::uint32_t>(port + 3)};
    }
};

} // namespace detail
} // namespace wire
PEERKIT_END_NAMESPACE

#endif
