// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A registry at work: requests in, answers out, with real signatures and everything durable before it is answered.
#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/challenge.hpp>
#include <peerkit/registry/answer_reader.hpp>
#include <peerkit/registry/api.hpp>
#include <peerkit/store/registry_database.hpp>

#include <support/measure.hpp>
#include <support/synthetic_members.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#if defined(__GLIBC__)
#    include <malloc.h>
#endif

namespace {

using namespace peerkit;
using identity = crypto::ed25519_identity;
using logic_type = registry::registry_logic<identity, seeded_rng>;

/// A directory that is gone when it is no longer needed.
struct scratch {
    scratch() {
        std::string pattern = (std::filesystem::temp_directory_path() / "peerkit-bench-XXXXXX").string();
        synthetic::require(::mkdtemp(pattern.data()) != nullptr, "no directory");
        path = pattern;
    }
    scratch(scratch const&) = delete;
    scratch& operator=(scratch const&) = delete;
    ~scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::string path;
};

/// A node's side, made before anything is timed.
struct registrant {
    explicit registrant(std::size_t number) : who{synthetic::make_identity<identity>(number)} {
        std::array<std::byte, limits::record> room{};
        auto const record = synthetic::must(crypto::sign_record(who, synthetic::network(), synthetic::describe(number),
                                                                1'790'000'000'000'000, false, room),
                                            "no record");
        asked.record.assign(record.bytes().begin(), record.bytes().end());
        asked.domain = "example.test";
        asked.registry = "192.0.2.1:8000";
        asked.found_by = "dns+mdns";
        first = to_json(asked);
    }
    identity who;
    registry::registration asked{};
    std::string first{}, second{}, beat{};
};

/// A root and its database, asked as its shell asks it: answers of one batch are held back until their changes are
/// stored, in one transaction.
class server {
public:
    explicit server(std::string const& database)
        : db_{synthetic::must(store::registry_database::open(database), "no database")} {
        synthetic::require(logic.start({}, false, at, out_).has_value(), "no start");
        flush();
    }
    registry::api_response post(std::string_view target, std::string_view body) {
        auto answer = api_.handle(
            {.method = "POST", .target = target, .body = body, .source = ip_address::v4(127, 0, 0, 1)}, at, out_);
        if (++held_ == batch) flush();
        synthetic::require(std::holds_alternative<registry::api_response>(answer), "no answer");
        return std::get<registry::api_response>(std::move(answer));
    }
    registry::api_response get(std::string_view target) {
        return std::get<registry::api_response>(
            api_.handle({.method = "GET", .target = target, .source = ip_address::v4(127, 0, 0, 1)}, at, out_));
    }
    void flush() {
        logic.poll(at, out_);
        if (!out_.changes.empty()) synthetic::require(db_.apply(out_.changes).has_value(), "the database refused");
        out_.clear();
        held_ = 0;
    }

