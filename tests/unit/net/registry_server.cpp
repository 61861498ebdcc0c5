// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of a running registry on one thread: what waits for the disk, a disk that fails, polls, a replica and its root.
#include <peerkit/net/registry_server.hpp>

#include "support.hpp"

#include <peerkit/core/base64.hpp>
#include <peerkit/core/json_writer.hpp>
#include <peerkit/crypto/challenge.hpp>
#include <peerkit/crypto/network_name.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/net/http_response.hpp>

#include <asio/ip/tcp.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>
#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace net_test;
using namespace peerkit;

namespace {

/// An HTTP client for these tests: one connection for each request, on the loop.
struct plain_client {
    asio::io_context* loop;

    [[nodiscard]] asio::awaitable<result<discovery::http_reply>> request(std::shared_ptr<net::stop_state> stop,
                                                                         discovery::http_request what) {
        return ask(*loop, std::move(stop), std::move(what));
    }
    static asio::awaitable<result<discovery::http_reply>> ask(asio::io_context& on,
                                                              std::shared_ptr<net::stop_state> stop,
                                                              discovery::http_request what) {
        auto const there = endpoint::parse(what.url.substr(7), 80);
        asio::ip::tcp::socket socket{on};
        net::watchdog const guard{on.get_executor(), stop, what.timeout, [&socket] { socket.close(); }};
        asio::error_code ec;
        co_await socket.async_connect(net::to_asio<asio::ip::tcp>({there->address(), there->port()}),
                                      asio::redirect_error(asio::use_awaitable, ec));
        std::string text =
            (what.method == discovery::http_method::get ? "GET " : "POST ") + what.target +
            " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " + std::to_string(what.body.size()) + "\r\n";
        for (auto const& header : what.headers) text += header.name + ": " + header.value + "\r\n";
        text += "\r\n" + what.body;
        if (!ec) co_await asio::async_write(socket, asio::buffer(text), asio::redirect_error(asio::use_awaitable, ec));
        net::http_response_parser parser{1 << 20};
        std::array<char, 4096> block;
        while (!ec && !parser.complete()) {
            auto const got =
                co_await socket.async_read_some(asio::buffer(block), asio::redirect_error(asio::use_awaitable, ec));
            if (!ec) (void)parser.feed({block.data(), got});
        }
        if (!parser.complete()) co_return fail(discovery::discovery_error::unavailable);
        co_return discovery::http_reply{parser.status(), parser.take_body(), {}};
    }
};

/// The same, but from `silent` on, what is posted goes to somebody who never answers.
struct losing_client {
    asio::io_context* loop;
    bool const* silent;
    std::string nobody;

    [[nodiscard]] asio::awaitable<result<discovery::http_reply>> request(std::shared_ptr<net::stop_state> stop,
                                                                         discovery::http_request what) {
        if (*silent && what.method == discovery::http_method::post) what.url = nobody;
        return plain_client::ask(*loop, std::move(stop), std::move(what));
    }
};

/// A disk whose writes wait until they are let go.
struct slow_disk {
    std::mutex lock;
    std::condition_variable changed;
    bool blocked = false;
    bool full = false;
    std::size_t applied = 0;

    net::registry_storage storage() {
        return {[this](std::span<registry::durable_change const>) -> result<void> {
                    std::unique_lock held{lock};
                    changed.wait(held, [this] { return !blocked; });
                    if (full) return fail(net::net_error::socket_failed, 28, "disk");
                    ++applied;
                    return {};
                },
                {}};
    }
    void set(bool& what, bool to) {
        {
            std::scoped_lock const held{lock};
            what = to;
        }
        changed.notify_all();
    }
};

net::registry_config config_of(registry::registry_role role = registry::registry_role::root) {
    net::registry_config made;
    made.options.role = role;
    made.options.network = crypto::network_id_of("test");
    made.options.token = "0123456789abcdef";
    made.http.address = *ip_address::parse("127.0.0.1");
    made.http.port = 0;
    return made;
}

struct field {
    asio::io_context loop;
    std::deque<std::string> notices;

