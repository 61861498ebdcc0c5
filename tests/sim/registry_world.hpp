// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A root, its secondaries and their clients in virtual time: loss, partitions, crashes, disks that keep what is stored.
#ifndef PEERKIT_TESTS_SIM_REGISTRY_WORLD_HPP
#define PEERKIT_TESTS_SIM_REGISTRY_WORLD_HPP

#include <peerkit/crypto/fake.hpp>
#include <peerkit/registry/registry_logic.hpp>

#include "support/registrants.hpp"
#include "support/registry_disk.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace registries {

using namespace peerkit;
using namespace peerkit::registry;
using namespace std::chrono_literals;

using disk = tests::registry_disk;
using logic_type = registry_logic<crypto::fake_identity, seeded_rng>;

/// Events in order of time; of one moment in the order they were made.
class timeline {
public:
    [[nodiscard]] time_point now() const noexcept { return now_; }
    [[nodiscard]] moment at() const noexcept {
        return {now_, 1'700'000'000'000 +
                          std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch()).count()};
    }
    void after(duration delay, std::function<void()> what) {
        events_.emplace(std::pair{saturating_add(now_, delay), ++made_}, std::move(what));
    }
    [[nodiscard]] std::uint64_t made() const noexcept { return made_; }
    void run_until(time_point end) {
        while (!events_.empty() && events_.begin()->first.first <= end) {
            auto next = events_.extract(events_.begin());
            now_ = next.key().first;
            next.mapped()();
        }
        now_ = end;
    }

private:
    std::map<std::pair<time_point, std::uint64_t>, std::function<void()>> events_;
    time_point now_ = time_point{} + 1h;
    std::uint64_t made_ = 0;
};

/// What a client's request is answered with.
struct reply {
    result<write_answer> answer;
    challenge_bytes challenge{};
    registry_condition condition{};
};

/// One registry process: a logic while it runs, its disk always, and who waits for it.
struct server {
    std::size_t number = 0; ///< 0: the root
    registry_options options{};
    disk kept{};
    std::unique_ptr<logic_type> logic{};
    std::uint64_t life = 0; ///< what was begun in another life is void
    time_point wakes = never;
    std::map<std::uint64_t, std::function<void(result<write_answer>)>> tickets{};
    struct parked {
        change_cursor cursor{};
        caller from{};
        time_point until{};
        std::function<void(result<change_page>)> answer{};
    };
    std::vector<parked> polls{};
};

struct world_options {
    std::size_t secondaries = 3;
    std::uint32_t loss_per_million = 0;
    /// Chance that a process ends between deciding and storing, of each input, while `fragile`.
    std::uint32_t torn_per_million = 2'000;
};

class world {
public:
    explicit world(std::uint64_t seed, world_options const& o = {}) : options_{o}, rng_{seed} {
        for (std::size_t i = 0; i <= o.secondaries; ++i) {
            server& s = *servers_.emplace_back(std::make_unique<server>());
            s.number = i;
            s.options.role = i == 0 ? registry_role::root : registry_role::secondary;
            s.options.name = "registry" + std::to_string(i);
            s.options.token = "token";
            s.options.page_rows = 5;
            start(i);
        }
    }

    timeline time{};
    bool fragile = false;
    std::set<std::size_t> cut{};          ///< secondaries that do not reach the root
    std::vector<std::string> wrong{};     ///< what must never happen and did
    std::uint64_t torn = 0, restarts = 0; ///< deaths between deciding and storing; lives after the first

    [[nodiscard]] std::size_t size() const noexcept { return servers_.size(); }
    [[nodiscard]] server& at(std::size_t i) noexcept { return *servers_[i]; }
    [[nodiscard]] seeded_rng& rng() noexcept { return rng_; }
    void run(duration d) { time.run_until(time.now() + d); }

    void crash(std::size_t i) {
        server& s = at(i);
        s.logic.reset();
        ++s.life;
        s.tickets.clear(), s.polls.clear();
        s.wakes = never;
    }
    /// @param from_snapshot see `registry_logic::start`
    void start(std::size_t i, bool from_snapshot = false) {
        server& s = at(i);
        if (s.logic) return;
        if (++s.life > 1) ++restarts;
        s.logic = std::make_unique<logic_type>(s.options, seeded_rng{rng_()}, time.now());
        input(i, [&](logic_type& logic, registry_outbox& out) {
            if (!logic.start(s.kept.load(), from_snapshot, time.at(), out))
                wrong.push_back("a stored state is refused");
        });
    }

