// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of browsing over multicast DNS, against responders on a link in virtual time and against hostile answers.
#include <peerkit/discovery/mdns_browser.hpp>

#include <doctest/doctest.h>

#include "unit/discovery/mdns_link.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using namespace mdns_test;
using discovery::mdns_browser_options;
using discovery::mdns_publication;
using discovery::service_instance;
using wire::dns_section;
using wire::dns_type;

namespace {

auto const service = name("_peerkit._udp.local");

mdns_publication node(std::string instance = {}, std::uint16_t port = 9000) {
    return {.instance = std::move(instance), .port = port, .text = {"v=1", "id=abc"}};
}

/// A browser alone on a link, host 0.
struct alone {
    local_link net;
    seeded_rng random{42};
    browser one;
    explicit alone(mdns_browser_options options = {}) : one{browser::make(std::move(options), random).value()} {
        net.add(one);
    }
    void hear(bytes const& packet) { hear(packet, origin_of(5)); }
    void hear(bytes const& packet, mdns_origin const& origin) { one.receive(packet, origin, net.now, net.sender(0)); }
    [[nodiscard]] std::vector<service_instance> found() const { return one.instances(net.now); }
};

/// All that makes an instance.
struct facts {
    std::string label = "a";
    std::string host = "a-host";
    std::uint16_t port = 9000;
    std::vector<ip_address> addresses{address_of(3)};
    std::uint32_t pointer_life = 4500, life = 120;
    bool flush = true;
};
void write(wire::dns_writer& out, facts const& f) {
    auto const instance = wire::dns_name::join(f.label, service).value(), host = name(f.host + ".local");
    auto const bits = static_cast<std::uint16_t>(wire::dns_class_in | (f.flush ? wire::dns_class_top_bit : 0));
    REQUIRE(out.pointer({service, f.pointer_life}, dns_type::ptr, instance));
    REQUIRE(out.service({instance, f.life, dns_section::answer, bits}, {0, 0, f.port, host}));
    REQUIRE(out.raw({instance, f.pointer_life, dns_section::answer, bits}, dns_type::txt, as_bytes("\3v=1\1x")));
    for (ip_address const& a : f.addresses) REQUIRE(out.address({host, f.life, dns_section::answer, bits}, a));
}
bytes saying(facts const& f) {
    return response([&](wire::dns_writer& out) { write(out, f); });
}
std::set<std::string> names(std::vector<service_instance> const& of) {
    std::set<std::string> all;
    for (auto const& one : of) all.insert(one.instance);
    return all;
}

} // namespace

TEST_CASE("nodes are found with all that is needed to connect, within a second of the first question") {
    alone a;
    seeded_rng r1{1}, r2{2};
    auto one = responder::make(node("One (1)", 9001), r1).value(), two = responder::make(node({}, 9002), r2).value();
    a.net.add(one);
    a.net.add(two);
    a.net.run_for(5s);
    auto const all = a.found();
    REQUIRE(all.size() == 2);
    CHECK(all[0].instance == "One (1)");
    CHECK(all[0].host == one.records().host().to_string());
    CHECK(all[0].port == 9001);
    CHECK(all[0].addresses == std::vector{address_of(1)});
    CHECK(all[0].text == std::vector<std::string>{"v=1", "id=abc"});
    CHECK(all[0].time_to_live > 100s);
    CHECK(all[0].time_to_live <= 120s);
    CHECK(all[1].instance == two.instance());

    // One that comes late asks and is answered.
    seeded_rng r3{3};
    auto late = browser::make({}, r3).value();
    a.net.add(late);
    time_point const began = a.net.now;
    a.net.run_for(400ms);
    CHECK(late.instances(a.net.now).size() == 2);
    auto const packets = a.net.since(began);
    REQUIRE(packets.size() == 3); // a question and two answers with all in them
    CHECK(packets[0].asks(service, dns_type::ptr));
    CHECK(packets[0].at - began >= 20ms);
    CHECK(packets[0].at - began < 120ms);
}

