// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Strategies that do anything their shape allows, at random, inside combinators nested at random: the rules hold.
#include <peerkit/discovery/all_of.hpp>
#include <peerkit/discovery/any_strategy.hpp>
#include <peerkit/discovery/filtered.hpp>
#include <peerkit/discovery/first_of.hpp>
#include <peerkit/discovery/keep_last_good.hpp>
#include <peerkit/discovery/with_retry.hpp>
#include <peerkit/discovery/with_timeout.hpp>

#include "support/scripted_strategy.hpp"

#include <peerkit/core/rng.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace discovery = peerkit::discovery;
using discovery::any_strategy;
using discovery::discovery_error;
using discovery::effect;
using discovery::outcome;
using discovery::step;
using discovery::ticket;
using peerkit::duration;
using peerkit::seeded_rng;
using peerkit::time_point;
using peerkit::uniform;
using namespace std::chrono_literals;

namespace {

/// What the strategies of one tree believe to be under way: which read (each has a path of its own) is whose.
struct ledger {
    std::map<std::string, int> waiting{};
    int paths = 0, leaves = 0;
    int begun = 0, resumed = 0, ended = 0, stalled = 0, cancelled = 0; ///< that each of them happens
    std::string complaint{};                                           ///< the first one
    void complain(std::string what) {
        if (complaint.empty()) complaint = std::move(what);
    }
};

/// Asks, cancels, waits, gives notice, finds, fails and gets stuck at random, with tickets of any size; ends within
/// a dozen steps.
class erratic {
public:
    erratic(std::uint64_t seed, std::shared_ptr<ledger> book)
        : rng_{seed}, book_{std::move(book)}, id_{++book_->leaves}, name_{"leaf" + std::to_string(id_)} {}

    [[nodiscard]] std::string_view name() const noexcept { return name_; }
    [[nodiscard]] step begin(time_point now) {
        ++book_->begun;
        std::erase_if(book_->waiting, [this](auto const& w) { return w.second == id_; });
        under_way_.clear();
        steps_ = 0;
        running_ = true;
        return anything(now);
    }
    [[nodiscard]] step resume(ticket which, outcome got, time_point now) {
        ++book_->resumed;
        if (!running_) book_->complain(name_ + " was resumed after its end");
        auto const found = under_way_.find(which);
        if (found == under_way_.end()) {
            book_->complain(name_ + " heard of a ticket that it does not have under way");
            return step::failed(discovery_error::unexpected_answer);
        }
        auto const* text = std::get_if<discovery::file_text>(&got);
        if (text == nullptr || text->text != found->second)
            book_->complain(name_ + " got the outcome of another effect");
        book_->waiting.erase(found->second);
        under_way_.erase(found);
        return anything(now);
    }

private:
    [[nodiscard]] step anything(time_point) {
        step next = step::wait();
        if (one_in(4))
            next = std::move(next).with({discovery::notice::severity::info, discovery_error::stalled, name_});
        if (++steps_ > 12 || one_in(6)) return end(std::move(next));
        // Cancelled before anything is begun, so the ticket is free to be used at once.
        std::optional<ticket> freed;
        if (!under_way_.empty() && one_in(3)) {
            auto const victim = std::next(under_way_.begin(), static_cast<std::ptrdiff_t>(below(under_way_.size())));
            freed = victim->first;
            next.cancel(victim->first);
            ++book_->cancelled;
            book_->waiting.erase(victim->second);
            under_way_.erase(victim);
        }
        if (one_in(10)) next.cancel(0xdeadbeef); // never asked for: no harm
        std::size_t const more = under_way_.empty() && !one_in(30) ? 1 + below(5) : below(3);
        for (std::size_t i = 0; i < more; ++i) {
            ticket const id = freed && i == 0 ? *freed : static_cast<ticket>(one_in(2) ? below(8) : rng_());
            if (under_way_.count(id) != 0) continue;
            std::string path = name_ + "/" + std::to_string(++book_->paths);
            next.ask_also(id, discovery::read_file{.path = path});
            book_->waiting.emplace(path, id_);
            under_way_.emplace(id, std::move(path));
        }
        if (under_way_.empty()) {
            ++book_->stalled;
            running_ = false;
        }
        return next;
    }
    [[nodiscard]] step end(step said) {
        ++book_->ended;
        running_ = false;
        for (auto const& [id, path] : under_way_) book_->waiting.erase(path); // whoever runs it has to cancel them
        under_way_.clear();
        bool const fails = one_in(2);
        auto const count = static_cast<std::uint8_t>(below(4)), first = static_cast<std::uint8_t>(1 + below(20));
        step last = fails ? step::failed(peerkit::error{discovery_error::server_failed, 2})
                          : step::found(peerkit_test::crowd(count, first));
        if (one_in(3)) last = std::move(last).watching(discovery::watch_file{.path = name_});
        return std::move(last).with(std::move(said.notices()));
    }
    [[nodiscard]] std::size_t below(std::size_t bound) {
        return static_cast<std::size_t>(uniform(rng_, std::uint64_t{bound}));
    }
    [[nodiscard]] bool one_in(std::size_t chance) { return below(chance) == 0; }

