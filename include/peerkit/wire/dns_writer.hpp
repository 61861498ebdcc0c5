// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Writes DNS messages into a caller's buffer, names compressed; what does not fit is not written at all.
#ifndef PEERKIT_WIRE_DNS_WRITER_HPP
#define PEERKIT_WIRE_DNS_WRITER_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/dns_message.hpp>
#include <peerkit/wire/dns_name.hpp>
#include <peerkit/wire/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace wire {

/// Where a record goes, and all of it but its type and data.
struct dns_record_head {
    dns_name_view name;
    std::uint32_t time_to_live = 0; ///< seconds
    dns_section section = dns_section::answer;
    std::uint16_t class_bits = dns_class_in;
};

/// Whether the target of an SRV record is compressed: RFC 2782 forbids it, RFC 6762 (18.14) wants it.
enum class dns_srv_targets : std::uint8_t { whole, compressed };

/// Writes one message: questions first, then records in the order of their sections.
///
/// Every call writes all of its question or record, or nothing; after `no_room` the message is still whole and a
/// smaller record may fit. `position` of that error is the size the message would have had without compressing what was
/// refused. Memory: the caller's buffer and 260 bytes; time: at most `known_names` comparisons for each label of a
/// name.
///
/// @code
/// std::array<std::byte, 1440> room;
/// wire::dns_writer out{room, {.id = 7}};
/// if (auto asked = out.question(name, wire::dns_type::srv); !asked) return fail(asked.error());
/// send(out.written());
/// @endcode
class dns_writer {
public:
    /// Places of names remembered for compression. Further names are written whole.
    static constexpr std::size_t known_names = 128;

    /// @param out at least `dns_header_size` bytes, otherwise every call fails
    dns_writer(byte_span out, dns_header header, dns_srv_targets targets = dns_srv_targets::compressed) noexcept
        : out_{out.first(std::min(out.size(), dns_message_limit))}, targets_{targets} {
        byte_writer head{out_};
        head.u16(header.id);
        head.u16(header.flags);
        for (int i = 0; i < 4; ++i) head.u16(0);
        if (head) size_ = head.position();
    }

    /// @par Errors `no_room`, `out_of_order`, `too_many` (65535)
    [[nodiscard]] result<void> question(dns_name_view name, dns_type type,
                                        std::uint16_t class_bits = dns_class_in) noexcept {
        if (section_ != 0) return fail(wire_error::out_of_order, size_, "question");
        return add(0, name.size() + 4, [&](byte_writer& to) {
            put_name(to, name, true);
            to.u16(static_cast<std::uint16_t>(type));
            to.u16(class_bits);
        });
    }
    /// A or AAAA. @par Errors as `question`; `bad_address` for none
    [[nodiscard]] result<void> address(dns_record_head const& head, ip_address const& is) noexcept {
        if (!is) return fail(wire_error::bad_address, size_, "address");
        return raw(head, is.family() == ip_family::v4 ? dns_type::a : dns_type::aaaa, is.bytes());
    }
    /// PTR, CNAME or NS. @par Errors as `question`
    [[nodiscard]] result<void> pointer(dns_record_head const& head, dns_type type, dns_name_view target) noexcept {
        return record(head, type, target.size(), [&](byte_writer& to) { put_name(to, target, true); });
    }
    /// SRV. @par Errors as `question`
    [[nodiscard]] result<void> service(dns_record_head const& head, dns_service const& is) noexcept {
        return record(head, dns_type::srv, 6 + is.target.size(), [&](byte_writer& to) {
            to.u16(is.priority);
            to.u16(is.weight);
            to.u16(is.port);
            put_name(to, is.target, targets_ == dns_srv_targets::compressed);
        });
    }
    /// NSEC: of the types there are those in `types`, and no others (RFC 6762, 6.1). Only numbers below 256.
    /// @par Errors as `question`; `bad_rdata` for no type or another one
    [[nodiscard]] result<void> only_types(dns_record_head const& head, std::span<dns_type const> types) noexcept {
        std::array<std::byte, 34> bitmap{};
        std::size_t octets = 0;
        for (dns_type const type : types) {
            auto const number = static_cast<std::size_t>(type);
            if (number > 255) return fail(wire_error::bad_rdata, number, "types");
            bitmap[2 + number / 8] |= std::byte{0x80} >> static_cast<int>(number % 8);
            octets = std::max(octets, number / 8 + 1);
        }
        if (octets == 0) return fail(wire_error::bad_rdata, 0, "types");
        bitmap[1] = static_cast<std::byte>(octets);
        return type_bitmaps(head, head.name, byte_view{bitmap}.first(2 + octets));
    }
    /// NSEC with windows of types as they stand in another message. @par Errors as `question`
    [[nodiscard]] result<void> type_bitmaps(dns_record_head const& head, dns_name_view next, byte_view maps) noexcept {
        return record(head, dns_type::nsec, next.size() + maps.size(), [&](byte_writer& to) {
            put_name(to, next, true);
            to.bytes(maps);
        });
    }
    /// Any type whose data holds no names; TXT as its strings stand on the wire. The data is not looked at.
    /// @par Errors as `question`
    [[nodiscard]] result<void> raw(dns_record_head const& head, dns_type type, byte_view data) noexcept {
        return record(head, type, data.size(), [&](byte_writer& to) { to.bytes(data); });
    }
    /// A record of another message; its names are uncompressed and compressed anew. Data of types and classes this
    /// codec does not know is copied as it stands.
    /// @par Errors as `question`
    [[nodiscard]] result<void> copy(dns_record const& from) noexcept {
        dns_record_head const head{from.name, from.time_to_live, from.section, from.class_bits};
        if (auto const target = from.target()) return pointer(head, from.type, *target);
        if (auto const is = from.service()) return service(head, *is);
        if (auto const next = from.next_name()) return type_bitmaps(head, *next, from.type_bitmaps());
        return raw(head, from.type, from.data());
    }

