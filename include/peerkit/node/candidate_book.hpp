// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Everything a node knows of places to call, merged across sources and bounded.
#ifndef PEERKIT_NODE_CANDIDATE_BOOK_HPP
#define PEERKIT_NODE_CANDIDATE_BOOK_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/bounded_list.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/node/candidate_gate.hpp>
#include <peerkit/node/candidate_table.hpp>
#include <peerkit/node/known_candidate.hpp>
#include <peerkit/node/provenance_set.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// How much a book holds.
struct book_bounds {
    std::size_t candidates = 1024; ///< in all
    std::size_t strangers = 256;   ///< of these, such as only strangers vouch for
    /// What a source other than the user named stays for so long, even if its next answer is without it: name servers
    /// and the like give partial answers, each time other ones.
    duration linger = std::chrono::minutes{3};
};

/// The candidates of one node. Three ways in:
///
/// - `take_answer`: what the strategies found. Their next answer replaces it, except for what still has time to live
///   or may linger; a run that fails changes nothing.
/// - `keep`: what the host wants called. Stays for good.
/// - `learn`: a member whose announcement came in. Stays until it says goodbye or has to give way.
///
/// Two candidates are one if they have the same identity, or share an address and have not two different identities;
/// each address remembers all the sources that named it. What does not pass the `candidate_gate` is counted and
/// forgotten. When the book is full, a newcomer takes the place of a less trusted candidate, or of an equally trusted
/// one that was called `hopeless` times and never answered; a stranger never takes that of anybody else. Peers of an
/// earlier life take half of the places at most, and one who was called in vain and whom nobody else names gives way to
/// anybody.
///
/// Everything but an answer of the strategies costs the same however many candidates there are, except that finding
/// somebody to give way looks at all of them, at most once a second for each level of trust.
class candidate_book {
public:
    /// Called in vain this often, a candidate that never answered may have to give way to one of its kind.
    static constexpr std::uint32_t hopeless = 3;
    /// Times to live count for no more than this.
    static constexpr duration longest_life = std::chrono::hours{24};

    /// `hash_key` is a random number that does not leave the node.
    candidate_book(book_bounds const& bounds, std::uint64_t hash_key)
        : bounds_{std::max<std::size_t>(bounds.candidates, 1), std::min(bounds.strangers, bounds.candidates),
                  bounds.linger},
          table_{hash_key} {}

