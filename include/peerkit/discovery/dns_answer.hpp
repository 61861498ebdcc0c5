// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the reply of a name server says about the question it was asked; for resolvers that speak DNS themselves.
#ifndef PEERKIT_DISCOVERY_DNS_ANSWER_HPP
#define PEERKIT_DISCOVERY_DNS_ANSWER_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/wire/dns_message.hpp>
#include <peerkit/wire/dns_name.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// Aliases (CNAME) followed from one name, over all replies; then it is taken for a loop.
inline constexpr unsigned dns_alias_limit = 8;

/// One question on its way to an answer.
struct dns_asking {
    wire::dns_name name; ///< what to ask for now: the name wanted, or what its aliases have led to
    wire::dns_type type{};
    unsigned aliases = 0;                 ///< followed so far
    duration alias_ttl = duration::max(); ///< the shortest time to live among them
};

/// The time to live of a record. Values with the top bit count as zero (RFC 2181, 8).
[[nodiscard]] constexpr duration dns_ttl(std::uint32_t seconds) noexcept {
    return std::chrono::seconds{seconds > 0x7fffffffU ? 0U : seconds};
}

/// The name that a PTR record of an address belongs to: "7.2.0.192.in-addr.arpa" (RFC 1035, 3.5; RFC 3596, 2.5). The
/// root for no address.
[[nodiscard]] inline wire::dns_name reverse_name(ip_address const& of) {
    byte_view const bytes = of.bytes();
    std::string text;
    for (std::size_t i = bytes.size(); i-- != 0;) {
        auto const octet = std::to_integer<unsigned>(bytes[i]);
        if (of.family() == ip_family::v4) {
            text.append(std::to_string(octet)).push_back('.');
        } else {
            for (unsigned const half : {octet & 0xfU, octet >> 4U}) {
                text.push_back("0123456789abcdef"[half]);
                text.push_back('.');
            }
        }
    }
    if (text.empty()) return {};
    text.append(of.family() == ip_family::v4 ? "in-addr.arpa" : "ip6.arpa");
    return wire::dns_name::parse(text).value_or(wire::dns_name{});
}

namespace dns_detail {

inline bool keep(wire::dns_record const& record, duration, resolved& into) {
    ip_address const found = record.address();
    if (found) into.addresses.push_back(found);
    return static_cast<bool>(found);
}
inline bool keep(wire::dns_record const& record, duration ttl, service_records& into) {
    auto const is = record.service();
    if (!is) return false;
    into.records.push_back({.priority = is->priority,
                            .weight = is->weight,
                            .port = is->port,
                            .target = is->target.is_root() ? std::string{} : is->target.to_string(),
                            .time_to_live = ttl});
    return true;
}
inline bool keep(wire::dns_record const& record, duration ttl, text_records& into) {
    wire::dns_string_reader strings = record.strings();
    into.time_to_live = into.strings.empty() ? ttl : std::min(into.time_to_live, ttl);
    bool any = false;
    for (std::string_view one; strings.next(one); any = true) into.strings.emplace_back(one);
    return any;
}
inline bool keep(wire::dns_record const& record, duration, named& into) {
    auto const target = record.target();
    if (!target || target->is_root()) return false;
    if (into.host.empty()) into.host = target->to_string();
    return true;
}

/// Only addresses say so for the whole answer.
inline void note_ttl(duration shortest, resolved& into) {
    into.time_to_live = into.time_to_live ? std::min(*into.time_to_live, shortest) : shortest;
}
template <typename Outcome>
void note_ttl(duration, Outcome&) noexcept {}

/// Each address once, in the order they came: also from a server that repeats itself four thousand times.
inline void tidy(resolved& into) {
    std::vector<ip_address> once = into.addresses;
    std::sort(once.begin(), once.end());
    once.erase(std::unique(once.begin(), once.end()), once.end());
    if (once.size() == into.addresses.size()) return;
    std::vector<char> seen(once.size(), 0);
    std::erase_if(into.addresses, [&](ip_address const& one) {
        auto const at = static_cast<std::size_t>(std::lower_bound(once.begin(), once.end(), one) - once.begin());
        return std::exchange(seen[at], char{1}) != 0;
    });
}
template <typename Outcome>
void tidy(Outcome&) noexcept {}

/// The name of the last alias, if the reply holds aliases of `asked`.
[[nodiscard]] inline result<void> follow_aliases(wire::dns_message_view const& reply, dns_asking& asked) noexcept {
    for (;;) {
        std::optional<wire::dns_record> alias;
        auto records = reply.records();
        for (wire::dns_record one; !alias && records.next(one);) {
            if (one.section == wire::dns_section::answer && one.type == wire::dns_type::cname && one.target() &&
                one.name == asked.name) {
                alias = one;
            }
        }
        if (!alias) return {};
        if (++asked.aliases > dns_alias_limit) return fail(discovery_error::bad_reply, asked.aliases, "alias");
        asked.alias_ttl = std::min(asked.alias_ttl, dns_ttl(alias->time_to_live));
        asked.name = wire::dns_name{*alias->target()};
    }
}

} // namespace dns_detail

