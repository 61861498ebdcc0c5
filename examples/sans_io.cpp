// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The node without Asio: a poll() loop carries out what the logic wants. Try: sans_io 9100 & sans_io 9101 9100
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/network_name.hpp>
#include <peerkit/crypto/open_network.hpp>
#include <peerkit/crypto/secure_rng.hpp>
#include <peerkit/node/node_logic.hpp>
#include <peerkit/wire/stream.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace peerkit;
using logic_type =
    node::node_logic<gossip::policies<crypto::ed25519_identity, crypto::open_sealing, crypto::secure_rng>>;

namespace {

volatile std::sig_atomic_t interrupted = 0;

ip_endpoint on_loopback(char const* port) {
    return {ip_address::v4(127, 0, 0, 1), static_cast<std::uint16_t>(std::atoi(port))};
}
/// One call of the socket API with an address going in (connect, bind, sendto ...).
template <typename Call>
auto with_name(ip_endpoint const& e, Call call) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(e.port);
    copy_bytes(e.address.bytes(), std::as_writable_bytes(std::span{&name.sin_addr, 1}));
    return call(reinterpret_cast<sockaddr const*>(&name), static_cast<socklen_t>(sizeof name));
}
/// The same with one coming out (accept, recvfrom).
template <typename Call>
auto read_name(ip_endpoint& e, Call call) {
    sockaddr_in name{};
    socklen_t size = sizeof name;
    auto const got = call(reinterpret_cast<sockaddr*>(&name), &size);
    e = {ip_address::from_bytes(std::as_bytes(std::span{&name.sin_addr, 1})), ntohs(name.sin_port)};
    return got;
}
int unblocked(int fd) { return ::fcntl(fd, F_SETFL, O_NONBLOCK), fd; }

struct connection {
    int fd = -1;
    bool connecting = false, closing = false;
    std::vector<std::byte> unsent{};
    wire::frame_splitter in{};
};

struct program {
    logic_type& logic;
    std::vector<discovery::candidate> seeds;
    int udp = unblocked(::socket(AF_INET, SOCK_DGRAM, 0)), tcp = unblocked(::socket(AF_INET, SOCK_STREAM, 0));
    gossip::outbox out{};
    std::map<gossip::stream_id, connection> streams{};
    std::array<std::byte, 65536> buffer{};

    time_point now() const { return system_steady_clock{}.now(); }

