// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A registry without I/O: every input is a call, everything to be done comes out in an outbox.
#ifndef PEERKIT_REGISTRY_REGISTRY_LOGIC_HPP
#define PEERKIT_REGISTRY_REGISTRY_LOGIC_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/crypto/siphash.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/authority.hpp>
#include <peerkit/registry/change.hpp>
#include <peerkit/registry/counters.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/node_query.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/registry/node_table.hpp>
#include <peerkit/registry/outbox.hpp>
#include <peerkit/registry/registration_check.hpp>
#include <peerkit/registry/registry_options.hpp>
#include <peerkit/registry/replica.hpp>
#include <peerkit/registry/request.hpp>
#include <peerkit/registry/source_limits.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// What every answer says of the registry that gives it.
struct registry_condition {
    registry_role role = registry_role::root;
    bool stale = false;        ///< a replica without its root: what it says may have changed since
    std::int64_t behind_s = 0; ///< seconds since the root answered last, while `stale`
    bool preserving = false;   ///< most nodes are silent: nobody is called offline, see `heartbeat_watch`
};

/// Names what readers see: equal names, equal rows (the figures of heartbeats aside).
struct registry_state {
    std::uint64_t epoch = 0;
    std::uint64_t version = 0;
    std::uint64_t edits = 0; ///< of writes the root has not taken yet
    [[nodiscard]] friend constexpr bool operator==(registry_state const&, registry_state const&) noexcept = default;
};

/// One registry in any role, as a state machine. Reads are answered from memory. Writes are decided here by a root
/// (`authority`), and handed on by the others (`replica`).
///
/// The shell gives each input with the time and carries out the outbox; it calls `poll` after every input and when
/// `next_deadline` has come. An answer is sent only when the changes of its call are stored. Signatures are checked
/// with `Signing`; random numbers make secrets, so they must be unforeseeable in production. Not thread safe.
///
/// @code
/// registry::registry_logic<crypto::ed25519_identity, crypto::secure_rng> logic{options, rng, now};
/// logic.start({}, at, out);
/// auto answer = logic.register_node(std::move(asked), caller{source}, at, out);
/// if (!answer && answer.error() == registry_error::challenge) send(logic.challenge_for(id, now));
/// @endcode
template <crypto::SigningVerifies Signing, Rng Random>
class registry_logic {
public:
    /// `options` must be accepted by `check`.
    registry_logic(registry_options options, Random random, time_point now)
        : options_{std::move(options)}, random_{std::move(random)}, challenges_{key()},
          requests_{options_.requests, key()}, writes_{options_.writes, key()}, source_key_{key()},
          table_{options_.table, 0}, authority_{options_, now}, replica_{options_, now}, life_{draw()} {}

    [[nodiscard]] registry_options const& options() const noexcept { return options_; }
    [[nodiscard]] bool is_root() const noexcept { return options_.role == registry_role::root; }
    [[nodiscard]] node_table const& table() const noexcept { return table_; }
    [[nodiscard]] registry_counters const& counters() const noexcept { return counters_; }
    /// For refusals that the shell makes itself.
    [[nodiscard]] registry_counters& counters() noexcept { return counters_; }
    [[nodiscard]] std::size_t queued() const noexcept { return replica_.queue().size(); }
    [[nodiscard]] std::size_t online() const noexcept { return authority_.watch().online(); }

    /// To be called first. Takes over what was stored; a value-initialised state is none.
    /// @param from_snapshot the state is an old one that was brought back: replicas that are further must not take it
    /// for theirs, so the epoch becomes another.
    /// @par Errors those of `node_table::restore`; the registry is empty then. `malformed` for queued writes that
    /// cannot be read (position: their number); the rest was taken over.
    result<void> start(saved_state&& saved, bool from_snapshot, moment const& at, registry_outbox& out) {
        auto const queue = std::move(saved.queue);
        bool const empty = saved.epoch == 0;
        saved.version = last_version(saved);
        if (!empty) {
            if (auto const ok = table_.restore(std::move(saved), at); !ok) return ok;
        }
        if (is_root()) {
            authority_.restore(table_, at.now);
            if (empty || from_snapshot) {
                table_.begin_epoch(draw());
                if (empty) out.changes.push_back(table_reset{table_.epoch()});
                out.changes.push_back(table_at{table_.epoch(), table_.version(), table_.floor()});
            }
            return {};
        }
        std::size_t const left_out = replica_.restore(queue, table_, at);
        if (left_out != 0) return fail(registry_error::malformed, left_out, "queue");
        return {};
    }

