// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The membership protocol as a pure state machine: inputs with a time in, actions out.
#ifndef PEERKIT_GOSSIP_ENGINE_HPP
#define PEERKIT_GOSSIP_ENGINE_HPP

#include <peerkit/core/address_class.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/core/service_versions.hpp>
#include <peerkit/crypto/challenge.hpp>
#include <peerkit/crypto/frame.hpp>
#include <peerkit/crypto/signed_broadcast.hpp>
#include <peerkit/crypto/signed_bytes.hpp>
#include <peerkit/crypto/signed_entry.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/accusation.hpp>
#include <peerkit/gossip/broadcast_queue.hpp>
#include <peerkit/gossip/budget.hpp>
#include <peerkit/gossip/compressor.hpp>
#include <peerkit/gossip/counters.hpp>
#include <peerkit/gossip/delivery.hpp>
#include <peerkit/gossip/engine_state.hpp>
#include <peerkit/gossip/error.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/gossip/exchange_partners.hpp>
#include <peerkit/gossip/explanation.hpp>
#include <peerkit/gossip/farewell.hpp>
#include <peerkit/gossip/inquiry.hpp>
#include <peerkit/gossip/journal.hpp>
#include <peerkit/gossip/member_query.hpp>
#include <peerkit/gossip/member_view.hpp>
#include <peerkit/gossip/message_store.hpp>
#include <peerkit/gossip/message_windows.hpp>
#include <peerkit/gossip/name_policy.hpp>
#include <peerkit/gossip/observed_addresses.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/gossip/policies.hpp>
#include <peerkit/gossip/probe.hpp>
#include <peerkit/gossip/relay.hpp>
#include <peerkit/gossip/request_table.hpp>
#include <peerkit/gossip/ring.hpp>
#include <peerkit/gossip/served_requests.hpp>
#include <peerkit/gossip/tunables.hpp>
#include <peerkit/gossip/unknown_senders.hpp>
#include <peerkit/gossip/watch_list.hpp>
#include <peerkit/membership/address_book.hpp>
#include <peerkit/membership/contact_log.hpp>
#include <peerkit/membership/entry_store.hpp>
#include <peerkit/membership/forgotten.hpp>
#include <peerkit/membership/member_table.hpp>
#include <peerkit/membership/shared_records.hpp>
#include <peerkit/membership/suspicion.hpp>
#include <peerkit/membership/table_comparison.hpp>
#include <peerkit/wire/digest.hpp>
#include <peerkit/wire/entry.hpp>
#include <peerkit/wire/envelope.hpp>
#include <peerkit/wire/message.hpp>
#include <peerkit/wire/record.hpp>
#include <peerkit/wire/stream.hpp>
#include <peerkit/wire/user_message.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// SWIM with suspicion (Das, Gupta, Motivala 2002; Lifeguard's timer) over sealed datagrams, with signed
/// announcements, repair by digests and by whole exchanges over streams, and healing of partitions.
///
/// The engine owns no socket, timer, thread or clock. Whoever runs it hands in what arrives and the time, and carries
/// out what appears in the outbox. `node::node_logic` adds discovery on top and is what hosts run; the engine alone
/// serves a host that finds peers by itself. Calls never throw of their own (allocation failure aside), never block,
/// and are made from one thread at a time. The time handed in never goes back.
///
/// @tparam Policies a `gossip::policies`
template <typename Policies>
class engine {
public:
    using signing = typename Policies::signing;
    using sealing = typename Policies::sealing;
    using random = typename Policies::rng;
    using announcements = typename Policies::announcements;
    using anti_entropy = typename Policies::anti_entropy;
    using detector = typename Policies::detector;
    using compression = typename Policies::compression;

    struct options {
        network_id network{};
        description self; ///< at least one address
        gossip::tunables tunables = lan();
        /// The first incarnation: more than any used before, `max(stored + 1, unix time in microseconds)`. If others
        /// remember a higher one, theirs plus one is taken.
        std::uint64_t incarnation = 1;
        /// This host's own subnets, each with the host's address in it, without loopback and container bridges: they
        /// decide which of a member's addresses is tried first (`dial_rank`). Without any it is the first announced.
        std::vector<ip_prefix> subnets{};
        /// Announce, as the last address, the one that several members say they see this node at.
        bool advertise_observed = false;
        /// Engines of one thread that are given the same hold the records they have in common once. Outlives them.
        membership::shared_records* shared = nullptr;
        /// What becomes of two nodes with one name.
        name_policy names = name_policy::allow;
    };

    engine(signing identity, sealing seal, random rng, options chosen, announcements handler = announcements{},
           anti_entropy repair = anti_entropy{}, detector watch = detector{}, compression compress = compression{});

