// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// DNS messages (RFC 1035) read in place: bounded, without allocation, and nothing in them is believed before it is
// seen.
#ifndef PEERKIT_WIRE_DNS_MESSAGE_HPP
#define PEERKIT_WIRE_DNS_MESSAGE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/dns_name.hpp>
#include <peerkit/wire/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace wire {

/// Largest message, and all that a length of 16 bits can state.
inline constexpr std::size_t dns_message_limit = 65535;

/// Types of records. A message may have any other number; its data is then opaque.
enum class dns_type : std::uint16_t {
    a = 1,
    ns = 2,
    cname = 5,
    ptr = 12,
    txt = 16,
    aaaa = 28,
    srv = 33,
    nsec = 47,
    any = 255, ///< in questions
};

/// The class "Internet", "any class" in questions, and the bit above the class which multicast DNS gives a meaning of
/// its own: "answer by unicast" in a question, "this is all there is" (cache flush) in a record.
inline constexpr std::uint16_t dns_class_in = 1;
inline constexpr std::uint16_t dns_class_any = 255;
inline constexpr std::uint16_t dns_class_top_bit = 0x8000;

struct dns_header {
    static constexpr std::uint16_t response_bit = 0x8000;
    static constexpr std::uint16_t opcode_mask = 0x7800;
    static constexpr std::uint16_t authoritative_bit = 0x0400;
    static constexpr std::uint16_t truncated_bit = 0x0200;
    static constexpr std::uint16_t recursion_desired_bit = 0x0100;
    static constexpr std::uint16_t code_mask = 0x000f;

    std::uint16_t id = 0;
    std::uint16_t flags = 0;

    [[nodiscard]] constexpr bool is_response() const noexcept { return (flags & response_bit) != 0; }
    [[nodiscard]] constexpr bool is_truncated() const noexcept { return (flags & truncated_bit) != 0; }
    [[nodiscard]] constexpr unsigned opcode() const noexcept { return (flags & opcode_mask) >> 11U; }
    [[nodiscard]] constexpr unsigned code() const noexcept { return flags & code_mask; }
    [[nodiscard]] friend constexpr bool operator==(dns_header const&, dns_header const&) noexcept = default;
};

enum class dns_section : std::uint8_t { answer = 0, authority = 1, additional = 2 };

struct dns_question {
    dns_name_view name;
    dns_type type{};
    std::uint16_t class_bits = dns_class_in;

    [[nodiscard]] constexpr std::uint16_t record_class() const noexcept {
        return class_bits & static_cast<std::uint16_t>(~dns_class_top_bit);
    }
    /// Multicast DNS: the asker would like a unicast answer (QU).
    [[nodiscard]] constexpr bool wants_unicast() const noexcept { return (class_bits & dns_class_top_bit) != 0; }
};

/// The data of an SRV record (RFC 2782).
struct dns_service {
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
    std::uint16_t port = 0;
    dns_name_view target;
};

/// Gives the character-strings of a TXT record, one after the other.
class dns_string_reader {
public:
    dns_string_reader() noexcept = default;
    /// `data` is the data of a TXT record that was checked.
    explicit dns_string_reader(byte_view data) noexcept : rest_{data} {}
    [[nodiscard]] bool next(std::string_view& text) noexcept {
        if (!rest_) return false;
        if (rest_.remaining() == 0) return false;
        text = as_text(rest_.short_bytes());
        return static_cast<bool>(rest_);
    }

private:
    byte_reader rest_{byte_view{}};
};

/// One record, read in place. Its data was checked against the layout of its type, if this is one of `dns_type`, of the
/// class IN; the accessors of other types and classes give nothing.
class dns_record {
public:
    dns_name_view name;
    dns_section section = dns_section::answer;
    dns_type type{};
    std::uint16_t class_bits = dns_class_in;
    std::uint32_t time_to_live = 0; ///< seconds, as it stands there: the reader clamps

    [[nodiscard]] constexpr std::uint16_t record_class() const noexcept {
        return class_bits & static_cast<std::uint16_t>(~dns_class_top_bit);
    }
    /// Multicast DNS: the records of this name and type that were known before are no longer true.
    [[nodiscard]] constexpr bool flushes_cache() const noexcept { return (class_bits & dns_class_top_bit) != 0; }
    /// As it stands in the message; names in it may be compressed and mean nothing elsewhere.
    [[nodiscard]] byte_view data() const noexcept { return message_.subspan(data_at_, data_size_); }

