// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Finds peers that DNS lists as a service: SRV records with hosts, ports and an order, and a TXT record with labels.
#ifndef PEERKIT_DISCOVERY_DNS_SERVICE_HPP
#define PEERKIT_DISCOVERY_DNS_SERVICE_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/dns_lookup.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <algorithm>
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

/// Options of `dns_service`.
struct dns_service_options {
    std::string service{}; ///< "_peerkit._udp.example.org"
    bool text = false;     ///< asks for the TXT records of the same name, too: "key=value" becomes a label
    address_families families = address_families::both;
    std::size_t concurrency = 16;               ///< targets looked up at the same time
    duration timeout = std::chrono::seconds{1}; ///< for one try
    unsigned tries = 2;
    duration bound = std::chrono::seconds{5}; ///< for the whole run
    std::size_t max_records = 256;            ///< those of the lowest priorities are kept
    std::size_t max_addresses = 64;           ///< kept of one target
    std::uint64_t seed = 0;                   ///< of the order; mixed with `self` and the time of the run
    own_identity self{};                      ///< what to leave out
};

/// What the last run of a `dns_service` did.
struct dns_service_statistics {
    std::size_t records = 0; ///< used
    std::size_t refused = 0; ///< records without a usable host or port, or beyond the limit
    std::size_t skipped = 0; ///< records that name this node
    lookup_counts targets{};
    duration took{};
};

/// Puts SRV records into the order in which they are to be tried: by priority, and at random within one, where a record
/// comes first with a chance proportional to its weight (RFC 2782); of several without weight, any.
template <Rng R>
void order_services(std::vector<service_record>& records, R& rng) {
    shuffle(std::span{records}, rng);
    std::stable_sort(records.begin(), records.end(), [](service_record const& a, service_record const& b) {
        return a.priority != b.priority ? a.priority < b.priority : a.weight == 0 && b.weight != 0;
    });
    for (auto at = records.begin(); at != records.end(); ++at) {
        auto const end =
            std::find_if(at, records.end(), [&](service_record const& r) { return r.priority != at->priority; });
        std::uint64_t sum = 0;
        for (auto r = at; r != end; ++r) sum += r->weight;
        std::uint64_t left = uniform(rng, sum + 1);
        auto chosen = at;
        while (left > chosen->weight) left -= (chosen++)->weight;
        std::rotate(at, chosen, chosen + 1); // the others keep their order, those without weight in front
    }
}

/// The labels in TXT strings: "key=value", or "key" with an empty value. Of two with the same key the first counts
/// (RFC 6763). What is no label of a node (see `check_name`, `check_text`) is left out, and all beyond 16.
[[nodiscard]] inline std::vector<label> labels_of(std::span<std::string const> strings) {
    std::vector<label> labels;
    for (std::string_view const text : strings) {
        std::size_t const equals = std::min(text.find('='), text.size());
        std::string_view const key = text.substr(0, equals), value = text.substr(std::min(equals + 1, text.size()));
        if (!check_name(key, limits::label_key, "key") || !check_text(value, limits::label_value, "value")) continue;
        bool const known = std::any_of(labels.begin(), labels.end(), [key](label const& l) { return l.key == key; });
        if (!known) labels.push_back({std::string{key}, std::string{value}});
        if (labels.size() == limits::labels) break;
    }
    return labels;
}

/// The strategy behind an SRV name: `_service._proto.domain`, as administrators, Kubernetes (for named ports), Consul
/// and others write it. Each record names a host, its port and its place in the order; the hosts are looked up, and the
/// candidates are in the order of RFC 2782, drawn anew in every run. A candidate is named like its host; a host with
/// several addresses of one family stands for several nodes.
///
/// The target "." says that there is decidedly no such service, and so does a name without records: nobody. When the
/// name service cannot tell, the records and addresses it gave last stay, and a notice says so; a run that found nobody
/// and was not told everything fails. TXT labels are the same for all candidates and never a reason to fail.
/// The driver needs a resolver that can ask for SRV; the run fails with `unsupported` otherwise.
///
/// @code
/// auto nodes = discovery::dns_service::create({.service = "_peerkit._udp.example.org"});
/// @endcode
class dns_service {
public:
    /// @par Errors `missing_option` ("service"); `bad_entry` for a service that is no host name; `bad_option` with the
    /// name of the option: a concurrency, timeout, tries, bound, max_records or max_addresses of 0.
    [[nodiscard]] static result<dns_service> create(dns_service_options options) {
        if (options.service.empty()) return fail(discovery_error::missing_option, 0, "service");
        if (!is_host(options.service)) return fail(discovery_error::bad_entry, 0, "service");
        if (options.concurrency == 0) return fail(discovery_error::bad_option, 0, "concurrency");
        if (options.timeout <= duration::zero()) return fail(discovery_error::bad_option, 0, "timeout");
        if (options.tries == 0) return fail(discovery_error::bad_option, 0, "tries");
        if (options.bound <= duration::zero()) return fail(discovery_error::bad_option, 0, "bound");
        if (options.max_records == 0) return fail(discovery_error::bad_option, 0, "max_records");
        if (options.max_addresses == 0) return fail(discovery_error::bad_option, 0, "max_addresses");
        if (!options.service.ends_with('.')) options.service.push_back('.');
        return dns_service{std::move(options)};
    }

