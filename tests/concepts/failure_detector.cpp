// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Archetype and exemplar of FailureDetector; docs/concepts/failure_detector.md quotes the exemplar.
#include <peerkit/gossip/detector.hpp>

#include <doctest/doctest.h>

#include <peerkit/gossip/engine.hpp>
#include <peerkit/gossip/lifeguard.hpp>
#include <peerkit/gossip/persistent_swim.hpp>
#include <peerkit/gossip/plain_swim.hpp>
#include <support/compiled_stage.hpp>

#include <cstddef>
#include <utility>

using namespace peerkit;

namespace {

/// The archetype: what the concept asks for, and what any policy handed to an engine needs: to be moved.
class least_detector {
public:
    static constexpr gossip::detector_traits traits{};
    explicit least_detector(int) noexcept {}
    least_detector(least_detector&&) noexcept = default;
    least_detector& operator=(least_detector&&) = delete;

    duration period(gossip::tunables const& t) const noexcept { return t.probe_period; }
    gossip::probe_plan plan(gossip::tunables const& t) const noexcept { return gossip::full_plan(t); }
    membership::suspicion_time suspicion(gossip::tunables const& t, std::size_t) const noexcept {
        return {t.probe_period, t.probe_period, 0};
    }
    void answered(short_id, bool) noexcept {}
    bool failed(gossip::failed_probe const&) noexcept { return true; }
    void refuted() noexcept {}
    void confirmed(short_id) noexcept {}
    bool sound() const noexcept { return true; }
};
static_assert(gossip::FailureDetector<least_detector>);
static_assert(gossip::check_failure_detector<least_detector>());

// [exemplar]
/// For a handful of nodes that all matter: nobody is accused before three probes in a row have failed, whoever they
/// were of, so that a hiccup of this node costs nobody a suspicion.
struct third_time_counts : peerkit::gossip::persistent_swim {
    void answered(peerkit::short_id, bool) noexcept { failures = 0; }
    [[nodiscard]] bool failed(peerkit::gossip::failed_probe const&) noexcept { return ++failures >= 3; }
    unsigned failures = 0;
};
static_assert(peerkit::gossip::check_failure_detector<third_time_counts>());
// [/exemplar]

// Each requirement is missing from a type of its own, and from that one alone.
struct no_traits : third_time_counts {
private:
    using third_time_counts::traits;
};
struct plan_of_another_type : third_time_counts {
    int plan(gossip::tunables const&) const noexcept { return 0; }
};
struct suspicion_may_throw : third_time_counts {
    membership::suspicion_time suspicion(gossip::tunables const&, std::size_t) const { return {}; }
};
struct failure_decides_nothing : third_time_counts {
    void failed(gossip::failed_probe const&) noexcept {}
};
static_assert(!gossip::HasDetectorTraits<no_traits> && gossip::HasProbePlan<no_traits>);
static_assert(!gossip::HasProbePlan<plan_of_another_type> && gossip::HasSuspicionTime<plan_of_another_type>);
static_assert(!gossip::HasSuspicionTime<suspicion_may_throw> && gossip::HasSelfHealth<suspicion_may_throw>);
static_assert(!gossip::HasSelfHealth<failure_decides_nothing> && gossip::HasProbePlan<failure_decides_nothing>);
static_assert(!gossip::FailureDetector<no_traits> && !gossip::FailureDetector<plan_of_another_type> &&
              !gossip::FailureDetector<suspicion_may_throw> && !gossip::FailureDetector<failure_decides_nothing>);

template <typename Detector>
using engine_of = gossip::engine<tests::fake_policies<gossip::accept_announcements, gossip::full_state, Detector>>;

/// Seconds until a member that says nothing is suspected, at most 20.
template <typename Detector>
int suspected_after(Detector d) {
    tests::basic_stage<engine_of<Detector>> s{
        {{}, {}, gossip::lan(), 1}, gossip::accept_announcements{}, gossip::full_state{}, std::move(d)};
    REQUIRE(s.start());
    s.polite = false;
    (void)s.add_member(1);
    for (int second = 0; second < 20; ++second) {
        for (auto const& e : s.events) {
            if (e.kind == tests::event_kind::member_suspected) return second;
        }
        REQUIRE(s.advance(std::chrono::seconds{1}));
    }
    return 20;
}

} // namespace

TEST_CASE("the engine runs on the archetype of a failure detector") { CHECK(suspected_after(least_detector{1}) <= 2); }

TEST_CASE("a detector decides after which failure a member is accused") {
    CHECK(suspected_after(third_time_counts{}) >= 3);
    CHECK(suspected_after(third_time_counts{}) <= 4);
    CHECK(suspected_after(gossip::plain_swim{}) <= 2);
    CHECK(suspected_after(gossip::lifeguard{}) <= 2);
}
