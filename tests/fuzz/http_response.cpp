// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// HTTP responses from a hostile server: limits hold, and the pieces they arrive in do not matter.
#include <peerkit/net/http_response.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using peerkit::net::http_response_parser;

constexpr std::size_t max_body = 4096;
constexpr std::size_t max_head = 1024;

struct outcome {
    bool failed = false;
    peerkit::error why{peerkit::net::net_error::http_truncated};
    unsigned status = 0;
    std::string body;
};

/// Feeds pieces whose sizes follow from `seed`; seed 0 feeds all at once.
outcome parse(std::string_view text, std::uint32_t seed) {
    http_response_parser parser{max_body, max_head};
    outcome got;
    std::size_t at = 0;
    while (at < text.size() && !got.failed) {
        std::size_t size = text.size() - at;
        if (seed != 0) {
            seed = seed * 1664525U + 1013904223U;
            size = std::min<std::size_t>(size, 1 + (seed >> 24U) % 13U);
        }
        auto const fed = parser.feed(text.substr(at, size));
        if (!fed) {
            got.failed = true;
            got.why = fed.error();
        }
        at += size;
    }
    if (!got.failed) {
        if (auto const ended = parser.finish(); !ended) {
            got.failed = true;
            got.why = ended.error();
        }
    }
    if (parser.body().size() > max_body) __builtin_trap();
    if (parser.complete() == got.failed) __builtin_trap();
    if (!got.failed) {
        got.status = parser.status();
        if (got.status < 200 || got.status > 999) __builtin_trap();
        got.body = parser.take_body();
        if (got.body.size() > text.size()) __builtin_trap();
    }
    return got;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    outcome const whole = parse(text, 0);
    for (std::uint32_t const seed : {1U, 77U}) {
        outcome const cut = parse(text, seed);
        bool const same = cut.failed == whole.failed && cut.status == whole.status && cut.body == whole.body;
        if (!same) __builtin_trap();
        if (cut.failed && !(cut.why == whole.why && cut.why.position() == whole.why.position())) __builtin_trap();
    }
    return 0;
}
