// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the error value, its domains and result<T>.
#include <peerkit/core/error.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>

namespace {

enum class other_error : std::uint16_t { first = 1, last = 65535 };
enum class undescribed : std::uint16_t { value = 1 };
struct not_an_enum {};

} // namespace

template <>
struct peerkit::domain_of<other_error> {
    static constexpr std::string_view sentence(std::uint16_t value) noexcept {
        return value == 1 ? "the first of another floor" : "the last of another floor";
    }
    static constexpr error_domain const& get() noexcept { return domain; }
    static constexpr error_domain domain{"other", &sentence};
};

namespace {

using peerkit::core_error;
using peerkit::error;
using peerkit::fail;

static_assert(std::is_trivially_copyable_v<error>);
static_assert(std::is_trivially_destructible_v<error>);
static_assert(sizeof(error) <= 32, "an error is at most four words");
static_assert(!std::is_default_constructible_v<error>, "there is no error without a cause");

static_assert(peerkit::ErrorEnum<core_error> && peerkit::ErrorEnum<other_error>);
static_assert(!peerkit::ErrorEnum<undescribed>, "an enum without a domain is not an error enum");
static_assert(!peerkit::ErrorEnum<not_an_enum> && !peerkit::ErrorEnum<int>);
static_assert(!std::is_constructible_v<error, undescribed> && !std::is_constructible_v<error, int>);

static_assert(error{core_error::bad_port, 5, "port"} == core_error::bad_port, "usable in constant expressions");
static_assert(error{core_error::bad_port}.at(9, "seed") == core_error::bad_port);
static_assert(std::is_nothrow_constructible_v<error, core_error, std::uint64_t, char const*>);

constexpr core_error every[] = {
    core_error::empty,          core_error::too_long,      core_error::bad_character,    core_error::bad_address,
    core_error::bad_port,       core_error::bad_host_name, core_error::unclosed_bracket, core_error::bad_hex,
    core_error::duplicate_key,  core_error::not_sorted,    core_error::out_of_range,     core_error::not_found,
    core_error::unclosed_quote, core_error::bad_base64,
};
constexpr std::size_t how_many = sizeof every / sizeof every[0];

peerkit::result<int> half(int value) {
    if (value % 2 != 0) return fail(core_error::out_of_range, static_cast<std::uint64_t>(value), "value");
    return value / 2;
}
peerkit::result<int> quarter(int value) {
    auto const once = half(value);
    if (!once) return fail(once.error().at(once.error().position(), "quarter"));
    return half(*once);
}

} // namespace

TEST_CASE("every core error has a sentence of its own") {
    std::set<std::string> seen;
    for (core_error const value : every) {
        std::string const sentence{error{value}.sentence()};
        CHECK(!sentence.empty());
        CHECK(sentence != "unknown core error");
        CHECK(sentence.back() != '.');
        CHECK(seen.insert(sentence).second);
    }
    CHECK(seen.size() == how_many);
}

TEST_CASE("the core errors number 1 to the last without a hole, so zero never names an error") {
    for (std::size_t i = 0; i < how_many; ++i) CHECK(static_cast<std::size_t>(every[i]) == i + 1);
    CHECK(error{static_cast<core_error>(0)}.sentence() == "unknown core error");
    CHECK(error{static_cast<core_error>(how_many + 1)}.sentence() == "unknown core error");
    CHECK(error{static_cast<core_error>(0xffff)}.sentence() == "unknown core error");
}

TEST_CASE("an error carries its domain, value, position and field") {
    error const e{core_error::bad_port, 5, "port"};
    CHECK(e.domain() == "core");
    CHECK(e.value() == static_cast<std::uint16_t>(core_error::bad_port));
    CHECK(e.position() == 5);
    CHECK(e.field() == "port");

    error const largest{other_error::last, ~std::uint64_t{0}, "x"};
    CHECK(largest.domain() == "other");
    CHECK(largest.value() == 65535);
    CHECK(largest.position() == ~std::uint64_t{0});

    error const bare{core_error::empty};
    CHECK(bare.position() == 0);
    CHECK(bare.field().empty());
    CHECK(fail(core_error::empty).value().position() == 0);
    CHECK(fail(core_error::empty).value().field().empty());
}

TEST_CASE("a message has domain and sentence, and position and field where there are any") {
    CHECK(error{core_error::bad_port, 5, "port"}.message() ==
          "core: the port is not a number from 1 to 65535, at 5 (port)");
    CHECK(error{core_error::bad_port, 0, "port"}.message() == "core: the port is not a number from 1 to 65535 (port)");
    CHECK(error{core_error::bad_port, 5}.message() == "core: the port is not a number from 1 to 65535, at 5");
    CHECK(error{core_error::bad_port}.message() == "core: the port is not a number from 1 to 65535");
    CHECK(error{other_error::first, ~std::uint64_t{0}}.message() ==
          "other: the first of another floor, at 18446744073709551615");
}

TEST_CASE("an error said of another place keeps its cause and gets the new place") {
    error const e = error{core_error::bad_hex, 3, "digit"}.at(70, "node id");
    CHECK(e == core_error::bad_hex);
    CHECK(e.position() == 70);
    CHECK(e.field() == "node id");
}

TEST_CASE("errors compare by domain and value, not by place") {
    error const e{core_error::empty, 1, "a"};
    CHECK(e == core_error::empty);
    CHECK(core_error::empty == e);
    CHECK(e != core_error::too_long);
    CHECK(e == error{core_error::empty, 2, "b"});
    CHECK(e != error{core_error::too_long, 1, "a"});
    // The same number in another domain is another error.
    static_assert(static_cast<int>(core_error::empty) == static_cast<int>(other_error::first));
    CHECK(e != other_error::first);
    CHECK(e != error{other_error::first, 1, "a"});
}

TEST_CASE("a result holds a value or the error with its place") {
    CHECK(half(8).value() == 4);
    auto const refused = half(7);
    REQUIRE(!refused);
    CHECK(refused.error() == core_error::out_of_range);
    CHECK(refused.error().position() == 7);
    CHECK(refused.error().field() == "value");
}

TEST_CASE("an error is handed on through another result type") {
    CHECK(quarter(8).value() == 2);
    CHECK(quarter(7).error().field() == "quarter");
    CHECK(quarter(7).error().position() == 7);
    CHECK(quarter(6).error().field() == "value");
    CHECK(quarter(6).error().position() == 3);

    peerkit::result<void> const nothing = fail(quarter(7).error());
    REQUIRE(!nothing);
    CHECK(nothing.error() == core_error::out_of_range);
}
