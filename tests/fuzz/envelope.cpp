// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes seal and open with every sealing: what was sealed opens in its place only, and not after one change.
#include <peerkit/crypto/frame.hpp>

#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/key_ring.hpp>
#include <peerkit/crypto/open_network.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

using namespace peerkit;
using wire::envelope;
using wire::frame_binding;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

/// What the input chooses; the rest of it is the plaintext.
struct choice {
    envelope fields;
    network_id network;
    node_id receiver;
    node_id self;
    frame_binding binding;
    bool stream = false;
    std::uint16_t change_at = 0;
    std::uint8_t change_by = 0;
};

choice read_choice(byte_reader& in) {
    choice c;
    std::uint8_t const bits = in.u8();
    c.fields.sender = static_cast<short_id>(in.u64());
    c.fields.session = in.u64();
    c.fields.counter = in.u64();
    c.fields.random = in.u64();
    c.network.bytes.fill(std::byte{in.u8()});
    c.self.bytes.fill(std::byte{in.u8()});
    if ((bits & 1U) != 0) c.receiver = c.self;
    c.stream = (bits & 2U) != 0;
    c.binding.binding.fill(std::byte{in.u8()});
    c.binding.index = in.u32();
    c.binding.direction = static_cast<std::uint8_t>(bits >> 2U & 1U);
    c.change_at = in.u16();
    c.change_by = in.u8();
    return c;
}

template <typename Sealing>
void round_trip(Sealing const& sealing, choice const& c, byte_view plain) {
    frame_binding const* const binding = c.stream ? &c.binding : nullptr;
    std::vector<std::byte> buffer(envelope::head + plain.size() + envelope::tail);
    copy_bytes(plain, byte_span{buffer}.subspan(envelope::head));
    byte_span const frame = crypto::seal_frame(sealing, c.fields, c.network, c.receiver, binding, buffer, plain.size());
    require(frame.size() == buffer.size());
    std::vector<std::byte> const sealed = buffer;

    auto const opened = crypto::open_frame(sealing, c.network, c.self, binding, frame);
    require(opened.has_value());
    require(equal(opened->plain, plain));
    require(opened->envelope.sender == c.fields.sender && opened->envelope.session == c.fields.session);
    require(opened->envelope.counter == c.fields.counter && opened->envelope.random == c.fields.random);
    require(opened->envelope.stream == c.stream);
    require(opened->envelope.addressed == static_cast<bool>(c.receiver));

    if (c.change_by != 0) {
        buffer = sealed;
        buffer[c.change_at % buffer.size()] ^= std::byte{c.change_by};
        require(!crypto::open_frame(sealing, c.network, c.self, binding, buffer));
    }
    buffer = sealed;
    network_id other = c.network;
    other.bytes[c.change_at % 16] ^= std::byte{1};
    require(!crypto::open_frame(sealing, other, c.self, binding, buffer));
    if (c.receiver) {
        buffer = sealed;
        node_id neighbour = c.self;
        neighbour.bytes[c.change_at % 32] ^= std::byte{1};
        require(!crypto::open_frame(sealing, c.network, neighbour, binding, buffer));
    }
    buffer = sealed;
    frame_binding elsewhere = c.binding;
    ++elsewhere.index;
    require(!crypto::open_frame(sealing, c.network, c.self, &elsewhere, buffer));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    byte_reader in{byte_view{reinterpret_cast<std::byte const*>(data), size}};
    choice const c = read_choice(in);
    byte_view const plain = in.bytes(in.remaining());
    if (!in || plain.size() < wire::message_head || plain.size() > limits::packet) return 0;
    std::array<std::byte, 32> raw{};
    raw[0] = std::byte{1};
    auto const key = crypto::network_key::from_bytes(raw);
    require(key.has_value());
    round_trip(crypto::xchacha_sealing{*key}, c, plain);
    round_trip(crypto::open_sealing{c.network}, c, plain);
    round_trip(crypto::fake_sealing{c.fields.random}, c, plain);
    return 0;
}
