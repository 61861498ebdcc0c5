// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The auditor of a world: looks at nodes after calls and writes down what must not happen.
#ifndef PEERKIT_SIM_AUDIT_HPP
#define PEERKIT_SIM_AUDIT_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/delivery.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/membership/member_state.hpp>
#include <peerkit/node/fallback_order.hpp>
#include <peerkit/sim/invariants.hpp>
#include <peerkit/sim/network.hpp>
#include <peerkit/sim/population.hpp>
#include <peerkit/sim/simulated_node.hpp>
#include <peerkit/sim/trace.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// Why a node was called, as far as the auditor cares.
enum class call_reason : std::uint8_t { other, timer, datagram };

/// Checks the invariants named in `invariant_options` and collects violations; never stops the world. The world tells
/// it what happens; it only looks. Not thread safe.
template <SimulatedNode Node>
class audit {
public:
    audit(invariant_options const& options, population<Node>& residents, std::size_t keep)
        : options_{options}, residents_{residents}, keep_{keep} {}

    [[nodiscard]] bool enabled() const noexcept { return options_.enabled; }
    [[nodiscard]] std::vector<violation> const& violations() const noexcept { return violations_; }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

    /// Writes a violation down, whether or not anything else is checked.
    void violate(node_index i, property broken, std::string what) {
        ++count_;
        if (violations_.size() < keep_) violations_.push_back({now_.time_since_epoch(), i, std::move(what), broken});
    }
    /// The same for a rule of the world itself.
    void violate(node_index i, std::string what) { violate(i, property::none, std::move(what)); }
    void set_time(time_point now) noexcept { now_ = now; }

    /// After every call into a node, with the number of datagrams it sent.
    void after_call(node_index i, call_reason why, std::uint32_t sent, std::size_t streams) {
        if (!options_.enabled) return;
        resident<Node>& r = residents_[i];
        if (why != call_reason::other) check_rates(i, why, sent);
        if (options_.max_streams != 0 && streams > options_.max_streams) {
            violate(i, property::bounded_memory, "has " + std::to_string(streams) + " streams");
        }
        if (options_.views_per_call == every_call) return scan(i);
        budget_ += options_.views_per_call;
        if (options_.views_per_call != 0 && budget_ > r.view_size) {
            budget_ -= r.view_size;
            scan(i);
        }
    }

    /// A node has another incarnation than before in this life (0: none before).
    void on_incarnation(node_index i, std::uint64_t before, std::uint64_t now) {
        if (!options_.enabled || now >= before) return;
        violate(i, property::own_incarnation_grows,
                "went back from incarnation " + std::to_string(before) + " to " + std::to_string(now));
    }
    /// A life is over: what a node has said of itself, it had asked to keep before. Nodes that keep nothing are exempt.
    void on_end(node_index i) {
        resident<Node> const& r = residents_[i];
        if (!options_.enabled || r.stored_incarnation == 0 || r.stored_incarnation >= r.last_incarnation) return;
        violate(i, property::stored_before_said,
                "announced incarnation " + std::to_string(r.last_incarnation) + " and had asked to keep " +
                    std::to_string(r.stored_incarnation));
    }

    /// A node told its host something.
    void on_event(node_index i, gossip::event const& e, node_index subject) {
        if (e.kind > gossip::event_kind::member_removed) return;
        disturbed_ = now_;
        if (!options_.enabled) return;
        if (subject == i) return violate(i, property::alive_to_itself, "told an event of a member about itself");
        if (subject == nobody)
            return violate(i, property::signed_by_subject, "told an event of a member that was never born");
        if (auto const wrong = residents_[i].views.on_event(subject, e.kind, e.incarnation))
            violate(i, wrong.broken, wrong.what + about(subject));
        if (converged_ && e.kind == gossip::event_kind::member_dead && present(residents_[subject])) {
            violate(i, property::accuracy,
                    "declared somebody dead who was up, in a network without faults" + about(subject));
        }
    }

    /// A node handed its host user data.
    void on_delivery(node_index i, gossip::delivery const& d, node_index from) {
        if (!options_.enabled) return;
        if (from == nobody) return violate(i, "delivered something of a member that was never born");
        if (d.kind != gossip::delivery_kind::broadcast) return;
        if (from == i) return violate(i, "delivered its own broadcast");
        if (!residents_[i].broadcasts.insert({from, d.session, d.sequence}).second)
            violate(i, "delivered a broadcast twice in one life" + about(from));
    }

