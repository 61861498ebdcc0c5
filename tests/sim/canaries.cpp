// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Canaries: nodes with a seeded bug. Every one has to be found, or the simulator looks without seeing.
#include "support.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace scenario;
using namespace peerkit;

namespace {

enum class bug {
    none,
    answers_strangers,       // replies to whatever it cannot open
    keeps_strangers_address, // and sends there later
    tells_twice,             // reports an event twice
    forgets_events,          // does not report deaths
    shows_old_state,         // its view goes back from left to alive
    invents_incarnations,    // shows incarnations nobody signed
    shows_itself_suspect,    // is suspect in its own view
    floods,                  // sends far too much by its timer
    answers_with_many,       // sends many datagrams on receipt of one
    never_moves_its_timer,   // spins
    sends_giant_datagrams,   // larger than a datagram may be
    leaks_streams,           // opens stream after stream
    chatters,                // never comes to rest
    delivers_twice,          // hands a broadcast to its host again
    hears_nothing,           // takes neither datagrams nor streams: it is wrongly declared dead
};

/// What `find` and `for_each_member` of a buggy node give.
struct bent_view {
    gossip::member_view real;
    membership::member_state shown;
    std::uint64_t number;

    [[nodiscard]] node_id id() const noexcept { return real.id(); }
    [[nodiscard]] membership::member_state state() const noexcept { return shown; }
    [[nodiscard]] std::uint64_t incarnation() const noexcept { return number; }
    [[nodiscard]] bool is_self() const noexcept { return real.is_self(); }
};

/// A real node around which one thing is wrong, once the world has settled.
class buggy_node {
public:
    buggy_node(bug which, std::unique_ptr<sim::default_node> real) : bug_{which}, real_{std::move(real)} {}

    result<void> start(time_point now, gossip::outbox& out) {
        born_ = now;
        return real_->start(now, out);
    }
    void on_datagram(byte_span bytes, ip_endpoint const& from, time_point now, gossip::outbox& out) {
        std::size_t const before = out.size();
        if (bug_ == bug::hears_nothing && ripe(now)) return;
        gossip::outbox own;
        real_->on_datagram(bytes, from, now, own);
        copy(own, now, out);
        if (!ripe(now)) return;
        if (bug_ == bug::answers_strangers && out.size() == before && from.address.bytes()[0] != std::byte{10})
            send(from, 20, out);
        if (bug_ == bug::keeps_strangers_address && from.address.bytes()[0] != std::byte{10}) stranger_ = from;
        if (bug_ == bug::answers_with_many) {
            for (int i = 0; i < 100; ++i) send(from, 20, out);
        }
    }
    result<gossip::stream_id> on_stream_accepted(ip_endpoint const& from, time_point now, gossip::outbox& out) {
        if (bug_ == bug::hears_nothing && ripe(now)) return fail(gossip::gossip_error::too_many_streams);
        return real_->on_stream_accepted(from, now, out);
    }
    void on_stream_opened(gossip::stream_id s, time_point now, gossip::outbox& out) {
        if (!ours(s)) real_->on_stream_opened(s, now, out);
    }
    void on_stream_frame(gossip::stream_id s, byte_span frame, time_point now, gossip::outbox& out) {
        real_->on_stream_frame(s, frame, now, out);
    }
    void on_stream_closed(gossip::stream_id s, std::optional<error> why, time_point now, gossip::outbox& out) {
        if (!ours(s)) real_->on_stream_closed(s, why, now, out);
    }
    void broadcast(time_point now, gossip::outbox&) { (void)real_->broadcast("canary", as_bytes("sings"), now); }
    void on_candidates(std::span<discovery::candidate const> found, time_point now, gossip::outbox& out) {
        real_->on_candidates(found, now, out);
    }
    void on_discovery_failed(error why, time_point now, gossip::outbox& out) {
        real_->on_discovery_failed(why, now, out);
    }
    void on_tick(time_point now, gossip::outbox& out) {
        if (bug_ == bug::never_moves_its_timer && ripe(now)) return;
        gossip::outbox own;
        real_->on_tick(now, own);
        copy(own, now, out);
        if (!ripe(now)) return;
        ip_endpoint const peer = some_peer();
        if (stranger_) send(*std::exchange(stranger_, std::nullopt), 20, out);
        if (!peer) return;
        if (bug_ == bug::floods) {
            for (int i = 0; i < 200; ++i) send(peer, 20, out);
        }
        if (bug_ == bug::chatters) {
            for (int i = 0; i < 12; ++i) send(peer, 20, out);
        }
        if (bug_ == bug::sends_giant_datagrams) send(peer, 1201, out);
        for (int i = 0; bug_ == bug::leaks_streams && i < 20; ++i) {
            out.open_stream(static_cast<gossip::stream_id>(0x80000000U + streams_++), peer);
        }
    }
    [[nodiscard]] time_point next_deadline() const noexcept { return real_->next_deadline(); }
    void leave(time_point now, gossip::outbox& out) { real_->leave(now, out); }

