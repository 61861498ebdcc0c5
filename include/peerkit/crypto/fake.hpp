// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Stand-ins for signing and sealing in simulations and fuzzing: fast, deterministic, no security at all.
#ifndef PEERKIT_CRYPTO_FAKE_HPP
#define PEERKIT_CRYPTO_FAKE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/core/word_hash.hpp>
#include <peerkit/crypto/sealing.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

using peerkit::word_hash;

/// An identity without security: the id follows from a seed, and anyone can compute any signature. `Signing`.
class fake_identity {
public:
    explicit constexpr fake_identity(std::uint64_t seed) noexcept {
        seeded_rng rng{seed};
        for (std::size_t i = 0; i < node_id::size; i += 8) store_big(id_.bytes.data() + i, rng());
    }

    [[nodiscard]] constexpr node_id id() const noexcept { return id_; }
    [[nodiscard]] signature sign(byte_view message) const noexcept { return signature_of(id_, message); }
    [[nodiscard]] static bool verify(node_id const& id, byte_view message, byte_view given) noexcept {
        return equal(signature_of(id, message), given);
    }

private:
    [[nodiscard]] static signature signature_of(node_id const& id, byte_view message) noexcept {
        word_hash hash{0x7369676e61747572ULL};
        hash.part(id.bytes);
        hash.part(message);
        seeded_rng words{hash.value()};
        signature made;
        for (std::size_t i = 0; i < made.size(); i += 8) store_big(made.data() + i, words());
        return made;
    }

    node_id id_;
};

/// A seal without secrecy: the text stays as it is, the tag is a hash over key, nonce, additional data and
/// text. Refuses damage, another network, another receiver and another key as a real one does.
/// `FrameSealing`.
class fake_sealing {
public:
    /// The number of the suite it stands in for.
    static constexpr std::uint8_t suite = wire::suites::xchacha20poly1305;

    explicit constexpr fake_sealing(std::uint64_t key = 0) noexcept : key_{key} {}

    [[nodiscard]] constexpr std::uint32_t key_id() const noexcept {
        return static_cast<std::uint32_t>(word_hash::mixed(key_ ^ 0x6b65796964ULL));
    }
    [[nodiscard]] constexpr bool knows(std::uint32_t id) const noexcept { return id == key_id(); }

    void seal(nonce_view nonce, byte_view ad, byte_span text_then_tag) const noexcept {
        std::size_t const text = text_then_tag.size() - wire::envelope::tail;
        copy_bytes(tag(nonce, ad, text_then_tag.first(text)), text_then_tag.subspan(text));
    }
    [[nodiscard]] bool open(std::uint32_t id, nonce_view nonce, byte_view ad, byte_span text_then_tag) const noexcept {
        std::size_t const text = text_then_tag.size() - wire::envelope::tail;
        return knows(id) && equal(tag(nonce, ad, text_then_tag.first(text)), text_then_tag.subspan(text));
    }

private:
    [[nodiscard]] std::array<std::byte, wire::envelope::tail> tag(nonce_view nonce, byte_view ad,
                                                                  byte_view text) const noexcept {
        word_hash hash{key_};
        hash.part(nonce);
        hash.part(ad);
        hash.part(text);
        std::array<std::byte, wire::envelope::tail> made;
        store_big(made.data(), hash.value());
        store_big(made.data() + 8, word_hash::mixed(hash.value() + 0x9e3779b97f4a7c15ULL));
        return made;
    }

    std::uint64_t key_;
};

static_assert(check_signing<fake_identity>());
static_assert(check_frame_sealing<fake_sealing>());

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
