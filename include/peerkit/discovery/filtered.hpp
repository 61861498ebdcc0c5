// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Keeps, drops or changes the candidates that a strategy finds.
#ifndef PEERKIT_DISCOVERY_FILTERED_HPP
#define PEERKIT_DISCOVERY_FILTERED_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/name_pattern.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// A function that says whether to keep a candidate, and may change it. Called once for each, in order. Movable without
/// throwing, as strategies are: a lambda that copies a `const` vector is not.
template <typename F>
concept CandidateFilter =
    std::move_constructible<F> && std::is_nothrow_move_constructible_v<F> && requires(F& keep, candidate& one) {
        { keep(one) } -> std::convertible_to<bool>;
    };

/// Keeps candidates whose name, or its first label if it is a host name, matches.
struct by_name {
    name_pattern pattern;
    [[nodiscard]] bool operator()(candidate const& one) const noexcept { return pattern.matches_host(one.name.view()); }
};

/// Keeps candidates that have a label: with this value, or with any. Labels are what the source says, unverified.
struct by_label {
    std::string key{};
    std::optional<std::string> value{};
    [[nodiscard]] bool operator()(candidate const& one) const noexcept {
        return std::any_of(one.labels.begin(), one.labels.end(),
                           [this](label const& l) { return l.key == key && (!value || l.value == *value); });
    }
};

/// Keeps candidates found in this way.
struct by_provenance {
    provenance source = provenance::unknown;
    [[nodiscard]] bool operator()(candidate const& one) const noexcept { return one.source == source; }
};

/// Finds what `Strategy` finds and `Keep` keeps, as `Keep` leaves it. The host is told how many were dropped, whenever
/// that number changes. Everything else is passed on as it is; keeps the name of what it holds.
///
/// @code
/// discovery::filtered databases{std::move(tailnet), discovery::by_name{*discovery::name_pattern::parse("db*")}};
/// discovery::filtered moved{std::move(databases), [](discovery::candidate& c) {
///                               c.addresses = {{c.addresses.front().address, 9100}};
///                               return true;
///                           }};
/// @endcode
template <typename Strategy, typename Keep>
class filtered {
    static_assert(check_strategy<Strategy>());
    static_assert(CandidateFilter<Keep>, "peerkit: filtered needs a function `bool(discovery::candidate&)`, movable "
                                         "without throwing; see docs/concepts/discovery_strategy.md");

public:
    filtered(Strategy inner, Keep keep) noexcept : inner_{std::move(inner)}, keep_{std::move(keep)} {}

    [[nodiscard]] std::string_view name() const noexcept { return inner_.name(); }
    [[nodiscard]] step begin(time_point now) { return filter(inner_.begin(now)); }
    [[nodiscard]] step resume(ticket which, outcome got, time_point now) {
        return filter(inner_.resume(which, std::move(got), now));
    }
    [[nodiscard]] step farewell(time_point now) { return say_farewell(inner_, now); }

    /// Candidates of the last answer that were dropped.
    [[nodiscard]] std::size_t dropped() const noexcept { return dropped_; }
    [[nodiscard]] Strategy& inner() noexcept { return inner_; }

private:
    [[nodiscard]] step filter(step next) {
        if (!next.ended() || !next.answer()) return next;
        std::vector<candidate>& found = *next.answer();
        // Once for each, in order: std::erase_if promises neither.
        std::size_t kept = 0;
        for (std::size_t i = 0; i < found.size(); ++i) {
            if (!keep_(found[i])) continue;
            if (kept != i) found[kept] = std::move(found[i]);
            ++kept;
        }
        std::size_t const dropped = found.size() - kept;
        found.erase(found.begin() + static_cast<std::ptrdiff_t>(kept), found.end());
        if (dropped != std::exchange(dropped_, dropped) && dropped != 0) {
            next.notices().push_back({notice::severity::info, error{discovery_error::filtered_out, dropped},
                                      std::string{name()} + ": " + std::to_string(kept) + " of " +
                                          std::to_string(kept + dropped) + " candidates kept"});
        }
        return next;
    }

    Strategy inner_;
    Keep keep_;
    std::size_t dropped_ = 0;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
