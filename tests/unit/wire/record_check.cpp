// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the record validator: every reason to refuse, with its place and field.
#include <peerkit/wire/record_check.hpp>

#include <doctest/doctest.h>

#include "unit/wire/samples.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

using namespace peerkit;
using wire::record_layout;
using wire::wire_error;

namespace {

using bytes = std::vector<std::byte>;

/// Name "n", no version, and the lists as given.
bytes with_lists(std::vector<int> const& lists) {
    bytes made = tests::unsigned_record(description{.name = "n"});
    made.resize(record_layout::name + 3); // name and version
    for (int const b : lists) made.push_back(static_cast<std::byte>(b));
    return made;
}

struct refusal {
    wire_error what;
    std::size_t position;
    char const* field;
};

void check_refused(bytes const& unsigned_part, refusal const& expected) {
    auto const ok = wire::detail::check_unsigned_record(unsigned_part);
    REQUIRE_FALSE(ok);
    CHECK(ok.error() == expected.what);
    CHECK(ok.error().position() == expected.position);
    CHECK(ok.error().field() == expected.field);
}

bytes text(std::size_t size) { return bytes(size, std::byte{'x'}); }

} // namespace

TEST_CASE("the smallest record passes") {
    CHECK(wire::detail::check_unsigned_record(with_lists({0, 0, 0, 0, 0})));
    CHECK(with_lists({0, 0, 0, 0, 0}).size() + record_layout::signature_size == record_layout::min_size);
}

TEST_CASE("a wrong fixed field is refused and named") {
    auto const changed = [](std::size_t offset, std::initializer_list<int> values) {
        bytes made = with_lists({0, 0, 0, 0, 0});
        for (int const v : values) made[offset++] = static_cast<std::byte>(v);
        return made;
    };
    check_refused(changed(0, {0}), {wire_error::bad_version, 0, "record format"});
    check_refused(changed(0, {2}), {wire_error::bad_version, 0, "record format"});
    for (int bit = 2; bit < 8; ++bit) check_refused(changed(1, {1 << bit}), {wire_error::bad_flags, 1, "record flags"});
    for (int flags = 0; flags < 4; ++flags) CHECK(wire::detail::check_unsigned_record(changed(1, {flags})));
    bytes no_node = with_lists({0, 0, 0, 0, 0});
    std::fill(no_node.begin() + 2, no_node.begin() + 34, std::byte{0});
    check_refused(no_node, {wire_error::no_node, 2, "id"});
    check_refused(changed(34, {0, 0, 0, 0, 0, 0, 0, 0}), {wire_error::reserved_incarnation, 34, "incarnation"});
    check_refused(changed(34, {0x80, 0, 0, 0, 0, 0, 0, 0}), {wire_error::reserved_incarnation, 34, "incarnation"});
    check_refused(changed(34, {255, 255, 255, 255, 255, 255, 255, 255}),
                  {wire_error::reserved_incarnation, 34, "incarnation"});
    CHECK(wire::detail::check_unsigned_record(changed(34, {0x7f, 255, 255, 255, 255, 255, 255, 255})));
    check_refused(changed(42, {0, 0}), {wire_error::zero_port, 42, "gossip port"});
    CHECK(wire::detail::check_unsigned_record(changed(44, {0, 0})));
}