    /// Announces this node to itself and arms the timers. Once.
    /// @par Errors those of `normalize`, `check(tunables)` and `wire::encode_record`; `not_running` if started before.
    [[nodiscard]] result<void> start(time_point now, outbox& out);

    // Inputs.
    /// `bytes` is one datagram; it is opened in place.
    void on_datagram(byte_span bytes, ip_endpoint const& from, time_point now, outbox& out);
    /// Somebody connected. @par Errors `too_many_streams`, `not_running`: close the connection, report nothing more.
    [[nodiscard]] result<stream_id> on_stream_accepted(ip_endpoint const& from, time_point now, outbox& out);
    /// A dial asked for with `open_stream` succeeded.
    void on_stream_opened(stream_id stream, time_point now, outbox& out);
    /// One frame, without its length prefix; it is opened in place.
    void on_stream_frame(stream_id stream, byte_span frame, time_point now, outbox& out);
    /// The dial failed, or the other side closed. Not called after a `close_stream` action.
    void on_stream_closed(stream_id stream, std::optional<error> why, time_point now, outbox& out);
    /// To be called when `next_deadline()` has come.
    void on_tick(time_point now, outbox& out);
    [[nodiscard]] time_point next_deadline() const noexcept;

    // Host calls.
    /// Exchanges full state with whoever is at `where`: how a node joins. Ends in `join_failed`, or in `joined` if this
    /// node had not joined yet; a node that had learns what is new without a word.
    /// @par Errors `not_running`, `too_many_streams`.
    [[nodiscard]] result<void> join(ip_endpoint const& where, time_point now, outbox& out);
    /// Calls whoever is at `where` with one datagram; an answer leads to an exchange.
    void hello(ip_endpoint const& where, time_point now, outbox& out);
    /// Takes over the signed record of a member, as a list from elsewhere has it: checked like any other but for the
    /// budget of signature checks, and not passed on if it is that of a newcomer. The first one counts as joining;
    /// whoever does not answer is found out by probing. Without effect: this node's own record, a goodbye, one without
    /// an address, and one that is no newer than what is held.
    /// @par Errors `not_running`, `not_admitted`, `bad_signature`, `refused_by_handler`, `short_id_taken`,
    /// `table_full`, those of `wire::record_view::parse`.
    [[nodiscard]] result<void> introduce(byte_view record, time_point now, outbox& out);
    /// Announces a changed description: `self()` with a few edits (core/description_edit.hpp), or a new one. The
    /// versions of its services are set here. On an error nothing has changed.
    /// @par Errors those of `normalize` and `wire::encode_record`; `empty` without an address; `not_running`.
    [[nodiscard]] result<void> update(description changed, time_point now, outbox& out);
    /// This host's subnets are others now. What this node announces of itself is changed with `update`.
    void set_subnets(std::vector<ip_prefix> own) {
        addresses_.move(table_, std::move(own));
        if (self_ != no_slot) addresses_.prefer_first(table_[self_]);
    }
    /// Says goodbye; `self_left` follows when it was spread and `farewell::needed` members have confirmed that they
    /// heard it, or patience is over; its `count` says how many did. Nothing is sent after that.
    void leave(time_point now, outbox& out);

    // User data; what is guaranteed is in docs/messages.md. What arrives, and what becomes of requests, is handed to
    // the host with the action `deliver`.
    /// Tells every live member but this one, each once, within moments or, if it missed that, within
    /// `tunables::message_keep`. Gives the number of this broadcast, counted from 1. It goes out with the next tick.
    /// @par Errors `not_running`; those of `wire::check_topic`; `message_too_large` over `limits::payload`;
    /// `too_many_messages` over `tunables::broadcasts_per_second`.
    [[nodiscard]] result<std::uint64_t> broadcast(std::string_view topic, byte_view payload, time_point now);
    /// Sends one datagram to a member, which may get lost.
    /// @par Errors `not_running`; those of `wire::check_topic`; `message_too_large` over `limits::datagram_payload`;
    /// `unknown_subject`, `not_reachable`.
    [[nodiscard]] result<void> send_message(node_id const& to, std::string_view topic, byte_view payload, outbox& out);
    /// The same with a confirmation: repeated, over a stream if need be, until the member has handed it to its host,
    /// which happens once at most. Ends in `confirmed` or `failed`.
    /// @par Errors as those of `send_message`, with `limits::payload`; `too_many_requests`.
    [[nodiscard]] result<request_id> send_reliably(node_id const& to, std::string_view topic, byte_view payload,
                                                   duration timeout, time_point now, outbox& out);
    /// Asks a member, at most once; ends in `response` or `failed`. `timeout` is at most `limits::patience`.
    /// @par Errors those of `send_reliably`.
    [[nodiscard]] result<request_id> request(node_id const& to, std::string_view topic, byte_view payload,
                                             duration timeout, time_point now, outbox& out);
    /// Forgets a request of this node: nothing more is told of it.
    void cancel_request(request_id which, outbox& out);
    /// Answers a request of somebody else, at once or later.
    /// @par Errors `no_such_request`, `message_too_large`, `not_running`.
    [[nodiscard]] result<void> respond(request_id to, byte_view payload, time_point now, outbox& out);
    /// Tells the requester that its request is not answered here. @par Errors `no_such_request`, `not_running`.
    [[nodiscard]] result<void> decline(request_id which, time_point now, outbox& out);

