// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A fast hash of bytes, the same on every machine: notices damage, resists nobody.
#ifndef PEERKIT_CORE_WORD_HASH_HPP
#define PEERKIT_CORE_WORD_HASH_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

PEERKIT_BEGIN_NAMESPACE

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

PEERKIT_END_NAMESPACE

#endif
