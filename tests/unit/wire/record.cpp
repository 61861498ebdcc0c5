// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the announcement record: view, writer, canonical form.
#include <peerkit/wire/record.hpp>

#include <doctest/doctest.h>

#include "unit/wire/samples.hpp"
#include "unit/wire/vectors.hpp"

#include <iterator>
#include <string>
#include <vector>

using namespace peerkit;
using wire::record_layout;
using wire::record_view;
using wire::wire_error;

namespace {

using bytes = std::vector<std::byte>;

/// encode(decode(b)) == b, without the signature.
bool canonical(record_view const& record) {
    std::array<std::byte, limits::record> again;
    auto const size =
        wire::encode_record(record.to_description(), record.id(), record.incarnation(), record.left(), again);
    return size && equal(byte_view{again}.first(*size), record.unsigned_part());
}

void check_refused(result<std::size_t> const& done, wire_error what, std::size_t position, char const* field) {
    REQUIRE_FALSE(done);
    CHECK(done.error() == what);
    CHECK(done.error().position() == position);
    CHECK(done.error().field() == field);
}

} // namespace

TEST_CASE("a record gives back what its subject said") {
    description const d = tests::full_description();
    bytes const stored = tests::unsigned_record(d, 1234, true);
    auto const record = record_view::parse(stored);
    REQUIRE(record);
    CHECK(record->bytes().data() == stored.data());
    CHECK(record->size() == stored.size());
    CHECK(static_cast<bool>(*record));
    CHECK(record->id() == tests::some_id());
    CHECK(record->short_id() == tests::some_id().short_id());
    CHECK(record->incarnation() == 1234);
    CHECK(record->left());
    CHECK(record->gossip_port() == 9000);
    CHECK(record->api_port() == 8000);
    CHECK(record->name() == "db1");
    CHECK(record->version() == "1.2.0");
    CHECK(record->to_description() == d);
    CHECK(record->unsigned_part().size() == stored.size() - 64);
    // Behind the incarnation, without the signature.
    CHECK(record->said().data() == stored.data() + 42);
    CHECK(record->said().size() == stored.size() - 42 - 64);
    CHECK(record->signature().size() == 64);
    CHECK(record->signature()[0] == std::byte{0xee});
    CHECK(record->address_count() == 2);
    CHECK(record->first_endpoint() == ip_endpoint{ip_address::v4(192, 0, 2, 7), 9000});
    CHECK(record->index_of(record->first_endpoint()) == 0);
    CHECK(record->index_of(record->gossip_endpoint(1)) == 1);
    CHECK_FALSE(record->index_of({record->first_endpoint().address, 1}));
    CHECK_FALSE(record->index_of({}));
    CHECK(record->gossip_endpoint(0) == record->first_endpoint());
    CHECK(record->gossip_endpoint(1) == ip_endpoint{*ip_address::parse("fd7a:115c:a1e0::7"), 9100});
    CHECK_FALSE(record->gossip_endpoint(2));
    CHECK(record->has_capability("ssd"));
    CHECK_FALSE(record->has_capability("worker"));
    CHECK(record->find_service("sql") ==
          wire::service_view{"sql", 5432, "primary", service_health::passing, 1'700'000'000});
    CHECK_FALSE(record->find_service("sq"));
    CHECK(record->has_role("worker"));
    CHECK_FALSE(record->has_role("work"));
    CHECK(record->label_value("rack") == "r17");
    CHECK(record->label_value("zone") == "");
    CHECK_FALSE(record->label_value("shelf"));
    CHECK(*record == record_view::trusted(bytes{stored}));
    bytes other = stored;
    other.back() ^= std::byte{1};
    CHECK_FALSE(*record == record_view::trusted(other));
}

TEST_CASE("a record without addresses has no endpoint") {
    bytes const stored = tests::unsigned_record(description{.name = "n"});
    auto const record = record_view::parse(stored);
    REQUIRE(record);
    CHECK(record->size() == record_layout::min_size);
    CHECK_FALSE(record->first_endpoint());
    CHECK_FALSE(record->gossip_endpoint(0));
    CHECK_FALSE(static_cast<bool>(record_view{}));
}

TEST_CASE("peeking reads subject, incarnation and leave from any bytes that are long enough") {
    bytes stored = tests::unsigned_record(tests::full_description(), 99, true);
    auto const parsed = record_view::parse(stored);
    REQUIRE(parsed);
    CHECK(record_view::peek(stored) == parsed->key());
    CHECK(parsed->key() == wire::record_key{tests::some_id().short_id(), 99, true});
    stored[0] = std::byte{77}; // a peek checks nothing
    CHECK(record_view::peek(stored));
    stored.resize(record_layout::min_size - 1);
    CHECK_FALSE(record_view::peek(stored));
    CHECK_FALSE(record_view::peek({}));
}

TEST_CASE("any description that fits survives the round trip, and its record has one form") {
    seeded_rng rng{0x5eed};
    int fitted = 0, too_large = 0;
    for (int i = 0; i < 3000; ++i) {
        description const d = tests::random_description(rng);
        std::uint64_t const incarnation = 1 + uniform(rng, limits::incarnation - 1);
        bool const left = tests::below(rng, 2) == 0;
        std::array<std::byte, limits::record> out;
        auto const size = wire::encode_record(d, tests::some_id(), incarnation, left, out);
        if (!size) {
            CHECK(size.error() == wire_error::record_too_large);
            CHECK(size.error().position() > limits::record);
            ++too_large;
            continue;
        }
        ++fitted;
        bytes stored(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*size));
        stored.resize(*size + record_layout::signature_size);
        auto const record = record_view::parse(stored);
        REQUIRE(record);
        CHECK(record->to_description() == d);
        CHECK(record->incarnation() == incarnation);
        CHECK(record->left() == left);
        CHECK(record->address_count() == d.addresses.size());
        CHECK(record->services().size() == d.services.size());
        CHECK(canonical(*record));
    }
    CHECK(fitted > 1000);
    CHECK(too_large > 100);
}

TEST_CASE("whatever bytes are accepted as a record, they are its only form") {
    seeded_rng rng{0xbad};
    int accepted = 0;
    for (int i = 0; i < 40000; ++i) {
        description d = tests::random_description(rng);
        if (d.labels.size() > 3) d.labels.resize(3);
        if (d.services.size() > 3) d.services.resize(3);
        bytes spoiled = tests::unsigned_record(d);
        if (spoiled.empty()) continue;
        for (std::size_t hits = 1 + tests::below(rng, 3); hits > 0; --hits) {
            spoiled[tests::below(rng, spoiled.size())] = static_cast<std::byte>(tests::below(rng, 256));
        }
        auto const record = record_view::parse(spoiled);
        if (!record) continue;
        ++accepted;
        REQUIRE(canonical(*record));
    }
    CHECK(accepted > 1000);
}

TEST_CASE("a record that is cut short anywhere is refused, and so is a longer one") {
    bytes const whole = tests::unsigned_record(tests::full_description());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        auto const record = record_view::parse(byte_view{whole}.first(size));
        REQUIRE_FALSE(record);
        CHECK(record.error() == wire_error::truncated);
    }
    bytes longer = whole;
    longer.push_back(std::byte{0});
    CHECK(record_view::parse(longer).error() == wire_error::trailing_bytes);
}

