// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Base64 and ids in blocks of 32 characters where the processor can: they are most of a registry's list.
#ifndef PEERKIT_REGISTRY_TEXT_BLOCKS_HPP
#define PEERKIT_REGISTRY_TEXT_BLOCKS_HPP

#include <peerkit/core/base64.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>

#include <cstddef>
#include <simdjson.h> // for the processor's own instructions, which it brings along
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

namespace detail {

#if SIMDJSON_IS_X86_64 && (defined(__GNUC__) || defined(__clang__))

/// Reads 32 characters; writes 24 bytes and 8 that mean nothing. False, with nothing written, if one of them is no
/// digit. The method is that of W. Mula and D. Lemire ("Faster Base64 Encoding and Decoding Using AVX2 Instructions",
/// 2018).
__attribute__((target("avx2"))) inline bool read_base64_block(char const* text, std::byte* out) noexcept {
    __m256i const nibble = _mm256_set1_epi8(0x0f);
    // A character is a digit if the bits its halves stand for have none in common.
    __m256i const low_bits = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a));
    __m256i const high_bits = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10));
    // What makes the value of a digit, by its upper half; '/' has the place before that of '+'.
    __m256i const to_value =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0));
    __m256i const big_endian =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
    __m256i const block = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(text));
    __m256i const high = _mm256_and_si256(_mm256_srli_epi32(block, 4), nibble);
    __m256i const low = _mm256_and_si256(block, nibble);
    if (_mm256_testz_si256(_mm256_shuffle_epi8(low_bits, low), _mm256_shuffle_epi8(high_bits, high)) == 0) return false;
    __m256i const slash = _mm256_cmpeq_epi8(block, _mm256_set1_epi8('/'));
    __m256i const values = _mm256_add_epi8(block, _mm256_shuffle_epi8(to_value, _mm256_add_epi8(slash, high)));
    // Four values of 6 bits become 24, first in pairs.
    __m256i const pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
    __m256i const fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
    __m256i const bytes =
        _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(fours, big_endian), _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), bytes);
    return true;
}
/// Reads digits in blocks, the last of which may begin within the one before, as long as there is room for 32 bytes and
/// all are digits. How many characters were read. `size`: a multiple of 4, at least 32.
__attribute__((target("avx2"))) inline std::size_t read_base64_blocks(char const* text, std::size_t size,
                                                                      std::byte* out, std::size_t room) noexcept {
    std::size_t done = 0;
    while (done < size) {
        std::size_t const at = done + 32 <= size ? done : size - 32;
        std::size_t const to = at / 4 * 3;
        if (room < to + 32 || !read_base64_block(text + at, out + to)) break;
        done = at + 32;
    }
    return done;
}
/// Reads the 64 hexadecimal digits of an id; nothing is written if one of them is none.
__attribute__((target("avx2"))) inline bool read_hex_id(char const* text, std::byte* out) noexcept {
    __m256i ok = _mm256_set1_epi8(-1);
    __m256i halves[2];
    for (int i = 0; i < 2; ++i) {
        __m256i const block = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(text) + i);
        __m256i const folded = _mm256_or_si256(block, _mm256_set1_epi8(0x20));
        __m256i const decimal = _mm256_and_si256(_mm256_cmpgt_epi8(block, _mm256_set1_epi8('0' - 1)),
                                                 _mm256_cmpgt_epi8(_mm256_set1_epi8('9' + 1), block));
        __m256i const letter = _mm256_and_si256(_mm256_cmpgt_epi8(folded, _mm256_set1_epi8('a' - 1)),
                                                _mm256_cmpgt_epi8(_mm256_set1_epi8('f' + 1), folded));
        ok = _mm256_and_si256(ok, _mm256_or_si256(decimal, letter));
        __m256i const values = _mm256_add_epi8(_mm256_and_si256(block, _mm256_set1_epi8(0x0f)),
                                               _mm256_and_si256(letter, _mm256_set1_epi8(9)));
        halves[i] = _mm256_maddubs_epi16(values, _mm256_set1_epi16(0x0110));
    }
    if (_mm256_movemask_epi8(ok) != -1) return false;
    __m256i const bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(halves[0], halves[1]), 0xd8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), bytes);
    return true;
}
[[nodiscard]] inline bool has_text_blocks() noexcept { return __builtin_cpu_supports("avx2") != 0; }

#else

inline std::size_t read_base64_blocks(char const*, std::size_t, std::byte*, std::size_t) noexcept { return 0; }
inline bool read_hex_id(char const*, std::byte*) noexcept { return false; }
[[nodiscard]] constexpr bool has_text_blocks() noexcept { return false; }

#endif

} // namespace detail

/// The same as `from_base64`, errors included, several times as fast for long texts. What is in `out` behind the bytes
/// it wrote is not specified.
[[nodiscard]] inline result<std::size_t> from_base64_blocks(std::string_view text, byte_span out) noexcept {
    std::size_t done = 0;
    if (text.size() >= 36 && text.size() % 4 == 0 && detail::has_text_blocks()) {
        // The end may be padding.
        done = detail::read_base64_blocks(text.data(), text.size() - 4, out.data(), out.size());
    }
    std::size_t const written = done / 4 * 3;
    auto const rest = from_base64(text.substr(done), out.subspan(written));
    if (rest) return written + *rest;
    return fail(rest.error().at(rest.error().position() + (rest.error() == core_error::too_long ? written : done),
                                rest.error().field().data()));
}

/// The same as `from_hex`, errors included, faster for ids.
[[nodiscard]] inline result<void> from_hex_blocks(std::string_view text, byte_span out) noexcept {
    if (text.size() == 64 && out.size() == 32 && detail::has_text_blocks() &&
        detail::read_hex_id(text.data(), out.data())) {
        return {};
    }
    return from_hex(text, out);
}

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
