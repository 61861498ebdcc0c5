// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Compressed packets between engines: to whom, from whom, how much of it.
#include <peerkit/gossip/compressor.hpp>

#include <doctest/doctest.h>

#include <peerkit/wire/lz4.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <support/compiled_stage.hpp>

using namespace peerkit;
using namespace tests;
using wire::compressed_packet;

namespace {

using compressing = gossip::engine<fake_policies<>::with_compression<wire::lz4_compression>>;
using compressing_stage = basic_stage<compressing>;

/// A member that says much, and the same as the others.
template <typename Stage>
puppet& add_wordy(Stage& s, std::uint64_t seed, bool takes_compressed) {
    puppet& p = s.add(seed);
    p.self.takes_compressed = takes_compressed;
    for (char const* key : {"zone", "rack", "tier"}) p.self.labels.push_back({key, std::string(100, 'x')});
    REQUIRE(normalize(p.self).has_value());
    s.announce(p);
    return p;
}

/// The plaintext of a frame, as it was sealed.
bytes plaintext(bytes frame, puppet const& receiver, wire::frame_binding const* binding = nullptr) {
    world_keys const keys;
    auto const opened = crypto::open_frame(keys.sealing, keys.network, receiver.id(), binding, frame);
    REQUIRE(opened.has_value());
    return {opened->plain.begin(), opened->plain.end()};
}

/// Asks for three long records at once and gives the plaintext of the answer.
template <typename Stage>
bytes answer_to_wants(Stage& s, puppet& asking) {
    std::vector<short_id> others;
    for (std::uint64_t const seed : {11U, 12U}) others.push_back(add_wordy(s, seed, false).key());
    s.forget();
    auto const replies = s.deliver(asking, [&](auto& packet) {
        packet.want(asking.key(), 0); // has its own, which is no news
        for (short_id const key : others) packet.want(key, 0);
        packet.hello(5, asking.incarnation);
    });
    REQUIRE(replies.size() == 1);
    return plaintext(replies[0].frame, asking);
}

bytes as_compressed(byte_view plain) {
    bytes made{plain.begin(), plain.end()};
    bytes scratch(plain.size());
    wire::lz4_compression policy;
    made.resize(compressed_packet::write(policy, made, made.size(), scratch));
    return made;
}

/// A datagram of `p` whose plaintext is `plain`.
template <typename Stage>
void deliver_plain(Stage& s, puppet& p, bytes const& plain) {
    bytes buffer(wire::envelope::head + plain.size() + wire::envelope::tail);
    copy_bytes(plain, byte_span{buffer}.subspan(wire::envelope::head));
    wire::envelope head;
    head.sender = p.key();
    head.session = p.session;
    head.counter = head.random = ++p.counter;
    auto const frame = crypto::seal_frame(p.keys.sealing, head, p.keys.network, s->id(), nullptr, buffer, plain.size());
    s.deliver_raw({frame.begin(), frame.end()}, p.where);
}

/// A plaintext that introduces `whom`, large enough to be compressed.
bytes introduction(puppet const& whom, std::size_t times) {
    bytes buffer(limits::stream_frame);
    wire::packet_writer packet{buffer};
    for (std::size_t i = 0; i < times; ++i) packet.announce(whom.record());
    buffer.resize(packet.size());
    return buffer;
}

} // namespace

TEST_CASE("a large answer to a member that takes it is compressed, and expands to what was meant") {
    compressing_stage s{{}};
    REQUIRE(s.start());
    puppet& p = add_wordy(s, 1, true);
    bytes const plain = answer_to_wants(s, p);
    REQUIRE(compressed_packet::is(plain));
    std::array<std::byte, limits::packet> room;
    auto const whole = compressed_packet::expand(wire::lz4_compression{}, plain, room);
    REQUIRE(whole.has_value());
    CHECK(whole->size() > limits::uncompressed);
    CHECK(plain.size() < whole->size() * 3 / 4);
    CHECK(read_messages(*whole).size() >= 3);
    CHECK(s->counters().packets_compressed == 1);
    CHECK(s->counters().bytes_saved == whole->size() - plain.size());
}

