// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of whether a registration may be believed.
#include <peerkit/registry/registration_check.hpp>

#include "support/registrants.hpp"

#include <doctest/doctest.h>

using namespace peerkit;
using namespace peerkit::registry;
using namespace std::chrono_literals;
using tests::registrant;

namespace {

using fake = crypto::fake_identity;
time_point const start = time_point{} + 300s;

error refused(void (*change)(registration&)) {
    registration asked = registrant{1}.asks();
    change(asked);
    auto const checked = check_registration(asked, network_id{});
    REQUIRE_FALSE(checked);
    return checked.error();
}

} // namespace

TEST_CASE("a proof is good for the step of its challenge and the next") {
    challenge_maker const maker{{1, 2}};
    registrant const node{1};
    auto const proof = node.prove(maker.make(node.id(), start));
    CHECK(maker.proves<fake>(node.id(), {}, proof, start));
    CHECK(maker.proves<fake>(node.id(), {}, proof, start + 59s));
    CHECK_FALSE(maker.proves<fake>(node.id(), {}, proof, start + 60s));
    CHECK_FALSE(maker.proves<fake>(node.id(), {}, proof, start - 1s));
}

TEST_CASE("both halves of a challenge are random") {
    auto const made = challenge_maker{{1, 2}}.make(registrant{1}.id(), start);
    CHECK(load_big<std::uint64_t>(made.data()) != load_big<std::uint64_t>(made.data() + 8));
}

TEST_CASE("a proof is no other node's, network's or registry's") {
    challenge_maker const maker{{1, 2}}, elsewhere{{1, 3}};
    registrant const node{1}, other{2};
    auto const challenge = maker.make(node.id(), start);
    CHECK(challenge != elsewhere.make(node.id(), start));
    CHECK(challenge != maker.make(other.id(), start));
    CHECK_FALSE(maker.proves<fake>(other.id(), {}, other.prove(challenge), start));
    CHECK_FALSE(maker.proves<fake>(node.id(), {}, other.prove(challenge), start));
    CHECK_FALSE(elsewhere.proves<fake>(node.id(), {}, node.prove(challenge), start));
    network_id abroad;
    abroad.bytes[0] = std::byte{1};
    CHECK_FALSE(maker.proves<fake>(node.id(), abroad, node.prove(challenge), start));
}

TEST_CASE("a registration whose texts agree with its announcement is accepted") {
    registration asked = registrant{1}.asks("Example.TEST.");
    asked.network = network_id{};
    asked.name = "node1";
    asked.address = ip_address::v4(10, 0, 0, 1);
    asked.port = 9000;
    auto const record = check_registration(asked, network_id{});
    REQUIRE(record);
    CHECK(record->name() == "node1");
    CHECK(asked.domain == "example.test");
}

TEST_CASE("an announcement without addresses agrees with any") {
    registrant node{1};
    node.me.addresses.clear();
    registration asked = node.asks("");
    asked.address = ip_address::v4(192, 0, 2, 9);
    CHECK(check_registration(asked, network_id{}));
}

TEST_CASE("whatever does not agree or is malformed is refused by name") {
    auto const is = [](error const& why, registry_error what, std::string_view field) {
        return why == what && why.field() == field;
    };
    using enum registry_error;
    CHECK(is(refused([](registration& r) { r.name = "node2"; }), mismatch, "node_name"));
    CHECK(is(refused([](registration& r) { r.address = ip_address::v4(10, 0, 0, 2); }), mismatch, "ipv6_address"));
    CHECK(is(refused([](registration& r) { r.port = 9001; }), mismatch, "port"));
    CHECK(is(refused([](registration& r) { r.network = network_id{{std::byte{1}}}; }), wrong_network, "network"));
    CHECK(is(refused([](registration& r) { r.record.pop_back(); }), bad_record, "record"));
    CHECK(is(refused([](registration& r) { r.record.clear(); }), bad_record, "record"));
    CHECK(is(refused([](registration& r) { r.record = registrant{1}.record(true); }), bad_record, "left"));
    CHECK(is(refused([](registration& r) { r.proof.resize(63); }), bad_proof, "proof"));
    CHECK(is(refused([](registration& r) { r.domain = "a b"; }), malformed, "domain"));
    CHECK(is(refused([](registration& r) { r.domain.assign(254, 'a'); }), malformed, "domain"));
    CHECK(is(refused([](registration& r) { r.registry.assign(262, 'a'); }), malformed, "registry_address"));
    CHECK(is(refused([](registration& r) { r.found_by = "a\nb"; }), malformed, "found_by"));
    CHECK(is(refused([](registration& r) { r.found_by.assign(64, 'a'); }), malformed, "found_by"));
}
