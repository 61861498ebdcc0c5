// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Seals and opens whole frames in place: envelope, additional data and a sealing policy put together.
#ifndef PEERKIT_CRYPTO_FRAME_HPP
#define PEERKIT_CRYPTO_FRAME_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/crypto/error.hpp>
#include <peerkit/crypto/sealing.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/envelope.hpp>

#include <cstddef>
#include <span>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// A frame that opened: its head, now known to be untouched, and the plaintext, in place.
struct opened_frame {
    wire::envelope envelope;
    byte_span plain;
};

/// Seals the `plain_size` bytes the caller has put at `buffer[wire::envelope::head]` and returns the finished
/// frame, the front of `buffer`. Nothing is copied; the cost is that of the policy.
///
/// Of `fields` the sender, session, counter and random count; suite and key id are the policy's, `addressed`
/// is set if `receiver` is not zero, `stream` if `binding` is given. No two frames may share session, counter
/// and random. Gives an empty span if `buffer` is shorter than head + plaintext + tail; nothing is written
/// then.
template <FrameSealing Sealing>
[[nodiscard]] byte_span seal_frame(Sealing const& sealing, wire::envelope fields, network_id const& network,
                                   node_id const& receiver, wire::frame_binding const* binding, byte_span buffer,
                                   std::size_t plain_size) noexcept {
    using wire::envelope;
    if (buffer.size() < envelope::head + envelope::tail ||
        plain_size > buffer.size() - envelope::head - envelope::tail) {
        return {};
    }
    byte_span const frame = buffer.first(envelope::head + plain_size + envelope::tail);
    fields.suite = Sealing::suite;
    fields.key_id = sealing.key_id();
    fields.addressed = static_cast<bool>(receiver);
    fields.stream = binding != nullptr;
    fields.encode(std::span<std::byte, envelope::head>{frame.data(), envelope::head});
    wire::additional_data const ad{frame, network, receiver, fields.addressed, binding};
    sealing.seal(wire::nonce_of(frame), ad.bytes(), frame.subspan(envelope::head));
    return frame;
}

/// Opens a received frame in place. `binding` is given for stream frames and null for datagrams; a frame of
/// the other kind is refused.
///
/// Checked in this order, nothing later is done when one fails: length, version, flags, suite, size limit,
/// kind, key id, seal. Nothing is allocated. A refused frame's bytes are unspecified afterwards.
/// @par Errors those of `wire::envelope::decode`; `bad_suite` if it is not the policy's; `bad_flags` for the
/// wrong kind; `crypto_error::no_key`; `crypto_error::forged`.
template <FrameSealing Sealing>
[[nodiscard]] result<opened_frame> open_frame(Sealing const& sealing, network_id const& network, node_id const& self,
                                              wire::frame_binding const* binding, byte_span frame) noexcept {
    using wire::envelope;
    auto const head = envelope::decode(frame);
    if (!head) return fail(head.error());
    if (head->suite != Sealing::suite) return fail(wire::wire_error::bad_suite, 1, "suite");
    if (head->stream != (binding != nullptr)) return fail(wire::wire_error::bad_flags, 1, "stream flag");
    if (!sealing.knows(head->key_id)) return fail(crypto_error::no_key, head->key_id, "key id");
    wire::additional_data const ad{frame, network, self, head->addressed, binding};
    byte_span const text_then_tag = frame.subspan(envelope::head);
    if (!sealing.open(head->key_id, wire::nonce_of(frame), ad.bytes(), text_then_tag)) {
        return fail(crypto_error::forged, 0, "frame");
    }
    return opened_frame{*head, text_then_tag.first(text_then_tag.size() - envelope::tail)};
}

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
