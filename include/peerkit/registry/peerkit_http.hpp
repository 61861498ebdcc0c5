// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The registry protocol of peerkit's own registries: docs/registry.md, as a node speaks it.
#ifndef PEERKIT_REGISTRY_PEERKIT_HTTP_HPP
#define PEERKIT_REGISTRY_PEERKIT_HTTP_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/registry/answer_reader.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/registry/payload.hpp>
#include <peerkit/registry/protocol.hpp>
#include <peerkit/registry/record_candidate.hpp>
#include <peerkit/registry/request.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Registers the node's signed announcement with a proof that it holds its key now, keeps the lease it is given, lists
/// those of its domain that are online page by page, and watches by long poll for another entity tag.
/// A `RegistryProtocol`. Not thread-safe.
class peerkit_http {
public:
    [[nodiscard]] std::string_view name() const noexcept { return "registry"; }
    [[nodiscard]] std::uint16_t default_port() const noexcept { return default_api_port; }

    [[nodiscard]] std::optional<discovery::http_request> request(client_task task, registrant const& who) {
        switch (task) {
        case client_task::enroll: return post("/api/register", to_json(registration_of(who)), who);
        case client_task::renew: return post("/api/heartbeat", to_json(heartbeat{id_, lease_}), who);
        case client_task::leave:
            if (!lease_) return std::nullopt;
            return post("/api/deregister", to_json(deregistration{id_, lease_}), who);
        case client_task::list: {
            if (who.begins) begin_list();
            auto made = get(page_target(who, rows_per_page), who);
            if (!cursor_.empty())
                made.target += "&cursor=" + cursor_;
            else if (!tag_.empty() && tagged_domain_ == who.domain)
                made.headers.push_back({"If-None-Match", tag_});
            return made;
        }
        case client_task::watch: {
            if (tag_.empty()) return std::nullopt;
            // Only that something has changed counts.
            auto made = get(page_target(who, 1) + "&wait=55", who);
            made.headers.push_back({"If-None-Match", tag_});
            made.timeout = std::chrono::seconds{70};
            made.max_bytes = std::size_t{1} << 20U;
            return made;
        }
        }
        return std::nullopt;
    }

    [[nodiscard]] client_answer answer(client_task task, discovery::http_reply const& reply, registrant const& who) {
        if (reply.status == 304 && task == client_task::list && who.begins) return unchanged{};
        registry::answer& said = state_->said;
        if (auto const sound = state_->reader.read(reply.body, said); !sound)
            return refused{discovery::discovery_error::bad_reply, {}, waiting(reply, 0), true};
        if (said.error) return refusal(*said.error, said, reply);
        if (reply.status != 200 && reply.status != 202)
            return refused{discovery::discovery_error::bad_reply, {}, {}, true};
        std::chrono::seconds const interval{said.heartbeat_interval_s};
        switch (task) {
        case client_task::enroll: {
            auto const record = wire::record_view::parse(who.record);
            if (!record || said.id != record->id() || !said.lease)
                return refused{discovery::discovery_error::bad_reply, {}, {}, true};
            id_ = said.id;
            lease_ = said.lease;
            return known{interval * 3, interval, candidates(said)};
        }
        case client_task::renew:
            if (said.status.empty()) return refused{discovery::discovery_error::bad_reply, {}, {}, true};
            return known{interval * 3, interval, {}};
        case client_task::leave: return gone{};
        case client_task::list: return take_page(said, reply, who);
        case client_task::watch: break;
        }
        return refused{};
    }

    void forget() noexcept { lease_ = {}; }

private:
    static constexpr std::size_t rows_per_page = 1000, most_rows = 100'000;
    static constexpr std::size_t longest_tag = 128, longest_cursor = 128;

    struct decoder {
        answer_reader reader{};
        registry::answer said{};
    };

