// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// One real engine among puppets: the test hands in every packet and moment and sees every action.
#ifndef PEERKIT_TESTS_SUPPORT_STAGE_HPP
#define PEERKIT_TESTS_SUPPORT_STAGE_HPP

#include <peerkit/gossip/engine.hpp>
#include <peerkit/gossip/persistent_swim.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "event_language.hpp"
#include "puppet.hpp"

namespace tests {

using namespace std::chrono_literals;
using peerkit::gossip::cause;
using peerkit::gossip::event_kind;
using peerkit::gossip::gossip_error;
using peerkit::membership::member_state;
using peerkit::wire::message_type;

/// The detector is the one whose every step shows: it tells everybody at once, and believes what it is told.
template <typename Announcements = peerkit::gossip::accept_announcements, typename Repair = peerkit::gossip::full_state,
          typename Detector = peerkit::gossip::persistent_swim>
using fake_policies = peerkit::gossip::policies<peerkit::crypto::fake_identity, peerkit::crypto::fake_sealing,
                                                peerkit::seeded_rng, Announcements, Repair, Detector>;
using fake_engine = peerkit::gossip::engine<fake_policies<>>;

/// A datagram the engine sent, opened by the puppet it was sealed for.
struct sent_datagram {
    peerkit::ip_endpoint to{};
    peerkit::time_point at{};
    bytes frame{};       ///< as it would travel
    bool opened = false; ///< by the puppet it was sealed for, or by anyone
    std::vector<heard> messages{};

    [[nodiscard]] heard const* find(message_type type) const {
        auto const at_message =
            std::find_if(messages.begin(), messages.end(), [&](heard const& h) { return h.type == type; });
        return at_message == messages.end() ? nullptr : &*at_message;
    }
    [[nodiscard]] heard const* find(message_type type, peerkit::short_id subject) const {
        for (heard const& h : messages) {
            if (h.type != type) continue;
            if ((type == message_type::announce ? h.view().short_id() : h.subject) == subject) return &h;
        }
        return nullptr;
    }
};

struct dialled {
    peerkit::gossip::stream_id id{};
    peerkit::ip_endpoint to{};
};
struct handed_over {
    peerkit::gossip::delivery what{};
    bytes payload{};
};
struct sent_frame {
    peerkit::gossip::stream_id id{};
    bytes frame{}; ///< without length prefix
};

/// Everything of an engine a stranger must not be able to change, in one number.
template <typename Machine>
[[nodiscard]] std::uint64_t state_digest(Machine const& m) {
    peerkit::crypto::word_hash hash{1};
    auto const number = [&](std::uint64_t value) {
        std::array<std::byte, 8> raw{};
        peerkit::store_big(raw.data(), value);
        hash.part(raw);
    };
    number(m.incarnation());
    number(m.running() ? 1 : 0);
    number(static_cast<std::uint64_t>(m.next_deadline().time_since_epoch().count()));
    m.for_each_member([&](peerkit::gossip::member_view const& row) {
        hash.part(row.record().bytes());
        number(static_cast<std::uint64_t>(row.state()));
        number(static_cast<std::uint64_t>(row.since().time_since_epoch().count()));
    });
    return hash.value();
}

template <typename Machine>
class basic_stage {
public:
    using options = typename Machine::options;

    /// Not started yet. `more` goes to the machine's constructor behind its options.
    template <typename... More>
    explicit basic_stage(options chosen, More&&... more)
        : machine_{peerkit::crypto::fake_identity{own_seed}, peerkit::crypto::fake_sealing{world_keys{}.sealing},
                   peerkit::seeded_rng{99}, complete(std::move(chosen)), static_cast<More&&>(more)...} {}

    static constexpr std::uint64_t own_seed = 1000;
    [[nodiscard]] static peerkit::ip_endpoint own_address() { return address_of(own_seed); }

    [[nodiscard]] Machine& operator*() { return machine_; }
    [[nodiscard]] Machine* operator->() { return &machine_; }
    [[nodiscard]] Machine const& machine() const { return machine_; }
    [[nodiscard]] peerkit::time_point now() const { return now_; }

    bool start() {
        bool const ok = machine_.start(now_, out_).has_value();
        collect();
        return ok;
    }

    puppet& add(std::uint64_t seed) { return puppets_.emplace_back(seed); }
    /// A puppet that the engine knows as alive.
    puppet& add_member(std::uint64_t seed, std::uint64_t incarnation = 1) {
        puppet& p = add(seed);
        p.incarnation = incarnation;
        announce(p);
        return p;
    }
    void announce(puppet& p) {
        deliver(p, [&](auto& packet) { packet.announce(p.record()); });
    }

