// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the status parser: real-shaped documents of every state, every way a field can be absent, and bad documents.
#include <peerkit/discovery/tailscale_status.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::address_preference;
using discovery::backend_state;
using discovery::candidate;
using discovery::discovery_error;
using discovery::name_pattern;
using discovery::offline_peers;
using discovery::peer_drop;
using discovery::presence;
using discovery::tailscale_filter;
using discovery::tailscale_status;
using discovery::tailscale_status_parser;
using peerkit::error;

namespace {

static_assert(std::is_nothrow_move_constructible_v<tailscale_status_parser>);

using texts = std::vector<std::string>;

std::string file(std::string const& name) {
    std::ifstream in{PEERKIT_TEST_DATA "/tailscale/" + name, std::ios::binary};
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>{in}, {}};
}
tailscale_status parse(std::string_view document, tailscale_filter const& filter = {}) {
    CAPTURE(document);
    tailscale_status_parser parser;
    tailscale_status status;
    auto const done = parser.parse(document, filter, status);
    if (!done) FAIL(done.error().message());
    return status;
}
error refusal(std::string_view document, tailscale_filter const& filter = {}) {
    CAPTURE(document);
    tailscale_status_parser parser;
    tailscale_status status;
    status.version = "left over";
    auto const done = parser.parse(document, filter, status);
    REQUIRE_FALSE(done);
    CHECK(status.version.empty());
    CHECK(status.candidates.empty());
    return done.error();
}
tailscale_filter named(std::string_view pattern) {
    auto const made = name_pattern::parse(pattern);
    REQUIRE(made);
    tailscale_filter filter;
    filter.names = *made;
    return filter;
}
texts names(tailscale_status const& status) {
    texts found;
    for (candidate const& c : status.candidates) found.emplace_back(c.name.view());
    return found;
}
texts addresses(candidate const& c) {
    texts found;
    for (auto const& there : c.addresses) found.push_back(there.to_string());
    return found;
}
/// Every peer is a candidate or counted once.
void check_books(tailscale_status const& status) {
    std::size_t sum = status.candidates.size();
    for (std::uint32_t const count : status.dropped) sum += count;
    CHECK(sum == status.peers);
}
/// A running daemon's document with these members inside "Peer".
std::string with_peers(std::string const& peers) {
    return R"({"BackendState":"Running","Self":{"ID":"n0","DNSName":"me.tail.ts.net.","TailscaleIPs":["100.64.0.1"]},)"
           R"("MagicDNSSuffix":"tail.ts.net","Peer":{)" +
           peers + "}}";
}
/// One peer called "db" with these fields beside its name.
std::string with_peer(std::string const& fields) {
    return with_peers(R"("nodekey:01":{"ID":"n1","HostName":"db","DNSName":"db.tail.ts.net.",)" + fields + "}");
}
constexpr char const* two_addresses = R"("TailscaleIPs":["100.64.0.2","fd7a:115c:a1e0::2"])";

// ---- The six documents of Go's encoder ------------------------------------------------------------------------

TEST_CASE("a stopped daemon has a state, no addresses and no peers") {
    tailscale_status const status = parse(file("s1_stopped.json"));
    CHECK(status.state == backend_state::stopped);
    CHECK_FALSE(status.ready());
    CHECK(status.peers == 0);
    REQUIRE(status.self.has_value());
    CHECK(status.self->dns_name.empty());
    CHECK(status.self->addresses.empty());
}

TEST_CASE("a daemon waiting for approval is not ready") {
    tailscale_status const status = parse(file("s2_needsmachineauth.json"));
    CHECK(status.state == backend_state::needs_machine_auth);
    CHECK_FALSE(status.ready());
}

TEST_CASE("a starting daemon may list peers and is not ready") {
    tailscale_status const status = parse(file("s3_starting_with_peers.json"));
    CHECK(status.state == backend_state::starting);
    CHECK(names(status) == texts{"beta"});
    CHECK_FALSE(status.ready());
}

TEST_CASE("a running daemon without peers, whose Peer is null, is ready and finds nobody") {
    tailscale_status const status = parse(file("s4_running_no_peers.json"));
    CHECK(status.ready());
    CHECK(status.peers == 0);
    CHECK(status.candidates.empty());
    REQUIRE(status.self.has_value());
    CHECK(status.self->id == "nTEST0001CNTRL");
    CHECK(status.self->dns_name == "alpha.tail0abcd.ts.net");
    CHECK(status.self->host_name == "alpha");
    CHECK(status.self->addresses.size() == 2);
    CHECK(status.self->key_expiry == 1806206870);
    CHECK_FALSE(status.self->expired);
    CHECK(status.tun == true);
    CHECK(status.dns_suffix == "tail0abcd.ts.net");
    CHECK(status.version == "1.102.4-t000000000-g000000000");
}

TEST_CASE("of a tailnet with every odd kind of peer, those that can run a node are candidates") {
    tailscale_status const status = parse(file("s5_running_everything.json"));
    check_books(status);
    CHECK(status.peers == 17);
    CHECK(names(status) == texts{"beta", "beta-1", "tagged-1", "router", "iphone-13", "zoes-mac-co-tab", "badutf8",
                                 "v6only", "empty", "xn--bcher-kva", "relayed"});
    CHECK(status.dropped_for(peer_drop::sharee) == 1);
    CHECK(status.dropped_for(peer_drop::shared) == 1);
    CHECK(status.dropped_for(peer_drop::exit_node) == 1);
    CHECK(status.dropped_for(peer_drop::expired) == 2);
    CHECK(status.dropped_for(peer_drop::offline) == 1);
    CHECK(addresses(status.candidates[0]) == texts{"100.64.1.3:9000", "[fd7a:115c:a1e0::1:3]:9000"});
    CHECK(addresses(status.candidates[7]) == texts{"[fd7a:115c:a1e0:efe3::1]:9000"});
    CHECK(addresses(status.candidates[8]) == texts{"100.64.1.17:9000", "[fd7a:115c:a1e0::1:11]:9000"});
    for (candidate const& c : status.candidates) {
        CHECK(c.source == discovery::provenance::tailscale);
        CHECK(c.state == presence::online);
    }
}

TEST_CASE("six hundred exit nodes do not drown a tailnet") {
    tailscale_status const status = parse(file("s6_running_600_mullvad.json"), named("n??"));
    check_books(status);
    CHECK(status.peers == 620);
    CHECK(status.candidates.size() == 13);
    CHECK(status.dropped_for(peer_drop::name) == 600);
    CHECK(parse(file("s6_running_600_mullvad.json")).dropped_for(peer_drop::exit_node) == 600);
}

// ---- Documents seen elsewhere ---------------------------------------------------------------------------------