    /// Whether a source may ask for anything now. Replicas always may, and loopback without `limit_loopback`.
    /// @par Errors `rate_limited`, position: seconds to wait.
    result<void> admit(caller const& from, time_point now) { return take(requests_, from, now); }
    /// Whether this is the token that registries show each other; never if there is none.
    [[nodiscard]] bool is_token(std::string_view given) const noexcept {
        std::string const& token = options_.token;
        if (token.empty() || given.size() != token.size()) return false;
        unsigned differs = 0;
        for (std::size_t i = 0; i < token.size(); ++i) {
            differs |=
                static_cast<unsigned>(static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(token[i]));
        }
        return differs == 0;
    }

    /// What the node has to sign, and send as `proof` within 30 seconds.
    [[nodiscard]] challenge_bytes challenge_for(node_id const& id, time_point now) const noexcept {
        return challenges_.make(id, now);
    }
    /// @par Errors those of `check_registration`; `rate_limited`; `challenge` if the proof is missing or answers no
    /// challenge made lately; `bad_record` (field "signature"); those of `authority::register_node` or
    /// `replica::register_node`.
    result<submitted> register_node(registration&& asked, caller const& from, moment const& at, registry_outbox& out) {
        if (auto const ok = take(writes_, from, at.now); !ok) return fail(ok.error());
        auto const record = check_registration(asked, options_.network);
        if (!record) return refuse(record.error());
        if (!from.is_replica()) {
            if (asked.proof.empty() ||
                !challenges_.template proves<Signing>(record->id(), options_.network, asked.proof, at.now)) {
                return refuse(error{registry_error::challenge, 0, "proof"});
            }
            asked.lease = {};
        }
        node_row const* const known = find(record->id());
        if ((known == nullptr || !equal(known->record, record->bytes())) &&
            !crypto::verify_record<Signing>(*record, options_.network)) {
            return refuse(error{registry_error::bad_record, 0, "signature"});
        }
        if (!is_root()) return counted(replica_.register_node(std::move(asked), table_, at, out, random_, counters_));
        std::uint64_t const source =
            from.is_replica() || options_.exempt(from.source) ? 0 : source_number(from.source, source_key_) | 1U;
        auto answer =
            authority_.register_node(std::move(asked), table_, from, source, lease(), at, out.changes, counters_);
        if (!answer) return refuse(answer.error());
        return submitted{*answer};
    }
    /// @par Errors `unknown_node`.
    result<write_answer> beat(heartbeat const& asked, moment const& at, registry_outbox& out) {
        return counted(is_root() ? authority_.beat(asked, table_, at, out.changes, counters_)
                                 : replica_.beat(asked, table_, counters_));
    }
    /// Heartbeats that a replica checked and hands on.
    /// @par Errors `unauthorized` from anybody else, `not_root`.
    result<void> beats(std::span<node_id const> ids, caller const& from, moment const& at, registry_outbox& out) {
        if (!from.is_replica()) return refuse(error{registry_error::unauthorized, 0, "token"});
        if (!is_root()) return refuse(error{registry_error::not_root});
        authority_.beats(ids, table_, from, at, out.changes, counters_);
        return {};
    }
    /// @par Errors `rate_limited`, `unknown_node`, `queue_full`.
    result<submitted> deregister(deregistration const& asked, caller const& from, moment const& at,
                                 registry_outbox& out) {
        if (auto const ok = take(writes_, from, at.now); !ok) return fail(ok.error());
        if (!is_root()) return counted(replica_.deregister(asked, table_, at, out, counters_));
        authority_.heard_replica(from, at.now);
        auto answer = authority_.deregister(asked, table_, at, out.changes, counters_);
        if (!answer) return refuse(answer.error());
        return submitted{*answer};
    }

