// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the list that never allocates and never overflows.
#include <peerkit/discovery/bounded_list.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <type_traits>

using peerkit::discovery::bounded_list;

namespace {

static_assert(std::is_nothrow_copy_constructible_v<bounded_list<int, 4>>);
static_assert(sizeof(bounded_list<int, 4>) <= 5 * sizeof(int));

TEST_CASE("a full bounded list refuses another value and keeps what it has") {
    bounded_list<int, 2> list;
    CHECK(list.empty());
    CHECK(list.push_back(1));
    CHECK(list.push_back(2));
    CHECK(list.full());
    CHECK_FALSE(list.push_back(3));
    CHECK(list == bounded_list<int, 2>{1, 2});
}

TEST_CASE("a bounded list takes the first values of a longer initializer") {
    CHECK(bounded_list<int, 2>{5, 6, 7} == bounded_list<int, 2>{5, 6});
}

TEST_CASE("removing from a bounded list keeps the order of the rest and says how many went") {
    bounded_list<int, 5> list{1, 2, 3, 4, 5};
    CHECK(list.remove_if([](int i) { return i % 2 == 0; }) == 2);
    CHECK(list == bounded_list<int, 5>{1, 3, 5});
    CHECK(list.contains(3));
    CHECK_FALSE(list.contains(2));
    CHECK(list.span().size() == 3);
    CHECK(list[2] == 5);
    CHECK(list.front() == 1);
}

TEST_CASE("bounded lists of different length or content are not equal") {
    CHECK(bounded_list<int, 4>{1, 2} != bounded_list<int, 4>{1, 2, 3});
    CHECK(bounded_list<int, 4>{1, 2} != bounded_list<int, 4>{1, 3});
    bounded_list<int, 4> cleared{1, 2};
    cleared.clear();
    CHECK(cleared == bounded_list<int, 4>{});
}

TEST_CASE("a copy of a bounded list holds the same, and changing one leaves the other") {
    bounded_list<int, 4> first{1, 2, 3};
    bounded_list<int, 4> copy = first;
    CHECK(copy == first);
    CHECK(copy.push_back(4));
    CHECK(first.size() == 3);
    first = copy;
    CHECK(first == bounded_list<int, 4>{1, 2, 3, 4});
    bounded_list<int, 4> const& itself = first;
    first = itself;
    CHECK(first.size() == 4);
    first = bounded_list<int, 4>{};
    CHECK(first.empty());
}

} // namespace
