// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of node::candidate_book: what is merged, what is kept, what is taken back, who gives way to whom.
#include <peerkit/node/candidate_book.hpp>

#include <peerkit/core/rng.hpp>
#include <peerkit/discovery/error.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <support/allocations.hpp>

using namespace peerkit;
using namespace std::chrono_literals;
using discovery::candidate;
using discovery::presence;
using discovery::provenance;
using node::call_result;
using node::candidate_book;
using node::candidate_gate;
using node::drop_reason;
using node::known_candidate;

namespace {

constexpr time_point start{1000s};

ip_endpoint place(unsigned i) {
    return {ip_address::v4(10, static_cast<std::uint8_t>(i >> 16U), static_cast<std::uint8_t>(i >> 8U),
                           static_cast<std::uint8_t>(i)),
            9000};
}
node_id person(unsigned i) {
    node_id id;
    store_big(id.bytes.data(), std::uint64_t{i} + 1);
    return id;
}
candidate made(provenance source, std::initializer_list<unsigned> places, std::optional<unsigned> who = std::nullopt) {
    candidate c;
    c.source = source;
    for (unsigned const p : places) static_cast<void>(c.addresses.push_back(place(p)));
    if (who) c.id = person(*who);
    return c;
}

struct books {
    explicit books(node::book_bounds const& bounds = {1024, 256, 0s}) : book{bounds, 77} {}

    candidate_book::taken answer(std::vector<candidate> const& found) {
        auto const taken = book.take_answer(found, gate, now);
        CHECK(book.check_invariants() == 0);
        return taken;
    }
    known_candidate* keep(candidate const& c) {
        known_candidate* const entry = book.keep(c, gate, now);
        CHECK(book.check_invariants() == 0);
        return entry;
    }
    candidate_book::learnt learn(unsigned who, std::vector<ip_endpoint> const& where,
                                 provenance from = provenance::gossip) {
        auto const learnt = book.learn(person(who), where, from, gate, now);
        CHECK(book.check_invariants() == 0);
        return learnt;
    }
    /// The candidate was called again and again, and never answered.
    void give_up(unsigned at) {
        known_candidate* const entry = book.find(place(at));
        REQUIRE(entry != nullptr);
        book.called(*entry, place(at), now);
        entry->unanswered = candidate_book::hopeless;
    }
    [[nodiscard]] bool has(unsigned at) const { return book.find(place(at)) != nullptr; }
    [[nodiscard]] known_candidate const& at(unsigned where) const {
        known_candidate const* const entry = book.find(place(where));
        REQUIRE(entry != nullptr);
        return *entry;
    }
    [[nodiscard]] std::set<std::string> addresses(unsigned where) const {
        std::set<std::string> all;
        for (node::known_place const& p : at(where).places) all.insert(p.where.to_string());
        return all;
    }

    candidate_book book;
    candidate_gate gate;
    time_point now = start;
};

} // namespace

TEST_CASE("an empty book knows nobody") {
    books b;
    CHECK(b.book.size() == 0);
    CHECK(b.book.find(place(1)) == nullptr);
    CHECK(b.book.find(person(1)) == nullptr);
    CHECK(b.book.find(node_id{}) == nullptr);
    CHECK(b.answer({}).named == 0);
    CHECK(b.book.check_invariants() == 0);
}

TEST_CASE("what is found is kept with its name, labels, presence and strategy") {
    books b;
    candidate c = made(provenance::dns, {1, 2}, 5);
    c.name = c.name.cut("db1");
    c.labels = {{"zone", "a"}};
    c.state = presence::online;
    c.strategy = c.strategy.cut("dns_pattern");
    auto const taken = b.answer({c});
    CHECK(taken.named == 1);
    CHECK(taken.news);
    known_candidate const& entry = b.at(1);
    CHECK(&entry == b.book.find(place(2)));
    CHECK(&entry == b.book.find(person(5)));
    CHECK(entry.name == "db1");
    CHECK(entry.labels == std::vector<label>{{"zone", "a"}});
    CHECK(entry.state == presence::online);
    CHECK(entry.strategy.view() == "dns_pattern");
    CHECK(entry.sources == node::provenance_set{provenance::dns});
    CHECK(entry.last.what == call_result::untried);
    CHECK(b.book.due(entry) == start);
    CHECK_FALSE(b.answer({c}).news);
}

