// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what multicast DNS believes and answers, by where a packet comes from.
#include <peerkit/discovery/mdns_protocol.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace peerkit;
using namespace peerkit::discovery;

TEST_CASE("the groups are those of RFC 6762") {
    CHECK(mdns_group_v4.to_string() == "224.0.0.251");
    CHECK(mdns_group_v6.to_string() == "ff02::fb");
    CHECK(mdns_port == 5353);
}

TEST_CASE("only neighbours are answered") {
    mdns_origin origin{.interface = 1, .from = {ip_address::v4(10, 0, 0, 1), 40000}, .on_link = true};
    CHECK(may_be_answered(origin));
    origin.on_link = false;
    CHECK_FALSE(may_be_answered(origin));
    origin = {.interface = 1, .on_link = true};
    CHECK_FALSE(may_be_answered(origin)); // from nowhere
}

TEST_CASE("only what a responder on the link has sent is believed") {
    mdns_origin const good{.interface = 1, .from = {ip_address::v4(10, 0, 0, 1), 5353}, .on_link = true};
    CHECK(may_be_believed(good, 5353));
    CHECK_FALSE(may_be_believed(good, 5354));
    mdns_origin o = good;
    o.on_link = false;
    CHECK_FALSE(may_be_believed(o, 5353));
    o = good;
    o.multicast = false; // routers forward it
    CHECK_FALSE(may_be_believed(o, 5353));
    o.hop_limit = 254;
    CHECK_FALSE(may_be_believed(o, 5353));
    o.hop_limit = 255;
    CHECK(may_be_believed(o, 5353));
}

TEST_CASE("a service is a name of up to fifteen characters and a protocol") {
    CHECK(mdns_service_name("_peerkit._udp")->to_string() == "_peerkit._udp.local");
    CHECK(mdns_service_name("_a-1._tcp")->to_string() == "_a-1._tcp.local");
    CHECK(mdns_service_name("_fifteenletters1._udp"));
    for (std::string const bad : {"", "_", "._udp", "_peerkit", "_peerkit._udp.", "_peer kit._udp", "peerkit._udp",
                                  "_._udp", "_sixteenletters12._udp", "_a._UDP", "_a\\._udp", "_p2p._udp._udp"}) {
        CAPTURE(bad);
        REQUIRE_FALSE(mdns_service_name(bad));
        CHECK(mdns_service_name(bad).error() == discovery_error::bad_option);
    }
}
