// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A few real engines on a small virtual network with a drop filter; every packet can be recorded.
#ifndef PEERKIT_TESTS_SUPPORT_CLUSTER_HPP
#define PEERKIT_TESTS_SUPPORT_CLUSTER_HPP

#include <peerkit/gossip/engine.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "event_language.hpp"
#include "puppet.hpp"
#include "stage.hpp"

namespace tests {

class cluster {
public:
    struct recorded {
        std::size_t to = 0;
        peerkit::ip_endpoint from{};
        bytes frame{};
    };
    struct node {
        std::unique_ptr<fake_engine> engine;
        peerkit::gossip::outbox out;
        event_language language;
        std::vector<peerkit::gossip::event> events;
        std::uint64_t stored = 0; ///< the highest incarnation it asked to keep
        bool up = false;
    };

    explicit cluster(std::size_t count, peerkit::gossip::tunables const& t = peerkit::gossip::lan()) : tunables_{t} {
        nodes_.resize(count);
        for (std::size_t i = 0; i < count; ++i) start(i, 1);
    }

    [[nodiscard]] fake_engine& operator[](std::size_t i) { return *nodes_[i].engine; }
    [[nodiscard]] node& at(std::size_t i) { return nodes_[i]; }
    [[nodiscard]] std::size_t size() const { return nodes_.size(); }
    [[nodiscard]] peerkit::time_point now() const { return now_; }
    [[nodiscard]] static peerkit::ip_endpoint where(std::size_t i) { return address_of(i + 1); }

    /// Starts node `i`, again if it ran before. Its peers keep what they hold.
    void start(std::size_t i, std::uint64_t incarnation) {
        node& n = nodes_[i];
        n.language = {};
        n.events.clear();
        auto options = with(tunables_, incarnation);
        options.self = description_of(i + 1);
        n.engine = std::make_unique<fake_engine>(peerkit::crypto::fake_identity{i + 1}, world_keys{}.sealing,
                                                 peerkit::seeded_rng{i * 31 + incarnation}, options);
        n.up = n.engine->start(now_, n.out).has_value();
        carry_out(i);
    }
    /// It stops without a word; its streams break.
    void crash(std::size_t i) {
        nodes_[i].up = false;
        for (auto const& [end, other] : std::map{links_}) {
            if (end.first == i) close(end);
        }
    }
    void join(std::size_t i, std::size_t through) {
        (void)nodes_[i].engine->join(where(through), now_, nodes_[i].out);
        carry_out(i);
    }
    /// All join through node 0.
    void join_all() {
        for (std::size_t i = 1; i < nodes_.size(); ++i) join(i, 0);
    }
    template <typename F>
    void call(std::size_t i, F&& f) {
        f(*nodes_[i].engine, now_, nodes_[i].out);
        carry_out(i);
    }
    /// Hands node `i` a datagram at this moment.
    void deliver(std::size_t i, bytes frame, peerkit::ip_endpoint const& from) {
        if (!nodes_[i].up) return;
        nodes_[i].engine->on_datagram(frame, from, now_, nodes_[i].out);
        carry_out(i);
    }

    void run_for(peerkit::duration time) {
        peerkit::time_point const end = now_ + time;
        while (step(end)) {}
        now_ = end;
    }
    template <typename Condition>
    bool run_until(Condition&& holds, peerkit::duration most) {
        peerkit::time_point const end = now_ + most;
        while (!holds()) {
            if (!step(end)) return false;
        }
        return true;
    }

    [[nodiscard]] std::optional<member_state> sees(std::size_t observer, std::size_t subject) const {
        auto const found = nodes_[observer].engine->find(peerkit::crypto::fake_identity{subject + 1}.id());
        return found ? std::optional{found->state()} : std::nullopt;
    }
    /// Every running node sees every running node as alive and nobody else.
    [[nodiscard]] bool all_see_all() const {
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            for (std::size_t s = 0; nodes_[i].up && s < nodes_.size(); ++s) {
                bool const alive = sees(i, s) == member_state::alive;
                if (alive != nodes_[s].up) return false;
            }
        }
        return true;
    }
    [[nodiscard]] bool all_see(std::size_t subject, member_state state) const {
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            if (i != subject && nodes_[i].up && sees(i, subject) != state) return false;
        }
        return true;
    }
    [[nodiscard]] std::size_t count(event_kind kind) const {
        std::size_t found = 0;
        for (node const& n : nodes_) {
            found += static_cast<std::size_t>(std::count_if(
                n.events.begin(), n.events.end(), [&](peerkit::gossip::event const& e) { return e.kind == kind; }));
        }
        return found;
    }
    [[nodiscard]] std::size_t count(std::size_t i, event_kind kind, std::size_t subject) const {
        auto const id = peerkit::crypto::fake_identity{subject + 1}.id();
        auto const fits = [&](peerkit::gossip::event const& e) { return e.kind == kind && e.subject == id; };
        return static_cast<std::size_t>(std::count_if(nodes_[i].events.begin(), nodes_[i].events.end(), fits));
    }
    [[nodiscard]] std::uint64_t digest(std::size_t i) const { return state_digest(*nodes_[i].engine); }

    /// True for a datagram that is lost. Streams are dialled in vain where `blocks_stream` holds.
    std::function<bool(std::size_t from, std::size_t to)> drops{};
    std::function<bool(std::size_t from, std::size_t to)> blocks_stream{};
    std::vector<recorded>* tape = nullptr; ///< where delivered datagrams are recorded, if anywhere
    std::string fault;                     ///< the first thing that went against an invariant
    peerkit::duration latency = 1ms;

