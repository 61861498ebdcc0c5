// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the engine's probing: timetable, helpers, nacks, streams, relays, sleep.
#include <peerkit/gossip/impl/engine_probing.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <support/cluster.hpp>
#include <support/compiled_stage.hpp>

using namespace peerkit;
using namespace tests;

namespace {

/// lan() without gossip, exchange and contact of its own accord, so that probes stand alone.
gossip::tunables probing_only() {
    auto t = gossip::lan();
    t.exchange_period = t.contact_period = 100h;
    t.tombstone_time = 1000h;
    return t;
}

/// A stage whose queue has run dry.
struct probing : stage {
    explicit probing(gossip::tunables const& t = probing_only()) : stage{t} { polite = false; }
    /// Ticks until the first ping of a probe goes out; its nonce.
    std::uint64_t until_ping(puppet const& to) {
        for (int i = 0; i < 20000; ++i) {
            forget();
            now_is_next();
            for (auto const& s : sent_to(to)) {
                if (auto const* ping = s.find(message_type::ping)) return ping->nonce;
            }
        }
        return 0;
    }
    void now_is_next() {
        if ((*this)->next_deadline() > now()) sleep((*this)->next_deadline() - now());
        tick();
    }
    void ack(puppet& from, std::uint64_t nonce) {
        deliver(from, [&](auto& packet) { packet.ack(nonce, from.incarnation); });
    }
    /// Answers every ping to `p` for a while.
    void keep_alive(puppet& p, duration time) {
        time_point const end = now() + time;
        while ((*this)->next_deadline() <= end) {
            std::size_t const before = sent.size();
            now_is_next();
            for (std::size_t i = before; i < sent.size(); ++i) {
                if (sent[i].to != p.where) continue;
                if (auto const* ping = sent[i].find(message_type::ping)) {
                    ack(p, ping->nonce);
                    break;
                }
            }
        }
        sleep(end - now());
    }
};

/// Times of the messages of one type sent to `p`, since `start`.
std::vector<duration> times(stage const& s, puppet const& p, message_type type, time_point start) {
    std::vector<duration> found;
    for (auto const& d : s.sent_to(p)) {
        if (d.find(type) != nullptr) found.push_back(d.at - start);
    }
    return found;
}

} // namespace

TEST_CASE("behaviour 1: a member that answers its ping stays alive and is asked nothing more that period") {
    probing s;
    puppet& p = s.add_member(1);
    std::uint64_t const nonce = s.until_ping(p);
    REQUIRE(nonce != 0);
    s.forget();
    s.ack(p, nonce);
    s.advance(400ms);
    CHECK(s.sent_count(message_type::ping) == 0);
    CHECK(s.state_of(p) == member_state::alive);
    CHECK(s->counters().probes_failed == 0);
    CHECK(s.fault == "");
}

TEST_CASE("behaviour 2: a silent member is pinged again at the set times, then through helpers, then suspected") {
    probing s;
    puppet& silent = s.add_member(1);
    puppet& helper = s.add_member(2);
    std::uint64_t const nonce = s.until_ping(silent);
    time_point const start = s.now();
    std::uint64_t helper_nonce = 0;
    for (duration at = 0ms; at < 899ms; at += 1ms) {
        s.advance(1ms);
        for (auto const& d : s.sent_to(helper)) {
            if (auto const* asked = d.find(message_type::indirect_ping)) helper_nonce = asked->nonce;
        }
    }
    using expected = std::vector<duration>;
    CHECK(times(s, silent, message_type::ping, start) == expected{0ms, 120ms, 240ms, 360ms});
    CHECK(times(s, helper, message_type::indirect_ping, start) == expected{480ms});
    CHECK(helper_nonce == nonce);
    std::set<std::uint64_t> nonces;
    for (auto const& d : s.sent_to(silent)) {
        if (auto const* ping = d.find(message_type::ping)) nonces.insert(ping->nonce);
    }
    CHECK(nonces.size() == 4);
    CHECK(nonces.count(nonce) == 1);
    CHECK(s.state_of(silent) == member_state::alive);
    s.deliver(helper, [&](auto& packet) { packet.nack(nonce); });
    s.advance(1ms);
    CHECK(s.state_of(silent) == member_state::suspect);
    auto const* told = s.last(event_kind::member_suspected);
    REQUIRE(told != nullptr);
    CHECK(told->why == cause::probe_failed);
    CHECK(told->by == s->id().short_id());
    CHECK(s->counters().probes_failed == 1);
    CHECK(s.fault == "");
}

