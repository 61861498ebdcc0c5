// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Lives through a recording again, input by input, and says where the node does something else than it did.
#ifndef PEERKIT_SIM_REPLAY_HPP
#define PEERKIT_SIM_REPLAY_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/gossip/delivery.hpp>
#include <peerkit/gossip/outbox.hpp>
#include <peerkit/gossip/output_digest.hpp>
#include <peerkit/gossip/recorded_kinds.hpp>
#include <peerkit/node/node_logic.hpp>
#include <peerkit/node/recorded_values.hpp>
#include <peerkit/sim/error.hpp>
#include <peerkit/sim/recording.hpp>
#include <peerkit/sim/replaying_policies.hpp>
#include <peerkit/wire/envelope.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// Where a replay leaves the recording.
struct replay_difference {
    enum class what : std::uint8_t {
        unreadable, ///< the input says something that cannot be handed in
        question,   ///< a policy was asked something that was not asked then
        unasked,    ///< something was asked then that was not asked now
        outputs,    ///< what the node wants done, or when it wants to be called, is not what it was
    };

    std::uint64_t index = 0; ///< of the input, as `recorded_input`s are counted: the start is 0
    what kind{};
    std::optional<wrong_question> asked{}; ///< of `question`
    std::uint32_t recorded = 0, now = 0;   ///< of `outputs`: the digests

    /// A sentence without the index.
    [[nodiscard]] std::string to_string() const {
        switch (kind) {
        case what::unreadable: return "the input cannot be read";
        case what::question: {
            std::string text{"the node asks for "};
            text.append(gossip::to_string(asked->wanted)).append(", and the recording has ");
            return text.append(asked->recorded ? gossip::to_string(*asked->recorded) : "no more answers");
        }
        case what::unasked: return "the recording has answers that the node does not ask for";
        case what::outputs: return "what the node does now is not what it did then";
        }
        return "unknown";
    }
};

/// A node that lives through a complete recording. It needs no key: what was opened is in the recording, and what was
/// signed. Signatures of others are checked again.
///
/// The same version of peerkit, made with the same policies, does the same with the same inputs; `next` compares a
/// digest of everything the node wants done with the one that was recorded, input by input. Not thread safe; refers to
/// the bytes of the recording.
///
/// @code
/// auto replay = sim::replay<net::node::policies>::of(*recording);
/// if (!replay) return report(replay.error().message());
/// while (replay->next()) {
///     if (auto const& other = replay->difference()) return report(other->to_string());
///     look_at(replay->input(), replay->outputs(), replay->node());
/// }
/// @endcode
/// @tparam Policies what was recorded, without recorder
template <typename Policies>
class replay {
public:
    using node_type = node::node_logic<replaying<Policies>>;

    /// @par Errors `recording_truncated`, `other_suite`, those of `recorded_birth::parse`
    [[nodiscard]] static result<replay> of(recording_view const& recording) {
        if (!recording.complete()) return fail(sim_error::recording_truncated, recording.dropped(), "recording");
        auto birth = recorded_birth::parse(recording.birth());
        if (!birth) return fail(birth.error());
        if (birth->suite != Policies::sealing::suite) return fail(sim_error::other_suite, birth->suite, "suite");
        return replay{recording, std::move(*birth)};
    }

    /// Hands in the next input, the start first. False, and nothing done, at the end or after a difference.
    [[nodiscard]] bool next() {
        if (difference_) return false;
        if (index_ == 0)
            input_ = start_;
        else if (!inputs_.next(input_))
            return false;
        if (index_ != 0) answers_->begin(input_.answers);
        out_.clear();
        now_ = began_ + input_.at;
        node::value_reader in{input_.body};
        std::uint64_t const returned = hand_in(in);
        answers_->digest.actions(out_, 0);
        std::uint32_t const digest = answers_->digest.finish(returned, node_->next_deadline());
        using enum replay_difference::what;
        if (!in || in.remaining() != 0)
            difference_ = {index_, unreadable};
        else if (answers_->fault())
            difference_ = {index_, question, answers_->fault()};
        else if (!answers_->used_up())
            difference_ = {index_, unasked};
        else if (digest != input_.digest)
            difference_ = {index_, outputs, {}, input_.digest, digest};
        ++index_;
        return true;
    }
    /// Hands in all that is left, or all up to a difference.
    void run() {
        while (next()) {}
    }