private:
    using stream_end = std::pair<std::size_t, peerkit::gossip::stream_id>;

    void after(peerkit::duration delay, std::function<void()> what) {
        queue_.emplace(std::pair{now_ + delay, ++sequence_}, std::move(what));
    }
    /// Carries out what is next, up to `end`; false if nothing is.
    bool step(peerkit::time_point end) {
        peerkit::time_point next = peerkit::never;
        std::size_t who = nodes_.size();
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            if (!nodes_[i].up || nodes_[i].engine->next_deadline() >= next) continue;
            next = nodes_[i].engine->next_deadline();
            who = i;
        }
        if (!queue_.empty() && queue_.begin()->first.first <= next) {
            if (queue_.begin()->first.first > end) return false;
            now_ = std::max(now_, queue_.begin()->first.first);
            auto const what = std::move(queue_.begin()->second);
            queue_.erase(queue_.begin());
            what();
            return true;
        }
        if (next > end || who == nodes_.size()) return false;
        spins_ = next <= now_ ? spins_ + 1 : 0;
        if (spins_ > 1000) {
            if (fault.empty()) fault = "a timer stands still";
            return false;
        }
        now_ = std::max(now_, next);
        nodes_[who].engine->on_tick(now_, nodes_[who].out);
        carry_out(who);
        return true;
    }
    [[nodiscard]] std::optional<std::size_t> at_address(peerkit::ip_endpoint const& to) const {
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            if (where(i) == to) return i;
        }
        return std::nullopt;
    }
    void send(std::size_t i, peerkit::gossip::action const& a) {
        auto const to = at_address(a.to);
        if (!to || (drops && drops(i, *to))) return;
        after(latency, [this, i, to = *to, frame = bytes{a.bytes.begin(), a.bytes.end()}] {
            if (tape != nullptr && nodes_[to].up) tape->push_back({to, where(i), frame});
            deliver(to, frame, where(i));
        });
    }
    void dial(std::size_t i, peerkit::gossip::action const& a) {
        auto const to = at_address(a.to);
        after(latency, [this, i, id = a.stream, to] {
            auto const refused = [&] {
                nodes_[i].engine->on_stream_closed(id, std::nullopt, now_, nodes_[i].out);
                carry_out(i);
            };
            if (!nodes_[i].up) return;
            if (!to || !nodes_[*to].up || (blocks_stream && blocks_stream(i, *to))) return refused();
            auto const accepted = nodes_[*to].engine->on_stream_accepted(where(i), now_, nodes_[*to].out);
            carry_out(*to);
            if (!accepted) return refused();
            links_[{i, id}] = {*to, *accepted};
            links_[{*to, *accepted}] = {i, id};
            nodes_[i].engine->on_stream_opened(id, now_, nodes_[i].out);
            carry_out(i);
        });
    }
    void close(stream_end end) {
        auto const found = links_.find(end);
        if (found == links_.end()) return;
        stream_end const other = found->second;
        links_.erase(end);
        links_.erase(other);
        after(latency, [this, other] {
            if (!nodes_[other.first].up) return;
            nodes_[other.first].engine->on_stream_closed(other.second, std::nullopt, now_, nodes_[other.first].out);
            carry_out(other.first);
        });
    }
    void carry_out(std::size_t i) {
        using peerkit::gossip::action_kind;
        node& n = nodes_[i];
        for (std::size_t k = 0; k < n.out.size(); ++k) {
            peerkit::gossip::action const a = n.out[k];
            switch (a.kind) {
            case action_kind::send_datagram: send(i, a); break;
            case action_kind::open_stream: dial(i, a); break;
            case action_kind::send_frame: {
                auto const found = links_.find({i, a.stream});
                if (found == links_.end()) break;
                after(latency,
                      [this, to = found->second,
                       frame = bytes{a.bytes.begin() + peerkit::wire::stream_prefix, a.bytes.end()}]() mutable {
                          if (!nodes_[to.first].up) return;
                          nodes_[to.first].engine->on_stream_frame(to.second, frame, now_, nodes_[to.first].out);
                          carry_out(to.first);
                      });
                break;
            }
            case action_kind::close_stream: close({i, a.stream}); break;
            case action_kind::persist: n.stored = peerkit::wire::record_view::trusted(a.bytes).incarnation(); break;
            case action_kind::notify: note(i, *a.what); break;
            case action_kind::run_discovery: break;
            case action_kind::resolve_address: break;
            case action_kind::deliver: break;
            case action_kind::listen: break;
            }
        }
        n.out.clear();
        if (int const code = n.engine->check_invariants(); code != 0 && fault.empty()) {
            fault = "check_invariants gives " + std::to_string(code);
        }
        if (std::string const wrong = n.language.compare(*n.engine); !wrong.empty() && fault.empty()) fault = wrong;
    }
    void note(std::size_t i, peerkit::gossip::event const& e) {
        nodes_[i].events.push_back(e);
        std::string const wrong = nodes_[i].language.take(e);
        if (!wrong.empty() && fault.empty()) fault = wrong;
    }

    peerkit::gossip::tunables tunables_;
    std::vector<node> nodes_;
    std::multimap<std::pair<peerkit::time_point, std::uint64_t>, std::function<void()>> queue_;
    std::map<stream_end, stream_end> links_;
    std::uint64_t sequence_ = 0;
    std::size_t spins_ = 0;
    peerkit::time_point now_{1s};
};

} // namespace tests

#endif
