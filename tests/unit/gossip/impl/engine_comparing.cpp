// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the engine's comparisons: what is asked and answered, what is repaired, and what a liar costs.
#include <peerkit/gossip/impl/engine_comparing.hpp>

#include <doctest/doctest.h>

#include <set>
#include <vector>

#include <support/compiled_stage.hpp>

using namespace peerkit;
using namespace tests;
using wire::digest_kind;

namespace {

/// Compares every ten seconds.
struct often : gossip::digest_ranges {
    [[nodiscard]] duration period(duration, std::size_t) const noexcept { return 10s; }
};
/// An engine that compares, and does nothing else by itself.
struct comparing : basic_stage<gossip::engine<fake_policies<gossip::accept_announcements, often>>> {
    explicit comparing(gossip::tunables const& t = quiet()) : basic_stage{with_numbers(t)} { REQUIRE(start()); }

    /// What its digest is, by counting.
    [[nodiscard]] std::pair<std::uint32_t, std::uint64_t> counted() {
        std::pair<std::uint32_t, std::uint64_t> made{};
        machine().for_each_member([&](gossip::member_view const& m) {
            if (m.state() > member_state::suspect) return;
            byte_view const bytes = m.record().bytes();
            ++made.first;
            made.second += membership::fingerprint(m.id().short_id(), m.incarnation(),
                                                   load_big<std::uint64_t>(bytes.data() + bytes.size() - 64));
        });
        return made;
    }
    /// Hands in a packet of a comparison whose digest is the engine's own plus `off`.
    template <typename Fill>
    std::vector<sent_datagram> compare(puppet& p, digest_kind kind, std::uint64_t off, Fill&& fill,
                                       std::optional<ip_endpoint> source = std::nullopt) {
        auto const [members, sum] = counted();
        return deliver(
            p,
            [&, m = members, s = sum](wire::packet_writer& packet) {
                packet.digest(kind, m, s + off);
                fill(packet);
            },
            source);
    }
    /// Runs until the next ask and gives it.
    std::optional<sent_datagram> next_ask() {
        std::size_t const before = sent.size();
        for (int i = 0; i < 130; ++i) {
            advance(100ms);
            for (std::size_t k = before; k < sent.size(); ++k) {
                heard const* const h = sent[k].find(message_type::digest);
                if (h != nullptr && h->flags == static_cast<int>(digest_kind::ask)) return sent[k];
            }
            if (!dials.empty()) return std::nullopt;
        }
        return std::nullopt;
    }
    /// Lets a minute pass in which everybody holds the same.
    void settle(std::vector<puppet*> const& all) {
        for (int i = 0; i < 6; ++i) {
            auto const ask = next_ask();
            REQUIRE(ask);
            for (puppet* const p : all) {
                if (p->where == ask->to) CHECK(compare(*p, digest_kind::answer, 0, nothing_more).empty());
            }
        }
        forget();
    }

private:
    static constexpr auto nothing_more = [](wire::packet_writer&) {};
    static options with_numbers(gossip::tunables const& t) {
        options o;
        o.tunables = t;
        return o;
    }
};

constexpr auto nothing_more = [](wire::packet_writer&) {};

bytes listing_of(unsigned bits, std::uint32_t range, std::vector<wire::listed> entries) {
    std::sort(entries.begin(), entries.end(), [](auto const& a, auto const& b) { return a.key < b.key; });
    bytes room(2000);
    wire::listing_writer out{room, bits};
    REQUIRE(out.add(range, entries));
    room.resize(out.size());
    return room;
}
template <typename Body>
auto with(message_type type, Body const& body) {
    return [&body, type](wire::packet_writer& packet) {
        REQUIRE(packet.composed(type, [&](byte_span room) {
            if (room.size() < body.size()) return std::size_t{0};
            copy_bytes(body, room);
            return body.size();
        }));
    };
}
/// How the engine lists a puppet's record.
wire::listed entry(puppet const& p, std::uint64_t incarnation) {
    bytes const record = p.record(incarnation);
    auto const print =
        membership::fingerprint(p.key(), incarnation, load_big<std::uint64_t>(record.data() + record.size() - 64));
    return {p.key(), incarnation, static_cast<std::uint32_t>(print)};
}
bool tells(std::vector<sent_datagram> const& sent, short_id subject, message_type how = message_type::announce) {
    return std::any_of(sent.begin(), sent.end(),
                       [&](sent_datagram const& s) { return s.find(how, subject) != nullptr; });
}

} // namespace