TEST_CASE("candidates with the same identity or a shared address are one, and remember all their sources") {
    books b;
    candidate in_dns = made(provenance::dns, {1});
    candidate in_file = made(provenance::file, {1, 2});
    in_file.name = in_file.name.cut("one");
    candidate on_link = made(provenance::mdns, {3}, 9), in_tailnet = made(provenance::tailscale, {4}, 9);
    b.answer({in_dns, in_file, on_link, in_tailnet});
    CHECK(b.book.size() == 2);
    CHECK(b.at(1).sources == (node::provenance_set{provenance::dns} | provenance::file));
    CHECK(b.at(1).places[0].sources() == (node::provenance_set{provenance::dns} | provenance::file));
    CHECK(b.at(2).places[1].sources() == node::provenance_set{provenance::file});
    CHECK(b.at(1).name == "one");
    CHECK(&b.at(3) == &b.at(4));
    CHECK(b.at(3).sources == (node::provenance_set{provenance::mdns} | provenance::tailscale));
}

TEST_CASE("two identities at one address stay apart") {
    books b;
    b.answer({made(provenance::dns, {1}, 1), made(provenance::registry, {1}, 2)});
    CHECK(b.book.size() == 2);
    CHECK(b.book.find(person(1)) != b.book.find(person(2)));
    // Neither is lost when the other goes.
    b.answer({made(provenance::registry, {1}, 2)});
    CHECK(b.book.size() == 1);
    CHECK(b.book.find(person(2)) == b.book.find(place(1)));
}

TEST_CASE("two candidates that turn out to be one become one, however far apart they were found") {
    books b;
    b.keep(made(provenance::host, {1}));
    b.book.called(*b.book.find(place(1)), place(1), start);
    b.answer({made(provenance::dns, {2}), made(provenance::dns, {3})});
    CHECK(b.book.size() == 3);
    b.now += 1s;
    b.answer({made(provenance::tailscale, {2, 1, 3})});
    CHECK(b.book.size() == 1);
    CHECK(b.addresses(1).size() == 3);
    CHECK(b.at(3).last.what == call_result::called);
    CHECK(b.at(2).sources.contains(provenance::host));
}

TEST_CASE("what the host's own candidate took in from strategies is taken back like everything they say") {
    books b;
    b.answer({made(provenance::dns, {1, 2}), made(provenance::dns, {3})});
    b.keep(made(provenance::host, {2, 3}));
    CHECK(b.book.size() == 1);
    CHECK(b.addresses(2).size() == 3);
    b.answer({});
    CHECK(b.addresses(2) == std::set<std::string>{place(2).to_string(), place(3).to_string()});
    CHECK(b.at(2).sources == node::provenance_set{provenance::host});
}

TEST_CASE("a stranger cannot make one candidate of two") {
    books b;
    b.answer(
        {made(provenance::static_list, {1}), made(provenance::static_list, {2}), made(provenance::mdns, {1, 2}, 5)});
    CHECK(b.book.size() == 2);
    CHECK(&b.at(1) != &b.at(2));
    // Nor give it an identity.
    CHECK_FALSE(b.at(1).id);
    CHECK(b.book.find(person(5)) == nullptr);
}

TEST_CASE("the name of a more trusted source counts, that of a less trusted one only where there is none") {
    books b;
    auto const named = [](provenance p, char const* name) {
        candidate c = made(p, {1});
        c.name = c.name.cut(name);
        return c;
    };
    b.answer({named(provenance::mdns, "link")});
    CHECK(b.at(1).name == "link");
    b.answer({named(provenance::file, "file"), named(provenance::mdns, "link"), named(provenance::dns, "")});
    CHECK(b.at(1).name == "file");
    b.answer({named(provenance::dns, "dns")});
    CHECK(b.at(1).name == "file");
    b.answer({named(provenance::file, "renamed")});
    CHECK(b.at(1).name == "renamed");
}

