// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A whole node without I/O: the engine, plus when to look for peers and whom to call.
#ifndef PEERKIT_NODE_NODE_LOGIC_HPP
#define PEERKIT_NODE_NODE_LOGIC_HPP

#include <peerkit/core/address_class.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/bounded_list.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/gossip/delivery.hpp>
#include <peerkit/gossip/engine.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/gossip/explanation.hpp>
#include <peerkit/gossip/member_query.hpp>
#include <peerkit/gossip/name_policy.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/membership/member_state.hpp>
#include <peerkit/membership/shared_records.hpp>
#include <peerkit/node/call_decider.hpp>
#include <peerkit/node/candidate_book.hpp>
#include <peerkit/node/candidate_gate.hpp>
#include <peerkit/node/discovery_schedule.hpp>
#include <peerkit/node/fallback_order.hpp>
#include <peerkit/node/host_name_queue.hpp>
#include <peerkit/node/known_candidate.hpp>
#include <peerkit/node/recollection.hpp>
#include <peerkit/node/remembered_peer.hpp>
#include <peerkit/node/start_order.hpp>
#include <peerkit/wire/entry.hpp>
#include <peerkit/wire/envelope.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// What `net::basic_node` and `sim::world` run: `gossip::engine` with discovery that never stops. While nobody else is
/// alive the strategies run again and again and every candidate is called; later they run now and then, and candidates
/// that are no members are still called, a few at a time, so that two clusters that find each other become one.
///
/// Who calls whom: the engine calls members it holds dead, at the addresses they announced, until their tombstones
/// expire. This class calls candidates nobody alive is found at, for ever: those that the host or a strategy names,
/// whatever the engine holds of them, and peers known through members only once the engine has forgotten them.
///
/// It starts in the order of `start_order`: the strategies are asked, peers of an earlier life are taken in, the action
/// `listen` says that what arrives is wanted now, and everybody known is called. Until then packets are best left in
/// their sockets; handed in earlier they are taken all the same.
///
/// As pure as the engine: everything it wants done is in the outbox, including `run_discovery` and `resolve_address`.
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
        std::uint64_t incarnation = 1;                ///< see `gossip::engine::options`
        std::vector<ip_prefix> subnets{};             ///< see `gossip::engine::options`
        bool advertise_observed = false;              ///< see `gossip::engine::options`
        membership::shared_records* shared = nullptr; ///< see `gossip::engine::options`
        discovery::own_identity own{}; ///< what else is this node: addresses of all interfaces, names of the host
        dial_rule may_dial{};          ///< which candidates may be called; empty: all
        gossip::name_policy names = gossip::name_policy::allow; ///< see `gossip::engine::options`
        /// Peers of an earlier life, the most recently heard first. Their signatures have been checked.
        std::vector<remembered_peer> remembered{};
        std::size_t most_remembered = 1024; ///< peers that `recollect` gives
        bool has_store = false; ///< `on_kept` follows; until then nothing is sent, within `start_order::store_patience`
    };

    node_logic(signing identity, sealing seal, random rng, options chosen, announcements handler = announcements{})
        : rng_{seeded_rng{rng()}}, schedule_{chosen.discovery}, clock_{chosen.discovery}, decider_{chosen.discovery},
          book_{{chosen.discovery.max_candidates, chosen.discovery.max_strangers, chosen.discovery.linger}, rng_()},
          gate_{std::move(chosen.own), std::move(chosen.may_dial)},
          memory_{chosen.most_remembered, std::move(chosen.remembered)}, has_store_{chosen.has_store},
          engine_{std::move(identity),
                  std::move(seal),
                  std::move(rng),
                  {chosen.network, std::move(chosen.self), chosen.tunables, chosen.incarnation,
                   std::move(chosen.subnets), chosen.advertise_observed, chosen.shared, chosen.names},
                  std::move(handler)} {}

    /// Starts the engine and asks for discovery.
    /// @par Errors those of `check(discovery_schedule)` and `gossip::engine::start`.
    [[nodiscard]] result<void> start(time_point now, gossip::outbox& out) {
        if (auto ok = check(schedule_); !ok) return ok;
        std::size_t const told = out.events().size();
        if (auto ok = engine_.start(now, out); !ok) return ok;
        gate_.advertised(engine_.id(), engine_.self());
        clock_.hurry(now);
        order_.begin(now, has_store_);
        after(told, now, out);
        return {};
    }

    // Inputs: as those of the engine.
    void on_datagram(byte_span bytes, ip_endpoint const& from, time_point now, gossip::outbox& out) {
        std::size_t const told = out.events().size();
        std::uint64_t const accepted = engine_.counters().datagrams_accepted;
        engine_.on_datagram(bytes, from, now, out);
        // What the seal of the network covers was sent by a holder of its key.
        if (now < awaiting_until_ && engine_.counters().datagrams_accepted != accepted) {
            if (auto const head = wire::envelope::decode(bytes)) (void)book_.answered(from, head->sender, now);
        }
        after(told, now, out);
    }
    [[nodiscard]] result<gossip::stream_id> on_stream_accepted(ip_endpoint const& from, time_point now,
                                                               gossip::outbox& out) {
        return engine_.on_stream_accepted(from, now, out);
    }
    void on_stream_opened(gossip::stream_id stream, time_point now, gossip::outbox& out) {
        std::size_t const told = out.events().size();
        engine_.on_stream_opened(stream, now, out);
        after(told, now, out);
    }
    void on_stream_frame(gossip::stream_id stream, byte_span frame, time_point now, gossip::outbox& out) {
        std::size_t const told = out.events().size();
        engine_.on_stream_frame(stream, frame, now, out);
        after(told, now, out);
    }
    void on_stream_closed(gossip::stream_id stream, std::optional<error> why, time_point now, gossip::outbox& out) {
        std::size_t const told = out.events().size();
        engine_.on_stream_closed(stream, why, now, out);
        after(told, now, out);
    }
    void on_tick(time_point now, gossip::outbox& out) {
        std::size_t const told = out.events().size();
        engine_.on_tick(now, out);
        go_on_starting(now, out);
        if (may_call() && decider_.next() <= now) call_candidates(now, out);
        after(told, now, out);
    }
    [[nodiscard]] time_point next_deadline() const noexcept {
        time_point const at = engine_.next_deadline();
        if (!active()) return at;
        time_point const call = may_call() ? decider_.next() : order_.deadline();
        return std::min({at, call, clock_.next(), names_.next()});
    }

    /// The strategies answered. Takes the place of their last answer but for what has time to live left; this node
    /// itself and unusable addresses are dropped. See `candidate_book`.
    void on_candidates(std::span<discovery::candidate const> found, time_point now, gossip::outbox& out) {
        auto const taken = book_.take_answer(found, gate_, now);
        std::size_t const told = out.events().size();
        discovery_over(gossip::event_kind::discovery_found, std::nullopt, taken.named, now, out);
        if (taken.news) decider_.hurry(now);
        order_.discovered();
        go_on_starting(now, out);
        if (may_call() && decider_.next() <= now) call_candidates(now, out);
        after(told, now, out);
    }
    /// The strategies failed; what they found before stays good.
    void on_discovery_failed(error why, time_point now, gossip::outbox& out) {
        std::size_t const told = out.events().size();
        discovery_over(gossip::event_kind::discovery_failed, why, book_.size(), now, out);
        order_.discovered();
        go_on_starting(now, out);
        if (may_call() && decider_.next() <= now) call_candidates(now, out);
        after(told, now, out);
    }
    /// With `options::has_store`: the store holds what the action `persist` gave it during the start, or has failed.
    void on_kept(time_point now, gossip::outbox& out) {
        std::size_t const told = out.events().size();
        order_.kept();
        go_on_starting(now, out);
        if (may_call() && decider_.next() <= now) call_candidates(now, out);
        after(told, now, out);
    }
    /// Something a strategy watches has changed: it is asked again soon, once a second at most.
    void on_discovery_hint(time_point now, gossip::outbox& out) {
        clock_.hint(now);
        after(out.events().size(), now, out);
    }
    /// Answers the action `resolve_address`. A name that is no host name counts as none; an answer not asked for, or
    /// after 30 seconds, is ignored.
    void on_host_name(ip_address const& of, result<std::string_view> name, time_point now, gossip::outbox& out) {
        bool const unsure = !name && !(name.error() == discovery::discovery_error::unresolved) &&
                            !(name.error() == discovery::discovery_error::unsupported);
        if (!names_.answered(of, unsure, now)) return;
        if (name && name->ends_with('.')) name->remove_suffix(1);
        if (name && is_host_name(*name)) {
            book_.name(of, *name, [&](known_candidate const& peer) {
                gossip::event e;
                e.kind = gossip::event_kind::peer_named;
                e.why = gossip::cause::requested;
                e.subject = peer.id;
                e.where = peer.places.front().where;
                out.notify(e);
            });
        }
        after(out.events().size(), now, out);
    }

    // Host calls.
    [[nodiscard]] result<void> update(description changed, time_point now, gossip::outbox& out) {
        auto const done = engine_.update(std::move(changed), now, out);
        if (done) gate_.advertised(engine_.id(), engine_.self());
        return done;
    }
    /// See `gossip::engine::introduce`.
    [[nodiscard]] result<void> introduce(byte_view record, time_point now, gossip::outbox& out) {
        std::size_t const told = out.events().size();
        auto const done = engine_.introduce(record, now, out);
        after(told, now, out);
        return done;
    }
    /// This host has other interfaces now: its own subnets, and the addresses that are this node. What it announces is
    /// changed with `update`.
    void moved(std::vector<ip_prefix> subnets, std::vector<ip_address> own) {
        engine_.set_subnets(std::move(subnets));
        gate_.moved(std::move(own));
    }
    void leave(time_point now, gossip::outbox& out) { engine_.leave(now, out); }

    // User data: see `gossip::engine`.
    [[nodiscard]] result<std::uint64_t> broadcast(std::string_view topic, byte_view payload, time_point now) {
        return engine_.broadcast(topic, payload, now);
    }
    [[nodiscard]] result<void> send_message(node_id const& to, std::string_view topic, byte_view payload,
                                            gossip::outbox& out) {
        return engine_.send_message(to, topic, payload, out);
    }
    [[nodiscard]] result<gossip::request_id> send_reliably(node_id const& to, std::string_view topic, byte_view payload,
                                                           duration timeout, time_point now, gossip::outbox& out) {
        return engine_.send_reliably(to, topic, payload, timeout, now, out);
    }
    [[nodiscard]] result<gossip::request_id> request(node_id const& to, std::string_view topic, byte_view payload,
                                                     duration timeout, time_point now, gossip::outbox& out) {
        return engine_.request(to, topic, payload, timeout, now, out);
    }
    void cancel_request(gossip::request_id which, gossip::outbox& out) { engine_.cancel_request(which, out); }
    [[nodiscard]] result<void> respond(gossip::request_id to, byte_view payload, time_point now, gossip::outbox& out) {
        return engine_.respond(to, payload, now, out);
    }
    [[nodiscard]] result<void> decline(gossip::request_id which, time_point now, gossip::outbox& out) {
        return engine_.decline(which, now, out);
    }

    // Entries: see `gossip::engine`.
    [[nodiscard]] result<void> put(std::string_view key, byte_view value, time_point now) {
        return engine_.put(key, value, now);
    }
    [[nodiscard]] result<void> erase(std::string_view key, time_point now) { return engine_.erase(key, now); }
    [[nodiscard]] std::optional<wire::entry_view> get(node_id const& owner, std::string_view key) const noexcept {
        return engine_.get(owner, key);
    }
    template <typename F>
    void for_each_entry(node_id const& owner, F&& f) const {
        engine_.for_each_entry(owner, static_cast<F&&>(f));
    }
    template <typename F>
    void for_each_entry_with(std::string_view prefix, F&& f) const {
        engine_.for_each_entry_with(prefix, static_cast<F&&>(f));
    }
    [[nodiscard]] std::size_t entry_count() const noexcept { return engine_.entry_count(); }
    [[nodiscard]] std::size_t entry_memory() const noexcept { return engine_.entry_memory(); }

    /// Adds a candidate by hand and calls it at once. It is kept beside what the strategies find.
    void contact(ip_endpoint const& where, time_point now, gossip::outbox& out) {
        discovery::candidate c;
        c.addresses = {where};
        c.source = discovery::provenance::host;
        known_candidate* const entry = book_.keep(c, gate_, now);
        // Without room for it, it is called all the same, once.
        if (!active() || gate_.why_not(c, where)) return;
        if (order_.store_awaited()) return; // it is called with the others
        if (entry != nullptr) {
            book_.called(*entry, where, now);
            book_.set_due(*entry, now + schedule_.retry_first);
        }
        decider_.hurry(now + schedule_.retry_first);
        call(where, true, now, out);
    }

    /// What is to be written down of the others, for `options::remembered` of the next life: see `recollection`.
    /// `clock_ms` is the unix time of `now`.
    [[nodiscard]] std::vector<remembered_peer> const& recollect(time_point now, std::int64_t clock_ms) {
        memory_.refresh(engine_, book_, now, clock_ms);
        return memory_.peers();
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
    template <typename F>
    void for_each_member(gossip::member_query const& which, F&& f) const {
        engine_.for_each_member(which, std::forward<F>(f));
    }
    template <typename F>
    void for_each_nearest(std::size_t count, gossip::member_query const& which, F&& f) const {
        engine_.for_each_nearest(count, which, std::forward<F>(f));
    }
    [[nodiscard]] std::optional<gossip::member_view> find(node_id const& id) const noexcept { return engine_.find(id); }
    [[nodiscard]] std::optional<gossip::member_view> find(short_id key) const noexcept { return engine_.find(key); }
    [[nodiscard]] std::optional<gossip::explanation> explain(node_id const& id, time_point now) const {
        return engine_.explain(id, now);
    }
    [[nodiscard]] gossip::counters const& counters() const noexcept { return engine_.counters(); }
    /// How far the start has come.
    [[nodiscard]] start_step starting() const noexcept { return order_.step(); }
    /// From the action `listen` on: what arrives is taken.
    [[nodiscard]] bool listening() const noexcept { return order_.listening(); }
    [[nodiscard]] engine_type& engine() noexcept { return engine_; }
    [[nodiscard]] engine_type const& engine() const noexcept { return engine_; }
    /// Calls `f(known_candidate const&)` for every place to call: its sources, and what became of the last call.
    template <typename F>
    void for_each_candidate(F&& f) const {
        book_.for_each(std::forward<F>(f));
    }
    [[nodiscard]] candidate_book const& candidates() const noexcept { return book_; }
    /// Candidates held, members among them included.
    [[nodiscard]] std::size_t candidate_count() const noexcept { return book_.size(); }
    /// Candidates not remembered because there was no room, since the start.
    [[nodiscard]] std::uint64_t candidates_dropped() const noexcept {
        return book_.dropped(drop_reason::no_room) + book_.dropped(drop_reason::evicted);
    }

    /// As `gossip::engine::check_invariants`, or `candidate_book::check_invariants` (41-48), or 51: more host names are
    /// looked up than allowed.
    [[nodiscard]] int check_invariants() const noexcept {
        if (int const code = engine_.check_invariants(); code != 0) return code;
        if (int const code = book_.check_invariants(); code != 0) return code;
        bool const within =
            names_.waiting() <= host_name_queue::most_waiting && names_.under_way() <= host_name_queue::most_under_way;
        return within ? 0 : 51;
    }

private:
    using address_list = discovery::bounded_list<ip_endpoint, limits::addresses>;

    /// An answer to a call is expected within this.
    static constexpr duration answer_time = std::chrono::seconds{10};
    /// For so long an answer of somebody alive counts as "a member is there", whatever that member announces.
    static constexpr duration answer_counts = std::chrono::minutes{10};

    [[nodiscard]] bool active() const noexcept { return engine_.running() && !engine_.leaving(); }
    [[nodiscard]] bool may_call() const noexcept { return active() && order_.step() >= start_step::announcing; }

    [[nodiscard]] static address_list addresses_of(gossip::member_view const& m) noexcept {
        address_list all;
        wire::record_view const record = m.record();
        for (typed_address const& a : record.addresses()) {
            static_cast<void>(all.push_back({a.address, a.port != 0 ? a.port : record.gossip_port()}));
        }
        return all;
    }
    [[nodiscard]] static bool announces(gossip::member_view const& m, known_candidate const& entry) noexcept {
        address_list const all = addresses_of(m);
        return std::any_of(all.begin(), all.end(), [&](ip_endpoint const& where) { return entry.has(where); });
    }
    /// Whether somebody alive is there: the expected identity, who was found there last, or whoever announces one of
    /// its addresses. The members are walked through only when the first two say nothing.
    [[nodiscard]] candidate_standing standing_of(known_candidate& entry, time_point now) const noexcept {
        bool const sought = entry.sought();
        auto const expected = entry.id ? engine_.find(entry.id) : sought ? std::nullopt : engine_.find(entry.member);
        if (expected && !expected->is_self()) {
            if (expected->reachable()) return candidate_standing::member;
            if (!sought && expected->state() == membership::member_state::dead) return candidate_standing::others_call;
        }
        auto const last = engine_.find(entry.member);
        bool const answered = entry.last.what == call_result::answered && entry.last.by == entry.member &&
                              now - entry.last.when < answer_counts;
        if (last && last->reachable() && !last->is_self() && (answered || announces(*last, entry)))
            return candidate_standing::member;
        bool found = false;
        engine_.for_each_member([&](gossip::member_view const& m) {
            if (found || m.is_self() || !m.reachable() || !entry.has(m.record().first_endpoint())) return;
            found = true;
            entry.member = m.short_id();
        });
        return found ? candidate_standing::member : candidate_standing::stranger;
    }

    void call_candidates(time_point now, gossip::outbox& out) {
        bool const alone = !engine_.joined();
        auto const standing = [&](known_candidate& entry) { return standing_of(entry, now); };
        auto const dial = [&](ip_endpoint const& where) {
            if (book_.find(where) == nullptr && !may_guess(where)) return;
            call(where, alone && joins_ < schedule_.parallel_joins, now, out);
        };
        bool const announcing = order_.step() == start_step::announcing;
        if (announcing && !alone)
            decider_.announce(book_, now, rng_, standing, dial);
        else
            decider_.run(book_, alone, now, rng_, standing, dial);
        if (announcing) end_announcing(now, out);
    }
    /// A place that `fallback_order` made up.
    [[nodiscard]] bool may_guess(ip_endpoint const& where) const {
        discovery::candidate c;
        c.source = discovery::provenance::stored;
        return !gate_.why_not(c, where);
    }

    // ---- The start -------------------------------------------------------------------------------------------------

    void go_on_starting(time_point now, gossip::outbox& out) {
        if (!active()) return;
        if (engine_.joined()) order_.joined();
        while (auto const step = order_.next(now)) {
            if (*step == start_step::recalling) recall(now, out);
            if (*step == start_step::listening) {
                out.listen();
                gossip::event e = own_event(gossip::event_kind::listening);
                if (!order_.has_discovered()) e.what = error{discovery::discovery_error::timed_out, 0, "discovery"};
                out.notify(e);
            }
            if (*step == start_step::announcing) decider_.hurry(now);
        }
    }
    /// What discovery says is in the book already, and fresher.
    void recall(time_point now, gossip::outbox& out) {
        std::uint32_t taken = 0;
        for (remembered_peer const& peer : memory_.peers()) {
            auto const record = wire::record_view::parse(peer.record);
            if (!record || record->id() == engine_.id()) continue;
            discovery::candidate c;
            c.id = record->id();
            c.name = c.name.cut(record->name());
            c.source = discovery::provenance::stored;
            if (peer.last_endpoint) static_cast<void>(c.addresses.push_back(peer.last_endpoint));
            for (std::size_t i = 0; i < record->address_count(); ++i) {
                ip_endpoint const where = record->gossip_endpoint(i);
                if (!c.addresses.contains(where)) static_cast<void>(c.addresses.push_back(where));
            }
            if (book_.recall(c, fallback_order::services_of(*record), gate_, now) != nullptr) ++taken;
        }
        if (memory_.peers().empty()) return;
        gossip::event e = own_event(gossip::event_kind::peers_recalled);
        e.count = taken;
        out.notify(e);
    }
    void end_announcing(time_point now, gossip::outbox& out) {
        std::uint32_t called = 0;
        bool waiting = false;
        book_.for_each([&](known_candidate const& entry) {
            if (entry.last.what != call_result::untried)
                ++called;
            else if (book_.due(entry) <= now)
                waiting = true;
        });
        if (waiting) return;
        order_.announced();
        gossip::event e = own_event(gossip::event_kind::announced);
        e.count = called;
        out.notify(e);
    }
    [[nodiscard]] gossip::event own_event(gossip::event_kind kind) const noexcept {
        gossip::event e;
        e.kind = kind;
        e.why = gossip::cause::scheduled;
        e.subject = engine_.id();
        return e;
    }

    // ---- Calls and what comes of them ------------------------------------------------------------------------------

    void call(ip_endpoint const& where, bool by_stream, time_point now, gossip::outbox& out) {
        awaiting_until_ = now + answer_time;
        if (by_stream && engine_.join(where, now, out))
            ++joins_;
        else
            engine_.hello(where, now, out);
    }

    void discovery_over(gossip::event_kind kind, std::optional<error> why, std::size_t count, time_point now,
                        gossip::outbox& out) {
        clock_.ended(!engine_.joined(), why.has_value(), book_.shortest_life(), now, rng_);
        gossip::event e;
        e.kind = kind;
        e.why = gossip::cause::scheduled;
        e.subject = engine_.id();
        e.what = why;
        e.count = static_cast<std::uint32_t>(count);
        out.notify(e);
    }

    /// What the engine told while it dealt with one input: new members, and what became of joins.
    void take_events(std::size_t told, time_point now, gossip::outbox& out) {
        for (std::size_t i = told, end = out.events().size(); i < end; ++i) {
            gossip::event const e = out.events()[i]; // a copy: more may be told meanwhile
            switch (e.kind) {
            case gossip::event_kind::member_up: learn(e, true, now, out); break;
            case gossip::event_kind::member_updated: learn(e, false, now, out); break;
            case gossip::event_kind::member_left: book_.said_goodbye(e.subject); break;
            case gossip::event_kind::member_removed:
                book_.forgotten(e.subject, now);
                decider_.hurry(now);
                break;
            case gossip::event_kind::joined:
                (void)book_.answered(e.where, e.by, now);
                if (joins_ != 0) --joins_;
                break;
            case gossip::event_kind::join_failed:
                book_.refused(e.where, *e.what, now);
                if (joins_ != 0) --joins_;
                break;
            default: break;
            }
        }
    }
    /// A member announced itself, or others told of it: it is a candidate, too.
    void learn(gossip::event const& e, bool came, time_point now, gossip::outbox& out) {
        auto const member = engine_.find(e.subject);
        if (!member || (!came && book_.find(e.subject) == nullptr)) return;
        address_list const where = addresses_of(*member);
        auto const from =
            e.why == gossip::cause::contacted ? discovery::provenance::inbound : discovery::provenance::gossip;
        auto const learnt = book_.learn(e.subject, where.span(), from, gate_, now);
        if (learnt.entry == nullptr) return;
        if (learnt.entry->sought()) learnt.entry->services = fallback_order::services_of(member->record());
        if (!learnt.is_new) return;
        if (schedule_.find_names) (void)names_.add(learnt.entry->places.front().where.address, now);
        gossip::event found = e;
        found.kind = gossip::event_kind::peer_found;
        out.notify(found);
    }

    /// After every input: isolation hurries discovery, and a due run begins.
    void after(std::size_t told, time_point now, gossip::outbox& out) {
        if (told != out.events().size()) take_events(told, now, out);
        if (!active()) return;
        go_on_starting(now, out);
        bool const joined = engine_.joined();
        if (was_joined_ && !joined) {
            clock_.hurry(now);
            decider_.on_isolated(book_, now);
            joins_ = 0;
        }
        if (joined && !was_joined_) clock_.reset();
        was_joined_ = joined;
        while (auto const address = names_.ask(now)) out.resolve_address(*address);
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
    call_decider decider_;
    candidate_book book_;
    candidate_gate gate_;
    start_order order_;
    recollection memory_;
    bool has_store_;
    host_name_queue names_;
    engine_type engine_;
    std::size_t joins_ = 0; ///< dialled while alone and not over
    time_point awaiting_until_{};
    bool was_joined_ = false;
};

/// `logic_for<Policies>::type` is what a shell runs for these policies: others may put something around the node.
template <typename Policies>
struct logic_for {
    using type = node_logic<Policies>;
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
