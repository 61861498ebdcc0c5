// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A strategy around another one: replaces addresses that are reached elsewhere from here.
#ifndef PEERKIT_NODE_TRANSLATED_HPP
#define PEERKIT_NODE_TRANSLATED_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace node_program {

/// Finds what `Strategy` finds, at translated addresses: behind address translation, with published ports of
/// containers, or where tunnels end on this machine. Addresses without a translation stay as they are.
template <peerkit::discovery::DiscoveryStrategy Strategy>
class translated {
public:
    using table = std::vector<std::pair<peerkit::ip_address, peerkit::ip_endpoint>>;

    translated(Strategy inner, table places) noexcept : inner_{std::move(inner)}, places_{std::move(places)} {}

    [[nodiscard]] std::string_view name() const noexcept { return inner_.name(); }
    [[nodiscard]] peerkit::discovery::step begin(peerkit::time_point now) { return translate(inner_.begin(now)); }
    [[nodiscard]] peerkit::discovery::step resume(std::span<peerkit::discovery::outcome> outcomes,
                                                  peerkit::time_point now) {
        return translate(inner_.resume(outcomes, now));
    }

private:
    [[nodiscard]] peerkit::discovery::step translate(peerkit::discovery::step next) const {
        if (!next.ended() || !next.answer()) return next;
        for (peerkit::discovery::candidate& found : *next.answer()) {
            auto const addresses = std::exchange(found.addresses, {});
            for (peerkit::ip_endpoint const& there : addresses) {
                static_cast<void>(found.addresses.push_back(translate(there))); // as many as there were
            }
        }
        return next;
    }
    [[nodiscard]] peerkit::ip_endpoint translate(peerkit::ip_endpoint const& there) const noexcept {
        for (auto const& [from, to] : places_) {
            if (there.address == from) return to;
        }
        return there;
    }

    Strategy inner_;
    table places_;
};

} // namespace node_program

#endif
