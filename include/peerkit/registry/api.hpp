// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The registry's HTTP interface as a function: a request goes in, an answer comes out.
#ifndef PEERKIT_REGISTRY_API_HPP
#define PEERKIT_REGISTRY_API_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/json_writer.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/answer_writer.hpp>
#include <peerkit/registry/api_query.hpp>
#include <peerkit/registry/change.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/http_message.hpp>
#include <peerkit/registry/metrics_writer.hpp>
#include <peerkit/registry/node_query.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/registry/outbox.hpp>
#include <peerkit/registry/payload.hpp>
#include <peerkit/registry/registry_logic.hpp>
#include <peerkit/registry/registry_options.hpp>
#include <peerkit/registry/request.hpp>
#include <peerkit/registry/request_reader.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// A route of the interface: docs/registry_openapi.yaml says the same.
struct api_route {
    std::string_view path;
    std::string_view method;
};
inline constexpr std::array<api_route, 9> api_routes{{
    {"/api/register", "POST"},
    {"/api/heartbeat", "POST"},
    {"/api/deregister", "POST"},
    {"/api/heartbeats", "POST"},
    {"/api/nodes", "GET"},
    {"/api/changes", "GET"},
    {"/api/snapshot", "GET"},
    {"/health", "GET"},
    {"/metrics", "GET"},
}};

/// Nothing that was asked about has changed yet. The request is to be handled again when `registry_logic::state` is
/// another, or at `until` with `api_request::waited`. Nothing else need be kept of it.
struct parked_request {
    registry_state state{};
    time_point until{};
    bool replica = false; ///< whoever asks showed the registries' token
};

/// What a request comes to: its answer; the ticket of a write whose answer comes through `registry_outbox::answers`
/// (`registry_api::respond` makes a response of it); or nothing yet.
using api_answer = std::variant<api_response, write_ticket, parked_request>;

/// Answers requests from a `registry_logic`. Does no I/O; whoever calls carries out the outbox before an answer is
/// sent, as `registry_logic` says, and calls `poll` after it. Errors are JSON with a stable code, see
/// `registry_error`. Not thread safe.
///
/// @code
/// registry::registry_api api{logic};
/// auto answer = api.handle({.method = "GET", .target = "/api/nodes?role=db", .source = from}, at, outbox);
/// store(outbox.changes);
/// if (auto* response = std::get_if<registry::api_response>(&answer)) send(std::move(*response));
/// @endcode
template <typename Logic>
class registry_api {
public:
    /// Longest wait for a change that is granted.
    static constexpr duration max_wait = std::chrono::seconds{60};
    /// Peers that a registration is told.
    static constexpr std::size_t peers_told = 16;

    /// `logic` must outlive this.
    explicit registry_api(Logic& logic) noexcept : logic_{&logic} {}

    [[nodiscard]] api_answer handle(api_request const& request, moment const& at, registry_outbox& out) {
        auto const target = request_target::parse(request.target);
        if (!target) return refuse_here(target.error(), at);
        auto const route = find_route(target->path());
        if (!route) return refuse_here(error{registry_error::not_found, 0, "path"}, at);
        route_ = *route;
        if (request.method != api_routes[*route].method) {
            auto response = refuse_here(error{registry_error::method_not_allowed, 0, "method"}, at);
            response.headers.emplace_back("allow", api_routes[*route].method);
            return response;
        }
        auto const from = caller_of(request);
        if (!from) return refuse_here(from.error(), at);
        if (!request.waited) {
            if (auto const ok = logic_->admit(*from, at.now); !ok) return refused(ok.error(), at);
        }
        switch (*route) {
        case 0: return register_node(request, *from, at, out);
        case 1: return beat(request, at, out);
        case 2: return deregister(request, *from, at, out);
        case 3: return beats(request, *from, at, out);
        case 4: return nodes(*target, request, at);
        case 5: return changes(*target, request, *from, at, false);
        case 6: return changes(*target, request, *from, at, true);
        case 7: return health(at);
        default: return metrics(at);
        }
    }

