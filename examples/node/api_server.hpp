// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Serves GET /health over HTTP from threads of its own.
#ifndef PEERKIT_NODE_API_SERVER_HPP
#define PEERKIT_NODE_API_SERVER_HPP

#include <peerkit/core/ip_address.hpp>

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>

namespace node_program {

/// An answer of the node: the document, and whether the node is well.
struct api_answer {
    bool well = false;
    std::string document;
};

/// The HTTP side of the node. It never touches the node: every request asks for a document and waits for it, so a loop
/// that hangs shows as status 503.
class api_server {
public:
    /// Called from the server's threads; the future is fulfilled by the node's own.
    using question = std::function<std::future<api_answer>()>;

    /// Takes `port`, or the next one that is free. @param flag which the address is from, for messages. @throws refusal
    api_server(peerkit::ip_address const& address, std::uint16_t port, std::string const& flag);
    ~api_server();
    api_server(api_server const&) = delete;
    api_server& operator=(api_server const&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// Answers from now on.
    void serve(question ask);
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