TEST_CASE("behaviour 3: an acknowledgement through one helper keeps a member alive") {
    probing s;
    puppet& silent = s.add_member(1);
    puppet& helper = s.add_member(2);
    std::uint64_t const nonce = s.until_ping(silent);
    s.advance(500ms);
    REQUIRE(s.sent_to(helper).size() > 0);
    s.ack(helper, nonce);
    s.advance(450ms);
    CHECK(s.state_of(silent) == member_state::alive);
    CHECK(s->counters().probes_by_helper == 1);
    CHECK(s.count(event_kind::member_suspected) == 0);
}

TEST_CASE("behaviour 4: helpers are alive third parties and the second wave asks others") {
    probing s;
    puppet& silent = s.add_member(1);
    std::vector<puppet*> good;
    for (std::uint64_t i = 2; i <= 9; ++i) good.push_back(&s.add_member(i));
    puppet& suspect = s.add_member(20);
    puppet& dead = s.add_member(21);
    puppet& gone = s.add_member(22);
    s.accuse(*good[0], message_type::suspect, suspect, 1);
    s.accuse(*good[0], message_type::dead, dead, 1);
    s.deliver(gone, [&](auto& packet) { packet.announce(gone.record(2, true)); });
    REQUIRE(s.until_ping(silent) != 0);
    std::multiset<std::uint16_t> asked;
    s.advance(890ms);
    for (auto const& d : s.sent) {
        auto const* m = d.find(message_type::indirect_ping);
        if (m == nullptr) continue;
        CHECK(m->subject == silent.key());
        bool const fine = std::any_of(good.begin(), good.end(), [&](puppet* p) { return p->where == d.to; });
        CHECK(fine);
        asked.insert(std::to_integer<std::uint8_t>(d.to.address.bytes()[3]));
    }
    CHECK(asked.size() == 6); // two waves of three
    CHECK(std::set<std::uint16_t>(asked.begin(), asked.end()).size() == 6);
}

TEST_CASE("with helpers switched off a silent member is suspected after the direct pings alone") {
    auto t = probing_only();
    t.helpers = 0;
    probing s{t};
    puppet& silent = s.add_member(1);
    s.add_member(2);
    REQUIRE(s.until_ping(silent) != 0);
    s.advance(900ms);
    CHECK(s.sent_count(message_type::indirect_ping) == 0);
    CHECK(s.state_of(silent) == member_state::suspect);
}

TEST_CASE("when no helper says anything the fault is sought here, but not for ever") {
    probing s;
    puppet& silent = s.add_member(1);
    puppet& other = s.add_member(2);
    int failures = 0;
    while (s.state_of(silent) == member_state::alive && s.state_of(other) == member_state::alive && failures < 10) {
        s.advance(1s);
        failures = static_cast<int>(s->counters().probes_failed);
    }
    CHECK(failures == 3);
    CHECK(s->counters().probes_unsure == 2);
}

