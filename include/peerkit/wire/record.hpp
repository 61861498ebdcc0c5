// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The announcement record: a view over received bytes, and the writer of its unsigned part.
#ifndef PEERKIT_WIRE_RECORD_HPP
#define PEERKIT_WIRE_RECORD_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/error.hpp>
#include <peerkit/wire/packed_range.hpp>
#include <peerkit/wire/record_check.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

PEERKIT_BEGIN_NAMESPACE
namespace wire {

/// What a receiver must know of a record before it spends a signature check on it.
struct record_key {
    short_id subject{};
    std::uint64_t incarnation = 0;
    bool left = false;
    [[nodiscard]] friend constexpr bool operator==(record_key const&, record_key const&) noexcept = default;
};

/// A node's signed announcement, read in place. Holds a pointer and a size; the bytes must outlive it.
///
/// Received bytes are verified, stored and forwarded verbatim, so this view is all there is between the wire
/// and the member table. The layout is in docs/wire.md. A view is made by `parse`, which checks everything
/// but the signature (`crypto::verify_record` does that), or by `trusted` from bytes that were parsed before.
/// Nothing here allocates except `to_description`. Immutable: any number of threads may read one.
///
/// @code
/// auto record = wire::record_view::parse(body);
/// if (!record) return refuse(record.error());
/// if (!crypto::verify_record<Identity>(*record, network)) return refuse(...);
/// for (std::string_view role : record->roles()) ...
/// @endcode
class record_view {
public:
    using layout = record_layout;

    /// No record: every size is zero, no accessor but `bytes` may be called.
    constexpr record_view() noexcept = default;

    /// Checks structure, bounds, texts and canonical order; not the signature. Work is linear in the size,
    /// which is refused above `limits::record` before anything is read.
    /// @par Errors `wire_error`; position is an offset in `bytes`.
    [[nodiscard]] static result<record_view> parse(byte_view bytes) noexcept {
        if (bytes.size() > limits::record) return fail(wire_error::record_too_large, bytes.size(), "record");
        if (bytes.size() < layout::min_size) return fail(wire_error::truncated, bytes.size(), "record");
        if (auto const ok = detail::check_unsigned_record(bytes.first(bytes.size() - layout::signature_size)); !ok) {
            return fail(ok.error());
        }
        return record_view{bytes};
    }
    /// A view without any check, for bytes that `parse` accepted earlier, such as stored ones.
    [[nodiscard]] static constexpr record_view trusted(byte_view bytes) noexcept { return record_view{bytes}; }

    /// Reads subject, incarnation and the left flag from their fixed offsets and checks nothing else: enough
    /// to drop what is already known. None if the bytes are shorter than any record.
    [[nodiscard]] static constexpr std::optional<record_key> peek(byte_view bytes) noexcept {
        if (bytes.size() < layout::min_size) return std::nullopt;
        record_view const view{bytes};
        return record_key{view.short_id(), view.incarnation(), view.left()};
    }

    [[nodiscard]] constexpr byte_view bytes() const noexcept { return {data_, size_}; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return size_ != 0; }

    [[nodiscard]] node_id id() const noexcept { return node_id::from_bytes(at(layout::id, node_id::size)); }
    [[nodiscard]] constexpr peerkit::short_id short_id() const noexcept {
        return static_cast<peerkit::short_id>(load_big<std::uint64_t>(data_ + layout::id));
    }
    [[nodiscard]] constexpr std::uint64_t incarnation() const noexcept {
        return load_big<std::uint64_t>(data_ + layout::incarnation);
    }
    /// The subject announced that it left; final for this incarnation.
    [[nodiscard]] constexpr bool left() const noexcept { return has_flag(layout::left_bit); }
    /// The subject takes compressed packets (`compressed_packet`).
    [[nodiscard]] constexpr bool takes_compressed() const noexcept { return has_flag(layout::takes_compressed_bit); }
    [[nodiscard]] constexpr record_key key() const noexcept { return {short_id(), incarnation(), left()}; }
    /// Never 0.
    [[nodiscard]] constexpr std::uint16_t gossip_port() const noexcept {
        return load_big<std::uint16_t>(data_ + layout::gossip_port);
    }
    /// 0: none.
    [[nodiscard]] constexpr std::uint16_t api_port() const noexcept {
        return load_big<std::uint16_t>(data_ + layout::api_port);
    }
    [[nodiscard]] std::string_view name() const noexcept { return text_at(layout::name); }
    [[nodiscard]] std::string_view version() const noexcept { return text_at(version_offset()); }

