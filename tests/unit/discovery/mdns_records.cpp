// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the records of a publication: which answer which question, and how they are recognised again.
#include <peerkit/discovery/mdns_records.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string_view>
#include <vector>

using namespace peerkit;
using namespace peerkit::discovery;
using wire::dns_type;

namespace {

using set = mdns_record_set;

std::vector<ip_address> const both{ip_address::v4(10, 0, 0, 1), ip_address::parse("2001:db8::1").value()};
std::vector<ip_address> const v4_only{ip_address::v4(10, 0, 0, 1)};

mdns_records node() { return mdns_records::make({.port = 9000, .text = {"a=1", "b"}}, "node", "host").value(); }
wire::dns_name name(std::string_view text) { return wire::dns_name::parse(text).value(); }

mdns_record_mask answer(std::string_view of, dns_type type, std::vector<ip_address> const& addresses = both,
                        std::uint16_t class_bits = wire::dns_class_in) {
    auto const n = name(of);
    return node().answer({n, type, class_bits}, addresses);
}
template <typename... Sets>
mdns_record_mask mask(Sets... sets) {
    return static_cast<mdns_record_mask>((0U | ... | mask_of(sets)));
}

} // namespace

TEST_CASE("each question has its answer") {
    CHECK(answer("_peerkit._udp.local", dns_type::ptr) == mask(set::pointer));
    CHECK(answer("_PEERKIT._udp.local", dns_type::any) == mask(set::pointer));
    CHECK(answer("_peerkit._udp.local", dns_type::a) == 0);
    CHECK(answer("_services._dns-sd._udp.local", dns_type::ptr) == mask(set::catalogue));
    CHECK(answer("node._peerkit._udp.local", dns_type::srv) == mask(set::service));
    CHECK(answer("node._peerkit._udp.local", dns_type::txt) == mask(set::text));
    CHECK(answer("node._peerkit._udp.local", dns_type::any) == mask(set::service, set::text));
    CHECK(answer("node._peerkit._udp.local", dns_type::a) == mask(set::only_service));
    CHECK(answer("host.local", dns_type::a) == mask(set::v4));
    CHECK(answer("host.local", dns_type::aaaa) == mask(set::v6));
    CHECK(answer("host.local", dns_type::any) == mask(set::v4, set::v6));
    CHECK(answer("host.local", dns_type::any, v4_only) == mask(set::v4));
    CHECK(answer("host.local", dns_type::aaaa, v4_only) == mask(set::only_host));
    CHECK(answer("node.local", dns_type::a) == 0);
    CHECK(answer("host.local", dns_type::a, both, 3) == 0);
    CHECK(answer("host.local", dns_type::a, both, wire::dns_class_any) == mask(set::v4));
}

TEST_CASE("with an answer goes what is asked for next") {
    CHECK(mdns_records::additional(mask(set::pointer), both) == mask(set::service, set::text, set::v4, set::v6));
    CHECK(mdns_records::additional(mask(set::pointer), v4_only) ==
          mask(set::service, set::text, set::v4, set::only_host));
    CHECK(mdns_records::additional(mask(set::service), both) == mask(set::v4, set::v6));
    CHECK(mdns_records::additional(mask(set::text), both) == 0);
    CHECK(mdns_records::additional(mask(set::v4), both) == mask(set::v6));
    CHECK(mdns_records::additional(mask(set::v4), v4_only) == mask(set::only_host));
    CHECK(mdns_records::additional(mask(set::catalogue), both) == 0);
}

TEST_CASE("every record is recognised as it was written, and none that differs in anything") {
    auto const records = node();
    std::array<std::byte, 1000> room{};
    wire::dns_writer out{room, {}};
    REQUIRE(records.write(out, mdns_records::all(both), wire::dns_section::answer, both, mdns_records::style::normal) ==
            0);
    auto const message = wire::dns_message_view::parse(out.written()).value();
    auto read = message.records();
    mdns_record_mask seen = 0;
    for (wire::dns_record r; read.next(r);) {
        set which{};
        REQUIRE(records.is_ours(r, both, which));
        seen |= mask_of(which);
        CHECK(r.time_to_live == mdns_records::time_to_live(which));
        bool const stays = which == set::pointer || which == set::catalogue;
        auto renamed = records;
        REQUIRE(renamed.name_as("other", "other"));
        CHECK(renamed.is_ours(r, both, which) == (which == set::catalogue));
        CHECK(r.flushes_cache() == !stays);
    }
    CHECK(seen == mdns_records::all(both));

    auto const other = [&](mdns_publication const& what) {
        auto const changed = mdns_records::make(what, "node", "host").value();
        mdns_record_mask same = 0;
        auto again = message.records();
        for (wire::dns_record r; again.next(r);) {
            set which{};
            if (changed.is_ours(r, v4_only, which)) same |= mask_of(which);
        }
        return same;
    };
    CHECK(other({.port = 9000, .text = {"a=1", "b"}}) == (mdns_records::all(both) & ~mask(set::v6)));
    CHECK(other({.port = 9001, .text = {"a=1", "b"}}) == (mdns_records::all(both) & ~mask(set::v6, set::service)));
    CHECK(other({.port = 9000, .text = {"a=1b"}}) == (mdns_records::all(both) & ~mask(set::v6, set::text)));
}

TEST_CASE("an empty text is one empty string on the wire") {
    auto const records = mdns_records::make({.port = 1}, "node", "host").value();
    std::array<std::byte, 200> room{};
    wire::dns_writer out{room, {}};
    REQUIRE(records.write(out, mask(set::text), wire::dns_section::answer, {}, mdns_records::style::normal) == 0);
    auto const message = wire::dns_message_view::parse(out.written()).value();
    auto read = message.records();
    wire::dns_record r;
    REQUIRE(read.next(r));
    CHECK(r.data().size() == 1);
}

TEST_CASE("what does not fit is named") {
    auto const records = node();
    std::array<std::byte, 60> room{};
    wire::dns_writer out{room, {}};
    auto const refused = records.write(out, mask(set::pointer, set::service), wire::dns_section::answer, both,
                                       mdns_records::style::normal);
    CHECK(refused == mask(set::service));
    CHECK(out.count() == 1);
}

TEST_CASE("records are compared in the order of class, type and data, the same for ours and for others'") {
    auto const records = node();
    std::array<std::byte, 1000> room{};
    wire::dns_writer out{room, {}};
    REQUIRE(records.write(out, mask(set::service, set::text, set::v4, set::v6), wire::dns_section::authority, both,
                          mdns_records::style::probe) == 0);
    auto const message = wire::dns_message_view::parse(out.written()).value();
    for (auto const& of : {records.instance(), records.host()}) {
        std::vector<std::string> theirs;
        auto read = message.records();
        for (wire::dns_record r; read.next(r);) {
            if (r.name == of) theirs.push_back(mdns_records::comparable(r));
        }
        std::sort(theirs.begin(), theirs.end());
        CHECK(theirs == records.ordered(of, both));
        CHECK(theirs.size() == 2);
    }
    auto const greater = mdns_records::make({.port = 9001, .text = {"a=1", "b"}}, "node", "host").value();
    // TXT (16) sorts before SRV (33), and is the same here.
    CHECK(records.ordered(records.instance(), both) < greater.ordered(greater.instance(), both));
}
