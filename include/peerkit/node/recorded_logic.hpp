// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A whole node whose every input goes into a flight recorder.
#ifndef PEERKIT_NODE_RECORDED_LOGIC_HPP
#define PEERKIT_NODE_RECORDED_LOGIC_HPP

#include <peerkit/core/address_class.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/gossip/delivery.hpp>
#include <peerkit/gossip/flight_recorder.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/gossip/output_digest.hpp>
#include <peerkit/gossip/policies.hpp>
#include <peerkit/gossip/recorded_kinds.hpp>
#include <peerkit/gossip/recording_policies.hpp>
#include <peerkit/node/candidate_gate.hpp>
#include <peerkit/node/node_logic.hpp>
#include <peerkit/node/recorded_values.hpp>
#include <peerkit/node/remembered_peer.hpp>
#include <peerkit/wire/envelope.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace node {

/// `Policies` with a recorder in those seats whose answers depend on secrets, chance or the host.
/// @code using policies = node::recording<net::node::policies>; @endcode
template <typename Policies>
struct recording
    : gossip::policies<gossip::recording_signing<typename Policies::signing>,
                       gossip::recording_sealing<typename Policies::sealing>,
                       gossip::recording_rng<typename Policies::rng>,
                       gossip::recording_announcements<typename Policies::announcements>,
                       typename Policies::anti_entropy, typename Policies::detector, typename Policies::compression> {
    using recorded = Policies;
};

/// `node_logic` whose inputs, and what its policies answered, go into the recorder that its policies were given; null:
/// nowhere. It is made of `gossip::recording_signing{identity, &recorder}` and so on, all with the same recorder, which
/// outlives it and forgets what it had before. See docs/recorder.md.
///
/// The base is private so that a call which is not noted here does not compile: an input that is missing in a recording
/// would make it worthless.
/// @tparam Policies what is recorded, without recorder
template <typename Policies>
class recorded_logic : private node_logic<recording<Policies>> {
    using base = node_logic<recording<Policies>>;
    using kind = gossip::input_kind;

public:
    using typename base::announcements;
    using typename base::engine_type;
    using typename base::options;
    using typename base::random;
    using typename base::sealing;
    using typename base::signing;

    recorded_logic(signing identity, sealing seal, random rng, options chosen, announcements handler)
        : recorded_logic{noted_birth(identity, chosen),
                         std::move(identity),
                         std::move(seal),
                         std::move(rng),
                         std::move(chosen),
                         std::move(handler)} {}

    [[nodiscard]] gossip::flight_recorder* recorder() const noexcept { return recorder_; }

    // Inputs: as those of `node_logic`.
    [[nodiscard]] result<void> start(time_point now, gossip::outbox& out) {
        if (recorder_ != nullptr && recorder_->started()) return base::start(now, out); // refused, and changes nothing
        return noted(
            kind::start, now, out, [&](value_writer to) { to.period(now.time_since_epoch()); },
            [&] { return base::start(now, out); });
    }
    void on_datagram(byte_span bytes, ip_endpoint const& from, time_point now, gossip::outbox& out) {
        noted(
            kind::datagram, now, out,
            [&](value_writer to) {
                to.place(from);
                frame(to, bytes);
            },
            [&] { base::on_datagram(bytes, from, now, out); });
    }
    [[nodiscard]] result<gossip::stream_id> on_stream_accepted(ip_endpoint const& from, time_point now,
                                                               gossip::outbox& out) {
        return noted(
            kind::stream_accepted, now, out, [&](value_writer to) { to.place(from); },
            [&] { return base::on_stream_accepted(from, now, out); });
    }
    void on_stream_opened(gossip::stream_id stream, time_point now, gossip::outbox& out) {
        noted(
            kind::stream_opened, now, out, [&](value_writer to) { to.number(number_of(stream)); },
            [&] { base::on_stream_opened(stream, now, out); });
    }
    void on_stream_frame(gossip::stream_id stream, byte_span bytes, time_point now, gossip::outbox& out) {
        noted(
            kind::stream_frame, now, out,
            [&](value_writer to) {
                to.number(number_of(stream));
                frame(to, bytes);
            },
            [&] { base::on_stream_frame(stream, bytes, now, out); });
    }
    void on_stream_closed(gossip::stream_id stream, std::optional<error> why, time_point now, gossip::outbox& out) {
        noted(
            kind::stream_closed, now, out,
            [&](value_writer to) {
                to.number(number_of(stream));
                to.flag(why.has_value());
                if (why) to.what(*why);
            },
            [&] { base::on_stream_closed(stream, why, now, out); });
    }
    void on_tick(time_point now, gossip::outbox& out) {
        noted(kind::tick, now, out, [](value_writer) {}, [&] { base::on_tick(now, out); });
    }
    void on_candidates(std::span<discovery::candidate const> found, time_point now, gossip::outbox& out) {
        noted(
            kind::candidates, now, out,
            [&](value_writer to) {
                to.number(found.size());
                for (discovery::candidate const& one : found) to.candidate(one);
            },
            [&] { base::on_candidates(found, now, out); });
    }
    void on_discovery_failed(error why, time_point now, gossip::outbox& out) {
        noted(
            kind::discovery_failed, now, out, [&](value_writer to) { to.what(why); },
            [&] { base::on_discovery_failed(why, now, out); });
    }
    void on_kept(time_point now, gossip::outbox& out) {
        noted(kind::kept, now, out, [](value_writer) {}, [&] { base::on_kept(now, out); });
    }
    void on_discovery_hint(time_point now, gossip::outbox& out) {
        noted(kind::discovery_hint, now, out, [](value_writer) {}, [&] { base::on_discovery_hint(now, out); });
    }
    void on_host_name(ip_address const& of, result<std::string_view> name, time_point now, gossip::outbox& out) {
        noted(
            kind::host_name, now, out,
            [&](value_writer to) {
                to.address(of);
                to.flag(name.has_value());
                if (name)
                    to.text(*name);
                else
                    to.what(name.error());
            },
            [&] { base::on_host_name(of, name, now, out); });
    }

