// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the engine's entries: putting and erasing, what is taken over and refused, comparing, and earlier lives.
#include <peerkit/gossip/impl/engine_entries.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <support/cluster.hpp>
#include <support/compiled_stage.hpp>

using namespace peerkit;
using namespace tests;
using wire::digest_kind;
using wire::entry_view;

namespace {

bytes entry_of(puppet const& p, std::string_view key, std::string_view value, std::uint64_t version,
               bool erased = false) {
    bytes made(entry_view::most);
    crypto::signing_room room;
    auto const signed_entry =
        crypto::sign_entry(p.identity, p.keys.network, version, key, as_bytes(value), erased, room, made);
    REQUIRE(signed_entry);
    made.resize(signed_entry->bytes().size());
    return made;
}
void write(wire::packet_writer& packet, bytes const& entry) {
    byte_span const body = packet.body(message_type::entry, entry.size());
    REQUIRE_FALSE(body.empty());
    copy_bytes(entry, body);
}

struct table : basic_stage<fake_engine> {
    explicit table(gossip::tunables const& t = quiet(), std::uint64_t incarnation = 1)
        : basic_stage{with(t, incarnation)} {
        REQUIRE(start());
    }
    std::vector<sent_datagram> say(puppet& by, bytes const& entry) {
        return deliver(by, [&](wire::packet_writer& packet) { write(packet, entry); });
    }
    result<void> put(std::string_view key, std::string_view value) {
        return call([&](auto& e, time_point at, gossip::outbox&) { return e.put(key, as_bytes(value), at); });
    }
    result<void> erase(std::string_view key) {
        return call([&](auto& e, time_point at, gossip::outbox&) { return e.erase(key, at); });
    }
    [[nodiscard]] std::string value(node_id const& of, std::string_view key) const {
        auto const held = machine().get(of, key);
        return held ? std::string{as_text(held->value())} : "nothing";
    }
    /// A packet of a comparison about the entries of `owner`, of whom the sender holds these.
    std::vector<sent_datagram> compare(puppet& by, short_id owner, std::uint32_t record,
                                       std::vector<std::uint32_t> marks, bool answer = true) {
        return deliver(by, [&](wire::packet_writer& packet) {
            packet.digest(digest_kind::repair, 2, 1);
            REQUIRE(wire::entry_marks_view::write(packet, owner, answer, record, marks));
        });
    }
};

std::uint32_t mark_of(bytes const& entry) { return membership::entry_store::mark(entry_view::trusted(entry)); }
std::uint32_t record_mark(puppet const& p) {
    bytes const record = p.record();
    return static_cast<std::uint32_t>(
        membership::fingerprint(p.key(), p.incarnation, load_big<std::uint64_t>(record.data() + record.size() - 64)));
}
std::vector<bytes> told(std::vector<sent_datagram> const& sent) {
    std::vector<bytes> found;
    for (sent_datagram const& s : sent) {
        for (heard const& h : s.messages) {
            if (h.type == message_type::entry) found.push_back(h.record);
        }
    }
    return found;
}

} // namespace

TEST_CASE("what a node puts it holds, tells the others, and takes out again") {
    table s;
    puppet& p = s.add_member(1);
    s.advance(10s);
    s.forget();
    REQUIRE(s.put("role", "leader"));
    CHECK(s.value(s->id(), "role") == "leader");
    CHECK(s.machine().entry_count() == 1);
    s.advance(100ms);
    auto const first = told(s.sent_to(p));
    REQUIRE(first.size() == 1);
    auto const said = entry_view::parse(first[0]);
    REQUIRE(said);
    crypto::signing_room room;
    CHECK(crypto::verify_entry<crypto::fake_identity>(*said, s->id(), p.keys.network, room));
    CHECK(said->key() == "role");
    CHECK(said->version() > 1); // above the incarnation it began with
    s.advance(20s);
    s.forget();
    REQUIRE(s.put("role", "leader")); // nothing new
    s.advance(1s);
    CHECK(told(s.sent).empty());
    REQUIRE(s.erase("role"));
    CHECK(s.value(s->id(), "role") == "nothing");
    s.advance(1s);
    auto const gone = told(s.sent_to(p));
    REQUIRE_FALSE(gone.empty());
    CHECK(entry_view::parse(gone[0])->erased());
    CHECK(entry_view::parse(gone[0])->version() == said->version() + 1);
    CHECK(s.count(event_kind::entry_changed) == 0); // the host knows what it did
    CHECK(s.fault == "");
}

