// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of sim/property.hpp.
#include <peerkit/sim/property.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

using peerkit::sim::property;

TEST_CASE("every property names itself by its number, and no two alike") {
    std::set<std::string> names;
    std::size_t known = 0;
    for (unsigned number = 1; number <= 45; ++number) {
        std::string const name{to_string(static_cast<property>(number))};
        if (name == "an unknown property") continue;
        ++known;
        CHECK(name.find("P" + std::to_string(number) + " ") == 0);
        names.insert(name);
    }
    CHECK(known == 19);
    CHECK(names.size() == known);
    CHECK(to_string(property::none).empty());
}
