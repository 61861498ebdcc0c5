// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Signs announcement records and verifies them over the received bytes.
#ifndef PEERKIT_CRYPTO_SIGNED_RECORD_HPP
#define PEERKIT_CRYPTO_SIGNED_RECORD_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/record.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// Separates announcement signatures from every other use of a node's key; a zero byte follows it.
inline constexpr std::string_view announcement_domain{"peerkit/announcement/1\0", 23};

namespace detail {

/// The bytes an announcement signature is made over, on the stack.
class announcement_message {
public:
    /// `unsigned_part` is at most `limits::record` bytes.
    announcement_message(network_id const& network, byte_view unsigned_part) noexcept {
        std::byte* to = bytes_.data();
        std::memcpy(to, announcement_domain.data(), announcement_domain.size());
        std::memcpy(to + announcement_domain.size(), network.bytes.data(), network.bytes.size());
        copy_bytes(unsigned_part, byte_span{bytes_}.subspan(prefix));
        size_ = prefix + unsigned_part.size();
    }
    [[nodiscard]] byte_view bytes() const noexcept { return {bytes_.data(), size_}; }

private:
    static constexpr std::size_t prefix = announcement_domain.size() + sizeof(network_id::bytes);

    std::array<std::byte, prefix + limits::record> bytes_;
    std::size_t size_;
};

} // namespace detail

/// Writes and signs the announcement of `signer` into `out`; the view covers the bytes written.
/// `d` must be normalized. The caller must never sign two different records with one incarnation.
/// @par Errors those of `wire::encode_record`; `no_room` counts the signature.
///
/// @code
/// std::array<std::byte, limits::record> buffer;
/// auto record = crypto::sign_record(identity, network, me, incarnation, false, buffer);
/// @endcode
template <Signing Signer>
[[nodiscard]] result<wire::record_view> sign_record(Signer const& signer, network_id const& network,
                                                    description const& d, std::uint64_t incarnation, bool left,
                                                    byte_span out) noexcept {
    auto const size = wire::encode_record(d, signer.id(), incarnation, left, out);
    if (!size) return fail(size.error());
    std::size_t const total = *size + wire::record_layout::signature_size;
    if (out.size() < total) return fail(wire::wire_error::no_room, total, "signature");
    detail::announcement_message const message{network, out.first(*size)};
    copy_bytes(signer.sign(message.bytes()), out.subspan(*size));
    return wire::record_view::trusted(out.first(total));
}

/// Whether the subject named in the record signed it for this network. The key is taken from the record
/// itself, so a signature by another key cannot be passed off. `record` was made by `record_view::parse`.
template <SigningVerifies Signer>
[[nodiscard]] bool verify_record(wire::record_view record, network_id const& network) noexcept {
    detail::announcement_message const message{network, record.unsigned_part()};
    return Signer::verify(record.id(), message.bytes(), record.signature());
}

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