TEST_CASE("a new answer takes the place of the old; what the host keeps and members announced stays") {
    books b;
    b.keep(made(provenance::host, {50}));
    b.learn(60, {place(60)});
    b.answer({made(provenance::dns, {1}), made(provenance::dns, {2, 3}), made(provenance::dns, {50})});
    CHECK(b.book.size() == 4);
    CHECK(b.answer({made(provenance::dns, {3}), made(provenance::dns, {4})}).named == 2);
    CHECK_FALSE(b.has(1));
    CHECK_FALSE(b.has(2));
    CHECK(b.has(3));
    CHECK(b.has(4));
    CHECK(b.has(50));
    CHECK(b.at(50).sources == node::provenance_set{provenance::host});
    CHECK(b.has(60));
    CHECK(b.answer({}).named == 0);
    CHECK(b.book.size() == 2);
}

TEST_CASE("a candidate named by two sources stays until neither names it") {
    books b;
    b.answer({made(provenance::dns, {1}), made(provenance::file, {1})});
    b.answer({made(provenance::file, {1})});
    CHECK(b.at(1).sources == node::provenance_set{provenance::file});
    b.answer({made(provenance::dns, {1})});
    CHECK(b.at(1).sources == node::provenance_set{provenance::dns});
    b.answer({});
    CHECK_FALSE(b.has(1));
}

TEST_CASE("an answer cannot take back what has time to live left") {
    books b;
    candidate c = made(provenance::dns, {1});
    c.time_to_live = 30s;
    b.answer({c, made(provenance::dns, {2})});
    b.now += 29s;
    CHECK(b.answer({}).named == 1);
    CHECK(b.has(1));
    CHECK_FALSE(b.has(2));
    b.now += 1s;
    CHECK(b.has(1)); // nobody has answered since
    b.answer({});
    CHECK_FALSE(b.has(1));
}

TEST_CASE("what others than the user named lingers a while, because their answers may be partial") {
    books b{{}};
    b.answer({made(provenance::dns, {1}), made(provenance::mdns, {2}), made(provenance::file, {3})});
    b.now += 100s;
    CHECK(b.answer({made(provenance::dns, {4})}).named == 3);
    CHECK(b.has(1));
    CHECK(b.has(2));
    CHECK_FALSE(b.has(3));
    b.now += 80s;
    CHECK(b.answer({}).named == 1);
    CHECK(b.has(4));
    CHECK(b.book.shortest_life() == std::nullopt);
}

TEST_CASE("the shortest time to live of an answer is told, a day at most") {
    books b;
    CHECK(b.book.shortest_life() == std::nullopt);
    candidate one = made(provenance::dns, {1}), two = made(provenance::dns, {2});
    one.time_to_live = 300s;
    two.time_to_live = 20s;
    b.answer({one, two, made(provenance::dns, {3})});
    CHECK(b.book.shortest_life() == 20s);
    one.time_to_live = duration::max();
    b.answer({one});
    CHECK(b.book.shortest_life() == 24h);
    b.now += 25h;
    b.answer({});
    CHECK_FALSE(b.has(1));
    CHECK(b.book.shortest_life() == std::nullopt);
}

TEST_CASE("what does not pass the gate is counted by its reason and not kept") {
    discovery::own_identity own;
    own.id = person(7);
    own.port = 9000;
    own.addresses = {place(8).address};
    books b;
    b.gate = candidate_gate{own, [](ip_endpoint const& there, provenance) { return there != place(9); }};
    candidate half = made(provenance::dns, {8, 1, 9});
    static_cast<void>(half.addresses.push_back({ip_address::v4(127, 0, 1, 1), 9000}));
    static_cast<void>(half.addresses.push_back({ip_address::v4(224, 0, 0, 1), 9000}));
    b.answer({half, made(provenance::dns, {2}, 7), made(provenance::dns, {8})});
    CHECK(b.book.size() == 1);
    CHECK(b.addresses(1) == std::set<std::string>{place(1).to_string()});
    CHECK(b.book.dropped(drop_reason::own_address) == 2);
    CHECK(b.book.dropped(drop_reason::own_id) == 1);
    CHECK(b.book.dropped(drop_reason::ruled_out) == 1);
    CHECK(b.book.dropped(drop_reason::not_remote) == 1);
    CHECK(b.book.dropped(drop_reason::unusable) == 1);
    CHECK(b.book.dropped(drop_reason::no_room) == 0);
}

TEST_CASE("a candidate has eight addresses at most, and the trusted ones get in") {
    books b;
    b.answer({made(provenance::mdns, {1, 2, 3, 4, 5, 6, 7, 8}), made(provenance::mdns, {1, 9})});
    CHECK(b.addresses(1).size() == 8);
    CHECK_FALSE(b.has(9));
    b.answer({made(provenance::mdns, {1, 2, 3, 4, 5, 6, 7, 8}), made(provenance::static_list, {8, 10})});
    CHECK(b.addresses(8).size() == 8);
    CHECK(b.has(10));
    CHECK(&b.at(10) == &b.at(8));
}

