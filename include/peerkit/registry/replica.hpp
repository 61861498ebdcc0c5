// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A registry that follows a root: fetches changes, hands on writes and heartbeats, keeps them while the root is away.
#ifndef PEERKIT_REGISTRY_REPLICA_HPP
#define PEERKIT_REGISTRY_REPLICA_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/change.hpp>
#include <peerkit/registry/counters.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/registry/node_table.hpp>
#include <peerkit/registry/outbox.hpp>
#include <peerkit/registry/pending_writes.hpp>
#include <peerkit/registry/registry_options.hpp>
#include <peerkit/registry/request.hpp>
#include <peerkit/registry/root_contact.hpp>
#include <peerkit/registry/write_queue.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// What a replica does, beside answering reads from its table:
/// - It follows the root's changes, by long poll or every `refresh_interval`, page by page. Where the root's epoch is
///   another, its version went back, changes are not remembered, or the hash differs, it fetches everything into a
///   second table and takes that over when it is whole; until then it answers from the first.
/// - Every write goes through the queue, one at a time, in order, so that a node's writes never overtake each other.
///   With the root there its answer is waited for; else, and after `answer_wait`, the writer hears that its write is
///   queued. A write leaves the queue when the root has taken or refused it. Handing one on twice does no harm.
/// - Heartbeats are checked here and handed on together; while the root is away only who was heard is remembered.
///
/// Not thread safe.
class replica {
public:
    replica(registry_options const& o, time_point now)
        : options_{o}, contact_{o.retry_first, o.retry_most, now}, queue_{o.queue_size()}, fetch_at_{now},
          beat_at_{now}, forward_at_{now} {}

    [[nodiscard]] root_contact const& contact() const noexcept { return contact_; }
    [[nodiscard]] write_queue const& queue() const noexcept { return queue_; }
    [[nodiscard]] pending_writes const& pending() const noexcept { return pending_; }

    /// The queue of an earlier life. What cannot be read is left out; their number.
    std::size_t restore(std::vector<write_queued> const& saved, node_table const& table, moment const& at) {
        std::size_t left_out = 0;
        for (auto const& one : saved) {
            auto write = queued_write::decode(one.number, one.bytes);
            if (!write) {
                ++left_out;
                continue;
            }
            lay_over(*write, table, at);
            queue_.restore(std::move(*write));
        }
        everything_ = table.epoch() == 0;
        return left_out;
    }

    /// A registration whose signatures were checked. @par Errors `stale_record`, `conflicting_record` and `name_taken`
    /// as far as is known here, `queue_full`.
    template <Rng R>
    result<submitted> register_node(registration&& asked, node_table const& table, moment const& at,
                                    registry_outbox& out, R& rng, registry_counters& count) {
        wire::record_view const record = wire::record_view::trusted(asked.record);
        node_id const id = record.id();
        if (node_row const* const known = pending_.find_row(id, table)) {
            if (record.incarnation() < known->incarnation()) {
                return fail(registry_error::stale_record, known->incarnation(), "record");
            }
            if (record.incarnation() == known->incarnation()) {
                if (!equal(record.bytes(), known->record)) return fail(registry_error::conflicting_record, 0, "record");
                asked.lease = known->lease;
            }
        }
        // Who is still waiting for the root with the very same need not be queued again.
        if (auto const* const last = queue_.last_of(id); last != nullptr && !contact_.there()) {
            auto const* const before = std::get_if<registration>(&last->what);
            if (before != nullptr && equal(before->record, asked.record) && before->domain == asked.domain &&
                before->registry == asked.registry && before->found_by == asked.found_by) {
                beats_.insert(id);
                return queued_answer(*last);
            }
        }
        if (!contact_.there() && pending_.taken(asked.domain, record.name(), id, table)) {
            return fail(registry_error::name_taken, 0, "node_name");
        }
        if (!asked.lease) {
            for (std::size_t half = 0; half < 2; ++half) store_big(asked.lease.bytes.data() + 8 * half, rng());
        }
        asked.proof.clear();
        return submit(std::move(asked), table, at, out, count);
    }
    /// @par Errors `unknown_node`, `queue_full`.
    result<submitted> deregister(deregistration const& asked, node_table const& table, moment const& at,
                                 registry_outbox& out, registry_counters& count) {
        node_row const* const known = pending_.find_row(asked.id, table);
        if (known == nullptr || !known->lease.admits(asked.lease))
            return fail(registry_error::unknown_node, 0, "lease");
        beats_.erase(asked.id);
        return submit(asked, table, at, out, count);
    }
    /// @par Errors `unknown_node`.
    result<write_answer> beat(heartbeat const& asked, node_table const& table, registry_counters& count) {
        node_row const* const known = pending_.find_row(asked.id, table);
        if (known == nullptr || !known->lease.admits(asked.lease))
            return fail(registry_error::unknown_node, 0, "lease");
        ++count.heartbeats;
        beats_.insert(asked.id);
        return write_answer{write_answer::kind::beaten, !contact_.there(), asked.id, known->lease, table.version(),
                            options_.heartbeat_interval};
    }

