// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Reads the dump of a flight recorder: untrusted bytes to inputs, answers and what a node was started with.
#ifndef PEERKIT_SIM_RECORDING_HPP
#define PEERKIT_SIM_RECORDING_HPP

#include <peerkit/core/address_class.hpp>
#include <peerkit/core/byte_sink.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/crypto/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/gossip/error.hpp>
#include <peerkit/gossip/event.hpp>
#include <peerkit/gossip/flight_recorder.hpp>
#include <peerkit/gossip/name_policy.hpp>
#include <peerkit/gossip/recorded_kinds.hpp>
#include <peerkit/gossip/tunables.hpp>
#include <peerkit/node/discovery_schedule.hpp>
#include <peerkit/node/recorded_values.hpp>
#include <peerkit/node/remembered_peer.hpp>
#include <peerkit/sim/error.hpp>
#include <peerkit/wire/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

namespace detail {

/// An error of a floor that is here, from its name; any other becomes `recorded_elsewhere`.
[[nodiscard]] inline error known_error(std::string_view domain, std::uint16_t value, std::uint64_t position) noexcept {
    auto const is = [domain]<typename E>(E) { return domain_of<E>::get().name == domain; };
    auto const made = [value, position]<typename E>(E) { return error{static_cast<E>(value), position, "recorded"}; };
    if (is(core_error{})) return made(core_error{});
    if (is(wire::wire_error{})) return made(wire::wire_error{});
    if (is(crypto::crypto_error{})) return made(crypto::crypto_error{});
    if (is(gossip::gossip_error{})) return made(gossip::gossip_error{});
    if (is(discovery::discovery_error{})) return made(discovery::discovery_error{});
    if (is(sim_error{})) return made(sim_error{});
    return error{sim_error::recorded_elsewhere, value, "recorded"};
}
[[nodiscard]] inline error read_error(node::value_reader& from) noexcept {
    std::string_view const domain = from.text();
    std::uint16_t const value = from.port();
    return known_error(domain, value, from.number());
}

} // namespace detail

/// One input of a recorded node. The views point into the dump.
struct recorded_input {
    /// An event in short, for people: the whole of it comes out of a replay.
    struct event {
        gossip::event_kind kind{};
        gossip::cause why{};
        short_id subject{};
        short_id by{};
    };

    gossip::input_kind kind{};
    duration at{};                           ///< since the start
    std::uint32_t digest = 0;                ///< of what the node wanted done, see `gossip::output_digest`
    byte_view body{};                        ///< what was handed in
    byte_view answers{};                     ///< what the policies answered
    std::uint64_t datagrams = 0, frames = 0; ///< sent because of it
    std::size_t event_count = 0;

    /// Calls `f(event const&)` for the events it led to.
    template <typename F>
    void for_each_event(F&& f) const {
        byte_reader in{events_};
        for (std::size_t i = 0; i < event_count; ++i) {
            event e;
            e.kind = static_cast<gossip::event_kind>(in.u8());
            e.why = static_cast<gossip::cause>(in.u8());
            e.subject = static_cast<short_id>(in.u64());
            e.by = static_cast<short_id>(in.u64());
            f(e);
        }
    }
    /// The plaintext of the frame that was handed in, if it opened; else empty.
    [[nodiscard]] byte_view opened() const noexcept;

    /// Reads an entry. @par Errors `bad_recording`, its position within the entry.
    [[nodiscard]] static result<recorded_input> parse(byte_view entry) noexcept {
        byte_reader in{entry};
        recorded_input made;
        std::uint8_t const kind = in.u8();
        std::uint64_t const at = in.u64();
        if (kind == 0 || kind > static_cast<std::uint8_t>(gossip::last_input_kind))
            return fail(sim_error::bad_recording, 0, "kind of an input");
        if (at > static_cast<std::uint64_t>(node::most_time.count()))
            return fail(sim_error::bad_recording, 1, "time of an input");
        made.kind = static_cast<gossip::input_kind>(kind);
        made.at = duration{static_cast<duration::rep>(at)};
        made.digest = in.u32();
        made.body = read_block(in);
        made.answers = read_block(in);
        made.datagrams = read_varint(in);
        made.frames = read_varint(in);
        std::uint64_t const events = read_varint(in);
        if (!in || events > entry.size() || events * event_size != in.remaining())
            return fail(sim_error::bad_recording, in.position(), "input");
        made.event_count = static_cast<std::size_t>(events);
        made.events_ = in.bytes(in.remaining());
        return made;
    }

private:
    static constexpr std::size_t event_size = 18;
    byte_view events_{};
};

