// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A dishonest member: a real node that holds the network key and says more, less or other than it should.
#ifndef PEERKIT_SIM_INSIDER_HPP
#define PEERKIT_SIM_INSIDER_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/frame.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/member_view.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/sim/birth.hpp>
#include <peerkit/sim/default_world.hpp>
#include <peerkit/wire/envelope.hpp>
#include <peerkit/wire/message.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// What a dishonest member does its deeds with: it knows what its honest half knows, and can say anything to anyone in
/// its own name or, as every holder of the network key can, in somebody else's.
class insider_hands {
public:
    struct acquaintance {
        node_id id{};
        ip_endpoint where{};
        std::uint64_t incarnation = 0;
        membership::member_state state{};
        bool is_self = false;
    };
    /// Everybody its honest half knows, itself included.
    std::vector<acquaintance> members;
    time_point now{};
    seeded_rng rng{0};

    /// A datagram in its own name, whose plaintext `fill(wire::packet_writer&)` writes. Nothing is sent if it writes
    /// nothing.
    template <typename Fill>
    void say(acquaintance const& to, Fill&& fill) {
        say_as(self_.short_id(), session_, ++counter_, to.id, to.where, std::forward<Fill>(fill));
    }
    /// The same in the name of `sender`. The receiver's window for that sender decides whether it is taken for new.
    template <typename Fill>
    void say_as(short_id sender, std::uint64_t session, std::uint64_t counter, node_id const& to,
                ip_endpoint const& where, Fill&& fill) {
        byte_span const buffer = out_->room(limits::datagram);
        wire::packet_writer packet{buffer.subspan(wire::envelope::head, limits::packet)};
        std::forward<Fill>(fill)(packet);
        if (packet.empty()) return;
        seal(sender, session, counter, to, where, buffer, packet.size());
    }
    [[nodiscard]] acquaintance const* find(short_id key) const noexcept {
        auto const at =
            std::find_if(members.begin(), members.end(), [&](auto const& m) { return m.id.short_id() == key; });
        return at == members.end() ? nullptr : &*at;
    }

private:
    template <typename Policies>
    friend class insider;

    void seal(short_id sender, std::uint64_t session, std::uint64_t counter, node_id const& to,
              ip_endpoint const& where, byte_span buffer, std::size_t size) {
        wire::envelope head;
        head.sender = sender;
        head.session = session;
        head.counter = counter;
        head.random = rng();
        out_->send_datagram(where, crypto::seal_frame(sealing_, head, network_, to, nullptr, buffer, size).size());
    }

    crypto::fake_sealing sealing_{1};
    network_id network_{};
    node_id self_{};
    std::uint64_t session_ = 0;
    std::uint64_t counter_ = 0;
    gossip::outbox* out_ = nullptr;
};

/// What a dishonest member does. Each function may be empty.
struct insider_deeds {
    duration period = std::chrono::seconds{1};
    /// Called every `period`, from one period after the start on.
    std::function<void(insider_hands&)> every_period{};
    /// Called for every message of a datagram it can open; true: its honest half does not hear the datagram.
    std::function<bool(insider_hands&, wire::message const&, short_id sender, ip_endpoint const& from)> hears{};
    /// Whether a datagram of its honest half is sent; without it all are.
    std::function<bool(ip_endpoint const& to)> passes_on{};

    [[nodiscard]] bool none() const noexcept { return !every_period && !hears && !passes_on; }
};

/// A node of a `world` that is honest until it is given deeds. A `SimulatedNode`.
/// @code
/// sim::default_nodes nodes;
/// sim::insider_world world{sim::options_for(nodes, 7), sim::with_insiders{nodes, [](sim::birth const& b) {
///     return b.index == 3 ? sim::accuses_everyone() : sim::insider_deeds{};
/// }}};
/// @endcode
template <typename Policies>
class insider : public node::node_logic<Policies> {
    using honest = node::node_logic<Policies>;

public:
    using honest::honest;

    /// To be called before `start`. `network_key` and `network` are those of the world.
    void turn(insider_deeds deeds, std::uint64_t network_key, network_id const& network, std::uint64_t seed) {
        deeds_ = std::move(deeds);
        hands_.sealing_ = crypto::fake_sealing{network_key};
        hands_.network_ = network;
        hands_.rng = seeded_rng{seed};
    }

