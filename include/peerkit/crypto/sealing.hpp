// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The policy seat of frame sealing: how a datagram or stream frame is closed and opened.
#ifndef PEERKIT_CRYPTO_SEALING_HPP
#define PEERKIT_CRYPTO_SEALING_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/envelope.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

using wire::nonce_view;

/// `T::suite`: the number of the suite in the head of a frame (`wire::suites`), a `static constexpr
/// std::uint8_t` below 16.
template <typename T>
concept SealingHasSuite = std::same_as<decltype(&T::suite), std::uint8_t const*> && (T::suite < 16);

/// `sealing.key_id()`: the key that `seal` uses. `sealing.knows(id)`: whether `open` could be tried with key
/// `id`; one key at most, so that a frame costs one attempt.
template <typename T>
concept SealingHasKeys = requires(T const& sealing, std::uint32_t id) {
    { sealing.key_id() } noexcept -> std::same_as<std::uint32_t>;
    { sealing.knows(id) } noexcept -> std::same_as<bool>;
};

/// `sealing.seal(nonce, ad, text)`: `text` is the plaintext followed by 16 bytes of room; both are replaced,
/// by the ciphertext and the tag. The additional data `ad` is covered but not changed.
template <typename T>
concept SealingSeals = requires(T const& sealing, nonce_view nonce, byte_view ad, byte_span text_then_tag) {
    { sealing.seal(nonce, ad, text_then_tag) } noexcept -> std::same_as<void>;
};

/// `sealing.open(key_id, nonce, ad, text)`: true and the plaintext in place if `seal` made these bytes with
/// the same key, nonce and additional data; false otherwise, the text is then unspecified and must not be
/// looked at.
template <typename T>
concept SealingOpens =
    requires(T const& sealing, std::uint32_t id, nonce_view nonce, byte_view ad, byte_span text_then_tag) {
        { sealing.open(id, nonce, ad, text_then_tag) } noexcept -> std::same_as<bool>;
    };

/// How frames are closed to outsiders. Models: `xchacha_sealing` (crypto/key_ring.hpp), `open_sealing`
/// (crypto/open_network.hpp), `fake_sealing` (crypto/fake.hpp, for simulation). Requirements, models and an
/// exemplar: docs/concepts/frame_sealing.md.
template <typename T>
concept FrameSealing = SealingHasSuite<T> && SealingHasKeys<T> && SealingSeals<T> && SealingOpens<T>;

/// Says in one sentence what `T` lacks to be `FrameSealing`.
/// @code static_assert(peerkit::crypto::check_frame_sealing<my_sealing>()); @endcode
template <typename T>
consteval bool check_frame_sealing() {
    static_assert(SealingHasSuite<T>,
                  "peerkit: a FrameSealing needs `static constexpr std::uint8_t suite` below 16; see "
                  "docs/concepts/frame_sealing.md");
    static_assert(SealingHasKeys<T>, "peerkit: a FrameSealing needs `std::uint32_t key_id() const noexcept` and `bool "
                                     "knows(std::uint32_t) const noexcept`; see docs/concepts/frame_sealing.md");
    static_assert(SealingSeals<T>,
                  "peerkit: a FrameSealing needs `void seal(nonce_view, byte_view ad, byte_span text_then_tag) "
                  "const noexcept`; see docs/concepts/frame_sealing.md");
    static_assert(SealingOpens<T>,
                  "peerkit: a FrameSealing needs `bool open(std::uint32_t key_id, nonce_view, byte_view ad, "
                  "byte_span text_then_tag) const noexcept`; see docs/concepts/frame_sealing.md");
    return FrameSealing<T>;
}

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
