// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Finds peers whose names are numbered: tw_node01.example.org to tw_node99.example.org, looked up in DNS.
#ifndef PEERKIT_DISCOVERY_DNS_PATTERN_HPP
#define PEERKIT_DISCOVERY_DNS_PATTERN_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/dns_lookup.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/name_sequence.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Options of `dns_pattern`. Either `pattern`, or `prefix` and `domain`.
struct dns_pattern_options {
    std::string pattern{}; ///< "tw_node*.example.org" or "tw_node{n:02}.example.org"; see `name_sequence`
    std::string prefix{};  ///< "tw_node"
    std::string domain{};  ///< "example.org"
    number_range numbers{};
    std::uint16_t port = default_gossip_port;
    address_families families = address_families::both;
    std::size_t concurrency = 16;               ///< names looked up at the same time
    duration timeout = std::chrono::seconds{1}; ///< for one try
    unsigned tries = 2;
    duration bound = std::chrono::seconds{5}; ///< for the whole run
    std::size_t stop_after = 0;               ///< names found that are enough; 0: looks for all
    bool detect_wildcard = true;
    /// A name that was found and does not exist any more stays a candidate until this many runs have said so: dynamic
    /// DNS clients delete before they add.
    unsigned forget_after = 3;
    std::size_t max_names = 4096;   ///< more are refused
    std::size_t max_addresses = 64; ///< kept of one name
    std::uint64_t seed = 0;         ///< of the order; mixed with `self` and the time of the run
    own_identity self{};            ///< what to leave out
};

/// What the last run of a `dns_pattern` did.
struct dns_pattern_statistics {
    lookup_counts names{};            ///< without those a wildcard answered
    std::size_t skipped = 0;          ///< not asked: this node's own names
    std::size_t wildcard_dropped = 0; ///< names with no answer but the wildcard's
    bool wildcard = false;            ///< names that cannot exist are answered
    bool stopped_early = false;       ///< enough were found
    duration took{};
};

/// The strategy behind `prefix01.domain` ... `prefix99.domain`: looks every name up, for DNS cannot be asked for all
/// names with a prefix. Names are absolute; A and AAAA; a name that does not exist is a hole, and no reason to stop.
///
/// At most `concurrency` names are asked for at a time, in another order in every run and on every node. A run is over
/// when every name has an outcome, `stop_after` names are found, or after `bound`; what was found by then counts. A
/// name with one address of each family is one candidate; a name with several of one family stands for several nodes,
/// and each address becomes a candidate. Names of this host are not asked for, addresses of this node are left out.
///
/// Names that the name service could not tell about (a notice `server_failed` or `timed_out` says how many) keep the
/// addresses they had. A run that found nobody answers with nobody if the name service has spoken about every name,
/// and fails otherwise.
///
/// Wildcards: three names that cannot exist are asked for, too (two of random letters, one with a number out of range).
/// Names with no other addresses than those are dropped; the wildcard's addresses become one candidate, named like the
/// pattern, and the notice `wildcard_answer` says how many names it hid. DuckDNS and some networks answer so.
///
/// @code
/// auto nodes = discovery::dns_pattern::create({.pattern = "tw_node*.example.org"});
/// if (!nodes) return fail(nodes.error());   // "the name pattern is not valid, at 7 (star)"
/// @endcode
class dns_pattern {
public:
    /// @par Errors Those of `name_sequence`. `missing_option` ("pattern", "domain"); `bad_option` with the name of the
    /// option: both forms given ("pattern"), a port, concurrency, timeout, tries, bound or max_addresses of 0;
    /// `too_large` ("numbers") with the number of names.
    [[nodiscard]] static result<dns_pattern> create(dns_pattern_options options) {
        bool const in_parts = !options.prefix.empty() || !options.domain.empty();
        if (options.pattern.empty() && !in_parts) return fail(discovery_error::missing_option, 0, "pattern");
        if (!options.pattern.empty() && in_parts) return fail(discovery_error::bad_option, 0, "pattern");
        auto names = in_parts ? name_sequence::from(options.prefix, options.domain, options.numbers)
                              : name_sequence::parse(options.pattern, options.numbers);
        if (!names) return fail(names.error());
        if (options.port == 0) return fail(discovery_error::bad_option, 0, "port");
        if (options.concurrency == 0) return fail(discovery_error::bad_option, 0, "concurrency");
        if (options.timeout <= duration::zero()) return fail(discovery_error::bad_option, 0, "timeout");
        if (options.tries == 0) return fail(discovery_error::bad_option, 0, "tries");
        if (options.bound <= duration::zero()) return fail(discovery_error::bad_option, 0, "bound");
        if (options.max_addresses == 0) return fail(discovery_error::bad_option, 0, "max_addresses");
        if (names->size() > std::min(options.max_names, most_names)) {
            return fail(discovery_error::too_large, names->size(), "numbers");
        }
        return dns_pattern{std::move(options), *names};
    }

