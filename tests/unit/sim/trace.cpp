// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/trace.hpp.
#include <peerkit/sim/trace.hpp>

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <set>

using namespace peerkit;
using namespace std::chrono_literals;

TEST_CASE("the hash of bytes depends on every bit, on the order and on the length") {
    std::array<std::byte, 67> bytes{};
    std::set<std::uint64_t> seen;
    for (std::size_t size = 0; size <= bytes.size(); ++size)
        CHECK(seen.insert(sim::hash_bytes({bytes.data(), size})).second);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        CHECK(seen.insert(sim::hash_bytes(bytes)).second);
        bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    }
    std::array<std::byte, 32> const ab{std::byte{1}, std::byte{2}}, ba{std::byte{2}, std::byte{1}};
    CHECK(sim::hash_bytes(ab) != sim::hash_bytes(ba));
}

TEST_CASE("the hashes are these on every machine and with every compiler") {
    std::array<std::byte, 40> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 11);
    CHECK(sim::hash_bytes(bytes) == 17774992614457063006ULL);
    sim::trace t;
    t.note({1s, sim::trace_kind::datagram, 3, 4, 100, 77});
    t.note({2s, sim::trace_kind::tick, sim::nobody, 4, 0, 0});
    CHECK(t.hash() == 16693131863222883608ULL);
}

TEST_CASE("every part of a line counts") {
    sim::trace_line const line{1s, sim::trace_kind::frame, 1, 2, 3, 4};
    auto const hash = [](sim::trace_line const& l) {
        sim::trace t;
        t.note(l);
        return t.hash();
    };
    std::uint64_t const plain = hash(line);
    auto changed = line;
    changed.when += 1ns;
    CHECK(hash(changed) != plain);
    changed = line;
    changed.kind = sim::trace_kind::tick;
    CHECK(hash(changed) != plain);
    changed = line;
    changed.from = 2;
    changed.to = 1;
    CHECK(hash(changed) != plain);
    changed = line;
    ++changed.size;
    CHECK(hash(changed) != plain);
    changed = line;
    ++changed.detail;
    CHECK(hash(changed) != plain);
}

TEST_CASE("the last lines are kept and printed, oldest first") {
    sim::trace t{2};
    t.note({1s, sim::trace_kind::tick, sim::nobody, 1, 0, 0});
    t.note({1500ms, sim::trace_kind::datagram, 1, 2, 30, 9});
    t.note({2s + 5us, sim::trace_kind::crashed, sim::nobody, 2, 0, 0});
    CHECK(t.count() == 3);
    CHECK(t.text() == "1.500000 datagram from 1 to 2, 30 bytes, 9\n2.000005 crashed to 2, 0\n");
    CHECK(sim::trace{}.text().empty());
}

TEST_CASE("every kind of line has a name") {
    std::set<std::string_view> names;
    for (unsigned k = 0; k <= static_cast<unsigned>(sim::trace_kind::resumed); ++k) {
        names.insert(to_string(static_cast<sim::trace_kind>(k)));
    }
    CHECK(names.size() == static_cast<unsigned>(sim::trace_kind::resumed) + 1);
    CHECK(names.count("unknown") == 0);
}
