// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A name service for strategies in virtual time: what each name is answered, by which kind of server.
#ifndef PEERKIT_TESTS_DNS_ZONE_HPP
#define PEERKIT_TESTS_DNS_ZONE_HPP

#include "run_strategy.hpp"

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/discovery/effect.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace peerkit_test {

inline peerkit::ip_address ip(std::string_view text) {
    auto const made = peerkit::ip_address::parse(text);
    REQUIRE(made);
    return *made;
}
inline peerkit::discovery::resolved addresses(std::initializer_list<std::string_view> texts,
                                              std::optional<peerkit::duration> time_to_live = {}) {
    peerkit::discovery::resolved made{{}, time_to_live};
    for (std::string_view const text : texts) made.addresses.push_back(ip(text));
    return made;
}

/// Answers lookups as a driver would: names it knows, NXDOMAIN for the rest. A name that is mapped to a `timed_out` is
/// met with silence: the error arrives when all tries are over.
struct dns_zone {
    std::map<std::string, peerkit::discovery::outcome, std::less<>> names;    ///< A and AAAA, by absolute name
    std::map<std::string, peerkit::discovery::outcome, std::less<>> services; ///< SRV
    std::map<std::string, peerkit::discovery::outcome, std::less<>> texts;    ///< TXT
    peerkit::discovery::outcome otherwise = peerkit::error{peerkit::discovery::discovery_error::unresolved, 4};
    peerkit::duration latency = std::chrono::milliseconds{3};

    std::optional<reply> operator()(peerkit::discovery::effect const& wanted, peerkit::time_point) const {
        using namespace peerkit::discovery;
        if (auto const* lookup = std::get_if<resolve_name>(&wanted)) return answer(names, lookup->host, *lookup);
        if (auto const* lookup = std::get_if<resolve_service>(&wanted)) return answer(services, lookup->name, *lookup);
        if (auto const* lookup = std::get_if<resolve_text>(&wanted)) return answer(texts, lookup->name, *lookup);
        return reply{peerkit::error{discovery_error::unsupported}, {}};
    }
    [[nodiscard]] world as_world() const { return std::cref(*this); }

private:
    template <typename Lookup>
    reply answer(std::map<std::string, peerkit::discovery::outcome, std::less<>> const& zone, std::string_view name,
                 Lookup const& lookup) const {
        auto const at = zone.find(name);
        peerkit::discovery::outcome const& what = at == zone.end() ? otherwise : at->second;
        auto const* failed = std::get_if<peerkit::error>(&what);
        bool const silent = failed != nullptr && *failed == peerkit::discovery::discovery_error::timed_out;
        return {what, silent ? lookup.timeout * lookup.tries : latency};
    }
};

/// "name 192.0.2.1:9000,[2001:db8::1]:9000" for each candidate.
inline std::vector<std::string> shown(run_report const& report) {
    REQUIRE(report.answer);
    std::vector<std::string> texts;
    for (peerkit::discovery::candidate const& c : *report.answer) {
        std::string text{c.name.view()};
        char separator = ' ';
        for (peerkit::ip_endpoint const& there : c.addresses) {
            text.append(1, separator).append(there.to_string());
            separator = ',';
        }
        texts.push_back(std::move(text));
    }
    return texts;
}

} // namespace peerkit_test

#endif
