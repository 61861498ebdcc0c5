// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the DNS strategies share: what is known of a name, how its lookup ended, and how that is told.
#ifndef PEERKIT_DISCOVERY_DNS_LOOKUP_HPP
#define PEERKIT_DISCOVERY_DNS_LOOKUP_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <algorithm>
#include <array>
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

/// How looking up a name ended in a run.
enum class lookup_end : std::uint8_t {
    not_asked,
    asked,         ///< no outcome yet
    found,         ///< it has addresses
    hole,          ///< the name service says that there is nothing
    server_failed, ///< the name service could not tell
    timed_out,     ///< the name service is silent
    cut_off,       ///< the run was over before
};

/// How answers about names are taken.
struct lookup_rules {
    address_families families = address_families::both;
    /// A name that does not exist any more is forgotten in the run that finds this out for the n-th time.
    unsigned forget_after = 1;
    std::size_t max_addresses = 256; ///< kept of one name
};

/// The addresses of a name as last answered, which stay when the name service cannot tell.
class known_addresses {
public:
    /// A run begins; what is known stays.
    void begin_run() noexcept { end_ = lookup_end::not_asked; }
    void asked() noexcept { end_ = lookup_end::asked; }
    /// The outcome of a `resolve_name`. Addresses that belong to no particular node, or to a family not asked for, are
    /// left out; an answer of nothing else is a hole.
    void take(outcome&& got, lookup_rules const& rules) {
        auto* answer = std::get_if<resolved>(&got);
        if (answer == nullptr) return take_failure(why_not(got), rules);
        std::vector<ip_address>& there = answer->addresses;
        std::size_t kept = 0;
        for (std::size_t i = 0; i < there.size() && kept < rules.max_addresses; ++i) {
            auto const end = there.begin() + static_cast<std::ptrdiff_t>(kept);
            bool const usable = is_unicast(there[i]) && wanted(there[i], rules.families);
            if (usable && std::find(there.begin(), end, there[i]) == end) there[kept++] = there[i];
        }
        there.resize(kept);
        if (there.empty()) return take_failure({discovery_error::unresolved, 0, "no usable address"}, rules);
        addresses_ = std::move(there);
        time_to_live_ = std::max(answer->time_to_live.value_or(duration::zero()), duration::zero());
        misses_ = 0;
        end_ = lookup_end::found;
    }
    /// The run ends before the outcome is there.
    void cut_off() noexcept { end_ = lookup_end::cut_off; }
    /// What is known is of no use.
    void forget() noexcept { addresses_.clear(); }

    [[nodiscard]] lookup_end end() const noexcept { return end_; }
    /// Why nothing was found; only where the end is `hole`, `server_failed` or `timed_out`.
    [[nodiscard]] error const& why() const noexcept { return why_; }
    [[nodiscard]] std::span<ip_address const> addresses() const noexcept { return addresses_; }
    /// True if there are addresses, and not of this run.
    [[nodiscard]] bool remembered() const noexcept { return !addresses_.empty() && end_ != lookup_end::found; }
    /// What the records said; zero, which means until the next answer, for addresses of an earlier run.
    [[nodiscard]] duration time_to_live() const noexcept {
        return end_ == lookup_end::found ? time_to_live_ : duration::zero();
    }

    /// True if `address` is of these families.
    [[nodiscard]] static bool wanted(ip_address const& address, address_families families) noexcept {
        return families == address_families::both ||
               (address.family() == ip_family::v4) == (families == address_families::v4);
    }

private:
    void take_failure(error why, lookup_rules const& rules) noexcept {
        why_ = why;
        if (why == discovery_error::unresolved) {
            end_ = lookup_end::hole;
            if (misses_ < 255) ++misses_;
            if (misses_ >= rules.forget_after) addresses_.clear();
        } else {
            end_ = why == discovery_error::timed_out ? lookup_end::timed_out : lookup_end::server_failed;
        }
    }

    std::vector<ip_address> addresses_; ///< as answered, each once
    duration time_to_live_{};
    error why_ = discovery_error::unresolved;
    std::uint8_t misses_ = 0; ///< holes since it was found last
    lookup_end end_ = lookup_end::not_asked;
};

/// How many lookups of a run ended how.
struct lookup_counts {
    std::size_t asked = 0; ///< the sum of the next five
    std::size_t found = 0;
    std::size_t holes = 0;
    std::size_t server_failures = 0;
    std::size_t timeouts = 0;
    std::size_t cut_off = 0;    ///< without an outcome when the time for the whole run was over
    std::size_t remembered = 0; ///< of those without an answer: with the addresses of an earlier run

    /// True if the name service has spoken about every name.
    [[nodiscard]] bool certain() const noexcept { return server_failures == 0 && timeouts == 0 && cut_off == 0; }
    [[nodiscard]] friend bool operator==(lookup_counts const&, lookup_counts const&) noexcept = default;
};

/// Counts how the lookups of a run ended, and says it: a notice for each kind of failure, not for each name.
class lookup_report {
public:
    /// `bound`: the time for the whole run, for errors. `all_holes`: a name that does not exist is worth a word even if
    /// it never did.
    explicit lookup_report(duration bound, bool all_holes = false) noexcept : bound_{bound}, all_holes_{all_holes} {}