    /// The node as readers see it, or null.
    [[nodiscard]] node_row const* find(node_id const& id) const noexcept {
        return is_root() ? table_.find(id) : replica_.pending().find_row(id, table_);
    }
    [[nodiscard]] node_listing list(node_query const& query) const {
        return is_root() ? table_.list(query) : replica_.pending().list(query, table_);
    }
    [[nodiscard]] registry_state state() const noexcept {
        return {table_.epoch(), table_.version(), is_root() ? 0 : replica_.pending().edits()};
    }
    /// Drawn when this was made: tells `registry_state::edits` from those of other replicas, and of an earlier life.
    [[nodiscard]] std::uint64_t life() const noexcept { return life_; }
    /// What changed behind a cursor, a page of it: `page_rows`, `page_bytes`.
    /// @par Errors `snapshot_needed`.
    result<change_view> changes(change_cursor const& cursor, caller const& from, time_point now) {
        authority_.heard_replica(from, now);
        return counted(table_.read(cursor, options_.page_rows, options_.page_bytes));
    }
    [[nodiscard]] registry_condition condition(time_point now) const noexcept {
        registry_condition c{.role = options_.role};
        if (is_root()) {
            c.preserving = authority_.watch().preserving();
        } else if (!replica_.contact().there()) {
            c.stale = true;
            c.behind_s = std::max<std::int64_t>((now - replica_.contact().last()) / std::chrono::seconds{1}, 0);
        }
        return c;
    }

    /// Does what is due.
    void poll(moment const& at, registry_outbox& out) {
        if (is_root()) {
            authority_.tick(table_, at, out.changes, counters_);
        } else {
            replica_.poll(table_, at, out);
        }
    }
    [[nodiscard]] time_point next_deadline() const noexcept {
        return is_root() ? authority_.next_deadline() : replica_.next_deadline();
    }

    /// The answers to the requests of an outbox. A failure is noted and tried again in time; what is returned is for
    /// logs. @par Errors what went wrong; `unexpected_answer`.
    result<void> on_page(std::uint64_t number, result<change_page>&& answer, moment const& at, registry_outbox& out) {
        return replica_.on_page(
            number, std::move(answer), table_, at, out, random_, counters_, [this](node_row const& r) {
                auto const record = wire::record_view::parse(r.record);
                return record && record->id() == r.id && crypto::verify_record<Signing>(*record, options_.network);
            });
    }
    result<void> on_forwarded(std::uint64_t number, result<write_answer> const& answer, moment const& at,
                              registry_outbox& out) {
        return replica_.on_forwarded(number, answer, table_, at, out, random_, counters_);
    }
    result<void> on_beats_forwarded(std::uint64_t number, result<void> const& answer, moment const& at) {
        return replica_.on_beats_forwarded(number, answer, at, random_, counters_);
    }

private:
    /// Single changes do not say where the state is: it is where the last of them brought it.
    [[nodiscard]] static std::uint64_t last_version(saved_state const& saved) noexcept {
        std::uint64_t last = saved.version;
        for (node_row const& row : saved.rows) last = std::max(last, row.version);
        for (tombstone const& gone : saved.removed) last = std::max(last, gone.version);
        return last;
    }
    [[nodiscard]] crypto::siphash_key key() noexcept {
        std::uint64_t const first = random_();
        return {first, random_()};
    }
    /// Never 0.
    [[nodiscard]] std::uint64_t draw() noexcept {
        std::uint64_t const drawn = random_();
        return drawn != 0 ? drawn : 1;
    }
    [[nodiscard]] lease_id lease() noexcept {
        lease_id made;
        store_big(made.bytes.data(), draw());
        store_big(made.bytes.data() + 8, random_());
        return made;
    }
    [[nodiscard]] tl::unexpected<error> refuse(error const& why) noexcept { return fail(counters_.refuse(why)); }
    template <typename T>
    [[nodiscard]] result<T> counted(result<T>&& answer) noexcept {
        if (!answer) (void)counters_.refuse(answer.error());
        return std::move(answer);
    }
    result<void> take(source_limits& limits, caller const& from, time_point now) {
        if (from.is_replica() || options_.exempt(from.source)) return {};
        duration const wait = limits.take(from.source, now);
        if (wait <= duration::zero()) return {};
        return refuse(error{registry_error::rate_limited,
                            static_cast<std::uint64_t>(wait / std::chrono::seconds{1}) + 1, "source"});
    }

    registry_options options_;
    Random random_;
    challenge_maker challenges_;
    source_limits requests_, writes_;
    crypto::siphash_key source_key_;
    node_table table_;
    authority authority_; ///< of a root
    replica replica_;     ///< of the others
    registry_counters counters_;
    std::uint64_t life_;
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