    /// Begins what is due, and answers who has waited long enough.
    void poll(node_table const& table, moment const& at, registry_outbox& out) {
        while (!waiting_.empty() && (waiting_.front().until <= at.now || !contact_.there())) {
            waiting const& w = waiting_.front();
            out.answers.push_back({write_ticket{w.answer.number}, queued_answer_of(w.answer)});
            waiting_.pop_front();
        }
        if (!fetching_ && contact_.may_try(at.now) && (at.now >= fetch_at_ || !contact_.there())) {
            fetching_ = true;
            duration const wait = contact_.there() && !everything_ && !more_ ? options_.long_poll : duration::zero();
            fetch_wait_ = wait;
            fetched_at_ = at.now;
            change_cursor const from =
                everything_
                    ? (staging_ ? change_cursor{staging_->epoch(), staging_->version(), base_} : change_cursor{})
                    : change_cursor{table.epoch(), table.version(), table.version()};
            out.requests.push_back(
                fetch_changes{++fetch_number_, everything_, from, wait, wait + options_.fetch_timeout});
        }
        if (!forwarding_ && !queue_.empty() && contact_.there() && at.now >= forward_at_) {
            forwarding_ = true;
            out.requests.push_back(forward_write{queue_.front(), options_.fetch_timeout});
        }
        // Where a long poll is still out, heartbeats are what tries whether the root is back.
        bool const probe = !contact_.there() && waits_long() && contact_.may_try(at.now);
        if (!beating_ && (probe || (contact_.there() && at.now >= beat_at_))) {
            beating_ = true;
            beat_at_ = saturating_add(at.now, options_.beat_interval);
            while (!beats_.empty() && beaten_.size() < max_heartbeats) {
                beaten_.push_back(*beats_.begin());
                beats_.erase(beats_.begin());
            }
            if (!beats_.empty()) beat_at_ = at.now;
            out.requests.push_back(forward_beats{++beat_number_, beaten_, options_.fetch_timeout});
        }
    }
    [[nodiscard]] time_point next_deadline() const noexcept {
        time_point next = waiting_.empty() ? never : waiting_.front().until;
        if (contact_.there()) {
            if (!fetching_) next = std::min(next, fetch_at_);
            if (!beating_) next = std::min(next, beat_at_);
            if (!forwarding_ && !queue_.empty()) next = std::min(next, forward_at_);
        } else if (!fetching_ || (waits_long() && !beating_)) {
            next = std::min(next, contact_.retry_at());
        }
        return next;
    }

