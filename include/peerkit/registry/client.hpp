// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Registries as a discovery strategy: makes this node known there, keeps it known, and finds the others.
#ifndef PEERKIT_REGISTRY_CLIENT_HPP
#define PEERKIT_REGISTRY_CLIENT_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/strategy.hpp>
#include <peerkit/registry/client_options.hpp>
#include <peerkit/registry/enrollment.hpp>
#include <peerkit/registry/known_nodes.hpp>
#include <peerkit/registry/protocol.hpp>
#include <peerkit/registry/server_list.hpp>
#include <peerkit/registry/server_search.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// A strategy that finds the nodes a registry knows, and makes this one known there.
///
/// A run asks one registry who is there (a second one, too, if it is slow), then makes this node known or renews that
/// where it is due, and ends with a watch for the next moment there is something to do: a renewal (a third of the time
/// to live, +- 10 %), a new announcement of this node, a change at the registry. When one registry does not answer the
/// next one is asked, in the order: the one that worked last, this machine, every address of `tnr.<domain>`, those
/// configured, those that members announce. The one that works is named to the members.
///
/// Nothing that a registry does or fails to do is an error of the node: when none answers, the run ends with the last
/// good list, a notice, and a time to try again (full jitter, `Retry-After` obeyed). A list that lost more than half is
/// believed when it was seen twice. What a list says is never trusted.
///
/// @code
/// auto how = registry::client<registry::etcd>::make({.registries = {"10.0.0.5:2379"}, .seed = rng()});
/// if (how) config.discovery = std::move(*how);
/// @endcode
/// See docs/registry_client.md.
template <RegistryProtocol Protocol>
class client {
    static_assert(check_protocol<Protocol>());

    using step = discovery::step;
    using outcome = discovery::outcome;
    using ticket = discovery::ticket;
    using notice = discovery::notice;

public:
    /// @par Errors Those of `check(client_options const&)`; `bad_option` for `registries` and `remembered`.
    [[nodiscard]] static result<client> make(client_options options, Protocol protocol = Protocol{}) {
        if (auto const ok = check(options); !ok) return fail(ok.error());
        auto search = server_search::make(options, protocol.name(), protocol.default_port());
        if (!search) return fail(search.error());
        return client{std::move(options), std::move(protocol), std::move(*search)};
    }

    [[nodiscard]] std::string_view name() const noexcept { return protocol_.name(); }

    [[nodiscard]] step begin(time_point now) {
        phase_ = phase::preparing;
        listed_ = false;
        notices_.clear();
        enrollment_.cut_off();
        awaited_ = 1;
        step out = step::ask(discovery::read_announcement{}, announcement_ticket);
        if (!options_.token_file.empty()) {
            ++awaited_;
            out.ask_also(token_ticket, discovery::read_file{.path = options_.token_file, .max_bytes = 4096});
        }
        if (auto lookup = search_.look_up(now)) {
            ++awaited_;
            out.ask_also(lookup_ticket, std::move(*lookup));
        }
        return out;
    }

    [[nodiscard]] step resume(ticket which, outcome got, time_point now) {
        switch (phase_) {
        case phase::preparing: return said(on_prepared(which, std::move(got), now));
        case phase::listing: return said(on_list(which, std::move(got), now));
        case phase::telling: return said(on_told(which, std::move(got), now));
        case phase::enrolling:
        case phase::renewing: return said(on_written(which, std::move(got), now));
        case phase::leaving: return said(on_left(std::move(got), now));
        case phase::idle: break;
        }
        return step::failed(discovery::discovery_error::unexpected_answer);
    }

    /// Takes this node out of the registry in use.
    [[nodiscard]] step farewell(time_point now) {
        notices_.clear();
        bool const is_there = enrollment_.maybe_known();
        enrollment_.leave();
        round_ = search_.servers().order(now);
        at_ = 0;
        if (!is_there || round_.empty()) return left();
        return write(client_task::leave, now);
    }