    /// What became of an answer.
    struct taken {
        std::size_t named = 0; ///< candidates the strategies stand for now
        bool news = false;     ///< somebody is due now because of it
    };
    taken take_answer(std::span<discovery::candidate const> found, candidate_gate const& gate, time_point now) {
        ++answer_;
        taken made;
        shortest_life_.reset();
        for (discovery::candidate const& c : found) {
            if (c.time_to_live > duration::zero()) {
                duration const life = std::min(c.time_to_live, longest_life);
                shortest_life_ = std::min(shortest_life_.value_or(life), life);
            }
            made.news |= put(c, gate, false, now).news;
        }
        table_.for_each_named([&](known_candidate& entry) {
            bool const still = retire(entry, now);
            made.named += still ? 1U : 0U;
            return still;
        });
        return made;
    }
    /// A candidate of the host's own. Null if it does not pass the gate or there is no room.
    known_candidate* keep(discovery::candidate const& c, candidate_gate const& gate, time_point now) {
        return put(c, gate, true, now).entry;
    }
    struct learnt {
        known_candidate* entry = nullptr; ///< null if it does not pass the gate or there is no room
        bool is_new = false;              ///< nobody had named it before
    };
    /// A peer of an earlier life, at the addresses of its last announcement and where it was reached last. Kept until
    /// it announces itself or says goodbye. Null if it does not pass the gate or there is no room: half of the book is
    /// for those found now.
    known_candidate* recall(discovery::candidate const& c, std::vector<ip_endpoint> services,
                            candidate_gate const& gate, time_point now) {
        std::size_t const before = size();
        bool const room = recalled_ < (bounds_.candidates + 1) / 2 && before < bounds_.candidates;
        bool welcome = room || find(c.id) != nullptr;
        for (std::size_t i = 0; !welcome && i < c.addresses.size(); ++i)
            welcome = find_for(c.id, c.addresses[i]) != nullptr;
        if (!welcome) {
            count(drop_reason::no_room);
            return nullptr;
        }
        known_candidate* const entry = put(c, gate, true, now).entry;
        if (size() > before) ++recalled_;
        if (entry != nullptr && entry->id == c.id) entry->services = std::move(services);
        return entry;
    }
    /// A member's announced addresses. `from` is `inbound` or `gossip`. A candidate that is there already, found by
    /// identity or address, only notes who is there.
    learnt learn(node_id const& id, std::span<ip_endpoint const> where, discovery::provenance from,
                 candidate_gate const& gate, time_point now) {
        known_candidate* there = find(id);
        for (std::size_t i = 0; there == nullptr && i < where.size(); ++i) there = find_for(id, where[i]);
        discovery::candidate c;
        c.id = id;
        c.source = from;
        for (ip_endpoint const& w : where) static_cast<void>(c.addresses.push_back(w));
        if (there != nullptr) forget_learnt(*there, c.addresses);
        known_candidate* const entry = put(c, gate, true, now).entry;
        if (entry != nullptr) {
            entry->member = id.short_id();
            forget_earlier_life(*entry);
            if (!entry->sought()) table_.set_due(*entry, never);
        }
        if (there != nullptr && there->places.empty()) table_.erase(*there);
        return {entry, entry != nullptr && entry != there};
    }
    /// A member said goodbye: who was known through members only is no candidate any more.
    void said_goodbye(node_id const& id) {
        short_id const key = id.short_id();
        table_.for_each([&](known_candidate& entry) {
            if (entry.id ? entry.id != id : entry.member != key) return;
            forget_learnt(entry, {});
            // Where only strangers still vouch for it, they have their share.
            if (entry.places.empty() || strangers() > bounds_.strangers) table_.erase(entry);
        });
    }

    /// The engine has forgotten a member: candidates that were left to it are due.
    void forgotten(node_id const& id, time_point now) noexcept {
        short_id const key = id.short_id();
        table_.for_each([&](known_candidate& entry) {
            if (entry.id ? entry.id == id : entry.member == key) table_.set_due(entry, std::min(due(entry), now));
        });
    }

    // When to look at whom, for the `call_decider`.
    [[nodiscard]] time_point due(known_candidate const& entry) const noexcept { return table_.due(entry); }
    void set_due(known_candidate const& entry, time_point when) noexcept { table_.set_due(entry, when); }
    [[nodiscard]] time_point next_due() const noexcept { return table_.next_due(); }
    template <typename F>
    void for_each_due(time_point now, F&& f) {
        table_.for_each_due(now, f);
    }

    // What became of calls.
    void called(known_candidate& entry, ip_endpoint const& where, time_point now) noexcept {
        entry.last = {call_result::called, now, where, {}, std::nullopt};
    }
    /// A frame of `by`, under the network's seal, came from `where`. Null unless somebody there was called.
    known_candidate* answered(ip_endpoint const& where, short_id by, time_point now) noexcept {
        known_candidate* const entry = find_called(where);
        if (entry != nullptr) mark_answered(*entry, where, by, now);
        return entry;
    }
    void mark_answered(known_candidate& entry, ip_endpoint const& where, short_id by, time_point now) noexcept {
        entry.last = {call_result::answered, now, where, by, std::nullopt};
        entry.unanswered = 0;
        entry.tried = 0;
        entry.member = by;
        for (std::size_t i = 0; i < entry.places.size(); ++i) {
            if (entry.places[i].where == where) entry.proven_place = static_cast<std::uint8_t>(i);
        }
    }
    void refused(ip_endpoint const& where, error why, time_point now) noexcept {
        if (known_candidate* const entry = find_called(where)) {
            entry->last = {call_result::refused, now, where, {}, why};
        }
    }
    /// Reverse DNS found a name for an address. Gives it to every candidate there that has none; @returns how many.
    template <typename F>
    std::size_t name(ip_address const& address, std::string_view text, F&& told) {
        std::size_t given = 0;
        table_.for_each([&](known_candidate& entry) {
            if (!entry.name.empty() || entry.places.front().where.address != address) return;
            entry.name = text.substr(0, limits::name);
            ++given;
            told(std::as_const(entry));
        });
        return given;
    }