    /// Of A and AAAA; none for others. An IPv4-mapped AAAA is the IPv4 address.
    [[nodiscard]] ip_address address() const noexcept {
        return is(dns_type::a) || is(dns_type::aaaa) ? ip_address::from_bytes(data()) : ip_address{};
    }
    /// What PTR, CNAME and NS point to.
    [[nodiscard]] std::optional<dns_name_view> target() const noexcept {
        if (!is(dns_type::ptr) && !is(dns_type::cname) && !is(dns_type::ns)) return std::nullopt;
        return *dns_name_view::parse(message_, data_at_);
    }
    [[nodiscard]] std::optional<dns_service> service() const noexcept {
        if (!is(dns_type::srv)) return std::nullopt;
        byte_reader in{data()};
        dns_service made;
        made.priority = in.u16();
        made.weight = in.u16();
        made.port = in.u16();
        made.target = *dns_name_view::parse(message_, data_at_ + 6);
        return made;
    }
    /// Strings of TXT.
    [[nodiscard]] dns_string_reader strings() const noexcept {
        return is(dns_type::txt) ? dns_string_reader{data()} : dns_string_reader{};
    }
    /// True for an NSEC record (RFC 4034, 4.1) that says that there is a record of this type.
    [[nodiscard]] bool asserts(dns_type wanted) const noexcept {
        if (!is(dns_type::nsec)) return false;
        auto const number = static_cast<std::uint16_t>(wanted);
        byte_reader in{data().subspan(dns_name_view::parse(message_, data_at_)->stored_size())};
        while (in.remaining() != 0) {
            unsigned const window = in.u8();
            byte_view const bits = in.short_bytes();
            std::size_t const octet = (number & 0xffU) / 8U;
            if (window == number >> 8U && octet < bits.size()) {
                return (std::to_integer<unsigned>(bits[octet]) & (0x80U >> (number % 8U))) != 0;
            }
        }
        return false;
    }
    /// The name an NSEC record gives as the next one; in multicast DNS its own.
    [[nodiscard]] std::optional<dns_name_view> next_name() const noexcept {
        if (!is(dns_type::nsec)) return std::nullopt;
        return *dns_name_view::parse(message_, data_at_);
    }
    /// The windows of types in an NSEC record as they stand there.
    [[nodiscard]] byte_view type_bitmaps() const noexcept {
        auto const next = next_name();
        return next ? data().subspan(next->stored_size()) : byte_view{};
    }

private:
    friend class dns_message_view;

    [[nodiscard]] bool is(dns_type one) const noexcept { return type == one && record_class() == dns_class_in; }

    /// The name that stands in the data, `from` octets behind its begin; it must end where the data ends, unless `more`
    /// may follow.
    [[nodiscard]] result<std::size_t> check_name(std::size_t from, bool more) const noexcept {
        auto const found = dns_name_view::parse(message_.first(data_at_ + data_size_), data_at_ + from);
        if (!found) return fail(found.error().at(found.error().position(), "record data"));
        std::size_t const end = from + found->stored_size();
        if (!more && end != data_size_) return fail(wire_error::bad_rdata, data_at_ + end, "record data");
        return end;
    }
    [[nodiscard]] result<void> check_data() const noexcept {
        auto const bad = [this](std::size_t at) { return fail(wire_error::bad_rdata, data_at_ + at, "record data"); };
        if (record_class() != dns_class_in) return {};
        switch (type) {
        case dns_type::a: return data_size_ == 4 ? result<void>{} : bad(0);
        case dns_type::aaaa: return data_size_ == 16 ? result<void>{} : bad(0);
        case dns_type::ns:
        case dns_type::cname:
        case dns_type::ptr:
            if (auto const name_end = check_name(0, false); !name_end) return fail(name_end.error());
            return {};
        case dns_type::srv:
            if (data_size_ < 6) return bad(0);
            if (auto const name_end = check_name(6, false); !name_end) return fail(name_end.error());
            return {};
        case dns_type::txt: {
            byte_reader in{data()};
            while (in && in.remaining() != 0) (void)in.short_bytes();
            return in ? result<void>{} : bad(in.position());
        }
        case dns_type::nsec: {
            auto const name_end = check_name(0, true);
            if (!name_end) return fail(name_end.error());
            byte_reader in{data().subspan(*name_end)};
            for (int last = -1; in && in.remaining() != 0;) {
                int const window = in.u8();
                byte_view const bits = in.short_bytes();
                if (window <= last || bits.empty() || bits.size() > 32) return bad(*name_end + in.position());
                last = window;
            }
            return in ? result<void>{} : bad(*name_end + in.position());
        }
        case dns_type::any: break;
        }
        return {};
    }

    byte_view message_;
    std::size_t data_at_ = 0;
    std::size_t data_size_ = 0;
};

/// A message whose every name, length and count was checked. Valid while the bytes are.
///
/// @code
/// auto const message = wire::dns_message_view::parse(packet);
/// if (!message) return count(message.error());
/// auto records = message->records();
/// for (wire::dns_record r; records.next(r);) {
///     if (auto const there = r.service()) use(r.name, there->target, there->port);
/// }
/// @endcode
class dns_message_view {
public:
    /// Gives the questions in order.
    class question_reader {
    public:
        [[nodiscard]] bool next(dns_question& one) noexcept {
            if (left_ == 0) return false;
            --left_;
            return read_question(bytes_, at_, one).has_value();
        }

