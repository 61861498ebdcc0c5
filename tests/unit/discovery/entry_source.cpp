// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of lists that are read again and again: which list is in use after a bad one.
#include <peerkit/discovery/entry_source.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::discovery_error;
using discovery::entry_source;
using discovery::step;

namespace {

using texts = std::vector<std::string>;

entry_source source() {
    return entry_source{{.source = discovery::provenance::file, .strategy = "test"},
                        {.max_entries = 32, .max_bytes = 4096}};
}
texts found_by(step const& last) {
    REQUIRE(last.ended());
    REQUIRE(last.answer());
    texts all;
    for (auto const& c : *last.answer()) all.push_back(c.addresses.front().address.to_string());
    return all;
}
texts told_by(step const& last) {
    texts all;
    for (auto const& n : last.notices()) all.push_back(n.text);
    return all;
}

TEST_CASE("the last text that was read is the list") {
    entry_source s = source();
    CHECK_FALSE(s.has_list());
    CHECK(found_by(s.read("192.0.2.1 192.0.2.2", "f")) == texts{"192.0.2.1", "192.0.2.2"});
    CHECK(found_by(s.read("192.0.2.3", "f")) == texts{"192.0.2.3"});
    CHECK(s.size() == 1);
    step const none = s.read("", "f");
    CHECK(found_by(none).empty());
    CHECK(none.notices().empty());
    CHECK(s.has_list());
}

TEST_CASE(
    "a list with a refused entry changes nothing once there was a good one, and the notice names line and field") {
    entry_source s = source();
    static_cast<void>(s.read("192.0.2.1", "f"));
    step const last = s.read("192.0.2.2\nb:99999", "f");
    CHECK(found_by(last) == texts{"192.0.2.1"});
    REQUIRE(last.notices().size() == 2);
    CHECK(last.notices()[0].level == discovery::notice::severity::warning);
    CHECK(last.notices()[0].what == discovery_error::bad_entry);
    CHECK(last.notices()[0].what.position() == 1);
    CHECK(last.notices()[0].what.field() == "port");
    CHECK(told_by(last) == texts{"f: line 2: 'b:99999' (core: the port is not a number from 1 to 65535, at 2 (port))",
                                 "f: the last good list stays"});
    CHECK(found_by(s.read("192.0.2.3", "f")) == texts{"192.0.2.3"});
}

TEST_CASE("as long as there was no good list, the good entries of a bad one count") {
    entry_source s = source();
    step const first = s.read("192.0.2.1, !", "f");
    CHECK(found_by(first) == texts{"192.0.2.1"});
    CHECK(told_by(first).back() == "f: only the entries that are good count");
    CHECK(found_by(s.read("192.0.2.2, !", "f")) == texts{"192.0.2.2"});
    CHECK(found_by(s.read("!", "f")) == texts{"192.0.2.2"});
    CHECK(found_by(s.read("192.0.2.3", "f")) == texts{"192.0.2.3"});
    CHECK(found_by(s.read("192.0.2.4, !", "f")) == texts{"192.0.2.3"});
}

TEST_CASE("a first list of refused entries only fails, since it does not say that nobody is there") {
    entry_source s = source();
    step const first = s.read("!", "f");
    REQUIRE(first.ended());
    REQUIRE_FALSE(first.answer());
    CHECK(first.answer().error() == discovery_error::bad_entry);
    CHECK(first.notices().size() == 1);
    CHECK_FALSE(s.has_list());
}

TEST_CASE("an empty list stays as it is when a bad one follows") {
    entry_source s = source();
    static_cast<void>(s.read("", "f"));
    CHECK(found_by(s.read("192.0.2.1, !", "f")).empty());
}

TEST_CASE("without a text the last list stays; without a list the run fails") {
    entry_source s = source();
    step const nothing = s.keep(discovery_error::unavailable, "f");
    REQUIRE(nothing.ended());
    REQUIRE_FALSE(nothing.answer());
    CHECK(nothing.answer().error() == discovery_error::unavailable);
    CHECK(told_by(nothing) == texts{"f"});
    static_cast<void>(s.read("192.0.2.1", "f"));
    step const kept = s.keep(discovery_error::unavailable, "f");
    CHECK(found_by(kept) == texts{"192.0.2.1"});
    CHECK(told_by(kept) == texts{"f: the last list stays"});
}

TEST_CASE("a text that is no list at all is like no text") {
    entry_source s = source();
    CHECK_FALSE(s.read("\xff\xfe", "f").answer());
    static_cast<void>(s.read("192.0.2.1", "f"));
    CHECK(found_by(s.read("\xff\xfe", "f")) == texts{"192.0.2.1"});
    step const large = s.read(std::string(5000, ' '), "f");
    CHECK(found_by(large) == texts{"192.0.2.1"});
    CHECK(large.notices().front().what == discovery_error::too_large);
    std::string many;
    for (int i = 0; i < 33; ++i) many += "n" + std::to_string(i) + " ";
    CHECK(s.read(many, "f").notices().front().what.position() == 33);
}

TEST_CASE("many refused entries are told in a few notices") {
    entry_source s = source();
    static_cast<void>(s.read("192.0.2.1", "f"));
    step const last = s.read("! ! ! ! ! ! ! ! ! ! !", "f");
    REQUIRE(last.notices().size() == 10);
    CHECK(told_by(last)[8] == "f: and 3 more");
    CHECK(told_by(s.read("! ! ! ! ! ! ! !", "f")).size() == 9);
}

TEST_CASE("host names of whichever list is in use are looked up") {
    entry_source s = source();
    static_cast<void>(s.read("a.example", "f"));
    CHECK(s.read("b.example !", "f").requests().size() == 1);
    CHECK(found_by(s.resume(0, discovery::resolved{{peerkit::ip_address::v4(192, 0, 2, 7)}, {}})) ==
          texts{"192.0.2.7"});
    CHECK(s.keep(discovery_error::timed_out, "f").requests().size() == 1);
}

} // namespace