    // Entries: a map of keys to bytes per member, which everybody holds; docs/entries.md says what is guaranteed.
    /// Sets a key of this node's map. Putting what is there already does nothing. The next packets carry it.
    /// @par Errors `not_running`; those of `wire::check_entry_key`; `entry_too_large` over `limits::entry_value`;
    /// `too_many_entries` over `limits::own_entries` or `own_entry_bytes`; `entries_full`.
    [[nodiscard]] result<void> put(std::string_view key, byte_view value, time_point now);
    /// Takes a key out of this node's map. @par Errors `not_running`; `core_error::not_found`.
    [[nodiscard]] result<void> erase(std::string_view key, time_point now);
    /// What is held of a key of a member's map, this node's included; valid until the next call that is not `const`.
    [[nodiscard]] std::optional<wire::entry_view> get(node_id const& owner, std::string_view key) const noexcept;
    /// Calls `f(wire::entry_view)` for each entry of a member, by ascending key.
    template <typename F>
    void for_each_entry(node_id const& owner, F&& f) const {
        slot const at = table_.find(owner.short_id());
        if (at != no_slot && table_[at].record().id() == owner) entries_.for_each(at, {}, f);
    }
    /// Calls `f(member_view const&, wire::entry_view)` for each entry, of whatever member, whose key begins so.
    template <typename F>
    void for_each_entry_with(std::string_view prefix, F&& f) const {
        if (entries_.empty()) return;
        table_.for_each([&](slot at, member const& row) {
            entries_.for_each(at, prefix, [&](wire::entry_view const& e) { f(view(at, row), e); });
        });
    }
    /// Entries held, erased ones included, and the memory they take.
    [[nodiscard]] std::size_t entry_count() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t entry_memory() const noexcept { return entries_.memory(); }

    // Views.
    [[nodiscard]] bool running() const noexcept { return life_ == life::running || life_ == life::leaving; }
    [[nodiscard]] bool leaving() const noexcept { return life_ == life::leaving; }
    [[nodiscard]] node_id const& id() const noexcept { return id_; }
    [[nodiscard]] std::uint64_t incarnation() const noexcept { return incarnation_; }
    [[nodiscard]] network_id const& network() const noexcept { return options_.network; }
    /// Proves to whoever chose `challenge` that this node holds its key now: see `crypto::sign_challenge`.
    [[nodiscard]] result<crypto::signature> sign_challenge(byte_view challenge) const {
        return crypto::sign_challenge(identity_, options_.network, challenge);
    }
    [[nodiscard]] description const& self() const noexcept { return options_.self; }
    /// This host's own subnets, as given.
    [[nodiscard]] std::span<ip_prefix const> subnets() const noexcept { return addresses_.own(); }
    /// Where at least `observed_addresses::needed` members see this node, although it does not announce that itself.
    /// None if they do not, or do not agree.
    [[nodiscard]] ip_endpoint observed(ip_family family) const noexcept { return observed_.believed(family); }
    [[nodiscard]] gossip::tunables const& numbers() const noexcept { return options_.tunables; }
    /// Alive and suspect members, this node included.
    [[nodiscard]] std::size_t alive_count() const noexcept { return table_.reachable(); }
    /// Rows held, tombstones included: what `max_members` caps.
    [[nodiscard]] std::size_t known_count() const noexcept { return table_.size(); }
    /// True from the first completed exchange until nobody else is alive.
    [[nodiscard]] bool joined() const noexcept { return joined_; }
    template <typename F>
    void for_each_member(F&& f) const {
        table_.for_each([&](membership::slot at, membership::member const& row) { f(view(at, row)); });
    }
    /// Calls `f(member_view)` for the members that are meant, in no particular order.
    template <typename F>
    void for_each_member(member_query const& which, F&& f) const {
        for_each_member([&](member_view const& m) {
            if (which.matches(m)) f(m);
        });
    }
    /// The same for the `count` nearest of them by round trip, at most `nearest_members::most`, nearest first, without
    /// this node itself. Those whose round trip is not known come last; a detector that watches a ring gets to know one
    /// member more with each epoch of it (32 periods).
    template <typename F>
    void for_each_nearest(std::size_t count, member_query const& which, F&& f) const {
        nearest_members nearest{count};
        table_.for_each([&](slot at, member const& row) {
            member_view const m = view(at, row);
            if (!m.is_self() && which.matches(m)) nearest.show(at, m);
        });
        nearest.for_each([&](slot at) { f(view(at, table_[at])); });
    }
    [[nodiscard]] std::optional<member_view> find(short_id key) const noexcept {
        membership::slot const at = table_.find(key);
        if (at == membership::no_slot) return std::nullopt;
        return view(at, table_[at]);
    }
    [[nodiscard]] std::optional<member_view> find(node_id const& id) const noexcept {
        auto const found = find(id.short_id());
        return found && found->id() == id ? found : std::nullopt;
    }
    /// Why a member, this node included, has the state it has here. None if it is not known. Allocates.
    [[nodiscard]] std::optional<explanation> explain(node_id const& id, time_point now) const;
    [[nodiscard]] gossip::counters const& counters() const noexcept { return counters_; }
    /// How this node finds out who is gone.
    [[nodiscard]] detector const& watch() const noexcept { return detector_; }
    [[nodiscard]] announcements& handler() noexcept { return handler_; }
    [[nodiscard]] sealing& seal() noexcept { return sealing_; }
    /// Updates still being spread.
    [[nodiscard]] std::size_t queued() const noexcept { return queue_.size(); }

