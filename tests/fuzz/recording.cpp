// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes dumps of a flight recorder: read, told in words, and lived through by a node, whatever they say.
#include <peerkit/sim/default_world.hpp>
#include <peerkit/sim/recording.hpp>
#include <peerkit/sim/recording_text.hpp>
#include <peerkit/sim/replay.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace peerkit;
using policies = sim::default_policies;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

/// A node takes the memory its numbers tell it to; a fuzzer has less.
bool small(sim::recorded_birth const& birth) {
    gossip::tunables const usual = gossip::lan();
    gossip::tunables const& t = birth.tunables;
    return t.max_members <= usual.max_members && t.max_relays <= usual.max_relays * 8 &&
           t.max_suspicions <= usual.max_suspicions * 8 && t.max_streams <= usual.max_streams * 8 &&
           t.max_message_bytes <= usual.max_message_bytes * 8 && t.max_origins <= usual.max_origins * 8 &&
           t.max_requests <= usual.max_requests * 8 && t.max_served_requests <= usual.max_served_requests * 8 &&
           t.max_entry_bytes <= usual.max_entry_bytes;
}

void live_again(sim::recording_view const& recording) {
    auto replay = sim::replay<policies>::of(recording);
    if (!replay) return;
    while (replay->next()) {
        for (std::size_t i = 0; i < replay->outputs().size(); ++i)
            require(!sim::action_text(replay->outputs()[i]).empty());
    }
    require(replay->inputs() <= recording.size() + 1);
    require(replay->inputs() == recording.size() + 1 || replay->difference());
    if (auto const& other = replay->difference()) {
        require(other->index + 1 == replay->inputs());
        require(!other->to_string().empty());
    }
    // What a recording makes a node do is no more than what a network could have made it do.
    require(replay->node().check_invariants() == 0);
}

void read(byte_view dump) {
    auto const recording = sim::recording_view::parse(dump);
    if (!recording) {
        require(recording.error().domain() == "sim");
        require(recording.error().position() <= dump.size() || recording.error() == sim::sim_error::recording_version);
        return;
    }
    std::uint64_t count = 0;
    recording->for_each([&](sim::recorded_input const& input) {
        ++count;
        require(!sim::input_text(input).empty());
        input.for_each_event([](sim::recorded_input::event const& e) {
            require(!sim::event_text(e.kind, e.why, e.subject, e.by).empty());
        });
    });
    require(count == recording->size() + 1);
    auto const birth = sim::recorded_birth::parse(recording->birth());
    if (birth && small(*birth)) live_again(*recording);
}

} // namespace

/// The input as it is, and once more with the checksum that makes it whole.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    byte_view const given{reinterpret_cast<std::byte const*>(data), size};
    read(given);
    if (size < 8) return 0;
    std::vector<std::byte> whole(given.begin(), given.end());
    byte_span const all{whole};
    store_big(all.last(8).data(), gossip::recording_layout::checksum(all.first(size - 8)));
    read(whole);
    return 0;
}