    [[nodiscard]] static registration registration_of(registrant const& who) {
        registration made;
        made.record.assign(who.record.begin(), who.record.end());
        if (who.proof) made.proof.assign(who.proof->begin(), who.proof->end());
        made.domain = who.domain;
        made.registry = who.registry;
        made.found_by = who.found_by;
        made.network = who.network;
        if (auto const record = wire::record_view::parse(who.record)) {
            if (!record->name().empty()) made.name = std::string{record->name()};
            for (typed_address const& a : record->addresses()) {
                made.address = a.address;
                break;
            }
            made.port = record->gossip_port();
        }
        return made;
    }
    static void show(discovery::http_request& made, registrant const& who) {
        if (!who.token.empty()) made.headers.push_back({"Authorization", "Bearer " + std::string{who.token}});
    }
    [[nodiscard]] static discovery::http_request post(char const* target, std::string body, registrant const& who) {
        discovery::http_request made{.method = discovery::http_method::post, .target = target};
        made.headers = {{"Content-Type", "application/json"}};
        made.body = std::move(body);
        made.max_bytes = std::size_t{1} << 20U;
        show(made, who);
        return made;
    }
    [[nodiscard]] static discovery::http_request get(std::string target, registrant const& who) {
        discovery::http_request made{.target = std::move(target)};
        show(made, who);
        return made;
    }
    /// The domain is a host name, and needs no escapes.
    [[nodiscard]] static std::string page_target(registrant const& who, std::size_t rows) {
        std::string made = "/api/nodes?form=compact&status=online&limit=" + std::to_string(rows);
        if (!who.domain.empty()) made.append("&domain=").append(who.domain);
        return made;
    }
    void begin_list() noexcept {
        cursor_.clear();
        first_tag_.clear();
        found_.clear();
    }

    [[nodiscard]] client_answer take_page(registry::answer const& said, discovery::http_reply const& reply,
                                          registrant const& who) {
        std::string_view const tag = one_line(reply.header("etag"), longest_tag);
        if (who.begins)
            first_tag_ = tag;
        else if (first_tag_ != tag)
            first_tag_.clear(); // changed from page to page: the next list is asked for whatever its tag
        std::vector<discovery::candidate> page = candidates(said);
        std::move(page.begin(), page.end(), std::back_inserter(found_));
        std::string_view const next = digits(said.next);
        if (!next.empty() && next != cursor_ && found_.size() < most_rows) {
            cursor_ = next;
            return more{};
        }
        tag_ = first_tag_;
        tagged_domain_ = who.domain;
        listed all{std::exchange(found_, {}), {}};
        cursor_.clear();
        if (said.mark.stale) {
            constexpr std::uint64_t year = std::uint64_t{365} * 86'400;
            all.behind = std::chrono::seconds{std::clamp<std::uint64_t>(said.mark.behind_s, 1, year)};
        }
        return all;
    }
    [[nodiscard]] static std::vector<discovery::candidate> candidates(registry::answer const& said) {
        std::vector<discovery::candidate> all;
        all.reserve(said.nodes.size());
        for (node_view const& row : said.nodes) {
            auto one = candidate_of(row.record);
            if (!one || one->id != row.id) continue;
            one->state = row.status == node_status::online ? discovery::presence::online : discovery::presence::offline;
            all.push_back(std::move(*one));
        }
        return all;
    }
    /// What goes into a request again is shown to have a form that it cannot break.
    [[nodiscard]] static std::string_view one_line(std::string_view text, std::size_t most) noexcept {
        bool const fine =
            text.size() <= most && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
        return fine ? text : std::string_view{};
    }
    [[nodiscard]] static std::string_view digits(std::string_view text) noexcept {
        bool const fine =
            text.size() <= longest_cursor && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
        return fine ? text : std::string_view{};
    }
    [[nodiscard]] static duration waiting(discovery::http_reply const& reply, std::uint32_t said_s) noexcept {
        return said_s != 0 ? duration{std::chrono::seconds{said_s}} : retry_after(reply);
    }
    [[nodiscard]] static client_answer refusal(error_answer const& said, registry::answer const& all,
                                               discovery::http_reply const& reply) {
        auto const known_as = error_of(said.code);
        if (known_as == registry_error::challenge && !all.challenge.empty() &&
            all.challenge.size() <= crypto::largest_challenge) {
            return challenged{all.challenge};
        }
        if (known_as == registry_error::unknown_node) return lost{};
        bool const elsewhere = !known_as || is_transient(*known_as) || *known_as == registry_error::not_found ||
                               reply.status >= 500 || reply.status == 429;
        return refused{said.to_error(), said.message.substr(0, refused::most_words), waiting(reply, said.retry_after_s),
                       elsewhere};
    }

    std::unique_ptr<decoder> state_ = std::make_unique<decoder>(); ///< moves without throwing

    // The registration.
    node_id id_;
    lease_id lease_{};

    // The list.
    std::string tag_, tagged_domain_; ///< of the last whole one
    std::string cursor_, first_tag_;  ///< of the one under way
    std::vector<discovery::candidate> found_;
};

static_assert(check_protocol<peerkit_http>());

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
