// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the metrics' text: each family once, each line of a form Prometheus reads.
#include <peerkit/registry/metrics_writer.hpp>

#include <doctest/doctest.h>

#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/fake.hpp>
#include <peerkit/registry/registry_logic.hpp>

#include <array>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

namespace registry = peerkit::registry;

TEST_CASE("families and samples are written as Prometheus reads them") {
    registry::metrics_writer out;
    out.family("a_total", "counter", "Help.").sample(1).sample(18446744073709551615U, "x=\"y\"");
    CHECK(std::move(out).text() == "# HELP peerkit_registry_a_total Help.\n"
                                   "# TYPE peerkit_registry_a_total counter\n"
                                   "peerkit_registry_a_total 1\n"
                                   "peerkit_registry_a_total{x=\"y\"} 18446744073709551615\n");
}

TEST_CASE("answers are counted by route and status") {
    registry::response_counts counts;
    counts.add(2, 200);
    counts.add(2, 200);
    counts.add(2, 404);
    CHECK(counts.of(2, 200) == 2);
    CHECK(counts.of(2, 404) == 1);
    CHECK(counts.of(1, 200) == 0);
}

TEST_CASE("every line is a comment or a sample of the family announced before it, no sample twice") {
    registry::registry_options options;
    peerkit::time_point const now{};
    registry::registry_logic<peerkit::crypto::fake_identity, peerkit::seeded_rng> logic{options, peerkit::seeded_rng{1},
                                                                                        now};
    registry::response_counts counts;
    counts.add(0, 200);
    counts.add(7, 404);
    struct named {
        std::string_view path;
    };
    std::istringstream lines{metrics_text(logic, counts, std::array<named, 1>{{{"/api/nodes"}}}, {now, 0})};
    std::regex const help{"# HELP ([a-z_]+) [A-Z0-9].*\\."}, type{"# TYPE ([a-z_]+) (gauge|counter)"},
        sample{"([a-z_]+)(\\{[a-z]+=\"[^\"\\\\]*\"(,[a-z]+=\"[^\"\\\\]*\")*\\})? [0-9]+"};
    std::set<std::string> families, samples;
    std::string line, family;
    std::smatch found;
    while (std::getline(lines, line)) {
        CAPTURE(line);
        if (std::regex_match(line, found, help)) {
            family = found[1];
            CHECK(families.insert(family).second);
        } else if (std::regex_match(line, found, type)) {
            CHECK(found[1] == family);
            CHECK((found[2] == "counter") == family.ends_with("_total"));
        } else {
            REQUIRE(std::regex_match(line, found, sample));
            CHECK(found[1] == family);
            CHECK(samples.insert(line.substr(0, line.rfind(' '))).second);
        }
    }
    CHECK(families.size() >= 10);
    CHECK(samples.count(R"(peerkit_registry_responses_total{route="/api/nodes",status="200"})") == 1);
    CHECK(samples.count(R"(peerkit_registry_responses_total{route="other",status="404"})") == 1);
}
