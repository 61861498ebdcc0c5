// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of what a node does with a local link: browses through it, and publishes what it says of itself.
#include <peerkit/net/local_link.hpp>

#include <peerkit/discovery/mdns.hpp>

#include "unit/net/nodes.hpp"
#include "unit/net/support.hpp"

#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace net_test;
namespace discovery = peerkit::discovery;
namespace net = peerkit::net;
using peerkit::description;
using peerkit::node_id;
using peerkit::result;

namespace {

/// Writes down what it is told, and knows one instance.
struct written_down {
    std::vector<description> published;
    std::vector<std::string> browsed;
    discovery::service_instances known;
    result<void> answer{};
};

class fake_link final : public net::local_link {
public:
    explicit fake_link(std::shared_ptr<written_down> log) : log_{std::move(log)} {}
    asio::awaitable<result<discovery::service_instances>> browse(std::shared_ptr<net::stop_state>,
                                                                 discovery::browse_services wanted) override {
        log_->browsed.push_back(wanted.service);
        co_return log_->known;
    }
    result<void> publish(node_id const& id, description const& self) override {
        CHECK(id);
        log_->published.push_back(self);
        return log_->answer;
    }

private:
    std::shared_ptr<written_down> log_;
};

node_config with_link(std::string name, std::shared_ptr<written_down> const& log) {
    node_config config = quick(std::move(name));
    config.discovery = discovery::mdns::make().value();
    config.link = [log](auto const&, auto const&) { return std::make_shared<fake_link>(log); };
    return config;
}

} // namespace

TEST_CASE("a node publishes itself when it starts, and again when it says something else of itself") {
    asio::io_context loop;
    auto const log = std::make_shared<written_down>();
    auto config = with_link("a", log);
    config.self.labels = {{"zone", "x"}};
    node a = make(loop.get_executor(), std::move(config));
    CHECK(log->published.empty());
    REQUIRE(a.start());
    REQUIRE(log->published.size() == 1);
    CHECK(log->published[0].name == "a");
    CHECK(log->published[0].gossip_port == a.local().port);
    description changed;
    changed.name = "a";
    changed.labels = {{"zone", "y"}};
    REQUIRE(a.update(std::move(changed)));
    REQUIRE(log->published.size() == 2);
    CHECK(log->published[1].label_value("zone") == "y");
}

TEST_CASE("the strategy of a node browses through its link, and who is found there is called") {
    asio::io_context loop;
    auto const log = std::make_shared<written_down>();
    node a = make(loop.get_executor(), quick("a"));
    REQUIRE(a.start());
    discovery::service_instance there;
    there.instance = "other";
    there.port = a.local().port;
    there.addresses = {a.local().address};
    there.time_to_live = std::chrono::minutes{2};
    log->known.instances = {there};
    node b = make(loop.get_executor(), with_link("b", log));
    REQUIRE(b.start());
    CHECK(eventually(loop, [&] { return names(b).size() == 2 && names(a).size() == 2; }));
    CHECK(log->browsed.at(0) == "_peerkit._udp");
}

TEST_CASE("a link that cannot publish is told to the host and stops nothing") {
    asio::io_context loop;
    auto const log = std::make_shared<written_down>();
    log->answer = peerkit::fail(discovery::discovery_error::unavailable, ENODEV, "link");
    node a = make(loop.get_executor(), with_link("a", log));
    std::vector<std::string> told;
    a.on_notice([&](discovery::notice const& n) {
        if (n.what == discovery::discovery_error::unavailable) told.push_back(n.text);
    });
    REQUIRE(a.start());
    CHECK(told == std::vector<std::string>{"publishing on the local link"});
    CHECK(a.running());
}
