// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Parsing Tailscale status documents into candidates, beside bare simdjson On-Demand and nlohmann::json.
#include <peerkit/core/rng.hpp>
#include <peerkit/discovery/tailscale_status.hpp>

#include <support/count_allocations.hpp>
#include <support/measure.hpp>

#include <algorithm>
#include <array>
#include <benchmark/benchmark.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if defined(PEERKIT_BENCH_HAS_NLOHMANN)
#    include <nlohmann/json.hpp>
#endif

namespace {

using namespace peerkit;

// ---- Documents -------------------------------------------------------------------------------------------------

/// Writes documents as Go's encoder does for `tailscale status --json`: all fields, in order, indented by two.
/// Every second peer is called tw-node..., four of five are online, one of seven carries capabilities.
class document_writer {
public:
    explicit document_writer(std::uint64_t seed) : rng_{seed} {}

    [[nodiscard]] std::string write(std::size_t peers) {
        text_.clear();
        open("{");
        line("\"Version\": \"1.102.4-t000000000-g000000000\"");
        line("\"TUN\": true");
        line("\"BackendState\": \"Running\"");
        line("\"HaveNodeKey\": true");
        line("\"AuthURL\": \"\"");
        list("TailscaleIPs", {"100.64.0.1", "fd7a:115c:a1e0::1"});
        open("\"Self\": {");
        node(0, "self");
        close("}");
        list("Health", {});
        line("\"MagicDNSSuffix\": \"tail0abcd.ts.net\"");
        open("\"CurrentTailnet\": {");
        line("\"Name\": \"example.com\"");
        line("\"MagicDNSSuffix\": \"tail0abcd.ts.net\"");
        line("\"MagicDNSEnabled\": true");
        close("}");
        line("\"CertDomains\": null");
        open("\"Peer\": {");
        for (std::size_t i = 1; i <= peers; ++i) {
            open("\"nodekey:" + hex(64) + "\": {");
            node(i, i % 2 == 0 ? "tw-node" : "desktop");
            close("}");
        }
        close("}");
        open("\"User\": {");
        open("\"1000000000000001\": {");
        line("\"ID\": 1000000000000001");
        line("\"LoginName\": \"someone@example.com\"");
        line("\"DisplayName\": \"Some One\"");
        close("}");
        close("}");
        line("\"ClientVersion\": null");
        close("}");
        return text_;
    }

private:
    void node(std::size_t i, char const* prefix) {
        std::string const number = std::to_string(i), name = std::string{prefix} + number;
        std::string const v4 = "100." + std::to_string(64 + i / 65536) + "." + std::to_string(i / 256 % 256) + "." +
                               std::to_string(i % 256);
        char v6_text[40];
        std::snprintf(v6_text, sizeof v6_text, "fd7a:115c:a1e0::%zx:%zx", 1 + i / 65536, i % 65536);
        std::string const v6 = v6_text;
        bool const online = i == 0 || uniform(rng_, std::uint64_t{5}) != 0;
        bool const active = online && uniform(rng_, std::uint64_t{4}) == 0;
        bool const capable = uniform(rng_, std::uint64_t{100}) < 15;
        text("ID", "n" + hex(10) + "CNTRL");
        line("\"NodeID\": " + std::to_string(1000000000000000 + i));
        text("PublicKey", "nodekey:" + hex(64));
        text("HostName", name);
        text("DNSName", name + ".tail0abcd.ts.net.");
        text("OS", i % 3 == 0 ? "macOS" : "linux");
        line("\"UserID\": 1000000000000001");
        list("TailscaleIPs", {v4, v6});
        list("AllowedIPs", {v4 + "/32", v6 + "/128"});
        if (i == 0) {
            list("Addrs", {"192.0.2.1:41641"});
        } else {
            line("\"Addrs\": null");
        }
        text("CurAddr", active ? "203.0.113.7:41641" : "");
        text("Relay", "fra");
        text("PeerRelay", "");
        line("\"RxBytes\": " + std::to_string(active ? rng_() >> 30U : 0));
        line("\"TxBytes\": " + std::to_string(active ? rng_() >> 30U : 0));
        text("Created", "2026-01-02T03:04:05.123456789Z");
        text("LastWrite", active ? "2026-08-22T10:11:12.123456789Z" : "0001-01-01T00:00:00Z");
        text("LastSeen", online ? "0001-01-01T00:00:00Z" : "2026-08-20T01:02:03.4Z");
        text("LastHandshake", active ? "2026-08-22T10:11:00.5Z" : "0001-01-01T00:00:00Z");
        flag("Online", online);
        flag("ExitNode", false);
        flag("ExitNodeOption", false);
        flag("Active", active);
        list("PeerAPIURL", {"http://" + v4 + ":37413", "http://[" + v6 + "]:37413"});
        line("\"TaildropTarget\": 1");
        text("NoFileSharingReason", "");
        if (capable) {
            list("Capabilities", {"https://tailscale.com/cap/is-admin", "https://tailscale.com/cap/ssh"});
            open("\"CapMap\": {");
            line("\"https://tailscale.com/cap/is-admin\": null");
            line("\"https://tailscale.com/cap/ssh\": null");
            list("tailnet-display-name", {"example.com"});
            close("}");
        }
        flag("InNetworkMap", true);
        flag("InMagicSock", true);
        flag("InEngine", active);
        text("KeyExpiry", "2027-03-28T04:07:50Z");
    }

