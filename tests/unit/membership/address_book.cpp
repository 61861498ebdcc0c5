// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of membership::address_book: which address of a member is in use, and what changes that.
#include <peerkit/membership/address_book.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <support/puppet.hpp>

using namespace peerkit;
using namespace peerkit::membership;
using tests::puppet;

namespace {

ip_address at(std::string_view text) { return ip_address::parse(text).value(); }
ip_endpoint port_9000(std::string_view text) { return {at(text), 9000}; }

/// One member with these addresses in a table, and a book.
struct fixture {
    fixture(std::vector<std::string> const& announced, std::vector<ip_prefix> own = {}) : book{std::move(own)} {
        announce(announced);
        at_row = table.insert(wire::record_view::trusted(record), member_state::alive, time_point{});
        book.learn(row());
    }
    void announce(std::vector<std::string> const& addresses) {
        member_is.self.addresses.clear();
        for (auto const& a : addresses) member_is.self.addresses.push_back({at(a), 0, address_kind::local});
        record = member_is.record(++incarnation);
    }
    void renew(std::vector<std::string> const& addresses) {
        announce(addresses);
        table.replace(at_row, wire::record_view::trusted(record));
        book.learn(row());
    }
    member& row() { return table[at_row]; }
    void hear(ip_endpoint const& source) { book.heard(row(), announcement_of(row().record(), source)); }
    std::string in_use() { return row().endpoint().address.to_string(); }
    std::vector<std::string> order(bool look = false) {
        std::vector<std::string> texts;
        auto const to = book.to_try(row(), look);
        for (std::size_t i = 0; i < to.size; ++i) texts.push_back(to.where[i].address.to_string());
        return texts;
    }

    member_table table{4, 1};
    address_book book;
    puppet member_is{7};
    std::uint64_t incarnation = 0;
    tests::bytes record;
    slot at_row = no_slot;
};
using texts = std::vector<std::string>;

std::vector<ip_prefix> const lan_and_overlay{{at("192.168.1.5"), 24}, {at("100.64.0.5"), 10}};

} // namespace

TEST_CASE("of a member with one address that is in use, whatever is heard") {
    fixture f{{"10.0.0.7"}, lan_and_overlay};
    CHECK(f.in_use() == "10.0.0.7");
    CHECK(f.order() == texts{"10.0.0.7"});
    f.hear(port_9000("10.9.9.9"));
    f.book.answered(f.row(), port_9000("10.9.9.9"));
    f.book.rotate(f.row());
    f.book.silent(f.row());
    CHECK(f.in_use() == "10.0.0.7");
    CHECK(f.table.check_invariants() == 0);
}

TEST_CASE("at first the address of the best rank is in use; without own subnets the first") {
    CHECK(fixture{{"198.51.100.7", "100.64.0.7", "192.168.1.7"}, lan_and_overlay}.in_use() == "192.168.1.7");
    CHECK(fixture{{"198.51.100.7", "100.64.0.7", "192.168.1.7"}}.in_use() == "198.51.100.7");
    CHECK(fixture{{"198.51.100.7", "100.64.0.7", "192.168.1.7"}, lan_and_overlay}.order() ==
          texts{"192.168.1.7", "100.64.0.7", "198.51.100.7"});
}

TEST_CASE("what answered stays in use until another one answers instead") {
    fixture f{{"192.168.1.7", "100.64.0.7"}, lan_and_overlay};
    f.book.answered(f.row(), port_9000("100.64.0.7"));
    CHECK(f.in_use() == "100.64.0.7");
    CHECK(f.order() == texts{"100.64.0.7", "192.168.1.7"});
    CHECK(f.order(true) == texts{"192.168.1.7", "100.64.0.7"});
    f.hear(port_9000("100.64.0.7"));
    CHECK(f.in_use() == "100.64.0.7");
    CHECK_FALSE(f.book.wants_look(f.row()));
    f.book.answered(f.row(), port_9000("192.168.1.7"));
    CHECK(f.in_use() == "192.168.1.7");
    f.book.answered(f.row(), port_9000("203.0.113.9")); // not announced
    CHECK(f.in_use() == "192.168.1.7");
}

TEST_CASE("a member heard at a better address than the one proven is looked for there once") {
    fixture f{{"192.168.1.7", "100.64.0.7"}, lan_and_overlay};
    f.book.answered(f.row(), port_9000("100.64.0.7"));
    f.hear(port_9000("192.168.1.7"));
    CHECK(f.in_use() == "100.64.0.7"); // hearing is not reaching
    CHECK(f.book.wants_look(f.row()));
    CHECK_FALSE(f.book.wants_look(f.row()));
}

TEST_CASE("a member heard at a worse address than the one in use is still tried at the better one first") {
    fixture f{{"192.168.1.7", "100.64.0.7"}, lan_and_overlay};
    f.hear(port_9000("100.64.0.7"));
    CHECK(f.in_use() == "192.168.1.7");
    CHECK_FALSE(f.book.wants_look(f.row()));
    f.hear({at("100.64.0.7"), 4444}); // not the port it announces
    CHECK(f.in_use() == "192.168.1.7");
}