    [[nodiscard]] bool running() const noexcept { return real_->running(); }
    [[nodiscard]] node_id const& id() const noexcept { return real_->id(); }
    [[nodiscard]] std::uint64_t incarnation() const noexcept { return real_->incarnation(); }
    template <typename F>
    void for_each_member(F&& f) const {
        real_->for_each_member([&](gossip::member_view const& m) { f(bend(m)); });
    }
    [[nodiscard]] std::optional<bent_view> find(node_id const& id) const {
        auto const found = real_->find(id);
        if (!found) return std::nullopt;
        return bend(*found);
    }

private:
    [[nodiscard]] bool ripe(time_point now) const noexcept { return now - born_ > 30s; }
    [[nodiscard]] static bool ours(gossip::stream_id s) noexcept {
        return static_cast<std::uint32_t>(s) >= 0x80000000U;
    }
    [[nodiscard]] bent_view bend(gossip::member_view const& m) const {
        bent_view made{m, m.state(), m.incarnation()};
        if (bug_ == bug::shows_old_state && m.state() == membership::member_state::left && ++looks_ > 20) {
            made.shown = membership::member_state::alive;
        }
        if (bug_ == bug::invents_incarnations && !m.is_self() && ++looks_ > 20) ++made.number;
        if (bug_ == bug::shows_itself_suspect && m.is_self() && ++looks_ > 20)
            made.shown = membership::member_state::suspect;
        return made;
    }
    [[nodiscard]] ip_endpoint some_peer() const {
        ip_endpoint found;
        real_->for_each_member([&](gossip::member_view const& m) {
            if (!m.is_self() && m.reachable()) found = m.endpoint();
        });
        return found;
    }
    static void send(ip_endpoint const& to, std::size_t size, gossip::outbox& out) {
        byte_span const room = out.room(size);
        for (std::byte& b : room) b = std::byte{7};
        out.send_datagram(to, size);
    }
    /// Hands the actions on, events as the bug has it.
    void copy(gossip::outbox const& from, time_point now, gossip::outbox& to) const {
        for (std::size_t i = 0; i < from.size(); ++i) {
            gossip::action const a = from[i];
            if (!a.bytes.empty()) copy_bytes(a.bytes, to.room(a.bytes.size()));
            switch (a.kind) {
            case gossip::action_kind::send_datagram: to.send_datagram(a.to, a.bytes.size()); break;
            case gossip::action_kind::open_stream: to.open_stream(a.stream, a.to); break;
            case gossip::action_kind::send_frame: to.send_frame(a.stream, a.bytes.size()); break;
            case gossip::action_kind::close_stream: to.close_stream(a.stream); break;
            case gossip::action_kind::run_discovery: to.run_discovery(); break;
            case gossip::action_kind::resolve_address: to.resolve_address(a.to.address); break;
            case gossip::action_kind::persist: to.persist(a.bytes.size()); break;
            case gossip::action_kind::listen: to.listen(); break;
            case gossip::action_kind::deliver:
                to.deliver(*a.message, a.bytes);
                if (bug_ == bug::delivers_twice) to.deliver(*a.message, a.bytes);
                break;
            case gossip::action_kind::notify: {
                bool const death = a.what->kind == event_kind::member_dead;
                if (bug_ == bug::forgets_events && death && ripe(now)) break;
                to.notify(*a.what);
                if (bug_ == bug::tells_twice && death) to.notify(*a.what);
                break;
            }
            }
        }
    }