    std::size_t batch = 128;
    registry::moment at{time_point{std::chrono::seconds{1000}}, 1'790'000'000'000};
    logic_type logic{[] {
                         registry::registry_options o;
                         o.network = synthetic::network();
                         return o;
                     }(),
                     seeded_rng{1}, at.now};

private:
    registry::registry_api<logic_type> api_{logic};
    registry::registry_outbox out_{};
    store::registry_database db_;
    std::size_t held_ = 0;
};

/// Calls a second: by the clock on the wall, and by what they take of a core.
template <typename Work>
void take(std::string const& key, std::size_t calls, Work&& work) {
    auto const begin = std::chrono::steady_clock::now();
    double const core = measure::seconds(work);
    double const wall = std::chrono::duration<double>{std::chrono::steady_clock::now() - begin}.count();
    measure::report(key + "_per_s", static_cast<double>(calls) / core);
    measure::report(key + "_per_wall_s", static_cast<double>(calls) / wall);
}

void registry_requests(benchmark::State& state) {
    std::size_t const nodes = measure::quick() ? 2'000 : 10'000;
    std::vector<registrant> all;
    all.reserve(nodes);
    for (std::size_t n = 0; n < nodes; ++n) all.emplace_back(n);
    registry::answer_reader reader;
    registry::answer said;
    auto const read = [&](registry::api_response const& response, unsigned status) {
        synthetic::require(response.status == status && reader.read(response.body, said).has_value(), "another answer");
    };
    for (auto _ : state) {
        scratch const place;
        server root{place.path + "/data/registry.sqlite"};
        std::vector<registry::api_response> answers(nodes);
        // Both requests of a registration count: the one that is challenged and the one with the proof.
        double core = 0;
        auto const begin = std::chrono::steady_clock::now();
        core += measure::seconds([&] {
            for (std::size_t n = 0; n < nodes; ++n) answers[n] = root.post("/api/register", all[n].first);
        });
        std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
        for (std::size_t n = 0; n < nodes; ++n) {
            read(answers[n], 401);
            auto const proof =
                synthetic::must(crypto::sign_challenge(all[n].who, synthetic::network(), said.challenge), "no proof");
            all[n].asked.proof.assign(proof.begin(), proof.end());
            all[n].second = to_json(all[n].asked);
        }
        auto const again = std::chrono::steady_clock::now();
        core += measure::seconds([&] {
            for (std::size_t n = 0; n < nodes; ++n) answers[n] = root.post("/api/register", all[n].second);
            root.flush();
        });
        wall += std::chrono::steady_clock::now() - again;
        measure::report("registry.register_per_s", static_cast<double>(nodes) / core);
        measure::report("registry.register_per_wall_s", static_cast<double>(nodes) / wall.count());
        for (std::size_t n = 0; n < nodes; ++n) {
            read(answers[n], 200);
            all[n].beat = to_json(registry::heartbeat{said.id, said.lease});
        }

        root.at = {root.at.now + std::chrono::seconds{30}, root.at.unix_ms + 30'000};
        root.batch = 512;
        take("registry.heartbeat", nodes, [&] {
            for (std::size_t n = 0; n < nodes; ++n)
                answers[n] = root.post("/api/heartbeat", all[n * 7919 % nodes].beat);
            root.flush();
        });
        for (auto const& answer : answers) read(answer, 200);

        // The delta that a replica or a client fetches: everybody is new, the worst case.
        std::size_t bytes = 0, records = 0;
        std::string target = "/api/snapshot";
        for (bool more = true; more;) {
            auto const page = root.get(target);
            read(page, 200);
            bytes += page.body.size();
            for (auto const& node : said.nodes) records += node.record.size();
            more = said.more;
            registry::change_cursor const next{said.mark.epoch, said.to, said.base};
            std::array<std::byte, 8> epoch{};
            store_big(epoch.data(), next.epoch);
            target = "/api/snapshot?epoch=" + to_hex(epoch) + "&since=" + std::to_string(next.since) +
                     "&base=" + std::to_string(next.base);
        }
        measure::report("registry.delta_bytes_per_change", static_cast<double>(bytes) / static_cast<double>(records));
        measure::report("registry.record_bytes", static_cast<double>(records) / static_cast<double>(nodes));
    }
}
BENCHMARK(registry_requests)->Unit(benchmark::kMillisecond)->Iterations(1)->UseRealTime();

#if defined(__GLIBC__)
/// What the heap holds more with 10,000 nodes than with none, by the C library's own count.
void registry_memory(benchmark::State& state) {
    constexpr std::size_t nodes = 10'000;
    registry::registry_options options;
    options.network = synthetic::network();
    for (auto _ : state) {
        registry::moment const at{time_point{std::chrono::seconds{1000}}, 1'790'000'000'000};
        registry::registry_logic<synthetic::unchecked_identity, seeded_rng> logic{options, seeded_rng{1}, at.now};
        registry::registry_outbox out;
        synthetic::require(logic.start({}, false, at, out).has_value(), "no start");
        registry::caller const from{.source = ip_address::v4(192, 0, 2, 1), .replica = "bench"};
        std::size_t records = 0;
        auto const before = ::mallinfo2().uordblks;
        for (std::size_t n = 0; n < nodes; ++n) {
            std::array<std::byte, limits::record> room{};
            synthetic::unchecked_identity const who{n};
            auto const record = synthetic::must(
                crypto::sign_record(who, synthetic::network(), synthetic::describe(n), 1, false, room), "no record");
            registry::registration asked;
            asked.record.assign(record.bytes().begin(), record.bytes().end());
            asked.domain = "example.test";
            asked.registry = "192.0.2.1:8000";
            asked.found_by = "dns+mdns";
            records += asked.record.size();
            synthetic::require(logic.register_node(std::move(asked), from, at, out).has_value(), "refused");
            out.clear();
        }
        out = {};
        auto const held = ::mallinfo2().uordblks - before;
        measure::report("registry.mem_per_node",
                        (static_cast<double>(held) - static_cast<double>(records)) / static_cast<double>(nodes));
    }
}
BENCHMARK(registry_memory)->Unit(benchmark::kMillisecond)->Iterations(1);
#endif

} // namespace
