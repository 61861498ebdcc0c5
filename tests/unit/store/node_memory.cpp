// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what is written down of a node, and what its next life believes of that.
#include <peerkit/store/node_memory.hpp>

#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/gossip/policies.hpp>
#include <peerkit/node/node_logic.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <support/puppet.hpp>

using namespace peerkit;
using namespace tests;
using discovery::provenance;
using store::store_error;

namespace {

using logic_type = node::node_logic<gossip::policies<crypto::fake_identity, crypto::fake_sealing, seeded_rng>>;
constexpr time_point start{std::chrono::seconds{1000}};
constexpr std::int64_t clock_ms = 1'800'000'000'000;

struct subject {
    explicit subject(std::vector<node::remembered_peer> earlier = {}) : logic{make(std::move(earlier))} {
        REQUIRE(logic.start(start, out));
    }
    static logic_type make(std::vector<node::remembered_peer> earlier) {
        logic_type::options o;
        o.self = description_of(1);
        o.incarnation = 77;
        o.remembered = std::move(earlier);
        return logic_type{crypto::fake_identity{1}, world_keys{}.sealing, seeded_rng{1}, std::move(o)};
    }
    void know(puppet const& p) { REQUIRE(logic.introduce(p.record(), start, out)); }
    [[nodiscard]] store::stored_state written(std::vector<std::string> const& before = {}) {
        return store::write_down(logic, before, start, clock_ms);
    }
    gossip::outbox out;
    logic_type logic;
};
constexpr auto verify = &crypto::verify_record<crypto::fake_identity>;
store::node_memory recalled(store::stored_state const& state) {
    store::loaded_state found;
    found.state = state;
    auto memory = store::recall(found, puppet{1}.id(), network_id{}, verify);
    REQUIRE(memory);
    return *memory;
}

} // namespace

TEST_CASE("what is written down comes back: incarnation, name, port and peers, but nothing is taken at its word") {
    subject s;
    puppet p{2}, q{3};
    s.know(p);
    s.know(q);
    store::stored_state state = s.written();
    CHECK(state.owner == puppet{1}.id());
    CHECK(state.incarnation == 77 + store::incarnations_ahead);
    CHECK(state.settings.at("name") == "n1");
    CHECK(state.settings.at("gossip_port") == "9000");
    CHECK(state.settings.at("advertised") == address_of(1).to_string());
    REQUIRE(state.peers.size() == 2);

    auto const memory = recalled(state);
    CHECK(memory.incarnation == state.incarnation);
    CHECK(memory.name == "n1");
    CHECK(memory.gossip_port == 9000);
    CHECK(memory.peers.size() == 2);
    CHECK(memory.left_out == 0);
    CHECK(subject{memory.peers}.written().peers.size() == 2); // also if they are not met again

    state.peers[0].record.back() ^= std::byte{1}; // a signature that is none
    auto const half = recalled(state);
    CHECK(half.left_out == 1);
    REQUIRE(half.peers.size() == 1);
    CHECK(half.peers[0].record == state.peers[1].record);
}

TEST_CASE("nothing stored is nothing known") {
    auto const memory = recalled({});
    CHECK(memory.incarnation == 0);
    CHECK(memory.name.empty());
    CHECK(memory.gossip_port == 0);
    CHECK(memory.peers.empty());
}

TEST_CASE("the memory of another network is refused, not written over") {
    store::loaded_state found;
    found.state = subject{}.written();
    found.state.network.bytes[0] = std::byte{1};
    auto const memory = store::recall(found, puppet{1}.id(), network_id{}, verify);
    REQUIRE_FALSE(memory);
    CHECK(memory.error() == store_error::not_ours);
}

TEST_CASE("a new identity in an old directory takes over the peers, and nothing that was the old one's own") {
    subject s;
    s.know(puppet{2});
    store::loaded_state found;
    found.state = s.written();
    found.left_out = 3;
    found.quarantined = 1;
    auto const memory = store::recall(found, puppet{2}.id(), network_id{}, verify);
    REQUIRE(memory);
    CHECK(memory->incarnation == 0);
    CHECK(memory->name.empty());
    CHECK(memory->gossip_port == 0);
    CHECK(memory->peers.empty()); // the only one is itself
    CHECK(memory->left_out == 4);
    CHECK(memory->quarantined == 1);
}

TEST_CASE("settings that make no sense are not used") {
    store::stored_state state = subject{}.written();
    state.settings["name"] = "not a name";
    for (char const* const port : {"", "x", "70000", "-1"}) {
        state.settings["gossip_port"] = port;
        auto const memory = recalled(state);
        CHECK(memory.name.empty());
        CHECK(memory.gossip_port == 0);
    }
}

TEST_CASE("registries are known by what peers announce, the most frequent first, and from before") {
    subject s;
    for (std::uint64_t i = 2; i <= 6; ++i) {
        puppet p{i};
        p.self.labels = {{"registry", i < 4 ? "rare:8000" : "usual:8000"}};
        s.know(p);
    }
    CHECK(s.written({"old:8000", "usual:8000"}).registries ==
          std::vector<std::string>{"usual:8000", "rare:8000", "old:8000"});
    description self = s.logic.engine().self();
    self.labels = {{"registry", "mine:8000"}};
    REQUIRE(s.logic.update(self, start, s.out));
    std::vector<std::string> const many(100, "x:1"); // and what is no registry is not believed
    CHECK(s.written(many).registries == std::vector<std::string>{"mine:8000", "usual:8000", "rare:8000", "x:1"});
}

TEST_CASE("what is found late is added as far as there is room, and replaces nothing") {
    subject s;
    s.know(puppet{2});
    store::stored_state state = s.written({"a:1"});
    store::stored_state const before = state;
    store::node_memory found;
    found.peers = {{puppet{1}.record(), {}, {}, 1}, {puppet{2}.record(), {}, {}, 1}, {puppet{3}.record(), {}, {}, 1}};
    for (std::size_t i = 0; i <= store::max_registries; ++i) found.registries.push_back("r:" + std::to_string(i));
    store::add_earlier(state, found);
    CHECK(state.incarnation == before.incarnation);
    CHECK(state.registries.size() == store::max_registries);
    CHECK(state.registries[0] == "a:1");
    REQUIRE(state.peers.size() == 2); // not itself
    CHECK(state.peers[0] == before.peers[0]);
    CHECK(state.peers[1] == found.peers[2]);
    state.peers.resize(store::max_peers, found.peers[2]);
    found.peers[2].record = puppet{4}.record();
    store::add_earlier(state, found);
    CHECK(state.peers.size() == store::max_peers);
    CHECK(store::check_bounds(state));
}

TEST_CASE("no more is written down than a store keeps") {
    subject s;
    puppet p{2};
    p.self.labels = {{"registry", ""}};
    s.know(p);
    std::vector<std::string> many;
    for (int i = 0; i < 40; ++i) many.push_back("h" + std::to_string(i) + ":1");
    auto const state = s.written(many);
    CHECK(state.registries.size() == store::max_registries);
    CHECK(store::check_bounds(state));
}
