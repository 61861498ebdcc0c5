// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The archetype, the exemplar and the composition of DiscoveryStrategy that docs/concepts/discovery_strategy.md quotes.
#include <peerkit/discovery/strategy.hpp>

#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/discovery/all_of.hpp>
#include <peerkit/discovery/dns_pattern.hpp>
#include <peerkit/discovery/filtered.hpp>
#include <peerkit/discovery/first_of.hpp>
#include <peerkit/discovery/keep_last_good.hpp>
#include <peerkit/discovery/static_list.hpp>
#include <peerkit/discovery/tailscale.hpp>
#include <peerkit/discovery/with_retry.hpp>
#include <peerkit/discovery/with_timeout.hpp>

#include "support/run_strategy.hpp"
#include "support/scripted_strategy.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;

namespace {

namespace archetype {

/// The least a strategy can be: no default constructor, no copy, no assignment.
class strategy {
public:
    static strategy make() noexcept { return {}; }
    strategy(strategy&&) noexcept = default;
    strategy& operator=(strategy&&) = delete;

    [[nodiscard]] std::string_view name() const noexcept { return "least"; }
    [[nodiscard]] discovery::step begin(peerkit::time_point now) {
        return discovery::step::ask(discovery::wait_until{now});
    }
    [[nodiscard]] discovery::step resume(discovery::ticket, discovery::outcome, peerkit::time_point) {
        return discovery::step::found({});
    }

private:
    strategy() = default;
};
static_assert(discovery::check_strategy<strategy>());
static_assert(discovery::DiscoveryStrategy<strategy>);

} // namespace archetype

namespace lacking {

struct name {
    discovery::step begin(peerkit::time_point);
    discovery::step resume(discovery::ticket, discovery::outcome, peerkit::time_point);
};
struct const_name : name {
    std::string_view name() noexcept;
};
struct begin {
    std::string_view name() const noexcept;
    discovery::step resume(discovery::ticket, discovery::outcome, peerkit::time_point);
};
struct resume {
    std::string_view name() const noexcept;
    discovery::step begin(peerkit::time_point);
};
struct ticket : resume {
    discovery::step resume(discovery::outcome, peerkit::time_point);
};
struct move : archetype::strategy {
    move(move&&) = delete;
};
static_assert(!discovery::HasStrategyName<name> && !discovery::DiscoveryStrategy<name>);
static_assert(!discovery::HasStrategyName<const_name>);
static_assert(!discovery::HasStrategyBegin<begin> && !discovery::DiscoveryStrategy<begin>);
static_assert(!discovery::HasStrategyResume<resume> && !discovery::DiscoveryStrategy<resume>);
static_assert(!discovery::HasStrategyResume<ticket> && !discovery::DiscoveryStrategy<ticket>);
static_assert(!discovery::HasStrategyMove<move> && !discovery::DiscoveryStrategy<move>);

} // namespace lacking

} // namespace

// [exemplar]
/// Finds the machines that have an address from the dnsmasq on this one. A line of its file is
/// "1700000000 52:54:00:12:34:56 192.168.1.23 db1 *": when the lease ends, hardware address, address, name, client.
class dnsmasq_leases {
public:
    explicit dnsmasq_leases(std::string path) : path_{std::move(path)} {}

    [[nodiscard]] std::string_view name() const noexcept { return "dnsmasq_leases"; }

    [[nodiscard]] peerkit::discovery::step begin(peerkit::time_point) {
        return peerkit::discovery::step::ask(peerkit::discovery::read_file{.path = path_});
    }

    [[nodiscard]] peerkit::discovery::step resume(peerkit::discovery::ticket, peerkit::discovery::outcome got,
                                                  peerkit::time_point) {
        using namespace peerkit::discovery;
        auto const* file = std::get_if<file_text>(&got);
        if (file == nullptr) return step::failed(why_not(got)).watching(watch_file{.path = path_});

        std::vector<candidate> found;
        for (std::string_view rest = file->text; !rest.empty();) {
            auto const [ends, hardware, address, machine] = first_words(cut(rest, '\n'));
            auto const there = peerkit::ip_address::parse(address);
            if (!there) continue;
            candidate c;
            if (machine != "*") c.name = c.name.cut(machine);
            c.addresses = {{*there, peerkit::default_gossip_port}};
            c.source = provenance::host;
            found.push_back(std::move(c));
        }
        // A new lease is a reason to look again at once.
        return step::found(std::move(found)).watching(watch_file{.path = path_, .seen = file->stamp});
    }

private:
    /// Takes what is in front of `end` off `rest`.
    [[nodiscard]] static std::string_view cut(std::string_view& rest, char end) noexcept {
        std::string_view const taken = rest.substr(0, rest.find(end));
        rest.remove_prefix(std::min(taken.size() + 1, rest.size()));
        return taken;
    }
    [[nodiscard]] static std::array<std::string_view, 4> first_words(std::string_view line) noexcept {
        std::array<std::string_view, 4> words;
        for (std::string_view& word : words) word = cut(line, ' ');
        return words;
    }

    std::string path_;
};
static_assert(peerkit::discovery::check_strategy<dnsmasq_leases>());
// [/exemplar]

