// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::candidate_gate: which addresses of a candidate are not called, and the reason given.
#include <peerkit/node/candidate_gate.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

using namespace peerkit;
using discovery::candidate;
using discovery::provenance;
using node::candidate_gate;
using node::drop_reason;

namespace {

ip_endpoint at(std::string const& text) { return endpoint::parse(text)->ip(); }

candidate from(provenance source) {
    candidate c;
    c.source = source;
    return c;
}

/// A gate of a node that advertises `addresses`.
candidate_gate gate_of(std::vector<std::string> const& addresses, discovery::own_identity own = {},
                       node::dial_rule rule = {}) {
    candidate_gate gate{std::move(own), std::move(rule)};
    description self;
    for (std::string const& a : addresses) self.addresses.push_back({*ip_address::parse(a), 0, address_kind::local});
    node_id id;
    id.bytes[0] = std::byte{1};
    gate.advertised(id, self);
    return gate;
}

constexpr provenance users[] = {provenance::static_list, provenance::host, provenance::file, provenance::environment,
                                provenance::command};
constexpr provenance others[] = {provenance::unknown, provenance::tailscale, provenance::dns,    provenance::registry,
                                 provenance::mdns,    provenance::stored,    provenance::gossip, provenance::inbound};

} // namespace

TEST_CASE("an address of another machine passes, whoever named it") {
    auto const gate = gate_of({"10.0.0.1"});
    for (provenance p : users) CHECK(gate.why_not(from(p), at("10.0.0.2:9000")) == std::nullopt);
    for (provenance p : others) CHECK(gate.why_not(from(p), at("[2001:db8::2]:9000")) == std::nullopt);
}

TEST_CASE("this node is left out by identity, by any address it has or announces, and by name, with its port") {
    discovery::own_identity own;
    own.addresses = {*ip_address::parse("127.0.0.1"), *ip_address::parse("10.9.9.9")};
    own.host_names = {"me.example.org"};
    auto const gate = gate_of({"10.0.0.1"}, own);
    auto c = from(provenance::static_list);
    CHECK(gate.why_not(c, at("10.0.0.1:9000")) == drop_reason::own_address);
    CHECK(gate.why_not(c, at("10.9.9.9:9000")) == drop_reason::own_address);
    CHECK(gate.why_not(c, at("127.0.0.1:9000")) == drop_reason::own_address);
    CHECK(gate.is_own(at("10.0.0.1:9000")));
    // Another node on the same machine has another port.
    CHECK(gate.why_not(c, at("10.0.0.1:9001")) == std::nullopt);
    CHECK(gate.why_not(c, at("127.0.0.1:9001")) == std::nullopt);
    CHECK_FALSE(gate.is_own(at("10.0.0.1:9001")));
    c.name = c.name.cut("ME.example.org.");
    CHECK(gate.why_not(c, at("10.0.0.7:9000")) == drop_reason::own_name);
    CHECK(gate.why_not(c, at("10.0.0.7:9001")) == std::nullopt);
    c.name = {};
    c.id.bytes[0] = std::byte{1};
    CHECK(gate.why_not(c, at("10.0.0.7:9000")) == drop_reason::own_id);
    c.id.bytes[0] = std::byte{2};
    CHECK(gate.why_not(c, at("10.0.0.7:9000")) == std::nullopt);
}

TEST_CASE("what a node announces is its own until it announces something else") {
    auto gate = gate_of({"10.0.0.1"});
    description self;
    self.addresses.push_back({*ip_address::parse("10.0.0.2"), 9100, address_kind::local});
    gate.advertised({}, self);
    CHECK(gate.why_not(from(provenance::dns), at("10.0.0.1:9000")) == std::nullopt);
    CHECK(gate.why_not(from(provenance::dns), at("10.0.0.2:9100")) == drop_reason::own_address);
}

