// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Which addresses of candidates are not called, and why: this node's own, those that lead nowhere, those ruled out.
#ifndef PEERKIT_NODE_CANDIDATE_GATE_HPP
#define PEERKIT_NODE_CANDIDATE_GATE_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/bounded_list.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/node/provenance_set.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// Why an address, or a candidate with all its addresses, is not kept.
enum class drop_reason : std::uint8_t {
    own_id,      ///< the candidate has the identity of this node
    own_address, ///< this node listens there
    own_name,    ///< the candidate has a host name of this machine and this node's port
    unusable,    ///< unspecified, multicast, broadcast, or port 0
    not_remote,  ///< a loopback or link-local address named by a source that is not on this machine
    ruled_out,   ///< the host's dial rule says no
    no_room,     ///< as many candidates are known as may be, none of which has to give way
    evicted,     ///< it had to give way to a more trusted one, or to one not yet tried
};
inline constexpr std::size_t drop_reason_count = static_cast<std::size_t>(drop_reason::evicted) + 1;

[[nodiscard]] constexpr std::string_view to_string(drop_reason why) noexcept {
    switch (why) {
    case drop_reason::own_id: return "has the identity of this node";
    case drop_reason::own_address: return "is an address of this node";
    case drop_reason::own_name: return "has a name of this machine";
    case drop_reason::unusable: return "cannot be called";
    case drop_reason::not_remote: return "is local to the machine that was asked";
    case drop_reason::ruled_out: return "is ruled out by the host";
    case drop_reason::no_room: return "no room";
    case drop_reason::evicted: return "gave way to another";
    }
    return "unknown";
}

/// The host's own word on what is called: true if this node may call `there`, which was found in this way. An empty
/// function allows everything. It is asked when candidates come in, does not throw, and does not change its mind.
///
/// @code
/// auto only_overlay = [](ip_endpoint const& there, discovery::provenance) { return in_overlay(there.address); };
/// @endcode
using dial_rule = std::function<bool(ip_endpoint const& there, discovery::provenance from)>;

/// Decides address by address what of a candidate is kept. A value without state of its own; tools that only look can
/// use it as a node does.
///
/// Sources on this machine (`trust::user`) may name loopback and link-local addresses. Others may only if this node is
/// found there itself: if all it advertises is loopback, or some of it is link-local.
class candidate_gate {
public:
    candidate_gate() = default;
    explicit candidate_gate(discovery::own_identity own, dial_rule rule = {})
        : own_{std::move(own)}, rule_{std::move(rule)} {}

    /// What this node says of itself, from now on. Its gossip port counts if `own_identity` has none.
    void advertised(node_id const& id, description const& self) {
        if (!own_.id) own_.id = id;
        if (own_.port == 0) own_.port = self.gossip_port;
        places_.clear();
        for (typed_address const& a : self.addresses) {
            static_cast<void>(places_.push_back({a.address, a.port != 0 ? a.port : self.gossip_port}));
        }
        loopback_ = !places_.empty() && std::all_of(places_.begin(), places_.end(),
                                                    [](ip_endpoint const& p) { return p.address.is_loopback(); });
        link_local_ =
            std::any_of(places_.begin(), places_.end(), [](ip_endpoint const& p) { return p.address.is_link_local(); });
    }

    /// The addresses of this machine are others now.
    void moved(std::vector<ip_address> own) { own_.addresses = std::move(own); }

    [[nodiscard]] bool is_own(ip_endpoint const& there) const noexcept {
        return places_.contains(there) || own_.is_me(there);
    }

    /// Why `there`, an address of `c`, is not to be called; none if it may be.
    [[nodiscard]] std::optional<drop_reason> why_not(discovery::candidate const& c, ip_endpoint const& there) const {
        if (own_.is_me(c.id)) return drop_reason::own_id;
        if (!there || !discovery::is_unicast(there.address)) return drop_reason::unusable;
        if (is_own(there)) return drop_reason::own_address;
        if (own_.is_me(c.name.view(), there.port)) return drop_reason::own_name;
        if (trust_of(c.source) != trust::user && !may_be_remote(there.address)) return drop_reason::not_remote;
        if (rule_ && !rule_(there, c.source)) return drop_reason::ruled_out;
        return std::nullopt;
    }

private:
    [[nodiscard]] bool may_be_remote(ip_address const& address) const noexcept {
        if (address.is_loopback()) return loopback_;
        return !address.is_link_local() || link_local_;
    }

    discovery::own_identity own_;
    dial_rule rule_;
    discovery::bounded_list<ip_endpoint, limits::addresses> places_;
    bool loopback_ = false;
    bool link_local_ = false;
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