    // Views.
    [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }
    /// Candidates that only strangers vouch for.
    [[nodiscard]] std::size_t strangers() const noexcept { return table_.strangers(); }
    [[nodiscard]] book_bounds const& bounds() const noexcept { return bounds_; }
    /// The shortest time to live in the last answer of the strategies, if any had one.
    [[nodiscard]] std::optional<duration> shortest_life() const noexcept { return shortest_life_; }
    /// Addresses (`no_room`, `evicted`: candidates) not kept, since the start.
    [[nodiscard]] std::uint64_t dropped(drop_reason why) const noexcept {
        return drops_[static_cast<std::size_t>(why)];
    }
    /// Null if there is none. A pointer into the book is good until something is put in.
    [[nodiscard]] known_candidate* find(node_id const& id) noexcept { return table_.find(id); }
    [[nodiscard]] known_candidate const* find(node_id const& id) const noexcept { return table_.find(id); }
    [[nodiscard]] known_candidate* find(ip_endpoint const& where) noexcept { return table_.find_at(where, anybody); }
    [[nodiscard]] known_candidate const* find(ip_endpoint const& where) const noexcept {
        return table_.find_at(where, anybody);
    }
    /// Calls `f(known_candidate const&)` for each, in no particular order; `f` does not change the book.
    template <typename F>
    void for_each(F&& f) const {
        table_.for_each(f);
    }
    /// The same for whoever writes down calls.
    template <typename F>
    void for_each(F&& f) {
        table_.for_each(f);
    }

    /// 0, or: 41 more candidates, or 42 more of strangers than allowed; 43-48 as `candidate_table`.
    [[nodiscard]] int check_invariants() const noexcept {
        if (size() > bounds_.candidates) return 41;
        if (strangers() > bounds_.strangers) return 42;
        return table_.check_invariants();
    }

private:
    using address_list = discovery::bounded_list<ip_endpoint, limits::addresses>;
    struct put_result {
        known_candidate* entry = nullptr;
        bool news = false;
    };

    static constexpr auto anybody = [](known_candidate const&) { return true; };

    /// A candidate at `where` that may be the one with this identity.
    [[nodiscard]] known_candidate* find_for(node_id const& id, ip_endpoint const& where) noexcept {
        return table_.find_at(where, [&](known_candidate const& c) { return !id || !c.id || c.id == id; });
    }
    /// A candidate that was called there, and nothing was heard so far.
    [[nodiscard]] known_candidate* find_called(ip_endpoint const& where) noexcept {
        return table_.find_at(where, [](known_candidate const& c) { return c.last.what == call_result::called; });
    }
    [[nodiscard]] static known_place* place_of(known_candidate& entry, ip_endpoint const& where) noexcept {
        for (known_place& p : entry.places) {
            if (p.where == where) return &p;
        }
        return nullptr;
    }

