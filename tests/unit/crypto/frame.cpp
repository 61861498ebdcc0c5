// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of whole frames: every sealing, every place a frame may be wrong.
#include <peerkit/crypto/frame.hpp>

#include <doctest/doctest.h>

#include "unit/wire/vectors.hpp"

#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/key_ring.hpp>
#include <peerkit/crypto/open_network.hpp>
#include <peerkit/wire/message.hpp>
#include <peerkit/wire/stream.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

using namespace peerkit;
using crypto::crypto_error;
using wire::envelope;
using wire::frame_binding;
using wire::wire_error;

namespace {

using tests::bytes;

network_id network(int fill = 1) {
    network_id id;
    id.bytes.fill(static_cast<std::byte>(fill));
    return id;
}
node_id node(int fill) {
    node_id id;
    id.bytes.fill(static_cast<std::byte>(fill));
    return id;
}
envelope head_fields() { return {.sender = short_id{0xabcdef}, .session = 3, .counter = 4, .random = 5}; }

crypto::network_key test_key(int first = 1) {
    std::array<std::byte, 32> raw{static_cast<std::byte>(first)};
    return std::move(*crypto::network_key::from_bytes(raw));
}

struct xchacha {
    crypto::xchacha_sealing sealing{test_key()};
    crypto::xchacha_sealing stranger{test_key(2)};
};
struct open {
    crypto::open_sealing sealing{network()};
    crypto::open_sealing stranger{network(2)};
};
struct fake {
    crypto::fake_sealing sealing{1};
    crypto::fake_sealing stranger{2};
};

/// A frame around `plain_size` bytes of value 7.
template <typename Sealing>
bytes sealed(Sealing const& sealing, node_id const& receiver, frame_binding const* binding,
             std::size_t plain_size = 40) {
    bytes buffer(envelope::head + plain_size + envelope::tail, std::byte{7});
    byte_span const frame =
        crypto::seal_frame(sealing, head_fields(), network(), receiver, binding, buffer, plain_size);
    REQUIRE(frame.size() == buffer.size());
    return buffer;
}

template <typename Error>
void check_refused(result<crypto::opened_frame> const& opened, Error what, char const* field) {
    REQUIRE_FALSE(opened);
    CHECK(opened.error() == what);
    CHECK(opened.error().field() == field);
}

} // namespace

TEST_CASE_TEMPLATE("a frame opens for its receiver and gives the plaintext in place", Kind, xchacha, open, fake) {
    Kind const kind;
    for (std::size_t const size : {std::size_t{3}, std::size_t{40}, limits::packet}) {
        for (node_id const& receiver : {node_id{}, node(9)}) {
            bytes frame = sealed(kind.sealing, receiver, nullptr, size);
            auto const opened = crypto::open_frame(kind.sealing, network(), node(9), nullptr, frame);
            REQUIRE(opened);
            CHECK(opened->plain.data() == frame.data() + envelope::head);
            CHECK(equal(opened->plain, bytes(size, std::byte{7})));
            CHECK(opened->envelope.sender == short_id{0xabcdef});
            CHECK(opened->envelope.session == 3);
            CHECK(opened->envelope.counter == 4);
            CHECK(opened->envelope.random == 5);
            CHECK(opened->envelope.suite == Kind{}.sealing.suite);
            CHECK(opened->envelope.key_id == kind.sealing.key_id());
            CHECK(opened->envelope.addressed == static_cast<bool>(receiver));
            CHECK_FALSE(opened->envelope.stream);
        }
    }
}

TEST_CASE_TEMPLATE("a frame with any bit flipped is refused", Kind, xchacha, open, fake) {
    Kind const kind;
    frame_binding const binding;
    for (frame_binding const* const stream : {static_cast<frame_binding const*>(nullptr), &binding}) {
        bytes const good = sealed(kind.sealing, node(9), stream);
        for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
            bytes bad = good;
            bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
            REQUIRE_FALSE(crypto::open_frame(kind.sealing, network(), node(9), stream, bad));
        }
        bytes again = good;
        CHECK(crypto::open_frame(kind.sealing, network(), node(9), stream, again));
    }
}