    [[nodiscard]] enrollment_state state() const noexcept { return enrollment_.state(); }
    /// How often this node has become known, the first time included.
    [[nodiscard]] std::uint64_t generation() const noexcept { return enrollment_.generation(); }
    /// The registry that answered last, as it is announced; empty: none has.
    [[nodiscard]] std::string const& in_use() const noexcept { return in_use_; }
    /// The last good list.
    [[nodiscard]] std::vector<discovery::candidate> const& last_good() const noexcept { return nodes_.all(); }
    [[nodiscard]] Protocol const& protocol() const noexcept { return protocol_; }

private:
    enum class phase : std::uint8_t { idle, preparing, listing, telling, enrolling, renewing, leaving };
    static constexpr ticket announcement_ticket = 0, token_ticket = 1, lookup_ticket = 2, main_ticket = 3,
                            hedge_ticket = 4, hedge_timer = 5, tell_ticket = 6;
    static constexpr unsigned most_requests = 256; ///< of one task in one run: pages, challenges
    static constexpr unsigned most_restarts = 2;   ///< in one run, of a registration that is not known any more
    static constexpr duration not_up_yet = std::chrono::seconds{1};

    client(client_options options, Protocol protocol, server_search search) noexcept
        : options_{std::move(options)}, protocol_{std::move(protocol)}, search_{std::move(search)}, rng_{options_.seed},
          enrollment_{options_}, nodes_{options_}, list_pause_{options_.backoff_first, options_.backoff_most} {}

    // ---- Before anything is sent -----------------------------------------------------------------------------------

    [[nodiscard]] step on_prepared(ticket which, outcome got, time_point now) {
        --awaited_;
        if (which == announcement_ticket) {
            take_announcement(std::move(got));
        } else if (which == token_ticket) {
            if (auto const* file = std::get_if<discovery::file_text>(&got))
                token_ = file->text.substr(0, file->text.find_first_of("\r\n \t"));
            else
                tell(discovery::why_not(got), "the token in " + options_.token_file);
        } else if (auto const why = search_.looked_up(got, now)) {
            why_ = {*why, search_.name()};
        }
        if (awaited_ != 0) return step::wait();
        restarts_ = 0;
        at_ = 0;
        if (now < ask_at_) return finish(now);
        round_ = search_.servers().order(now);
        return round_.empty() ? nobody_answered(now) : list(now);
    }
    void take_announcement(outcome got) {
        own_.reset();
        up_ = true;
        auto* said = std::get_if<discovery::announcement>(&got);
        if (said == nullptr) {
            up_ = discovery::why_not(got) == discovery::discovery_error::unsupported; // then it will not be up later
            return;
        }
        search_.take_announced(said->registries);
        record_ = std::move(said->record);
        network_ = said->network;
        proof_ = said->proof;
        auto const read = wire::record_view::parse(record_);
        if (read && !read->left()) own_ = own_record{read->id(), read->incarnation()};
    }

    // ---- Requests --------------------------------------------------------------------------------------------------

    [[nodiscard]] registrant who(server_address const& which) {
        registrant made;
        made.record = record_;
        made.network = network_;
        made.proof = proof_;
        // Whoever can announce something to the network could have a token sent to himself.
        if (which.source < server_source::remembered)
            made.token = options_.token_file.empty() ? options_.token : token_;
        made.domain = options_.domain;
        registry_text_ = which.where.to_string();
        made.registry = registry_text_;
        made.found_by = options_.found_by;
        made.time_to_live = options_.time_to_live;
        made.begins = requests_ == 0;
        return made;
    }
    [[nodiscard]] std::optional<discovery::http_request> request_for(client_task task, server_address const& which) {
        auto made = protocol_.request(task, who(which));
        if (!made) return std::nullopt;
        made->url = which.url();
        if (which.tls) made->ca_file = options_.ca_file;
        made->max_bytes = std::min(made->max_bytes, options_.max_list);
        if (task != client_task::watch) made->timeout = options_.request_timeout;
        return made;
    }
    /// What a reply means. What fits no task, and no reply at all, is as good as a refusal, and another registry may
    /// answer; only a list that is too large would be so there as well.
    [[nodiscard]] client_answer meaning(client_task task, outcome got, server_address const& which) {
        using discovery::discovery_error;
        auto* const reply = std::get_if<discovery::http_reply>(&got);
        if (reply == nullptr) {
            error const why = discovery::why_not(got);
            return refused{why, {}, {}, why != discovery_error::too_large};
        }
        client_answer meant = protocol_.answer(task, std::move(*reply), who(which));
        bool const fits = std::visit(
            [&]<typename Answer>(Answer const&) {
                using std::is_same_v;
                if constexpr (is_same_v<Answer, listed> || is_same_v<Answer, unchanged>)
                    return task == client_task::list;
                else if constexpr (is_same_v<Answer, known> || is_same_v<Answer, challenged>)
                    return task == client_task::enroll || task == client_task::renew;
                else if constexpr (is_same_v<Answer, lost>)
                    return task != client_task::list;
                else if constexpr (is_same_v<Answer, gone>)
                    return task == client_task::leave;
                else
                    return true;
            },
            meant);
        bool const again = std::holds_alternative<more>(meant) || std::holds_alternative<challenged>(meant);
        if (!fits || (again && ++requests_ > most_requests)) return refused{discovery_error::bad_reply, {}, {}, true};
        return meant;
    }
    /// `which` does not do what it should: it is asked last for a while.
    void blame(server_address const& which, refused const& why, time_point now) {
        why_ = {why.why, which.url()};
        if (!why.said.empty()) why_.text += ": " + why.said;
        search_.servers().failed(which, now);
        if (why.retry_after > duration::zero()) search_.servers().closed(which, why.retry_after, now);
    }
    void answered(server_address const& which) {
        if (std::string text = search_.text_of(which); text != in_use_) {
            if (!in_use_.empty() && !why_.text.empty()) tell(why_.what, why_.text + "; uses " + which.url());
            in_use_ = std::move(text);
        }
        search_.servers().worked(which);
    }

