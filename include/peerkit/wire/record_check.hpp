// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The layout of the announcement record and the one validator that reader and writer share.
#ifndef PEERKIT_WIRE_RECORD_CHECK_HPP
#define PEERKIT_WIRE_RECORD_CHECK_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/wire/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace wire {

/// Offsets and sizes of the announcement record (docs/wire.md).
struct record_layout {
    static constexpr std::uint8_t format_version = 1;

    static constexpr std::size_t format = 0;
    static constexpr std::size_t flags = 1;
    static constexpr unsigned left_bit = 1;
    static constexpr unsigned takes_compressed_bit = 2;
    static constexpr std::size_t id = 2;
    static constexpr std::size_t incarnation = 34;
    static constexpr std::size_t gossip_port = 42;
    static constexpr std::size_t api_port = 44;
    static constexpr std::size_t name = 46;

    static constexpr std::size_t signature_size = 64;
    /// A record with a name of one character and nothing else.
    static constexpr std::size_t min_size = name + 2 + 1 + 5 + signature_size;
};

namespace detail {

enum class text_rule : std::uint8_t { name, free };

/// Reads one text and checks it. Positions of errors are offsets in what `in` reads.
[[nodiscard]] inline result<std::string_view> read_text(byte_reader& in, text_rule rule, std::size_t limit,
                                                        char const* field) noexcept {
    std::size_t const start = in.position();
    std::string_view const text = as_text(in.short_bytes());
    if (!in) return fail(wire_error::truncated, in.position(), field);
    auto const ok = rule == text_rule::name ? check_name(text, limit, field) : check_text(text, limit, field);
    if (ok) return text;
    if (ok.error() == core_error::bad_character)
        return fail(wire_error::bad_text, start + 1 + ok.error().position(), field);
    return fail(wire_error::bad_length, start, field);
}

[[nodiscard]] inline result<std::size_t> read_count(byte_reader& in, std::size_t limit, char const* field) noexcept {
    std::size_t const start = in.position();
    std::size_t const count = in.u8();
    if (!in) return fail(wire_error::truncated, start, field);
    if (count > limit) return fail(wire_error::too_many, start, field);
    return count;
}

[[nodiscard]] inline result<void> check_addresses(byte_reader& in) noexcept {
    auto const count = read_count(in, limits::addresses, "addresses");
    if (!count) return fail(count.error());
    for (std::size_t i = 0; i < *count; ++i) {
        std::size_t const start = in.position();
        unsigned const family = in.u8() & 15U;
        if (!in) return fail(wire_error::truncated, start, "addresses");
        if (family != 4 && family != 6) return fail(wire_error::bad_address, start, "addresses");
        byte_view const bytes = in.bytes(family == 4 ? 4 : 16);
        (void)in.u16();
        if (!in) return fail(wire_error::truncated, in.position(), "addresses");
        if (ip_address::from_bytes(bytes).bytes().size() != bytes.size()) {
            return fail(wire_error::bad_address, start, "addresses");
        }
    }
    return {};
}

/// A list of names in ascending order; `rest` reads what follows each name.
template <typename Rest>
[[nodiscard]] result<void> check_named_list(byte_reader& in, std::size_t count_limit, std::size_t name_limit,
                                            char const* list, char const* name, Rest rest) noexcept {
    auto const count = read_count(in, count_limit, list);
    if (!count) return fail(count.error());
    std::string_view before;
    for (std::size_t i = 0; i < *count; ++i) {
        std::size_t const start = in.position();
        auto const now = read_text(in, text_rule::name, name_limit, name);
        if (!now) return fail(now.error());
        if (i != 0 && !(before < *now)) return fail(wire_error::not_canonical, start, list);
        before = *now;
        if (auto const ok = rest(in); !ok) return ok;
    }
    return {};
}

/// Everything `record_view::parse` promises, over the record without its signature.
[[nodiscard]] inline result<void> check_unsigned_record(byte_view bytes) noexcept {
    using layout = record_layout;
    byte_reader in{bytes};
    std::uint8_t const format = in.u8();
    std::uint8_t const flags = in.u8();
    byte_view const id = in.bytes(node_id::size);
    std::uint64_t const incarnation = in.u64();
    std::uint16_t const gossip_port = in.u16();
    (void)in.u16();
    if (!in) return fail(wire_error::truncated, in.position(), "record");
    if (format != layout::format_version) return fail(wire_error::bad_version, layout::format, "record format");
    if ((flags & ~(layout::left_bit | layout::takes_compressed_bit)) != 0)
        return fail(wire_error::bad_flags, layout::flags, "record flags");
    if (!node_id::from_bytes(id)) return fail(wire_error::no_node, layout::id, "id");
    if (incarnation == 0 || incarnation >= limits::incarnation) {
        return fail(wire_error::reserved_incarnation, layout::incarnation, "incarnation");
    }
    if (gossip_port == 0) return fail(wire_error::zero_port, layout::gossip_port, "gossip port");

    if (auto const ok = read_text(in, text_rule::name, limits::name, "name"); !ok) return fail(ok.error());
    if (auto const ok = read_text(in, text_rule::free, limits::version_text, "version"); !ok) return fail(ok.error());
    if (auto const ok = check_addresses(in); !ok) return ok;

    auto const nothing = [](byte_reader&) noexcept -> result<void> { return {}; };
    auto const value = [](byte_reader& from) noexcept -> result<void> {
        if (auto const ok = read_text(from, text_rule::free, limits::label_value, "label value"); !ok)
            return fail(ok.error());
        return {};
    };
    auto const about_service = [](byte_reader& from) noexcept -> result<void> {
        (void)from.u16();
        (void)from.u8(); // a health of later versions counts as unknown
        (void)from.u32();
        if (auto const ok = read_text(from, text_rule::free, limits::service_info, "service info"); !ok) {
            return fail(ok.error());
        }
        return {};
    };
    if (auto const ok = check_named_list(in, limits::roles, limits::role, "roles", "role", nothing); !ok) return ok;
    if (auto const ok =
            check_named_list(in, limits::capabilities, limits::capability, "capabilities", "capability", nothing);
        !ok) {
        return ok;
    }
    if (auto const ok = check_named_list(in, limits::labels, limits::label_key, "labels", "label key", value); !ok)
        return ok;
    if (auto const ok =
            check_named_list(in, limits::services, limits::service_name, "services", "service name", about_service);
        !ok) {
        return ok;
    }
    if (in.remaining() != 0) return fail(wire_error::trailing_bytes, in.position(), "record");
    return {};
}

/// Size of the record of `d` without its signature.
[[nodiscard]] inline result<std::size_t> measure_record(description const& d) noexcept {
    std::size_t size = record_layout::name + record_layout::signature_size;
    char const* crossed = nullptr;
    char const* over_long = nullptr;
    auto const add = [&](std::size_t bytes, char const* field) noexcept {
        size += bytes;
        if (crossed == nullptr && size > limits::record) crossed = field;
    };
    auto const add_text = [&](std::string_view text, char const* field) noexcept {
        add(1 + text.size(), field);
        if (over_long == nullptr && text.size() > 0xff) over_long = field;
    };
    auto const add_count = [&](std::size_t count, char const* field) noexcept {
        add(1, field);
        return count <= 0xff;
    };

    add_text(d.name, "name");
    add_text(d.version, "version");
    if (!add_count(d.addresses.size(), "addresses")) return fail(wire_error::too_many, d.addresses.size(), "addresses");
    for (typed_address const& a : d.addresses) {
        if (!a.address || static_cast<unsigned>(a.kind) > 15) return fail(wire_error::bad_address, 0, "addresses");
        add(1 + a.address.bytes().size() + 2, "addresses");
    }
    if (!add_count(d.roles.size(), "roles")) return fail(wire_error::too_many, d.roles.size(), "roles");
    for (std::string const& r : d.roles) add_text(r, "roles");
    if (!add_count(d.capabilities.size(), "capabilities"))
        return fail(wire_error::too_many, d.capabilities.size(), "capabilities");
    for (std::string const& c : d.capabilities) add_text(c, "capabilities");
    if (!add_count(d.labels.size(), "labels")) return fail(wire_error::too_many, d.labels.size(), "labels");
    for (label const& l : d.labels) {
        add_text(l.key, "labels");
        add_text(l.value, "labels");
    }
    if (!add_count(d.services.size(), "services")) return fail(wire_error::too_many, d.services.size(), "services");
    for (service const& s : d.services) {
        add_text(s.name, "services");
        add(2 + 1 + 4, "services");
        add_text(s.info, "services");
    }
    if (over_long != nullptr) return fail(wire_error::bad_length, 0, over_long);
    if (crossed != nullptr) return fail(wire_error::record_too_large, size, crossed);
    return size - record_layout::signature_size;
}

} // namespace detail
} // namespace wire
PEERKIT_END_NAMESPACE

#endif
