// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Writes the answers of a registry.
#ifndef PEERKIT_REGISTRY_ANSWER_WRITER_HPP
#define PEERKIT_REGISTRY_ANSWER_WRITER_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/json_writer.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/registry/payload.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// How much a row says. `full` is for people as well; `compact` leaves out what its record says and what is as usual,
/// and tells the figures as they are kept; `replica` is compact with the lease, for other registries only.
enum class row_form : std::uint8_t { full, compact, replica };

/// 16 hexadecimal digits: a number that not every reader of JSON could hold.
inline json_writer& write_number_text(json_writer& out, std::string_view name, std::uint64_t number) {
    std::array<std::byte, 8> bytes{};
    store_big(bytes.data(), number);
    return out.key(name).hex(bytes);
}

/// The fields of a mark, inside an object; what is as usual is not said.
inline json_writer& write_mark(json_writer& out, state_mark const& mark) {
    write_number_text(out, "epoch", mark.epoch).field("version", mark.version);
    if (mark.stale) out.field("stale", true).field("behind_s", mark.behind_s);
    if (mark.self_preservation) out.field("self_preservation", true);
    return out;
}

/// What most rows of a page have in common, said once: a compact row that says nothing else has these.
struct usual_texts {
    std::string_view domain{};
    std::string_view registry{};
    std::string_view found_by{};
};
inline json_writer& write_usual(json_writer& out, usual_texts const& usual) {
    out.key("usual").open('{').field("domain", usual.domain).field("registry", usual.registry);
    return out.field("found_by", usual.found_by).close('}');
}

/// @param usual  what `write_usual` said in the same document; not for full rows
inline json_writer& write_row(json_writer& out, node_row const& row, row_form form, usual_texts const& usual = {}) {
    auto const text = [&out](std::string_view name, std::string_view value, std::string_view otherwise) {
        if (value != otherwise) out.field(name, value);
    };
    out.open('{');
    if (form == row_form::full) {
        wire::record_view const record = row.view();
        ip_endpoint const where = record.first_endpoint();
        out.key("id").hex(row.id.bytes).field("name", record.name()).field("status", to_string(row.status));
        if (where.address) out.field("address", where.address.to_string());
        out.field("port", where.address ? where.port : record.gossip_port());
        out.field("domain", row.domain).field("registry", row.registry);
        out.field("first_seen", row.first_seen_ms).field("last_heartbeat", row.last_heartbeat_ms);
        out.field("uptime_s", row.uptime_ms / 1000).field("reputation", row.reputation());
        out.field("found_by", row.found_by).field("version", row.version);
    } else {
        out.field("version", row.version);
        if (row.status != node_status::online) out.field("status", to_string(row.status));
        text("domain", row.domain, usual.domain);
        text("registry", row.registry, usual.registry);
        text("found_by", row.found_by, usual.found_by);
        out.field("first_seen", row.first_seen_ms);
        if (row.last_heartbeat_ms != row.first_seen_ms) out.field("last_heartbeat", row.last_heartbeat_ms);
        if (row.uptime_ms != 0) out.field("uptime_ms", row.uptime_ms);
        if (row.standing != node_row::best_standing) out.field("standing", row.standing);
        if (form == row_form::replica && row.lease) out.key("lease").hex(row.lease.bytes);
    }
    return out.key("record").base64(row.record).close('}');
}
inline json_writer& write_removal(json_writer& out, tombstone const& gone) {
    out.open('{').key("id").hex(gone.id.bytes).field("version", gone.version).field("name", gone.name);
    if (!gone.domain.empty()) out.field("domain", gone.domain);
    return out.field("incarnation", gone.incarnation).field("removed_at", gone.removed_ms).close('}');
}

/// `{"error":{...}}`, with the challenge where that is what is asked for.
[[nodiscard]] inline std::string error_json(error const& what, state_mark const& mark, byte_view challenge = {}) {
    auto const known = as_registry_error(what);
    json_writer out;
    out.open('{').key("error").open('{').field("code", code_of(known.value_or(registry_error::malformed)));
    out.field("message", known ? std::string{what.sentence()} : what.message());
    if (!what.field().empty()) out.field("field", what.field());
    if (known && has_wait(*known)) out.field("retry_after", what.position());
    out.close('}');
    if (!challenge.empty()) out.key("challenge").hex(challenge);
    write_mark(out, mark).close('}');
    return std::move(out).text();
}

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
