// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The archetype and the exemplar of DiscoveryStrategy that docs/concepts/discovery_strategy.md quotes, and its driver.
#include <peerkit/discovery/strategy.hpp>

#include <peerkit/core/endpoint.hpp>
#include <peerkit/discovery/first_of.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace {

namespace archetype {

/// The least a strategy can be: no default constructor, no copy, no assignment.
class strategy {
public:
    strategy() = delete;
    strategy(strategy&&) noexcept = default;
    strategy& operator=(strategy&&) = delete;

    [[nodiscard]] std::string_view name() const noexcept;
    [[nodiscard]] peerkit::discovery::step begin(peerkit::time_point now);
    [[nodiscard]] peerkit::discovery::step resume(std::span<peerkit::discovery::outcome> outcomes,
                                                  peerkit::time_point now);
};
static_assert(peerkit::discovery::check_strategy<strategy>());
static_assert(peerkit::discovery::DiscoveryStrategy<strategy>);
static_assert(peerkit::discovery::DiscoveryStrategy<peerkit::discovery::first_of<strategy, strategy>>);

} // namespace archetype

namespace lacking {

struct name {
    peerkit::discovery::step begin(peerkit::time_point);
    peerkit::discovery::step resume(std::span<peerkit::discovery::outcome>, peerkit::time_point);
};
struct const_name : name {
    std::string_view name() noexcept;
};
struct begin {
    std::string_view name() const noexcept;
    peerkit::discovery::step resume(std::span<peerkit::discovery::outcome>, peerkit::time_point);
};
struct resume {
    std::string_view name() const noexcept;
    peerkit::discovery::step begin(peerkit::time_point);
};
struct move : archetype::strategy {
    move(move&&) = delete;
};
static_assert(!peerkit::discovery::HasStrategyName<name> && !peerkit::discovery::DiscoveryStrategy<name>);
static_assert(!peerkit::discovery::HasStrategyName<const_name>);
static_assert(!peerkit::discovery::HasStrategyBegin<begin> && !peerkit::discovery::DiscoveryStrategy<begin>);
static_assert(!peerkit::discovery::HasStrategyResume<resume> && !peerkit::discovery::DiscoveryStrategy<resume>);
static_assert(!peerkit::discovery::HasStrategyMove<move> && !peerkit::discovery::DiscoveryStrategy<move>);

} // namespace lacking

} // namespace

// [exemplar]
/// Reads peers from a file, one endpoint per line, that another program keeps up to date.
class peer_file {
public:
    explicit peer_file(std::string path) : path_{std::move(path)} {}

    [[nodiscard]] std::string_view name() const noexcept { return "peer_file"; }

    [[nodiscard]] peerkit::discovery::step begin(peerkit::time_point) {
        return peerkit::discovery::step::ask(peerkit::discovery::read_file{.path = path_});
    }

    [[nodiscard]] peerkit::discovery::step resume(std::span<peerkit::discovery::outcome> outcomes,
                                                  peerkit::time_point) {
        auto const* file = std::get_if<peerkit::discovery::file_text>(&outcomes.front());
        if (file == nullptr) return peerkit::discovery::step::failed(peerkit::discovery::why_not(outcomes.front()));

        std::vector<peerkit::discovery::candidate> found;
        std::string_view rest = file->text;
        while (!rest.empty()) {
            std::string_view const line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
            auto const there = peerkit::endpoint::parse(line);
            if (!there || there->is_host_name()) continue;
            peerkit::discovery::candidate c;
            c.name = c.name.cut(line);
            c.addresses = {there->ip()};
            c.source = peerkit::discovery::provenance::host;
            found.push_back(std::move(c));
        }
        return peerkit::discovery::step::found(std::move(found));
    }

private:
    std::string path_;
};
static_assert(peerkit::discovery::check_strategy<peer_file>());
// [exemplar]

namespace {

TEST_CASE("the exemplar of a discovery strategy asks for its file and finds the peers in it") {
    peer_file strategy{"peers.txt"};
    peerkit::discovery::step const asking = strategy.begin(peerkit::time_point{});
    REQUIRE(asking.effects().size() == 1);
    CHECK(std::get<peerkit::discovery::read_file>(asking.effects()[0]).path == "peers.txt");
    std::vector<peerkit::discovery::outcome> outcomes{
        peerkit::discovery::file_text{"192.0.2.1\nnonsense:\n[2001:db8::1]:9100\n"}};
    peerkit::discovery::step const last = strategy.resume(outcomes, peerkit::time_point{});
    REQUIRE(last.ended());
    REQUIRE(last.answer());
    REQUIRE(last.answer()->size() == 2);
    CHECK((*last.answer())[1].addresses.front().to_string() == "[2001:db8::1]:9100");
}

TEST_CASE("the exemplar of a discovery strategy fails with the driver's reason") {
    peer_file strategy{"peers.txt"};
    static_cast<void>(strategy.begin(peerkit::time_point{}));
    std::vector<peerkit::discovery::outcome> outcomes{
        peerkit::error{peerkit::discovery::discovery_error::unavailable, 2}};
    peerkit::discovery::step const last = strategy.resume(outcomes, peerkit::time_point{});
    REQUIRE_FALSE(last.answer());
    CHECK(last.answer().error() == peerkit::discovery::discovery_error::unavailable);
}

} // namespace