    /// Says that more follows in another message (TC).
    void set_truncated() noexcept {
        if (size_ == 0) return;
        store_big(out_.data() + 2,
                  static_cast<std::uint16_t>(load_big<std::uint16_t>(out_.data() + 2) | dns_header::truncated_bit));
    }

    /// The message so far, always well-formed. Empty if not even the header fitted.
    [[nodiscard]] byte_view written() const noexcept { return out_.first(size_); }
    /// Questions and records together.
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

private:
    template <typename Put>
    [[nodiscard]] result<void> record(dns_record_head const& head, dns_type type, std::size_t data, Put put) noexcept {
        std::size_t const part = 1 + static_cast<std::size_t>(head.section);
        if (part < section_) return fail(wire_error::out_of_order, size_, "record");
        return add(part, head.name.size() + 10 + data, [&](byte_writer& to) {
            put_name(to, head.name, true);
            to.u16(static_cast<std::uint16_t>(type));
            to.u16(head.class_bits);
            to.u32(head.time_to_live);
            byte_span const length = to.claim(2);
            std::size_t const start = to.position();
            put(to);
            if (to) store_big(length.data(), static_cast<std::uint16_t>(to.position() - start));
        });
    }
    /// Writes one item with `put`, counts it in part `part` of the header, or takes it back.
    template <typename Put>
    [[nodiscard]] result<void> add(std::size_t part, std::size_t whole, Put put) noexcept {
        if (size_ == 0) return fail(wire_error::no_room, dns_header_size + whole, "message");
        std::byte* const counted = out_.data() + 4 + 2 * part;
        auto const count = load_big<std::uint16_t>(counted);
        if (count == 0xffff) return fail(wire_error::too_many, size_, "records");
        std::size_t const names = names_;
        byte_writer to{out_};
        (void)to.claim(size_);
        put(to);
        if (!to) {
            names_ = names;
            return fail(wire_error::no_room, size_ + whole, "message");
        }
        size_ = to.position();
        store_big(counted, static_cast<std::uint16_t>(count + 1));
        section_ = part;
        ++count_;
        return {};
    }

    /// Writes a name, as a pointer from the label on that is known. Case is kept: only identical names are shared.
    void put_name(byte_writer& to, dns_name_view name, bool compress) noexcept {
        dns_label_reader rest = name.labels();
        for (;;) {
            if (compress) {
                for (std::size_t i = 0; i < names_; ++i) {
                    if (!stands_at(to, places_[i], rest)) continue;
                    to.u16(static_cast<std::uint16_t>(0xc000U | places_[i]));
                    return;
                }
            }
            std::string_view label;
            if (!rest.next(label)) break;
            if (to.position() < 0x4000 && names_ < known_names) {
                places_[names_++] = static_cast<std::uint16_t>(to.position());
            }
            to.short_bytes(as_bytes(label));
            if (!to) return;
        }
        to.u8(0);
    }
    /// True if the name written at `place` has exactly the labels that are left, at least one.
    [[nodiscard]] static bool stands_at(byte_writer const& to, std::size_t place, dns_label_reader left) noexcept {
        byte_view const written = to.written();
        std::string_view label;
        bool any = false;
        for (;;) {
            // A name that is being written ends where the writer stands.
            if (place >= written.size()) return false;
            auto const head = std::to_integer<std::size_t>(written[place]);
            if (head > dns_label_limit) {
                place = (head & 0x3fU) << 8U | std::to_integer<std::size_t>(written[place + 1]);
                continue;
            }
            if (!left.next(label)) return any && head == 0;
            if (head == 0 || as_text(written.subspan(place + 1, head)) != label) return false;
            place += 1 + head;
            any = true;
        }
    }

    byte_span out_;
    dns_srv_targets targets_;
    std::size_t size_ = 0;
    std::size_t section_ = 0; ///< 0: questions, then 1 + dns_section
    std::size_t count_ = 0;
    std::size_t names_ = 0;
    std::array<std::uint16_t, known_names> places_{};
};

} // namespace wire
PEERKIT_END_NAMESPACE

#endif
