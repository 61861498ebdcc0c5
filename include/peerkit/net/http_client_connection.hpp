// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// One connection of cpp-httplib, made to end when somebody else wants it to and to keep no more than it may.
#ifndef PEERKIT_NET_HTTP_CLIENT_CONNECTION_HPP
#define PEERKIT_NET_HTTP_CLIENT_CONNECTION_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/net/http_origin.hpp>
#include <peerkit/net/http_syntax.hpp>
#include <peerkit/net/system.hpp>

#include <fcntl.h>
#include <httplib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef __linux__
#    include <netinet/tcp.h>
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// What the asking thread can do to an exchange that runs on another: end it, and see how much it has taken.
/// cpp-httplib has neither: its timeouts begin anew with every byte, and its heads and chunk lines may have any length.
class http_control {
public:
    /// Ends the exchange within milliseconds, wherever it is. Any thread. Linux also ends a socket that is not
    /// connected yet, though it says ENOTCONN; elsewhere it is to be repeated while the exchange goes on.
    void abort() noexcept {
        std::lock_guard const lock{mutex_};
        aborted_ = true;
        if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
    }
    [[nodiscard]] bool aborted() const noexcept {
        std::lock_guard const lock{mutex_};
        return aborted_;
    }

    /// True if the server sent more than a head of 64 KiB (and what TLS adds to it) and a body of `max_bytes`, in the
    /// smallest chunks, can be. Any thread; asked now and then. Never where the system does not count; Linux does.
    [[nodiscard]] bool overfed(std::size_t max_bytes) const noexcept {
        std::lock_guard const lock{mutex_};
        if (socket_ < 0) return false;
        constexpr std::uint64_t head = 128 * 1024;
        std::uint64_t const body = head_complete_ ? max_bytes + 7 * std::uint64_t{received_} : 0;
        return taken() > head + body;
    }

    // ---- For the exchange itself -----------------------------------------------------------------------------------

    /// From now on this descriptor is the one to end. It stays the caller's until `release`.
    void hold(int descriptor) noexcept {
        std::lock_guard const lock{mutex_};
        socket_ = descriptor;
        before_ = 0;
        before_ = taken();
        if (aborted_) ::shutdown(socket_, SHUT_RDWR);
    }
    void release() noexcept {
        std::lock_guard const lock{mutex_};
        answered_ = answered_ || (socket_ >= 0 && taken() > 1); // the end of the stream counts as one
        socket_ = -1;
    }
    /// The head is there, and so much of the body.
    void progress(std::size_t received) noexcept {
        head_complete_ = true;
        received_ = received;
    }
    /// Whether the head was complete.
    [[nodiscard]] bool head_complete() const noexcept { return head_complete_; }
    /// After `release`: whether the server sent anything.
    [[nodiscard]] bool answered() const noexcept { return answered_ || head_complete_; }

private:
    /// Bytes that the exchange has read from the socket.
    [[nodiscard]] std::uint64_t taken() const noexcept {
#ifdef __linux__
        // The system's header is often older than the kernel. The layout is the kernel's promise: eight bytes, 24
        // numbers of four bytes, and the fourth number of eight bytes is what was received.
        constexpr std::size_t offset = 8 + 24 * 4 + 3 * 8;
        std::array<std::byte, offset + 8> info{};
        socklen_t size = info.size();
        int unread = 0;
        if (::getsockopt(socket_, IPPROTO_TCP, TCP_INFO, info.data(), &size) != 0 || size < info.size()) return 0;
        if (::ioctl(socket_, FIONREAD, &unread) != 0) unread = 0;
        std::uint64_t all = 0;
        std::memcpy(&all, info.data() + offset, sizeof all);
        std::uint64_t const less = before_ + static_cast<std::uint64_t>(unread);
        return all > less ? all - less : 0;
#else
        return 0;
#endif
    }

    mutable std::mutex mutex_;
    int socket_ = -1;
    bool aborted_ = false;
    bool answered_ = false;
    std::uint64_t before_ = 0; ///< of earlier exchanges on the same connection
    std::atomic<bool> head_complete_ = false;
    std::atomic<std::size_t> received_ = 0;
};

/// One connection to one server, kept for further exchanges if both sides wish so. Blocks; for one thread at a time.
/// @code
/// http_client_connection connection{origin, address, {}};
/// auto reply = connection.exchange(request, deadline, control);
/// @endcode
class http_client_connection {
public:
    using clock = std::chrono::steady_clock;

