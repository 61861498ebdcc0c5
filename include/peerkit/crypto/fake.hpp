// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Stand-ins for signing and sealing in simulations and fuzzing: fast, deterministic, no security at all.
#ifndef PEERKIT_CRYPTO_FAKE_HPP
#define PEERKIT_CRYPTO_FAKE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/sealing.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// A 64-bit hash over parts, eight bytes at a time in four independent lanes. Notices damage; resists nobody.
/// Gives the same value with every compiler and byte order.
class word_hash {
public:
    explicit constexpr word_hash(std::uint64_t seed) noexcept
        : lanes_{seed ^ 0x243f6a8885a308d3ULL, seed ^ 0x13198a2e03707344ULL, seed ^ 0xa4093822299f31d0ULL,
                 seed ^ 0x082efa98ec4e6c89ULL} {}

    /// Takes in one part and its length, so that bytes cannot move from one part to the next.
    void part(byte_view bytes) noexcept {
        std::byte const* at = bytes.data();
        std::size_t left = bytes.size();
        for (; left >= 32; left -= 32, at += 32) {
            for (std::size_t i = 0; i < 4; ++i) absorb(i, word(at + 8 * i));
        }
        std::size_t lane = 0;
        for (; left >= 8; left -= 8, at += 8) absorb(lane++, word(at));
        std::array<std::byte, 8> last{};
        copy_bytes({at, left}, last);
        absorb(lane, word(last.data()));
        absorb(3, bytes.size());
    }
    [[nodiscard]] constexpr std::uint64_t value() const noexcept {
        std::uint64_t h = 0;
        for (std::uint64_t const lane : lanes_) h = mixed(h ^ lane);
        return h;
    }
    /// The final step of SplitMix64: a bijection whose every output bit depends on every input bit.
    [[nodiscard]] static constexpr std::uint64_t mixed(std::uint64_t z) noexcept {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }

private:
    constexpr void absorb(std::size_t lane, std::uint64_t w) noexcept {
        lanes_[lane] = std::rotl(lanes_[lane] ^ (w * 0xc2b2ae3d27d4eb4fULL), 29) * 0x9e3779b97f4a7c15ULL;
    }
    /// Little-endian, which is a plain load on nearly every machine.
    [[nodiscard]] static std::uint64_t word(std::byte const* at) noexcept {
        if constexpr (std::endian::native == std::endian::little) {
            std::uint64_t w = 0;
            std::memcpy(&w, at, sizeof w);
            return w;
        } else {
            std::uint64_t w = 0;
            for (std::size_t i = 8; i-- > 0;) w = w << 8U | std::to_integer<std::uint64_t>(at[i]);
            return w;
        }
    }

    std::array<std::uint64_t, 4> lanes_;
};

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
