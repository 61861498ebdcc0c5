// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the sealing concept: what satisfies it and what does not.
#include <peerkit/crypto/sealing.hpp>

#include <doctest/doctest.h>

#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/key_ring.hpp>
#include <peerkit/crypto/open_network.hpp>

using namespace peerkit;
using crypto::FrameSealing;
using crypto::nonce_view;

namespace {

struct whole {
    static constexpr std::uint8_t suite = 15;
    std::uint32_t key_id() const noexcept { return 0; }
    bool knows(std::uint32_t) const noexcept { return false; }
    void seal(nonce_view, byte_view, byte_span) const noexcept {}
    bool open(std::uint32_t, nonce_view, byte_view, byte_span) const noexcept { return false; }
};
struct suite_too_large : whole {
    static constexpr std::uint8_t suite = 16;
};
struct suite_of_the_object : whole {
    std::uint8_t suite = 1;
};
struct no_keys {
    static constexpr std::uint8_t suite = 1;
    void seal(nonce_view, byte_view, byte_span) const noexcept {}
    bool open(std::uint32_t, nonce_view, byte_view, byte_span) const noexcept { return false; }
};
struct seal_changes_it : whole {
    void seal(nonce_view, byte_view, byte_span) noexcept {}
};
struct open_says_nothing : whole {
    void open(std::uint32_t, nonce_view, byte_view, byte_span) const noexcept {}
};

} // namespace

TEST_CASE("all sealings are frame sealing policies") {
    CHECK(FrameSealing<crypto::xchacha_sealing>);
    CHECK(FrameSealing<crypto::open_sealing>);
    CHECK(FrameSealing<crypto::fake_sealing>);
    CHECK(FrameSealing<whole>);
    CHECK(crypto::check_frame_sealing<whole>());
}

TEST_CASE("a type that lacks one requirement of frame sealing is not accepted") {
    CHECK_FALSE(FrameSealing<int>);
    CHECK_FALSE(crypto::SealingHasSuite<suite_too_large>);
    CHECK_FALSE(crypto::SealingHasSuite<suite_of_the_object>);
    CHECK_FALSE(FrameSealing<suite_too_large>);
    CHECK_FALSE(FrameSealing<suite_of_the_object>);
    CHECK_FALSE(crypto::SealingHasKeys<no_keys>);
    CHECK_FALSE(FrameSealing<no_keys>);
    CHECK_FALSE(crypto::SealingSeals<seal_changes_it>);
    CHECK_FALSE(FrameSealing<seal_changes_it>);
    CHECK_FALSE(crypto::SealingOpens<open_says_nothing>);
    CHECK_FALSE(FrameSealing<open_says_nothing>);
}
