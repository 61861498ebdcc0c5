// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Bytes that are wiped when they are no longer needed.
#ifndef PEERKIT_CRYPTO_SECRET_BYTES_HPP
#define PEERKIT_CRYPTO_SECRET_BYTES_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/crypto/sodium.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <cstddef>
#include <span>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// `N` secret bytes in place. Moves but does not copy; wiped when moved from, assigned to and destroyed. Zero
/// at first.
template <std::size_t N>
class secret_bytes {
public:
    secret_bytes() noexcept = default;
    explicit secret_bytes(std::span<std::byte const, N> from) noexcept { copy_bytes(from, bytes_); }
    secret_bytes(secret_bytes&& from) noexcept : bytes_{from.bytes_} { from.wipe(); }
    secret_bytes& operator=(secret_bytes&& from) noexcept {
        if (this != &from) {
            bytes_ = from.bytes_;
            from.wipe();
        }
        return *this;
    }
    secret_bytes(secret_bytes const&) = delete;
    secret_bytes& operator=(secret_bytes const&) = delete;
    ~secret_bytes() { wipe(); }

    void wipe() noexcept { sodium_memzero(bytes_.data(), N); }

    [[nodiscard]] byte_view view() const noexcept { return bytes_; }
    [[nodiscard]] byte_span span() noexcept { return bytes_; }
    /// For libsodium.
    [[nodiscard]] unsigned char const* data() const noexcept {
        return reinterpret_cast<unsigned char const*>(bytes_.data());
    }
    [[nodiscard]] unsigned char* data() noexcept { return reinterpret_cast<unsigned char*>(bytes_.data()); }

    /// In constant time.
    [[nodiscard]] friend bool operator==(secret_bytes const& left, secret_bytes const& right) noexcept {
        return sodium_memcmp(left.data(), right.data(), N) == 0;
    }

private:
    std::array<std::byte, N> bytes_{};
};

namespace detail {

[[nodiscard]] inline unsigned char const* raw(std::byte const* from) noexcept {
    return reinterpret_cast<unsigned char const*>(from);
}
[[nodiscard]] inline unsigned char* raw(std::byte* from) noexcept { return reinterpret_cast<unsigned char*>(from); }
/// One value repeated: an uninitialised or typed-in key.
[[nodiscard]] inline bool is_one_value(byte_view key) noexcept {
    unsigned char different = 0;
    for (std::byte const b : key) different |= std::to_integer<unsigned char>(b ^ key[0]);
    return different == 0;
}

} // namespace detail
} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
