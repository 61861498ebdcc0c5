// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Where a node can be reached: an address with a port, or a host name with a port.
#ifndef PEERKIT_CORE_ENDPOINT_HPP
#define PEERKIT_CORE_ENDPOINT_HPP

#include <peerkit/core/bounded_text.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE

/// An IP address and a port: what a datagram is sent to and comes from. 20 bytes, trivially copyable.
struct ip_endpoint {
    ip_address address;
    std::uint16_t port = 0;

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return address && port != 0; }
    /// "192.0.2.1:9000" or "[2001:db8::1]:9000".
    [[nodiscard]] std::string to_string() const {
        std::string const text = address.to_string();
        return (address.family() == ip_family::v6 ? "[" + text + "]" : text) + ":" + std::to_string(port);
    }

    [[nodiscard]] friend constexpr bool operator==(ip_endpoint const&, ip_endpoint const&) noexcept = default;
    [[nodiscard]] friend constexpr auto operator<=>(ip_endpoint const&, ip_endpoint const&) noexcept = default;
};

/// An address or a host name, with a port: what users write and strategies find. Trivially copyable, no
/// allocation.
///
/// @par Example
/// @code
/// auto seed = endpoint::parse("db1.example.org");           // port 9000
/// auto v6 = endpoint::parse("[2001:db8::7]:9100");
/// auto bare = endpoint::parse("2001:db8::7");               // brackets are needed only with a port
/// @endcode
class endpoint {
public:
    constexpr endpoint() noexcept = default;
    constexpr endpoint(ip_address address, std::uint16_t port) noexcept : address_{address}, port_{port} {}
    // NOLINTNEXTLINE(google-explicit-constructor): every ip_endpoint is an endpoint
    constexpr endpoint(ip_endpoint const& from) noexcept : address_{from.address}, port_{from.port} {}

    /// Parses `host`, `host:port`, an IPv4 or IPv6 address, `v4:port`, `[v6]` and `[v6]:port`.
    ///
    /// Host names are letters, digits, '-', '_' and '.', at most 253 characters in labels of 1 to 63; a final
    /// dot (absolute name) is kept. All-digit last labels are refused: "1.2.3" is a mistyped address, not a
    /// name. `default_port` is used where the text names none; 0 leaves such an endpoint without a port,
    /// which is then false.
    /// @par Errors `empty`, `bad_port`, `bad_address`, `bad_host_name`, `unclosed_bracket`, `bad_character`
    /// (text after a closing bracket that is not a port), `too_long` (a label, or the name: position is then
    /// its length); any other position is an offset in `text`.
    [[nodiscard]] static constexpr result<endpoint> parse(std::string_view text,
                                                          std::uint16_t default_port = default_gossip_port) noexcept {
        if (text.empty()) return fail(core_error::empty, 0, "endpoint");
        if (text.front() == '[') {
            std::size_t const close = text.find(']');
            if (close == std::string_view::npos) return fail(core_error::unclosed_bracket, text.size(), "address");
            std::string_view const inside = text.substr(1, close - 1);
            auto const address = ip_address::parse(inside);
            // By its spelling, not by its family: a mapped address is written as IPv6 and becomes IPv4.
            bool const v6 = inside.find(':') != std::string_view::npos;
            if (!address || !v6) return fail(core_error::bad_address, 1, "address");
            return with_port(endpoint{*address, 0}, text, close + 1, default_port);
        }
        std::size_t const colon = text.find(':');
        if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos) {
            auto const address = ip_address::parse(text);
            if (!address) return fail(core_error::bad_address, 0, "address");
            return endpoint{*address, default_port};
        }
        std::string_view const host = text.substr(0, colon);
        if (auto const address = ip_address::parse(host)) {
            return with_port(endpoint{*address, 0}, text, host.size(), default_port);
        }
        if (auto const valid = check_host_name(host); !valid) return fail(valid.error());
        endpoint made;
        made.host_ = bounded_text<limits::host_name + 1>::cut(host);
        return with_port(made, text, host.size(), default_port);
    }

    [[nodiscard]] constexpr bool is_host_name() const noexcept { return !host_.empty(); }
    /// The host name; empty for an address.
    [[nodiscard]] constexpr std::string_view host_name() const noexcept { return host_.view(); }
    /// The address; none for a host name.
    [[nodiscard]] constexpr ip_address const& address() const noexcept { return address_; }
    [[nodiscard]] constexpr std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] constexpr ip_endpoint ip() const noexcept { return {address_, port_}; }
    [[nodiscard]] constexpr explicit operator bool() const noexcept {
        return port_ != 0 && (address_ || is_host_name());
    }

    /// The text `parse` reads back to the same endpoint, if this one is true.
    [[nodiscard]] std::string to_string() const {
        if (!is_host_name()) return ip().to_string();
        return std::string{host_.view()} + ":" + std::to_string(port_);
    }

    [[nodiscard]] friend constexpr bool operator==(endpoint const&, endpoint const&) noexcept = default;
    [[nodiscard]] friend constexpr auto operator<=>(endpoint const&, endpoint const&) noexcept = default;

private:
    [[nodiscard]] static constexpr result<endpoint> with_port(endpoint made, std::string_view text, std::size_t from,
                                                              std::uint16_t default_port) noexcept {
        made.port_ = default_port;
        if (from == text.size()) return made;
        if (text[from] != ':') return fail(core_error::bad_character, from, "endpoint");
        unsigned value = 0;
        for (std::size_t i = from + 1; i < text.size(); ++i) {
            if (text[i] < '0' || text[i] > '9') return fail(core_error::bad_port, i, "port");
            value = value * 10 + static_cast<unsigned>(text[i] - '0');
            if (value > 65535) return fail(core_error::bad_port, from + 1, "port");
        }
        if (value == 0) return fail(core_error::bad_port, from + 1, "port");
        made.port_ = static_cast<std::uint16_t>(value);
        return made;
    }
    [[nodiscard]] static constexpr result<void> check_host_name(std::string_view host) noexcept {
        std::string_view const name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
        if (name.empty()) return fail(core_error::bad_host_name, 0, "host name");
        if (name.size() > limits::host_name) return fail(core_error::too_long, name.size(), "host name");
        std::size_t label = 0;
        bool digits_only = true;
        for (std::size_t i = 0; i < name.size(); ++i) {
            char const c = name[i];
            if (c == '.') {
                if (label == 0) return fail(core_error::bad_host_name, i, "host name");
                label = 0;
                digits_only = true;
                continue;
            }
            bool const digit = c >= '0' && c <= '9';
            bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
            if (!digit && !letter) return fail(core_error::bad_host_name, i, "host name");
            if (++label > 63) return fail(core_error::too_long, i, "host name");
            digits_only = digits_only && digit;
        }
        if (label == 0 || digits_only) return fail(core_error::bad_host_name, 0, "host name");
        return {};
    }

    ip_address address_;
    std::uint16_t port_ = 0;
    bounded_text<limits::host_name + 1> host_;
};

PEERKIT_END_NAMESPACE

#endif
