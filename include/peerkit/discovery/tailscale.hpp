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

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
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

    /// LocalAPI sockets; each is tried. The defaults are those of Linux and the BSDs, of the open-source daemon on
    /// macOS, of Synology's DSM 7 and 6, of gokrazy, of QNAP and of the official container image. The last two can be
    /// made by any local user, which is why they are the last: nobody listens there while a daemon runs elsewhere, and
    /// no candidate is trusted because of where it was found. A daemon told to use another socket: pass that, such as
    /// the value of TS_SOCKET. Windows has a pipe, and the graphical macOS client a port, in place of a socket: there
    /// the command answers.
    std::vector<std::string> sockets{"/var/run/tailscale/tailscaled.sock",
                                     "/var/run/tailscaled.socket",
                                     "/var/packages/Tailscale/var/tailscaled.sock",
                                     "/var/packages/Tailscale/etc/tailscaled.sock",
                                     "/perm/tailscaled/tailscaled.sock",
                                     "/tmp/tailscale/tailscaled.sock",
                                     "/tmp/tailscaled.sock"};
    /// A daemon that is starting takes a request and answers late.
    duration socket_timeout = std::chrono::seconds{5};

    /// Names or paths of the command, to which `status --json` is added; the first that can be started is run. The
    /// defaults are PATH, where macOS and Homebrew keep it, the usual place of what one built oneself, and Windows.
    std::vector<std::string> commands{"tailscale", "/Applications/Tailscale.app/Contents/MacOS/Tailscale",
                                      "/opt/homebrew/bin/tailscale", "/usr/local/bin/tailscale",
                                      "C:\\Program Files\\Tailscale\\tailscale.exe"};
    /// The command itself waits up to 5 s for a daemon that is starting: allow at least 6 s.
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
/// Else the host is told why not, with the daemon's `BackendState`, and the next try comes `interval` later. After the
/// last try the run fails with `not_running` (position: the `backend_state`), or with the last source's error; the node
/// goes on with other candidates, and discovery comes back.
///
/// Notices: which sources gave nothing and why (info, at the first try of a run), that the tailnet is not ready
/// (warning, each try), userspace networking (warning), malformed peers (warning), and how many peers were left out for
/// what reason (info, when that changed since the run before). A login link is never put into a notice.
///
/// Effects, one at a time: `http_get`, `run_command`, `read_file`, `wait_until`.
class tailscale {
public:
    /// @par Errors `bad_option` naming the option: no source at all, no tries, a port of 0, or no time for an answer.
    [[nodiscard]] static result<tailscale> make(tailscale_options options) {
        if (options.tries == 0) return fail(discovery_error::bad_option, 0, "tries");
        if (options.interval < duration::zero()) return fail(discovery_error::bad_option, 0, "interval");
        if (options.socket_timeout <= duration::zero()) return fail(discovery_error::bad_option, 0, "socket_timeout");
        if (options.command_timeout <= duration::zero()) return fail(discovery_error::bad_option, 0, "command_timeout");
        if (options.filter.port == 0) return fail(discovery_error::bad_option, 0, "port");
        tailscale made{std::move(options)};
        if (made.sources() == 0) return fail(discovery_error::bad_option, 0, "sockets, commands, file or text");
        return made;
    }

    [[nodiscard]] std::string_view name() const noexcept { return "tailscale"; }

    [[nodiscard]] step begin(time_point now) {
        tried_ = 0;
        warned_about_tun_ = false;
        return start_try(now);
    }

    [[nodiscard]] step resume(ticket which, outcome got, time_point now) {
        if (which != 0) return step::failed(discovery_error::unexpected_answer);
        if (waiting_) {
            if (!std::holds_alternative<elapsed>(got)) return step::failed(why_not(got));
            return start_try(now);
        }
        std::string detail;
        if (auto* reply = std::get_if<http_reply>(&got)) {
            if (reply->status == 200) return judge(reply->body, now);
            last_error_ = error{discovery_error::http_refused, reply->status};
            detail = one_line(reply->body);
        } else if (auto* ended = std::get_if<command_exit>(&got)) {
            if (ended->status == 0) return judge(ended->output, now);
            last_error_ = error{discovery_error::command_failed, static_cast<std::uint64_t>(ended->status)};
            detail = one_line(ended->diagnostics.empty() ? ended->output : ended->diagnostics);
        } else if (auto* read = std::get_if<file_text>(&got)) {
            return judge(read->text, now);
        } else {
            last_error_ = why_not(got);
        }
        return next_source(now, detail);
    }