TEST_CASE("behaviour 10: acknowledgements nobody waits for are refused and change nothing") {
    probing s;
    puppet& p = s.add_member(1);
    std::uint64_t const nonce = s.until_ping(p);
    SUBCASE("of another nonce") {
        s.ack(p, nonce + 2);
        CHECK(s.refused(gossip_error::unexpected_ack) == 1);
        s.forget();
        s.advance(360ms);
        CHECK(s.sent_count(message_type::ping) == 3);
    }
    SUBCASE("a second time") {
        s.ack(p, nonce);
        s.ack(p, nonce);
        CHECK(s.refused(gossip_error::unexpected_ack) == 1);
    }
    SUBCASE("after the verdict") {
        s.advance(901ms);
        REQUIRE(s.state_of(p) == member_state::suspect);
        s.ack(p, nonce);
        CHECK(s.refused(gossip_error::unexpected_ack) == 1);
        CHECK(s.state_of(p) == member_state::suspect);
    }
    SUBCASE("a nack") {
        s.deliver(p, [&](auto& packet) { packet.nack(nonce + 1); });
        CHECK(s.refused(gossip_error::unexpected_ack) == 1);
        CHECK(s->counters().nacks_received == 0);
    }
}

TEST_CASE("behaviour 11: a suspected member is told with the ping, so that its answer can refute") {
    probing s;
    puppet& accused = s.add_member(1);
    puppet& other = s.add_member(2);
    s.accuse(other, message_type::suspect, accused, 1);
    s.until_ping(accused);
    for (auto const& d : s.sent_to(accused)) {
        if (d.find(message_type::ping) == nullptr) continue;
        auto const* told = d.find(message_type::suspect, accused.key());
        REQUIRE(told != nullptr);
        CHECK(told->incarnation == 1);
        CHECK(told->accusers == std::vector{other.key()});
    }
}

TEST_CASE("behaviour 12: every member is probed once per pass, and the dead, the gone and this node are not") {
    auto t = probing_only();
    t.helpers = 0;
    probing s{t};
    std::map<std::uint64_t, int> probes;
    for (std::uint64_t i = 1; i <= 7; ++i) s.add_member(i);
    puppet& dead = s.add_member(21);
    puppet& gone = s.add_member(22);
    puppet& first = s.add_member(8);
    s.accuse(first, message_type::dead, dead, 1);
    s.deliver(gone, [&](auto& packet) { packet.announce(gone.record(2, true)); });
    std::map<ip_endpoint, int> pinged;
    std::size_t periods = 0;
    std::vector<puppet> players;
    for (std::uint64_t i = 1; i <= 8; ++i) players.emplace_back(i).counter = 1000;
    // Aligned to a pass by the first probe of all.
    while (periods < 16) {
        s.forget();
        s.now_is_next();
        for (auto const& d : s.sent) {
            auto const* ping = d.find(message_type::ping);
            if (ping == nullptr) continue;
            ++pinged[d.to];
            ++periods;
            for (puppet& p : players) {
                if (p.where == d.to) s.ack(p, ping->nonce);
            }
        }
    }
    CHECK(pinged.size() == 8);
    for (auto const& [where, n] : pinged) CHECK(n == 2);
    CHECK(pinged.count(dead.where) == 0);
    CHECK(pinged.count(gone.where) == 0);
    CHECK(pinged.count(stage::own_address()) == 0);
}

TEST_CASE("behaviour 12: without anybody to probe nothing is sent and the timers go on") {
    probing s;
    puppet& p = s.add_member(1);
    s.advance(10s);
    s.accuse(p, message_type::dead, p, 1);
    s.deliver(p, [&](auto& packet) { packet.announce(p.record(2, true)); });
    s.advance(2s);
    s.forget();
    CHECK(s.advance(60s));
    CHECK(s.sent_count(message_type::ping) == 0);
}

TEST_CASE("behaviour 6: a member reached by stream only stays alive, and the host hears of it once a minute") {
    probing s;
    puppet& p = s.add_member(1);
    std::size_t answered = 0;
    time_point const end = s.now() + 30s;
    while (s.now() < end) {
        s.dials.clear();
        s.now_is_next();
        for (dialled const& d : std::vector{s.dials}) {
            CHECK(d.to == p.where);
            s.frames.clear();
            s.opened(d.id);
            puppet_stream stream{p, puppet_stream::side::acceptor};
            REQUIRE(s.frames.size() == 1);
            auto const heard = stream.open(s.frames[0].frame);
            REQUIRE(heard.has_value());
            REQUIRE(heard->front().type == message_type::ping);
            s.frame(d.id, stream.frame([&](auto& packet) { packet.ack(heard->front().nonce, p.incarnation); }));
            CHECK(s.closed_by_engine(d.id));
            ++answered;
        }
    }
    CHECK(answered > 20);
    CHECK(s.state_of(p) == member_state::alive);
    CHECK(s.count(event_kind::member_suspected) == 0);
    CHECK(s.count(event_kind::datagrams_blocked) == 1);
    REQUIRE(s.last(event_kind::datagrams_blocked) != nullptr);
    CHECK(s.last(event_kind::datagrams_blocked)->subject == p.id());
    CHECK(s->counters().probes_by_stream == answered);
}