TEST_CASE("a record above the limit is refused before it is read") {
    bytes const large(limits::record + 1, std::byte{0xff});
    auto const record = record_view::parse(large);
    REQUIRE_FALSE(record);
    CHECK(record.error() == wire_error::record_too_large);
    CHECK(record.error().position() == limits::record + 1);
    CHECK(record_view::parse(byte_view{large}.first(limits::record)).error() == wire_error::bad_version);
}

TEST_CASE("a record of exactly the limit is written and read") {
    description d = tests::full_description();
    std::size_t room = limits::record - tests::unsigned_record(d).size();
    d.labels.clear();
    room = limits::record - tests::unsigned_record(d).size();
    for (int i = 0; room > 0; ++i) {
        std::size_t const head = 1 + 2 + 1;
        std::size_t const value =
            room <= head + limits::label_value ? room - head : std::min(limits::label_value, room - 2 * head);
        d.labels.push_back({"k" + std::string(1, static_cast<char>('a' + i)), std::string(value, 'v')});
        room -= head + value;
    }
    bytes const stored = tests::unsigned_record(d);
    REQUIRE(stored.size() == limits::record);
    CHECK(record_view::parse(stored));
    d.version += "x";
    std::array<std::byte, 2 * limits::record> out;
    check_refused(wire::encode_record(d, tests::some_id(), 1, false, out), wire_error::record_too_large,
                  limits::record + 1, "services");
}

