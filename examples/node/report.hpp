// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the program prints: a line per event, a line of members, log lines.
#ifndef PEERKIT_NODE_REPORT_HPP
#define PEERKIT_NODE_REPORT_HPP

#include "settings.hpp"

#include <peerkit/core/node_id.hpp>
#include <peerkit/discovery/strategy.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/net/node_config.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace node_program {

/// How many members are in each state, in the order of `member_state`.
using state_counts = std::array<std::size_t, 4>;
state_counts count_states(std::vector<peerkit::net::member_info> const& members);

/// The wall clock as "2026-01-02T03:04:05.678Z".
std::string timestamp();

/// Events and members go to standard output, everything else to standard error; every line is flushed. Not thread-safe.
class reporter {
public:
    reporter(output_format format, log_level level) noexcept : format_{format}, level_{level} {}

    /// Remembers what a member is called, so that it can be named when it is gone.
    void remember(peerkit::node_id const& id, std::string name) { names_[id.short_id()] = std::move(name); }

    /// "<time> <kind> <name> <id> <endpoint> (<cause>) ...", or the same as JSON.
    void event(peerkit::gossip::event const& what);
    /// "<time> members 3 alive, 1 dead: a b c d(dead)", or the same as JSON.
    void members(std::vector<peerkit::net::member_info> const& all) const;

    void notice(peerkit::discovery::notice const& told) const;
    void log(log_level level, std::string_view text) const;

private:
    [[nodiscard]] std::string name_of(peerkit::short_id id) const;

    output_format format_;
    log_level level_;
    std::unordered_map<peerkit::short_id, std::string> names_;
};

} // namespace node_program

#endif
