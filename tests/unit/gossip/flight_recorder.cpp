// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the recorder's memory: whole inputs in a bounded ring, the oldest give way, and it says so.
#include <peerkit/gossip/flight_recorder.hpp>

#include <doctest/doctest.h>

#include "support/allocations.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::flight_recorder;
using gossip::input_kind;
using layout = gossip::recording_layout;

namespace {

void note(flight_recorder& recorder, input_kind what, duration at, std::string_view body = "") {
    recorder.begin(what, time_point{at}).raw(as_bytes(body));
    recorder.end(0, never);
}
/// What a dump says in front of its entries.
struct head {
    explicit head(byte_view dump) {
        byte_reader in{dump};
        CHECK(as_text(in.bytes(8)) == "peerkitR");
        CHECK(in.u8() == 1);
        version = in.bytes(3);
        birth = as_text(read_block(in));
        dropped = in.u64();
        until = duration{static_cast<duration::rep>(in.u64())};
        count = in.u64();
        start = in.bytes(in.u32());
        for (std::uint64_t i = 0; i < count; ++i) {
            byte_reader entry{in.bytes(in.u32())};
            kinds.push_back(static_cast<input_kind>(entry.u8()));
            times.push_back(duration{static_cast<duration::rep>(entry.u64())});
            (void)entry.u32();
            bodies.push_back(as_text(read_block(entry)));
            answers.push_back(read_block(entry));
        }
        CHECK(in.u64() == layout::checksum(dump.first(dump.size() - 8)));
        CHECK(static_cast<bool>(in));
        CHECK(in.remaining() == 0);
    }
    byte_view version, start;
    std::string_view birth;
    std::uint64_t dropped = 0, count = 0;
    duration until{};
    std::vector<input_kind> kinds;
    std::vector<duration> times;
    std::vector<std::string_view> bodies;
    std::vector<byte_view> answers;
};

} // namespace

TEST_CASE("a dump has everything since the start, in order, with times counted from it") {
    flight_recorder recorder{1000};
    CHECK(recorder.dump().empty());
    CHECK_FALSE(recorder.started());
    recorder.renew();
    recorder.birth().text("who");
    note(recorder, input_kind::start, 100s, "now");
    CHECK(recorder.started());
    note(recorder, input_kind::tick, 101s);
    CHECK(recorder.used() == 22); // as docs/recorder.md says
    note(recorder, input_kind::put, 103s, "key");
    CHECK(recorder.now() == time_point{103s});
    auto const dump = recorder.dump();
    head const told{dump};
    CHECK(told.birth == std::string_view{"\3who", 4});
    CHECK(told.dropped == 0);
    CHECK(told.count == 2);
    CHECK(told.kinds == std::vector{input_kind::tick, input_kind::put});
    CHECK(told.times == std::vector<duration>{1s, 3s});
    CHECK(told.bodies == std::vector<std::string_view>{"", "key"});
    CHECK(recorder.complete());
    CHECK(recorder.inputs() == 2);
    CHECK(equal(told.version, std::vector{std::byte{PEERKIT_VERSION_MAJOR}, std::byte{PEERKIT_VERSION_MINOR},
                                          std::byte{PEERKIT_VERSION_PATCH}}));
}

TEST_CASE("when the ring is full the oldest inputs give way whole, the start never, and the dump says how many") {
    for (std::size_t const bytes : {100U, 101U, 127U, 128U, 499U, 500U}) {
        CAPTURE(bytes);
        flight_recorder recorder{bytes};
        note(recorder, input_kind::start, 1s, "start");
        std::vector<std::string> texts;
        for (int i = 0; i < 200; ++i) {
            texts.push_back(std::string(static_cast<std::size_t>(i % 23), 'x') + std::to_string(i));
            note(recorder, input_kind::put, 1s + duration{i}, texts.back());
            CHECK(recorder.used() <= bytes);
        }
        CHECK_FALSE(recorder.complete());
        auto const dump = recorder.dump();
        head const told{dump};
        CHECK(told.dropped == recorder.dropped());
        CHECK(told.dropped + told.count == 200);
        CHECK(told.count > 1);
        CHECK(told.start.size() > 5);
        CHECK(told.until == duration{static_cast<duration::rep>(told.dropped - 1)});
        for (std::size_t i = 0; i < told.bodies.size(); ++i) CHECK(told.bodies[i] == texts[told.dropped + i]);
    }
}

