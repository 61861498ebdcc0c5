// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Whom to call when: everybody while alone, a few at a time in company, the silent ones ever more rarely.
#ifndef PEERKIT_NODE_CALL_DECIDER_HPP
#define PEERKIT_NODE_CALL_DECIDER_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/gossip/budget.hpp>
#include <peerkit/node/candidate_book.hpp>
#include <peerkit/node/discovery_schedule.hpp>
#include <peerkit/node/fallback_order.hpp>
#include <peerkit/node/known_candidate.hpp>
#include <peerkit/node/provenance_set.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// Whether a candidate needs a call.
enum class candidate_standing : std::uint8_t {
    stranger,    ///< nobody alive is known there: call it
    member,      ///< somebody alive is there
    others_call, ///< it is not alive, and the engine calls it
};

/// Decides whom to call. Nobody founds a cluster: a node alone is a cluster of one, and clusters that hear of each
/// other become one, because in each of them somebody goes on calling those who are not in it.
///
/// Alone, everybody is called whose time has come, those said to be online first: one address of each at once, the
/// next ones `stagger` apart, all of them again later and later. In company `contacts_per_period` are called every
/// `contact_period`, by turns one that the user named and one of the others. Nobody is given up.
class call_decider {
public:
    /// A candidate that is a member is looked at again after this; one that nobody but members told of only once the
    /// engine has forgotten it (`candidate_book::forgotten`).
    static constexpr duration recheck = std::chrono::seconds{60};

    explicit call_decider(discovery_schedule const& numbers) noexcept
        : numbers_{numbers}, budget_{numbers.calls_per_second, numbers.calls_per_second / 2} {}

    /// When `run` is to be called.
    [[nodiscard]] time_point next() const noexcept { return next_; }
    /// There is somebody new, or one that was found before has come back.
    void hurry(time_point now) noexcept { next_ = std::min(next_, std::max(now, not_before_)); }
    /// Nobody else is alive: everybody is called, whatever the past.
    void on_isolated(candidate_book& book, time_point now) noexcept {
        book.for_each([&](known_candidate& entry) {
            book.set_due(entry, now);
            entry.unanswered = 0;
            entry.tried = 0;
        });
        next_ = not_before_ = now;
    }

    /// Calls those whose turn it is. `standing_of(known_candidate&)` gives a `candidate_standing`; it is not asked
    /// while alone. `call(ip_endpoint)` does it.
    template <Rng R, typename StandingOf, typename Call>
    void run(candidate_book& book, bool alone, time_point now, R& rng, StandingOf&& standing_of, Call&& call) {
        if (alone)
            call_all(book, now, rng, [](known_candidate&) { return candidate_standing::stranger; }, call);
        else
            call_some(book, now, rng, standing_of, call);
    }

    /// The same for a node that has just begun to listen: everybody is called although it may have company already, but
    /// for those who are members.
    template <Rng R, typename StandingOf, typename Call>
    void announce(candidate_book& book, time_point now, R& rng, StandingOf&& standing_of, Call&& call) {
        call_all(book, now, rng, standing_of, call);
    }

private:
    /// Candidates looked at per period in company; asking whether one is a member may mean walking through all.
    static constexpr std::size_t most_looks = 64;

    struct waiting {
        known_candidate* entry;
        std::size_t place;
    };

