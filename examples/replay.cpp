// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a recorded node saw, and whether it does the same again. Try: replay node.rec, or replay --check node.rec
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/key_ring.hpp>
#include <peerkit/crypto/open_network.hpp>
#include <peerkit/crypto/secure_rng.hpp>
#include <peerkit/crypto/sodium.hpp>
#include <peerkit/gossip/policies.hpp>
#include <peerkit/sim/recording.hpp>
#include <peerkit/sim/recording_text.hpp>
#include <peerkit/sim/replay.hpp>
#include <peerkit/wire/envelope.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

using namespace peerkit;

namespace {

enum exit_code : int { exit_same = 0, exit_other = 1, exit_bad_usage = 2, exit_log_only = 3 };

void say(duration at, std::string const& text) {
    std::printf("%s %s\n", sim::detail::seconds(at).c_str(), text.c_str());
}
void say_more(std::string const& text) { std::printf("    %s\n", text.c_str()); }

/// Of a recording that lacks its beginning: what came in, how much went out, what was told.
int print_log(sim::recording_view const& recording) {
    recording.for_each([](sim::recorded_input const& input) {
        say(input.at, sim::input_text(input));
        if (input.datagrams + input.frames != 0)
            say_more("sent " + std::to_string(input.datagrams) + " datagrams, " + std::to_string(input.frames) +
                     " frames");
        input.for_each_event([](sim::recorded_input::event const& e) {
            say_more("tell: " + sim::event_text(e.kind, e.why, e.subject, e.by));
        });
    });
    std::printf("The first %llu inputs, up to %s s, are missing: this is a log and cannot be replayed.\n",
                static_cast<unsigned long long>(recording.dropped()),
                sim::detail::seconds(recording.dropped_until()).c_str());
    return exit_log_only;
}

template <typename Sealing>
int live_again(sim::recording_view const& recording, bool talks) {
    using policies = gossip::policies<crypto::ed25519_identity, Sealing, crypto::secure_rng>;
    auto replay = sim::replay<policies>::of(recording);
    if (!replay) return std::fprintf(stderr, "replay: %s\n", replay.error().message().c_str()), exit_bad_usage;
    while (replay->next()) {
        if (talks || replay->difference()) say(replay->input().at, sim::input_text(replay->input()));
        if (!talks) continue;
        for (std::size_t i = 0; i < replay->outputs().size(); ++i) say_more(sim::action_text(replay->outputs()[i]));
    }
    if (auto const& other = replay->difference()) {
        std::printf("DIFFERENT at input %llu: %s.\n", static_cast<unsigned long long>(other->index),
                    other->to_string().c_str());
        if (!recording.same_version()) std::printf("The recording is of another version of peerkit.\n");
        return exit_other;
    }
    std::printf("The same: %llu inputs, alive at the end: %zu.\n", static_cast<unsigned long long>(replay->inputs()),
                replay->node().alive_count());
    return exit_same;
}

} // namespace

int main(int argc, char** argv) {
    bool const check = argc == 3 && std::string_view{argv[1]} == "--check";
    if (argc != 2 && !check) return std::fputs("usage: replay [--check] FILE\n", stderr), exit_bad_usage;
    std::ifstream file{argv[argc - 1], std::ios::binary};
    std::string const text{std::istreambuf_iterator<char>{file}, {}};
    if (!file) return std::fprintf(stderr, "replay: %s cannot be read\n", argv[argc - 1]), exit_bad_usage;
    if (!crypto::ensure_sodium()) return exit_bad_usage;
    auto const recording = sim::recording_view::parse(as_bytes(text));
    if (!recording)
        return std::fprintf(stderr, "replay: %s: %s\n", argv[argc - 1], recording.error().message().c_str()),
               exit_bad_usage;
    auto const birth = sim::recorded_birth::parse(recording->birth());
    if (!birth) return std::fprintf(stderr, "replay: %s\n", birth.error().message().c_str()), exit_bad_usage;

    auto const& v = recording->version();
    std::printf("Node %s, %s, recorded by peerkit %d.%d.%d\n", sim::detail::printable(birth->self.name).c_str(),
                birth->id.to_string().c_str(), v[0], v[1], v[2]);
    if (!recording->complete()) return print_log(*recording);
    return birth->suite == wire::suites::open ? live_again<crypto::open_sealing>(*recording, !check)
                                              : live_again<crypto::xchacha_sealing>(*recording, !check);
}
