// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A channel of c-ares on Asio: its sockets are waited for, its timeouts are kept, every query is answered once.
#ifndef PEERKIT_NET_CARES_CHANNEL_HPP
#define PEERKIT_NET_CARES_CHANNEL_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/wire/dns_message.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/error_code.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include <ares.h>

#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// 1.28 brought records of its own and took leave of queries answered with bytes.
#if ARES_VERSION >= 0x011c00
#    define PEERKIT_CARES_RECORDS 1
#else
#    define PEERKIT_CARES_RECORDS 0
#endif

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// How a `cares_resolver` asks.
struct cares_options {
    /// Name servers: addresses with or without a port, separated by commas, asked in this order:
    /// "192.0.2.1, [2001:db8::1]:5353". Empty: those of the system.
    std::string servers{};
    /// Where servers listen that are written without a port, those of the system included.
    std::uint16_t port = 53;
    /// How long one server may be silent before the next one is asked. When all were asked it starts over, with twice
    /// the time.
    std::chrono::milliseconds server_timeout{500};
    /// Queries under way at once; the rest wait in line, within their own time.
    std::size_t max_queries = 256;
    /// Families of addresses that are asked for at most; what a request leaves out stays out.
    discovery::address_families families = discovery::address_families::both;
    /// Where the system's name servers are written down; empty: /etc/resolv.conf. Read again when it has changed.
    std::string resolv_conf{};
};

/// The servers of `cares_options` as c-ares wants them: every one with its port, without spaces.
/// @par Errors `bad_option` (position: the index of the entry that is no address)
[[nodiscard]] inline result<std::string> cares_servers(std::string_view text, std::uint16_t port = 53) {
    std::string servers;
    for (std::size_t index = 0; !text.empty(); ++index) {
        std::string_view entry = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), entry.size() + 1));
        while (entry.starts_with(' ')) entry.remove_prefix(1);
        while (entry.ends_with(' ')) entry.remove_suffix(1);
        auto const one = endpoint::parse(entry, port);
        if (!one || one->is_host_name()) return fail(discovery::discovery_error::bad_option, index, "servers");
        if (!servers.empty()) servers.push_back(',');
        servers.append(one->ip().to_string());
    }
    return servers;
}

/// One channel of c-ares 1.18 or later. Queries run beside each other, over UDP and, where a reply was cut short,
/// again over TCP; never with search domains or a hosts file. A server that fails is passed over for the next; where
/// there is only one, its failure is reported as it is.
///
/// For `cares_resolver`, which knows about names, tries and limits. Held by `std::shared_ptr`; used from `executor`
/// only, and destroyed before its context. While a query is under way the context has work.
class cares_channel : public std::enable_shared_from_this<cares_channel> {
public:
    /// Called once for each query, with the status of c-ares and, if this is ARES_SUCCESS, the reply, which lasts as
    /// long as the call. Possibly before `ask` returns. Must not throw, `cancel`, or destroy the channel; may `ask`
    /// again, unless the status is ARES_ECANCELLED or ARES_EDESTRUCTION.
    using done = std::function<void(int status, byte_view reply)>;

    /// @par Errors `bad_option` (servers), `unavailable` (ENOMEM, EIO: the system's configuration cannot be read)
    [[nodiscard]] static result<std::shared_ptr<cares_channel>> open(asio::any_io_executor const& executor,
                                                                     cares_options const& options) {
        static int const library = ::ares_library_init(ARES_LIB_INIT_ALL);
        if (library != ARES_SUCCESS) return fail(discovery::discovery_error::unavailable, EIO, "c-ares");
        auto const servers = cares_servers(options.servers, options.port);
        if (!servers) return fail(servers.error());
        std::shared_ptr<cares_channel> made{new cares_channel{executor}};
        // What there is only one of need not be passed over, and says itself how it failed.
        bool const alone = !servers->empty() && servers->find(',') == std::string::npos;
        if (int const failed = made->init(options, *servers, alone)) return fail(why_not_open(failed));
        if (servers->empty() && made->server_count() == 1) {
            ::ares_destroy(std::exchange(made->channel_, nullptr));
            if (int const failed = made->init(options, *servers, true)) return fail(why_not_open(failed));
        }
        return made;
    }

    cares_channel(cares_channel const&) = delete;
    cares_channel& operator=(cares_channel const&) = delete;
    /// Every query under way is answered with ARES_EDESTRUCTION.
    ~cares_channel() {
        if (channel_ != nullptr) ::ares_destroy(channel_);
    }

