// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A file of peers that somebody keeps up to date while the node runs.
#ifndef PEERKIT_DISCOVERY_PEERS_FILE_HPP
#define PEERKIT_DISCOVERY_PEERS_FILE_HPP

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
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Options of `peers_file`.
struct peers_file_options {
    std::string path{};
    std::uint16_t default_port = default_gossip_port;   ///< for entries without a port
    own_identity self{};                                ///< what to leave out
    duration resolve_timeout = std::chrono::seconds{5}; ///< for one host name
    std::size_t max_entries = 1024;
    std::size_t max_bytes = std::size_t{1} << 20U;
};

/// The strategy behind a file of peers, written as `parse_peers` reads it, best one per line:
/// @code
/// # peers of site A
/// db1.example.org:9000 zone=a role=db
/// 192.0.2.7
/// @endcode
/// The file is read in every run and watched in between, so a change is seen within about a second. What was read last
/// stays in use while the file is unreadable, too large, or has a refused entry (`entry_source` says how exactly), and
/// while it is blank from end to end, as a file is that is being written anew; one that holds but a comment says that
/// there are no peers. A run fails while there has been no list yet. To replace a list in one go, write another file
/// and rename it.
///
/// Host names and this node itself are treated as `entry_lookup` says.
class peers_file {
public:
    /// @par Errors `bad_option` for an empty path or a default port of 0.
    [[nodiscard]] static result<peers_file> make(peers_file_options options) {
        if (options.path.empty()) return fail(discovery_error::bad_option, 0, "path");
        if (options.default_port == 0) return fail(discovery_error::bad_option, 0, "default port");
        return peers_file{std::move(options)};
    }

    [[nodiscard]] std::string_view name() const noexcept { return "file"; }

    [[nodiscard]] step begin(time_point) {
        reading_ = true;
        watched_ = false;
        return step::ask(read_file{path_, max_bytes_});
    }

    [[nodiscard]] step resume(ticket which, outcome got, time_point) {
        if (!reading_) return last_word(source_.resume(which, std::move(got)));
        if (which != 0) return step::failed(discovery_error::unexpected_answer);
        reading_ = false;
        if (auto const* const file = std::get_if<file_text>(&got)) {
            watched_ = true;
            stamp_ = file->stamp;
            if (source_.size() != 0 && file->text.find_first_not_of(" \t\r\n") == std::string::npos) {
                return last_word(source_.keep(discovery_error::empty_document, path_));
            }
            return last_word(source_.read(file->text, path_));
        }
        error const why = why_not(got);
        // A file that is there but cannot be read has no known state whose change could be watched for.
        watched_ = why == discovery_error::unavailable &&
                   (why.position() == static_cast<std::uint64_t>(std::errc::no_such_file_or_directory) ||
                    why.position() == static_cast<std::uint64_t>(std::errc::not_a_directory));
        stamp_.reset();
        return last_word(source_.keep(why, path_));
    }

    /// Number of entries in use, this node included.
    [[nodiscard]] std::size_t size() const noexcept { return source_.size(); }

private:
    explicit peers_file(peers_file_options&& options)
        : path_{std::move(options.path)}, max_bytes_{options.max_bytes},
          source_{{.self = std::move(options.self),
                   .resolve_timeout = options.resolve_timeout,
                   .source = provenance::file,
                   .strategy = "file"},
                  {.default_port = options.default_port,
                   .max_entries = options.max_entries,
                   .max_bytes = options.max_bytes}} {}

    [[nodiscard]] step last_word(step made) const {
        if (!made.ended() || !watched_) return made;
        return std::move(made).watching(watch_file{path_, stamp_});
    }

    std::string path_;
    std::size_t max_bytes_;
    entry_source source_;
    std::optional<file_stamp> stamp_; ///< of what was read in this run; none: the file was not there
    bool watched_ = false;
    bool reading_ = false;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
