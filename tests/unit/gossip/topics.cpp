// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of handlers chosen by topic at compile time: who is called, what answers.
#include <peerkit/gossip/topics.hpp>

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

using namespace peerkit;
using gossip::delivery;
using gossip::delivery_kind;
using gossip::incoming;

namespace {

struct shout {
    std::string operator()(incoming const& m) const { return std::string{m.text()} + "!"; }
};
struct raw {
    std::vector<std::byte> operator()(incoming const&) const { return {std::byte{1}, std::byte{2}}; }
};
struct note {
    int* count = nullptr;
    void operator()(incoming const&) const { ++*count; }
};
struct wrong {
    int operator()(incoming const&) const { return 0; }
};
static_assert(gossip::MessageHandler<shout> && gossip::MessageHandler<raw> && gossip::MessageHandler<note>);
static_assert(!gossip::MessageHandler<wrong> && !gossip::MessageHandler<int>);
static_assert(gossip::Answer<std::string_view> && gossip::Answer<std::array<std::byte, 3>> &&
              gossip::Answer<char const*>);

delivery of(std::string_view topic, delivery_kind kind) {
    delivery made;
    made.kind = kind;
    made.topic = bounded_text<limits::topic>::cut(topic);
    return made;
}

} // namespace

TEST_CASE("what arrives goes to the handler of its topic, and only a request is answered") {
    int notes = 0;
    gossip::topics handlers{gossip::on<"shout", shout>{}, gossip::on<"raw", raw>{}, gossip::on<"note", note>{{&notes}}};
    std::optional<std::string> answer;
    auto const dispatch = [&](std::string_view topic, delivery_kind kind) {
        answer.reset();
        delivery const what = of(topic, kind);
        return handlers.dispatch({what, as_bytes("hey")}, [&](byte_view a) { answer = std::string{as_text(a)}; });
    };
    CHECK(dispatch("shout", delivery_kind::request));
    CHECK(answer == "hey!");
    CHECK(dispatch("raw", delivery_kind::request));
    CHECK(answer == "\1\2");
    CHECK(dispatch("shout", delivery_kind::broadcast));
    CHECK_FALSE(answer);
    CHECK(dispatch("note", delivery_kind::request));
    CHECK_FALSE(answer);
    CHECK(notes == 1);
    CHECK(dispatch("note", delivery_kind::message));
    CHECK(notes == 2);
    CHECK_FALSE(dispatch("shou", delivery_kind::request));
    CHECK_FALSE(dispatch("shout2", delivery_kind::request));
    CHECK_FALSE(answer);
    CHECK_FALSE(gossip::topics<>{}.dispatch({of("x", delivery_kind::message), {}}, [](byte_view) {}));
}
