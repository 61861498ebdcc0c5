// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// HTTP requests and answers as values, and what a request's target says.
#ifndef PEERKIT_REGISTRY_HTTP_MESSAGE_HPP
#define PEERKIT_REGISTRY_HTTP_MESSAGE_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/error.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Name and value of a header.
using header_field = std::pair<std::string, std::string>;

/// A request as it was received; it must outlive its use.
struct api_request {
    std::string_view method{};               ///< "GET"
    std::string_view target{};               ///< "/path?query", as sent
    std::span<header_field const> headers{}; ///< names in lower case
    std::string_view body{};
    ip_address source{}; ///< of whoever sent it
    /// It waited long enough: it is answered with what there is.
    bool waited = false;

    /// The first header of that name (in lower case), or empty.
    [[nodiscard]] std::string_view header(std::string_view lower_name) const noexcept {
        for (auto const& [name, value] : headers) {
            if (name == lower_name) return value;
        }
        return {};
    }
};

struct api_response {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::vector<header_field> headers{};
    std::string body{};
};

/// The path and the parameters of a target, decoded.
///
/// Parameters are percent-encoded (RFC 3986); a plus sign is a plus sign. One without '=' is empty. What is unknown to
/// a route is the route's business; twice the same is refused here.
/// @code
/// auto target = registry::request_target::parse("/api/nodes?role=db&label=zone%3Da");
/// target->path();             // "/api/nodes"
/// target->find("label");      // "zone=a"
/// @endcode
class request_target {
public:
    static constexpr std::size_t max_size = 4096;
    static constexpr std::size_t max_parameters = 16;

    /// @par Errors `bad_query`: not a path from the root, too long, too many parameters, a bad or forbidden escape, a
    /// parameter twice; position: an offset.
    [[nodiscard]] static result<request_target> parse(std::string_view target) {
        request_target made;
        if (target.size() > max_size) return fail(registry_error::bad_query, max_size, "target");
        if (!target.starts_with('/')) return fail(registry_error::bad_query, 0, "target");
        std::size_t const question = target.find('?');
        auto path = decode(target.substr(0, question), 0);
        if (!path) return fail(path.error());
        made.path_ = std::move(*path);
        if (question == std::string_view::npos) return made;
        for (std::size_t at = question + 1; at <= target.size();) {
            std::size_t const end = std::min(target.find('&', at), target.size());
            std::string_view const part = target.substr(at, end - at);
            if (!part.empty()) {
                if (made.parameters_.size() == max_parameters) return fail(registry_error::bad_query, at, "target");
                std::size_t const equals = std::min(part.find('='), part.size());
                auto name = decode(part.substr(0, equals), at);
                if (!name) return fail(name.error());
                auto value = decode(equals < part.size() ? part.substr(equals + 1) : "", at + equals + 1);
                if (!value) return fail(value.error());
                if (made.find(*name)) return fail(registry_error::bad_query, at, "target");
                made.parameters_.emplace_back(std::move(*name), std::move(*value));
            }
            at = end + 1;
        }
        return made;
    }

    [[nodiscard]] std::string_view path() const noexcept { return path_; }
    [[nodiscard]] std::span<header_field const> parameters() const noexcept { return parameters_; }
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept {
        for (auto const& [known, value] : parameters_) {
            if (known == name) return value;
        }
        return std::nullopt;
    }

private:
    [[nodiscard]] static constexpr unsigned digit(char c) noexcept {
        if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
        if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10U;
        if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10U;
        return 16U;
    }
    [[nodiscard]] static result<std::string> decode(std::string_view text, std::size_t offset) {
        std::string made;
        made.reserve(text.size());
        for (std::size_t i = 0; i < text.size(); ++i) {
            auto c = static_cast<unsigned char>(text[i]);
            if (c == '%') {
                unsigned const high = i + 2 < text.size() ? digit(text[i + 1]) : 16U;
                unsigned const low = i + 2 < text.size() ? digit(text[i + 2]) : 16U;
                if (high > 15 || low > 15) return fail(registry_error::bad_query, offset + i, "target");
                c = static_cast<unsigned char>(high << 4U | low);
                i += 2;
            }
            if (c < 0x20 || c == 0x7f) return fail(registry_error::bad_query, offset + i, "target");
            made.push_back(static_cast<char>(c));
        }
        return made;
    }

    std::string path_{};
    std::vector<header_field> parameters_{};
};

/// Appends a parameter's value to a target, escaped.
inline void append_escaped(std::string_view value, std::string& to) {
    for (char const c : value) {
        bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '_' || c == '.' || c == '~';
        if (plain) {
            to += c;
        } else {
            auto const byte = static_cast<unsigned char>(c);
            to += '%';
            to += "0123456789ABCDEF"[byte >> 4U];
            to += "0123456789ABCDEF"[byte & 15U];
        }
    }
}

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