TEST_CASE("what cannot be an entry is refused with what is wrong with it, and what is held stays") {
    table s;
    CHECK(s.put("", "v").error() == core_error::empty);
    CHECK(s.put("two words", "v").error() == core_error::bad_character);
    auto const large = s.put("k", std::string(limits::entry_value + 1, 'v'));
    CHECK(large.error() == gossip_error::entry_too_large);
    CHECK(large.error().position() == limits::entry_value + 1);
    CHECK(large.error().field() == "limits::entry_value");
    CHECK(s.erase("k").error() == core_error::not_found);
    for (std::size_t i = 0; i < limits::own_entries; ++i) REQUIRE(s.put("k" + std::to_string(i), "v"));
    auto const many = s.put("another", "v");
    CHECK(many.error() == gossip_error::too_many_entries);
    CHECK(many.error().field() == "limits::own_entries");
    CHECK(s.put("k7", "changed"));
    REQUIRE(s.erase("k8"));
    CHECK(s.erase("k8").error() == core_error::not_found);
    CHECK(s.put("another", "v"));
    for (std::size_t i = 10; i < limits::own_entries; ++i) (void)s.put("k" + std::to_string(i), std::string(800, 'v'));
    auto const bytes_over = s.put("k9", std::string(800, 'v'));
    CHECK(bytes_over.error() == gossip_error::too_many_entries);
    CHECK(bytes_over.error().field() == "limits::own_entry_bytes");
    CHECK(s.value(s->id(), "k9") == "v");
    s.call([](auto& e, time_point now, gossip::outbox& out) {
        e.leave(now, out);
        return 0;
    });
    CHECK(s.put("k9", "x").error() == gossip_error::not_running);
    CHECK(s.fault == "");
}

TEST_CASE("an entry of another member is taken over once, told on, and its host hears of each version once") {
    table s;
    puppet &p = s.add_member(1), &q = s.add_member(2);
    s.advance(20s);
    s.forget();
    bytes const first = entry_of(p, "a", "1", 5), second = entry_of(p, "a", "2", 6),
                gone = entry_of(p, "a", "", 7, true);
    s.say(q, first);
    s.say(p, first);
    REQUIRE(s.events.size() == 1);
    CHECK(s.events[0].kind == event_kind::entry_changed);
    CHECK(s.events[0].subject == p.id());
    CHECK(s.events[0].by == q.key());
    CHECK(s.events[0].key.view() == "a");
    CHECK(s.events[0].version == 5);
    CHECK(s.machine().counters().entries_repeated == 1);
    CHECK(s.value(p.id(), "a") == "1");
    s.say(q, gone);
    CHECK(s.value(p.id(), "a") == "nothing");
    CHECK(s.count(event_kind::entry_erased) == 1);
    // What is older is answered with what is held.
    auto const answer = s.say(q, second);
    REQUIRE_FALSE(told(answer).empty());
    CHECK(equal(told(answer)[0], gone));
    CHECK(s.refused(gossip_error::stale) == 1);
    CHECK(s.count(event_kind::entry_changed) == 1);
    s.advance(5s);
    CHECK_FALSE(told(s.sent_to(p)).empty());
    CHECK(s.fault == "");
}

TEST_CASE("nobody can put or erase for another, and an unknown owner is asked about") {
    table s;
    puppet &p = s.add_member(1), &q = s.add_member(2);
    s.say(p, entry_of(p, "a", "1", 5));
    bytes forged = entry_of(q, "a", "mine", 9);
    store_big(forged.data(), static_cast<std::uint64_t>(p.key()));
    s.say(q, forged);
    forged = entry_of(q, "a", "", 10, true);
    store_big(forged.data(), static_cast<std::uint64_t>(p.key()));
    s.say(q, forged);
    CHECK(s.refused(gossip_error::bad_signature) == 2);
    CHECK(s.value(p.id(), "a") == "1");
    puppet stranger{77};
    auto const answer = s.say(q, entry_of(stranger, "a", "1", 5));
    CHECK(s.refused(gossip_error::unknown_subject) == 1);
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].find(message_type::want, stranger.key()) != nullptr);
    bytes damaged = entry_of(p, "b", "1", 6);
    damaged[16] = std::byte{4};
    s.say(p, damaged);
    CHECK(s.machine().counters().malformed == 1);
    CHECK(s.machine().entry_count() == 1);
    CHECK(s.fault == "");
}

TEST_CASE("two entries with one version are a conflict that is told once, and all keep the same") {
    for (bool const turned : {false, true}) {
        table s;
        puppet& p = s.add_member(1);
        bytes const one = entry_of(p, "a", "1", 5), two = entry_of(p, "a", "2", 5);
        for (bytes const& e : turned ? std::vector<bytes>{one, two, one} : std::vector<bytes>{two, one, two})
            s.say(p, e);
        CHECK(s.value(p.id(), "a") == "1");
        CHECK(s.count(event_kind::conflict) == 1);
        CHECK(s.fault == "");
    }
}

