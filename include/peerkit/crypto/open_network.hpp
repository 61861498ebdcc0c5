// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Sealing for networks anyone may talk on: no secrecy, damage is noticed.
#ifndef PEERKIT_CRYPTO_OPEN_NETWORK_HPP
#define PEERKIT_CRYPTO_OPEN_NETWORK_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/crypto/sealing.hpp>
#include <peerkit/crypto/secret_bytes.hpp>
#include <peerkit/crypto/sodium.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// Frame sealing without a secret. `FrameSealing`. Writing this type is how a host says that its network is
/// open: no flag, key or packet can turn a closed network into one.
///
/// The text travels in clear. The tag is a BLAKE2b-128 keyed with the network id over nonce, additional data
/// and text: it notices damage and frames of other networks and keeps nobody out. Announcements are signed
/// all the same. Const members may be called from any number of threads.
class open_sealing {
public:
    static constexpr std::uint8_t suite = wire::suites::open;

    explicit constexpr open_sealing(network_id const& network) noexcept : network_{network} {}

    [[nodiscard]] constexpr std::uint32_t key_id() const noexcept { return 0; }
    [[nodiscard]] constexpr bool knows(std::uint32_t id) const noexcept { return id == 0; }

    void seal(nonce_view nonce, byte_view ad, byte_span text_then_tag) const noexcept {
        std::size_t const text = text_then_tag.size() - wire::envelope::tail;
        copy_bytes(tag(nonce, ad, text_then_tag.first(text)), text_then_tag.subspan(text));
    }
    [[nodiscard]] bool open(std::uint32_t id, nonce_view nonce, byte_view ad, byte_span text_then_tag) const noexcept {
        std::size_t const text = text_then_tag.size() - wire::envelope::tail;
        return knows(id) && equal(tag(nonce, ad, text_then_tag.first(text)), text_then_tag.subspan(text));
    }

private:
    [[nodiscard]] std::array<std::byte, 16> tag(nonce_view nonce, byte_view ad, byte_view text) const noexcept {
        std::array<std::byte, 8> ad_size{};
        store_big(ad_size.data(), std::uint64_t{ad.size()});
        crypto_generichash_state state;
        crypto_generichash_init(&state, detail::raw(network_.bytes.data()), network_.bytes.size(), 16);
        crypto_generichash_update(&state, detail::raw(nonce.data()), nonce.size());
        crypto_generichash_update(&state, detail::raw(ad_size.data()), ad_size.size());
        crypto_generichash_update(&state, detail::raw(ad.data()), ad.size());
        crypto_generichash_update(&state, detail::raw(text.data()), text.size());
        std::array<std::byte, 16> made;
        crypto_generichash_final(&state, detail::raw(made.data()), made.size());
        return made;
    }

    network_id network_;
};

static_assert(check_frame_sealing<open_sealing>());
static_assert(crypto_generichash_KEYBYTES_MIN <= 16 && crypto_generichash_BYTES_MIN <= 16);

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
