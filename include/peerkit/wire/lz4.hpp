// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Compression by LZ4: component lz4.
#ifndef PEERKIT_WIRE_LZ4_HPP
#define PEERKIT_WIRE_LZ4_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/compression.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <lz4.h>
#include <memory>

PEERKIT_BEGIN_NAMESPACE
namespace wire {

/// LZ4 blocks (liblz4). Its 16 KiB of working memory are taken once and belong to the object: one thread at a time.
/// @code
/// using policies = gossip::policies<crypto::ed25519_identity, crypto::xchacha_sealing,
///                                   crypto::secure_rng>::with_compression<wire::lz4_compression>;
/// @endcode
class lz4_compression {
public:
    static constexpr std::uint8_t algorithm = compression_algorithms::lz4_block;

    lz4_compression() : state_{new std::byte[state_size()]} {}

    [[nodiscard]] std::size_t compress(byte_view from, byte_span to) noexcept {
        if (from.empty() || from.size() > LZ4_MAX_INPUT_SIZE) return 0;
        int const written = LZ4_compress_fast_extState(state_.get(), text(from), text(to), length(from.size()),
                                                       length(to.size()), acceleration);
        return written > 0 ? static_cast<std::size_t>(written) : 0;
    }
    [[nodiscard]] bool expand(byte_view from, byte_span to) const noexcept {
        if (from.empty() || to.empty()) return false;
        int const written = LZ4_decompress_safe(text(from), text(to), length(from.size()), length(to.size()));
        return written > 0 && static_cast<std::size_t>(written) == to.size();
    }

private:
    /// LZ4's own default acceleration.
    static constexpr int acceleration = 1;

    [[nodiscard]] static std::size_t state_size() noexcept { return static_cast<std::size_t>(LZ4_sizeofState()); }
    [[nodiscard]] static int length(std::size_t size) noexcept {
        constexpr auto most = static_cast<std::size_t>(std::numeric_limits<int>::max());
        return static_cast<int>(size < most ? size : most);
    }
    [[nodiscard]] static char const* text(byte_view bytes) noexcept {
        return reinterpret_cast<char const*>(bytes.data());
    }
    [[nodiscard]] static char* text(byte_span bytes) noexcept { return reinterpret_cast<char*>(bytes.data()); }

    std::unique_ptr<std::byte[]> state_;
};

static_assert(check_compression<lz4_compression>());

} // namespace wire
PEERKIT_END_NAMESPACE

#endif
