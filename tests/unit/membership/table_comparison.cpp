// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of membership::table_comparison: two tables find out what they do not have in common, as two maps would.
#include <peerkit/membership/table_comparison.hpp>

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <vector>

#include <support/puppet.hpp>

using namespace peerkit;
using namespace peerkit::membership;
using tests::bytes;
using tests::puppet;

namespace {

wire::record_view view(bytes const& record) { return wire::record_view::trusted(record); }

slot put(member_table& table, std::uint64_t seed, std::uint64_t incarnation, member_state state = member_state::alive) {
    puppet p{seed};
    slot const at = table.insert(view(p.record(incarnation)), state, time_point{});
    REQUIRE(at != no_slot);
    table[at].reported = true;
    return at;
}

/// All sums of a table, as they travel.
bytes all_sums(member_table const& table, unsigned bits) {
    table_comparison made;
    bytes room(4096);
    wire::sums_writer out{room, bits, bits};
    REQUIRE(out.add(0, made.all(table, bits)));
    room.resize(out.size());
    return room;
}
bytes divided(table_comparison& made, member_table const& table) {
    bytes room(1U << 20U);
    auto const sums = made.divide(table);
    wire::sums_writer out{room, made.ranges().bits() + table_comparison::step, table_comparison::step};
    constexpr std::size_t parts = std::size_t{1} << table_comparison::step;
    REQUIRE(sums.size() == made.ranges().size() * parts);
    for (std::size_t i = 0; i < made.ranges().size(); ++i)
        REQUIRE(out.add(made.ranges()[i], sums.subspan(i * parts, parts)));
    room.resize(out.size());
    return room;
}
bytes listing(table_comparison& made, member_table const& table) {
    bytes room(1U << 20U);
    wire::listing_writer out{room, made.ranges().bits()};
    auto const found = made.list(table);
    std::size_t row = 0;
    for (std::size_t i = 0; i < made.ranges().size(); ++i) {
        std::vector<wire::listed> entries;
        for (; row < found.size() && found[row].place == i; ++row)
            entries.push_back(table_comparison::entry_of(table, found[row].at));
        REQUIRE(out.add(made.ranges()[i], entries));
    }
    room.resize(out.size());
    return room;
}

struct outcome {
    std::set<std::uint64_t> told, pulled, differing;
    friend bool operator==(outcome const&, outcome const&) = default;
};
outcome of(table_comparison const& made, member_table const& table) {
    outcome o;
    for (slot const at : made.to_tell()) CHECK(o.told.insert(static_cast<std::uint64_t>(table[at].key)).second);
    for (auto const& p : made.to_pull()) CHECK(o.pulled.insert(static_cast<std::uint64_t>(p.key)).second);
    for (slot const at : made.differing()) CHECK(o.differing.insert(static_cast<std::uint64_t>(table[at].key)).second);
    return o;
}

/// What `mine` finds after `theirs` listed what differs, level by level from `bits` on, down to `last`.
outcome compared(member_table const& mine, member_table const& theirs, unsigned bits, unsigned last) {
    table_comparison at_mine, at_theirs;
    bytes sums = all_sums(mine, bits);
    member_table const *says = &mine, *hears = &theirs;
    table_comparison *saying = &at_mine, *hearing = &at_theirs;
    for (;;) {
        auto const said = wire::sums_view::parse(sums);
        REQUIRE(said);
        hearing->find_differing(*hears, *said);
        if (hearing->ranges().empty()) return {};
        if (said->bits() >= last) break;
        sums = divided(*hearing, *hears);
        std::swap(says, hears);
        std::swap(saying, hearing);
    }
    bytes const list = listing(*hearing, *hears);
    auto const listed = wire::listing_view::parse(list);
    REQUIRE(listed);
    saying->sort_out(*says, *listed);
    outcome found = of(*saying, *says);
    // Told and pulled are seen from the side that got the listing; turn it if that was the other one.
    if (says != &mine) std::swap(found.told, found.pulled);
    return found;
}

} // namespace

