// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A node's announcement as strategies read and change it.
#include <peerkit/node/own_announcement.hpp>

#include <doctest/doctest.h>

#include <peerkit/node/node_logic.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <support/stage.hpp>

using namespace peerkit;
using namespace tests;
using discovery::discovery_error;

namespace {

using logic = node::node_logic<fake_policies<>>;

struct node_stage : basic_stage<logic> {
    node_stage() : basic_stage<logic>{options_with(quiet())} {}
    static logic::options options_with(gossip::tunables const& t) {
        logic::options o;
        o.tunables = t;
        return o;
    }
    result<void> use(std::string_view text) {
        return call([&](auto& n, auto now, auto& out) { return node::announce_registry(n, text, now, out); });
    }
    [[nodiscard]] std::string announced() {
        auto const self = (*this)->find((*this)->id());
        auto const text = self->record().label_value(node::registry_label);
        return text ? std::string{*text} : std::string{"nothing"};
    }
};

} // namespace

TEST_CASE("A node that does not run has no announcement") {
    node_stage stage;
    CHECK(node::read_own_announcement(*stage, {}).error() == discovery_error::unavailable);
    CHECK(stage.use("a:1").error() == discovery_error::unavailable);
}

TEST_CASE("What is read is the record as it is now, with a proof where one was asked for") {
    node_stage stage;
    REQUIRE(stage.start());
    auto const plain = node::read_own_announcement(*stage, {});
    REQUIRE(plain.has_value());
    auto const record = wire::record_view::parse(plain->record);
    REQUIRE(record.has_value());
    CHECK(record->id() == stage->id());
    CHECK(record->incarnation() == stage->incarnation());
    CHECK(crypto::verify_record<crypto::fake_identity>(*record, plain->network));
    CHECK_FALSE(plain->proof.has_value());

    std::array<std::byte, 32> challenge{};
    challenge[3] = std::byte{7};
    auto const proven = node::read_own_announcement(*stage, challenge);
    REQUIRE(proven.has_value());
    REQUIRE(proven->proof.has_value());
    CHECK(crypto::verify_challenge<crypto::fake_identity>(stage->id(), proven->network, challenge, *proven->proof));
    challenge[3] = std::byte{8};
    CHECK_FALSE(
        crypto::verify_challenge<crypto::fake_identity>(stage->id(), proven->network, challenge, *proven->proof));

    std::vector<std::byte> const long_one(crypto::largest_challenge + 1);
    CHECK(node::read_own_announcement(*stage, long_one).error() == discovery_error::bad_option);
}

TEST_CASE("The registry in use is announced once, changed, and taken back") {
    node_stage stage;
    REQUIRE(stage.start());
    CHECK(stage.announced() == "nothing");
    auto const first = stage->incarnation();
    CHECK(stage.use("").has_value());
    CHECK(stage->incarnation() == first);
    CHECK(stage.use("[2001:db8::7]:8000").has_value());
    CHECK(stage.announced() == "[2001:db8::7]:8000");
    auto const second = stage->incarnation();
    CHECK(second > first);
    CHECK(stage.use("[2001:db8::7]:8000").has_value());
    CHECK(stage->incarnation() == second);
    CHECK(stage.use("registry.example:8001").has_value());
    CHECK(stage.announced() == "registry.example:8001");
    CHECK(stage.use("").has_value());
    CHECK(stage.announced() == "nothing");
}

TEST_CASE("A registry is a host with a port, of a protocol that may be named, and nothing else") {
    node_stage stage;
    REQUIRE(stage.start());
    for (std::string_view const text : {"registry.example", "://registry:8000", "ht tp://registry:8000", "registry:0",
                                        "etcd://", "9p://a:1", "etcd://a:1/b", ":8000", "a b:1"}) {
        CAPTURE(text);
        CHECK(stage.use(text).error() == discovery_error::bad_option);
        CHECK_FALSE(node::is_registry_text(text));
    }
    CHECK_FALSE(node::is_registry_text(std::string(63, 'a') + "." + std::string(63, 'b') + ".c:80"));
    CHECK(stage.announced() == "nothing");
    CHECK(stage.use("registry+tls://[2001:db8::7]:8000").has_value());
    CHECK(stage.announced() == "registry+tls://[2001:db8::7]:8000");
}

TEST_CASE("Registries of members are told by how many use them, bounded, and only if they are ones") {
    node_stage stage;
    REQUIRE(stage.start());
    std::uint64_t seed = 1;
    auto const member = [&](std::string const& registry) {
        puppet& p = stage.add(seed++);
        if (!registry.empty()) p.self.labels = {{std::string{node::registry_label}, registry}};
        stage.deliver(p, [&](auto& packet) { packet.announce(p.record()); });
    };
    for (int i = 0; i < 3; ++i) member("often.example:8000");
    member("etcd://once.example:2379");
    member("not a registry");
    member("");
    for (int i = 0; i < 2; ++i) member("[2001:db8::1]:8000");
    auto const got = node::read_own_announcement(*stage, {});
    REQUIRE(got.has_value());
    CHECK(got->registries ==
          std::vector<std::string>{"often.example:8000", "[2001:db8::1]:8000", "etcd://once.example:2379"});
    CHECK(stage.use("own.example:1").has_value()); // is none of the others'
    for (int i = 0; i < 20; ++i) member("many" + std::to_string(i) + ".example:8000");
    auto const many = node::announced_registries(*stage);
    CHECK(many.size() == node::most_registries);
    CHECK(many.front() == "often.example:8000");
}