    /// The response to a write that was waited for.
    [[nodiscard]] api_response respond(result<write_answer> const& late, moment const& at) {
        if (!late) return refused(late.error(), at);
        return written(*late, at);
    }
    /// A refusal that the shell makes itself, in the form of all others: a body too large, no more room, the end.
    [[nodiscard]] api_response refuse(registry_error why, std::uint64_t position, char const* field, moment const& at) {
        return refuse_here(error{why, position, field}, at);
    }
    /// Answers so far, by route (`api_routes`; the last: none of them) and status.
    [[nodiscard]] response_counts const& counts() const noexcept { return counts_; }

private:
    [[nodiscard]] static std::optional<std::size_t> find_route(std::string_view path) noexcept {
        for (std::size_t i = 0; i < api_routes.size(); ++i) {
            if (api_routes[i].path == path) return i;
        }
        return std::nullopt;
    }
    /// Who says it is a replica has to show the token; who shows a token and says nothing may have it from a proxy.
    [[nodiscard]] result<caller> caller_of(api_request const& request) const {
        caller from{.source = request.source};
        std::string_view const name = request.header("peerkit-replica");
        if (name.empty()) return from;
        constexpr std::string_view scheme = "Bearer ";
        std::string_view given = request.header("authorization");
        if (!given.starts_with(scheme)) return fail(registry_error::unauthorized, 0, "authorization");
        given.remove_prefix(scheme.size());
        if (!logic_->is_token(given)) return fail(registry_error::unauthorized, 0, "authorization");
        if (!check_text(name, 63, "peerkit-replica")) return fail(registry_error::malformed, 0, "peerkit-replica");
        from.replica = name;
        if (auto const role = parse_role(request.header("peerkit-role"))) from.role = *role;
        return from;
    }

    // ---- Answers -----------------------------------------------------------------------------------------------

    [[nodiscard]] state_mark mark(moment const& at) const noexcept {
        auto const state = logic_->state();
        auto const condition = logic_->condition(at.now);
        return {state.epoch, state.version, condition.stale, static_cast<std::uint64_t>(condition.behind_s),
                condition.preserving};
    }
    /// Counts an answer and gives it the headers all have.
    [[nodiscard]] api_response answered(api_response&& response, moment const& at) {
        counts_.add(route_, response.status);
        route_ = api_routes.size();
        auto const condition = logic_->condition(at.now);
        // In a header as well: an answer without a body says it, too.
        if (condition.stale) response.headers.emplace_back("peerkit-stale", std::to_string(condition.behind_s));
        response.headers.emplace_back("cache-control", "no-cache");
        return std::move(response);
    }
    [[nodiscard]] api_response ok(json_writer&& out, moment const& at, unsigned status = 200) {
        if (!out) return refuse_here(error{registry_error::busy, 1, "memory"}, at);
        return answered({status, "application/json", {}, std::move(out).text()}, at);
    }
    [[nodiscard]] api_response refused(error const& why, moment const& at, byte_view challenge = {}) {
        auto const known = as_registry_error(why).value_or(registry_error::malformed);
        api_response response{status_of(known), "application/json", {}, error_json(why, mark(at), challenge)};
        if (has_wait(known)) response.headers.emplace_back("retry-after", std::to_string(why.position()));
        if (response.status == 401) response.headers.emplace_back("www-authenticate", "Peerkit-Challenge");
        return answered(std::move(response), at);
    }
    /// Counts what the logic has not heard of.
    [[nodiscard]] api_response refuse_here(error const& why, moment const& at) {
        bool const known = as_registry_error(why).has_value();
        logic_->counters().refuse(known ? why : error{registry_error::malformed});
        return refused(why, at);
    }

    // ---- Writes ------------------------------------------------------------------------------------------------