    [[nodiscard]] result<void> start(time_point now, gossip::outbox& out) {
        auto started = through(out, [&](gossip::outbox& o) { return honest::start(now, o); });
        hands_.self_ = this->id();
        hands_.session_ = this->incarnation();
        if (deeds_.every_period) next_ = now + deeds_.period;
        return started;
    }
    void on_datagram(byte_span bytes, ip_endpoint const& from, time_point now, gossip::outbox& out) {
        if (deeds_.hears && overhear(bytes, from, now, out)) return;
        through(out, [&](gossip::outbox& o) { honest::on_datagram(bytes, from, now, o); });
    }
    void on_stream_opened(gossip::stream_id stream, time_point now, gossip::outbox& out) {
        through(out, [&](gossip::outbox& o) { honest::on_stream_opened(stream, now, o); });
    }
    void on_stream_frame(gossip::stream_id stream, byte_span frame, time_point now, gossip::outbox& out) {
        through(out, [&](gossip::outbox& o) { honest::on_stream_frame(stream, frame, now, o); });
    }
    void on_stream_closed(gossip::stream_id stream, std::optional<error> why, time_point now, gossip::outbox& out) {
        through(out, [&](gossip::outbox& o) { honest::on_stream_closed(stream, why, now, o); });
    }
    void on_tick(time_point now, gossip::outbox& out) {
        if (honest::next_deadline() <= now) through(out, [&](gossip::outbox& o) { honest::on_tick(now, o); });
        if (next_ > now) return;
        next_ = now + deeds_.period;
        look(now, out);
        deeds_.every_period(hands_);
    }
    [[nodiscard]] time_point next_deadline() const noexcept { return std::min(next_, honest::next_deadline()); }
    void on_candidates(std::span<discovery::candidate const> found, time_point now, gossip::outbox& out) {
        through(out, [&](gossip::outbox& o) { honest::on_candidates(found, now, o); });
    }
    void leave(time_point now, gossip::outbox& out) {
        next_ = never;
        through(out, [&](gossip::outbox& o) { honest::leave(now, o); });
    }

private:
    /// What the honest half sends goes out with counters from the same sequence as what the other half says.
    template <typename F>
    auto through(gossip::outbox& out, F&& f) {
        if (deeds_.none()) return f(out);
        if constexpr (std::is_void_v<decltype(f(out))>) {
            f(inner_);
            pass_on(out);
        } else {
            auto done = f(inner_);
            pass_on(out);
            return done;
        }
    }
    void pass_on(gossip::outbox& out) {
        using enum gossip::action_kind;
        for (std::size_t i = 0; i < inner_.size(); ++i) {
            gossip::action const a = inner_[i];
            switch (a.kind) {
            case send_datagram:
                if (!deeds_.passes_on || deeds_.passes_on(a.to)) seal_again(a, out);
                break;
            case send_frame:
                copy_bytes(a.bytes, out.room(a.bytes.size()));
                out.send_frame(a.stream, a.bytes.size());
                break;
            case persist:
                copy_bytes(a.bytes, out.room(a.bytes.size()));
                out.persist(a.bytes.size());
                break;
            case open_stream: out.open_stream(a.stream, a.to); break;
            case close_stream: out.close_stream(a.stream); break;
            case run_discovery: out.run_discovery(); break;
            case resolve_address: out.resolve_address(a.to.address); break;
            case notify: out.notify(*a.what); break;
            case deliver: out.deliver(*a.message, a.bytes); break;
            case listen: out.listen(); break;
            }
        }
        inner_.clear();
    }
    void seal_again(gossip::action const& a, gossip::outbox& out) {
        auto const head = wire::envelope::decode(a.bytes);
        if (!head) return;
        node_id whom{};
        if (head->addressed) {
            honest::for_each_member([&](gossip::member_view const& m) {
                if (m.endpoint() == a.to || m.announces(a.to)) whom = m.id();
            });
        }
        byte_span const buffer = out.room(limits::datagram);
        copy_bytes(a.bytes, buffer);
        auto const opened =
            crypto::open_frame(hands_.sealing_, hands_.network_, whom, nullptr, buffer.first(a.bytes.size()));
        if (!opened) return; // of a member forgotten meanwhile
        hands_.session_ = head->session;
        hands_.out_ = &out;
        hands_.seal(head->sender, head->session, ++hands_.counter_, whom, a.to, buffer, opened->plain.size());
    }
    [[nodiscard]] bool overhear(byte_view bytes, ip_endpoint const& from, time_point now, gossip::outbox& out) {
        copy_.assign(bytes.begin(), bytes.end());
        auto const opened = crypto::open_frame(hands_.sealing_, hands_.network_, this->id(), nullptr, copy_);
        if (!opened) return false;
        auto const packet = wire::packet_view::parse(opened->plain);
        if (!packet) return false;
        look(now, out);
        bool kept = false;
        auto messages = packet->messages();
        for (wire::message m; messages.next(m);) kept |= deeds_.hears(hands_, m, opened->envelope.sender, from);
        return kept;
    }
    void look(time_point now, gossip::outbox& out) {
        hands_.now = now;
        hands_.out_ = &out;
        hands_.members.clear();
        honest::for_each_member([&](gossip::member_view const& m) {
            hands_.members.push_back({m.id(), m.endpoint(), m.incarnation(), m.state(), m.is_self()});
        });
    }

