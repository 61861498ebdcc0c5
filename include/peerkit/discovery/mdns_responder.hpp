// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Publishes one node over multicast DNS (RFC 6762, 6763) as a state machine: packets in, packets out, no I/O.
#ifndef PEERKIT_DISCOVERY_MDNS_RESPONDER_HPP
#define PEERKIT_DISCOVERY_MDNS_RESPONDER_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/mdns_protocol.hpp>
#include <peerkit/discovery/mdns_records.hpp>
#include <peerkit/wire/dns_message.hpp>
#include <peerkit/wire/dns_writer.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// What a responder did and refused.
struct mdns_responder_counters {
    std::uint64_t malformed = 0;     ///< packets that are no DNS message
    std::uint64_t off_link = 0;      ///< questions and answers from beyond the link, passed over
    std::uint64_t queries = 0;       ///< packets that asked for something of ours
    std::uint64_t suppressed = 0;    ///< answers left out because the asker has them
    std::uint64_t probes = 0;        ///< packets sent to see whether a name is free
    std::uint64_t announcements = 0; ///< unasked answers sent
    std::uint64_t multicasts = 0;    ///< answers sent to the group
    std::uint64_t unicasts = 0;      ///< answers sent to the asker alone
    std::uint64_t over_budget = 0;   ///< unicast answers not sent, because too many were wanted within a second
    std::uint64_t conflicts = 0;     ///< our names claimed by somebody else
    std::uint64_t ties_lost = 0;     ///< simultaneous probes the other side won
    std::uint64_t renames = 0;
};

/// Publishes one instance of a service on any number of links.
///
/// On every link the names are probed for three times, 250 ms apart; then they are announced twice, a second apart, and
/// questions are answered. A name that is taken gives way to another one: at random, or "name-2" if the host chose it.
/// Answers that others may give too wait 20 to 120 ms; those only we can give go at once; no record goes to the group
/// more often than once a second. Probes ask for multicast answers: several responders of one machine share the port,
/// and a unicast answer reaches only one of them (RFC 6762, 15).
///
/// The owner passes every packet to `receive`, calls `tick` when `next_deadline` has come, and `goodbye` at the end.
/// Packets to be sent go to the function passed, at once. Not thread safe. Memory is bounded by the number of
/// interfaces.
///
/// @code
/// auto responder = discovery::mdns_responder<rng>::make({.port = 9000, .text = {"v=1"}}, random).value();
/// responder.set_interfaces(interfaces, now);
/// responder.tick(now, send);
/// arm_timer(responder.next_deadline());
/// @endcode
template <Rng R>
class mdns_responder {
public:
    static constexpr std::size_t max_interfaces = 32;
    static constexpr unsigned unicasts_per_second = 32;

    /// @param random must outlive the responder
    /// @param port what a responder's packets come from; only tests have another
    /// @par Errors as `mdns_records::make`
    [[nodiscard]] static result<mdns_responder> make(mdns_publication const& what, R& random,
                                                     std::uint16_t port = mdns_port) {
        std::string const fresh = random_label(random);
        std::string const& instance = what.instance.empty() ? fresh : what.instance;
        std::string const& host = what.host.empty() ? fresh : what.host;
        auto records = mdns_records::make(what, instance, host);
        if (!records) return fail(records.error());
        return mdns_responder{std::move(*records), {what.instance, instance}, {what.host, host}, random, port};
    }

    /// The interfaces there are now. New ones are probed and announced on, changed ones announced on again. Addresses
    /// beyond `mdns_records::max_addresses` of a family, and interfaces beyond `max_interfaces` or without an address,
    /// are left out.
    void set_interfaces(std::span<mdns_interface const> interfaces, time_point now) {
        if (gone_) return;
        std::vector<link> kept;
        for (mdns_interface const& one : interfaces) {
            std::vector<ip_address> addresses = published(one.addresses);
            if (addresses.empty() || kept.size() == max_interfaces) continue;
            auto const known =
                std::find_if(links_.begin(), links_.end(), [&](link const& l) { return l.index == one.index; });
            if (known == links_.end()) {
                link made;
                made.index = one.index;
                made.addresses = std::move(addresses);
                probe_again(made, saturating_add(now, uniform(*random_, probe_interval)));
                kept.push_back(std::move(made));
                continue;
            }
            bool const changed = known->addresses != addresses;
            known->addresses = std::move(addresses);
            if (changed && known->doing != phase::probing) announce_again(*known, now);
            kept.push_back(std::move(*known));
        }
        links_ = std::move(kept);
    }