    /// The last document that was understood; for health pages and diagnosis. A document that was not leaves it alone.
    [[nodiscard]] tailscale_status const& status() const noexcept { return status_; }

private:
    explicit tailscale(tailscale_options options) : options_{std::move(options)} {}

    // Sources are numbered: sockets, commands, the file, the text.
    [[nodiscard]] std::size_t first_after_commands() const noexcept {
        return options_.sockets.size() + options_.commands.size();
    }
    [[nodiscard]] std::size_t sources() const noexcept {
        return first_after_commands() + (options_.file.empty() ? 0 : 1) + (options_.text.empty() ? 0 : 1);
    }
    [[nodiscard]] bool is_socket(std::size_t i) const noexcept { return i < options_.sockets.size(); }
    [[nodiscard]] bool is_command(std::size_t i) const noexcept { return !is_socket(i) && i < first_after_commands(); }
    [[nodiscard]] bool is_file(std::size_t i) const noexcept {
        return i == first_after_commands() && !options_.file.empty();
    }
    [[nodiscard]] std::string source_name() const {
        if (is_socket(source_)) return options_.sockets[source_];
        if (is_command(source_)) return options_.commands[source_ - options_.sockets.size()];
        return is_file(source_) ? options_.file : "the given document";
    }

    [[nodiscard]] step start_try(time_point now) {
        ++tried_;
        source_ = 0;
        waiting_ = false;
        last_error_.reset();
        missing_.clear();
        return ask(now);
    }
    /// The source asked last gave nothing, because of `last_error_`.
    [[nodiscard]] step next_source(time_point now, std::string_view detail) {
        tell_why_not(detail);
        bool const ran = is_command(source_) && *last_error_ != discovery_error::unavailable;
        source_ = ran ? first_after_commands() : source_ + 1;
        return ask(now);
    }
    [[nodiscard]] step ask(time_point now) {
        if (source_ == sources()) return end_try(now);
        std::size_t const limit = options_.filter.max_document;
        if (is_socket(source_)) {
            return tell(step::ask(http_get{options_.sockets[source_], "local-tailscaled.sock", "/localapi/v0/status",
                                           options_.socket_timeout, limit}));
        }
        if (is_command(source_)) {
            return tell(
                step::ask(run_command{{options_.commands[source_ - options_.sockets.size()], "status", "--json"},
                                      options_.command_timeout,
                                      limit}));
        }
        if (is_file(source_)) return tell(step::ask(read_file{options_.file, limit}));
        return judge(options_.text, now);
    }

    /// A try is over without an answer.
    [[nodiscard]] step end_try(time_point now) {
        tell_missing();
        error const why = last_error_.value_or(error{discovery_error::not_running});
        bool const was_last = tried_ >= options_.tries;
        bool const knows_state = why == discovery_error::not_running;
        // Without a state the error of the run says it all.
        if (!was_last || knows_state) {
            std::string text = "tailscale is not ready";
            if (knows_state) text.append(": BackendState ").append(state_name());
            text.append(", try ").append(std::to_string(tried_)).append(" of ").append(std::to_string(options_.tries));
            told_.push_back({notice::severity::warning, why, std::move(text)});
        }
        if (was_last) return tell(step::failed(why));
        waiting_ = true;
        return tell(step::ask(wait_until{saturating_add(now, options_.interval)}));
    }