    [[nodiscard]] api_answer register_node(api_request const& request, caller const& from, moment const& at,
                                           registry_outbox& out) {
        auto asked = reader_.read_registration(request.body);
        if (!asked) return refuse_here(asked.error(), at);
        node_id const id =
            wire::record_view::peek(asked->record) ? wire::record_view::trusted(asked->record).id() : node_id{};
        auto const answer = logic_->register_node(std::move(*asked), from, at, out);
        if (answer) return submitted_answer(*answer, at);
        if (answer.error() == registry_error::challenge) {
            return refused(answer.error(), at, logic_->challenge_for(id, at.now));
        }
        return refused(answer.error(), at);
    }
    [[nodiscard]] api_answer beat(api_request const& request, moment const& at, registry_outbox& out) {
        auto const asked = reader_.read_heartbeat(request.body);
        if (!asked) return refuse_here(asked.error(), at);
        return respond(logic_->beat(*asked, at, out), at);
    }
    [[nodiscard]] api_answer deregister(api_request const& request, caller const& from, moment const& at,
                                        registry_outbox& out) {
        auto const asked = reader_.read_deregistration(request.body);
        if (!asked) return refuse_here(asked.error(), at);
        auto const answer = logic_->deregister(*asked, from, at, out);
        if (!answer) return refused(answer.error(), at);
        return submitted_answer(*answer, at);
    }
    [[nodiscard]] api_answer beats(api_request const& request, caller const& from, moment const& at,
                                   registry_outbox& out) {
        if (!from.is_replica()) return refuse_here(error{registry_error::unauthorized, 0, "authorization"}, at);
        auto const asked = reader_.read_heartbeats(request.body);
        if (!asked) return refuse_here(asked.error(), at);
        if (auto const done = logic_->beats(asked->nodes, from, at, out); !done) return refused(done.error(), at);
        json_writer body;
        write_mark(body.open('{').field("status", "ok"), mark(at)).close('}');
        return ok(std::move(body), at);
    }
    [[nodiscard]] api_answer submitted_answer(submitted const& answer, moment const& at) {
        if (auto const* const ticket = std::get_if<write_ticket>(&answer)) {
            route_ = api_routes.size();
            return *ticket;
        }
        return written(std::get<write_answer>(answer), at);
    }
    [[nodiscard]] api_response written(write_answer const& answer, moment const& at) {
        using kind = write_answer::kind;
        if (route_ == api_routes.size())
            route_ = answer.what == kind::removed ? 2 : answer.what == kind::beaten ? 1 : 0;
        json_writer out{max_answer_body};
        out.open('{').field("status", answer.queued                  ? "queued"
                                      : answer.what == kind::removed ? "deregistered"
                                      : answer.what == kind::beaten  ? "ok"
                                                                     : "registered");
        out.key("node_id").hex(answer.id.bytes);
        if (answer.what != kind::removed) {
            if (answer.what == kind::registered) out.key("lease").hex(answer.lease.bytes);
            auto const interval =
                std::chrono::duration_cast<std::chrono::seconds>(logic_->options().heartbeat_interval);
            out.field("heartbeat_interval", std::max<std::int64_t>(interval.count(), 1));
        }
        write_mark(out, mark(at));
        if (answer.what == kind::registered) write_peers(out, answer.id);
        out.close('}');
        return ok(std::move(out), at, answer.queued && answer.what != kind::beaten ? 202 : 200);
    }
    /// Those that follow the node in the order of ids, so that not everybody is told the same few.
    void write_peers(json_writer& out, node_id const& self) const {
        node_query query;
        query.status = node_status::online;
        query.limit = peers_told;
        query.after = self;
        std::size_t left = peers_told;
        out.key("peers").open('[');
        for (bool wrapped : {false, true}) {
            if (wrapped) query.after.reset();
            for (node_row const* const row : logic_->list(query).rows) {
                if (left == 0 || (wrapped && !(row->id < self))) break;
                write_row(out, *row, row_form::full);
                --left;
            }
        }
        out.close(']');
    }

    // ---- Reads -------------------------------------------------------------------------------------------------

    /// Names what a reader would see; without the figures of heartbeats.
    [[nodiscard]] std::string entity_tag() const {
        auto const state = logic_->state();
        std::string tag{"\""};
        tag += to_hex_number(state.epoch);
        tag += '-';
        tag += std::to_string(state.version);
        // Edits are counted from 0 in every replica.
        if (state.edits != 0) {
            tag += '-';
            tag += to_hex_number(logic_->life());
            tag += '-';
            tag += std::to_string(state.edits);
        }
        return tag += '"';
    }
    [[nodiscard]] static std::string to_hex_number(std::uint64_t number) {
        std::array<std::byte, 8> bytes{};
        store_big(bytes.data(), number);
        return to_hex(bytes);
    }
    /// Whether the list of If-None-Match (RFC 9110, 13.1.2) has the tag.
    [[nodiscard]] static bool has_tag(std::string_view list, std::string_view tag) noexcept {
        return !list.empty() && (list == "*" || list.find(tag) != std::string_view::npos);
    }