    /// Publishes another text from now on. On error nothing has changed. @par Errors as `mdns_records::set_text`
    [[nodiscard]] result<void> set_text(std::span<std::string const> text, time_point now) {
        if (auto const done = records_.set_text(text); !done) return done;
        for (link& on : links_) {
            if (on.doing != phase::probing) announce_again(on, now);
        }
        return {};
    }

    /// A packet that came in. What it asks for is sent here or at a later `tick`.
    template <MdnsSend Send>
    void receive(byte_view packet, mdns_origin const& origin, time_point now, Send&& send) {
        link* const on = find(origin.interface);
        if (on == nullptr) return;
        auto const message = wire::dns_message_view::parse(packet);
        if (!message) {
            ++counted_.malformed;
            return;
        }
        if (message->header().opcode() != 0 || message->header().code() != 0) return;
        if (message->header().is_response()) {
            if (!may_be_believed(origin, port_)) {
                ++counted_.off_link;
                return;
            }
            answered(*on, *message, now, send);
        } else {
            if (!may_be_answered(origin)) {
                ++counted_.off_link;
                return;
            }
            asked(*on, *message, origin, now, send);
        }
        tick(now, send);
    }

    /// Sends what is due.
    template <MdnsSend Send>
    void tick(time_point now, Send&& send) {
        for (link& on : links_) {
            if (on.doing == phase::probing && now >= on.next) {
                if (on.sent < probe_count) {
                    probe(on, send);
                    ++on.sent;
                    on.next = saturating_add(now, probe_interval);
                } else {
                    announce_again(on, now);
                }
            }
            if (on.doing == phase::announcing && now >= on.next) {
                ++counted_.announcements;
                multicast(on, mdns_records::all(on.addresses), now, send, mdns_records::style::normal);
                ++on.sent;
                on.next = saturating_add(now, announce_interval);
                if (on.sent == announce_count) {
                    on.doing = phase::settled;
                    on.next = never;
                }
            }
            mdns_record_mask due = 0;
            for (std::size_t i = 0; i < mdns_record_sets; ++i) {
                if (on.pending[i].at <= now) due |= mask_of(static_cast<mdns_record_set>(i));
            }
            if (due == 0) continue;
            ++counted_.multicasts;
            multicast(on, due, now, send, mdns_records::style::normal);
        }
    }

    /// When `tick` has something to do.
    [[nodiscard]] time_point next_deadline() const noexcept {
        time_point first = never;
        for (link const& on : links_) {
            first = std::min(first, on.next);
            for (waiting const& w : on.pending) first = std::min(first, w.at);
        }
        return first;
    }

    /// Says on every link that the records are no longer true (time to live 0). Nothing is sent afterwards.
    template <MdnsSend Send>
    void goodbye(Send&& send) {
        for (link& on : links_) {
            if (on.doing != phase::probing) withdraw(on, mdns_records::all(on.addresses), send);
        }
        links_.clear();
        gone_ = true;
    }

    /// True when the names are ours on every link there is, and there is one.
    [[nodiscard]] bool is_established() const noexcept {
        return !links_.empty() &&
               std::all_of(links_.begin(), links_.end(), [](link const& l) { return l.doing != phase::probing; });
    }
    /// The label of the instance, as it is after any conflict.
    [[nodiscard]] std::string_view instance() const noexcept { return instance_.now; }
    [[nodiscard]] mdns_records const& records() const noexcept { return records_; }
    [[nodiscard]] mdns_responder_counters const& counters() const noexcept { return counted_; }

private:
    static constexpr duration probe_interval = std::chrono::milliseconds{250};
    static constexpr unsigned probe_count = 3;
    static constexpr duration announce_interval = std::chrono::seconds{1};
    static constexpr unsigned announce_count = 2;
    static constexpr duration tie_lost_pause = std::chrono::seconds{1};
    static constexpr duration same_record_interval = std::chrono::seconds{1};
    static constexpr duration same_record_interval_for_probes = std::chrono::milliseconds{250};
    /// Fifteen conflicts within ten seconds, and every further attempt waits five (RFC 6762, 8.1).
    static constexpr unsigned conflict_limit = 15;
    static constexpr duration conflict_window = std::chrono::seconds{10};
    static constexpr duration conflict_pause = std::chrono::seconds{5};