    net::registry_server start(net::registry_config config) {
        config.on_notice = [this](discovery::notice const& told) { notices.push_back(told.text); };
        auto made = net::registry_server::start(loop.get_executor(), std::move(config));
        REQUIRE_MESSAGE(made.has_value(), made.error().message());
        return std::move(*made);
    }

    /// A request that is under way; `got` once it is answered.
    struct asked {
        std::optional<discovery::http_reply> got;
        bool ended = false;
    };
    std::shared_ptr<asked> ask(net::registry_server const& of, std::string target, std::string body = {},
                               std::vector<discovery::http_header> headers = {}) {
        auto const state = std::make_shared<asked>();
        discovery::http_request what;
        what.method = body.empty() ? discovery::http_method::get : discovery::http_method::post;
        what.url = "http://" + of.local().to_string();
        what.target = std::move(target);
        what.body = std::move(body);
        what.headers = std::move(headers);
        what.timeout = 20s;
        asio::co_spawn(loop, plain_client::ask(loop, std::make_shared<net::stop_state>(), std::move(what)),
                       [state](std::exception_ptr, result<discovery::http_reply> reply) {
                           state->ended = true;
                           if (reply) state->got = std::move(*reply);
                       });
        return state;
    }
    discovery::http_reply answer(net::registry_server const& of, std::string target, std::string body = {}) {
        auto const one = ask(of, std::move(target), std::move(body));
        REQUIRE(eventually(loop, [&] { return one->ended; }));
        REQUIRE(one->got.has_value());
        return *one->got;
    }
    /// The body that registers a node, with its proof.
    std::string registration(net::registry_server const& of, std::string const& name) {
        auto const identity = crypto::ed25519_identity::generate();
        description self{.name = name, .addresses = {{*ip_address::parse("127.0.0.1"), 0, address_kind::local}}};
        REQUIRE(normalize(self));
        std::vector<std::byte> room(limits::record);
        auto const network = crypto::network_id_of("test");
        auto const record = crypto::sign_record(*identity, network, self, 1, false, room);
        auto const body = [&](std::string_view proof) {
            json_writer out;
            out.open('{').field("domain", "a.test").key("record").base64(record->bytes());
            if (!proof.empty()) out.field("proof", proof);
            out.close('}');
            return std::move(out).text();
        };
        auto const refused = answer(of, "/api/register", body({}));
        REQUIRE(refused.status == 401);
        std::string_view const key = "\"challenge\":\"";
        auto const at = refused.body.rfind(key) + key.size();
        std::vector<std::byte> challenge((refused.body.find('"', at) - at) / 2);
        REQUIRE(from_hex(std::string_view{refused.body}.substr(at, challenge.size() * 2), challenge));
        return body(to_hex(*crypto::sign_challenge(*identity, network, challenge)));
    }
};

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

} // namespace

TEST_CASE("an answer waits until what it says is stored, reads as well, while there is memory for it") {
    field f;
    slow_disk disk;
    auto config = config_of();
    config.storage = disk.storage();
    config.held_bytes = 4'000; // a few lists
    auto server = f.start(std::move(config));
    std::string const body = f.registration(server, "n1");
    disk.set(disk.blocked, true);
    auto const write = f.ask(server, "/api/register", body);
    CHECK(eventually(f.loop, [&] { return server.logic().table().size() == 1; }));
    auto const read = f.ask(server, "/api/nodes");
    f.loop.run_for(200ms);
    CHECK_FALSE(write->ended);
    CHECK_FALSE(read->ended);
    std::vector<std::shared_ptr<field::asked>> much;
    for (int i = 0; i < 20; ++i) much.push_back(f.ask(server, "/api/nodes"));
    f.loop.run_for(300ms);
    std::size_t refused = 0;
    for (auto const& one : much) refused += one->ended && one->got && has(one->got->body, "busy") ? 1U : 0U;
    CHECK(refused > 0);
    CHECK(refused < 20);
    disk.set(disk.blocked, false);
    CHECK(eventually(f.loop, [&] { return write->ended && read->ended; }));
    CHECK(f.answer(server, "/api/nodes").status == 200);
    CHECK(write->got.value().status == 200);
    CHECK(has(read->got.value().body, "\"n1\""));
}

