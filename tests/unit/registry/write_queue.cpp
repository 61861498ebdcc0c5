// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the writes a replica keeps for its root.
#include <peerkit/registry/write_queue.hpp>

#include "support/registrants.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace peerkit;
using namespace peerkit::registry;
using tests::registrant;

namespace {

registration full_registration() {
    registration asked = registrant{1}.asks();
    asked.registry = "[2001:db8::1]:8000";
    asked.found_by = "dns+mdns";
    asked.lease = tests::lease_number(7);
    return asked;
}

} // namespace

TEST_CASE("writes come out in the order they went in, with ascending numbers, up to the cap") {
    write_queue queue{2};
    CHECK(queue.empty());
    REQUIRE(queue.push(full_registration()) != nullptr);
    REQUIRE(queue.push(deregistration{registrant{2}.id(), {}}) != nullptr);
    CHECK(queue.full());
    CHECK(queue.push(full_registration()) == nullptr);
    CHECK(queue.front().id() == registrant{1}.id());
    std::uint64_t const first = queue.front().number;
    queue.pop();
    CHECK(queue.front().id() == registrant{2}.id());
    CHECK(queue.front().number > first);
    CHECK(queue.size() == 1);
}

TEST_CASE("a registration survives being stored, but for what was only needed to check it") {
    registration asked = full_registration();
    asked.proof = registrant{1}.prove(as_bytes("challenge"));
    asked.name = "node1";
    queued_write const write{3, asked};
    auto const read = queued_write::decode(3, write.encode());
    REQUIRE(read);
    auto const& back = std::get<registration>(read->what);
    CHECK(back.record == asked.record);
    CHECK(back.domain == asked.domain);
    CHECK(back.registry == asked.registry);
    CHECK(back.found_by == asked.found_by);
    CHECK(back.lease == asked.lease);
    CHECK(back.proof.empty());
    CHECK(read->number == 3);
}

TEST_CASE("a deregistration survives being stored") {
    queued_write const write{4, deregistration{registrant{2}.id(), tests::lease_number(9)}};
    auto const read = queued_write::decode(4, write.encode());
    REQUIRE(read);
    CHECK(read->id() == registrant{2}.id());
    CHECK(read->lease() == tests::lease_number(9));
}

TEST_CASE("cut or longer bytes are refused") {
    for (queued_write const& write :
         {queued_write{1, full_registration()}, queued_write{2, deregistration{registrant{2}.id(), {}}}}) {
        auto const bytes = write.encode();
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            CAPTURE(size);
            auto const read = queued_write::decode(1, byte_view{bytes}.first(size));
            REQUIRE_FALSE(read);
            CHECK(read.error() == registry_error::malformed);
        }
        auto longer = bytes;
        longer.push_back({});
        CHECK_FALSE(queued_write::decode(1, longer));
        auto other = bytes;
        other[0] = std::byte{9};
        CHECK_FALSE(queued_write::decode(1, other));
    }
}

TEST_CASE("numbers go on behind those of an earlier life, and what was acknowledged there stays above the cap") {
    write_queue queue{1};
    queue.restore({7, full_registration()});
    queue.restore({9, deregistration{registrant{2}.id(), {}}});
    CHECK(queue.size() == 2);
    CHECK(queue.push(full_registration()) == nullptr);
    queue.pop(), queue.pop();
    auto const* const write = queue.push(full_registration());
    REQUIRE(write != nullptr);
    CHECK(write->number == 10);
}

TEST_CASE("a lease the root gave reaches the queued deregistration that has the old one, and no other") {
    write_queue queue{10};
    auto const push = [&](std::uint64_t node, unsigned char lease) {
        (void)queue.push(deregistration{registrant{node}.id(), tests::lease_number(lease)});
    };
    push(1, 1), push(2, 1), push(1, 2);
    std::vector<std::uint64_t> changed;
    queue.exchange_lease(registrant{1}.id(), tests::lease_number(1), tests::lease_number(5),
                         [&](queued_write const& w) { changed.push_back(w.number); });
    CHECK(changed == std::vector<std::uint64_t>{1});
    CHECK(queue.front().lease() == tests::lease_number(5));
    queue.pop();
    CHECK(queue.front().lease() == tests::lease_number(1));
    queue.pop();
    CHECK(queue.front().lease() == tests::lease_number(2));
}

TEST_CASE("the last write of a node is found") {
    write_queue queue{10};
    (void)queue.push(full_registration());
    (void)queue.push(deregistration{registrant{1}.id(), {}});
    REQUIRE(queue.last_of(registrant{1}.id()) != nullptr);
    CHECK(queue.last_of(registrant{1}.id())->number == 2);
    CHECK(queue.last_of(registrant{2}.id()) == nullptr);
}
