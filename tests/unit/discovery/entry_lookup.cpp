// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the way from written entries to candidates, driven by hand: no resolver, no network.
#include <peerkit/discovery/entry_lookup.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::candidate;
using discovery::discovery_error;
using discovery::entry_lookup;
using discovery::entry_lookup_options;
using discovery::outcome;
using discovery::resolved;
using discovery::step;
using peerkit::ip_address;
using namespace std::chrono_literals;

namespace {

using texts = std::vector<std::string>;

ip_address ip(std::string_view text) {
    auto const made = ip_address::parse(text);
    REQUIRE(made);
    return *made;
}
outcome at(std::vector<ip_address> addresses, std::optional<peerkit::duration> time_to_live = {}) {
    return resolved{std::move(addresses), time_to_live};
}
std::vector<discovery::peer_entry> entries(std::string_view text) {
    auto list = discovery::parse_peers(text);
    REQUIRE(list);
    REQUIRE(list->refused.empty());
    return std::move(list->entries);
}
entry_lookup lookup_of(std::string_view text, entry_lookup_options options = {}) {
    options.source = discovery::provenance::file;
    options.strategy = "test";
    entry_lookup made{std::move(options)};
    made.assign(entries(text));
    return made;
}
texts found_by(step const& last) {
    REQUIRE(last.ended());
    REQUIRE(last.answer());
    texts all;
    for (candidate const& c : *last.answer()) {
        std::string text;
        for (auto const& there : c.addresses) text.append(text.empty() ? "" : ",").append(there.to_string());
        all.push_back(text);
    }
    return all;
}
texts asked_by(step const& asking) {
    texts hosts;
    for (auto const& r : asking.requests()) hosts.push_back(std::get<discovery::resolve_name>(r.what).host);
    return hosts;
}

TEST_CASE("candidates carry source, strategy, labels and the time to live of their name") {
    entry_lookup lookup = lookup_of("192.0.2.1 zone=a, a.example zone=b");
    static_cast<void>(lookup.begin());
    step const last = lookup.resume(1, at({ip("192.0.2.2")}, 30s));
    REQUIRE(last.ended());
    REQUIRE(last.answer()->size() == 2);
    candidate const& written = last.answer()->at(0);
    CHECK(written.source == discovery::provenance::file);
    CHECK(written.strategy.view() == "test");
    CHECK(written.time_to_live == 0s);
    CHECK(written.labels == std::vector<peerkit::label>{{"zone", "a"}});
    CHECK(last.answer()->at(1).time_to_live == 30s);
    CHECK(last.answer()->at(1).labels == std::vector<peerkit::label>{{"zone", "b"}});
}

TEST_CASE("a name with one address per family is one candidate, tried in the resolver's order") {
    entry_lookup lookup = lookup_of("a.example");
    static_cast<void>(lookup.begin());
    CHECK(found_by(lookup.resume(0, at({ip("2001:db8::1"), ip("192.0.2.1")}))) ==
          texts{"[2001:db8::1]:9000,192.0.2.1:9000"});
}

TEST_CASE("a name with several addresses of one family is as many candidates, all with its labels") {
    entry_lookup lookup = lookup_of("a.example zone=a");
    static_cast<void>(lookup.begin());
    step const last = lookup.resume(0, at({ip("192.0.2.1"), ip("192.0.2.2"), ip("2001:db8::1")}));
    CHECK(found_by(last) == texts{"192.0.2.1:9000", "192.0.2.2:9000", "[2001:db8::1]:9000"});
    for (candidate const& c : *last.answer()) CHECK(c.labels.size() == 1);
}

TEST_CASE("a name that resolved before keeps its addresses when the resolver fails, without a time to live") {
    entry_lookup lookup = lookup_of("a.example");
    static_cast<void>(lookup.begin());
    static_cast<void>(lookup.resume(0, at({ip("192.0.2.1")}, 30s)));
    static_cast<void>(lookup.begin());
    step const later = lookup.resume(0, peerkit::error{discovery_error::timed_out, 5000});
    CHECK(found_by(later) == texts{"192.0.2.1:9000"});
    CHECK(later.answer()->front().time_to_live == 0s);
    REQUIRE(later.notices().size() == 1);
    CHECK(later.notices()[0].what == discovery_error::timed_out);
    CHECK(later.notices()[0].text == "a.example:9000, using the addresses of an earlier run");
}

TEST_CASE("a name that changes is followed") {
    entry_lookup lookup = lookup_of("a.example");
    static_cast<void>(lookup.begin());
    static_cast<void>(lookup.resume(0, at({ip("192.0.2.1")})));
    CHECK(asked_by(lookup.begin()) == texts{"a.example"});
    CHECK(found_by(lookup.resume(0, at({ip("192.0.2.2")}))) == texts{"192.0.2.2:9000"});
}

TEST_CASE("a name that resolves to no unicast address does not resolve") {
    entry_lookup lookup = lookup_of("a.example");
    static_cast<void>(lookup.begin());
    step const last = lookup.resume(0, at({ip("0.0.0.0"), ip("224.0.0.1")}));
    REQUIRE_FALSE(last.answer());
    CHECK(last.answer().error() == discovery_error::unresolved);
}

TEST_CASE("this node's own host name is not even looked up") {
    entry_lookup_options options;
    options.self.port = 9000;
    options.self.host_names = {"me.example"};
    entry_lookup lookup = lookup_of("ME.example. me.example:9001", options);
    CHECK(asked_by(lookup.begin()) == texts{"me.example"});
    CHECK(found_by(lookup.resume(1, at({ip("192.0.2.1")}))) == texts{"192.0.2.1:9001"});
    entry_lookup only_me = lookup_of("me.example", options);
    CHECK(found_by(only_me.begin()).empty());
}

TEST_CASE("an entry written twice is one, with the labels of both; the first writing of a label counts") {
    entry_lookup lookup = lookup_of("192.0.2.1 zone=a, 192.0.2.2, 192.0.2.1:9000 zone=b role=db, 192.0.2.1");
    CHECK(lookup.size() == 2);
    step const last = lookup.begin();
    CHECK(found_by(last) == texts{"192.0.2.1:9000", "192.0.2.2:9000"});
    CHECK(last.answer()->front().labels == std::vector<peerkit::label>{{"zone", "a"}, {"role", "db"}});
}

TEST_CASE("labels of the same entry written many times stay within their bound") {
    std::string text;
    for (int i = 0; i < 3; ++i) {
        text += "192.0.2.1";
        for (int k = 0; k < 10; ++k) text += " k" + std::to_string(i * 10 + k) + "=v";
        text += "\n";
    }
    entry_lookup lookup = lookup_of(text);
    CHECK(lookup.begin().answer()->front().labels.size() == peerkit::limits::labels);
}

TEST_CASE("a name that stays in a list that changes keeps what it resolved to") {
    entry_lookup lookup = lookup_of("a.example, b.example, c.example:9100");
    static_cast<void>(lookup.begin());
    static_cast<void>(lookup.resume(0, at({ip("192.0.2.1")})));
    static_cast<void>(lookup.resume(1, at({ip("192.0.2.2")})));
    static_cast<void>(lookup.resume(2, at({ip("192.0.2.3")})));
    lookup.assign(entries("c.example:9100, d.example, a.example:9100, b.example"));
    static_cast<void>(lookup.begin());
    for (discovery::ticket t = 0; t < 3; ++t) {
        static_cast<void>(lookup.resume(t, peerkit::error{discovery_error::server_failed}));
    }
    CHECK(found_by(lookup.resume(3, peerkit::error{discovery_error::server_failed})) ==
          texts{"192.0.2.3:9100", "192.0.2.2:9000"});
}

TEST_CASE("notices given at the beginning go out with the first step, whether or not anything is looked up") {
    discovery::notice const told{discovery::notice::severity::info, discovery_error::empty_document, "x"};
    entry_lookup names = lookup_of("a.example");
    CHECK(names.begin({told}).notices().size() == 1);
    entry_lookup addresses = lookup_of("192.0.2.1");
    step const last = addresses.begin({told});
    CHECK(last.ended());
    CHECK(last.notices().size() == 1);
}

TEST_CASE("answers that were not asked for fail the run") {
    entry_lookup lookup = lookup_of("a.example b.example 192.0.2.1");
    static_cast<void>(lookup.begin());
    for (discovery::ticket const wrong : {2U, 3U, 77U}) {
        step const last = lookup.resume(wrong, at({ip("192.0.2.1")}));
        REQUIRE(last.ended());
        REQUIRE_FALSE(last.answer());
        CHECK(last.answer().error() == discovery_error::unexpected_answer);
    }
    static_cast<void>(lookup.begin());
    static_cast<void>(lookup.resume(0, at({ip("192.0.2.1")})));
    CHECK(lookup.resume(0, at({ip("192.0.2.1")})).ended());
    entry_lookup only_names = lookup_of("a.example b.example");
    static_cast<void>(only_names.begin());
    static_cast<void>(only_names.resume(0, discovery::elapsed{}));
    step const wrong_kind = only_names.resume(1, discovery::elapsed{});
    REQUIRE(wrong_kind.ended());
    REQUIRE_FALSE(wrong_kind.answer());
    CHECK(wrong_kind.answer().error() == discovery_error::unexpected_answer);
}

TEST_CASE("a run that is begun again forgets what was under way") {
    entry_lookup lookup = lookup_of("a.example b.example");
    static_cast<void>(lookup.begin());
    static_cast<void>(lookup.resume(0, at({ip("192.0.2.1")})));
    CHECK(asked_by(lookup.begin()) == texts{"a.example", "b.example"});
    CHECK_FALSE(lookup.resume(1, at({ip("192.0.2.2")})).ended());
    CHECK(lookup.resume(0, at({ip("192.0.2.1")})).ended());
}

} // namespace
