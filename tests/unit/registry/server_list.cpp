// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the list of registries: order, rest, pauses, and how addresses are written.
#include <peerkit/registry/server_list.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using registry::server_address;
using registry::server_list;
using registry::server_source;

namespace {

server_address at(std::uint8_t last, server_source source = server_source::configured) {
    return {endpoint{ip_address::v4(10, 0, 0, last), 8000}, false, source};
}
std::string order(server_list const& list, time_point now) {
    std::string all;
    for (server_address const& one : list.order(now)) {
        all += static_cast<char>('0' + std::to_integer<int>(one.where.address().bytes()[3]));
    }
    return all;
}

} // namespace

TEST_CASE("registries are asked source by source, whichever became known first, and each once") {
    server_list list;
    list.replace(server_source::announced, {at(7), at(2)});
    list.replace(server_source::configured, {at(3), at(4)});
    list.replace(server_source::domain, {at(2)});
    list.replace(server_source::integrated, {at(1)});
    CHECK(order(list, {}) == "12347");
    list.replace(server_source::domain, {at(6), at(5)});
    CHECK(order(list, {}) == "1653472"); // members still name the second one
    CHECK(list.order({}).front().source == server_source::integrated);
}

TEST_CASE("a registry known from two sources is asked once, and stays when one of them names another") {
    server_list list;
    time_point const t{};
    list.replace(server_source::configured, {at(1), at(3)});
    list.replace(server_source::remembered, {at(2)});
    list.replace(server_source::domain, {at(2), at(3), at(2)});
    CHECK(order(list, t) == "231");
    CHECK(list.order(t).front().source == server_source::domain);
    list.failed(at(3), t);
    list.closed(at(2), 90s, t);
    list.replace(server_source::domain, {at(4)});
    CHECK(order(list, t) == "41"); // as they were under their other sources
    CHECK(order(list, t + 90s) == "4132");
    list.replace(server_source::domain, {at(3)});
    list.worked(at(3));
    list.replace(server_source::domain, {});
    CHECK(order(list, t) == "31");
    CHECK(list.order(t).front().source == server_source::configured);
}

TEST_CASE("however many registries one source names, those of the others stay") {
    server_list list;
    list.replace(server_source::configured, {at(200)});
    std::vector<server_address> many;
    for (int i = 0; i < 100; ++i) many.push_back(at(static_cast<std::uint8_t>(i)));
    list.replace(server_source::domain, std::move(many));
    CHECK(list.size() == server_list::most + 1);
    list.replace(server_source::domain, {});
    CHECK(list.size() == 1);
}

TEST_CASE("the one that worked is first; one that failed rests, longer each time, unless all do") {
    server_list list;
    time_point const t{};
    list.replace(server_source::configured, {at(1), at(2), at(3)});
    list.worked(at(2));
    CHECK(order(list, t) == "213");
    list.failed(at(2), t);
    CHECK(order(list, t) == "13");
    CHECK(order(list, t + 5s) == "213");
    list.failed(at(2), t + 5s);
    CHECK(order(list, t + 14s) == "13");
    CHECK(order(list, t + 15s) == "213");
    for (int i = 0; i < 200; ++i) list.failed(at(2), t);
    CHECK(order(list, t + server_list::rest_most) == "213");
    list.failed(at(1), t);
    list.failed(at(3), t);
    CHECK(order(list, t) == "213"); // all of them rest
    list.worked(at(3));
    CHECK(order(list, t) == "3");
    list.failed(at(9), t); // not in the list
    CHECK(list.size() == 3);
}

TEST_CASE("one that asks for a pause is not asked before, but sooner than it may wish") {
    server_list list;
    time_point const t{};
    list.replace(server_source::configured, {at(1), at(2)});
    list.closed(at(1), 90s, t);
    list.closed(at(2), 24h, t);
    CHECK(order(list, t).empty());
    CHECK(list.opens(t) == t + 90s);
    CHECK(order(list, t + 90s) == "1");
    CHECK(order(list, t + server_list::longest_retry_after) == "12");
    CHECK(list.opens(t + 11min) == never);
}

TEST_CASE("what is known of a registry outlives a new list of its source") {
    server_list list;
    time_point const t{};
    list.replace(server_source::domain, {at(1), at(2)});
    list.failed(at(1), t);
    list.replace(server_source::domain, {at(2), at(1), at(3)});
    CHECK(order(list, t) == "23");
    list.prefer(at(8, server_source::announced));
    CHECK(order(list, t) == "23");
    list.replace(server_source::announced, {at(8)});
    CHECK(order(list, t) == "823");
}

TEST_CASE("the list is bounded, and holds nothing that cannot be called") {
    server_list list;
    std::vector<server_address> many;
    for (int i = 0; i < 100; ++i) many.push_back(at(static_cast<std::uint8_t>(i)));
    many.insert(many.begin(), server_address{});
    list.replace(server_source::announced, std::move(many));
    CHECK(list.size() == server_list::most);
}

TEST_CASE("a registry is written with or without scheme and port") {
    auto const url = [](std::string_view text, bool tls = false) {
        auto const one = server_address::parse(text, 8000, tls, server_source::configured);
        return one ? one->url() : std::string{};
    };
    CHECK(url("10.0.0.1") == "http://10.0.0.1:8000");
    CHECK(url("2001:db8::7") == "http://[2001:db8::7]:8000");
    CHECK(url("https://r.example.org/") == "https://r.example.org:8000");
    CHECK(url("http://r.example.org:81", true) == "http://r.example.org:81");
    CHECK(url("r.example.org:81", true) == "https://r.example.org:81");
    CHECK(url("http://").empty());
    CHECK(url("ftp://r.example.org").empty());
    CHECK(url("http://a/b").empty());
    CHECK(url("http://a b").empty());
    CHECK(at(1).text() == "10.0.0.1:8000");
}
