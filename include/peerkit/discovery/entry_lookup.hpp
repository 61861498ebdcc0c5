// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// From written entries to candidates: looks up the host names among them. What lists, files and variables share.
#ifndef PEERKIT_DISCOVERY_ENTRY_LOOKUP_HPP
#define PEERKIT_DISCOVERY_ENTRY_LOOKUP_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/peers_text.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Options of `entry_lookup`.
struct entry_lookup_options {
    own_identity self{};                                ///< what to leave out
    duration resolve_timeout = std::chrono::seconds{5}; ///< for one host name
    provenance source = provenance::unknown;            ///< of the candidates
    std::string_view strategy{};                        ///< name of the strategy; lives as long as the program
};

/// The second half of a strategy that has a list of entries: one run from the entries to candidates.
///
/// Addresses are candidates at once; host names are looked up, all at the same time, in every run, so that a changed
/// record is seen. A name that does not resolve is told to the host and hides nobody: its addresses of an earlier run
/// are used where there are any. A name with one address per family is one candidate; a name with several addresses
/// of one family stands for several nodes, and each address becomes a candidate. Labels go to every candidate of
/// their entry. This node is left out: its name is not even looked up. Loopback addresses are taken as written.
/// A run fails only if names are all there is and none resolves.
///
/// Uses the tickets 0 to `size() - 1`. Not a strategy by itself: its owner says what the entries are.
class entry_lookup {
public:
    explicit entry_lookup(entry_lookup_options options) : options_{std::move(options)} {}

    /// These are the entries from now on, and no run is under way. An entry that is there twice is one; it gains the
    /// labels whose keys it lacks. Host names that were there before keep what they resolved to.
    void assign(std::vector<peer_entry> list) {
        std::vector<entry> const before = std::move(entries_);
        entries_.clear();
        entries_.reserve(list.size());
        waiting_ = 0;
        auto const by_place = [](auto const* left, auto const* right) { return left->there < right->there; };
        std::vector<peer_entry*> order;
        order.reserve(list.size());
        for (peer_entry& one : list) order.push_back(&one);
        std::stable_sort(order.begin(), order.end(), by_place);
        for (std::size_t i = 0, first = 0; i < order.size(); ++i) {
            if (i == 0 || order[i]->there != order[first]->there) {
                first = i;
                continue;
            }
            for (label& l : order[i]->labels) add_label(order[first]->labels, std::move(l));
            order[i]->there = {}; // merged into the first
        }
        for (peer_entry& one : list) {
            if (one.there) entries_.push_back({one.there, std::move(one.labels), {}, {}, std::nullopt, false, false});
        }
        std::vector<entry const*> known;
        known.reserve(before.size());
        for (entry const& one : before) known.push_back(&one);
        std::sort(known.begin(), known.end(), by_place);
        for (entry& one : entries_) {
            auto const found = std::lower_bound(known.begin(), known.end(), &one, by_place);
            if (found != known.end() && (*found)->there == one.there) one.addresses = (*found)->addresses;
        }
    }

    /// Starts a run, abandoning one that has not ended. `told` goes out with the first step.
    [[nodiscard]] step begin(std::vector<notice> told = {}) {
        step lookups = step::wait();
        waiting_ = 0;
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            entry& e = entries_[i];
            e.why.reset();
            e.asked = e.there.is_host_name() && !options_.self.is_me(e.there.host_name(), e.there.port());
            e.waiting = e.asked;
            if (!e.asked) continue;
            ++waiting_;
            lookups.ask_also(static_cast<ticket>(i), resolve_name{.host = std::string{e.there.host_name()},
                                                                  .timeout = options_.resolve_timeout});
        }
        return (waiting_ == 0 ? finish() : std::move(lookups)).with(std::move(told));
    }

    /// Goes on with the outcome of one lookup.
    [[nodiscard]] step resume(ticket which, outcome got) {
        if (which >= entries_.size() || !entries_[which].waiting) {
            return step::failed(discovery_error::unexpected_answer);
        }
        entry& e = entries_[which];
        e.waiting = false;
        --waiting_;
        if (auto* const answer = std::get_if<resolved>(&got)) {
            std::erase_if(answer->addresses, [](ip_address const& a) { return !is_unicast(a); });
            if (!answer->addresses.empty()) {
                e.addresses = std::move(answer->addresses);
                e.time_to_live = answer->time_to_live.value_or(duration::zero());
                return next();
            }
            e.why = error{discovery_error::unresolved, 0, "no unicast address"};
        } else {
            e.why = why_not(got);
        }
        e.time_to_live = duration::zero();
        std::string text = e.there.to_string();
        if (!e.addresses.empty()) text.append(", using the addresses of an earlier run");
        return next().with(notice{notice::severity::warning, *e.why, std::move(text)});
    }

    /// Number of entries, this node included, each counted once.
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    struct entry {
        endpoint there;
        std::vector<label> labels;
        std::vector<ip_address> addresses; ///< of a host name, as last resolved
        duration time_to_live{};           ///< of these addresses; zero: not known
        std::optional<error> why;          ///< it did not resolve this time
        bool asked = false;                ///< in this run
        bool waiting = false;              ///< for the answer
    };

    static void add_label(std::vector<label>& to, label one) {
        bool const known = std::any_of(to.begin(), to.end(), [&one](label const& l) { return l.key == one.key; });
        if (!known && to.size() < limits::labels) to.push_back(std::move(one));
    }

    [[nodiscard]] step next() const { return waiting_ == 0 ? finish() : step::wait(); }
    [[nodiscard]] step finish() const {
        std::vector<candidate> found;
        std::optional<error> why;
        for (entry const& e : entries_) {
            if (e.asked && e.addresses.empty()) {
                why = e.why;
            } else if (!e.there.is_host_name()) {
                add(found, e, {&e.there.address(), 1});
            } else if (e.asked) {
                add_resolved(found, e);
            }
        }
        drop_self(found, options_.self);
        if (found.empty() && why) return step::failed(*why);
        return step::found(std::move(found));
    }
    void add_resolved(std::vector<candidate>& found, entry const& e) const {
        auto const v4 = std::count_if(e.addresses.begin(), e.addresses.end(),
                                      [](ip_address const& a) { return a.family() == ip_family::v4; });
        auto const all = static_cast<std::ptrdiff_t>(e.addresses.size());
        if (v4 <= 1 && all - v4 <= 1) return add(found, e, e.addresses);
        for (ip_address const& a : e.addresses) add(found, e, {&a, 1});
    }
    void add(std::vector<candidate>& found, entry const& e, std::span<ip_address const> addresses) const {
        candidate c;
        std::string const text = e.there.to_string();
        c.name = c.name.cut(e.there.is_host_name() ? e.there.host_name() : std::string_view{text});
        c.source = options_.source;
        c.strategy = c.strategy.cut(options_.strategy);
        c.time_to_live = e.time_to_live;
        c.labels = e.labels;
        for (ip_address const& a : addresses) static_cast<void>(c.addresses.push_back({a, e.there.port()}));
        found.push_back(std::move(c));
    }

    entry_lookup_options options_;
    std::vector<entry> entries_;
    std::size_t waiting_ = 0;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
