// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the replay: a recorded node, lived through again, does the same; another one is found out.
#include <peerkit/sim/replay.hpp>

#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/gossip/flight_recorder.hpp>
#include <peerkit/node/recorded_logic.hpp>
#include <peerkit/sim/default_world.hpp>

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;

namespace {

/// A host's opinion that no replay could know, if it is moody; one type for all nodes here, for the compiler's sake.
struct opinion {
    bool moody = false;
    int asked = 0;
    [[nodiscard]] bool admits(node_id const& id) const noexcept { return id.bytes[0] != std::byte{0xff}; }
    [[nodiscard]] gossip::verdict on_announcement(wire::record_view const&,
                                                  gossip::announcement_context const&) noexcept {
        return moody && ++asked % 3 == 0 ? gossip::verdict::refuse : gossip::verdict::accept;
    }
};
using policies = sim::default_policies::with_announcements<opinion>;
using recorded_node = node::recorded_logic<policies>;
using recorded_world = sim::world<recorded_node>;

/// A world whose node 0 is recorded in one of its lives, the first if no other is named.
struct recording_of {
    explicit recording_of(std::size_t members, std::size_t bytes = std::size_t{4} << 20U, std::uint32_t which = 1,
                          std::uint64_t seed = 7)
        : recorder{bytes} {
        auto make = [this, which](sim::birth const& b) {
            sim::basic_nodes<node::recording<policies>> options;
            options.remembers = true;
            auto* const to = b.index == 0 && b.life == which ? &recorder : nullptr;
            return std::make_unique<recorded_node>(
                gossip::recording_signing{crypto::fake_identity{b.identity_seed}, to},
                gossip::recording_sealing{crypto::fake_sealing{options.network_key}, to},
                gossip::recording_rng{seeded_rng{b.rng_seed}, to}, options.options_for(b),
                gossip::recording_announcements{opinion{}, to});
        };
        sim::default_nodes const nodes;
        world = std::make_unique<recorded_world>(sim::options_for(nodes, seed), make);
        world->spawn_many(members);
    }

    gossip::flight_recorder recorder;
    std::unique_ptr<recorded_world> world;
};

/// How often each event is in a recording.
std::map<gossip::event_kind, int> events_of(sim::recording_view const& recording) {
    std::map<gossip::event_kind, int> count;
    recording.for_each([&](sim::recorded_input const& input) {
        input.for_each_event([&](sim::recorded_input::event const& e) { ++count[e.kind]; });
    });
    return count;
}

using replay_type = sim::replay<policies>;

std::optional<sim::replay_difference> difference_in(byte_view dump) {
    auto const recording = sim::recording_view::parse(dump);
    REQUIRE(recording);
    auto replay = replay_type::of(*recording);
    REQUIRE(replay);
    replay->run();
    return replay->difference();
}

/// The dump with one byte changed, and the checksum that goes with it.
std::vector<std::byte> forged(std::vector<std::byte> dump, std::byte const* where, byte_view of,
                              std::byte bits = std::byte{1}) {
    dump[static_cast<std::size_t>(where - of.data())] ^= bits;
    byte_span const all{dump};
    store_big(all.last(8).data(), gossip::recording_layout::checksum(all.first(all.size() - 8)));
    return dump;
}

/// A short life of a node with two others.
std::vector<std::byte> short_life() {
    recording_of life{3};
    life.world->run_for(5s);
    return life.recorder.dump();
}

} // namespace