TEST_CASE("labels are those of the latest answer, no more and no longer than a node may have") {
    books b;
    candidate c = made(provenance::dns, {1}), other = made(provenance::registry, {1});
    c.labels = {{"a", "1"}};
    other.labels = {{"a", "1"}, {"b", "2"}};
    b.answer({c, other});
    CHECK(b.at(1).labels == std::vector<label>{{"a", "1"}, {"b", "2"}});
    b.answer({c});
    CHECK(b.at(1).labels == std::vector<label>{{"a", "1"}});
    c.labels.clear();
    c.labels.push_back({std::string(limits::label_key + 1, 'k'), "v"});
    c.labels.push_back({"k", std::string(limits::label_value + 1, 'v')});
    for (int i = 0; i < 1000; ++i) c.labels.push_back({"k" + std::to_string(i), "v"});
    b.answer({c});
    CHECK(b.at(1).labels.size() == limits::labels);
    CHECK(b.at(1).labels.front().key == "k0");
}

TEST_CASE("somebody who is back online is called soon, once for each time it comes back") {
    books b;
    candidate off = made(provenance::tailscale, {1}), on = off, other = made(provenance::mdns, {1});
    off.state = presence::offline;
    on.state = presence::online;
    b.answer({off});
    known_candidate& entry = *b.book.find(place(1));
    b.book.set_due(entry, start + 1h);
    entry.unanswered = 9;
    CHECK_FALSE(b.answer({off}).news);
    CHECK(b.book.due(entry) == start + 1h);
    CHECK(b.answer({on}).news);
    CHECK(b.book.due(entry) == start);
    CHECK(entry.unanswered == 0);
    b.book.set_due(entry, start + 1h);
    CHECK_FALSE(b.answer({on}).news);
    // Of two sources one may be behind.
    CHECK_FALSE(b.answer({off, on}).news);
    CHECK(entry.state == presence::online);
    CHECK_FALSE(b.answer({off, on}).news);
    CHECK(b.book.due(entry) == start + 1h);
}

TEST_CASE("a member nobody had named becomes a candidate; of one that was named it is noted who is there") {
    books b;
    b.answer({made(provenance::static_list, {1}), made(provenance::dns, {2}, 2)});
    auto const by_address = b.learn(1, {place(1)});
    CHECK(by_address.entry == &b.at(1));
    CHECK_FALSE(by_address.is_new);
    CHECK(by_address.entry->member == person(1).short_id());
    CHECK(b.at(1).sources == (node::provenance_set{provenance::static_list} | provenance::gossip));
    CHECK(b.at(1).sought());
    auto const by_id = b.learn(2, {place(77)});
    CHECK_FALSE(by_id.is_new);
    CHECK(b.addresses(2) == std::set<std::string>{place(2).to_string(), place(77).to_string()});
    // It has moved on.
    b.learn(2, {place(78)});
    CHECK(b.addresses(2) == std::set<std::string>{place(2).to_string(), place(78).to_string()});
    // Once known by its own word, it stays when the strategies forget it.
    b.answer({});
    CHECK(b.at(1).sources == node::provenance_set{provenance::gossip});
    CHECK_FALSE(b.at(1).sought());
    CHECK_FALSE(b.has(2));
    CHECK(b.has(78));
    CHECK(b.book.strangers() == 2);
}

TEST_CASE("a member nobody had named is a candidate at all its addresses, and how it was heard of is kept") {
    books b;
    auto const stranger = b.learn(3, {place(3), place(4)}, provenance::inbound);
    REQUIRE(stranger.entry != nullptr);
    CHECK(stranger.is_new);
    CHECK(stranger.entry->id == person(3));
    CHECK(stranger.entry->sources == node::provenance_set{provenance::inbound});
    CHECK(stranger.entry->display_name() == "10.0.0.3");
    CHECK_FALSE(b.learn(3, {place(3), place(4)}).is_new);
    CHECK(b.at(3).sources == (node::provenance_set{provenance::inbound} | provenance::gossip));
    CHECK(b.book.strangers() == 1);
}