TEST_CASE("questions are asked after 1, 2, 4 ... seconds, up to an hour, and never by unicast") {
    alone a;
    a.net.run_for(5h);
    std::vector<duration> gaps;
    for (std::size_t i = 1; i < a.net.log.size(); ++i) gaps.push_back(a.net.log[i].at - a.net.log[i - 1].at);
    REQUIRE(gaps.size() > 14);
    for (std::size_t i = 0; i < gaps.size(); ++i)
        CHECK(gaps[i] == std::min<duration>(1s * (1 << std::min(i, std::size_t{12})), 1h));
    for (sent const& s : a.net.log) {
        auto const m = s.message();
        auto questions = m.questions();
        wire::dns_question q;
        REQUIRE(questions.next(q));
        CHECK_FALSE(q.wants_unicast());
    }
    // Asked to, it begins anew.
    std::size_t const before = a.net.log.size();
    a.one.ask_again(a.net.now);
    a.net.run_for(5s);
    CHECK(a.net.log.size() == before + 3);
    a.one.ask_again(a.net.log.back().at + 500ms); // just asked
    CHECK(a.one.next_deadline() > a.net.log.back().at + 1s);
}

TEST_CASE("answers that are known are sent with the question, and nobody repeats them") {
    alone a;
    seeded_rng r{1};
    auto one = responder::make(node("one"), r).value();
    a.net.add(one);
    a.net.run_for(70s);
    CHECK(one.counters().suppressed >= 4);
    auto const last = std::find_if(a.net.log.rbegin(), a.net.log.rend(),
                                   [](sent const& s) { return s.asks(service, dns_type::ptr); });
    REQUIRE(last != a.net.log.rend());
    CHECK(last->message().count(dns_section::answer) == 1);
    CHECK(last->count(service, dns_type::ptr) == 1);
}

TEST_CASE("an answer of which less than half the life is left is asked for, not known") {
    alone a;
    a.hear(saying({.pointer_life = 100}));
    a.net.run_for(70s);
    std::vector<std::size_t> known; // in the questions after about 0, 1, 3, 7, 15, 31 and 63 seconds
    for (sent const& s : a.net.log) {
        if (s.asks(service, dns_type::ptr)) known.push_back(s.message().count(dns_section::answer));
    }
    CHECK(known == std::vector<std::size_t>{1, 1, 1, 1, 1, 1, 0});
}

TEST_CASE("known answers that do not fit one packet go on in the next ones") {
    alone a;
    for (int i = 0; i < 300; ++i) {
        a.hear(saying({.label = "instance-number-" + std::to_string(i), .host = "h" + std::to_string(i)}));
    }
    a.net.run_for(500ms);
    REQUIRE(a.net.log.size() > 3);
    std::size_t known = 0;
    for (std::size_t i = 0; i < a.net.log.size(); ++i) {
        CHECK(a.net.log[i].data.size() <= discovery::mdns_send_limit);
        CHECK(a.net.log[i].message().header().is_truncated() == (i + 1 < a.net.log.size()));
        CHECK(a.net.log[i].message().question_count() == (i == 0 ? 1 : 0));
        known += a.net.log[i].message().count(dns_section::answer);
    }
    CHECK(known == 300);
}