    [[nodiscard]] std::string_view name() const noexcept { return "dns_service"; }

    [[nodiscard]] step begin(time_point now) {
        statistics_ = {};
        began_ = now;
        told_.clear();
        why_.reset();
        next_ = under_way_ = 0;
        for (host& target : targets_) target.known.begin_run();
        service_open_ = true;
        text_open_ = options_.text;
        step next = step::ask(wait_until{saturating_add(now, options_.bound)}, bound_ticket);
        next.ask_also(service_ticket, resolve_service{options_.service, options_.timeout, options_.tries});
        if (text_open_) next.ask_also(text_ticket, resolve_text{options_.service, options_.timeout, options_.tries});
        return next;
    }

    [[nodiscard]] step resume(ticket which, outcome got, time_point now) {
        if (which == bound_ticket) return finish(now, true);
        if (which == service_ticket && service_open_) {
            service_open_ = false;
            take_service(got);
            // Nothing to look up: the labels of nobody do not matter.
            if (records_.empty()) return finish(now, false);
        } else if (which == text_ticket && text_open_) {
            text_open_ = false;
            take_text(got);
        } else if (which >= first_target_ticket && which - first_target_ticket < targets_.size() &&
                   targets_[which - first_target_ticket].known.end() == lookup_end::asked) {
            targets_[which - first_target_ticket].known.take(std::move(got),
                                                             {options_.families, 1, options_.max_addresses});
            --under_way_;
        } else {
            return step::failed(discovery_error::unexpected_answer);
        }
        step next = step::wait();
        if (!service_open_) ask_more(next);
        bool const done = !service_open_ && !text_open_ && under_way_ == 0;
        return done ? finish(now, false) : std::move(next);
    }

    /// Of the last run, once it has ended.
    [[nodiscard]] dns_service_statistics const& statistics() const noexcept { return statistics_; }

private:
    static constexpr ticket bound_ticket = 0;
    static constexpr ticket service_ticket = 1;
    static constexpr ticket text_ticket = 2;
    static constexpr ticket first_target_ticket = 3;

    struct host {
        std::string name; ///< in small letters, without final dot
        known_addresses known;
    };

    explicit dns_service(dns_service_options options) : options_{std::move(options)} {}

    [[nodiscard]] static bool is_host(std::string_view text) noexcept {
        auto const there = endpoint::parse(text, 1);
        return there && there->is_host_name() && text.find(':') == std::string_view::npos;
    }

