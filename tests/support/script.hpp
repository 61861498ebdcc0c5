// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Reads the choices of a fuzz target out of its input; zeros follow the end.
#ifndef PEERKIT_TESTS_SUPPORT_SCRIPT_HPP
#define PEERKIT_TESTS_SUPPORT_SCRIPT_HPP

#include <peerkit/core/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tests {

/// Stops a fuzz target at once if something does not hold.
inline void require(bool holds) {
    if (!holds) __builtin_trap();
}

class script {
public:
    script(std::uint8_t const* data, std::size_t size) : rest_{std::as_bytes(std::span{data, size})} {}

    [[nodiscard]] bool over() const { return rest_.empty(); }
    std::uint8_t byte() {
        if (rest_.empty()) return 0;
        auto const taken = std::to_integer<std::uint8_t>(rest_.front());
        rest_ = rest_.subspan(1);
        return taken;
    }
    /// Below `bound`, which is at most 256.
    std::size_t below(std::size_t bound) { return byte() % bound; }
    std::uint64_t number() {
        std::uint64_t value = 0;
        for (int i = 0; i < 8; ++i) value = value << 8U | byte();
        return value;
    }
    /// Small numbers mostly, and those around the bounds.
    std::uint64_t incarnation() {
        std::uint8_t const b = byte();
        if (b < 200) return 1 + b % 16;
        if (b < 250) return (std::uint64_t{1} << (b - 200)) + byte();
        return (std::uint64_t{1} << 63U) - 1 - (b - 250U);
    }
    /// Up to `most` bytes, their number first.
    peerkit::byte_view bytes(std::size_t most) {
        std::size_t const wanted = (std::size_t{byte()} << 8U | byte()) % (most + 1);
        auto const taken = rest_.first(std::min(wanted, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

private:
    peerkit::byte_view rest_;
};

} // namespace tests

#endif