    /// `kept`: from a source that does not take back what it said.
    put_result put(discovery::candidate const& c, candidate_gate const& gate, bool kept, time_point now) {
        address_list usable;
        for (ip_endpoint const& where : c.addresses) {
            if (auto const why = gate.why_not(c, where))
                ++drops_[static_cast<std::size_t>(*why)];
            else if (!usable.contains(where))
                static_cast<void>(usable.push_back(where));
        }
        if (usable.empty()) return {};
        trust const standing = trust_of(c.source);
        known_candidate* into = find(c.id);
        for (std::size_t i = 0; into == nullptr && i < usable.size(); ++i) into = find_for(c.id, usable[i]);
        if (into == nullptr) {
            if (!make_room(standing, now)) {
                count(drop_reason::no_room);
                return {};
            }
            into = &table_.add(standing);
        }
        if (c.id && !into->id && standing >= into->standing) table_.set_id(*into, c.id);
        put_result made{into, false};
        for (ip_endpoint const& where : usable) made.news |= put_place(*into, where, c, kept, now);
        if (standing != trust::stranger) absorb(*into);
        table_.settle(*into);
        made.news |= describe(*into, c, standing, kept);
        if (!kept) table_.set_named(*into);
        // Who is known through members only is left to the engine.
        made.news |= !learnt_from_members.contains(c.source) && due(*into) == never;
        if (made.news) table_.set_due(*into, std::min(due(*into), now));
        return made;
    }
    /// True if the address is new to the candidate.
    bool put_place(known_candidate& entry, ip_endpoint const& where, discovery::candidate const& c, bool kept,
                   time_point now) {
        known_place* at = place_of(entry, where);
        bool const is_new = at == nullptr;
        if (is_new) {
            if (entry.places.size() == limits::addresses && !drop_place(entry, trust_of(c.source))) return false;
            at = &table_.add_place(entry, {where, {}, {}, {}, 0, {}});
        }
        if (kept) {
            at->kept.insert(c.source);
            return is_new;
        }
        if (at->answer != answer_) at->renewed = {};
        at->answer = answer_;
        at->renewed.insert(c.source);
        at->named.insert(c.source);
        duration const life = std::max(std::min(c.time_to_live, longest_life),
                                       trust_of(c.source) == trust::user ? duration::zero() : bounds_.linger);
        at->good_until = std::max(at->good_until, saturating_add(now, life));
        return is_new;
    }
    /// Drops the least trusted address if it is less so than this. False if it is not.
    bool drop_place(known_candidate& entry, trust than) {
        auto const least =
            std::min_element(entry.places.begin(), entry.places.end(), [](known_place const& a, known_place const& b) {
                return trust_of(a.sources()) < trust_of(b.sources());
            });
        if (trust_of(least->sources()) >= than) return false;
        table_.erase_place(entry, static_cast<std::size_t>(least - entry.places.begin()));
        return true;
    }
    /// Name, labels and presence: those of the most trusted source, the latest among equals.
    /// True if it is said to be back online: a reason not to wait until its turn comes.
    bool describe(known_candidate& entry, discovery::candidate const& c, trust standing, bool kept) {
        std::string_view const text = c.name.view();
        if (!text.empty() && (entry.name.empty() || standing >= entry.name_from)) {
            if (entry.name != text) entry.name = text;
            entry.name_from = standing;
        }
        if (kept) return false;
        entry.strategy = c.strategy;
        bool const first = entry.answer != answer_;
        entry.answer = answer_;
        bool back = false;
        if (first) entry.state_before = entry.state;
        if (first || (entry.state != discovery::presence::online && c.state != discovery::presence::unknown)) {
            back = c.state == discovery::presence::online && entry.state_before == discovery::presence::offline;
            if (back) entry.unanswered = 0;
            entry.state = c.state;
        }
        if (first && entry.labels != c.labels) entry.labels.clear();
        for (label const& l : c.labels) {
            if (entry.labels.size() == limits::labels) break;
            if (l.key.size() > limits::label_key || l.value.size() > limits::label_value) continue;
            if (std::find(entry.labels.begin(), entry.labels.end(), l) == entry.labels.end()) entry.labels.push_back(l);
        }
        return back;
    }
    /// Takes in other candidates that turn out to be the same: they share an address and no identity speaks against it.
    void absorb(known_candidate& into) {
        for (std::size_t i = 0; i < into.places.size(); ++i) {
            ip_endpoint const where = into.places[i].where;
            auto const same = [&](known_candidate const& c) { return &c != &into && (!c.id || !into.id); };
            while (known_candidate* const other = table_.find_at(where, same)) merge(*other, into);
        }
    }
    void merge(known_candidate& from, known_candidate& into) {
        for (known_place const& p : from.places) {
            if (known_place* const at = place_of(into, p.where)) {
                at->kept.insert(p.kept);
                at->named.insert(p.named);
                if (p.answer == at->answer) at->renewed.insert(p.renewed);
                at->good_until = std::max(at->good_until, p.good_until);
            } else if (into.places.size() < limits::addresses) {
                table_.add_place(into, p);
            }
        }
        if (from.id && !into.id) {
            node_id const id = from.id;
            table_.erase_id(from);
            table_.set_id(into, id);
        }
        if (into.name.empty() || (!from.name.empty() && from.name_from > into.name_from)) {
            into.name = from.name;
            into.name_from = from.name_from;
        }
        if (from.last.when > into.last.when) into.last = from.last;
        if (into.member == short_id{}) into.member = from.member;
        if (into.services.empty()) into.services = std::move(from.services);
        table_.set_due(into, std::min(due(into), due(from)));
        if (table_.is_named(from)) table_.set_named(into);
        table_.erase(from);
    }
    /// What members said of it, now or in an earlier life, counts for these addresses only. May leave it without any.
    void forget_learnt(known_candidate& entry, address_list const& but) {
        for (std::size_t i = entry.places.size(); i-- > 0;) {
            known_place& p = entry.places[i];
            if (but.contains(p.where)) continue;
            p.kept.erase(superseded_by_members);
            if (p.sources().empty()) table_.erase_place(entry, i);
        }
        table_.settle(entry);
    }

