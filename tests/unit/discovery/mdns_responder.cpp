// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of publishing over multicast DNS, in virtual time on a link that can lose packets.
#include <peerkit/discovery/mdns_responder.hpp>

#include <doctest/doctest.h>

#include "unit/discovery/mdns_link.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace mdns_test;
using discovery::mdns_publication;
using wire::dns_section;
using wire::dns_type;

namespace {

auto const service = name("_peerkit._udp.local");
auto const catalogue = name("_services._dns-sd._udp.local");

mdns_publication node(std::string instance = {}, std::uint16_t port = 9000) {
    return {.instance = std::move(instance), .port = port, .text = {"v=1", "id=abc"}};
}
/// A responder alone on a link, past its announcements.
struct settled {
    local_link net;
    seeded_rng random{42};
    responder one;
    std::size_t host;
    wire::dns_name instance, machine;
    explicit settled(mdns_publication what = node()) : one{responder::make(what, random).value()}, host{net.add(one)} {
        net.run_for(10s);
        REQUIRE(one.is_established());
        instance = one.records().instance();
        machine = one.records().host();
        net.log.clear();
    }
    void ask(bytes const& packet, std::size_t from = 5) { ask(packet, origin_of(from)); }
    void ask(bytes const& packet, mdns_origin const& origin) { one.receive(packet, origin, net.now, net.sender(host)); }
};
mdns_origin from_port(std::uint16_t port) {
    mdns_origin o = origin_of(5);
    o.from.port = port;
    return o;
}

} // namespace

TEST_CASE("a name is probed three times, 250 ms apart, then announced twice, a second apart") {
    local_link net;
    seeded_rng random{1};
    auto one = responder::make(node(), random).value();
    net.add(one);
    net.run_for(1min);
    REQUIRE(net.log.size() == 5);
    CHECK(net.log[0].at < time_point{} + 250ms);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK_FALSE(net.log[i].is_response());
        CHECK(net.log[i].asks(one.records().instance(), dns_type::any));
        CHECK(net.log[i].asks(one.records().host(), dns_type::any));
        CHECK(net.log[i].message().count(dns_section::authority) == 3);
        CHECK(net.log[i].message().count(dns_section::answer) == 0);
        if (i != 0) CHECK(net.log[i].at - net.log[i - 1].at == 250ms);
        auto const m = net.log[i].message();
        auto records = m.records();
        for (wire::dns_record r; records.next(r);) CHECK_FALSE(r.flushes_cache());
    }
    CHECK(net.log[3].at - net.log[2].at == 250ms);
    CHECK(net.log[4].at - net.log[3].at == 1s);
    for (std::size_t i = 3; i < 5; ++i) {
        CHECK(net.log[i].is_response());
        CHECK(net.log[i].message().header().id == 0);
        CHECK(net.log[i].message().question_count() == 0);
        CHECK(net.log[i].count(service, dns_type::ptr) == 1);
        CHECK(net.log[i].count(catalogue, dns_type::ptr) == 1);
        CHECK(net.log[i].count(one.records().instance(), dns_type::srv) == 1);
        CHECK(net.log[i].count(one.records().instance(), dns_type::txt) == 1);
        CHECK(net.log[i].count(one.records().host(), dns_type::a) == 1);
    }
    auto const m = net.log[4].message();
    auto records = m.records();
    for (wire::dns_record r; records.next(r);) {
        CHECK(r.flushes_cache() == (r.type != dns_type::ptr));
        CHECK(r.time_to_live == (r.type == dns_type::ptr || r.type == dns_type::txt ? 4500 : 120));
    }
    CHECK(one.counters().probes == 3);
    CHECK(one.counters().announcements == 2);
    CHECK(one.next_deadline() == never);
}

TEST_CASE("instance names are random for each start unless the host chooses one") {
    seeded_rng random{1};
    auto const a = responder::make(node(), random).value(), b = responder::make(node(), random).value();
    CHECK(a.instance() != b.instance());
    CHECK(a.instance().starts_with("peerkit-"));
    CHECK(a.instance().size() == 24);
    auto const c = responder::make(node("My node. 7"), random).value();
    CHECK(c.instance() == "My node. 7");
    CHECK(c.records().host().to_string().starts_with("peerkit-"));
}

