// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what a name server's reply says: records, aliases, times to live, and replies that lie.
#include <peerkit/discovery/dns_answer.hpp>

#include "support/dns_server.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace peerkit;
using namespace peerkit::discovery;
using namespace std::chrono_literals;
using peerkit_test::dns_bytes;
using peerkit_test::dns_query;
using peerkit_test::dns_reply;
using wire::dns_type;

namespace {

constexpr char const* node = "node01.pk.test";

dns_asking ask(std::string_view name, dns_type type) {
    return {.name = wire::dns_name::parse(name).value(), .type = type};
}
/// The query that a reply answers.
dns_query to(dns_asking const& asked) { return {.id = 7, .name = asked.name, .type = asked.type}; }

template <typename Outcome>
struct reading {
    explicit reading(dns_asking from, dns_bytes const& bytes) : asked{from}, done{read_dns_reply(bytes, asked, into)} {}
    dns_asking asked;
    Outcome into{};
    result<bool> done;
};
using reading_addresses = reading<resolved>;

void refused(dns_asking const& asked, dns_bytes const& bytes, discovery_error why) {
    resolved into;
    dns_asking copy = asked;
    auto const done = read_dns_reply(bytes, copy, into);
    REQUIRE_FALSE(done);
    CHECK(done.error() == why);
    CHECK(into.addresses.empty());
}

} // namespace

TEST_CASE("addresses of the name asked for are kept, each once, with the shortest time to live") {
    auto const asked = ask(node, dns_type::a);
    reading_addresses const got{asked, dns_reply{to(asked)}
                                           .address(node, "192.0.2.1", 90)
                                           .address("NODE01.pk.TEST", "192.0.2.2", 30)
                                           .address(node, "192.0.2.1", 60)
                                           .bytes()};
    REQUIRE(got.done);
    CHECK(*got.done);
    CHECK(got.into.addresses == std::vector{ip_address::v4(192, 0, 2, 1), ip_address::v4(192, 0, 2, 2)});
    CHECK(got.into.time_to_live == 30s);
}

TEST_CASE("two replies add up") {
    auto four = ask(node, dns_type::a), six = ask(node, dns_type::aaaa);
    resolved into;
    REQUIRE(read_dns_reply(dns_reply{to(four)}.address(node, "192.0.2.1", 60).bytes(), four, into).value());
    REQUIRE(read_dns_reply(dns_reply{to(six)}.address(node, "2001:db8::1", 20).bytes(), six, into).value());
    CHECK(into.addresses.size() == 2);
    CHECK(into.time_to_live == 20s);
}

TEST_CASE("records of another name, type or section are not believed") {
    auto const asked = ask(node, dns_type::a);
    reading_addresses const got{asked, dns_reply{to(asked)}
                                           .address("evil.test", "192.0.2.66")
                                           .address(node, "2001:db8::66")
                                           .text(node, {"x"})
                                           .bytes()};
    REQUIRE_FALSE(got.done);
    CHECK(got.done.error() == discovery_error::unresolved);
    CHECK(got.into.addresses.empty());

    std::vector<std::byte> room(512);
    wire::dns_writer out{room, {.id = 7, .flags = 0x8180}};
    REQUIRE(out.question(asked.name, asked.type));
    REQUIRE(out.address({asked.name, 60, wire::dns_section::additional}, ip_address::v4(192, 0, 2, 66)));
    refused(asked, {out.written().begin(), out.written().end()}, discovery_error::unresolved);
}

TEST_CASE("aliases are followed within a reply, and their times to live count") {
    auto const asked = ask("a.test", dns_type::a);
    // In whatever order.
    reading_addresses const got{asked, dns_reply{to(asked)}
                                           .address("c.test", "192.0.2.3", 300)
                                           .alias("b.test", "c.test", 50)
                                           .alias("a.test", "b.test", 100)
                                           .bytes()};
    REQUIRE(got.done);
    CHECK(*got.done);
    CHECK(got.into.addresses.size() == 1);
    CHECK(got.into.time_to_live == 50s);
    CHECK(got.asked.aliases == 2);
}

TEST_CASE("an alias of which the reply says no more is to be asked for") {
    auto asked = ask("a.test", dns_type::a);
    resolved into;
    REQUIRE(read_dns_reply(dns_reply{to(asked)}.alias("a.test", "elsewhere.test", 10).bytes(), asked, into) == false);
    CHECK(asked.name.to_string() == "elsewhere.test");
    // Now a reply to that.
    REQUIRE(
        read_dns_reply(dns_reply{to(asked)}.address("elsewhere.test", "192.0.2.1", 60).bytes(), asked, into).value());
    CHECK(into.addresses.size() == 1);
    CHECK(into.time_to_live == 10s);
}

TEST_CASE("aliases that go round in a circle are a bad reply, in one reply or in many") {
    auto const asked = ask("a.test", dns_type::a);
    refused(asked, dns_reply{to(asked)}.alias("a.test", "b.test").alias("b.test", "a.test").bytes(),
            discovery_error::bad_reply);
    refused(asked, dns_reply{to(asked)}.alias("a.test", "a.test").bytes(), discovery_error::bad_reply);

    auto turning = asked;
    resolved into;
    result<bool> done = false;
    int asked_for = 0;
    for (; done && !*done; ++asked_for) {
        std::string const here = turning.name.to_string();
        done = read_dns_reply(dns_reply{to(turning)}.alias(here, here == "a.test" ? "b.test" : "a.test").bytes(),
                              turning, into);
    }
    CHECK(done.error() == discovery_error::bad_reply);
    CHECK(asked_for == static_cast<int>(dns_alias_limit) + 1);
}

