// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Entries of a node's map as their owner signs them, and their verification by whoever knows the owner's key.
#ifndef PEERKIT_CRYPTO_SIGNED_ENTRY_HPP
#define PEERKIT_CRYPTO_SIGNED_ENTRY_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/crypto/signed_bytes.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/entry.hpp>

#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// Separates entry signatures from every other use of a node's key; a zero byte follows it.
inline constexpr std::string_view entry_domain{"peerkit/entry/1\0", 16};

/// Writes and signs an entry of `signer` into `out`; the view covers the bytes written. The caller never signs two
/// entries with the same version.
/// @par Errors those of `wire::check_entry_key`; `bad_length` for a value over `limits::entry_value`, its size the
/// position; `no_room`; `reserved_incarnation` for a version out of range; `trailing_bytes` for erased with a value
template <Signing Signer>
[[nodiscard]] result<wire::entry_view> sign_entry(Signer const& signer, network_id const& network,
                                                  std::uint64_t version, std::string_view key, byte_view value,
                                                  bool erased, signing_room& room, byte_span out) {
    using wire::entry_view, wire::wire_error;
    if (auto const ok = wire::check_entry_key(key); !ok) return fail(ok.error());
    if (value.size() > limits::entry_value) return fail(wire_error::bad_length, value.size(), "entry value");
    if (erased && !value.empty()) return fail(wire_error::trailing_bytes, 0, "entry value");
    std::size_t const size = entry_view::size_of(key, value.size());
    if (out.size() < size) return fail(wire_error::no_room, size, "entry");
    byte_view const part = entry_view::write(out, signer.id().short_id(), version, key, value, erased);
    if (part.empty()) return fail(wire_error::reserved_incarnation, 8, "version");
    copy_bytes(signer.sign(detail::bytes_to_sign(entry_domain, network, part, room)), out.subspan(part.size()));
    return entry_view::trusted(out.first(size));
}

/// Whether `owner` signed it for this network. The key is not in the entry: it is the one of the member whose short id
/// it names, which the caller has looked up.
template <SigningVerifies Signer>
[[nodiscard]] bool verify_entry(wire::entry_view const& what, node_id const& owner, network_id const& network,
                                signing_room& room) {
    if (owner.short_id() != what.owner()) return false;
    return Signer::verify(owner, detail::bytes_to_sign(entry_domain, network, what.signed_part(), room),
                          what.signature());
}

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