    [[nodiscard]] std::string_view name() const noexcept { return "dns_pattern"; }

    [[nodiscard]] step begin(time_point now) {
        statistics_ = {};
        began_ = now;
        seeded_rng rng = rng_of_run(options_.seed, options_.self, now);
        order_ = shuffled_order{names_.size(), rng()};
        for (std::uint64_t& word : strange_) word = rng();
        next_ = under_way_ = next_probe_ = 0;
        name_buffer buffer;
        std::size_t const fitting = names_.strange_number(0, buffer).empty() ? 2 : 3;
        probes_ = probes_left_ = options_.detect_wildcard ? fitting : 0;
        for (known_addresses& known : known_) known.begin_run();
        for (known_addresses& probe : probe_) probe.begin_run();
        step next = step::ask(wait_until{saturating_add(now, options_.bound)}, bound_ticket);
        ask_more(next);
        return under_way_ == 0 ? finish(now, false) : std::move(next);
    }

    [[nodiscard]] step resume(ticket which, outcome got, time_point now) {
        if (which == bound_ticket) return finish(now, true);
        bool const probe = which < first_name_ticket;
        std::size_t const index = probe ? which - first_probe_ticket : which - first_name_ticket;
        if (index >= (probe ? probes_ : known_.size())) return step::failed(discovery_error::unexpected_answer);
        known_addresses& known = probe ? probe_[index] : known_[index];
        if (known.end() != lookup_end::asked) return step::failed(discovery_error::unexpected_answer);
        unsigned const forget_after = probe ? 1 : options_.forget_after;
        known.take(std::move(got), {options_.families, forget_after, options_.max_addresses});
        --under_way_;
        if (probe && --probes_left_ == 0) learn_wildcard();
        if (enough()) {
            statistics_.stopped_early = true;
            return finish(now, false);
        }
        step next = step::wait();
        ask_more(next);
        return under_way_ == 0 ? finish(now, false) : std::move(next);
    }

    [[nodiscard]] name_sequence const& names() const noexcept { return names_; }
    /// Of the last run, once it has ended.
    [[nodiscard]] dns_pattern_statistics const& statistics() const noexcept { return statistics_; }

private:
    static constexpr ticket bound_ticket = 0;
    static constexpr ticket first_probe_ticket = 1;
    static constexpr ticket first_name_ticket = 4;
    static constexpr std::size_t most_names = std::size_t{1} << 24U;

    dns_pattern(dns_pattern_options options, name_sequence const& names)
        : options_{std::move(options)}, names_{names}, known_(names.size()) {}

    [[nodiscard]] static std::string_view label_of(std::string_view name) noexcept {
        return name.substr(0, name.find('.'));
    }
    [[nodiscard]] bool is_me(std::string_view name) const noexcept {
        return options_.self.is_me(label_of(name), options_.port) || options_.self.is_me(name, options_.port);
    }

    void ask(ticket id, std::string_view name, known_addresses& known, step& into) {
        known.asked();
        ++under_way_;
        into.ask_also(id, resolve_name{std::string{name}, options_.timeout, options_.families, options_.tries});
    }
    void ask_more(step& into) {
        name_buffer buffer;
        for (; under_way_ < options_.concurrency && next_probe_ < probes_; ++next_probe_) {
            std::uint64_t const word = strange_[next_probe_];
            bool const number = next_probe_ == 2;
            ask(first_probe_ticket + static_cast<ticket>(next_probe_),
                number ? names_.strange_number(word, buffer) : names_.strange_name(word, buffer), probe_[next_probe_],
                into);
        }
        while (under_way_ < options_.concurrency && next_ < names_.size()) {
            auto const index = static_cast<std::size_t>(order_(next_++));
            std::string_view const name = names_.name(index, buffer);
            if (!is_me(name)) ask(first_name_ticket + static_cast<ticket>(index), name, known_[index], into);
        }
    }

