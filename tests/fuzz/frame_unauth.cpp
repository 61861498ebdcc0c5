// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes frames from strangers: without the network key nothing opens, and nothing of the receiver changes.
#include <peerkit/crypto/frame.hpp>

#include <peerkit/crypto/key_ring.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

using namespace peerkit;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

/// A receiver with keys nobody else has, and a copy of all it remembers.
struct receiver {
    crypto::xchacha_sealing sealing;
    network_id network{};
    node_id self{};
    wire::frame_binding at;

    static receiver make() {
        auto const primary = crypto::network_key::generate(), other = crypto::network_key::generate();
        require(primary && other);
        receiver made{crypto::xchacha_sealing{*primary}, {}, {}, {}};
        require(made.sealing.install(*other).has_value());
        made.self.bytes.fill(std::byte{9});
        return made;
    }
    [[nodiscard]] std::array<std::byte, sizeof(crypto::xchacha_sealing)> memory() const {
        std::array<std::byte, sizeof(crypto::xchacha_sealing)> raw;
        std::memcpy(raw.data(), static_cast<void const*>(&sealing), raw.size());
        return raw;
    }
};

void knock(receiver const& r, wire::frame_binding const* binding, std::vector<std::byte> frame) {
    std::size_t const kept = std::min(frame.size(), wire::envelope::head);
    std::vector<std::byte> const head(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(kept));
    auto const opened = crypto::open_frame(r.sealing, r.network, r.self, binding, frame);
    require(!opened);
    require(opened.error().domain() == "wire" || opened.error() == crypto::crypto_error::no_key ||
            opened.error() == crypto::crypto_error::forged);
    require(equal(byte_view{frame}.first(head.size()), head));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static receiver const r = receiver::make();
    static auto const before = r.memory();
    byte_view const input{reinterpret_cast<std::byte const*>(data), size};
    std::vector<std::byte> frame(input.begin(), input.end());
    knock(r, nullptr, frame);
    knock(r, &r.at, frame);
    // The same with a head that is right in everything a stranger can know, so that the seal itself is tried.
    if (frame.size() >= wire::envelope::min_frame) {
        frame[0] = std::byte{wire::envelope::format_version};
        for (unsigned const flags : {0x01U, 0x11U, 0x21U, 0x31U}) {
            frame[1] = static_cast<std::byte>(flags);
            store_big(frame.data() + 2, r.sealing.key_id());
            knock(r, (flags & 0x20U) != 0 ? &r.at : nullptr, frame);
        }
    }
    require(r.memory() == before);
    return 0;
}
