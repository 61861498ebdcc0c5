// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What can be wrong with bytes from the wire, or with values that are to become such bytes.
#ifndef PEERKIT_WIRE_ERROR_HPP
#define PEERKIT_WIRE_ERROR_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>

#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace wire {

/// Errors of the wire floor. Unless an enumerator says otherwise, `error::position` is the offset of the
/// refused bytes and `error::field` names them.
enum class wire_error : std::uint16_t {
    truncated = 1,        ///< The bytes end before the layout does.
    trailing_bytes,       ///< Bytes follow the end of the layout.
    bad_version,          ///< The format version is not one this library speaks.
    bad_suite,            ///< The sealing suite is unknown or not the one this node uses.
    bad_flags,            ///< A reserved flag bit is set, or a flag does not fit the place.
    bad_length,           ///< A text is empty or longer than its limit, or a stream frame has an impossible length.
    bad_message_length,   ///< The length of a message does not fit its type.
    unknown_message,      ///< The message type is reserved.
    reserved_incarnation, ///< The incarnation is in the reserved upper half, or zero where one is required.
    no_node,              ///< The node id is all zero.
    zero_port,            ///< A port is zero where one is required.
    bad_address,          ///< The address kind or family is unknown, or an IPv4 address is written as IPv6.
    bad_text,             ///< A text has a character that is not allowed in it.
    not_canonical,        ///< Entries are not in ascending order or not unique.
    too_many,             ///< A count is above its limit; position is the offset or, when encoding, the count.
    too_many_accusers,    ///< An accusation names no accuser or more than the limit.
    record_too_large,     ///< The record is larger than its limit; position is its size.
    frame_too_large,      ///< The frame is larger than its limit; position is its size.
    no_room,              ///< The output buffer is too small; position is the size it would take.
    bad_expansion,        ///< A compressed packet says it expands to nothing or to too much; position is that size.
    bad_compression,      ///< A compressed packet is damaged, or made by an algorithm this node does not use.

    // DNS messages.
    bad_pointer,   ///< A compressed name points forward, at itself, into the header, or through too many pointers.
    bad_label,     ///< A label of a name is of a reserved type, or empty or too long where a text is to become one.
    name_too_long, ///< A name takes more than 255 octets.
    bad_rdata,     ///< The data of a record does not have the layout of its type.
    out_of_order,  ///< A question or record is written behind a later section.
};

} // namespace wire

template <>
struct domain_of<wire::wire_error> {
    static constexpr std::string_view sentence(std::uint16_t value) noexcept {
        using wire::wire_error;
        switch (static_cast<wire_error>(value)) {
        case wire_error::truncated: return "the bytes end before the layout does";
        case wire_error::trailing_bytes: return "bytes follow the end of the layout";
        case wire_error::bad_version: return "the format version is not one this library speaks";
        case wire_error::bad_suite: return "the sealing suite is unknown or not the one this node uses";
        case wire_error::bad_flags: return "a reserved flag bit is set, or a flag does not fit the place";
        case wire_error::bad_length: return "a text is empty or too long, or a stream frame has an impossible length";
        case wire_error::bad_message_length: return "the length of a message does not fit its type";
        case wire_error::unknown_message: return "the message type is reserved";
        case wire_error::reserved_incarnation: return "the incarnation is zero or in the reserved upper half";
        case wire_error::no_node: return "the node id is all zero";
        case wire_error::zero_port: return "a port is zero where one is required";
        case wire_error::bad_address: return "the address kind or family is unknown, or IPv4 is written as IPv6";
        case wire_error::bad_text: return "a text has a character that is not allowed in it";
        case wire_error::not_canonical: return "entries are not in ascending order or not unique";
        case wire_error::too_many: return "a count is above its limit";
        case wire_error::too_many_accusers: return "an accusation names no accuser or more than the limit";
        case wire_error::record_too_large: return "the record is larger than its limit";
        case wire_error::frame_too_large: return "the frame is larger than its limit";
        case wire_error::no_room: return "the output buffer is too small";
        case wire_error::bad_expansion: return "a compressed packet says it expands to nothing or to too much";
        case wire_error::bad_compression: return "a compressed packet is damaged or of an algorithm not in use";
        case wire_error::bad_pointer: return "a compressed name points where it must not";
        case wire_error::bad_label: return "a label of a name is of a reserved type, empty or too long";
        case wire_error::name_too_long: return "a name takes more than 255 octets";
        case wire_error::bad_rdata: return "the data of a record does not have the layout of its type";
        case wire_error::out_of_order: return "a question or record is written behind a later section";
        }
        return "unknown wire error";
    }
    static constexpr error_domain const& get() noexcept { return domain; }
    static constexpr error_domain domain{"wire", &sentence};
};

PEERKIT_END_NAMESPACE

#endif
