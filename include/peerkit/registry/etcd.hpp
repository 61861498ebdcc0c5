// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The registry protocol of etcd 3.4 and later, by its JSON gateway: a lease, a key per node, a watch of the prefix.
#ifndef PEERKIT_REGISTRY_ETCD_HPP
#define PEERKIT_REGISTRY_ETCD_HPP

#include <peerkit/core/base64.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/json_writer.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/registry/json_reply.hpp>
#include <peerkit/registry/protocol.hpp>
#include <peerkit/registry/record_candidate.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <array>
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

struct etcd_options {
    std::string prefix = "/peerkit/"; ///< of the keys; the domain and a '/' follow, then the node's identity
    std::string user{};               ///< empty: no authentication
    std::string password{};
};

/// Nodes are keys below a prefix, each with the node's announcement as its value and bound to a lease, so that a node
/// that is not heard of vanishes by itself. The client's token is used as an authentication token of etcd where no user
/// is given; with a user one is fetched, and fetched again when it has expired or users or roles were changed.
///
/// The list is a range of the prefix, the watch one that begins at the revision behind it; when that has been compacted
/// the watch ends, and so does any change, and the range is asked for again. A `RegistryProtocol`. Not thread-safe.
/// See https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/.
///
/// @code
/// auto how = registry::client<registry::etcd>::make({.registries = {"10.0.0.5", "10.0.0.6"}},
///                                                   registry::etcd{{.user = "peerkit", .password = secret}});
/// @endcode
class etcd {
public:
    explicit etcd(etcd_options options = {}) : options_{std::move(options)} {}

    [[nodiscard]] std::string_view name() const noexcept { return "etcd"; }
    [[nodiscard]] std::uint16_t default_port() const noexcept { return 2379; }

    [[nodiscard]] std::optional<discovery::http_request> request(client_task task, registrant const& who) {
        if (who.begins) renewed_token_ = granted_ = put_ = false;
        if (!options_.user.empty() && token_.empty()) {
            json_writer body;
            body.open('{').field("name", options_.user).field("password", options_.password).close('}');
            return ask("/v3/auth/authenticate", std::move(body), {});
        }
        std::string_view const token = options_.user.empty() ? who.token : std::string_view{token_};
        json_writer body;
        body.open('{');
        switch (task) {
        case client_task::enroll:
            if (lease_.empty()) {
                auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(who.time_to_live).count();
                body.field("TTL", std::to_string(seconds)).close('}');
                return ask("/v3/lease/grant", std::move(body), token);
            }
            if (put_) return ask_to_keep(std::move(body), token);
            body.key("key").base64(as_bytes(key_of(who))).key("value").base64(who.record);
            body.field("lease", lease_).close('}');
            return ask("/v3/kv/put", std::move(body), token);
        case client_task::renew: return ask_to_keep(std::move(body), token);
        case client_task::list:
            write_range(body, who);
            body.close('}');
            return ask("/v3/kv/range", std::move(body), token);
        case client_task::watch: {
            if (revision_ == 0) return std::nullopt;
            body.key("create_request").open('{');
            write_range(body, who);
            body.field("start_revision", std::to_string(revision_ + 1)).close('}').close('}');
            auto made = ask("/v3/watch", std::move(body), token);
            made.timeout = std::chrono::minutes{5};
            made.max_bytes = std::size_t{1} << 20U;
            made.enough_lines = 2; // that it has begun, then what happened
            return made;
        }
        case client_task::leave:
            if (lease_.empty()) return std::nullopt;
            body.field("ID", lease_).close('}');
            return ask("/v3/lease/revoke", std::move(body), token); // its key goes with it
        }
        return std::nullopt;
    }

    [[nodiscard]] client_answer answer(client_task task, discovery::http_reply const& reply, registrant const& who) {
        if (reply.status != 200) return refusal(task, reply);
        if (!options_.user.empty() && token_.empty()) return take_token(reply.body);
        switch (task) {
        case client_task::enroll:
            if (lease_.empty()) return take_lease(reply.body);
            return put_ ? take_renewal(reply.body) : answer_of_put();
        case client_task::renew: return take_renewal(reply.body);
        case client_task::list: return take_range(reply.body, who);
        case client_task::leave: return gone{};
        case client_task::watch: break;
        }
        return refused{};
    }

    void forget() noexcept { lease_.clear(); }

private:
    static constexpr std::size_t longest_token = 4096;

