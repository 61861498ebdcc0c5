// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Hands an engine what was not sealed with its key: nothing may change, and not one byte may be answered.
#include <cstddef>
#include <cstdint>

#include <support/script.hpp>
#include <support/stage.hpp>

namespace {

using namespace tests;
using peerkit::byte_view;

/// A good frame with some of its bytes changed; empty if nothing was changed.
bytes damaged(bytes frame, script& in) {
    bytes const good = frame;
    for (std::size_t n = 1 + in.below(8); n > 0; --n) {
        std::size_t const at = static_cast<std::size_t>(in.number() % frame.size());
        frame[at] = static_cast<std::byte>(in.byte());
    }
    return frame != good ? frame : bytes{};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    script in{data, size};
    stage s{peerkit::gossip::lan()};
    puppet& p = s.add_member(1);
    puppet& other = s.add_member(2);
    puppet& stranger = s.add(3);
    s.advance(std::chrono::milliseconds{in.byte()});
    while (!in.over()) {
        s.forget();
        std::uint64_t const before = s.digest();
        std::uint64_t const accepted = s->counters().datagrams_accepted;
        std::uint8_t const how = in.byte();
        puppet& from = how % 3 == 0 ? p : how % 3 == 1 ? other : stranger;
        bytes frame;
        if ((how & 64U) != 0) {
            byte_view const raw = in.bytes(1300);
            frame.assign(raw.begin(), raw.end());
        } else {
            frame = damaged(from.datagram(s->id(),
                                          [&](auto& packet) {
                                              packet.hello(in.number(), 1);
                                              packet.announce(from.record(in.incarnation()));
                                          }),
                            in);
        }
        if ((how & 128U) == 0) {
            s.deliver_raw(frame, from.where);
        } else {
            auto const id = s.accept(from.where);
            require(id.has_value());
            s.frame(*id, frame);
            require(s.closed_by_engine(*id));
        }
        require(s.sent.empty() && s.frames.empty() && s.events.empty() && s.dials.empty());
        require(s.digest() == before);
        require(s->counters().datagrams_accepted == accepted);
        require(s.fault.empty());
    }
    return 0;
}
