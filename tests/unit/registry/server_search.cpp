// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of where registries are found, and of how one is named to members.
#include <peerkit/registry/server_search.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using discovery::discovery_error;
using registry::client_options;
using registry::server_search;

namespace {

server_search made(client_options const& o, std::string_view protocol = "registry") {
    auto one = server_search::make(o, protocol, 8000);
    REQUIRE(one);
    return *one;
}
std::vector<std::string> urls(server_search& search) {
    std::vector<std::string> all;
    for (auto const& one : search.servers().order({})) all.push_back(one.url());
    return all;
}
using words = std::vector<std::string>;

} // namespace

TEST_CASE("the name in DNS is tnr in the domain, looked up absolutely and no more often than it need be") {
    time_point const t{};
    auto search = made({.domain = "example.test"});
    CHECK(search.name() == "tnr.example.test");
    REQUIRE(search.look_up(t));
    CHECK(search.look_up(t)->host == "tnr.example.test.");
    auto const v6 = *ip_address::parse("2001:db8::1");
    CHECK_FALSE(
        search.looked_up(discovery::resolved{{ip_address::v4(10, 0, 0, 1), v6, ip_address::v4(0, 0, 0, 0)}, 60s}, t));
    CHECK(urls(search) == words{"http://127.0.0.1:8000", "http://[2001:db8::1]:8000", "http://10.0.0.1:8000"});
    CHECK_FALSE(search.look_up(t + 59s));
    CHECK(search.look_up(t + 60s));
    CHECK(search.looked_up(error{discovery_error::timed_out}, t + 60s) == discovery_error::timed_out);
    CHECK(urls(search).size() == 3);
    CHECK_FALSE(search.look_up(t + 64s));
    CHECK(search.look_up(t + 65s));
    static_cast<void>(search.looked_up(discovery::resolved{{v6}, 0s}, t));
    CHECK_FALSE(search.look_up(t + 29s));
    static_cast<void>(search.looked_up(discovery::resolved{{v6}, 100h}, t));
    CHECK(search.look_up(t + 5min));
    CHECK_FALSE(search.look_up(t + 5s));
    search.look_again();
    CHECK(search.look_up(t + 5s));
    CHECK_FALSE(made({}).look_up(t));
}

TEST_CASE("members are told of a registry by protocol and transport, and others are left alone") {
    auto own = made({}), foreign = made({}, "etcd");
    registry::server_address const plain{endpoint{ip_address::v4(10, 0, 0, 1), 8000}, false, {}};
    registry::server_address const tls{*endpoint::parse("r.example.org:1"), true, {}};
    CHECK(own.text_of(plain) == "10.0.0.1:8000");
    CHECK(own.text_of(tls) == "registry+tls://r.example.org:1");
    CHECK(foreign.text_of(plain) == "etcd://10.0.0.1:8000");
    CHECK(foreign.text_of(tls) == "etcd+tls://r.example.org:1");
    for (auto const& one : {plain, tls}) {
        CHECK(own.from_text(own.text_of(one))->same(one));
        CHECK(foreign.from_text(foreign.text_of(one))->same(one));
        CHECK_FALSE(own.from_text(foreign.text_of(one)));
        CHECK_FALSE(foreign.from_text(own.text_of(one)));
    }
    CHECK_FALSE(own.from_text(""));
    CHECK_FALSE(own.from_text("http://10.0.0.1:8000"));
}

TEST_CASE("at most eight announced registries count, none of them on this machine") {
    auto search = made({.integrated = false});
    words many{"127.0.0.1:8000", "localhost:8000", "[::1]:8000", "0.0.0.0:8000"};
    for (int i = 1; i < 20; ++i) many.push_back("10.0.0." + std::to_string(i) + ":8000");
    search.take_announced(many);
    CHECK(urls(search).size() == server_search::most_announced);
    CHECK(urls(search).front() == "http://10.0.0.1:8000");
    auto deaf = made({.integrated = false, .announced = false});
    deaf.take_announced(many);
    CHECK(urls(deaf).empty());
}
