// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A whole node without I/O: the engine, plus when to look for peers and whom to call.
#ifndef PEERKIT_NODE_NODE_LOGIC_HPP
#define PEERKIT_NODE_NODE_LOGIC_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/gossip/engine.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/node/discovery_schedule.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// What `net::basic_node` and `sim::world` run: `gossip::engine` with discovery that never stops. While nobody else is
/// alive the strategies run again and again and every candidate is called; later they run now and then, and candidates
/// that are no members are still called, a few at a time, so that two clusters that find each other become one.
///
/// As pure as the engine: everything it wants done is in the outbox, including `run_discovery`.
///
/// @code
/// node::node_logic<policies> me{identity, sealing, rng, options};
/// gossip::outbox out;
/// if (auto ok = me.start(now, out); !ok) return ok.error();
/// // then: carry out `out`, feed what arrives, call on_tick at next_deadline(); see examples/sans_io.cpp
/// @endcode
template <typename Policies>
class node_logic {
public:
    using engine_type = gossip::engine<Policies>;
    using signing = typename Policies::signing;
    using sealing = typename Policies::sealing;
    using random = typename Policies::rng;
    using announcements = typename Policies::announcements;

    struct options {
        network_id network{};
        description self;
        gossip::tunables tunables = gossip::lan();
        discovery_schedule discovery{};
        std::uint64_t incarnation = 1; ///< see `gossip::engine::options`
    };

    node_logic(signing identity, sealing seal, random rng, options chosen, announcements handler = announcements{})
        : rng_{seeded_rng{rng()}}, schedule_{chosen.discovery}, clock_{chosen.discovery},
          engine_{std::move(identity),
                  std::move(seal),
                  std::move(rng),
                  {chosen.network, std::move(chosen.self), chosen.tunables, chosen.incarnation},
                  std::move(handler)} {}

    /// Starts the engine and asks for discovery. @par Errors those of `gossip::engine::start`.
    [[nodiscard]] result<void> start(time_point now, gossip::outbox& out) {
        if (auto ok = engine_.start(now, out); !ok) return ok;
        clock_.hurry(now);
        after(now, out);
        return {};
    }

    // Inputs: as those of the engine.
    void on_datagram(byte_span bytes, ip_endpoint const& from, time_point now, gossip::outbox& out) {
        engine_.on_datagram(bytes, from, now, out);
        after(now, out);
    }
    [[nodiscard]] result<gossip::stream_id> on_stream_accepted(ip_endpoint const& from, time_point now,
                                                               gossip::outbox& out) {
        return engine_.on_stream_accepted(from, now, out);
    }
    void on_stream_opened(gossip::stream_id stream, time_point now, gossip::outbox& out) {
        engine_.on_stream_opened(stream, now, out);
        after(now, out);
    }
    void on_stream_frame(gossip::stream_id stream, byte_span frame, time_point now, gossip::outbox& out) {
        engine_.on_stream_frame(stream, frame, now, out);
        after(now, out);
    }
    void on_stream_closed(gossip::stream_id stream, std::optional<error> why, time_point now, gossip::outbox& out) {
        engine_.on_stream_closed(stream, why, now, out);
        after(now, out);
    }
    void on_tick(time_point now, gossip::outbox& out) {
        engine_.on_tick(now, out);
        if (active() && next_calls_ <= now) call_candidates(now, out);
        after(now, out);
    }
    [[nodiscard]] time_point next_deadline() const noexcept {
        time_point at = engine_.next_deadline();
        if (!active()) return at;
        if (!candidates_.empty()) at = std::min(at, next_calls_);
        return std::min(at, clock_.next());
    }

    /// The strategies answered. Replaces what they answered before; this node itself and unusable addresses are
    /// dropped.
    void on_candidates(std::span<discovery::candidate const> found, time_point now, gossip::outbox& out) {
        std::erase_if(candidates_, [](known const& k) { return k.candidate.source != discovery::provenance::host; });
        for (discovery::candidate const& c : found) {
            if (candidates_.size() < schedule_.max_candidates)
                add_candidate(c);
            else
                ++candidates_dropped_;
        }
        discovery_over(gossip::event_kind::discovery_found, std::nullopt, now, out);
        if (active()) call_candidates(now, out);
        after(now, out);
    }
    /// The strategies failed; what they found before stays good.
    void on_discovery_failed(error why, time_point now, gossip::outbox& out) {
        discovery_over(gossip::event_kind::discovery_failed, why, now, out);
        if (active() && !engine_.joined()) call_candidates(now, out);
        after(now, out);
    }

    // Host calls.
    [[nodiscard]] result<void> update(description changed, time_point now, gossip::outbox& out) {
        return engine_.update(std::move(changed), now, out);
    }
    void leave(time_point now, gossip::outbox& out) { engine_.leave(now, out); }
    /// Adds a candidate by hand and calls it at once. It is kept beside what the strategies find.
    void contact(ip_endpoint const& where, time_point now, gossip::outbox& out) {
        discovery::candidate c;
        c.addresses = {where};
        c.source = discovery::provenance::host;
        if (!knows(where)) {
            if (candidates_.size() < schedule_.max_candidates)
                add_candidate(c);
            else
                ++candidates_dropped_;
        }
        if (!active() || is_own(where)) return;
        if (!engine_.join(where, now, out)) engine_.hello(where, now, out);
        next_calls_ = std::min(next_calls_, now + schedule_.contact_period);
    }