TEST_CASE("what cannot be published is refused with the field that is wrong") {
    seeded_rng random{1};
    auto const why = [&](mdns_publication const& what) {
        auto const made = responder::make(what, random);
        REQUIRE_FALSE(made);
        return made.error();
    };
    auto const check = [&](mdns_publication const& what, std::string_view field) {
        CHECK(why(what) == discovery::discovery_error::bad_option);
        CHECK(why(what).field() == field);
    };
    check(node({}, 0), "port");
    check(node(std::string(64, 'x')), "instance");
    for (std::string const bad : {"", "peerkit", "_peerkit", "_peerkit.udp", "_peerkit._sctp", "_._udp",
                                  "_a._udp.local", "_seventeenletters._udp", "_a b._udp"}) {
        CAPTURE(bad);
        mdns_publication what = node();
        what.service = bad;
        check(what, "service");
    }
    mdns_publication what = node();
    what.host = std::string(64, 'x');
    check(what, "host");
    what = node();
    what.text = {"ok", "=x"};
    check(what, "text");
    CHECK(why(what).position() == 1);
    what.text = {std::string(256, 'x')};
    check(what, "text");
    what.text = {""};
    check(what, "text");
    what.text = {5, std::string(255, 'x')};
    CHECK(why(what) == discovery::discovery_error::too_large);
    CHECK(why(what).position() > discovery::mdns_send_limit);
    what.text = {100, std::string(255, 'x')};
    CHECK(why(what) == discovery::discovery_error::too_large);
    what.text = {2, std::string(255, 'x')};
    CHECK(responder::make(what, random));
}

TEST_CASE("the largest publication there is fits one packet, asked for in any way") {
    mdns_publication what = node(std::string(60, 'i'));
    what.host = std::string(60, 'h');
    what.text = {std::string(255, 'x'), std::string(255, 'x')};
    seeded_rng random{1};
    while (true) { // grows until it is refused
        mdns_publication more = what;
        more.text.push_back("y");
        if (!responder::make(more, random)) break;
        what = more;
    }
    local_link net;
    auto one = responder::make(what, random).value();
    net.add(one);
    std::vector<ip_address> many;
    for (std::uint8_t i = 1; i < 9; ++i) {
        many.push_back(ip_address::v4(10, 0, 0, i));
        many.push_back(ip_address::parse("2001:db8::" + std::to_string(i)).value());
    }
    std::vector<mdns_interface> const interfaces{{interface_index, many}};
    one.set_interfaces(interfaces, net.now);
    net.run_for(10s);
    auto const& announcement = net.log.back();
    CHECK(announcement.count(one.records().host(), dns_type::a) == discovery::mdns_records::max_addresses);
    CHECK(announcement.count(one.records().host(), dns_type::aaaa) == discovery::mdns_records::max_addresses);
    net.log.clear();
    one.receive(query({{service, dns_type::ptr, false, 77}}), from_port(40000), net.now, net.sender(0));
    REQUIRE(net.log.size() == 1);
    CHECK(net.log[0].count(one.records().host(), dns_type::aaaa) == discovery::mdns_records::max_addresses);
}

TEST_CASE("a question for the service is answered after 20 to 120 ms, with all that is needed to connect") {
    std::set<std::int64_t> delays;
    settled s;
    for (int i = 0; i < 20; ++i) {
        time_point const asked = s.net.now;
        s.ask(query({{service}}));
        CHECK(s.net.since(asked).empty());
        s.net.run_for(2s);
        auto const got = s.net.since(asked);
        REQUIRE(got.size() == 1);
        auto const delay = got[0].at - asked;
        CHECK(delay >= 20ms);
        CHECK(delay < 120ms);
        delays.insert(delay.count());
        CHECK_FALSE(got[0].to);
        CHECK(got[0].message().question_count() == 0);
        CHECK(got[0].message().count(dns_section::answer) == 1);
        CHECK(got[0].count(service, dns_type::ptr) == 1);
        CHECK(got[0].count(s.instance, dns_type::srv) == 1);
        CHECK(got[0].count(s.instance, dns_type::txt) == 1);
        CHECK(got[0].count(s.machine, dns_type::a) == 1);
        CHECK(got[0].count(s.machine, dns_type::nsec) == 1); // there is no AAAA
        s.net.run_for(5s);
    }
    CHECK(delays.size() > 10);
    CHECK(s.one.counters().queries == 20);
    CHECK(s.one.counters().multicasts == 20);
}

