// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// engine: comparing digests by datagram, and sending the records that differ.
#ifndef PEERKIT_GOSSIP_IMPL_ENGINE_COMPARING_HPP
#define PEERKIT_GOSSIP_IMPL_ENGINE_COMPARING_HPP

#include <peerkit/gossip/engine.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Whom to exchange with next: somebody alive, not the same as the last time if there is another, nobody who is to be
/// left alone.
template <typename Policies>
membership::slot engine<Policies>::exchange_partner(time_point now) noexcept {
    for (int tries = 0; tries < 4; ++tries) {
        slot at = random_alive(partners_.last());
        if (at == no_slot) at = random_alive(key_);
        if (at == no_slot || !partners_.left_alone(table_[at].key, now)) return at;
    }
    return no_slot;
}

/// Asks a member whether it holds the same: one small datagram, and if so a small answer.
template <typename Policies>
void engine<Policies>::ask_digest(slot at, outbox& out) {
    partners_.begin(table_[at].key, news_, true);
    ++counters_.comparisons;
    send(table_[at].endpoint(), at, limits::packet, out,
         [&](wire::packet_writer& packet) { head_comparison(packet, wire::digest_kind::ask); });
}

template <typename Policies>
void engine<Policies>::head_comparison(wire::packet_writer& packet, wire::digest_kind kind) const noexcept {
    packet.digest(kind, static_cast<std::uint32_t>(table_.reachable()), table_.digest().root());
}

/// Takes down what a packet says about digests; it is answered as a whole.
template <typename Policies>
void engine<Policies>::note_comparison(wire::message const& m, origin const& from, reply& answer) noexcept {
    if (from.over_stream) return refuse(gossip_error::message_out_of_place);
    if (m.type == wire::message_type::digest) {
        if (answer.compared) return refuse(gossip_error::message_out_of_place);
        slot const at = table_.find(from.sender);
        if (at == no_slot) {
            answer.want(from.sender, 0);
            return refuse(gossip_error::unknown_subject);
        }
        if (table_[at].state != member_state::alive) answer.accuse_sender = true;
        answer.compared.emplace(
            reply::comparison{static_cast<wire::digest_kind>(m.flags), m.count, m.nonce, {}, {}, {}, {}, 0});
        return;
    }
    // The digest comes first, and each of the others once.
    if (!answer.compared) return refuse(gossip_error::message_out_of_place);
    if (m.type == wire::message_type::entry_marks) {
        auto& compared = *answer.compared;
        if (compared.mark_count == most_marks) return refuse(gossip_error::message_out_of_place);
        compared.marks[compared.mark_count++] = m.record;
        return;
    }
    byte_view& body = m.type == wire::message_type::sums      ? answer.compared->sums
                      : m.type == wire::message_type::listing ? answer.compared->listing
                                                              : answer.compared->pull;
    if (!body.empty()) return refuse(gossip_error::message_out_of_place);
    body = m.record;
}

