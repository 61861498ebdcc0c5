// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Sealing with XChaCha20-Poly1305 under a network key, which can be changed while the network runs.
#ifndef PEERKIT_CRYPTO_KEY_RING_HPP
#define PEERKIT_CRYPTO_KEY_RING_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/crypto/network_key.hpp>
#include <peerkit/crypto/sealing.hpp>
#include <peerkit/crypto/secret_bytes.hpp>
#include <peerkit/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// Frame sealing for closed networks: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) under a key derived from
/// the network key. `FrameSealing`.
///
/// Holds the primary key, which seals, and at most one other that is accepted as well. To change the key of a
/// running network: `install` the new one on every node, then `use` it on every node, then `remove` the old
/// one on every node. Moves but does not copy. `seal` and `open` may run on any number of threads while
/// nothing changes the keys.
class xchacha_sealing {
public:
    static constexpr std::uint8_t suite = wire::suites::xchacha20poly1305;

    /// Seals with `primary` and accepts nothing else.
    explicit xchacha_sealing(network_key const& primary) noexcept : primary_{primary} {}

    [[nodiscard]] std::uint32_t key_id() const noexcept { return primary_.id; }
    [[nodiscard]] bool knows(std::uint32_t id) const noexcept {
        return id == primary_.id || (has_other_ && id == other_.id);
    }

    /// Accepts a second key; one that is held already changes nothing.
    /// @par Errors `key_id_collision`, `key_ring_full`; position is the key id.
    [[nodiscard]] result<void> install(network_key const& key) noexcept {
        slot made{key};
        if (knows(made.id)) {
            slot const& held = made.id == primary_.id ? primary_ : other_;
            if (held.key == made.key) return {};
            return fail(crypto_error::key_id_collision, made.id, "key id");
        }
        if (has_other_) return fail(crypto_error::key_ring_full, made.id, "key id");
        other_ = std::move(made);
        has_other_ = true;
        return {};
    }
    /// Seals with key `id` from now on and goes on accepting the one used so far. @par Errors `no_key`.
    [[nodiscard]] result<void> use(std::uint32_t id) noexcept {
        if (!knows(id)) return fail(crypto_error::no_key, id, "key id");
        if (id != primary_.id) std::swap(primary_, other_);
        return {};
    }
    /// Forgets key `id`. @par Errors `no_key`, `key_in_use` for the primary.
    [[nodiscard]] result<void> remove(std::uint32_t id) noexcept {
        if (!knows(id)) return fail(crypto_error::no_key, id, "key id");
        if (id == primary_.id) return fail(crypto_error::key_in_use, id, "key id");
        other_.key.wipe();
        has_other_ = false;
        return {};
    }
    [[nodiscard]] std::size_t key_count() const noexcept { return has_other_ ? 2 : 1; }

    void seal(nonce_view nonce, byte_view ad, byte_span text_then_tag) const noexcept {
        std::size_t const text = text_then_tag.size() - wire::envelope::tail;
        unsigned char* const at = detail::raw(text_then_tag.data());
        crypto_aead_xchacha20poly1305_ietf_encrypt_detached(at, at + text, nullptr, at, text, detail::raw(ad.data()),
                                                            ad.size(), nullptr, detail::raw(nonce.data()),
                                                            primary_.key.data());
    }
    [[nodiscard]] bool open(std::uint32_t id, nonce_view nonce, byte_view ad, byte_span text_then_tag) const noexcept {
        if (!knows(id)) return false;
        slot const& held = id == primary_.id ? primary_ : other_;
        std::size_t const text = text_then_tag.size() - wire::envelope::tail;
        unsigned char* const at = detail::raw(text_then_tag.data());
        return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(at, nullptr, at, text, at + text,
                                                                   detail::raw(ad.data()), ad.size(),
                                                                   detail::raw(nonce.data()), held.key.data()) == 0;
    }

private:
    struct slot {
        slot() noexcept = default;
        explicit slot(network_key const& from) noexcept : id{from.id()}, key{from.for_suite(suite)} {}

        std::uint32_t id = 0;
        network_key::subkey key;
    };

    slot primary_;
    slot other_;
    bool has_other_ = false;
};

static_assert(check_frame_sealing<xchacha_sealing>());
static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == 32 && crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == 24);
static_assert(crypto_aead_xchacha20poly1305_ietf_ABYTES == wire::envelope::tail);

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