TEST_CASE("what only we can answer is answered at once") {
    settled s;
    s.ask(query({{s.instance, dns_type::srv}}));
    REQUIRE(s.net.log.size() == 1);
    CHECK(s.net.log[0].count(s.instance, dns_type::srv) == 1);
    CHECK(s.net.log[0].count(s.machine, dns_type::a) == 1);
    CHECK(s.net.log[0].count(s.instance, dns_type::txt) == 0);
    s.net.run_for(3s);
    s.ask(query({{s.machine, dns_type::a}}));
    REQUIRE(s.net.log.size() == 2);
    auto const m = s.net.log[1].message();
    auto records = m.records();
    wire::dns_record r;
    REQUIRE(records.next(r));
    CHECK(r.address() == address_of(0));
    s.net.run_for(3s);
    s.ask(query({{catalogue}}));
    s.net.run_for(1s);
    REQUIRE(s.net.log.size() == 3);
    CHECK(s.net.log[2].count(catalogue, dns_type::ptr) == 1);
}

TEST_CASE("what there is not is answered by a list of what there is") {
    settled s;
    s.ask(query({{s.machine, dns_type::aaaa}}));
    REQUIRE(s.net.log.size() == 1);
    auto const m = s.net.log[0].message();
    auto records = m.records();
    wire::dns_record r;
    REQUIRE(records.next(r));
    CHECK(r.name == s.machine);
    CHECK(r.asserts(dns_type::a));
    CHECK_FALSE(r.asserts(dns_type::aaaa));
    CHECK(*r.next_name() == s.machine);
    CHECK(r.flushes_cache());
    s.ask(query({{s.instance, dns_type::a}}));
    REQUIRE(s.net.log.size() == 2);
    CHECK(s.net.log[1].count(s.instance, dns_type::nsec) == 1);
}

TEST_CASE("questions about others, of other classes, and broken packets are passed over") {
    settled s;
    s.ask(query(
        {{name("_http._tcp.local")}, {name("other._peerkit._udp.local"), dns_type::srv}, {service, dns_type::srv}}));
    bytes chaos = query({{service}});
    chaos[chaos.size() - 1] = std::byte{3};
    s.ask(chaos);
    bytes update = query({{service}});
    update[2] = std::byte{0x28};
    s.ask(update);
    s.ask({std::byte{1}, std::byte{2}});
    mdns_origin elsewhere = origin_of(5);
    elsewhere.interface = 99;
    s.ask(query({{service}}), elsewhere);
    s.net.run_for(5s);
    CHECK(s.net.log.empty());
    CHECK(s.one.counters().malformed == 1);
    CHECK(s.one.counters().queries == 0);
}

TEST_CASE("nobody beyond the link gets an answer") {
    settled s;
    mdns_origin far = from_port(40000);
    far.on_link = false;
    s.ask(query({{service}}), far);
    far.from.port = discovery::mdns_port;
    s.ask(query({{service}}), far);
    s.ask(query({{service, dns_type::ptr, true}}), far);
    s.net.run_for(5s);
    CHECK(s.net.log.empty());
    CHECK(s.one.counters().off_link == 3);
}

TEST_CASE("an answer that the asker has for at least half of its life is left out") {
    settled s;
    auto const knowing = [&](std::uint32_t seconds) {
        return query({{service}}, [&](wire::dns_writer& out) {
            REQUIRE(out.pointer({service, seconds}, dns_type::ptr, s.instance));
        });
    };
    s.ask(knowing(2250));
    s.net.run_for(2s);
    CHECK(s.net.log.empty());
    CHECK(s.one.counters().suppressed == 1);
    s.ask(knowing(2249));
    s.net.run_for(2s);
    CHECK(s.net.log.size() == 1);
    // Of several addresses all have to be known, and another name's record is none of ours.
    s.ask(query({{s.machine, dns_type::a}}, [&](wire::dns_writer& out) {
        REQUIRE(out.address({s.instance, 120}, address_of(0)));
        REQUIRE(out.address({s.machine, 120}, address_of(3)));
    }));
    CHECK(s.net.log.size() == 2);
    s.net.run_for(2s);
    s.ask(query({{s.machine, dns_type::a}},
                [&](wire::dns_writer& out) { REQUIRE(out.address({s.machine, 120}, address_of(0))); }));
    CHECK(s.net.log.size() == 2);
    CHECK(s.one.counters().suppressed == 2);
}