    /// Asks for the records of an absolute name, written without the final dot.
    void ask(char const* name, wire::dns_type type, done then) {
        auto* const asked = new query{this, std::move(then)};
        ++under_way_;
#if PEERKIT_CARES_RECORDS
        ::ares_query_dnsrec(channel_, name, ARES_CLASS_IN, static_cast<ares_dns_rec_type_t>(type), &on_records, asked,
                            nullptr);
#else
        ::ares_query(channel_, name, wire::dns_class_in, static_cast<int>(type), &on_reply, asked);
#endif
        arm();
    }
    /// Every query under way is answered with ARES_ECANCELLED, now.
    void cancel() {
        ::ares_cancel(channel_);
        arm();
    }
    [[nodiscard]] std::size_t under_way() const noexcept { return under_way_; }

private:
    struct query {
        cares_channel* of;
        done then;
    };
    /// A socket of c-ares, which opens and closes it; here it is only waited for.
    struct watched {
        watched(asio::any_io_executor const& executor, ares_socket_t socket) : descriptor{executor}, number{socket} {}
        watched(watched const&) = delete;
        watched& operator=(watched const&) = delete;
        ~watched() { give_back(); }
        void give_back() noexcept {
            if (descriptor.is_open()) descriptor.release();
        }

        asio::posix::stream_descriptor descriptor; ///< open as long as the socket is
        ares_socket_t number;
        bool read = false, write = false; ///< what c-ares wants to know
        bool waiting_to_read = false, waiting_to_write = false;
    };

    explicit cares_channel(asio::any_io_executor const& executor) : executor_{executor}, timer_{executor} {}

    [[nodiscard]] static error why_not_open(int status) noexcept {
        auto const code = static_cast<std::uint64_t>(status == ARES_ENOMEM ? ENOMEM : EIO);
        return {discovery::discovery_error::unavailable, code, "c-ares"};
    }

    [[nodiscard]] int init(cares_options const& options, std::string const& servers, bool alone) {
        ares_options given{};
        int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB;
        given.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS | (alone ? ARES_FLAG_NOCHECKRESP : 0);
        given.timeout =
            static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(options.server_timeout.count(), 1, 3'600'000));
        given.tries = 3;
        given.ednspsz = 1232; // fits every path
        given.sock_state_cb = &on_socket;
        given.sock_state_cb_data = this;
        if (options.port != 53) {
            mask |= ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT;
            given.udp_port = given.tcp_port = options.port;
        }
        std::string resolv_conf = options.resolv_conf;
        if (!resolv_conf.empty()) {
            mask |= ARES_OPT_RESOLVCONF;
            given.resolvconf_path = resolv_conf.data();
        }
#ifdef ARES_OPT_UDP_MAX_QUERIES
        mask |= ARES_OPT_UDP_MAX_QUERIES; // then the next port: harder to guess
        given.udp_max_queries = 32;
#endif
#ifdef ARES_OPT_QUERY_CACHE
        mask |= ARES_OPT_QUERY_CACHE; // strategies decide how long an answer is good
        given.qcache_max_ttl = 0;
#endif
        int status = ::ares_init_options(&channel_, &given, mask);
        if (status != ARES_SUCCESS) {
            channel_ = nullptr;
            return status;
        }
        return servers.empty() ? ARES_SUCCESS : ::ares_set_servers_ports_csv(channel_, servers.c_str());
    }
    [[nodiscard]] std::size_t server_count() const {
        std::size_t count = 0;
#if PEERKIT_CARES_RECORDS
        char* const list = ::ares_get_servers_csv(channel_);
        if (list == nullptr) return 0;
        std::string_view const text{list};
        count = text.empty() ? 0 : 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), ','));
        ::ares_free_string(list);
#else
        ares_addr_port_node* list = nullptr;
        if (::ares_get_servers_ports(channel_, &list) != ARES_SUCCESS) return 0;
        for (ares_addr_port_node const* one = list; one != nullptr; one = one->next) ++count;
        ::ares_free_data(list);
#endif
        return count;
    }

    static void finish(void* argument, int status, byte_view reply) noexcept {
        std::unique_ptr<query> const asked{static_cast<query*>(argument)};
        --asked->of->under_way_;
        asked->then(status, reply);
    }