TEST_CASE("what is missing of an instance is asked for") {
    alone a;
    auto const instance = name("a._peerkit._udp.local");
    a.hear(response([&](wire::dns_writer& out) { REQUIRE(out.pointer({service, 4500}, dns_type::ptr, instance)); }));
    CHECK(a.one.size() == 1);
    CHECK(a.found().empty());
    a.net.run_for(150ms);
    auto const asked = [&](wire::dns_name const& of, dns_type type) {
        return std::any_of(a.net.log.begin(), a.net.log.end(), [&](sent const& s) { return s.asks(of, type); });
    };
    CHECK(asked(instance, dns_type::srv));
    CHECK(asked(instance, dns_type::txt));
    a.hear(response([&](wire::dns_writer& out) {
        REQUIRE(out.service({instance, 120}, {0, 0, 9000, name("h.local")}));
        REQUIRE(out.raw({instance, 4500}, dns_type::txt, as_bytes(std::string_view{"\0", 1})));
    }));
    CHECK_FALSE(asked(name("h.local"), dns_type::a));
    a.net.run_for(150ms);
    CHECK(asked(name("h.local"), dns_type::a));
    CHECK(asked(name("h.local"), dns_type::aaaa));
    CHECK(a.found().empty());
    a.hear(response([&](wire::dns_writer& out) { REQUIRE(out.address({name("H.Local"), 120}, address_of(3))); }));
    REQUIRE(a.found().size() == 1);
    CHECK(a.found()[0].text.empty());
    CHECK(a.found()[0].host == "h.local");
    // Now that everything is there, nothing more is asked but for the service itself.
    std::size_t const before = a.net.log.size();
    a.net.run_for(60s);
    for (std::size_t i = before; i < a.net.log.size(); ++i) CHECK(a.net.log[i].asks(service, dns_type::ptr));
}

TEST_CASE("who never answers is asked less and less often") {
    alone a;
    a.hear(response([&](wire::dns_writer& out) {
        REQUIRE(out.pointer({service, 4500}, dns_type::ptr, name("a._peerkit._udp.local")));
    }));
    a.net.run_for(1000s);
    auto const asked = std::count_if(a.net.log.begin(), a.net.log.end(), [](sent const& s) {
        return s.asks(name("a._peerkit._udp.local"), dns_type::srv);
    });
    CHECK(asked >= 8);
    CHECK(asked <= 11);
}

TEST_CASE("records are asked for again when 80, 85, 90 and 95 per cent of their life are over, then forgotten") {
    alone a;
    a.hear(saying({}));
    time_point const start = a.net.now;
    a.net.run_for(119s);
    std::vector<duration> asked;
    for (sent const& s : a.net.log) {
        if (s.asks(name("a._peerkit._udp.local"), dns_type::srv)) asked.push_back(s.at - start);
    }
    CHECK(asked == std::vector<duration>{96s, 102s, 108s, 114s});
    CHECK(a.found().size() == 1);
    a.net.run_for(2s);
    CHECK(a.found().empty());
    CHECK(a.one.size() == 1); // the pointer is good for longer
    a.net.run_for(4500s);
    CHECK(a.one.size() == 0);
    CHECK(a.one.cache().counters().expired == 1);
}

TEST_CASE("a node that stays is kept for ever by asking again, and not lost for a moment") {
    alone a;
    seeded_rng r{1};
    auto one = responder::make(node("one"), r).value();
    a.net.add(one);
    a.net.run_for(5s);
    for (int i = 0; i < 2000; ++i) {
        a.net.run_for(10s);
        REQUIRE(a.found().size() == 1);
    }
    CHECK(a.one.cache().counters().expired == 0);
}

TEST_CASE("a link that loses every fifth packet hides nobody for long") {
    for (std::uint64_t seed = 1; seed < 6; ++seed) {
        alone a;
        a.net.random = seeded_rng{seed};
        a.net.loss_per_million = 200'000;
        std::vector<seeded_rng> randoms;
        for (std::uint64_t i = 0; i < 20; ++i) randoms.emplace_back(seed * 100 + i);
        std::vector<responder> nodes;
        for (auto& r : randoms) nodes.push_back(responder::make(node(), r).value());
        for (auto& n : nodes) a.net.add(n);
        a.net.run_for(30s);
        CHECK(a.found().size() == 20);
        int missing = 0;
        for (int i = 0; i < 360; ++i) {
            a.net.run_for(10s);
            missing += a.found().size() == 20 ? 0 : 1;
        }
        CHECK(missing <= 18);
    }
}