TEST_CASE("known answers that follow in another packet are waited for") {
    settled s;
    bytes first = query({{service}});
    first[2] = static_cast<std::byte>(0x02); // TC
    bytes const second =
        query({}, [&](wire::dns_writer& out) { REQUIRE(out.pointer({service, 4500}, dns_type::ptr, s.instance)); });
    s.ask(first);
    s.net.run_for(300ms);
    CHECK(s.net.log.empty());
    s.ask(second);
    s.net.run_for(2s);
    CHECK(s.net.log.empty());
    CHECK(s.one.counters().suppressed == 1);
    // If somebody else waits as well, the answer is sent.
    s.ask(first, 5);
    s.ask(first, 6);
    s.net.run_for(300ms);
    s.ask(second, 5);
    s.net.run_for(2s);
    CHECK(s.net.log.size() == 1);
    // Without known answers it comes after 400 to 500 ms.
    time_point const asked = s.net.now;
    s.ask(first);
    s.net.run_for(2s);
    REQUIRE(s.net.log.size() == 2);
    CHECK(s.net.log[1].at - asked >= 400ms);
    CHECK(s.net.log[1].at - asked < 500ms);
}

TEST_CASE("no record goes to the group twice within a second, however often it is asked for") {
    settled s;
    time_point const start = s.net.now;
    for (int i = 0; i < 100; ++i) {
        s.ask(query({{s.instance, dns_type::any}, {s.machine, dns_type::any}}), static_cast<std::size_t>(i % 9));
        s.net.run_for(50ms);
    }
    s.net.run_for(2s);
    CHECK(s.net.log.size() <= 6);
    CHECK(s.net.log.size() >= 5);
    for (std::size_t i = 1; i < s.net.log.size(); ++i) CHECK(s.net.log[i].at - s.net.log[i - 1].at >= 1s);
    CHECK(s.net.log[0].at == start);
    // What has been sent just now is not sent along either.
    s.net.run_for(5s);
    s.net.log.clear();
    s.ask(query({{s.machine, dns_type::a}}));
    s.ask(query({{s.instance, dns_type::srv}}));
    REQUIRE(s.net.log.size() == 2);
    CHECK(s.net.log[1].count(s.machine, dns_type::a) == 0);
}

TEST_CASE("who asks for a unicast answer gets one, unless the group has not heard it for long") {
    settled s;
    s.ask(query({{s.instance, dns_type::srv, true, 9}}));
    REQUIRE(s.net.log.size() == 1);
    CHECK(s.net.log[0].to == ip_endpoint{address_of(5), discovery::mdns_port});
    CHECK(s.net.log[0].message().header().id == 0);
    CHECK(s.net.log[0].message().question_count() == 0);
    CHECK(s.one.counters().unicasts == 1);
    s.net.run_for(31s); // a quarter of 120 s
    s.ask(query({{s.instance, dns_type::srv, true}}));
    REQUIRE(s.net.log.size() == 2);
    CHECK_FALSE(s.net.log[1].to);
    CHECK(s.one.counters().unicasts == 1);
}

TEST_CASE("who probes for a name that is taken is told at once, and so is everybody") {
    settled s;
    auto const probe = [&](bool unicast) {
        return query({{s.instance, dns_type::any, unicast}}, [&](wire::dns_writer& out) {
            REQUIRE(out.service({s.instance, 120, dns_section::authority}, {0, 0, 1, name("other.local")}));
        });
    };
    for (bool const unicast : {false, true}) {
        s.net.log.clear();
        s.ask(probe(unicast));
        REQUIRE(s.net.log.size() == 1);
        CHECK_FALSE(s.net.log[0].to);
        CHECK(s.net.log[0].count(s.instance, dns_type::srv) == 1);
        // The next of three probes is answered, too: a quarter of a second is far enough apart for those.
        s.net.run_for(250ms);
        s.ask(probe(unicast));
        CHECK(s.net.log.size() == 2);
        s.net.run_for(100ms);
        s.ask(probe(unicast));
        CHECK(s.net.log.size() == 2);
        s.net.run_for(5s);
    }
}