TEST_CASE("an input larger than the ring leaves a hole: nothing before it is kept, and the dump says so") {
    flight_recorder recorder{100};
    note(recorder, input_kind::start, 1s);
    note(recorder, input_kind::tick, 2s);
    note(recorder, input_kind::put, 3s, std::string(200, 'x'));
    CHECK(recorder.dropped() == 2);
    CHECK(recorder.used() == 0);
    note(recorder, input_kind::tick, 4s);
    head const told{recorder.dump()};
    CHECK(told.count == 1);
    CHECK(told.until == 2s);
    flight_recorder none{0};
    note(none, input_kind::start, 1s);
    note(none, input_kind::tick, 2s);
    CHECK(none.dropped() == 1);
    CHECK(head{none.dump()}.count == 0);
}

TEST_CASE("answers count while the node is made and during an input, and at no other time") {
    flight_recorder recorder{1000};
    recorder.renew();
    recorder.drew(1); // while it is made
    auto& body = recorder.begin(input_kind::start, time_point{1s});
    CHECK(body.size() == 0);
    recorder.used_key(7);
    recorder.end(0, never);
    recorder.drew(2); // somebody else uses the policy
    recorder.made_signature(std::vector<std::byte>(64));
    recorder.answered(gossip::answer_kind::forged);
    recorder.opened(as_bytes("x"));
    (void)recorder.begin(input_kind::tick, time_point{2s});
    recorder.drew(3);
    recorder.opened(as_bytes("plain"));
    recorder.answered(gossip::answer_kind::key_known);
    recorder.end(0, never);
    auto const dump = recorder.dump();
    head const told{dump};
    byte_sink expected;
    expected.u8(2), expected.u64(3), expected.u8(7), expected.text("plain"), expected.u8(5);
    CHECK(equal(told.answers[0], expected.bytes()));
    byte_reader start{told.start.subspan(layout::entry_head)};
    CHECK(read_block(start).empty());
    byte_sink at_start;
    at_start.u8(2), at_start.u64(1), at_start.u8(1), at_start.u32(7);
    CHECK(equal(read_block(start), at_start.bytes()));
}

TEST_CASE("a recorder that is given to another node forgets the first") {
    flight_recorder recorder{200};
    recorder.birth().text("first");
    note(recorder, input_kind::start, 1s);
    for (int i = 0; i < 20; ++i) note(recorder, input_kind::tick, 2s);
    recorder.renew();
    CHECK_FALSE(recorder.started());
    CHECK(recorder.complete());
    CHECK(recorder.dump().empty());
    recorder.birth().text("second");
    note(recorder, input_kind::start, 5s);
    head const told{recorder.dump()};
    CHECK(told.count == 0);
    CHECK(recorder.inputs() == 0);
}

TEST_CASE("noting allocates nothing once it has seen the largest input") {
    flight_recorder recorder{10000};
    note(recorder, input_kind::start, 1s, "start");
    gossip::outbox out;
    auto const input = [&](int i) {
        recorder.begin(input_kind::datagram, time_point{1s + duration{i}}).raw(as_bytes("a datagram's head"));
        recorder.drew(static_cast<std::uint64_t>(i));
        recorder.sealing(as_bytes("nonce"), as_bytes("ad"), as_bytes("text"));
        out.run_discovery();
        out.notify({});
        recorder.end(out, 0, 0, 1, never);
        out.clear();
    };
    input(0);
    auto const before = tests::allocations::count();
    for (int i = 1; i < 1000; ++i) input(i);
    if (tests::allocations::counted()) CHECK(tests::allocations::count() == before);
    CHECK(recorder.dropped() > 0);
}
