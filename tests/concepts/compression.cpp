// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Archetype and exemplar of Compression; docs/concepts/compression.md quotes the exemplar.
#include <peerkit/wire/compression.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

using namespace peerkit;

namespace {

/// The archetype: what the concept asks for, and what any policy handed to an engine needs: to be moved.
class least_compression {
public:
    static constexpr std::uint8_t algorithm = 254;
    explicit least_compression(int) noexcept {}
    least_compression(least_compression&&) noexcept = default;
    least_compression& operator=(least_compression&&) = delete;

    std::size_t compress(byte_view, byte_span) noexcept { return 0; }
    bool expand(byte_view, byte_span) const noexcept { return false; }
};
static_assert(wire::Compression<least_compression>);
static_assert(wire::check_compression<least_compression>());

// [exemplar]
/// Leaves out the zeros at the end, of which fixed-size fields of a host's messages have many.
struct trailing_zeros {
    /// From 128 on numbers are for policies of hosts.
    static constexpr std::uint8_t algorithm = 128;

    [[nodiscard]] std::size_t compress(peerkit::byte_view from, peerkit::byte_span to) noexcept {
        while (!from.empty() && from.back() == std::byte{0}) from = from.first(from.size() - 1);
        if (from.size() > to.size()) return 0;
        std::copy(from.begin(), from.end(), to.begin());
        return from.size();
    }
    [[nodiscard]] bool expand(peerkit::byte_view from, peerkit::byte_span to) const noexcept {
        if (from.size() > to.size()) return false;
        std::fill(std::copy(from.begin(), from.end(), to.begin()), to.end(), std::byte{0});
        return true;
    }
};
static_assert(peerkit::wire::check_compression<trailing_zeros>());
// [/exemplar]

// Each requirement is missing from a type of its own, and from that one alone.
struct no_algorithm {
    std::size_t compress(byte_view, byte_span) noexcept { return 0; }
    bool expand(byte_view, byte_span) const noexcept { return false; }
};
struct no_compress {
    static constexpr std::uint8_t algorithm = 254;
    bool expand(byte_view, byte_span) const noexcept { return false; }
};
struct no_expand {
    static constexpr std::uint8_t algorithm = 254;
    std::size_t compress(byte_view, byte_span) noexcept { return 0; }
};
struct expand_may_throw : no_expand {
    bool expand(byte_view, byte_span) const { return false; }
};
static_assert(!wire::HasCompressionAlgorithm<no_algorithm> && wire::HasCompress<no_algorithm> &&
              wire::HasExpand<no_algorithm>);
static_assert(!wire::HasCompress<no_compress> && wire::HasExpand<no_compress> &&
              wire::HasCompressionAlgorithm<no_compress>);
static_assert(!wire::HasExpand<no_expand> && wire::HasCompress<no_expand>);
static_assert(!wire::Compression<expand_may_throw>);

} // namespace

TEST_CASE("the exemplar of a compression policy brings back what it was given") {
    std::array<std::byte, 100> plain{};
    plain[0] = std::byte{3};
    plain[49] = std::byte{4};
    auto const before = plain;
    std::array<std::byte, 100> scratch;
    trailing_zeros policy;
    std::size_t const size = wire::compressed_packet::write(policy, plain, plain.size(), scratch);
    CHECK(size == wire::compressed_packet::head + 50);
    auto const after = wire::compressed_packet::expand(policy, byte_view{plain}.first(size), scratch);
    REQUIRE(after.has_value());
    CHECK(std::equal(after->begin(), after->end(), before.begin(), before.end()));
}
