// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The Tailscale strategy: asks the daemon, then the command, then a given document, until the tailnet is ready.
#ifndef PEERKIT_DISCOVERY_TAILSCALE_HPP
#define PEERKIT_DISCOVERY_TAILSCALE_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/strategy.hpp>
#include <peerkit/discovery/tailscale_status.hpp>
#include <peerkit/discovery/tailscale_types.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Where the status document comes from and how long to wait for it. Sources are tried in the order of the members;
/// an empty one is not tried.
struct tailscale_options {
    tailscale_filter filter;

    /// LocalAPI sockets. The defaults are those of Linux and the BSDs, of the open-source daemon on macOS, and of
    /// Synology. A container image may use another: pass the value of TS_SOCKET.
    std::vector<std::string> sockets{"/var/run/tailscale/tailscaled.sock", "/var/run/tailscaled.socket",
                                     "/var/packages/Tailscale/var/tailscaled.sock"};
    duration socket_timeout = std::chrono::seconds{5};

    /// Programs, by name or path; `status --json` is added. The second is where macOS keeps it.
    std::vector<std::string> commands{"tailscale", "/Applications/Tailscale.app/Contents/MacOS/Tailscale"};
    /// The command itself waits up to 5 s for a daemon that is starting.
    duration command_timeout = std::chrono::seconds{8};

    std::string file; ///< a document on disk
    std::string text; ///< a document

    /// A run waits until the tailnet is ready: this many tries, this far apart. Inside `first_of` one try is enough.
    unsigned tries = 30;
    duration interval = std::chrono::seconds{2};

    own_identity self; ///< more ways to know this node by; the document names its addresses itself
};

/// Finds the machines of the local tailnet that may run a node.
///
/// Each try asks the sources in order until one gives a status document, and ends the run if the daemon is running.
/// Else the host is told why not, and the next try comes `interval` later. After the last try the run fails with
/// `not_running`, or with the last source's error; the node goes on with other candidates, and discovery comes back.
/// A machine's login link is never put into a notice.
///
/// Effects: `http_get`, `run_command`, `read_file`, `wait_until`.
class tailscale {
public:
    /// @par Errors `bad_option` naming the option: no source at all, no tries, or a port of 0.
    [[nodiscard]] static result<tailscale> make(tailscale_options options) {
        if (options.tries == 0) return fail(discovery_error::bad_option, 0, "tries");
        if (options.interval < duration::zero()) return fail(discovery_error::bad_option, 0, "interval");
        if (options.filter.port == 0) return fail(discovery_error::bad_option, 0, "port");
        tailscale made{std::move(options)};
        if (made.sources() == 0) return fail(discovery_error::bad_option, 0, "sockets, commands, file or text");
        return made;
    }

    [[nodiscard]] std::string_view name() const noexcept { return "tailscale"; }

    [[nodiscard]] step begin(time_point now) {
        tried_ = 0;
        warned_about_tun_ = false;
        return start_try(now, {});
    }

    [[nodiscard]] step resume(std::span<outcome> outcomes, time_point now) {
        if (outcomes.size() != 1) return step::failed(discovery_error::unexpected_answer);
        outcome& got = outcomes.front();
        if (waiting_) {
            if (!std::holds_alternative<elapsed>(got)) return step::failed(why_not(got));
            return start_try(now, {});
        }
        std::string detail;
        if (auto* reply = std::get_if<http_reply>(&got)) {
            if (reply->status == 200) return judge(reply->body, now, {});
            last_error_ = error{discovery_error::http_refused, reply->status};
            detail = one_line(reply->body);
        } else if (auto* ended = std::get_if<command_exit>(&got)) {
            if (ended->status == 0) return judge(ended->output, now, {});
            last_error_ = error{discovery_error::command_failed, static_cast<std::uint64_t>(ended->status)};
            detail = one_line(ended->diagnostics.empty() ? ended->output : ended->diagnostics);
        } else if (auto* read = std::get_if<file_text>(&got)) {
            return judge(read->text, now, {});
        } else {
            last_error_ = why_not(got);
        }
        return next_source(now, about(std::move(detail)));
    }

    /// The last document that was understood; for health pages and diagnosis.
    [[nodiscard]] tailscale_status const& status() const noexcept { return status_; }

private:
    explicit tailscale(tailscale_options options) : options_{std::move(options)} {}

    // Sources are numbered: sockets, commands, the file, the text.
    [[nodiscard]] std::size_t sources() const noexcept {
        return options_.sockets.size() + options_.commands.size() + (options_.file.empty() ? 0 : 1) +
               (options_.text.empty() ? 0 : 1);
    }
    [[nodiscard]] bool is_socket(std::size_t i) const noexcept { return i < options_.sockets.size(); }
    [[nodiscard]] bool is_command(std::size_t i) const noexcept {
        return !is_socket(i) && i - options_.sockets.size() < options_.commands.size();
    }
    [[nodiscard]] bool is_file(std::size_t i) const noexcept {
        return i == options_.sockets.size() + options_.commands.size() && !options_.file.empty();
    }
    [[nodiscard]] std::string source_name() const {
        if (is_socket(source_)) return options_.sockets[source_];
        if (is_command(source_)) return options_.commands[source_ - options_.sockets.size()];
        return is_file(source_) ? options_.file : "the given document";
    }