TEST_CASE("a member that moved is a candidate at its new addresses only") {
    books b;
    b.learn(1, {place(1), place(2)});
    b.learn(1, {place(2), place(3)});
    CHECK(b.addresses(2) == std::set<std::string>{place(2).to_string(), place(3).to_string()});
    CHECK_FALSE(b.has(1));
    b.learn(1, {place(8), place(9)});
    CHECK(b.addresses(8).size() == 2);
    CHECK(b.book.size() == 1);
    // To where nobody can call it.
    auto const gone = b.learn(1, {{ip_address::v4(127, 0, 0, 1), 9000}});
    CHECK(gone.entry == nullptr);
    CHECK(b.book.size() == 0);
    CHECK(b.learn(1, {}).entry == nullptr);
}

TEST_CASE("two members that announce the same address are two candidates") {
    books b;
    CHECK(b.learn(1, {place(1)}).is_new);
    CHECK(b.learn(2, {place(1)}).is_new);
    CHECK(b.book.size() == 2);
}

TEST_CASE("who said goodbye is a candidate only if somebody seeks it") {
    books b;
    b.learn(1, {place(1)});
    b.answer({made(provenance::dns, {2}, 2), made(provenance::dns, {3})});
    b.learn(2, {place(2)});
    b.learn(3, {place(3), place(33)});
    for (unsigned i = 1; i <= 4; ++i) {
        b.book.said_goodbye(person(i));
        CHECK(b.book.check_invariants() == 0);
    }
    CHECK_FALSE(b.has(1));
    CHECK(b.at(2).sources == node::provenance_set{provenance::dns});
    CHECK(b.at(3).sources == node::provenance_set{provenance::dns});
    CHECK_FALSE(b.has(33));
}

TEST_CASE("the last call is kept: called, answered by whom, refused why") {
    books b;
    b.answer({made(provenance::dns, {1, 2})});
    known_candidate& entry = *b.book.find(place(1));
    CHECK(b.book.answered(place(1), person(9).short_id(), b.now) == nullptr); // nobody had called it
    CHECK(entry.last.what == call_result::untried);
    b.book.called(entry, place(2), b.now);
    CHECK(entry.last.what == call_result::called);
    CHECK(entry.last.where == place(2));
    entry.unanswered = 4;
    b.now += 1s;
    CHECK(b.book.answered(place(2), person(9).short_id(), b.now) == &entry);
    CHECK(entry.last.what == call_result::answered);
    CHECK(entry.last.by == person(9).short_id());
    CHECK(entry.last.when == start + 1s);
    CHECK(entry.unanswered == 0);
    CHECK(entry.proven_place == 1); // the address that works comes first from now on
    b.book.called(entry, place(1), b.now);
    b.book.refused(place(1), discovery::discovery_error::timed_out, b.now + 1s);
    CHECK(entry.last.what == call_result::refused);
    REQUIRE(entry.last.why);
    CHECK(*entry.last.why == discovery::discovery_error::timed_out);
    b.book.refused(place(99), discovery::discovery_error::timed_out, b.now);
}

TEST_CASE("of two candidates at one address the one that was called has answered") {
    books b;
    b.learn(1, {place(1)});
    b.learn(2, {place(1)});
    known_candidate* const second = b.book.find(person(2));
    b.book.called(*second, place(1), b.now);
    CHECK(b.book.answered(place(1), person(2).short_id(), b.now) == second);
}

TEST_CASE("a peer known through members only is due once the engine has forgotten it, or somebody seeks it") {
    books b;
    b.learn(1, {place(1)});
    b.learn(2, {place(2)});
    b.learn(3, {place(3)});
    CHECK(b.book.next_due() == never);
    b.now += 1h;
    b.book.forgotten(person(1), b.now);
    CHECK(b.book.due(b.at(1)) == b.now);
    CHECK(b.book.due(b.at(2)) == never);
    b.answer({made(provenance::dns, {2})});
    CHECK(b.book.due(b.at(2)) == b.now);
    b.keep(made(provenance::host, {3}));
    CHECK(b.book.due(b.at(3)) == b.now);
    // It is back.
    b.learn(1, {place(1)});
    CHECK(b.book.due(b.at(1)) == never);
    // What strategies named once and members still vouch for is found by who was there.
    b.answer({made(provenance::dns, {4})});
    b.learn(4, {place(4)});
    b.answer({});
    b.book.set_due(b.at(4), never);
    b.book.forgotten(person(4), b.now);
    CHECK(b.book.due(b.at(4)) == b.now);
    std::size_t due = 0;
    b.book.for_each_due(b.now, [&](known_candidate&) { ++due; });
    CHECK(due == 3);
}