    enum class phase : std::uint8_t { probing, announcing, settled };

    struct waiting {
        time_point at = never;
        ip_address asker; ///< the only one that waits for it; none: several do
    };
    struct link {
        std::uint32_t index = 0;
        std::vector<ip_address> addresses;
        phase doing = phase::probing;
        unsigned sent = 0;       ///< probes or announcements
        time_point next = never; ///< of those
        std::array<waiting, mdns_record_sets> pending{};
        std::array<time_point, mdns_record_sets> last = never_before(); ///< sent to the group
    };
    struct label {
        std::string chosen; ///< by the host; empty: random
        std::string now;
        unsigned attempt = 1;
    };

    [[nodiscard]] static constexpr std::array<time_point, mdns_record_sets> never_before() noexcept {
        std::array<time_point, mdns_record_sets> made{};
        for (time_point& t : made) t = time_point::min();
        return made;
    }

    mdns_responder(mdns_records records, label instance, label host, R& random, std::uint16_t port)
        : records_{std::move(records)}, instance_{std::move(instance)}, host_{std::move(host)}, random_{&random},
          port_{port}, room_(mdns_send_limit) {}

    [[nodiscard]] static std::string random_label(R& random) {
        std::array<std::byte, 8> word{};
        store_big(word.data(), random());
        return "peerkit-" + to_hex(word);
    }
    /// What is published of a link's addresses: link-local ones only if there is nothing else.
    [[nodiscard]] static std::vector<ip_address> published(std::span<ip_address const> from) {
        std::vector<ip_address> chosen;
        for (bool const link_local : {false, true}) {
            if (link_local && !chosen.empty()) break;
            for (ip_address const& a : from) {
                if (!a || a.is_unspecified() || a.is_multicast() || a.is_link_local() != link_local) continue;
                auto const family = std::count_if(chosen.begin(), chosen.end(),
                                                  [&a](ip_address const& c) { return c.family() == a.family(); });
                bool const seen = std::find(chosen.begin(), chosen.end(), a) != chosen.end();
                if (!seen && static_cast<std::size_t>(family) < mdns_records::max_addresses) chosen.push_back(a);
            }
        }
        std::sort(chosen.begin(), chosen.end());
        return chosen;
    }

    [[nodiscard]] link* find(std::uint32_t interface) noexcept {
        auto const found =
            std::find_if(links_.begin(), links_.end(), [=](link const& l) { return l.index == interface; });
        return found == links_.end() ? nullptr : &*found;
    }
    static void probe_again(link& on, time_point at) noexcept {
        on.doing = phase::probing;
        on.sent = 0;
        on.next = at;
        on.pending.fill({});
    }
    static void announce_again(link& on, time_point at) noexcept {
        on.doing = phase::announcing;
        on.sent = 0;
        on.next = at;
    }

    // ---- Sending ---------------------------------------------------------------------------------------------------