    // Views.
    [[nodiscard]] bool running() const noexcept { return engine_.running(); }
    [[nodiscard]] node_id const& id() const noexcept { return engine_.id(); }
    [[nodiscard]] std::uint64_t incarnation() const noexcept { return engine_.incarnation(); }
    [[nodiscard]] std::size_t alive_count() const noexcept { return engine_.alive_count(); }
    [[nodiscard]] std::size_t size() const noexcept { return engine_.alive_count(); }
    template <typename F>
    void for_each_member(F&& f) const {
        engine_.for_each_member(std::forward<F>(f));
    }
    [[nodiscard]] std::optional<gossip::member_view> find(node_id const& id) const noexcept { return engine_.find(id); }
    [[nodiscard]] std::optional<gossip::member_view> find(short_id key) const noexcept { return engine_.find(key); }
    [[nodiscard]] gossip::counters const& counters() const noexcept { return engine_.counters(); }
    [[nodiscard]] engine_type& engine() noexcept { return engine_; }
    [[nodiscard]] engine_type const& engine() const noexcept { return engine_; }
    /// Candidates held, members among them included.
    [[nodiscard]] std::size_t candidate_count() const noexcept { return candidates_.size(); }

    /// Candidates not remembered because there were `max_candidates`, since the start.
    [[nodiscard]] std::uint64_t candidates_dropped() const noexcept { return candidates_dropped_; }

    /// As `gossip::engine::check_invariants`, or 41: more candidates than allowed.
    [[nodiscard]] int check_invariants() const noexcept {
        if (int const code = engine_.check_invariants(); code != 0) return code;
        return candidates_.size() > schedule_.max_candidates ? 41 : 0;
    }

private:
    struct known {
        discovery::candidate candidate;
        std::size_t next_address = 0; ///< the addresses are tried in turn
        short_id member{};            ///< who was found there last
    };

    [[nodiscard]] bool active() const noexcept { return engine_.running() && !engine_.leaving(); }

    [[nodiscard]] bool is_own(ip_endpoint const& where) const noexcept {
        description const& self = engine_.self();
        return std::any_of(self.addresses.begin(), self.addresses.end(), [&](typed_address const& a) {
            return a.address == where.address && (a.port == 0 ? self.gossip_port : a.port) == where.port;
        });
    }
    [[nodiscard]] bool knows(ip_endpoint const& where) const noexcept {
        return std::any_of(candidates_.begin(), candidates_.end(),
                           [&](known const& k) { return k.candidate.addresses.contains(where); });
    }
    void add_candidate(discovery::candidate const& from) {
        if (from.id == engine_.id()) return;
        known made{from, 0, {}};
        auto& addresses = made.candidate.addresses;
        if (std::any_of(addresses.begin(), addresses.end(), [&](ip_endpoint const& a) { return is_own(a); })) return;
        addresses.remove_if([](ip_endpoint const& a) { return !a || !discovery::is_unicast(a.address); });
        if (!addresses.empty()) candidates_.push_back(std::move(made));
    }
    /// Whether somebody alive announces one of the candidate's addresses. Who did last time is asked first, so that the
    /// members are walked through only when something changed.
    [[nodiscard]] bool is_member(known& k) const noexcept {
        auto const there = [&](gossip::member_view const& m) {
            return m.reachable() && k.candidate.addresses.contains(m.endpoint());
        };
        if (auto const last = engine_.find(k.member); last && there(*last)) return true;
        bool found = false;
        engine_.for_each_member([&](gossip::member_view const& m) {
            if (found || !there(m)) return;
            found = true;
            k.member = m.short_id();
        });
        return found;
    }

    /// Calls candidates that are no members: all of them while alone, a few per period otherwise.
    void call_candidates(time_point now, gossip::outbox& out) {
        next_calls_ = now + jitter(rng_, schedule_.contact_period, 20);
        if (candidates_.empty()) return;
        bool const alone = !engine_.joined();
        std::size_t const most = alone ? std::min<std::size_t>(candidates_.size(), 32) : schedule_.contacts_per_period;
        std::size_t joins = alone ? 3 : 0;
        std::size_t at = static_cast<std::size_t>(uniform(rng_, std::uint64_t{candidates_.size()}));
        std::size_t const looks = std::min<std::size_t>(candidates_.size(), 64);
        for (std::size_t called = 0, looked = 0; called < most && looked < looks;
             ++looked, at = (at + 1) % candidates_.size()) {
            known& k = candidates_[at];
            if (!alone && is_member(k)) continue;
            ip_endpoint const where = k.candidate.addresses[k.next_address++ % k.candidate.addresses.size()];
            ++called;
            if (joins != 0 && engine_.join(where, now, out))
                --joins;
            else
                engine_.hello(where, now, out);
        }
    }

    void discovery_over(gossip::event_kind kind, std::optional<error> why, time_point now, gossip::outbox& out) {
        clock_.ended(!engine_.joined(), now, rng_);
        gossip::event e;
        e.kind = kind;
        e.why = gossip::cause::scheduled;
        e.subject = engine_.id();
        e.what = why;
        e.count = static_cast<std::uint32_t>(candidates_.size());
        out.notify(e);
    }

    /// After every input: isolation hurries discovery, and a due run begins.
    void after(time_point now, gossip::outbox& out) {
        if (!active()) return;
        bool const joined = engine_.joined();
        if (was_joined_ && !joined) {
            clock_.hurry(now);
            next_calls_ = now;
        }
        if (joined && !was_joined_) clock_.reset();
        was_joined_ = joined;
        if (!clock_.begin(now)) return;
        gossip::event e;
        e.kind = gossip::event_kind::discovery_started;
        e.why = joined ? gossip::cause::scheduled : gossip::cause::alone;
        e.subject = engine_.id();
        out.notify(e);
        out.run_discovery();
    }

    seeded_rng rng_;
    discovery_schedule schedule_;
    discovery_clock clock_;
    engine_type engine_;
    std::vector<known> candidates_;
    std::uint64_t candidates_dropped_ = 0;
    time_point next_calls_ = never;
    bool was_joined_ = false;
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