TEST_CASE("behaviour 6: with the stream fallback switched off no stream is tried") {
    auto t = probing_only();
    t.stream_fallback = false;
    probing s{t};
    puppet& p = s.add_member(1);
    s.advance(4s);
    CHECK(s.dials.empty());
    CHECK(s.state_of(p) == member_state::suspect);
}

TEST_CASE("a stream that opens after its probe ended does not speak for the next probe") {
    probing s;
    puppet& slow = s.add_member(1);
    puppet& other = s.add_member(2);
    std::vector<dialled> early;
    // Until the probe after the one that dialled is under way, of the other member.
    ip_endpoint dialled_to;
    bool found = false;
    for (int i = 0; i < 5000 && !found; ++i) {
        s.sent.clear();
        s.now_is_next();
        if (early.empty()) {
            early = s.dials;
            if (!early.empty()) dialled_to = early[0].to;
            continue;
        }
        for (auto const& d : s.sent) found = found || (d.find(message_type::ping) != nullptr && d.to != dialled_to);
    }
    REQUIRE(found);
    s.frames.clear();
    s.opened(early[0].id);
    CHECK(s.frames.empty());
    CHECK(s.closed_by_engine(early[0].id));
    (void)slow;
    (void)other;
}

TEST_CASE("a helper pings the subject for the asker, passes its answer on, and to the asker's source only") {
    stage s{quiet()};
    puppet& asker = s.add_member(1);
    puppet& subject = s.add_member(2);
    s.forget();
    ip_endpoint const elsewhere{asker.where.address, 4444};
    auto const out = s.deliver(asker, [&](auto& packet) { packet.indirect_ping(77, subject.key()); }, elsewhere);
    REQUIRE(out.size() == 1);
    CHECK(out[0].to == subject.where);
    auto const* ping = out[0].find(message_type::ping);
    REQUIRE(ping != nullptr);
    CHECK(ping->nonce != 77);
    auto const answer = s.deliver(subject, [&](auto& packet) { packet.ack(ping->nonce, 1); });
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].to == elsewhere);
    REQUIRE(answer[0].find(message_type::ack) != nullptr);
    CHECK(answer[0].find(message_type::ack)->nonce == 77);
    s.forget();
    s.advance(1s);
    CHECK(s.sent_count(message_type::nack) == 0);
}

TEST_CASE("behaviour 5: a helper repeats its ping once and then answers nack") {
    stage s{quiet()};
    s.polite = false;
    puppet& asker = s.add_member(1);
    puppet& subject = s.add_member(2);
    s.advance(5s);
    s.forget();
    time_point const start = s.now();
    s.deliver(asker, [&](auto& packet) { packet.indirect_ping(77, subject.key()); });
    s.advance(3s);
    CHECK(times(s, subject, message_type::ping, start) == std::vector<duration>{0ms, 150ms});
    CHECK(times(s, asker, message_type::nack, start) == std::vector<duration>{350ms});
    for (auto const& d : s.sent_to(asker)) {
        if (auto const* nack = d.find(message_type::nack)) CHECK(nack->nonce == 77);
    }
}

