// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// One connection of the HTTP server: reads requests, has them answered, with a deadline for everything.
#ifndef PEERKIT_NET_HTTP_CONNECTION_HPP
#define PEERKIT_NET_HTTP_CONNECTION_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/net/http_request.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/error_code.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/socket_base.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// What a request is answered with. `status` is a number RFC 9110 knows; the server adds length and connection.
struct http_response {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string body{};
};

struct http_server_options {
    ip_address address;        ///< none: every address of this machine, IPv4 and IPv6
    std::uint16_t port = 8000; ///< the first to try; 0: any that is free
    unsigned ports = 100;      ///< how many to try, from `port` upwards

    std::size_t connections = 1024;                     ///< at once
    std::size_t connections_per_source = 256;           ///< at once from one IPv4 address or one IPv6 /64
    std::size_t requests_per_connection = 10'000;       ///< then the connection is closed
    duration request_time = std::chrono::seconds{5};    ///< from the first byte of a request to its last
    duration idle_time = std::chrono::seconds{60};      ///< between two requests on one connection
    duration write_time = std::chrono::seconds{5};      ///< for an answer, and a second for every `slowest` bytes
    std::size_t slowest = std::size_t{64} << 10U;       ///< bytes per second that a reader has to take
    std::size_t answer_bytes = std::size_t{256} << 20U; ///< of all answers that are being written
    http_request_limits request{};

    /// How a request that never reaches the handler is answered. @param status 400, 408, 411, 413, 431, 500 or 503
    std::function<http_response(unsigned status, std::string_view why)> refusal = [](unsigned status,
                                                                                     std::string_view why) {
        return http_response{status, "text/plain; charset=utf-8", {}, std::string{why} + "\n"};
    };
};

/// What an `http_server` has seen.
struct http_server_counters {
    std::uint64_t connections = 0; ///< accepted, refused ones among them
    std::uint64_t open = 0;        ///< now
    std::uint64_t requests = 0;    ///< handed over
    std::uint64_t malformed = 0;   ///< answered with 4xx before they were handed over
    std::uint64_t timed_out = 0;   ///< connections closed since a request, or the taking of an answer, took too long
    std::uint64_t evicted = 0;     ///< connections that sent nothing whole and had to make room for another
    std::uint64_t refused = 0;     ///< connections without room, answered with 503 or closed
    std::uint64_t accept_errors = 0;
};

class http_responder;

namespace detail {

class http_connection;

/// What all connections of a server share.
struct http_server_state {
    using connection_list = std::list<std::shared_ptr<http_connection>>;
    using handler = std::function<void(http_request, ip_endpoint const&, http_responder)>;

    http_server_state(asio::any_io_executor const& executor, http_server_options wanted)
        : options{std::move(wanted)}, listener{executor}, sweeper{executor}, pause{executor} {}

    http_server_options options;
    std::shared_ptr<handler const> handle; ///< whoever calls it holds it
    asio::ip::tcp::acceptor listener;
    asio::steady_timer sweeper;
    asio::steady_timer pause;
    connection_list open;
    std::map<ip_address, std::size_t> per_source;
    std::size_t refusing = 0; ///< connections in `open` that are only told to go
    std::size_t answer_bytes = 0;
    http_server_counters counted;
    bool stopped = false;
    bool sweeping = false;
};

} // namespace detail

/// Answers one request, once, now or later; on the server's executor. Whoever drops it unanswered makes it a 500.
class http_responder {
public:
    explicit http_responder(std::shared_ptr<detail::http_connection> to) noexcept : to_{std::move(to)} {}
    http_responder(http_responder&&) noexcept = default;
    http_responder& operator=(http_responder&& from) noexcept {
        std::swap(to_, from.to_);
        return *this;
    }
    ~http_responder();

    void operator()(http_response answer);
    /// False once nobody waits for the answer any more.
    [[nodiscard]] bool wanted() const noexcept;

private:
    std::shared_ptr<detail::http_connection> to_;
};

namespace detail {

[[nodiscard]] constexpr std::string_view http_reason(unsigned status) noexcept {
    switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return status < 400 ? "OK" : "Error";
    }
}