TEST_CASE("a node asks a member now and then whether it holds the same, with one small datagram") {
    comparing s;
    puppet& p = s.add_member(1);
    s.settle({&p}); // the gossip about it is over
    auto const first = s.next_ask();
    REQUIRE(first);
    CHECK(first->to == p.where);
    CHECK(first->frame.size() == 70);
    CHECK(first->messages.size() == 1);
    CHECK(first->messages[0].count == 2);
    CHECK(first->messages[0].nonce == s.counted().second);
    auto const begun = s.now();
    auto const second = s.next_ask();
    REQUIRE(second);
    CHECK(s.now() - begun >= 8s);
    CHECK(s.now() - begun <= 12s + 200ms);
    // It holds the same: nothing is left to say.
    CHECK(s.compare(p, digest_kind::answer, 0, nothing_more).empty());
    CHECK(s.fault == "");
}

TEST_CASE("nobody is asked twice in a row, unless there is nobody else") {
    comparing s;
    std::vector<puppet*> all{&s.add_member(1)};
    s.settle(all);
    std::vector<ip_endpoint> asked;
    auto const ask = [&] {
        auto const made = s.next_ask();
        REQUIRE(made);
        asked.push_back(made->to);
        for (puppet* const p : all) {
            if (p->where == made->to) s.compare(*p, digest_kind::answer, 0, nothing_more);
        }
    };
    ask();
    ask();
    CHECK(asked[0] == asked[1]);
    for (std::uint64_t seed : {2U, 3U}) all.push_back(&s.add_member(seed));
    ask();
    for (int i = 0; i < 30; ++i) {
        ask();
        REQUIRE(asked[asked.size() - 1] != asked[asked.size() - 2]);
    }
}

TEST_CASE("who asks and holds the same is told so with one small datagram") {
    comparing s;
    puppet& p = s.add_member(1);
    auto const answer = s.compare(p, digest_kind::ask, 0, nothing_more);
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].frame.size() == 70);
    CHECK(answer[0].messages[0].flags == static_cast<int>(digest_kind::answer));
    CHECK(s->counters().comparisons == 1);
}

TEST_CASE("who asks and holds something else gets the sums, as far as its address is its own") {
    comparing s;
    puppet& p = s.add_member(1);
    for (std::uint64_t i = 2; i <= 400; ++i) {
        s.add_member(i);
        if (i % 20 == 0) s.advance(100ms);
    }
    auto const answer = s.compare(p, digest_kind::ask, 1, nothing_more);
    REQUIRE(answer.size() == 1);
    heard const* const sums = answer[0].find(message_type::sums);
    REQUIRE(sums != nullptr);
    auto const view = wire::sums_view::parse(sums->record);
    REQUIRE(view);
    CHECK(view->bits() == 7);
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < view->parts(); ++i) total += view->sum(0, i);
    CHECK(static_cast<std::uint32_t>(total) == static_cast<std::uint32_t>(s.counted().second));
    // From elsewhere the sums would be more than three times the question: the other side goes first.
    auto const elsewhere = s.compare(p, digest_kind::ask, 1, nothing_more, address_of(999));
    REQUIRE(elsewhere.size() == 1);
    CHECK(elsewhere[0].find(message_type::sums) == nullptr);
    CHECK(elsewhere[0].frame.size() <= 210);
}