    /// Compares the whole view of one node with what it showed before, with its events, and with what was ever signed.
    void scan(node_index i) {
        resident<Node>& r = residents_[i];
        ++scans_;
        r.view_size = 1;
        r.views.begin_scan();
        bool self_seen = false;
        r.node->for_each_member([&](auto const& m) {
            ++r.view_size;
            node_index const s = residents_.index_of(m.id());
            if (s == nobody)
                return violate(i, property::signed_by_subject, "its view has a member that was never born");
            if (s == i) {
                self_seen = true;
                return scan_self(i, m);
            }
            scan_other(i, s, m);
        });
        if (!self_seen && r.node->running()) violate(i, property::alive_to_itself, "is missing from its own view");
        if (auto const s = r.views.end_scan()) {
            violate(i, property::events_tell_the_view, "a member vanished from the view without an event" + about(*s));
        }
        if (options_.max_members != 0 && r.view_size - 1 > options_.max_members) {
            violate(i, property::bounded_memory, "its view has " + std::to_string(r.view_size - 1) + " members");
        }
        if constexpr (requires(Node const& n) {
                          { n.check_invariants() } -> std::convertible_to<int>;
                      }) {
            if (int const code = r.node->check_invariants(); code != 0) {
                violate(i, "its own check gives code " + std::to_string(code));
            }
        }
    }
    [[nodiscard]] std::uint64_t scans() const noexcept { return scans_; }

    /// Everything of a node that a stranger must not be able to change; its timer only if asked for.
    [[nodiscard]] std::uint64_t digest(Node const& n, bool timer) const {
        std::uint64_t h = n.incarnation() + (n.running() ? 1 : 2);
        if (timer) h = detail::mix(h ^ static_cast<std::uint64_t>(n.next_deadline().time_since_epoch().count()));
        n.for_each_member([&](auto const& m) {
            std::uint64_t const what = m.incarnation() << 3U ^ static_cast<std::uint64_t>(m.state());
            h = detail::mix((h ^ hash_bytes(node_id{m.id()}.bytes) ^ what) * 0x9e3779b97f4a7c15ULL);
            if constexpr (requires { m.record().bytes(); }) h ^= hash_bytes(m.record().bytes());
        });
        return h;
    }

    // --- destinations: nothing is sent where nobody is known to be ---

    /// The node heard from there, or was told of it.
    void know_destination(node_index i, ip_endpoint const& where) {
        if (!options_.enabled) return;
        node_index const to = residents_.index_at(where);
        if (to != nobody) return know_node(i, to);
        auto& foreign = residents_[i].foreign;
        if (std::find(foreign.begin(), foreign.end(), where) == foreign.end()) foreign.push_back(where);
    }
    void know_node(node_index i, node_index to) {
        if (!options_.enabled) return;
        auto& bits = residents_[i].destinations;
        std::size_t const word = to / 64;
        if (bits.size() <= word) bits.resize(std::max(word + 1, residents_.size() / 64 + 1));
        bits[word] |= std::uint64_t{1} << to % 64;
    }
    /// Whose machine is meant: a node that is not found where it was is looked for at neighbouring ports, too.
    [[nodiscard]] node_index machine_at(ip_endpoint const& where) const noexcept {
        std::uint16_t const usual = default_gossip_port, reach = node::fallback_order::reach;
        bool const near = where.port + reach >= usual && where.port <= usual + reach;
        return near ? residents_.index_at({where.address, usual}) : nobody;
    }
    void check_destination(node_index i, ip_endpoint const& where) {
        if (!options_.enabled) return;
        resident<Node>& r = residents_[i];
        node_index const to = machine_at(where);
        if (to != nobody) {
            if (to / 64 < r.destinations.size() && (r.destinations[to / 64] >> to % 64 & 1U) != 0) return;
            if (static_cast<bool>(r.node->find(residents_[to].id))) return know_node(i, to);
        }
        if (std::find(r.foreign.begin(), r.foreign.end(), where) != r.foreign.end()) return;
        violate(i, property::known_destinations, "sent to " + where.to_string() + ", where it knows nobody");
        know_destination(i, where);
    }
    void check_datagram(node_index i, std::size_t size) {
        ++quiet_datagrams_;
        if (options_.enabled && size > options_.max_datagram) {
            violate(i, property::fits_a_datagram, "sent a datagram of " + std::to_string(size) + " bytes");
        }
    }

    // --- quiescence: without faults and changes there are probes and nothing else ---