    bug bug_;
    std::unique_ptr<sim::default_node> real_;
    time_point born_{};
    std::optional<ip_endpoint> stranger_;
    std::uint32_t streams_ = 0;
    mutable int looks_ = 0;
};
static_assert(sim::check_simulated_node<buggy_node>());

/// Ten nodes of which number 2 has the bug, through a crash, a goodbye and an hour of rest. What was found.
std::string find(bug which, std::uint64_t* wrongly_dead = nullptr) {
    sim::default_nodes nodes;
    auto options = sim::options_for(nodes, 71);
    options.invariants.views_per_call = 20;
    options.intruder.packets_per_second = which == bug::chatters ? 0 : 50;
    sim::world<buggy_node> world{options, [&](sim::birth const& b) {
                                     return std::make_unique<buggy_node>(b.index == 2 ? which : bug::none, nodes(b));
                                 }};
    if (wrongly_dead != nullptr) {
        world.on_event([&world, wrongly_dead](node_index, gossip::event const& e) {
            if (e.kind == event_kind::member_dead && world.up(world.index_of(e.subject))) ++*wrongly_dead;
        });
    }
    world.spawn_many(10);
    world.run_for(35s);
    world.call(1, [](buggy_node& n, time_point now, gossip::outbox& out) { n.broadcast(now, out); });
    world.crash(5);
    world.run_for(20s);
    world.leave(6);
    world.run_for(5min);
    world.check_all();
    std::string found;
    for (sim::violation const& v : world.violations()) found += v.text() + "\n";
    return found;
}

bool mentions(std::string const& found, std::string_view what) { return found.find(what) != std::string::npos; }

} // namespace

TEST_CASE("a sound node gives no cause for complaint") {
    std::uint64_t wrongly_dead = 0;
    CHECK(find(bug::none, &wrongly_dead) == "");
    CHECK(wrongly_dead == 0);
}

TEST_CASE("every seeded bug is found, and named") {
    struct canary {
        bug which;
        std::string_view complaint;
    };
    for (canary const& c : {
             canary{bug::answers_strangers, "was answered"},
             canary{bug::keeps_strangers_address, "where it knows nobody"},
             canary{bug::tells_twice, "a member died that was not up"},
             canary{bug::forgets_events, "a view shows a death and the events do not"},
             canary{bug::shows_old_state, "a member that left is back with the same incarnation"},
             canary{bug::invents_incarnations, "which was never signed"},
             canary{bug::shows_itself_suspect, "is suspect in its own view"},
             canary{bug::floods, "its timers sent"},
             canary{bug::answers_with_many, "datagrams on receipt of one"},
             canary{bug::never_moves_its_timer, "its deadline does not move"},
             canary{bug::sends_giant_datagrams, "sent a datagram of 1201 bytes"},
             canary{bug::leaks_streams, " streams"},
             canary{bug::delivers_twice, "delivered a broadcast twice in one life"},
             canary{bug::chatters, "nothing happens, yet"},
         }) {
        std::string const found = find(c.which);
        INFO("expected: " << c.complaint << "\nfound:\n" << found);
        CHECK(mentions(found, c.complaint));
        CHECK(mentions(found, c.which == bug::chatters ? "the world" : "node 2"));
    }
}

TEST_CASE("a node that answers no probe is declared dead while it is up") {
    std::uint64_t wrongly_dead = 0;
    static_cast<void>(find(bug::hears_nothing, &wrongly_dead));
    CHECK(wrongly_dead > 0);
}