TEST_CASE("when the interfaces of the machine change, the addresses that are this node change with them") {
    discovery::own_identity own;
    own.addresses = {*ip_address::parse("10.9.9.9")};
    auto gate = gate_of({"10.0.0.1"}, own);
    gate.moved({*ip_address::parse("10.9.9.10")});
    CHECK(gate.why_not(from(provenance::dns), at("10.9.9.9:9000")) == std::nullopt);
    CHECK(gate.why_not(from(provenance::dns), at("10.9.9.10:9000")) == drop_reason::own_address);
    CHECK(gate.why_not(from(provenance::dns), at("10.0.0.1:9000")) == drop_reason::own_address);
}

TEST_CASE("addresses nobody can be called at are unusable, whoever named them") {
    auto const gate = gate_of({"10.0.0.1"});
    for (provenance p : {provenance::static_list, provenance::dns}) {
        CHECK(gate.why_not(from(p), {}) == drop_reason::unusable);
        CHECK(gate.why_not(from(p), {*ip_address::parse("10.0.0.2"), 0}) == drop_reason::unusable);
        for (char const* text :
             {"0.0.0.0:9000", "224.0.0.251:9000", "255.255.255.255:9000", "[::]:9000", "[ff02::1]:9000"}) {
            CAPTURE(text);
            CHECK(gate.why_not(from(p), at(text)) == drop_reason::unusable);
        }
    }
}

TEST_CASE("loopback and link-local addresses mean something only where they were written") {
    auto const gate = gate_of({"10.0.0.1", "2001:db8::1"});
    for (char const* text : {"127.0.0.1:9001", "127.0.1.1:9000", "[::1]:9000", "169.254.3.4:9000", "[fe80::1]:9000"}) {
        CAPTURE(text);
        for (provenance p : users) CHECK(gate.why_not(from(p), at(text)) == std::nullopt);
        for (provenance p : others) CHECK(gate.why_not(from(p), at(text)) == drop_reason::not_remote);
    }
}

TEST_CASE("a node that is itself found on loopback only, or on a link, takes such addresses from others") {
    auto const on_loopback = gate_of({"127.0.0.1"});
    CHECK(on_loopback.why_not(from(provenance::inbound), at("127.0.0.1:9001")) == std::nullopt);
    CHECK(on_loopback.why_not(from(provenance::inbound), at("169.254.3.4:9000")) == drop_reason::not_remote);
    auto const on_both = gate_of({"127.0.0.1", "10.0.0.1"});
    CHECK(on_both.why_not(from(provenance::inbound), at("127.0.0.1:9001")) == drop_reason::not_remote);
    auto const on_link = gate_of({"10.0.0.1", "169.254.1.1"});
    CHECK(on_link.why_not(from(provenance::mdns), at("169.254.3.4:9000")) == std::nullopt);
    CHECK(on_link.why_not(from(provenance::mdns), at("127.0.0.1:9001")) == drop_reason::not_remote);
}

TEST_CASE("the host's rule has the last word, and knows where an address comes from") {
    auto const overlay = *ip_address::parse("100.64.0.9");
    auto const rule = [&](ip_endpoint const& there, provenance source) {
        return there.address == overlay || source == provenance::host;
    };
    auto const gate = gate_of({"100.64.0.1"}, {}, rule);
    CHECK(gate.why_not(from(provenance::dns), at("100.64.0.9:9000")) == std::nullopt);
    CHECK(gate.why_not(from(provenance::dns), at("10.0.0.9:9000")) == drop_reason::ruled_out);
    CHECK(gate.why_not(from(provenance::host), at("10.0.0.9:9000")) == std::nullopt);
    // It cannot allow what makes no sense.
    CHECK(gate.why_not(from(provenance::host), at("100.64.0.1:9000")) == drop_reason::own_address);
}

TEST_CASE("every reason has words of its own") {
    std::vector<std::string> seen;
    for (std::size_t i = 0; i < node::drop_reason_count; ++i) {
        seen.emplace_back(to_string(static_cast<drop_reason>(i)));
        CHECK(seen.back() != "unknown");
        for (std::size_t k = 0; k < i; ++k) CHECK(seen[k] != seen[i]);
    }
    CHECK(to_string(static_cast<drop_reason>(99)) == "unknown");
}