    template <MdnsSend Send>
    void probe(link const& on, Send& send) {
        ++counted_.probes;
        wire::dns_writer out{room_, {}};
        bool whole = out.question(records_.instance(), wire::dns_type::any).has_value();
        whole = out.question(records_.host(), wire::dns_type::any).has_value() && whole;
        mdns_record_mask const proposed = mdns_records::all(on.addresses) & mdns_records::unique;
        whole = records_.write(out, proposed, wire::dns_section::authority, on.addresses, mdns_records::style::probe) ==
                    0 &&
                whole;
        // The size was checked when the responder was made.
        if (whole) send(mdns_destination{on.index, {}}, out.written());
    }
    /// Sends answers, and what is worth telling with them, to the group.
    template <MdnsSend Send>
    void multicast(link& on, mdns_record_mask answers, time_point now, Send& send, mdns_records::style how) {
        wire::dns_writer out{room_, response};
        mdns_record_mask sent = answers;
        (void)records_.write(out, answers, wire::dns_section::answer, on.addresses, how);
        mdns_record_mask const more = mdns_records::additional(answers, on.addresses);
        for (std::size_t i = 0; i < mdns_record_sets; ++i) {
            auto const set = static_cast<mdns_record_set>(i);
            if (!contains(more, set) || saturating_add(on.last[i], same_record_interval) > now) continue;
            if (records_.write(out, mask_of(set), wire::dns_section::additional, on.addresses, how) == 0) {
                sent |= mask_of(set);
            }
        }
        for (std::size_t i = 0; i < mdns_record_sets; ++i) {
            if (!contains(sent, static_cast<mdns_record_set>(i))) continue;
            on.last[i] = now;
            on.pending[i] = {};
        }
        send(mdns_destination{on.index, {}}, out.written());
    }
    template <MdnsSend Send>
    void withdraw(link const& on, mdns_record_mask sets, Send& send) {
        wire::dns_writer out{room_, response};
        (void)records_.write(out, sets, wire::dns_section::answer, on.addresses, mdns_records::style::goodbye);
        send(mdns_destination{on.index, {}}, out.written());
    }
    /// Answers one asker. Without the questions for a responder, with them for a unicast resolver.
    template <MdnsSend Send>
    void unicast(link const& on, mdns_record_mask answers, wire::dns_message_view const& query, ip_endpoint const& to,
                 bool legacy, time_point now, Send& send) {
        if (now >= unicast_window_) {
            unicast_window_ = saturating_add(now, std::chrono::seconds{1});
            unicasts_left_ = unicasts_per_second;
        }
        if (unicasts_left_ == 0) {
            ++counted_.over_budget;
            return;
        }
        wire::dns_header header = response;
        if (legacy) header.id = query.header().id;
        wire::dns_writer out{room_, header, legacy ? wire::dns_srv_targets::whole : wire::dns_srv_targets::compressed};
        if (legacy) {
            auto questions = query.questions();
            for (wire::dns_question q; questions.next(q);) {
                if (records_.answer(q, on.addresses) != 0 && !out.question(q.name, q.type, q.class_bits)) return;
            }
        }
        auto const how = legacy ? mdns_records::style::legacy : mdns_records::style::normal;
        if (records_.write(out, answers, wire::dns_section::answer, on.addresses, how) != 0) return;
        mdns_record_mask more = mdns_records::additional(answers, on.addresses);
        if (legacy) more &= mdns_records::unique;
        (void)records_.write(out, more, wire::dns_section::additional, on.addresses, how);
        --unicasts_left_;
        ++counted_.unicasts;
        send(mdns_destination{on.index, to}, out.written());
    }

    // ---- Questions -------------------------------------------------------------------------------------------------

