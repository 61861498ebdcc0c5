// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The records by which one node is published over multicast DNS: their names, how they are written and recognised.
#ifndef PEERKIT_DISCOVERY_MDNS_RECORDS_HPP
#define PEERKIT_DISCOVERY_MDNS_RECORDS_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/mdns_protocol.hpp>
#include <peerkit/wire/dns_message.hpp>
#include <peerkit/wire/dns_name.hpp>
#include <peerkit/wire/dns_writer.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// What a host publishes of itself.
struct mdns_publication {
    std::string service{mdns_default_service};
    std::string instance{};          ///< a label of 1 to 63 octets of UTF-8; empty: a random one for each start
    std::string host{};              ///< a label: published as "<host>.local"; empty: like a random instance
    std::uint16_t port = 0;          ///< of the service
    std::vector<std::string> text{}; ///< "key=value" or "key", each at most 255 octets (RFC 6763, 6)
};

/// The sets of records of one publication; each is sent and asked for as a whole. A bit mask names several.
enum class mdns_record_set : std::uint8_t {
    pointer = 0,      ///< PTR of the service to the instance; shared with other nodes
    catalogue = 1,    ///< PTR of "_services._dns-sd._udp.local" to the service; shared
    service = 2,      ///< SRV of the instance
    text = 3,         ///< TXT of the instance
    v4 = 4,           ///< A of the host
    v6 = 5,           ///< AAAA of the host
    only_service = 6, ///< NSEC of the instance: nothing but SRV and TXT
    only_host = 7,    ///< NSEC of the host: nothing but A or AAAA, as there are
};
inline constexpr std::size_t mdns_record_sets = 8;
using mdns_record_mask = std::uint8_t;

[[nodiscard]] constexpr mdns_record_mask mask_of(mdns_record_set one) noexcept {
    return static_cast<mdns_record_mask>(1U << static_cast<unsigned>(one));
}
[[nodiscard]] constexpr bool contains(mdns_record_mask mask, mdns_record_set one) noexcept {
    return (mask & mask_of(one)) != 0;
}

/// Names and data of one publication under one pair of labels. Addresses differ from link to link and are passed in.
class mdns_records {
public:
    static constexpr std::size_t max_addresses = 4; ///< of each family on one link

    static constexpr mdns_record_mask shared = mask_of(mdns_record_set::pointer) | mask_of(mdns_record_set::catalogue);
    static constexpr mdns_record_mask address_sets = mask_of(mdns_record_set::v4) | mask_of(mdns_record_set::v6);
    static constexpr mdns_record_mask instance_sets =
        mask_of(mdns_record_set::service) | mask_of(mdns_record_set::text);
    static constexpr mdns_record_mask unique = instance_sets | address_sets;

    /// @par Errors `bad_option` (field "service", "instance", "host", "port", or "text" with the index of the string);
    /// `too_large` with the octets it would take: everything has to fit into one packet
    [[nodiscard]] static result<mdns_records> make(mdns_publication const& from, std::string_view instance,
                                                   std::string_view host) {
        mdns_records made;
        auto const service = mdns_service_name(from.service);
        if (!service) return fail(service.error());
        made.service_ = *service;
        made.catalogue_ = *wire::dns_name::parse("_services._dns-sd._udp.local");
        if (from.port == 0) return fail(discovery_error::bad_option, 0, "port");
        made.port_ = from.port;
        if (auto const done = made.set_text(from.text); !done) return fail(done.error());
        if (auto const done = made.name_as(instance, host); !done) return fail(done.error());
        return made;
    }