TEST_CASE("when nothing answers the best address is in use again") {
    fixture f{{"192.168.1.7", "100.64.0.7"}, lan_and_overlay};
    f.book.answered(f.row(), port_9000("100.64.0.7"));
    f.book.silent(f.row());
    CHECK(f.in_use() == "192.168.1.7");
    f.hear(port_9000("192.168.1.7"));
    CHECK(f.in_use() == "192.168.1.7");
}

TEST_CASE("a new record keeps the address in use if it is still announced, wherever it stands now") {
    fixture f{{"192.168.1.7", "100.64.0.7"}, lan_and_overlay};
    f.book.answered(f.row(), port_9000("100.64.0.7"));
    f.renew({"100.64.0.7", "10.0.0.7", "198.51.100.7"});
    CHECK(f.in_use() == "100.64.0.7");
    CHECK_FALSE(f.book.wants_look(f.row()));
    f.renew({"192.168.1.7", "10.0.0.7", "100.64.0.7"});
    CHECK(f.in_use() == "100.64.0.7");
    CHECK(f.book.wants_look(f.row())); // there is a better one now
    CHECK(f.table.check_invariants() == 0);
    f.renew({"10.0.0.7", "192.168.1.8"});
    CHECK(f.in_use() == "192.168.1.8"); // the one in use is gone: decided anew
    f.renew({"10.0.0.7"});
    CHECK(f.in_use() == "10.0.0.7");
    CHECK(f.table.check_invariants() == 0);
    f.renew({"192.168.1.9", "10.0.0.7"});
    CHECK(f.in_use() == "192.168.1.9");
    CHECK(f.table.check_invariants() == 0);
}

TEST_CASE("when this host loses a subnet its members are reached elsewhere at once") {
    fixture f{{"192.168.1.7", "100.64.0.7"}, lan_and_overlay};
    f.book.answered(f.row(), port_9000("192.168.1.7"));
    f.book.move(f.table, {{at("100.64.0.5"), 10}});
    CHECK(f.in_use() == "100.64.0.7");
    CHECK(f.book.own().size() == 1);
    f.book.answered(f.row(), port_9000("100.64.0.7"));
    SUBCASE("and when it is back they are looked for there") {
        f.book.move(f.table, lan_and_overlay);
        CHECK(f.in_use() == "100.64.0.7");
        CHECK(f.book.wants_look(f.row()));
        CHECK(f.order(true).front() == "192.168.1.7");
    }
    SUBCASE("and a change that says nothing of them changes nothing") {
        f.book.move(f.table, {{at("100.64.0.5"), 10}, {at("172.16.0.1"), 16}});
        CHECK(f.in_use() == "100.64.0.7");
        CHECK_FALSE(f.book.wants_look(f.row()));
    }
}

TEST_CASE("a member that is at none of its addresses is called at each in turn") {
    fixture f{{"192.168.1.7", "100.64.0.7", "10.0.0.7"}, lan_and_overlay};
    texts called;
    for (int i = 0; i < 6; ++i) {
        called.push_back(f.in_use());
        f.book.rotate(f.row());
        CHECK(f.table.check_invariants() == 0);
    }
    CHECK(called == texts{"192.168.1.7", "100.64.0.7", "10.0.0.7", "192.168.1.7", "100.64.0.7", "10.0.0.7"});
}

TEST_CASE("eight addresses are all tried, each once") {
    texts all;
    for (int i = 1; i <= 8; ++i) all.push_back("10.0.0." + std::to_string(i));
    fixture f{all, lan_and_overlay};
    f.book.answered(f.row(), port_9000("10.0.0.8"));
    CHECK(f.in_use() == "10.0.0.8");
    CHECK(f.order() ==
          texts{"10.0.0.8", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7"});
    CHECK(f.table.check_invariants() == 0);
}

TEST_CASE("own subnets are capped, and the own addresses on them are known") {
    address_book book{std::vector<ip_prefix>(1000, ip_prefix{at("10.0.0.1"), 24})};
    CHECK(book.own().size() == address_book::max_subnets);
    CHECK(book.is_own(at("10.0.0.1")));
    CHECK_FALSE(book.is_own(at("10.0.0.2")));
}

TEST_CASE("an endpoint is announced as itself, with another port, as observed, or not at all") {
    puppet p{7};
    p.self.addresses = {{at("10.0.0.7"), 0, address_kind::local},
                        {at("198.51.100.7"), 4001, address_kind::observed},
                        {at("198.51.100.8"), 4001, address_kind::observed},
                        {at("198.51.100.8"), 4002, address_kind::global}};
    tests::bytes const record = p.record();
    auto const as = [&](std::string_view address, std::uint16_t port) {
        return announcement_of(wire::record_view::trusted(record), {at(address), port}).as;
    };
    CHECK(as("10.0.0.7", 9000) == announced_as::endpoint);
    CHECK(as("10.0.0.7", 9001) == announced_as::address);
    CHECK(as("10.0.0.8", 9000) == announced_as::nothing);
    CHECK(as("198.51.100.7", 4001) == announced_as::observed);
    CHECK(as("198.51.100.7", 9000) == announced_as::address);
    CHECK(as("198.51.100.8", 4001) == announced_as::observed);
    CHECK(as("198.51.100.8", 4002) == announced_as::endpoint);
    CHECK(announcement_of(wire::record_view::trusted(record), {at("198.51.100.8"), 4002}).index == 3);
    CHECK(announcement_of(wire::record_view::trusted(record), {at("198.51.100.8"), 4001}).index == 2);
}