/// One IPv4 address, or the /64 a single host can choose its IPv6 addresses from.
[[nodiscard]] inline ip_address source_of(ip_address const& address) noexcept {
    if (address.family() != ip_family::v6) return address;
    std::array<std::byte, 16> bytes{};
    std::copy_n(address.bytes().begin(), 8, bytes.begin());
    return ip_address::from_bytes(bytes);
}

/// One client. Reads a request, has it answered, writes the answer, and so on. Deadlines are looked at by the server's
/// one timer, so a request costs no timer of its own.
class http_connection : public std::enable_shared_from_this<http_connection> {
public:
    using clock = std::chrono::steady_clock;

    http_connection(std::shared_ptr<http_server_state> server, asio::ip::tcp::socket socket, ip_endpoint const& from)
        : server_{std::move(server)}, socket_{std::move(socket)}, from_{from}, source_{source_of(from.address)},
          parser_{server_->options.request} {}

    void start(http_server_state::connection_list::iterator place) {
        place_ = place;
        ++server_->per_source[source_];
        asio::error_code ignored;
        socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
        begin_reading(server_->options.request_time);
        read();
    }
    /// Says 503 and goes.
    void refuse(http_server_state::connection_list::iterator place) {
        place_ = place;
        ++server_->per_source[source_];
        ++server_->refusing;
        refusing_ = true;
        write(server_->options.refusal(503, "too many connections"), false);
    }

    /// The handler's answer.
    void answer(http_response what) {
        if (state_ != state::answering) return;
        bool const more = keep_alive_ && !gone_ && requests_ < server_->options.requests_per_connection;
        write(std::move(what), more);
    }
    void unanswered() {
        if (state_ == state::answering) answer(server_->options.refusal(500, "the request was not answered"));
    }
    [[nodiscard]] bool wanted() const noexcept { return state_ == state::answering && !gone_; }

    [[nodiscard]] bool evictable(clock::time_point now) const noexcept {
        return state_ == state::reading && now - since_ > std::chrono::milliseconds{100};
    }
    [[nodiscard]] clock::time_point since() const noexcept { return since_; }
    [[nodiscard]] ip_address const& source() const noexcept { return source_; }

    void check(clock::time_point now) {
        if (now < deadline_) return;
        bool const idle = state_ == state::reading && !parser_.started();
        if (!idle && state_ != state::draining) ++server_->counted.timed_out;
        if (state_ == state::reading && !idle) {
            write(server_->options.refusal(408, "the request did not come in time"), false);
        } else {
            close();
        }
    }

    void close() {
        if (state_ == state::closed) return;
        state_ = state::closed;
        asio::error_code ignored;
        socket_.close(ignored);
        release_answer();
        if (refusing_) --server_->refusing;
        auto const counted = server_->per_source.find(source_);
        if (--counted->second == 0) server_->per_source.erase(counted);
        server_->open.erase(place_);
    }

private:
    enum class state : std::uint8_t { reading, answering, writing, draining, closed };
    static constexpr std::size_t most_drained = std::size_t{1} << 20U;

    void begin_reading(duration patience) {
        state_ = state::reading;
        without_body_ = false;
        since_ = clock::now();
        deadline_ = since_ + patience;
    }

    void read() {
        socket_.async_read_some(asio::buffer(block_),
                                [self = shared_from_this()](asio::error_code ec, std::size_t got) {
                                    self->reading_on_ = false;
                                    if (self->state_ == state::reading) {
                                        if (ec) return self->close();
                                        self->rest_ = {self->block_.data(), got};
                                        self->consume();
                                    } else if (self->state_ == state::draining) {
                                        self->drained_ += got;
                                        if (ec || self->drained_ > most_drained) return self->close();
                                        self->read();
                                    }
                                });
        reading_on_ = true;
    }