    /// Another text. On error nothing has changed. @par Errors as `make`
    [[nodiscard]] result<void> set_text(std::span<std::string const> text) {
        std::string encoded;
        for (std::size_t i = 0; i < text.size(); ++i) {
            std::string const& one = text[i];
            if (one.empty() || one.size() > 255 || one.front() == '=') {
                return fail(discovery_error::bad_option, i, "text");
            }
            encoded.push_back(static_cast<char>(one.size()));
            encoded.append(one);
            if (encoded.size() > mdns_send_limit) return fail(discovery_error::too_large, encoded.size(), "text");
        }
        if (text.empty()) encoded.push_back('\0');
        // Room for a longer name after a conflict.
        mdns_records largest = *this;
        largest.text_ = encoded;
        std::string const longest(wire::dns_label_limit, 'x'), other(wire::dns_label_limit, 'y');
        if (auto const done = largest.name_as(longest, other); !done) return done;
        if (auto const fits = largest.check_size(); !fits) return fits;
        text_ = std::move(encoded);
        return {};
    }
    /// Other labels, after a conflict. @par Errors `bad_option`
    [[nodiscard]] result<void> name_as(std::string_view instance, std::string_view host) {
        auto const one = wire::dns_name::join(instance, service_);
        if (!one) return fail(discovery_error::bad_option, instance.size(), "instance");
        auto const other = wire::dns_name::join(host, *wire::dns_name::parse("local"));
        if (!other) return fail(discovery_error::bad_option, host.size(), "host");
        instance_ = *one;
        host_ = *other;
        return {};
    }

    [[nodiscard]] wire::dns_name const& service() const noexcept { return service_; }
    [[nodiscard]] wire::dns_name const& instance() const noexcept { return instance_; }
    [[nodiscard]] wire::dns_name const& host() const noexcept { return host_; }

    /// Seconds for which a set may be kept (RFC 6762, 10): short where a host name is involved.
    [[nodiscard]] static constexpr std::uint32_t time_to_live(mdns_record_set set) noexcept {
        switch (set) {
        case mdns_record_set::pointer:
        case mdns_record_set::catalogue:
        case mdns_record_set::text: return 4500;
        default: return 120;
        }
    }
    /// The sets there are with these addresses, without the NSEC ones.
    [[nodiscard]] static mdns_record_mask all(std::span<ip_address const> addresses) noexcept {
        auto mask =
            static_cast<mdns_record_mask>(shared | mask_of(mdns_record_set::service) | mask_of(mdns_record_set::text));
        for (ip_address const& a : addresses) mask |= mask_of(set_of(a));
        return mask;
    }
    /// The sets that answer a question; empty if it is not about us.
    [[nodiscard]] mdns_record_mask answer(wire::dns_question const& q,
                                          std::span<ip_address const> addresses) const noexcept {
        using wire::dns_type;
        if (q.record_class() != wire::dns_class_in && q.record_class() != wire::dns_class_any) return 0;
        bool const any = q.type == dns_type::any;
        if (q.name == service_)
            return any || q.type == dns_type::ptr ? mask_of(mdns_record_set::pointer) : mdns_record_mask{0};
        if (q.name == catalogue_) {
            return any || q.type == dns_type::ptr ? mask_of(mdns_record_set::catalogue) : mdns_record_mask{0};
        }
        mdns_record_mask wanted = 0;
        if (q.name == instance_) {
            if (any || q.type == dns_type::srv) wanted |= mask_of(mdns_record_set::service);
            if (any || q.type == dns_type::txt) wanted |= mask_of(mdns_record_set::text);
            return wanted != 0 ? wanted : mask_of(mdns_record_set::only_service);
        }
        if (q.name == host_) {
            if (any || q.type == dns_type::a) wanted |= mask_of(mdns_record_set::v4);
            if (any || q.type == dns_type::aaaa) wanted |= mask_of(mdns_record_set::v6);
            wanted &= all(addresses);
            return wanted != 0 ? wanted : mask_of(mdns_record_set::only_host);
        }
        return 0;
    }
    /// What is worth telling beside `answers` (RFC 6763, 12).
    [[nodiscard]] static mdns_record_mask additional(mdns_record_mask answers,
                                                     std::span<ip_address const> addresses) noexcept {
        mdns_record_mask more = 0;
        if (contains(answers, mdns_record_set::pointer)) {
            more |= instance_sets;
        }
        mdns_record_mask const leads_to_host = mask_of(mdns_record_set::service) | address_sets;
        if (((answers | more) & leads_to_host) != 0) {
            auto const there = static_cast<mdns_record_mask>(all(addresses) & address_sets);
            more |= there;
            if (there != address_sets) more |= mask_of(mdns_record_set::only_host);
        }
        return static_cast<mdns_record_mask>(more & ~answers);
    }

