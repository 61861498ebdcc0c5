// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes reading a name server's reply: what is kept stands in the reply under the right name, and aliases end.
#include <peerkit/discovery/dns_answer.hpp>

#include <peerkit/core/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace peerkit;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

[[nodiscard]] std::size_t size_of(discovery::resolved const& into) { return into.addresses.size(); }
[[nodiscard]] std::size_t size_of(discovery::service_records const& into) { return into.records.size(); }
[[nodiscard]] std::size_t size_of(discovery::text_records const& into) { return into.strings.size(); }
[[nodiscard]] std::size_t size_of(discovery::named const& into) { return into.host.size(); }

/// Times to live are never below zero and never above what 31 bits of seconds can say.
[[nodiscard]] bool sane(duration ttl) { return ttl >= duration::zero() && ttl <= std::chrono::seconds{0x7fffffff}; }

void check(discovery::resolved const& into, wire::dns_message_view const& reply, wire::dns_name const& owner) {
    require(into.time_to_live && sane(*into.time_to_live));
    std::vector<ip_address> once = into.addresses;
    std::sort(once.begin(), once.end());
    require(std::adjacent_find(once.begin(), once.end()) == once.end());
    for (ip_address const& address : into.addresses) {
        bool stands = false;
        auto records = reply.records();
        for (wire::dns_record one; records.next(one);) {
            stands =
                stands || (one.section == wire::dns_section::answer && one.name == owner && one.address() == address);
        }
        require(stands);
    }
}
void check(discovery::service_records const& into, wire::dns_message_view const&, wire::dns_name const&) {
    for (auto const& one : into.records) require(sane(one.time_to_live) && one.target != ".");
}
void check(discovery::text_records const& into, wire::dns_message_view const& reply, wire::dns_name const&) {
    require(sane(into.time_to_live));
    std::size_t octets = 0;
    for (auto const& one : into.strings) octets += one.size() + 1;
    require(octets <= reply.bytes().size());
}
void check(discovery::named const& into, wire::dns_message_view const&, wire::dns_name const&) {
    require(into.host != "." && into.host.size() <= 4 * wire::dns_name_limit);
}

template <typename Outcome>
void read(byte_view bytes, discovery::dns_asking const& question) {
    discovery::dns_asking asked = question;
    Outcome into;
    auto const done = discovery::read_dns_reply(bytes, asked, into);
    require(asked.aliases <= discovery::dns_alias_limit + 1);
    if (!done) {
        require(size_of(into) == 0);
        require(done.error() == discovery::discovery_error::unresolved ||
                done.error() == discovery::discovery_error::server_failed ||
                done.error() == discovery::discovery_error::bad_reply);
        return;
    }
    auto const reply = wire::dns_message_view::parse(bytes);
    require(reply.has_value());
    require((asked.name == question.name) || asked.aliases != question.aliases);
    if (*done) {
        require(size_of(into) != 0);
        check(into, *reply, asked.name);
    } else {
        require(size_of(into) == 0 && asked.aliases > question.aliases && asked.aliases <= discovery::dns_alias_limit);
    }
    // Read again from the same state it says the same.
    discovery::dns_asking again = question;
    Outcome same;
    require(discovery::read_dns_reply(bytes, again, same) == done && size_of(same) == size_of(into));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size < 1) return 0;
    auto const* const bytes = reinterpret_cast<std::byte const*>(data + 1);
    std::vector<std::byte> reply{bytes, bytes + size - 1};
    discovery::dns_asking asked;
    // Mostly it is a reply to what was asked, without an error.
    if ((data[0] & 0x10U) == 0 && reply.size() > 3) {
        reply[2] |= std::byte{0x80};
        reply[3] &= std::byte{0xf0};
    }
    if (auto const message = wire::dns_message_view::parse(reply)) {
        wire::dns_question question;
        if (auto questions = message->questions(); questions.next(question)) {
            asked.name = wire::dns_name{question.name};
            asked.type = question.type;
        }
    }
    asked.aliases = (data[0] & 0x20U) != 0 ? discovery::dns_alias_limit - 1 : 0;
    switch (data[0] & 3U) {
    case 0: read<discovery::resolved>(reply, asked); break;
    case 1: read<discovery::service_records>(reply, asked); break;
    case 2: read<discovery::text_records>(reply, asked); break;
    default: read<discovery::named>(reply, asked);
    }
    return 0;
}
