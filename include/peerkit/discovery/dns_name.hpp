// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Finds peers behind names that several nodes share: every address of a name in DNS is one.
#ifndef PEERKIT_DISCOVERY_DNS_NAME_HPP
#define PEERKIT_DISCOVERY_DNS_NAME_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
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
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Options of `dns_name`.
struct dns_name_options {
    std::vector<std::string> names{};         ///< "name" or "name:port"
    std::uint16_t port = default_gossip_port; ///< for names without a port
    address_families families = address_families::both;
    duration timeout = std::chrono::seconds{1}; ///< for one try; names are looked up all at the same time
    unsigned tries = 2;
    bool absolute = true;            ///< false: a name without a final dot is tried in the resolver's search domains
    std::size_t max_names = 64;      ///< more are refused
    std::size_t max_addresses = 256; ///< kept of one name
    own_identity self{};             ///< what to leave out
};

/// The strategy for one name with many addresses: the headless service of Kubernetes, the network alias of Compose,
/// `tasks.<service>` of Swarm, `tnr.{domain}` with its registries on port 8000. Every A and AAAA is a candidate.
///
/// A name that the name service says has no addresses stands for nobody from then on, with a notice (info). One that
/// it could not tell about keeps the addresses it had, and a notice says so. A run that found nobody answers with
/// nobody if the name service has spoken about every name, and fails otherwise. Addresses of this node are left out.
///
/// @code
/// auto pods = discovery::dns_name::create({.names = {"peerkit.prod.svc.cluster.local"}});
/// @endcode
class dns_name {
public:
    /// @par Errors `missing_option` ("names"); `bad_entry` with the index of a name that is none, or is an address, and
    /// the field that was wrong; `too_large` ("names") with their number; `bad_option` with the name of the option: a
    /// port, timeout, tries or max_addresses of 0.
    [[nodiscard]] static result<dns_name> create(dns_name_options options) {
        if (options.names.empty()) return fail(discovery_error::missing_option, 0, "names");
        if (options.names.size() > options.max_names) {
            return fail(discovery_error::too_large, options.names.size(), "names");
        }
        if (options.port == 0) return fail(discovery_error::bad_option, 0, "port");
        if (options.timeout <= duration::zero()) return fail(discovery_error::bad_option, 0, "timeout");
        if (options.tries == 0) return fail(discovery_error::bad_option, 0, "tries");
        if (options.max_addresses == 0) return fail(discovery_error::bad_option, 0, "max_addresses");
        std::vector<entry> entries;
        for (std::size_t i = 0; i < options.names.size(); ++i) {
            auto const there = endpoint::parse(options.names[i], options.port);
            if (!there) return fail(discovery_error::bad_entry, i, there.error().field().data());
            if (!there->is_host_name()) return fail(discovery_error::bad_entry, i, "host name");
            std::string host{there->host_name()};
            if (options.absolute && !host.ends_with('.')) host.push_back('.');
            bool const twice = std::any_of(entries.begin(), entries.end(),
                                           [&](entry const& e) { return e.host == host && e.port == there->port(); });
            if (!twice) entries.push_back({std::move(host), there->port(), {}});
        }
        return dns_name{std::move(options), std::move(entries)};
    }

    [[nodiscard]] std::string_view name() const noexcept { return "dns_name"; }

    [[nodiscard]] step begin(time_point) {
        step next = step::wait();
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            entries_[i].known.asked();
            next.ask_also(static_cast<ticket>(i),
                          resolve_name{entries_[i].host, options_.timeout, options_.families, options_.tries});
        }
        under_way_ = entries_.size();
        return next;
    }

    [[nodiscard]] step resume(ticket which, outcome got, time_point) {
        if (which >= entries_.size() || entries_[which].known.end() != lookup_end::asked) {
            return step::failed(discovery_error::unexpected_answer);
        }
        entries_[which].known.take(std::move(got), {options_.families, 1, options_.max_addresses});
        return --under_way_ == 0 ? finish() : step::wait();
    }

    /// How the lookups of the last run that ended did.
    [[nodiscard]] lookup_counts const& statistics() const noexcept { return statistics_; }

private:
    struct entry {
        std::string host;
        std::uint16_t port;
        known_addresses known;
    };

    dns_name(dns_name_options options, std::vector<entry> entries)
        : options_{std::move(options)}, entries_{std::move(entries)} {}

    [[nodiscard]] step finish() {
        lookup_report report{options_.timeout, true};
        std::vector<candidate> found;
        for (entry const& e : entries_) {
            std::string_view host = e.host;
            if (host.ends_with('.')) host.remove_suffix(1);
            report.add(host, e.known);
            add_candidates(found, host, e.known, {provenance::dns, name(), e.port, true});
        }
        statistics_ = report.counts();
        static_cast<void>(merge_duplicates(found));
        static_cast<void>(drop_self(found, options_.self));
        std::vector<notice> told = report.notices(name());
        if (found.empty() && !statistics_.certain()) return step::failed(report.why()).with(std::move(told));
        return step::found(std::move(found)).with(std::move(told));
    }

    dns_name_options options_;
    std::vector<entry> entries_;
    lookup_counts statistics_;
    std::size_t under_way_ = 0;
};

static_assert(check_strategy<dns_name>());

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
