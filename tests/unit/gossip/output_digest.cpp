// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the digest of outputs: everything a node wants done counts, ciphertext does not.
#include <peerkit/gossip/output_digest.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string_view>
#include <vector>

using namespace peerkit;
using namespace std::chrono_literals;
using gossip::outbox;
using gossip::output_digest;

namespace {

std::uint32_t digest_of(std::function<void(outbox&)> const& fill, std::uint64_t returned = 0, time_point next = {}) {
    outbox out;
    fill(out);
    output_digest digest;
    digest.actions(out, 0);
    return digest.finish(returned, next);
}
void put(outbox& out, std::size_t size, int value) {
    for (std::byte& b : out.room(size)) b = static_cast<std::byte>(value);
}
ip_endpoint const one{ip_address::v4(10, 0, 0, 1), 9000}, two{ip_address::v4(10, 0, 0, 2), 9000};

} // namespace

TEST_CASE("every part of an action changes the digest") {
    using gossip::event;
    using gossip::stream_id;
    std::vector<std::function<void(outbox&)>> const different{
        [](outbox&) {},
        [](outbox& o) { o.run_discovery(); },
        [](outbox& o) { o.run_discovery(), o.run_discovery(); },
        [](outbox& o) { put(o, 10, 1), o.send_datagram(one, 10); },
        [](outbox& o) { put(o, 11, 1), o.send_datagram(one, 11); },
        [](outbox& o) { put(o, 10, 1), o.send_datagram(two, 10); },
        [](outbox& o) { put(o, 10, 1), o.send_frame(stream_id{1}, 10); },
        [](outbox& o) { put(o, 10, 1), o.send_frame(stream_id{2}, 10); },
        [](outbox& o) { put(o, 10, 1), o.persist(10); },
        [](outbox& o) { put(o, 10, 2), o.persist(10); },
        [](outbox& o) { o.open_stream(stream_id{1}, one); },
        [](outbox& o) { o.open_stream(stream_id{1}, two); },
        [](outbox& o) { o.close_stream(stream_id{1}); },
        [](outbox& o) { o.resolve_address(one.address); },
        [](outbox& o) { o.resolve_address(two.address); },
        [](outbox& o) { o.notify({}); },
        [](outbox& o) { o.notify({.kind = gossip::event_kind::member_dead}); },
        [](outbox& o) { o.notify({.why = gossip::cause::accused}); },
        [](outbox& o) { o.notify({.subject = node_id{{std::byte{1}}}}); },
        [](outbox& o) { o.notify({.incarnation = 5}); },
        [](outbox& o) { o.notify({.by = short_id{5}}); },
        [](outbox& o) { o.notify({.where = one}); },
        [](outbox& o) { o.notify({.what = error{core_error::empty}}); },
        [](outbox& o) { o.notify({.count = 5}); },
        [](outbox& o) { o.notify({.age = 5ns}); },
        [](outbox& o) { o.notify({.accuser_count = 1}); },
        [](outbox& o) { o.notify({.key = event{}.key.cut("a")}); },
        [](outbox& o) { o.notify({.version = 5}); },
        [](outbox& o) { o.deliver({}, as_bytes("a")); },
        [](outbox& o) { o.deliver({}, as_bytes("b")); },
        [](outbox& o) { o.deliver({.kind = gossip::delivery_kind::request}, as_bytes("a")); },
        [](outbox& o) { o.deliver({.from = node_id{{std::byte{1}}}}, as_bytes("a")); },
        [](outbox& o) { o.deliver({.request = gossip::request_id{5}}, as_bytes("a")); },
        [](outbox& o) { o.deliver({.session = 5}, as_bytes("a")); },
        [](outbox& o) { o.deliver({.sequence = 5}, as_bytes("a")); },
        [](outbox& o) { o.deliver({.why = error{core_error::empty}}, as_bytes("a")); },
    };
    std::set<std::uint32_t> seen;
    for (auto const& fill : different) seen.insert(digest_of(fill));
    for (std::uint64_t returned = 1; returned < 10; ++returned) seen.insert(digest_of(different[0], returned));
    for (int next = 1; next < 10; ++next) seen.insert(digest_of(different[0], 0, time_point{duration{next}}));
    CHECK(seen.size() == different.size() + 18);
}

TEST_CASE("of a frame the plaintext counts, and not what sealing makes of it") {
    auto const sent = [](int ciphertext, std::string_view plain, std::string_view nonce = "n",
                         std::string_view ad = "a") {
        outbox out;
        output_digest digest;
        digest.sealed(as_bytes(nonce), as_bytes(ad), as_bytes(plain));
        put(out, 10, ciphertext);
        out.send_datagram(one, 10);
        digest.actions(out, 0);
        return digest.finish(0, {});
    };
    CHECK(sent(1, "ping") == sent(2, "ping"));
    CHECK(sent(1, "ping") != sent(1, "pong"));
    CHECK(sent(1, "ping") != sent(1, "ping", "m"));
    CHECK(sent(1, "ping") != sent(1, "ping", "n", "b"));
}

TEST_CASE("only the actions of this input count, and a finished digest begins anew") {
    outbox out;
    out.run_discovery();
    out.resolve_address(one.address);
    output_digest digest;
    digest.actions(out, 1);
    std::uint32_t const second = digest.finish(0, {});
    CHECK(second == digest_of([](outbox& o) { o.resolve_address(one.address); }));
    digest.actions(out, 1);
    CHECK(digest.finish(0, {}) == second);
    digest.actions(out, 0);
    digest.clear();
    digest.actions(out, 1);
    CHECK(digest.finish(0, {}) == second);
}

TEST_CASE("what a call returned is a number, 0 for an error") {
    CHECK(output_digest::returned(result<void>{}) == 1);
    CHECK(output_digest::returned(result<void>{fail(core_error::empty)}) == 0);
    CHECK(output_digest::returned(result<std::uint64_t>{3}) == 7);
    CHECK(output_digest::returned(result<gossip::stream_id>{gossip::stream_id{0}}) == 1);
    CHECK(output_digest::returned(result<gossip::stream_id>{fail(core_error::empty)}) == 0);
}
