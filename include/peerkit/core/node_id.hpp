// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The identity of a node: its Ed25519 public key, and the 64-bit prefix used where space counts.
#ifndef PEERKIT_CORE_NODE_ID_HPP
#define PEERKIT_CORE_NODE_ID_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE

/// First 8 bytes of a node_id as a big-endian number. Names a member inside datagrams and tables. A second
/// node whose key has the same prefix as a known member is refused, so within one node's view a short_id is
/// unique.
enum class short_id : std::uint64_t {};

/// A node's Ed25519 public key (RFC 8032), 32 bytes. All zero means "no node".
struct node_id {
    static constexpr std::size_t size = 32;

    std::array<std::byte, size> bytes{};

    [[nodiscard]] static node_id from_bytes(byte_view from) noexcept {
        node_id id;
        if (from.size() == size) copy_bytes(from, id.bytes);
        return id;
    }
    /// Parses 64 hexadecimal digits. @par Errors `bad_hex`.
    [[nodiscard]] static result<node_id> parse(std::string_view text) noexcept {
        node_id id;
        if (auto const done = from_hex(text, id.bytes); !done) return fail(done.error());
        return id;
    }

    [[nodiscard]] constexpr peerkit::short_id short_id() const noexcept {
        return static_cast<peerkit::short_id>(load_big<std::uint64_t>(bytes.data()));
    }
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return *this != node_id{}; }
    [[nodiscard]] std::string to_string() const { return to_hex(bytes); }

    [[nodiscard]] friend constexpr bool operator==(node_id const&, node_id const&) noexcept = default;
    [[nodiscard]] friend constexpr auto operator<=>(node_id const&, node_id const&) noexcept = default;
};

/// 16 hexadecimal digits.
[[nodiscard]] inline std::string to_string(short_id id) {
    std::array<std::byte, 8> bytes{};
    store_big(bytes.data(), static_cast<std::uint64_t>(id));
    return to_hex(bytes);
}

PEERKIT_END_NAMESPACE

template <>
struct std::hash<peerkit::node_id> {
    std::size_t operator()(peerkit::node_id const& id) const noexcept {
        return static_cast<std::size_t>(id.short_id());
    }
};

#endif