TEST_CASE("a goodbye takes a node away a second later, silence when its records end") {
    alone a;
    seeded_rng r1{1}, r2{2};
    auto one = responder::make(node("one"), r1).value(), two = responder::make(node("two"), r2).value();
    std::size_t const first = a.net.add(one), second = a.net.add(two);
    a.net.run_for(5s);
    REQUIRE(a.found().size() == 2);
    one.goodbye(a.net.sender(first));
    a.net.remove(second);
    a.net.run_for(900ms);
    CHECK(a.found().size() == 2);
    a.net.run_for(200ms);
    CHECK(names(a.found()) == std::set<std::string>{"two"});
    CHECK(a.one.cache().counters().goodbyes >= 4);
    a.net.run_for(125s);
    CHECK(a.found().empty());
}

TEST_CASE("a goodbye for what is unknown, or no longer true, says nothing") {
    alone a;
    a.hear(saying({.pointer_life = 0, .life = 0}));
    CHECK(a.one.size() == 0);
    a.hear(saying({}));
    a.hear(response([&](wire::dns_writer& out) {
        REQUIRE(out.service({name("a._peerkit._udp.local"), 0}, {0, 0, 9000, name("old-host.local")}));
        REQUIRE(out.address({name("a-host.local"), 0}, address_of(77)));
    }));
    a.net.run_for(5s);
    CHECK(a.found().size() == 1);
}

TEST_CASE("a new place replaces the old one, and addresses that are no longer said end in a second") {
    alone a;
    a.hear(saying({.addresses = {address_of(3), address_of(4)}}));
    CHECK(a.found().at(0).addresses.size() == 2);
    a.net.run_for(500ms);
    a.hear(saying({.addresses = {address_of(4)}})); // within the second: perhaps one answer in two packets
    a.net.run_for(2s);
    CHECK(a.found().at(0).addresses.size() == 2);
    a.hear(saying({.addresses = {address_of(5)}}));
    CHECK(a.found().at(0).addresses.size() == 3);
    a.net.run_for(1100ms);
    CHECK(a.found().at(0).addresses == std::vector{address_of(5)});
    // Without the cache-flush bit they add up.
    a.hear(saying({.addresses = {address_of(6)}, .flush = false}));
    a.net.run_for(3s);
    CHECK(a.found().at(0).addresses.size() == 2);
    // An IPv6 address does not take the IPv4 ones away.
    a.hear(saying({.addresses = {ip_address::parse("2001:db8::1").value()}}));
    a.net.run_for(3s);
    CHECK(a.found().at(0).addresses.size() == 3);
    a.hear(saying({.host = "elsewhere", .port = 9009, .addresses = {address_of(9)}}));
    CHECK(a.found().at(0).port == 9009);
    CHECK(a.found().at(0).host == "elsewhere.local");
    CHECK(a.found().at(0).addresses == std::vector{address_of(9)});
}

TEST_CASE("records may come in any order within a packet") {
    alone a;
    a.hear(response([&](wire::dns_writer& out) {
        auto const instance = name("a._peerkit._udp.local");
        REQUIRE(out.address({name("h.local"), 120}, address_of(3)));
        REQUIRE(out.raw({instance, 120}, dns_type::txt, as_bytes("\1x")));
        REQUIRE(out.service({instance, 120}, {0, 0, 1, name("h.local")}));
        REQUIRE(out.pointer({name("_PEERKIT._udp.LOCAL"), 120}, dns_type::ptr, instance));
    }));
    REQUIRE(a.found().size() == 1);
    CHECK(a.found()[0].text == std::vector<std::string>{"x"});
}

