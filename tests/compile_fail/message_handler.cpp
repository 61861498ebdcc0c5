// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// check_message_handler names the requirement a type does not meet; topics are checked where they are written.
// expect: a message handler is called with `gossip::incoming const&`; see docs/concepts/message_handler\.md
// expect: a message handler returns void, or text or bytes as an answer; see docs/concepts/message_handler\.md
// expect: a topic is 1 to 63 letters, digits and -_\./: characters; see docs/messages\.md
// expect: a topic has one handler; see docs/messages\.md
#include <peerkit/gossip/topics.hpp>

using namespace peerkit;

struct quiet {
    void operator()(gossip::incoming const&) const {}
};
struct takes_text {
    void operator()(std::string_view) const;
};
struct returns_number {
    int operator()(gossip::incoming const&) const;
};

#if PEERKIT_COMPILE_FAIL
static_assert(gossip::check_message_handler<takes_text>());
static_assert(gossip::check_message_handler<returns_number>());
gossip::on<"two words", quiet> misnamed;
gossip::topics<gossip::on<"a", quiet>, gossip::on<"a", quiet>> twice;
#else
static_assert(gossip::check_message_handler<quiet>());
static_assert(!gossip::MessageHandler<takes_text> && !gossip::MessageHandler<returns_number>);
gossip::topics<gossip::on<"a", quiet>, gossip::on<"b", quiet>> handlers;
#endif