TEST_CASE("while nothing can be stored, writes are refused, lists are read, and replicas wait") {
    field f;
    slow_disk disk;
    auto config = config_of();
    config.storage = disk.storage();
    auto server = f.start(std::move(config));
    std::string const first = f.registration(server, "n1");
    CHECK(f.answer(server, "/api/register", first).status == 200);
    std::string const second = f.registration(server, "n2");
    disk.set(disk.full, true);
    auto const refused = f.answer(server, "/api/register", second);
    CHECK(refused.status == 503);
    CHECK(has(refused.body, "not_durable"));
    CHECK(f.answer(server, "/api/register", second).status == 503);
    CHECK(f.answer(server, "/api/nodes").status == 200);
    CHECK(f.answer(server, "/api/changes?since=0").status == 503);
    disk.set(disk.full, false);
    CHECK(eventually(f.loop, [&] { return f.answer(server, "/api/register", second).status == 200; }));
    CHECK(f.answer(server, "/api/snapshot").status == 200);
    REQUIRE(f.notices.size() == 2);
    CHECK(has(f.notices[0], "storage fails"));
    CHECK(has(f.notices[1], "works again"));
}

TEST_CASE("requests that wait are answered by the change, and bounded in number") {
    field f;
    auto config = config_of();
    config.polls = 2;
    auto server = f.start(std::move(config));
    std::string const body = f.registration(server, "n1");
    auto const one = f.ask(server, "/api/nodes?wait=50&version=0");
    auto const two = f.ask(server, "/api/nodes?wait=50&version=0");
    f.loop.run_for(100ms);
    CHECK_FALSE(one->ended);
    auto const refused = f.answer(server, "/api/nodes?wait=50&version=0");
    CHECK(refused.status == 503);
    CHECK(has(refused.body, "busy"));
    CHECK(f.answer(server, "/api/register", body).status == 200);
    CHECK(eventually(f.loop, [&] { return one->ended && two->ended; }));
    CHECK(has(one->got.value().body, "\"n1\""));
    auto const late = f.answer(server, "/api/nodes?wait=1&version=1");
    CHECK(late.status == 200);
}

TEST_CASE("replicas wait beside all others, of whom one source has no more than a quarter of the room") {
    field f;
    auto config = config_of();
    config.polls = 8;
    config.options.limit_loopback = true;
    auto server = f.start(std::move(config));
    auto const state = server.logic().state();
    std::array<std::byte, 8> epoch{};
    store_big(epoch.data(), state.epoch);
    std::string const target =
        "/api/changes?since=" + std::to_string(state.version) + "&epoch=" + to_hex(epoch) + "&wait=50";
    std::vector<std::shared_ptr<field::asked>> waiting{f.ask(server, target), f.ask(server, target)};
    f.loop.run_for(100ms);
    auto const refused = f.answer(server, target);
    CHECK(refused.status == 503);
    CHECK(has(refused.body, "busy"));
    for (int i = 0; i < 10; ++i) {
        waiting.push_back(
            f.ask(server, target, {}, {{"peerkit-replica", "east"}, {"authorization", "Bearer 0123456789abcdef"}}));
    }
    f.loop.run_for(100ms);
    for (auto const& one : waiting) CHECK_FALSE(one->ended);
    CHECK(f.answer(server, "/api/register", f.registration(server, "n1")).status == 200);
    CHECK(eventually(f.loop, [&] {
        bool all = true;
        for (auto const& one : waiting) all = all && one->ended && one->got->status == 200;
        return all;
    }));
}

