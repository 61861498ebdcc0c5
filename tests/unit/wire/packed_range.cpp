// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the lists read in place.
#include <peerkit/wire/packed_range.hpp>

#include <doctest/doctest.h>

#include <array>
#include <iterator>
#include <vector>

using namespace peerkit;
using namespace peerkit::wire;

namespace {

template <typename... Values>
std::array<std::byte, sizeof...(Values)> raw(Values... values) {
    return {static_cast<std::byte>(values)...};
}

template <typename Element>
constexpr bool forward = std::forward_iterator<typename packed_range<Element>::iterator>;

} // namespace

TEST_CASE("lists of a record are forward ranges") {
    CHECK(forward<wire::detail::packed_text>);
    CHECK(forward<wire::detail::packed_address>);
    CHECK(forward<wire::detail::packed_label>);
    CHECK(forward<wire::detail::packed_service>);
}

TEST_CASE("a packed range gives its elements in order and knows where it ends") {
    auto const bytes = raw(2, 2, 'a', 'b', 1, 'c', 99);
    packed_range<wire::detail::packed_text> const texts{bytes.data()};
    CHECK(texts.size() == 2);
    CHECK_FALSE(texts.empty());
    CHECK(std::vector<std::string_view>(texts.begin(), texts.end()) == std::vector<std::string_view>{"ab", "c"});
    CHECK(texts.after() == bytes.data() + 6);

    auto it = texts.begin();
    CHECK(*it++ == "ab");
    CHECK(*it == "c");
    CHECK(++it == texts.end());
}

TEST_CASE("an empty packed range has no elements and one byte") {
    auto const bytes = raw(0, 99);
    packed_range<wire::detail::packed_label> const none{bytes.data()};
    CHECK(none.empty());
    CHECK(none.begin() == none.end());
    CHECK(none.after() == bytes.data() + 1);
}

TEST_CASE("addresses of both families are read with kind and port") {
    auto const bytes =
        raw(2, 0x14, 192, 0, 2, 1, 0x23, 0x28, 0x36, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0);
    packed_range<wire::detail::packed_address> const addresses{bytes.data()};
    std::vector<typed_address> const got(addresses.begin(), addresses.end());
    REQUIRE(got.size() == 2);
    CHECK(got[0] == typed_address{ip_address::v4(192, 0, 2, 1), 9000, address_kind::local});
    CHECK(got[1] == typed_address{*ip_address::parse("2001:db8::9"), 0, address_kind::global});
    CHECK(addresses.after() == bytes.data() + bytes.size());
}

TEST_CASE("labels and services are read with all their parts, empty ones included") {
    auto const label_bytes = raw(2, 1, 'k', 1, 'v', 2, 'k', '2', 0);
    packed_range<wire::detail::packed_label> const labels{label_bytes.data()};
    CHECK(std::vector<label_view>(labels.begin(), labels.end()) == std::vector<label_view>{{"k", "v"}, {"k2", ""}});
    CHECK(labels.after() == label_bytes.data() + label_bytes.size());

    auto const service_bytes = raw(2, 1, 's', 1, 2, 1, 0, 0, 1, 2, 1, 'i', 1, 't', 0, 0, 0, 0, 0, 0, 0, 0);
    packed_range<wire::detail::packed_service> const services{service_bytes.data()};
    CHECK(std::vector<service_view>(services.begin(), services.end()) ==
          std::vector<service_view>{{"s", 258, "i", service_health::passing, 258}, {"t", 0, ""}});
    CHECK(services.after() == service_bytes.data() + service_bytes.size());
}