    seeded_rng rng_;
    std::shared_ptr<ledger> book_;
    int id_;
    std::string name_;
    std::map<ticket, std::string> under_way_{};
    int steps_ = 0;
    bool running_ = false;
};
static_assert(discovery::check_strategy<erratic>());

duration up_to(seeded_rng& rng, duration most) { return uniform(rng, most); }

any_strategy grow(seeded_rng& rng, std::shared_ptr<ledger> const& book, unsigned depth) {
    if (depth == 0) return erratic{rng(), book};
    // One after the other: compilers differ in the order in which they evaluate arguments.
    any_strategy a = grow(rng, book, depth - 1);
    any_strategy b = grow(rng, book, depth - 1);
    any_strategy c = grow(rng, book, depth - 1);
    duration const some_time = up_to(rng, 20s);
    switch (uniform(rng, std::uint64_t{8})) {
    case 0: return discovery::first_of{std::move(a), std::move(b)};
    case 1: return discovery::first_of{std::move(a), std::move(b), std::move(c)};
    case 2: return discovery::all_of{std::move(a), std::move(b)};
    case 3: return discovery::all_of{std::move(a), std::move(b), std::move(c)};
    case 4:
        return discovery::with_retry{
            std::move(a), {.base = some_time / 4, .attempts = 3, .on_empty = true}, rng.split()};
    case 5: return discovery::with_timeout{std::move(a), some_time};
    case 6: return discovery::keep_last_good{std::move(a), {.max_times = 2, .doubt_losses_above = 50}};
    default:
        return discovery::filtered{std::move(a), [](discovery::candidate& found) {
                                       return found.addresses.front().address != peerkit::ip_address::v4(192, 0, 2, 3);
                                   }};
    }
}

/// Plays the driver of `rounds` runs, some of them abandoned, in virtual time.
void drive(any_strategy& strategy, ledger& book, seeded_rng& rng, int rounds) {
    struct pending {
        ticket id;
        time_point due;
        std::string path; ///< of a read; empty: a wait
    };
    time_point now{};
    for (int round = 0; round < rounds; ++round) {
        std::vector<pending> under_way;
        int stalled_before = book.stalled;
        step next = strategy.begin(now);
        std::size_t const abandon_after = static_cast<std::size_t>(uniform(rng, std::uint64_t{60}));
        std::size_t steps = 0;
        for (;; ++steps) {
            REQUIRE_MESSAGE(steps < 100'000, "the run never ends");
            if (next.ended()) {
                REQUIRE(next.requests().empty());
                REQUIRE(next.cancelled().empty());
                REQUIRE_MESSAGE(book.complaint.empty(), book.complaint);
                break;
            }
            for (ticket const id : next.cancelled()) {
                auto const gone = std::erase_if(under_way, [id](pending const& p) { return p.id == id; });
                // A leaf alone, or behind combinators that change nothing on the way, may cancel what it never had.
                REQUIRE((gone == 1 || id == 0xdeadbeef));
            }
            for (discovery::request& r : next.requests()) {
                REQUIRE(
                    std::none_of(under_way.begin(), under_way.end(), [&](pending const& p) { return p.id == r.id; }));
                if (auto const* wait = std::get_if<discovery::wait_until>(&r.what)) {
                    under_way.push_back({r.id, std::max(now, wait->at), {}});
                } else {
                    under_way.push_back({r.id, now + up_to(rng, 10s), std::get<discovery::read_file>(r.what).path});
                }
            }
            // Whatever is still being read has a strategy that waits for it.
            for (pending const& p : under_way) {
                if (!p.path.empty() && book.waiting.count(p.path) == 0) book.complain(p.path + " is read for nobody");
            }
            REQUIRE_MESSAGE(book.complaint.empty(), book.complaint);
            if (under_way.empty()) {
                // A leaf that got stuck, with nothing around it that would notice: the driver's to end.
                REQUIRE_MESSAGE(book.stalled > stalled_before, "effects were lost on the way");
                break;
            }
            if (steps == abandon_after) break;
            auto const first = std::min_element(under_way.begin(), under_way.end(),
                                                [](pending const& a, pending const& b) { return a.due < b.due; });
            pending const done = std::move(*first);
            under_way.erase(first);
            now = std::max(now, done.due);
            stalled_before = book.stalled;
            next = strategy.resume(
                done.id,
                done.path.empty() ? outcome{discovery::elapsed{}} : outcome{discovery::file_text{done.path, {}}}, now);
        }
        now += 30s;
    }
}

TEST_CASE("in any nesting tickets are unique, outcomes reach who asked, and nothing is left under way") {
    ledger all;
    std::size_t dropped = 0;
    for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
        CAPTURE(seed);
        seeded_rng rng{seed};
        auto const book = std::make_shared<ledger>();
        any_strategy tree = grow(rng, book, static_cast<unsigned>(uniform(rng, std::uint64_t{5})));
        any_strategy const& named = tree;
        REQUIRE_FALSE(named.name().empty());
        drive(tree, *book, rng, 4);
        all.begun += book->begun;
        all.resumed += book->resumed;
        all.ended += book->ended;
        all.stalled += book->stalled;
        all.cancelled += book->cancelled;
        dropped += book->waiting.size(); // of runs that were given up: never heard of again
    }
    CHECK(all.begun > 5'000);
    CHECK(all.resumed > 10'000);
    CHECK(all.ended > 2'000);
    CHECK(all.stalled > 100);
    CHECK(all.cancelled > 1'000);
    CHECK(dropped > 100);
}

} // namespace