    template <MdnsSend Send>
    void asked(link& on, wire::dns_message_view const& query, mdns_origin const& origin, time_point now, Send& send) {
        bool const probes = query.count(wire::dns_section::authority) != 0;
        if (on.doing == phase::probing) {
            if (probes) compare_probes(on, query, now);
            return;
        }
        mdns_record_mask for_all = 0, for_one = 0;
        auto questions = query.questions();
        for (wire::dns_question q; questions.next(q);) {
            (q.wants_unicast() ? for_one : for_all) |= records_.answer(q, on.addresses);
        }
        mdns_record_mask const known = known_answers(on, query);
        if (query.question_count() == 0) return take_back(on, known, origin.from.address);
        if ((for_all | for_one) == 0) return;
        ++counted_.queries;
        counted_.suppressed += count((for_all | for_one) & known);

        if (origin.from.port != port_) {
            mdns_record_mask const answers = (for_all | for_one) & ~nsec & 0xffU;
            if (answers != 0) unicast(on, answers, query, origin.from, true, now, send);
            return;
        }
        for_all = static_cast<mdns_record_mask>(for_all & ~known);
        for_one = static_cast<mdns_record_mask>(for_one & ~known & ~for_all);
        // What the group has not heard for a quarter of its life, everybody gets. So do all who hear of a name that is
        // taken: on a machine with several responders a unicast answer might miss the one that probes.
        for (std::size_t i = 0; i < mdns_record_sets; ++i) {
            auto const set = static_cast<mdns_record_set>(i);
            auto const quarter = std::chrono::seconds{mdns_records::time_to_live(set)} / 4;
            if (!contains(for_one, set) || (!probes && saturating_add(on.last[i], quarter) > now)) continue;
            for_one = static_cast<mdns_record_mask>(for_one & ~mask_of(set));
            for_all |= mask_of(set);
        }
        if (for_one != 0) unicast(on, for_one, query, origin.from, false, now, send);
        if (for_all != 0) schedule(on, for_all, query.header().is_truncated(), probes, origin.from.address, now);
    }
    void schedule(link& on, mdns_record_mask answers, bool more_known_answers_follow, bool probes,
                  ip_address const& asker, time_point now) {
        time_point at = now;
        if (more_known_answers_follow) {
            at = saturating_add(now, std::chrono::milliseconds{400} +
                                         uniform(*random_, duration{std::chrono::milliseconds{100}}));
        } else if ((answers & mdns_records::shared) != 0 && !probes) {
            at = saturating_add(now, std::chrono::milliseconds{20} +
                                         uniform(*random_, duration{std::chrono::milliseconds{100}}));
        }
        duration const apart = probes ? same_record_interval_for_probes : same_record_interval;
        for (std::size_t i = 0; i < mdns_record_sets; ++i) {
            if (!contains(answers, static_cast<mdns_record_set>(i))) continue;
            waiting& one = on.pending[i];
            if (one.at == never) {
                one.asker = asker;
            } else if (one.asker != asker) {
                one.asker = {};
            }
            one.at = std::min(one.at, std::max(at, saturating_add(on.last[i], apart)));
        }
    }
    /// What the asker has and will have for at least half of its life.
    [[nodiscard]] mdns_record_mask known_answers(link const& on, wire::dns_message_view const& query) const {
        mdns_record_mask known = 0;
        std::array<std::size_t, mdns_record_sets> seen{};
        auto records = query.records();
        for (wire::dns_record r; records.next(r) && r.section == wire::dns_section::answer;) {
            mdns_record_set set{};
            if (!records_.is_ours(r, on.addresses, set)) continue;
            if (r.time_to_live < mdns_records::time_to_live(set) / 2) continue;
            std::size_t needed = 1;
            if (contains(mdns_records::address_sets, set)) {
                needed = static_cast<std::size_t>(
                    std::count_if(on.addresses.begin(), on.addresses.end(),
                                  [set](ip_address const& a) { return mdns_records::set_of(a) == set; }));
            }
            if (++seen[static_cast<std::size_t>(set)] == needed) known |= mask_of(set);
        }
        return known;
    }
    /// Known answers that came behind the question: whoever waits alone for what it has, does not wait any more.
    void take_back(link& on, mdns_record_mask known, ip_address const& asker) {
        for (std::size_t i = 0; i < mdns_record_sets; ++i) {
            waiting& one = on.pending[i];
            if (!contains(known, static_cast<mdns_record_set>(i)) || one.at == never || one.asker != asker) continue;
            one = {};
            ++counted_.suppressed;
        }
    }

    // ---- Conflicts -------------------------------------------------------------------------------------------------

    /// Somebody else probes for a name while we do: the greater data wins (RFC 6762, 8.2).
    void compare_probes(link& on, wire::dns_message_view const& query, time_point now) {
        for (wire::dns_name const* const name : {&records_.instance(), &records_.host()}) {
            std::vector<std::string> theirs;
            auto records = query.records();
            for (wire::dns_record r; records.next(r) && theirs.size() < 32;) {
                if (r.section != wire::dns_section::authority || r.record_class() != wire::dns_class_in) continue;
                if (r.name == *name) theirs.push_back(mdns_records::comparable(r));
            }
            if (theirs.empty()) continue;
            std::sort(theirs.begin(), theirs.end());
            if (records_.ordered(*name, on.addresses) >= theirs) continue;
            ++counted_.ties_lost;
            return probe_again(on, saturating_add(now, tie_lost_pause));
        }
    }

