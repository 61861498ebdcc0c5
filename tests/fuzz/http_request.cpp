// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// HTTP requests from a hostile client: limits hold, and the pieces they arrive in do not matter.
#include <peerkit/net/http_request.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using peerkit::net::http_request;
using peerkit::net::http_request_parser;

constexpr peerkit::net::http_request_limits bounds{1024, 8, 512};

struct outcome {
    bool failed = false;
    peerkit::error why{peerkit::net::net_error::http_bad_request};
    std::string seen; ///< of all complete requests
};

void require(bool so) {
    if (!so) __builtin_trap();
}

void note(http_request const& one, std::string& seen) {
    require(!one.method.empty() && one.target.starts_with('/'));
    require(one.headers.size() <= bounds.headers && one.body.size() <= bounds.body);
    seen += one.method + '\n' + one.target + '\n';
    for (auto const& [name, value] : one.headers) {
        require(name.find_first_of("\r\n: ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos);
        require(value.find_first_of("\r\n") == std::string::npos);
        seen += name + ':' + value + '\n';
    }
    seen += one.body + (one.keep_alive ? "\n+" : "\n-");
}

/// Feeds pieces whose sizes follow from `seed`; seed 0 feeds all at once.
outcome parse(std::string_view text, std::uint32_t seed) {
    http_request_parser parser{bounds};
    outcome got;
    while (!text.empty()) {
        std::size_t size = text.size();
        if (seed != 0) {
            seed = seed * 1664525U + 1013904223U;
            size = std::min<std::size_t>(size, 1 + (seed >> 24U) % 13U);
        }
        auto const used = parser.feed(text.substr(0, size));
        if (!used) {
            require(!parser.complete());
            unsigned const status = http_request_parser::status_of(used.error());
            require(status >= 400 && status < 500);
            got.failed = true;
            got.why = used.error();
            break;
        }
        require(*used == size || parser.complete());
        text.remove_prefix(*used);
        if (parser.complete()) note(parser.take(), got.seen);
    }
    return got;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    outcome const whole = parse(text, 0);
    for (std::uint32_t const seed : {1U, 77U}) {
        outcome const cut = parse(text, seed);
        require(cut.failed == whole.failed && cut.seen == whole.seen);
        if (cut.failed) require(cut.why == whole.why && cut.why.position() == whole.why.position());
    }
    return 0;
}
