// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Signs broadcasts and verifies them over the received bytes.
#ifndef PEERKIT_CRYPTO_SIGNED_BROADCAST_HPP
#define PEERKIT_CRYPTO_SIGNED_BROADCAST_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/crypto/signed_bytes.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/error.hpp>
#include <peerkit/wire/user_message.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// Separates broadcast signatures from every other use of a node's key; a zero byte follows it.
inline constexpr std::string_view broadcast_domain{"peerkit/broadcast/1\0", 20};

/// Writes and signs a broadcast of `signer` into `out`; the view covers the bytes written. The caller never signs two
/// broadcasts with the same session and sequence.
/// @par Errors those of `wire::check_topic`; `bad_length` for a payload over `limits::payload`; `no_room`;
/// `reserved_incarnation` for a session or sequence out of range
template <Signing Signer>
[[nodiscard]] result<wire::broadcast_view> sign_broadcast(Signer const& signer, network_id const& network,
                                                          std::uint64_t session, std::uint64_t sequence,
                                                          std::string_view topic, byte_view payload, signing_room& room,
                                                          byte_span out) {
    using wire::broadcast_view, wire::wire_error;
    if (auto const ok = wire::check_topic(topic); !ok) return fail(ok.error());
    if (payload.size() > limits::payload) return fail(wire_error::bad_length, payload.size(), "payload");
    std::size_t const size = broadcast_view::size_of(topic, payload.size());
    if (out.size() < size) return fail(wire_error::no_room, size, "broadcast");
    byte_view const part = broadcast_view::write(out, signer.id().short_id(), session, sequence, topic, payload);
    if (part.empty()) return fail(wire_error::reserved_incarnation, 8, "session and sequence");
    copy_bytes(signer.sign(detail::bytes_to_sign(broadcast_domain, network, part, room)), out.subspan(part.size()));
    return broadcast_view::parse(out.first(size));
}

/// Whether `origin` signed it for this network. The key is not in the broadcast: it is the one of the member whose
/// short id it names, which the caller has looked up.
template <SigningVerifies Signer>
[[nodiscard]] bool verify_broadcast(wire::broadcast_view const& what, node_id const& origin, network_id const& network,
                                    signing_room& room) {
    if (origin.short_id() != what.origin()) return false;
    return Signer::verify(origin, detail::bytes_to_sign(broadcast_domain, network, what.signed_part(), room),
                          what.signature());
}

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