    /// @param ca_file PEM; empty: what the system trusts
    http_client_connection(http_origin const& to, ip_address const& address, std::string const& ca_file) {
        std::string const host = to.host();
        if (to.secure) {
#ifdef CPPHTTPLIB_OPENSSL_SUPPORT
            auto made = std::make_unique<httplib::SSLClient>(host, to.where.port());
            if (!ca_file.empty()) made->set_ca_cert_path(ca_file);
            made->enable_server_certificate_verification(true);
            client_ = std::move(made);
#else
            return;
#endif
        } else {
            client_ = std::make_unique<httplib::ClientImpl>(host, to.where.port());
        }
        if (to.where.is_host_name()) client_->set_hostname_addr_map({{host, address.to_string()}});
        client_->set_keep_alive(true);
        client_->set_tcp_nodelay(true);
        client_->set_follow_location(false);
        client_->set_url_encode(false);
        client_->set_decompress(false);
        client_->set_socket_options([this](int made) { connecting(made); });
    }
    http_client_connection(http_client_connection const&) = delete;
    http_client_connection& operator=(http_client_connection const&) = delete;

    /// One request and its reply. Ends soon after `deadline` in any case; who wants it on time calls `control.abort`.
    /// @param connect_by when to give up connecting
    /// @par Errors `unavailable` (position: errno, 0 where cpp-httplib does not tell; field "connect", "receive", ...),
    /// `too_large`, `bad_reply`, `bad_option`, `untrusted_server`, `unsupported`. After an abort: any.
    [[nodiscard]] result<discovery::http_reply> exchange(discovery::http_request const& wanted,
                                                         clock::time_point connect_by, clock::time_point deadline,
                                                         http_control& control) {
        using discovery::discovery_error;
        if (!client_) return fail(discovery_error::unsupported, 0, "https");
        // A descriptor to end the connection by, had before it is needed: when it is, nothing may fail any more.
        if (!mine_) mine_ = owned_fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
        if (!mine_) return fail(discovery_error::unavailable, static_cast<std::uint64_t>(errno), "socket");
        control_ = &control;
        if (client_->is_socket_open() != 0) control.hold(mine_.get());
        struct releasing {
            http_client_connection& of;
            ~releasing() {
                of.control_->release();
                of.control_ = nullptr;
            }
        };

        exchange_state state{wanted, control};
        httplib::Error why = httplib::Error::Success;
        bool sent = false;
        {
            releasing const releases{*this};
            limit(connect_by, deadline);
            httplib::Request request = state.request();
            httplib::Response response;
            sent = client_->send(request, response, why);
            if (sent) (void)state.head(response); // where it was not asked about the head
        }
        if (state.refused) return fail(*state.refused);
        if (sent || state.enough) return std::move(state.reply);
        return fail(reason(why, control));
    }

    /// Whether another exchange may follow on the same connection.
    [[nodiscard]] bool open() const { return client_ && client_->is_socket_open() != 0; }

private:
    [[nodiscard]] static error bad_head() noexcept { return {discovery::discovery_error::bad_reply, 0, "http head"}; }

    /// One exchange, as cpp-httplib calls back.
    struct exchange_state {
        discovery::http_request const& wanted;
        http_control& control;
        discovery::http_reply reply{};
        std::size_t lines = 0;
        bool enough = false; ///< nothing more is wanted, though there may be more
        bool known = false;  ///< the head was looked at
        std::optional<error> refused{};

        [[nodiscard]] httplib::Request request() {
            using enum discovery::http_method;
            httplib::Request made;
            made.method = wanted.method == put      ? "PUT"
                          : wanted.method == post   ? "POST"
                          : wanted.method == remove ? "DELETE"
                                                    : "GET";
            made.path = wanted.target;
            made.headers = {{"User-Agent", "peerkit"}, {"Accept-Encoding", "identity"}};
            for (auto const& [name, value] : wanted.headers) {
                made.headers.erase(name);
                made.headers.emplace(name, value);
            }
            if (wanted.method == put || wanted.method == post) made.body = wanted.body;
            made.response_handler = [this](httplib::Response const& got) { return head(got); };
            made.content_receiver = [this](char const* data, std::size_t size, std::uint64_t, std::uint64_t) {
                return body({data, size});
            };
            return made;
        }