    /// What came of `fetch_changes`. `verify(row)`: whether its announcement is signed for this network.
    template <Rng R, typename Verify>
    result<void> on_page(std::uint64_t number, result<change_page>&& answer, node_table& table, moment const& at,
                         registry_outbox& out, R& rng, registry_counters& count, Verify const& verify) {
        if (!fetching_ || number != fetch_number_) return fail(registry_error::unexpected_answer, number, "page");
        fetching_ = false;
        if (!answer) {
            if (answer.error() == registry_error::snapshot_needed && !(everything_ && !staging_)) {
                contact_.answered(at.now);
                begin_again(at.now);
                return {};
            }
            if (answer.error() == registry_error::busy && fetch_wait_ != duration::zero()) {
                // The root is there, and has no room for one more who waits.
                contact_.answered(at.now);
                fetch_at_ = saturating_add(at.now, options_.refresh_interval);
                return {};
            }
            return failed(answer.error(), at.now, rng, count);
        }
        if (auto const ok = take(std::move(*answer), table, at, out, count, verify); !ok) {
            if (ok.error() == registry_error::wrong_content || ok.error() == registry_error::snapshot_needed) {
                // The root answers, but not what fits to what is held here.
                bool const twice = everything_;
                contact_.answered(at.now);
                begin_again(at.now);
                if (twice) return failed(ok.error(), at.now, rng, count);
                return ok;
            }
            staging_.reset();
            return failed(ok.error(), at.now, rng, count);
        }
        contact_.answered(at.now);
        return {};
    }
    /// What came of `forward_write`.
    template <Rng R>
    result<void> on_forwarded(std::uint64_t number, result<write_answer> const& answer, node_table const& table,
                              moment const& at, registry_outbox& out, R& rng, registry_counters& count) {
        if (!forwarding_ || queue_.empty() || queue_.front().number != number) {
            return fail(registry_error::unexpected_answer, number, "write");
        }
        forwarding_ = false;
        if (!answer) {
            auto const why = as_registry_error(answer.error());
            // No room is an answer: it may be long until there is some, and others wait behind this write.
            bool const no_room = why == registry_error::table_full;
            if (why && !no_room && has_wait(*why) && *why != registry_error::shutting_down) {
                std::uint64_t const seconds = std::clamp<std::uint64_t>(answer.error().position(), 1, 60);
                forward_at_ = saturating_add(at.now, std::chrono::seconds{seconds});
                contact_.answered(at.now);
                return {};
            }
            if (!why || (!no_room && is_transient(*why)) || *why == registry_error::unauthorized) {
                return failed(answer.error(), at.now, rng, count);
            }
        }
        contact_.answered(at.now);
        queued_write const write = queue_.front();
        queue_.pop();
        out.changes.push_back(write_done{number});
        if (answer) {
            ++count.replayed;
            pending_.confirm(write, answer->lease, answer->version, table);
            queue_.exchange_lease(write.id(), write.lease(), answer->lease, [&](queued_write const& changed) {
                out.changes.push_back(write_queued{changed.number, changed.encode()});
            });
        } else {
            ++count.replay_refused;
            pending_.drop(write);
        }
        for (auto at_ticket = waiting_.begin(); at_ticket != waiting_.end(); ++at_ticket) {
            if (at_ticket->answer.number != number) continue;
            out.answers.push_back({write_ticket{number}, answer});
            waiting_.erase(at_ticket);
            break;
        }
        return {};
    }
    /// What came of `forward_beats`.
    template <Rng R>
    result<void> on_beats_forwarded(std::uint64_t number, result<void> const& answer, moment const& at, R& rng,
                                    registry_counters& count) {
        if (!beating_ || number != beat_number_) return fail(registry_error::unexpected_answer, number, "heartbeats");
        beating_ = false;
        if (answer) {
            beaten_.clear();
            contact_.answered(at.now);
            return {};
        }
        auto const why = as_registry_error(answer.error());
        if (why && !is_transient(*why) && *why != registry_error::unauthorized) {
            // The same again would be refused again, and take every later heartbeat with it.
            count.beats_refused += beaten_.size();
            beaten_.clear();
            contact_.answered(at.now);
            return fail(answer.error());
        }
        beats_.insert(beaten_.begin(), beaten_.end());
        beaten_.clear();
        return failed(answer.error(), at.now, rng, count);
    }

private:
    /// What is needed to say that a write is queued, when the write itself may be gone.
    struct brief_write {
        std::uint64_t number = 0;
        write_answer::kind what{};
        node_id id{};
        lease_id lease{};
    };
    struct waiting {
        brief_write answer;
        time_point until{};
    };

    [[nodiscard]] static brief_write brief(queued_write const& write) {
        bool const registers = std::holds_alternative<registration>(write.what);
        return {write.number, registers ? write_answer::kind::registered : write_answer::kind::removed, write.id(),
                registers ? write.lease() : lease_id{}};
    }
    [[nodiscard]] write_answer queued_answer_of(brief_write const& w) const noexcept {
        return {w.what, true, w.id, w.lease, 0, options_.heartbeat_interval};
    }
    [[nodiscard]] write_answer queued_answer(queued_write const& w) const { return queued_answer_of(brief(w)); }

    void lay_over(queued_write const& write, node_table const& table, moment const& at) {
        auto const* const asked = std::get_if<registration>(&write.what);
        if (asked == nullptr) return pending_.removed(write.number, write.id());
        node_row row{.id = write.id(),
                     .record = asked->record,
                     .domain = asked->domain,
                     .registry = asked->registry,
                     .found_by = asked->found_by,
                     .lease = asked->lease};
        row.first_seen_ms = row.last_heartbeat_ms = at.unix_ms;
        if (node_row const* const known = table.find(row.id)) {
            row.first_seen_ms = known->first_seen_ms;
            row.uptime_ms = known->uptime_ms;
            row.standing = known->standing;
        }
        pending_.registered(write.number, std::move(row));
    }
    result<submitted> submit(std::variant<registration, deregistration>&& what, node_table const& table,
                             moment const& at, registry_outbox& out, registry_counters& count) {
        queued_write const* const write = queue_.push(std::move(what));
        if (write == nullptr) return fail(registry_error::queue_full, wait_for_room(at.now), "queue");
        ++count.queued;
        out.changes.push_back(write_queued{write->number, write->encode()});
        lay_over(*write, table, at);
        if (!contact_.there()) return queued_answer(*write);
        waiting_.push_back({brief(*write), saturating_add(at.now, options_.answer_wait)});
        return write_ticket{write->number};
    }
    [[nodiscard]] std::uint64_t wait_for_room(time_point now) const noexcept {
        duration const wait = contact_.there() ? duration{std::chrono::seconds{1}} : contact_.retry_at() - now;
        return static_cast<std::uint64_t>(std::clamp<std::int64_t>(wait / std::chrono::seconds{1} + 1, 1, 60));
    }