TEST_CASE("a node that saw a suspicion, a refutation and a crash does the same again when its recording is replayed") {
    recording_of life{6};
    life.world->run_for(10s);
    life.world->net().set_default({.loss = sim::percent(30), .duplicate = sim::percent(5)});
    life.world->pause_for(2, 2500ms);
    life.world->run_for(30s);
    life.world->crash(3);
    life.world->run_for(30s);
    auto const dump = life.recorder.dump();
    auto const recording = sim::recording_view::parse(dump);
    REQUIRE(recording);
    CHECK(recording->complete());
    CHECK(recording->same_version());
    auto seen = events_of(*recording);
    CHECK(seen[gossip::event_kind::member_suspected] > 1);
    CHECK(seen[gossip::event_kind::member_refuted] > 0);
    CHECK(seen[gossip::event_kind::member_dead] > 0);

    auto replay = replay_type::of(*recording);
    REQUIRE(replay);
    replay->run();
    INFO((replay->difference() ? replay->difference()->to_string() : ""));
    INFO("input " << replay->inputs() << ", " << gossip::to_string(replay->input().kind));
    CHECK_FALSE(replay->difference());
    CHECK(replay->inputs() == recording->size() + 1);
    // The node that was replayed believes what the other one does.
    recorded_node const& then = life.world->node(0);
    CHECK(replay->node().alive_count() == then.alive_count());
    CHECK(replay->node().counters().datagrams_sent == then.counters().datagrams_sent);
    then.for_each_member([&](gossip::member_view const& m) {
        auto const again = replay->node().find(m.id());
        REQUIRE(again);
        CHECK(again->state() == m.state());
        CHECK(again->incarnation() == m.incarnation());
    });
}

TEST_CASE("a life with every kind of fault is replayed, whatever the seed") {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        CAPTURE(seed);
        recording_of life{12, std::size_t{4} << 20U, 1, seed};
        auto& world = *life.world;
        world.net().set_default({.loss = sim::percent(5),
                                 .duplicate = sim::percent(3),
                                 .reorder = sim::percent(3),
                                 .corrupt = sim::percent(1)});
        world.set_drift(0, 900);
        world.at(15s, [&] { world.crash(3); });
        world.at(20s, [&] { world.pause_for(0, 5s); });
        world.at(30s, [&] { world.net().partition({{0, 1, 2, 5}}); });
        world.at(50s, [&] { world.net().heal(); });
        world.at(55s, [&] { (void)world.restart(3, sim::memory::lost); });
        world.at(60s, [&] { world.leap_clock(0, 20s); });
        world.at(65s, [&] { world.leave(4); });
        world.at(66s, [&] { world.net().block_datagrams(0); });
        world.at(75s, [&] { world.power_off(6); });
        world.run_for(90s);
        auto const dump = life.recorder.dump();
        auto const recording = sim::recording_view::parse(dump);
        REQUIRE(recording);
        CHECK(recording->complete());
        auto replay = replay_type::of(*recording);
        REQUIRE(replay);
        replay->run();
        INFO((replay->difference() ? replay->difference()->to_string() : ""));
        CHECK_FALSE(replay->difference());
        CHECK(replay->inputs() > 500);
        CHECK(replay->node().check_invariants() == 0);
    }
}

