// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of membership::suspicion: the timer table, distinct accusers, the set and its cap.
#include <peerkit/membership/suspicion.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

#include <support/puppet.hpp>

using namespace peerkit;
using namespace peerkit::membership;
using namespace std::chrono_literals;
using tests::puppet;

namespace {

constexpr short_id name(std::uint64_t n) { return static_cast<short_id>(n); }

double in_seconds(duration d) { return std::chrono::duration<double>(d).count(); }

struct suspects {
    explicit suspects(std::size_t max = 8) : set{max} {}
    slot add(std::uint64_t seed) {
        slot const at =
            table.insert(wire::record_view::trusted(puppet{seed}.record()), member_state::alive, time_point{});
        table.set_state(at, member_state::suspect, time_point{});
        return at;
    }
    member_table table{16, 1};
    suspicion_set set;
    suspicion_time bounds{1s, 6s, 2};
};

} // namespace

TEST_CASE("the integer logarithms agree with those of the library") {
    CHECK(log2_fixed(0) == 0);
    CHECK(log2_fixed(1) == 0);
    for (unsigned bit = 0; bit < 64; ++bit) CHECK(log2_fixed(std::uint64_t{1} << bit) == std::uint64_t{bit} << 16U);
    for (std::uint64_t n : {3ULL, 7ULL, 10ULL, 99ULL, 1000ULL, 16384ULL, 123456789ULL}) {
        CHECK(static_cast<double>(log2_fixed(n)) / 65536 ==
              doctest::Approx(std::log2(static_cast<double>(n))).epsilon(1e-4));
        CHECK(static_cast<double>(log10_fixed(n)) / 65536 ==
              doctest::Approx(std::log10(static_cast<double>(n))).epsilon(1e-4));
    }
}

TEST_CASE("behaviour 31: decades is the number of digits transmit limits grow with") {
    CHECK(decades(0) == 0);
    CHECK(decades(1) == 1);
    CHECK(decades(9) == 1);
    CHECK(decades(10) == 2);
    CHECK(decades(99) == 2);
    CHECK(decades(100) == 3);
    CHECK(decades(16384) == 5);
}

TEST_CASE("behaviour 16: a suspicion between 2 s and 30 s with 3 confirmations follows Lifeguard's table") {
    suspicion_time const t{2s, 30s, 3};
    CHECK(in_seconds(t.after(0)) == doctest::Approx(30.0).epsilon(0.002));
    CHECK(in_seconds(t.after(1)) == doctest::Approx(16.0).epsilon(0.002)); // 14 s are left after 2 s
    CHECK(in_seconds(t.after(2)) == doctest::Approx(7.81).epsilon(0.005)); // 4.81 s are left after 3 s
    CHECK(t.after(3) == 2s);
    CHECK(t.after(4) == 2s);
    CHECK(suspicion_time{2s, 30s, 0}.after(0) == 2s);
}

TEST_CASE("the bounds grow with the logarithm of the members, and few members confirm nothing") {
    auto const small = suspicion_time::of(2, 1s, 4, 6, 2);
    CHECK(small.shortest == 4s);
    CHECK(small.longest == 24s);
    CHECK(small.confirmations == 0);
    CHECK(small.after(0) == 4s);
    CHECK(suspicion_time::of(3, 1s, 4, 6, 2).confirmations == 0);
    CHECK(suspicion_time::of(4, 1s, 4, 6, 2).confirmations == 2);
    CHECK(suspicion_time::of(4, 1s, 4, 6, 2).after(0) == 24s);
    CHECK(in_seconds(suspicion_time::of(10, 1s, 4, 6, 2).shortest) == doctest::Approx(4.0).epsilon(0.01));
    CHECK(in_seconds(suspicion_time::of(100, 1s, 4, 6, 2).shortest) == doctest::Approx(8.0).epsilon(0.01));
    CHECK(in_seconds(suspicion_time::of(1000, 1s, 4, 6, 2).longest) == doctest::Approx(72.0).epsilon(0.01));
}