        /// False: no body is wanted.
        [[nodiscard]] bool head(httplib::Response const& got) {
            if (std::exchange(known, true)) return !refused;
            constexpr std::size_t most = 128, longest = 64 * 1024;
            std::size_t size = 0;
            std::optional<std::uint64_t> length;
            bool chunked = false;
            for (auto const& [name, value] : got.headers) {
                size += name.size() + value.size();
                if (reply.headers.size() == most || size > longest) return refuse("http head");
                reply.headers.push_back({http_lower(name), value});
                discovery::http_header const& kept = reply.headers.back();
                if (kept.name == "content-length") {
                    auto const stated = http_syntax::parse_length(value);
                    if (!stated || (length && length != stated)) return refuse("content-length");
                    length = stated;
                } else if (kept.name == "content-encoding" && http_lower(value) != "identity") {
                    return refuse("content-encoding");
                } else if (kept.name == "transfer-encoding") {
                    if (http_lower(value) != "chunked") return refuse("transfer-encoding");
                    chunked = true;
                }
            }
            if (chunked && length) return refuse("content-length"); // RFC 9112, section 6.3: may be smuggling
            reply.status = static_cast<unsigned>(got.status);
            control.progress(0);
            if (wanted.enough_lines == 0 && length && *length > wanted.max_bytes) return too_large();
            // These have no body, and some cpp-httplib waits for one.
            enough = got.status == 204 || got.status == 304;
            return !enough && !control.aborted();
        }
        [[nodiscard]] bool body(std::string_view more) {
            if (more.size() > wanted.max_bytes - reply.body.size()) {
                if (wanted.enough_lines == 0) return too_large();
                more = more.substr(0, wanted.max_bytes - reply.body.size() + 1);
            }
            if (wanted.enough_lines != 0) {
                for (std::size_t i = 0; i < more.size(); ++i) {
                    if (more[i] != '\n' || ++lines < wanted.enough_lines) continue;
                    reply.body.append(more.substr(0, i + 1));
                    enough = reply.body.size() <= wanted.max_bytes;
                    return enough ? false : too_large();
                }
                if (reply.body.size() + more.size() > wanted.max_bytes) return too_large();
            }
            reply.body.append(more);
            control.progress(reply.body.size());
            return !control.aborted();
        }
        [[nodiscard]] bool refuse(char const* field) noexcept {
            refused = error{discovery::discovery_error::bad_reply, 0, field};
            return false;
        }
        [[nodiscard]] bool too_large() noexcept {
            refused = error{discovery::discovery_error::too_large, wanted.max_bytes, "http body"};
            return false;
        }
    };

    void connecting(int made) {
        if (control_ == nullptr) return;
        control_->release();
        if (control_->aborted()) { // a socket that is not connected yet cannot be shut down; nothing can be connected
            (void)::dup3(mine_.get(), made, O_CLOEXEC);
            return;
        }
        (void)::dup3(made, mine_.get(), O_CLOEXEC);
        control_->hold(mine_.get());
    }

    /// These are for the case that nobody aborts, hence a little later.
    void limit(clock::time_point connect_by, clock::time_point deadline) {
        auto const left = [](clock::time_point until) {
            return std::clamp(std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now()),
                              std::chrono::milliseconds{1}, std::chrono::milliseconds{std::chrono::hours{24}});
        };
        client_->set_connection_timeout(left(connect_by) + std::chrono::milliseconds{connect_by < deadline ? 0 : 500});
        client_->set_read_timeout(left(deadline) + std::chrono::milliseconds{500});
        client_->set_write_timeout(left(deadline) + std::chrono::milliseconds{500});
    }

    [[nodiscard]] static error reason(httplib::Error why, http_control const& control) {
        using enum discovery::discovery_error;
        using httplib::Error;
        if (control.head_complete()) return {bad_reply, 0, "http body"};
        switch (why) {
        case Error::Connection:
        case Error::BindIPAddress:
        case Error::ConnectionTimeout: return {unavailable, 0, "connect"};
        case Error::SSLConnection: return {unavailable, 0, "tls"};
        case Error::SSLLoadingCerts: return {bad_option, 0, "ca_file"};
        case Error::SSLServerVerification: return {untrusted_server, 0, "https"};
        case Error::Write: return {unavailable, 0, "send"};
        default: break;
        }
        // Later versions tell more of this kind apart.
        if (httplib::to_string(why).starts_with("SSLServer")) return {untrusted_server, 0, "https"};
        return control.answered() ? bad_head() : error{unavailable, 0, "receive"};
    }

    std::unique_ptr<httplib::ClientImpl> client_;
    owned_fd mine_; ///< another name of the connection's socket, so that its number means the same until released
    http_control* control_ = nullptr;
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