    insider_deeds deeds_;
    insider_hands hands_;
    gossip::outbox inner_;
    std::vector<std::byte> copy_;
    time_point next_ = never;
};

/// A world in which some nodes may be dishonest.
template <typename Policies>
using basic_insider_world = world<insider<Policies>>;
using insider_world = basic_insider_world<default_policies>;

/// Makes the nodes of such a world: as `nodes` says, and dishonest where `deeds(birth)` says so.
template <typename Policies>
struct with_insiders {
    basic_nodes<Policies> nodes{};
    std::function<insider_deeds(birth const&)> deeds{};

    [[nodiscard]] std::unique_ptr<insider<Policies>> operator()(birth const& b) const {
        auto made = nodes.template make<insider<Policies>>(b);
        if (deeds) made->turn(deeds(b), nodes.network_key, nodes.network, ~b.rng_seed);
        return made;
    }
};
template <typename Policies, typename Deeds>
with_insiders(basic_nodes<Policies>, Deeds) -> with_insiders<Policies>;

namespace detail {
/// Up to `limits::accusers` names out of `all`, ascending, distinct.
[[nodiscard]] inline std::vector<short_id> forged_accusers(insider_hands& hands, short_id subject) {
    std::vector<short_id> names;
    for (int tries = 0; tries < 32 && names.size() < limits::accusers; ++tries) {
        short_id const one = hands.members[uniform(hands.rng, std::uint64_t{hands.members.size()})].id.short_id();
        if (one != subject && std::find(names.begin(), names.end(), one) == names.end()) names.push_back(one);
    }
    std::sort(names.begin(), names.end());
    return names;
}
} // namespace detail

/// Every period it accuses every other member before every other member, of being suspect and of being dead, and names
/// as many accusers as an accusation has room for, drawn from the members.
[[nodiscard]] inline insider_deeds accuses_everyone(duration period = std::chrono::seconds{1}) {
    insider_deeds d;
    d.period = period;
    d.every_period = [](insider_hands& hands) {
        struct accusation {
            insider_hands::acquaintance const* whom;
            wire::message_type how;
            std::vector<short_id> names;
        };
        std::vector<accusation> all;
        for (auto const& m : hands.members) {
            if (m.is_self || m.state > membership::member_state::suspect) continue;
            all.push_back({&m, wire::message_type::suspect, detail::forged_accusers(hands, m.id.short_id())});
            all.push_back({&m, wire::message_type::dead, detail::forged_accusers(hands, m.id.short_id())});
        }
        for (auto const& to : hands.members) {
            if (to.is_self) continue;
            std::size_t next = 0;
            while (next < all.size()) {
                hands.say(to, [&](wire::packet_writer& packet) {
                    while (next < all.size()) {
                        accusation const& a = all[next];
                        if (a.names.empty() || a.whom->id == to.id ||
                            packet.accuse(a.how, a.whom->id.short_id(), a.whom->incarnation, a.names)) {
                            ++next;
                        } else {
                            return;
                        }
                    }
                });
            }
        }
    };
    return d;
}

/// Asked to ping somebody for another, it does not, and lies: the answer is an ack of somebody who may be dead, or a
/// nack of somebody who may be alive.
[[nodiscard]] inline insider_deeds lies_as_helper(bool everybody_lives) {
    insider_deeds d;
    d.hears = [everybody_lives](insider_hands& hands, wire::message const& m, short_id sender, ip_endpoint const&) {
        if (m.type != wire::message_type::indirect_ping) return false;
        auto const* const asker = hands.find(sender);
        auto const* const subject = hands.find(m.subject);
        if (asker == nullptr) return true;
        hands.say(*asker, [&](wire::packet_writer& packet) {
            if (everybody_lives)
                packet.ack(m.nonce, subject != nullptr ? subject->incarnation : 1);
            else
                packet.nack(m.nonce);
        });
        return true;
    };
    return d;
}

/// Asked whether somebody can be reached, it does not try, and lies: it has heard everybody, or nobody.
[[nodiscard]] inline insider_deeds lies_as_witness(bool everybody_lives) {
    insider_deeds d;
    d.hears = [everybody_lives](insider_hands& hands, wire::message const& m, short_id sender, ip_endpoint const&) {
        if (m.type != wire::message_type::check) return false;
        if (auto const* const asker = hands.find(sender); asker != nullptr) {
            hands.say(*asker, [&](wire::packet_writer& packet) {
                if (everybody_lives)
                    packet.heard(m.nonce);
                else
                    packet.unheard(m.nonce);
            });
        }
        return true;
    };
    return d;
}

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