    /// The first difference, if there was one.
    [[nodiscard]] std::optional<replay_difference> const& difference() const noexcept { return difference_; }
    /// The input that was handed in last, how many were, and when the node thought it was.
    [[nodiscard]] recorded_input const& input() const noexcept { return input_; }
    [[nodiscard]] std::uint64_t inputs() const noexcept { return index_; }
    [[nodiscard]] time_point now() const noexcept { return now_; }
    /// What the node wants done because of it. Frames are in plain, their tags zero.
    [[nodiscard]] gossip::outbox const& outputs() const noexcept { return out_; }
    /// The node as it is now.
    [[nodiscard]] node_type const& node() const noexcept { return *node_; }

private:
    /// A frame that is longer was no datagram and no frame of a stream.
    static constexpr std::uint64_t most_frame = std::uint64_t{1} << 17U;

    replay(recording_view const& recording, recorded_birth&& birth)
        : start_{recording.start()}, inputs_{recording}, answers_{std::make_unique<recorded_answers>()} {
        answers_->begin(start_.answers); // the node draws numbers while it is made
        typename node_type::options options;
        options.network = birth.network;
        options.self = std::move(birth.self);
        options.tunables = birth.tunables;
        options.discovery = birth.discovery;
        options.incarnation = birth.incarnation;
        options.subnets = std::move(birth.subnets);
        options.advertise_observed = birth.advertise_observed;
        options.own = std::move(birth.own);
        options.names = birth.names;
        options.remembered = std::move(birth.remembered);
        options.most_remembered = birth.most_remembered;
        options.has_store = birth.has_store;
        if (birth.has_rule) {
            options.may_dial = [from = answers_.get()](ip_endpoint const&, discovery::provenance) {
                using enum gossip::answer_kind;
                return from->take({callable, ruled_out}).kind == callable;
            };
        }
        node_ = std::make_unique<node_type>(replaying_signing<typename Policies::signing>{birth.id, *answers_},
                                            replaying_sealing<Policies::sealing::suite>{*answers_},
                                            replaying_rng{*answers_}, std::move(options),
                                            replaying_announcements{*answers_});
    }