/// The next answer in a list of them: its kind, and what follows it.
struct recorded_answer {
    gossip::answer_kind kind{};
    std::uint64_t number = 0; ///< of `draw` and `key_id`
    byte_view bytes{};        ///< of `signature` and `opened`

    /// False at the end, and for something that is no answer; then `from` has failed if it was not the end.
    [[nodiscard]] bool read(byte_reader& from) noexcept {
        if (from.remaining() == 0) return false;
        std::uint8_t const tag = from.u8();
        kind = static_cast<gossip::answer_kind>(tag);
        number = 0;
        bytes = {};
        switch (kind) {
        case gossip::answer_kind::draw: number = from.u64(); break;
        case gossip::answer_kind::key_id: number = from.u32(); break;
        case gossip::answer_kind::signature: bytes = from.bytes(64); break;
        case gossip::answer_kind::opened: bytes = read_block(from); break;
        default:
            if (tag == 0 || kind > gossip::answer_kind::ruled_out) static_cast<void>(from.bytes(from.remaining() + 1));
        }
        return static_cast<bool>(from);
    }
};

inline byte_view recorded_input::opened() const noexcept {
    byte_reader in{answers};
    for (recorded_answer a; a.read(in);) {
        if (a.kind == gossip::answer_kind::opened) return a.bytes;
    }
    return {};
}

/// What a recorded node was made of.
struct recorded_birth {
    std::uint8_t suite = 0;
    node_id id{};
    network_id network{};
    std::uint64_t incarnation = 0;
    gossip::name_policy names{};
    bool advertise_observed = false;
    bool has_rule = false; ///< the host had a dial rule
    bool has_store = false;
    std::size_t most_remembered = 0;
    std::vector<node::remembered_peer> remembered{};
    description self{};
    std::vector<ip_prefix> subnets{};
    discovery::own_identity own{};
    gossip::tunables tunables{};
    node::discovery_schedule discovery{};

    /// @par Errors `bad_recording`, its position within the block; those of `check` for numbers no node takes
    [[nodiscard]] static result<recorded_birth> parse(byte_view block) {
        node::value_reader in{block};
        recorded_birth made;
        made.suite = in.byte();
        made.id = in.id();
        made.network = in.network();
        made.incarnation = in.number();
        made.names =
            static_cast<gossip::name_policy>(in.enumerator(static_cast<std::uint8_t>(gossip::name_policy::replace)));
        made.advertise_observed = in.flag();
        made.has_rule = in.flag();
        made.has_store = in.flag();
        made.most_remembered = static_cast<std::size_t>(in.number());
        made.remembered = in.peers();
        made.self = in.about();
        made.subnets = in.prefixes();
        made.own = in.own();
        in.numbers(made.tunables);
        in.numbers(made.discovery);
        if (!in || in.remaining() != 0) return fail(sim_error::bad_recording, in.position(), "birth");
        if (auto const ok = check(made.tunables); !ok) return fail(ok.error());
        if (auto const ok = check(made.discovery); !ok) return fail(ok.error());
        // Caps whose memory is taken when the node is made, or that are multiplied.
        gossip::tunables const& t = made.tunables;
        constexpr std::size_t most = std::size_t{1} << 24U;
        for (std::size_t const cap :
             {t.max_relays, t.max_streams, t.max_origins, t.max_requests, t.max_served_requests, made.most_remembered,
              made.discovery.max_candidates, made.discovery.max_strangers}) {
            if (cap > most) return fail(sim_error::bad_recording, cap, "cap");
        }
        return made;
    }
};

