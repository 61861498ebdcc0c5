// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Parser of one HTTP/1.x response: bounded, incremental, without I/O.
#ifndef PEERKIT_NET_HTTP_RESPONSE_HPP
#define PEERKIT_NET_HTTP_RESPONSE_HPP

#include <peerkit/core/bytes.hpp>
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

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Reads the answer to one GET (RFC 9112): a body with Content-Length, in chunks, or up to the end of the connection.
/// Interim responses (1xx) are passed over; extra bytes after the response are ignored, since the connection is not
/// used again. The same input gives the same outcome however it is cut into pieces.
///
/// Memory: the body, at most `max_body`, and one line, at most `max_head`. Uses no exceptions. Not thread safe.
///
/// @code
/// http_response_parser parser{1 << 20};
/// while (!parser.complete()) {
///     auto const size = read(fd, block, sizeof block);
///     auto const fed = size > 0 ? parser.feed({block, size}) : parser.finish();
///     if (!fed) return fail(fed.error());
/// }
/// use(parser.status(), parser.take_body());
/// @endcode
class http_response_parser {
public:
    /// All lines together: status line, headers, chunk lines, trailers.
    static constexpr std::size_t default_max_head = std::size_t{32} << 10U;

    explicit http_response_parser(std::size_t max_body, std::size_t max_head = default_max_head) noexcept
        : max_body_{max_body}, max_head_{max_head} {}

    /// Takes the next piece of the response.
    /// @par Errors the `http_...` values of `net_error`; the first error is final and given again by every later call.
    [[nodiscard]] result<void> feed(std::string_view piece) {
        while (!piece.empty() && at_ != where::done && at_ != where::failed) {
            switch (at_) {
            case where::body_counted:
            case where::chunk_data: take_counted(piece); break;
            case where::body_to_end: take_rest(piece); break;
            default: take_line(piece); break;
            }
        }
        return verdict();
    }

    /// The connection ended. Completes a body without a stated length, is an error for everything else incomplete.
    [[nodiscard]] result<void> finish() {
        if (at_ == where::body_to_end) {
            at_ = where::done;
        } else if (at_ != where::done && at_ != where::failed) {
            refuse(net_error::http_truncated, at_ == where::status && consumed_ == 0 ? "status line" : "response");
        }
        return verdict();
    }

    /// The whole response is here.
    [[nodiscard]] bool complete() const noexcept { return at_ == where::done; }
    /// The status of the response; meaningful once `complete()`.
    [[nodiscard]] unsigned status() const noexcept { return status_; }
    [[nodiscard]] std::string const& body() const noexcept { return body_; }
    [[nodiscard]] std::string take_body() noexcept { return std::move(body_); }

private:
    enum class where : std::uint8_t {
        status,
        header,
        body_counted,
        body_to_end,
        chunk_size,
        chunk_data,
        chunk_end,
        trailer,
        done,
        failed
    };

    /// Spare room behind the body, which lets a JSON parser work in place.
    static constexpr std::size_t padding = 64;

    void refuse(net_error why, char const* field) noexcept { refuse_at(why, consumed_, field); }
    void refuse_at(net_error why, std::uint64_t position, char const* field) noexcept {
        failure_ = error{why, position, field};
        at_ = where::failed;
    }
    [[nodiscard]] result<void> verdict() const noexcept {
        if (at_ == where::failed) return fail(failure_);
        return {};
    }
    void skip(std::string_view& piece, std::size_t count) noexcept {
        piece.remove_prefix(count);
        consumed_ += count;
    }

    // ---- Bodies ----