    /// Something was done to the world that nodes may react to.
    void disturb() noexcept {
        disturbed_ = struck_ = now_;
        converged_ = false;
    }
    /// When `check_quiet` is to be called next.
    [[nodiscard]] time_point quiet_until() const noexcept { return quiet_from_ + options_.period * 10; }
    void check_quiet(network const& net, bool intruded, std::size_t running) {
        if (net.changes() != net_changes_) {
            net_changes_ = net.changes();
            disturb();
        }
        auto const impaired = [](resident<Node> const& r) {
            return r.paused || !r.first_interface_up ||
                   std::any_of(r.interfaces.begin(), r.interfaces.end(),
                               [](simulated_interface const& i) { return !i.up; });
        };
        bool const calm =
            options_.enabled && net.calm() && std::none_of(residents_.begin(), residents_.end(), impaired);
        if (calm && !converged_ && options_.converged_after != duration::zero() &&
            now_ - struck_ >= options_.converged_after)
            check_converged();
        if (calm && options_.quiet_per_mille != 0 && !intruded && quiet_from_ - disturbed_ >= options_.settled_after) {
            auto const periods = static_cast<std::uint64_t>((now_ - quiet_from_) / options_.period) + 1;
            // A few more for what a small world sends at once now and then.
            if (quiet_datagrams_ * 1000 > options_.quiet_per_mille * running * periods + 32'000) {
                violate(nobody, property::quiescence,
                        "nothing happens, yet " + std::to_string(running) + " nodes sent " +
                            std::to_string(quiet_datagrams_) + " datagrams in " + std::to_string(periods) + " periods");
            }
        }
        quiet_from_ = now_;
        quiet_datagrams_ = 0;
    }

private:
    void check_rates(node_index i, call_reason why, std::uint32_t sent) {
        resident<Node>& r = residents_[i];
        auto const window = static_cast<std::uint64_t>(now_.time_since_epoch() / options_.period);
        if (window != r.window) {
            r.received_before = window == r.window + 1 ? r.received : 0;
            r.received = r.timer_datagrams = 0;
            r.window = window;
        }
        if (why == call_reason::datagram) {
            ++r.received;
            if (options_.replies_per_datagram != 0 && sent > options_.replies_per_datagram) {
                violate(i, property::bounded_traffic, "sent " + std::to_string(sent) + " datagrams on receipt of one");
            }
            return;
        }
        if (options_.timer_datagrams == 0) return;
        std::uint64_t const heard = std::uint64_t{r.received} + r.received_before;
        std::uint64_t const bound = options_.timer_datagrams + options_.timer_datagrams_per_received * heard;
        bool const within = r.timer_datagrams <= bound;
        r.timer_datagrams += sent;
        if (within && r.timer_datagrams > bound) {
            violate(i, property::bounded_traffic,
                    "its timers sent " + std::to_string(r.timer_datagrams) + " datagrams within a period");
        }
    }
    /// Up, and not about to leave.
    [[nodiscard]] static bool present(resident<Node> const& r) noexcept { return r.node != nullptr && !r.leaving; }
    /// Left alone for long enough, everybody sees exactly who is up. Looked at once after every disturbance.
    void check_converged() {
        converged_ = true;
        for (node_index i = 0; i < residents_.size(); ++i) {
            if (!present(residents_[i])) continue;
            std::size_t seen = 0;
            residents_[i].node->for_each_member([&](auto const& m) {
                if (m.state() > membership::member_state::suspect) return;
                node_index const s = residents_.index_of(m.id());
                if (s == nobody) return; // `scan` complains
                if (residents_[s].node == nullptr)
                    return violate(i, property::completeness, "still counts somebody who is gone" + about(s));
                seen += present(residents_[s]) && m.state() == membership::member_state::alive ? 1 : 0;
            });
            auto const there = static_cast<std::size_t>(std::count_if(residents_.begin(), residents_.end(), present));
            if (seen != there) {
                violate(i, property::convergence,
                        "sees " + std::to_string(seen) + " of " + std::to_string(there) +
                            " nodes alive, long after the last fault");
            }
        }
    }
    template <typename Member>
    void scan_self(node_index i, Member const& m) {
        resident<Node> const& r = residents_[i];
        bool const left = m.state() == membership::member_state::left;
        if (!m.is_self()) violate(i, property::alive_to_itself, "does not know itself in its own view");
        if (m.state() != membership::member_state::alive && !(r.leaving && left)) {
            violate(i, property::alive_to_itself,
                    "is " + std::string{membership::to_string(m.state())} + " in its own view");
        }
        if (m.incarnation() != r.node->incarnation())
            violate(i, property::alive_to_itself, "has another incarnation in its own view");
    }
    template <typename Member>
    void scan_other(node_index i, node_index s, Member const& m) {
        std::uint64_t const incarnation = m.incarnation();
        if (m.is_self()) violate(i, property::alive_to_itself, "takes another member for itself" + about(s));
        minted_incarnations const& minted = residents_[s].minted;
        if (!minted.has(incarnation)) {
            violate(i, property::signed_by_subject,
                    "holds incarnation " + std::to_string(incarnation) + ", which was never signed" + about(s));
        } else if (m.state() == membership::member_state::left && !minted.has_goodbye(incarnation)) {
            violate(i, property::signed_by_subject, "holds a goodbye that was never said" + about(s));
        }
        if constexpr (requires { m.record().incarnation(); }) {
            if (m.record().incarnation() != incarnation)
                violate(i, property::signed_by_subject, "holds a record of another incarnation" + about(s));
        }
        if (auto const wrong = residents_[i].views.on_member(s, {incarnation, m.state()}))
            violate(i, wrong.broken, wrong.what + about(s));
    }
    [[nodiscard]] static std::string about(node_index subject) { return " (node " + std::to_string(subject) + ")"; }

    invariant_options options_;
    population<Node>& residents_;
    std::size_t keep_;
    time_point now_{};
    std::vector<violation> violations_;
    std::uint64_t count_ = 0;
    std::uint64_t scans_ = 0;
    std::uint64_t budget_ = 0;
    std::uint64_t quiet_datagrams_ = 0;
    std::uint64_t net_changes_ = 0;
    time_point quiet_from_{};
    time_point disturbed_{}; // by faults and what they led to
    time_point struck_{};    // by faults alone
    bool converged_ = false; // looked at since the last fault
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