TEST_CASE("two random tables find exactly what two maps find, from every level on") {
    seeded_rng rng{8};
    for (int round = 0; round < 60; ++round) {
        member_table a{2000, 1}, b{2000, 2};
        outcome expected;
        std::size_t const count = uniform(rng, std::uint64_t{600});
        std::uint32_t const often = static_cast<std::uint32_t>(uniform(rng, std::uint64_t{300'000}));
        for (std::uint64_t seed = 1; seed <= count; ++seed) {
            auto const key = static_cast<std::uint64_t>(puppet{seed}.key());
            bool const differs = happens(rng, often);
            switch (differs ? uniform(rng, std::uint64_t{4}) : 9) {
            case 0:
                put(a, seed, 5);
                expected.told.insert(key);
                break;
            case 1:
                put(b, seed, 5);
                expected.pulled.insert(key);
                break;
            case 2:
                put(a, seed, 6);
                put(b, seed, 5);
                expected.told.insert(key);
                break;
            case 3:
                put(a, seed, 5);
                put(b, seed, 6);
                expected.pulled.insert(key);
                break;
            default:
                put(a, seed, 5);
                put(b, seed, 5);
                // Tombstones on one side only are not compared.
                if (seed % 7 == 0) put(a, seed + 10'000, 5, member_state::dead);
                if (seed % 11 == 0) put(b, seed + 20'000, 5, member_state::left);
            }
        }
        for (unsigned const bits : {0U, 3U, 8U}) {
            // Wider ranges than these would hold more than a listing takes.
            for (unsigned const last : {8U, 12U, 20U, 28U}) REQUIRE(compared(a, b, bits, last) == expected);
        }
    }
}

TEST_CASE("a tombstone is told to whoever holds its member alive, unless the member was never one here") {
    for (bool const reported : {true, false}) {
        member_table a{10, 1}, b{10, 2};
        slot const dead = put(a, 1, 5, member_state::dead);
        a[dead].reported = reported;
        put(b, 1, 5);
        put(a, 2, 7, member_state::left);
        put(b, 2, 6, member_state::suspect);
        put(a, 3, 5, member_state::dead);
        put(b, 3, 6); // refuted meanwhile
        outcome const found = compared(a, b, 0, 0);
        auto const key = [](std::uint64_t seed) { return static_cast<std::uint64_t>(puppet{seed}.key()); };
        CHECK(found.pulled == std::set{key(3)});
        CHECK(found.told == (reported ? std::set{key(1), key(2)} : std::set{key(2)}));
    }
}

TEST_CASE("two records of one incarnation are told apart, and so are other entries beside the same record") {
    member_table a{10, 1}, b{10, 2};
    puppet p{1};
    slot const at = a.insert(view(p.record(5)), member_state::alive, time_point{});
    REQUIRE(put(b, 1, 5) != no_slot);
    REQUIRE(compared(a, b, 0, 0) == outcome{});
    SUBCASE("records") {
        p.self.version = "other";
        a.replace(at, view(p.record(5)));
    }
    SUBCASE("entries") { a.set_entries_sum(at, 77); }
    CHECK(a.digest().root() != b.digest().root());
    outcome const found = compared(a, b, 0, 0);
    CHECK(found.differing == std::set{static_cast<std::uint64_t>(p.key())});
    CHECK(found.told.empty());
    CHECK(found.pulled.empty());
}

TEST_CASE("behind the end of a listing that was cut nobody is thought to be missing") {
    member_table a{200, 1}, b{200, 2};
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        put(a, seed, 5);
        put(b, seed, 5);
    }
    put(a, 101, 5);
    // All in one range: of 100 the listing holds 50.
    outcome const found = compared(a, b, 0, 0);
    CHECK(found.pulled.empty());
    CHECK(found.told.size() <= 1);
}

TEST_CASE("a pull gets who is newer, and no tombstone that was never a member") {
    member_table t{10, 1};
    put(t, 1, 5);
    put(t, 2, 5, member_state::left);
    t[put(t, 3, 5, member_state::dead)].reported = false;
    bytes body(16 * 5);
    byte_writer out{body};
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        out.u64(static_cast<std::uint64_t>(puppet{seed}.key()));
        out.u64(seed == 2 ? 4 : 0);
    }
    out.u64(static_cast<std::uint64_t>(puppet{1}.key()));
    out.u64(5);
    auto const wanted = wire::pull_view::parse(body);
    REQUIRE(wanted);
    table_comparison made;
    made.look_up(t, *wanted);
    REQUIRE(made.to_tell().size() == 2);
    CHECK(t[made.to_tell()[0]].key == puppet{1}.key());
    CHECK(t[made.to_tell()[1]].key == puppet{2}.key());
    CHECK(made.to_pull().empty());
}

TEST_CASE("the first ranges hold about four members each, the last ones few") {
    CHECK(table_comparison::opening_bits(0) == 0);
    CHECK(table_comparison::opening_bits(3) == 0);
    CHECK(table_comparison::opening_bits(16) == 3);
    CHECK(table_comparison::opening_bits(1000) == 8);
    CHECK(table_comparison::opening_bits(1'000'000) == 8);
    CHECK(table_comparison::listable(1000, 8));
    CHECK_FALSE(table_comparison::listable(10'000, 8));
    CHECK(table_comparison::listable(10'000, 12));
    CHECK(table_comparison::listable(~std::size_t{0}, 32));
    for (std::size_t n = 1; n < 1'000'000; n += n / 7 + 1)
        CHECK((n >> table_comparison::opening_bits(n)) <= std::max<std::size_t>(7, n / 256));
}