TEST_CASE("a document of version 0.97, without Version, BackendState and Self, gives its peers") {
    tailscale_status const status = parse(file("odd_version_0_97.json"), named("db*"));
    CHECK(status.state == backend_state::unreported);
    CHECK(status.version.empty());
    CHECK_FALSE(status.self.has_value());
    CHECK_FALSE(status.tun.has_value());
    CHECK(status.ready());
    REQUIRE(names(status) == texts{"db1"});
    CHECK(addresses(status.candidates[0]) == texts{"100.90.1.2:9000"});
    CHECK(status.candidates[0].state == presence::unknown);
    CHECK(status.dropped_for(peer_drop::name) == 1);
}

TEST_CASE("a logged-out daemon says so, and its login link is not kept") {
    tailscale_status const status = parse(file("odd_logged_out.json"));
    CHECK(status.state == backend_state::needs_login);
    CHECK_FALSE(status.ready());
    REQUIRE(status.self.has_value());
    CHECK(status.self->id.empty());
}

TEST_CASE("headscale's own prefix is read from AllowedIPs, without subnet routes, and logged-out peers are left out") {
    tailscale_status const status = parse(file("odd_headscale.json"));
    check_books(status);
    REQUIRE(names(status) == texts{"db"});
    CHECK(addresses(status.candidates[0]) == texts{"10.77.0.3:9000", "[fd00:77::3]:9000"});
    CHECK(status.dropped_for(peer_drop::expired) == 1);
    CHECK(status.self->id == "141");
}

TEST_CASE("a document whose keys were sorted gives the same, though its peers stand before Self") {
    tailscale_status const status = parse(file("odd_sorted_keys.json"));
    check_books(status);
    CHECK(names(status) == texts{"db"});
    CHECK(status.dropped_for(peer_drop::shared) == 1);
    CHECK(status.dropped_for(peer_drop::self) == 1);
}

TEST_CASE("a UTF-8 byte order mark is skipped and counted in positions") {
    CHECK(names(parse(file("odd_utf8_bom.json"))) == texts{"db"});
    CHECK(refusal("\xEF\xBB\xBF{} x").position() == 6);
}

TEST_CASE("UTF-16, as PowerShell writes it, is reported as such") {
    CHECK(refusal(file("odd_utf16le_bom.json")) == discovery_error::utf16_document);
    CHECK(refusal(file("odd_utf16be_bom.json")) == discovery_error::utf16_document);
}

TEST_CASE("a display name that swallowed its closing quote is reported as invalid JSON") {
    error const why = refusal(file("odd_swallowed_quote.json"));
    CHECK(why == discovery_error::not_json);
    CHECK(why.field() == "control character in a string");
}

TEST_CASE("a name in another encoding is reported with its place") {
    error const why = refusal(file("odd_latin1.json"));
    CHECK(why == discovery_error::invalid_utf8);
    CHECK(static_cast<unsigned char>(file("odd_latin1.json")[why.position()]) == 0xfc);
}

// ---- Odd documents, each about one thing -----------------------------------------------------------------------

struct variant {
    std::string_view file;
    backend_state state;
    texts expected; ///< "name address address..." of the candidates, in order, without the port
    std::vector<std::pair<peer_drop, unsigned>> dropped{};
};

std::vector<variant> variants() {
    using enum backend_state;
    return {
        {"v1_0_base64_keys_no_self.json", unreported, {"db 100.90.1.2", "web 100.90.1.3"}},
        {"v1_2_empty_backend_state.json", unreported, {"db 100.90.1.2"}},
        {"v1_8_tail_addr_and_list.json", running, {"db 100.90.1.2 fd7a:115c:a1e0:ab12:4843:cd96:625a:102"}},
        {"v1_103_newest_fields.json", running, {"db 100.64.0.2 fd7a:115c:a1e0::2"}},
        {"no_version_no_state.json", unreported, {"db 100.64.0.2 fd7a:115c:a1e0::2"}},
        {"headscale_random_suffix_custom_domain.json",
         running,
         {"laptop-abc12xyz 100.64.0.2 fd7a:115c:a1e0::2", "db 10.77.0.4 fd00:77::4"},
         {{peer_drop::expired, 1}}},
        {"shared_in.json", running, {"db 100.64.0.2 fd7a:115c:a1e0::2"}, {{peer_drop::shared, 2}}},
        {"sharee_and_funnel_relays.json", running, {"db 100.64.0.2 fd7a:115c:a1e0::2"}, {{peer_drop::sharee, 4}}},
        {"mullvad_exit_nodes.json", running, {"router 100.64.0.2 fd7a:115c:a1e0::2"}, {{peer_drop::exit_node, 4}}},
        {"ssh_console.json", running, {"db 100.64.0.2 fd7a:115c:a1e0::2"}, {{peer_drop::console, 1}}},
        {"expired_yet_online.json", running, {"db 100.64.0.2 fd7a:115c:a1e0::2"}, {{peer_drop::expired, 2}}},
        {"localhost_phones.json",
         running,
         {"iphone-13 100.64.0.2 fd7a:115c:a1e0::2", "iphone-13-1 100.64.0.3 fd7a:115c:a1e0::3",
          "ipad 100.64.0.4 fd7a:115c:a1e0::4", "peerkit-db 100.64.0.5 fd7a:115c:a1e0::5"}},
        {"registered_again.json",
         running,
         {"peerkit-db-1 100.64.0.3 fd7a:115c:a1e0::3", "Peerkit-Web-12 100.64.0.4 fd7a:115c:a1e0::4"},
         {{peer_drop::offline, 1}}},
        {"v6_before_v4.json", running, {"db 100.64.0.2 fd7a:115c:a1e0::2", "six fd7a:115c:a1e0::3", "four 100.64.0.4"}},
        {"no_tailscale_ips.json",
         running,
         {"null 10.77.0.2", "empty 10.77.0.3 fd00:77::3", "missing 10.77.0.4"},
         {{peer_drop::no_address, 2}}},
        {"zero_times.json", running, {"db 100.64.0.2 fd7a:115c:a1e0::2"}},
        {"tags.json",
         running,
         {"a 100.64.0.2 fd7a:115c:a1e0::2", "b 100.64.0.3 fd7a:115c:a1e0::3", "c 100.64.0.4 fd7a:115c:a1e0::4",
          "d 100.64.0.5 fd7a:115c:a1e0::5", "e 100.64.0.6 fd7a:115c:a1e0::6", "peerkit 100.64.0.7 fd7a:115c:a1e0::7"}},
        {"unknown_state.json", unknown, {"db 100.64.0.2 fd7a:115c:a1e0::2"}},
        {"in_use_by_other_user.json", in_use_other_user, {}},
        {"no_state_just_started.json", no_state, {}},
        {"userspace_networking.json", running, {"db 100.64.0.2 fd7a:115c:a1e0::2"}},
        {"misread_code_page.json", running, {"zoes-mac 100.64.0.2 fd7a:115c:a1e0::2"}},
        // Written by tailscaled 1.102.5 itself, told of such peers by a control server.
        {"daemon_1_102_5_odd_peers.json",
         running,
         {"iphone 100.99.0.4 fd7a:115c:a1e0:ab12:4843:cd96:6263:4", "own-prefix 10.77.0.9",
          "pk-b 100.64.0.2 fd7a:115c:a1e0:ab12:4843:cd96:6240:2",
          "other 100.64.0.4 fd7a:115c:a1e0:ab12:4843:cd96:6240:4",
          "pk-c 100.64.0.3 fd7a:115c:a1e0:ab12:4843:cd96:6240:3", "v6-only fd7a:115c:a1e0:ab12:4843:cd96:6263:9",
          "plain 100.99.0.1 fd7a:115c:a1e0:ab12:4843:cd96:6263:1",
          "untagged 100.99.0.3 fd7a:115c:a1e0:ab12:4843:cd96:6263:3",
          "router 100.99.0.10 fd7a:115c:a1e0:ab12:4843:cd96:6263:a",
          "plain-1 100.99.0.2 fd7a:115c:a1e0:ab12:4843:cd96:6263:2"},
         {{peer_drop::sharee, 2},
          {peer_drop::shared, 1},
          {peer_drop::exit_node, 1},
          {peer_drop::console, 1},
          {peer_drop::expired, 2},
          {peer_drop::offline, 2}}},
        {"daemon_1_102_5_stopped_with_peers.json",
         stopped,
         {"pk-b 100.64.0.2 fd7a:115c:a1e0:ab12:4843:cd96:6240:2",
          "other 100.64.0.4 fd7a:115c:a1e0:ab12:4843:cd96:6240:4",
          "pk-a 100.64.0.1 fd7a:115c:a1e0:ab12:4843:cd96:6240:1"}},
        {"daemon_1_102_5_logged_out.json", needs_login, {}},
        {"key_rotation.json", running, {"db 100.64.0.2 fd7a:115c:a1e0::2"}, {{peer_drop::offline, 1}}},
    };
}