TEST_CASE("every kind of input is recorded and replayed: streams, discovery, host calls, user data, a goodbye") {
    recording_of life{4};
    auto& world = *life.world;
    world.run_for(5s);
    node_id const other = world.id_of(1);
    gossip::request_id asked{};
    world.call(0, [&](recorded_node& n, time_point now, gossip::outbox& out) {
        description more = n.engine().self();
        more.labels.push_back({"zone", "b"});
        CHECK(n.update(more, now, out));
        more.addresses.clear();
        CHECK_FALSE(n.update(more, now, out));
        CHECK(n.broadcast("news", as_bytes("hello"), now));
        CHECK_FALSE(n.broadcast("", as_bytes("hello"), now));
        CHECK(n.send_message(other, "news", as_bytes("to you"), out));
        CHECK(n.send_reliably(other, "news", as_bytes("surely"), 2s, now, out));
        std::vector<std::byte> const large(5000); // takes a stream
        auto const id = n.request(other, "question", large, 2s, now, out);
        REQUIRE(id);
        asked = *id;
        CHECK(n.put("color", as_bytes("blue"), now));
        CHECK(n.put("taste", as_bytes("sweet"), now));
        CHECK(n.erase("taste", now));
        n.contact({ip_address::v4(10, 9, 9, 9), 9000}, now, out);
        n.moved({{ip_address::v4(10, 0, 0, 1), 8}}, {ip_address::v4(10, 0, 0, 1)});
        n.on_host_name(ip_address::v4(10, 0, 0, 2), "two.example", now, out);
        n.on_host_name(ip_address::v4(10, 0, 0, 3), fail(discovery::discovery_error::unresolved), now, out);
        n.on_discovery_failed(discovery::discovery_error::timed_out, now, out);
        n.on_discovery_hint(now, out);
        n.on_kept(now, out);
        CHECK_FALSE(n.recollect(now, 1'700'000'000'000).empty());
        CHECK_FALSE(n.introduce(as_bytes("no record"), now, out));
    });
    world.run_for(1s);
    world.call(0, [&](recorded_node& n, time_point, gossip::outbox& out) { n.cancel_request(asked, out); });
    std::optional<gossip::request_id> to_answer;
    world.on_deliver([&](sim::node_index at, gossip::delivery const& what, byte_view) {
        if (at == 0 && what.kind == gossip::delivery_kind::request) to_answer = what.request;
    });
    for (bool const answers : {true, false}) {
        to_answer.reset();
        world.call(1, [&](recorded_node& n, time_point now, gossip::outbox& out) {
            CHECK(n.request(world.id_of(0), "question", as_bytes("and you?"), 5s, now, out));
        });
        world.run_for(1s);
        REQUIRE(to_answer);
        world.call(0, [&](recorded_node& n, time_point now, gossip::outbox& out) {
            CHECK((answers ? n.respond(*to_answer, as_bytes("well"), now, out) : n.decline(*to_answer, now, out)));
        });
    }
    world.net().block_datagrams(2); // streams, dialled and accepted
    world.run_for(60s);
    world.leave(0);
    world.run_for(10s);

    auto const dump = life.recorder.dump();
    auto const recording = sim::recording_view::parse(dump);
    REQUIRE(recording);
    std::set<gossip::input_kind> kinds;
    recording->for_each([&](sim::recorded_input const& input) { kinds.insert(input.kind); });
    for (int kind = 1; kind <= static_cast<int>(gossip::last_input_kind); ++kind) {
        CAPTURE(gossip::to_string(static_cast<gossip::input_kind>(kind)));
        CHECK(kinds.contains(static_cast<gossip::input_kind>(kind)));
    }
    auto const difference = difference_in(dump);
    INFO((difference ? difference->to_string() : ""));
    CHECK_FALSE(difference);
}

TEST_CASE("a second life is recorded with what it remembers of the first") {
    recording_of life{4, std::size_t{1} << 20U, 2};
    life.world->run_for(10s);
    CHECK(life.recorder.dump().empty());
    life.world->crash(0);
    life.world->run_for(10s);
    REQUIRE(life.world->restart(0));
    life.world->run_for(10s);
    auto const dump = life.recorder.dump();
    auto const recording = sim::recording_view::parse(dump);
    REQUIRE(recording);
    auto const birth = sim::recorded_birth::parse(recording->birth());
    REQUIRE(birth);
    CHECK(birth->remembered.size() == 3);
    auto const difference = difference_in(dump);
    INFO((difference ? difference->to_string() : ""));
    CHECK_FALSE(difference);
}

TEST_CASE("recording changes nothing: the course of the world is the same with and without") {
    auto const course = [](bool recorded) {
        recording_of life{5, std::size_t{1} << 20U, recorded ? 1U : 0U};
        life.world->run_for(5s);
        life.world->crash(2);
        life.world->run_for(20s);
        CHECK((life.recorder.inputs() != 0) == recorded);
        CHECK(life.world->violation_count() == 0);
        return life.world->trace_hash();
    };
    CHECK(course(true) == course(false));
}

