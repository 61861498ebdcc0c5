// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A name server for tests, in the same process: UDP and TCP on one port of the loopback, answering what it is told to.
#ifndef PEERKIT_TESTS_SUPPORT_DNS_SERVER_HPP
#define PEERKIT_TESTS_SUPPORT_DNS_SERVER_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/wire/dns_message.hpp>
#include <peerkit/wire/dns_name.hpp>
#include <peerkit/wire/dns_writer.hpp>

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace peerkit_test {

/// One query as the server sees it.
struct dns_query {
    std::uint16_t id = 0;
    peerkit::wire::dns_name name{};
    peerkit::wire::dns_type type{};
    bool tcp = false;
    unsigned times = 0; ///< this name and type were asked for, this time included

    /// The first label, which the tests give a meaning.
    [[nodiscard]] std::string label() const {
        std::string_view first;
        (void)name.view().labels().next(first);
        return std::string{first};
    }
};

using dns_bytes = std::vector<std::byte>;
using dns_replies = std::vector<dns_bytes>;

/// Builds the reply to a query; what does not fit into 64 KiB fails the test.
class dns_reply {
public:
    explicit dns_reply(dns_query const& to, unsigned code = 0) : dns_reply{to, to.name, code} {}
    /// With the question that the server claims to have been asked.
    dns_reply(dns_query const& to, peerkit::wire::dns_name const& question, unsigned code = 0)
        : out_{room_, {.id = to.id, .flags = static_cast<std::uint16_t>(0x8180U | code)}} {
        done(out_.question(question, to.type));
    }
    dns_reply(dns_reply const&) = delete;
    dns_reply& operator=(dns_reply const&) = delete;

    dns_reply& address(std::string_view owner, std::string_view is, std::uint32_t ttl = 60) {
        done(out_.address({name(owner), ttl}, peerkit::ip_address::parse(is).value()));
        return *this;
    }
    dns_reply& alias(std::string_view owner, std::string_view target, std::uint32_t ttl = 60) {
        done(out_.pointer({name(owner), ttl}, peerkit::wire::dns_type::cname, name(target)));
        return *this;
    }
    dns_reply& pointer(std::string_view owner, std::string_view target, std::uint32_t ttl = 60) {
        done(out_.pointer({name(owner), ttl}, peerkit::wire::dns_type::ptr, name(target)));
        return *this;
    }
    dns_reply& service(std::string_view owner, std::uint16_t priority, std::uint16_t weight, std::uint16_t port,
                       std::string_view target, std::uint32_t ttl = 60) {
        done(out_.service({name(owner), ttl}, {priority, weight, port, name(target)}));
        return *this;
    }
    dns_reply& text(std::string_view owner, std::vector<std::string> const& strings, std::uint32_t ttl = 60) {
        dns_bytes data;
        for (std::string const& one : strings) {
            data.push_back(static_cast<std::byte>(one.size()));
            for (char const c : one) data.push_back(static_cast<std::byte>(c));
        }
        done(out_.raw({name(owner), ttl}, peerkit::wire::dns_type::txt, data));
        return *this;
    }
    dns_reply& truncated() {
        out_.set_truncated();
        return *this;
    }
    [[nodiscard]] dns_bytes bytes() const {
        auto const all = out_.written();
        return {all.begin(), all.end()};
    }

private:
    /// Kept, because the writer only looks at it.
    [[nodiscard]] static peerkit::wire::dns_name name(std::string_view text) {
        return peerkit::wire::dns_name::parse(text).value();
    }
    static void done(peerkit::result<void> const& what) {
        if (!what) FAIL(what.error().message());
    }

    dns_bytes room_ = dns_bytes(peerkit::wire::dns_message_limit);
    peerkit::wire::dns_writer out_;
};

/// Serves on a thread of its own until it is destroyed. `answer` is called there and gives the messages to send back,
/// none for silence; it must not use doctest's REQUIRE.
class dns_server {
public:
    using answering = std::function<dns_replies(dns_query const&)>;

    /// @param host the last number of 127.0.0.x
    /// @param port 0 for any that is free
    explicit dns_server(answering answer, std::uint8_t host = 1, std::uint16_t port = 0)
        : answer_{std::move(answer)}, host_{host} {
        for (int i = 0; i < 100 && !open(port); ++i) {}
        REQUIRE(port_ != 0);
        REQUIRE(::pipe(wake_.data()) == 0);
        thread_ = std::thread{[this] { serve(); }};
    }
    dns_server(dns_server const&) = delete;
    dns_server& operator=(dns_server const&) = delete;
    ~dns_server() {
        ::close(wake_[1]);
        thread_.join();
        ::close(wake_[0]);
        ::close(udp_);
        ::close(tcp_);
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// "127.0.0.1:12345"
    [[nodiscard]] std::string at() const { return address() + ":" + std::to_string(port_); }
    [[nodiscard]] std::string address() const { return peerkit::ip_address::v4(127, 0, 0, host_).to_string(); }
    /// Queries so far, and how many of them over TCP.
    [[nodiscard]] std::size_t queries() const {
        std::lock_guard const lock{mutex_};
        return queries_;
    }
    [[nodiscard]] std::size_t tcp_queries() const {
        std::lock_guard const lock{mutex_};
        return tcp_queries_;
    }
    /// Whether this name and type was asked for, and how often.
    [[nodiscard]] unsigned times(std::string_view name, peerkit::wire::dns_type type) const {
        std::lock_guard const lock{mutex_};
        auto const found = times_.find({peerkit::wire::dns_name::parse(name).value().to_string(), type});
        return found == times_.end() ? 0 : found->second;
    }

private:
    bool open(std::uint16_t port) {
        sockaddr_in here{};
        here.sin_family = AF_INET;
        here.sin_port = htons(port);
        here.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1U + host_);
        socklen_t size = sizeof here;
        auto* const name = reinterpret_cast<sockaddr*>(&here);
        udp_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        tcp_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::bind(udp_, name, size) == 0 && ::getsockname(udp_, name, &size) == 0 && ::bind(tcp_, name, size) == 0 &&
            ::listen(tcp_, 64) == 0) {
            port_ = ntohs(here.sin_port);
            return true;
        }
        ::close(udp_);
        ::close(tcp_);
        return false;
    }

    void serve() {
        struct client {
            int socket;
            dns_bytes got{};
        };
        std::vector<client> clients;
        for (;;) {
            std::vector<pollfd> waits{{wake_[0], POLLIN, 0}, {udp_, POLLIN, 0}, {tcp_, POLLIN, 0}};
            for (client const& one : clients) waits.push_back({one.socket, POLLIN, 0});
            if (::poll(waits.data(), waits.size(), -1) < 0) continue;
            if (waits[0].revents != 0) break;
            if (waits[1].revents != 0) serve_datagram();
            for (std::size_t i = clients.size(); i-- != 0;) {
                if (waits[3 + i].revents == 0 || serve_stream(clients[i].socket, clients[i].got)) continue;
                ::close(clients[i].socket);
                clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(i));
            }
            if (waits[2].revents != 0) {
                if (int const one = ::accept(tcp_, nullptr, nullptr); one >= 0) clients.push_back({one});
            }
        }
        for (client const& one : clients) ::close(one.socket);
    }
    void serve_datagram() {
        std::array<std::byte, 4096> query{};
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        auto const got = ::recvfrom(udp_, query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (got <= 0) return;
        for (dns_bytes const& reply : replies({query.data(), static_cast<std::size_t>(got)}, false)) {
            ::sendto(udp_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
        }
    }
    bool serve_stream(int socket, dns_bytes& all) {
        std::array<std::byte, 4096> part{};
        auto const got = ::recv(socket, part.data(), part.size(), 0);
        if (got <= 0) return false;
        all.insert(all.end(), part.begin(), part.begin() + got);
        while (all.size() >= 2) {
            std::size_t const size = peerkit::load_big<std::uint16_t>(all.data());
            if (all.size() < 2 + size) break;
            for (dns_bytes const& reply : replies({all.data() + 2, size}, true)) {
                dns_bytes framed(2);
                peerkit::store_big(framed.data(), static_cast<std::uint16_t>(reply.size()));
                framed.insert(framed.end(), reply.begin(), reply.end());
                ::send(socket, framed.data(), framed.size(), MSG_NOSIGNAL);
            }
            all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(2 + size));
        }
        return true;
    }
    dns_replies replies(std::span<std::byte const> bytes, bool tcp) {
        auto const message = peerkit::wire::dns_message_view::parse(bytes);
        if (!message || message->question_count() != 1) return {};
        peerkit::wire::dns_question question;
        auto questions = message->questions();
        (void)questions.next(question);
        dns_query query;
        query.id = message->header().id;
        query.name = peerkit::wire::dns_name{question.name};
        query.type = question.type;
        query.tcp = tcp;
        {
            std::lock_guard const lock{mutex_};
            query.times = ++times_[{query.name.to_string(), query.type}];
            ++queries_;
            tcp_queries_ += tcp ? 1U : 0U;
        }
        return answer_(query);
    }

    answering answer_;
    std::uint8_t host_;
    int udp_ = -1;
    int tcp_ = -1;
    std::uint16_t port_ = 0;
    std::array<int, 2> wake_{-1, -1};
    mutable std::mutex mutex_;
    std::size_t queries_ = 0;
    std::size_t tcp_queries_ = 0;
    std::map<std::pair<std::string, peerkit::wire::dns_type>, unsigned> times_;
    std::thread thread_;
};

} // namespace peerkit_test

#endif