TEST_CASE("a resolver that knows nothing of multicast gets an answer it understands") {
    settled s;
    s.ask(query({{service, dns_type::ptr, true, 0x1234}}), from_port(40000));
    REQUIRE(s.net.log.size() == 1);
    sent const& got = s.net.log[0];
    CHECK(got.to == ip_endpoint{address_of(5), 40000});
    auto const m = got.message();
    CHECK(m.header().id == 0x1234);
    CHECK(m.question_count() == 1);
    CHECK(got.asks(service, dns_type::ptr));
    CHECK(got.count(service, dns_type::ptr) == 1);
    CHECK(got.count(s.instance, dns_type::srv) == 1);
    CHECK(got.count(s.instance, dns_type::txt) == 1);
    CHECK(got.count(s.machine, dns_type::a) == 1);
    auto records = m.records();
    for (wire::dns_record r; records.next(r);) {
        CHECK(r.time_to_live <= 10);
        CHECK_FALSE(r.flushes_cache());
        if (r.type == dns_type::srv) CHECK(r.data().size() == 6 + s.machine.bytes().size()); // not compressed
    }
}

TEST_CASE("unicast answers are limited, so that a forged sender address gains nothing") {
    settled s;
    for (int i = 0; i < 100; ++i) s.ask(query({{service}}), from_port(40000));
    CHECK(s.net.log.size() == responder::unicasts_per_second);
    CHECK(s.one.counters().over_budget == 100 - responder::unicasts_per_second);
    s.net.run_for(1s);
    s.ask(query({{service}}), from_port(40000));
    CHECK(s.net.log.size() == responder::unicasts_per_second + 1);
}

TEST_CASE("a name that is taken gives way before it was announced") {
    settled s{node("twin")};
    seeded_rng random{7};
    auto other = responder::make(node("twin", 9001), random).value();
    std::size_t const host = s.net.add(other);
    s.net.run_for(10s);
    CHECK(s.one.instance() == "twin");
    CHECK(other.instance() == "twin-2");
    CHECK(other.is_established());
    CHECK(other.counters().renames == 1);
    CHECK(other.counters().conflicts == 1);
    CHECK(s.one.counters().conflicts == 0);
    for (sent const& p : s.net.log) {
        if (p.host == host && p.is_response()) CHECK(p.count(name("twin._peerkit._udp.local"), dns_type::srv) == 0);
    }
    auto third = responder::make(node("TWIN", 9002), random).value();
    s.net.add(third);
    s.net.run_for(10s);
    CHECK(third.instance() == "TWIN-3"); // twin-2 is taken, too
}

TEST_CASE("of two that probe at the same moment the one with the greater data wins, on every link the same") {
    for (std::uint64_t seed = 1; seed < 30; ++seed) {
        CAPTURE(seed);
        local_link net{seed};
        seeded_rng first{seed}, second{seed + 1000};
        auto low = responder::make(node("twin", 9000), first).value();
        auto high = responder::make(node("twin", 9001), second).value();
        net.add(low);
        net.add(high);
        net.run_for(20s);
        CHECK(low.is_established());
        CHECK(high.is_established());
        bool const by_tie = low.counters().ties_lost + high.counters().ties_lost != 0;
        CHECK(high.counters().ties_lost == 0);
        CHECK(by_tie);
        CHECK(high.instance() == "twin");
        CHECK(low.instance() == "twin-2");
    }
}

TEST_CASE("ten nodes with one name on a link that loses every third packet all get names of their own") {
    for (std::uint64_t seed = 1; seed < 6; ++seed) {
        local_link net{seed};
        net.loss_per_million = 333'333;
        std::vector<seeded_rng> randoms;
        for (std::uint64_t i = 0; i < 10; ++i) randoms.emplace_back(seed * 100 + i);
        std::vector<responder> nodes;
        for (std::size_t i = 0; i < 10; ++i) {
            nodes.push_back(responder::make(node("twin", static_cast<std::uint16_t>(9000 + i)), randoms[i]).value());
        }
        for (responder& r : nodes) net.add(r);
        net.run_for(2min);
        // What was missed at first shows when a twin is asked for; then they settle it.
        net.loss_per_million = 0;
        for (int i = 0; i < 30; ++i) {
            for (responder& r : nodes) {
                net.inject(11, query({{r.records().instance(), dns_type::any}}));
            }
            net.run_for(20s);
        }
        std::set<std::string_view> names;
        for (responder const& r : nodes) {
            CHECK(r.is_established());
            names.insert(r.instance());
        }
        CHECK(names.size() == 10);
    }
}

