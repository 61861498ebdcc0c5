// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a registry wants done: changes to store, requests to the root, answers that were waited for.
#ifndef PEERKIT_REGISTRY_OUTBOX_HPP
#define PEERKIT_REGISTRY_OUTBOX_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/change.hpp>
#include <peerkit/registry/request.hpp>
#include <peerkit/registry/write_queue.hpp>

#include <cstdint>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Ask the root what changed: `GET /api/snapshot` where `everything` is wanted, else `GET /api/changes`.
struct fetch_changes {
    std::uint64_t number = 0;
    bool everything = false;
    change_cursor cursor{};
    duration wait{}; ///< how long the root may take to answer that nothing changed
    duration timeout{};
};
/// Hand a write on to the root.
struct forward_write {
    queued_write write{};
    duration timeout{};
};
/// Tell the root who was heard of: `POST /api/heartbeats`. Also with nobody, as a sign of life.
struct forward_beats {
    std::uint64_t number = 0;
    std::vector<node_id> nodes{};
    duration timeout{};
};

/// One request to the root. Each is answered with exactly one call (`on_page`, `on_forwarded`, `on_beats_forwarded`),
/// with `registry_error::root_unavailable` where nothing came in time.
using root_request = std::variant<fetch_changes, forward_write, forward_beats>;

/// Filled by the calls of `registry_logic`; whoever calls carries it out in this order and clears it: store all
/// changes in one transaction; then send the answers, also that of the call itself; then begin the requests.
struct registry_outbox {
    std::vector<durable_change> changes{};
    std::vector<late_answer> answers{};
    std::vector<root_request> requests{};

    [[nodiscard]] bool empty() const noexcept { return changes.empty() && answers.empty() && requests.empty(); }
    void clear() noexcept { changes.clear(), answers.clear(), requests.clear(); }
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