TEST_CASE("sums that differ are answered with who is there, and that with records and pulls") {
    comparing s;
    puppet& p = s.add_member(1);
    puppet& newer_here = s.add_member(2, 5);
    puppet& newer_there = s.add_member(3, 5);
    puppet& only_here = s.add_member(4, 5);
    puppet& only_there = s.add(5);
    bytes room(200);
    wire::sums_writer sums{room, 0, 0};
    REQUIRE(sums.add(0, std::array<std::uint32_t, 1>{1}));
    room.resize(sums.size());
    auto const listed = s.compare(p, digest_kind::repair, 1, with(message_type::sums, room));
    REQUIRE(listed.size() == 1);
    heard const* const who = listed[0].find(message_type::listing);
    REQUIRE(who != nullptr);
    auto const view = wire::listing_view::parse(who->record);
    REQUIRE(view);
    view->for_each([&](wire::listing_view::group const& g) {
        REQUIRE(g.size() == 5); // all of them, and itself
        for (std::size_t i = 0; i < g.size(); ++i) {
            if (g[i].key == newer_here.key()) CHECK(g[i] == entry(newer_here, 5));
        }
    });

    bytes const theirs = listing_of(
        0, 0,
        {entry(p, 1), entry(newer_here, 4), entry(newer_there, 6), entry(only_there, 9), {s->id().short_id(), 1, 0}});
    auto const repaired = s.compare(p, digest_kind::repair, 1, with(message_type::listing, theirs));
    CHECK(tells(repaired, newer_here.key()));
    CHECK(tells(repaired, only_here.key()));
    CHECK_FALSE(tells(repaired, newer_there.key()));
    CHECK_FALSE(tells(repaired, p.key()));
    REQUIRE(repaired.size() == 1);
    heard const* const pull = repaired[0].find(message_type::pull);
    REQUIRE(pull != nullptr);
    auto const pulled = wire::pull_view::parse(pull->record);
    REQUIRE(pulled);
    std::set<std::pair<std::uint64_t, std::uint64_t>> wanted;
    for (std::size_t i = 0; i < pulled->size(); ++i)
        wanted.emplace(static_cast<std::uint64_t>((*pulled)[i].key), (*pulled)[i].known);
    CHECK(wanted ==
          std::set<std::pair<std::uint64_t, std::uint64_t>>{{static_cast<std::uint64_t>(newer_there.key()), 5},
                                                            {static_cast<std::uint64_t>(only_there.key()), 0}});

    // And who pulls gets the record.
    bytes body(16);
    store_big(body.data(), static_cast<std::uint64_t>(only_here.key()));
    store_big(body.data() + 8, std::uint64_t{0});
    CHECK(tells(s.compare(p, digest_kind::repair, 1, with(message_type::pull, body)), only_here.key()));
    store_big(body.data() + 8, std::uint64_t{5});
    CHECK(s.compare(p, digest_kind::repair, 1, with(message_type::pull, body)).empty());
    CHECK(s.fault == "");
}

TEST_CASE("death found in a comparison is told, and is only an accusation to whoever hears it so") {
    comparing s;
    puppet& p = s.add_member(1);
    puppet& dead = s.add_member(2);
    puppet& other = s.add_member(3);
    s.accuse(p, message_type::dead, dead, 1);
    REQUIRE(s.state_of(dead) == member_state::dead);
    bytes const theirs = listing_of(0, 0, {entry(p, 1), entry(dead, 1), entry(other, 1), {s->id().short_id(), 1, 0}});
    auto const told = s.compare(p, digest_kind::repair, 1, with(message_type::listing, theirs));
    CHECK(tells(told, dead.key(), message_type::dead));
    // The other way round.
    s.compare(p, digest_kind::repair, 1, [&](wire::packet_writer& packet) {
        packet.announce(other.record());
        packet.accuse(message_type::dead, other.key(), 1, std::array{p.key()});
    });
    CHECK(s.state_of(other) == member_state::suspect);
    CHECK(s.fault == "");
}

TEST_CASE("what a comparison brings is not gossiped about before this node has joined, and is known as such") {
    comparing s;
    puppet& p = s.add_member(1);
    puppet& beyond = s.add(2);
    s.compare(p, digest_kind::repair, 1, [&](wire::packet_writer& packet) { packet.announce(beyond.record()); });
    CHECK(s.state_of(beyond) == member_state::alive);
    CHECK(s.last(event_kind::member_up)->why == cause::state_exchange);
}

TEST_CASE("a stranger is asked who it is, and is not answered") {
    comparing s;
    s.add_member(1);
    puppet& stranger = s.add(2);
    auto const answer = s.compare(stranger, digest_kind::ask, 1, nothing_more);
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].find(message_type::want, stranger.key()) != nullptr);
    CHECK(answer[0].find(message_type::digest) == nullptr);
    CHECK(s.refused(gossip_error::unknown_subject) == 1);
}