TEST_CASE("one instance on two links is one, with the addresses of both") {
    alone a;
    std::vector<mdns_interface> interfaces{{interface_index, {}}, {8, {}}};
    a.one.set_interfaces(interfaces, a.net.now);
    a.hear(saying({.addresses = {address_of(3)}}));
    mdns_origin other = origin_of(5);
    other.interface = 8;
    auto ignore = [](mdns_destination const&, byte_view) {};
    a.one.receive(saying({.label = "A", .addresses = {address_of(4)}, .life = 60}), other, a.net.now, ignore);
    CHECK(a.one.size() == 2);
    REQUIRE(a.found().size() == 1);
    CHECK(a.found()[0].addresses.size() == 2);
    CHECK(a.found()[0].time_to_live == 120s);
    // What one link takes back stays good on the other.
    a.one.receive(saying({.addresses = {address_of(4)}, .pointer_life = 0, .life = 0}), other, a.net.now, ignore);
    a.one.tick(a.net.now + 2s, ignore);
    CHECK(a.one.instances(a.net.now + 2s).at(0).addresses == std::vector{address_of(3)});
    interfaces.erase(interfaces.begin());
    a.one.set_interfaces(interfaces, a.net.now);
    CHECK(a.one.size() == 0);
}

TEST_CASE("answers from beyond the link or from elsewhere than a responder are not believed") {
    alone a;
    mdns_origin o = origin_of(5);
    o.on_link = false;
    a.hear(saying({}), o);
    o = origin_of(5);
    o.from.port = 40000;
    a.hear(saying({}), o);
    o = origin_of(5);
    o.multicast = false;
    o.hop_limit = 254;
    a.hear(saying({}), o);
    o.hop_limit = -1;
    a.hear(saying({}), o);
    CHECK(a.one.size() == 0);
    CHECK(a.one.counters().not_believed == 4);
    o.hop_limit = 255;
    a.hear(saying({}), o);
    CHECK(a.found().size() == 1);
    o.interface = 99;
    a.hear(saying({.label = "b"}), o);
    CHECK(a.one.size() == 1);
}

TEST_CASE("other services, other hosts, questions and broken packets leave nothing behind") {
    alone a;
    a.hear(response([&](wire::dns_writer& out) {
        REQUIRE(out.pointer({name("_http._tcp.local"), 120}, dns_type::ptr, name("x._http._tcp.local")));
        REQUIRE(out.pointer({service, 120}, dns_type::ptr, name("x._http._tcp.local")));
        REQUIRE(out.pointer({service, 120}, dns_type::ptr, service));
        REQUIRE(out.pointer({service, 120}, dns_type::ptr, name("a.b._peerkit._udp.local")));
        REQUIRE(out.service({name("y._peerkit._udp.local"), 120}, {0, 0, 1, name("h.local")}));
        REQUIRE(out.address({name("h.local"), 120}, address_of(3)));
        REQUIRE(out.raw({service, 120}, static_cast<dns_type>(99), as_bytes("xx")));
    }));
    bytes asked = saying({});
    asked[2] = std::byte{0};
    a.hear(asked);
    bytes failed = saying({});
    failed[3] |= std::byte{3};
    a.hear(failed);
    a.hear({std::byte{0x80}});
    CHECK(a.one.size() == 0);
    CHECK(a.one.cache().counters().answers == 0);
    CHECK(a.one.counters().malformed == 1);
}

TEST_CASE("addresses that are nobody's are passed over; loopback is believed on the loopback only") {
    alone a;
    std::vector<ip_address> const odd{ip_address::v4(127, 0, 0, 1), ip_address::v4(0, 0, 0, 0),
                                      ip_address::v4(224, 0, 0, 1), ip_address::parse("::1").value()};
    a.hear(saying({.addresses = odd}));
    CHECK(a.found().empty());
    mdns_origin lo = origin_of(5);
    lo.loopback = true;
    a.hear(saying({.addresses = odd}), lo);
    REQUIRE(a.found().size() == 1);
    CHECK(a.found()[0].addresses.size() == 2);
}

