// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What remembering costs: a registry's changes made durable, a node's state saved and loaded, on this machine's disk.
#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/store/file_store.hpp>
#include <peerkit/store/registry_database.hpp>
#include <peerkit/store/sqlite_store.hpp>

#include <support/measure.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace peerkit;
using registry::durable_change;

/// A directory that is gone when it is no longer needed.
struct scratch {
    scratch() {
        std::string pattern = (std::filesystem::temp_directory_path() / "peerkit-bench-XXXXXX").string();
        if (::mkdtemp(pattern.data()) != nullptr) path = pattern;
    }
    scratch(scratch const&) = delete;
    scratch& operator=(scratch const&) = delete;
    ~scratch() {
        std::error_code ignored;
        if (!path.empty()) std::filesystem::remove_all(path, ignored);
    }
    std::string path;
};

/// The announcement of a node with the labels, roles and services nodes usually have.
std::vector<std::byte> record_of(std::uint64_t seed) {
    description d;
    d.name = "node-" + std::to_string(seed);
    d.version = "1.4.2";
    d.addresses = {{ip_address::v4(10, static_cast<std::uint8_t>(seed >> 16U), static_cast<std::uint8_t>(seed >> 8U),
                                   static_cast<std::uint8_t>(seed)),
                    {}}};
    d.roles = {"storage", "web"};
    d.labels = {{"rack", "r17"}, {"zone", "eu-central-1b"}};
    d.services = {{.name = "api", .port = 8080}};
    std::vector<std::byte> out(limits::record);
    if (!normalize(d)) std::abort();
    auto const made = crypto::sign_record(crypto::fake_identity{seed}, {}, d, 1'700'000'000'000'000, false, out);
    if (!made) std::abort();
    out.resize(made->size());
    return out;
}
registry::node_row row_of(std::uint64_t seed, std::uint64_t version) {
    registry::node_row row;
    row.id = crypto::fake_identity{seed}.id();
    row.record = record_of(seed);
    row.domain = "example.test";
    row.registry = "tnr.example.test:8000";
    row.found_by = "dns+mdns";
    row.version = version;
    row.first_seen_ms = row.last_heartbeat_ms = 1'700'000'000'000;
    return row;
}

constexpr std::uint64_t nodes = 10'000;

/// Changes that belong together, so many to a transaction.
std::vector<std::vector<durable_change>> batches_of(std::size_t each, bool heartbeats) {
    std::vector<std::vector<durable_change>> made;
    for (std::uint64_t i = 1; i <= nodes; ++i) {
        if ((i - 1) % each == 0) made.emplace_back();
        // Heartbeats come in no order.
        std::uint64_t const seed = heartbeats ? i * 7919 % nodes + 1 : i;
        if (heartbeats) {
            made.back().emplace_back(registry::row_touched{crypto::fake_identity{seed}.id(), 1'700'000'030'000, 30'000,
                                                           registry::node_row::best_standing});
        } else {
            made.back().emplace_back(registry::row_put{row_of(seed, i)});
            made.back().emplace_back(registry::table_at{1, i, 0});
        }
    }
    return made;
}

/// Changes a second: by the clock on the wall, and by what they take of a core.
bool apply(store::registry_database& db, std::vector<std::vector<durable_change>> const& batches,
           std::string const& key) {
    auto const begin = std::chrono::steady_clock::now();
    bool fine = true;
    double const core = measure::seconds([&] {
        for (auto const& batch : batches) fine = fine && db.apply(batch).has_value();
    });
    double const wall = std::chrono::duration<double>{std::chrono::steady_clock::now() - begin}.count();
    measure::report(key + "_per_s", static_cast<double>(nodes) / wall);
    measure::report(key + "_per_core_s", static_cast<double>(nodes) / core);
    return fine;
}

void registry_changes(benchmark::State& state) {
    auto const rows = batches_of(128, false);
    auto const beats = batches_of(1024, true);
    for (auto _ : state) {
        scratch const place;
        auto db = store::registry_database::open(place.path + "/data/registry.sqlite");
        if (!db || !apply(*db, rows, "store.registry.rows") || !apply(*db, beats, "store.registry.heartbeats")) {
            return state.SkipWithError("the database refused");
        }
        auto const begin = std::chrono::steady_clock::now();
        if (!db->write_snapshot(place.path + "/snapshots", 2)) return state.SkipWithError("no snapshot");
        std::chrono::duration<double, std::milli> const took = std::chrono::steady_clock::now() - begin;
        measure::report("store.registry.snapshot_ms", took.count());
    }
}
BENCHMARK(registry_changes)->Unit(benchmark::kMillisecond)->Iterations(1)->UseRealTime();

/// Saving a thousand peers of which one in ten was heard again since the last time, and loading them.
template <typename Store>
void node_state(benchmark::State& state, char const* key) {
    scratch const place;
    Store kept{place.path + "/state"};
    store::stored_state known;
    known.owner = crypto::fake_identity{1}.id();
    known.incarnation = 1;
    for (std::uint64_t i = 2; i < 1002; ++i) {
        known.peers.push_back({record_of(i), discovery::provenance::dns, {ip_address::v4(10, 0, 0, 1), 9000}, 1});
    }
    std::vector<double> saves, loads;
    using milliseconds = std::chrono::duration<double, std::milli>;
    for (auto _ : state) {
        known.incarnation += 1;
        for (std::size_t i = known.incarnation % 10; i < known.peers.size(); i += 10) known.peers[i].last_heard_ms += 1;
        auto const begin = std::chrono::steady_clock::now();
        if (!kept.save(known)) return state.SkipWithError("the store refused");
        auto const saved = std::chrono::steady_clock::now();
        if (!kept.load()) return state.SkipWithError("the store lost it");
        saves.push_back(milliseconds{saved - begin}.count());
        loads.push_back(milliseconds{std::chrono::steady_clock::now() - saved}.count());
    }
    measure::report(std::string{"store."} + key + ".save_ms", measure::median(std::move(saves)));
    measure::report(std::string{"store."} + key + ".load_ms", measure::median(std::move(loads)));
}
void file(benchmark::State& state) { node_state<store::file_store>(state, "file"); }
void sqlite(benchmark::State& state) { node_state<store::sqlite_store>(state, "sqlite"); }
BENCHMARK(file)->Unit(benchmark::kMillisecond)->Iterations(15)->UseRealTime();
BENCHMARK(sqlite)->Unit(benchmark::kMillisecond)->Iterations(15)->UseRealTime();

} // namespace