    void append(std::string_view bytes) {
        if (body_.capacity() < body_.size() + bytes.size() + padding) {
            body_.reserve(std::max(body_.size() + bytes.size() + padding, 2 * body_.size()));
        }
        body_.append(bytes);
    }
    void take_counted(std::string_view& piece) {
        auto const count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, piece.size()));
        append(piece.substr(0, count));
        skip(piece, count);
        left_ -= count;
        if (left_ == 0) at_ = at_ == where::chunk_data ? where::chunk_end : where::done;
    }
    void take_rest(std::string_view& piece) {
        if (piece.size() > max_body_ - body_.size())
            return refuse_at(net_error::http_body_too_large, max_body_, "body");
        append(piece);
        skip(piece, piece.size());
    }

    // ---- Lines ----

    void take_line(std::string_view& piece) {
        std::size_t const end = piece.find('\n');
        std::string_view const part = piece.substr(0, end);
        std::size_t const taken = part.size() + (end != std::string_view::npos ? 1 : 0);
        if (taken > max_head_ - head_) return refuse_at(net_error::http_head_too_large, max_head_, "head");
        head_ += taken;
        line_.append(part);
        if (end == std::string_view::npos) return skip(piece, taken);
        // Errors in a line are said of its first byte.
        std::uint64_t const after = consumed_ + taken;
        consumed_ = after - 1 - line_.size();
        if (line_.ends_with('\r')) line_.pop_back();
        on_line(line_);
        line_.clear();
        if (at_ != where::failed) consumed_ = after;
        piece.remove_prefix(taken);
    }
    void on_line(std::string_view line) {
        switch (at_) {
        case where::status: return on_status(line);
        case where::header: return line.empty() ? on_head_end() : on_header(line);
        case where::chunk_size: return on_chunk_size(line);
        case where::chunk_end:
            if (!line.empty()) return refuse(net_error::http_bad_chunk, "end of chunk");
            at_ = where::chunk_size;
            return;
        case where::trailer:
            if (line.empty()) at_ = where::done;
            return;
        default: return;
        }
    }
    void on_status(std::string_view line) {
        bool good = line.size() >= 12 && line.starts_with("HTTP/1.") && http_syntax::is_digit(line[7]) &&
                    line[8] == ' ' && (line.size() == 12 || line[12] == ' ');
        unsigned status = 0;
        for (std::size_t i = 9; good && i < 12; ++i) {
            good = http_syntax::is_digit(line[i]);
            status = status * 10 + static_cast<unsigned>(line[i] - '0');
        }
        if (!good || status < 100) return refuse(net_error::http_bad_status, "status line");
        status_ = status;
        at_ = where::header;
    }
    void on_header(std::string_view line) {
        std::size_t const colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0) return refuse(net_error::http_bad_header, "header");
        std::string_view const name = line.substr(0, colon);
        if (!http_syntax::is_token(name)) return refuse(net_error::http_bad_header, "header name");
        std::string_view const value = http_syntax::trimmed(line.substr(colon + 1));
        if (http_syntax::same_word(name, "content-length")) return on_length(value);
        if (http_syntax::same_word(name, "transfer-encoding")) {
            if (!http_syntax::same_word(value, "chunked") || chunked_)
                return refuse(net_error::http_unknown_encoding, "transfer-encoding");
            chunked_ = true;
        }
    }
    void on_length(std::string_view value) {
        auto const length = http_syntax::parse_length(value);
        if (!length) return refuse(net_error::http_bad_length, "content-length");
        if (has_length_ && *length != left_) return refuse(net_error::http_bad_length, "content-length");
        has_length_ = true;
        left_ = *length;
    }
    void on_head_end() {
        if (status_ < 200) { // an interim response; the real one follows
            if (status_ == 101 || chunked_ || has_length_)
                return refuse(net_error::http_bad_status, "interim response");
            at_ = where::status;
            return;
        }
        if (chunked_ && has_length_) return refuse(net_error::http_bad_length, "content-length");
        if (status_ == 204 || status_ == 304) {
            at_ = where::done;
        } else if (chunked_) {
            at_ = where::chunk_size;
        } else if (!has_length_) {
            at_ = where::body_to_end;
        } else if (left_ > max_body_) {
            refuse_at(net_error::http_body_too_large, max_body_, "content-length");
        } else {
            at_ = left_ == 0 ? where::done : where::body_counted;
        }
    }
    void on_chunk_size(std::string_view line) {
        std::uint64_t size = 0;
        std::size_t digits = 0;
        for (; digits < line.size() && digits < 16; ++digits) {
            unsigned const digit = http_syntax::hex_digit(line[digits]);
            if (digit == 16) break;
            size = size << 4U | digit;
        }
        std::string_view const extension = http_syntax::trimmed(line.substr(digits));
        if (digits == 0 || (!extension.empty() && extension.front() != ';')) {
            return refuse(net_error::http_bad_chunk, "chunk size");
        }
        if (size == 0) {
            at_ = where::trailer;
        } else if (size > max_body_ - body_.size()) {
            refuse_at(net_error::http_body_too_large, max_body_, "chunk size");
        } else {
            left_ = size;
            at_ = where::chunk_data;
        }
    }

    std::size_t max_body_;
    std::size_t max_head_;
    std::size_t head_ = 0;       ///< bytes of lines so far
    std::uint64_t consumed_ = 0; ///< offset of the next byte, or of the line that was refused
    std::uint64_t left_ = 0;     ///< of the counted body or the chunk
    std::string line_;
    std::string body_;
    error failure_{net_error::http_truncated};
    unsigned status_ = 0;
    where at_ = where::status;
    bool chunked_ = false;
    bool has_length_ = false;
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
