// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the bodies of sums, listing and pull: written and read, damaged, and against the golden packet.
#include <peerkit/wire/digest.hpp>

#include <doctest/doctest.h>

#include "unit/wire/samples.hpp"
#include "unit/wire/vectors.hpp"

#include <array>
#include <vector>

#include <peerkit/membership/digest_tree.hpp>
#include <peerkit/wire/message.hpp>

using namespace peerkit;
using wire::listed;
using wire::listing_view;
using wire::listing_writer;
using wire::pull_view;
using wire::sums_view;
using wire::sums_writer;
using wire::wire_error;

namespace {

using bytes = std::vector<std::byte>;

bytes sums_of(unsigned bits, unsigned span, std::vector<std::uint32_t> const& ranges) {
    bytes room(4096);
    sums_writer out{room, bits, span};
    std::vector<std::uint32_t> sums(std::size_t{1} << span);
    for (std::uint32_t const range : ranges) {
        for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = range * 100 + static_cast<std::uint32_t>(i);
        REQUIRE(out.add(range, sums));
    }
    room.resize(out.size());
    return room;
}

listed entry(std::uint64_t key, std::uint64_t incarnation = 7) {
    return {short_id{key}, incarnation, static_cast<std::uint32_t>(key)};
}

bytes listing_of(unsigned bits, std::vector<std::pair<std::uint32_t, std::vector<listed>>> const& ranges) {
    bytes room(4096);
    listing_writer out{room, bits};
    for (auto const& [range, entries] : ranges) REQUIRE(out.add(range, entries));
    room.resize(out.size());
    return room;
}

template <typename View>
void check_refused(bytes const& body, wire_error what, std::size_t position) {
    auto const parsed = View::parse(body);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error() == what);
    CHECK(parsed.error().position() == position);
    CHECK_FALSE(parsed.error().field().empty());
}

} // namespace

TEST_CASE("sums come back as they were written") {
    for (unsigned const span : {0U, 1U, 4U, 8U}) {
        bytes const body = sums_of(12, span, {0, 3, 15});
        auto const view = sums_view::parse(body);
        REQUIRE(view);
        CHECK(view->bits() == 12);
        CHECK(view->span() == span);
        REQUIRE(view->size() == 3);
        CHECK(view->parts() == std::size_t{1} << span);
        std::array<std::uint32_t, 3> const ranges{0, 3, 15};
        for (std::size_t i = 0; i < 3; ++i) {
            CHECK(view->range(i) == ranges[i]);
            for (std::size_t j = 0; j < view->parts(); ++j) CHECK(view->sum(i, j) == ranges[i] * 100 + j);
        }
    }
    CHECK(sums_view::parse(sums_of(32, 0, {0, 0xffffffff})));
    CHECK(sums_view::parse(sums_of(0, 0, {0})));
}

TEST_CASE("sums that say nothing, or of ranges that are not there, are refused") {
    check_refused<sums_view>(bytes{}, wire_error::bad_message_length, 0);
    check_refused<sums_view>(sums_of(8, 0, {}), wire_error::bad_message_length, 0);
    bytes body = sums_of(8, 2, {1, 2});
    body.pop_back();
    check_refused<sums_view>(body, wire_error::bad_message_length, 2);
    body.resize(2);
    check_refused<sums_view>(body, wire_error::bad_message_length, 2);
    check_refused<sums_view>(sums_of(33, 0, {1}), wire_error::bad_length, 0);
    check_refused<sums_view>(sums_of(20, 9, {1}), wire_error::bad_length, 0);
    check_refused<sums_view>(sums_of(1, 2, {0}), wire_error::bad_length, 0);
    check_refused<sums_view>(sums_of(8, 2, {1, 64}), wire_error::too_many, 2 + 20);
    check_refused<sums_view>(sums_of(8, 2, {1, 1}), wire_error::not_canonical, 2 + 20);
    check_refused<sums_view>(sums_of(8, 2, {2, 1}), wire_error::not_canonical, 2 + 20);
}

TEST_CASE("a range of sums that does not fit is not begun") {
    std::array<std::uint32_t, 4> const sums{1, 2, 3, 4};
    bytes room(2 + 20 + 19);
    sums_writer out{room, 8, 2};
    CHECK(out.size() == 0);
    CHECK(out.add(1, sums));
    CHECK_FALSE(out.add(2, sums));
    CHECK_FALSE(out.add(2, std::span{sums}.first(3)));
    CHECK(out.size() == 22);
    bytes tiny(1);
    sums_writer none{tiny, 8, 2};
    CHECK_FALSE(none.add(1, sums));
    CHECK(none.size() == 0);
}

TEST_CASE("a listing comes back as it was written, empty ranges too") {
    bytes const body =
        listing_of(8, {{0, {entry(1), entry(2)}}, {3, {}}, {255, {entry(~std::uint64_t{0}, limits::incarnation - 1)}}});
    auto const view = listing_view::parse(body);
    REQUIRE(view);
    CHECK(view->bits() == 8);
    REQUIRE(view->size() == 3);
    std::size_t at = 0;
    view->for_each([&](listing_view::group const& g) {
        CHECK(g.whole());
        CHECK(g.range() == std::array<std::uint32_t, 3>{0, 3, 255}[at]);
        CHECK(g.size() == std::array<std::size_t, 3>{2, 0, 1}[at]);
        if (at == 0) {
            CHECK(g[0] == entry(1));
            CHECK(g[1] == entry(2));
        }
        if (at == 2) CHECK(g[0] == entry(~std::uint64_t{0}, limits::incarnation - 1));
        ++at;
    });
    CHECK(at == 3);
}