    /// Makes the recorded call; nothing if its arguments cannot be read.
    std::uint64_t hand_in(node::value_reader& in) {
        using gossip::output_digest;
        using enum gossip::input_kind;
        node_type& to = *node_;
        switch (input_.kind) {
        case start: {
            now_ = began_ = time_point{in.period()};
            return in ? output_digest::returned(to.start(now_, out_)) : 0;
        }
        case datagram: {
            ip_endpoint const from = in.place();
            if (frame(in)) to.on_datagram(frame_, from, now_, out_);
            return 0;
        }
        case stream_accepted: {
            ip_endpoint const from = in.place();
            return in ? output_digest::returned(to.on_stream_accepted(from, now_, out_)) : 0;
        }
        case stream_opened: {
            auto const id = stream(in);
            if (in) to.on_stream_opened(id, now_, out_);
            return 0;
        }
        case stream_frame: {
            auto const id = stream(in);
            if (frame(in)) to.on_stream_frame(id, frame_, now_, out_);
            return 0;
        }
        case stream_closed: {
            auto const id = stream(in);
            std::optional<error> why;
            if (in.flag()) why = detail::read_error(in);
            if (in) to.on_stream_closed(id, why, now_, out_);
            return 0;
        }
        case tick: to.on_tick(now_, out_); return 0;
        case candidates: {
            std::vector<discovery::candidate> found(in.count());
            for (discovery::candidate& one : found) one = in.candidate();
            if (in) to.on_candidates(found, now_, out_);
            return 0;
        }
        case discovery_failed: {
            error const why = detail::read_error(in);
            if (in) to.on_discovery_failed(why, now_, out_);
            return 0;
        }
        case discovery_hint: to.on_discovery_hint(now_, out_); return 0;
        case host_name: {
            ip_address const of = in.address();
            result<std::string_view> name{};
            if (in.flag())
                name = in.text();
            else
                name = fail(detail::read_error(in));
            if (in) to.on_host_name(of, name, now_, out_);
            return 0;
        }
        case update: {
            description changed = in.about();
            return in ? output_digest::returned(to.update(std::move(changed), now_, out_)) : 0;
        }
        case introduce: {
            byte_view const record = in.block();
            return in ? output_digest::returned(to.introduce(record, now_, out_)) : 0;
        }
        case moved: {
            auto subnets = in.prefixes();
            auto own = in.addresses();
            if (in) to.moved(std::move(subnets), std::move(own));
            return 0;
        }
        case leave: to.leave(now_, out_); return 0;
        case kept: to.on_kept(now_, out_); return 0;
        case recollect: {
            std::int64_t const clock = in.clock();
            if (in) static_cast<void>(to.recollect(now_, clock));
            return 0;
        }
        default: return hand_in_data(in);
        }
    }
    /// The same for calls about user data.
    std::uint64_t hand_in_data(node::value_reader& in) {
        using gossip::output_digest;
        using enum gossip::input_kind;
        node_type& to = *node_;
        switch (input_.kind) {
        case broadcast: {
            std::string_view const topic = in.text();
            byte_view const payload = in.block();
            return in ? output_digest::returned(to.broadcast(topic, payload, now_)) : 0;
        }
        case send_message: {
            auto const [whom, topic, payload] = message(in);
            return in ? output_digest::returned(to.send_message(whom, topic, payload, out_)) : 0;
        }
        case send_reliably: {
            auto const [whom, topic, payload] = message(in);
            duration const timeout = in.any_period();
            return in ? output_digest::returned(to.send_reliably(whom, topic, payload, timeout, now_, out_)) : 0;
        }
        case request: {
            auto const [whom, topic, payload] = message(in);
            duration const timeout = in.any_period();
            return in ? output_digest::returned(to.request(whom, topic, payload, timeout, now_, out_)) : 0;
        }
        case cancel_request: {
            auto const which = static_cast<gossip::request_id>(in.number());
            if (in) to.cancel_request(which, out_);
            return 0;
        }
        case respond: {
            auto const which = static_cast<gossip::request_id>(in.number());
            byte_view const payload = in.block();
            return in ? output_digest::returned(to.respond(which, payload, now_, out_)) : 0;
        }
        case decline: {
            auto const which = static_cast<gossip::request_id>(in.number());
            return in ? output_digest::returned(to.decline(which, now_, out_)) : 0;
        }
        case put: {
            std::string_view const key = in.text();
            byte_view const value = in.block();
            return in ? output_digest::returned(to.put(key, value, now_)) : 0;
        }
        case erase: {
            std::string_view const key = in.text();
            return in ? output_digest::returned(to.erase(key, now_)) : 0;
        }
        case contact: {
            ip_endpoint const where = in.place();
            if (in) to.contact(where, now_, out_);
            return 0;
        }
        default: return 0;
        }
    }

    struct addressed {
        node_id whom;
        std::string_view topic;
        byte_view payload;
    };
    [[nodiscard]] static addressed message(node::value_reader& in) noexcept {
        addressed made;
        made.whom = in.id();
        made.topic = in.text();
        made.payload = in.block();
        return made;
    }
    [[nodiscard]] static gossip::stream_id stream(node::value_reader& in) noexcept {
        return static_cast<gossip::stream_id>(in.number());
    }
    /// Fills `frame_` with the head; the sealing policy has the rest.
    [[nodiscard]] bool frame(node::value_reader& in) {
        std::uint64_t const size = in.number();
        byte_view const head = in.block();
        if (!in || size > most_frame || head.size() != std::min<std::uint64_t>(size, wire::envelope::head)) {
            in.refuse();
            return false;
        }
        frame_.assign(static_cast<std::size_t>(size), std::byte{0});
        copy_bytes(head, frame_);
        return true;
    }

    recorded_input start_;
    recording_view::cursor inputs_;
    std::unique_ptr<recorded_answers> answers_; ///< where the node's policies look
    std::unique_ptr<node_type> node_;
    gossip::outbox out_;
    std::vector<std::byte> frame_;
    recorded_input input_{};
    std::uint64_t index_ = 0;
    time_point began_{};
    time_point now_{};
    std::optional<replay_difference> difference_{};
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