    /// Addresses in the subject's order of preference; elements are `typed_address`.
    [[nodiscard]] constexpr packed_range<detail::packed_address> addresses() const noexcept {
        return packed_range<detail::packed_address>{data_ + addresses_offset()};
    }
    /// Roles, ascending; elements are `std::string_view`.
    [[nodiscard]] constexpr packed_range<detail::packed_text> roles() const noexcept {
        return packed_range<detail::packed_text>{addresses().after()};
    }
    /// Capabilities, ascending; elements are `std::string_view`.
    [[nodiscard]] constexpr packed_range<detail::packed_text> capabilities() const noexcept {
        return packed_range<detail::packed_text>{roles().after()};
    }
    /// Labels, ascending by key; elements are `label_view`.
    [[nodiscard]] constexpr packed_range<detail::packed_label> labels() const noexcept {
        return packed_range<detail::packed_label>{capabilities().after()};
    }
    /// Services, ascending by name; elements are `service_view`.
    [[nodiscard]] constexpr packed_range<detail::packed_service> services() const noexcept {
        return packed_range<detail::packed_service>{labels().after()};
    }

    [[nodiscard]] constexpr std::size_t address_count() const noexcept { return addresses().size(); }
    /// Address `i` with its port, the gossip port where none was given. None if `i` is out of range.
    [[nodiscard]] ip_endpoint gossip_endpoint(std::size_t i) const noexcept {
        for (typed_address const& a : addresses()) {
            if (i-- == 0) return {a.address, a.port != 0 ? a.port : gossip_port()};
        }
        return {};
    }
    /// The preferred endpoint, at a small fixed cost. None if the record has no address.
    [[nodiscard]] constexpr ip_endpoint first_endpoint() const noexcept {
        std::byte const* const from = data_ + addresses_offset();
        if (from[0] == std::byte{0}) return {};
        typed_address const a = detail::packed_address::decode(from + 1);
        return {a.address, a.port != 0 ? a.port : gossip_port()};
    }

    /// The index of the first address that is this endpoint, the gossip port where none was given. None if it is not
    /// announced.
    [[nodiscard]] std::optional<std::size_t> index_of(ip_endpoint const& where) const noexcept {
        std::size_t i = 0;
        for (typed_address const& a : addresses()) {
            if (a.address == where.address && (a.port != 0 ? a.port : gossip_port()) == where.port) return i;
            ++i;
        }
        return std::nullopt;
    }

    /// What the subject's host wrote: everything between incarnation and signature.
    [[nodiscard]] constexpr byte_view said() const noexcept {
        return at(layout::gossip_port, size_ - layout::gossip_port - layout::signature_size);
    }
    /// What is signed, after the domain and the network id.
    [[nodiscard]] constexpr byte_view unsigned_part() const noexcept { return {data_, size_ - layout::signature_size}; }
    /// 64 bytes.
    [[nodiscard]] constexpr byte_view signature() const noexcept {
        return at(size_ - layout::signature_size, layout::signature_size);
    }

    /// The value of a label, or none.
    [[nodiscard]] std::optional<std::string_view> label_value(std::string_view key) const noexcept {
        for (label_view const& l : labels()) {
            if (l.key == key) return l.value;
        }
        return std::nullopt;
    }
    [[nodiscard]] bool has_role(std::string_view role) const noexcept {
        for (std::string_view const r : roles()) {
            if (r == role) return true;
        }
        return false;
    }

    [[nodiscard]] bool has_capability(std::string_view capability) const noexcept {
        for (std::string_view const c : capabilities()) {
            if (c == capability) return true;
        }
        return false;
    }
    /// The service of that name, or none.
    [[nodiscard]] std::optional<service_view> find_service(std::string_view service_name) const noexcept {
        for (service_view const& s : services()) {
            if (s.name == service_name) return s;
        }
        return std::nullopt;
    }

    /// An owned copy of everything the subject said. Allocates.
    [[nodiscard]] description to_description() const {
        description d;
        d.name = std::string{name()};
        d.gossip_port = gossip_port();
        d.api_port = api_port();
        d.version = std::string{version()};
        for (typed_address const& a : addresses()) d.addresses.push_back(a);
        for (std::string_view const r : roles()) d.roles.emplace_back(r);
        for (std::string_view const c : capabilities()) d.capabilities.emplace_back(c);
        for (label_view const& l : labels()) d.labels.push_back({std::string{l.key}, std::string{l.value}});
        for (service_view const& s : services()) {
            d.services.push_back({std::string{s.name}, s.port, std::string{s.info}, s.health, s.version});
        }
        d.takes_compressed = takes_compressed();
        return d;
    }