TEST_CASE("a range with more members than a listing takes is cut, and says so") {
    std::vector<listed> many;
    for (std::uint64_t i = 0; i < listing_view::most; ++i) many.push_back(entry(i));
    auto const whole = [&] {
        bytes const body = listing_of(0, {{0, many}});
        bool made = false;
        listing_view::parse(body)->for_each([&](listing_view::group const& g) {
            made = g.whole();
            CHECK(g.size() == listing_view::most);
        });
        return made;
    };
    CHECK(whole());
    many.push_back(entry(1000));
    CHECK_FALSE(whole());
    // One such range fits a datagram beside the digest that heads it.
    CHECK(16 + 3 + listing_of(0, {{0, many}}).size() <= limits::packet);
}

TEST_CASE("a listing that is cut off, out of order or out of its range is refused") {
    bytes const good = listing_of(8, {{0, {entry(1), entry(2)}}, {3, {entry(3ULL << 56U)}}});
    REQUIRE(listing_view::parse(good));
    for (std::size_t size = 0; size < good.size(); ++size) {
        bytes const cut{good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)};
        if (size == 1 + 5 + 40) {
            CHECK(listing_view::parse(cut)); // between the ranges
        } else {
            REQUIRE_FALSE(listing_view::parse(cut));
            CHECK(listing_view::parse(cut).error() == wire_error::truncated);
        }
    }
    check_refused<listing_view>(listing_of(33, {{0, {}}}), wire_error::bad_length, 0);
    check_refused<listing_view>(listing_of(8, {{256, {}}}), wire_error::too_many, 1);
    check_refused<listing_view>(listing_of(8, {{1, {}}, {1, {}}}), wire_error::not_canonical, 6);
    check_refused<listing_view>(listing_of(8, {{2, {}}, {1, {}}}), wire_error::not_canonical, 6);
    check_refused<listing_view>(listing_of(8, {{0, {entry(2), entry(2)}}}), wire_error::not_canonical, 6 + 20);
    check_refused<listing_view>(listing_of(8, {{0, {entry(3), entry(2)}}}), wire_error::not_canonical, 6 + 20);
    check_refused<listing_view>(listing_of(8, {{1, {entry(2)}}}), wire_error::not_canonical, 6);
    check_refused<listing_view>(listing_of(8, {{0, {entry(2, 0)}}}), wire_error::reserved_incarnation, 6 + 8);
    check_refused<listing_view>(listing_of(8, {{0, {entry(2, limits::incarnation)}}}), wire_error::reserved_incarnation,
                                6 + 8);
    bytes lying = good;
    lying[5] = std::byte{61};
    check_refused<listing_view>(lying, wire_error::too_many, 5);
}

TEST_CASE("a pull names members and what is held of them") {
    bytes body(32);
    store_big(body.data(), std::uint64_t{9});
    store_big(body.data() + 8, limits::incarnation - 1);
    store_big(body.data() + 16, std::uint64_t{5});
    auto const view = pull_view::parse(body);
    REQUIRE(view);
    REQUIRE(view->size() == 2);
    CHECK((*view)[0] == wire::pulled{short_id{9}, limits::incarnation - 1});
    CHECK((*view)[1] == wire::pulled{short_id{5}, 0});
    body[24] = std::byte{0x80};
    check_refused<pull_view>(body, wire_error::reserved_incarnation, 24);
    body.pop_back();
    check_refused<pull_view>(body, wire_error::bad_message_length, 31);
    check_refused<pull_view>(bytes{}, wire_error::bad_message_length, 0);
}

TEST_CASE("the golden packet's digest, listing, sums and pull are read as they were meant") {
    bytes const plain = tests::vector_of("messages.txt", "packet");
    bytes const full = tests::vector_of("record.txt", "full");
    auto const record = wire::record_view::trusted(full);
    std::uint64_t const print = membership::fingerprint(
        record.short_id(), record.incarnation(),
        load_big<std::uint64_t>(full.data() + full.size() - wire::record_layout::signature_size));
    auto const packet = wire::packet_view::parse(plain);
    REQUIRE(packet);
    auto messages = packet->messages();
    int seen = 0;
    for (wire::message m; messages.next(m);) {
        if (m.type == wire::message_type::digest) {
            ++seen;
            CHECK(m.flags == static_cast<int>(wire::digest_kind::answer));
            CHECK(m.count == 2);
            CHECK(m.nonce == print + 5);
        } else if (m.type == wire::message_type::listing) {
            ++seen;
            auto const view = listing_view::parse(m.record);
            REQUIRE(view);
            CHECK(view->bits() == 2);
            view->for_each([&](listing_view::group const& g) {
                CHECK(g.range() == 0);
                REQUIRE(g.size() == 1);
                CHECK(g[0] == listed{record.short_id(), record.incarnation(), static_cast<std::uint32_t>(print)});
            });
        } else if (m.type == wire::message_type::sums) {
            ++seen;
            auto const view = sums_view::parse(m.record);
            REQUIRE(view);
            REQUIRE(view->size() == 2);
            CHECK(view->sum(0, 0) == static_cast<std::uint32_t>(print));
            CHECK(view->sum(1, 0) == 5);
        } else if (m.type == wire::message_type::pull) {
            ++seen;
            auto const view = pull_view::parse(m.record);
            REQUIRE(view);
            CHECK((*view)[0].known == 0);
        }
    }
    CHECK(seen == 4);
}
