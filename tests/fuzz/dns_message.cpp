// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes the DNS codec: what it accepts is written again and read as the same, what is written is accepted.
#include <peerkit/wire/dns_message.hpp>
#include <peerkit/wire/dns_writer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace {

using namespace peerkit;
using namespace peerkit::wire;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

bool same_strings(dns_string_reader left, dns_string_reader right) {
    for (std::string_view a, b;;) {
        bool const more = left.next(a);
        if (more != right.next(b)) return false;
        if (!more) return true;
        if (a != b) return false;
    }
}
bool same_names(std::optional<dns_name_view> left, std::optional<dns_name_view> right) {
    return left.has_value() == right.has_value() && (!left || left->identical(*right));
}
bool same_data(dns_record const& left, dns_record const& right) {
    if (!same_names(left.target(), right.target()) || !same_names(left.next_name(), right.next_name())) return false;
    if (left.address() != right.address() || !same_strings(left.strings(), right.strings())) return false;
    if (!equal(left.type_bitmaps(), right.type_bitmaps())) return false;
    auto const l = left.service(), r = right.service();
    if (l.has_value() != r.has_value()) return false;
    if (l) {
        return l->priority == r->priority && l->weight == r->weight && l->port == r->port &&
               l->target.identical(r->target);
    }
    bool const has_names = left.target() || left.next_name();
    return has_names || equal(left.data(), right.data());
}
void check_name(dns_name_view name) {
    require(name.size() >= 1 && name.size() <= dns_name_limit && name.stored_size() <= name.size() + 1);
    dns_name const kept{name};
    require(kept.bytes().size() == name.size() && kept.view().identical(name) && kept == name);
    auto const again = dns_name::parse(name.to_string());
    require(again && again->view().identical(name));
}

/// Writes all of `from`; false where the names made whole need more than a message may have.
bool copy(dns_message_view const& from, dns_writer& out) {
    auto questions = from.questions();
    int checked = 0; // of many names the first will do
    for (dns_question q; questions.next(q);) {
        if (checked++ < 4) check_name(q.name);
        auto const done = out.question(q.name, q.type, q.class_bits);
        if (!done) {
            require(done.error() == wire_error::no_room && done.error().position() > dns_message_limit);
            return false;
        }
    }
    auto records = from.records();
    for (dns_record r; records.next(r);) {
        if (checked++ < 4) check_name(r.name);
        auto const done = out.copy(r);
        if (!done) {
            require(done.error() == wire_error::no_room && done.error().position() > dns_message_limit);
            return false;
        }
    }
    return true;
}

void round_trip(byte_view bytes) {
    auto const first = dns_message_view::parse(bytes);
    if (!first) {
        require(first.error().domain() == "wire" && first.error().position() <= bytes.size());
        require(!first.error().field().empty());
        return;
    }
    static std::vector<std::byte> room(dns_message_limit), more_room(dns_message_limit);
    dns_writer out{room, first->header()};
    if (!copy(*first, out)) return;
    auto const second = dns_message_view::parse(out.written());
    require(second && second->header() == first->header());
    require(second->question_count() == first->question_count());
    auto left_questions = first->questions(), right_questions = second->questions();
    std::size_t count = 0;
    for (dns_question l, r; left_questions.next(l); ++count) {
        require(right_questions.next(r));
        require(l.name.identical(r.name) && l.type == r.type && l.class_bits == r.class_bits);
    }
    auto left = first->records(), right = second->records();
    for (dns_record l, r; left.next(l); ++count) {
        require(right.next(r));
        require(l.name.identical(r.name) && l.type == r.type && l.class_bits == r.class_bits);
        require(l.time_to_live == r.time_to_live && l.section == r.section && same_data(l, r));
    }
    std::size_t stated = first->question_count();
    for (auto const s : {dns_section::answer, dns_section::authority, dns_section::additional})
        stated += first->count(s);
    require(count == stated && count == out.count());
    // Written once more it does not change any more.
    dns_writer again{more_room, second->header()};
    require(copy(*second, again));
    require(equal(again.written(), out.written()));
}

