// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes the reader of gossip_state.json: what it takes is within the bounds and is written and read again the same.
#include <peerkit/store/snapshot.hpp>

#include "support/stored.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace peerkit;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    std::string text{reinterpret_cast<char const*>(data) + 1, size - 1};
    // Else nothing but the checksum would be found out about.
    bool const sealed = (data[0] & 1U) != 0;
    if (sealed) text = std::string{store::detail::snapshot_opening} + store::detail::checksum_text(text) + text;

    auto found = store::decode_snapshot(text);
    if (!found) {
        require(found.error().domain() == "store" && !found.error().message().empty());
        require(!sealed || found.error() != store::store_error::bad_checksum);
        return 0;
    }
    require(store::check_bounds(found->state).has_value());
    require(found->quarantined == 0 && !found->damage);
    auto const written = store::encode_snapshot(found->state, found->generation);
    require(written.has_value());
    auto const again = store::decode_snapshot(*written);
    require(again.has_value() && again->state == found->state && again->generation == found->generation);
    require(again->left_out == 0);
    // One bit of what was written, anywhere, is noticed.
    std::string damaged = *written;
    std::size_t const at = found->generation % damaged.size();
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (data[0] >> 5U)));
    require(!store::decode_snapshot(damaged).has_value());

    std::size_t const before = found->state.peers.size();
    std::uint32_t const left_out = store::keep_verified(found->state, tests::fake_check);
    require(found->state.peers.size() + left_out == before);
    require(store::keep_verified(found->state, tests::fake_check) == 0);
    return 0;
}