TEST_CASE("a name from reverse DNS is for those that have none") {
    books b;
    candidate named = made(provenance::static_list, {1});
    named.name = named.name.cut("mine");
    b.answer({named});
    b.learn(2, {place(2)});
    std::vector<node_id> told;
    auto const tell = [&](known_candidate const& entry) { told.push_back(entry.id); };
    CHECK(b.book.name(place(1).address, "theirs", tell) == 0);
    CHECK(b.book.name(place(2).address, std::string(200, 'n'), tell) == 1);
    CHECK(told == std::vector{person(2)});
    CHECK(b.at(1).name == "mine");
    CHECK(b.at(2).name == std::string(limits::name, 'n'));
}

TEST_CASE("strangers have their share and leave the rest to others") {
    books b{{10, 3, 0s}};
    for (unsigned i = 1; i <= 8; ++i) b.learn(i, {place(i)});
    CHECK(b.book.strangers() == 3);
    CHECK(b.book.dropped(drop_reason::no_room) == 5);
    std::vector<candidate> found;
    for (unsigned i = 101; i <= 107; ++i) found.push_back(made(provenance::dns, {i}));
    CHECK(b.answer(found).named == 7);
    CHECK(b.book.size() == 10);
    CHECK(b.book.dropped(drop_reason::no_room) == 5);
}

TEST_CASE("in a full book strangers give way to services and both to the user, never the other way round") {
    books b{{4, 4, 0s}};
    for (unsigned i = 1; i <= 4; ++i) b.learn(i, {place(i)});
    CHECK(b.answer({made(provenance::dns, {11}), made(provenance::dns, {12})}).named == 2);
    CHECK(b.book.strangers() == 2);
    CHECK(b.book.dropped(drop_reason::evicted) == 2);
    for (unsigned i = 21; i <= 24; ++i) CHECK(b.keep(made(provenance::host, {i})) != nullptr);
    CHECK(b.book.strangers() == 0);
    CHECK_FALSE(b.has(11));
    for (unsigned i = 21; i <= 24; ++i) b.give_up(i);
    b.now += 1h;
    // Dead as they are, the host's own stay.
    CHECK(b.answer({made(provenance::dns, {31}), made(provenance::mdns, {32}), made(provenance::file, {33})}).named ==
          0);
    CHECK(b.learn(34, {place(34)}).entry == nullptr);
    for (unsigned i = 21; i <= 24; ++i) CHECK(b.has(i));
    CHECK(b.book.dropped(drop_reason::no_room) == 4);
}

TEST_CASE("among equals only who never answered, after several calls, gives way") {
    books b{{4, 2, 0s}};
    b.learn(1, {place(1)});
    b.learn(2, {place(2)});
    CHECK(b.learn(3, {place(3)}).entry == nullptr);
    b.give_up(1);
    b.give_up(2);
    b.book.answered(place(2), person(2).short_id(), b.now);
    b.now += 2s;
    CHECK(b.learn(3, {place(3)}).is_new);
    CHECK_FALSE(b.has(1));
    CHECK(b.has(2));
    CHECK(b.has(3));
    b.now += 2s;
    CHECK(b.learn(4, {place(4)}).entry == nullptr);
}

TEST_CASE("candidates that strategies no longer name, and only members vouch for, must fit the strangers' share") {
    books b{{10, 1, 0s}};
    b.learn(1, {place(1)});
    b.answer({made(provenance::dns, {2}, 2)});
    candidate both = made(provenance::dns, {2}, 2);
    b.answer({both, made(provenance::mdns, {2}, 2)});
    CHECK(b.book.strangers() == 1);
    b.answer({made(provenance::mdns, {2}, 2)});
    CHECK(b.book.strangers() == 1);
    CHECK(b.has(1));
    CHECK_FALSE(b.has(2));
    CHECK(b.book.dropped(drop_reason::evicted) == 1);
}

