// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Archetype and exemplar of MessageHandler; docs/concepts/message_handler.md quotes the exemplar.
#include <peerkit/gossip/topics.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace peerkit;

namespace {

/// The archetype: what the concept asks for and nothing besides.
class least_handler {
public:
    explicit least_handler(int) noexcept {}
    least_handler(least_handler const&) = delete;
    least_handler& operator=(least_handler const&) = delete;
    void operator()(gossip::incoming const&) {}
};
static_assert(gossip::MessageHandler<least_handler>);
static_assert(gossip::check_message_handler<least_handler>());

// [exemplar]
/// Answers with the value kept under the name that is asked for.
class look_up {
public:
    explicit look_up(std::map<std::string, std::string, std::less<>> values) : values_{std::move(values)} {}

    [[nodiscard]] std::string operator()(peerkit::gossip::incoming const& m) const {
        auto const found = values_.find(m.text());
        return found == values_.end() ? std::string{} : found->second;
    }

private:
    std::map<std::string, std::string, std::less<>> values_;
};
static_assert(peerkit::gossip::check_message_handler<look_up>());
// [/exemplar]

// Each requirement is missing from a type of its own.
struct takes_text {
    void operator()(std::string_view) const {}
};
struct returns_number {
    int operator()(gossip::incoming const&) const { return 0; }
};
static_assert(!gossip::TakesIncoming<takes_text>);
static_assert(gossip::TakesIncoming<returns_number> && !gossip::AnswersOrNothing<returns_number>);

} // namespace

TEST_CASE("the exemplar answers requests, and only those") {
    gossip::topics handlers{gossip::on<"value", look_up>{look_up{{{"colour", "green"}}}}};
    std::optional<std::string> answer;
    gossip::delivery asked;
    asked.topic = bounded_text<limits::topic>::cut("value");
    asked.kind = gossip::delivery_kind::request;
    auto const reply = [&](byte_view with) { answer = std::string{as_text(with)}; };
    CHECK(handlers.dispatch({asked, as_bytes("colour")}, reply));
    CHECK(answer == "green");
    asked.kind = gossip::delivery_kind::broadcast;
    answer.reset();
    CHECK(handlers.dispatch({asked, as_bytes("colour")}, reply));
    CHECK_FALSE(answer);
}