TEST_CASE("an answer nobody asked for, bodies without a digest and damaged bodies are refused and counted") {
    comparing s;
    puppet& p = s.add_member(1);
    CHECK(s.compare(p, digest_kind::answer, 1, nothing_more).empty());
    CHECK(s.refused(gossip_error::unexpected_ack) == 1);
    bytes const damaged(7, std::byte{0xff});
    for (auto const type : {message_type::sums, message_type::listing, message_type::pull}) {
        CHECK(s.deliver(p, with(type, damaged)).empty());
        CHECK(s.compare(p, digest_kind::repair, 1, with(type, damaged)).empty());
    }
    CHECK(s.refused(gossip_error::message_out_of_place) == 3);
    CHECK(s->counters().malformed == 3);
    CHECK(s.fault == "");
}

TEST_CASE("others' comparisons have a budget, and a flood of them does not use up this node's own") {
    auto t = quiet();
    t.comparison_packets = 10;
    comparing s{t};
    puppet& p = s.add_member(1);
    puppet& q = s.add_member(2);
    s.settle({&p, &q});
    auto const ask = s.next_ask();
    REQUIRE(ask);
    puppet& asked = ask->to == p.where ? p : q;
    puppet& flooding = ask->to == p.where ? q : p;
    std::size_t answered = 0;
    for (int i = 0; i < 100; ++i) answered += s.compare(flooding, digest_kind::ask, 0, nothing_more).size();
    CHECK(answered == 10);
    CHECK(s.refused(gossip_error::comparison_over_budget) == 90);
    bytes const theirs = listing_of(0, 0, {entry(p, 1)});
    CHECK(tells(s.compare(asked, digest_kind::repair, 1, with(message_type::listing, theirs)), q.key()));
    CHECK(s.compare(flooding, digest_kind::repair, 1, with(message_type::listing, theirs)).empty());
}

TEST_CASE("a partner that never agrees costs four comparisons and one exchange, then it is left alone") {
    comparing s;
    puppet& liar = s.add_member(1);
    s.settle({&liar});
    std::size_t asks = 0;
    for (; s.dials.empty() && asks < 20; ++asks) {
        if (!s.next_ask()) break;
        s.compare(liar, digest_kind::answer, 1, nothing_more);
    }
    CHECK(asks == 4);
    CHECK(s.dials.size() == 1);
    CHECK(s.refused(gossip_error::never_agrees) == 1);
    s.closed(s.dials[0].id);
    s.forget();
    s.advance(2min);
    CHECK(s.sent_count(message_type::digest) == 0);
    CHECK(s.dials.empty());
    s.advance(2min);
    CHECK(s.sent_count(message_type::digest) > 0);
    CHECK(s.fault == "");
}

TEST_CASE("where datagrams do not arrive, everything is exchanged by stream after three questions in vain") {
    comparing s;
    puppet& p = s.add_member(1);
    s.settle({&p});
    for (int i = 0; i < 3; ++i) s.next_ask();
    s.advance(13s);
    REQUIRE_FALSE(s.dials.empty());
    CHECK(s.dials[0].to == p.where);
}

TEST_CASE("whoever knows half as many or twice as many is exchanged with whole") {
    comparing s;
    puppet& p = s.add_member(1);
    s.settle({&p});
    REQUIRE(s.next_ask());
    s.deliver(p, [&](wire::packet_writer& packet) { packet.digest(digest_kind::answer, 500, 1); });
    REQUIRE(s.dials.size() == 1);
    CHECK(s.dials[0].to == p.where);
    // One such exchange at a time.
    s.deliver(p, [&](wire::packet_writer& packet) { packet.digest(digest_kind::answer, 500, 1); });
    CHECK(s.dials.size() == 1);
}

TEST_CASE("who learns much from a comparison compares again at once, who learns nothing takes its time") {
    for (bool const learns : {true, false}) {
        comparing s;
        puppet& p = s.add_member(1);
        s.settle({&p});
        REQUIRE(s.next_ask());
        puppet& beyond = s.add(100);
        puppet& further = s.add(101);
        s.compare(p, digest_kind::repair, 1, [&](wire::packet_writer& packet) {
            packet.announce(learns ? beyond.record() : p.record());
            packet.announce(learns ? further.record() : p.record());
        });
        s.forget();
        s.advance(600ms); // twice the gossip interval, and jitter
        CHECK(s.sent_count(message_type::digest) == (learns ? 1 : 0));
    }
}