#if PEERKIT_CARES_RECORDS
    static void on_records(void* argument, ares_status_t status, std::size_t, ares_dns_record_t const* records) {
        unsigned char* bytes = nullptr;
        std::size_t size = 0;
        if (status == ARES_SUCCESS) status = ::ares_dns_write(records, &bytes, &size);
        finish(argument, static_cast<int>(status), std::as_bytes(std::span{bytes, size}));
        ::ares_free_string(bytes);
    }
#else
    static void on_reply(void* argument, int status, int, unsigned char* bytes, int size) {
        bool const whole = status == ARES_SUCCESS && bytes != nullptr && size > 0;
        finish(argument, status, whole ? std::as_bytes(std::span{bytes, static_cast<std::size_t>(size)}) : byte_view{});
    }
#endif

    /// c-ares wants to know when a socket can be read or written; neither: it is about to close it.
    static void on_socket(void* self, ares_socket_t socket, int read, int write) noexcept {
        try {
            static_cast<cares_channel*>(self)->watch(socket, read != 0, write != 0);
        } catch (...) { // no memory: nobody hears of this socket, and its queries end by time
        }
    }
    void watch(ares_socket_t socket, bool read, bool write) {
        auto const found =
            std::find_if(sockets_.begin(), sockets_.end(), [socket](auto const& one) { return one->number == socket; });
        if (!read && !write) {
            if (found == sockets_.end()) return;
            // Whoever still waits for it, or has heard of it and not yet been called, sees that it is no longer open.
            (*found)->give_back();
            sockets_.erase(found);
            return;
        }
        std::shared_ptr<watched> one;
        if (found != sockets_.end()) {
            one = *found;
        } else {
            one = std::make_shared<watched>(executor_, socket);
            asio::error_code failed;
            one->descriptor.assign(socket, failed);
            if (failed) return;
            sockets_.push_back(one);
        }
        one->read = read;
        one->write = write;
        wait_for(one);
    }
    void wait_for(std::shared_ptr<watched> const& one) {
        if (!one->descriptor.is_open()) return;
        if (one->read && !one->waiting_to_read) {
            one->waiting_to_read = true;
            one->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                       [weak = this->weak_from_this(), one](asio::error_code const& failed) {
                                           one->waiting_to_read = false;
                                           ready(weak.lock(), one, failed, one->number, ARES_SOCKET_BAD);
                                       });
        }
        if (one->write && !one->waiting_to_write) {
            one->waiting_to_write = true;
            one->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                                       [weak = this->weak_from_this(), one](asio::error_code const& failed) {
                                           one->waiting_to_write = false;
                                           ready(weak.lock(), one, failed, ARES_SOCKET_BAD, one->number);
                                       });
        }
    }
    static void ready(std::shared_ptr<cares_channel> const& self, std::shared_ptr<watched> const& one,
                      asio::error_code const& failed, ares_socket_t to_read, ares_socket_t to_write) {
        // The number may be another socket's by now: only an open one is still that of c-ares.
        if (!self || failed || !one->descriptor.is_open()) return;
        self->process(to_read, to_write);
        self->wait_for(one);
    }

    void process(ares_socket_t to_read, ares_socket_t to_write) {
        ::ares_process_fd(channel_, to_read, to_write);
        arm();
    }
    /// Wakes when c-ares has a timeout to see to. A wait that ends too early is harmless and cheaper than a new one.
    void arm() {
        timeval room{};
        timeval const* const next = ::ares_timeout(channel_, nullptr, &room);
        if (next == nullptr) {
            if (std::exchange(armed_, false)) timer_.cancel();
            return;
        }
        // c-ares rounds down.
        auto const at = std::chrono::steady_clock::now() + std::chrono::seconds{next->tv_sec} +
                        std::chrono::microseconds{next->tv_usec} + std::chrono::milliseconds{1};
        if (armed_ && timer_.expiry() <= at) return;
        armed_ = true;
        timer_.expires_at(at);
        timer_.async_wait([weak = this->weak_from_this()](asio::error_code const& failed) {
            auto const self = weak.lock();
            if (!self || failed) return;
            self->armed_ = false;
            self->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        });
    }

    asio::any_io_executor executor_;
    asio::steady_timer timer_;
    std::vector<std::shared_ptr<watched>> sockets_;
    std::size_t under_way_ = 0;
    bool armed_ = false;
    ares_channel channel_ = nullptr;
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
