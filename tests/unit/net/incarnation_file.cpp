// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of remembering the last incarnation.
#include <peerkit/net/incarnation_file.hpp>

#include "unit/net/support.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <cerrno>
#include <string>

using namespace net_test;
using peerkit::short_id;
using namespace peerkit::net;
namespace limits = peerkit::limits;

TEST_CASE("a stored incarnation is loaded again, and replaced by the next") {
    scratch_directory const scratch;
    incarnation_file const file{scratch.path(), short_id{0x0123456789abcdef}};
    CHECK(file.path() == scratch.file("peerkit-0123456789abcdef.incarnation"));
    CHECK(file.load().value() == 0);
    REQUIRE(file.store(7));
    CHECK(file.load().value() == 7);
    REQUIRE(file.store(limits::incarnation - 1));
    CHECK(file.load().value() == limits::incarnation - 1);
    struct ::stat about{};
    REQUIRE(::stat(file.path().c_str(), &about) == 0);
    CHECK((about.st_mode & 0777U) == 0600U);
    CHECK_FALSE(std::filesystem::exists(file.path() + ".new"));
}

TEST_CASE("without a directory nothing is stored and nothing remembered") {
    incarnation_file const none;
    CHECK(none.store(5));
    CHECK(none.load().value() == 0);
    CHECK(incarnation_file{"", short_id{1}}.path().empty());
}

TEST_CASE("a directory that is not there is an error with the system's reason") {
    incarnation_file const file{"/nonexistent/directory", short_id{1}};
    auto const stored = file.store(5);
    REQUIRE_FALSE(stored);
    CHECK(stored.error() == net_error::state_unusable);
    CHECK(stored.error().position() == ENOENT);
    CHECK(stored.error().field() == "create");
    scratch_directory const scratch;
    std::filesystem::create_directory(scratch.file("peerkit-0000000000000001.incarnation"));
    auto const loaded = incarnation_file{scratch.path(), short_id{1}}.load();
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error() == net_error::state_unusable);
    CHECK(loaded.error().position() == EISDIR);
}

TEST_CASE("a file that does not hold a number in range is refused with the place") {
    CHECK(incarnation_file::parse("1").value() == 1);
    CHECK(incarnation_file::parse("9223372036854775807\n").value() == limits::incarnation - 1);
    auto const refused = [](std::string_view text, std::uint64_t at) {
        auto const got = incarnation_file::parse(text);
        return !got && got.error() == net_error::state_malformed && got.error().position() == at;
    };
    CHECK(refused("", 0));
    CHECK(refused("\n", 0));
    CHECK(refused("0", 1));
    CHECK(refused("12a", 2));
    CHECK(refused("-1", 0));
    CHECK(refused("1\n\n", 1));
    CHECK(refused("9223372036854775808", 19));
    CHECK(refused("99999999999999999999", 19));
}

TEST_CASE("the next incarnation is above the stored one and not below the clock") {
    CHECK(next_incarnation(0, 1000) == 1000);
    CHECK(next_incarnation(999, 1000) == 1000);
    CHECK(next_incarnation(1000, 1000) == 1001);
    CHECK(next_incarnation(5000, 1000) == 5001);
    CHECK(next_incarnation(0, 0) == 1);
    CHECK(next_incarnation(limits::incarnation - 1, 0) == limits::incarnation - 1);
    CHECK(wall_clock_incarnation() > 1'500'000'000'000'000U);
    CHECK(wall_clock_incarnation() < limits::incarnation);
}
