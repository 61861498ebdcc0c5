// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Serves /health, /members and /entries over HTTP from threads of its own.
#ifndef PEERKIT_NODE_API_SERVER_HPP
#define PEERKIT_NODE_API_SERVER_HPP

#include <peerkit/core/ip_address.hpp>

#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace node_program {

/// What is asked: a path, and what follows its question mark; or what is to be put or deleted there.
struct api_request {
    std::string path;
    std::multimap<std::string, std::string> parameters;
    std::string method = "GET";
    std::string body{};
};
/// An answer of the node: an HTTP status and a JSON document.
struct api_answer {
    int status = 503;
    std::string document;
};

/// The HTTP side of the node. It never touches the node: every request asks for a document and waits for it, so a loop
/// that hangs shows as status 503.
class api_server {
public:
    /// Called from the server's threads; the future is fulfilled by the node's own.
    using question = std::function<std::future<api_answer>(api_request)>;

    /// Takes `port`, or the next one that is free. @param flag which the address is from, for messages. @throws refusal
    api_server(peerkit::ip_address const& address, std::uint16_t port, std::string const& flag);
    ~api_server();
    api_server(api_server const&) = delete;
    api_server& operator=(api_server const&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// Answers GET for these paths from now on, and PUT and DELETE of what is below `changes`. Those are taken from
    /// this machine only: the server knows nobody else.
    void serve(std::vector<std::string> const& paths, std::string const& changes, question ask);
    /// Ends the threads; returns when they have ended.
    void stop();

private:
    struct state;
    std::unique_ptr<state> state_;
    std::uint16_t port_ = 0;
};

/// Prints what GET /health of the node at `host[:port]` says. @returns the exit code
int print_status(std::string const& api);

} // namespace node_program

#endif
