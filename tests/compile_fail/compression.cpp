// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// check_compression names the requirement a type does not meet, and the page that explains it.
// expect: `static constexpr std::uint8_t algorithm`; see docs/concepts/compression\.md
// expect: `std::size_t compress\(byte_view from, byte_span to\) noexcept`; see docs/concepts/compression\.md
// expect: `bool expand\(byte_view from, byte_span to\) const noexcept`; see docs/concepts/compression\.md
#include <peerkit/wire/compression.hpp>

using namespace peerkit;

struct without_algorithm {
    std::size_t compress(byte_view, byte_span) noexcept;
    bool expand(byte_view, byte_span) const noexcept;
};
struct without_compress {
    static constexpr std::uint8_t algorithm = 200;
    bool expand(byte_view, byte_span) const noexcept;
};
struct without_expand {
    static constexpr std::uint8_t algorithm = 200;
    std::size_t compress(byte_view, byte_span) noexcept;
};

#if PEERKIT_COMPILE_FAIL
static_assert(wire::check_compression<without_algorithm>());
static_assert(wire::check_compression<without_compress>());
static_assert(wire::check_compression<without_expand>());
#else
static_assert(wire::check_compression<wire::no_compression>());
static_assert(!wire::Compression<without_algorithm>);
#endif
