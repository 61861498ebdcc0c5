// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The bounds of everything that crosses a wire. Changing one changes the protocol.
#ifndef PEERKIT_CORE_LIMITS_HPP
#define PEERKIT_CORE_LIMITS_HPP

#include <peerkit/detail/config.hpp>

#include <cstddef>
#include <cstdint>

PEERKIT_BEGIN_NAMESPACE

/// Protocol bounds, in bytes or entries. Run-time caps of a node (members, candidates, ...) are in its
/// tunables.
namespace limits {

/// UDP payload, sealing included: fits the IPv6 minimum MTU of 1280 with room for a tunnel header.
inline constexpr std::size_t datagram = 1200;
/// What sealing may add to a datagram in front and behind.
inline constexpr std::size_t sealing_overhead = 64;
/// Plain bytes of one datagram.
inline constexpr std::size_t packet = datagram - sealing_overhead;
/// One signed record; with the message header it fits a datagram beside a ping.
inline constexpr std::size_t record = 1024;
/// A plaintext larger than this is compressed, where both sides do that.
inline constexpr std::size_t uncompressed = 1024;
/// One stream frame, sealing included; a longer length prefix closes the stream.
inline constexpr std::size_t stream_frame = 65536;
/// Payload of a user message, request, response or broadcast: with its head it fits a stream frame.
inline constexpr std::size_t payload = std::size_t{60} << 10U;
/// Payload that travels in a datagram; a larger one takes a stream.
inline constexpr std::size_t datagram_payload = 900;
/// How long a request may take, in milliseconds; receivers take more for this much.
inline constexpr std::uint32_t patience = 60'000;
/// Bytes of the entries a node may put, signatures included, and of those that others hold of it: they may hear of a
/// new one before they hear what made room for it.
inline constexpr std::size_t own_entry_bytes = std::size_t{60} << 10U;
inline constexpr std::size_t entry_bytes = std::size_t{64} << 10U;
/// Bytes of one stream exchange in one direction.
inline constexpr std::size_t stream_total = std::size_t{64} << 20U;

inline constexpr std::size_t name = 63;          ///< node name, DNS label sized
inline constexpr std::size_t version_text = 31;  ///< version string of the host program
inline constexpr std::size_t role = 31;          ///< one role
inline constexpr std::size_t roles = 8;          ///< roles of a node
inline constexpr std::size_t capability = 31;    ///< one capability
inline constexpr std::size_t capabilities = 16;  ///< capabilities of a node
inline constexpr std::size_t label_key = 31;     ///< key of a label
inline constexpr std::size_t label_value = 127;  ///< value of a label
inline constexpr std::size_t labels = 16;        ///< labels of a node
inline constexpr std::size_t service_name = 31;  ///< name of a service
inline constexpr std::size_t service_info = 127; ///< free text of a service
inline constexpr std::size_t services = 16;      ///< services of a node
inline constexpr std::size_t addresses = 8;      ///< typed addresses of a node
inline constexpr std::size_t topic = 63;         ///< topic of a user message
inline constexpr std::size_t entry_key = 63;     ///< key of an entry
inline constexpr std::size_t entry_value = 800;  ///< value of an entry: fits a datagram beside a ping, signed
inline constexpr std::size_t own_entries = 240;  ///< entries a node may put
inline constexpr std::size_t entries = 256;      ///< entries of a node others hold; their marks fit one datagram
inline constexpr std::size_t erased = 256;       ///< erased entries of a node that are remembered
inline constexpr std::size_t host_name = 253;    ///< DNS name in presentation form, without the final dot
inline constexpr std::size_t accusers = 6;       ///< distinct accusers named in one accusation

/// Incarnations are unsigned 63-bit: the upper half of the range is refused when decoded.
inline constexpr std::uint64_t incarnation = std::uint64_t{1} << 63U;

} // namespace limits

inline constexpr std::uint16_t default_gossip_port = 9000;
inline constexpr std::uint16_t default_api_port = 8000;

PEERKIT_END_NAMESPACE

#endif