TEST_CASE("of every odd document the right peers are taken, and the others counted for the right reason") {
    for (variant const& v : variants()) {
        CAPTURE(v.file);
        tailscale_status const status = parse(file("variants/" + std::string{v.file}));
        check_books(status);
        CHECK(status.state == v.state);
        CHECK(status.ready() == (v.state == backend_state::running || v.state == backend_state::unreported));
        CHECK_FALSE(status.first_malformed.has_value());
        texts found;
        for (candidate const& c : status.candidates) {
            std::string& line = found.emplace_back(c.name.view());
            for (auto const& there : c.addresses) line += " " + there.address.to_string();
        }
        CHECK(found == v.expected);
        for (std::size_t i = 0; i < discovery::peer_drop_count; ++i) {
            auto const why = static_cast<peer_drop>(i);
            CAPTURE(to_string(why));
            unsigned expected = 0;
            for (auto const& [reason, count] : v.dropped) expected += reason == why ? count : 0;
            CHECK(status.dropped_for(why) == expected);
        }
    }
}

TEST_CASE("every odd document is looked at") {
    std::set<std::string> there, listed;
    for (auto const& entry : std::filesystem::directory_iterator{PEERKIT_TEST_DATA "/tailscale/variants"})
        there.insert(entry.path().filename().string());
    for (variant const& v : variants()) listed.emplace(v.file);
    CHECK(there == listed);
}

TEST_CASE("an odd document gives the same in either way its writers indent, and with its keys sorted or reversed") {
    // The LocalAPI indents by a tab and ends with a newline, the command by two spaces and without one.
    for (variant const& v : variants()) {
        CAPTURE(v.file);
        std::string const written = file("variants/" + std::string{v.file});
        std::string tight;
        bool in_string = false;
        for (std::size_t i = 0; i < written.size(); ++i) {
            if (written[i] == '"' && written[i - 1] != '\\') in_string = !in_string;
            if (in_string || (written[i] != ' ' && written[i] != '\n' && written[i] != '\t')) tight += written[i];
        }
        tailscale_status const one = parse(written), other = parse(tight),
                               crlf = parse("\xEF\xBB\xBF" + tight + "\r\n");
        CHECK(one.candidates == other.candidates);
        CHECK(one.dropped == other.dropped);
        CHECK(one.self == other.self);
        CHECK(one.candidates == crlf.candidates);
    }
}

TEST_CASE("options choose from the odd documents") {
    tailscale_filter filter;
    filter.required_tag = "tag:peerkit";
    CHECK(names(parse(file("variants/tags.json"), filter)) == texts{"a", "b"});

    // A machine that lost its state registers again: both entries are there, the old one offline.
    std::string const again = file("variants/registered_again.json");
    CHECK(names(parse(again, named("peerkit-db"))) == texts{"peerkit-db-1"});
    CHECK(names(parse(again, named("peerkit-*-1"))) == texts{"peerkit-db-1"});
    CHECK(names(parse(again, named("peerkit-???"))) == texts{"Peerkit-Web-12"});
    CHECK(names(parse(again, named("PEERKIT_WEB"))) == texts{"Peerkit-Web-12"});
    filter = named("peerkit-db");
    filter.offline = offline_peers::include;
    CHECK(names(parse(again, filter)) == texts{"peerkit-db-1", "peerkit-db"});
    CHECK(names(parse(file("variants/localhost_phones.json"), named("peerkit-*"))) == texts{"peerkit-db"});
    CHECK(names(parse(file("variants/headscale_random_suffix_custom_domain.json"), named("laptop*"))) ==
          texts{"laptop-abc12xyz"});

    filter = {};
    filter.include_shared = true;
    CHECK(names(parse(file("variants/shared_in.json"), filter)) == texts{"db", "friend-box", "foreign"});
    filter = {};
    filter.include_expired = true;
    CHECK(names(parse(file("variants/expired_yet_online.json"), filter)) == texts{"db", "old", "gone"});
    filter = {};
    filter.family = address_preference::v6_only;
    filter.port = 4242;
    tailscale_status const six = parse(file("variants/v6_before_v4.json"), filter);
    REQUIRE(names(six) == texts{"db", "six"});
    CHECK(addresses(six.candidates[0]) == texts{"[fd7a:115c:a1e0::2]:4242"});
    CHECK(six.dropped_for(peer_drop::no_address) == 1);
}

TEST_CASE("times of the year one are no times") {
    tailscale_status const status = parse(file("variants/zero_times.json"));
    REQUIRE(status.self.has_value());
    CHECK_FALSE(status.self->key_expiry.has_value());
    CHECK_FALSE(status.self->expired);
}

// ---- Absent, null, unknown, repeated --------------------------------------------------------------------------

