// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The versions of the services a node announces: which entry has changed since somebody last looked.
#ifndef PEERKIT_CORE_SERVICE_VERSIONS_HPP
#define PEERKIT_CORE_SERVICE_VERSIONS_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

/// Numbers the entries of a node's services. One number serves them all: an entry that is new or has changed gets the
/// next, so that a version never comes twice, not even for a service that was taken away and added again. Starting at
/// the seconds of the first incarnation, it grows over restarts too, unless services change more than once a second.
class service_versions {
public:
    constexpr service_versions() noexcept = default;
    /// `incarnation`: the first one of this start of the node, in microseconds.
    constexpr explicit service_versions(std::uint64_t incarnation) noexcept
        : last_{static_cast<std::uint32_t>(
              std::min<std::uint64_t>(incarnation / 1'000'000U, std::numeric_limits<std::uint32_t>::max()))} {}

    /// Sets the version of every service of `now`: that of `before` if nothing else in the entry has changed.
    void number(std::vector<service> const& before, std::vector<service>& now) noexcept {
        for (service& entry : now) {
            auto const held =
                std::find_if(before.begin(), before.end(), [&](service const& one) { return one.name == entry.name; });
            bool const same = held != before.end() && held->version != 0 && held->port == entry.port &&
                              held->info == entry.info && held->health == entry.health;
            entry.version = same ? held->version : next();
        }
    }
    /// The highest number given so far.
    [[nodiscard]] constexpr std::uint32_t last() const noexcept { return last_; }

private:
    [[nodiscard]] constexpr std::uint32_t next() noexcept {
        if (last_ != std::numeric_limits<std::uint32_t>::max()) ++last_;
        return last_;
    }

    std::uint32_t last_ = 0;
};

PEERKIT_END_NAMESPACE

#endif