TEST_CASE("a host's dial rule and announcement handler are answered from the recording") {
    gossip::flight_recorder recorder{std::size_t{1} << 20U};
    sim::basic_nodes<node::recording<policies>> const nodes;
    sim::birth b;
    b.where = {ip_address::v4(10, 0, 0, 1), 9000};
    b.name = "one";
    auto options = nodes.options_for(b);
    int dialled = 0;
    options.may_dial = [&dialled](ip_endpoint const&, discovery::provenance) { return ++dialled % 2 == 0; };
    recorded_node one{gossip::recording_signing{crypto::fake_identity{1}, &recorder},
                      gossip::recording_sealing{crypto::fake_sealing{1}, &recorder},
                      gossip::recording_rng{seeded_rng{1}, &recorder}, options,
                      gossip::recording_announcements{opinion{.moody = true}, &recorder}};
    gossip::outbox out;
    time_point now{1s};
    REQUIRE(one.start(now, out));
    CHECK_FALSE(one.start(now, out)); // once: and the recording keeps the first
    std::vector<discovery::candidate> found(6);
    for (std::size_t i = 0; i < found.size(); ++i)
        found[i].addresses = {{ip_address::v4(10, 0, 1, static_cast<std::uint8_t>(i + 1)), 9000}};
    one.on_candidates(found, now, out);
    for (std::uint64_t seed = 2; seed < 9; ++seed) {
        std::array<std::byte, limits::record> room;
        description d{.name = "other" + std::to_string(seed)};
        d.addresses = {{ip_address::v4(10, 0, 0, static_cast<std::uint8_t>(seed)), 0, address_kind::local}};
        REQUIRE(normalize(d));
        auto const record = crypto::sign_record(crypto::fake_identity{seed}, nodes.network, d, 5, false, room);
        REQUIRE(record);
        (void)one.introduce(record->bytes(), now, out);
        now += 10ms;
    }
    CHECK(dialled > 1);
    auto const dump = recorder.dump();
    auto const difference = difference_in(dump);
    INFO((difference ? difference->to_string() : ""));
    CHECK_FALSE(difference);
    auto const recording = sim::recording_view::parse(dump);
    std::set<gossip::answer_kind> kinds;
    recording->for_each([&](sim::recorded_input const& input) {
        byte_reader in{input.answers};
        for (sim::recorded_answer a; a.read(in);) kinds.insert(a.kind);
    });
    for (auto const kind : {gossip::answer_kind::accepted, gossip::answer_kind::refused, gossip::answer_kind::callable,
                            gossip::answer_kind::ruled_out})
        CHECK(kinds.contains(kind));
}

TEST_CASE("a dump holds neither the network key nor ciphertext: its node runs again without a key") {
    auto const dump = short_life();
    auto const recording = sim::recording_view::parse(dump);
    auto replay = replay_type::of(*recording);
    REQUIRE(replay);
    std::size_t frames = 0;
    while (replay->next()) {
        for (std::size_t i = 0; i < replay->outputs().size(); ++i) {
            gossip::action const a = replay->outputs()[i];
            if (a.kind != gossip::action_kind::send_datagram) continue;
            ++frames;
            byte_view const plain =
                a.bytes.subspan(wire::envelope::head, a.bytes.size() - wire::envelope::head - wire::envelope::tail);
            CHECK(wire::packet_view::parse(plain));
            CHECK(equal(a.bytes.last(wire::envelope::tail), std::array<std::byte, wire::envelope::tail>{}));
        }
    }
    CHECK(frames > 10);
}

TEST_CASE("a recording that is not what happened is found out at the input where it begins to differ") {
    auto const dump = short_life();
    auto const recording = sim::recording_view::parse(dump);
    REQUIRE(recording);
    std::uint64_t index = 0;
    bool plaintext = false, key = false, question = false;
    int numbers = 0, noticed = 0;
    recording->for_each([&](sim::recorded_input const& input) {
        std::uint64_t const at = index++;
        byte_reader in{input.answers};
        for (sim::recorded_answer a; a.read(in);) {
            std::byte const* const end = input.answers.data() + in.position();
            if (a.kind == gossip::answer_kind::draw && at > 20 && numbers < 20) {
                ++numbers;
                auto const other = difference_in(forged(dump, end - 8, dump, std::byte{0x80}));
                if (other) CHECK(other->index >= at);
                noticed += other ? 1 : 0; // some matter in their lowest bits only
            }
            if (a.kind == gossip::answer_kind::opened && at > 20 && !plaintext) {
                plaintext = true;
                auto const other = difference_in(forged(dump, a.bytes.data() + 5, dump)); // within a nonce
                REQUIRE(other);
                CHECK(other->index >= at);
                CHECK(other->kind == sim::replay_difference::what::outputs);
                CHECK(other->recorded != other->now);
            }
            if (a.kind == gossip::answer_kind::key_known && at > 20 && !key) {
                key = true;
                auto const other = difference_in(forged(dump, end - 1, dump)); // an unknown key now
                REQUIRE(other);
                CHECK(other->index == at);
                CHECK(other->kind == sim::replay_difference::what::unasked);
                auto const opens = difference_in(forged(dump, end, dump)); // what came of it is a broken seal now
                REQUIRE(opens);
                CHECK(opens->index == at);
            }
            if (a.kind == gossip::answer_kind::draw && at > 20 && !question) {
                question = true;
                auto const other = difference_in(forged(dump, end - 9, dump)); // a signature now
                REQUIRE(other);
                CHECK(other->index == at);
                CHECK(other->kind == sim::replay_difference::what::question);
                CHECK(other->to_string().find("the node asks for a random number, and the recording has") == 0);
            }
        }
    });
    CHECK(numbers == 20);
    CHECK(noticed > 10);
    CHECK(plaintext);
    CHECK(key);
    CHECK(question);
    // The digest of an input: eight bytes of time and one of kind are in front of it.
    std::byte const* const digest = recording->start().body.data() - 1 - 4;
    auto const other = difference_in(forged(dump, digest, dump));
    REQUIRE(other);
    CHECK(other->index == 0);
    CHECK(other->to_string() == "what the node does now is not what it did then");
}