    /// Byte for byte.
    [[nodiscard]] friend bool operator==(record_view const& left, record_view const& right) noexcept {
        return equal(left.bytes(), right.bytes());
    }

private:
    constexpr explicit record_view(byte_view bytes) noexcept : data_{bytes.data()}, size_{bytes.size()} {}

    [[nodiscard]] constexpr bool has_flag(unsigned bit) const noexcept {
        return (std::to_integer<unsigned>(data_[layout::flags]) & bit) != 0;
    }
    [[nodiscard]] constexpr byte_view at(std::size_t offset, std::size_t count) const noexcept {
        return {data_ + offset, count};
    }
    [[nodiscard]] constexpr std::size_t length_at(std::size_t offset) const noexcept {
        return std::to_integer<std::size_t>(data_[offset]);
    }
    [[nodiscard]] std::string_view text_at(std::size_t offset) const noexcept {
        return as_text(at(offset + 1, length_at(offset)));
    }
    [[nodiscard]] constexpr std::size_t version_offset() const noexcept {
        return layout::name + 1 + length_at(layout::name);
    }
    [[nodiscard]] constexpr std::size_t addresses_offset() const noexcept {
        return version_offset() + 1 + length_at(version_offset());
    }

    std::byte const* data_ = nullptr;
    std::size_t size_ = 0;
};

static_assert(std::is_trivially_copyable_v<record_view>);

/// Writes everything but the signature and returns its size; the signature follows it directly.
/// `d` must be normalized (`peerkit::normalize`), `incarnation` in [1, `limits::incarnation`).
/// @par Errors `record_too_large` with the size of the whole record, its field the part that crossed the
/// limit; `no_room` with the size it takes; `not_canonical` for a description that is not normalized; and
/// whatever `record_view::parse` would say of the bytes: nothing is written that would not be accepted.
[[nodiscard]] inline result<std::size_t> encode_record(description const& d, node_id const& id,
                                                       std::uint64_t incarnation, bool left, byte_span out) noexcept {
    auto const measured = detail::measure_record(d);
    if (!measured) return fail(measured.error());
    if (out.size() < *measured) return fail(wire_error::no_room, *measured, "record");

    byte_writer to{out.first(*measured)};
    to.u8(record_layout::format_version);
    to.u8(static_cast<std::uint8_t>((left ? record_layout::left_bit : 0U) |
                                    (d.takes_compressed ? record_layout::takes_compressed_bit : 0U)));
    to.bytes(id.bytes);
    to.u64(incarnation);
    to.u16(d.gossip_port);
    to.u16(d.api_port);
    to.short_bytes(as_bytes(d.name));
    to.short_bytes(as_bytes(d.version));
    to.u8(static_cast<std::uint8_t>(d.addresses.size()));
    for (typed_address const& a : d.addresses) {
        auto const kind = static_cast<unsigned>(a.kind), family = static_cast<unsigned>(a.address.family());
        to.u8(static_cast<std::uint8_t>(kind << 4U | family));
        to.bytes(a.address.bytes());
        to.u16(a.port);
    }
    to.u8(static_cast<std::uint8_t>(d.roles.size()));
    for (std::string const& r : d.roles) to.short_bytes(as_bytes(r));
    to.u8(static_cast<std::uint8_t>(d.capabilities.size()));
    for (std::string const& c : d.capabilities) to.short_bytes(as_bytes(c));
    to.u8(static_cast<std::uint8_t>(d.labels.size()));
    for (label const& l : d.labels) {
        to.short_bytes(as_bytes(l.key));
        to.short_bytes(as_bytes(l.value));
    }
    to.u8(static_cast<std::uint8_t>(d.services.size()));
    for (service const& s : d.services) {
        to.short_bytes(as_bytes(s.name));
        to.u16(s.port);
        to.u8(static_cast<std::uint8_t>(s.health));
        to.u32(s.version);
        to.short_bytes(as_bytes(s.info));
    }
    if (auto const ok = detail::check_unsigned_record(to.written()); !ok) return fail(ok.error());
    return to.position();
}

} // namespace wire
PEERKIT_END_NAMESPACE

#endif
