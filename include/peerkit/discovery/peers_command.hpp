// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Peers that another program prints: the way out for every source peerkit does not know.
#ifndef PEERKIT_DISCOVERY_PEERS_COMMAND_HPP
#define PEERKIT_DISCOVERY_PEERS_COMMAND_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/entry_source.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/peers_text.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Options of `peers_command`.
struct peers_command_options {
    std::vector<std::string> argv{};                    ///< the program, found through PATH, and its arguments
    duration timeout = std::chrono::seconds{8};         ///< then it is killed
    std::uint16_t default_port = default_gossip_port;   ///< for entries without a port
    own_identity self{};                                ///< what to leave out
    duration resolve_timeout = std::chrono::seconds{5}; ///< for one host name
    std::size_t max_entries = 1024;
    std::size_t max_bytes = std::size_t{1} << 20U; ///< of what it prints
};

/// The strategy behind a program that prints peers on standard output, as `parse_peers` reads them, and ends with exit
/// status 0. It is run in every run, without a shell and with standard input closed. Printing nothing says that there
/// are no peers.
///
/// What it printed last stays in use when it cannot be started, ends with another status, does not end in time, prints
/// too much, or prints a refused entry (`entry_source` says how exactly). Standard error is never read as peers; its
/// first line is quoted in the notice of a program that failed. Host names and this node itself are treated as
/// `entry_lookup` says.
class peers_command {
public:
    /// @par Errors `bad_option` for a command without a program, a timeout not above zero, or a default port of 0.
    [[nodiscard]] static result<peers_command> make(peers_command_options options) {
        if (options.argv.empty() || options.argv.front().empty())
            return fail(discovery_error::bad_option, 0, "command");
        if (options.timeout <= duration::zero()) return fail(discovery_error::bad_option, 0, "timeout");
        if (options.default_port == 0) return fail(discovery_error::bad_option, 0, "default port");
        return peers_command{std::move(options)};
    }

    [[nodiscard]] std::string_view name() const noexcept { return "command"; }

    [[nodiscard]] step begin(time_point) {
        running_ = true;
        return step::ask(command_);
    }

    [[nodiscard]] step resume(ticket which, outcome got, time_point) {
        if (!running_) return source_.resume(which, std::move(got));
        if (which != 0) return step::failed(discovery_error::unexpected_answer);
        running_ = false;
        std::string const& program = command_.argv.front();
        auto const* const ended = std::get_if<command_exit>(&got);
        if (ended == nullptr) return source_.keep(why_not(got), program);
        if (ended->status == 0) return source_.read(ended->output, program);
        error const why{discovery_error::command_failed, static_cast<std::uint64_t>(ended->status), "exit status"};
        return source_.keep(why, program + first_line(ended->diagnostics));
    }

    /// Number of entries in use, this node included.
    [[nodiscard]] std::size_t size() const noexcept { return source_.size(); }

private:
    explicit peers_command(peers_command_options&& options)
        : command_{std::move(options.argv), options.timeout, options.max_bytes},
          source_{{.self = std::move(options.self),
                   .resolve_timeout = options.resolve_timeout,
                   .source = provenance::command,
                   .strategy = "command"},
                  {.default_port = options.default_port,
                   .max_entries = options.max_entries,
                   .max_bytes = options.max_bytes}} {}

    /// " says: ..." with the first line that is not blank; empty without one.
    [[nodiscard]] static std::string first_line(std::string_view text) {
        std::size_t const begin = text.find_first_not_of(" \t\r\n");
        if (begin == std::string_view::npos) return {};
        text.remove_prefix(begin);
        text = text.substr(0, text.find_first_of("\r\n")).substr(0, 200);
        std::string line = " says: ";
        for (char const c : text) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
        return line;
    }

    run_command command_;
    entry_source source_;
    bool running_ = false;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
