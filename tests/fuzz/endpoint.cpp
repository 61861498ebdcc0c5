// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes endpoint::parse against a second reading of its grammar (by inet_pton), and its printing.
#include <peerkit/core/endpoint.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using peerkit::endpoint;
using peerkit::ip_address;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

/// The address `text` spells in `family`, by the C library, mapped addresses as IPv4.
std::optional<ip_address> library_address(int family, std::string_view text) {
    if (text.find('\0') != std::string_view::npos) return std::nullopt;
    std::array<std::byte, 16> bytes{};
    if (inet_pton(family, std::string{text}.c_str(), bytes.data()) != 1) return std::nullopt;
    return ip_address::from_bytes(peerkit::byte_view{bytes}.first(family == AF_INET ? 4 : 16));
}

std::optional<unsigned> port_of(std::string_view digits) {
    while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
    if (digits.empty() || digits.size() > 5) return std::nullopt;
    unsigned value = 0;
    for (char const c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    if (value == 0 || value > 65535) return std::nullopt;
    return value;
}

bool is_host_name(std::string_view host) {
    if (!host.empty() && host.back() == '.') host.remove_suffix(1);
    if (host.size() > 253) return false;
    std::vector<std::string_view> labels(1);
    for (std::size_t i = 0, from = 0; i <= host.size(); ++i) {
        if (i != host.size() && host[i] != '.') continue;
        labels.back() = host.substr(from, i - from);
        if (i != host.size()) labels.emplace_back();
        from = i + 1;
    }
    constexpr std::string_view digits = "0123456789";
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    for (std::string_view const label : labels) {
        if (label.empty() || label.size() > 63) return false;
        if (label.find_first_not_of(letters) != std::string_view::npos) return false;
    }
    return labels.back().find_first_not_of(digits) != std::string_view::npos;
}

struct reading {
    std::optional<ip_address> address{};
    std::string_view host{};
    unsigned port = 0;
};

std::optional<reading> read_again(std::string_view text, unsigned default_port) {
    reading made;
    made.port = default_port;
    std::string_view rest;
    if (!text.empty() && text.front() == '[') {
        std::size_t const close = text.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        made.address = library_address(AF_INET6, text.substr(1, close - 1));
        if (!made.address) return std::nullopt;
        rest = text.substr(close + 1);
    } else if (std::count(text.begin(), text.end(), ':') > 1) {
        made.address = library_address(AF_INET6, text);
        if (!made.address) return std::nullopt;
    } else {
        std::string_view const host = text.substr(0, text.find(':'));
        rest = text.substr(host.size());
        made.address = library_address(AF_INET, host);
        if (!made.address) {
            if (!is_host_name(host)) return std::nullopt;
            made.host = host;
        }
    }
    if (rest.empty()) return made;
    if (rest.front() != ':') return std::nullopt;
    auto const port = port_of(rest.substr(1));
    if (!port) return std::nullopt;
    made.port = *port;
    return made;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    auto const parsed = endpoint::parse(text, 4321);
    auto const expected = read_again(text, 4321);
    require(parsed.has_value() == expected.has_value());
    if (!parsed) {
        require(parsed.error().position() <= size);
        require(!parsed.error().field().empty());
        return 0;
    }
    endpoint const& e = *parsed;
    require(static_cast<bool>(e));
    require(e.port() == expected->port);
    require(e.is_host_name() == !expected->address.has_value());
    require(e.host_name() == expected->host);
    require(e.address() == expected->address.value_or(ip_address{}));

    std::string const printed = e.to_string();
    auto const again = endpoint::parse(printed, 1);
    require(again.has_value() && *again == e);
    require(again->to_string() == printed);
    return 0;
}
