// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of values in recordings: read as they were written, refused when they cannot be.
#include <peerkit/node/recorded_values.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using node::value_reader;
using node::value_writer;

namespace {

description a_description() {
    description d{.name = "db1", .gossip_port = 9100, .api_port = 80, .version = "1.2"};
    d.addresses = {{ip_address::v4(10, 0, 0, 1), 0, address_kind::local},
                   {*ip_address::parse("2001:db8::1"), 9001, address_kind::observed}};
    d.roles = {"worker", ""};
    d.capabilities = {"gpu"};
    d.labels = {{"zone", "b"}, {"empty", ""}};
    d.services = {{"sql", 5432, "info", service_health::critical, 7}};
    d.takes_compressed = true;
    return d;
}
discovery::candidate a_candidate() {
    discovery::candidate c;
    c.name = c.name.cut("one");
    c.addresses = {{ip_address::v4(10, 0, 0, 1), 9000}, {*ip_address::parse("2001:db8::1"), 9001}};
    c.source = discovery::provenance::command;
    c.state = discovery::presence::offline;
    c.strategy = c.strategy.cut("command");
    c.time_to_live = 30s;
    c.id = node_id{{std::byte{7}}};
    c.labels = {{"a", "b"}};
    return c;
}
template <typename Write>
byte_sink written(Write&& write) {
    byte_sink out;
    write(value_writer{out});
    return out;
}

} // namespace

TEST_CASE("values are read as they were written, and every shorter text is refused") {
    auto const write = [](value_writer to) {
        to.number(300);
        to.byte(9);
        to.flag(true);
        to.period(5s);
        to.period(-5s);
        to.id(node_id{{std::byte{1}}});
        to.network({{std::byte{2}}});
        to.place({*ip_address::parse("::1"), 7});
        to.place({});
        to.what(error{core_error::bad_port, 12, "port"});
        to.prefixes({{ip_address::v4(10, 0, 0, 1), 8}});
        to.about(a_description());
        to.candidate(a_candidate());
    };
    byte_sink const out = written(write);
    auto const read = [](value_reader& in) {
        CHECK(in.number() == 300);
        CHECK(in.byte() == 9);
        CHECK(in.flag());
        CHECK(in.period() == 5s);
        CHECK(in.any_period() == -5s);
        CHECK(in.id() == node_id{{std::byte{1}}});
        CHECK(in.network() == network_id{{std::byte{2}}});
        CHECK(in.place() == ip_endpoint{*ip_address::parse("::1"), 7});
        CHECK(in.place() == ip_endpoint{});
        CHECK(in.text() == "core");
        CHECK(in.port() == static_cast<std::uint16_t>(core_error::bad_port));
        CHECK(in.number() == 12);
        CHECK(in.prefixes() == std::vector<ip_prefix>{{ip_address::v4(10, 0, 0, 1), 8}});
        CHECK(in.about() == a_description());
        CHECK(in.candidate() == a_candidate());
    };
    value_reader in{out.bytes()};
    read(in);
    CHECK(static_cast<bool>(in));
    CHECK(in.remaining() == 0);
    for (std::size_t cut = 0; cut < out.size(); ++cut) {
        value_reader less{out.bytes().first(cut)};
        (void)less.number(), (void)less.byte(), (void)less.flag(), (void)less.period(), (void)less.any_period();
        (void)less.id(), (void)less.network(), (void)less.place(), (void)less.place(), (void)less.text();
        (void)less.port(), (void)less.number(), (void)less.prefixes(), (void)less.about(), (void)less.candidate();
        CHECK_FALSE(static_cast<bool>(less));
    }
}

TEST_CASE("every number of the engine and of discovery is kept") {
    node::discovery_schedule schedule;
    schedule.stagger = 7ms;
    schedule.find_names = false;
    byte_sink const out = written([&](value_writer to) {
        to.numbers(gossip::wan());
        to.numbers(schedule);
    });
    value_reader in{out.bytes()};
    gossip::tunables again = gossip::local();
    node::discovery_schedule schedule_again;
    in.numbers(again);
    in.numbers(schedule_again);
    CHECK(static_cast<bool>(in));
    CHECK(in.remaining() == 0);
    std::vector<std::uint64_t> then, now;
    auto const into = [](std::vector<std::uint64_t>& list) {
        return [&list]<typename T>(T const& one) {
            if constexpr (std::same_as<T, duration>)
                list.push_back(static_cast<std::uint64_t>(one.count()));
            else
                list.push_back(one);
        };
    };
    gossip::tunables const wan = gossip::wan();
    node::for_each_number(wan, into(then));
    node::for_each_number(schedule, into(then));
    node::for_each_number(again, into(now));
    node::for_each_number(schedule_again, into(now));
    CHECK(then == now);
    CHECK(then.size() == 47 + 16);
}

TEST_CASE("what no node can have worked with is refused") {
    auto const refused = [](auto&& write, auto&& read) {
        byte_sink const out = written(write);
        value_reader in{out.bytes()};
        read(in);
        return !in;
    };
    CHECK(refused([](value_writer to) { to.period(-1s); }, [](value_reader& in) { (void)in.period(); }));
    CHECK(refused([](value_writer to) { to.period(node::most_time + 1ns); },
                  [](value_reader& in) { (void)in.period(); }));
    CHECK_FALSE(
        refused([](value_writer to) { to.period(node::most_time); }, [](value_reader& in) { (void)in.period(); }));
    CHECK(refused([](value_writer to) { to.byte(2); }, [](value_reader& in) { (void)in.flag(); }));
    CHECK(refused([](value_writer to) { to.byte(5); }, [](value_reader& in) { (void)in.address(); }));
    CHECK(refused([](value_writer to) { to.number(100); }, [](value_reader& in) { (void)in.texts(); }));
    CHECK(refused([](value_writer to) { to.number(1); }, [](value_reader& in) { in.refuse(); }));
    gossip::tunables years = gossip::lan();
    years.tombstone_time = std::chrono::hours{24 * 366};
    gossip::tunables many = gossip::lan();
    many.max_members = (std::size_t{1} << 32U) + 1;
    for (auto const& wrong : {years, many}) {
        gossip::tunables into;
        CHECK(refused([&](value_writer to) { to.numbers(wrong); }, [&](value_reader& in) { in.numbers(into); }));
    }
}

TEST_CASE("a candidate's time to live is written as one that can be read") {
    discovery::candidate forever = a_candidate(), spent = a_candidate();
    forever.time_to_live = duration::max();
    spent.time_to_live = -1s;
    byte_sink const out = written([&](value_writer to) {
        to.candidate(forever);
        to.candidate(spent);
    });
    value_reader in{out.bytes()};
    CHECK(in.candidate().time_to_live == node::most_time);
    CHECK(in.candidate().time_to_live == 0s);
    CHECK(static_cast<bool>(in));
}
