// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes ip_address against inet_pton and inet_ntop, in both directions.
#include <peerkit/core/ip_address.hpp>

#include <arpa/inet.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace {

using peerkit::byte_view;
using peerkit::ip_address;
using peerkit::ip_family;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

void check_text(std::string_view text) {
    std::string const terminated{text};
    bool const whole = text.find('\0') == std::string_view::npos;
    std::array<std::byte, 16> v4{}, v6{};
    bool const is_v4 = whole && inet_pton(AF_INET, terminated.c_str(), v4.data()) == 1;
    bool const is_v6 = whole && inet_pton(AF_INET6, terminated.c_str(), v6.data()) == 1;

    auto const parsed = ip_address::parse(text);
    require(parsed.has_value() == (is_v4 || is_v6));
    if (!parsed) {
        require(parsed.error() == (text.empty() ? peerkit::core_error::empty : peerkit::core_error::bad_address));
        return;
    }
    require(*parsed == (is_v4 ? ip_address::from_bytes(byte_view{v4}.first(4)) : ip_address::from_bytes(v6)));
    auto const again = ip_address::parse(parsed->to_string());
    require(again.has_value() && *again == *parsed);
}

void check_bytes(byte_view bytes) {
    ip_address const address = ip_address::from_bytes(bytes);
    require(static_cast<bool>(address));
    std::string const text = address.to_string();
    auto const again = ip_address::parse(text);
    require(again.has_value() && *again == address);

    byte_view const kept = address.bytes();
    bool const v4 = address.family() == ip_family::v4;
    require(v4 == (kept.size() == 4));
    require(peerkit::equal(kept, bytes.last(kept.size())));
    // The library prints the long obsolete IPv4-compatible addresses with dots; we do not.
    bool compatible = !v4;
    for (std::size_t i = 0; compatible && i < 12; ++i) compatible = kept[i] == std::byte{0};
    if (compatible) return;
    std::array<char, INET6_ADDRSTRLEN> printed{};
    require(inet_ntop(v4 ? AF_INET : AF_INET6, kept.data(), printed.data(), printed.size()) != nullptr);
    require(text == printed.data());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    byte_view const bytes = std::as_bytes(std::span{data, size});
    check_text(peerkit::as_text(bytes));
    if (size >= 4) check_bytes(bytes.first(4));
    if (size >= 16) check_bytes(bytes.first(16));
    return 0;
}