TEST_CASE("every key of the document may be absent or null") {
    tailscale_status const empty = parse("{}");
    CHECK(empty.state == backend_state::unreported);
    CHECK_FALSE(empty.ready());
    tailscale_status const nulls =
        parse(R"({"Version":null,"TUN":null,"BackendState":null,"HaveNodeKey":null,"AuthURL":null,"TailscaleIPs":null,)"
              R"("Self":null,)"
              R"("ExitNodeStatus":null,"Health":null,"MagicDNSSuffix":null,"CurrentTailnet":null,"CertDomains":null,)"
              R"("ExtraRecords":null,"Peer":null,"User":null,"ClientVersion":null})");
    CHECK(nulls.state == backend_state::unreported);
    CHECK_FALSE(nulls.self.has_value());
    CHECK(nulls.candidates.empty());
}

TEST_CASE("every key of a peer may be absent or null") {
    tailscale_status const status = parse(with_peers(
        R"("nodekey:01":{},"nodekey:02":null,"nodekey:03":{"ID":null,"PublicKey":null,)"
        R"("HostName":null,"DNSName":null,"OS":null,)"
        R"("UserID":null,"AltSharerUserID":null,"TailscaleIPs":null,"AllowedIPs":null,"Tags":null,)"
        R"("PrimaryRoutes":null,)"
        R"("Addrs":null,"Created":null,"Online":null,"PeerAPIURL":null,"CapMap":null,"ShareeNode":null,"Expired":null,)"
        R"("KeyExpiry":null,"Location":null,"TailAddr":null},"nodekey:04":{"TailscaleIPs":["100.64.0.2"]})"));
    check_books(status);
    CHECK(status.dropped_for(peer_drop::no_address) == 3);
    REQUIRE(status.candidates.size() == 1);
    CHECK(status.candidates[0].name.empty());
    CHECK(status.candidates[0].state == presence::unknown);
}

TEST_CASE("a peer with only one field missing or null is still a candidate") {
    struct field {
        std::string_view key, value;
    };
    std::initializer_list<field> const fields{{"ID", "\"n1\""},
                                              {"HostName", "\"db\""},
                                              {"DNSName", "\"db.tail.ts.net.\""},
                                              {"OS", "\"linux\""},
                                              {"UserID", "7"},
                                              {"Tags", "[]"},
                                              {"TailscaleIPs", "[\"100.64.0.2\"]"},
                                              {"AllowedIPs", "[\"100.64.0.2/32\"]"},
                                              {"Online", "true"},
                                              {"Expired", "false"},
                                              {"KeyExpiry", "\"2030-01-01T00:00:00Z\""},
                                              {"ShareeNode", "false"},
                                              {"AltSharerUserID", "0"},
                                              {"CapMap", "{}"}};
    for (field const& changed : fields) {
        for (bool const null : {false, true}) {
            std::string peer;
            for (field const& f : fields) {
                if (f.key == changed.key && !null) continue;
                peer.append(peer.empty() ? "" : ",").append("\"").append(f.key).append("\":");
                peer.append(f.key == changed.key ? "null" : f.value);
            }
            CAPTURE(peer);
            CHECK(parse(with_peers("\"nodekey:01\":{" + peer + "}")).candidates.size() == 1);
        }
    }
}

TEST_CASE("unknown keys and states are accepted at every level") {
    tailscale_status const status =
        parse(R"({"Future":{"a":[1,2,{"b":null}]},"BackendState":"Dreaming",)"
              R"("Self":{"New":[[]],"TailscaleIPs":["100.64.0.1"]},)"
              R"("CurrentTailnet":{"Extra":{"x":1},"MagicDNSSuffix":"tail.ts.net"},)"
              R"("Peer":{"nodekey:01":{"TailscaleIPz":["x"],"TailscaleIPs":["100.64.0.2"],"IDs":3,"OSVersion":4.5,)"
              R"("Onlineness":[true]}}})");
    CHECK(status.state == backend_state::unknown);
    CHECK(status.state_text == "Dreaming");
    CHECK_FALSE(status.ready());
    CHECK(status.candidates.size() == 1);
    CHECK(status.dns_suffix == "tail.ts.net");
}

TEST_CASE("keys are case-sensitive") {
    tailscale_status const status = parse(with_peer(R"("tailscaleips":["100.64.0.2"],"TailscaleIps":["100.64.0.3"])"));
    CHECK(status.dropped_for(peer_drop::no_address) == 1);
}

TEST_CASE("of a repeated key the last counts") {
    CHECK(parse(R"({"BackendState":"Stopped","BackendState":"Running"})").ready());
    CHECK(parse(R"({"Version":"1","Version":"2"})").version == "2");
    CHECK(addresses(
              parse(with_peer(R"("TailscaleIPs":["100.64.0.9"],"TailscaleIPs":["100.64.0.2"])")).candidates.at(0)) ==
          texts{"100.64.0.2:9000"});
    CHECK(parse(with_peer(std::string{R"("Online":false,"Online":true,)"} + two_addresses)).candidates.at(0).state ==
          presence::online);
    tailscale_status const status =
        parse(R"({"BackendState":"Running","Self":{"ID":"n0"},"Peer":{"a":{"TailscaleIPs":["100.64.0.9"]},"b":{}},)"
              R"("Peer":{"c":{"TailscaleIPs":["100.64.0.2"]}}})");
    check_books(status);
    CHECK(status.peers == 1);
    CHECK(addresses(status.candidates.at(0)) == texts{"100.64.0.2:9000"});
}

TEST_CASE("a repeated key whose last value is null is absent") {
    CHECK(parse(with_peer(std::string{R"("Online":true,"Online":null,)"} + two_addresses)).candidates.at(0).state ==
          presence::unknown);
    CHECK(parse(with_peer(std::string{R"("Expired":true,"Expired":null,)"} + two_addresses)).candidates.size() == 1);
    CHECK(parse(with_peer(std::string{R"("AltSharerUserID":5,"AltSharerUserID":null,)"} + two_addresses))
              .candidates.size() == 1);
    CHECK(parse(with_peer(R"("TailscaleIPs":["100.64.0.2"],"TailscaleIPs":null)")).candidates.empty());
}

TEST_CASE("user numbers beyond 2^53 are read exactly") {
    CHECK(parse(with_peer(std::string{R"("UserID":38520981566058213,"AltSharerUserID":38520981566058213,)"} +
                          two_addresses))
              .dropped_for(peer_drop::shared) == 1);
    CHECK(parse(with_peer(std::string{R"("UserID":9223372036854775807,"AltSharerUserID":0,)"} + two_addresses))
              .candidates.size() == 1);
}

TEST_CASE("escapes in texts are understood") {
    tailscale_status const status =
        parse(with_peers(R"("nodekey:01":{"DNSName":"\u0064b\u002etail.ts.net.","TailscaleIPs":["100.64.0\u002e2"],)"
                         R"("Tags":["tag:\u0070"]})"));
    REQUIRE(names(status) == texts{"db"});
    CHECK(addresses(status.candidates[0]) == texts{"100.64.0.2:9000"});
}