    /// True if the record is one of ours: its name, type and data. Of addresses: those given.
    [[nodiscard]] bool is_ours(wire::dns_record const& r, std::span<ip_address const> addresses,
                               mdns_record_set& set) const noexcept {
        using wire::dns_type;
        auto const is = [&set](mdns_record_set one, bool holds) {
            if (holds) set = one;
            return holds;
        };
        switch (r.type) {
        case dns_type::ptr: {
            auto const target = r.target();
            return target && (is(mdns_record_set::pointer, r.name == service_ && *target == instance_) ||
                              is(mdns_record_set::catalogue, r.name == catalogue_ && *target == service_));
        }
        case dns_type::srv: {
            auto const s = r.service();
            return is(mdns_record_set::service, s && r.name == instance_ && s->port == port_ && s->priority == 0 &&
                                                    s->weight == 0 && s->target == host_);
        }
        case dns_type::txt:
            return is(mdns_record_set::text,
                      r.record_class() == wire::dns_class_in && r.name == instance_ && as_text(r.data()) == text_);
        case dns_type::a:
        case dns_type::aaaa: {
            ip_address const a = r.address();
            return is(set_of(a),
                      a && r.name == host_ && std::find(addresses.begin(), addresses.end(), a) != addresses.end());
        }
        default: return false;
        }
    }

    /// How records are written: as a responder does, with another time to live, or for askers that know only
    /// unicast DNS (RFC 6762, 6.7).
    enum class style : std::uint8_t { normal, goodbye, legacy, probe };

    /// Writes the sets of a mask into a section, each whole or not at all.
    /// @returns the sets that did not fit
    [[nodiscard]] mdns_record_mask write(wire::dns_writer& out, mdns_record_mask sets, wire::dns_section section,
                                         std::span<ip_address const> addresses, style how) const noexcept {
        mdns_record_mask refused = 0;
        for (std::size_t i = 0; i < mdns_record_sets; ++i) {
            auto const set = static_cast<mdns_record_set>(i);
            if (contains(sets, set) && !write_one(out, set, section, addresses, how)) refused |= mask_of(set);
        }
        return refused;
    }

    /// The unique records of one of our two names in the order in which simultaneous probes are compared: class, type
    /// and data (RFC 6762, 8.2).
    [[nodiscard]] std::vector<std::string> ordered(wire::dns_name const& name,
                                                   std::span<ip_address const> addresses) const {
        std::vector<std::string> records;
        if (name == instance_) {
            std::array<std::byte, 6> fixed{};
            store_big(fixed.data() + 4, port_);
            records.push_back(comparable(wire::dns_type::srv, {as_text(fixed), as_text(host_.bytes())}));
            records.push_back(comparable(wire::dns_type::txt, {text_, {}}));
        } else {
            for (ip_address const& a : addresses) {
                records.push_back(
                    comparable(set_of(a) == mdns_record_set::v4 ? wire::dns_type::a : wire::dns_type::aaaa,
                               {as_text(a.bytes()), {}}));
            }
        }
        std::sort(records.begin(), records.end());
        return records;
    }
    /// The same of a record of somebody else.
    [[nodiscard]] static std::string comparable(wire::dns_record const& r) {
        if (auto const s = r.service()) {
            return comparable(r.type, {as_text(r.data().first(6)), as_text(wire::dns_name{s->target}.bytes())});
        }
        if (auto const target = r.target()) return comparable(r.type, {as_text(wire::dns_name{*target}.bytes()), {}});
        return comparable(r.type, {as_text(r.data()), {}});
    }