TEST_CASE("only members are pinged for others, never this node, a stranger, or on a stream's behalf") {
    stage s{quiet()};
    puppet& asker = s.add_member(1);
    puppet& stranger = s.add(9);
    s.forget();
    s.deliver(asker, [&](auto& packet) { packet.indirect_ping(1, stranger.key()); });
    s.deliver(asker, [&](auto& packet) { packet.indirect_ping(2, s->id().short_id()); });
    CHECK(s.refused(gossip_error::unknown_subject) == 2);
    CHECK(s.sent.empty());
    auto const id = s.accept(asker.where);
    REQUIRE(id.has_value());
    puppet_stream stream{asker, puppet_stream::side::dialer};
    s.frame(*id, stream.frame([&](auto& packet) { packet.indirect_ping(3, asker.key()); }));
    CHECK(s.refused(gossip_error::message_out_of_place) == 1);
    CHECK(s.sent.empty());
}

TEST_CASE("probes for others are capped") {
    auto t = quiet();
    t.max_relays = 3;
    stage s{t};
    s.polite = false;
    puppet& asker = s.add_member(1);
    puppet& subject = s.add_member(2);
    s.advance(5s);
    s.forget();
    for (std::uint64_t n = 1; n <= 10; ++n)
        s.deliver(asker, [&](auto& packet) { packet.indirect_ping(n, subject.key()); });
    CHECK(s.sent_count(message_type::ping) == 3);
    CHECK(s.refused(gossip_error::too_many_relays) == 7);
    s.advance(1s);
    s.deliver(asker, [&](auto& packet) { packet.indirect_ping(11, subject.key()); });
    CHECK(s.refused(gossip_error::too_many_relays) == 7);
}

TEST_CASE("a node that slept through a probe accuses nobody and gives suspects their time back") {
    probing s;
    puppet& probed = s.add_member(1);
    puppet& accused = s.add_member(2);
    puppet& other = s.add_member(3);
    s.accuse(other, message_type::suspect, accused, 1);
    REQUIRE(s.until_ping(probed) != 0);
    s.sleep(1h);
    s.tick();
    CHECK(s->counters().pauses == 1);
    CHECK(s.state_of(probed) == member_state::alive);
    CHECK(s.state_of(accused) == member_state::suspect);
    s.forget();
    s.advance(900ms);
    CHECK(s.sent_count(message_type::indirect_ping) == 0);
    CHECK(s.state_of(accused) == member_state::suspect);
}

TEST_CASE("what waited in the socket while the node slept counts as one sleep") {
    auto t = probing_only();
    t.contact_period = 10s; // something is due before the timer is served again
    probing s{t};
    puppet& accused = s.add_member(1);
    puppet& other = s.add_member(2);
    s.accuse(other, message_type::suspect, accused, 1);
    s.sleep(60s);
    for (int i = 0; i < 20; ++i) s.deliver(other, [&](auto& packet) { packet.ack(1, 1); });
    s.tick();
    CHECK(s->counters().pauses == 1);
    // It was up to 24 s, and is not 20 minutes.
    s.keep_alive(other, 30s);
    CHECK(s.state_of(accused) == member_state::dead);
}

TEST_CASE("a timer that is a little late accuses nobody who was not asked in every way") {
    auto t = gossip::local();
    t.exchange_period = t.contact_period = 100h;
    t.tombstone_time = 1000h;
    probing s{t};
    puppet& p = s.add_member(1);
    puppet& helper = s.add_member(2);
    s.keep_alive(helper, 1ms);
    REQUIRE(s.until_ping(p) != 0);
    s.forget();
    s.sleep(480ms); // later than the verdict, less than a sleep
    s.tick();
    CHECK(s->counters().pauses == 0);
    CHECK(s.state_of(p) == member_state::alive);
}

TEST_CASE("a probe whose member is forgotten on the way ends without a word to whoever took its row") {
    auto t = probing_only();
    t.max_members = 3;
    t.direct_tries = 1; // so that the helpers' turn is the next step
    probing s{t};
    puppet& p = s.add_member(1);
    puppet& other = s.add_member(2);
    REQUIRE(s.until_ping(p) != 0);
    s.accuse(other, message_type::dead, p, 1);
    puppet& heir = s.add_member(3); // evicts the tombstone and takes its row
    REQUIRE(s.state_of(heir) == member_state::alive);
    s.forget();
    s.advance(890ms);
    CHECK(s.dials.empty());
    CHECK(s.count(event_kind::member_suspected) == 0);
}