// ---- Which peers, under which name ----------------------------------------------------------------------------

TEST_CASE("peers are chosen by the first label of their DNS name, not by their host name") {
    std::string const document =
        with_peers(R"("a":{"HostName":"tw_node01","DNSName":"Laptop.tail.ts.net.","TailscaleIPs":["100.64.0.2"]},)"
                   R"("b":{"HostName":"localhost","DNSName":"TW-Node02.tail.ts.net.","TailscaleIPs":["100.64.0.3"]},)"
                   R"("c":{"HostName":"localhost","DNSName":"tw-node02-1.tail.ts.net","TailscaleIPs":["100.64.0.4"]})");
    CHECK(names(parse(document, named("tw_node*"))) == texts{"TW-Node02", "tw-node02-1"});
    CHECK(names(parse(document, named("tw_node02"))) == texts{"TW-Node02", "tw-node02-1"});
    CHECK(parse(document, named("tw_node*")).dropped_for(peer_drop::name) == 1);
}

TEST_CASE("a peer without DNS name goes by its host name") {
    std::string const document = with_peers(R"("a":{"HostName":"db","DNSName":"","TailscaleIPs":["100.64.0.2"]})");
    CHECK(names(parse(document, named("db"))) == texts{"db"});
    CHECK(names(parse(document, named("web"))).empty());
}

TEST_CASE("host names hold escapes, which are understood where the name is used") {
    CHECK(names(parse(with_peers(R"("a":{"HostName":"Zo\u00eb \u0026 co","TailscaleIPs":["100.64.0.2"]})"))) ==
          texts{"Zo\xc3\xab & co"});
    CHECK(parse(R"({"Self":{"HostName":"a\"b"}})").self->host_name == "a\"b");
    CHECK(refusal(with_peers(R"("a":{"HostName":"\ud800","TailscaleIPs":["100.64.0.2"]})")) ==
          discovery_error::not_json);
}

TEST_CASE("a required tag chooses peers") {
    std::string const document =
        with_peers(R"("a":{"DNSName":"a.tail.ts.net.","Tags":["tag:x","tag:peerkit"],"TailscaleIPs":["100.64.0.2"]},)"
                   R"("b":{"DNSName":"b.tail.ts.net.","Tags":["tag:peerkits"],"TailscaleIPs":["100.64.0.3"]},)"
                   R"("c":{"DNSName":"c.tail.ts.net.","TailscaleIPs":["100.64.0.4"]})");
    tailscale_filter filter;
    filter.required_tag = "tag:peerkit";
    tailscale_status const status = parse(document, filter);
    CHECK(names(status) == texts{"a"});
    CHECK(status.dropped_for(peer_drop::tag) == 2);
}

TEST_CASE("machines of other tailnets are left out, by sharer or by domain, unless asked for") {
    std::string const document =
        with_peers(R"("a":{"DNSName":"a.other.ts.net.","TailscaleIPs":["100.64.0.2"]},)"
                   R"("b":{"DNSName":"b.tail.ts.net.","AltSharerUserID":5,"TailscaleIPs":["100.64.0.3"]},)"
                   R"("c":{"DNSName":"c.TAIL.ts.net.","TailscaleIPs":["100.64.0.4"]},)"
                   R"("d":{"DNSName":"d.nottail.ts.net.","TailscaleIPs":["100.64.0.5"]})");
    CHECK(names(parse(document)) == texts{"c"});
    tailscale_filter filter;
    filter.include_shared = true;
    CHECK(names(parse(document, filter)) == texts{"a", "b", "c", "d"});
}

TEST_CASE("without a suffix the domain of Self tells whose machine a peer is, and without Self nothing does") {
    std::string const peer = R"("Peer":{"a":{"DNSName":"a.other.ts.net.","TailscaleIPs":["100.64.0.2"]}})";
    CHECK(parse(R"({"Self":{"DNSName":"me.tail.ts.net."},)" + peer + "}").dropped_for(peer_drop::shared) == 1);
    CHECK(parse(R"({"Self":{"DNSName":"me"},)" + peer + "}").candidates.size() == 1);
    CHECK(parse("{" + peer + "}").candidates.size() == 1);
}

TEST_CASE("peers that are no machines of ours are left out") {
    struct row {
        std::string_view fields;
        peer_drop why;
    };
    for (row const& r : std::initializer_list<row>{
             {R"("ShareeNode":true)", peer_drop::sharee},
             {R"("OS":"js")", peer_drop::console},
             {R"("Tags":["tag:mullvad-exit-node"])", peer_drop::exit_node},
             {R"("DNSName":"us-atl-wg-1.mullvad.ts.net.")", peer_drop::exit_node},
             {R"("Expired":true,"Online":true)", peer_drop::expired},
             {R"("KeyExpiry":"1970-01-01T00:02:03Z")", peer_drop::expired},
             {R"("ID":"n0")", peer_drop::self},
         }) {
        CAPTURE(r.fields);
        tailscale_status const status = parse(with_peer(std::string{r.fields} + "," + two_addresses));
        check_books(status);
        CHECK(status.dropped_for(r.why) == 1);
    }
}

TEST_CASE("a user's own exit node is a peer like any other") {
    CHECK(parse(with_peer(std::string{R"("ExitNode":true,"ExitNodeOption":true,"Location":{"Country":"X"},)"} +
                          two_addresses))
              .candidates.size() == 1);
}

TEST_CASE("expired peers can be asked for") {
    tailscale_filter filter;
    filter.include_expired = true;
    CHECK(parse(with_peer(std::string{R"("Expired":true,)"} + two_addresses), filter).candidates.size() == 1);
}

TEST_CASE("a key expiry of zero or in the future is no expiry") {
    for (char const* expiry :
         {"0001-01-01T00:00:00Z", "2090-01-01T00:00:00Z", "2026-10-03T11:19:28.1204059+09:00", "soon"}) {
        CAPTURE(expiry);
        CHECK(parse(with_peer(std::string{R"("KeyExpiry":")"} + expiry + "\"," + two_addresses)).candidates.size() ==
              1);
    }
}

TEST_CASE("this machine is known by its id and by each of its addresses") {
    tailscale_status const status =
        parse(with_peers(R"("a":{"ID":"n0","TailscaleIPs":["100.64.0.7"]},)"
                         R"("b":{"ID":"n8","TailscaleIPs":["fd7a:115c:a1e0::9","100.64.0.1"]},)"
                         R"("c":{"ID":"n9","TailscaleIPs":["100.64.0.2"]})"));
    CHECK(status.dropped_for(peer_drop::self) == 2);
    CHECK(status.candidates.size() == 1);
}

// ---- Online ---------------------------------------------------------------------------------------------------

