// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Where an HTTP request goes, and whether all of it can stand in a request.
#ifndef PEERKIT_NET_HTTP_ORIGIN_HPP
#define PEERKIT_NET_HTTP_ORIGIN_HPP

#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/net/http_syntax.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Scheme, host and port of a URL (RFC 6454, section 4).
struct http_origin {
    bool secure = false; ///< https
    endpoint where;      ///< port 80 or 443 where the URL names none

    /// Parses "http://host:port" or "https://host:port". Nothing may follow but one '/'.
    /// @par Errors `bad_option`, field "http url"; position: offset in `url`
    [[nodiscard]] static result<http_origin> parse(std::string_view url) {
        using discovery::discovery_error;
        http_origin made;
        std::size_t scheme = 0;
        if (url.starts_with("http://"))
            scheme = 7;
        else if (url.starts_with("https://"))
            scheme = 8;
        else
            return fail(discovery_error::bad_option, 0, "http url");
        made.secure = scheme == 8;
        std::string_view host = url.substr(scheme);
        if (host.ends_with('/')) host.remove_suffix(1);
        auto const where = endpoint::parse(host, made.secure ? std::uint16_t{443} : std::uint16_t{80});
        if (!where) {
            std::size_t const inside = std::min<std::size_t>(where.error().position(), host.size());
            return fail(discovery_error::bad_option, scheme + inside, "http url");
        }
        made.where = *where;
        return made;
    }

    /// The host as a certificate names it: without brackets, without port.
    [[nodiscard]] std::string host() const {
        return where.is_host_name() ? std::string{where.host_name()} : where.address().to_string();
    }

    [[nodiscard]] friend bool operator==(http_origin const&, http_origin const&) = default;
};

/// Letters of ASCII in lower case, as names of headers are compared.
[[nodiscard]] inline std::string http_lower(std::string_view text) {
    std::string made{text};
    for (char& c : made) c = http_syntax::lower(c);
    return made;
}

/// Whether target and headers can stand in a request as they are, and leave the framing to the client.
/// @par Errors `bad_option`, field "http target" (position: offset) or "http header" (position: index)
[[nodiscard]] inline result<void> check_http_request(discovery::http_request const& request) {
    using discovery::discovery_error;
    constexpr std::size_t most_headers = 64, longest = 8 * 1024;
    if (request.target.empty() || request.target.front() != '/' || request.target.size() > longest) {
        return fail(discovery_error::bad_option, 0, "http target");
    }
    for (std::size_t i = 0; i < request.target.size(); ++i) {
        auto const c = static_cast<unsigned char>(request.target[i]);
        if (c <= 0x20 || c >= 0x7f || c == '#') return fail(discovery_error::bad_option, i, "http target");
    }
    if (request.headers.size() > most_headers) {
        return fail(discovery_error::bad_option, most_headers, "http header");
    }
    auto const is_text = [](unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7f); };
    for (std::size_t i = 0; i < request.headers.size(); ++i) {
        auto const& [name, value] = request.headers[i];
        std::string const lower = http_lower(name);
        bool const framing = lower == "host" || lower == "connection" || lower == "content-length" ||
                             lower == "transfer-encoding" || lower == "expect" || lower == "upgrade";
        if (!http_syntax::is_token(std::string_view{name}) || framing || name.size() + value.size() > longest ||
            !std::all_of(value.begin(), value.end(), is_text)) {
            return fail(discovery_error::bad_option, i, "http header");
        }
    }
    return {};
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