TEST_CASE("without loss nobody is ever suspected, with half of the datagrams lost nobody is declared dead") {
    cluster c{5};
    c.join_all();
    REQUIRE(c.run_until([&] { return c.all_see_all(); }, 30s));
    c.run_for(60s);
    CHECK(c.count(event_kind::member_suspected) == 0);
    seeded_rng loss{3};
    c.drops = [&](std::size_t, std::size_t) { return happens(loss, 500'000); };
    c.run_for(120s);
    CHECK(c.count(event_kind::member_dead) == 0);
    CHECK(c.fault == "");
}

TEST_CASE("where all datagrams are lost streams keep everybody alive") {
    cluster c{3};
    c.drops = [](std::size_t, std::size_t) { return true; };
    c.join_all();
    REQUIRE(c.run_until([&] { return c.all_see_all(); }, 120s));
    c.run_for(120s);
    CHECK(c.count(event_kind::member_dead) == 0);
    CHECK(c.count(event_kind::datagrams_blocked) > 0);
    CHECK(c.fault == "");
}

namespace {

/// The second and third address of a puppet, on other subnets than the first.
ip_endpoint second_of(puppet const& p) { return {ip_address::v4(100, 64, 0, static_cast<std::uint8_t>(p.seed)), 9000}; }
ip_endpoint third_of(puppet const& p) { return {ip_address::v4(192, 168, 1, static_cast<std::uint8_t>(p.seed)), 9000}; }
/// A member that announces three addresses, its first being `where`.
puppet& add_with_three(stage& s, std::uint64_t seed) {
    puppet& p = s.add(seed);
    p.self.addresses.push_back({second_of(p).address, 0, address_kind::overlay});
    p.self.addresses.push_back({third_of(p).address, 0, address_kind::local});
    s.announce(p);
    return p;
}
/// The nonces of pings by the address they went to, and how often.
std::map<ip_endpoint, std::set<std::uint64_t>> pings_of(stage const& s) {
    std::map<ip_endpoint, std::set<std::uint64_t>> found;
    for (auto const& d : s.sent) {
        if (auto const* ping = d.find(message_type::ping)) found[d.to].insert(ping->nonce);
    }
    return found;
}
/// Lets probes run for `time`; the member hears and answers only what is sent to `reachable`.
void answer_at(probing& s, puppet& p, ip_endpoint const& reachable, duration time) {
    time_point const end = s.now() + time;
    while (s->next_deadline() <= end) {
        std::size_t const before = s.sent.size();
        s.now_is_next();
        for (std::size_t i = before; i < s.sent.size(); ++i) {
            auto const* ping = s.sent[i].find(message_type::ping);
            if (ping == nullptr || s.sent[i].to != reachable) continue;
            std::uint64_t const nonce = ping->nonce;
            s.deliver(p, [&](auto& packet) { packet.ack(nonce, p.incarnation); }, reachable);
        }
    }
    s.sleep(end - s.now());
}

} // namespace

TEST_CASE("a member is asked at its other addresses before helpers are, and each ping has a nonce of its own") {
    probing s;
    puppet& p = add_with_three(s, 1);
    REQUIRE(s.until_ping(p) != 0);
    CHECK(pings_of(s).size() == 1);
    s.advance(110ms);
    CHECK(pings_of(s).size() == 1);
    s.advance(360ms);
    auto const pings = pings_of(s);
    REQUIRE(pings.size() == 3);
    std::set<std::uint64_t> all;
    std::size_t sum = 0;
    for (auto const& [where, nonces] : pings) {
        sum += nonces.size();
        all.insert(nonces.begin(), nonces.end());
    }
    CHECK(sum == 7); // the address in use four times, and the others in turn from the second time on
    CHECK(all.size() == sum);
    CHECK(s.fault == "");
}

TEST_CASE("a member that answers at its last address only is never suspected, and is then asked there at once") {
    probing s;
    puppet& p = add_with_three(s, 1);
    answer_at(s, p, third_of(p), 10s);
    CHECK(s.count(event_kind::member_suspected) == 0);
    CHECK(s->counters().probes_failed == 0);
    CHECK(s->counters().probes > 5);
    CHECK(s->find(p.id())->endpoint() == third_of(p));
    std::uint64_t const before = s->counters().probes;
    s.forget();
    answer_at(s, p, third_of(p), 40s);
    std::uint64_t const probes = s->counters().probes - before;
    // What works is asked first; another one now and then, in case it works again.
    std::size_t at_others = 0;
    for (auto const& d : s.sent) at_others += d.find(message_type::ping) != nullptr && d.to != third_of(p) ? 1U : 0U;
    CHECK(at_others < probes / 2);
    CHECK(at_others > 0);
    CHECK(s.fault == "");
}

TEST_CASE("an address that works again is found again if it is the better one") {
    probing s;
    puppet& p = add_with_three(s, 1);
    answer_at(s, p, second_of(p), 5s);
    REQUIRE(s->find(p.id())->endpoint() == second_of(p));
    answer_at(s, p, p.where, 3s);
    CHECK(s->find(p.id())->endpoint() == p.where);
    CHECK(s.count(event_kind::member_suspected) == 0);
}

TEST_CASE("a better address is tried now and then although the one in use works") {
    probing s;
    puppet& p = add_with_three(s, 1);
    answer_at(s, p, second_of(p), 5s);
    REQUIRE(s->find(p.id())->endpoint() == second_of(p));
    // From now on it answers everywhere.
    time_point const end = s.now() + 60s;
    while (s.now() < end && s->find(p.id())->endpoint() != p.where) {
        std::size_t const before = s.sent.size();
        s.now_is_next();
        for (std::size_t i = before; i < s.sent.size(); ++i) {
            if (auto const* ping = s.sent[i].find(message_type::ping)) s.ack(p, ping->nonce);
        }
    }
    CHECK(s->find(p.id())->endpoint() == p.where);
}

TEST_CASE("a member that answers at none of its addresses is suspected in the usual time") {
    probing s;
    puppet& p = add_with_three(s, 1);
    puppet& helper = s.add_member(2);
    std::uint64_t nonce = 0;
    while (nonce == 0) nonce = s.until_ping(p);
    s.advance(890ms);
    CHECK(s.state_of(p) == member_state::alive);
    s.deliver(helper, [&](auto& packet) { packet.nack(nonce); });
    s.advance(10ms);
    CHECK(s.state_of(p) == member_state::suspect);
}

TEST_CASE("an acknowledgement of a nonce for an address the member does not have is refused") {
    probing s;
    puppet& p = add_with_three(s, 1);
    std::uint64_t const nonce = s.until_ping(p);
    s.ack(p, nonce ^ 6U);
    CHECK(s.refused(gossip_error::unexpected_ack) == 1);
    s.ack(p, nonce ^ 4U);
    CHECK(s.refused(gossip_error::unexpected_ack) == 1);
    CHECK(s->find(p.id())->endpoint() == third_of(p));
}

TEST_CASE("what a helper passes on says nothing of the addresses") {
    probing s;
    puppet& p = add_with_three(s, 1);
    puppet& helper = s.add_member(2);
    answer_at(s, p, second_of(p), 3s);
    REQUIRE(s->find(p.id())->endpoint() == second_of(p));
    // A probe that begins with the better address, which a helper reaches and this node does not.
    std::uint64_t nonce = 0;
    for (int i = 0; i < 2000 && nonce == 0; ++i) {
        std::size_t const before = s.sent.size();
        s.now_is_next();
        for (std::size_t k = before, end = s.sent.size(); k < end; ++k) {
            auto const* ping = s.sent[k].find(message_type::ping);
            if (ping == nullptr) continue;
            std::uint64_t const asked = ping->nonce;
            if (s.sent[k].to == p.where)
                nonce = asked;
            else
                s.ack(s.sent[k].to == helper.where ? helper : p, asked);
        }
    }
    REQUIRE(nonce != 0);
    s.ack(helper, nonce);
    CHECK(s->counters().probes_by_helper == 1);
    CHECK(s->find(p.id())->endpoint() == second_of(p));
}

TEST_CASE("a probe tries other addresses by stream too, each once, when one is refused and with the second wave") {
    probing s;
    puppet& p = add_with_three(s, 1);
    REQUIRE(s.until_ping(p) != 0);
    s.advance(490ms);
    REQUIRE(s.dials.size() == 1);
    CHECK(s.dials[0].to == p.where);
    s.closed(s.dials[0].id, error{gossip_error::stream_refused});
    REQUIRE(s.dials.size() == 2);
    CHECK(s.dials[1].to == second_of(p));
    s.advance(200ms);
    REQUIRE(s.dials.size() == 3);
    CHECK(s.dials[2].to == third_of(p));
    s.closed(s.dials[2].id, error{gossip_error::stream_refused});
    s.advance(100ms);
    CHECK(s.dials.size() == 3);
}

TEST_CASE("a helper repeats its ping to another address of the subject as well") {
    stage s{quiet()};
    s.polite = false;
    puppet& asker = s.add_member(1);
    puppet& subject = add_with_three(s, 2);
    s.forget();
    s.deliver(asker, [&](auto& packet) { packet.indirect_ping(77, subject.key()); });
    CHECK(pings_of(s).size() == 1);
    s.advance(200ms);
    auto const pings = pings_of(s);
    CHECK(pings.size() == 2);
    CHECK(pings.count(subject.where) == 1);
    CHECK(pings.count(second_of(subject)) == 1);
}

TEST_CASE("where this host's subnets are known, the address on one of them is asked first") {
    auto options = with(probing_only());
    options.subnets = {{ip_address::v4(192, 168, 1, 200), 24}};
    basic_stage<fake_engine> s{options};
    s.polite = false;
    REQUIRE(s.start());
    puppet& p = s.add(1);
    p.self.addresses.push_back({second_of(p).address, 0, address_kind::overlay});
    p.self.addresses.push_back({third_of(p).address, 0, address_kind::local});
    s.announce(p);
    CHECK(s->find(p.id())->endpoint() == third_of(p));
    CHECK(s.last(event_kind::member_up)->where == third_of(p));
    s.forget();
    s.advance(1s);
    auto const first =
        std::find_if(s.sent.begin(), s.sent.end(), [](auto const& d) { return d.find(message_type::ping) != nullptr; });
    REQUIRE(first != s.sent.end());
    CHECK(first->to == third_of(p));
    // The interface is gone: the overlay, of which this host has an address now, is next.
    s->set_subnets({{ip_address::v4(100, 64, 0, 200), 32}});
    CHECK(s->find(p.id())->endpoint() == second_of(p));
    CHECK(s->subnets().size() == 1);
}

TEST_CASE("the dead are called at each of their addresses in turn") {
    auto t = gossip::lan();
    t.exchange_period = 100h;
    t.probe_period = 50h;
    t.contact_period = 60h;
    t.tombstone_time = 10000h;
    t.stream_timeout = 60h;
    stage s{t};
    s.polite = false;
    puppet& p = add_with_three(s, 1);
    puppet& other = s.add_member(2);
    s.accuse(other, message_type::dead, p, 1);
    s.advance(1h);
    s.forget();
    s.advance(500h);
    std::map<ip_endpoint, int> hellos;
    for (auto const& d : s.sent) hellos[d.to] += d.find(message_type::hello) != nullptr ? 1 : 0;
    CHECK(hellos[p.where] >= 2);
    CHECK(hellos[second_of(p)] >= 2);
    CHECK(hellos[third_of(p)] >= 2);
}