    [[nodiscard]] step judge(std::string_view document, time_point now) {
        if (auto const done = parser_.parse(document, options_.filter, read_); !done) {
            last_error_ = done.error();
            return next_source(now, excerpt(document, done.error()));
        }
        std::swap(status_, read_);
        if (!status_.ready()) {
            last_error_ =
                error{discovery_error::not_running, static_cast<std::uint64_t>(status_.state), "BackendState"};
            return end_try(now);
        }
        tell_missing();
        std::vector<candidate> found = status_.candidates;
        tell_about_peers(drop_self(found, options_.self));
        for (candidate& c : found) c.strategy = c.strategy.cut(name());
        return tell(step::found(std::move(found)));
    }

    // ---- Notices -----------------------------------------------------------------------------------------------

    /// Hands over what there is to tell.
    [[nodiscard]] step tell(step next) { return std::move(next).with(std::exchange(told_, {})); }

    /// At the first try only: a missing socket is no news at the second. What is merely not there is told in one notice
    /// for all, or a machine without Tailscale would fill the log with places.
    void tell_why_not(std::string_view detail) {
        if (tried_ != 1) return;
        constexpr std::uint64_t no_such_file = 2; // ENOENT, and Windows' ERROR_FILE_NOT_FOUND
        if (*last_error_ == discovery_error::unavailable && last_error_->position() == no_such_file) {
            missing_.append(missing_.empty() ? "" : ", ").append(source_name());
            return;
        }
        std::string text = source_name();
        if (!detail.empty()) text.append(": ").append(detail);
        told_.push_back({notice::severity::info, *last_error_, std::move(text)});
    }
    void tell_missing() {
        if (missing_.empty()) return;
        told_.push_back({notice::severity::info, error{discovery_error::unavailable, 2}, "not there: " + missing_});
        missing_.clear();
    }
    /// `own` candidates turned out to be this node.
    void tell_about_peers(std::size_t own) {
        if (status_.tun == false && !warned_about_tun_) {
            warned_about_tun_ = true;
            told_.push_back(
                {notice::severity::warning, error{discovery_error::unsupported, 0, "TUN"},
                 "the daemon uses userspace networking: tailnet addresses cannot be dialled without its proxy"});
        }
        if (status_.first_malformed) {
            told_.push_back({notice::severity::warning, *status_.first_malformed,
                             "peers left out: " + std::to_string(status_.dropped_for(peer_drop::malformed))});
        }
        auto dropped = status_.dropped;
        dropped[static_cast<std::size_t>(peer_drop::self)] += static_cast<std::uint32_t>(own);
        if (dropped == told_dropped_) return;
        told_dropped_ = dropped;
        std::size_t const out = status_.peers - status_.candidates.size() + own;
        if (out == 0) return;
        std::string text = "of " + std::to_string(status_.peers) + " peers";
        char const* separator = ": ";
        for (std::size_t i = 0; i < peer_drop_count; ++i) {
            if (dropped[i] == 0) continue;
            text.append(std::exchange(separator, ", ")).append(to_string(static_cast<peer_drop>(i)));
            text.append(" ").append(std::to_string(dropped[i]));
        }
        told_.push_back({notice::severity::info, error{discovery_error::left_out, out}, std::move(text)});
    }

    [[nodiscard]] std::string state_name() const {
        return status_.state == backend_state::unreported ? "not reported" : one_line(status_.state_text);
    }
    /// Up to 120 printable characters, and no link: where somebody has to log in, that lets in whoever reads it.
    [[nodiscard]] static std::string one_line(std::string_view text) {
        std::string line;
        for (char const c : text.substr(0, 120)) line.push_back(c >= ' ' && c < '\x7f' ? c : ' ');
        std::size_t const link = text.substr(0, 123).find("://");
        if (link != std::string_view::npos) line.erase(line.find_last_of(" \"'<(", link) + 1).append("(a link)");
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
    tailscale_status read_; ///< swapped with `status_` once it is known to be good
    std::optional<error> last_error_;
    std::vector<notice> told_; ///< with the next step
    std::string missing_;      ///< sources that are not there
    std::array<std::uint32_t, peer_drop_count> told_dropped_{};
    std::size_t source_ = 0;
    unsigned tried_ = 0;
    bool waiting_ = false;
    bool warned_about_tun_ = false;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
