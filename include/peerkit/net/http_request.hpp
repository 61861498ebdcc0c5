// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Parser of HTTP/1.x requests on one connection: bounded, incremental, without I/O.
#ifndef PEERKIT_NET_HTTP_REQUEST_HPP
#define PEERKIT_NET_HTTP_REQUEST_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/net/error.hpp>
#include <peerkit/net/http_syntax.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// One request as it was received.
struct http_request {
    std::string method;                                       ///< "GET"
    std::string target;                                       ///< "/path?query", as sent
    std::vector<std::pair<std::string, std::string>> headers; ///< in the order received; names in lower case
    std::string body;
    bool keep_alive = false; ///< the sender wants to use the connection again

    /// The first header of that name (in lower case), or empty.
    [[nodiscard]] std::string_view header(std::string_view lower_name) const noexcept {
        for (auto const& [name, value] : headers) {
            if (name == lower_name) return value;
        }
        return {};
    }
};

struct http_request_limits {
    std::size_t head = std::size_t{16} << 10U; ///< bytes of the request line and all headers
    std::size_t headers = 64;
    std::size_t body = std::size_t{64} << 10U;
};

/// Reads requests one after the other (RFC 9112). A body needs a Content-Length: whoever sends in chunks is refused,
/// and so is everything that two readers could understand differently (a length stated twice in different ways, a
/// length together with an encoding, folded lines, control characters). The same input gives the same outcome however
/// it is cut.
///
/// Uses no exceptions. Not thread safe.
/// @code
/// http_request_parser parser{{}};
/// auto const used = parser.feed(received);           // stops behind the end of a request
/// if (!used) answer(http_request_parser::status_of(used.error()));
/// else if (parser.complete()) handle(parser.take());
/// received.remove_prefix(*used);                     // the rest belongs to the next request
/// @endcode
class http_request_parser {
public:
    explicit http_request_parser(http_request_limits const& limits) noexcept : limits_{limits} {}

    /// Takes bytes up to the end of the request. @returns how many were used: fewer than given once it is complete.
    /// @par Errors `http_bad_request`, `http_bad_header`, `http_bad_length`, `http_unknown_encoding`,
    /// `http_head_too_large`, `http_body_too_large` (position: offset in the request, or the limit); the first is final
    [[nodiscard]] result<std::size_t> feed(std::string_view bytes) {
        std::string_view rest = bytes;
        while (!rest.empty() && at_ != where::done && at_ != where::failed) {
            if (at_ == where::body)
                take_body(rest);
            else
                take_line(rest);
        }
        if (at_ == where::failed) return fail(failure_);
        return bytes.size() - rest.size();
    }

    [[nodiscard]] bool complete() const noexcept { return at_ == where::done; }
    /// Some of a request has come.
    [[nodiscard]] bool started() const noexcept { return at_ != where::start || !line_.empty(); }
    /// The sender waits for "100 Continue" before it sends the body (RFC 9110, 10.1.1).
    [[nodiscard]] bool awaits_continue() const noexcept {
        return at_ == where::body && made_.body.empty() && expects_continue_;
    }
    /// Gives the complete request away; the next `feed` begins another one.
    [[nodiscard]] http_request take() {
        http_request whole = std::move(made_);
        *this = http_request_parser{limits_};
        return whole;
    }

    /// The HTTP status a refused request is answered with.
    [[nodiscard]] static unsigned status_of(error const& why) noexcept {
        if (why == net_error::http_body_too_large) return 413;
        if (why == net_error::http_head_too_large) return 431;
        if (why == net_error::http_unknown_encoding) return 411;
        return 400;
    }

private:
    enum class where : std::uint8_t { start, header, body, done, failed };