    void tell(notice::severity level, error what, std::string_view more) {
        told_.push_back({level, what, std::string{options_.service}.append(more)});
    }
    void take_service(outcome& got) {
        if (auto* answer = std::get_if<service_records>(&got)) return take_records(answer->records);
        error const why = why_not(got);
        if (why == discovery_error::unresolved) {
            records_.clear();
            targets_.clear();
            return tell(notice::severity::info, why, "");
        }
        keep_records(why);
    }
    void keep_records(error why) {
        why_ = why;
        // The records it gave last are as good as before; how long they are is not known any more.
        for (service_record& r : records_) r.time_to_live = duration::zero();
        tell(notice::severity::warning, why, records_.empty() ? "" : "; the records of an earlier run stay");
    }
    void take_records(std::vector<service_record>& got) {
        std::size_t const all = got.size();
        std::erase_if(got, [](service_record const& r) { return r.target.empty() || r.target == "."; });
        bool const withdrawn = got.empty() && all != 0;
        std::size_t const named = got.size();
        std::erase_if(got, [](service_record const& r) { return r.port == 0 || !is_host(r.target); });
        if (got.empty() && !withdrawn) return keep_records({discovery_error::bad_reply, all, "SRV"});
        std::stable_sort(got.begin(), got.end(),
                         [](service_record const& a, service_record const& b) { return a.priority < b.priority; });
        if (got.size() > options_.max_records) {
            tell(notice::severity::warning, {discovery_error::too_large, got.size(), "SRV"}, "");
            got.resize(options_.max_records);
        }
        statistics_.refused = named - got.size();
        statistics_.skipped =
            std::erase_if(got, [this](service_record const& r) { return options_.self.is_me(r.target, r.port); });
        records_ = std::move(got);
        if (withdrawn) tell(notice::severity::info, {discovery_error::unresolved, 0, "target"}, "");

        std::vector<host> targets;
        for (service_record& r : records_) {
            if (r.target.ends_with('.')) r.target.pop_back();
            for (char& c : r.target) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
            if (find(targets, r.target) != nullptr) continue;
            host* const before = find(targets_, r.target);
            targets.push_back(before != nullptr ? std::move(*before) : host{r.target, {}});
        }
        targets_ = std::move(targets);
    }
    void take_text(outcome const& got) {
        if (auto const* answer = std::get_if<text_records>(&got)) {
            labels_ = labels_of(answer->strings);
        } else if (error const why = why_not(got); why == discovery_error::unresolved) {
            labels_.clear();
        } else {
            tell(notice::severity::info, why.at(why.position(), "TXT"), "");
        }
    }
    /// A target that was moved away has no name.
    [[nodiscard]] static host* find(std::vector<host>& hosts, std::string_view name) noexcept {
        auto const at = std::find_if(hosts.begin(), hosts.end(), [name](host const& h) { return h.name == name; });
        return at == hosts.end() ? nullptr : &*at;
    }
    void ask_more(step& into) {
        for (; under_way_ < options_.concurrency && next_ < targets_.size(); ++next_, ++under_way_) {
            targets_[next_].known.asked();
            into.ask_also(
                first_target_ticket + static_cast<ticket>(next_),
                resolve_name{targets_[next_].name + ".", options_.timeout, options_.families, options_.tries});
        }
    }

    [[nodiscard]] step finish(time_point now, bool over) {
        if (over && service_open_) {
            auto const allowed = std::chrono::duration_cast<std::chrono::milliseconds>(options_.bound).count();
            keep_records({discovery_error::timed_out, static_cast<std::uint64_t>(allowed), "whole run"});
        }
        lookup_report report{options_.bound, true};
        for (host& target : targets_) {
            lookup_end const end = target.known.end();
            if (over && (end == lookup_end::asked || end == lookup_end::not_asked)) target.known.cut_off();
            report.add(target.name, target.known);
        }
        seeded_rng rng = rng_of_run(options_.seed, options_.self, began_);
        order_services(records_, rng);
        std::vector<candidate> found;
        for (service_record const& r : records_) {
            host const* const target = find(targets_, r.target);
            std::size_t const before = found.size();
            if (target != nullptr) add_candidates(found, r.target, target->known, {provenance::dns, name(), r.port});
            for (candidate& c : std::span{found}.subspan(before)) {
                if (r.time_to_live > duration::zero()) c.time_to_live = shorter(c.time_to_live, r.time_to_live);
                c.labels = labels_;
            }
        }
        statistics_.records = records_.size();
        statistics_.targets = report.counts();
        statistics_.took = now - began_;
        static_cast<void>(merge_duplicates(found));
        static_cast<void>(drop_self(found, options_.self));
        std::vector<notice> told = std::move(told_);
        for (notice& n : report.notices(options_.service)) told.push_back(std::move(n));
        if (found.empty() && why_) return step::failed(*why_).with(std::move(told));
        if (found.empty() && !report.counts().certain()) return step::failed(report.why()).with(std::move(told));
        return step::found(std::move(found)).with(std::move(told));
    }
    /// Of an address and its record. Zero is for addresses of an earlier run, and stays.
    [[nodiscard]] static duration shorter(duration address, duration record) noexcept {
        return address == duration::zero() ? address : std::min(address, record);
    }

    dns_service_options options_;
    std::vector<service_record> records_; ///< usable ones, of the last answer
    std::vector<host> targets_;           ///< each host of `records_`, once
    std::vector<label> labels_;
    std::vector<notice> told_; ///< in this run
    std::optional<error> why_; ///< there is no answer about the records
    dns_service_statistics statistics_;
    time_point began_{};
    std::size_t next_ = 0; ///< target to be asked for
    std::size_t under_way_ = 0;
    bool service_open_ = false;
    bool text_open_ = false;
};

static_assert(check_strategy<dns_service>());

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