TEST_CASE("a flood of one member's entries stays within its caps and its budget, and takes nothing from the others") {
    table s;
    puppet &p = s.add_member(1), &q = s.add_member(2);
    for (std::uint64_t i = 1; i <= 2000; ++i) s.say(p, entry_of(p, "k" + std::to_string(i), "v", i));
    CHECK(s.refused(gossip_error::too_many_entries) > 1500);
    CHECK(s.machine().counters().signatures_checked < 400);
    std::size_t held = 0;
    s.machine().for_each_entry(p.id(), [&](entry_view const&) { ++held; });
    CHECK(held <= limits::entries);
    s.say(q, entry_of(q, "a", "1", 5));
    CHECK(s.value(q.id(), "a") == "1");
    // Its budget fills again; in the end the newest are held.
    for (std::uint64_t i = 2001; i <= 4000; ++i) {
        s.sleep(60ms);
        s.say(p, entry_of(p, "k" + std::to_string(i), "v", i));
    }
    held = 0;
    s.machine().for_each_entry(p.id(), [&](entry_view const&) { ++held; });
    CHECK(held == limits::entries);
    CHECK(s.value(p.id(), "k4000") == "v");
    CHECK(s.fault == "");
}

TEST_CASE("when all entries together take too much, those of the dead go first and those of the living stay") {
    gossip::tunables t = quiet();
    t.max_entry_bytes = 2500;
    table s{t};
    puppet &p = s.add_member(1), &q = s.add_member(2);
    s.say(p, entry_of(p, "a", std::string(800, 'p'), 1));
    s.say(q, entry_of(q, "a", std::string(800, 'q'), 1));
    s.say(q, entry_of(q, "b", std::string(800, 'q'), 2));
    CHECK(s.refused(gossip_error::entries_full) == 1);
    CHECK(s.value(q.id(), "b") == "nothing");
    s.accuse(q, message_type::dead, p, p.incarnation);
    REQUIRE(s.state_of(p) == member_state::dead);
    bytes forged = entry_of(p, "b", std::string(800, 'q'), 2);
    store_big(forged.data(), static_cast<std::uint64_t>(q.key()));
    s.say(p, forged);
    CHECK(s.value(p.id(), "a") != "nothing"); // the dead are remembered, and give way only to what is signed
    s.say(q, entry_of(q, "b", std::string(800, 'q'), 2));
    CHECK(s.value(q.id(), "b") != "nothing");
    CHECK(s.value(p.id(), "a") == "nothing");
    CHECK(s.fault == "");
}

TEST_CASE("a comparison of entries is answered with what the other lacks, and with the own marks if it has more") {
    table s;
    puppet &p = s.add_member(1), &q = s.add_member(2);
    bytes const a = entry_of(p, "a", "1", 1), b = entry_of(p, "b", "1", 2), c = entry_of(p, "c", "1", 3);
    s.say(p, a);
    s.say(p, b);
    s.say(p, entry_of(p, "d", "", 4, true));
    s.advance(20s);
    std::vector<std::uint32_t> const same = {std::min(mark_of(a), mark_of(b)), std::max(mark_of(a), mark_of(b))};
    CHECK(s.compare(q, p.key(), record_mark(p), same).empty());

    auto answer = s.compare(q, p.key(), record_mark(p), {mark_of(b)});
    REQUIRE(answer.size() == 1);
    CHECK((told(answer) == std::vector<bytes>{a}));
    CHECK(answer[0].find(message_type::entry_marks) == nullptr);
    CHECK(answer[0].find(message_type::announce) == nullptr);

    answer = s.compare(q, p.key(), record_mark(p), {mark_of(c)});
    REQUIRE(answer.size() == 1);
    CHECK((told(answer) == std::vector<bytes>{a, b}));
    heard const* const marks = answer[0].find(message_type::entry_marks);
    REQUIRE(marks != nullptr);
    auto const read = wire::entry_marks_view::parse(marks->record);
    REQUIRE(read);
    CHECK(read->owner() == p.key());
    CHECK(read->record() == record_mark(p));
    CHECK_FALSE(read->answer());
    CHECK(read->size() == 2);
    // Asked no further, it says no more.
    answer = s.compare(q, p.key(), record_mark(p), {mark_of(c)}, false);
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].find(message_type::entry_marks) == nullptr);

    answer = s.compare(q, p.key(), record_mark(p) + 1, same);
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].find(message_type::announce, p.key()) != nullptr);
    // Nobody it knows: it wants the record first.
    answer = s.compare(q, short_id{12345}, 0, {1});
    REQUIRE(answer.size() == 1);
    CHECK(answer[0].find(message_type::pull) != nullptr);
    // Outside of a comparison there is nothing to compare.
    s.deliver(q, [&](wire::packet_writer& packet) {
        wire::entry_marks_view::write(packet, p.key(), true, record_mark(p), {});
    });
    CHECK(s.refused(gossip_error::message_out_of_place) == 1);
    CHECK(s.fault == "");
}