    [[nodiscard]] static discovery::http_request ask(std::string target, json_writer body, std::string_view token) {
        discovery::http_request made{.method = discovery::http_method::post, .target = std::move(target)};
        made.headers = {{"Content-Type", "application/json"}};
        if (!token.empty()) made.headers.push_back({"Authorization", std::string{token}});
        made.body = std::move(body).text();
        return made;
    }
    [[nodiscard]] discovery::http_request ask_to_keep(json_writer body, std::string_view token) const {
        body.field("ID", lease_).close('}');
        return ask("/v3/lease/keepalive", std::move(body), token);
    }
    [[nodiscard]] std::string prefix_of(registrant const& who) const {
        std::string made = options_.prefix;
        if (!who.domain.empty()) made.append(who.domain) += '/';
        return made;
    }
    [[nodiscard]] std::string key_of(registrant const& who) const {
        auto const record = wire::record_view::parse(who.record);
        return prefix_of(who) + (record ? record->id().to_string() : std::string{});
    }
    /// Every key that begins with the prefix: up to the same with its last byte one higher.
    void write_range(json_writer& body, registrant const& who) const {
        std::string end = prefix_of(who);
        body.key("key").base64(as_bytes(end));
        while (!end.empty() && end.back() == '\xff') end.pop_back();
        if (end.empty())
            end.assign(1, '\0'); // to the end of all keys
        else
            ++end.back();
        body.key("range_end").base64(as_bytes(end));
    }

    // ---- Answers ---------------------------------------------------------------------------------------------------

    /// Errors are {"error":text,"code":number}, the codes those of gRPC.
    [[nodiscard]] client_answer refusal(client_task task, discovery::http_reply const& reply) {
        using discovery::discovery_error;
        std::uint64_t code = 0;
        refused no;
        static_cast<void>(json_->read_object(reply.body, [&](std::string_view key, json_reply::value& v) {
            if (key == "code") return json_reply::read(v, code);
            if (key == "error" || (key == "message" && no.said.empty()))
                return json_reply::read(v, no.said, refused::most_words);
            return true;
        }));
        constexpr std::uint64_t not_found = 5, denied = 7, exhausted = 8, unauthenticated = 16;
        if (code == not_found || reply.status == 404) {
            if (task != client_task::list && code == not_found) return lost{};
            no.elsewhere = true; // no etcd, or one without a gateway
            return no;
        }
        // Tokens that name a revision of users and roles are void after any change of these. The codes are those of
        // other errors, too: a wrong password, say.
        bool const outdated = no.said.find("revision of auth store is old") != std::string::npos ||
                              no.said.find("revision in header is old") != std::string::npos;
        if ((code == unauthenticated || outdated) && !options_.user.empty() && !std::exchange(renewed_token_, true)) {
            token_.clear(); // it has expired
            return more{};
        }
        no.why = code == unauthenticated || code == denied || outdated || reply.status == 401 || reply.status == 403
                     ? discovery_error::not_permitted
                     : discovery_error::server_failed;
        // A member without a leader, one that is full or too busy: another one may do.
        no.elsewhere = reply.status >= 500 || reply.status == 429 || code == exhausted;
        return no;
    }
    [[nodiscard]] client_answer take_token(std::string_view body) {
        std::string token;
        bool const sound = json_->read_object(body, [&](std::string_view key, json_reply::value& v) {
            return key != "token" || json_reply::read(v, token, longest_token);
        });
        bool const one_word = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
        if (!sound || token.empty() || token.size() == longest_token || !one_word)
            return refused{discovery::discovery_error::bad_reply, {}, {}, true};
        token_ = std::move(token);
        return more{};
    }
    [[nodiscard]] client_answer take_lease(std::string_view body) {
        std::uint64_t id = 0, seconds = 0;
        if (!read_lease(body, id, seconds) || id == 0 || seconds == 0)
            return refused{discovery::discovery_error::bad_reply, {}, {}, true};
        lease_ = std::to_string(id);
        life_ = seconds_of(seconds);
        granted_ = true;
        return more{};
    }
    /// A put does not renew the lease it is bound to: one that was there before is kept alive along with it, or news
    /// that come often would put the renewal off until the lease is over.
    [[nodiscard]] client_answer answer_of_put() {
        if (granted_) return known{.time_to_live = life_};
        put_ = true;
        return more{};
    }
    /// A lease that is gone is told by a time to live that is not there.
    [[nodiscard]] client_answer take_renewal(std::string_view body) {
        std::uint64_t id = 0, seconds = 0;
        bool sound = true;
        bool const whole =
            json_->read_object(body.substr(0, body.find('\n')), [&](std::string_view key, json_reply::value& v) {
                if (key == "error") sound = false;
                return key != "result" ||
                       json_reply::object_in(v, [&](std::string_view inner, json_reply::value& field) {
                           if (inner == "ID") return json_reply::read(field, id);
                           return inner != "TTL" || json_reply::read(field, seconds);
                       });
            });
        if (!whole || !sound || id == 0) return refused{discovery::discovery_error::bad_reply, {}, {}, true};
        if (seconds == 0) return lost{};
        life_ = seconds_of(seconds);
        return known{.time_to_live = life_};
    }
    [[nodiscard]] bool read_lease(std::string_view body, std::uint64_t& id, std::uint64_t& seconds) {
        return json_->read_object(body, [&](std::string_view key, json_reply::value& v) {
            if (key == "ID") return json_reply::read(v, id);
            return key != "TTL" || json_reply::read(v, seconds);
        });
    }
    [[nodiscard]] static duration seconds_of(std::uint64_t count) noexcept {
        constexpr std::uint64_t day = 86'400;
        return std::chrono::seconds{static_cast<std::int64_t>(std::min(count, day))};
    }