    [[nodiscard]] static constexpr mdns_record_set set_of(ip_address const& a) noexcept {
        return a.family() == ip_family::v4 ? mdns_record_set::v4 : mdns_record_set::v6;
    }

private:
    mdns_records() = default;

    [[nodiscard]] static std::string comparable(wire::dns_type type,
                                                std::pair<std::string_view, std::string_view> data) {
        std::array<std::byte, 4> head{};
        store_big(head.data(), wire::dns_class_in);
        store_big(head.data() + 2, static_cast<std::uint16_t>(type));
        return std::string{as_text(head)}.append(data.first).append(data.second);
    }

    /// The largest message there is: everything, uncompressed where the old rules want it.
    [[nodiscard]] result<void> check_size() const {
        std::vector<ip_address> addresses;
        for (std::size_t i = 0; i < max_addresses; ++i) {
            addresses.push_back(mdns_group_v4);
            addresses.push_back(mdns_group_v6);
        }
        std::vector<std::byte> room(4 * mdns_send_limit);
        wire::dns_writer out{room, {}, wire::dns_srv_targets::whole};
        bool const asked = out.question(service_, wire::dns_type::ptr).has_value();
        if (asked && write(out, all(addresses), wire::dns_section::answer, addresses, style::normal) == 0 &&
            out.written().size() <= mdns_send_limit) {
            return {};
        }
        return fail(discovery_error::too_large, out.written().size(), "text");
    }

    [[nodiscard]] bool write_one(wire::dns_writer& out, mdns_record_set set, wire::dns_section section,
                                 std::span<ip_address const> addresses, style how) const noexcept {
        using wire::dns_type;
        std::uint32_t ttl = time_to_live(set);
        if (how == style::goodbye) ttl = 0;
        if (how == style::legacy) ttl = std::min<std::uint32_t>(ttl, 10);
        bool const flush = (shared & mask_of(set)) == 0 && how != style::legacy && how != style::probe;
        auto const bits = static_cast<std::uint16_t>(wire::dns_class_in | (flush ? wire::dns_class_top_bit : 0));
        auto const head = [&](wire::dns_name const& name) { return wire::dns_record_head{name, ttl, section, bits}; };
        switch (set) {
        case mdns_record_set::pointer: return out.pointer(head(service_), dns_type::ptr, instance_).has_value();
        case mdns_record_set::catalogue: return out.pointer(head(catalogue_), dns_type::ptr, service_).has_value();
        case mdns_record_set::service: return out.service(head(instance_), {0, 0, port_, host_}).has_value();
        case mdns_record_set::text: return out.raw(head(instance_), dns_type::txt, as_bytes(text_)).has_value();
        case mdns_record_set::only_service: {
            std::array const types{dns_type::txt, dns_type::srv};
            return out.only_types(head(instance_), types).has_value();
        }
        case mdns_record_set::only_host: {
            std::array<dns_type, 2> types{};
            std::size_t count = 0;
            mdns_record_mask const there = all(addresses);
            if (contains(there, mdns_record_set::v4)) types[count++] = dns_type::a;
            if (contains(there, mdns_record_set::v6)) types[count++] = dns_type::aaaa;
            return out.only_types(head(host_), std::span{types}.first(count)).has_value();
        }
        case mdns_record_set::v4:
        case mdns_record_set::v6: break;
        }
        bool whole = true;
        for (ip_address const& a : addresses) {
            if (set_of(a) == set) whole = out.address(head(host_), a).has_value() && whole;
        }
        return whole;
    }

    wire::dns_name service_;
    wire::dns_name catalogue_;
    wire::dns_name instance_;
    wire::dns_name host_;
    std::uint16_t port_ = 0;
    std::string text_; ///< as on the wire
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