    /// 0, or the code of the first violated invariant: those of the table (1-5), the suspicions (11-14), the queue
    /// (21-23), or 31 this node's row is not alive, 32 its incarnation differs, 33 streams over the cap, or
    /// those of user data (61-67) or of the entries (71-76).
    [[nodiscard]] int check_invariants() const noexcept;

private:
    using slot = membership::slot;
    using member = membership::member;
    using member_state = membership::member_state;
    using announced_as = membership::announced_as;
    static constexpr slot no_slot = membership::no_slot;
    /// A queue longer than this is a storm: many changes at once, which exchanges repair better than repetition.
    static constexpr std::size_t storm = 64;
    /// Incarnations so little above this node's own were minted on top of it: not by an earlier life.
    static constexpr std::uint64_t clone_reach = 1024;
    /// A node that gave way to another with its key tries again after this: the other may be gone.
    static constexpr duration yield_time = std::chrono::minutes{10};
    /// So many members may differ without everything being exchanged.
    static constexpr std::size_t whole_above = 64;
    static constexpr std::size_t most_marks = detail::reply::most_marks;
    /// Datagrams that one of a comparison is answered with, at most; what is left over comes up the next time.
    static constexpr unsigned comparison_answers = 8;
    /// Of a packet of news, membership and user data are each sure of so many bytes while they have something to say.
    static constexpr std::size_t packet_share = limits::packet / 4;

    /// Of an accusation: as many as make the suspicion as short as it gets.
    static constexpr unsigned witnesses = 3;

    enum class life : std::uint8_t { fresh, running, leaving, left };
    using purpose = detail::purpose;
    using stream_state = detail::stream_state;
    using origin = detail::origin;
    using reply = detail::reply;
    using fetch_job = detail::fetch_job;
    using asked_for = detail::asked_for;
    /// Datagrams of broadcasts sent per round at most.
    static constexpr unsigned most_message_packets = 24;
    /// More missed broadcasts than this are fetched over a stream.
    static constexpr std::size_t most_fetched = 3;
    static constexpr std::size_t most_fetch_streams = 4;

    // impl/engine_inputs.hpp
    void note_time(time_point now) noexcept;
    template <typename F>
    static void for_each_message(wire::packet_view const& packet, F&& f);
    void apply(wire::message const& m, origin const& from, reply& answer, time_point now, outbox& out);
    void meet(std::uint64_t incarnation, origin const& from, reply& answer) noexcept;
    void on_ack(wire::message const& m, origin const& from, reply& answer, time_point now, outbox& out);
    void send_reply(reply const& answer, origin const& from, std::size_t received, time_point now, outbox& out);
    void call(ip_endpoint const& where, slot held, outbox& out);
    void note_astray(member& sender, wire::envelope const& head) noexcept;
    [[nodiscard]] bool answers_question(wire::packet_view const& packet, member const& sender) const noexcept;
    [[nodiscard]] result<wire::packet_view> read_packet(byte_span plain, std::size_t most) noexcept;
    [[nodiscard]] std::size_t compressed(slot receiver, byte_span room, std::size_t size) noexcept;
    template <typename Fill>
    void send(ip_endpoint const& to, slot receiver, std::size_t room, outbox& out, Fill&& fill);
    void refuse(gossip_error why) noexcept {
        counters_.refuse(why);
        last_refusal_ = why;
    }
    [[nodiscard]] membership::announced_address announced(slot who, ip_endpoint const& source) const noexcept;
    void write_member(slot at, wire::packet_writer& packet) const;
    [[nodiscard]] std::size_t member_size(slot at) const noexcept;