TEST_CASE("a hundred thousand strangers fill their share and nothing more") {
    books b;
    b.keep(made(provenance::host, {1}));
    for (unsigned i = 100; i < 100'100; ++i) {
        (void)b.book.learn(person(i), std::vector{place(i)}, provenance::inbound, b.gate, b.now);
        b.now += 1ms;
    }
    CHECK(b.book.check_invariants() == 0);
    CHECK(b.book.strangers() == 256);
    CHECK(b.book.size() == 257);
    CHECK(b.has(1));
    CHECK(b.book.dropped(drop_reason::no_room) == 100'000 - 256);
    std::vector<candidate> flood;
    for (unsigned i = 200'000; i < 300'000; ++i) flood.push_back(made(provenance::mdns, {i}, i));
    b.answer(flood);
    CHECK(b.book.strangers() == 256);
    CHECK(b.has(1));
}

TEST_CASE("whatever comes in, in whatever order, the book holds together") {
    constexpr provenance sources[] = {provenance::static_list, provenance::dns,  provenance::mdns,
                                      provenance::tailscale,   provenance::file, provenance::registry};
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        seeded_rng rng{seed};
        auto const up_to = [&](unsigned most) { return static_cast<unsigned>(uniform(rng, std::uint64_t{most} + 1)); };
        books b{{12 + up_to(20), up_to(12), duration{1s} * up_to(5)}};
        auto const some = [&](provenance source) {
            candidate c = made(source, {});
            for (unsigned n = up_to(9); n > 0; --n) static_cast<void>(c.addresses.push_back(place(up_to(40))));
            if (up_to(2) == 0) c.id = person(up_to(15));
            if (up_to(3) == 0) c.time_to_live = duration{1s} * up_to(100);
            c.state = static_cast<presence>(up_to(2));
            if (up_to(2) == 0) c.name = c.name.cut("n" + std::to_string(up_to(9)));
            if (up_to(4) == 0) c.labels = {{"k", std::to_string(up_to(3))}};
            return c;
        };
        for (int step = 0; step < 400; ++step) {
            b.now += duration{100ms} * up_to(30);
            switch (up_to(5)) {
            case 0:
            case 1: {
                std::vector<candidate> found;
                for (unsigned n = up_to(12); n > 0; --n) found.push_back(some(sources[up_to(5)]));
                auto const taken = b.answer(found);
                CHECK(taken.named <= b.book.size());
                break;
            }
            case 2: b.keep(some(provenance::host)); break;
            case 3: {
                candidate const c = some(provenance::gossip);
                std::vector<ip_endpoint> const where{c.addresses.begin(), c.addresses.end()};
                b.learn(up_to(15), where, up_to(1) == 0 ? provenance::gossip : provenance::inbound);
                break;
            }
            case 4: b.book.said_goodbye(person(up_to(15))); break;
            default:
                if (known_candidate* const entry = b.book.find(place(up_to(40)))) {
                    b.book.called(*entry, entry->places.front().where, b.now);
                    entry->unanswered += up_to(3);
                    if (up_to(1) == 0) b.book.answered(entry->places.front().where, short_id{1}, b.now);
                }
            }
            REQUIRE(b.book.check_invariants() == 0);
            std::size_t seen = 0;
            b.book.for_each([&](known_candidate const&) { ++seen; });
            REQUIRE(seen == b.book.size());
        }
    }
}

TEST_CASE("the same answer again, and members announcing themselves again, allocate nothing") {
    books b;
    std::vector<candidate> found;
    for (unsigned i = 1; i <= 20; ++i) {
        found.push_back(made(provenance::tailscale, {i, 100 + i}));
        found.back().name = found.back().name.cut("a name that is too long to be stored in place " + std::to_string(i));
        found.back().labels = {{"tag", "a value that is too long to be stored in place"}};
    }
    std::vector<ip_endpoint> const where{place(200), place(201)};
    auto const again = [&] {
        b.now += 60s;
        (void)b.book.take_answer(found, b.gate, b.now);
        (void)b.book.learn(person(1), where, provenance::gossip, b.gate, b.now);
        (void)b.book.learn(person(2), std::span{where}.first(0), provenance::gossip, b.gate, b.now);
    };
    again();
    again();
    std::uint64_t const before = tests::allocations::count();
    for (int i = 0; i < 10; ++i) again();
    CHECK(tests::allocations::count() == before);
    CHECK(b.book.size() == 21);
}