    // ---- Who is there ----------------------------------------------------------------------------------------------

    [[nodiscard]] step list(time_point now) {
        phase_ = phase::listing;
        requests_ = 0;
        hedged_ = false;
        auto asked = request_for(client_task::list, round_[at_]);
        if (!asked) return listing_done(step::wait(), now);
        step out = step::ask(std::move(*asked), main_ticket);
        timing_ = at_ + 1 < round_.size();
        if (timing_) out.ask_also(hedge_timer, discovery::wait_until{saturating_add(now, options_.hedge_after)});
        return out;
    }
    [[nodiscard]] step on_list(ticket which, outcome got, time_point now) {
        if (which == hedge_timer) {
            timing_ = false;
            auto second = request_for(client_task::list, round_[at_ + 1]);
            if (!second) return step::wait();
            hedged_ = true;
            return step::ask(std::move(*second), hedge_ticket);
        }
        // While two are asked, they are `at_` and the one behind it.
        bool const second = hedged_ && which == hedge_ticket;
        server_address const& from = round_[at_ + (second ? 1 : 0)];
        client_answer meant = meaning(client_task::list, std::move(got), from);
        auto const* no = std::get_if<refused>(&meant);
        if (no != nullptr && no->elsewhere) {
            blame(from, *no, now);
            if (std::exchange(hedged_, false)) { // wait for the other one
                round_.erase(round_.begin() + static_cast<std::ptrdiff_t>(at_ + (second ? 1 : 0)));
                return step::wait();
            }
            step out = step::wait();
            stop_timer(out);
            return after(std::move(out), ++at_ < round_.size() ? list(now) : nobody_answered(now));
        }
        step out = step::wait();
        stop_timer(out);
        if (std::exchange(hedged_, false)) out.cancel(second ? main_ticket : hedge_ticket);
        if (second) ++at_;
        if (std::holds_alternative<more>(meant)) {
            if (auto next = request_for(client_task::list, round_[at_])) {
                out.ask_also(main_ticket, std::move(*next));
                return out;
            }
        }
        ask_at_ = time_point::min();
        answered(round_[at_]);
        if (no != nullptr) {
            why_ = {no->why, round_[at_].url() + ": " + no->said};
            tell(why_.what, why_.text);
        } else {
            list_pause_.reset();
            listed_ = true;
            if (auto* all = std::get_if<listed>(&meant))
                take_list(std::move(*all), now);
            else
                nodes_.confirmed(now);
        }
        return listing_done(std::move(out), now);
    }
    void stop_timer(step& out) {
        if (std::exchange(timing_, false)) out.cancel(hedge_timer);
    }
    void take_list(listed all, time_point now) {
        if (bool const stale = all.behind > duration::zero(); stale != std::exchange(stale_, stale) && stale) {
            auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(all.behind).count();
            tell(discovery::discovery_error::stale_answer,
                 round_[at_].url() + ": the list is " + std::to_string(seconds) + " s old");
        }
        if (auto const doubt = nodes_.take(std::move(all.found), own_ ? own_->id : node_id{}, now))
            tell(*doubt, round_[at_].url() + ": more than half of the list is gone; it is asked for again");
    }
    /// The own announcement names the registry before it goes there, so that it goes there once.
    [[nodiscard]] step listing_done(step out, time_point now) {
        if (!options_.enroll || !own_) return after(std::move(out), finish(now));
        std::string text = server_search::can_be_shared(round_[at_]) ? search_.text_of(round_[at_]) : std::string{};
        if (told_ == text) return after(std::move(out), write_what_is_due(now));
        phase_ = phase::telling;
        told_ = text;
        return after(std::move(out), step::ask(discovery::use_registry{std::move(text)}, tell_ticket));
    }
    /// `next`, which may have to begin what `before` cancels.
    [[nodiscard]] static step after(step before, step next) {
        if (!next.ended()) {
            for (ticket const id : before.cancelled()) next.cancel(id);
        }
        return next;
    }
    [[nodiscard]] step on_told(ticket which, outcome got, time_point now) {
        if (which == tell_ticket) {
            if (std::holds_alternative<error>(got) &&
                discovery::why_not(got) != discovery::discovery_error::unsupported) {
                told_.reset();
            }
            return step::ask(discovery::read_announcement{}, announcement_ticket);
        }
        take_announcement(std::move(got));
        return write_what_is_due(now);
    }

