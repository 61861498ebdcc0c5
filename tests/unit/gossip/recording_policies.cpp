// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the policies that tell a recorder: they do what the ones they stand for do.
#include <peerkit/gossip/recording_policies.hpp>

#include <peerkit/crypto/fake.hpp>

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using namespace gossip;

static_assert(crypto::check_signing<recording_signing<crypto::fake_identity>>());
static_assert(crypto::check_frame_sealing<recording_sealing<crypto::fake_sealing>>());
static_assert(check_rng<recording_rng<seeded_rng>>());
static_assert(check_announcement_handler<recording_announcements<accept_announcements>>());

namespace {

/// The answers noted while something is done.
template <typename F>
std::vector<std::byte> answers_of(F&& use) {
    flight_recorder recorder{1000};
    (void)recorder.begin(input_kind::start, time_point{1s});
    recorder.end(0, never);
    (void)recorder.begin(input_kind::tick, time_point{1s});
    use(&recorder);
    recorder.end(0, never);
    auto const dump = recorder.dump();
    byte_reader in{dump};
    (void)in.bytes(8 + 1 + 3);
    (void)read_block(in);
    (void)in.bytes(24);
    (void)in.bytes(in.u32());
    byte_reader entry{in.bytes(in.u32())};
    (void)entry.bytes(recording_layout::entry_head);
    (void)read_block(entry);
    byte_view const found = read_block(entry);
    return {found.begin(), found.end()};
}
template <typename Fill>
std::vector<std::byte> written(Fill&& fill) {
    byte_sink out;
    fill(out);
    return out.take();
}
void kind(byte_sink& out, answer_kind what) { out.u8(static_cast<std::uint8_t>(what)); }

} // namespace

TEST_CASE("signatures made are noted, signatures checked are not") {
    crypto::fake_identity const me{1};
    auto const noted = answers_of([&](flight_recorder* to) {
        recording_signing const same{me, to};
        CHECK(same.id() == me.id());
        CHECK(same.recorder() == to);
        CHECK(same.sign(as_bytes("text")) == me.sign(as_bytes("text")));
        CHECK(same.verify(me.id(), as_bytes("text"), me.sign(as_bytes("text"))));
        CHECK_FALSE(same.verify(me.id(), as_bytes("texts"), me.sign(as_bytes("text"))));
    });
    CHECK(noted == written([&](byte_sink& out) {
              kind(out, answer_kind::signature);
              out.raw(me.sign(as_bytes("text")));
          }));
}

TEST_CASE("of frames the plaintext is noted, and what became of the seal") {
    crypto::fake_sealing const seal{1};
    std::array<std::byte, 24> const nonce{};
    std::vector<std::byte> frame(4 + wire::envelope::tail, std::byte{5});
    seal.seal(nonce, as_bytes("ad"), frame);
    auto const noted = answers_of([&](flight_recorder* to) {
        recording_sealing same{seal, to};
        CHECK(same.key_id() == seal.key_id());
        CHECK(same.suite == seal.suite);
        CHECK(same.knows(seal.key_id()));
        CHECK(same.open(seal.key_id(), nonce, as_bytes("ad"), frame));
        CHECK_FALSE(same.knows(seal.key_id() + 1));
        CHECK_FALSE(same.open(seal.key_id(), nonce, as_bytes("da"), frame));
        std::vector<std::byte> again(4 + wire::envelope::tail, std::byte{5});
        same.seal(nonce, as_bytes("ad"), again);
        CHECK(again == frame);
        same.inner() = crypto::fake_sealing{2};
        CHECK(same.key_id() == crypto::fake_sealing{2}.key_id());
    });
    CHECK(noted == written([&](byte_sink& out) {
              kind(out, answer_kind::key_known);
              kind(out, answer_kind::opened);
              out.block(std::vector<std::byte>(4, std::byte{5}));
              kind(out, answer_kind::key_unknown);
              kind(out, answer_kind::forged);
          }));
}

TEST_CASE("numbers and verdicts are noted") {
    struct choosy {
        [[nodiscard]] bool admits(node_id const& id) const noexcept { return static_cast<bool>(id); }
        [[nodiscard]] verdict on_announcement(wire::record_view const&, announcement_context const& c) noexcept {
            return c.direct ? verdict::accept : verdict::refuse;
        }
    };
    auto const noted = answers_of([&](flight_recorder* to) {
        recording_rng random{seeded_rng{1}, to};
        CHECK(random() == seeded_rng{1}());
        recording_announcements same{choosy{}, to};
        CHECK_FALSE(same.admits({}));
        CHECK(same.admits(node_id{{std::byte{1}}}));
        std::array<std::byte, limits::record> const room{};
        auto const record = wire::record_view::trusted(room);
        CHECK(same.on_announcement(record, {}) == verdict::refuse);
        CHECK(same.on_announcement(record, {.direct = true}) == verdict::accept);
        static_cast<void>(same.inner());
    });
    CHECK(noted == written([&](byte_sink& out) {
              kind(out, answer_kind::draw);
              out.u64(seeded_rng{1}());
              for (auto const what :
                   {answer_kind::not_admitted, answer_kind::admitted, answer_kind::refused, answer_kind::accepted})
                  kind(out, what);
          }));
}

TEST_CASE("without a recorder nothing is noted, and nothing else is different") {
    recording_signing const me{crypto::fake_identity{1}, nullptr};
    CHECK(me.sign(as_bytes("a")) == crypto::fake_identity{1}.sign(as_bytes("a")));
    recording_sealing const seal{crypto::fake_sealing{1}, nullptr};
    std::array<std::byte, 24> const nonce{};
    std::vector<std::byte> frame(4 + wire::envelope::tail);
    seal.seal(nonce, {}, frame);
    CHECK(seal.knows(seal.key_id()));
    CHECK(seal.open(seal.key_id(), nonce, {}, frame));
    recording_rng random{seeded_rng{1}, nullptr};
    CHECK(random() == seeded_rng{1}());
    recording_announcements const handler{accept_announcements{}, nullptr};
    CHECK(handler.admits({}));
}
