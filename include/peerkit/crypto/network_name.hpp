// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Makes a network id from the name people give a network.
#ifndef PEERKIT_CRYPTO_NETWORK_NAME_HPP
#define PEERKIT_CRYPTO_NETWORK_NAME_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/crypto/secret_bytes.hpp>
#include <peerkit/crypto/sodium.hpp>
#include <peerkit/detail/config.hpp>

#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// BLAKE2b-128 of "peerkit/network/1", one zero byte, and the name. Any bytes are a name; every node of a
/// network is given the same. Two networks with one key but different names do not understand each other.
[[nodiscard]] inline network_id network_id_of(std::string_view name) noexcept {
    constexpr std::string_view domain{"peerkit/network/1\0", 18};
    network_id id;
    crypto_generichash_state state;
    crypto_generichash_init(&state, nullptr, 0, id.bytes.size());
    crypto_generichash_update(&state, detail::raw(as_bytes(domain).data()), domain.size());
    crypto_generichash_update(&state, detail::raw(as_bytes(name).data()), name.size());
    crypto_generichash_final(&state, detail::raw(id.bytes.data()), id.bytes.size());
    return id;
}

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
