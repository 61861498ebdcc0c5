// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Peers in a variable of the environment, as containers are often given them.
#ifndef PEERKIT_DISCOVERY_PEERS_ENVIRONMENT_HPP
#define PEERKIT_DISCOVERY_PEERS_ENVIRONMENT_HPP

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

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Options of `peers_environment`.
struct peers_environment_options {
    std::string variable = "PEERKIT_PEERS";
    std::uint16_t default_port = default_gossip_port;   ///< for entries without a port
    own_identity self{};                                ///< what to leave out
    duration resolve_timeout = std::chrono::seconds{5}; ///< for one host name
    std::size_t max_entries = 1024;
};

/// The strategy behind a list of peers in a variable of the environment, written as `parse_peers` reads it:
/// @code PEERKIT_PEERS="db1.example.org:9000 zone=a, 192.0.2.7" @endcode
/// The variable is read in every run. Refused entries are treated as `entry_source` says, host names and this node
/// itself as `entry_lookup` says. A variable that is not set, or empty, says that there are no peers; that it is not
/// set is told with a notice.
class peers_environment {
public:
    /// @par Errors `bad_option` for a variable name that is empty or holds '=', or a default port of 0.
    [[nodiscard]] static result<peers_environment> make(peers_environment_options options) {
        if (options.variable.empty() || options.variable.find_first_of(std::string_view{"=\0", 2}) != std::string::npos)
            return fail(discovery_error::bad_option, 0, "variable");
        if (options.default_port == 0) return fail(discovery_error::bad_option, 0, "default port");
        return peers_environment{std::move(options)};
    }

    [[nodiscard]] std::string_view name() const noexcept { return "environment"; }

    [[nodiscard]] step begin(time_point) {
        reading_ = true;
        return step::ask(read_environment{variable_});
    }

    [[nodiscard]] step resume(ticket which, outcome got, time_point) {
        if (!reading_) return source_.resume(which, std::move(got));
        if (which != 0) return step::failed(discovery_error::unexpected_answer);
        reading_ = false;
        auto const* const found = std::get_if<environment_value>(&got);
        if (found == nullptr) return source_.keep(why_not(got), variable_);
        if (found->text) return source_.read(*found->text, variable_);
        return source_.read({}, variable_)
            .with(notice{
                notice::severity::info, {discovery_error::unavailable, 0, "variable"}, variable_ + " is not set"});
    }

    /// Number of entries in use, this node included.
    [[nodiscard]] std::size_t size() const noexcept { return source_.size(); }

private:
    explicit peers_environment(peers_environment_options&& options)
        : variable_{std::move(options.variable)},
          source_{{.self = std::move(options.self),
                   .resolve_timeout = options.resolve_timeout,
                   .source = provenance::environment,
                   .strategy = "environment"},
                  {.default_port = options.default_port, .max_entries = options.max_entries}} {}

    std::string variable_;
    entry_source source_;
    bool reading_ = false;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