TEST_CASE("a whole map that is missing comes in as many datagrams as it takes") {
    table s;
    puppet &p = s.add_member(1), &q = s.add_member(2);
    for (std::uint64_t i = 1; i <= 5; ++i) s.say(p, entry_of(p, "k" + std::to_string(i), std::string(500, 'v'), i));
    s.advance(20s);
    auto const answer = s.compare(q, p.key(), record_mark(p), {});
    CHECK(answer.size() == 5);
    CHECK(told(answer).size() == 5);
    CHECK(s.machine().counters().entries_repaired == 5);
    // Somebody who may not be there gets no more than three times what was sent in its name.
    auto const elsewhere = s.deliver(
        q,
        [&](wire::packet_writer& packet) {
            packet.digest(digest_kind::repair, 2, 1);
            wire::entry_marks_view::write(packet, p.key(), true, record_mark(p), {});
        },
        ip_endpoint{ip_address::v4(192, 0, 2, 1), 9000});
    CHECK(elsewhere.empty());
    CHECK(s.fault == "");
}

TEST_CASE("entries of an earlier life come back to their owner; what was put since is said again, above them") {
    table s{quiet(), 1000};
    puppet& p = s.add_member(1);
    puppet earlier{table::own_seed}; // the same key
    REQUIRE(s.put("kept", "new"));
    s.say(p, entry_of(earlier, "kept", "old", 5000));
    s.say(p, entry_of(earlier, "other", "old", 5001));
    CHECK(s.value(s->id(), "kept") == "new");
    CHECK(s.machine().get(s->id(), "kept")->version() == 5001);
    CHECK(s.value(s->id(), "other") == "old");
    REQUIRE(s.events.size() >= 1);
    CHECK(s.last(event_kind::entry_changed)->subject == s->id());
    CHECK(s.last(event_kind::entry_changed)->key.view() == "other");
    // Adopted is not put: an even newer one of that life takes its place, until the host has its say.
    s.say(p, entry_of(earlier, "other", "newer", 6000));
    CHECK(s.value(s->id(), "other") == "newer");
    REQUIRE(s.put("other", "newer"));
    s.say(p, entry_of(earlier, "other", "newest", 7000));
    CHECK(s.value(s->id(), "other") == "newer");
    CHECK(s.machine().get(s->id(), "other")->version() == 7001);
    REQUIRE(s.erase("other"));
    s.say(p, entry_of(earlier, "other", "again", 8000));
    CHECK(s.value(s->id(), "other") == "nothing");
    CHECK(s.fault == "");
}

TEST_CASE("what goes with its member: a forgotten member's entries are forgotten") {
    gossip::tunables t = quiet();
    t.tombstone_time = 100h;
    table s{t};
    puppet& p = s.add_member(1);
    s.add_member(2);
    s.say(p, entry_of(p, "a", "1", 1));
    s.deliver(p, [&](auto& packet) { packet.announce(p.record(2, true)); });
    REQUIRE(s.state_of(p) == member_state::left);
    CHECK(s.value(p.id(), "a") == "1");
    s.advance(110h);
    CHECK_FALSE(s.state_of(p));
    CHECK(s.machine().entry_count() == 0);
    CHECK(s.fault == "");
}

TEST_CASE("whoever joins gets everybody's entries, and a few nodes that change theirs end with the same") {
    tests::cluster c{5};
    for (std::size_t i = 1; i < 4; ++i) c.join(i, 0);
    c.run_for(5s);
    auto const put = [&](std::size_t i, std::string const& key, std::string const& value) {
        c.call(i, [&](fake_engine& e, time_point now, gossip::outbox&) { REQUIRE(e.put(key, as_bytes(value), now)); });
    };
    for (std::size_t i = 0; i < 4; ++i) {
        for (int k = 0; k < 100; ++k) put(i, "k" + std::to_string(k), std::string(400, static_cast<char>('a' + i)));
    }
    c.run_for(30s);
    c.join(4, 0);
    c.run_for(10s);
    for (std::size_t owner = 0; owner < 4; ++owner) {
        for (std::size_t i = 0; i < 5; ++i) {
            std::size_t held = 0;
            c[i].for_each_entry(c[owner].id(), [&](entry_view const& e) {
                held += as_text(e.value()) == std::string(400, static_cast<char>('a' + owner)) ? 1U : 0U;
            });
            CHECK(held == 100);
        }
    }
}
