// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Archetype and exemplar of Resolver; docs/concepts/resolver.md quotes the exemplar.
#include <peerkit/net/resolver.hpp>

#include <doctest/doctest.h>

#include <peerkit/net/any_resolver.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/system_resolver.hpp>

#include "unit/net/support.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace peerkit;

namespace {

/// The archetype: what the concept asks for and nothing besides.
class least_resolver {
public:
    static least_resolver make() noexcept { return least_resolver{}; }
    least_resolver(least_resolver&&) noexcept = default;
    least_resolver& operator=(least_resolver&&) = delete;

    net::lookup_of<discovery::resolve_name> resolve(std::shared_ptr<net::stop_state>, discovery::resolve_name) {
        discovery::resolved answer;
        answer.addresses = {ip_address::v4(192, 0, 2, 1)};
        co_return answer;
    }
    net::lookup_of<discovery::resolve_service> resolve(std::shared_ptr<net::stop_state>,
                                                       discovery::resolve_service asked) {
        return net::unsupported_lookup(std::move(asked));
    }
    net::lookup_of<discovery::resolve_text> resolve(std::shared_ptr<net::stop_state>, discovery::resolve_text asked) {
        return net::unsupported_lookup(std::move(asked));
    }
    net::lookup_of<discovery::resolve_address> resolve(std::shared_ptr<net::stop_state>,
                                                       discovery::resolve_address asked) {
        return net::unsupported_lookup(std::move(asked));
    }

private:
    least_resolver() noexcept = default;
};
static_assert(net::check_resolver<least_resolver>());

// [exemplar]
/// Names that the program itself knows, in front of another resolver.
template <net::Resolver Inner>
class hosts_table {
public:
    struct entry {
        std::string name; ///< without a final dot
        ip_address address;
    };

    hosts_table(std::vector<entry> known, Inner inner) : known_{std::move(known)}, inner_{std::move(inner)} {}

    [[nodiscard]] net::lookup_of<discovery::resolve_name> resolve(std::shared_ptr<net::stop_state> stop,
                                                                  discovery::resolve_name asked) {
        std::string_view name = asked.host;
        if (name.ends_with('.')) name.remove_suffix(1);
        discovery::resolved here;
        for (entry const& one : known_) {
            if (one.name == name) here.addresses.push_back(one.address);
        }
        if (!here.addresses.empty()) co_return here;
        co_return co_await inner_.resolve(std::move(stop), std::move(asked));
    }
    /// Everything else is the business of the other.
    template <typename Request>
    [[nodiscard]] net::lookup_of<Request> resolve(std::shared_ptr<net::stop_state> stop, Request asked) {
        return inner_.resolve(std::move(stop), std::move(asked));
    }

private:
    std::vector<entry> known_;
    Inner inner_;
};
static_assert(net::check_resolver<hosts_table<net::system_resolver>>());
// [/exemplar]

static_assert(net::check_resolver<hosts_table<net::any_resolver>>());

template <net::Resolver R>
result<discovery::resolved> find(R& resolver, std::string host) {
    asio::io_context loop;
    discovery::resolve_name asked;
    asked.host = std::move(host);
    return net_test::finish(loop, resolver.resolve(std::make_shared<net::stop_state>(), asked));
}

} // namespace

TEST_CASE("code written against Resolver runs on its archetype") {
    auto least = least_resolver::make();
    auto const got = find(least, "anything");
    REQUIRE(got);
    CHECK(got->addresses.size() == 1);
}

TEST_CASE("a table of hosts answers what it knows and passes on the rest") {
    hosts_table<least_resolver> table{{{"node01.example", ip_address::v4(10, 0, 0, 1)},
                                       {"node01.example", ip_address::v4(10, 0, 0, 2)},
                                       {"node02.example", ip_address::v4(10, 0, 0, 3)}},
                                      least_resolver::make()};
    auto const known = find(table, "node01.example.");
    REQUIRE(known);
    CHECK(known->addresses == std::vector<ip_address>{ip_address::v4(10, 0, 0, 1), ip_address::v4(10, 0, 0, 2)});
    auto const other = find(table, "node03.example.");
    REQUIRE(other);
    CHECK(other->addresses == std::vector<ip_address>{ip_address::v4(192, 0, 2, 1)});

    asio::io_context loop;
    auto const text =
        net_test::finish(loop, table.resolve(std::make_shared<net::stop_state>(), discovery::resolve_text{}));
    REQUIRE_FALSE(text);
    CHECK(text.error() == discovery::discovery_error::unsupported);
}

TEST_CASE("the page of Resolver quotes the exemplar as it is compiled here") {
    auto const read = [](char const* path) {
        std::ifstream in{std::string{PEERKIT_TEST_DATA} + path};
        return std::string{std::istreambuf_iterator<char>{in}, {}};
    };
    std::string const source = read("/../concepts/resolver.cpp");
    std::string const page = read("/../../docs/concepts/resolver.md");
    std::size_t const first = source.find("// [exemplar]\n") + 14, last = source.find("// [/exemplar]");
    REQUIRE(first < last);
    CHECK(page.find("```cpp\n" + source.substr(first, last - first) + "```") != std::string::npos);
}