std::string three_states() {
    return with_peers(R"("a":{"DNSName":"a.tail.ts.net.","TailscaleIPs":["100.64.0.2"],"Online":false},)"
                      R"("b":{"DNSName":"b.tail.ts.net.","TailscaleIPs":["100.64.0.3"],"Online":true},)"
                      R"("c":{"DNSName":"c.tail.ts.net.","TailscaleIPs":["100.64.0.4"]},)"
                      R"("d":{"DNSName":"d.tail.ts.net.","TailscaleIPs":["100.64.0.5"],"Online":false})");
}

TEST_CASE("offline peers are left out while others are there, whether before or behind them") {
    tailscale_status const status = parse(three_states());
    check_books(status);
    CHECK(names(status) == texts{"b", "c"});
    CHECK(status.dropped_for(peer_drop::offline) == 2);
    CHECK(status.candidates[0].state == presence::online);
    CHECK(status.candidates[1].state == presence::unknown);
}

TEST_CASE("if everybody is called offline, everybody is a candidate") {
    tailscale_status const status =
        parse(with_peers(R"("a":{"DNSName":"a.tail.ts.net.","TailscaleIPs":["100.64.0.2"],"Online":false},)"
                         R"("b":{"ID":"n0","TailscaleIPs":["100.64.0.1"],"Online":true})"));
    check_books(status);
    CHECK(names(status) == texts{"a"});
    CHECK(status.candidates[0].state == presence::offline);
}

TEST_CASE("offline peers can be asked for, and then come last") {
    tailscale_filter filter;
    filter.offline = offline_peers::include;
    CHECK(names(parse(three_states(), filter)) == texts{"b", "c", "a", "d"});
}

TEST_CASE("offline peers can be refused altogether") {
    tailscale_filter filter;
    filter.offline = offline_peers::exclude;
    tailscale_status const status = parse(with_peers(R"("a":{"TailscaleIPs":["100.64.0.2"],"Online":false})"), filter);
    CHECK(status.candidates.empty());
    CHECK(status.dropped_for(peer_drop::offline) == 1);
}

// ---- Addresses ------------------------------------------------------------------------------------------------

TEST_CASE("addresses are ordered by the preferred family, whatever their order in the document") {
    std::string const document = with_peer(R"("TailscaleIPs":["fd7a:115c:a1e0::2","100.64.0.2","100.64.0.3"])");
    struct row {
        address_preference family;
        texts expected;
    };
    for (row const& r : {row{address_preference::v4_first, {"100.64.0.2:7", "100.64.0.3:7", "[fd7a:115c:a1e0::2]:7"}},
                         row{address_preference::v6_first, {"[fd7a:115c:a1e0::2]:7", "100.64.0.2:7", "100.64.0.3:7"}},
                         row{address_preference::v4_only, {"100.64.0.2:7", "100.64.0.3:7"}},
                         row{address_preference::v6_only, {"[fd7a:115c:a1e0::2]:7"}}}) {
        tailscale_filter filter;
        filter.family = r.family;
        filter.port = 7;
        CHECK(addresses(parse(document, filter).candidates.at(0)) == r.expected);
    }
}

TEST_CASE("a peer without an address of the wanted family is left out") {
    tailscale_filter filter;
    filter.family = address_preference::v6_only;
    CHECK(parse(with_peer(R"("TailscaleIPs":["100.64.0.2"])"), filter).dropped_for(peer_drop::no_address) == 1);
}

TEST_CASE("addresses may be written as prefixes of one host, and nothing wider counts") {
    CHECK(addresses(parse(with_peer(R"("TailscaleIPs":["100.64.0.2/32","fd7a:115c:a1e0::2/128"])")).candidates.at(0)) ==
          texts{"100.64.0.2:9000", "[fd7a:115c:a1e0::2]:9000"});
    for (char const* wide :
         {"100.64.0.2/24", "100.64.0.2/128", "fd7a:115c:a1e0::2/32", "100.64.0.2/", "100.64.0.2/x"}) {
        CAPTURE(wide);
        CHECK(parse(with_peer(std::string{R"("TailscaleIPs":[")"} + wide + "\"]")).dropped_for(peer_drop::no_address) ==
              1);
    }
}

TEST_CASE("addresses that cannot belong to another machine, and texts that are none, are not taken") {
    CHECK(addresses(
              parse(with_peer(
                        R"("TailscaleIPs":["127.0.0.1","0.0.0.0","::1","fe80::1","224.0.0.1","fe80::1%eth0","x","",)"
                        R"("100.64.0.2"])"))
                  .candidates.at(0)) == texts{"100.64.0.2:9000"});
}

TEST_CASE("AllowedIPs stand in only where TailscaleIPs is empty, and lose subnet and default routes") {
    CHECK(addresses(
              parse(with_peer(R"("AllowedIPs":["0.0.0.0/0","::/0","192.168.1.0/24","10.1.2.3/32"],"TailscaleIPs":[])"))
                  .candidates.at(0)) == texts{"10.1.2.3:9000"});
    CHECK(
        addresses(parse(with_peer(R"("AllowedIPs":["10.1.2.3/32"],"TailscaleIPs":["100.64.0.2"])")).candidates.at(0)) ==
        texts{"100.64.0.2:9000"});
    CHECK(
        addresses(parse(with_peer(R"("TailscaleIPs":["100.64.0.2"],"AllowedIPs":["10.1.2.3/32"])")).candidates.at(0)) ==
        texts{"100.64.0.2:9000"});
}

TEST_CASE("the single address of old versions counts where there is no list") {
    CHECK(addresses(parse(with_peer(R"("TailAddr":"100.64.0.5")")).candidates.at(0)) == texts{"100.64.0.5:9000"});
    CHECK(addresses(parse(with_peer(R"("TailAddr":"100.64.0.5","TailscaleIPs":["100.64.0.2"])")).candidates.at(0)) ==
          texts{"100.64.0.2:9000"});
}

TEST_CASE("in whatever way a list of addresses is written, it is read or refused") {
    struct row {
        std::string_view list;
        std::size_t addresses;
    };
    for (row const& r : std::initializer_list<row>{{R"([])", 0},
                                                   {"[ \n\t\r]", 0},
                                                   {R"(["100.64.0.2"])", 1},
                                                   {"[\r\n\t\"100.64.0.2\" ,\n \"100.64.0.3\" ]", 2},
                                                   {R"([null,"100.64.0.2"])", 1},
                                                   {R"(["100.64.0.2",null])", 1},
                                                   {R"(["100.64.0.2","100.64.0\u002e3"])", 2}}) {
        CAPTURE(r.list);
        tailscale_status const status = parse(with_peer("\"TailscaleIPs\":" + std::string{r.list}));
        check_books(status);
        CHECK((status.candidates.empty() ? 0 : status.candidates[0].addresses.size()) == r.addresses);
    }
    for (std::string_view const list : {R"(["100.64.0.2",])", R"(["100.64.0.2" "100.64.0.3"])", R"([,"100.64.0.2"])",
                                        R"(["100.64.0.2"}])", R"(["100.64.0.2\q"])", R"(["100.64.0.2")"}) {
        CAPTURE(list);
        CHECK(refusal(with_peer("\"TailscaleIPs\":" + std::string{list})) == discovery_error::not_json);
    }
}