TEST_CASE_TEMPLATE("a frame that is cut short or longer is refused", Kind, xchacha, open, fake) {
    Kind const kind;
    bytes const good = sealed(kind.sealing, node(9), nullptr);
    for (std::size_t size = 0; size < good.size(); ++size) {
        bytes part(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
        auto const opened = crypto::open_frame(kind.sealing, network(), node(9), nullptr, part);
        REQUIRE_FALSE(opened);
        if (size < envelope::min_frame) {
            CHECK(opened.error() == wire_error::truncated);
        } else {
            CHECK(opened.error() == crypto_error::forged);
        }
    }
    bytes longer = good;
    longer.push_back(std::byte{0});
    check_refused(crypto::open_frame(kind.sealing, network(), node(9), nullptr, longer), crypto_error::forged, "frame");
}

TEST_CASE_TEMPLATE("a frame for another network or receiver, or under another key, is refused", Kind, xchacha, open,
                   fake) {
    Kind const kind;
    bytes const good = sealed(kind.sealing, node(9), nullptr);
    bytes frame = good;
    check_refused(crypto::open_frame(kind.sealing, network(2), node(9), nullptr, frame), crypto_error::forged, "frame");
    frame = good;
    check_refused(crypto::open_frame(kind.sealing, network(), node(8), nullptr, frame), crypto_error::forged, "frame");
    frame = good;
    auto const foreign = crypto::open_frame(kind.stranger, network(), node(9), nullptr, frame);
    REQUIRE_FALSE(foreign);
    if (kind.stranger.key_id() == kind.sealing.key_id()) {
        CHECK(foreign.error() == crypto_error::forged);
    } else {
        CHECK(foreign.error() == crypto_error::no_key);
        CHECK(foreign.error().position() == kind.sealing.key_id());
        CHECK(frame == good); // nothing was tried
    }
    // A frame for anyone cannot be turned into one for somebody, nor the other way round.
    frame = good;
    frame[1] ^= std::byte{0x10};
    check_refused(crypto::open_frame(kind.sealing, network(), node(9), nullptr, frame), crypto_error::forged, "frame");
}

TEST_CASE_TEMPLATE("a stream frame opens in its place and nowhere else", Kind, xchacha, open, fake) {
    Kind const kind;
    frame_binding place;
    place.binding.fill(std::byte{5});
    place.index = 2;
    bytes const good = sealed(kind.sealing, node(9), &place);
    auto const opens_at = [&](frame_binding const& where) {
        bytes frame = good;
        auto const opened = crypto::open_frame(kind.sealing, network(), node(9), &where, frame);
        if (!opened) CHECK(opened.error() == crypto_error::forged);
        return opened.has_value();
    };
    CHECK(opens_at(place));
    frame_binding other = place;
    other.index = 1; // repeated
    CHECK_FALSE(opens_at(other));
    other.index = 3; // one was dropped
    CHECK_FALSE(opens_at(other));
    other = place;
    other.direction = frame_binding::acceptor; // turned back
    CHECK_FALSE(opens_at(other));
    other = place;
    other.binding[23] ^= std::byte{1}; // of another stream
    CHECK_FALSE(opens_at(other));
}

TEST_CASE_TEMPLATE("a datagram is no stream frame, and a stream frame no datagram", Kind, xchacha, open, fake) {
    Kind const kind;
    frame_binding const start;
    bytes frame = sealed(kind.sealing, node(9), nullptr);
    bytes const datagram = frame;
    check_refused(crypto::open_frame(kind.sealing, network(), node(9), &start, frame), wire_error::bad_flags,
                  "stream flag");
    CHECK(frame == datagram);
    frame = sealed(kind.sealing, node(9), &start);
    check_refused(crypto::open_frame(kind.sealing, network(), node(9), nullptr, frame), wire_error::bad_flags,
                  "stream flag");
}

TEST_CASE("a frame of the other suite is refused before anything is opened") {
    bytes frame = sealed(open{}.sealing, node(9), nullptr);
    check_refused(crypto::open_frame(xchacha{}.sealing, network(), node(9), nullptr, frame), wire_error::bad_suite,
                  "suite");
    frame = sealed(xchacha{}.sealing, node(9), nullptr);
    check_refused(crypto::open_frame(open{}.sealing, network(), node(9), nullptr, frame), wire_error::bad_suite,
                  "suite");
}

TEST_CASE("a closed node never takes an open frame, even with the suite rewritten") {
    bytes frame = sealed(open{}.sealing, node(9), nullptr);
    frame[1] = std::byte{0x11};
    xchacha const kind;
    store_big(frame.data() + 2, kind.sealing.key_id());
    check_refused(crypto::open_frame(kind.sealing, network(), node(9), nullptr, frame), crypto_error::forged, "frame");
}

TEST_CASE("a datagram above its limit is refused before it is opened") {
    fake const kind;
    bytes frame = sealed(kind.sealing, node_id{}, nullptr, limits::datagram - envelope::head - envelope::tail);
    CHECK(crypto::open_frame(kind.sealing, network(), node(9), nullptr, frame));
    frame = sealed(kind.sealing, node_id{}, nullptr, limits::datagram - envelope::head - envelope::tail + 1);
    check_refused(crypto::open_frame(kind.sealing, network(), node(9), nullptr, frame), wire_error::frame_too_large,
                  "frame");
}

TEST_CASE("a buffer too small for a frame is left alone") {
    fake const kind;
    bytes buffer(100, std::byte{7});
    CHECK(crypto::seal_frame(kind.sealing, head_fields(), network(), node(9), nullptr, buffer, 47).empty());
    CHECK(
        crypto::seal_frame(kind.sealing, head_fields(), network(), node(9), nullptr, buffer, ~std::size_t{0}).empty());
    CHECK(crypto::seal_frame(kind.sealing, head_fields(), network(), node(9), nullptr, byte_span{buffer}.first(53), 0)
              .empty());
    CHECK(buffer == bytes(100, std::byte{7}));
    CHECK(crypto::seal_frame(kind.sealing, head_fields(), network(), node(9), nullptr, buffer, 46).size() == 100);
}

TEST_CASE("the caller's suite, key id and flags do not count") {
    fake const kind;
    envelope fields = head_fields();
    fields.suite = 9;
    fields.key_id = 1;
    fields.addressed = true;
    fields.stream = true;
    bytes buffer(100);
    byte_span const frame = crypto::seal_frame(kind.sealing, fields, network(), node_id{}, nullptr, buffer, 46);
    auto const opened = crypto::open_frame(kind.sealing, network(), node(9), nullptr, frame);
    REQUIRE(opened);
    CHECK_FALSE(opened->envelope.addressed);
    CHECK_FALSE(opened->envelope.stream);
}

namespace {

/// Seals the plaintext again under the head of `golden` and expects the same bytes; then opens it.
template <typename Sealing>
void check_golden(Sealing const& sealing, network_id const& net, node_id const& sealed_for, node_id const& self,
                  frame_binding const* binding, bytes golden, byte_view plain) {
    auto const head = envelope::decode(golden);
    REQUIRE(head);
    bytes buffer(golden.size());
    copy_bytes(plain, byte_span{buffer}.subspan(envelope::head));
    CHECK(equal(crypto::seal_frame(sealing, *head, net, sealed_for, binding, buffer, plain.size()), golden));
    auto const opened = crypto::open_frame(sealing, net, self, binding, golden);
    REQUIRE(opened);
    CHECK(equal(opened->plain, plain));
}

bytes datagram_value(char const* name) { return tests::vector_of("datagram.txt", name); }

} // namespace

TEST_CASE("datagrams are the bytes of the golden vectors, sealed and open") {
    network_id net;
    copy_bytes(datagram_value("network_id"), net.bytes);
    crypto::xchacha_sealing const sealing{*crypto::network_key::from_bytes(datagram_value("network_key"))};
    node_id const receiver = node_id::from_bytes(datagram_value("receiver"));
    bytes const plain = datagram_value("plain");
    check_golden(sealing, net, receiver, receiver, nullptr, datagram_value("sealed"), plain);
    check_golden(sealing, net, node_id{}, node(3), nullptr, datagram_value("sealed_for_anyone"),
                 byte_view{plain}.first(23));
    check_golden(crypto::open_sealing{net}, net, receiver, receiver, nullptr, datagram_value("open"), plain);
}

TEST_CASE("the golden stream opens frame by frame, in both directions") {
    auto const value = [](char const* name) { return tests::vector_of("stream.txt", name); };
    network_id net;
    copy_bytes(value("network_id"), net.bytes);
    crypto::xchacha_sealing const sealing{*crypto::network_key::from_bytes(value("network_key"))};
    node_id const dialer = node_id::from_bytes(value("dialer")), acceptor = node_id::from_bytes(value("acceptor"));
    bytes const forward = value("from_dialer"), back = value("from_acceptor");

    wire::frame_splitter from_dialer, from_acceptor;
    from_dialer.feed(forward);
    from_acceptor.feed(back);
    frame_binding at;
    bytes const first = [&] {
        auto const frame = from_dialer.next();
        return bytes(frame->begin(), frame->end());
    }();
    bytes const begin{std::byte{16}, std::byte{0}, std::byte{1}, std::byte{1}};
    check_golden(sealing, net, acceptor, acceptor, &at, first, begin);

    frame_binding const back_at = frame_binding::of_acceptor(first);
    auto const answer = from_acceptor.next();
    REQUIRE(answer);
    bytes const reply{std::byte{16}, std::byte{0}, std::byte{1}, std::byte{2}};
    check_golden(sealing, net, dialer, dialer, &back_at, bytes(answer->begin(), answer->end()), reply);

    at = at.following(first);
    auto const last = from_dialer.next();
    REQUIRE(last);
    bytes const end{std::byte{17}, std::byte{0}, std::byte{4}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}};
    check_golden(sealing, net, acceptor, acceptor, &at, bytes(last->begin(), last->end()), end);
    CHECK(from_dialer.next()->empty());
}