    // impl/engine_members.hpp
    void on_record(byte_view bytes, origin const& from, reply& answer, time_point now, outbox& out);
    [[nodiscard]] bool trustworthy(wire::record_view const& record, origin const& from, bool known, time_point now);
    void insert(wire::record_view const& record, origin const& from, time_point now, outbox& out);
    void renew(slot at, wire::record_view const& record, origin const& from, time_point now, outbox& out);
    void on_accusation(wire::message const& m, origin const& from, reply& answer, time_point now, outbox& out);
    void suspect(slot at, std::span<short_id const> accusers, cause why, time_point now, outbox& out);
    void declare_dead(slot at, cause why, short_id by, time_point now, outbox& out);
    void forget(slot at, cause why, outbox& out);
    void note_name(slot at) {
        if (options_.names != name_policy::allow) names_.note(at, table_[at].record().name());
    }
    [[nodiscard]] bool claim_name(wire::record_view const& record, slot own, time_point now, outbox& out);
    void set_state(slot at, member_state state, time_point now) noexcept;
    [[nodiscard]] slot evictable(time_point now) noexcept;
    [[nodiscard]] bool first_conflict(short_id subject, std::uint64_t incarnation) noexcept;
    void notify_if_alone(outbox& out);
    void notify(event_kind kind, cause why, slot at, short_id by, outbox& out, std::uint32_t count = 0);
    [[nodiscard]] cause learnt(origin const& from, short_id subject) const noexcept;

    // impl/engine_identity.hpp
    void on_own_record(byte_view bytes, wire::record_key const& key, reply& answer, time_point now, outbox& out);
    [[nodiscard]] result<void> mint(std::uint64_t incarnation, bool left, time_point now, outbox& out);
    void refute(short_id accuser, time_point now, outbox& out);
    [[nodiscard]] bool elsewhere(wire::record_view const& record) const noexcept;
    [[nodiscard]] bool give_way(wire::record_view const& record, time_point now, outbox& out);
    void notify_own_conflict(time_point now, outbox& out);

    // impl/engine_observing.hpp
    [[nodiscard]] member_view view(slot at, member const& row) const noexcept {
        return {row, at == self_, &contacts_, at};
    }
    [[nodiscard]] explanation::witness witness(short_id key) const;
    void remember(slot at, time_point now) noexcept;
    void attach_evidence(event& e, slot at) noexcept;
    [[nodiscard]] bool just_came(short_id key, time_point now) const noexcept;
    void notice_merge(stream_state const& s, time_point now, outbox& out);
    void note_round_trip(std::uint64_t nonce, origin const& from, time_point now);
    void on_observed(wire::message const& m, origin const& from, reply const& answer, time_point now, outbox& out);
    void adopt_observed(time_point now, outbox& out);
    [[nodiscard]] result<wire::record_view> sign_self(std::uint64_t incarnation, bool left, byte_span room) const;

    // impl/engine_probing.hpp
    void tick_probe(time_point now, outbox& out);
    void begin_probe(time_point now, outbox& out);
    void look_around(time_point now, outbox& out);
    [[nodiscard]] slot next_target() noexcept;
    void probe_soon(slot at);
    [[nodiscard]] slot subject_of(probe const& p) const noexcept;
    [[nodiscard]] probe* probe_of(std::uint64_t nonce) noexcept;
    void take_step(probe& p, probe_step step, time_point now, outbox& out);
    void ping_subject(probe& p, outbox& out);
    void ask_helpers(probe& p, time_point now, outbox& out);
    void conclude_probe(time_point now, outbox& out);
    void dial_subject(probe& p, time_point now, outbox& out);
    void subject_answered(probe const& p, std::size_t address, bool over_stream, bool through_helper, time_point now,
                          outbox& out);
    void relay_ping(wire::message const& m, origin const& from, time_point now, outbox& out);
    void tick_relays(time_point now, outbox& out);
    void send_ping(slot to, ip_endpoint const& where, std::uint64_t nonce, bool with_news, outbox& out);

    // impl/engine_beating.hpp
    void beat(time_point now, outbox& out);
    void on_heartbeat(wire::message const& m, origin const& from, reply& answer, time_point now);

