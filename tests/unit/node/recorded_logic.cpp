// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the node that notes its inputs: it is the node, and every call into it is in the recording.
#include <peerkit/node/recorded_logic.hpp>

#include <peerkit/crypto/fake.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;

// What it does when it is replayed is tested in unit/sim/replay.cpp, with every kind of input.

namespace {

/// Seals with the key whose id is there, as a key ring of the host's does; 5 without one.
struct turning : crypto::fake_sealing {
    explicit turning(std::uint32_t const* key = nullptr) : from{key} {}
    std::uint32_t const* from;
    [[nodiscard]] std::uint32_t key_id() const noexcept { return from != nullptr ? *from : 5; }
};
using plain = gossip::policies<crypto::fake_identity, turning, seeded_rng>;
using recorded = node::recorded_logic<plain>;

static_assert(std::same_as<node::logic_for<plain>::type, node::node_logic<plain>>);
static_assert(std::same_as<node::logic_for<node::recording<plain>>::type, recorded>);

/// A call that is not noted must not compile: the base is out of reach.
static_assert(!std::convertible_to<recorded*, node::node_logic<node::recording<plain>>*>);
template <typename T>
concept GivesEngineAway = requires(T& n) {
    { n.engine() } -> std::same_as<typename T::engine_type&>;
};
static_assert(!GivesEngineAway<recorded>);
static_assert(GivesEngineAway<node::node_logic<plain>>);

template <typename Logic>
typename Logic::options options() {
    typename Logic::options o;
    o.self.name = "me";
    o.self.addresses = {{ip_address::v4(10, 0, 0, 1), 0, address_kind::local}};
    o.incarnation = 5;
    return o;
}
recorded make(gossip::flight_recorder* to, std::uint32_t const* key = nullptr) {
    return {gossip::recording_signing{crypto::fake_identity{1}, to}, gossip::recording_sealing{turning{key}, to},
            gossip::recording_rng{seeded_rng{1}, to}, options<recorded>(),
            gossip::recording_announcements{gossip::accept_announcements{}, to}};
}

/// One minute alone: what it wanted done, as bytes.
template <typename Logic>
std::vector<std::byte> minute(Logic& n) {
    gossip::outbox out;
    byte_sink all;
    time_point now{1s};
    REQUIRE(n.start(now, out));
    std::vector<discovery::candidate> found(1);
    found[0].addresses = {{ip_address::v4(10, 0, 0, 2), 9000}};
    n.on_candidates(found, now, out);
    REQUIRE(n.put("key", as_bytes("value"), now));
    while (now < time_point{61s}) {
        now = std::max(now, n.next_deadline());
        n.on_tick(now, out);
        for (std::size_t i = 0; i < out.size(); ++i) {
            all.u8(static_cast<std::uint8_t>(out[i].kind));
            all.raw(out[i].bytes);
        }
        out.clear();
    }
    return all.take();
}

} // namespace

TEST_CASE("a recorded node does to the byte what one does that is not recorded") {
    node::node_logic<plain> other{crypto::fake_identity{1}, turning{}, seeded_rng{1},
                                  options<node::node_logic<plain>>()};
    auto const expected = minute(other);
    gossip::flight_recorder recorder{std::size_t{1} << 20U};
    recorded noted = make(&recorder);
    CHECK(noted.recorder() == &recorder);
    CHECK(minute(noted) == expected);
    CHECK(recorder.complete());
    CHECK(recorder.inputs() > 10);
    CHECK(noted.check_invariants() == 0);
    recorded silent = make(nullptr);
    CHECK(silent.recorder() == nullptr);
    CHECK(minute(silent) == expected);
    CHECK(noted.id() == other.id());
    CHECK(noted.engine().self() == other.engine().self());
}

TEST_CASE("a second start is refused and leaves the recording as it is") {
    gossip::flight_recorder recorder{10000};
    recorded n = make(&recorder);
    gossip::outbox out;
    REQUIRE(n.start(time_point{1s}, out));
    auto const before = recorder.dump();
    CHECK_FALSE(n.start(time_point{2s}, out));
    CHECK(recorder.dump() == before);
}

TEST_CASE("a node that is made with a recorder begins a new recording") {
    gossip::flight_recorder recorder{10000};
    gossip::outbox out;
    recorded first = make(&recorder);
    REQUIRE(first.start(time_point{1s}, out));
    first.on_tick(time_point{2s}, out);
    CHECK(recorder.inputs() == 1);
    recorded second = make(&recorder);
    CHECK(recorder.inputs() == 0);
    CHECK_FALSE(recorder.started());
}

TEST_CASE("a new sealing key is noted with the first input after it was changed") {
    gossip::flight_recorder recorder{10000};
    std::uint32_t key = 7;
    recorded n = make(&recorder, &key);
    gossip::outbox out;
    REQUIRE(n.start(time_point{1s}, out));
    auto const bytes_of_hint = [&] {
        std::size_t const before = recorder.used();
        n.on_discovery_hint(time_point{1s}, out);
        return recorder.used() - before;
    };
    auto const usual = bytes_of_hint();
    CHECK(bytes_of_hint() == usual);
    key = 8;
    CHECK(bytes_of_hint() == usual + 5);
    CHECK(bytes_of_hint() == usual);
}
