// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the file of peers, in a world that is a function: no file system.
#include <peerkit/discovery/peers_file.hpp>

#include <support/run_strategy.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::discovery_error;
using discovery::file_stamp;
using discovery::peers_file;
using peerkit_test::reply;
using peerkit_test::run;
using peerkit_test::run_report;

namespace {

static_assert(discovery::check_strategy<peers_file>());

using texts = std::vector<std::string>;

peers_file file_at(std::string path, discovery::peers_file_options options = {}) {
    options.path = std::move(path);
    auto made = peers_file::make(std::move(options));
    REQUIRE(made);
    return std::move(*made);
}
/// A world with one file, or an error in its place, and names that all lead to 192.0.2.99.
peerkit_test::world holding(discovery::outcome file) {
    return [file](discovery::effect const& wanted, peerkit::time_point) -> std::optional<reply> {
        if (std::holds_alternative<discovery::resolve_name>(wanted)) {
            return reply{discovery::resolved{{peerkit::ip_address::v4(192, 0, 2, 99)}, {}}};
        }
        REQUIRE(std::holds_alternative<discovery::read_file>(wanted));
        return reply{file};
    };
}
peerkit_test::world holding(std::string text, std::uint64_t version = 1) {
    std::uint64_t const size = text.size();
    return holding(discovery::file_text{std::move(text), {static_cast<std::int64_t>(version), size, 1}});
}
peerkit_test::world unavailable(std::uint64_t code) {
    return holding(peerkit::error{discovery_error::unavailable, code, "file"});
}
texts found_by(run_report const& report) {
    REQUIRE(report.answer);
    texts all;
    for (auto const& c : *report.answer) all.push_back(c.addresses.front().to_string());
    return all;
}
std::optional<file_stamp> watched_state(run_report const& report) {
    REQUIRE(report.watches.size() == 1);
    auto const* watch = std::get_if<discovery::watch_file>(&report.watches[0]);
    REQUIRE(watch != nullptr);
    CHECK(watch->path == "peers.txt");
    return watch->seen;
}

TEST_CASE("a file gives candidates with labels, ports and their source; names are looked up") {
    peers_file file = file_at("peers.txt", {.default_port = 7000, .max_bytes = 512});
    auto const report = run(file, holding("# site A\n192.0.2.1 zone=a role=db\r\ndb2.example.org:9100\n"));
    CHECK(found_by(report) == texts{"192.0.2.1:7000", "192.0.2.99:9100"});
    CHECK(report.answer->front().labels.size() == 2);
    CHECK(report.answer->front().source == discovery::provenance::file);
    CHECK(report.answer->front().strategy.view() == "file");
    REQUIRE(report.of<discovery::read_file>().size() == 1);
    CHECK(report.of<discovery::read_file>()[0] == discovery::read_file{"peers.txt", 512});
    CHECK(report.notices.empty());
    CHECK(file.size() == 2);
}

TEST_CASE("a run ends with a watch for the state that was read, whether or not names are looked up") {
    peers_file file = file_at("peers.txt");
    CHECK(watched_state(run(file, holding("192.0.2.1", 7))) == file_stamp{7, 9, 1});
    CHECK(watched_state(run(file, holding("db1.example", 8))) == file_stamp{8, 11, 1});
    CHECK(watched_state(run(file, holding("!", 9))) == file_stamp{9, 1, 1});
}

TEST_CASE("a file that is not there fails the run, and its coming is watched for") {
    peers_file file = file_at("peers.txt");
    for (std::uint64_t const code : {2U, 20U}) {
        auto const report = run(file, unavailable(code));
        REQUIRE_FALSE(report.answer);
        CHECK(report.answer.error() == discovery_error::unavailable);
        CHECK(report.answer.error().position() == code);
        CHECK_FALSE(watched_state(report).has_value());
    }
}

TEST_CASE("a file that is there but cannot be read is not watched: its state is not known") {
    peers_file file = file_at("peers.txt");
    CHECK(run(file, unavailable(13)).watches.empty());
    static_cast<void>(run(file, holding("192.0.2.1")));
    CHECK(run(file, unavailable(13)).watches.empty());
    CHECK(run(file, holding(peerkit::error{discovery_error::too_large, 512})).watches.empty());
}

TEST_CASE("the last good list stays while the file is gone, unreadable, too large or bad") {
    peers_file file = file_at("peers.txt");
    CHECK(found_by(run(file, holding("192.0.2.1"))) == texts{"192.0.2.1:9000"});
    peerkit_test::world const bad[] = {unavailable(2), unavailable(13),
                                       holding(peerkit::error{discovery_error::too_large, 512}),
                                       holding("192.0.2.2\n192.0.2"), holding("\xff\xfe")};
    for (auto const& world : bad) {
        auto const report = run(file, world);
        CHECK(found_by(report) == texts{"192.0.2.1:9000"});
        CHECK_FALSE(report.notices.empty());
    }
    CHECK(found_by(run(file, holding("192.0.2.2"))) == texts{"192.0.2.2:9000"});
}

TEST_CASE("the first list may have bad lines: the good ones count and each bad one is told") {
    peers_file file = file_at("peers.txt");
    auto const report = run(file, holding("192.0.2.1\ndb1:0\n"));
    CHECK(found_by(report) == texts{"192.0.2.1:9000"});
    REQUIRE(report.notices.size() == 2);
    CHECK(report.notices[0].text.starts_with("peers.txt: line 2: 'db1:0'"));
    CHECK(report.notices[0].what.field() == "port");
}

TEST_CASE("a blank file is taken as being written anew; a comment says that there are no peers") {
    peers_file file = file_at("peers.txt");
    CHECK(found_by(run(file, holding(""))).empty());
    static_cast<void>(run(file, holding("192.0.2.1")));
    auto const blank = run(file, holding(" \r\n"));
    CHECK(found_by(blank) == texts{"192.0.2.1:9000"});
    CHECK(blank.told(discovery_error::empty_document));
    CHECK(watched_state(blank).has_value());
    auto const none = run(file, holding("# nobody\n"));
    CHECK(found_by(none).empty());
    CHECK(none.notices.empty());
    CHECK(found_by(run(file, holding(""))).empty());
}

TEST_CASE("options that cannot be meant are refused") {
    CHECK(peers_file::make({}).error().field() == "path");
    CHECK(peers_file::make({.path = "x", .default_port = 0}).error() == discovery_error::bad_option);
}

TEST_CASE("an answer that was not asked for fails the run") {
    peers_file file = file_at("peers.txt");
    static_cast<void>(file.begin({}));
    auto const other = file.resume(7, discovery::file_text{"192.0.2.1", {}}, {});
    REQUIRE(other.ended());
    CHECK(other.answer().error() == discovery_error::unexpected_answer);
    static_cast<void>(file.begin({}));
    auto const wrong_kind = file.resume(0, discovery::elapsed{}, {});
    REQUIRE(wrong_kind.ended());
    CHECK(wrong_kind.answer().error() == discovery_error::unexpected_answer);
}

} // namespace
