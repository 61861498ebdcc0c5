// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sending and receiving datagrams in batches.
#include <peerkit/net/datagrams.hpp>

#include "unit/net/support.hpp"

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace net_test;
using peerkit::byte_span;
using peerkit::ip_address;
using peerkit::ip_endpoint;
using namespace peerkit::net;
namespace limits = peerkit::limits;

namespace {

struct pair {
    asio::io_context loop;
    asio::ip::udp::socket one{loop, {asio::ip::address_v4::loopback(), 0}};
    asio::ip::udp::socket two{loop, {asio::ip::address_v4::loopback(), 0}};
    traffic counted;
    pair() {
        one.native_non_blocking(true);
        two.native_non_blocking(true);
    }
    ip_endpoint where(asio::ip::udp::socket const& s) { return from_asio(s.local_endpoint()); }
};

std::vector<std::string> receive_all(datagram_receiver& receiver, asio::ip::udp::socket& from, traffic& counted,
                                     ip_endpoint* sender = nullptr) {
    std::vector<std::string> texts;
    for (;;) {
        auto const got = receiver.receive(from.native_handle(), counted, [&](byte_span bytes, ip_endpoint const& who) {
            texts.emplace_back(peerkit::as_text(bytes));
            if (sender != nullptr) *sender = who;
        });
        if (got.received == 0) {
            CHECK((got.code == EAGAIN || got.code == EWOULDBLOCK));
            return texts;
        }
    }
}

} // namespace

TEST_CASE("datagrams arrive in order, with their sender, in more than one batch") {
    pair p;
    datagram_sender sender{AF_INET, 10};
    datagram_receiver receiver;
    std::vector<std::string> sent;
    for (int i = 0; i < 100; ++i) sent.push_back("datagram " + std::to_string(i));
    for (auto const& text : sent) sender.add(p.one.native_handle(), p.where(p.two), peerkit::as_bytes(text), p.counted);
    CHECK(p.counted.datagrams_sent == datagram_sender::batch); // the rest waits for flush
    sender.flush(p.one.native_handle(), p.counted);
    CHECK(p.counted.datagrams_sent == 100);
    ip_endpoint who;
    CHECK(receive_all(receiver, p.two, p.counted, &who) == sent);
    CHECK(who == p.where(p.one));
    CHECK(p.counted.datagrams_received == 100);
    CHECK(p.counted.bytes_received == p.counted.bytes_sent);
}

TEST_CASE("empty datagrams and those of the largest size arrive, larger ones are dropped and counted") {
    pair p;
    datagram_receiver receiver;
    for (std::size_t size : {std::size_t{0}, limits::datagram, limits::datagram + 1, limits::datagram + 16,
                             limits::datagram + 17, std::size_t{9000}}) {
        p.one.send_to(asio::buffer(std::string(size, 'x')), p.two.local_endpoint());
    }
    auto const got = receive_all(receiver, p.two, p.counted);
    REQUIRE(got.size() == 2);
    CHECK(got[0].empty());
    CHECK(got[1].size() == limits::datagram);
    CHECK(p.counted.oversize == 4);
}

TEST_CASE("a datagram the system refuses is counted, and the next one is sent") {
    pair p;
    datagram_sender sender{AF_INET, 10};
    datagram_receiver receiver;
    std::string const too_large(70000, 'x'), fine = "fine";
    int const socket = p.one.native_handle();
    sender.add(socket, p.where(p.two), peerkit::as_bytes(fine), p.counted);
    sender.add(socket, p.where(p.two), peerkit::as_bytes(too_large), p.counted);
    sender.add(socket, {ip_address::v4(255, 255, 255, 255), 9}, peerkit::as_bytes(fine), p.counted); // EACCES
    sender.add(socket, {ip_address::parse("2001:db8::1").value(), 9}, peerkit::as_bytes(fine), p.counted);
    sender.add(socket, p.where(p.two), peerkit::as_bytes(fine), p.counted);
    sender.flush(socket, p.counted);
    CHECK(receive_all(receiver, p.two, p.counted).size() == 2);
    CHECK(p.counted.send_errors == 2);
    CHECK(p.counted.unreachable == 1);
    CHECK(p.counted.datagrams_sent == 2);
    CHECK(sender.waiting() == 0);
}

namespace {

/// A socket that takes `room` datagrams and is full then.
struct full_socket {
    std::vector<std::string>* taken;
    std::size_t* room;
    int operator()(int, detail::message_header* first, unsigned count) const {
        unsigned done = 0;
        for (; done < count && *room != 0; ++done, --*room) {
            iovec const& part = *detail::header_of(first[done]).msg_iov;
            taken->emplace_back(static_cast<char const*>(part.iov_base), part.iov_len);
        }
        if (done != 0) return static_cast<int>(done);
        errno = EAGAIN;
        return -1;
    }
};

} // namespace

TEST_CASE("what a full socket does not take waits in order, and what the queue does not take is dropped and counted") {
    std::vector<std::string> taken, wanted;
    std::size_t room = 3;
    basic_datagram_sender<full_socket> sender{AF_INET, 10, {&taken, &room}};
    traffic counted;
    ip_endpoint const to{ip_address::v4(127, 0, 0, 1), 9};
    auto const send = [&](int from, int last) {
        for (int i = from; i < last; ++i) {
            std::string const text = std::to_string(i); // gone after flush, as the bytes of an outbox
            sender.add(0, to, peerkit::as_bytes(text), counted);
            sender.flush(0, counted);
        }
    };
    send(0, 8);
    CHECK(sender.waiting() == 5);
    CHECK(taken.size() == 3);
    room = 2;
    send(8, 9); // stays behind those that wait, although there is room
    CHECK(taken.size() == 3);
    CHECK(sender.waiting() == 6);
    sender.resume(0, counted);
    CHECK(taken.size() == 5);
    CHECK(sender.waiting() == 4);
    send(9, 15);
    CHECK(sender.waiting() == 10);
    CHECK(counted.queue_overflows == 0);
    send(15, 20);
    CHECK(counted.queue_overflows == 5);
    room = 1000;
    sender.resume(0, counted);
    CHECK(sender.waiting() == 0);
    for (int i = 0; i < 15; ++i) wanted.push_back(std::to_string(i));
    CHECK(taken == wanted);
    CHECK(counted.datagrams_sent == 15);
    CHECK(counted.send_errors == 0);
    send(20, 21);
    CHECK(taken.back() == "20");
}