    /// Goes on with what was received.
    void consume() {
        bool const fresh = !parser_.started();
        auto const used = parser_.feed(rest_);
        if (!used) {
            ++server_->counted.malformed;
            unsigned const status = http_request_parser::status_of(used.error());
            return write(server_->options.refusal(status, used.error().message()), false);
        }
        rest_.remove_prefix(*used);
        if (parser_.complete()) return hand_over();
        if (fresh && parser_.started()) deadline_ = clock::now() + server_->options.request_time;
        if (parser_.awaits_continue() && !continued_) {
            continued_ = true;
            static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
            // What does not fit into an empty send buffer would not be read, either.
            (void)::send(socket_.native_handle(), go_on.data(), go_on.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        read();
    }

    void hand_over() {
        http_request request = parser_.take();
        ++server_->counted.requests;
        ++requests_;
        keep_alive_ = request.keep_alive;
        continued_ = false;
        without_body_ = request.method == "HEAD";
        state_ = state::answering;
        deadline_ = clock::time_point::max(); // whoever parks requests bounds them
        auto const handle = server_->handle;
        (*handle)(std::move(request), from_, http_responder{shared_from_this()});
        if (state_ == state::answering) watch_for_end();
    }

    /// Notices that the client has gone while its request is parked.
    void watch_for_end() {
        socket_.async_wait(asio::socket_base::wait_read,
                           [self = shared_from_this(), number = requests_](asio::error_code ec) {
                               if (self->state_ != state::answering || self->requests_ != number) return;
                               char byte = 0;
                               if (ec || ::recv(self->socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
                                   self->gone_ = true;
                           });
    }

    void write(http_response what, bool more) {
        std::size_t const cap = server_->options.answer_bytes, used = server_->answer_bytes;
        if (used >= cap || what.body.size() > cap - used) // refusals are written beyond the cap
            what = server_->options.refusal(503, "too many answers are being written");
        state_ = state::writing;
        bool const bodiless = what.status == 304 || what.status == 204;
        head_ = "HTTP/1.1 " + std::to_string(what.status) + " ";
        head_ += http_reason(what.status);
        if (!bodiless) {
            head_ +=
                "\r\nContent-Type: " + what.content_type + "\r\nContent-Length: " + std::to_string(what.body.size());
        }
        for (auto const& [name, value] : what.headers) head_ += "\r\n" + name + ": " + value;
        head_ += more ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n";
        body_ = std::move(what.body);
        if (bodiless || without_body_) body_.clear();
        server_->answer_bytes += body_.size();
        deadline_ = clock::now() + server_->options.write_time +
                    std::chrono::seconds{body_.size() / std::max<std::size_t>(1, server_->options.slowest)};
        std::array<asio::const_buffer, 2> const buffers{asio::buffer(head_), asio::buffer(body_)};
        asio::async_write(socket_, buffers, [self = shared_from_this(), more](asio::error_code ec, std::size_t) {
            if (self->state_ != state::writing) return;
            self->release_answer();
            if (ec) return self->close();
            if (!more) return self->drain();
            self->begin_reading(self->rest_.empty() ? self->server_->options.idle_time
                                                    : self->server_->options.request_time);
            if (self->rest_.empty()) return self->read();
            self->consume();
        });
    }
    void release_answer() {
        server_->answer_bytes -= body_.size();
        body_ = {};
    }

    /// Closing while the client still sends would destroy the answer on its way: what comes is read and dropped.
    void drain() {
        state_ = state::draining;
        deadline_ = clock::now() + std::chrono::seconds{2};
        asio::error_code ec;
        socket_.shutdown(asio::socket_base::shutdown_send, ec);
        if (ec) return close();
        if (!reading_on_) read();
    }

    std::shared_ptr<http_server_state> server_;
    asio::ip::tcp::socket socket_;
    ip_endpoint from_;
    ip_address source_;
    http_server_state::connection_list::iterator place_;
    http_request_parser parser_;
    std::array<char, std::size_t{8} << 10U> block_;
    std::string_view rest_; ///< of what was received
    std::string head_, body_;
    clock::time_point since_{}, deadline_{};
    std::size_t requests_ = 0;
    std::size_t drained_ = 0;
    state state_ = state::reading;
    bool reading_on_ = false; ///< a read is under way
    bool refusing_ = false;
    bool keep_alive_ = false;
    bool without_body_ = false;
    bool continued_ = false;
    bool gone_ = false;
};

} // namespace detail

inline http_responder::~http_responder() {
    if (to_) to_->unanswered();
}
inline void http_responder::operator()(http_response answer) {
    if (auto const to = std::exchange(to_, nullptr)) to->answer(std::move(answer));
}
inline bool http_responder::wanted() const noexcept { return to_ && to_->wanted(); }

} // namespace net
PEERKIT_END_NAMESPACE

#endif