    [[nodiscard]] client_answer take_range(std::string_view body, registrant const& who) {
        std::string const prefix = prefix_of(who);
        std::uint64_t revision = 0, newest = 0;
        std::size_t count = 0;
        listed all;
        bool const sound = json_->read_object(body, [&](std::string_view key, json_reply::value& v) {
            if (key == "header") {
                return json_reply::object_in(v, [&](std::string_view inner, json_reply::value& field) {
                    return inner != "revision" || json_reply::read(field, revision);
                });
            }
            if (key != "kvs") return true;
            return json_reply::array_in(v, [&](json_reply::value& row) {
                ++count;
                return take_row(row, prefix, newest, all.found);
            });
        });
        if (!sound || revision == 0) return refused{discovery::discovery_error::bad_reply, {}, {}, true};
        bool const same = revision_ != 0 && prefix == listed_prefix_ && newest == newest_ && count == count_;
        revision_ = revision;
        newest_ = newest;
        count_ = count;
        listed_prefix_ = prefix;
        // No key was put since, and none is missing: then they are the same.
        if (same) return unchanged{};
        return all;
    }
    /// A row that is none of a node is left out.
    [[nodiscard]] static bool take_row(json_reply::value& row, std::string_view prefix, std::uint64_t& newest,
                                       std::vector<discovery::candidate>& found) {
        std::string_view key_text, value_text;
        std::uint64_t modified = 0;
        bool const sound = json_reply::object_in(row, [&](std::string_view inner, json_reply::value& field) {
            if (inner == "key") return json_reply::read(field, key_text);
            if (inner == "value") return json_reply::read(field, value_text);
            return inner != "mod_revision" || json_reply::read(field, modified);
        });
        if (!sound) return false;
        newest = std::max(newest, modified);
        std::array<std::byte, 1024> key{};
        std::array<std::byte, limits::record> record{};
        auto const key_size = from_base64(key_text, key), size = from_base64(value_text, record);
        if (!key_size || !size) return true;
        std::string_view const whole = as_text(byte_view{key}.first(*key_size));
        auto one = candidate_of(byte_view{record}.first(*size));
        if (one && whole.starts_with(prefix) && whole.substr(prefix.size()) == one->id.to_string())
            found.push_back(std::move(*one));
        return true;
    }

    etcd_options options_;
    std::unique_ptr<json_reply> json_ = std::make_unique<json_reply>(); ///< moves without throwing
    std::string token_;                                                 ///< fetched for the user
    bool renewed_token_ = false;                                        ///< in this task
    std::string lease_;                                                 ///< digits; empty: none
    duration life_{};                                                   ///< of the lease
    bool granted_ = false;                                              ///< the lease, in this task
    bool put_ = false;                                                  ///< the announcement, in this task

    // The last list.
    std::string listed_prefix_;
    std::uint64_t revision_ = 0; ///< 0: there was none
    std::uint64_t newest_ = 0;   ///< of the keys
    std::size_t count_ = 0;
};

static_assert(check_protocol<etcd>());

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
