// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A node as small as a world takes: it pings whom it knows, tells whom it knows, and writes down what happened to it.
#ifndef PEERKIT_TESTS_SIM_TOY_NODE_HPP
#define PEERKIT_TESTS_SIM_TOY_NODE_HPP

#include <peerkit/sim/simulated_node.hpp>
#include <peerkit/sim/trace.hpp>
#include <peerkit/sim/world.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace toy {

using namespace peerkit;

struct member {
    node_id who;
    ip_endpoint where;
    std::uint64_t number = 1;
    membership::member_state how = membership::member_state::alive;
    bool self = false;
    int missed = 0;

    [[nodiscard]] node_id id() const noexcept { return who; }
    [[nodiscard]] membership::member_state state() const noexcept { return how; }
    [[nodiscard]] std::uint64_t incarnation() const noexcept { return number; }
    [[nodiscard]] bool is_self() const noexcept { return self; }
};

/// Packets: type, sender, incarnation, then (id, address, incarnation, state) of everyone known, then a checksum.
class node {
public:
    static constexpr duration period = std::chrono::seconds{1};

    explicit node(sim::birth const& b) {
        member self;
        seeded_rng rng{b.identity_seed};
        for (std::size_t i = 0; i < node_id::size; i += 8) store_big(self.who.bytes.data() + i, rng());
        self.where = b.where;
        self.number = b.incarnation;
        self.self = true;
        members_.push_back(self);
    }

    result<void> start(time_point now, gossip::outbox& out) {
        note("start");
        running_ = true;
        next_ = now + period;
        keep(out);
        out.run_discovery();
        return {};
    }
    void on_datagram(byte_span bytes, ip_endpoint const& from, time_point, gossip::outbox& out) {
        if (bytes.size() < 49 || load_big<std::uint64_t>(&bytes[bytes.size() - 8]) != checksum(bytes)) return;
        note("datagram");
        byte_reader in{bytes.first(bytes.size() - 8)};
        std::uint8_t const type = in.u8();
        node_id const sender = node_id::from_bytes(in.bytes(32));
        std::uint64_t const number = in.u64();
        learn(sender, from, number, type == 3 ? membership::member_state::left : membership::member_state::alive, out);
        if (member* const m = look_up(sender)) m->missed = 0;
        while (in.remaining() != 0) {
            node_id const who = node_id::from_bytes(in.bytes(32));
            ip_endpoint const where{ip_address::from_bytes(in.bytes(4)), default_gossip_port};
            std::uint64_t const n = in.u64();
            auto const how = static_cast<membership::member_state>(in.u8());
            // Only aliveness and goodbyes are taken from others; death everyone finds out alone.
            if (how != membership::member_state::dead) learn(who, where, n, how, out);
        }
        if (type == 1) send(2, from, out);
    }
    result<gossip::stream_id> on_stream_accepted(ip_endpoint const&, time_point, gossip::outbox&) {
        if (refuses_streams) return fail(gossip::gossip_error::too_many_streams);
        note("accepted");
        return static_cast<gossip::stream_id>(1000 + streams_++);
    }
    void on_stream_opened(gossip::stream_id s, time_point, gossip::outbox&) { note("opened " + number(s)); }
    void on_stream_frame(gossip::stream_id s, byte_span frame, time_point, gossip::outbox& out) {
        note("frame " + std::string{as_text(frame)});
        if (echoes) say(s, "echo", out);
    }
    void on_stream_closed(gossip::stream_id s, std::optional<error> why, time_point, gossip::outbox&) {
        note("closed " + number(s) + (why ? " " + std::string{why->sentence()} : ""));
    }
    void on_candidates(std::span<discovery::candidate const> found, time_point now, gossip::outbox& out) {
        note("candidates " + std::to_string(found.size()));
        for (discovery::candidate const& c : found) send(1, c.addresses[0], out);
        if (members_.size() == 1) ask_again_ = now + period;
    }
    void on_discovery_failed(error, time_point now, gossip::outbox&) {
        note("no candidates");
        ask_again_ = now + period;
    }
    void on_tick(time_point now, gossip::outbox& out) {
        note("tick");
        ticked_late = std::max(ticked_late, now - next_deadline());
        if (now >= ask_again_) {
            ask_again_ = never;
            if (members_.size() == 1) out.run_discovery();
        }
        if (now < next_) return;
        next_ = now + period;
        if (members_.size() < 2) return;
        turn_ = turn_ % (members_.size() - 1) + 1;
        member& target = members_[turn_];
        if (target.how == membership::member_state::alive && ++target.missed > 3) {
            target.how = membership::member_state::dead;
            tell(gossip::event_kind::member_dead, target, out);
        }
        if (target.how != membership::member_state::left) send(1, target.where, out);
    }
    [[nodiscard]] time_point next_deadline() const noexcept { return running_ ? std::min(next_, ask_again_) : never; }
    void leave(time_point, gossip::outbox& out) {
        ++members_[0].number;
        members_[0].how = membership::member_state::left;
        keep(out);
        for (std::size_t i = 1; i < members_.size(); ++i) send(3, members_[i].where, out);
        running_ = false;
        gossip::event e;
        e.kind = gossip::event_kind::self_left;
        out.notify(e);
    }