    /// Its own word counts now, unless that makes it one stranger too many.
    void forget_earlier_life(known_candidate& entry) {
        provenance_set others = entry.sources;
        others.erase(discovery::provenance::stored);
        if (others == entry.sources) return;
        if (trust_of(others) == trust::stranger && strangers() >= bounds_.strangers) return;
        for (known_place& p : entry.places) {
            provenance_set rest = p.sources();
            rest.erase(discovery::provenance::stored);
            if (!rest.empty()) p.kept.erase(discovery::provenance::stored);
        }
        table_.settle(entry);
    }

    /// Takes back what the strategies no longer say. True if they still stand for the candidate.
    bool retire(known_candidate& entry, time_point now) {
        provenance_set named;
        for (std::size_t i = entry.places.size(); i-- > 0;) {
            known_place& p = entry.places[i];
            if (now >= p.good_until) p.named = p.answer == answer_ ? p.renewed : provenance_set{};
            named.insert(p.named);
            if (p.sources().empty()) table_.erase_place(entry, i);
        }
        if (entry.places.empty()) {
            table_.erase(entry);
            return false;
        }
        table_.settle(entry);
        if (strangers() > bounds_.strangers) {
            // Only strangers still vouch for it, and they have their share.
            count(drop_reason::evicted);
            table_.erase(entry);
            return false;
        }
        if (!named.empty()) return true;
        entry.strategy = {};
        entry.state = discovery::presence::unknown;
        entry.labels.clear();
        return false;
    }

    [[nodiscard]] bool make_room(trust standing, time_point now) {
        bool const crowded = standing == trust::stranger && strangers() >= bounds_.strangers;
        if (size() < bounds_.candidates && !crowded) return true;
        time_point& again = look_again_[static_cast<std::size_t>(standing)];
        if (now < again) return false;
        known_candidate* victim = nullptr;
        table_.for_each([&](known_candidate& entry) {
            // In place of one of the others, a stranger would be one too many.
            if (!gives_way(entry, standing) || (crowded && entry.standing != standing)) return;
            if (victim == nullptr ||
                std::pair{entry.standing, entry.last.when} < std::pair{victim->standing, victim->last.when}) {
                victim = &entry;
            }
        });
        if (victim == nullptr) {
            again = now + std::chrono::seconds{1};
            return false;
        }
        count(drop_reason::evicted);
        table_.erase(*victim);
        return true;
    }
    [[nodiscard]] static bool gives_way(known_candidate const& entry, trust to) noexcept {
        constexpr provenance_set earlier_life{discovery::provenance::stored};
        // The last call may still be answered.
        bool const vain = entry.unanswered > 1 && entry.last.what != call_result::answered;
        if (entry.sources == earlier_life && vain) return true;
        if (entry.standing != to) return entry.standing < to;
        return entry.unanswered >= hopeless && entry.last.what != call_result::answered &&
               !entry.sources.contains(discovery::provenance::host);
    }
    void count(drop_reason why) noexcept { ++drops_[static_cast<std::size_t>(why)]; }

    book_bounds bounds_;
    candidate_table table_;
    std::size_t recalled_ = 0; ///< candidates made by `recall`
    std::uint32_t answer_ = 0;
    std::optional<duration> shortest_life_;
    std::array<time_point, 3> look_again_{};
    std::array<std::uint64_t, drop_reason_count> drops_{};
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
