// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::fallback_order: the order of the reasons, and what is guessed when all of them fail.
#include <peerkit/node/fallback_order.hpp>

#include <doctest/doctest.h>

#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include <support/puppet.hpp>

using namespace peerkit;
using discovery::provenance;
using node::fallback_order;
using node::known_candidate;
using node::known_place;
using node::provenance_set;
using node::trust;
using node::whereabouts;

namespace {

ip_endpoint at(std::uint8_t machine, std::uint16_t port = 9000) { return {ip_address::v4(10, 0, 0, machine), port}; }
known_place kept(ip_endpoint const& where, provenance_set from) { return {where, from, {}, {}, 0, {}}; }
known_place named(ip_endpoint const& where, provenance_set by) { return {where, {}, by, by, 0, {}}; }

/// A peer of an earlier life whom nobody finds any more.
known_candidate silent() {
    known_candidate c;
    c.id = tests::puppet{7}.id();
    c.places = {kept(at(1), provenance::stored)};
    c.sources = provenance::stored;
    c.standing = trust::service;
    return c;
}
std::vector<ip_endpoint> list(fallback_order::place_list const& from) { return {from.begin(), from.end()}; }

} // namespace

TEST_CASE("an address is tried for the best reason there is: proven, configured, found now, remembered") {
    known_candidate c;
    c.places = {kept(at(1), provenance::stored),
                named(at(2), provenance::dns),
                kept(at(3), provenance::host),
                named(at(4), provenance::file),
                kept(at(5), provenance_set{provenance::stored} | provenance::gossip),
                named(at(6), provenance::registry)};
    c.proven_place = 5;
    CHECK(fallback_order::of(c, 0) == whereabouts::remembered);
    CHECK(fallback_order::of(c, 1) == whereabouts::found);
    CHECK(fallback_order::of(c, 2) == whereabouts::configured);
    CHECK(fallback_order::of(c, 3) == whereabouts::configured);
    CHECK(fallback_order::of(c, 4) == whereabouts::found); // a member said so in this life
    CHECK(fallback_order::of(c, 5) == whereabouts::proven);

    std::vector<std::size_t> order;
    while (auto const next = fallback_order::next_place(c)) {
        order.push_back(*next);
        c.tried = static_cast<std::uint8_t>(c.tried | 1U << *next);
    }
    CHECK(order == std::vector<std::size_t>{5, 2, 3, 1, 4, 0});
}

TEST_CASE("nothing is guessed before whole rounds were in vain") {
    known_candidate c = silent();
    for (c.unanswered = 0; c.unanswered < fallback_order::vain_rounds; ++c.unanswered)
        CHECK_FALSE(fallback_order::guess(c));
    CHECK(fallback_order::guess(c));
}

TEST_CASE(
    "first the ports of its services are guessed, then those beside the ones it was reached at, in turn for ever") {
    known_candidate c = silent();
    c.services = {at(1, 8080), at(1, 5432)};
    std::vector<ip_endpoint> const expected{at(1, 8080), at(1, 5432), at(1, 9001),
                                            at(1, 8999), at(1, 9002), at(1, 8998)};
    CHECK(list(fallback_order::beyond(c)) == expected);
    c.unanswered = fallback_order::vain_rounds;
    for (int round = 0; round < 2; ++round) {
        for (ip_endpoint const& where : expected) {
            CHECK(fallback_order::guess(c) == where);
            ++c.unanswered;
        }
    }
}

TEST_CASE("neighbouring ports are guessed on two machines at most, and no port that does not exist or is known") {
    known_candidate c = silent();
    c.places = {kept(at(1, 1), provenance::stored), kept(at(1, 2), provenance::stored),
                kept(at(2, 65535), provenance::stored), kept(at(3), provenance::stored)};
    CHECK(list(fallback_order::beyond(c)) == std::vector<ip_endpoint>{at(2, 65534), at(1, 3), at(2, 65533)});
    for (std::size_t i = 0; i < 300; ++i) {
        c.services.push_back(at(9, static_cast<std::uint16_t>(i + 1)));
    }
    CHECK(fallback_order::beyond(c).size() <= fallback_order::place_list::max_size);
}

TEST_CASE("nobody knocks at doors for a candidate without identity or for the word of a stranger") {
    known_candidate c = silent();
    c.unanswered = 10;
    REQUIRE(fallback_order::guess(c));
    known_candidate anonymous = c;
    anonymous.id = {};
    CHECK_FALSE(fallback_order::guess(anonymous));
    known_candidate stranger = c;
    stranger.standing = trust::stranger;
    CHECK_FALSE(fallback_order::guess(stranger));
}

TEST_CASE("the services of an announcement are its api port and the ports of its services, each once") {
    tests::puppet p{7};
    p.incarnation = 5;
    p.self.api_port = 8080;
    p.self.services = {{"a", 5432, ""}, {"b", 8080, ""}, {"c", 0, ""}, {"d", p.where.port, ""},
                       {"e", 1, ""},    {"f", 2, ""},    {"g", 3, ""}};
    auto const record = p.record();
    auto const found = fallback_order::services_of(wire::record_view::trusted(record));
    std::vector<ip_endpoint> expected;
    for (std::uint16_t const port : std::initializer_list<std::uint16_t>{8080, 5432, 1, 2})
        expected.push_back({p.where.address, port});
    CHECK(found == expected);
}

TEST_CASE("every reason to look somewhere has words of its own") {
    std::set<std::string> words;
    for (unsigned i = 0; i <= static_cast<unsigned>(whereabouts::neighbour); ++i) {
        words.insert(std::string{to_string(static_cast<whereabouts>(i))});
    }
    CHECK(words.size() == 6);
    CHECK(words.count("unknown") == 0);
}