TEST_CASE("a record that ends early is truncated at every length") {
    bytes const whole = [] {
        bytes made = tests::unsigned_record(tests::full_description());
        made.resize(made.size() - record_layout::signature_size);
        return made;
    }();
    REQUIRE(wire::detail::check_unsigned_record(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        bytes const part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        auto const ok = wire::detail::check_unsigned_record(part);
        REQUIRE_FALSE(ok);
        CHECK(ok.error() == wire_error::truncated);
        CHECK(ok.error().position() <= size);
        CHECK_FALSE(ok.error().field().empty());
    }
}

TEST_CASE("bytes behind a record are refused") {
    check_refused(with_lists({0, 0, 0, 0, 0, 0}), {wire_error::trailing_bytes, 54, "record"});
}

TEST_CASE("a name must have 1 to 63 permitted characters") {
    auto const named = [](bytes const& name) {
        bytes made = with_lists({0, 0, 0, 0, 0});
        made[record_layout::name] = static_cast<std::byte>(name.size());
        made.erase(made.begin() + record_layout::name + 1);
        made.insert(made.begin() + record_layout::name + 1, name.begin(), name.end());
        return made;
    };
    check_refused(named({}), {wire_error::bad_length, 46, "name"});
    check_refused(named(text(64)), {wire_error::bad_length, 46, "name"});
    CHECK(wire::detail::check_unsigned_record(named(text(63))));
    bytes spoiled = text(10);
    spoiled[4] = std::byte{' '};
    check_refused(named(spoiled), {wire_error::bad_text, 46 + 1 + 4, "name"});
}

TEST_CASE("a version must have at most 31 characters and no control character") {
    auto const versioned = [](bytes const& version) {
        bytes made = with_lists({0, 0, 0, 0, 0});
        made[48] = static_cast<std::byte>(version.size());
        made.insert(made.begin() + 49, version.begin(), version.end());
        return made;
    };
    CHECK(wire::detail::check_unsigned_record(versioned(text(31))));
    check_refused(versioned(text(32)), {wire_error::bad_length, 48, "version"});
    for (int const bad : {0, 10, 31, 127}) {
        bytes spoiled = text(3);
        spoiled[2] = static_cast<std::byte>(bad);
        check_refused(versioned(spoiled), {wire_error::bad_text, 48 + 1 + 2, "version"});
    }
}

TEST_CASE("addresses must be of a known family and have one spelling") {
    std::vector<int> v4{1, 0x04, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0};
    CHECK(wire::detail::check_unsigned_record(with_lists(v4)));
    for (int const family : {0, 1, 5, 7, 15}) {
        v4[1] = family;
        check_refused(with_lists(v4), {wire_error::bad_address, 50, "addresses"});
    }
    std::vector<int> const mapped{1, 0x06, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0};
    check_refused(with_lists(mapped), {wire_error::bad_address, 50, "addresses"});
    check_refused(with_lists({9}), {wire_error::too_many, 49, "addresses"});
    std::vector<int> eight{8};
    for (int i = 0; i < 8; ++i) eight.insert(eight.end(), {0x04, 1, 2, 3, i, 0, 1});
    eight.insert(eight.end(), {0, 0, 0, 0});
    CHECK(wire::detail::check_unsigned_record(with_lists(eight)));
}

TEST_CASE("roles must be ascending, unique, bounded and well spelt") {
    CHECK(wire::detail::check_unsigned_record(with_lists({0, 2, 1, 'a', 1, 'b', 0, 0, 0})));
    check_refused(with_lists({0, 2, 1, 'b', 1, 'a', 0, 0, 0}), {wire_error::not_canonical, 53, "roles"});
    check_refused(with_lists({0, 2, 1, 'a', 1, 'a', 0, 0, 0}), {wire_error::not_canonical, 53, "roles"});
    check_refused(with_lists({0, 2, 2, 'a', 'b', 1, 'a', 0, 0, 0}), {wire_error::not_canonical, 54, "roles"});
    check_refused(with_lists({0, 9}), {wire_error::too_many, 50, "roles"});
    check_refused(with_lists({0, 1, 0, 0, 0, 0}), {wire_error::bad_length, 51, "role"});
    check_refused(with_lists({0, 1, 1, '!', 0, 0, 0}), {wire_error::bad_text, 52, "role"});
    std::vector<int> longest{0, 1, 32};
    longest.insert(longest.end(), 32, 'r');
    longest.insert(longest.end(), {0, 0, 0});
    check_refused(with_lists(longest), {wire_error::bad_length, 51, "role"});
}

TEST_CASE("capabilities must be ascending, unique, bounded and well spelt") {
    CHECK(wire::detail::check_unsigned_record(with_lists({0, 0, 2, 1, 'a', 1, 'b', 0, 0})));
    check_refused(with_lists({0, 0, 2, 1, 'b', 1, 'a', 0, 0}), {wire_error::not_canonical, 54, "capabilities"});
    check_refused(with_lists({0, 0, 2, 1, 'a', 1, 'a', 0, 0}), {wire_error::not_canonical, 54, "capabilities"});
    check_refused(with_lists({0, 0, 17}), {wire_error::too_many, 51, "capabilities"});
    check_refused(with_lists({0, 0, 1, 0, 0, 0}), {wire_error::bad_length, 52, "capability"});
    check_refused(with_lists({0, 0, 1, 1, '!', 0, 0}), {wire_error::bad_text, 53, "capability"});
    std::vector<int> longest{0, 0, 1, 32};
    longest.insert(longest.end(), 32, 'c');
    longest.insert(longest.end(), {0, 0});
    check_refused(with_lists(longest), {wire_error::bad_length, 52, "capability"});
}

TEST_CASE("labels must be ascending by key, unique, bounded and well spelt") {
    CHECK(wire::detail::check_unsigned_record(with_lists({0, 0, 0, 2, 1, 'a', 0, 1, 'b', 0, 0})));
    check_refused(with_lists({0, 0, 0, 2, 1, 'a', 1, 'x', 1, 'a', 1, 'y', 0}),
                  {wire_error::not_canonical, 57, "labels"});
    check_refused(with_lists({0, 0, 0, 2, 1, 'b', 0, 1, 'a', 0, 0}), {wire_error::not_canonical, 56, "labels"});
    check_refused(with_lists({0, 0, 0, 17}), {wire_error::too_many, 52, "labels"});
    check_refused(with_lists({0, 0, 0, 1, 0, 0, 0}), {wire_error::bad_length, 53, "label key"});
    check_refused(with_lists({0, 0, 0, 1, 1, ' ', 0, 0}), {wire_error::bad_text, 54, "label key"});
    check_refused(with_lists({0, 0, 0, 1, 1, 'a', 1, 9, 0}), {wire_error::bad_text, 56, "label value"});
    std::vector<int> longest{0, 0, 0, 1, 1, 'a', 128};
    longest.insert(longest.end(), 128, 'v');
    longest.push_back(0);
    check_refused(with_lists(longest), {wire_error::bad_length, 55, "label value"});
}

TEST_CASE("services must be ascending by name, unique, bounded and well spelt") {
    CHECK(wire::detail::check_unsigned_record(with_lists({0, 0, 0, 0, 1, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0})));
    check_refused(with_lists({0, 0, 0, 0, 2, 1, 'a', 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 2, 0, 0, 0, 0, 0, 0}),
                  {wire_error::not_canonical, 64, "services"});
    check_refused(with_lists({0, 0, 0, 0, 17}), {wire_error::too_many, 53, "services"});
    check_refused(with_lists({0, 0, 0, 0, 1, 0, 0, 0, 0}), {wire_error::bad_length, 54, "service name"});
    check_refused(with_lists({0, 0, 0, 0, 1, 1, '?', 0, 0, 0}), {wire_error::bad_text, 55, "service name"});
    check_refused(with_lists({0, 0, 0, 0, 1, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 1, 127}),
                  {wire_error::bad_text, 64, "service info"});
    std::vector<int> longest{0, 0, 0, 0, 1, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 128};
    longest.insert(longest.end(), 128, 'i');
    check_refused(with_lists(longest), {wire_error::bad_length, 63, "service info"});
}

TEST_CASE("a health of later versions is let through and counts as unknown") {
    auto const bytes = with_lists({0, 0, 0, 0, 1, 1, 'a', 0, 0, 9, 0, 0, 0, 0, 0});
    CHECK(wire::detail::check_unsigned_record(bytes));
    CHECK(to_string(static_cast<service_health>(9)) == "unknown");
}

TEST_CASE("measuring a description gives the size that is written, and names what is in the way") {
    using wire::detail::measure_record;
    description d = tests::full_description();
    CHECK(*measure_record(d) + record_layout::signature_size == tests::unsigned_record(d).size());

    auto const refused = [](description const& bad, wire_error what, std::size_t position, char const* field) {
        auto const size = measure_record(bad);
        REQUIRE_FALSE(size);
        CHECK(size.error() == what);
        CHECK(size.error().position() == position);
        CHECK(size.error().field() == field);
    };
    description big = d;
    std::size_t const before = *measure_record(d) + record_layout::signature_size;
    for (int i = 0; i < 8; ++i) big.labels.push_back({"zz" + std::to_string(i), std::string(120, 'x')});
    refused(big, wire_error::record_too_large, before + 8 * (1 + 3 + 1 + 120), "labels");
    big = d;
    for (int i = 0; i < 8; ++i) big.services.push_back({"zz" + std::to_string(i), 1, std::string(120, 'x')});
    refused(big, wire_error::record_too_large, before + 8 * (1 + 3 + 7 + 1 + 120), "services");

    big = d;
    big.name = std::string(256, 'n');
    refused(big, wire_error::bad_length, 0, "name");
    big = d;
    big.addresses.assign(256, {ip_address::v4(1, 2, 3, 4), 0, address_kind::local});
    refused(big, wire_error::too_many, 256, "addresses");
    big = d;
    big.roles.assign(300, "r");
    refused(big, wire_error::too_many, 300, "roles");
    big = d;
    big.capabilities.assign(256, "c");
    refused(big, wire_error::too_many, 256, "capabilities");
    big = d;
    big.labels.assign(256, {"k", ""});
    refused(big, wire_error::too_many, 256, "labels");
    big = d;
    big.services.assign(256, {"s", 0, ""});
    refused(big, wire_error::too_many, 256, "services");
    big = d;
    big.addresses.push_back({});
    refused(big, wire_error::bad_address, 0, "addresses");
    big = d;
    big.addresses[0].kind = static_cast<address_kind>(16);
    refused(big, wire_error::bad_address, 0, "addresses");
}
