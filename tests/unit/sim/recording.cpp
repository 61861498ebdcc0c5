// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the reader of dumps: what is whole is read, what is not is refused with a reason.
#include <peerkit/sim/recording.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::input_kind;
using layout = gossip::recording_layout;
using sim::recording_view;
using sim::sim_error;

namespace {

node_id const me{{std::byte{1}}};

void write_birth(byte_sink& out, gossip::tunables const& numbers = gossip::lan()) {
    node::value_writer to{out};
    to.byte(1);
    to.id(me);
    to.network({{std::byte{2}}});
    to.number(42);
    to.byte(static_cast<std::uint8_t>(gossip::name_policy::refuse));
    to.flag(true);
    to.flag(false);
    to.flag(true);
    to.number(9);
    to.peers({{{std::byte{5}}, discovery::provenance::dns, {ip_address::v4(10, 0, 0, 2), 9000}, -5}});
    to.about({.name = "db1"});
    to.prefixes({{ip_address::v4(10, 0, 0, 1), 8}});
    to.own({{ip_address::v4(10, 0, 0, 1)}, 9000, {"db1"}, me});
    to.numbers(numbers);
    to.numbers(node::discovery_schedule{});
}
/// A recorder that saw a start, a tick with an event, and a datagram that opened.
gossip::flight_recorder& fill(gossip::flight_recorder& recorder) {
    write_birth(recorder.birth());
    gossip::outbox out;
    node::value_writer{recorder.begin(input_kind::start, time_point{100s})}.period(100s);
    recorder.end(1, never);
    (void)recorder.begin(input_kind::tick, time_point{101s});
    out.notify({.kind = gossip::event_kind::member_dead,
                .why = gossip::cause::suspicion_expired,
                .subject = me,
                .by = short_id{5}});
    recorder.end(out, 0, 0, 0, never);
    out.clear();
    recorder.begin(input_kind::datagram, time_point{102s}).raw(as_bytes("body"));
    recorder.drew(7);
    recorder.opened(as_bytes("plain"));
    (void)out.room(20);
    out.send_datagram({}, 20);
    recorder.end(out, 0, 0, 0, never);
    return recorder;
}
std::vector<std::byte> a_dump() {
    gossip::flight_recorder recorder{1000};
    return fill(recorder).dump();
}
void seal(std::vector<std::byte>& dump) {
    store_big(byte_span{dump}.last(8).data(), layout::checksum(byte_view{dump}.first(dump.size() - 8)));
}

} // namespace

TEST_CASE("a dump is read as it was recorded") {
    auto const dump = a_dump();
    auto const read = recording_view::parse(dump);
    REQUIRE(read);
    CHECK(read->complete());
    CHECK(read->same_version());
    CHECK(read->size() == 2);
    std::vector<sim::recorded_input> inputs;
    read->for_each([&](sim::recorded_input const& input) { inputs.push_back(input); });
    REQUIRE(inputs.size() == 3);
    CHECK(inputs[0].kind == input_kind::start);
    CHECK(inputs[1].kind == input_kind::tick);
    CHECK(inputs[1].at == 1s);
    CHECK(inputs[1].opened().empty());
    int events = 0;
    inputs[1].for_each_event([&](sim::recorded_input::event const& e) {
        ++events;
        CHECK(e.kind == gossip::event_kind::member_dead);
        CHECK(e.why == gossip::cause::suspicion_expired);
        CHECK(e.subject == me.short_id());
        CHECK(e.by == short_id{5});
    });
    CHECK(events == 1);
    CHECK(as_text(inputs[2].body) == "body");
    CHECK(as_text(inputs[2].opened()) == "plain");
    CHECK(inputs[2].datagrams == 1);
    CHECK(inputs[2].frames == 0);

    auto const birth = sim::recorded_birth::parse(read->birth());
    REQUIRE(birth);
    CHECK(birth->suite == 1);
    CHECK(birth->id == me);
    CHECK(birth->network == network_id{{std::byte{2}}});
    CHECK(birth->incarnation == 42);
    CHECK(birth->names == gossip::name_policy::refuse);
    CHECK(birth->advertise_observed);
    CHECK_FALSE(birth->has_rule);
    CHECK(birth->has_store);
    CHECK(birth->most_remembered == 9);
    REQUIRE(birth->remembered.size() == 1);
    CHECK(birth->remembered[0] ==
          node::remembered_peer{{std::byte{5}}, discovery::provenance::dns, {ip_address::v4(10, 0, 0, 2), 9000}, -5});
    CHECK(birth->self.name == "db1");
    CHECK(birth->own.host_names == std::vector<std::string>{"db1"});
    CHECK(birth->tunables.verdict_after == gossip::lan().verdict_after);
}