    [[nodiscard]] bool running() const noexcept { return running_; }
    [[nodiscard]] node_id id() const noexcept { return members_[0].who; }
    [[nodiscard]] std::uint64_t incarnation() const noexcept { return members_[0].number; }
    template <typename F>
    void for_each_member(F&& f) const {
        for (member const& m : members_) f(m);
    }
    [[nodiscard]] member const* find(node_id const& id) const noexcept {
        for (member const& m : members_) {
            if (m.who == id) return &m;
        }
        return nullptr;
    }

    // What a host would call.
    void dial(std::uint32_t s, ip_endpoint const& to, gossip::outbox& out) {
        out.open_stream(static_cast<gossip::stream_id>(s), to);
    }
    void say(gossip::stream_id s, std::string const& text, gossip::outbox& out) {
        byte_span const room = out.room(4 + text.size());
        store_big(room.data(), static_cast<std::uint32_t>(text.size()));
        copy_bytes(as_bytes(text), room.subspan(4));
        out.send_frame(s, 4 + text.size());
    }
    void say(std::uint32_t s, std::string const& text, gossip::outbox& out) {
        say(static_cast<gossip::stream_id>(s), text, out);
    }
    void hang_up(std::uint32_t s, gossip::outbox& out) { out.close_stream(static_cast<gossip::stream_id>(s)); }
    void ping(ip_endpoint const& to, gossip::outbox& out) { send(1, to, out); }

    /// What happened, in order; the latest if `quiet` is set.
    std::vector<std::string> log;
    bool logs = false;
    bool echoes = false;
    bool refuses_streams = false;
    duration ticked_late{};

    [[nodiscard]] std::size_t logged(std::string const& what) const {
        std::size_t count = 0;
        for (std::string const& line : log) count += line == what ? 1 : 0;
        return count;
    }

private:
    static std::string number(gossip::stream_id s) { return std::to_string(static_cast<std::uint32_t>(s)); }
    static std::uint64_t checksum(byte_view bytes) { return sim::hash_bytes(bytes.first(bytes.size() - 8)) ^ 42; }
    void keep(gossip::outbox& out) const {
        std::array<std::byte, 8> kept{};
        store_big(kept.data(), members_[0].number);
        copy_bytes(kept, out.room(8));
        out.persist(8);
    }
    void note(std::string what) {
        if (logs) log.push_back(std::move(what));
    }
    member* look_up(node_id const& id) {
        for (member& m : members_) {
            if (m.who == id) return &m;
        }
        return nullptr;
    }
    void tell(gossip::event_kind kind, member const& m, gossip::outbox& out) {
        gossip::event e;
        e.kind = kind;
        e.subject = m.who;
        e.incarnation = m.number;
        out.notify(e);
    }
    void learn(node_id const& who, ip_endpoint const& where, std::uint64_t n, membership::member_state how,
               gossip::outbox& out) {
        member* m = look_up(who);
        if (m == nullptr) {
            if (how != membership::member_state::alive) return;
            members_.push_back({who, where, n, how, false, 0});
            return tell(gossip::event_kind::member_up, members_.back(), out);
        }
        if (m->self || n <= m->number) return;
        membership::member_state const before = m->how;
        m->number = n;
        m->how = how;
        m->missed = 0;
        bool const was_up = before == membership::member_state::alive;
        if (how == membership::member_state::alive) {
            tell(was_up ? gossip::event_kind::member_updated : gossip::event_kind::member_up, *m, out);
        } else if (was_up) {
            tell(gossip::event_kind::member_left, *m, out);
        }
    }
    void send(std::uint8_t type, ip_endpoint const& to, gossip::outbox& out) {
        byte_span const room = out.room(limits::datagram);
        byte_writer w{room.first(limits::datagram - 8)};
        w.u8(type);
        w.bytes(members_[0].who.bytes);
        w.u64(members_[0].number);
        for (std::size_t i = 1; i < members_.size() && w.remaining() >= 45; ++i) {
            w.bytes(members_[i].who.bytes);
            w.bytes(members_[i].where.address.bytes());
            w.u64(members_[i].number);
            w.u8(static_cast<std::uint8_t>(members_[i].how));
        }
        std::size_t const size = w.position() + 8;
        store_big(room.data() + size - 8, checksum(room.first(size)));
        out.send_datagram(to, size);
    }

    std::vector<member> members_; // itself first
    bool running_ = false;
    time_point next_ = never;
    time_point ask_again_ = never;
    std::size_t turn_ = 0;
    std::uint32_t streams_ = 0;
};
static_assert(sim::check_simulated_node<node>());

using world = sim::world<node>;

inline std::unique_ptr<node> make(sim::birth const& b) { return std::make_unique<node>(b); }

} // namespace toy

#endif