    /// Hands in a datagram of `p` that `fill(packet_writer&)` writes; what the engine answers is returned too.
    template <typename Fill>
    std::vector<sent_datagram> deliver(puppet& p, Fill&& fill,
                                       std::optional<peerkit::ip_endpoint> source = std::nullopt) {
        return deliver_raw(p.datagram(machine_.id(), static_cast<Fill&&>(fill)), source.value_or(p.where));
    }
    std::vector<sent_datagram> deliver_raw(bytes frame, peerkit::ip_endpoint const& source) {
        std::size_t const before = sent.size();
        machine_.on_datagram(frame, source, now_, out_);
        collect();
        return {sent.begin() + static_cast<std::ptrdiff_t>(before), sent.end()};
    }
    void accuse(puppet& by, message_type how, puppet const& whom, std::uint64_t incarnation,
                std::vector<peerkit::short_id> names = {}) {
        if (names.empty()) names.push_back(by.key());
        names = ascending(std::move(names));
        deliver(by, [&](auto& packet) { packet.accuse(how, whom.key(), incarnation, names); });
    }

    /// Lets time pass; the engine ticks whenever it asked to. False if it asks for the same moment again and again.
    bool advance(peerkit::duration by) {
        peerkit::time_point const end = now_ + by;
        std::size_t same = 0;
        while (machine_.next_deadline() <= end) {
            peerkit::time_point const due = std::max(now_, machine_.next_deadline());
            same = due == now_ ? same + 1 : 0;
            if (same > 100) return false;
            now_ = due;
            std::size_t const before = sent.size();
            tick();
            if (polite) answer_pings(before);
        }
        now_ = end;
        return true;
    }
    /// Lets time pass while the engine does not run.
    void sleep(peerkit::duration by) { now_ += by; }
    void tick() {
        machine_.on_tick(now_, out_);
        collect();
    }
    /// Calls `f(machine, now, outbox)` and takes up its actions.
    template <typename F>
    auto call(F&& f) {
        auto made = f(machine_, now_, out_);
        collect();
        return made;
    }

    // Streams.
    peerkit::result<peerkit::gossip::stream_id> accept(peerkit::ip_endpoint const& from) {
        auto const made = machine_.on_stream_accepted(from, now_, out_);
        collect();
        return made;
    }
    void opened(peerkit::gossip::stream_id id) {
        machine_.on_stream_opened(id, now_, out_);
        collect();
    }
    void frame(peerkit::gossip::stream_id id, bytes data) {
        machine_.on_stream_frame(id, data, now_, out_);
        collect();
    }
    void closed(peerkit::gossip::stream_id id, std::optional<peerkit::error> why = std::nullopt) {
        machine_.on_stream_closed(id, why, now_, out_);
        collect();
    }

    [[nodiscard]] std::optional<member_state> state_of(puppet const& p) const {
        auto const found = machine_.find(p.id());
        return found ? std::optional{found->state()} : std::nullopt;
    }
    [[nodiscard]] std::uint64_t incarnation_of(puppet const& p) const {
        auto const found = machine_.find(p.id());
        return found ? found->incarnation() : 0;
    }
    [[nodiscard]] std::size_t count(event_kind kind) const {
        return static_cast<std::size_t>(std::count_if(events.begin(), events.end(),
                                                      [&](peerkit::gossip::event const& e) { return e.kind == kind; }));
    }
    [[nodiscard]] peerkit::gossip::event const* last(event_kind kind) const {
        for (std::size_t i = events.size(); i-- > 0;) {
            if (events[i].kind == kind) return &events[i];
        }
        return nullptr;
    }
    [[nodiscard]] std::uint64_t refused(gossip_error why) const { return machine_.counters().refused(why); }
    /// What went to `p` since `forget`, in order.
    [[nodiscard]] std::vector<sent_datagram> sent_to(puppet const& p) const {
        std::vector<sent_datagram> found;
        for (sent_datagram const& s : sent) {
            if (s.to == p.where) found.push_back(s);
        }
        return found;
    }
    [[nodiscard]] std::size_t sent_count(message_type type) const {
        std::size_t found = 0;
        for (sent_datagram const& s : sent) {
            for (heard const& h : s.messages) found += h.type == type ? 1U : 0U;
        }
        return found;
    }
    [[nodiscard]] bool closed_by_engine(peerkit::gossip::stream_id id) const {
        return std::find(closes.begin(), closes.end(), id) != closes.end();
    }
    [[nodiscard]] std::uint64_t digest() const { return state_digest(machine_); }
    /// Forgets what was captured, not what the event language knows.
    void forget() {
        sent.clear();
        events.clear();
        dials.clear();
        frames.clear();
        closes.clear();
        persisted.clear();
        lookups.clear();
        discoveries = 0;
        listens = 0;
    }