TEST_CASE("one byte that is changed, or missing, is noticed, whichever it is") {
    auto const dump = a_dump();
    for (std::size_t i = 0; i < dump.size(); ++i) {
        CAPTURE(i);
        auto changed = dump;
        changed[i] ^= std::byte{1};
        auto const read = recording_view::parse(changed);
        REQUIRE_FALSE(read);
        CHECK(read.error() == (i < 8    ? error{sim_error::not_a_recording}
                               : i == 8 ? error{sim_error::recording_version}
                                        : error{sim_error::recording_damaged}));
        CHECK_FALSE(recording_view::parse(byte_view{dump}.first(i)));
    }
    auto longer = dump;
    longer.push_back(std::byte{0});
    CHECK_FALSE(recording_view::parse(longer));
    CHECK(recording_view::parse({}).error() == sim_error::not_a_recording);
}

TEST_CASE("a dump that was put together wrongly is refused, whatever its checksum says") {
    auto const dump = a_dump();
    auto const first = recording_view::parse(dump)->start();
    auto const entry = static_cast<std::size_t>(first.body.data() - 1 - layout::entry_head - dump.data());
    auto const refused = [&](std::size_t at, std::uint8_t value) {
        auto changed = dump;
        changed[at] = std::byte{value};
        seal(changed);
        auto const read = recording_view::parse(changed);
        return !read && read.error() == sim_error::bad_recording;
    };
    CHECK(refused(entry, 0));
    CHECK(refused(entry, 28));
    CHECK(refused(entry, static_cast<std::uint8_t>(input_kind::tick))); // a recording begins with a start
    CHECK(refused(entry + 1, 0xff));                                    // after three centuries
    CHECK(refused(entry - 1, 0));                                       // its size
    CHECK(refused(entry - 5, 3));                                       // more inputs than there are
    CHECK(refused(entry - 5, 1));                                       // or fewer
    CHECK(refused(12, 0xff));                                           // the size of the birth
    CHECK(refused(entry - 4 - 16, 0xff));                               // dropped until the next century
    std::size_t const second = dump.size() - 8 - 1;
    CHECK(refused(second, 1)); // an event that is not there
}

TEST_CASE("inputs are in order of time") {
    gossip::flight_recorder recorder{1000};
    write_birth(recorder.birth());
    (void)recorder.begin(input_kind::start, time_point{100s});
    recorder.end(1, never);
    for (auto const at : {102s, 101s}) {
        (void)recorder.begin(input_kind::tick, time_point{at});
        recorder.end(0, never);
    }
    CHECK(recording_view::parse(recorder.dump()).error() == sim_error::bad_recording);
}

TEST_CASE("what a node cannot have been made of is refused") {
    byte_sink whole;
    write_birth(whole);
    CHECK(sim::recorded_birth::parse(whole.bytes()));
    for (std::size_t cut = 0; cut < whole.size(); ++cut)
        CHECK(sim::recorded_birth::parse(whole.bytes().first(cut)).error() == sim_error::bad_recording);
    whole.u8(0);
    CHECK(sim::recorded_birth::parse(whole.bytes()).error() == sim_error::bad_recording);

    auto const with = [](auto&& change) {
        gossip::tunables t = gossip::lan();
        change(t);
        byte_sink out;
        write_birth(out, t);
        return sim::recorded_birth::parse(out.bytes());
    };
    CHECK(with([](gossip::tunables& t) { t.fan_out = 9; }).error() == gossip::gossip_error::bad_tunables);
    CHECK(with([](gossip::tunables& t) { t.max_relays = std::size_t{1} << 25U; }).error() == sim_error::bad_recording);
}

TEST_CASE("an answer that is none ends the list") {
    byte_sink out;
    out.u8(2), out.u64(9), out.u8(99), out.u8(2);
    byte_reader in{out.bytes()};
    sim::recorded_answer a;
    CHECK(a.read(in));
    CHECK(a.number == 9);
    CHECK_FALSE(a.read(in));
    CHECK_FALSE(static_cast<bool>(in));
    byte_reader none{{}};
    CHECK_FALSE(a.read(none));
    CHECK(static_cast<bool>(none));
}

TEST_CASE("an error of a floor that is there is made again, any other stands for one of a shell") {
    error const known{discovery::discovery_error::unresolved, 3};
    error const again = sim::detail::known_error(known.domain(), known.value(), 3);
    CHECK(again == known);
    CHECK(again.position() == 3);
    error const strange = sim::detail::known_error("net", 7, 0);
    CHECK(strange == sim::sim_error::recorded_elsewhere);
    CHECK(strange.position() == 7);
}
