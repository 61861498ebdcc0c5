// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// check_failure_detector names the requirement a type does not meet, and the page that explains it.
// expect: `static constexpr gossip::detector_traits traits`, and with `watching::heartbeats`
// expect: `duration period\(tunables const&\) const noexcept`; see docs/concepts/failure_detector\.md
// expect: `membership::suspicion_time suspicion\(tunables const&, std::size_t members\) const noexcept`; see docs/conc
// expect: `void confirmed\(short_id\) noexcept` and `bool sound\(\) const noexcept`; see docs/concepts/failure_detec
#include <peerkit/gossip/detector.hpp>
#include <peerkit/gossip/plain_swim.hpp>

using namespace peerkit;

template <int Missing>
struct lacking {};
template <>
struct lacking<0> : gossip::plain_swim {
private:
    using gossip::plain_swim::traits;
};
template <>
struct lacking<1> : gossip::plain_swim {
    int plan(gossip::tunables const&) const noexcept;
};
template <>
struct lacking<2> : gossip::plain_swim {
    void suspicion() const noexcept;
};
template <>
struct lacking<3> : gossip::plain_swim {
    void failed(gossip::failed_probe const&) noexcept;
};

#if PEERKIT_COMPILE_FAIL
static_assert(gossip::check_failure_detector<lacking<0>>());
static_assert(gossip::check_failure_detector<lacking<1>>());
static_assert(gossip::check_failure_detector<lacking<2>>());
static_assert(gossip::check_failure_detector<lacking<3>>());
#else
static_assert(gossip::check_failure_detector<gossip::plain_swim>());
static_assert(!gossip::FailureDetector<lacking<0>>);
static_assert(!gossip::FailureDetector<lacking<3>>);
#endif
