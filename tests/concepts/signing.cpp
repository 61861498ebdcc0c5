// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Archetype and exemplar of Signing; docs/concepts/signing.md quotes the exemplar.
#include <peerkit/crypto/signing.hpp>

#include <doctest/doctest.h>

#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/signed_record.hpp>

#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

using namespace peerkit;

namespace {

/// The archetype: what the concept asks for and nothing besides.
class least_identity {
public:
    static least_identity make() noexcept { return least_identity{}; }
    least_identity(least_identity const&) = delete;
    least_identity& operator=(least_identity const&) = delete;

    node_id id() const noexcept { return crypto::fake_identity{1}.id(); }
    crypto::signature sign(byte_view message) const noexcept { return crypto::fake_identity{1}.sign(message); }
    static bool verify(node_id const& id, byte_view message, byte_view signature) noexcept {
        return crypto::fake_identity::verify(id, message, signature);
    }

private:
    least_identity() = default;
};
static_assert(crypto::check_signing<least_identity>());

// [exemplar]
/// Another identity, with a count of what it signed: a node that signs much announces much.
template <crypto::Signing Inner>
class counted_identity {
public:
    explicit counted_identity(Inner inner) noexcept : inner_{std::move(inner)} {}

    [[nodiscard]] node_id id() const noexcept { return inner_.id(); }
    [[nodiscard]] crypto::signature sign(byte_view message) const noexcept {
        ++signed_;
        return inner_.sign(message);
    }
    [[nodiscard]] static bool verify(node_id const& id, byte_view message, byte_view signature) noexcept {
        return Inner::verify(id, message, signature);
    }

    [[nodiscard]] std::uint64_t signatures() const noexcept { return signed_; }

private:
    Inner inner_;
    mutable std::uint64_t signed_ = 0;
};
static_assert(crypto::check_signing<counted_identity<crypto::ed25519_identity>>());
// [/exemplar]

template <crypto::Signing Identity>
bool announces(Identity const& identity) {
    std::array<std::byte, limits::record> out;
    auto const record = crypto::sign_record(identity, network_id{}, description{.name = "n"}, 1, false, out);
    return record && record->id() == identity.id() && crypto::verify_record<Identity>(*record, network_id{});
}

} // namespace

TEST_CASE("code written against Signing runs on its archetype") { CHECK(announces(least_identity::make())); }

TEST_CASE("a counted identity signs as the one inside and counts") {
    auto inner = crypto::ed25519_identity::generate();
    REQUIRE(inner);
    node_id const id = inner->id();
    counted_identity const identity{std::move(*inner)};
    CHECK(identity.id() == id);
    CHECK(identity.signatures() == 0);
    CHECK(announces(identity));
    CHECK(identity.signatures() == 1);
}

TEST_CASE("the page of Signing quotes the exemplar as it is compiled here") {
    auto const read = [](char const* path) {
        std::ifstream in{std::string{PEERKIT_TEST_DATA} + path};
        return std::string{std::istreambuf_iterator<char>{in}, {}};
    };
    std::string const source = read("/../concepts/signing.cpp");
    std::string const page = read("/../../docs/concepts/signing.md");
    std::size_t const first = source.find("// [exemplar]\n") + 14, last = source.find("// [/exemplar]");
    REQUIRE(first < last);
    CHECK(page.find("```cpp\n" + source.substr(first, last - first) + "```") != std::string::npos);
}