/// Reads the reply to a question of class IN and adds what it says to `into`: A and AAAA to `resolved`, SRV to
/// `service_records`, TXT to `text_records`, PTR to `named` (the first). Only records of the answer section whose owner
/// is the name asked for, or what its aliases lead to, are believed. The size of a reply, 64 KiB, bounds the outcome.
///
/// Gives true if the question is answered. False: the reply ends with an alias of which it says no more; ask again for
/// what `asked.name` is now. Time: at most `dns_alias_limit` passes over the reply.
/// @code
/// dns_asking asked{.name = name, .type = wire::dns_type::aaaa};
/// auto const done = read_dns_reply(bytes, asked, into);
/// @endcode
/// @par Errors `unresolved` (NXDOMAIN: position 3; no such record: position 0), `server_failed` (position: the response
/// code), `bad_reply` (malformed: position is the offset; no reply, or to another question; an alias loop)
template <typename Outcome>
[[nodiscard]] result<bool> read_dns_reply(byte_view bytes, dns_asking& asked, Outcome& into) {
    auto const reply = wire::dns_message_view::parse(bytes);
    if (!reply) return fail(discovery_error::bad_reply, reply.error().position(), "name server's reply");
    wire::dns_question question;
    auto questions = reply->questions();
    if (!reply->header().is_response() || reply->question_count() != 1 || !questions.next(question) ||
        question.type != asked.type || question.class_bits != wire::dns_class_in || !(question.name == asked.name)) {
        return fail(discovery_error::bad_reply, 0, "question of the reply");
    }
    unsigned const code = reply->header().code();
    if (code == 3) return fail(discovery_error::unresolved, code, "name");
    if (code != 0) return fail(discovery_error::server_failed, code, "name server");

    unsigned const aliases = asked.aliases;
    if (auto const led = dns_detail::follow_aliases(*reply, asked); !led) return fail(led.error());
    std::size_t kept = 0;
    duration shortest = asked.alias_ttl;
    auto records = reply->records();
    for (wire::dns_record one; records.next(one);) {
        if (one.section != wire::dns_section::answer || one.type != asked.type || !(one.name == asked.name)) continue;
        duration const ttl = std::min(asked.alias_ttl, dns_ttl(one.time_to_live));
        if (!dns_detail::keep(one, ttl, into)) continue;
        shortest = std::min(shortest, ttl);
        ++kept;
    }
    if (kept == 0) {
        if (asked.aliases != aliases) return false;
        return fail(discovery_error::unresolved, 0, "record");
    }
    dns_detail::note_ttl(shortest, into);
    dns_detail::tidy(into);
    return true;
}

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
