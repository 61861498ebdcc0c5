// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Datagrams through a node on a real socket, beside an Asio loop that does nothing but receive and send.
#include <support/count_allocations.hpp>
#include <support/measure.hpp>
#include <support/synthetic_members.hpp>

#include <peerkit/crypto/network_key.hpp>
#include <peerkit/crypto/sodium.hpp>
#include <peerkit/net/convert.hpp>
#include <peerkit/net/node.hpp>

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

namespace {

using namespace peerkit;
using synthetic::frames;
using synthetic::must;
using synthetic::peer;
using synthetic::require;
using udp = asio::ip::udp;

constexpr std::size_t per_round = 2048;

[[nodiscard]] crypto::network_key key() {
    return must(crypto::network_key::parse("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
                "no network key");
}

/// The far side: sends bursts and takes the answers, outside of what is timed.
class far_side {
public:
    far_side() : socket_{loop_, {asio::ip::address_v4::loopback(), 0}} { socket_.non_blocking(true); }

    [[nodiscard]] udp::endpoint where() const { return socket_.local_endpoint(); }
    void send(byte_view bytes, udp::endpoint const& to) {
        socket_.send_to(asio::buffer(bytes.data(), bytes.size()), to);
    }
    /// Answers that have come; the size of the last one is kept.
    [[nodiscard]] std::size_t take() {
        std::size_t taken = 0;
        for (;;) {
            asio::error_code ec;
            std::size_t const size = socket_.receive(asio::buffer(room_), 0, ec);
            if (ec) return taken;
            answer_size_ = size;
            ++taken;
        }
    }
    [[nodiscard]] std::size_t answer_size() const noexcept { return answer_size_; }

private:
    asio::io_context loop_;
    udp::socket socket_;
    std::array<std::byte, 2048> room_{};
    std::size_t answer_size_ = 0;
};

/// Sends all frames, `burst` at a time; the processor seconds that `poll` takes to answer them.
template <typename Poll>
double answered(far_side& far, frames& asked, udp::endpoint const& to, std::size_t burst, Poll&& poll) {
    double spent = 0;
    for (std::size_t at = 0; at < asked.size();) {
        std::size_t const end = std::min(at + burst, asked.size());
        std::size_t const count = end - at;
        for (; at < end; ++at) far.send(asked[at], to);
        spent += measure::seconds([&] { poll(count); });
        require(far.take() == count, "an answer is missing");
    }
    return spent;
}

/// A node that knows one member, the far side, and has nothing to do but answer it.
class live_node {
public:
    explicit live_node(far_side& far) : sealing_{key()} {
        net::node_config config;
        config.network = "bench";
        config.key = key();
        config.self.name = "node";
        config.listen.address = ip_address::v4(127, 0, 0, 1);
        config.tunables = synthetic::without_timers(1024);
        config.tunables.packets_per_source = 4'000'000'000U; // all of it comes from one address
        config.schedule.retry_first = config.schedule.retry_most = std::chrono::hours{1000}; // nor anything to look for
        node_.emplace(must(net::node::create(loop_.get_executor(), std::move(config)), "no node"));
        require(node_->start().has_value(), "the node did not start");

        auto const identity = synthetic::make_identity<crypto::ed25519_identity>(1);
        description d = synthetic::describe(1);
        d.gossip_port = far.where().port();
        d.addresses = {{ip_address::v4(127, 0, 0, 1), 0, address_kind::local}};
        require(normalize(d).has_value(), "the description is not valid");
        std::array<std::byte, limits::record> room;
        auto const record = must(crypto::sign_record(identity, synthetic::network(), d, 1, false, room), "no record");
        member_.record.assign(record.bytes().begin(), record.bytes().end());
        member_.id = record.id();
        member_.key = record.short_id();
        member_.incarnation = 1;

        frames hello;
        hello.add(sealing_, member_, node_->id(),
                  [&](wire::packet_writer& packet) { packet.announce(member_.bytes()); });
        far.send(hello[0], where());
        for (int i = 0; i < 100'000 && (node_->alive_count() < 2 || node_->logic().engine().queued() != 0); ++i)
            loop_.poll();
        require(node_->alive_count() == 2, "the node does not know the other side");
        (void)far.take();
    }

    [[nodiscard]] udp::endpoint where() const { return net::to_asio<udp>(node_->local()); }
    void pings(frames& to, std::size_t count) {
        to.clear();
        for (std::size_t i = 0; i < count; ++i) {
            to.add(sealing_, member_, node_->id(),
                   [&](wire::packet_writer& packet) { packet.ping(i + 1, member_.incarnation); });
        }
    }
    void answer(std::size_t count) {
        std::uint64_t const until = node_->sockets().datagrams_sent + count;
        while (node_->sockets().datagrams_sent < until) loop_.poll();
    }
    /// What opening these frames and sealing an answer to each takes.
    [[nodiscard]] double cryptography(frames asked, std::size_t answer_size) {
        std::array<std::byte, limits::datagram> room{};
        wire::envelope head;
        return measure::seconds([&] {
            for (std::size_t i = 0; i < asked.size(); ++i) {
                auto const opened = crypto::open_frame(sealing_, synthetic::network(), node_->id(), nullptr, asked[i]);
                require(opened.has_value(), "a frame did not open");
                head.counter = i;
                (void)crypto::seal_frame(sealing_, head, synthetic::network(), member_.id, nullptr, room,
                                         answer_size - wire::envelope::head - wire::envelope::tail);
            }
        });
    }

private:
    asio::io_context loop_{1};
    std::optional<net::node> node_;
    crypto::xchacha_sealing sealing_;
    peer member_;
};

/// The least an Asio program can do: receive one, send one.
class bare_loop {
public:
    bare_loop() : socket_{loop_, {asio::ip::address_v4::loopback(), 0}} { receive(); }

    [[nodiscard]] udp::endpoint where() const { return socket_.local_endpoint(); }
    void answer(std::size_t count, std::size_t size) {
        size_ = size;
        std::size_t const until = sent_ + count;
        while (sent_ < until) loop_.poll();
    }

private:
    void receive() {
        socket_.async_receive_from(asio::buffer(room_), from_, [this](asio::error_code, std::size_t) {
            socket_.async_send_to(asio::buffer(room_.data(), size_), from_, [this](asio::error_code, std::size_t) {
                ++sent_;
                receive();
            });
        });
    }

    asio::io_context loop_{1};
    udp::socket socket_;
    udp::endpoint from_;
    std::array<std::byte, 2048> room_{};
    std::size_t size_ = 0, sent_ = 0;
};

struct compared {
    double ratio; ///< bare Asio's time by the node's, without cryptography
    double per_s; ///< datagrams answered by the node, cryptography included
    std::size_t allocations;
};

/// Both answer the same pings, `burst` of which wait when the loop looks.
compared compare(far_side& far, live_node& node, bare_loop& bare, std::size_t burst) {
    frames asked;
    measure::rounds_taken through_node, through_asio, in_sodium, ratio;
    std::size_t allocated = 0;         // by the node, once its buffers have grown
    constexpr std::size_t warm_up = 5; // rounds
    std::size_t const rounds = measure::quick() ? 31 : 201;
    for (std::size_t i = 0; i < rounds; ++i) {
        node.pings(asked, per_round);
        frames const copy = asked;
        long const before = measure::preemptions();
        double const ours = answered(far, asked, node.where(), burst, [&](std::size_t count) {
            std::size_t const held = measure::allocations();
            node.answer(count);
            if (i >= warm_up) allocated += measure::allocations() - held;
        });
        std::size_t const size = far.answer_size();
        double const theirs =
            answered(far, asked, bare.where(), burst, [&](std::size_t count) { bare.answer(count, size); });
        double const sodium = node.cryptography(copy, size);
        bool const disturbed = measure::preemptions() != before;
        through_node.add(ours, disturbed);
        through_asio.add(theirs, disturbed);
        in_sodium.add(sodium, disturbed);
        ratio.add(theirs / (ours - sodium), disturbed);
    }
    auto const ns = [](measure::rounds_taken const& of) { return of.median() * 1e9 / per_round; };
    std::printf(
        "%zu waiting, a ping of %zu bytes in, an ack of %zu out: node %.0f ns, of which cryptography %.0f ns; bare "
        "Asio %.0f ns\n",
        burst, asked[0].size(), far.answer_size(), ns(through_node), ns(in_sodium), ns(through_asio));
    return {ratio.median(), per_round / through_node.median(), allocated};
}

} // namespace

int main() {
    require(crypto::ensure_sodium().has_value(), "no libsodium");
    far_side far;
    live_node node{far};
    bare_loop bare;
    // What waits when a receiver that is busy looks again, and what an idle one is woken by.
    compared const busy = compare(far, node, bare, 32);
    compared const woken = compare(far, node, bare, 1);
    measure::report("net.datagrams.vs_asio", busy.ratio);
    measure::report("net.datagrams.single.vs_asio", woken.ratio);
    measure::report("net.datagrams_per_s", busy.per_s);
    measure::report("net.datagrams.allocs", static_cast<double>(busy.allocations + woken.allocations));
}