TEST_CASE("behaviour 17: an accuser counts once, the names stay ascending, and beyond the bound nothing changes") {
    suspicion s;
    s.start = time_point{10s};
    s.bounds = {1s, 6s, 2};
    CHECK(s.add(name(50)));
    CHECK(s.deadline == time_point{16s});
    CHECK_FALSE(s.add(name(50)));
    CHECK(s.deadline == time_point{16s});
    CHECK(s.add(name(10)));
    CHECK(s.deadline < time_point{16s});
    CHECK(s.deadline > time_point{11s});
    CHECK(s.add(name(30)));
    CHECK(s.deadline == time_point{11s});
    CHECK_FALSE(s.add(name(99))); // the timer is at its shortest
    REQUIRE(s.names().size() == 3);
    CHECK(s.names()[0] == name(10));
    CHECK(s.names()[1] == name(30));
    CHECK(s.names()[2] == name(50));
}

TEST_CASE("no more accusers are named than an accusation has room for") {
    suspicion s;
    s.bounds = {1s, 6s, 20};
    for (std::uint64_t n = limits::accusers; n > 0; --n) CHECK(s.add(name(n)));
    CHECK_FALSE(s.add(name(99)));
    REQUIRE(s.names().size() == limits::accusers);
    for (std::size_t i = 0; i < limits::accusers; ++i) CHECK(s.names()[i] == name(i + 1));
}

TEST_CASE("with nobody to confirm the first accuser is the only one") {
    suspicion s;
    s.bounds = {1s, 6s, 0};
    CHECK(s.add(name(5)));
    CHECK_FALSE(s.add(name(6)));
    CHECK(s.names().size() == 1);
}

TEST_CASE("behaviour 19: a confirmation that comes after the shortened time fires at once, and once") {
    suspects f;
    slot const at = f.add(1);
    std::array const first{name(5)};
    f.set.start(f.table, at, first, f.bounds, time_point{10s});
    CHECK(f.set.expired(time_point{14s}) == no_slot);
    std::array const more{name(6), name(7)};
    CHECK(f.set.confirm(f.table, at, more) == 2);
    CHECK(f.set.expired(time_point{14s}) == at);
    f.set.stop(f.table, at);
    CHECK(f.set.expired(time_point{14s}) == no_slot);
    CHECK(f.set.next() == never);
}

TEST_CASE("a repeated confirmation is not new") {
    suspects f;
    slot const at = f.add(1);
    std::array const two{name(5), name(6)};
    f.set.start(f.table, at, two, f.bounds, time_point{10s});
    CHECK(f.set.confirm(f.table, at, two) == 0);
    std::array const mixed{name(5), name(7)};
    CHECK(f.set.confirm(f.table, at, mixed) == 1);
}

TEST_CASE("the earliest deadline is kept through starts and stops in any order") {
    suspects f;
    std::vector<slot> rows;
    std::array const one{name(5)};
    for (std::uint64_t i = 1; i <= 5; ++i) {
        rows.push_back(f.add(i));
        f.set.start(f.table, rows.back(), one, f.bounds, time_point{i * 1s});
        REQUIRE(f.set.check_invariants(f.table) == 0);
    }
    CHECK(f.set.next() == time_point{7s});
    for (std::size_t gone : {0U, 3U, 1U, 4U, 2U}) {
        f.set.stop(f.table, rows[gone]);
        f.table.set_state(rows[gone], member_state::alive, time_point{});
        REQUIRE(f.set.check_invariants(f.table) == 0);
        f.set.stop(f.table, rows[gone]); // a second time changes nothing
        REQUIRE(f.set.check_invariants(f.table) == 0);
    }
    CHECK(f.set.next() == never);
    CHECK(f.set.size() == 0);
}

