// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// How a replica's requests to its root travel over HTTP, and what the answers mean.
#ifndef PEERKIT_REGISTRY_ROOT_EXCHANGE_HPP
#define PEERKIT_REGISTRY_ROOT_EXCHANGE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/registry/answer_reader.hpp>
#include <peerkit/registry/change.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/outbox.hpp>
#include <peerkit/registry/payload.hpp>
#include <peerkit/registry/registry_options.hpp>
#include <peerkit/registry/request.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Makes HTTP requests of a replica's requests, and reads the answers. Keeps the reader's buffers: use one object. Not
/// thread safe.
///
/// @code
/// registry::root_exchange root{options};
/// discovery::http_request request = root.encode(wanted);   // `url` is for the caller to fill in
/// ...
/// logic.on_page(number, root.read_page(reply), at, out);
/// @endcode
class root_exchange {
public:
    explicit root_exchange(registry_options const& options)
        : headers_{{"authorization", "Bearer " + options.token},
                   {"peerkit-replica", options.name},
                   {"peerkit-role", std::string{to_string(options.role)}}} {}

    [[nodiscard]] discovery::http_request encode(root_request const& wanted) const {
        discovery::http_request request;
        request.headers = headers_;
        request.max_bytes = max_answer_body;
        std::visit([&request](auto const& one) { fill(one, request); }, wanted);
        return request;
    }

    /// @param reply  none, where none came
    /// @par Errors of these three: `root_unavailable` for a reply that did not come or is no answer of a registry; what
    /// the root said, where it refused.
    [[nodiscard]] result<change_page> read_page(result<discovery::http_reply> const& reply) {
        if (auto const ok = read(reply); !ok) return fail(ok.error());
        if (said_.mark.epoch == 0) return fail(registry_error::root_unavailable, 0, "epoch");
        auto page = said_.to_page();
        if (!page) return fail(registry_error::root_unavailable, page.error().position(), "row");
        return page;
    }
    [[nodiscard]] result<write_answer> read_write(result<discovery::http_reply> const& reply) {
        if (auto const ok = read(reply); !ok) return fail(ok.error());
        write_answer answer;
        answer.id = said_.id;
        answer.lease = said_.lease;
        answer.version = said_.mark.version;
        answer.heartbeat_interval = std::chrono::seconds{said_.heartbeat_interval_s};
        if (said_.status == "deregistered") {
            answer.what = write_answer::kind::removed;
        } else if (said_.status != "registered" || !said_.lease) {
            // "queued" is the word of another replica: it may still lose what a root would have kept.
            return fail(registry_error::root_unavailable, 0, "status");
        }
        return answer;
    }
    [[nodiscard]] result<void> read_beats(result<discovery::http_reply> const& reply) {
        if (auto const ok = read(reply); !ok) return fail(ok.error());
        if (said_.status != "ok") return fail(registry_error::root_unavailable, 0, "status");
        return {};
    }

private:
    static void fill(fetch_changes const& wanted, discovery::http_request& request) {
        auto const add = [&request](std::string_view name, std::string_view value) {
            request.target += request.target.find('?') == std::string::npos ? '?' : '&';
            ((request.target += name) += '=') += value;
        };
        request.target = wanted.everything ? "/api/snapshot" : "/api/changes";
        request.timeout = wanted.timeout;
        if (wanted.everything && wanted.cursor == change_cursor{}) return; // the beginning
        std::array<std::byte, 8> epoch{};
        store_big(epoch.data(), wanted.cursor.epoch);
        add("epoch", to_hex(epoch));
        add("since", std::to_string(wanted.cursor.since));
        add("base", std::to_string(wanted.cursor.base));
        auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(wanted.wait).count();
        if (seconds > 0) add("wait", std::to_string(seconds));
    }
    static void fill(forward_write const& wanted, discovery::http_request& request) {
        request.method = discovery::http_method::post;
        request.timeout = wanted.timeout;
        bool const registers = std::holds_alternative<registration>(wanted.write.what);
        request.target = registers ? "/api/register" : "/api/deregister";
        request.body = std::visit([](auto const& one) { return to_json(one); }, wanted.write.what);
        request.headers.push_back({"content-type", "application/json"});
    }
    static void fill(forward_beats const& wanted, discovery::http_request& request) {
        request.method = discovery::http_method::post;
        request.timeout = wanted.timeout;
        request.target = "/api/heartbeats";
        request.body = to_json(heartbeats_request{{}, wanted.nodes});
        request.headers.push_back({"content-type", "application/json"});
    }

    /// Fills `said_`, or says why not.
    [[nodiscard]] result<void> read(result<discovery::http_reply> const& reply) {
        if (!reply) return fail(registry_error::root_unavailable, 0, "reply");
        if (auto const done = reader_.read(reply->body, said_); !done) {
            return fail(registry_error::root_unavailable, reply->status, "body");
        }
        if (said_.error) return fail(said_.error->to_error());
        if (reply->status < 200 || reply->status > 299) {
            return fail(registry_error::root_unavailable, reply->status, "status");
        }
        // Another replica: what it says may be older than what is known here.
        if (said_.mark.stale) return fail(registry_error::root_unavailable, said_.mark.behind_s, "stale");
        return {};
    }

    std::vector<discovery::http_header> headers_;
    answer_reader reader_{};
    answer said_{};
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