    void add(std::string_view name, known_addresses const& known) {
        group* into = nullptr;
        switch (known.end()) {
        case lookup_end::not_asked:
        case lookup_end::asked: return;
        case lookup_end::found: ++counts_.found; break;
        case lookup_end::hole:
            ++counts_.holes;
            if (all_holes_ || known.remembered()) into = &vanished_;
            break;
        case lookup_end::server_failed:
            ++counts_.server_failures;
            into = &failed_;
            break;
        case lookup_end::timed_out:
            ++counts_.timeouts;
            into = &silent_;
            break;
        case lookup_end::cut_off:
            ++counts_.cut_off;
            into = &late_;
            break;
        }
        ++counts_.asked;
        if (known.remembered()) ++counts_.remembered;
        if (into == nullptr) return;
        if (!into->why) into->why = known.end() == lookup_end::cut_off ? over() : known.why();
        if (known.remembered()) ++into->remembered;
        if (++into->size <= names_told) into->names.append(into->names.empty() ? "" : ", ").append(name);
    }

    [[nodiscard]] lookup_counts const& counts() const noexcept { return counts_; }
    /// Why a run that found nobody does not know whether somebody is there: what failed most often. Only if not
    /// `counts().certain()`.
    [[nodiscard]] error why() const noexcept {
        if (failed_.why && failed_.size >= silent_.size + late_.size) return *failed_.why;
        return silent_.why && silent_.size >= late_.size ? *silent_.why : over();
    }
    /// `subject` begins each text.
    [[nodiscard]] std::vector<notice> notices(std::string_view subject) const {
        std::vector<notice> told;
        tell(told, failed_, notice::severity::warning, subject);
        tell(told, silent_, notice::severity::warning, subject);
        tell(told, late_, notice::severity::warning, subject);
        tell(told, vanished_, notice::severity::info, subject);
        return told;
    }

private:
    static constexpr std::size_t names_told = 3;

    struct group {
        std::size_t size = 0;
        std::size_t remembered = 0;
        std::optional<error> why{}; ///< of the first
        std::string names{};
    };

    [[nodiscard]] error over() const noexcept {
        auto const allowed = std::chrono::duration_cast<std::chrono::milliseconds>(bound_).count();
        return {discovery_error::timed_out, static_cast<std::uint64_t>(allowed), "whole run"};
    }
    void tell(std::vector<notice>& told, group const& names, notice::severity level, std::string_view subject) const {
        if (names.size == 0) return;
        std::string text{subject};
        text.append(": ").append(std::to_string(names.size)).append(" of ").append(std::to_string(counts_.asked));
        text.append(" (").append(names.names).append(names.size > names_told ? ", ...)" : ")");
        if (names.remembered != 0) {
            text.append("; the addresses of an earlier run stay for ").append(std::to_string(names.remembered));
        }
        told.push_back({level, *names.why, std::move(text)});
    }

    duration bound_;
    bool all_holes_;
    lookup_counts counts_;
    group failed_, silent_, late_, vanished_;
};

/// How the candidates of a name are made.
struct candidate_origin {
    provenance source = provenance::dns;
    std::string_view strategy{};
    std::uint16_t port = 0;
    bool one_per_address = false; ///< otherwise as `add_candidates` says
};

/// Adds the candidates that a name stands for. With at most one address of each family it is one node, with both
/// addresses; with several of one family it is several nodes, and each address becomes a candidate.
inline void add_candidates(std::vector<candidate>& found, std::string_view name, known_addresses const& known,
                           candidate_origin const& from) {
    std::span<ip_address const> const addresses = known.addresses();
    auto const v4 = static_cast<std::size_t>(std::count_if(
        addresses.begin(), addresses.end(), [](ip_address const& a) { return a.family() == ip_family::v4; }));
    bool const one = !from.one_per_address && v4 <= 1 && addresses.size() - v4 <= 1;
    std::size_t const each = one ? addresses.size() : 1;
    for (std::size_t i = 0; i < addresses.size(); i += each) {
        candidate c;
        c.name = c.name.cut(name);
        c.source = from.source;
        c.strategy = c.strategy.cut(from.strategy);
        c.time_to_live = known.time_to_live();
        for (ip_address const& a : addresses.subspan(i, each)) {
            static_cast<void>(c.addresses.push_back({a, from.port}));
        }
        found.push_back(std::move(c));
    }
}

/// A generator for one run: another one for each seed, node and moment, so that nodes with the same options do not all
/// ask, and call, in the same order.
[[nodiscard]] inline seeded_rng rng_of_run(std::uint64_t seed, own_identity const& self, time_point now) noexcept {
    std::uint64_t mixed = 0xcbf29ce484222325ULL ^ seed;
    auto const add = [&mixed](std::uint64_t value) { mixed = seeded_rng{mixed ^ value}(); };
    add(static_cast<std::uint64_t>(now.time_since_epoch().count()));
    add(self.port);
    add(static_cast<std::uint64_t>(self.id.short_id()));
    for (ip_address const& a : self.addresses) {
        for (std::byte const b : a.bytes()) add(std::to_integer<std::uint64_t>(b));
    }
    for (std::string const& name : self.host_names) {
        for (char const c : name) add(static_cast<unsigned char>(c));
    }
    return seeded_rng{mixed};
}

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