    // impl/engine_accusing.hpp
    void accuse(slot at, time_point now, outbox& out);
    void ask_jury(accusation const& a, outbox& out);
    void publish(accusation& a, time_point now, outbox& out);
    void tick_accusations(time_point now, outbox& out);
    void arm_accusations() noexcept;
    void on_verdict(wire::message const& m, origin const& from, reply& answer, time_point now, outbox& out);
    void on_check(wire::message const& m, origin const& from, reply& answer, time_point now, outbox& out);
    void inquire(slot at, inquiry made, time_point now, outbox& out);
    void tick_inquiries(time_point now, outbox& out);
    void conclude_inquiry(inquiry const& over, time_point now, outbox& out);
    void inquiry_answered(std::size_t i, std::size_t address, origin const& from, time_point now, outbox& out);
    void walk_on(short_id silent, time_point now, outbox& out);
    void tick_suspicions(time_point now, outbox& out);
    [[nodiscard]] std::uint64_t look_nonce(member const& subject) const noexcept;
    [[nodiscard]] bool lonely(time_point now) const noexcept;

    // impl/engine_spreading.hpp
    [[nodiscard]] unsigned transmit_limit() const noexcept;
    void fill_updates(wire::packet_writer& packet);
    [[nodiscard]] bool write_update(slot at, wire::packet_writer& packet) const;
    void arm_gossip(time_point now) noexcept;
    void tick_gossip(time_point now, outbox& out);
    [[nodiscard]] slot gossip_target(time_point now) noexcept;
    [[nodiscard]] slot random_alive(short_id except) noexcept;
    void tick_contact(time_point now, outbox& out);
    void tick_tombstones(time_point now, outbox& out);
    void write_goodbye(wire::packet_writer& packet);
    void finish_leaving(outbox& out);

    // impl/engine_exchanging.hpp
    [[nodiscard]] stream_state* find_stream(stream_id id) noexcept;
    [[nodiscard]] result<stream_id> dial(ip_endpoint const& where, purpose use, exchange_reason reason, time_point now,
                                         outbox& out);
    void dial_member(slot at, std::uint8_t tried, time_point now, outbox& out);
    void dial_elsewhere(stream_state const& failed, time_point now, outbox& out);
    void drop_stream(stream_id id, std::optional<error> why, bool close, outbox& out);
    void send_state(stream_state& s, std::uint8_t flags, outbox& out);
    template <typename Fill>
    void send_frame(stream_state& s, outbox& out, Fill&& fill);
    void apply_stream_message(stream_state& s, wire::message const& m, bool as_dead, reply& answer, bool& done,
                              time_point now, outbox& out);
    void exchange_done(stream_state const& s, time_point now, outbox& out);
    void exchange_sooner(std::uint64_t learnt, bool whole, time_point now) noexcept;
    /// Between exchanges while there is much to learn.
    [[nodiscard]] duration settling_gap() const noexcept { return numbers().exchange_least; }
    void tell_joined(cause why, short_id by, ip_endpoint const& where, outbox& out);
    void tell_join_failed(ip_endpoint const& where, error why, outbox& out);
    void tick_exchange(time_point now, outbox& out);
    void tick_streams(time_point now, outbox& out);

    // impl/engine_entries.hpp
    [[nodiscard]] result<void> mint_entry(std::string_view key, byte_view value, bool erased, time_point now);
    void on_entry(byte_view body, origin const& from, reply& answer, time_point now, outbox& out);
    [[nodiscard]] bool may_take(slot owner, wire::entry_view const& said, time_point now);
    void on_own_entry(wire::entry_view const& said, membership::entry_standing standing, origin const& from,
                      time_point now, outbox& out);
    [[nodiscard]] bool make_entry_room(std::size_t bytes) noexcept;
    void forget_entries(slot owner) noexcept;
    void notify_entry(wire::entry_view const& what, origin const& from, slot owner, outbox& out);
    [[nodiscard]] bool write_entry(byte_view bytes, wire::packet_writer& packet) const noexcept;
    void fill_entries(wire::packet_writer& packet);
    [[nodiscard]] std::uint32_t record_mark(slot at) const noexcept {
        return static_cast<std::uint32_t>(table_[at].fingerprint());
    }
    [[nodiscard]] std::size_t marks_size(slot at) const noexcept;
    void write_marks(slot at, bool answer, wire::packet_writer& packet);

