// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// check_frame_sealing names what a type lacks to be FrameSealing, and the page that explains it.
// expect: FrameSealing needs `static constexpr std::uint8_t suite` below 16; see docs/concepts/frame_sealing\.md
// expect: FrameSealing needs `std::uint32_t key_id\(\) const noexcept` and `bool knows.*docs/concepts/frame_sealing\.md
// expect: a FrameSealing needs `void seal\(.*\) const noexcept`; see docs/concepts/frame_sealing\.md
// expect: a FrameSealing needs `bool open\(.*\) const noexcept`; see docs/concepts/frame_sealing\.md
#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/sealing.hpp>

struct knows_a_suite {
    static constexpr std::uint8_t suite = 1;
};

#if PEERKIT_COMPILE_FAIL
static_assert(peerkit::crypto::check_frame_sealing<int>());
static_assert(peerkit::crypto::check_frame_sealing<knows_a_suite>());
#else
static_assert(peerkit::crypto::check_frame_sealing<peerkit::crypto::fake_sealing>());
static_assert(!peerkit::crypto::FrameSealing<knows_a_suite>);
#endif
