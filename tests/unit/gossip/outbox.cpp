// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of gossip::outbox.
#include <peerkit/gossip/outbox.hpp>

#include <doctest/doctest.h>

#include <array>

#include <cstddef>

using namespace peerkit;
using gossip::action_kind;
using gossip::outbox;
using gossip::stream_id;

namespace {

void put(outbox& out, std::size_t room, std::size_t size, std::byte fill) {
    byte_span const at = out.room(room);
    REQUIRE(at.size() == room);
    for (std::byte& b : at) b = fill;
    out.send_datagram({}, size);
}

} // namespace

TEST_CASE("actions come out in the order and with the contents they were put in") {
    outbox out;
    CHECK(out.empty());
    ip_endpoint const where{ip_address::v4(10, 0, 0, 1), 9};
    gossip::event told;
    told.count = 42;
    (void)out.room(8);
    out.send_datagram(where, 5);
    out.open_stream(stream_id{1}, where);
    (void)out.room(4);
    out.send_frame(stream_id{1}, 4);
    out.notify(told);
    out.close_stream(stream_id{1});
    out.run_discovery();
    (void)out.room(3);
    out.persist(2);
    out.resolve_address(where.address);
    out.listen();
    REQUIRE(out.size() == 9);
    CHECK(out[0].kind == action_kind::send_datagram);
    CHECK(out[0].to == where);
    CHECK(out[0].bytes.size() == 5);
    CHECK(out[1].kind == action_kind::open_stream);
    CHECK(out[1].stream == stream_id{1});
    CHECK(out[1].to == where);
    CHECK(out[2].kind == action_kind::send_frame);
    CHECK(out[2].bytes.size() == 4);
    CHECK(out[3].kind == action_kind::notify);
    REQUIRE(out[3].what != nullptr);
    CHECK(out[3].what->count == 42);
    CHECK(out[4].kind == action_kind::close_stream);
    CHECK(out[4].what == nullptr);
    CHECK(out[5].kind == action_kind::run_discovery);
    CHECK(out[6].kind == action_kind::persist);
    CHECK(out[6].bytes.size() == 2);
    CHECK(out[7].kind == action_kind::resolve_address);
    CHECK(out[7].to.address == where.address);
    CHECK(out[8].kind == action_kind::listen);
    REQUIRE(out.events().size() == 1);
    CHECK(out.events()[0].count == 42);
    out.clear();
    CHECK(out.empty());
    CHECK(out.events().empty());
}

TEST_CASE("user data is copied, and each delivery keeps its own description") {
    outbox out;
    for (std::uint64_t i = 1; i <= 200; ++i) {
        gossip::delivery what;
        what.sequence = i;
        std::array<std::byte, 100> payload{};
        payload.fill(static_cast<std::byte>(i));
        out.deliver(what, byte_view{payload}.first(i % 100));
        out.notify({});
    }
    for (std::uint64_t i = 1; i <= 200; ++i) {
        auto const a = out[2 * (i - 1)];
        REQUIRE(a.kind == action_kind::deliver);
        REQUIRE(a.message != nullptr);
        CHECK(a.message->sequence == i);
        REQUIRE(a.bytes.size() == i % 100);
        if (!a.bytes.empty()) CHECK(a.bytes.back() == static_cast<std::byte>(i));
        CHECK(out[2 * (i - 1) + 1].message == nullptr);
    }
    out.clear();
    out.deliver({}, {});
    CHECK(out[0].bytes.empty());
}

TEST_CASE("bytes put in earlier survive the growth of the arena") {
    outbox out;
    for (unsigned i = 0; i < 100; ++i) put(out, 1200, 1000, static_cast<std::byte>(i));
    (void)out.room(1 << 20U);
    for (unsigned i = 0; i < 100; ++i) {
        REQUIRE(out[i].bytes.size() == 1000);
        CHECK(out[i].bytes.front() == static_cast<std::byte>(i));
        CHECK(out[i].bytes.back() == static_cast<std::byte>(i));
    }
}

TEST_CASE("room that is not used is given again") {
    outbox out;
    byte_span const abandoned = out.room(100);
    byte_span const again = out.room(100);
    CHECK(abandoned.data() == again.data());
    out.send_datagram({}, 10);
    CHECK(out.room(100).data() == again.data() + 10);
}