/// Answers a packet that compares. Nothing is remembered of it: what is lost is found again the next time.
template <typename Policies>
void engine<Policies>::answer_comparison(reply::comparison const& said, origin const& from, std::size_t received,
                                         time_point now, outbox& out) {
    slot const who = table_.find(from.sender);
    if (who == no_slot || life_ != life::running) return;
    bool const awaited = partners_.awaits(from.sender);
    bool const equal = said.sum == table_.digest().root() && said.members == table_.reachable();
    // An address that may be somebody else's gets at most three times what it sent.
    bool const announces = announced(who, from.source).as != announced_as::nothing;
    comparison_answer to{from.source, who, announces ? ~std::size_t{0} : received * 3, awaited ? own_ : others_};
    std::size_t const members = std::max<std::size_t>(table_.reachable(), said.members);

    if (said.kind == wire::digest_kind::answer) {
        if (!awaited) return refuse(gossip_error::unexpected_ack);
        partners_.answered(equal);
        if (equal) return;
        if (too_different(said.members)) return exchange_whole(who, now, out);
        if (said.sums.empty()) return void(say_all_sums(wire::digest_kind::repair, members, to, now, out));
    } else if (said.kind == wire::digest_kind::ask) {
        ++counters_.comparisons;
        if (!equal && !too_different(said.members) && say_all_sums(wire::digest_kind::answer, members, to, now, out))
            return;
        say(wire::digest_kind::answer, to, now, out, [](wire::packet_writer&) {});
        return;
    }
    // What follows passes over the table.
    if (said.sums.empty() && said.listing.empty() && said.pull.empty() && said.mark_count == 0) return;
    if (!to.budget.take(now)) return refuse(gossip_error::comparison_over_budget);
    if (!said.sums.empty()) {
        auto const sums = wire::sums_view::parse(said.sums);
        if (!sums) return void(++counters_.malformed);
        compare_.find_differing(table_, *sums);
        if (compare_.ranges().empty()) return;
        if (!membership::table_comparison::listable(members, sums->bits())) return say_parts(to, now, out);
        std::size_t const parts = sums->size() * sums->parts();
        if (compare_.ranges().size() > whole_above && compare_.ranges().size() * 4 > parts * 3)
            return exchange_whole(who, now, out);
        return say_listing(to, now, out);
    }
    if (!said.listing.empty()) {
        auto const listing = wire::listing_view::parse(said.listing);
        if (!listing) return void(++counters_.malformed);
        compare_.sort_out(table_, *listing);
        say_records(to, now, out);
    } else if (!said.pull.empty()) {
        auto const pull = wire::pull_view::parse(said.pull);
        if (!pull) return void(++counters_.malformed);
        compare_.look_up(table_, *pull);
        say_records(to, now, out);
    }
    for (std::size_t i = 0; i < said.mark_count; ++i) say_entries(said.marks[i], to, now, out);
}

/// One packet of a comparison, unless there were enough of them, the budget is used up, or it would be too much for an
/// address that may be somebody else's.
template <typename Policies>
template <typename Fill>
bool engine<Policies>::say(wire::digest_kind kind, comparison_answer& to, time_point now, outbox& out, Fill&& fill) {
    constexpr std::size_t around = wire::envelope::head + wire::envelope::tail;
    if (to.left == 0 || to.allowed < around + wire::message_head + 13) return false;
    --to.left;
    if (!to.budget.take(now)) {
        refuse(gossip_error::comparison_over_budget);
        return false;
    }
    std::uint64_t const before = counters_.bytes_sent;
    send(to.where, to.who, std::min(to.allowed - around, limits::packet), out, [&](wire::packet_writer& packet) {
        head_comparison(packet, kind);
        fill(packet);
    });
    to.allowed -= static_cast<std::size_t>(counters_.bytes_sent - before);
    return true;
}

/// False, and nothing said, if they do not fit.
template <typename Policies>
bool engine<Policies>::say_all_sums(wire::digest_kind kind, std::size_t members, comparison_answer& to, time_point now,
                                    outbox& out) {
    unsigned const bits = membership::table_comparison::opening_bits(members);
    constexpr std::size_t around = wire::envelope::head + wire::envelope::tail + 2 * wire::message_head + 13;
    if (to.allowed < around + wire::sums_view::head + 4 + (std::size_t{4} << bits)) return false;
    auto const sums = compare_.all(table_, bits);
    return say(kind, to, now, out, [&](wire::packet_writer& packet) {
        packet.composed(wire::message_type::sums, [&](byte_span room) {
            wire::sums_writer body{room, bits, bits};
            (void)body.add(0, sums);
            return body.size();
        });
    });
}

/// The sums of the parts of the ranges that differ, in as many packets as it takes.
template <typename Policies>
void engine<Policies>::say_parts(comparison_answer& to, time_point now, outbox& out) {
    constexpr unsigned step = membership::table_comparison::step;
    auto const sums = compare_.divide(table_);
    membership::key_ranges const& ranges = compare_.ranges();
    for (std::size_t at = 0, begun = 0; at < ranges.size(); begun = at) {
        bool const said = say(wire::digest_kind::repair, to, now, out, [&](wire::packet_writer& packet) {
            packet.composed(wire::message_type::sums, [&](byte_span room) {
                wire::sums_writer body{room, ranges.bits() + step, step};
                while (at < ranges.size() && body.add(ranges[at], sums.subspan(at << step, std::size_t{1} << step)))
                    ++at;
                return body.size();
            });
        });
        if (!said || at == begun) return;
    }
}

