// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The HTTP server and client, on cpp-httplib.
#include "api_server.hpp"

#include "settings.hpp"

#include <peerkit/core/address_class.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/net/convert.hpp>
#include <peerkit/net/system.hpp>

#include <httplib.h>

#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>
#include <utility>

namespace node_program {

using namespace peerkit;
using namespace std::chrono_literals;

namespace {

constexpr unsigned ports_to_try = 100;
constexpr auto patience = 1s; ///< the loop is given to answer

/// 0 if a listener could be bound there now, else errno.
int try_port(ip_endpoint const& there) {
    int const family = there.address.family() == ip_family::v6 ? AF_INET6 : AF_INET;
    net::owned_fd const probe{::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!probe) return errno;
    int const yes = 1;
    (void)::setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_storage name{};
    socklen_t const size = net::to_system(there, family, name);
    if (::bind(probe.get(), reinterpret_cast<sockaddr const*>(&name), size) != 0) return errno;
    return ::listen(probe.get(), 1) == 0 ? 0 : errno;
}

} // namespace

struct api_server::state {
    httplib::Server server;
    std::thread thread;
    std::atomic<bool> ended = false;
};

api_server::api_server(ip_address const& address, std::uint16_t port, std::string const& flag)
    : state_{std::make_unique<state>()} {
    httplib::Server& server = state_->server;
    // The library's own default would let two nodes share one port.
    server.set_socket_options([](int socket) {
        int const yes = 1;
        (void)::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server.new_task_queue = [] { return new httplib::ThreadPool{2}; }; // more would only wait for the one loop
    server.set_keep_alive_max_count(1);
    server.set_read_timeout(5s);
    server.set_write_timeout(5s);
    server.set_payload_max_length(1024);

    for (unsigned i = 0; i < ports_to_try && port + i <= 65535; ++i) {
        ip_endpoint const there{address, static_cast<std::uint16_t>(port + i)};
        int const code = try_port(there);
        if (code == 0 && server.bind_to_port(address.to_string(), there.port)) {
            port_ = there.port;
            return;
        }
        if (code != 0 && code != EADDRINUSE && code != EACCES) {
            throw refusal{exit_failed, flag + ": " + there.to_string() + " cannot be bound: " + std::strerror(code)};
        }
    }
    throw refusal{exit_failed, "--api-port: none of the " + std::to_string(ports_to_try) + " ports from " +
                                   std::to_string(port) + " on is free"};
}

api_server::~api_server() { stop(); }

void api_server::serve(std::vector<std::string> const& paths, std::string const& changes, question ask) {
    auto const answer_it = [ask = std::move(ask)](httplib::Request const& request, httplib::Response& response) {
        auto coming = ask({request.path, {request.params.begin(), request.params.end()}, request.method, request.body});
        api_answer answer{503, R"({"status":"stalled"})"};
        if (coming.wait_for(patience) == std::future_status::ready) {
            try {
                answer = coming.get();
            } catch (std::future_error const&) { // the loop ended without answering
            }
        }
        response.status = answer.status;
        response.set_content(answer.document + "\n", "application/json");
    };
    for (std::string const& path : paths) state_->server.Get(path, answer_it);
    auto const change_it = [answer_it](httplib::Request const& request, httplib::Response& response) {
        auto const from = ip_address::parse(request.remote_addr);
        if (from && classify(*from) == address_class::loopback) return answer_it(request, response);
        response.status = 403;
        response.set_content("{\"error\":\"entries are changed from this machine only\"}\n", "application/json");
    };
    state_->server.Put(changes + "(.+)", change_it);
    state_->server.Delete(changes + "(.+)", change_it);
    state_->thread = std::thread{[state = state_.get()] {
        state->server.listen_after_bind();
        state->ended = true;
    }};
}

void api_server::stop() {
    if (!state_->thread.joinable()) return;
    // Before it runs, the server does not hear that it should stop.
    while (!state_->server.is_running() && !state_->ended) std::this_thread::sleep_for(1ms);
    state_->server.stop();
    state_->thread.join();
}

int print_status(std::string const& api) {
    auto const there = endpoint::parse(api, default_api_port);
    if (!there) refuse("status '" + api + "'", there.error());
    httplib::Client client{there->is_host_name() ? std::string{there->host_name()} : there->address().to_string(),
                           there->port()};
    client.set_connection_timeout(5s);
    client.set_read_timeout(5s);
    auto const got = client.Get("/health");
    if (!got) throw refusal{exit_failed, there->to_string() + " does not answer: " + httplib::to_string(got.error())};
    std::fputs(got->body.c_str(), stdout);
    return got->status == 200 ? exit_ok : exit_failed;
}

} // namespace node_program