    void separate() {
        if (!text_.empty() && text_.back() != '{' && text_.back() != '[') text_.push_back(',');
        if (!text_.empty()) text_.push_back('\n');
        text_.append(2 * depth_, ' ');
    }
    void line(std::string const& written) {
        separate();
        text_.append(written);
    }
    void open(std::string const& written) {
        line(written);
        ++depth_;
    }
    void close(char const* written) {
        --depth_;
        text_.push_back('\n');
        text_.append(2 * depth_, ' ').append(written);
    }
    void text(std::string const& key, std::string const& value) { line("\"" + key + "\": \"" + value + "\""); }
    void flag(std::string const& key, bool value) { line("\"" + key + (value ? "\": true" : "\": false")); }
    void list(std::string const& key, std::vector<std::string> const& values) {
        if (values.empty()) return line("\"" + key + "\": []");
        open("\"" + key + "\": [");
        for (std::string const& value : values) line("\"" + value + "\"");
        close("]");
    }
    std::string hex(std::size_t digits) {
        std::string made;
        while (made.size() < digits) made.push_back("0123456789abcdef"[uniform(rng_, std::uint64_t{16})]);
        return made;
    }

    seeded_rng rng_;
    std::string text_;
    std::size_t depth_ = 0;
};

[[nodiscard]] simdjson::padded_string make_document(std::size_t peers) {
    return simdjson::padded_string{document_writer{20260822}.write(peers)};
}

// ---- The three ways --------------------------------------------------------------------------------------------

/// What peerkit does: filtered, owned candidates. Everything in the result is its own.
class with_peerkit {
public:
    with_peerkit() { filter_.names = *discovery::name_pattern::parse("tw_node*"); }
    std::size_t operator()(simdjson::padded_string const& document) {
        if (!parser_.parse_padded(document, filter_, status_)) return 0;
        return status_.candidates.size() + status_.dropped_for(discovery::peer_drop::offline);
    }
    void forget_result() { status_ = discovery::tailscale_status{}; }

private:
    discovery::tailscale_status_parser parser_;
    discovery::tailscale_filter filter_;
    discovery::tailscale_status status_;
};

/// The yardstick: On-Demand touching every field of every peer, as its documentation iterates objects: the key of each
/// field is compared, the value of each is looked at, the five a candidate is made of are taken as views. Nothing is
/// filtered, parsed further or kept.
class with_simdjson {
public:
    std::size_t operator()(simdjson::padded_string const& document) {
        namespace od = simdjson::ondemand;
        od::document doc;
        od::object peers;
        std::size_t matching = 0, sum = 0;
        if (parser_.iterate(document).get(doc) || doc["Peer"].get_object().get(peers)) return 0;
        for (auto item : peers) {
            od::object fields;
            if (item.value().get_object().get(fields)) return 0;
            for (auto each : fields) {
                if (each.error()) return 0;
                od::field&& field = std::move(each).value_unsafe();
                od::value& value = field.value();
                auto const key = field.key();
                std::string_view text;
                if (key == "DNSName") {
                    if (value.get_string().get(text)) return 0;
                    matching += text.starts_with("tw-node") ? 1U : 0U;
                } else if (key == "ID" || key == "HostName") {
                    if (value.get_string().get(text)) return 0;
                    sum += text.size();
                } else if (key == "Online") {
                    bool online = false;
                    if (value.get_bool().get(online)) return 0;
                    sum += online ? 1U : 0U;
                } else if (key == "TailscaleIPs") {
                    od::array addresses;
                    if (value.get_array().get(addresses)) return 0;
                    for (auto address : addresses) {
                        if (address.get_string().get(text)) return 0;
                        sum += text.size();
                    }
                } else {
                    od::json_type type{};
                    if (value.type().get(type)) return 0;
                    sum += static_cast<std::size_t>(type);
                }
            }
        }
        benchmark::DoNotOptimize(sum);
        return matching;
    }

private:
    simdjson::ondemand::parser parser_;
};

#if defined(PEERKIT_BENCH_HAS_NLOHMANN)
/// The same candidates by way of a document tree, as most programs do it.
std::size_t with_nlohmann(simdjson::padded_string const& document) {
    struct found_node {
        std::string name;
        std::vector<std::string> addresses;
        bool online = false;
    };
    std::vector<found_node> found;
    auto const tree = nlohmann::json::parse(document.data(), document.data() + document.size());
    for (auto const& [key, peer] : tree.at("Peer").items()) {
        std::string name = peer.value("DNSName", "");
        if (name.rfind("tw-node", 0) != 0) continue;
        found_node node;
        node.name = std::move(name);
        node.addresses = peer.at("TailscaleIPs").get<std::vector<std::string>>();
        node.online = peer.value("Online", false);
        found.push_back(std::move(node));
    }
    benchmark::DoNotOptimize(found.data());
    return found.size();
}
#endif

// ---- Benchmarks ------------------------------------------------------------------------------------------------

template <typename Parse>
void run(benchmark::State& state, Parse&& parse) {
    auto const peers = static_cast<std::size_t>(state.range(0));
    simdjson::padded_string const document = make_document(peers);
    for (auto _ : state) {
        if (parse(document) != peers / 2) return state.SkipWithError("the document was not understood");
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(document.size()));
}

void tailscale_peerkit(benchmark::State& state) { run(state, with_peerkit{}); }
void tailscale_simdjson(benchmark::State& state) { run(state, with_simdjson{}); }
BENCHMARK(tailscale_peerkit)->Arg(10)->Arg(100)->Arg(1000)->Arg(10000);
BENCHMARK(tailscale_simdjson)->Arg(10)->Arg(100)->Arg(1000)->Arg(10000);
#if defined(PEERKIT_BENCH_HAS_NLOHMANN)
void tailscale_nlohmann(benchmark::State& state) { run(state, with_nlohmann); }
BENCHMARK(tailscale_nlohmann)->Arg(10)->Arg(100)->Arg(1000);
#endif

/// The measures, taken in turn on the same bytes: 1,000 peers, every second one matching.
void tailscale_measures(benchmark::State& state) {
    constexpr std::size_t peers = 1000, rounds = 301;
    simdjson::padded_string const document = make_document(peers);
    with_peerkit ours;
    with_simdjson yardstick;
    for (auto _ : state) {
        if (ours(document) != peers / 2 || yardstick(document) != peers / 2) {
            return state.SkipWithError("the document was not understood");
        }
        auto const times = measure::medians(
            rounds, [&] { benchmark::DoNotOptimize(ours(document)); },
            [&] { benchmark::DoNotOptimize(yardstick(document)); });
        measure::report("tailscale.parse.vs_simdjson", times[1] / times[0]);
        state.counters["vs_simdjson"] = times[1] / times[0];

#if defined(PEERKIT_BENCH_HAS_NLOHMANN)
        if (with_nlohmann(document) != peers / 2) return state.SkipWithError("the document was not understood");
        auto const slow = measure::medians(
            rounds / 15, [&] { benchmark::DoNotOptimize(ours(document)); },
            [&] { benchmark::DoNotOptimize(with_nlohmann(document)); });
        measure::report("tailscale.parse.vs_nlohmann", slow[1] / slow[0]);
        state.counters["vs_nlohmann"] = slow[1] / slow[0];
#endif

        // The parser is reused, the result is new each time: what a program pays that hands the candidates on.
        ours.forget_result();
        std::size_t const before = measure::allocations();
        benchmark::DoNotOptimize(ours(document));
        double const made = static_cast<double>(measure::allocations() - before);
        measure::report("tailscale.parse.allocs_per_peer", made / static_cast<double>(peers));
        state.counters["allocs_per_peer"] = made / static_cast<double>(peers);
        state.counters["bytes_per_peer"] = static_cast<double>(document.size()) / static_cast<double>(peers);
    }
}
BENCHMARK(tailscale_measures)->Iterations(1)->Unit(benchmark::kMillisecond);

} // namespace