/// A dump, checked from end to end. Refers to the bytes it was made from.
///
/// @code
/// auto const recording = sim::recording_view::parse(bytes);
/// if (!recording) return report(recording.error().message());
/// recording->for_each([](sim::recorded_input const& input) { print(input); });
/// @endcode
class recording_view {
public:
    /// @par Errors `not_a_recording`, `recording_version`, `recording_damaged`, `bad_recording`
    [[nodiscard]] static result<recording_view> parse(byte_view dump) noexcept {
        using layout = gossip::recording_layout;
        byte_reader in{dump};
        if (as_text(in.bytes(layout::magic.size())) != layout::magic) return fail(sim_error::not_a_recording);
        if (std::uint8_t const format = in.u8(); format != layout::format)
            return fail(in ? sim_error::recording_version : sim_error::not_a_recording, format, "format");
        if (in.remaining() < 8) return fail(sim_error::recording_damaged, dump.size(), "end");
        byte_view const said = dump.first(dump.size() - 8);
        if (layout::checksum(said) != load_big<std::uint64_t>(dump.data() + said.size()))
            return fail(sim_error::recording_damaged, said.size(), "checksum");

        recording_view made;
        in = byte_reader{said};
        static_cast<void>(in.bytes(layout::magic.size() + 1));
        for (std::uint8_t& part : made.version_) part = in.u8();
        made.birth_ = read_block(in);
        made.dropped_ = in.u64();
        std::uint64_t const until = in.u64();
        made.size_ = in.u64();
        byte_view const first = in.bytes(in.u32());
        if (!in || until > static_cast<std::uint64_t>(node::most_time.count()))
            return fail(sim_error::bad_recording, in.position(), "head");
        made.dropped_until_ = duration{static_cast<duration::rep>(until)};
        auto const start = recorded_input::parse(first);
        if (!start) return fail(start.error().at(in.position() - first.size(), "start"));
        if (start->kind != gossip::input_kind::start) return fail(sim_error::bad_recording, in.position(), "start");
        made.start_ = *start;
        made.entries_ = said.subspan(in.position());
        duration last{};
        for (std::uint64_t i = 0; i < made.size_; ++i) {
            std::size_t const where = in.position();
            auto const input = recorded_input::parse(in.bytes(in.u32()));
            if (!input) return fail(input.error().at(where, "input"));
            if (input->kind == gossip::input_kind::start || input->at < last)
                return fail(sim_error::bad_recording, where, "order of inputs");
            last = input->at;
        }
        if (!in || in.remaining() != 0) return fail(sim_error::bad_recording, in.position(), "inputs");
        return made;
    }

    /// The version of peerkit that recorded: major, minor, patch. Another one may do other things with the same inputs.
    [[nodiscard]] std::array<std::uint8_t, 3> const& version() const noexcept { return version_; }
    [[nodiscard]] bool same_version() const noexcept {
        return version_ ==
               std::array<std::uint8_t, 3>{PEERKIT_VERSION_MAJOR, PEERKIT_VERSION_MINOR, PEERKIT_VERSION_PATCH};
    }
    /// See `recorded_birth::parse`.
    [[nodiscard]] byte_view birth() const noexcept { return birth_; }
    /// Nothing is missing: the recording can be replayed.
    [[nodiscard]] bool complete() const noexcept { return dropped_ == 0; }
    /// How many inputs between the start and the first that is kept are missing, and when the last of them came.
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
    [[nodiscard]] duration dropped_until() const noexcept { return dropped_until_; }
    /// The start, which is always kept.
    [[nodiscard]] recorded_input const& start() const noexcept { return start_; }
    /// The other inputs.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

    /// Goes through them, in order.
    class cursor {
    public:
        explicit cursor(recording_view const& of) noexcept : in_{of.entries_} {}
        /// False at the end.
        [[nodiscard]] bool next(recorded_input& into) noexcept {
            if (in_.remaining() == 0) return false;
            auto const input = recorded_input::parse(in_.bytes(in_.u32()));
            if (!input) return false;
            into = *input;
            return true;
        }

    private:
        byte_reader in_;
    };
    /// Calls `f(recorded_input const&)` for the start and all that is kept.
    template <typename F>
    void for_each(F&& f) const {
        f(start_);
        cursor at{*this};
        for (recorded_input input; at.next(input);) f(input);
    }

private:
    recording_view() noexcept = default;

    std::array<std::uint8_t, 3> version_{};
    byte_view birth_{};
    std::uint64_t dropped_ = 0;
    duration dropped_until_{};
    std::uint64_t size_ = 0;
    recorded_input start_{};
    byte_view entries_{};
};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