    [[nodiscard]] step start_try(time_point now, std::vector<notice> told) {
        ++tried_;
        source_ = 0;
        waiting_ = false;
        last_error_.reset();
        return ask(now, std::move(told));
    }
    [[nodiscard]] step next_source(time_point now, std::vector<notice> told) {
        ++source_;
        return ask(now, std::move(told));
    }
    [[nodiscard]] step ask(time_point now, std::vector<notice> told) {
        if (source_ == sources()) return end_try(now, std::move(told));
        std::size_t const limit = options_.filter.max_document;
        if (is_socket(source_)) {
            return step::ask(http_get{options_.sockets[source_], "local-tailscaled.sock", "/localapi/v0/status",
                                      options_.socket_timeout, limit})
                .with(std::move(told));
        }
        if (is_command(source_)) {
            return step::ask(run_command{{options_.commands[source_ - options_.sockets.size()], "status", "--json"},
                                         options_.command_timeout,
                                         limit})
                .with(std::move(told));
        }
        if (is_file(source_)) return step::ask(read_file{options_.file, limit}).with(std::move(told));
        return judge(options_.text, now, std::move(told));
    }

    /// A try is over without an answer.
    [[nodiscard]] step end_try(time_point now, std::vector<notice> told) {
        error const why = last_error_.value_or(error{discovery_error::not_running});
        if (tried_ >= options_.tries) return step::failed(why).with(std::move(told));
        told.push_back(
            {notice::severity::warning, why,
             "tailscale is not ready, try " + std::to_string(tried_) + " of " + std::to_string(options_.tries)});
        waiting_ = true;
        return step::ask(wait_until{saturating_add(now, options_.interval)}).with(std::move(told));
    }

    [[nodiscard]] step judge(std::string_view document, time_point now, std::vector<notice> told) {
        if (auto const done = parser_.parse(document, options_.filter, status_); !done) {
            last_error_ = done.error();
            for (notice& n : about(excerpt(document, done.error()))) told.push_back(std::move(n));
            return next_source(now, std::move(told));
        }
        if (!status_.ready()) {
            last_error_ =
                error{discovery_error::not_running, static_cast<std::uint64_t>(status_.state), "BackendState"};
            return end_try(now, std::move(told));
        }
        if (status_.tun == false && !warned_about_tun_) {
            warned_about_tun_ = true;
            told.push_back(
                {notice::severity::warning, error{discovery_error::unsupported, 0, "TUN"},
                 "the daemon uses userspace networking: tailnet addresses cannot be dialled without its proxy"});
        }
        if (status_.first_malformed) {
            told.push_back({notice::severity::warning, *status_.first_malformed,
                            "peers left out: " + std::to_string(status_.dropped_for(peer_drop::malformed))});
        }
        std::vector<candidate> found = status_.candidates;
        drop_self(found, options_.self);
        for (candidate& c : found) c.strategy = c.strategy.cut(name());
        return step::found(std::move(found)).with(std::move(told));
    }

    /// The notice that a source gave nothing; at the first try only, for a missing socket is no news at the second.
    [[nodiscard]] std::vector<notice> about(std::string detail) const {
        std::vector<notice> told;
        if (tried_ == 1) {
            std::string text = source_name();
            if (!detail.empty()) text.append(": ").append(detail);
            told.push_back({notice::severity::info, *last_error_, std::move(text)});
        }
        return told;
    }
    /// Up to 120 printable characters.
    [[nodiscard]] static std::string one_line(std::string_view text) {
        std::string line;
        for (char const c : text.substr(0, 120)) line.push_back(c >= ' ' && c < '\x7f' ? c : ' ');
        while (line.ends_with(' ')) line.pop_back();
        return line;
    }
    /// What stands where a document ought to begin, or after its end. Never text from inside, which may be secret.
    [[nodiscard]] static std::string excerpt(std::string_view document, error const& why) {
        bool const outside = why == discovery_error::trailing_bytes || why == discovery_error::not_an_object ||
                             (why == discovery_error::not_json && why.field() == "start");
        return outside && why.position() < document.size()
                   ? one_line(document.substr(static_cast<std::size_t>(why.position()), 40))
                   : std::string{};
    }

    tailscale_options options_;
    tailscale_status_parser parser_;
    tailscale_status status_;
    std::optional<error> last_error_;
    std::size_t source_ = 0;
    unsigned tried_ = 0;
    bool waiting_ = false;
    bool warned_about_tun_ = false;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
