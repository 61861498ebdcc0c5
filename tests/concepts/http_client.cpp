// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Archetype and exemplar of HttpClient; docs/concepts/http_client.md quotes the exemplar.
#include <peerkit/net/any_http_client.hpp>

#include <doctest/doctest.h>

#include <peerkit/net/cancellation.hpp>

#include "unit/net/support.hpp"

#include <asio/io_context.hpp>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

using namespace peerkit;

namespace {

/// The archetype: what the concept asks for and nothing besides.
class least_client {
public:
    static least_client make() noexcept { return least_client{}; }
    least_client(least_client&&) noexcept = default;
    least_client& operator=(least_client&&) = delete;

    net::http_answer request(std::shared_ptr<net::stop_state>, discovery::http_request what) {
        discovery::http_reply answer;
        answer.status = 200;
        for (auto const& [name, value] : what.headers) answer.body += name + ": " + value + "\n";
        co_return answer;
    }

private:
    least_client() noexcept = default;
};
static_assert(net::check_http_client<least_client>());

// [exemplar]
/// Adds a token to every request that goes to one server, so that no strategy has to know it.
template <net::HttpClient Inner>
class with_token {
public:
    with_token(std::string url, std::string token, Inner inner)
        : url_{std::move(url)}, token_{std::move(token)}, inner_{std::move(inner)} {}

    [[nodiscard]] net::http_answer request(std::shared_ptr<net::stop_state> stop, discovery::http_request what) {
        if (what.url == url_) what.headers.push_back({"Authorization", "Bearer " + token_});
        return inner_.request(std::move(stop), std::move(what));
    }

private:
    std::string url_;
    std::string token_;
    Inner inner_;
};
static_assert(net::check_http_client<with_token<net::any_http_client>>());
// [/exemplar]

template <net::HttpClient C>
std::string ask(C& client, std::string url) {
    asio::io_context loop;
    discovery::http_request asked;
    asked.url = std::move(url);
    asked.target = "/";
    return net_test::finish(loop, client.request(std::make_shared<net::stop_state>(), asked))->body;
}

} // namespace

TEST_CASE("code written against HttpClient runs on its archetype") {
    auto least = least_client::make();
    CHECK(ask(least, "http://a:1").empty());
}

TEST_CASE("a token is sent to its server and to no other") {
    with_token<least_client> client{"https://registry.example:8000", "secret", least_client::make()};
    CHECK(ask(client, "https://registry.example:8000") == "Authorization: Bearer secret\n");
    CHECK(ask(client, "https://other.example:8000").empty());
}

TEST_CASE("the page of HttpClient quotes the exemplar as it is compiled here") {
    auto const read = [](char const* path) {
        std::ifstream in{std::string{PEERKIT_TEST_DATA} + path};
        return std::string{std::istreambuf_iterator<char>{in}, {}};
    };
    std::string const source = read("/../concepts/http_client.cpp");
    std::string const page = read("/../../docs/concepts/http_client.md");
    std::size_t const first = source.find("// [exemplar]\n") + 14, last = source.find("// [/exemplar]");
    REQUIRE(first < last);
    CHECK(page.find("```cpp\n" + source.substr(first, last - first) + "```") != std::string::npos);
}
