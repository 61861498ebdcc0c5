// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Unpredictable 64-bit words, a few nanoseconds each.
#ifndef PEERKIT_CRYPTO_SECURE_RNG_HPP
#define PEERKIT_CRYPTO_SECURE_RNG_HPP

#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/secret_bytes.hpp>
#include <peerkit/crypto/sodium.hpp>
#include <peerkit/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// ChaCha20 with fast key erasure (D. J. Bernstein, 2017), seeded by the system. Models `Rng`.
///
/// Words are made 124 at a time; the key that made them is replaced in the same step and each word is erased
/// when it is given out, so that a copy of the memory tells nothing of the past. Moves but does not copy. One
/// thread at a time.
///
/// A process that forks must call `reseed` in the child before the next word: parent and child would
/// otherwise draw the same words.
class secure_rng {
public:
    /// @par Errors `unavailable`.
    [[nodiscard]] static result<secure_rng> make() noexcept {
        if (auto const ready = ensure_sodium(); !ready) return fail(ready.error());
        secure_rng made;
        made.reseed();
        return made;
    }

    /// The generator moved from goes on with fresh entropy.
    secure_rng(secure_rng&& from) noexcept : block_{std::move(from.block_)}, next_{from.next_} { from.reseed(); }
    secure_rng& operator=(secure_rng&& from) noexcept {
        if (this != &from) {
            block_ = std::move(from.block_);
            next_ = from.next_;
            from.reseed();
        }
        return *this;
    }
    ~secure_rng() = default;

    std::uint64_t operator()() noexcept {
        if (next_ == block_size) refill();
        std::uint64_t word = 0;
        std::memcpy(&word, block_.data() + next_, sizeof word);
        std::memset(block_.data() + next_, 0, sizeof word);
        next_ += sizeof word;
        return word;
    }

    /// Forgets everything and starts from fresh entropy.
    void reseed() noexcept {
        block_.wipe();
        randombytes_buf(block_.data(), key_size);
        next_ = block_size;
    }

private:
    static constexpr std::size_t key_size = crypto_stream_chacha20_KEYBYTES;
    static constexpr std::size_t block_size = 1024;

    secure_rng() noexcept = default;

    /// The block begins with the key that makes the next block.
    void refill() noexcept {
        constexpr unsigned char no_nonce[crypto_stream_chacha20_NONCEBYTES] = {};
        secret_bytes<key_size> key{std::span<std::byte const, key_size>{block_.view().first(key_size)}};
        crypto_stream_chacha20(block_.data(), block_size, no_nonce, key.data());
        next_ = key_size;
    }

    secret_bytes<block_size> block_;
    std::size_t next_ = block_size;
};

static_assert(Rng<secure_rng>);

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
