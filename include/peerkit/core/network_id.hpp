// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Which network a node belongs to; bound into every signature and sealed frame.
#ifndef PEERKIT_CORE_NETWORK_ID_HPP
#define PEERKIT_CORE_NETWORK_ID_HPP

#include <peerkit/detail/config.hpp>

#include <array>
#include <cstddef>

PEERKIT_BEGIN_NAMESPACE

/// 16 bytes that name a network. It never travels: both sides put it under their signatures and seals, so a
/// frame or record of another network fails to verify. Made from a name with `crypto::network_id_of`. Not a
/// secret, and independent of the network key, so that keys can be changed.
struct network_id {
    std::array<std::byte, 16> bytes{};
    [[nodiscard]] friend constexpr bool operator==(network_id const&, network_id const&) noexcept = default;
};

PEERKIT_END_NAMESPACE

#endif