    private:
        friend class dns_message_view;
        question_reader(byte_view bytes, std::size_t left) noexcept : bytes_{bytes}, left_{left} {}
        byte_view bytes_;
        std::size_t at_ = dns_header_size;
        std::size_t left_;
    };
    /// Gives the records of all sections in order.
    class record_reader {
    public:
        [[nodiscard]] bool next(dns_record& one) noexcept {
            while (section_ < counts_.size() && counts_[section_] == 0) ++section_;
            if (section_ == counts_.size()) return false;
            --counts_[section_];
            return read_record(bytes_, at_, static_cast<dns_section>(section_), one).has_value();
        }

    private:
        friend class dns_message_view;
        record_reader(byte_view bytes, std::size_t at, std::array<std::uint16_t, 3> counts) noexcept
            : bytes_{bytes}, at_{at}, counts_{counts} {}
        byte_view bytes_;
        std::size_t at_;
        std::array<std::uint16_t, 3> counts_;
        std::size_t section_ = 0;
    };

    /// Checks a whole message. The time it takes is bounded by its size: a count is only as good as the bytes behind
    /// it.
    /// @par Errors `truncated`, `trailing_bytes`, `frame_too_large`, and those of names and record data: `bad_pointer`,
    /// `bad_label`, `name_too_long`, `bad_rdata`
    [[nodiscard]] static result<dns_message_view> parse(byte_view bytes) noexcept {
        if (bytes.size() > dns_message_limit) return fail(wire_error::frame_too_large, bytes.size(), "message");
        byte_reader in{bytes};
        dns_message_view made;
        made.bytes_ = bytes;
        made.header_.id = in.u16();
        made.header_.flags = in.u16();
        made.questions_ = in.u16();
        for (std::uint16_t& count : made.counts_) count = in.u16();
        if (!in) return fail(wire_error::truncated, in.position(), "header");
        std::size_t at = in.position();
        dns_question question;
        for (unsigned i = 0; i < made.questions_; ++i) {
            if (auto const read = read_question(bytes, at, question); !read) return fail(read.error());
        }
        made.records_at_ = at;
        for (std::size_t section = 0; section < made.counts_.size(); ++section) {
            for (unsigned i = 0; i < made.counts_[section]; ++i) {
                dns_record record;
                auto const read = read_record(bytes, at, static_cast<dns_section>(section), record);
                if (!read) return fail(read.error());
                if (auto const fits = record.check_data(); !fits) return fail(fits.error());
            }
        }
        if (at != bytes.size()) return fail(wire_error::trailing_bytes, at, "message");
        return made;
    }

    [[nodiscard]] dns_header const& header() const noexcept { return header_; }
    [[nodiscard]] std::size_t question_count() const noexcept { return questions_; }
    [[nodiscard]] std::size_t count(dns_section section) const noexcept {
        return counts_[static_cast<std::size_t>(section)];
    }
    [[nodiscard]] question_reader questions() const noexcept { return {bytes_, questions_}; }
    [[nodiscard]] record_reader records() const noexcept { return {bytes_, records_at_, counts_}; }
    [[nodiscard]] byte_view bytes() const noexcept { return bytes_; }

private:
    dns_message_view() noexcept = default;

    [[nodiscard]] static result<void> read_question(byte_view bytes, std::size_t& at, dns_question& one) noexcept {
        auto const name = dns_name_view::parse(bytes, at);
        if (!name) return fail(name.error());
        at += name->stored_size();
        byte_reader in{bytes.subspan(at)};
        one.name = *name;
        one.type = static_cast<dns_type>(in.u16());
        one.class_bits = in.u16();
        if (!in) return fail(wire_error::truncated, at + in.position(), "question");
        at += in.position();
        return {};
    }
    [[nodiscard]] static result<void> read_record(byte_view bytes, std::size_t& at, dns_section section,
                                                  dns_record& one) noexcept {
        auto const name = dns_name_view::parse(bytes, at);
        if (!name) return fail(name.error());
        at += name->stored_size();
        byte_reader in{bytes.subspan(at)};
        one.name = *name;
        one.section = section;
        one.type = static_cast<dns_type>(in.u16());
        one.class_bits = in.u16();
        one.time_to_live = in.u32();
        one.data_size_ = in.u16();
        one.data_at_ = at + in.position();
        one.message_ = bytes;
        (void)in.bytes(one.data_size_);
        if (!in) return fail(wire_error::truncated, at + in.position(), "record");
        at += in.position();
        return {};
    }

    byte_view bytes_;
    dns_header header_;
    std::size_t questions_ = 0;
    std::array<std::uint16_t, 3> counts_{};
    std::size_t records_at_ = dns_header_size;
};

} // namespace wire
PEERKIT_END_NAMESPACE

#endif
