// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The secret all nodes of a closed network share.
#ifndef PEERKIT_CRYPTO_NETWORK_KEY_HPP
#define PEERKIT_CRYPTO_NETWORK_KEY_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/crypto/secret_bytes.hpp>
#include <peerkit/crypto/sodium.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// 32 secret bytes: who has them may talk on the network. Being a member takes a trusted identity as well.
/// Never used itself, only to derive from. Moves but does not copy, and is wiped.
class network_key {
public:
    static constexpr std::size_t size = crypto_kdf_KEYBYTES;
    using subkey = secret_bytes<32>;

    /// A new key from the system's entropy. @par Errors `unavailable`.
    [[nodiscard]] static result<network_key> generate() noexcept {
        if (auto const ready = ensure_sodium(); !ready) return fail(ready.error());
        network_key made;
        crypto_kdf_keygen(made.bytes_.data());
        return made;
    }
    /// @par Errors `unavailable`, `bad_key_length`, `weak_key`.
    [[nodiscard]] static result<network_key> from_bytes(byte_view bytes) noexcept {
        if (auto const ready = ensure_sodium(); !ready) return fail(ready.error());
        if (bytes.size() != size) return fail(crypto_error::bad_key_length, bytes.size(), "network key");
        if (detail::is_one_value(bytes)) return fail(crypto_error::weak_key, 0, "network key");
        network_key made;
        copy_bytes(bytes, made.bytes_.span());
        return made;
    }
    /// 64 hexadecimal digits, either case; one line end behind them is passed over, as files have one.
    /// @par Errors `unavailable`, `bad_key_length` with the length, `bad_key_text` with the offset,
    /// `weak_key`.
    [[nodiscard]] static result<network_key> parse(std::string_view text) noexcept {
        if (text.ends_with('\n')) text.remove_suffix(text.ends_with("\r\n") ? 2 : 1);
        if (text.size() != 2 * size) return fail(crypto_error::bad_key_length, text.size(), "network key");
        secret_bytes<size> bytes;
        if (auto const ok = from_hex(text, bytes.span()); !ok) {
            return fail(crypto_error::bad_key_text, ok.error().position(), "network key");
        }
        return from_bytes(bytes.view());
    }

    /// Names the key in the head of a frame and says nothing about it: 4 bytes of a keyed BLAKE2b.
    [[nodiscard]] std::uint32_t id() const noexcept {
        constexpr std::string_view domain{"peerkit/key-id/1\0", 17};
        std::array<std::byte, crypto_generichash_BYTES_MIN> hash;
        crypto_generichash(detail::raw(hash.data()), hash.size(), detail::raw(as_bytes(domain).data()), domain.size(),
                           bytes_.data(), size);
        return load_big<std::uint32_t>(hash.data());
    }
    /// The key a sealing suite uses (`wire::suites`): suites never share one.
    [[nodiscard]] subkey for_suite(std::uint8_t suite) const noexcept {
        subkey made;
        crypto_kdf_derive_from_key(made.data(), 32, suite, "peerkit1", bytes_.data());
        return made;
    }

    /// The text `parse` reads. The caller wipes it.
    void to_hex(std::span<char, 2 * size> out) const noexcept {
        constexpr std::string_view digits = "0123456789abcdef";
        for (std::size_t i = 0; i < size; ++i) {
            auto const b = std::to_integer<unsigned>(bytes_.view()[i]);
            out[2 * i] = digits[b >> 4U];
            out[2 * i + 1] = digits[b & 15U];
        }
    }

    /// In constant time.
    [[nodiscard]] friend bool operator==(network_key const& left, network_key const& right) noexcept {
        return left.bytes_ == right.bytes_;
    }

private:
    network_key() noexcept = default;

    secret_bytes<size> bytes_;
};

static_assert(crypto_kdf_CONTEXTBYTES == 8);

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