TEST_CASE("the set takes no more than its cap") {
    suspects f{2};
    std::array const one{name(5)};
    f.set.start(f.table, f.add(1), one, f.bounds, time_point{});
    CHECK_FALSE(f.set.full());
    f.set.start(f.table, f.add(2), one, f.bounds, time_point{});
    CHECK(f.set.full());
    slot const third = f.add(3);
    f.set.start(f.table, third, one, f.bounds, time_point{});
    CHECK(f.set.size() == 2);
    CHECK(f.table[third].suspicion == member::no_suspicion);
}

TEST_CASE("sleeping gives every suspect that much longer") {
    suspects f;
    slot const at = f.add(1);
    std::array const one{name(5)};
    f.set.start(f.table, at, one, f.bounds, time_point{10s});
    f.set.postpone(100s);
    CHECK(f.set.next() == time_point{116s});
    std::array const more{name(6), name(7)};
    (void)f.set.confirm(f.table, at, more);
    CHECK(f.set.next() == time_point{111s});
}

TEST_CASE("the set's own check notices what does not fit together") {
    suspects f;
    slot const at = f.add(1);
    CHECK(f.set.check_invariants(f.table) == 12); // suspect without a suspicion
    std::array const one{name(5)};
    f.set.start(f.table, at, one, f.bounds, time_point{});
    REQUIRE(f.set.check_invariants(f.table) == 0);
    f.table[at].suspicion = 4;
    CHECK(f.set.check_invariants(f.table) == 11);
    f.table[at].suspicion = 0;
    f.table.set_state(at, member_state::dead, time_point{});
    CHECK(f.set.check_invariants(f.table) == 12);
}

TEST_CASE("looks come at the end of a suspicion, each is given its gap, and then it is over") {
    suspects f;
    slot const at = f.add(1);
    suspicion_time bounds{2s, 6s, 2, 2, 300ms};
    std::array<short_id, 1> const one{name(1)};
    f.set.start(f.table, at, one, bounds, time_point{10s});
    auto const& s = f.set[f.table[at].suspicion];
    CHECK(s.to_look());
    CHECK(f.set.next() == time_point{16s - 600ms});
    CHECK(f.set.expired(time_point{15300ms}) == membership::no_slot);
    CHECK(f.set.expired(time_point{15400ms}) == at);
    f.set.looked(f.table, at, time_point{15400ms});
    CHECK(f.set.next() == time_point{15700ms});
    // Late: the end waits for the last look.
    f.set.looked(f.table, at, time_point{16500ms});
    CHECK_FALSE(s.to_look());
    CHECK(f.set.next() == time_point{16800ms});
    CHECK(f.set.check_invariants(f.table) == 0);
}

TEST_CASE("a suspicion in a hurry lasts its shortest time, and later accusers do not make it longer") {
    suspects f;
    slot const at = f.add(1);
    suspicion_time bounds{2s, 6s, 3, 2, 300ms};
    std::array<short_id, 1> const one{name(1)}, two{name(2)};
    f.set.start(f.table, at, one, bounds, time_point{10s});
    f.set.hurry(f.table, at);
    CHECK(f.set[f.table[at].suspicion].deadline == time_point{12s});
    CHECK(f.set.next() == time_point{12s - 600ms});
    CHECK(f.set.confirm(f.table, at, two) == 1);
    CHECK(f.set[f.table[at].suspicion].deadline == time_point{12s});
    CHECK(f.set.check_invariants(f.table) == 0);
}

TEST_CASE("what is put off is due later, and a sleep puts everything off") {
    suspects f;
    slot const at = f.add(1);
    suspicion_time bounds{2s, 2s, 0, 1, 300ms};
    std::array<short_id, 1> const one{name(1)};
    f.set.start(f.table, at, one, bounds, time_point{10s});
    f.set.defer(f.table, at, time_point{11900ms});
    CHECK(f.set.next() == time_point{11900ms});
    f.set.postpone(5s);
    CHECK(f.set.next() == time_point{16900ms});
    CHECK(f.set.check_invariants(f.table) == 0);
}
