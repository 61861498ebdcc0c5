// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the relations between the bounds of the protocol.
#include <peerkit/core/limits.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace limits = peerkit::limits;

namespace {

// The wire formats in bytes, as docs/wire.md states them; this floor knows nothing of the headers that
// implement them.
constexpr std::size_t message_head = 1 + 2;                     // type, length
constexpr std::size_t ping = message_head + 8 + 8;              // nonce, incarnation
constexpr std::size_t announce = message_head + limits::record; // the largest record
constexpr std::size_t accusation =
    message_head + 8 + 8 + 1 + 8 * limits::accusers;      // subject, incarnation, count, accusers
constexpr std::size_t envelope_head = 1 + 1 + 4 + 8 + 24; // version, flags, key id, sender, nonce
constexpr std::size_t seal_tag = 16;
constexpr std::size_t ipv6_minimum_mtu = 1280, ipv6_header = 40, udp_header = 8;
constexpr std::size_t short_length_max = std::numeric_limits<std::uint8_t>::max();
constexpr std::size_t record_fixed = 1 + 1 + 32 + 8 + 2 + 2 + 64; // format, flags, id, incarnation, ports, signature

static_assert(limits::packet + limits::sealing_overhead == limits::datagram);
static_assert(limits::sealing_overhead < limits::datagram);
static_assert(envelope_head + seal_tag <= limits::sealing_overhead, "the seal fits the room kept for it");
static_assert(limits::datagram + ipv6_header + udp_header <= ipv6_minimum_mtu, "no datagram is ever fragmented");

static_assert(ping + announce <= limits::packet, "the largest record travels beside a ping");
static_assert(ping + announce + accusation <= limits::packet, "and leaves room for the largest accusation");
static_assert(message_head + limits::record <= std::numeric_limits<std::uint16_t>::max(), "a u16 length is enough");
static_assert(limits::accusers <= short_length_max, "a u8 count is enough");

static_assert(limits::datagram <= limits::stream_frame, "whatever fits a datagram fits a stream frame");
static_assert(limits::stream_frame <= std::numeric_limits<std::uint32_t>::max(), "a u32 length is enough");
static_assert(limits::stream_frame <= limits::stream_total);
static_assert(limits::stream_total / limits::stream_frame >= 1024, "an exchange is many frames");

// Everything with a u8 length or count.
static_assert(limits::name <= short_length_max && limits::version_text <= short_length_max);
static_assert(limits::role <= short_length_max && limits::roles <= short_length_max);
static_assert(limits::capability <= short_length_max && limits::capabilities <= short_length_max);
static_assert(limits::label_key <= short_length_max && limits::label_value <= short_length_max);
static_assert(limits::service_name <= short_length_max && limits::service_info <= short_length_max);
static_assert(limits::labels <= short_length_max && limits::services <= short_length_max);
static_assert(limits::addresses <= short_length_max);
static_assert(limits::host_name + 1 <= short_length_max, "a host name and its final dot");

// One list or text at its bound never makes the record too large on its own; only a combination can.
static_assert(record_fixed + 4 + (1 + limits::name) + (1 + limits::version_text) < limits::record);
static_assert(record_fixed + 5 + limits::name + limits::addresses * (1 + 16 + 2) < limits::record);
static_assert(record_fixed + 5 + limits::name + limits::roles * (1 + limits::role) < limits::record);
static_assert(record_fixed + 5 + limits::name + limits::capabilities * (1 + limits::capability) < limits::record);
static_assert(record_fixed + 5 + limits::name + (1 + limits::label_key + 1 + limits::label_value) < limits::record);

static_assert(limits::incarnation == std::uint64_t{1} << 63U, "exactly the upper half is refused");
// Incarnations start as microseconds since 1970: the bound must outlast the calendar by far.
static_assert(limits::incarnation / 1'000'000 / 86'400 / 366 > 100'000, "more than a hundred thousand years");

static_assert(peerkit::default_gossip_port == 9000 && peerkit::default_api_port == 8000);

} // namespace

TEST_CASE("a datagram is a packet and its sealing, and is never fragmented") {
    CHECK(limits::packet + limits::sealing_overhead == limits::datagram);
    CHECK(limits::datagram + ipv6_header + udp_header <= ipv6_minimum_mtu);
    CHECK(envelope_head + seal_tag <= limits::sealing_overhead);
}

TEST_CASE("the largest record, ping and accusation share one packet") {
    CHECK(ping + announce + accusation <= limits::packet);
}

TEST_CASE("all lists at their bounds together exceed a record, which is why its size is checked where it is set") {
    std::size_t const labels = limits::labels * (2 + limits::label_key + limits::label_value);
    std::size_t const services = limits::services * (2 + 7 + limits::service_name + limits::service_info);
    CHECK(record_fixed + labels + services > limits::record);
}