/// Who is in the ranges that differ, in as many packets as it takes.
template <typename Policies>
void engine<Policies>::say_listing(comparison_answer& to, time_point now, outbox& out) {
    auto const found = compare_.list(table_);
    membership::key_ranges const& ranges = compare_.ranges();
    std::size_t row = 0;
    for (std::size_t at = 0, begun = 0; at < ranges.size(); begun = at) {
        bool const said = say(wire::digest_kind::repair, to, now, out, [&](wire::packet_writer& packet) {
            packet.composed(wire::message_type::listing, [&](byte_span room) {
                wire::listing_writer body{room, ranges.bits()};
                for (; at < ranges.size(); ++at) {
                    // One more than fits, so that the writer sees that there is more.
                    std::array<wire::listed, wire::listing_view::most + 1> entries;
                    std::size_t count = 0, next = row;
                    for (; next < found.size() && found[next].place == at; ++next) {
                        if (count < entries.size())
                            entries[count++] = membership::table_comparison::entry_of(table_, found[next].at);
                    }
                    if (!body.add(ranges[at], std::span{entries}.first(count))) break;
                    row = next;
                }
                return body.size();
            });
        });
        if (!said || at == begun) return;
    }
}

/// The records the partner lacks, whose records it has newer, and which entries are held of those who differ otherwise.
template <typename Policies>
void engine<Policies>::say_records(comparison_answer& to, time_point now, outbox& out) {
    auto const tell = compare_.to_tell();
    auto const pull = compare_.to_pull();
    auto const differ = compare_.differing();
    std::size_t told = 0, pulled = 0, marked = 0;
    while (told < tell.size() || pulled < pull.size() || marked < differ.size()) {
        std::size_t const before = told + pulled + marked;
        bool const said = say(wire::digest_kind::repair, to, now, out, [&](wire::packet_writer& packet) {
            if (pulled < pull.size()) {
                packet.composed(wire::message_type::pull, [&](byte_span room) {
                    byte_writer body{room};
                    for (; pulled < pull.size() && body.remaining() >= wire::pull_view::entry_size; ++pulled) {
                        body.u64(static_cast<std::uint64_t>(pull[pulled].key));
                        body.u64(pull[pulled].known);
                    }
                    return body.position();
                });
            }
            std::size_t marks = 0;
            for (; marked < differ.size() && marks < most_marks; ++marked, ++marks) {
                if (packet.remaining() < marks_size(differ[marked])) break;
                write_marks(differ[marked], true, packet);
            }
            for (; told < tell.size() && packet.remaining() >= member_size(tell[told]); ++told) {
                slot const at = tell[told];
                bool const has_entries = entries_.count(at) != 0;
                if (has_entries && (marks == most_marks || packet.remaining() < member_size(at) + marks_size(at))) {
                    // Too large for one packet together: the entries are found missing the next time.
                    if (packet.size() > wire::message_head + 13) break;
                }
                write_member(at, packet);
                ++counters_.records_repaired;
                if (!has_entries || packet.remaining() < marks_size(at)) continue;
                write_marks(at, true, packet);
                ++marks;
            }
        });
        if (!said || told + pulled + marked == before) return;
    }
}

/// Whether so much differs that everything may as well be sent.
template <typename Policies>
bool engine<Policies>::too_different(std::size_t theirs) const noexcept {
    std::size_t const mine = table_.reachable();
    std::size_t const apart = mine > theirs ? mine - theirs : theirs - mine;
    return apart > whole_above && apart * 2 > std::max(mine, theirs);
}

/// Everything over a stream, with somebody whose digest differs too much; not more often than while settling.
template <typename Policies>
void engine<Policies>::exchange_whole(slot who, time_point now, outbox& out) {
    if (now < next_whole_ || partners_.left_alone(table_[who].key, now)) return;
    next_whole_ = now + settling_gap();
    dial_member(who, 0, now, out);
}

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
