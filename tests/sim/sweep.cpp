// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The sweep: seeds that once went wrong, real engines with a bug in one policy, and a bug made small.
#include "sweep.hpp"

#include <peerkit/gossip/plain_swim.hpp>

#include <doctest/doctest.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "support.hpp"

using namespace sweep;

namespace {

// --- real nodes, each with one policy that has a bug ---

/// Opens whatever is sealed with the key it knows by name, without looking at the tag.
struct gullible_sealing : crypto::fake_sealing {
    gullible_sealing(crypto::fake_sealing const& sound) : crypto::fake_sealing{sound} {}
    [[nodiscard]] bool open(std::uint32_t id, crypto::nonce_view, byte_view, byte_span) const noexcept {
        return knows(id);
    }
};
/// Refuses the records of some, so that nobody gets to know them.
struct picky_handler : gossip::accept_announcements {
    [[nodiscard]] gossip::verdict on_announcement(wire::record_view const& record,
                                                  gossip::announcement_context const&) noexcept {
        bool const disliked = static_cast<std::uint64_t>(record.short_id()) % 4 == 0;
        return disliked ? gossip::verdict::refuse : gossip::verdict::accept;
    }
};
/// Takes part in exchanges and offers nothing.
struct silent_repair : gossip::digest_ranges {
    [[nodiscard]] bool offers(membership::member const&, gossip::exchange_reason) const noexcept { return false; }
};
/// Never believes that a probe failed.
struct lazy_detector : gossip::corroborated {
    [[nodiscard]] bool failed(gossip::failed_probe const&) noexcept { return false; }
    [[nodiscard]] bool sound() const noexcept { return false; }
};
/// Gives the accused all the time in the world.
struct patient_detector : gossip::corroborated {
    [[nodiscard]] membership::suspicion_time suspicion(gossip::tunables const& t, std::size_t members) const noexcept {
        auto s = gossip::corroborated::suspicion(t, members);
        s.shortest = s.longest = 24h;
        return s;
    }
};
/// Accuses at once, after one ping that is given no time.
struct hasty_detector : gossip::plain_swim {
    [[nodiscard]] gossip::probe_plan plan(gossip::tunables const& t) const noexcept {
        auto p = gossip::plain_swim::plan(t);
        p.helpers_after = p.helpers_again = 200us;
        p.verdict_after = 400us;
        return p;
    }
};

using gossip::policies;
using sealed_by_nobody = policies<crypto::fake_identity, gullible_sealing, seeded_rng>;

// --- real nodes with a bug around the engine ---

/// Tells the world that its incarnation is another.
struct boaster : sim::default_node {
    using sim::default_node::default_node;
    [[nodiscard]] std::uint64_t incarnation() const noexcept { return sim::default_node::incarnation() + 1; }
};
/// Shows one member too few once it has many.
struct forgetful : sim::default_node {
    using sim::default_node::default_node;
    template <typename F>
    void for_each_member(F&& f) const {
        std::size_t shown = 0;
        sim::default_node::for_each_member([&](gossip::member_view const& m) {
            if (++shown != 3 || m.is_self()) f(m);
        });
    }
};
/// Takes datagrams from one in four of the others only.
struct hard_of_hearing : sim::default_node {
    using sim::default_node::default_node;
    void on_datagram(byte_span bytes, ip_endpoint const& from, time_point now, gossip::outbox& out) {
        if (from.address.bytes()[3] < std::byte{64} && std::to_integer<unsigned>(from.address.bytes()[3]) % 4 == 0)
            sim::default_node::on_datagram(bytes, from, now, out);
    }
};

/// The first of a few seeds at which nodes of that kind go wrong, and how.
struct catch_ {
    sim::plan plan;
    sim::verdict verdict;
};
template <typename Node, typename Policies>
std::optional<catch_> caught(sim::basic_nodes<Policies> const& nodes) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        auto const p = sim::plan::draw(seed, {.nodes_most = 20, .faults_most = 4min});
        if (auto v = run<Node>(p, nodes); !v.fine()) return catch_{p, std::move(v)};
    }
    return std::nullopt;
}
template <typename Policies>
std::optional<catch_> caught() {
    return caught<node::node_logic<Policies>>(sim::basic_nodes<Policies>{});
}
/// "caught at seed 3 by P20 ..." for a message, and whether it is one of those that fit the bug.
bool fits(std::optional<catch_> const& c, std::vector<sim::property> const& expected) {
    if (!c) return false;
    MESSAGE("seed " << c->plan.seed << ": " << c->verdict.what);
    for (sim::property const p : expected) {
        if (p == c->verdict.broken) return true;
    }
    return false;
}

} // namespace