    /// A client asks registry `i`; the answer may never come.
    void ask(std::size_t i, registration asked, std::function<void(reply)> then) {
        travel([this, i, asked = std::move(asked), then = std::move(then)] {
            serve_write(
                i,
                [asked](logic_type& logic, moment const& at, registry_outbox& out) {
                    return logic.register_node(registration{asked}, client(), at, out);
                },
                wire::record_view::trusted(asked.record).id(), then);
        });
    }
    void ask(std::size_t i, deregistration asked, std::function<void(reply)> then) {
        travel([this, i, asked, then = std::move(then)] {
            serve_write(
                i,
                [asked](logic_type& logic, moment const& at, registry_outbox& out) {
                    return logic.deregister(asked, client(), at, out);
                },
                asked.id, then);
        });
    }
    void ask(std::size_t i, heartbeat asked, std::function<void(reply)> then) {
        travel([this, i, asked, then = std::move(then)] {
            serve_write(
                i,
                [asked](logic_type& logic, moment const& at, registry_outbox& out) -> result<submitted> {
                    auto answer = logic.beat(asked, at, out);
                    if (!answer) return fail(answer.error());
                    return submitted{*answer};
                },
                asked.id, then);
        });
    }

    /// Everybody holds what the root holds, and nothing waits.
    [[nodiscard]] bool converged() {
        if (!at(0).logic) return false;
        auto const& root = at(0).logic->table();
        for (auto const& s : servers_) {
            if (!s->logic || s->logic->queued() != 0) return false;
            auto const& table = s->logic->table();
            if (table.epoch() != root.epoch() || table.version() != root.version() || table.hash() != root.hash()) {
                return false;
            }
        }
        return true;
    }
    void check_tables() {
        for (auto const& s : servers_) {
            if (!s->logic) continue;
            auto const fault = s->logic->table().check_invariants();
            if (fault != table_fault::none) {
                wrong.push_back("table of " + s->options.name + ": fault " + std::to_string(static_cast<int>(fault)));
            }
        }
    }

private:
    static caller client() { return {.source = ip_address::v4(127, 0, 0, 1)}; }

    /// On its way for 1 to 50 ms, or lost.
    void travel(std::function<void()> what) {
        if (happens(rng_, options_.loss_per_million)) return;
        time.after(1ms + uniform(rng_, duration{49ms}), std::move(what));
    }
    /// Between a secondary and the root.
    void travel_between(std::size_t secondary, std::function<void()> what) {
        if (cut.count(secondary) != 0) return;
        travel([this, secondary, what = std::move(what)] {
            if (cut.count(secondary) == 0) what();
        });
    }

    /// Gives an input, stores, answers, begins requests. False if the process ended before anything was stored.
    template <typename F>
    bool input(std::size_t i, F&& give) {
        server& s = at(i);
        if (!s.logic) return false;
        registry_outbox out;
        give(*s.logic, out);
        s.logic->poll(time.at(), out);
        if (fragile && happens(rng_, options_.torn_per_million)) {
            ++torn;
            crash(i);
            time.after(2s, [this, i] { start(i); });
            return false;
        }
        for (auto const& change : out.changes) s.kept.store(change);
        for (auto& late : out.answers) {
            auto const waiting = s.tickets.extract(static_cast<std::uint64_t>(late.ticket));
            if (!waiting.empty()) waiting.mapped()(std::move(late.answer));
        }
        for (auto const& request : out.requests) std::visit([&](auto const& r) { begin(s, r); }, request);
        serve_polls(i);
        wake_later(i);
        return true;
    }
    void wake_later(std::size_t i) {
        server& s = at(i);
        time_point const next = s.logic->next_deadline();
        if (next == never || (s.wakes > time.now() && s.wakes <= next)) return;
        s.wakes = next;
        time.after(std::max(next - time.now(), duration{1ms}), [this, i, life = s.life] {
            server& woken = at(i);
            if (woken.life != life) return;
            woken.wakes = never;
            input(i, [](logic_type&, registry_outbox&) {});
        });
    }

    template <typename Write>
    void serve_write(std::size_t i, Write const& write, node_id const& id, std::function<void(reply)> const& then) {
        server& s = at(i);
        if (!s.logic) return;
        std::optional<result<submitted>> outcome;
        registry_condition condition;
        challenge_bytes challenge{};
        if (!input(i, [&](logic_type& logic, registry_outbox& out) {
                outcome = write(logic, time.at(), out);
                condition = logic.condition(time.now());
                challenge = logic.challenge_for(id, time.now());
                if (*outcome && std::holds_alternative<write_ticket>(**outcome)) {
                    s.tickets[static_cast<std::uint64_t>(std::get<write_ticket>(**outcome))] =
                        [this, then, condition](result<write_answer> answer) {
                            travel([then, answer, condition] { then({answer, {}, condition}); });
                        };
                }
            })) {
            return;
        }
        if (!*outcome) {
            travel([then, why = outcome->error(), challenge, condition] { then({fail(why), challenge, condition}); });
        } else if (auto const* now = std::get_if<write_answer>(&**outcome)) {
            travel([then, answer = *now, condition] { then({answer, {}, condition}); });
        }
    }

