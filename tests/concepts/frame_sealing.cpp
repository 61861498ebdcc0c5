// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Archetype and exemplar of FrameSealing; docs/concepts/frame_sealing.md quotes the exemplar.
#include <peerkit/crypto/sealing.hpp>

#include <doctest/doctest.h>

#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/frame.hpp>
#include <peerkit/crypto/key_ring.hpp>

#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

using namespace peerkit;

namespace {

/// The archetype: what the concept asks for and nothing besides.
class least_sealing {
public:
    static constexpr std::uint8_t suite = wire::suites::xchacha20poly1305;
    static least_sealing make() noexcept { return least_sealing{}; }
    least_sealing(least_sealing const&) = delete;
    least_sealing& operator=(least_sealing const&) = delete;

    std::uint32_t key_id() const noexcept { return inner_.key_id(); }
    bool knows(std::uint32_t id) const noexcept { return inner_.knows(id); }
    void seal(crypto::nonce_view nonce, byte_view ad, byte_span text_then_tag) const noexcept {
        inner_.seal(nonce, ad, text_then_tag);
    }
    bool open(std::uint32_t id, crypto::nonce_view nonce, byte_view ad, byte_span text_then_tag) const noexcept {
        return inner_.open(id, nonce, ad, text_then_tag);
    }

private:
    least_sealing() = default;
    crypto::fake_sealing inner_;
};
static_assert(crypto::check_frame_sealing<least_sealing>());

// [exemplar]
/// Another sealing, with a count of the frames that did not open: somebody knocks.
template <crypto::FrameSealing Inner>
class watched_sealing {
public:
    static constexpr std::uint8_t suite = Inner::suite;

    explicit watched_sealing(Inner inner) noexcept : inner_{std::move(inner)} {}

    [[nodiscard]] std::uint32_t key_id() const noexcept { return inner_.key_id(); }
    [[nodiscard]] bool knows(std::uint32_t id) const noexcept { return inner_.knows(id); }

    void seal(crypto::nonce_view nonce, byte_view ad, byte_span text_then_tag) const noexcept {
        inner_.seal(nonce, ad, text_then_tag);
    }
    [[nodiscard]] bool open(std::uint32_t id, crypto::nonce_view nonce, byte_view ad,
                            byte_span text_then_tag) const noexcept {
        bool const opened = inner_.open(id, nonce, ad, text_then_tag);
        refused_ += opened ? 0 : 1;
        return opened;
    }

    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

private:
    Inner inner_;
    mutable std::uint64_t refused_ = 0;
};
static_assert(crypto::check_frame_sealing<watched_sealing<crypto::xchacha_sealing>>());
// [/exemplar]

template <crypto::FrameSealing Sealing>
bool round_trip(Sealing const& sealing, std::byte damage = std::byte{0}) {
    std::array<std::byte, 100> buffer{};
    byte_span const frame = crypto::seal_frame(sealing, wire::envelope{}, network_id{}, node_id{}, nullptr, buffer, 20);
    frame.back() ^= damage;
    auto const opened = crypto::open_frame(sealing, network_id{}, node_id{}, nullptr, frame);
    return opened && equal(opened->plain, std::array<std::byte, 20>{});
}

} // namespace

TEST_CASE("code written against FrameSealing runs on its archetype") {
    CHECK(round_trip(least_sealing::make()));
    CHECK_FALSE(round_trip(least_sealing::make(), std::byte{1}));
}

TEST_CASE("a watched sealing seals as the one inside and counts what does not open") {
    auto const key = crypto::network_key::generate();
    REQUIRE(key);
    watched_sealing const sealing{crypto::xchacha_sealing{*key}};
    CHECK(sealing.key_id() == key->id());
    CHECK(round_trip(sealing));
    CHECK(sealing.refused() == 0);
    CHECK_FALSE(round_trip(sealing, std::byte{1}));
    CHECK(sealing.refused() == 1);
}

TEST_CASE("the page of FrameSealing quotes the exemplar as it is compiled here") {
    auto const read = [](char const* path) {
        std::ifstream in{std::string{PEERKIT_TEST_DATA} + path};
        return std::string{std::istreambuf_iterator<char>{in}, {}};
    };
    std::string const source = read("/../concepts/frame_sealing.cpp");
    std::string const page = read("/../../docs/concepts/frame_sealing.md");
    std::size_t const first = source.find("// [exemplar]\n") + 14, last = source.find("// [/exemplar]");
    REQUIRE(first < last);
    CHECK(page.find("```cpp\n" + source.substr(first, last - first) + "```") != std::string::npos);
}