TEST_CASE("a peer of an earlier life is kept until it speaks for itself, at its old addresses or at new ones") {
    books b;
    candidate const old = made(provenance::stored, {1, 2}, 7);
    known_candidate* entry = b.book.recall(old, {{place(1).address, 8080}}, b.gate, b.now);
    REQUIRE(entry != nullptr);
    CHECK(entry->services.size() == 1);
    CHECK(entry->standing == node::trust::service);
    CHECK(b.book.due(*entry) == b.now);
    b.answer({}); // strategies do not take it back
    CHECK(b.book.size() == 1);
    entry = b.learn(7, {place(2), place(3)}).entry;
    REQUIRE(entry != nullptr);
    CHECK_FALSE(entry->has(place(1)));
    CHECK(entry->sources == node::provenance_set{provenance::gossip});
    CHECK(b.book.due(*entry) == never); // the engine calls it from now on
    b.book.said_goodbye(person(7));
    CHECK(b.book.size() == 0);
    CHECK(b.book.check_invariants() == 0);
}

TEST_CASE("peers of an earlier life who speak for themselves do not take more than the strangers' share") {
    books b{{16, 2, 0s}};
    for (unsigned i = 0; i < 6; ++i)
        REQUIRE(b.book.recall(made(provenance::stored, {i}, i), {}, b.gate, b.now) != nullptr);
    for (unsigned i = 0; i < 6; ++i) b.learn(i, {place(i)});
    CHECK(b.book.size() == 6);
    CHECK(b.book.strangers() == 2);
    for (unsigned i = 0; i < 6; ++i) b.book.said_goodbye(person(i));
    CHECK(b.book.size() == 0);
    CHECK(b.book.check_invariants() == 0);
}

TEST_CASE("peers of an earlier life leave half of the book to those found now") {
    books b{{8, 4, 0s}};
    b.answer({made(provenance::dns, {0}, 0)});
    for (unsigned i = 1; i < 12; ++i) {
        known_candidate const* const entry = b.book.recall(made(provenance::stored, {i}, i), {}, b.gate, b.now);
        CHECK((entry != nullptr) == (i <= 4)); // the first, who were heard last
    }
    CHECK(b.book.size() == 5);
    CHECK(b.book.dropped(drop_reason::no_room) == 7);
    CHECK(b.book.recall(made(provenance::stored, {0}, 0), {}, b.gate, b.now) != nullptr); // is there already
    b.answer({made(provenance::dns, {20}), made(provenance::dns, {21}), made(provenance::gossip, {22})});
    for (unsigned i : {20U, 21U, 22U}) CHECK(b.has(i));
    books full{{2, 2, 0s}};
    full.answer({made(provenance::dns, {1}), made(provenance::gossip, {2})});
    CHECK(full.book.recall(made(provenance::stored, {3}, 3), {}, full.gate, full.now) == nullptr);
    CHECK(full.has(2));
    CHECK(full.book.check_invariants() == 0);
}

TEST_CASE("a peer of an earlier life who was called in vain gives way to anybody, if nobody else names it") {
    books b{{4, 2, 0s}};
    for (unsigned i = 0; i < 2; ++i)
        REQUIRE(b.book.recall(made(provenance::stored, {i}, i), {}, b.gate, b.now) != nullptr);
    b.keep(made(provenance::host, {5}));
    b.learn(6, {place(6)});
    b.now += 2s;
    CHECK(b.learn(7, {place(7)}).entry == nullptr); // not called yet: they may answer
    known_candidate* const vain = b.book.find(person(0));
    REQUIRE(vain != nullptr);
    b.book.called(*vain, place(0), b.now);
    vain->unanswered = 1;
    CHECK(b.learn(7, {place(7)}).entry == nullptr); // nor yet answered
    vain->unanswered = 2;
    b.now += 2s;
    CHECK(b.learn(7, {place(7)}).entry != nullptr);
    CHECK_FALSE(b.has(0));
    CHECK(b.has(1));
    known_candidate* const other = b.book.find(person(1));
    b.book.called(*other, place(1), b.now);
    other->unanswered = 2;
    b.now += 2s;
    CHECK(b.learn(8, {place(8)}).entry == nullptr); // strangers have their share
    CHECK(b.has(1));
    CHECK(b.book.check_invariants() == 0);
}