    void carry_out() {
        for (std::size_t i = 0; i < out.size(); ++i) { // it may grow meanwhile
            gossip::action const a = out[i];
            auto const stream = streams.find(a.stream);
            if (a.kind == gossip::action_kind::send_datagram) {
                (void)with_name(a.to,
                                [&](auto... to) { return ::sendto(udp, a.bytes.data(), a.bytes.size(), 0, to...); });
            } else if (a.kind == gossip::action_kind::open_stream) {
                int const fd = unblocked(::socket(AF_INET, SOCK_STREAM, 0));
                (void)with_name(a.to, [fd](auto... to) { return ::connect(fd, to...); }); // poll() tells how it went
                streams[a.stream] = {fd, true};
            } else if (a.kind == gossip::action_kind::send_frame && stream != streams.end()) {
                stream->second.unsent.insert(stream->second.unsent.end(), a.bytes.begin(), a.bytes.end());
            } else if (a.kind == gossip::action_kind::close_stream && stream != streams.end()) {
                stream->second.closing = true;
            } else if (a.kind == gossip::action_kind::run_discovery) {
                logic.on_candidates(seeds, now(), out);
            } else if (a.kind == gossip::action_kind::notify) {
                std::string const who = to_string(a.what->subject.short_id());
                std::printf("%s %s: %zu alive\n", to_string(a.what->kind).data(), who.c_str(), logic.alive_count());
                std::fflush(stdout);
            }
        }
        out.clear();
    }
    void receive_datagrams() {
        ip_endpoint from;
        auto const receive = [&](auto... name) { return ::recvfrom(udp, buffer.data(), buffer.size(), 0, name...); };
        for (ssize_t got; (got = read_name(from, receive)) >= 0; carry_out())
            logic.on_datagram(byte_span{buffer}.first(static_cast<std::size_t>(got)), from, now(), out);
    }
    void accept_streams() {
        ip_endpoint from;
        for (int fd; (fd = read_name(from, [&](auto... name) { return ::accept(tcp, name...); })) >= 0;) {
            if (auto const id = logic.on_stream_accepted(from, now(), out))
                streams[*id] = {unblocked(fd)};
            else
                ::close(fd);
        }
    }
    /// False when the stream is over, and the logic knows.
    bool serve(gossip::stream_id id, connection& c, short ready) {
        auto const over = [&](std::optional<error> why) { return logic.on_stream_closed(id, why, now(), out), false; };
        if (c.connecting && ready != 0) {
            int failed = 0;
            socklen_t size = sizeof failed;
            if (::getsockopt(c.fd, SOL_SOCKET, SO_ERROR, &failed, &size) != 0 || failed != 0) return over({});
            c.connecting = false;
            logic.on_stream_opened(id, now(), out);
            carry_out();
        } else if ((ready & ~POLLOUT) != 0) {
            ssize_t const got = ::read(c.fd, buffer.data(), buffer.size());
            if (got <= 0) return c.closing ? false : over({});
            c.in.feed(byte_view{buffer}.first(static_cast<std::size_t>(got)));
            for (auto frame = c.in.next(); !c.closing; frame = c.in.next()) {
                if (!frame) return over(frame.error());
                if (frame->empty()) break;
                logic.on_stream_frame(id, *frame, now(), out);
                carry_out(); // may set closing
            }
        }
        if (c.connecting || c.unsent.empty()) return !c.closing;
        ssize_t const put = ::send(c.fd, c.unsent.data(), c.unsent.size(), MSG_NOSIGNAL);
        if (put > 0) c.unsent.erase(c.unsent.begin(), c.unsent.begin() + put);
        return true;
    }
    void poll_once() {
        std::vector<pollfd> watched{{udp, POLLIN, 0}, {tcp, POLLIN, 0}};
        std::vector<gossip::stream_id> ids;
        for (auto const& [id, c] : streams) {
            bool const writes = c.connecting || c.closing || !c.unsent.empty();
            watched.push_back({c.fd, static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN), 0});
            ids.push_back(id);
        }
        auto const wait = std::chrono::ceil<std::chrono::milliseconds>(logic.next_deadline() - now()).count();
        if (::poll(watched.data(), watched.size(), static_cast<int>(std::clamp<long>(wait, 0, 1000))) <= 0) return;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            connection& c = streams[ids[i]];
            if (watched[i + 2].revents == 0 || serve(ids[i], c, watched[i + 2].revents)) continue;
            ::close(c.fd);
            streams.erase(ids[i]);
        }
        if (watched[0].revents != 0) receive_datagrams();
        if (watched[1].revents != 0) accept_streams();
    }
};

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fputs("usage: sans_io <port> [port of a peer ...]\n", stderr), 2;
    ip_endpoint const self = on_loopback(argv[1]);
    auto identity = crypto::ed25519_identity::generate();
    auto random = crypto::secure_rng::make();
    if (!identity || !random) return EXIT_FAILURE;
    logic_type::options options;
    options.network = crypto::network_id_of("sans-io");
    options.self.name = std::string{"port-"} + argv[1];
    options.self.gossip_port = self.port;
    options.self.addresses = {{self.address}};
    options.tunables = gossip::local();
    logic_type logic{std::move(*identity), crypto::open_sealing{options.network}, std::move(*random), options};
    program me{logic, {}};
    for (int i = 2; i < argc; ++i) {
        me.seeds.emplace_back();
        me.seeds.back().addresses = {on_loopback(argv[i])};
    }
    for (int const fd : {me.udp, me.tcp}) {
        if (with_name(self, [fd](auto... name) { return ::bind(fd, name...); }) != 0)
            return std::perror("bind"), EXIT_FAILURE;
    }
    if (::listen(me.tcp, 16) != 0) return std::perror("listen"), EXIT_FAILURE;
    for (int const signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { interrupted = 1; });
    if (auto ok = logic.start(me.now(), me.out); !ok)
        return std::fprintf(stderr, "%s\n", ok.error().message().c_str()), EXIT_FAILURE;
    for (bool leaving = false; logic.running(); me.poll_once()) {
        if (interrupted != 0 && !std::exchange(leaving, true)) logic.leave(me.now(), me.out);
        if (logic.next_deadline() <= me.now()) logic.on_tick(me.now(), me.out);
        me.carry_out();
    }
}