    // ---- That this node is there -----------------------------------------------------------------------------------

    [[nodiscard]] step write_what_is_due(time_point now) {
        if (!own_) return finish(now);
        switch (enrollment_.due(own_->incarnation, now)) {
        case enrollment::task::enroll: return write(client_task::enroll, now);
        case enrollment::task::renew: return write(client_task::renew, now);
        case enrollment::task::nothing: break;
        }
        return finish(now);
    }
    [[nodiscard]] step write(client_task task, time_point now) {
        phase_ = task == client_task::enroll  ? phase::enrolling
                 : task == client_task::renew ? phase::renewing
                                              : phase::leaving;
        requests_ = 0;
        proof_.reset();
        if (task == client_task::enroll) enrollment_.begins(own_->incarnation);
        return send(now);
    }
    [[nodiscard]] client_task written() const noexcept {
        return phase_ == phase::enrolling  ? client_task::enroll
               : phase_ == phase::renewing ? client_task::renew
                                           : client_task::leave;
    }
    [[nodiscard]] step send(time_point now) {
        auto asked = request_for(written(), round_[at_]);
        if (asked) return step::ask(std::move(*asked), main_ticket);
        if (phase_ == phase::leaving) return left();
        enrollment_.succeeded({}, now, rng_);
        return finish(now);
    }
    [[nodiscard]] step on_written(ticket which, outcome got, time_point now) {
        if (which == announcement_ticket) { // the answer to a challenge
            take_announcement(std::move(got));
            if (own_ && proof_) {
                enrollment_.begins(own_->incarnation);
                return send(now);
            }
            return writing_failed({discovery::discovery_error::unsupported, "no answer to the challenge", {}, false},
                                  now);
        }
        client_answer meant = meaning(written(), std::move(got), round_[at_]);
        if (auto* yes = std::get_if<known>(&meant)) {
            answered(round_[at_]);
            if (!listed_ && !yes->others.empty()) {
                listed_ = true;
                take_list({std::move(yes->others), {}}, now);
            }
            enrollment_.succeeded(*yes, now, rng_);
            return finish(now);
        }
        if (auto* question = std::get_if<challenged>(&meant))
            return step::ask(discovery::read_announcement{std::move(question->challenge)}, announcement_ticket);
        if (std::holds_alternative<more>(meant)) return send(now);
        if (std::holds_alternative<lost>(meant)) {
            protocol_.forget();
            enrollment_.lost(now);
            if (++restarts_ <= most_restarts) return write(client_task::enroll, now);
            meant = refused{discovery::discovery_error::bad_reply, "does not keep what it is told", {}, false};
        }
        auto const& no = std::get<refused>(meant);
        if (!no.elsewhere) return writing_failed(no, now);
        blame(round_[at_], no, now);
        if (++at_ < round_.size()) {
            requests_ = 0;
            proof_.reset();
            return send(now);
        }
        return writing_failed(no, now);
    }
    [[nodiscard]] step writing_failed(refused const& no, time_point now) {
        if (!no.elsewhere) why_ = {no.why, round_[at_].url() + ": " + no.said};
        tell(why_.what, why_.text);
        enrollment_.failed(no.retry_after, now, rng_);
        return finish(now);
    }