TEST_CASE("no such name, no such record and a server that failed are told apart") {
    auto const asked = ask(node, dns_type::a);
    reading_addresses const name{asked, dns_reply{to(asked), 3}.bytes()};
    REQUIRE_FALSE(name.done);
    CHECK(name.done.error() == discovery_error::unresolved);
    CHECK(name.done.error().position() == 3);
    reading_addresses const record{asked, dns_reply{to(asked)}.bytes()};
    REQUIRE_FALSE(record.done);
    CHECK(record.done.error() == discovery_error::unresolved);
    CHECK(record.done.error().position() == 0);
    for (unsigned const code : {1U, 2U, 4U, 5U, 15U}) {
        reading_addresses const failed{asked, dns_reply{to(asked), code}.bytes()};
        REQUIRE_FALSE(failed.done);
        CHECK(failed.done.error() == discovery_error::server_failed);
        CHECK(failed.done.error().position() == code);
    }
}

TEST_CASE("what is no reply to the question is a bad reply") {
    auto const asked = ask(node, dns_type::a);
    auto const other = ask("other.test", dns_type::a);
    auto const type = ask(node, dns_type::aaaa);
    dns_bytes const good = dns_reply{to(asked)}.address(node, "192.0.2.1").bytes();
    refused(other, good, discovery_error::bad_reply);
    refused(type, good, discovery_error::bad_reply);

    dns_bytes query = good;
    query[2] &= std::byte{0x7f};
    refused(asked, query, discovery_error::bad_reply);
    refused(asked, {}, discovery_error::bad_reply);
    for (std::size_t size = 0; size < good.size(); ++size) {
        refused(asked, {good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)}, discovery_error::bad_reply);
    }
    dns_bytes lying = good;
    lying[6] = std::byte{0xff}; // answers
    refused(asked, lying, discovery_error::bad_reply);
    dns_bytes many = good;
    many[5] = std::byte{2}; // questions
    refused(asked, many, discovery_error::bad_reply);
}

TEST_CASE("service records keep their order and numbers; the root as target says that there is no service") {
    constexpr char const* name = "_peerkit._udp.pk.test";
    auto const asked = ask(name, dns_type::srv);
    reading<service_records> const got{asked, dns_reply{to(asked)}
                                                  .service(name, 10, 60, 7001, "node01.pk.test", 30)
                                                  .service(name, 0, 0, 0, ".", 90)
                                                  .service("_other._udp.pk.test", 1, 1, 1, "evil.test")
                                                  .bytes()};
    REQUIRE(got.done);
    REQUIRE(got.into.records.size() == 2);
    CHECK(got.into.records[0] == service_record{10, 60, 7001, "node01.pk.test", 30s});
    CHECK(got.into.records[1] == service_record{0, 0, 0, "", 90s});
}

TEST_CASE("every string of every TXT record is kept, the empty and the binary one, too") {
    auto const asked = ask(node, dns_type::txt);
    reading<text_records> const got{asked, dns_reply{to(asked)}
                                               .text(node, {"v=1", ""}, 300)
                                               .text(node, {std::string("\0\xff", 2)}, 60)
                                               .text("evil.test", {"v=2"}, 1)
                                               .bytes()};
    REQUIRE(got.done);
    CHECK(got.into.strings == std::vector<std::string>{"v=1", "", std::string("\0\xff", 2)});
    CHECK(got.into.time_to_live == 60s);

    reading<text_records> const none{asked, dns_reply{to(asked)}.text(node, {}).bytes()};
    REQUIRE_FALSE(none.done);
    CHECK(none.done.error() == discovery_error::unresolved);
}

TEST_CASE("the first PTR record names the host") {
    std::string const reverse = reverse_name(ip_address::v4(192, 0, 2, 7)).to_string();
    auto const asked = ask(reverse, dns_type::ptr);
    reading<named> const got{asked,
                             dns_reply{to(asked)}.pointer(reverse, "h1.test").pointer(reverse, "h2.test").bytes()};
    REQUIRE(got.done);
    CHECK(got.into.host == "h1.test");
}

TEST_CASE("addresses are written backwards to be looked up") {
    CHECK(reverse_name(ip_address::v4(192, 0, 2, 7)).to_string() == "7.2.0.192.in-addr.arpa");
    CHECK(reverse_name(ip_address::parse("2001:db8::567:89ab").value()).to_string() ==
          "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    CHECK(reverse_name({}).is_root());
}

TEST_CASE("a time to live with the top bit set is zero") {
    CHECK(dns_ttl(60) == 60s);
    CHECK(dns_ttl(0x7fffffff) == std::chrono::seconds{0x7fffffff});
    CHECK(dns_ttl(0x80000000) == 0s);
    CHECK(dns_ttl(0xffffffff) == 0s);
}

TEST_CASE("a reply of the largest size is read, and its addresses stay apart") {
    auto const asked = ask("a.b", dns_type::a);
    dns_reply reply{to(asked)};
    for (int i = 0; i < 4000; ++i) {
        reply.address("a.b",
                      ip_address::v4(10, 0, static_cast<std::uint8_t>(i / 200 % 10), static_cast<std::uint8_t>(i % 200))
                          .to_string());
    }
    reading_addresses const got{asked, reply.bytes()};
    REQUIRE(got.done);
    CHECK(got.into.addresses.size() == 2000);
}
