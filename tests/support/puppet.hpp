// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A node played by the test: signs records, seals and opens frames, says whatever the test wants said.
#ifndef PEERKIT_TESTS_SUPPORT_PUPPET_HPP
#define PEERKIT_TESTS_SUPPORT_PUPPET_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/frame.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/wire/envelope.hpp>
#include <peerkit/wire/message.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tests {

using bytes = std::vector<std::byte>;

/// A message with its own copies of what it refers to.
struct heard {
    peerkit::wire::message_type type{};
    std::uint64_t nonce = 0;
    peerkit::short_id subject{};
    std::uint64_t incarnation = 0;
    std::uint32_t count = 0;
    std::uint8_t flags = 0;
    std::vector<peerkit::short_id> accusers{};
    bytes record{};
    peerkit::ip_endpoint where{};
    std::uint32_t epoch = 0;

    [[nodiscard]] peerkit::wire::record_view view() const { return peerkit::wire::record_view::trusted(record); }
};

inline std::vector<heard> read_messages(peerkit::byte_view plain) {
    std::vector<heard> all;
    auto const packet = peerkit::wire::packet_view::parse(plain);
    if (!packet) return all;
    auto messages = packet->messages();
    for (peerkit::wire::message m; messages.next(m);) {
        heard h{m.type,   m.nonce, m.subject, m.incarnation, m.count, m.flags, {}, {m.record.begin(), m.record.end()},
                m.where()};
        h.epoch = m.epoch;
        h.accusers.assign(m.accuser_list().begin(), m.accuser_list().end());
        all.push_back(std::move(h));
    }
    return all;
}

/// The world all puppets and engines of a test live in.
struct world_keys {
    peerkit::network_id network{};
    peerkit::crypto::fake_sealing sealing{7};
};

inline peerkit::ip_endpoint address_of(std::uint64_t seed) {
    return {peerkit::ip_address::v4(10, 0, static_cast<std::uint8_t>(seed >> 8U), static_cast<std::uint8_t>(seed)),
            9000};
}

inline peerkit::description description_of(std::uint64_t seed) {
    peerkit::description d;
    d.name = "n" + std::to_string(seed);
    d.gossip_port = 9000;
    d.addresses.push_back({address_of(seed).address, 0, peerkit::address_kind::local});
    return d;
}

/// `accusers` in the order the wire wants.
inline std::vector<peerkit::short_id> ascending(std::vector<peerkit::short_id> accusers) {
    std::sort(accusers.begin(), accusers.end());
    return accusers;
}

struct puppet {
    explicit puppet(std::uint64_t number)
        : identity{number}, seed{number}, where{address_of(number)}, self{description_of(number)} {}

    [[nodiscard]] peerkit::node_id id() const { return identity.id(); }
    [[nodiscard]] peerkit::short_id key() const { return identity.id().short_id(); }

    /// A signed record of this puppet.
    [[nodiscard]] bytes record(std::uint64_t with_incarnation, bool left = false) const {
        bytes made(peerkit::limits::record);
        auto const view = peerkit::crypto::sign_record(identity, keys.network, self, with_incarnation, left, made);
        made.resize(view ? view->size() : 0);
        return made;
    }
    [[nodiscard]] bytes record() const { return record(incarnation); }

    /// A datagram for `to` (zero: for anyone) whose plaintext `fill(packet_writer&)` writes.
    template <typename Fill>
    [[nodiscard]] bytes datagram(peerkit::node_id const& to, Fill&& fill) {
        return seal(to, nullptr, peerkit::limits::datagram, static_cast<Fill&&>(fill));
    }
    template <typename Fill>
    [[nodiscard]] bytes seal(peerkit::node_id const& to, peerkit::wire::frame_binding const* binding, std::size_t most,
                             Fill&& fill) {
        bytes buffer(most);
        using peerkit::wire::envelope;
        peerkit::wire::packet_writer packet{
            peerkit::byte_span{buffer}.subspan(envelope::head, most - envelope::head - envelope::tail)};
        fill(packet);
        envelope head;
        head.sender = key();
        head.session = session;
        head.counter = ++counter;
        head.random = counter;
        auto const frame =
            peerkit::crypto::seal_frame(keys.sealing, head, keys.network, to, binding, buffer, packet.size());
        buffer.resize(frame.size());
        return buffer;
    }

    world_keys keys{};
    peerkit::crypto::fake_identity identity;
    std::uint64_t seed;
    peerkit::ip_endpoint where;
    peerkit::description self;
    std::uint64_t incarnation = 1;
    std::uint64_t session = 1;
    std::uint64_t counter = 0;
};

/// The puppet's end of a stream.
class puppet_stream {
public:
    enum class side : std::uint8_t { dialer, acceptor };

    puppet_stream(puppet& owner, side which) : owner_{&owner}, side_{which} {
        if (which == side::dialer) sends_.direction = peerkit::wire::frame_binding::dialer;
    }

    /// A frame, without length prefix, whose plaintext `fill(packet_writer&)` writes.
    template <typename Fill>
    [[nodiscard]] bytes frame(Fill&& fill) {
        bytes made = owner_->seal({}, &sends_, peerkit::limits::stream_frame, static_cast<Fill&&>(fill));
        if (side_ == side::dialer && sends_.index == 0) receives_ = peerkit::wire::frame_binding::of_acceptor(made);
        sends_ = sends_.following(made);
        return made;
    }
    /// What a frame from the other side says; nothing if it does not open here.
    [[nodiscard]] std::optional<std::vector<heard>> open(bytes frame) {
        auto const opened =
            peerkit::crypto::open_frame(owner_->keys.sealing, owner_->keys.network, owner_->id(), &receives_, frame);
        if (!opened) return std::nullopt;
        if (side_ == side::acceptor && receives_.index == 0) sends_ = peerkit::wire::frame_binding::of_acceptor(frame);
        receives_ = receives_.following(frame);
        return read_messages(opened->plain);
    }

private:
    puppet* owner_;
    side side_;
    peerkit::wire::frame_binding sends_{};
    peerkit::wire::frame_binding receives_{};
};

} // namespace tests

#endif