namespace {

// [composition]
/// The machines of the tailnet that are ours; without a tailnet, names in DNS and the user's list together. What was
/// found last outlives an outage of up to six hours.
auto find_peers(peerkit::discovery::tailscale tailnet, peerkit::discovery::dns_pattern names,
                peerkit::discovery::static_list seeds, peerkit::discovery::name_pattern ours, std::uint64_t seed) {
    using namespace peerkit::discovery;
    return keep_last_good{
        first_of{with_timeout{filtered{std::move(tailnet), by_name{std::move(ours)}}, std::chrono::seconds{10}},
                 all_of{with_retry{std::move(names), {.attempts = 2}, peerkit::seeded_rng{seed}}, std::move(seeds)}},
        {.max_age = std::chrono::hours{6}}};
}
// [/composition]

using words = std::vector<std::string>;

TEST_CASE("the archetype of a strategy runs alone and inside every combinator") {
    auto const make = archetype::strategy::make;
    auto least = make();
    CHECK(peerkit_test::run(least, peerkit_test::silence).answer->empty());
    discovery::keep_last_good all{discovery::with_timeout{
        discovery::with_retry{
            discovery::filtered{discovery::all_of{discovery::first_of{make(), make()}, make()}, discovery::by_name{}},
            {},
            peerkit::seeded_rng{1}},
        std::chrono::seconds{1}}};
    static_assert(discovery::check_strategy<decltype(all)>());
    auto const report = peerkit_test::run(all, peerkit_test::silence);
    REQUIRE(report.answer);
    CHECK(report.answer->empty());
    CHECK(report.asked.size() == 4); // three of theirs, and the time limit
}

TEST_CASE("the exemplar of a discovery strategy asks for its file, finds the peers in it and watches it") {
    dnsmasq_leases strategy{"leases"};
    discovery::file_stamp const stamp{.modified_ns = 1, .size = 2, .inode = 3};
    auto const report = peerkit_test::run(strategy, [&](discovery::effect const& wanted, peerkit::time_point) {
        CHECK(std::get<discovery::read_file>(wanted).path == "leases");
        return std::optional{peerkit_test::reply{
            discovery::file_text{"1700000000 52:54:00:12:34:56 192.0.2.23 db1 *\nnonsense\n\n"
                                 "1700000001 52:54:00:12:34:57 192.0.2.24 * 01:52:54:00:12:34:57\nduid 00:01",
                                 stamp}}};
    });
    CHECK(peerkit_test::names(report) == words{"db1", ""});
    CHECK(report.answer->back().addresses.front().to_string() == "192.0.2.24:9000");
    CHECK(report.watches == std::vector<discovery::effect>{discovery::watch_file{.path = "leases", .seen = stamp}});
}

TEST_CASE("the exemplar of a discovery strategy fails with the driver's reason, and waits for its file to appear") {
    dnsmasq_leases strategy{"leases"};
    auto const report = peerkit_test::run(strategy, [](discovery::effect const&, peerkit::time_point) {
        return std::optional{peerkit_test::reply{peerkit::error{discovery::discovery_error::unavailable, 2}}};
    });
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery::discovery_error::unavailable);
    CHECK(report.watches == std::vector<discovery::effect>{discovery::watch_file{.path = "leases"}});
}

TEST_CASE("the composition looks in the tailnet, then elsewhere, and remembers") {
    discovery::tailscale_options once;
    once.tries = 1;
    auto tailnet = discovery::tailscale::make(std::move(once));
    auto names = discovery::dns_pattern::create({.pattern = "tw_node*.example.org"});
    auto seeds = discovery::static_list::parse("192.0.2.7");
    auto ours = discovery::name_pattern::parse("tw_node*");
    REQUIRE(tailnet);
    REQUIRE(names);
    REQUIRE(seeds);
    REQUIRE(ours);
    auto strategy = find_peers(std::move(*tailnet), std::move(*names), std::move(*seeds), std::move(*ours), 1);
    static_assert(discovery::check_strategy<decltype(strategy)>());
    CHECK(strategy.name() == "first_of");

    auto const world = [](discovery::effect const& wanted, peerkit::time_point) {
        peerkit_test::reply said{peerkit::error{discovery::discovery_error::unavailable, 2}};
        if (auto const* lookup = std::get_if<discovery::resolve_name>(&wanted)) {
            said.what = peerkit::error{discovery::discovery_error::unresolved};
            if (lookup->host.starts_with("tw_node03.")) {
                said.what = discovery::resolved{{peerkit::ip_address::v4(192, 0, 2, 3)}, {}};
            }
        }
        return std::optional{said};
    };
    auto const report = peerkit_test::run(strategy, world);
    REQUIRE(report.answer);
    REQUIRE(report.answer->size() == 2);
    CHECK(report.answer->front().source == discovery::provenance::dns);
    CHECK(report.answer->back().source == discovery::provenance::static_list);
    CHECK(strategy.inner().attempts()[0].strategy == "tailscale");
    CHECK(strategy.inner().attempts()[0].state == discovery::attempt::outcome_kind::failed);
    CHECK(strategy.inner().attempts()[1].candidates == 2);
}

TEST_CASE("the page of DiscoveryStrategy quotes the exemplar and the composition as they are compiled here") {
    auto const read = [](char const* path) {
        std::ifstream in{std::string{PEERKIT_TEST_DATA} + path};
        return std::string{std::istreambuf_iterator<char>{in}, {}};
    };
    std::string const source = read("/../concepts/discovery_strategy.cpp");
    std::string const page = read("/../../docs/concepts/discovery_strategy.md");
    for (std::string const region : {"exemplar", "composition"}) {
        CAPTURE(region);
        std::string const opening = "// [" + region + "]\n";
        std::size_t const first = source.find(opening) + opening.size(), last = source.find("// [/" + region + "]");
        REQUIRE(first < last);
        CHECK(page.find("```cpp\n" + source.substr(first, last - first) + "```") != std::string::npos);
    }
}

} // namespace
