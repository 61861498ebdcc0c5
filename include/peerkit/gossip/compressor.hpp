// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A compression policy with the memory it works in: which plaintexts are compressed, which are expanded.
#ifndef PEERKIT_GOSSIP_COMPRESSOR_HPP
#define PEERKIT_GOSSIP_COMPRESSOR_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/counters.hpp>
#include <peerkit/wire/compression.hpp>

#include <cstddef>
#include <memory>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Compresses what is about to be sealed and expands what was opened. Without compression it has no memory, and both
/// calls are nothing.
template <wire::Compression Policy>
class compressor {
public:
    static constexpr bool active = Policy::algorithm != wire::compression_algorithms::none;

    explicit compressor(Policy policy) : policy_{std::move(policy)} {
        if constexpr (active) memory_.reset(new std::byte[2 * limits::stream_frame]);
    }

    /// The plaintext to be read: `plain` itself, or what it expands to, valid until the next call.
    /// @param most bytes that a plaintext may have in that place
    /// @par Errors those of `wire::compressed_packet::expand`.
    [[nodiscard]] result<byte_span> expand(byte_span plain, std::size_t most, gossip::counters& counted) noexcept {
        if constexpr (active) {
            if (wire::compressed_packet::is(plain)) {
                ++counted.packets_expanded;
                return wire::compressed_packet::expand(policy_, plain, byte_span{memory_.get(), most});
            }
        }
        return plain;
    }
    /// Compresses the `size` bytes at the front of `room` if they are many and it pays; returns how many are left.
    [[nodiscard]] std::size_t compress(byte_span room, std::size_t size, gossip::counters& counted) noexcept {
        if constexpr (active) {
            if (size <= limits::uncompressed) return size;
            byte_span const scratch{memory_.get() + limits::stream_frame, limits::stream_frame};
            std::size_t const left = wire::compressed_packet::write(policy_, room, size, scratch);
            counted.packets_compressed += left != size ? 1U : 0U;
            counted.bytes_saved += size - left;
            return left;
        }
        return size;
    }

private:
    [[no_unique_address]] Policy policy_;
    std::unique_ptr<std::byte[]> memory_; ///< one frame for what was expanded, one to compress into
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
