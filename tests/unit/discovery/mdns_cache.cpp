// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the cache behind a browser: what it keeps, for how long, and which questions it has.
#include <peerkit/discovery/mdns_cache.hpp>

#include <doctest/doctest.h>

#include "unit/discovery/mdns_link.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace mdns_test;
using discovery::mdns_cache;
using wire::dns_type;

namespace {

auto const service = name("_peerkit._udp.local");
auto const instance = name("A._peerkit._udp.local");
auto const host = name("h.local");

struct fixture {
    mdns_cache cache{service, {}};
    time_point now{};
    using questions = std::vector<std::pair<std::string, dns_type>>;

    void hear(std::function<void(wire::dns_writer&)> const& records, std::uint32_t interface = interface_index) {
        bytes const packet = response(records);
        mdns_origin origin = origin_of(5);
        origin.interface = interface;
        cache.take(wire::dns_message_view::parse(packet).value(), origin, now, now + 50ms);
    }
    /// A whole instance, with all lives the same.
    void hear_all(std::uint32_t life, std::uint32_t interface = interface_index) {
        hear(
            [life](wire::dns_writer& out) {
                REQUIRE(out.pointer({service, life}, dns_type::ptr, instance));
                REQUIRE(out.service({instance, life}, {0, 0, 9000, host}));
                REQUIRE(out.raw({instance, life}, dns_type::txt, as_bytes("\3v=1")));
                REQUIRE(out.address({host, life}, address_of(3)));
            },
            interface);
    }
    questions due(bool& all) {
        questions asked;
        all = cache.due_questions(interface_index, now, [&](wire::dns_name const& of, dns_type type) {
            asked.emplace_back(of.to_string(), type);
        });
        return asked;
    }
    std::vector<std::uint32_t> known(std::uint32_t interface = interface_index) {
        std::vector<std::uint32_t> seconds;
        cache.known_answers(interface, now, [&](wire::dns_name const& of, std::uint32_t left) {
            CHECK(of == instance);
            seconds.push_back(left);
        });
        return seconds;
    }
};

} // namespace

TEST_CASE("a whole instance has no questions until four fifths of its life are over") {
    fixture f;
    f.hear_all(100);
    bool all = true;
    CHECK(f.due(all).empty());
    CHECK_FALSE(all);
    CHECK(f.cache.has_all_places());
    CHECK(f.cache.next_deadline() == f.now + 80s);
    for (int const percent : {80, 85, 90, 95}) {
        f.now = time_point{} + std::chrono::seconds{percent};
        CHECK(f.due(all) == fixture::questions{{"A._peerkit._udp.local", dns_type::srv},
                                               {"A._peerkit._udp.local", dns_type::txt},
                                               {"h.local", dns_type::a},
                                               {"h.local", dns_type::aaaa}});
        CHECK(all);
        CHECK(f.due(all).empty()); // once
        CHECK_FALSE(all);
    }
    CHECK(f.cache.next_deadline() == time_point{} + 100s);
    f.now = time_point{} + 100s;
    CHECK(f.cache.instances(f.now).empty());
    CHECK(f.cache.size() == 1);
    f.cache.expire(f.now);
    CHECK(f.cache.size() == 0);
    CHECK(f.cache.counters().expired == 1);
    CHECK(f.cache.next_deadline() == never);
}

TEST_CASE("steps that were slept through are one question") {
    fixture f;
    f.hear_all(100);
    f.now += 93s;
    bool all = false;
    CHECK(f.due(all).size() == 4);
    CHECK(f.due(all).empty());
    CHECK(f.cache.next_deadline() == time_point{} + 95s);
}

TEST_CASE("an instance that is only a name is asked for when it was said, then less and less often") {
    fixture f;
    f.hear([](wire::dns_writer& out) { REQUIRE(out.pointer({service, 4500}, dns_type::ptr, instance)); });
    bool all = false;
    CHECK(f.due(all).empty());
    CHECK_FALSE(f.cache.has_all_places());
    for (duration const wait : {50ms, 1000ms, 2000ms, 4000ms}) {
        CHECK(f.cache.next_deadline() == f.now + wait);
        f.now += wait;
        CHECK(f.due(all) ==
              fixture::questions{{"A._peerkit._udp.local", dns_type::srv}, {"A._peerkit._udp.local", dns_type::txt}});
        CHECK_FALSE(all);
    }
}

TEST_CASE("known answers are those with more than half of their life left, of one link") {
    fixture f;
    f.hear_all(100);
    CHECK(f.known() == std::vector<std::uint32_t>{100});
    CHECK(f.known(8).empty());
    f.now += 49s;
    CHECK(f.known() == std::vector<std::uint32_t>{51});
    f.now += 1s;
    CHECK(f.known().empty());
}

TEST_CASE("what was heard on an interface goes with it") {
    fixture f;
    f.hear_all(100, 7);
    f.hear_all(100, 8);
    CHECK(f.cache.size() == 2);
    CHECK(f.cache.instances(f.now).size() == 1);
    f.cache.keep_only({8});
    CHECK(f.cache.size() == 1);
    CHECK(f.known(7).empty());
    f.cache.keep_only({});
    CHECK(f.cache.size() == 0);
}

TEST_CASE("only what is new counts as a change") {
    fixture f;
    CHECK(f.cache.changed() == time_point::min());
    f.now += 1s;
    f.hear_all(100);
    CHECK(f.cache.changed() == f.now);
    f.now += 1s;
    f.hear_all(100);
    CHECK(f.cache.changed() == f.now - 1s);
    CHECK(f.cache.counters().answers == 8);
}

TEST_CASE("an instance that has moved is another place, and the old addresses are forgotten") {
    fixture f;
    f.hear_all(100);
    f.hear([](wire::dns_writer& out) { REQUIRE(out.service({instance, 100}, {0, 0, 9001, name("i.local")})); });
    CHECK(f.cache.instances(f.now).empty());
    bool all = false;
    f.now += 100ms;
    CHECK(f.due(all) == fixture::questions{{"i.local", dns_type::a}, {"i.local", dns_type::aaaa}});
}