    template <MdnsSend Send>
    void answered(link& on, wire::dns_message_view const& message, time_point now, Send& send) {
        bool instance_taken = false, host_taken = false, contested = false;
        auto records = message.records();
        for (wire::dns_record r; records.next(r);) {
            bool const instance = r.name == records_.instance(), host = r.name == records_.host();
            if ((!instance && !host) || r.record_class() != wire::dns_class_in || r.time_to_live == 0) continue;
            if (r.type == wire::dns_type::nsec || is_mine(r)) continue;
            bool const rival = instance ? r.type == wire::dns_type::srv || r.type == wire::dns_type::txt
                                        : r.type == wire::dns_type::a || r.type == wire::dns_type::aaaa;
            if (on.doing == phase::probing) {
                instance_taken = instance_taken || instance;
                host_taken = host_taken || host;
            } else {
                contested = contested || rival;
            }
        }
        if (!instance_taken && !host_taken && !contested) return;
        ++counted_.conflicts;
        time_point const at = after_conflict(now);
        if (contested) return probe_again(on, at);

        // The names are the same on every link, so each begins again; what was shared under the old ones is taken back.
        for (link const& other : links_) {
            if (other.doing != phase::probing) withdraw(other, mask_of(mdns_record_set::pointer), send);
        }
        if (instance_taken) rename(instance_);
        if (host_taken) rename(host_);
        ++counted_.renames;
        (void)records_.name_as(instance_.now, host_.now);
        for (link& other : links_) probe_again(other, saturating_add(at, uniform(*random_, probe_interval)));
    }
    /// Also on another link: two interfaces may lead to the same one.
    [[nodiscard]] bool is_mine(wire::dns_record const& r) const {
        return std::any_of(links_.begin(), links_.end(), [&](link const& l) {
            mdns_record_set set{};
            return records_.is_ours(r, l.addresses, set);
        });
    }
    void rename(label& one) {
        if (one.chosen.empty()) {
            one.now = random_label(*random_);
            return;
        }
        std::string const tail = "-" + std::to_string(++one.attempt);
        std::size_t keep = std::min(one.chosen.size(), wire::dns_label_limit - tail.size());
        // Not within a character of UTF-8.
        while (keep > 0 && keep < one.chosen.size() && (static_cast<unsigned char>(one.chosen[keep]) & 0xc0U) == 0x80)
            --keep;
        one.now = one.chosen.substr(0, keep) + tail;
    }
    /// When to probe after one more conflict.
    [[nodiscard]] time_point after_conflict(time_point now) noexcept {
        if (saturating_add(conflicts_since_, conflict_window) <= now) {
            conflicts_since_ = now;
            recent_conflicts_ = 0;
        }
        return ++recent_conflicts_ >= conflict_limit ? saturating_add(now, conflict_pause) : now;
    }

    [[nodiscard]] static std::uint64_t count(unsigned mask) noexcept {
        std::uint64_t bits = 0;
        for (; mask != 0; mask &= mask - 1) ++bits;
        return bits;
    }

    static constexpr wire::dns_header response{0, wire::dns_header::response_bit | wire::dns_header::authoritative_bit};
    static constexpr mdns_record_mask nsec =
        mask_of(mdns_record_set::only_service) | mask_of(mdns_record_set::only_host);

    mdns_records records_;
    label instance_;
    label host_;
    R* random_;
    std::uint16_t port_;
    std::vector<std::byte> room_;
    std::vector<link> links_;
    mdns_responder_counters counted_;
    time_point unicast_window_ = time_point::min();
    unsigned unicasts_left_ = unicasts_per_second;
    time_point conflicts_since_ = time_point::min();
    unsigned recent_conflicts_ = 0;
    bool gone_ = false;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
