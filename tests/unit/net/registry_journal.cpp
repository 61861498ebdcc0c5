// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the journal: order, gathering, failures that end, and an end that loses nothing.
#include <peerkit/net/registry_journal.hpp>

#include "support.hpp"

#include <peerkit/net/error.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace net_test;
using namespace peerkit;
using registry::durable_change;

namespace {

/// A disk: what was stored in which transaction, and whether it takes anything now.
struct disk {
    std::mutex lock;
    std::vector<std::vector<durable_change>> stored;
    bool full = false;
    std::size_t refused = 0;

    net::registry_storage storage() {
        return {[this](std::span<durable_change const> changes) -> result<void> {
                    std::scoped_lock const held{lock};
                    if (full) {
                        ++refused;
                        return fail(net::net_error::socket_failed, 1, "disk");
                    }
                    stored.emplace_back(changes.begin(), changes.end());
                    return {};
                },
                [this]() -> result<std::string> {
                    std::scoped_lock const held{lock};
                    return "snapshot after " + std::to_string(stored.size());
                }};
    }
    /// The numbers of all stored `write_done`, in order.
    std::vector<std::uint64_t> order() {
        std::scoped_lock const held{lock};
        std::vector<std::uint64_t> numbers;
        for (auto const& batch : stored) {
            for (auto const& one : batch) {
                if (auto const* const done = std::get_if<registry::write_done>(&one)) numbers.push_back(done->number);
            }
        }
        return numbers;
    }
    std::vector<registry::row_touched> figures() {
        std::scoped_lock const held{lock};
        std::vector<registry::row_touched> all;
        for (auto const& batch : stored) {
            for (auto const& one : batch) {
                if (auto const* const touched = std::get_if<registry::row_touched>(&one)) all.push_back(*touched);
            }
        }
        return all;
    }
};

struct journal_bench {
    journal_bench() {
        journal.emplace(loop.get_executor(), on.storage(),
                        net::registry_journal::handlers{[this](std::uint64_t number, result<void> const& ok) {
                                                            if (ok)
                                                                durable = number;
                                                            else
                                                                ++failures;
                                                        },
                                                        [this](result<std::string> const& path) { snapshot = *path; }});
    }
    disk on;
    asio::io_context loop;
    std::optional<net::registry_journal> journal;
    std::uint64_t durable = 0;
    std::size_t failures = 0;
    std::string snapshot;
};

durable_change done(std::uint64_t number) { return registry::write_done{number}; }
node_id id(unsigned char n) {
    node_id made;
    made.bytes.fill(std::byte{n});
    return made;
}
durable_change touched(unsigned char n, std::int64_t ms) { return registry::row_touched{id(n), ms, 0, 0}; }

} // namespace

TEST_CASE("changes are stored in order, and their numbers are told once they are") {
    journal_bench b;
    std::vector<std::uint64_t> wanted;
    for (std::uint64_t i = 1; i <= 200; ++i) {
        CHECK(b.journal->submit({done(2 * i), done(2 * i + 1)}) == i);
        wanted.push_back(2 * i);
        wanted.push_back(2 * i + 1);
    }
    CHECK(eventually(b.loop, [&] { return b.durable == 200; }));
    CHECK(b.on.order() == wanted);
    CHECK(b.on.stored.size() < 200); // many in one transaction
}

TEST_CASE("of figures the latest of each node is stored, with nobody waiting for it") {
    journal_bench b;
    CHECK(b.journal->submit({touched(1, 10), touched(2, 10)}) == 0);
    CHECK(b.journal->submit({touched(1, 20)}) == 0);
    CHECK(eventually(b.loop, [&] { return b.on.figures().size() == 2; }));
    for (auto const& one : b.on.figures()) CHECK(one.last_heartbeat_ms == (one.id == id(1) ? 20 : 10));
}

TEST_CASE("figures from before a row was written do not follow it") {
    journal_bench b;
    {
        std::scoped_lock const busy{b.on.lock}; // nothing is stored meanwhile
        b.journal->submit({done(1)});
        b.journal->submit({touched(1, 10), touched(2, 10)});
        registry::node_row row;
        row.id = id(1);
        row.last_heartbeat_ms = 30;
        b.journal->submit({registry::row_put{row}});
    }
    CHECK(eventually(b.loop, [&] { return b.on.figures().size() == 1; }));
    CHECK(b.on.figures().front().id == id(2));
    b.journal->submit({touched(2, 20), registry::table_reset{7}, done(9)});
    CHECK(eventually(b.loop, [&] { return b.durable == 3; }));
    CHECK(b.on.figures().size() == 1);
}

TEST_CASE("what the disk does not take is told, kept and stored later, in its order") {
    journal_bench b;
    b.on.full = true;
    b.journal->submit({done(1)});
    CHECK(eventually(b.loop, [&] { return b.failures == 1; }));
    CHECK(b.durable == 0);
    b.journal->submit({done(2)});
    {
        std::scoped_lock const held{b.on.lock};
        b.on.full = false;
    }
    CHECK(eventually(b.loop, [&] { return b.durable == 2; }));
    CHECK(b.on.order() == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("a snapshot has what was submitted before it") {
    journal_bench b;
    b.journal->submit({done(1)});
    b.journal->snapshot();
    CHECK(eventually(b.loop, [&] { return !b.snapshot.empty(); }));
    CHECK(b.snapshot == "snapshot after 1");
}

TEST_CASE("the end stores what is left, and nothing is told after it") {
    journal_bench b;
    {
        std::scoped_lock const busy{b.on.lock};
        b.journal->submit({done(1)});
        b.journal->submit({touched(1, 10)});
    }
    b.journal.reset();
    CHECK(b.on.order() == std::vector<std::uint64_t>{1});
    CHECK(b.on.figures().size() == 1);
    b.loop.run_for(50ms);
    CHECK(b.durable == 0);
}