TEST_CASE("a flood of instances, addresses and texts ends at the limits, and what was known stays") {
    alone a{{.limits = {.max_instances = 50, .max_addresses = 3, .max_text = 100}}};
    a.hear(saying({.label = "mine"}));
    for (int i = 0; i < 500; ++i) {
        a.hear(saying({.label = "f" + std::to_string(i),
                       .addresses = {address_of(3), address_of(4), address_of(5), address_of(6)}}));
    }
    CHECK(a.one.size() == 50);
    CHECK(names(a.found()).count("mine") == 1);
    CHECK(a.found().at(1).addresses.size() == 3);
    CHECK(a.one.cache().counters().refused >= 451);
    std::uint64_t const before = a.one.cache().counters().refused;
    a.hear(response([&](wire::dns_writer& out) {
        REQUIRE(out.raw({name("mine._peerkit._udp.local"), 4500}, dns_type::txt,
                        as_bytes(std::string(4, '\x18') + std::string(96, '\0'))));
    }));
    CHECK(a.one.cache().counters().refused == before);
    a.hear(response([&](wire::dns_writer& out) {
        REQUIRE(out.raw({name("mine._peerkit._udp.local"), 4500}, dns_type::txt, as_bytes(std::string(101, '\0'))));
    }));
    CHECK(a.one.cache().counters().refused == before + 1);
    CHECK(a.one.instances(a.net.now, 7).size() == 7);
}

TEST_CASE("names that nobody stands for make room for those that are there") {
    alone a{{.limits = {.max_instances = 20}}};
    for (int i = 0; i < 100; ++i) {
        a.hear(response([&](wire::dns_writer& out) {
            REQUIRE(out.pointer({service, 4500}, dns_type::ptr,
                                name("ghost" + std::to_string(i) + "._peerkit._udp.local")));
        }));
    }
    CHECK(a.one.size() == 20);
    for (int i = 0; i < 20; ++i) a.hear(saying({.label = "n" + std::to_string(i)}));
    CHECK(a.found().size() == 20);
}

TEST_CASE("no record is believed for longer than the limit, whatever it says") {
    alone a;
    a.hear(saying({.pointer_life = 0xffffffff, .life = 0x7fffffff}));
    CHECK(a.found().at(0).time_to_live == discovery::mdns_cache::longest_life);
    a.net.run_for(discovery::mdns_cache::longest_life + 1s);
    CHECK(a.one.size() == 0);
}

TEST_CASE("lives of one second end without being asked for in a hurry") {
    alone a;
    a.hear(saying({.pointer_life = 1, .life = 1}));
    CHECK(a.found().size() == 1);
    a.net.run_for(3s);
    CHECK(a.one.size() == 0);
    CHECK(a.net.log.size() <= 4);
}

TEST_CASE("a browser is settled when answers have come and gone") {
    alone a;
    CHECK_FALSE(a.one.is_settled(a.net.now + 1h, 250ms)); // nothing was asked yet
    a.net.run_for(200ms);
    CHECK_FALSE(a.one.is_settled(a.net.now, 250ms));
    a.net.run_for(200ms);
    CHECK(a.one.is_settled(a.net.now, 250ms));
    a.hear(saying({}));
    CHECK_FALSE(a.one.is_settled(a.net.now, 250ms));
    a.net.run_for(300ms);
    a.hear(saying({})); // the same once more
    CHECK(a.one.is_settled(a.net.now, 250ms));
    a.hear(saying({.addresses = {address_of(9)}}));
    CHECK_FALSE(a.one.is_settled(a.net.now, 250ms));
    a.net.run_for(300ms);
    CHECK(a.one.is_settled(a.net.now, 250ms));
    a.hear(response([&](wire::dns_writer& out) {
        REQUIRE(out.pointer({service, 4500}, dns_type::ptr, name("ghost._peerkit._udp.local")));
    }));
    CHECK_FALSE(a.one.is_settled(a.net.now + 10s, 250ms)); // where is it?
}

TEST_CASE("a service that cannot be is refused, and without interfaces nothing is asked") {
    seeded_rng random{1};
    auto const bad = browser::make({.service = "_peerkit._sctp"}, random);
    REQUIRE_FALSE(bad);
    CHECK(bad.error() == discovery::discovery_error::bad_option);
    CHECK(bad.error().field() == "service");
    auto idle = browser::make({}, random).value();
    CHECK(idle.next_deadline() == never);
}
