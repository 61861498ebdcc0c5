// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of numbered names: which, written how, in which order, and what is refused.
#include <peerkit/discovery/name_sequence.hpp>

#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/rng.hpp>

#include <doctest/doctest.h>
#include <support/allocations.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::discovery_error;
using discovery::name_buffer;
using discovery::name_sequence;
using discovery::number_range;
using discovery::shuffled_order;
using texts = std::vector<std::string>;

namespace {

name_sequence sequence(std::string_view pattern, number_range numbers = {}) {
    auto const made = name_sequence::parse(pattern, numbers);
    REQUIRE_MESSAGE(made, pattern);
    return *made;
}
texts names_of(name_sequence const& names) {
    texts all;
    name_buffer buffer;
    for (std::size_t i = 0; i < names.size(); ++i) all.emplace_back(names.name(i, buffer));
    return all;
}
/// "what at position (field)".
std::string refused(std::string_view pattern, number_range numbers = {}) {
    auto const made = name_sequence::parse(pattern, numbers);
    REQUIRE_FALSE_MESSAGE(made, pattern);
    std::string const what = made.error() == discovery_error::bad_pattern  ? "pattern"
                             : made.error() == discovery_error::bad_range  ? "range"
                             : made.error() == discovery_error::bad_option ? "option"
                                                                           : "?";
    return what + " " + std::to_string(made.error().position()) + " " + std::string{made.error().field()};
}

TEST_CASE("a star stands for 01 to 99, and names are absolute") {
    texts const all = names_of(sequence("tw_node*.example.org"));
    REQUIRE(all.size() == 99);
    CHECK(all.front() == "tw_node01.example.org.");
    CHECK(all[8] == "tw_node09.example.org.");
    CHECK(all[9] == "tw_node10.example.org.");
    CHECK(all.back() == "tw_node99.example.org.");
}

TEST_CASE("a prefix and a domain say the same as a pattern, with or without final dot") {
    texts const wanted = names_of(sequence("tw_node*.example.org"));
    CHECK(names_of(sequence("tw_node*.example.org.")) == wanted);
    for (std::string_view const domain : {"example.org", "example.org."}) {
        auto const made = name_sequence::from("tw_node", domain);
        REQUIRE(made);
        CHECK(names_of(*made) == wanted);
        CHECK(made->text() == "tw_node*.example.org");
    }
    auto const bare = name_sequence::from("", "example.org");
    REQUIRE(bare);
    CHECK(names_of(*bare)[2] == "03.example.org.");
}

TEST_CASE("range, step and width can be chosen; longer numbers are not cut") {
    CHECK(names_of(sequence("n*.x.org", {.first = 8, .last = 12, .step = 2, .width = 2})) ==
          texts{"n08.x.org.", "n10.x.org.", "n12.x.org."});
    CHECK(names_of(sequence("n*.x.org", {.first = 8, .last = 13, .step = 3, .width = 4})) ==
          texts{"n0008.x.org.", "n0011.x.org."});
    CHECK(names_of(sequence("n*.x.org", {.first = 99, .last = 101, .step = 1, .width = 2})) ==
          texts{"n99.x.org.", "n100.x.org.", "n101.x.org."});
    CHECK(names_of(sequence("n*.x.org", {.first = 0, .last = 0, .step = 7, .width = 0})) == texts{"n0.x.org."});
    name_sequence const long_one = sequence("n*.x.org", {.first = 999'999'998, .last = 999'999'999, .step = 5});
    CHECK(names_of(long_one) == texts{"n999999998.x.org."});
    CHECK(long_one.number(0) == 999'999'998);
}

TEST_CASE("a template says where the number is and how wide") {
    number_range const two{.first = 9, .last = 10};
    CHECK(names_of(sequence("n{n:03}-eu.x.org", two)) == texts{"n009-eu.x.org.", "n010-eu.x.org."});
    CHECK(names_of(sequence("n{n}.x.org", two)) == texts{"n9.x.org.", "n10.x.org."});
    CHECK(names_of(sequence("{n:02}.x.org", two)) == texts{"09.x.org.", "10.x.org."});
    CHECK(names_of(sequence("n*-eu.x.org", two)) == texts{"n09-eu.x.org.", "n10-eu.x.org."});
    CHECK(sequence("n{n:03}-eu.x.org").text() == "n*-eu.x.org");
}

TEST_CASE("names of one label need their final dot to be said") {
    CHECK(names_of(sequence("node*.", {.first = 1, .last = 2})) == texts{"node01.", "node02."});
    CHECK(refused("node*") == "pattern 5 domain");
    auto const made = name_sequence::from("node", "");
    REQUIRE_FALSE(made);
    CHECK(made.error() == discovery_error::missing_option);
    CHECK(made.error().field() == "domain");
}

TEST_CASE("what is no pattern is refused, and where") {
    CHECK(refused("tw_node01.example.org") == "pattern 9 star");
    CHECK(refused("") == "pattern 0 star");
    CHECK(refused("tw*node*.example.org") == "pattern 7 star");
    CHECK(refused("tw*.exa*mple.org") == "pattern 7 star");
    CHECK(refused("tw*{n}.example.org") == "pattern 3 star");
    CHECK(refused("tw.*.example.org") == "pattern 3 star");
    CHECK(refused("tw{n.example.org") == "pattern 2 template");
    CHECK(refused("tw{m}.example.org") == "pattern 2 template");
    CHECK(refused("tw{n:2}.example.org") == "pattern 2 template");
    CHECK(refused("tw{n:0}.example.org") == "pattern 2 template");
    CHECK(refused("tw{n:0x}.example.org") == "pattern 2 template");
    CHECK(refused("tw{n:0123}.example.org") == "pattern 2 template");
    CHECK(refused("t w*.example.org") == "pattern 1 label");
    CHECK(refused("tw*/.example.org") == "pattern 3 label");
    CHECK(refused("tw*.exam ple.org") == "pattern 8 domain");
    CHECK(refused("tw*..org") == "pattern 4 domain");
    CHECK(refused("tw*.example..") == "pattern 12 domain");
    CHECK(refused("tw*..") == "pattern 4 domain");
    CHECK(refused("tw*.2.3.4") == "pattern 8 domain");
    CHECK(refused("tw*.example.org:9000") == "pattern 15 domain");
    auto const parts = name_sequence::from("tw.node", "example.org");
    REQUIRE_FALSE(parts);
    CHECK(parts.error().position() == 2);
    CHECK(parts.error().field() == "prefix");
}

TEST_CASE("numbers upside down or too large are refused, and a step of nothing") {
    CHECK(refused("n*.x.org", {.first = 7, .last = 6}) == "range 7 range");
    CHECK(refused("n*.x.org", {.first = 7, .last = 1'000'000'000}) == "range 7 range");
    CHECK(refused("n*.x.org", {.first = 1, .last = 9, .step = 0}) == "option 0 step");
}

TEST_CASE("labels and names are refused exactly when they are too long") {
    auto const letters = [](std::size_t count) { return std::string(count, 'a'); };
    name_buffer buffer;
    CHECK(sequence(letters(61) + "*.x.org").name(0, buffer).size() == 63 + 7);
    CHECK(refused(letters(62) + "*.x.org") == "pattern 64 label");
    CHECK(refused(letters(63) + "*.x.org") == "pattern 65 label");
    CHECK(refused(letters(30) + "*" + letters(32) + ".x.org") == "pattern 64 label");
    CHECK(refused("*" + letters(62) + ".x.org") == "pattern 64 label");
    CHECK(refused("n*.x.org", {.first = 1, .last = 9, .step = 1, .width = 63}) == "pattern 64 label");
    CHECK(refused("n*.x.org", {.first = 1, .last = 9, .step = 1, .width = 4'000'000'000U}) ==
          "pattern 4000000001 label");
    CHECK(sequence(letters(61) + "*.x.org", {.first = 1, .last = 99}).size() == 99);
    CHECK(refused(letters(61) + "*.x.org", {.first = 1, .last = 100}) == "pattern 64 label");
    // The last number decides, and 98 is the last one below 100 that this step reaches.
    CHECK(sequence(letters(61) + "*.x.org", {.first = 2, .last = 100, .step = 96}).size() == 2);

    std::string const label = "." + letters(49), domain = label + label + label + label + label; // 250
    CHECK(sequence("n*." + letters(63)).size() == 99);
    CHECK(refused("n*." + letters(64)) == "pattern 66 domain");
    CHECK(sequence("*" + domain, {.first = 1, .last = 99, .step = 1, .width = 3}).name(98, buffer).size() == 254);
    CHECK(refused("n*" + domain, {.first = 1, .last = 99, .step = 1, .width = 3}) == "pattern 254 name");
    CHECK(refused("*" + domain + label) == "pattern 302 name");
}

TEST_CASE("names of every length are whole") {
    name_buffer buffer;
    for (std::size_t length = 1; length <= 239; ++length) {
        std::string domain(length, 'd');
        for (std::size_t dot = 50; dot + 1 < length; dot += 51) domain[dot] = '.';
        for (std::string const head : {"", "tw_node"}) {
            name_sequence const names = sequence(head + "*-eu." + domain, {.first = 99, .last = 100});
            buffer.fill('?');
            CHECK(names.name(0, buffer) == head + "99-eu." + domain + ".");
            buffer.fill('?');
            CHECK(names.name(1, buffer) == head + "100-eu." + domain + ".");
        }
    }
}

TEST_CASE("whatever is accepted makes host names, each another one") {
    peerkit::seeded_rng rng{11};
    auto const draw = [&rng](std::uint64_t bound) { return static_cast<std::size_t>(uniform(rng, bound)); };
    static constexpr std::string_view parts[] = {"*", "{n}", "{n:03}", ".",  ".", "a", "tw_",  "-",       "7",
                                                 "{", "n}",  " ",      "*.", ".", "x", ".org", "{n:063}", ""};
    std::size_t accepted = 0;
    name_buffer buffer;
    for (int i = 0; i < 20'000; ++i) {
        std::string pattern;
        for (std::size_t left = 1 + draw(9); left != 0; --left) {
            std::string_view const part = parts[draw(std::size(parts))];
            for (std::size_t times = draw(20) == 0 ? draw(80) : 1; times != 0; --times) pattern.append(part);
        }
        auto const low = static_cast<std::uint32_t>(draw(120));
        auto const made = name_sequence::parse(pattern, {.first = low,
                                                         .last = low + static_cast<std::uint32_t>(draw(4)),
                                                         .step = static_cast<std::uint32_t>(draw(4)),
                                                         .width = static_cast<unsigned>(draw(6))});
        if (!made) {
            CHECK(made.error().domain() == "discovery");
            continue;
        }
        ++accepted;
        std::set<std::string> seen;
        for (std::size_t k = 0; k < made->size(); ++k) seen.emplace(made->name(k, buffer));
        CHECK(seen.size() == made->size());
        seen.emplace(made->strange_name(1, buffer));
        for (std::string const& name : seen) {
            auto const host = peerkit::endpoint::parse(name);
            bool const root_number = name.find('.') + 1 == name.size(); // "07." is no host name elsewhere
            CHECK_MESSAGE((root_number || (host && host->is_host_name())), name);
            CHECK(name.ends_with('.'));
            CHECK(name.size() <= 254);
        }
    }
    CHECK(accepted > 300);
}

TEST_CASE("an index beyond the last one has no name") {
    name_sequence const names = sequence("n*.x.org", {.first = 1, .last = 3});
    name_buffer buffer;
    CHECK(names.name(2, buffer) == "n03.x.org.");
    CHECK(names.name(3, buffer).empty());
    CHECK(names.name(static_cast<std::size_t>(-1), buffer).empty());
}

TEST_CASE("strange names have the shape of the others and are none of them") {
    name_sequence const names = sequence("tw_node*-eu.example.org");
    texts const all = names_of(names);
    std::set<std::string> seen;
    name_buffer buffer;
    for (std::uint64_t word = 0; word < 200; ++word) {
        std::string const letters{names.strange_name(word, buffer)};
        REQUIRE(letters.size() == std::string_view{"tw_nodeabcdefghijkl-eu.example.org."}.size());
        CHECK(letters.substr(0, 7) == "tw_node");
        CHECK(letters.substr(19) == "-eu.example.org.");
        CHECK(std::all_of(letters.begin() + 7, letters.begin() + 19, [](char c) { return c >= 'a' && c <= 'z'; }));
        std::string const number{names.strange_number(word, buffer)};
        REQUIRE(number.size() == std::string_view{"tw_node1234567890-eu.example.org."}.size());
        CHECK(number[7] != '0');
        CHECK(std::all_of(number.begin() + 7, number.begin() + 17, [](char c) { return c >= '0' && c <= '9'; }));
        seen.insert(letters);
        seen.insert(number);
    }
    CHECK(seen.size() > 395);
}

TEST_CASE("strange names fit where there is little room") {
    name_buffer buffer;
    name_sequence const full = sequence(std::string(61, 'a') + "*.x.org");
    CHECK(full.strange_name(1, buffer).size() == 63 + 7);
    CHECK(full.strange_number(1, buffer).empty());
    name_sequence const nearly = sequence(std::string(53, 'a') + "*.x.org");
    CHECK(nearly.strange_name(1, buffer).size() == 63 + 7);
    CHECK(nearly.strange_number(1, buffer).size() == 63 + 7);
    std::string const label = "." + std::string(49, 'b');
    name_sequence const long_name = sequence("*" + label + label + label + label + label);
    CHECK(long_name.strange_name(1, buffer).size() == 254);
    CHECK(long_name.strange_number(1, buffer).empty());
}

TEST_CASE("a name costs no allocation") {
    name_sequence const names = sequence("tw_node*.example.org");
    shuffled_order const order{names.size(), 7};
    name_buffer buffer;
    std::uint64_t const before = tests::allocations::count();
    std::size_t sum = 0;
    for (std::size_t i = 0; i < names.size(); ++i) {
        sum += names.name(static_cast<std::size_t>(order(i)), buffer).size() + names.strange_name(i, buffer).size();
    }
    CHECK(tests::allocations::count() - before == 0);
    CHECK(sum == 99 * (22 + 32));
}

TEST_CASE("an order holds every number exactly once") {
    for (std::uint64_t size = 1; size <= 300; ++size) {
        for (std::uint64_t seed = 0; seed < 4; ++seed) {
            shuffled_order const order{size, seed};
            std::vector<bool> seen(size);
            for (std::uint64_t i = 0; i < size; ++i) {
                REQUIRE(order(i) < size);
                REQUIRE_FALSE(seen[order(i)]);
                seen[order(i)] = true;
            }
        }
    }
    shuffled_order const large{1'000'003, 5};
    std::vector<bool> seen(large.size());
    for (std::uint64_t i = 0; i < large.size(); ++i) seen[large(i)] = true;
    CHECK(std::find(seen.begin(), seen.end(), false) == seen.end());
}

TEST_CASE("an order is another one for another seed, and any number may be first") {
    std::vector<unsigned> first(99);
    std::size_t rising = 0;
    constexpr unsigned seeds = 9900;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        shuffled_order const order{99, seed};
        ++first[order(0)];
        for (std::uint64_t i = 1; i < 99; ++i) rising += order(i) > order(i - 1) ? 1U : 0U;
    }
    // A hundred each on average; far from it would be an order that prefers some.
    CHECK(*std::min_element(first.begin(), first.end()) > 50);
    CHECK(*std::max_element(first.begin(), first.end()) < 160);
    double const share = static_cast<double>(rising) / (98.0 * seeds);
    CHECK(share > 0.45);
    CHECK(share < 0.55);
}

TEST_CASE("an order is the same everywhere, and harmless outside its bounds") {
    shuffled_order const order{99, 2026};
    std::vector<std::uint64_t> begin;
    for (std::uint64_t i = 0; i < 6; ++i) begin.push_back(order(i));
    CHECK(begin == std::vector<std::uint64_t>{95, 82, 2, 58, 86, 71});
    CHECK(order(99) == 99);
    CHECK(shuffled_order{}(0) == 0);
    CHECK(shuffled_order{}.size() == 0);
}

} // namespace