TEST_CASE("seeds that once went wrong go well") {
    std::ifstream in{std::string{PEERKIT_TEST_DATA} + "/../sim/seeds.txt"};
    std::size_t lived = 0;
    for (std::string line; std::getline(in, line);) {
        std::istringstream words{line};
        std::uint64_t seed = 0;
        sim::plan_bounds bounds;
        if (!(words >> seed >> bounds.nodes_most)) continue;
        ++lived;
        sim::verdict const v = run(sim::plan::draw(seed, bounds));
        INFO("tests/sim/run --seeds " << seed << " --nodes " << bounds.nodes_most << "\n" << v.report);
        CHECK(v.what == "");
    }
    CHECK(lived >= 4);
}

TEST_CASE("the same plan takes the same course, whoever watches") {
    auto const p = sim::plan::draw(7);
    CHECK(run(p).trace_hash == run(p).trace_hash);
}

TEST_CASE("a bug in any policy of a real node is caught within thirty seeds, and named") {
    using sim::property;
    CHECK(fits(caught<sealed_by_nobody>(), {property::strangers_change_nothing, property::strangers_get_no_answer}));
    CHECK(fits(caught<sim::default_policies::with_announcements<picky_handler>>(), {property::convergence}));
    CHECK(fits(caught<sim::default_policies::with_anti_entropy<silent_repair>>(), {property::convergence}));
    CHECK(fits(caught<sim::default_policies::with_detector<lazy_detector>>(),
               {property::completeness, property::quiescence}));
    CHECK(fits(caught<sim::default_policies::with_detector<patient_detector>>(), {property::completeness}));
    CHECK(fits(caught<sim::default_policies::with_detector<hasty_detector>>(),
               {property::accuracy, property::convergence, property::bounded_traffic}));
}

TEST_CASE("a bug around a real engine is caught within thirty seeds, and named") {
    using sim::property;
    sim::default_nodes const nodes;
    CHECK(fits(caught<boaster>(nodes), {property::alive_to_itself}));
    CHECK(fits(caught<forgetful>(nodes), {property::events_tell_the_view, property::convergence}));
    CHECK(fits(caught<hard_of_hearing>(nodes), {property::convergence, property::accuracy, property::quiescence}));
}

TEST_CASE("a plan that goes wrong is made small, and still goes wrong in the same way") {
    // A detector that never accuses leaves the crashed in view: no incident is needed to see that.
    using lazy = sim::default_policies::with_detector<lazy_detector>;
    sim::basic_nodes<lazy> const nodes;
    auto const again = [&](sim::plan const& p) { return run<node::node_logic<lazy>>(p, nodes); };
    sim::plan large = sim::plan::draw(3, {.nodes_least = 8, .nodes_most = 12, .faults_most = 3min, .patience = 1min});
    sim::verdict const found = again(large);
    REQUIRE(found.broken == sim::property::completeness);
    sim::plan const small = shrink(large, found, again, 60);
    CHECK(small.incidents.empty());
    CHECK(small.nodes <= 3);
    CHECK(again(small).broken == sim::property::completeness);
}