TEST_CASE("a replica follows its root, hands on writes, keeps them while the root is away, and says so") {
    field f;
    std::optional<net::registry_server> root{f.start(config_of())};
    auto wanted = config_of(registry::registry_role::secondary);
    wanted.options.retry_first = wanted.options.retry_most = 100ms;
    wanted.options.answer_wait = 500ms;
    wanted.root = "http://" + root->local().to_string();
    wanted.client = plain_client{&f.loop};
    std::uint16_t const port = root->port();
    auto replica = f.start(std::move(wanted));
    CHECK(eventually(f.loop, [&] { return has(f.answer(replica, "/health").body, "\"status\":\"ok\""); }));
    CHECK(f.answer(replica, "/api/register", f.registration(replica, "n1")).status == 200);
    CHECK(root->logic().table().size() == 1);
    CHECK(f.answer(*root, "/api/register", f.registration(*root, "n2")).status == 200);
    CHECK(eventually(f.loop, [&] { return replica.logic().table().size() == 2; }));

    root.reset();
    auto const queued = f.answer(replica, "/api/register", f.registration(replica, "n3"));
    CHECK(queued.status == 202);
    CHECK(eventually(f.loop, [&] { return has(f.answer(replica, "/health").body, "\"stale\":true"); }));
    CHECK(has(f.answer(replica, "/api/nodes").body, "\"n3\""));

    auto again = config_of();
    again.http.port = port;
    again.http.ports = 1;
    root.emplace(f.start(std::move(again))); // it remembers nothing
    CHECK(eventually(f.loop, [&] { return root->logic().table().size() == 1; }));
    CHECK(eventually(f.loop, [&] { return replica.logic().state().epoch == root->logic().state().epoch; }));
    CHECK(eventually(f.loop, [&] { return replica.logic().table().size() == 1; }));
    CHECK(has(f.answer(replica, "/api/nodes").body, "\"n3\""));
    bool told = false;
    for (auto const& text : f.notices) told = told || has(text, "the root answers");
    CHECK(told);
}

TEST_CASE("a replica whose storage fails does not say that a write is queued, though its root is silent") {
    field f;
    slow_disk disk;
    bool silent = false;
    asio::ip::tcp::acceptor const nobody{f.loop, {asio::ip::make_address("127.0.0.1"), 0}};
    auto root = f.start(config_of());
    auto wanted = config_of(registry::registry_role::secondary);
    wanted.options.answer_wait = 300ms;
    wanted.root = "http://" + root.local().to_string();
    wanted.client =
        losing_client{&f.loop, &silent, "http://127.0.0.1:" + std::to_string(nobody.local_endpoint().port())};
    wanted.storage = disk.storage();
    auto replica = f.start(std::move(wanted));
    CHECK(eventually(f.loop, [&] { return has(f.answer(replica, "/health").body, "\"status\":\"ok\""); }));
    std::string const body = f.registration(replica, "n1");
    silent = true;
    disk.set(disk.full, true);
    auto const refused = f.answer(replica, "/api/register", body);
    CHECK(refused.status == 503);
    CHECK(has(refused.body, "not_durable"));
}

TEST_CASE("a taken port leads to the next one, and the operator is told") {
    field f;
    auto one = f.start(config_of());
    auto config = config_of();
    config.http.port = one.port();
    auto two = f.start(std::move(config));
    CHECK(two.port() > one.port());
    REQUIRE(f.notices.size() == 1);
    CHECK(has(f.notices[0], std::to_string(one.port()) + " is taken"));
}

TEST_CASE("options that do not fit begin no registry") {
    asio::io_context loop;
    auto config = config_of();
    config.options.heartbeat_interval = duration::zero();
    auto const none = net::registry_server::start(loop.get_executor(), std::move(config));
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error() == registry::registry_error::bad_option);
}

TEST_CASE("a registry ends at once with everything it has under way") {
    field f;
    slow_disk disk;
    auto config = config_of();
    config.storage = disk.storage();
    std::optional<net::registry_server> server{f.start(std::move(config))};
    auto const poll = f.ask(*server, "/api/nodes?wait=50&version=0");
    f.loop.run_for(50ms);
    server.reset();
    CHECK(eventually(f.loop, [&] { return poll->ended; }));
    CHECK(disk.applied == 1); // the epoch
    CHECK(runs_out(f.loop));
}
