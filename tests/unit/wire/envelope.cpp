// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the frame head, the stream binding and the additional data.
#include <peerkit/wire/envelope.hpp>

#include <doctest/doctest.h>

#include "unit/wire/vectors.hpp"

#include <algorithm>
#include <array>
#include <vector>

using namespace peerkit;
using wire::additional_data;
using wire::envelope;
using wire::frame_binding;
using wire::wire_error;

namespace {

using bytes = std::vector<std::byte>;

envelope some_head() {
    envelope e;
    e.suite = 1;
    e.addressed = true;
    e.key_id = 0x01020304;
    e.sender = short_id{0x1112131415161718};
    e.session = 0x2122232425262728;
    e.counter = 0x3132333435363738;
    e.random = 0x4142434445464748;
    return e;
}

bytes encoded(envelope const& e, std::size_t size = envelope::min_frame) {
    bytes frame(size);
    e.encode(std::span<std::byte, envelope::head>{frame.data(), envelope::head});
    return frame;
}

void check_refused(bytes const& frame, wire_error what, std::size_t position) {
    auto const e = envelope::decode(frame);
    REQUIRE_FALSE(e);
    CHECK(e.error() == what);
    CHECK(e.error().position() == position);
    CHECK_FALSE(e.error().field().empty());
}

} // namespace

TEST_CASE("a head comes back as it was written, with every combination of flags") {
    for (unsigned bits = 0; bits < 8; ++bits) {
        envelope e = some_head();
        e.suite = bits & 1U;
        e.addressed = (bits & 2U) != 0;
        e.stream = (bits & 4U) != 0;
        auto const again = envelope::decode(encoded(e));
        REQUIRE(again);
        CHECK(*again == e);
    }
}

TEST_CASE("the head stands on the wire as documented") {
    bytes const frame = encoded(some_head());
    CHECK(to_hex(byte_view{frame}.first(envelope::head)) ==
          "0111010203041112131415161718212223242526272831323334353637384142434445464748");
    CHECK(equal(wire::nonce_of(frame), byte_view{frame}.subspan(14, 24)));
}

TEST_CASE("a head that cannot be right is refused in the documented order") {
    bytes const good = encoded(some_head());
    for (std::size_t size = 0; size < envelope::min_frame; ++size) {
        check_refused(bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)), wire_error::truncated,
                      size);
    }
    bytes bad = good;
    for (int const version : {0, 2, 255}) {
        bad[0] = static_cast<std::byte>(version);
        bad[1] = std::byte{0xff}; // the version is looked at first
        check_refused(bad, wire_error::bad_version, 0);
    }
    bad = good;
    for (int const flags : {0x40, 0x80, 0xc0, 0xff}) {
        bad[1] = static_cast<std::byte>(flags);
        check_refused(bad, wire_error::bad_flags, 1);
    }
    for (int suite = 2; suite < 16; ++suite) {
        bad[1] = static_cast<std::byte>(suite);
        check_refused(bad, wire_error::bad_suite, 1);
    }
}

TEST_CASE("a datagram ends at 1200 bytes and a stream frame at 65536") {
    envelope e = some_head();
    CHECK(envelope::decode(encoded(e, limits::datagram)));
    check_refused(encoded(e, limits::datagram + 1), wire_error::frame_too_large, limits::datagram + 1);
    e.stream = true;
    CHECK(envelope::decode(encoded(e, limits::stream_frame)));
    check_refused(encoded(e, limits::stream_frame + 1), wire_error::frame_too_large, limits::stream_frame + 1);
}

TEST_CASE("additional data is the head before the nonce, the network, the receiver and the place in the stream") {
    bytes const frame = encoded(some_head());
    network_id network;
    network.bytes.fill(std::byte{0xab});
    node_id receiver;
    receiver.bytes.fill(std::byte{0xcd});
    std::string const front = "0111010203041112131415161718";

    additional_data const plain{frame, network, receiver, true, nullptr};
    CHECK(plain.bytes().size() == additional_data::datagram_size);
    CHECK(to_hex(plain.bytes()) == front + to_hex(network.bytes) + to_hex(receiver.bytes));

    additional_data const anyone{frame, network, receiver, false, nullptr};
    CHECK(to_hex(anyone.bytes()) == front + to_hex(network.bytes) + std::string(64, '0'));

    frame_binding binding;
    binding.binding.fill(std::byte{0xef});
    binding.index = 0x01020304;
    binding.direction = frame_binding::acceptor;
    additional_data const stream{frame, network, receiver, true, &binding};
    CHECK(stream.bytes().size() == additional_data::stream_size);
    CHECK(to_hex(stream.bytes()) ==
          front + to_hex(network.bytes) + to_hex(receiver.bytes) + to_hex(binding.binding) + "01020304" + "01");
}

TEST_CASE("a binding follows its stream") {
    bytes const first = encoded(some_head());
    frame_binding const start;
    CHECK(start.direction == frame_binding::dialer);
    CHECK(start.index == 0);
    CHECK(start.binding == std::array<std::byte, 24>{});

    frame_binding const second = start.following(first);
    CHECK(second.index == 1);
    CHECK(equal(second.binding, wire::nonce_of(first)));
    envelope other = some_head();
    other.counter = 9;
    frame_binding const third = second.following(encoded(other));
    CHECK(third.index == 2);
    CHECK(third.binding == second.binding);

    frame_binding const answer = frame_binding::of_acceptor(first);
    CHECK(answer.direction == frame_binding::acceptor);
    CHECK(answer.index == 0);
    CHECK(answer.binding == second.binding);
    frame_binding const next = answer.following(encoded(other));
    CHECK(next.index == 1);
    CHECK(next.binding == answer.binding);
    CHECK(next.direction == frame_binding::acceptor);
}

TEST_CASE("the head of the golden datagram reads as described") {
    auto const e = envelope::decode(tests::vector_of("datagram.txt", "sealed"));
    REQUIRE(e);
    CHECK(e->suite == wire::suites::xchacha20poly1305);
    CHECK(e->addressed);
    CHECK_FALSE(e->stream);
    CHECK(e->key_id == load_big<std::uint32_t>(tests::vector_of("datagram.txt", "key_id").data()));
    CHECK(e->sender == node_id::from_bytes(tests::vector_of("record.txt", "id")).short_id());
    CHECK(e->session == 1'700'000'000'000'000);
    CHECK(e->counter == 5);
    CHECK(e->random == 0x0123456789abcdef);
}