TEST_CASE("a replay stops at an input that cannot be handed in, and at answers nobody asks for") {
    auto const dump = short_life();
    auto const recording = sim::recording_view::parse(dump);
    REQUIRE(recording);
    std::uint64_t index = 0;
    bool tick = false, datagram = false;
    recording->for_each([&](sim::recorded_input const& input) {
        std::uint64_t const at = index++;
        if (input.kind == gossip::input_kind::datagram && !datagram) {
            datagram = true;
            auto const other = difference_in(forged(dump, input.body.data(), dump)); // an address of family 5
            REQUIRE(other);
            CHECK(other->index == at);
            CHECK(other->kind == sim::replay_difference::what::unreadable);
        }
        // A tick that draws one number, made a hint: which draws none.
        if (input.kind == gossip::input_kind::tick && input.answers.size() > 8 && !tick) {
            tick = true;
            auto changed = dump;
            auto const kind =
                static_cast<std::size_t>(input.body.data() - 1 - gossip::recording_layout::entry_head - dump.data());
            changed[kind] = static_cast<std::byte>(gossip::input_kind::discovery_hint);
            store_big(byte_span{changed}.last(8).data(),
                      gossip::recording_layout::checksum(byte_view{changed}.first(changed.size() - 8)));
            auto const other = difference_in(changed);
            REQUIRE(other);
            CHECK(other->index == at);
            CHECK(other->kind == sim::replay_difference::what::unasked);
        }
    });
    CHECK(datagram);
    CHECK(tick);
}

TEST_CASE("a recording whose cap was reached says so, keeps the latest as a log, and is not replayed") {
    recording_of life{5, 4096};
    life.world->run_for(30s);
    CHECK_FALSE(life.recorder.complete());
    CHECK(life.recorder.used() <= 4096);
    auto const dump = life.recorder.dump();
    auto const recording = sim::recording_view::parse(dump);
    REQUIRE(recording);
    CHECK_FALSE(recording->complete());
    CHECK(recording->dropped() == life.recorder.dropped());
    CHECK(recording->dropped() + recording->size() == life.recorder.inputs());
    CHECK(recording->size() > 10);
    bool first = true;
    recording->for_each([&](sim::recorded_input const& input) {
        if (!std::exchange(first, false)) CHECK(input.at >= recording->dropped_until());
    });
    auto const replay = replay_type::of(*recording);
    REQUIRE_FALSE(replay);
    CHECK(replay.error() == sim::sim_error::recording_truncated);
    CHECK(replay.error().position() == recording->dropped());
}

TEST_CASE("a recording of another suite is refused") {
    auto const dump = short_life();
    auto const other = forged(dump, sim::recording_view::parse(dump)->birth().data(), dump);
    auto const recording = sim::recording_view::parse(other);
    REQUIRE(recording);
    auto const replay = replay_type::of(*recording);
    REQUIRE_FALSE(replay);
    CHECK(replay.error() == sim::sim_error::other_suite);
    CHECK(replay.error().position() == wire::suites::open);
}
