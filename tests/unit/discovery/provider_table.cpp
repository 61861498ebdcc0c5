// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the table of providers: a host's own, lists, and what every strategy can be wrapped in.
#include <peerkit/discovery/provider_table.hpp>

#include <support/run_strategy.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::any_strategy;
using discovery::candidate;
using discovery::discovery_error;
using discovery::option_kind;
using discovery::provider_table;
using discovery::step;
using discovery::strategy_context;
using peerkit::core_error;
using peerkit_test::reply;
using peerkit_test::run;
using peerkit_test::run_report;
using namespace std::chrono_literals;

namespace {

using texts = std::vector<std::string>;

/// Reads a file and finds as many as its text has characters; fails if the file does.
class letters {
public:
    explicit letters(std::string path) : path_{std::move(path)} {}
    [[nodiscard]] std::string_view name() const noexcept { return "letters"; }
    [[nodiscard]] step begin(peerkit::time_point) { return step::ask(discovery::read_file{path_}); }
    [[nodiscard]] step resume(discovery::ticket, discovery::outcome got, peerkit::time_point) {
        auto const* file = std::get_if<discovery::file_text>(&got);
        if (file == nullptr) return step::failed(discovery::why_not(got));
        std::vector<candidate> found;
        for (char const c : file->text) {
            candidate one;
            one.name = one.name.cut(std::string(1, c));
            one.addresses = {{peerkit::ip_address::v4(192, 0, 2, static_cast<std::uint8_t>(c)), 9000}};
            one.labels = {{"letter", std::string(1, c)}, {"file", path_}};
            found.push_back(std::move(one));
        }
        return step::found(std::move(found));
    }

private:
    std::string path_;
};

provider_table table(std::vector<strategy_context>* seen = nullptr) {
    provider_table made;
    REQUIRE(made.add({{.name = "letters", .keys = {{.name = "path", .required = true}}},
                      [seen](auto const& options, auto const& context) -> peerkit::result<any_strategy> {
                          if (options.text("path") == "bad") {
                              return peerkit::fail(options.place({discovery_error::bad_option, 2}, "path"));
                          }
                          if (seen != nullptr) seen->push_back(context);
                          return letters{options.text("path")};
                      }}));
    REQUIRE(made.add({{.name = "later", .unsupported = "later: not yet"}, {}}));
    return made;
}
any_strategy make(std::string_view text, strategy_context const& context = {}) {
    auto made = table().make(text, context);
    REQUIRE(made);
    return std::move(*made);
}
/// Files hold their names; "missing" is not there, "empty" is empty, "silent" never answers, "late" takes a second.
std::optional<reply> files(discovery::effect const& wanted, peerkit::time_point) {
    auto const& path = std::get<discovery::read_file>(wanted).path;
    if (path == "silent") return std::nullopt;
    if (path == "missing") return reply{peerkit::error{discovery_error::unavailable, 2}};
    if (path == "empty") return reply{discovery::file_text{}};
    return reply{discovery::file_text{path, {}}, path == "late" ? 1s : 0s};
}
texts names(run_report const& report) {
    REQUIRE(report.answer);
    texts all;
    for (candidate const& c : *report.answer) all.emplace_back(c.name.view());
    return all;
}
texts found_by(std::string_view text) {
    any_strategy made = make(text);
    return names(run(made, files));
}
void check(peerkit::error const& got, peerkit::error const& expected) {
    CHECK(got == expected);
    CHECK(got.position() == expected.position());
    CHECK(got.field() == expected.field());
}
peerkit::error refused(std::string_view text) {
    auto const made = table().make(text, {});
    REQUIRE_FALSE(made);
    return made.error();
}

TEST_CASE("a host's own provider is made with its options") {
    CHECK(found_by("letters path=ab") == texts{"a", "b"});
    CHECK(found_by("provider=letters path=c") == texts{"c"});
}

TEST_CASE("none finds nobody") {
    any_strategy nobody = make("none");
    CHECK(nobody.name() == "none");
    CHECK(names(run(nobody, files)).empty());
}

TEST_CASE("first_of takes the first that finds somebody, in every length") {
    CHECK(found_by("first_of(letters path=a)") == texts{"a"});
    CHECK(found_by("first_of(letters path=missing, letters path=empty, letters path=b, letters path=c)") == texts{"b"});
    std::string text = "first_of(none";
    for (int length = 2; length <= 8; ++length) {
        text += ", none";
        CHECK(found_by(text + ")").empty());
        std::string const last = text.substr(0, text.size() - 4) + "letters path=x)";
        CHECK(found_by(last) == texts{"x"});
    }
}

TEST_CASE("all_of merges what all of them find, in every length") {
    CHECK(found_by("all_of(letters path=ab, letters path=missing, letters path=bc)") == texts{"a", "b", "c"});
    std::string text = "all_of(letters path=a";
    texts expected{"a"};
    for (char c = 'b'; c <= 'h'; ++c) {
        text.append(", letters path=").append(1, c);
        expected.emplace_back(1, c);
        CHECK(found_by(text + ")") == expected);
    }
}

TEST_CASE("lists nest") {
    CHECK(found_by(
              "first_of(all_of(none, letters path=missing), all_of(letters path=a, first_of(none, letters path=b)))") ==
          texts{"a", "b"});
}

TEST_CASE("filter and where keep what matches") {
    CHECK(found_by("letters path=abc filter=b") == texts{"b"});
    CHECK(found_by("letters path=abc where=letter=c") == texts{"c"});
    CHECK(found_by("letters path=abc where=letter") == texts{"a", "b", "c"});
    CHECK(found_by("letters path=abc where=\"letter=\"").empty());
    CHECK(found_by("all_of(letters path=ab, letters path=cd) filter=? where=file=cd") == texts{"c", "d"});
    check(refused("letters path=x filter=a%b"), {discovery_error::bad_pattern, 23, "filter"});
    check(refused("letters path=x where=a%b=c"), {core_error::bad_character, 22, "where"});
    check(refused("letters path=x where==c"), {core_error::empty, 21, "where"});
}

TEST_CASE("timeout bounds a strategy, and one in a list only that one") {
    any_strategy silent = make("letters path=silent timeout=250ms");
    auto const report = run(silent, files);
    REQUIRE_FALSE(report.answer);
    CHECK(report.answer.error() == discovery_error::timed_out);
    CHECK(report.took == 250ms);
    any_strategy second = make("first_of(letters path=silent timeout=1s, letters path=late) timeout=3s");
    auto const found = run(second, files);
    CHECK(names(found) == texts{"l", "a", "t", "e"});
    CHECK(found.took == 2s);
}

TEST_CASE("retry tries again, each time within the timeout") {
    any_strategy stubborn = make("letters path=missing retry=3");
    auto const report = run(stubborn, files);
    CHECK_FALSE(report.answer);
    CHECK(report.of<discovery::read_file>().size() == 3);
    any_strategy silent = make("letters path=silent timeout=1s retry=2");
    auto const twice = run(silent, files);
    CHECK(twice.of<discovery::read_file>().size() == 2);
    CHECK(twice.took >= 2s);
}

TEST_CASE("keep answers a failed run with the last good answer, until it is too old") {
    any_strategy kept = make("letters path=a keep=10s");
    CHECK(names(run(kept, files)) == texts{"a"});
    auto const broken = [](discovery::effect const&, peerkit::time_point) -> std::optional<reply> {
        return reply{peerkit::error{discovery_error::unavailable, 2}};
    };
    CHECK(names(run(kept, broken, peerkit::time_point{5s})) == texts{"a"});
    CHECK_FALSE(run(kept, broken, peerkit::time_point{11s}).answer);
}

TEST_CASE("only who is asked last may wait for its source") {
    std::vector<strategy_context> seen;
    auto const all = table(&seen);
    REQUIRE(all.make("first_of(letters path=a, first_of(letters path=b, letters path=c), letters path=d)", {}));
    REQUIRE(seen.size() == 4);
    CHECK_FALSE(seen[0].patient);
    CHECK_FALSE(seen[1].patient);
    CHECK_FALSE(seen[2].patient);
    CHECK(seen[3].patient);
    seen.clear();
    REQUIRE(all.make("first_of(none, first_of(none, letters path=c))", {}));
    CHECK(seen[0].patient);
    seen.clear();
    REQUIRE(all.make("all_of(none, letters path=c)", {}));
    CHECK_FALSE(seen[0].patient);
    seen.clear();
    REQUIRE(all.make("letters path=a", {.patient = false}));
    CHECK_FALSE(seen[0].patient);
}

TEST_CASE("every strategy gets a seed of its own, the same for the same seed") {
    std::vector<strategy_context> seen;
    auto const all = table(&seen);
    for (std::uint64_t const seed : {7U, 7U, 8U}) {
        REQUIRE(all.make("all_of(letters path=a, letters path=b)", {.port = 7000, .seed = seed}));
    }
    REQUIRE(seen.size() == 6);
    CHECK(seen[0].seed != seen[1].seed);
    CHECK(seen[0].seed == seen[2].seed);
    CHECK(seen[1].seed == seen[3].seed);
    CHECK(seen[0].seed != seen[4].seed);
    CHECK(seen[0].port == 7000);
}

TEST_CASE("a host may put something around every strategy that a provider made") {
    texts wrapped;
    strategy_context context;
    context.around = [&wrapped](any_strategy made, discovery::provider_text const& text) {
        wrapped.push_back(to_string(text));
        return text.options.empty() ? std::move(made) : any_strategy{letters{"z"}};
    };
    any_strategy made = make("first_of(none, letters path=a filter=z) keep=1h", context);
    CHECK(wrapped == texts{"none", "letters path=a filter=z"});
    CHECK(names(run(made, files)) == texts{"z"});
}

TEST_CASE("errors have a place in the text and a name, and nothing is made") {
    check(refused("letters"), {discovery_error::missing_option, 0, "path"});
    check(refused("unheard_of x=y"), {discovery_error::unknown_provider, 0, "strategy"});
    check(refused("all_of(none, letters path=x, ftp)"), {discovery_error::unknown_provider, 29, "strategy"});
    check(refused("first_of(letters path=x colour=red)"), {discovery_error::unknown_option, 24, "letters"});
    check(refused("none(none)"), {core_error::bad_character, 4, "parenthesis"});
    check(refused("first_of"), {discovery_error::missing_option, 0, "strategies in parentheses"});
    check(refused("first_of(none, later)"), {discovery_error::unsupported, 15, "later: not yet"});
    check(refused("first_of(none, letters path=bad)"), {discovery_error::bad_option, 30, "path"});
    check(refused("none x"), {core_error::bad_character, 6, "'=' behind the option"});
    std::vector<strategy_context> seen;
    CHECK_FALSE(table(&seen).make("all_of(letters path=a, ftp)", {}));
    CHECK(seen.empty());
    CHECK(table().make("none", {.port = 0}).error() == discovery_error::bad_option);
}

TEST_CASE("a table refuses what would be ambiguous") {
    provider_table all = table();
    auto const maker = [](auto const&, auto const&) -> peerkit::result<any_strategy> { return any_strategy{}; };
    check(all.add({{.name = "none"}, maker}).error(), {core_error::duplicate_key, 0, "none"});
    check(all.add({{.name = "letters"}, maker}).error(), {core_error::duplicate_key, 0, "letters"});
    check(all.add({{.name = "x", .keys = {{.name = "keep"}}}, maker}).error(), {core_error::duplicate_key, 0, "keep"});
    check(all.add({{.name = "x", .keys = {{.name = "a"}, {.name = "a"}}}, maker}).error(),
          {core_error::duplicate_key, 0, "a"});
    check(all.add({{.name = "x"}, {}}).error(), {discovery_error::bad_option, 0, "x"});
    check(all.add({{.name = "x", .is_list = true}, maker}).error(), {discovery_error::bad_option, 0, "x"});
    CHECK(all.add({{.name = "x", .keys = {{.name = "a"}}}, maker}));
    CHECK(all.find("x") != nullptr);
    CHECK(all.find("y") == nullptr);
    CHECK(all.providers().size() == 6);
}

} // namespace