    /// Runs `request` at the root and gives its answer to `answered` at the secondary, or `root_unavailable` after
    /// `timeout`. Exactly once.
    template <typename T>
    void call_root(server& from, duration timeout, std::function<void(std::function<void(result<T>)>)> request,
                   std::function<void(result<T>)> answered) {
        auto const done = std::make_shared<bool>(false);
        std::size_t const i = from.number;
        auto const once = [this, done, i, life = from.life, answered = std::move(answered)](result<T> answer) {
            if (std::exchange(*done, true) || at(i).life != life) return;
            answered(std::move(answer));
        };
        time.after(timeout, [once] { once(fail(registry_error::root_unavailable)); });
        bool const refused = cut.count(i) == 0 && !at(0).logic; // nobody listens: that is said at once
        if (refused) return time.after(1ms, [once] { once(fail(registry_error::root_unavailable)); });
        travel_between(i, [this, i, request = std::move(request), once] {
            request([this, i, once](result<T> answer) {
                travel_between(i, [once, answer = std::move(answer)]() mutable { once(std::move(answer)); });
            });
        });
    }
    [[nodiscard]] caller replica_of(server const& s) const {
        return {.source = ip_address::v4(192, 0, 2, static_cast<std::uint8_t>(s.number)), .replica = s.options.name};
    }
    void begin(server& s, fetch_changes const& asked) {
        caller const from = replica_of(s);
        call_root<change_page>(
            s, asked.timeout,
            [this, from, asked](auto answer) {
                input(0, [&](logic_type&, registry_outbox&) {
                    at(0).polls.push_back({asked.cursor, from, time.now() + asked.wait, std::move(answer)});
                });
                time.after(asked.wait + 1ms, [this] { input(0, [](logic_type&, registry_outbox&) {}); });
            },
            [this, i = s.number, number = asked.number](result<change_page> page) {
                input(i, [&](logic_type& logic, registry_outbox& out) {
                    (void)logic.on_page(number, std::move(page), time.at(), out);
                });
            });
    }
    void serve_polls(std::size_t i) {
        server& s = at(i);
        if (!s.logic) return;
        for (std::size_t n = 0; n < s.polls.size();) {
            auto view = s.logic->changes(s.polls[n].cursor, s.polls[n].from, time.now());
            bool const nothing = view && view->rows.empty() && view->removed.empty();
            if (nothing && s.polls[n].until > time.now()) {
                ++n;
                continue;
            }
            auto const poll = std::move(s.polls[n]);
            s.polls.erase(s.polls.begin() + static_cast<std::ptrdiff_t>(n));
            if (view) {
                poll.answer(view->to_page());
            } else {
                poll.answer(fail(view.error()));
            }
        }
    }
    void begin(server& s, forward_write const& asked) {
        caller const from = replica_of(s);
        // In order: of one life, none before one that was sent earlier.
        call_root<write_answer>(
            s, asked.timeout,
            [this, from, life = s.life, write = asked.write](auto answer) {
                std::optional<result<write_answer>> outcome;
                if (!input(0, [&](logic_type& logic, registry_outbox& out) {
                        auto const taken =
                            std::holds_alternative<registration>(write.what)
                                ? logic.register_node(registration{std::get<registration>(write.what)}, from, time.at(),
                                                      out)
                                : logic.deregister(std::get<deregistration>(write.what), from, time.at(), out);
                        if (!taken) {
                            outcome = fail(taken.error());
                        } else {
                            outcome = std::get<write_answer>(*taken);
                            std::uint64_t& last = replayed_[{from.replica, life}];
                            if (write.number < last) wrong.push_back("a queue was replayed out of order");
                            last = write.number;
                        }
                    })) {
                    return;
                }
                answer(*outcome);
            },
            [this, i = s.number, number = asked.write.number](result<write_answer> answer) {
                input(i, [&](logic_type& logic, registry_outbox& out) {
                    (void)logic.on_forwarded(number, answer, time.at(), out);
                });
            });
    }
    void begin(server& s, forward_beats const& asked) {
        caller const from = replica_of(s);
        call_root<bool>(
            s, asked.timeout,
            [this, from, nodes = asked.nodes](auto answer) {
                if (input(0, [&](logic_type& logic, registry_outbox& out) {
                        (void)logic.beats(nodes, from, time.at(), out);
                    })) {
                    answer(true);
                }
            },
            [this, i = s.number, number = asked.number](result<bool> answer) {
                input(i, [&](logic_type& logic, registry_outbox&) {
                    result<void> const taken = answer ? result<void>{} : fail(answer.error());
                    (void)logic.on_beats_forwarded(number, taken, time.at());
                });
            });
    }