TEST_CASE("a member that does not say it takes compressed packets gets none") {
    compressing_stage s{{}};
    REQUIRE(s.start());
    puppet& p = add_wordy(s, 1, false);
    bytes const plain = answer_to_wants(s, p);
    CHECK(plain.size() > limits::uncompressed);
    CHECK_FALSE(compressed_packet::is(plain));
    CHECK(s->counters().packets_compressed == 0);
}

TEST_CASE("a node announces whether it takes compressed packets, whatever its host writes") {
    compressing_stage with{{}};
    REQUIRE(with.start());
    CHECK(with->find(with->id())->record().takes_compressed());
    stage without{quiet()};
    CHECK_FALSE(without->find(without->id())->record().takes_compressed());
    description changed = without->self();
    changed.takes_compressed = true;
    CHECK(without.call([&](auto& e, auto now, auto& out) { return e.update(changed, now, out); }).has_value());
    CHECK_FALSE(without->find(without->id())->record().takes_compressed());
}

TEST_CASE("what comes compressed counts as if it had come in full") {
    compressing_stage s{{}};
    REQUIRE(s.start());
    puppet& p = s.add_member(1);
    puppet const& other = s.add(2);
    deliver_plain(s, p, as_compressed(introduction(other, 6)));
    CHECK(s.state_of(other) == member_state::alive);
    CHECK(s->counters().packets_expanded == 1);
}

TEST_CASE("a bomb, a damaged block, and one compressed packet in another change nothing but a counter") {
    compressing_stage s{{}};
    REQUIRE(s.start());
    puppet& p = s.add_member(1);
    puppet const& other = s.add(2);
    std::uint64_t const before = s.digest();
    std::uint64_t malformed = s->counters().malformed;

    bytes const large = as_compressed(introduction(other, 9)); // more than a datagram may hold
    REQUIRE(compressed_packet::is(large));
    deliver_plain(s, p, large);
    CHECK(s->counters().malformed == ++malformed);

    bytes damaged = as_compressed(introduction(other, 6));
    damaged.resize(damaged.size() - 3);
    deliver_plain(s, p, damaged);
    CHECK(s->counters().malformed == ++malformed);

    bytes nested = as_compressed(introduction(other, 6));
    nested.resize(1100, std::byte{0});
    bytes const twice = as_compressed(nested);
    REQUIRE(compressed_packet::is(twice));
    deliver_plain(s, p, twice);
    CHECK(s->counters().malformed == ++malformed);
    CHECK(s.digest() == before);
}

TEST_CASE("a node that does not compress refuses compressed packets as malformed") {
    stage s{quiet()};
    puppet& p = s.add_member(1);
    puppet const& other = s.add(2);
    deliver_plain(s, p, as_compressed(introduction(other, 6)));
    CHECK_FALSE(s.state_of(other).has_value());
    CHECK(s->counters().malformed == 1);
    CHECK(s->counters().packets_expanded == 0);
}

TEST_CASE("the answer of an exchange is compressed for a joiner that takes it") {
    compressing_stage s{{}};
    REQUIRE(s.start());
    for (std::uint64_t seed = 11; seed < 31; ++seed) add_wordy(s, seed, false);
    puppet& joiner = s.add(1);
    joiner.self.takes_compressed = true;
    auto const id = s.accept(joiner.where);
    REQUIRE(id.has_value());
    puppet_stream stream{joiner, puppet_stream::side::dialer};
    s.frames.clear();
    s.frame(*id, stream.frame([&](auto& packet) {
        packet.exchange_begin(wire::exchange_flags::join);
        packet.announce(joiner.record());
        packet.exchange_end(1);
    }));
    REQUIRE(s.frames.size() == 1);
    CHECK(s->counters().packets_compressed == 1);
    // 20 records of about 480 bytes.
    CHECK(s.frames[0].frame.size() < 20 * 300);
}