    // Host calls.
    [[nodiscard]] result<void> update(description changed, time_point now, gossip::outbox& out) {
        return noted(
            kind::update, now, out, [&](value_writer to) { to.about(changed); },
            [&] { return base::update(std::move(changed), now, out); });
    }
    [[nodiscard]] result<void> introduce(byte_view record, time_point now, gossip::outbox& out) {
        return noted(
            kind::introduce, now, out, [&](value_writer to) { to.block(record); },
            [&] { return base::introduce(record, now, out); });
    }
    void moved(std::vector<ip_prefix> subnets, std::vector<ip_address> own) {
        quietly(
            kind::moved, last(),
            [&](value_writer to) {
                to.prefixes(subnets);
                to.addresses(own);
            },
            [&] { base::moved(std::move(subnets), std::move(own)); });
    }
    void leave(time_point now, gossip::outbox& out) {
        noted(kind::leave, now, out, [](value_writer) {}, [&] { base::leave(now, out); });
    }
    void contact(ip_endpoint const& where, time_point now, gossip::outbox& out) {
        noted(
            kind::contact, now, out, [&](value_writer to) { to.place(where); },
            [&] { base::contact(where, now, out); });
    }

    // User data and entries.
    [[nodiscard]] result<std::uint64_t> broadcast(std::string_view topic, byte_view payload, time_point now) {
        return quietly(
            kind::broadcast, now,
            [&](value_writer to) {
                to.text(topic);
                to.block(payload);
            },
            [&] { return base::broadcast(topic, payload, now); });
    }
    [[nodiscard]] result<void> send_message(node_id const& to, std::string_view topic, byte_view payload,
                                            gossip::outbox& out) {
        return noted(
            kind::send_message, last(), out, [&](value_writer in) { message(in, to, topic, payload); },
            [&] { return base::send_message(to, topic, payload, out); });
    }
    [[nodiscard]] result<gossip::request_id> send_reliably(node_id const& to, std::string_view topic, byte_view payload,
                                                           duration timeout, time_point now, gossip::outbox& out) {
        return noted(
            kind::send_reliably, now, out,
            [&](value_writer in) {
                message(in, to, topic, payload);
                in.period(timeout);
            },
            [&] { return base::send_reliably(to, topic, payload, timeout, now, out); });
    }
    [[nodiscard]] result<gossip::request_id> request(node_id const& to, std::string_view topic, byte_view payload,
                                                     duration timeout, time_point now, gossip::outbox& out) {
        return noted(
            kind::request, now, out,
            [&](value_writer in) {
                message(in, to, topic, payload);
                in.period(timeout);
            },
            [&] { return base::request(to, topic, payload, timeout, now, out); });
    }
    void cancel_request(gossip::request_id which, gossip::outbox& out) {
        noted(
            kind::cancel_request, last(), out, [&](value_writer to) { to.number(number_of(which)); },
            [&] { base::cancel_request(which, out); });
    }
    [[nodiscard]] result<void> respond(gossip::request_id which, byte_view payload, time_point now,
                                       gossip::outbox& out) {
        return noted(
            kind::respond, now, out,
            [&](value_writer to) {
                to.number(number_of(which));
                to.block(payload);
            },
            [&] { return base::respond(which, payload, now, out); });
    }
    [[nodiscard]] result<void> decline(gossip::request_id which, time_point now, gossip::outbox& out) {
        return noted(
            kind::decline, now, out, [&](value_writer to) { to.number(number_of(which)); },
            [&] { return base::decline(which, now, out); });
    }
    [[nodiscard]] result<void> put(std::string_view key, byte_view value, time_point now) {
        return quietly(
            kind::put, now,
            [&](value_writer to) {
                to.text(key);
                to.block(value);
            },
            [&] { return base::put(key, value, now); });
    }
    [[nodiscard]] result<void> erase(std::string_view key, time_point now) {
        return quietly(kind::erase, now, [&](value_writer to) { to.text(key); }, [&] { return base::erase(key, now); });
    }