    world_options options_;
    seeded_rng rng_;
    std::vector<std::unique_ptr<server>> servers_;
    std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> replayed_; ///< last write of each life
};

/// A node that keeps itself registered, at one registry and, when that does not answer, at the next.
class client : public std::enable_shared_from_this<client> {
public:
    enum class manner : std::uint8_t {
        faithful, ///< beats every 30 seconds
        silent,   ///< registers until it is told that it is, then says nothing more
    };

    client(world& w, std::uint64_t number, std::size_t registry, manner m = manner::faithful)
        : world_{w}, node_{number}, registry_{registry}, manner_{m} {}

    tests::registrant const& node() const noexcept { return node_; }
    [[nodiscard]] bool acknowledged() const noexcept { return lease_.has_value(); }
    [[nodiscard]] std::uint64_t acknowledged_incarnation() const noexcept { return acknowledged_; }
    [[nodiscard]] time_point acknowledged_at() const noexcept { return acknowledged_at_; }
    [[nodiscard]] bool stays() const noexcept { return stays_; }
    [[nodiscard]] std::uint64_t unanswered() const noexcept { return unanswered_; }
    bool moves = true; ///< to the next registry when this one does not answer

    void begin() { step(); }
    /// Has something else to say from now on.
    void change() {
        ++node_.incarnation;
        node_.me.version = "v" + std::to_string(node_.incarnation);
        lease_.reset();
        stays_ = true;
        step();
    }
    void leave() {
        stays_ = false;
        if (!lease_) return;
        ++turn_;
        attempt(deregistration{node_.id(), *lease_}, [](client& c, reply const& r) {
            if (r.answer || r.answer.error() == registry_error::unknown_node) {
                c.lease_.reset();
            } else {
                c.later(1s, [](client& again) { again.leave(); });
            }
        });
    }

private:
    void step() {
        if (!stays_) return;
        ++turn_;
        if (!lease_) {
            send_registration({});
        } else if (manner_ == manner::faithful) {
            attempt(heartbeat{node_.id(), *lease_}, [](client& c, reply const& r) {
                if (!r.answer && r.answer.error() == registry_error::unknown_node) {
                    c.lease_.reset();
                    c.step();
                } else {
                    c.later(27s + uniform(c.world_.rng(), duration{6s}), &client::step_of);
                }
            });
        }
    }
    static void step_of(client& c) { c.step(); }

    void send_registration(std::vector<std::byte> proof) {
        registration asked = node_.asks();
        asked.proof = std::move(proof);
        attempt(std::move(asked), [incarnation = node_.incarnation](client& c, reply const& r) {
            if (r.answer) {
                c.lease_ = r.answer->lease;
                c.acknowledged_ = incarnation;
                c.acknowledged_at_ = c.world_.time.now();
                c.later(27s + uniform(c.world_.rng(), duration{6s}), &client::step_of);
            } else if (r.answer.error() == registry_error::challenge) {
                c.send_registration(c.node_.prove(r.challenge));
            } else {
                c.later(1s + uniform(c.world_.rng(), duration{4s}), &client::step_of);
            }
        });
    }
    /// Sends, and hands the answer on if nothing else was begun since; without one the next registry's turn comes.
    template <typename Asked, typename Then>
    void attempt(Asked asked, Then then) {
        auto const self = shared_from_this();
        auto const turn = ++turn_;
        world_.ask(registry_, std::move(asked), [self, turn, then](reply const& r) {
            if (self->turn_ != turn) return;
            ++self->turn_;
            then(*self, r);
        });
        world_.time.after(5s, [self, turn] {
            if (self->turn_ != turn) return;
            ++self->unanswered_;
            if (self->moves) self->registry_ = (self->registry_ + 1) % self->world_.size();
            if (self->stays_) {
                self->step();
            } else {
                self->leave();
            }
        });
    }
    template <typename Then>
    void later(duration d, Then then) {
        auto const self = shared_from_this();
        world_.time.after(d, [self, turn = turn_, then] {
            if (self->turn_ == turn) then(*self);
        });
    }

    world& world_;
    tests::registrant node_;
    std::size_t registry_;
    manner manner_;
    std::optional<lease_id> lease_{};
    std::uint64_t acknowledged_ = 0;
    time_point acknowledged_at_{};
    std::uint64_t turn_ = 0, unanswered_ = 0;
    bool stays_ = true;
};

} // namespace registries

#endif
