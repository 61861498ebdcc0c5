// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the policies that answer from a recording.
#include <peerkit/sim/replaying_policies.hpp>

#include <peerkit/core/byte_sink.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/fake.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace peerkit;
using gossip::answer_kind;

static_assert(crypto::check_signing<sim::replaying_signing<crypto::fake_identity>>());
static_assert(crypto::check_frame_sealing<sim::replaying_sealing<1>>());
static_assert(check_rng<sim::replaying_rng>());
static_assert(gossip::check_announcement_handler<sim::replaying_announcements>());

namespace {

void kind(byte_sink& out, answer_kind what) { out.u8(static_cast<std::uint8_t>(what)); }

} // namespace

TEST_CASE("each policy takes the next answer of its kind") {
    crypto::signature const signature = crypto::fake_identity{1}.sign(as_bytes("x"));
    byte_sink out;
    kind(out, answer_kind::key_id), out.u32(77);
    kind(out, answer_kind::draw), out.u64(5);
    kind(out, answer_kind::signature), out.raw(signature);
    kind(out, answer_kind::key_known);
    kind(out, answer_kind::opened), out.text("ping");
    kind(out, answer_kind::key_unknown);
    kind(out, answer_kind::admitted);
    kind(out, answer_kind::not_admitted);
    kind(out, answer_kind::accepted);
    kind(out, answer_kind::refused);
    sim::recorded_answers answers;
    answers.begin(out.bytes());
    sim::replaying_sealing<1> const seal{answers};
    sim::replaying_rng random{answers};
    sim::replaying_signing<crypto::fake_identity> const me{node_id{{std::byte{3}}}, answers};
    sim::replaying_announcements handler{answers};
    CHECK(seal.key_id() == 77);
    CHECK(random() == 5);
    CHECK(me.id() == node_id{{std::byte{3}}});
    CHECK(me.sign(as_bytes("anything")) == signature);
    CHECK(seal.knows(1));
    std::array<std::byte, 24> const nonce{};
    std::vector<std::byte> frame(4 + wire::envelope::tail);
    CHECK(seal.open(1, nonce, {}, frame));
    CHECK(as_text(byte_view{frame}.first(4)) == "ping");
    CHECK_FALSE(seal.knows(1));
    CHECK(handler.admits({}));
    CHECK_FALSE(handler.admits({}));
    std::array<std::byte, limits::record> const room{};
    auto const record = wire::record_view::trusted(room);
    CHECK_FALSE(answers.used_up());
    CHECK(handler.on_announcement(record, {}) == gossip::verdict::accept);
    CHECK(handler.on_announcement(record, {}) == gossip::verdict::refuse);
    CHECK(answers.used_up());
    CHECK(seal.key_id() == 77);
    CHECK_FALSE(answers.fault());
}

TEST_CASE("a key that changes is taken up at the next question, whichever it is") {
    byte_sink out;
    kind(out, answer_kind::draw), out.u64(1);
    kind(out, answer_kind::key_id), out.u32(8);
    kind(out, answer_kind::draw), out.u64(2);
    sim::recorded_answers answers;
    answers.begin(out.bytes());
    sim::replaying_rng random{answers};
    CHECK(answers.key_id() == 0);
    CHECK(random() == 1);
    CHECK(random() == 2);
    CHECK(answers.key_id() == 8);
    CHECK(answers.used_up());
}

TEST_CASE("a question that does not fit the recording is remembered, the first of them, and answered with nothing") {
    byte_sink out;
    kind(out, answer_kind::draw), out.u64(1);
    kind(out, answer_kind::opened), out.text("too long for it");
    sim::recorded_answers answers;
    answers.begin(out.bytes());
    sim::replaying_sealing<1> const seal{answers};
    CHECK_FALSE(seal.knows(5));
    REQUIRE(answers.fault());
    CHECK(answers.fault()->wanted == answer_kind::key_known);
    CHECK(answers.fault()->recorded == answer_kind::draw);
    std::array<std::byte, 24> const nonce{};
    std::vector<std::byte> frame(4 + wire::envelope::tail);
    CHECK_FALSE(seal.open(1, nonce, {}, frame));
    sim::replaying_rng random{answers};
    CHECK(random() == 0);
    CHECK(answers.fault()->wanted == answer_kind::key_known);

    sim::recorded_answers none;
    none.begin({});
    sim::replaying_rng other{none};
    CHECK(other() == 0);
    REQUIRE(none.fault());
    CHECK_FALSE(none.fault()->recorded);
    sim::recorded_answers longer;
    byte_sink text;
    kind(text, answer_kind::opened), text.text("too long for it");
    longer.begin(text.bytes());
    CHECK_FALSE(sim::replaying_sealing<1>{longer}.open(1, nonce, {}, frame));
    CHECK(longer.fault());
}

TEST_CASE("what is sealed stays in plain and counts in the digest") {
    sim::recorded_answers answers;
    answers.begin({});
    std::array<std::byte, 24> const nonce{};
    std::vector<std::byte> frame(4 + wire::envelope::tail, std::byte{9});
    sim::replaying_sealing<1>{answers}.seal(nonce, as_bytes("ad"), frame);
    CHECK(equal(byte_view{frame}.first(4), std::vector<std::byte>(4, std::byte{9})));
    CHECK(equal(byte_view{frame}.subspan(4), std::vector<std::byte>(wire::envelope::tail)));
    gossip::output_digest expected;
    expected.sealed(nonce, as_bytes("ad"), std::vector<std::byte>(4, std::byte{9}));
    CHECK(answers.digest.finish(0, {}) == expected.finish(0, {}));
}
