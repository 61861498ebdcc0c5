// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of timestamps.
#include <peerkit/discovery/rfc3339.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <initializer_list>
#include <string_view>

using peerkit::discovery::parse_rfc3339;

namespace {

static_assert(parse_rfc3339("1970-01-01T00:00:00Z") == 0, "usable in constant expressions");

TEST_CASE("a timestamp is the seconds since 1970 in UTC") {
    struct row {
        std::string_view text;
        std::int64_t seconds;
    };
    for (row const& r : std::initializer_list<row>{{"1970-01-01T00:02:03Z", 123},
                                                   {"1969-12-31T23:59:59Z", -1},
                                                   {"2000-02-29T12:00:00Z", 951825600},
                                                   {"2026-08-22T10:11:12Z", 1787393472},
                                                   {"2026-08-22T10:11:12.5Z", 1787393472},
                                                   {"2026-08-22T10:11:12.123456789Z", 1787393472},
                                                   {"2026-08-22T19:11:12.1204059+09:00", 1787393472},
                                                   {"2026-08-22T04:41:12-05:30", 1787393472},
                                                   {"2026-08-22t10:11:12z", 1787393472},
                                                   {"2016-12-31T23:59:60Z", 1483228800},
                                                   {"9999-12-31T23:59:59Z", 253402300799}}) {
        CAPTURE(r.text);
        auto const parsed = parse_rfc3339(r.text);
        REQUIRE(parsed);
        CHECK(*parsed == r.seconds);
    }
}

TEST_CASE("year 1 is how Go says that it knows no time") { CHECK_FALSE(parse_rfc3339("0001-01-01T00:00:00Z")); }

TEST_CASE("what is not a timestamp has no value") {
    for (std::string_view const text : {"",
                                        "2026",
                                        "2026-08-22",
                                        "2026-08-22T10:11:12",
                                        "2026-08-22 10:11:12Z",
                                        "2026-13-01T00:00:00Z",
                                        "2026-00-01T00:00:00Z",
                                        "2026-02-29T00:00:00Z",
                                        "1900-02-29T00:00:00Z",
                                        "2026-04-31T00:00:00Z",
                                        "2026-01-00T00:00:00Z",
                                        "2026-01-01T24:00:00Z",
                                        "2026-01-01T00:60:00Z",
                                        "2026-01-01T00:00:61Z",
                                        "2026-01-01T00:00:00.Z",
                                        "2026-01-01T00:00:00+0100",
                                        "2026-01-01T00:00:00+01",
                                        "2026-01-01T00:00:00+24:00",
                                        "2026-01-01T00:00:00Zx",
                                        "2026-01-01T00:00:00ZZ",
                                        "-026-01-01T00:00:00Z",
                                        "20260101T000000Z"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_rfc3339(text));
    }
}

TEST_CASE("every day from 1600 to 2400 follows the day before") {
    char text[] = "1600-01-01T00:00:00Z";
    std::int64_t expected = *parse_rfc3339(text);
    CHECK(expected == -11676096000);
    for (int year = 1600; year < 2400; ++year) {
        for (int month = 1; month <= 12; ++month) {
            for (int day = 1; day <= 31; ++day) {
                auto const put = [&text](int at, int value, int digits) {
                    for (int i = digits; i-- > 0; value /= 10) text[at + i] = static_cast<char>('0' + value % 10);
                };
                put(0, year, 4);
                put(5, month, 2);
                put(8, day, 2);
                auto const parsed = parse_rfc3339(text);
                if (!parsed) {
                    CHECK(day > 28);
                    continue;
                }
                REQUIRE(*parsed == expected);
                expected += 86400;
            }
        }
    }
    CHECK(expected == *parse_rfc3339("2400-01-01T00:00:00Z"));
}

} // namespace