TEST_CASE("a claim to a name we have makes us probe again, and defend it if the other gives way") {
    settled s{node("twin")};
    s.one.receive(response([&](wire::dns_writer& out) {
                      REQUIRE(out.service({s.instance, 120}, {0, 0, 1, name("other.local")}));
                  }),
                  origin_of(3), s.net.now, s.net.sender(s.host));
    CHECK_FALSE(s.one.is_established());
    s.net.run_for(10s);
    CHECK(s.one.is_established());
    CHECK(s.one.instance() == "twin");
    CHECK(s.one.counters().conflicts == 1);
    CHECK(s.one.counters().renames == 0);
    CHECK(s.one.counters().probes == 6);
}

TEST_CASE("our own packets, other records and goodbyes are no conflicts, nor is what strangers say") {
    settled s{node("twin")};
    auto const claim = response(
        [&](wire::dns_writer& out) { REQUIRE(out.service({s.instance, 120}, {0, 0, 1, name("other.local")})); });
    auto far = origin_of(3);
    far.on_link = false;
    s.ask(claim, far);
    s.ask(claim, from_port(40000)); // no responder speaks from there
    auto routed = origin_of(3);
    routed.multicast = false;
    routed.hop_limit = 254;
    s.ask(claim, routed);
    CHECK(s.one.counters().off_link == 3);
    s.ask(response([&](wire::dns_writer& out) {
        REQUIRE(out.service({s.instance, 0}, {0, 0, 1, name("other.local")}));
        REQUIRE(out.service({s.instance, 120}, {0, 0, 9000, s.machine}));
        REQUIRE(out.address({s.machine, 120}, address_of(0)));
        REQUIRE(out.raw({s.instance, 120}, static_cast<dns_type>(16385), {}));
        REQUIRE(out.pointer({service, 4500}, dns_type::ptr, name("x._peerkit._udp.local")));
    }));
    CHECK(s.one.counters().conflicts == 0);
    CHECK(s.one.is_established());
}

TEST_CASE("after many conflicts the next attempts are five seconds apart") {
    local_link net;
    seeded_rng random{3};
    auto one = responder::make(node("twin"), random).value();
    std::size_t const host = net.add(one);
    // Somebody who claims every name at once.
    auto const deny = [&] {
        one.receive(response([&](wire::dns_writer& out) {
                        REQUIRE(out.service({one.records().instance(), 120}, {0, 0, 1, name("other.local")}));
                    }),
                    origin_of(3), net.now, net.sender(host));
    };
    for (int i = 0; i < 14; ++i) {
        deny();
        net.run_for(10ms);
    }
    CHECK(one.next_deadline() - net.now <= 250ms);
    CHECK(one.instance() == "twin-15");
    deny();
    CHECK(one.next_deadline() - net.now >= 5s);
    CHECK(one.counters().conflicts == 15);
    net.run_for(20s);
    CHECK(one.is_established());
}

TEST_CASE("a long chosen name is cut for its number between two characters") {
    std::string umlauts;
    for (int i = 0; i < 31; ++i) umlauts += "\xc3\xa4";
    settled s{node(umlauts)};
    seeded_rng random{7};
    auto other = responder::make(node(umlauts), random).value();
    s.net.add(other);
    auto third = responder::make(node(umlauts, 9001), random).value();
    s.net.add(third);
    s.net.run_for(20s);
    CHECK(third.instance().size() <= wire::dns_label_limit);
    CHECK(third.instance().substr(third.instance().size() - 2, 1) == "-");
    CHECK((third.instance().size() - 2) % 2 == 0);
}

