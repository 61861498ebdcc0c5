// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/population.hpp.
#include <peerkit/sim/population.hpp>

#include <doctest/doctest.h>

#include "sim/toy_node.hpp"

using namespace peerkit;

TEST_CASE("residents are found by number, id and address, and nobody else is") {
    sim::population<toy::node> all;
    using of = sim::population<toy::node>;
    node_id one, two;
    one.bytes[3] = std::byte{1};
    two.bytes[31] = std::byte{2}; // the same first 64 bits as no id at all
    all.add();
    all.add();
    all.set_id(0, one);
    all.set_id(1, two);
    CHECK(all.size() == 2);
    CHECK(all.index_of(one) == 0);
    CHECK(all.index_of(two) == 1);
    node_id other = two;
    other.bytes[30] = std::byte{9};
    CHECK(all.index_of(other) == sim::nobody);
    CHECK(all.index_at(of::endpoint_of(1)) == 1);
    CHECK(all.index_at(of::endpoint_of(2)) == sim::nobody);
    CHECK(all.index_at({of::endpoint_of(1).address, 9001}) == sim::nobody);
    CHECK(all.index_at({ip_address::v4(11, 0, 0, 1), 9000}) == sim::nobody);
}

TEST_CASE("addresses of far apart numbers differ") {
    using of = sim::population<toy::node>;
    CHECK(of::endpoint_of(0).to_string() == "10.0.0.0:9000");
    CHECK(of::endpoint_of(257).to_string() == "10.0.1.1:9000");
    CHECK(of::endpoint_of(65536 * 3 + 5).to_string() == "10.3.0.5:9000");
}

TEST_CASE("a resident stays where it is while others are born") {
    sim::population<toy::node> all;
    auto const* const first = &all.add();
    for (int i = 0; i < 1000; ++i) all.add();
    CHECK(first == &all[0]);
}

TEST_CASE("further interfaces reach those of their own subnet while both are up, and are seen from there") {
    sim::population<toy::node> all;
    using of = sim::population<toy::node>;
    for (sim::node_index i = 0; i < 3; ++i) all.add().self.where = of::endpoint_of(i);
    auto const lan = [](std::uint8_t last) { return ip_address::v4(192, 168, 1, last); };
    CHECK(all.add_interface(0, {lan(10), 24}));
    CHECK(all.add_interface(1, {lan(11), 24}));
    CHECK(all.add_interface(2, {ip_address::v4(192, 168, 2, 12), 24}));
    CHECK_FALSE(all.add_interface(2, {lan(11), 24}));                      // taken
    CHECK_FALSE(all.add_interface(2, {ip_address::v4(10, 0, 0, 77), 24})); // of the first interfaces
    CHECK_FALSE(all.add_interface(2, {}));
    ip_endpoint const there{lan(11), 9000};
    CHECK(all.index_at(there) == 1);
    CHECK(all.index_at({lan(11), 9001}) == sim::nobody);
    CHECK(all.route(0, there).to == 1);
    CHECK(all.route(0, there).source == ip_endpoint{lan(10), 9000});
    CHECK(all.route(2, there).to == sim::nobody); // another subnet
    CHECK(all.route(2, of::endpoint_of(1)).to == 1);
    CHECK(all.route(2, of::endpoint_of(1)).source == of::endpoint_of(2));
    CHECK(all.route(0, {lan(99), 9000}).to == sim::nobody);

    CHECK(all.set_interface(0, lan(10), false));
    CHECK(all.route(0, there).to == sim::nobody);
    CHECK(all.set_interface(0, lan(10), true));
    CHECK(all.set_interface(1, lan(11), false));
    CHECK(all.route(0, there).to == sim::nobody);
    CHECK(all.set_interface(1, of::endpoint_of(1).address, false));
    CHECK(all.route(2, of::endpoint_of(1)).to == sim::nobody);
    CHECK(all.route(1, of::endpoint_of(2)).to == sim::nobody);
    CHECK_FALSE(all.set_interface(1, lan(12), true));
}
