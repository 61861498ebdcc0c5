// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of effects and outcomes: every effect has its outcome, and what is no answer says why.
#include <peerkit/discovery/effect.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <type_traits>
#include <utility>
#include <variant>

using namespace peerkit::discovery;

namespace {

template <typename T, typename Variant>
constexpr bool one_of = false;
template <typename T, typename... All>
constexpr bool one_of<T, std::variant<All...>> = (std::is_same_v<T, All> || ...);

template <std::size_t... I>
constexpr bool every_effect_has_an_outcome(std::index_sequence<I...>) {
    return (one_of<typename std::variant_alternative_t<I, effect>::outcome_type, outcome> && ...);
}
static_assert(every_effect_has_an_outcome(std::make_index_sequence<std::variant_size_v<effect>>{}));

} // namespace

TEST_CASE("what is no answer says why: the error it holds, or that it answers another question") {
    CHECK(why_not(peerkit::error{discovery_error::timed_out, 5000}) == discovery_error::timed_out);
    CHECK(why_not(peerkit::error{discovery_error::timed_out, 5000}).position() == 5000);
    CHECK(why_not(elapsed{}) == discovery_error::unexpected_answer);
}

TEST_CASE("stamps differ if a file was written, replaced or resized") {
    file_stamp const seen{1, 2, 3};
    CHECK(seen == file_stamp{1, 2, 3});
    CHECK_FALSE(seen == file_stamp{2, 2, 3});
    CHECK_FALSE(seen == file_stamp{1, 3, 3});
    CHECK_FALSE(seen == file_stamp{1, 2, 4});
}

TEST_CASE("a header of a reply is found by its name, the first one if there are several") {
    http_reply const reply{.status = 200, .headers = {{"etag", "\"7\""}, {"x", "1"}, {"x", "2"}}};
    CHECK(reply.header("etag") == "\"7\"");
    CHECK(reply.header("x") == "1");
    CHECK(reply.header("retry-after").empty());
}