    // ---- The end of a run ------------------------------------------------------------------------------------------

    [[nodiscard]] step nobody_answered(time_point now) {
        ask_at_ = saturating_add(now, list_pause_.next(rng_));
        if (round_.empty()) {
            if (time_point const opens = search_.servers().opens(now); opens != never)
                ask_at_ = std::max(ask_at_, opens);
            else if (why_.text.empty())
                why_ = {discovery::discovery_error::unavailable, "no registry is known"};
        }
        search_.look_again();
        tell(why_.what, why_.text);
        enrollment_.unreachable(now);
        return finish(now);
    }
    [[nodiscard]] step finish(time_point now) {
        phase_ = phase::idle;
        bool const good = listed_ || nodes_.good(now);
        step last = good ? step::found(nodes_.all()) : step::failed(why_.what);
        if (listed_) why_ = {};
        time_point wake = nodes_.look_again_at();
        if (ask_at_ > now) wake = std::min(wake, ask_at_);
        if (options_.enroll && own_) wake = std::min(wake, std::max(enrollment_.next(), ask_at_));
        if (options_.enroll && !up_) wake = std::min(wake, saturating_add(now, not_up_yet));
        if (listed_ && !round_.empty()) {
            requests_ = 0;
            if (time_point const quiet = nodes_.watch_from(now); quiet > now) {
                wake = std::min(wake, quiet);
            } else if (auto change = request_for(client_task::watch, round_[at_ < round_.size() ? at_ : 0])) {
                last = std::move(last).watching(std::move(*change));
            }
        }
        if (wake != never) last = std::move(last).watching(discovery::wait_until{wake});
        if (own_) last = std::move(last).watching(discovery::watch_announcement{own_->incarnation});
        return last;
    }
    /// A word to the host; the same one again only after something else.
    void tell(error what, std::string text) {
        if (last_told_ == text) return;
        last_told_ = text;
        notices_.push_back({notice::severity::warning, what, std::string{name()} + ": " + std::move(text)});
    }
    [[nodiscard]] step said(step next) { return std::move(next).with(std::exchange(notices_, {})); }

    // ---- Farewell --------------------------------------------------------------------------------------------------

    [[nodiscard]] step on_left(outcome got, time_point now) {
        client_answer const meant = meaning(client_task::leave, std::move(got), round_[at_]);
        if (std::holds_alternative<more>(meant)) return send(now);
        auto const* no = std::get_if<refused>(&meant);
        if (no == nullptr) return left();
        if (no->elsewhere && ++at_ < round_.size()) {
            requests_ = 0;
            return send(now);
        }
        phase_ = phase::idle;
        protocol_.forget();
        return step::failed(no->why);
    }
    [[nodiscard]] step left() {
        phase_ = phase::idle;
        protocol_.forget();
        return step::found({});
    }

    struct own_record {
        node_id id;
        std::uint64_t incarnation;
    };
    struct trouble {
        error what = discovery::discovery_error::unavailable;
        std::string text{}; ///< empty: there is none
    };

    client_options options_;
    Protocol protocol_;
    server_search search_;
    seeded_rng rng_;
    enrollment enrollment_;
    known_nodes nodes_;
    jittered_backoff list_pause_;

    // What this node says of itself.
    std::vector<std::byte> record_;
    network_id network_{};
    std::optional<crypto::signature> proof_;
    std::optional<own_record> own_;   ///< none: there is nothing to make known
    std::string token_;               ///< from the file
    bool up_ = true;                  ///< false: the node is not there yet
    std::optional<std::string> told_; ///< the registry that the node announces; none: not known

    // The run.
    phase phase_ = phase::idle;
    unsigned awaited_ = 0;
    std::vector<server_address> round_; ///< whom to ask, in this order
    std::size_t at_ = 0;                ///< of `round_`
    unsigned requests_ = 0, restarts_ = 0;
    bool hedged_ = false; ///< the one behind `at_` is asked, too
    bool timing_ = false; ///< until then
    bool listed_ = false;
    std::vector<notice> notices_;

    // From run to run.
    time_point ask_at_ = time_point::min(); ///< nobody is asked before
    trouble why_;                           ///< what went wrong last
    std::string last_told_, in_use_, registry_text_;
    bool stale_ = false;
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
