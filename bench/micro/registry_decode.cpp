// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Reading a registry's list of 10,000 nodes, beside bare simdjson On-Demand.
#include <peerkit/core/json_writer.hpp>
#include <peerkit/registry/answer_reader.hpp>
#include <peerkit/registry/answer_writer.hpp>

#include <support/measure.hpp>
#include <support/synthetic_members.hpp>

#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace peerkit;

constexpr std::size_t nodes = 10'000;

/// A page of GET /api/nodes as it is answered: full rows, records as those of some company's workers.
[[nodiscard]] simdjson::padded_string make_list() {
    json_writer out;
    registry::write_mark(out.open('{'), {1, nodes, false, 0, false}).key("nodes").open('[');
    for (std::size_t n = 0; n < nodes; ++n) {
        std::array<std::byte, limits::record> room{};
        crypto::fake_identity const who{n};
        auto const record = synthetic::must(crypto::sign_record(who, synthetic::network(), synthetic::describe(n),
                                                                1'790'000'000'000'000 + n, false, room),
                                            "no record");
        registry::node_row row;
        row.id = record.id();
        row.record.assign(record.bytes().begin(), record.bytes().end());
        row.domain = "example.test";
        row.registry = "192.0.2.1:8000";
        row.found_by = "dns+mdns";
        row.version = n + 1;
        row.first_seen_ms = 1'790'000'000'000 + static_cast<std::int64_t>(n);
        row.last_heartbeat_ms = row.first_seen_ms + 90'000;
        row.uptime_ms = 90'000;
        registry::write_row(out, row, registry::row_form::full);
    }
    out.close(']').close('}');
    return simdjson::padded_string{std::move(out).text()};
}

/// The yardstick: On-Demand touching every field of every node, as its documentation iterates objects: texts are taken
/// as texts and numbers as numbers. Nothing is decoded further, checked or kept.
class with_simdjson {
public:
    std::size_t operator()(simdjson::padded_string const& document) {
        namespace od = simdjson::ondemand;
        od::document doc;
        od::array rows;
        std::size_t count = 0;
        std::uint64_t sum = 0;
        if (parser_.iterate(document).get(doc) || doc["nodes"].get_array().get(rows)) return 0;
        for (auto item : rows) {
            od::object fields;
            if (item.get_object().get(fields)) return 0;
            for (auto each : fields) {
                if (each.error()) return 0;
                od::field&& field = std::move(each).value_unsafe();
                od::value& value = field.value();
                auto const key = field.key();
                if (key == "port" || key == "first_seen" || key == "last_heartbeat" || key == "uptime_s" ||
                    key == "reputation" || key == "version") {
                    std::uint64_t number = 0;
                    if (value.get_uint64().get(number)) return 0;
                    sum += number;
                } else {
                    std::string_view text;
                    if (value.get_string().get(text)) return 0;
                    sum += text.size();
                }
            }
            ++count;
        }
        benchmark::DoNotOptimize(sum);
        return count;
    }

private:
    simdjson::ondemand::parser parser_;
};

/// What peerkit does: every field checked, identities and records decoded, records compared with the identities.
class with_peerkit {
public:
    std::size_t operator()(simdjson::padded_string const& document) {
        if (!reader_.read_padded(document, said_)) return 0;
        return said_.malformed == 0 ? said_.nodes.size() : 0;
    }

private:
    registry::answer_reader reader_;
    registry::answer said_;
};

template <typename Read>
void run(benchmark::State& state, Read&& read) {
    simdjson::padded_string const document = make_list();
    for (auto _ : state) {
        if (read(document) != nodes) return state.SkipWithError("the list was not understood");
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(document.size()));
}
void registry_list_peerkit(benchmark::State& state) { run(state, with_peerkit{}); }
void registry_list_simdjson(benchmark::State& state) { run(state, with_simdjson{}); }
BENCHMARK(registry_list_peerkit)->Unit(benchmark::kMillisecond);
BENCHMARK(registry_list_simdjson)->Unit(benchmark::kMillisecond);

/// The measure, taken in turn on the same bytes.
void registry_decode_measure(benchmark::State& state) {
    simdjson::padded_string const document = make_list();
    with_peerkit ours;
    with_simdjson yardstick;
    for (auto _ : state) {
        if (ours(document) != nodes || yardstick(document) != nodes) {
            return state.SkipWithError("the list was not understood");
        }
        auto const times = measure::medians(
            101, [&] { benchmark::DoNotOptimize(ours(document)); },
            [&] { benchmark::DoNotOptimize(yardstick(document)); });
        measure::report("registry.decode.vs_simdjson", times[1] / times[0]);
        state.counters["vs_simdjson"] = times[1] / times[0];
        state.counters["bytes_per_node"] = static_cast<double>(document.size()) / static_cast<double>(nodes);
    }
}
BENCHMARK(registry_decode_measure)->Iterations(1)->Unit(benchmark::kMillisecond);

} // namespace