    // impl/engine_comparing.hpp
    /// Where the answer to a comparison goes, how much of it may, and which budget pays.
    struct comparison_answer {
        ip_endpoint where{};
        slot who = no_slot;
        std::size_t allowed = 0; ///< bytes
        token_bucket& budget;
        unsigned left = comparison_answers;
    };
    [[nodiscard]] slot exchange_partner(time_point now) noexcept;
    void ask_digest(slot at, outbox& out);
    void head_comparison(wire::packet_writer& packet, wire::digest_kind kind) const noexcept;
    void note_comparison(wire::message const& m, origin const& from, reply& answer) noexcept;
    void answer_comparison(reply::comparison const& said, origin const& from, std::size_t received, time_point now,
                           outbox& out);
    template <typename Fill>
    bool say(wire::digest_kind kind, comparison_answer& to, time_point now, outbox& out, Fill&& fill);
    bool say_all_sums(wire::digest_kind kind, std::size_t members, comparison_answer& to, time_point now, outbox& out);
    void say_parts(comparison_answer& to, time_point now, outbox& out);
    void say_listing(comparison_answer& to, time_point now, outbox& out);
    void say_records(comparison_answer& to, time_point now, outbox& out);
    void say_entries(byte_view marks, comparison_answer& to, time_point now, outbox& out);
    [[nodiscard]] bool too_different(std::size_t theirs) const noexcept;
    void exchange_whole(slot who, time_point now, outbox& out);

    // impl/engine_broadcasting.hpp
    void on_broadcast(byte_view body, reply& answer, time_point now, outbox& out);
    void keep_broadcast(wire::broadcast_view const& what, time_point said, time_point now);
    [[nodiscard]] unsigned message_limit() const noexcept;
    [[nodiscard]] slot message_target(std::array<slot, 4>& told) noexcept;
    void fill_broadcasts(slot to, wire::packet_writer& packet);
    [[nodiscard]] slot ring_successor() noexcept;
    void spread_broadcasts(time_point now, outbox& out);
    [[nodiscard]] bool write_broadcast(slot to, message_store::entry const& what, wire::packet_writer& packet) const;
    void offer_broadcasts(time_point now, outbox& out);
    void on_offer(byte_view body, origin const& from, reply& answer, time_point now, outbox& out);
    [[nodiscard]] bool fetch_by_stream(slot from, std::span<wire::broadcast_range const> wanted, time_point now,
                                       outbox& out);
    void on_fetch(byte_view body, origin const& from, stream_state* stream, time_point now, outbox& out);

    // impl/engine_messaging.hpp
    [[nodiscard]] static result<void> check_sendable(std::string_view topic, byte_view payload,
                                                     std::size_t most) noexcept;
    [[nodiscard]] result<slot> addressee(node_id const& to, std::string_view topic, byte_view payload,
                                         std::size_t most) const noexcept;
    void on_user_message(byte_view body, origin const& from, reply& answer, outbox& out);
    [[nodiscard]] slot caller(std::uint64_t to_life, origin const& from, reply& answer) noexcept;
    [[nodiscard]] result<request_id> begin_request(node_id const& to, std::string_view topic, byte_view payload,
                                                   duration timeout, bool confirm_only, time_point now, outbox& out);
    void drive_requests(time_point now, outbox& out);
    void write_request(pending_request const& r, slot to, time_point now, wire::packet_writer& packet) const;
    void dial_for_request(pending_request& r, slot to, time_point now, outbox& out);
    void message_stream_opened(stream_state& s, time_point now, outbox& out);
    void message_stream_lost(stream_id id) noexcept;
    void finish_request(pending_request const& r, delivery_kind how, std::optional<error> why, byte_view payload,
                        outbox& out);
    void on_response(byte_view body, origin const& from, time_point now, outbox& out);
    [[nodiscard]] bool on_request(byte_view body, origin const& from, stream_id stream, reply& answer, time_point now,
                                  outbox& out);
    [[nodiscard]] result<void> finish_served(request_id which, wire::response_status status, byte_view payload,
                                             time_point now, outbox& out);
    [[nodiscard]] stream_id send_answer(served_request& of, wire::response_status status, byte_view payload,
                                        outbox& out);
    void send_response(slot to, std::uint64_t id, wire::response_status status, byte_view payload, outbox& out);
    void arm_messages() noexcept;
    void tick_messages(time_point now, outbox& out);
    void fail_requests(outbox& out);

    signing identity_;
    sealing sealing_;
    random rng_;
    announcements handler_;
    anti_entropy repair_;
    detector detector_;
    compressor<compression> compressor_;
    options options_;

    node_id id_{};
    short_id key_{};
    slot self_ = no_slot;
    std::uint64_t incarnation_ = 0;
    service_versions services_;
    std::uint64_t session_ = 0; ///< the incarnation this run of the node began with: grows with every start
    std::uint64_t frames_ = 0;
    life life_ = life::fresh;
    bool joined_ = false;
    std::uint64_t news_ = 0;    ///< records taken over so far
    std::uint32_t brought_ = 0; ///< members that came up in exchanges with others
    duration exchange_gap_{};   ///< between the last exchange and the next, before jitter
    bool hastened_ = false;     ///< since the last exchange: the next one comes sooner

