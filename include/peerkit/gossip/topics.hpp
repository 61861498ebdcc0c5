// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Handlers of user data chosen by topic at compile time.
#ifndef PEERKIT_GOSSIP_TOPICS_HPP
#define PEERKIT_GOSSIP_TOPICS_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/delivery.hpp>
#include <peerkit/wire/user_message.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// User data as a handler sees it; valid during the call.
struct incoming {
    delivery const& what;
    byte_view payload;

    [[nodiscard]] std::string_view topic() const noexcept { return what.topic.view(); }
    [[nodiscard]] std::string_view text() const noexcept { return as_text(payload); }
    [[nodiscard]] bool is_request() const noexcept { return what.kind == delivery_kind::request; }
};

/// What a handler may return to answer a request: text or bytes, owned or not.
template <typename T>
concept Answer = std::convertible_to<T const&, std::string_view> || std::convertible_to<T const&, byte_view>;

/// `handler(m)` with an `incoming const&`.
template <typename H>
concept TakesIncoming = std::invocable<H&, incoming const&>;
/// It returns nothing, or an `Answer`.
template <typename H>
concept AnswersOrNothing = TakesIncoming<H> && (std::is_void_v<std::invoke_result_t<H&, incoming const&>> ||
                                                Answer<std::remove_cvref_t<std::invoke_result_t<H&, incoming const&>>>);

/// Called as `handler(incoming const&)`. What it returns answers a request and is dropped otherwise; one that returns
/// nothing leaves a request open, to be answered with `respond(m.what.request, ...)` at any time within its patience.
/// Requirements and an exemplar: docs/concepts/message_handler.md.
template <typename H>
concept MessageHandler = TakesIncoming<H> && AnswersOrNothing<H>;

/// Says in one sentence what `H` lacks to be a `MessageHandler`.
/// @code static_assert(peerkit::gossip::check_message_handler<my_handler>()); @endcode
template <typename H>
[[nodiscard]] consteval bool check_message_handler() noexcept {
    static_assert(TakesIncoming<H>, "peerkit: a message handler is called with `gossip::incoming const&`; see "
                                    "docs/concepts/message_handler.md");
    static_assert(!TakesIncoming<H> || AnswersOrNothing<H>,
                  "peerkit: a message handler returns void, or text or bytes as an answer; see "
                  "docs/concepts/message_handler.md");
    return MessageHandler<H>;
}

[[nodiscard]] inline byte_view answer_bytes(std::string_view answer) noexcept { return as_bytes(answer); }
[[nodiscard]] inline byte_view answer_bytes(byte_view answer) noexcept { return answer; }

/// Calls one handler; `reply(byte_view)` is called if it answers a request.
template <MessageHandler Handler, std::invocable<byte_view> Reply>
void call_handler(Handler& handler, incoming const& m, Reply&& reply) {
    if constexpr (std::is_void_v<std::invoke_result_t<Handler&, incoming const&>>) {
        handler(m);
    } else {
        auto const& answer = handler(m);
        if (m.is_request()) reply(answer_bytes(answer));
    }
}

/// A topic as a template argument.
template <std::size_t N>
struct topic_name {
    consteval topic_name(char const (&text)[N]) { std::copy_n(text, N, chars.begin()); }
    [[nodiscard]] constexpr std::string_view view() const noexcept { return {chars.data(), N - 1}; }
    std::array<char, N> chars{};
};

/// What handles one topic.
template <topic_name Topic, MessageHandler Handler>
struct on {
    static_assert(wire::check_topic(Topic.view()).has_value(),
                  "peerkit: a topic is 1 to 63 letters, digits and -_./: characters; see docs/messages.md");
    static constexpr std::string_view topic = Topic.view();
    [[no_unique_address]] Handler handler{};
};

/// A fixed set of handlers: the topic of what arrives is compared with each of the set, in order, with no table and no
/// indirect call.
///
/// @code
/// struct shout { std::string operator()(gossip::incoming const& m) const { return upper(m.text()); } };
/// gossip::topics<gossip::on<"shout", shout>, gossip::on<"log", print>> handlers;
/// handlers.dispatch({*a.message, a.bytes}, [&](byte_view answer) { (void)node.respond(id, answer, now, out); });
/// @endcode
template <typename... On>
class topics {
    static consteval bool unique() {
        std::array<std::string_view, sizeof...(On)> all{On::topic...};
        std::sort(all.begin(), all.end());
        return std::adjacent_find(all.begin(), all.end()) == all.end();
    }
    static_assert(unique(), "peerkit: a topic has one handler; see docs/messages.md");

public:
    constexpr topics() = default;
    constexpr explicit topics(On... each)
        requires(sizeof...(On) != 0)
        : all_{std::move(each)...} {}

    /// False if no topic of the set is that of `m`.
    template <std::invocable<byte_view> Reply>
    bool dispatch(incoming const& m, Reply&& reply) {
        return std::apply([&](On&... each) { return (try_one(each, m, reply) || ...); }, all_);
    }

private:
    template <typename One, typename Reply>
    static bool try_one(One& one, incoming const& m, Reply& reply) {
        if (m.topic() != One::topic) return false;
        call_handler(one.handler, m, reply);
        return true;
    }

    std::tuple<On...> all_{};
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