    template <Rng R, typename StandingOf, typename Call>
    void call_all(candidate_book& book, time_point now, R& rng, StandingOf&& standing_of, Call& call) {
        collect(book, now, rng, [&](known_candidate const& entry) { return book.due(entry) + handicap(entry); });
        not_before_ = now;
        for (waiting const& w : due_) {
            if (standing_of(*w.entry) != candidate_standing::stranger) {
                rest(book, *w.entry, now, rng);
                continue;
            }
            if (!budget_.take(now)) break;
            call_one(book, *w.entry, numbers_.retry_first, numbers_.retry_most, now, rng, call);
        }
        next_ = book.next_due();
        if (next_ <= now) next_ = now + numbers_.stagger; // the budget is used up
    }
    template <Rng R, typename StandingOf, typename Call>
    void call_some(candidate_book& book, time_point now, R& rng, StandingOf& standing_of, Call& call) {
        not_before_ = now + jitter(rng, numbers_.contact_period, 20);
        // Those the user named, and the others; within each the longest overdue first.
        collect(book, now, rng, [&](known_candidate const& entry) {
            return std::pair{entry.standing != trust::user, book.due(entry)};
        });
        auto const middle =
            std::find_if(due_.begin(), due_.end(), [](waiting const& w) { return w.entry->standing != trust::user; });
        auto users = due_.begin(), others = middle;
        bool users_turn = users_first_;
        std::size_t called = 0;
        for (std::size_t looks = 0; looks < most_looks && called < numbers_.contacts_per_period; ++looks) {
            if (users == middle && others == due_.end()) break;
            bool const user = others == due_.end() || (users_turn && users != middle);
            known_candidate& entry = *(user ? users++ : others++)->entry;
            if (standing_of(entry) != candidate_standing::stranger) {
                rest(book, entry, now, rng);
                continue;
            }
            ++called;
            users_turn = !user;
            call_one(book, entry, numbers_.contact_period, numbers_.contact_most, now, rng, call);
        }
        users_first_ = users_turn;
        next_ = std::max(not_before_, book.next_due());
    }
    /// Somebody alive is there.
    template <Rng R>
    static void rest(candidate_book& book, known_candidate& entry, time_point now, R& rng) {
        entry.unanswered = 0;
        book.set_due(entry, entry.sought() ? now + jitter(rng, recheck, 20) : never);
    }
    /// Calls the next address of a candidate in the order of `fallback_order`; after the last one it rests, the longer
    /// the more often in vain.
    template <Rng R, typename Call>
    void call_one(candidate_book& book, known_candidate& entry, duration first, duration most, time_point now, R& rng,
                  Call& call) {
        auto const place = fallback_order::next_place(entry);
        ip_endpoint const guess = fallback_order::guess(entry);
        ip_endpoint const where = place ? entry.places[*place].where : guess ? guess : entry.places.front().where;
        book.called(entry, where, now);
        if (place) entry.tried = static_cast<std::uint8_t>(entry.tried | 1U << *place);
        if (place && (fallback_order::next_place(entry) || guess)) {
            book.set_due(entry, now + numbers_.stagger);
        } else {
            entry.tried = 0;
            book.set_due(entry, now + jitter(rng, backed_off(first, entry.unanswered, most), 20));
            ++entry.unanswered;
        }
        call(where);
    }

    /// Those whose time has come, in ascending order of `key`, equal ones in any order.
    template <Rng R, typename Key>
    void collect(candidate_book& book, time_point now, R& rng, Key key) {
        due_.clear();
        book.for_each_due(now, [&](known_candidate& entry) { due_.push_back({&entry, 0}); });
        shuffle(std::span{due_}, rng);
        // A total order, so that every library sorts alike.
        for (std::size_t i = 0; i < due_.size(); ++i) due_[i].place = i;
        std::sort(due_.begin(), due_.end(), [&](waiting const& a, waiting const& b) {
            return std::pair{key(*a.entry), a.place} < std::pair{key(*b.entry), b.place};
        });
    }
    /// Those said to be online come first, and what is found now before what is only remembered; the others do not wait
    /// for ever, however many there are.
    [[nodiscard]] static duration handicap(known_candidate const& entry) noexcept {
        bool const remembered = entry.sources == provenance_set{discovery::provenance::stored};
        switch (entry.state) {
        case discovery::presence::online: return {};
        case discovery::presence::unknown: return std::chrono::milliseconds{remembered ? 7500 : 5000};
        case discovery::presence::offline: return std::chrono::seconds{10};
        }
        return {};
    }

    discovery_schedule numbers_;
    gossip::token_bucket budget_;
    time_point next_ = never;
    time_point not_before_{}; ///< in company, when the next period begins
    bool users_first_ = true;
    std::vector<waiting> due_; ///< empty between runs, but for its memory
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