    /// What the probes were answered; a probe that failed has the answer it had.
    void learn_wildcard() {
        wildcard_.forget();
        resolved all;
        for (known_addresses const& probe : probe_) {
            auto const there = probe.addresses();
            all.addresses.insert(all.addresses.end(), there.begin(), there.end());
            duration const good_for = probe.time_to_live();
            if (good_for > duration::zero() && (!all.time_to_live || good_for < *all.time_to_live)) {
                all.time_to_live = good_for;
            }
        }
        if (!all.addresses.empty()) wildcard_.take(std::move(all), {options_.families, 1, options_.max_addresses});
    }
    /// True if the name has no answer of its own.
    [[nodiscard]] bool by_wildcard(known_addresses const& known) const noexcept {
        auto const there = known.addresses(), any = wildcard_.addresses();
        return std::all_of(there.begin(), there.end(),
                           [any](ip_address const& a) { return std::find(any.begin(), any.end(), a) != any.end(); });
    }
    [[nodiscard]] bool enough() const noexcept {
        if (options_.stop_after == 0 || probes_left_ != 0) return false;
        auto const counts = [this](known_addresses const& known) {
            auto const there = known.addresses();
            return known.end() == lookup_end::found && !by_wildcard(known) &&
                   !std::all_of(there.begin(), there.end(), [this](ip_address const& a) {
                       return options_.self.is_me(ip_endpoint{a, options_.port});
                   });
        };
        return static_cast<std::size_t>(std::count_if(known_.begin(), known_.end(), counts)) >= options_.stop_after;
    }

    /// `over`: the time for the whole run is. Names without an outcome then failed; otherwise enough others were found.
    [[nodiscard]] step finish(time_point now, bool over) {
        if (probes_left_ != 0) learn_wildcard();
        candidate_origin const origin{provenance::dns, name(), options_.port};
        lookup_report report{options_.bound};
        std::vector<candidate> found;
        name_buffer buffer;
        for (std::size_t i = 0; i < known_.size(); ++i) {
            known_addresses& known = known_[i];
            std::string_view const full = names_.name(i, buffer);
            if (is_me(full)) {
                ++statistics_.skipped;
                continue;
            }
            if (known.end() == lookup_end::asked || known.end() == lookup_end::not_asked) {
                if (!over) continue;
                known.cut_off();
            }
            if (!known.addresses().empty() && by_wildcard(known)) {
                ++statistics_.wildcard_dropped;
                known.forget();
            } else {
                report.add(label_of(full), known);
                add_candidates(found, label_of(full), known, origin);
            }
        }
        statistics_.names = report.counts();
        statistics_.wildcard = !wildcard_.addresses().empty();
        statistics_.took = now - began_;

        std::string const pattern = names_.text();
        std::vector<notice> told = report.notices(pattern);
        if (statistics_.wildcard_dropped != 0) {
            add_candidates(found, label_of(pattern), wildcard_, origin);
            error const why{discovery_error::wildcard_answer, statistics_.wildcard_dropped};
            told.push_back({notice::severity::warning, why, pattern});
        }
        static_cast<void>(merge_duplicates(found));
        static_cast<void>(drop_self(found, options_.self));
        if (found.empty() && !report.counts().certain()) return step::failed(report.why()).with(std::move(told));
        return step::found(std::move(found)).with(std::move(told));
    }

    dns_pattern_options options_;
    name_sequence names_;
    std::vector<known_addresses> known_; ///< of each name, by its index
    std::array<known_addresses, 3> probe_;
    known_addresses wildcard_;
    dns_pattern_statistics statistics_;
    shuffled_order order_;
    time_point began_{};
    std::array<std::uint64_t, 3> strange_{}; ///< what the names of the probes are made of
    std::size_t next_ = 0;                   ///< place in the order
    std::size_t probes_ = 0;                 ///< of this run
    std::size_t next_probe_ = 0;
    std::size_t probes_left_ = 0; ///< without an outcome
    std::size_t under_way_ = 0;
};

static_assert(check_strategy<dns_pattern>());

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