    membership::member_table table_;
    membership::suspicion_set suspicions_;
    broadcast_queue queue_;
    membership::entry_store entries_;
    std::uint64_t entry_version_ = 0; ///< the highest of this node's own
    std::uint64_t entry_floor_ = 0;   ///< those of this life are above
    std::uint64_t entry_dropped_ = 0; ///< erasures of this life up to here may be forgotten
    unsigned news_turn_ = 0;
    token_bucket entry_verifies_;
    token_bucket entry_adoptions_{10, 2 * limits::entries}; ///< own entries of an earlier life that were surpassed
    source_budget sources_;
    token_bucket verifies_;
    token_bucket wants_{100, 100};
    token_bucket adoptions_{1, 4}; ///< own incarnations minted because of a higher one of this node's key
    std::optional<gossip_error> last_refusal_{};
    unknown_senders unknown_;
    probe probe_;
    relay_list relays_;
    ring ring_;
    watch_list watched_;
    std::uint32_t periods_ = 0;
    accusation_list accusations_;
    inquiry_list inquiries_;
    token_bucket looks_;
    std::uint64_t look_secret_ = 0; ///< drawn with the first look
    membership::address_book addresses_;
    membership::contact_log contacts_;
    gossip::journal journal_;
    membership::forgotten forgotten_;
    name_index names_;          ///< empty where names need not be unique
    gossip::evidence evidence_; ///< of the state that is being left
    observed_addresses observed_;
    membership::table_comparison compare_;
    exchange_partners partners_;
    token_bucket own_;    ///< packets of comparisons this node began
    token_bucket others_; ///< and of those others began
    std::vector<stream_state> streams_;
    std::uint32_t last_stream_ = 0;
    std::vector<slot> order_; ///< probing order of this pass
    std::size_t order_at_ = 0;
    std::array<std::uint64_t, 64> hellos_{}; ///< nonces of the latest hellos
    std::size_t hello_at_ = 0;
    std::array<std::pair<short_id, std::uint64_t>, 8> conflicts_{}; ///< subjects and incarnations told of lately
    std::size_t conflict_at_ = 0;

    message_windows windows_;
    message_store store_;
    request_table requests_;
    served_requests served_;
    token_bucket own_broadcasts_;
    token_bucket message_verifies_;
    token_bucket fetches_{200, 200};
    time_point began_{};         ///< when this life did
    std::uint64_t sequence_ = 0; ///< of the last broadcast of this node
    slot ring_next_ = no_slot;
    std::uint64_t ring_version_ = 0; ///< of the members, when `ring_next_` was found
    std::size_t offered_ = 0;        ///< ranges offered in this pass
    std::vector<fetch_job> fetching_;
    std::array<asked_for, 64> asked_{};
    std::size_t asked_at_ = 0;
    crypto::signing_room signing_room_;
    std::vector<std::byte> broadcast_room_;
    time_point next_spread_ = never;
    time_point next_offer_ = never;
    time_point next_message_ = never; ///< the earliest of those two and of the requests

    time_point next_probe_ = never;
    time_point next_accusation_ = never;
    time_point next_gossip_ = never;
    time_point last_gossip_{};
    time_point next_exchange_ = never;
    time_point next_whole_{}; ///< a comparison leads to no exchange of everything before
    time_point next_contact_ = never;
    time_point next_sweep_ = never;
    time_point next_stream_ = never;
    farewell farewell_;
    time_point leave_by_ = never;
    time_point last_input_{};
    time_point last_heard_{}; ///< anybody of this network
    time_point last_death_{};
    time_point blocked_told_{};
    time_point conflict_told_{};
    time_point yield_until_{}; ///< another node has this node's key, and the better claim

    gossip::counters counters_;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#include <peerkit/gossip/impl/engine_accusing.hpp>
#include <peerkit/gossip/impl/engine_beating.hpp>
#include <peerkit/gossip/impl/engine_broadcasting.hpp>
#include <peerkit/gossip/impl/engine_comparing.hpp>
#include <peerkit/gossip/impl/engine_entries.hpp>
#include <peerkit/gossip/impl/engine_exchanging.hpp>
#include <peerkit/gossip/impl/engine_identity.hpp>
#include <peerkit/gossip/impl/engine_inputs.hpp>
#include <peerkit/gossip/impl/engine_members.hpp>
#include <peerkit/gossip/impl/engine_messaging.hpp>
#include <peerkit/gossip/impl/engine_observing.hpp>
#include <peerkit/gossip/impl/engine_probing.hpp>
#include <peerkit/gossip/impl/engine_spreading.hpp>

#endif