    void refuse(net_error why, std::uint64_t position, char const* field) noexcept {
        failure_ = error{why, position, field};
        at_ = where::failed;
    }
    void take_body(std::string_view& rest) {
        auto const count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
        made_.body.append(rest.substr(0, count));
        rest.remove_prefix(count);
        left_ -= count;
        if (left_ == 0) at_ = where::done;
    }
    void take_line(std::string_view& rest) {
        std::size_t const end = rest.find('\n');
        std::string_view const part = rest.substr(0, end);
        std::size_t const taken = part.size() + (end != std::string_view::npos ? 1 : 0);
        if (taken > limits_.head - head_) return refuse(net_error::http_head_too_large, limits_.head, "head");
        head_ += taken;
        line_.append(part);
        rest.remove_prefix(taken);
        if (end == std::string_view::npos) return;
        std::uint64_t const begin = head_ - 1 - line_.size();
        if (line_.ends_with('\r')) line_.pop_back();
        on_line(line_, begin);
        line_.clear();
    }
    void on_line(std::string_view line, std::uint64_t begin) {
        for (char const c : line) {
            auto const byte = static_cast<unsigned char>(c);
            if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
                return refuse(at_ == where::start ? net_error::http_bad_request : net_error::http_bad_header, begin,
                              "control character");
            }
        }
        if (at_ == where::header) {
            if (line.empty()) return on_head_end(begin);
            return on_header(line, begin);
        }
        if (!line.empty()) return on_request_line(line, begin); // an empty line before a request is passed over
    }
    void on_request_line(std::string_view line, std::uint64_t begin) {
        std::size_t const first = line.find(' ');
        std::size_t const second = line.find(' ', first == std::string_view::npos ? first : first + 1);
        if (second == std::string_view::npos) return refuse(net_error::http_bad_request, begin, "request line");
        std::string_view const method = line.substr(0, first);
        std::string_view const target = line.substr(first + 1, second - first - 1);
        std::string_view const version = line.substr(second + 1);
        if (!http_syntax::is_token(method) || method.size() > 16)
            return refuse(net_error::http_bad_request, begin, "method");
        if (target.empty() || target.front() != '/') return refuse(net_error::http_bad_request, begin, "target");
        if (version != "HTTP/1.1" && version != "HTTP/1.0")
            return refuse(net_error::http_bad_request, begin, "version");
        made_.method = method;
        made_.target = target;
        made_.keep_alive = modern_ = version == "HTTP/1.1";
        at_ = where::header;
    }
    void on_header(std::string_view line, std::uint64_t begin) {
        std::size_t const colon = line.find(':');
        if (colon == std::string_view::npos || !http_syntax::is_token(line.substr(0, colon)))
            return refuse(net_error::http_bad_header, begin, "header");
        if (made_.headers.size() == limits_.headers)
            return refuse(net_error::http_head_too_large, limits_.headers, "headers");
        std::string name{line.substr(0, colon)};
        std::transform(name.begin(), name.end(), name.begin(), http_syntax::lower);
        std::string_view const value = http_syntax::trimmed(line.substr(colon + 1));
        if (name == "content-length") {
            auto const length = http_syntax::parse_length(value);
            if (!length || (has_length_ && *length != left_))
                return refuse(net_error::http_bad_length, begin, "content-length");
            has_length_ = true;
            left_ = *length;
        } else if (name == "transfer-encoding") {
            return refuse(net_error::http_unknown_encoding, begin, "transfer-encoding");
        } else if (name == "host") {
            if (has_host_) return refuse(net_error::http_bad_header, begin, "host");
            has_host_ = true;
        } else if (name == "connection") {
            if (has_word(value, "close")) made_.keep_alive = false;
            if (has_word(value, "keep-alive") && !modern_) made_.keep_alive = true;
        } else if (name == "expect") {
            expects_continue_ = modern_ && http_syntax::same_word(value, "100-continue");
        }
        made_.headers.emplace_back(std::move(name), value);
    }
    void on_head_end(std::uint64_t begin) {
        if (modern_ && !has_host_) return refuse(net_error::http_bad_header, begin, "host");
        if (left_ > limits_.body) return refuse(net_error::http_body_too_large, limits_.body, "content-length");
        at_ = left_ == 0 ? where::done : where::body;
        made_.body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(left_, 4096)));
    }
    /// Whether a word stands in a list with commas.
    [[nodiscard]] static bool has_word(std::string_view list, std::string_view word) noexcept {
        while (!list.empty()) {
            std::size_t const comma = list.find(',');
            if (http_syntax::same_word(http_syntax::trimmed(list.substr(0, comma)), word)) return true;
            list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
        }
        return false;
    }

    http_request_limits limits_;
    http_request made_;
    std::string line_;
    std::size_t head_ = 0;   ///< bytes of lines so far
    std::uint64_t left_ = 0; ///< of the body
    error failure_{net_error::http_bad_request};
    where at_ = where::start;
    bool modern_ = true; ///< HTTP/1.1
    bool has_length_ = false;
    bool has_host_ = false;
    bool expects_continue_ = false;
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
