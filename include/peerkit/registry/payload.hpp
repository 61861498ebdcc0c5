// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the bodies of the registry's HTTP interface say, and the writers of those a client sends.
#ifndef PEERKIT_REGISTRY_PAYLOAD_HPP
#define PEERKIT_REGISTRY_PAYLOAD_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/json_writer.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/change.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/registry/request.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Largest body of a request, in bytes.
inline constexpr std::size_t max_request_body = std::size_t{64} << 10U;
/// Largest body of an answer, in bytes.
inline constexpr std::size_t max_answer_body = std::size_t{32} << 20U;

// ---- Requests ----------------------------------------------------------------------------------------------------

/// POST /api/heartbeats: those that a replica heard. Takes the registries' token.
struct heartbeats_request {
    std::string replica{}; ///< a name for people
    std::vector<node_id> nodes{};
    [[nodiscard]] friend bool operator==(heartbeats_request const&, heartbeats_request const&) = default;
};

/// Body of POST /api/register. What counts is the record; the first five are for people and must agree with it.
[[nodiscard]] inline std::string to_json(registration const& said) {
    json_writer out;
    out.open('{');
    if (said.name) out.field("node_name", *said.name);
    if (said.address) out.field("ipv6_address", said.address->to_string());
    out.field("domain", said.domain);
    if (!said.registry.empty()) out.field("registry_address", said.registry);
    if (said.port) out.field("port", *said.port);
    if (said.network) out.key("network").hex(said.network->bytes);
    out.key("record").base64(said.record);
    if (!said.proof.empty()) out.key("proof").hex(said.proof);
    if (!said.found_by.empty()) out.field("found_by", said.found_by);
    if (said.lease) out.key("lease").hex(said.lease.bytes);
    out.close('}');
    return std::move(out).text();
}
namespace detail {
[[nodiscard]] inline std::string lease_json(node_id const& id, lease_id const& lease) {
    json_writer out;
    out.open('{').key("node_id").hex(id.bytes).key("lease").hex(lease.bytes).close('}');
    return std::move(out).text();
}
} // namespace detail
/// Body of POST /api/heartbeat.
[[nodiscard]] inline std::string to_json(heartbeat const& said) { return detail::lease_json(said.id, said.lease); }
/// Body of POST /api/deregister.
[[nodiscard]] inline std::string to_json(deregistration const& said) { return detail::lease_json(said.id, said.lease); }
[[nodiscard]] inline std::string to_json(heartbeats_request const& said) {
    json_writer out;
    out.open('{').field("replica", said.replica).key("nodes").open('[');
    for (node_id const& id : said.nodes) out.hex(id.bytes);
    out.close(']').close('}');
    return std::move(out).text();
}

// ---- Answers -----------------------------------------------------------------------------------------------------

/// What every answer says of the registry's state.
struct state_mark {
    std::uint64_t epoch = 0;
    std::uint64_t version = 0;
    bool stale = false;             ///< a replica that does not reach its root
    std::uint64_t behind_s = 0;     ///< seconds for which it has not
    bool self_preservation = false; ///< most nodes fell silent at once, so none is set offline
    [[nodiscard]] friend bool operator==(state_mark const&, state_mark const&) = default;
};

/// An error as a registry says it.
struct error_answer {
    std::string code{};              ///< stable, see `code_of`
    std::string message{};           ///< for people
    std::string field{};             ///< what of the request; may be empty
    std::uint32_t retry_after_s = 0; ///< 0: not said; at most a day
    [[nodiscard]] friend bool operator==(error_answer const&, error_answer const&) = default;

    /// As an error of this floor; `unexpected_answer` for a code that is not known here. Its position is what
    /// `has_wait` says, else 0.
    [[nodiscard]] peerkit::error to_error() const noexcept {
        registry_error const known = error_of(code).value_or(registry_error::unexpected_answer);
        return {known, has_wait(known) ? retry_after_s : 0U};
    }
};

/// A row of a received list. Valid as long as the list it is in.
struct node_view {
    node_id id{};
    byte_view record{}; ///< as received: not verified, not even parsed; may be empty
    std::string_view name{};
    std::string_view address{};
    std::string_view domain{};
    std::string_view registry{};
    std::string_view found_by{};
    std::uint16_t port = 0;
    node_status status = node_status::online;
    std::uint8_t reputation = 100;
    std::uint16_t standing = node_row::best_standing;
    lease_id lease{};
    std::uint64_t version = 0;
    std::int64_t first_seen_ms = 0;
    std::int64_t last_heartbeat_ms = 0;
    std::int64_t uptime_ms = 0;

    [[nodiscard]] node_row to_row() const {
        node_row row;
        row.id = id;
        row.record.assign(record.begin(), record.end());
        row.domain = domain;
        row.registry = registry;
        row.found_by = found_by;
        row.lease = lease;
        row.version = version;
        row.first_seen_ms = first_seen_ms;
        row.last_heartbeat_ms = last_heartbeat_ms;
        row.uptime_ms = uptime_ms;
        row.standing = standing;
        row.status = status;
        return row;
    }
};

/// Any answer of a registry: one shape for all, of which each route fills its part. The views in it end with the next
/// use of the reader that filled it.
struct answer {
    std::string status{}; ///< "registered", "ok", "deregistered", "queued"; empty in lists and errors
    state_mark mark{};
    std::optional<error_answer> error{};
    std::vector<std::byte> challenge{}; ///< with error code "challenge"

    // POST /api/register
    node_id id{};
    lease_id lease{};
    std::uint32_t heartbeat_interval_s = 30; ///< 1 to 3600

    // GET /api/nodes, and the peers a registration is told
    std::vector<node_view> nodes{};
    std::string next{}; ///< cursor of the next page; empty: there is none

    // GET /api/changes and GET /api/snapshot, as in `change_page`
    std::uint64_t since = 0;
    std::uint64_t to = 0;
    std::uint64_t base = 0;
    bool more = false;
    std::optional<std::uint64_t> hash{};
    std::vector<tombstone> removed{};

    std::size_t malformed = 0; ///< rows and removals left out because a field was not what it should be
    std::optional<peerkit::error> first_malformed{};

    void clear() {
        auto kept_nodes = std::move(nodes);
        auto kept_removed = std::move(removed);
        *this = answer{};
        nodes = std::move(kept_nodes);
        removed = std::move(kept_removed);
        nodes.clear();
        removed.clear();
    }
    /// Nothing left out: a copy of a registry's state with a row missing is another state. @par Errors that of
    /// `first_malformed`.
    [[nodiscard]] result<change_page> to_page() const {
        if (first_malformed) return fail(*first_malformed);
        change_page page{mark.epoch, since, to, base, more, hash, {}, removed};
        page.rows.reserve(nodes.size());
        for (node_view const& one : nodes) page.rows.push_back(one.to_row());
        return page;
    }
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
