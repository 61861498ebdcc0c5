// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::provenance_set: a set like any other, and whom to trust how far.
#include <peerkit/node/provenance_set.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace peerkit;
using discovery::provenance;
using node::provenance_set;
using node::trust;
using node::trust_of;

TEST_CASE("a set of provenances holds what was put in, once") {
    provenance_set set;
    CHECK(set.empty());
    set.insert(provenance::dns);
    set.insert(provenance::dns);
    set.insert(provenance::unknown);
    CHECK_FALSE(set.empty());
    CHECK(set.contains(provenance::dns));
    CHECK(set.contains(provenance::unknown));
    CHECK_FALSE(set.contains(provenance::mdns));
    CHECK(set == (provenance_set{provenance::unknown} | provenance::dns));
    CHECK(set.bits() == 0b1001);
    std::vector<provenance> all;
    set.for_each([&](provenance p) { all.push_back(p); });
    CHECK(all == std::vector{provenance::unknown, provenance::dns});
    set.erase(provenance_set{provenance::dns} | provenance::mdns);
    CHECK(set == provenance_set{provenance::unknown});
}

TEST_CASE("a set survives being stored as bits, and bits that mean nothing are left out") {
    provenance_set const set = provenance_set{provenance::unknown} | provenance::mdns | provenance::command;
    CHECK(provenance_set::from_bits(set.bits()) == set);
    CHECK(provenance_set::from_bits(0xffffffff).bits() == 0x1fff);
    CHECK(provenance_set::from_bits(0xffffe000).empty());
}

TEST_CASE("a set is written as the names of its elements") {
    CHECK(provenance_set{}.to_string() == "");
    CHECK(provenance_set{provenance::mdns}.to_string() == "mdns");
    CHECK((provenance_set{provenance::command} | provenance::static_list | provenance::dns).to_string() ==
          "static+dns+command");
}

TEST_CASE("what was written on this machine counts most, what anyone may say least") {
    for (provenance p :
         {provenance::static_list, provenance::host, provenance::file, provenance::environment, provenance::command}) {
        CHECK(trust_of(p) == trust::user);
    }
    for (provenance p : {provenance::tailscale, provenance::dns, provenance::registry, provenance::stored}) {
        CHECK(trust_of(p) == trust::service);
    }
    for (provenance p : {provenance::unknown, provenance::mdns, provenance::gossip, provenance::inbound,
                         static_cast<provenance>(200)}) {
        CHECK(trust_of(p) == trust::stranger);
    }
    CHECK(trust_of(provenance_set{}) == trust::stranger);
    CHECK(trust_of(provenance_set{provenance::mdns} | provenance::dns) == trust::service);
    CHECK(trust_of(provenance_set{provenance::file} | provenance::dns | provenance::gossip) == trust::user);
}
