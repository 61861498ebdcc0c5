// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a registry has done so far, and everything it refused, by reason.
#ifndef PEERKIT_REGISTRY_COUNTERS_HPP
#define PEERKIT_REGISTRY_COUNTERS_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Counts since the start. A plain value; `for_each` names them all.
struct registry_counters {
    std::uint64_t registered = 0; ///< nodes that were not there before
    std::uint64_t changed = 0;    ///< nodes with another announcement
    std::uint64_t refreshed = 0;  ///< registrations of what was there already
    std::uint64_t heartbeats = 0;
    std::uint64_t removed = 0; ///< nodes that took themselves out
    std::uint64_t offline = 0; ///< nodes called offline
    std::uint64_t expired = 0; ///< nodes forgotten after that
    std::uint64_t evicted = 0; ///< nodes forgotten early, to make room

    std::uint64_t queued = 0;         ///< writes kept for the root
    std::uint64_t replayed = 0;       ///< of those, taken by the root
    std::uint64_t replay_refused = 0; ///< of those, refused by it
    std::uint64_t pages = 0;          ///< of changes taken from the root
    std::uint64_t snapshots = 0;      ///< times everything was fetched
    std::uint64_t divergences = 0;    ///< times what was held did not have the root's hash
    std::uint64_t root_failures = 0;  ///< requests the root did not answer
    std::uint64_t beats_refused = 0;  ///< heartbeats handed on that the root refused for good

    /// Refusals by reason; index: the enumerator's number.
    std::array<std::uint64_t, detail::error_rows.size() + 1> refused{};

    /// Notes a refusal, and hands it on.
    error const& refuse(error const& what) noexcept {
        if (auto const known = as_registry_error(what)) ++refused[static_cast<std::size_t>(*known)];
        return what;
    }
    [[nodiscard]] std::uint64_t refusals(registry_error why) const noexcept {
        return refused[static_cast<std::size_t>(why)];
    }
    /// Calls `f(name, count)` for every count but the refusals.
    template <typename F>
    void for_each(F&& f) const {
        f("registered", registered), f("changed", changed), f("refreshed", refreshed), f("heartbeats", heartbeats);
        f("removed", removed), f("offline", offline), f("expired", expired), f("evicted", evicted);
        f("queued", queued), f("replayed", replayed), f("replay_refused", replay_refused), f("pages", pages);
        f("snapshots", snapshots), f("divergences", divergences), f("root_failures", root_failures);
        f("beats_refused", beats_refused);
    }
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