    /// A long poll is out, which may have begun before the root went away.
    [[nodiscard]] bool waits_long() const noexcept { return fetching_ && fetch_wait_ != duration::zero(); }

    template <Rng R>
    result<void> failed(error const& why, time_point now, R& rng, registry_counters& count) {
        ++count.root_failures;
        contact_.failed(now, rng);
        return fail(why);
    }
    void begin_again(time_point now) {
        everything_ = true;
        more_ = false;
        staging_.reset();
        fetch_at_ = now;
    }
    template <typename Verify>
    result<void> take(change_page&& page, node_table& table, moment const& at, registry_outbox& out,
                      registry_counters& count, Verify const& verify) {
        for (auto const& row : page.rows) {
            node_row const* const known = table.find(row.id);
            if (known != nullptr && equal(known->record, row.record) && known->id == row.id) continue;
            if (!verify(row)) return fail(registry_error::bad_record, row.version, "record");
        }
        ++count.pages;
        bool const more = page.more, nothing = page.rows.empty() && page.removed.empty();
        if (!everything_) {
            std::vector<durable_change> changes;
            for (auto const& gone : page.removed) changes.emplace_back(row_removed{gone});
            for (auto const& row : page.rows) changes.emplace_back(row_put{row});
            std::uint64_t const before = table.version();
            if (auto const ok = table.apply(std::move(page), at.now); !ok) {
                if (ok.error() == registry_error::wrong_content) ++count.divergences;
                return ok;
            }
            table.forget_removals(at.now, options_.remember_removals);
            if (table.version() != before)
                changes.emplace_back(table_at{table.epoch(), table.version(), table.floor()});
            out.changes.insert(out.changes.end(), std::make_move_iterator(changes.begin()),
                               std::make_move_iterator(changes.end()));
            pending_.arrived(table.version(), false);
        } else {
            if (!staging_) {
                staging_.emplace(options_.table, page.epoch);
                base_ = page.base;
            }
            if (auto const ok = staging_->apply(std::move(page), at.now); !ok) return ok;
            if (!more) take_over(table, out, count);
        }
        schedule(more, nothing, at.now);
        return {};
    }
    /// Everything has arrived: from now on this is the table.
    void take_over(node_table& table, registry_outbox& out, registry_counters& count) {
        ++count.snapshots;
        staging_->raise_floor(base_);
        bool const other_epoch = staging_->epoch() != table.epoch();
        table = std::move(*staging_);
        staging_.reset();
        everything_ = false;
        out.changes.push_back(table_reset{table.epoch()});
        table.for_each([&](node_row const& row) { out.changes.push_back(row_put{row}); });
        table.for_each_removed([&](tombstone const& gone) { out.changes.push_back(row_removed{gone}); });
        out.changes.push_back(table_at{table.epoch(), table.version(), table.floor()});
        pending_.arrived(table.version(), other_epoch);
    }
    /// When to fetch next. A root that answers long polls at once with nothing is asked less and less often.
    void schedule(bool more, bool nothing, time_point now) {
        more_ = more;
        bool const waited = fetch_wait_ == duration::zero() || now - fetched_at_ >= fetch_wait_ / 2;
        if (more || (!nothing && options_.long_poll != duration::zero())) {
            early_ = duration::zero();
            fetch_at_ = now;
        } else if (options_.long_poll == duration::zero()) {
            fetch_at_ = saturating_add(now, options_.refresh_interval);
        } else if (waited) {
            early_ = duration::zero();
            fetch_at_ = now;
        } else {
            early_ =
                early_ == duration::zero() ? options_.retry_first : std::min(early_ * 2, options_.refresh_interval);
            fetch_at_ = saturating_add(now, early_);
        }
    }

    registry_options options_;
    root_contact contact_;
    write_queue queue_;
    pending_writes pending_;
    std::deque<waiting> waiting_; ///< ascending by `until`

    bool everything_ = true;            ///< a snapshot is needed or being fetched
    std::optional<node_table> staging_; ///< what has come of it
    std::uint64_t base_ = 0;
    bool more_ = false;
    bool fetching_ = false, forwarding_ = false, beating_ = false;
    std::uint64_t fetch_number_ = 0, beat_number_ = 0;
    duration fetch_wait_{}, early_{};
    time_point fetched_at_{}, fetch_at_, beat_at_, forward_at_;
    std::set<node_id> beats_;     ///< heard, and the root has not been told
    std::vector<node_id> beaten_; ///< it is being told
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
