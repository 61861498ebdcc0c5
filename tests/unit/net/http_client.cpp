// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The HTTP client against a well-behaved server, and against sockets that are not.
#include <peerkit/net/http_client.hpp>

#include <doctest/doctest.h>

#include "../../support/certificates.hpp"
#include "support.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace peerkit;
using namespace net_test;
using discovery::discovery_error;
using discovery::http_method;
using discovery::http_reply;
using discovery::http_request;

namespace {

/// cpp-httplib's server on a thread of its own.
template <typename Server = httplib::Server>
struct real_server {
    std::unique_ptr<Server> server;
    int port = 0;
    std::thread thread;

    explicit real_server(std::unique_ptr<Server> made = std::make_unique<Server>()) : server{std::move(made)} {
        REQUIRE(server->is_valid());
        server->new_task_queue = [] { return new httplib::ThreadPool(16); };
        server->Get("/hello", [](auto const&, auto& answer) {
            answer.set_header("X-Peerkit-Index", "17");
            answer.set_content("world\n", "text/plain");
        });
        server->Get("/big",
                    [](auto const&, auto& answer) { answer.set_content(std::string(100'000, 'b'), "text/plain"); });
        server->Get("/away", [](auto const&, auto& answer) { answer.set_redirect("/hello"); });
        server->Get("/same", [](auto const&, auto& answer) { answer.status = 304; });
        server->Get("/none", [](auto const&, auto& answer) { answer.status = 204; });
        auto const echo = [](auto const& asked, auto& answer) {
            answer.status = 201;
            answer.set_content(asked.method + " " + asked.target + " " + asked.get_header_value("X-Token") + " " +
                                   asked.get_header_value("Content-Type") + " " + asked.body,
                               "text/plain");
        };
        server->Post("/echo", echo);
        server->Put("/echo", echo);
        server->Delete("/echo", echo);
        server->Get("/lines", [](auto const&, auto& answer) {
            answer.set_chunked_content_provider("application/json", [](std::size_t, auto& sink) {
                for (int i = 0; i < 2; ++i) {
                    std::string const line = "{\"event\":" + std::to_string(i) + "}\n";
                    if (!sink.write(line.data(), line.size())) return false;
                }
                while (sink.is_writable()) std::this_thread::sleep_for(5ms); // a watch: nothing more happens
                return false;
            });
        });
        port = server->bind_to_any_port("127.0.0.1");
        REQUIRE(port > 0);
        thread = std::thread{[this] { server->listen_after_bind(); }};
        while (!server->is_running()) std::this_thread::sleep_for(1ms);
    }
    ~real_server() {
        server->stop();
        thread.join();
    }
    [[nodiscard]] std::string url(std::string const& scheme = "http", std::string const& host = "127.0.0.1") const {
        return scheme + "://" + host + ":" + std::to_string(port);
    }
};

/// Takes connections one after another and lets `serve` talk to each on a thread of its own.
struct raw_server {
    int listener = -1;
    std::uint16_t port = 0;
    std::thread thread;
    std::mutex mutex;
    std::vector<int> open;
    std::vector<std::thread> serving;
    std::atomic<int> taken = 0;

    explicit raw_server(std::function<void(int)> serve, int backlog = 64) {
        listener = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
        REQUIRE(::listen(listener, backlog) == 0);
        socklen_t size = sizeof name;
        REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size) == 0);
        port = ntohs(name.sin_port);
        if (!serve) return;
        thread = std::thread{[this, serve = std::move(serve)] {
            for (;;) {
                int const client = ::accept(listener, nullptr, nullptr);
                if (client < 0) return;
                ++taken;
                std::lock_guard const lock{mutex};
                open.push_back(client);
                serving.emplace_back([client, serve] {
                    serve(client);
                    ::shutdown(client, SHUT_RDWR);
                });
            }
        }};
    }
    ~raw_server() {
        ::shutdown(listener, SHUT_RDWR);
        if (thread.joinable()) thread.join();
        for (int const client : open) ::shutdown(client, SHUT_RDWR);
        for (auto& one : serving) one.join();
        for (int const client : open) ::close(client);
        ::close(listener);
    }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port); }
};

/// Reads a request and answers with this text.
std::function<void(int)> answering(std::string text) {
    return [text = std::move(text)](int client) {
        read_request(client);
        write_text(client, text);
    };
}
/// Sends as long as the other side takes it.
void flood(int client, std::string_view text) {
    std::string block;
    while (block.size() < 65'536) block += text;
    while (::send(client, block.data(), block.size(), MSG_NOSIGNAL) > 0) {}
}

http_request to(std::string url, std::string target, duration timeout = 20s) {
    http_request asked;
    asked.url = std::move(url);
    asked.target = std::move(target);
    asked.timeout = timeout;
    return asked;
}
struct fixture {
    asio::io_context loop;
    net::http_client client;
    std::shared_ptr<net::stop_state> stop = std::make_shared<net::stop_state>();

    explicit fixture(net::http_client_options const& how = {}) : client{loop.get_executor(), how} {}
    result<http_reply> ask(http_request what) { return finish(loop, client.request(stop, std::move(what))); }
    error fails(http_request what) {
        auto const got = ask(std::move(what));
        REQUIRE_FALSE(got.has_value());
        return got.error();
    }
};

/// Every name has an address where nobody is, and one where somebody is.
struct two_addresses {
    net::lookup_of<discovery::resolve_name> resolve(std::shared_ptr<net::stop_state>, discovery::resolve_name) {
        discovery::resolved answer;
        answer.addresses = {ip_address::v4(127, 255, 255, 254), ip_address::v4(127, 0, 0, 1)};
        co_return answer;
    }
    template <typename Request>
    net::lookup_of<Request> resolve(std::shared_ptr<net::stop_state>, Request asked) {
        return net::unsupported_lookup(std::move(asked));
    }
};

} // namespace

TEST_CASE("A reply has its status, its body and its headers in lower case") {
    real_server<> const server;
    fixture f;
    auto const got = f.ask(to(server.url(), "/hello?with=this"));
    REQUIRE(got.has_value());
    CHECK(got->status == 200);
    CHECK(got->body == "world\n");
    CHECK(got->header("x-peerkit-index") == "17");
    CHECK(got->header("content-type") == "text/plain");
    CHECK(f.ask(to(server.url(), "/nothing"))->status == 404);
}

TEST_CASE("Every method reaches the server with its target, headers and body as they were given") {
    real_server<> const server;
    fixture f;
    for (auto const& [method, word] : {std::pair{http_method::post, "POST"}, std::pair{http_method::put, "PUT"}}) {
        http_request asked = to(server.url(), "/echo?a=1+2%20,;'x'");
        asked.method = method;
        asked.headers = {{"X-Token", "a,b; c"}, {"Content-Type", "application/json"}};
        asked.body = std::string{"{\"zero\":\"\0\"}", 12};
        auto const got = f.ask(asked);
        REQUIRE(got.has_value());
        CHECK(got->status == 201);
        CHECK(got->body == std::string{word} + " /echo?a=1+2%20,;'x' a,b; c application/json " + asked.body);
    }
    http_request asked = to(server.url(), "/echo");
    asked.method = http_method::remove;
    CHECK(f.ask(asked)->body.starts_with("DELETE /echo "));
}

TEST_CASE("Redirects and replies without a body are replies like others") {
    real_server<> const server;
    fixture f;
    auto const away = f.ask(to(server.url(), "/away"));
    REQUIRE(away.has_value());
    CHECK(away->status == 302);
    CHECK(away->header("location") == "/hello");
    CHECK(f.ask(to(server.url(), "/none"))->status == 204);
    CHECK(f.ask(to(server.url(), "/same"))->status == 304);
    // Without any length, as many servers send it.
    raw_server const bare{[](int client) {
        read_request(client);
        write_text(client, "HTTP/1.1 304 Not Modified\r\nETag: \"7\"\r\n\r\n");
        char c = 0;
        (void)!::read(client, &c, 1);
    }};
    auto const began = steady::now();
    CHECK(f.ask(to(bare.url(), "/"))->header("etag") == "\"7\"");
    CHECK(steady::now() - began < 1500ms);
}

TEST_CASE("A connection serves several GETs; what changes something has one of its own") {
    std::atomic<int> requests = 0;
    raw_server const server{[&](int client) {
        while (!read_request(client).empty()) {
            ++requests;
            write_text(client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    }};
    fixture f;
    for (int i = 0; i < 5; ++i) CHECK(f.ask(to(server.url(), "/"))->body == "ok");
    CHECK(server.taken == 1);
    CHECK(f.client.kept_connections() == 1);
    http_request asked = to(server.url(), "/");
    asked.method = http_method::post;
    CHECK(f.ask(asked).has_value());
    CHECK(server.taken == 2);
    CHECK(requests == 6);
}

TEST_CASE("A GET on a connection that the server has closed is made again on another, once") {
    std::atomic<int> requests = 0;
    raw_server const server{[&](int client) {
        if (read_request(client).empty()) return;
        ++requests;
        write_text(client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        read_request(client); // and closes without a word
    }};
    fixture f;
    CHECK(f.ask(to(server.url(), "/")).has_value());
    auto const again = f.ask(to(server.url(), "/"));
    REQUIRE(again.has_value());
    CHECK(again->body == "ok");
    CHECK(server.taken == 2);
    CHECK(requests == 2);
}

TEST_CASE("A connection is kept no longer than it was said") {
    real_server<> const server;
    fixture f{{.keep_alive = 30ms}};
    CHECK(f.ask(to(server.url(), "/hello")).has_value());
    CHECK(f.client.kept_connections() == 1);
    CHECK(eventually(f.loop, [&] { return f.client.kept_connections() == 0; }));
    fixture none{{.keep_alive = 0ms}};
    CHECK(none.ask(to(server.url(), "/hello")).has_value());
    CHECK(none.client.kept_connections() == 0);
}

TEST_CASE("A body may be as large as was said and not a byte larger") {
    real_server<> const server;
    fixture f;
    http_request asked = to(server.url(), "/big");
    asked.max_bytes = 100'000;
    CHECK(f.ask(asked)->body.size() == 100'000);
    asked.max_bytes = 99'999;
    CHECK(f.fails(asked) == discovery_error::too_large);
    CHECK(f.fails(asked).position() == 99'999);
    // Without a length that tells beforehand.
    raw_server const endless{[](int client) {
        read_request(client);
        write_text(client, "HTTP/1.1 200 OK\r\n\r\n");
        flood(client, "x");
    }};
    asked.url = endless.url();
    CHECK(f.fails(asked) == discovery_error::too_large);
    raw_server const chunked{[](int client) {
        read_request(client);
        write_text(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        flood(client, "8\r\nxxxxxxxx\r\n");
    }};
    asked.url = chunked.url();
    CHECK(f.fails(asked) == discovery_error::too_large);
}

TEST_CASE("Enough lines end a reply that has no end") {
    real_server<> const server;
    fixture f;
    http_request asked = to(server.url(), "/lines");
    asked.enough_lines = 1;
    auto const one = f.ask(asked);
    REQUIRE(one.has_value());
    CHECK(one->status == 200);
    CHECK(one->body == "{\"event\":0}\n");
    asked.enough_lines = 2;
    CHECK(f.ask(asked)->body == "{\"event\":0}\n{\"event\":1}\n");
    asked.enough_lines = 3;
    asked.timeout = 200ms;
    CHECK(f.fails(asked) == discovery_error::timed_out);
    asked.enough_lines = 1;
    asked.timeout = 20s;
    asked.max_bytes = 11;
    CHECK(f.fails(asked) == discovery_error::too_large);
    asked.max_bytes = 12;
    CHECK(f.ask(asked).has_value());
    // A reply that ends before is told as it is.
    asked = to(server.url(), "/hello");
    asked.enough_lines = 7;
    CHECK(f.ask(asked)->body == "world\n");
}

TEST_CASE("Whatever a server does instead of answering, the request ends as an error that says so") {
    struct misbehaviour {
        char const* text;
        discovery_error why;
        char const* field;
    };
    constexpr std::string_view ok = "HTTP/1.1 200 OK\r\n";
    for (misbehaviour const& one : {
             misbehaviour{"", discovery_error::unavailable, "receive"},
             misbehaviour{"SSH-2.0-OpenSSH_9.2\r\n", discovery_error::bad_reply, "http head"},
             misbehaviour{"HTTP/1.1 200 OK\r\nContent-Le", discovery_error::bad_reply, "http head"},
             misbehaviour{"@Content-Length: 5\r\n\r\nabc", discovery_error::bad_reply, "http body"},
             misbehaviour{"@Content-Length: -5\r\n\r\nabc", discovery_error::bad_reply, "content-length"},
             misbehaviour{"@Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", discovery_error::bad_reply,
                          "content-length"},
             misbehaviour{"@Content-Length: 99999999999999999999\r\n\r\nabc", discovery_error::bad_reply,
                          "content-length"},
             misbehaviour{"@Content-Length: 9999999999\r\n\r\nabc", discovery_error::too_large, "http body"},
             misbehaviour{"@Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                          discovery_error::bad_reply, "content-length"},
             misbehaviour{"@Transfer-Encoding: gzip\r\n\r\nabc", discovery_error::bad_reply, "transfer-encoding"},
             misbehaviour{"@Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", discovery_error::bad_reply,
                          "content-encoding"},
             misbehaviour{"@Transfer-Encoding: chunked\r\n\r\n3\r\nabc", discovery_error::bad_reply, "http body"},
             misbehaviour{"@Transfer-Encoding: chunked\r\n\r\nzz\r\nabc", discovery_error::bad_reply, "http body"},
         }) {
        CAPTURE(one.text);
        std::string answer{one.text};
        if (answer.starts_with('@')) answer.replace(0, 1, ok);
        raw_server const server{answering(answer)};
        fixture f;
        http_request asked = to(server.url(), "/");
        asked.max_bytes = 1'000;
        error const got = f.fails(asked);
        CHECK(got == one.why);
        CHECK(got.field() == one.field);
    }
}

TEST_CASE("A head without end, in lines or in one line, is refused long before memory is") {
    for (std::string_view const text : {"X-More: and more\r\n", "x"}) {
        raw_server const server{[text](int client) {
            read_request(client);
            write_text(client, "HTTP/1.1 200 OK\r\nX-First: ");
            flood(client, text);
        }};
        fixture f;
        error const got = f.fails(to(server.url(), "/"));
        bool const refused = got == discovery_error::too_large || got == discovery_error::bad_reply;
        CHECK_MESSAGE(refused, got.message());
    }
    raw_server const chunk{[](int client) { // a chunk's line without end
        read_request(client);
        write_text(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=");
        flood(client, "x");
    }};
    fixture f;
    http_request asked = to(chunk.url(), "/");
    asked.max_bytes = 10'000;
    error const got = f.fails(asked);
    bool const refused = got == discovery_error::too_large || got == discovery_error::bad_reply;
    CHECK_MESSAGE(refused, got.message());
}

TEST_CASE("The time allowed is for the whole request, however slowly a server drips") {
    raw_server const server{[](int client) {
        read_request(client);
        write_text(client, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        while (::send(client, "x", 1, MSG_NOSIGNAL) == 1) std::this_thread::sleep_for(20ms);
    }};
    fixture f;
    auto const began = steady::now();
    error const got = f.fails(to(server.url(), "/", 300ms));
    CHECK(got == discovery_error::timed_out);
    CHECK(got.position() == 300);
    CHECK(steady::now() - began >= 300ms);
    CHECK(steady::now() - began < 3s);
}

TEST_CASE("A server that does not read what it is sent, or goes away in the middle, is an error and nothing worse") {
    http_request asked = to("", "/");
    asked.method = http_method::post;
    asked.body.assign(8'000'000, 'b');
    raw_server const deaf{[](int client) {
        char c = 0;
        (void)!::recv(client, &c, 1, MSG_PEEK);
        std::this_thread::sleep_for(400ms);
    }};
    fixture f;
    asked.url = deaf.url();
    asked.timeout = 200ms;
    CHECK(f.fails(asked) == discovery_error::timed_out);
    raw_server const hasty{[](int client) {
        read_request(client);
        ::shutdown(client, SHUT_WR);
        std::this_thread::sleep_for(20ms);
        int const nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        (void)::dup2(nothing, client); // closes the connection; the number stays the server's
        ::close(nothing);
    }};
    asked.url = hasty.url();
    asked.timeout = 20s;
    error const got = f.fails(asked);
    CHECK_MESSAGE((got == discovery_error::unavailable), got.message());
}

TEST_CASE("Nobody there, nobody who takes the connection, and nobody of that name") {
    std::string nowhere;
    {
        raw_server const gone{nullptr};
        nowhere = gone.url();
    }
    fixture f;
    error const refused = f.fails(to(nowhere, "/"));
    CHECK(refused == discovery_error::unavailable);
    CHECK(refused.field() == "connect");

    raw_server const full{nullptr, 0}; // takes one into its queue and ignores the others
    std::vector<int> waiting;
    for (int i = 0; i < 3; ++i) {
        waiting.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        name.sin_port = htons(full.port);
        (void)::connect(waiting.back(), reinterpret_cast<sockaddr*>(&name), sizeof name);
    }
    CHECK(f.fails(to(full.url(), "/", 200ms)) == discovery_error::timed_out);
    for (int const one : waiting) ::close(one);

    error const unknown = f.fails(to("http://nobody.invalid:80", "/"));
    bool const told = unknown == discovery_error::unresolved || unknown == discovery_error::server_failed;
    CHECK_MESSAGE(told, unknown.message());
}

TEST_CASE("Names are looked up, and their addresses are tried in turn") {
    real_server<> const server;
    asio::io_context loop;
    net::http_client client{loop.get_executor(), {}, two_addresses{}};
    auto const got = finish(loop, client.request(std::make_shared<net::stop_state>(),
                                                 to(server.url("http", "registry.example"), "/hello")));
    REQUIRE(got.has_value());
    CHECK(got->body == "world\n");
}

TEST_CASE("What cannot stand in a request is refused before anybody is asked") {
    fixture f;
    CHECK(f.fails(to("ftp://127.0.0.1:1", "/")) == discovery_error::bad_option);
    CHECK(f.fails(to("http://127.0.0.1:1", "/a b")) == discovery_error::bad_option);
    http_request asked = to("http://127.0.0.1:1", "/");
    asked.headers = {{"X-Token", "a\r\nX-Other: b"}};
    CHECK(f.fails(asked) == discovery_error::bad_option);
}

TEST_CASE("A stop ends a request within milliseconds, wherever it is") {
    raw_server const silent{[](int client) {
        read_request(client);
        char c = 0;
        (void)!::read(client, &c, 1);
    }};
    raw_server const deaf{nullptr, 64}; // connected, but nobody reads
    for (std::string const& url : {silent.url(), deaf.url()}) {
        fixture f;
        std::optional<steady::time_point> ended;
        std::optional<result<http_reply>> got;
        asio::co_spawn(f.loop, f.client.request(f.stop, to(url, "/")), [&](std::exception_ptr, auto outcome) {
            got = std::move(outcome);
            ended = steady::now();
        });
        asio::steady_timer timer{f.loop, 50ms};
        steady::time_point stopped;
        timer.async_wait([&](asio::error_code) {
            CHECK(f.client.under_way() == 1);
            stopped = steady::now();
            f.stop->stop();
        });
        REQUIRE(runs_out(f.loop));
        REQUIRE(got.has_value());
        CHECK(got->error() == discovery_error::unavailable);
        CHECK(got->error().position() == ECANCELED);
        CHECK(*ended - stopped < 200ms);
        CHECK(f.client.under_way() == 0);
    }
    fixture after;
    after.stop->stop();
    CHECK(after.fails(to(silent.url(), "/")).position() == ECANCELED);
}

TEST_CASE("The client, and the loop, may go while a request is under way") {
    raw_server const silent{[](int client) {
        char c = 0;
        while (::read(client, &c, 1) == 1) {}
    }};
    raw_server const full{nullptr, 0};
    auto const began = steady::now();
    for (int i = 0; i < 20; ++i) {
        asio::io_context loop;
        auto client = std::make_unique<net::http_client>(loop.get_executor());
        for (auto const& url : {silent.url(), full.url(), silent.url()}) {
            asio::co_spawn(loop, client->request(std::make_shared<net::stop_state>(), to(url, "/")), asio::detached);
        }
        if (i % 2 == 0) client.reset();
        loop.run_for(std::chrono::milliseconds{i % 5});
    }
    CHECK(steady::now() - began < 5s);
}

TEST_CASE("A hundred requests at once all end, and the loop goes on meanwhile") {
    real_server<> const server;
    fixture f;
    int good = 0;
    int under_way = 100;
    for (int i = 0; i < 100; ++i) {
        asio::co_spawn(f.loop, f.client.request(f.stop, to(server.url(), i % 2 == 0 ? "/hello" : "/big")),
                       [&](std::exception_ptr, auto outcome) {
                           --under_way;
                           if (outcome && outcome->status == 200) ++good;
                       });
    }
    asio::steady_timer timer{f.loop};
    steady::duration worst{};
    int ticks = 0;
    std::function<void()> tick = [&] {
        timer.expires_after(1ms);
        timer.async_wait([&, armed = steady::now()](asio::error_code) {
            worst = std::max(worst, steady::now() - armed);
            ++ticks;
            if (under_way > 0) tick();
        });
    };
    tick();
    REQUIRE(runs_out(f.loop));
    CHECK(good == 100);
    CHECK(ticks > 3);
    CHECK(worst < 500ms);
}

TEST_CASE("Requests beyond what may wait are refused at once") {
    raw_server const silent{[](int client) {
        char c = 0;
        while (::read(client, &c, 1) == 1) {}
    }};
    fixture f{{.workers = 1, .most_waiting = 2}};
    int refused = 0;
    int ended = 0;
    for (int i = 0; i < 6; ++i) {
        asio::co_spawn(f.loop, f.client.request(f.stop, to(silent.url(), "/")), [&](std::exception_ptr, auto outcome) {
            ++ended;
            if (!outcome && outcome.error().position() == EAGAIN) ++refused;
        });
    }
    CHECK(eventually(f.loop, [&] { return refused >= 3; }));
    f.stop->stop();
    CHECK(eventually(f.loop, [&] { return ended == 6; }));
    CHECK(refused <= 4); // how many depends on when the thread took the first
}

#ifdef CPPHTTPLIB_OPENSSL_SUPPORT
TEST_CASE("HTTPS needs a certificate that the authority signed for this very host") {
    auto const authority = certificates::make("peerkit test authority");
    auto const other = certificates::make("another authority");
    auto const own = certificates::make("server", "DNS:localhost,IP:127.0.0.1", &authority);
    scratch_directory const scratch;
    authority.write(scratch.file("authority.pem"));
    other.write(scratch.file("other.pem"));
    real_server<httplib::SSLServer> const server{
        std::make_unique<httplib::SSLServer>(own.certificate.get(), own.key.get())};
    fixture f;
    http_request asked = to(server.url("https"), "/hello");
    asked.ca_file = scratch.file("authority.pem");
    for (int i = 0; i < 2; ++i) { // the second on the same connection
        auto const good = f.ask(asked);
        REQUIRE_MESSAGE(good.has_value(), good.error().message());
        CHECK(good->body == "world\n");
    }
    asked.url = server.url("https", "localhost");
    CHECK(f.ask(asked).has_value());

    asked.ca_file = scratch.file("other.pem");
    CHECK(f.fails(asked) == discovery_error::untrusted_server);
    asked.ca_file.clear(); // the system's
    CHECK(f.fails(asked) == discovery_error::untrusted_server);
    asked.ca_file = scratch.file("authority.pem");
    real_server<httplib::SSLServer> const elsewhere{
        std::make_unique<httplib::SSLServer>(other.certificate.get(), other.key.get())};
    asked.url = elsewhere.url("https");
    CHECK(f.fails(asked) == discovery_error::untrusted_server);
    asked.ca_file = scratch.file("missing.pem");
    asked.url = server.url("https");
    CHECK(f.fails(asked) == discovery_error::bad_option);

    // Not TLS at all, and nothing at all.
    raw_server const plain{answering("HTTP/1.1 200 OK\r\n\r\n")};
    asked.ca_file = scratch.file("authority.pem");
    asked.url = "https://127.0.0.1:" + std::to_string(plain.port);
    asked.timeout = 500ms;
    CHECK_FALSE(f.ask(asked).has_value());
    raw_server const silent{[](int client) {
        char c = 0;
        while (::read(client, &c, 1) == 1) {}
    }};
    asked.url = "https://127.0.0.1:" + std::to_string(silent.port);
    asked.timeout = 200ms;
    CHECK(f.fails(asked) == discovery_error::timed_out);
}

TEST_CASE("A certificate for another name is not trusted, whoever signed it") {
    auto const authority = certificates::make("peerkit test authority");
    auto const own = certificates::make("server", "DNS:registry.example", &authority);
    scratch_directory const scratch;
    authority.write(scratch.file("authority.pem"));
    real_server<httplib::SSLServer> const server{
        std::make_unique<httplib::SSLServer>(own.certificate.get(), own.key.get())};
    fixture f;
    http_request asked = to(server.url("https"), "/hello");
    asked.ca_file = scratch.file("authority.pem");
    CHECK(f.fails(asked) == discovery_error::untrusted_server);
}
#endif