    std::vector<sent_datagram> sent;
    std::vector<peerkit::gossip::event> events;
    std::vector<dialled> dials;
    std::vector<sent_frame> frames;
    std::vector<handed_over> delivered;
    std::vector<peerkit::gossip::stream_id> closes;
    std::vector<bytes> persisted;
    std::vector<peerkit::ip_address> lookups;
    std::size_t discoveries = 0;
    std::size_t listens = 0;
    bool polite = true; ///< puppets answer the pings they get while `advance` runs
    std::string fault;  ///< the first thing that went against an invariant; empty if nothing did

private:
    static options complete(options chosen) {
        if (chosen.self.name.empty()) chosen.self = description_of(own_seed);
        return chosen;
    }
    void answer_pings(std::size_t from) {
        for (std::size_t i = from, end = sent.size(); i < end; ++i) {
            heard const* const ping = sent[i].find(message_type::ping);
            if (ping == nullptr) continue;
            std::uint64_t const nonce = ping->nonce;
            for (puppet& p : puppets_) {
                if (p.where != sent[i].to) continue;
                deliver(p, [&](auto& packet) { packet.ack(nonce, p.incarnation); });
                break;
            }
        }
    }
    void collect() {
        using peerkit::gossip::action_kind;
        for (std::size_t i = 0; i < out_.size(); ++i) {
            peerkit::gossip::action const a = out_[i];
            switch (a.kind) {
            case action_kind::send_datagram: sent.push_back(open(a)); break;
            case action_kind::open_stream: dials.push_back({a.stream, a.to}); break;
            case action_kind::send_frame:
                frames.push_back({a.stream, {a.bytes.begin() + peerkit::wire::stream_prefix, a.bytes.end()}});
                break;
            case action_kind::close_stream: closes.push_back(a.stream); break;
            case action_kind::run_discovery: ++discoveries; break;
            case action_kind::resolve_address: lookups.push_back(a.to.address); break;
            case action_kind::persist: persisted.emplace_back(a.bytes.begin(), a.bytes.end()); break;
            case action_kind::listen: ++listens; break;
            case action_kind::notify: note(*a.what); break;
            case action_kind::deliver: delivered.push_back({*a.message, {a.bytes.begin(), a.bytes.end()}}); break;
            }
        }
        out_.clear();
        if (int const code = machine_.check_invariants(); code != 0 && fault.empty()) {
            fault = "check_invariants gives " + std::to_string(code);
        }
        if (std::string const wrong = language_.compare(machine_); !wrong.empty() && fault.empty()) fault = wrong;
    }
    void note(peerkit::gossip::event const& e) {
        events.push_back(e);
        std::string const wrong = language_.take(e);
        if (!wrong.empty() && fault.empty()) fault = wrong;
    }
    [[nodiscard]] sent_datagram open(peerkit::gossip::action const& a) {
        sent_datagram made{a.to, now_, {a.bytes.begin(), a.bytes.end()}, false, {}};
        if (made.frame.size() > peerkit::limits::datagram && fault.empty()) fault = "a datagram is too large";
        world_keys const keys;
        for (puppet const& p : puppets_) {
            if (made.opened) break;
            bytes copy = made.frame;
            auto const opened = peerkit::crypto::open_frame(keys.sealing, keys.network, p.id(), nullptr, copy);
            if (!opened) continue;
            made.opened = true;
            made.messages = read_messages(opened->plain);
        }
        if (!made.opened) {
            bytes copy = made.frame;
            auto const opened = peerkit::crypto::open_frame(keys.sealing, keys.network, {}, nullptr, copy);
            if (opened) made.messages = read_messages(opened->plain);
            made.opened = opened.has_value();
        }
        return made;
    }

    Machine machine_;
    peerkit::gossip::outbox out_;
    peerkit::time_point now_{1s};
    std::deque<puppet> puppets_;
    event_language language_;
};

/// Options of an engine with these tunables.
inline fake_engine::options with(peerkit::gossip::tunables const& t, std::uint64_t incarnation = 1) {
    fake_engine::options o;
    o.tunables = t;
    o.incarnation = incarnation;
    return o;
}

/// A started engine.
struct stage : basic_stage<fake_engine> {
    explicit stage(peerkit::gossip::tunables const& t = peerkit::gossip::lan(), std::uint64_t incarnation = 1)
        : basic_stage<fake_engine>{with(t, incarnation)} {
        started = start();
    }
    bool started = false;
};

/// Tunables under which an engine does nothing by itself for hours: the test decides what happens.
inline peerkit::gossip::tunables quiet() {
    peerkit::gossip::tunables t;
    t.probe_period = 10h;
    t.exchange_period = t.contact_period = t.stream_timeout = 20h;
    t.tombstone_time = 1000h;
    return t;
}

} // namespace tests

#endif
