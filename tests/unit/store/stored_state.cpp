// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the state that survives a restart: its bounds, what may follow it, and that nothing is believed.
#include <peerkit/store/stored_state.hpp>

#include "support/stored.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

using namespace peerkit;
using store::store_error;
using store::stored_state;

TEST_CASE("a state within the bounds may be stored") {
    CHECK(store::check_bounds(stored_state{}));
    CHECK(store::check_bounds(tests::stored_sample(20)));
}

TEST_CASE("what exceeds a bound is refused by name and place") {
    auto const refused = [](stored_state const& state, store_error what, std::uint64_t position, char const* field) {
        auto const done = store::check_bounds(state);
        REQUIRE_FALSE(done);
        CHECK(done.error() == what);
        CHECK(done.error().position() == position);
        CHECK(done.error().field() == field);
    };
    stored_state peers;
    peers.peers.assign(store::max_peers, tests::stored_sample(1).peers[0]);
    CHECK(store::check_bounds(peers));
    peers.peers.emplace_back();
    refused(peers, store_error::too_many, store::max_peers + 1, "peers");

    stored_state settings;
    for (std::size_t i = 0; i < store::max_settings; ++i) settings.settings["key" + std::to_string(i)] = "v";
    CHECK(store::check_bounds(settings));
    settings.settings["one more"] = "v";
    refused(settings, store_error::too_many, store::max_settings + 1, "settings");

    stored_state registries;
    registries.registries.assign(store::max_registries, std::string(store::max_registry_text, 'r'));
    CHECK(store::check_bounds(registries));
    registries.registries.emplace_back("r");
    refused(registries, store_error::too_many, store::max_registries + 1, "registries");

    stored_state one = tests::stored_sample();
    one.settings = {{"a", "ok"}, {std::string(store::max_setting_key + 1, 'k'), "v"}};
    refused(one, store_error::too_long, 1, "settings");
    one.settings = {{"a", std::string(store::max_setting_value, 'v')}};
    CHECK(store::check_bounds(one));
    one.settings = {{"a", std::string(store::max_setting_value + 1, 'v')}};
    refused(one, store_error::too_long, 0, "settings");
    one.settings = {{"", "v"}};
    refused(one, store_error::bad_text, 0, "settings");
    one.settings = {{"a", "v\xff"}};
    refused(one, store_error::bad_text, 0, "settings");
    one.settings = {{"a\xc3", "v"}};
    refused(one, store_error::bad_text, 0, "settings");
    one.settings.clear();
    one.registries = {"fine", std::string(store::max_registry_text + 1, 'r')};
    refused(one, store_error::too_long, 1, "registries");
    one.registries = {"fine", ""};
    refused(one, store_error::bad_text, 1, "registries");
    one.registries = {"\x80"};
    refused(one, store_error::bad_text, 0, "registries");
    one.registries.clear();
    one.peers[2].record.resize(limits::record + 1);
    refused(one, store_error::too_long, 2, "peers");
    one.peers[2].record.resize(60);
    refused(one, store_error::bad_record, 2, "peers");
}

TEST_CASE("an incarnation never goes back, except that of another node or network") {
    stored_state const held = store::head_of(tests::stored_sample(2));
    CHECK(held.peers.empty());
    CHECK(held.settings.empty());
    stored_state next = tests::stored_sample(1);
    CHECK(store::check_successor(held, next));
    next.incarnation = held.incarnation - 1;
    auto const done = store::check_successor(held, next);
    REQUIRE_FALSE(done);
    CHECK(done.error() == store_error::incarnation_back);
    CHECK(done.error().position() == held.incarnation);
    stored_state other = next;
    other.owner = crypto::fake_identity{99}.id();
    CHECK(store::check_successor(held, other));
    other = next;
    other.network.bytes[3] = std::byte{9};
    CHECK(store::check_successor(held, other));
}

TEST_CASE("of what was stored only what its subjects signed is kept") {
    stored_state state = tests::stored_sample(6);
    state.peers[0].record.back() ^= std::byte{1};                   // signature
    state.peers[1].record.resize(20);                               // no record
    state.peers[2].record = tests::stored_record(1, state.network); // the owner itself
    state.peers[3].record = tests::stored_record(7, network_id{});  // another network
    stored_state const before = state;
    CHECK(store::keep_verified(state, tests::fake_check) == 4);
    REQUIRE(state.peers.size() == 2);
    CHECK(state.peers[0] == before.peers[4]);
    CHECK(state.peers[1] == before.peers[5]);
    CHECK(store::keep_verified(state, tests::fake_check) == 0);
}

TEST_CASE("of several records of one peer the latest is kept") {
    stored_state state = tests::stored_sample(1);
    store::stored_peer later = state.peers[0];
    later.record = tests::stored_record(2, state.network, 1'800'000'000'000'000);
    store::stored_peer const earlier = state.peers[0];
    state.peers = {earlier, later, earlier};
    CHECK(store::keep_verified(state, tests::fake_check) == 2);
    CHECK(state.peers == std::vector{later});
}