    [[nodiscard]] api_answer nodes(request_target const& target, api_request const& request, moment const& at) {
        auto const asked = read_list_query(target);
        if (!asked) return refuse_here(asked.error(), at);
        auto const state = logic_->state();
        std::string const tag = entity_tag();
        bool const same = has_tag(request.header("if-none-match"), tag);
        bool const seen = asked->version == state.version && asked->epoch.value_or(state.epoch) == state.epoch;
        if ((same || seen) && !request.waited && asked->wait > duration::zero()) {
            return parked_request{state, saturating_add(at.now, std::min(asked->wait, max_wait)), false};
        }
        if (same) return answered({304, "application/json", {{"etag", tag}}, {}}, at);

        auto const listing = logic_->list(asked->nodes);
        json_writer out{max_answer_body};
        write_mark(out.open('{'), mark(at)).key("nodes").open('[');
        auto next = listing.next;
        for (node_row const* const row : listing.rows) {
            // Room for one row more and the end: a page that is too large for an answer ends early.
            if (out.size() > max_answer_body - 8'192) break;
            write_row(out, *row, asked->form);
            next = row != listing.rows.back() ? row->id : listing.next;
        }
        out.close(']');
        if (next) out.key("next").hex(next->bytes);
        out.close('}');
        auto response = ok(std::move(out), at);
        response.headers.emplace_back("etag", tag);
        return response;
    }
    [[nodiscard]] api_answer changes(request_target const& target, api_request const& request, caller const& from,
                                     moment const& at, bool everything) {
        auto const asked = read_change_query(target, everything);
        if (!asked) return refuse_here(asked.error(), at);
        auto const state = logic_->state();
        if (!everything && !request.waited && asked->wait > duration::zero() && asked->cursor.epoch == state.epoch &&
            asked->cursor.since == state.version) {
            return parked_request{state, saturating_add(at.now, std::min(asked->wait, max_wait)), from.is_replica()};
        }
        auto const page = logic_->changes(asked->cursor, from, at.now);
        if (!page) return refused(page.error(), at);
        json_writer out{max_answer_body};
        write_mark(out.open('{'), mark(at));
        out.field("since", page->since).field("to", page->to).field("base", page->base).field("more", page->more);
        if (page->hash) write_number_text(out, "hash", *page->hash);
        row_form const form = from.is_replica() ? row_form::replica : row_form::compact;
        usual_texts usual{};
        if (page->rows.size() > 1) {
            node_row const& first = *page->rows.front();
            usual = {first.domain, first.registry, first.found_by};
            write_usual(out, usual);
        }
        out.key("nodes").open('[');
        for (node_row const* const row : page->rows) write_row(out, *row, form, usual);
        out.close(']');
        if (!page->removed.empty()) {
            out.key("removed").open('[');
            for (tombstone const* const gone : page->removed) write_removal(out, *gone);
            out.close(']');
        }
        out.close('}');
        return ok(std::move(out), at);
    }
    [[nodiscard]] api_answer health(moment const& at) {
        auto const mark_now = mark(at);
        json_writer out;
        out.open('{').field("status", mark_now.stale ? "stale" : "ok").field("role", to_string(logic_->options().role));
        if (!logic_->options().name.empty()) out.field("name", logic_->options().name);
        out.field("nodes_known", logic_->table().size()).field("queued", logic_->queued());
        write_mark(out, mark_now).close('}');
        return ok(std::move(out), at);
    }
    [[nodiscard]] api_answer metrics(moment const& at) {
        auto text = metrics_text(*logic_, counts_, api_routes, at);
        return answered({200, "text/plain; version=0.0.4; charset=utf-8", {}, std::move(text)}, at);
    }

    Logic* logic_;
    request_reader reader_{};
    response_counts counts_{};
    std::size_t route_ = api_routes.size(); ///< of the request being handled
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