TEST_CASE("an address written twice counts once") {
    CHECK(addresses(parse(with_peer(R"("TailscaleIPs":["100.64.0.2","100.64.0.2/32","::ffff:100.64.0.2"])"))
                        .candidates.at(0)) == texts{"100.64.0.2:9000"});
}

TEST_CASE("a peer with very many addresses keeps the first eight") {
    std::string list;
    for (int i = 1; i <= 40; ++i)
        list.append(i == 1 ? "" : ",").append("\"100.64.9.").append(std::to_string(i)).append("\"");
    CHECK(parse(with_peer("\"TailscaleIPs\":[" + list + "]")).candidates.at(0).addresses.size() == 8);
}

// ---- The same machine twice -----------------------------------------------------------------------------------

TEST_CASE("the same machine listed twice, by id or by address, is one candidate") {
    tailscale_status const status =
        parse(with_peers(R"("a":{"ID":"n1","DNSName":"a.tail.ts.net.","TailscaleIPs":["100.64.0.2"]},)"
                         R"("b":{"ID":"n1","DNSName":"b.tail.ts.net.","TailscaleIPs":["100.64.0.3"]},)"
                         R"("c":{"ID":"n2","DNSName":"c.tail.ts.net.","TailscaleIPs":["100.64.0.9","100.64.0.2"]},)"
                         R"("d":{"ID":"n4","DNSName":"d.tail.ts.net.","TailscaleIPs":["100.64.0.4"]})"));
    check_books(status);
    CHECK(names(status) == texts{"a", "d"});
    CHECK(status.dropped_for(peer_drop::duplicate) == 2);
}

TEST_CASE("of two entries of one machine the one not called offline stays") {
    tailscale_filter filter;
    filter.offline = offline_peers::include;
    tailscale_status const status = parse(
        with_peers(R"("a":{"ID":"n1","DNSName":"db.tail.ts.net.","TailscaleIPs":["100.64.0.2"],"Online":false},)"
                   R"("b":{"ID":"n1","DNSName":"db-1.tail.ts.net.","TailscaleIPs":["100.64.0.3"],"Online":true})"),
        filter);
    CHECK(names(status) == texts{"db-1"});
    CHECK(addresses(status.candidates[0]) == texts{"100.64.0.3:9000"});
}

TEST_CASE("peers without ids are told apart by address") {
    tailscale_status const status =
        parse(with_peers(R"("a":{"TailscaleIPs":["100.64.0.2"]},"b":{"TailscaleIPs":["100.64.0.3"]},)"
                         R"("c":{"TailscaleIPs":["100.64.0.2"]})"));
    CHECK(status.candidates.size() == 2);
    CHECK(status.dropped_for(peer_drop::duplicate) == 1);
}

TEST_CASE("a thousand distinct machines stay a thousand") {
    std::string peers;
    for (int i = 0; i < 1000; ++i) {
        std::string const n = std::to_string(i);
        peers.append(i == 0 ? "" : ",")
            .append("\"k" + n + "\":{\"ID\":\"n" + n + "x\",\"TailscaleIPs\":[\"100.65." + std::to_string(i / 250) +
                    "." + std::to_string(i % 250 + 1) + "\"]}");
    }
    tailscale_status const status = parse(with_peers(peers));
    CHECK(status.candidates.size() == 1000);
    CHECK(status.dropped_for(peer_drop::duplicate) == 0);
}

// ---- Fields of the wrong type ---------------------------------------------------------------------------------

TEST_CASE("a peer with a field of the wrong type is left out and counted, and the others stay") {
    for (std::string_view const field : {R"("ID":7)",
                                         R"("HostName":{})",
                                         R"("DNSName":[])",
                                         R"("OS":true)",
                                         R"("AltSharerUserID":"x")",
                                         R"("AltSharerUserID":1.5)",
                                         R"("AltSharerUserID":1e3)",
                                         R"("AltSharerUserID":99999999999999999999)",
                                         R"("AltSharerUserID":-99999999999999999999)",
                                         R"("TailscaleIPs":"100.64.0.2")",
                                         R"("TailscaleIPs":[100])",
                                         R"("TailscaleIPs":[{}])",
                                         R"("AllowedIPs":{})",
                                         R"("Tags":"x")",
                                         R"("Tags":[1])",
                                         R"("Online":"yes")",
                                         R"("Online":1)",
                                         R"("ShareeNode":"no")",
                                         R"("Expired":{})",
                                         R"("KeyExpiry":5)",
                                         R"("TailAddr":["x"])"}) {
        CAPTURE(field);
        std::string const document = with_peers("\"nodekey:01\":{" + std::string{field} +
                                                "},\"nodekey:02\":{\"TailscaleIPs\":[\"100.64.0.2\"]}");
        tailscale_status const status = parse(document);
        check_books(status);
        CHECK(status.candidates.size() == 1);
        CHECK(status.dropped_for(peer_drop::malformed) == 1);
        REQUIRE(status.first_malformed.has_value());
        CHECK(*status.first_malformed == discovery_error::wrong_type);
        std::string_view const key = field.substr(1, field.find('"', 1) - 1);
        CHECK(status.first_malformed->field() == key);
        CHECK(document.substr(status.first_malformed->position(), key.size()) == key);
    }
}

TEST_CASE("a peer that is not an object is left out and counted") {
    tailscale_status const status = parse(with_peers(R"("a":7,"b":"x","c":[{}],"d":{"TailscaleIPs":["100.64.0.2"]})"));
    check_books(status);
    CHECK(status.dropped_for(peer_drop::malformed) == 3);
    CHECK(status.candidates.size() == 1);
}

TEST_CASE("a field of the document with the wrong type is an error that names it") {
    for (std::string_view const field :
         {R"("Peer":[])", R"("Peer":"x")", R"("Self":[])", R"("Self":7)", R"("BackendState":7)", R"("Version":{})",
          R"("TUN":"yes")", R"("MagicDNSSuffix":[])", R"("CurrentTailnet":"x")"}) {
        CAPTURE(field);
        error const why = refusal("{" + std::string{field} + "}");
        CHECK(why == discovery_error::wrong_type);
        CHECK(why.field() == field.substr(1, field.find('"', 1) - 1));
        CHECK(why.position() == 2);
    }
    error const inside = refusal(R"({"Self":{"TailscaleIPs":7}})");
    CHECK(inside == discovery_error::wrong_type);
    CHECK(inside.field() == "TailscaleIPs");
    CHECK(inside.position() == 10);
}

// ---- Documents that are none ----------------------------------------------------------------------------------

