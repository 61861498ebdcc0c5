// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// SipHash-2-4: a keyed hash for short inputs, without a library.
#ifndef PEERKIT_CRYPTO_SIPHASH_HPP
#define PEERKIT_CRYPTO_SIPHASH_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// 128 bits that only the one who hashes knows.
struct siphash_key {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
};

/// SipHash-2-4 of Aumasson and Bernstein ("SipHash: a fast short-input PRF", 2012), fed piece by piece. Who does not
/// know the key can neither foresee a value nor make two inputs collide. A value; allocates nothing.
///
/// @code
/// crypto::siphash hash{key};
/// hash.part(as_bytes(name));
/// hash.number(port);
/// std::uint64_t const place = hash.value();
/// @endcode
class siphash {
public:
    explicit constexpr siphash(siphash_key const& key) noexcept
        : v_{key.first ^ 0x736f6d6570736575ULL, key.second ^ 0x646f72616e646f6dULL, key.first ^ 0x6c7967656e657261ULL,
             key.second ^ 0x7465646279746573ULL} {}

    /// The bytes as they are: where one piece ends and the next begins plays no part.
    constexpr void bytes(byte_view from) noexcept {
        for (std::byte const b : from) byte(b);
    }
    /// The bytes behind their number, so that none can move from one part to the next.
    constexpr void part(byte_view from) noexcept {
        number(from.size());
        bytes(from);
    }
    /// Eight bytes.
    constexpr void number(std::uint64_t value) noexcept {
        for (unsigned shift = 0; shift < 64; shift += 8) byte(static_cast<std::byte>(value >> shift & 0xffU));
    }

    /// Of what was fed so far.
    [[nodiscard]] constexpr std::uint64_t value() const noexcept {
        siphash last{*this};
        last.end(0xff);
        return last.v_[0] ^ last.v_[1] ^ last.v_[2] ^ last.v_[3];
    }

private:
    constexpr void byte(std::byte b) noexcept {
        word_ |= std::to_integer<std::uint64_t>(b) << (8 * (size_ & 7U));
        if ((++size_ & 7U) == 0) {
            absorb(word_);
            word_ = 0;
        }
    }
    constexpr void absorb(std::uint64_t word) noexcept {
        v_[3] ^= word;
        round();
        round();
        v_[0] ^= word;
    }
    constexpr void end(std::uint64_t mark) noexcept {
        absorb(word_ | size_ << 56U);
        v_[2] ^= mark;
        for (int i = 0; i < 4; ++i) round();
    }
    constexpr void round() noexcept {
        v_[0] += v_[1];
        v_[2] += v_[3];
        v_[1] = std::rotl(v_[1], 13) ^ v_[0];
        v_[3] = std::rotl(v_[3], 16) ^ v_[2];
        v_[0] = std::rotl(v_[0], 32);
        v_[2] += v_[1];
        v_[0] += v_[3];
        v_[1] = std::rotl(v_[1], 17) ^ v_[2];
        v_[3] = std::rotl(v_[3], 21) ^ v_[0];
        v_[2] = std::rotl(v_[2], 32);
    }

    std::array<std::uint64_t, 4> v_;
    std::uint64_t word_ = 0;
    std::uint64_t size_ = 0;
};

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