TEST_CASE("at the end every record is taken back, and nothing is sent afterwards") {
    settled s;
    s.ask(query({{service}}));
    s.one.goodbye(s.net.sender(s.host));
    REQUIRE(s.net.log.size() == 1);
    CHECK(s.net.log[0].count(service, dns_type::ptr) == 1);
    CHECK(s.net.log[0].count(s.instance, dns_type::srv) == 1);
    CHECK(s.net.log[0].count(s.machine, dns_type::a) == 1);
    auto const m = s.net.log[0].message();
    auto records = m.records();
    for (wire::dns_record r; records.next(r);) CHECK(r.time_to_live == 0);
    std::vector<mdns_interface> const interfaces{{interface_index, {address_of(0)}}};
    s.one.set_interfaces(interfaces, s.net.now);
    s.ask(query({{service}}));
    s.net.run_for(1min);
    CHECK(s.net.log.size() == 1);
    CHECK(s.one.next_deadline() == never);
    CHECK_FALSE(s.one.is_established());
}

TEST_CASE("a name that was never announced is not taken back") {
    local_link net;
    seeded_rng random{1};
    auto one = responder::make(node(), random).value();
    net.add(one);
    net.run_for(300ms);
    std::size_t const before = net.log.size();
    one.goodbye(net.sender(0));
    CHECK(net.log.size() == before);
}

TEST_CASE("a new interface is probed, changed addresses are announced, a lost interface is forgotten") {
    settled s;
    std::vector<mdns_interface> interfaces{
        {interface_index, {address_of(0), ip_address::parse("2001:db8::1").value()}}};
    s.one.set_interfaces(interfaces, s.net.now);
    s.net.run_for(5s);
    REQUIRE(s.net.log.size() == 2);
    CHECK(s.net.log[0].count(s.machine, dns_type::aaaa) == 1);
    s.one.set_interfaces(interfaces, s.net.now); // no change
    CHECK(s.one.next_deadline() == never);
    interfaces.push_back({8, {ip_address::v4(10, 1, 0, 1)}});
    s.one.set_interfaces(interfaces, s.net.now);
    CHECK(s.one.next_deadline() - s.net.now < 250ms);
    CHECK_FALSE(s.one.is_established());
    interfaces.pop_back();
    s.one.set_interfaces(interfaces, s.net.now);
    CHECK(s.one.next_deadline() == never);
    CHECK(s.one.is_established());
    interfaces[0].addresses.clear();
    s.one.set_interfaces(interfaces, s.net.now);
    CHECK_FALSE(s.one.is_established());
}

TEST_CASE("another text is announced under the same name, one that cannot be changes nothing") {
    settled s;
    std::vector<std::string> text{"v=2"};
    REQUIRE(s.one.set_text(text, s.net.now));
    s.net.run_for(5s);
    REQUIRE(s.net.log.size() == 2);
    CHECK(s.net.log[0].count(s.instance, dns_type::txt) == 1);
    CHECK(as_text(s.net.log[0].data).find("v=2") != std::string_view::npos);
    CHECK(s.one.is_established());
    text.push_back("=");
    CHECK(s.one.set_text(text, s.net.now).error() == discovery::discovery_error::bad_option);
    text.back() = std::string(256, 'x');
    CHECK(s.one.set_text(text, s.net.now).error().position() == 1);
    s.net.run_for(5s);
    CHECK(s.net.log.size() == 2);
}

TEST_CASE("link-local addresses are published only where there are no others") {
    settled s;
    std::vector<mdns_interface> interfaces{{interface_index, {ip_address::parse("fe80::1").value(), address_of(0)}}};
    s.one.set_interfaces(interfaces, s.net.now);
    s.net.run_for(5s);
    CHECK(s.net.log.empty()); // nothing has changed
    interfaces[0].addresses.pop_back();
    s.one.set_interfaces(interfaces, s.net.now);
    s.net.run_for(5s);
    REQUIRE(s.net.log.size() == 2);
    CHECK(s.net.log[0].count(s.machine, dns_type::aaaa) == 1);
}

TEST_CASE("a machine that slept sends one packet of each kind, not all that it missed") {
    local_link net;
    seeded_rng random{1};
    auto one = responder::make(node(), random).value();
    std::size_t const host = net.add(one);
    net.run_for(300ms);
    std::size_t const before = net.log.size();
    net.now += 1h;
    one.tick(net.now, net.sender(host));
    CHECK(net.log.size() == before + 1);
}