TEST_CASE("a description that is not normalized is not written") {
    std::array<std::byte, limits::record> out;
    auto const write = [&](description const& d, std::uint64_t incarnation = 1, node_id const& id = tests::some_id()) {
        return wire::encode_record(d, id, incarnation, false, out);
    };
    description d{.name = "n", .roles = {"b", "a"}};
    check_refused(write(d), wire_error::not_canonical, 53, "roles");
    d = {.name = "n", .capabilities = {"b", "a"}};
    check_refused(write(d), wire_error::not_canonical, 54, "capabilities");
    d = {.name = "n", .labels = {{"a", "1"}, {"a", "2"}}};
    check_refused(write(d), wire_error::not_canonical, 57, "labels");
    d = {.name = "n", .services = {{"b", 1, ""}, {"a", 1, ""}}};
    check_refused(write(d), wire_error::not_canonical, 64, "services");
    check_refused(write(description{}), wire_error::bad_length, 46, "name");
    check_refused(write(description{.name = "a b"}), wire_error::bad_text, 48, "name");
    check_refused(write(description{.name = "n", .gossip_port = 0}), wire_error::zero_port, 42, "gossip port");
    d = {.name = "n", .roles = std::vector<std::string>{"1", "2", "3", "4", "5", "6", "7", "8", "9"}};
    check_refused(write(d), wire_error::too_many, 50, "roles");
    d = {.name = "n"};
    check_refused(write(d, 0), wire_error::reserved_incarnation, 34, "incarnation");
    check_refused(write(d, limits::incarnation), wire_error::reserved_incarnation, 34, "incarnation");
    CHECK(write(d, limits::incarnation - 1));
    check_refused(write(d, 1, node_id{}), wire_error::no_node, 2, "id");
    CHECK(normalize(d = {.name = "n", .roles = {"b", "a"}}));
    CHECK(write(d));
}

TEST_CASE("a buffer that is too small is left alone") {
    description const d = tests::full_description();
    std::size_t const size = tests::unsigned_record(d).size() - record_layout::signature_size;
    bytes out(size, std::byte{0xaa});
    check_refused(wire::encode_record(d, tests::some_id(), 1, false, byte_span{out}.first(size - 1)),
                  wire_error::no_room, size, "record");
    CHECK(out == bytes(size, std::byte{0xaa}));
    CHECK(wire::encode_record(d, tests::some_id(), 1, false, out) == size);
}

TEST_CASE("records are the bytes of the golden vectors") {
    bytes const full = tests::vector_of("record.txt", "full");
    bytes const least = tests::vector_of("record.txt", "least_left");
    node_id const id = node_id::from_bytes(tests::vector_of("record.txt", "id"));
    REQUIRE_FALSE(full.empty());
    std::array<std::byte, limits::record> out;

    auto const record = record_view::parse(full);
    REQUIRE(record);
    CHECK(record->to_description() == tests::full_description());
    CHECK(record->incarnation() == 1'700'000'000'000'000);
    CHECK_FALSE(record->left());
    CHECK(record->id() == id);
    auto const size = wire::encode_record(tests::full_description(), id, 1'700'000'000'000'000, false, out);
    REQUIRE(size);
    CHECK(equal(byte_view{out}.first(*size), record->unsigned_part()));

    auto const small = record_view::parse(least);
    REQUIRE(small);
    CHECK(small->size() == record_layout::min_size);
    description const d{.name = "a", .gossip_port = 1};
    CHECK(small->to_description() == d);
    auto const small_size = wire::encode_record(d, id, 1, true, out);
    REQUIRE(small_size);
    CHECK(equal(byte_view{out}.first(*small_size), small->unsigned_part()));
}

static_assert(noexcept(record_view::parse(byte_view{})));
static_assert(noexcept(record_view::peek(byte_view{})));
static_assert(sizeof(record_view) == 2 * sizeof(void*));