TEST_CASE("a document that is no status document is an error with its place") {
    struct row {
        std::string_view text;
        discovery_error what;
        std::size_t position;
    };
    for (row const& r : std::initializer_list<row>{
             {"", discovery_error::empty_document, 0},
             {" \n", discovery_error::empty_document, 0},
             {"[]", discovery_error::not_an_object, 0},
             {"null", discovery_error::not_an_object, 0},
             {"\"x\"", discovery_error::not_an_object, 0},
             {"failed to connect to local tailscaled; it doesn't appear to be running", discovery_error::not_json, 0},
             {"Failed to connect to tailscaled. (safesocket.Connect: x)", discovery_error::not_json, 0},
             {"{} trailing", discovery_error::trailing_bytes, 3},
             {"{}{}", discovery_error::trailing_bytes, 2},
             {"{}\nWarning: client version \"1.2\" != tailscaled server version \"1.3\"\n",
              discovery_error::trailing_bytes, 3},
             {"{\"Peer\":{\"a\":{\"ID\":\"x", discovery_error::not_json, 19},
             {"{\"Peer\":{\"a\":{\"ID\":\"x\"}", discovery_error::not_json, 23},
             {"{\"Peer\":{\"a\":{\"ID\":\"x\"}]}", discovery_error::not_json, 23},
             {"{\"Peer\":{\"a\" {}}}", discovery_error::not_json, 0},
             {"{\"Version\" \"1\"}", discovery_error::not_json, 0},
             {"{\"Version\":\"1\" \"TUN\":true}", discovery_error::not_json, 0},
             {"{\"Version\":\"\\q\"}", discovery_error::not_json, 0},
             {"{\"Peer\":{\"a\":{\"DNSName\":\"\\ud800\"}}}", discovery_error::not_json, 0},
             {"{Version:1}", discovery_error::not_json, 0},
         }) {
        CAPTURE(r.text);
        error const why = refusal(r.text);
        CHECK(why == r.what);
        if (r.position != 0) CHECK(why.position() == r.position);
    }
}

TEST_CASE("every prefix of a document is refused or a whole document") {
    std::string const document = R"({"BackendState":"Running","Self":{"ID":"n\u0030"},)"
                                 R"("Peer":{"a":{"TailscaleIPs":["100.64.0.2"],"Online":true}}} )";
    tailscale_status_parser parser;
    tailscale_status status;
    for (std::size_t size = 0; size < document.size() - 1; ++size) {
        CAPTURE(size);
        CHECK_FALSE(parser.parse(std::string_view{document}.substr(0, size), {}, status));
    }
    CHECK(parser.parse(document, {}, status));
    CHECK(status.candidates.size() == 1);
}

TEST_CASE("the size limit is exact") {
    std::string const document = R"({"Version":"1"})";
    tailscale_filter filter;
    filter.max_document = document.size();
    CHECK(parse(document, filter).version == "1");
    filter.max_document = document.size() - 1;
    error const why = refusal(document, filter);
    CHECK(why == discovery_error::too_large);
    CHECK(why.position() == document.size());
}

TEST_CASE("nesting beyond the limit is refused with its place") {
    auto const nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    tailscale_filter filter;
    filter.max_depth = 10;
    // The document, Peer, the peer and CapMap are four levels.
    auto const in_peer = [&](std::size_t depth) {
        return with_peer(std::string{two_addresses} + ",\"CapMap\":{\"x\":" + nested(depth) + "}");
    };
    CHECK(parse(in_peer(6), filter).candidates.size() == 1);
    error const why = refusal(in_peer(7), filter);
    CHECK(why == discovery_error::too_deep);
    CHECK(in_peer(7)[why.position()] == '[');
    CHECK(refusal("{\"x\":" + nested(10) + "}", filter) == discovery_error::too_deep);
    CHECK(parse("{\"x\":" + nested(9) + "}", filter).candidates.empty());
    CHECK(refusal("{\"x\":" + nested(200'000) + "}") == discovery_error::too_deep);
}

TEST_CASE("more candidates than allowed are counted and not kept") {
    tailscale_filter filter;
    filter.max_candidates = 2;
    filter.offline = offline_peers::include;
    tailscale_status const status = parse(three_states(), filter);
    check_books(status);
    CHECK(names(status) == texts{"b", "a"});
    CHECK(status.dropped_for(peer_drop::over_limit) == 2);
}

// ---- Reuse ----------------------------------------------------------------------------------------------------

TEST_CASE("a parser and a status used again remember nothing of the document before") {
    tailscale_status_parser parser;
    tailscale_status reused;
    for (char const* name : {"s5_running_everything.json", "s1_stopped.json", "odd_version_0_97.json",
                             "s6_running_600_mullvad.json", "odd_sorted_keys.json", "s3_starting_with_peers.json"}) {
        CAPTURE(name);
        CHECK_FALSE(parser.parse("{\"Peer\":[", {}, reused));
        REQUIRE(parser.parse(file(name), {}, reused));
        tailscale_status const fresh = parse(file(name));
        CHECK(reused.candidates == fresh.candidates);
        CHECK(reused.dropped == fresh.dropped);
        CHECK(reused.state == fresh.state);
        CHECK(reused.self == fresh.self);
        CHECK(reused.dns_suffix == fresh.dns_suffix);
        CHECK(reused.version == fresh.version);
    }
}

TEST_CASE("a padded document is read in place and gives the same") {
    std::string document = file("s5_running_everything.json");
    std::size_t const size = document.size();
    document.append(simdjson::SIMDJSON_PADDING, ' ');
    tailscale_status_parser parser;
    tailscale_status status;
    REQUIRE(parser.parse_padded(simdjson::padded_string_view{document.data(), size, document.size()}, {}, status));
    CHECK(status.candidates == parse(file("s5_running_everything.json")).candidates);
}

TEST_CASE("the result does not refer to the document or the parser") {
    tailscale_status status;
    {
        tailscale_status_parser parser;
        std::string document = file("s5_running_everything.json");
        REQUIRE(parser.parse(document, {}, status));
        std::fill(document.begin(), document.end(), 'x');
        static_cast<void>(parser.parse(document, {}, status));
        REQUIRE(parser.parse(file("s4_running_no_peers.json"), {}, status));
    }
    CHECK(status.self->dns_name == "alpha.tail0abcd.ts.net");
}

TEST_CASE("white space between all tokens changes nothing") {
    std::string const tight = with_peer(std::string{R"("OS":"linux","Online":true,"Tags":["tag:a"],)"} + two_addresses);
    std::string loose;
    bool in_string = false;
    for (char const c : tight) {
        if (c == '"') in_string = !in_string;
        bool const token = !in_string && (c == '{' || c == '}' || c == '[' || c == ']' || c == ',' || c == ':');
        loose.append(token ? " \t\r\n" : "").push_back(c);
        if (token) loose.append("\n  ");
    }
    CHECK(parse(loose).candidates == parse(tight).candidates);
}

} // namespace