/// Bytes of the fuzzer as decisions; zeros when they are used up.
class decisions {
public:
    explicit decisions(byte_view bytes) : in_{bytes} {}
    bool more() const { return in_.remaining() != 0; }
    std::uint8_t octet() { return in_.remaining() == 0 ? std::uint8_t{0} : in_.u8(); }
    std::uint16_t number() { return static_cast<std::uint16_t>(octet() << 8U | octet()); }
    byte_view some(std::size_t most) { return in_.bytes(most < in_.remaining() ? most : in_.remaining()); }
    /// Few different labels, so that compression has something to find.
    dns_name name() {
        static constexpr std::array<std::string_view, 8> labels{
            "local", "_udp", "_peerkit", "node", "Node", "a.b\\c", "x", "a label with blanks in it"};
        dns_name made;
        for (unsigned count = octet() % 7U; count != 0; --count) {
            unsigned const which = octet();
            auto const label = which < 240 ? labels[which % labels.size()] : as_text(some(which - 200));
            if (auto const longer = dns_name::join(label, made)) made = *longer;
        }
        return made;
    }

private:
    byte_reader in_;
};

/// Writes a message as the fuzzer decides, checks that it is accepted, and spoils it afterwards.
void build(byte_view bytes) {
    decisions from{bytes};
    std::array<std::byte, 700> room;
    std::size_t const size = from.octet() < 200 ? room.size() : from.octet();
    dns_writer out{byte_span{room}.first(size),
                   {from.number(), from.number()},
                   from.octet() % 2 == 0 ? dns_srv_targets::whole : dns_srv_targets::compressed};
    std::size_t done = 0;
    for (int items = 0; from.more() && items < 40; ++items) {
        dns_name const name = from.name();
        dns_record_head const head{name, from.number(), static_cast<dns_section>(from.octet() % 3),
                                   static_cast<std::uint16_t>((from.octet() & 1U) != 0 ? 0x8001 : 1)};
        result<void> wrote;
        switch (from.octet() % 8) {
        case 0: wrote = out.question(name, static_cast<dns_type>(from.number()), from.number()); break;
        case 1: wrote = out.pointer(head, dns_type::ptr, from.name()); break;
        case 2: {
            dns_name const target = from.name();
            wrote = out.service(head, {from.number(), from.number(), from.number(), target});
            break;
        }
        case 3: wrote = out.address(head, ip_address::from_bytes(from.some(from.octet() % 2 == 0 ? 4 : 16))); break;
        case 4: {
            std::array const types{static_cast<dns_type>(from.octet()), static_cast<dns_type>(from.octet())};
            wrote = out.only_types(head, types);
            break;
        }
        case 5: {
            std::array<std::byte, 256> text{};
            byte_writer string{text};
            string.short_bytes(from.some(from.octet()));
            wrote = out.raw(head, dns_type::txt, string.written());
            break;
        }
        case 6: wrote = out.pointer(head, dns_type::cname, name); break;
        default: wrote = out.raw(head, static_cast<dns_type>(200), from.some(from.octet() % 16)); break;
        }
        done += wrote ? 1U : 0U;
    }
    require(out.count() == done);
    require(out.written().size() <= size);
    if (size < dns_header_size) return require(out.written().empty());
    require(dns_message_view::parse(out.written()).has_value());
    round_trip(out.written());
    // Exactly sized, so that a sanitizer sees the first byte read past the end.
    std::vector<std::byte> spoilt(out.written().begin(), out.written().end());
    for (std::size_t i = 0; i < 3; ++i) {
        spoilt[(bytes.size() * 31 + i * 7919) % spoilt.size()] ^= static_cast<std::byte>(bytes.back());
        round_trip(spoilt);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    // The first byte chooses: a message as it comes, or decisions from which one is written.
    byte_view const rest{reinterpret_cast<std::byte const*>(data) + 1, size - 1};
    if (data[0] % 2 == 0) {
        round_trip(rest);
    } else if (!rest.empty()) {
        build(rest);
    }
    return 0;
}