    [[nodiscard]] std::vector<remembered_peer> const& recollect(time_point now, std::int64_t clock_ms) {
        std::vector<remembered_peer> const* found = nullptr;
        quietly(
            kind::recollect, now, [&](value_writer to) { to.clock(clock_ms); },
            [&] { found = &base::recollect(now, clock_ms); });
        return *found;
    }

    // Views: they change nothing and are not noted.
    using base::alive_count;
    using base::candidate_count;
    using base::candidates;
    using base::candidates_dropped;
    using base::check_invariants;
    using base::counters;
    using base::entry_count;
    using base::entry_memory;
    using base::explain;
    using base::find;
    using base::for_each_candidate;
    using base::for_each_entry;
    using base::for_each_entry_with;
    using base::for_each_member;
    using base::for_each_nearest;
    using base::get;
    using base::id;
    using base::incarnation;
    using base::listening;
    using base::next_deadline;
    using base::running;
    using base::size;
    using base::starting;
    [[nodiscard]] engine_type const& engine() const noexcept { return base::engine(); }

private:
    recorded_logic(gossip::flight_recorder* recorder, signing identity, sealing seal, random rng, options chosen,
                   announcements handler)
        : base{std::move(identity), std::move(seal), std::move(rng), with_noted_rule(std::move(chosen), recorder),
               std::move(handler)},
          recorder_{recorder} {}

    template <typename Number>
    [[nodiscard]] static std::uint64_t number_of(Number from) noexcept {
        return static_cast<std::uint64_t>(from);
    }
    [[nodiscard]] time_point last() const noexcept { return recorder_ != nullptr ? recorder_->now() : time_point{}; }
    /// What of a frame is not sealed; the plaintext is an answer of the sealing policy.
    static void frame(value_writer& to, byte_view bytes) {
        to.number(bytes.size());
        to.block(bytes.first(std::min(bytes.size(), wire::envelope::head)));
    }
    static void message(value_writer& in, node_id const& to, std::string_view topic, byte_view payload) {
        in.id(to);
        in.text(topic);
        in.block(payload);
    }

    /// Everything the node is made of, before it is.
    [[nodiscard]] static gossip::flight_recorder* noted_birth(signing const& identity, options const& chosen) {
        gossip::flight_recorder* const recorder = identity.recorder();
        if (recorder == nullptr) return nullptr;
        recorder->renew();
        value_writer to{recorder->birth()};
        auto const& [network, self, tunables, discovery, incarnation, subnets, observed, shared, own, rule, names,
                     remembered, most_remembered, has_store] = chosen;
        static_cast<void>(shared); // makes no difference to what the node does
        to.byte(sealing::suite);
        to.id(identity.id());
        to.network(network);
        to.number(incarnation);
        to.byte(static_cast<std::uint8_t>(names));
        to.flag(observed);
        to.flag(static_cast<bool>(rule));
        to.flag(has_store);
        to.number(most_remembered);
        to.peers(remembered);
        to.about(self);
        to.prefixes(subnets);
        to.own(own);
        to.numbers(tunables);
        to.numbers(discovery);
        return recorder;
    }
    [[nodiscard]] static options with_noted_rule(options chosen, gossip::flight_recorder* recorder) {
        if (recorder == nullptr || !chosen.may_dial) return chosen;
        chosen.may_dial = [rule = std::move(chosen.may_dial), recorder](ip_endpoint const& there,
                                                                        discovery::provenance from) {
            bool const may = rule(there, from);
            recorder->answered(may ? gossip::answer_kind::callable : gossip::answer_kind::ruled_out);
            return may;
        };
        return chosen;
    }
    /// The host may change keys between inputs.
    void note_key() {
        std::uint32_t const now = base::engine().seal().key_id();
        if (std::exchange(key_id_, now) != now) recorder_->used_key(now);
    }

    template <typename Body, typename Call>
    auto noted(kind what, time_point now, gossip::outbox& out, Body&& body, Call&& call) {
        if (recorder_ == nullptr) return call();
        std::size_t const sent = out.size(), told = out.events().size();
        body(value_writer{recorder_->begin(what, now)});
        note_key();
        if constexpr (std::is_void_v<decltype(call())>) {
            call();
            recorder_->end(out, sent, told, 0, base::next_deadline());
        } else {
            auto answer = call();
            recorder_->end(out, sent, told, gossip::output_digest::returned(answer), base::next_deadline());
            return answer;
        }
    }
    /// The same for calls that want nothing done at once.
    template <typename Body, typename Call>
    auto quietly(kind what, time_point now, Body&& body, Call&& call) {
        if (recorder_ == nullptr) return call();
        body(value_writer{recorder_->begin(what, now)});
        note_key();
        if constexpr (std::is_void_v<decltype(call())>) {
            call();
            recorder_->end(0, base::next_deadline());
        } else {
            auto answer = call();
            recorder_->end(gossip::output_digest::returned(answer), base::next_deadline());
            return answer;
        }
    }

    gossip::flight_recorder* recorder_;
    std::optional<std::uint32_t> key_id_{}; ///< noted last
};

template <typename Policies>
struct logic_for<recording<Policies>> {
    using type = recorded_logic<Policies>;
};

} // namespace node
PEERKIT_END_NAMESPACE

#endif
