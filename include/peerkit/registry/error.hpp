// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Errors of the registry floor: a sentence, a stable code and an HTTP status for each.
#ifndef PEERKIT_REGISTRY_ERROR_HPP
#define PEERKIT_REGISTRY_ERROR_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Errors of the registry floor. Where an enumerator names no position, the position is 0.
enum class registry_error : std::uint16_t {
    // What somebody asked for cannot be understood.
    malformed = 1,      ///< The request is not what it should be; field names what is wrong.
    bad_query,          ///< A parameter of the query is not what it should be; field names it.
    not_found,          ///< There is nothing at this address.
    method_not_allowed, ///< What is at this address does not take this method.
    too_large,          ///< The request is larger than the limit; position is the limit.
    timed_out,          ///< The request did not arrive in time.

    // Registrations.
    bad_record,         ///< The announcement is malformed, says that its node left, or its signature is wrong.
    bad_proof,          ///< The proof of possession is not a signature.
    wrong_network,      ///< This registry serves another network.
    mismatch,           ///< A field says something else than the announcement; field names it.
    challenge,          ///< The node has to prove that it holds its key: sign the challenge and ask again.
    unauthorized,       ///< This takes the token of the registries.
    name_taken,         ///< The name belongs to another key.
    stale_record,       ///< A newer announcement of the node is known; position is its incarnation.
    conflicting_record, ///< Another announcement of the same incarnation is known.
    unknown_node,       ///< The node or its lease is not known here: register again.

    // What the registry cannot do now. Of those with a wait, the position is the seconds to wait.
    rate_limited,    ///< Too many requests from this source; a wait.
    table_full,      ///< The registry holds as many nodes as it may; a wait.
    too_many,        ///< This source has registered as many nodes as it may.
    queue_full,      ///< The root is away and no more writes can be kept for it; a wait.
    not_root,        ///< This registry takes no writes.
    busy,            ///< Too many requests are being served; a wait.
    not_durable,     ///< The change could not be stored; a wait.
    shutting_down,   ///< The registry is ending; a wait.
    snapshot_needed, ///< The changes since then are not known: fetch everything.

    // Between registries.
    wrong_content,     ///< What was replicated does not have the root's hash.
    root_unavailable,  ///< The root does not answer.
    unexpected_answer, ///< The answer belongs to nothing that was asked for.

    // Options.
    bad_option, ///< An option is outside its permitted values; field names it.
};

namespace detail {
struct error_row {
    registry_error value;
    std::uint16_t status;
    std::string_view code;
    std::string_view sentence;
};
inline constexpr std::array<error_row, 29> error_rows{{
    {registry_error::malformed, 400, "malformed", "the request is not what it should be"},
    {registry_error::bad_query, 400, "bad_query", "a parameter of the query is not what it should be"},
    {registry_error::not_found, 404, "not_found", "there is nothing at this address"},
    {registry_error::method_not_allowed, 405, "method_not_allowed", "this method is not taken at this address"},
    {registry_error::too_large, 413, "too_large", "the request is larger than the limit"},
    {registry_error::timed_out, 408, "timed_out", "the request did not arrive in time"},
    {registry_error::bad_record, 400, "bad_record", "the announcement is malformed, final, or not signed by its node"},
    {registry_error::bad_proof, 400, "bad_proof", "the proof of possession is not a signature"},
    {registry_error::wrong_network, 400, "wrong_network", "this registry serves another network"},
    {registry_error::mismatch, 400, "mismatch", "a field says something else than the announcement"},
    {registry_error::challenge, 401, "challenge", "sign the challenge with the node's key and ask again"},
    {registry_error::unauthorized, 403, "unauthorized", "this takes the token of the registries"},
    {registry_error::name_taken, 409, "name_taken", "the name belongs to another key"},
    {registry_error::stale_record, 409, "stale_record", "a newer announcement of the node is known"},
    {registry_error::conflicting_record, 409, "conflicting_record",
     "another announcement of the same incarnation is known"},
    {registry_error::unknown_node, 404, "unknown_node", "the node or its lease is not known here, register again"},
    {registry_error::rate_limited, 429, "rate_limited", "too many requests from this source"},
    {registry_error::table_full, 503, "table_full", "the registry holds as many nodes as it may"},
    {registry_error::too_many, 403, "too_many", "this source has registered as many nodes as it may"},
    {registry_error::queue_full, 503, "queue_full", "the root is away and no more writes can be kept for it"},
    {registry_error::not_root, 503, "not_root", "this registry takes no writes"},
    {registry_error::busy, 503, "busy", "too many requests are being served"},
    {registry_error::not_durable, 503, "not_durable", "the change could not be stored"},
    {registry_error::shutting_down, 503, "shutting_down", "the registry is ending"},
    {registry_error::snapshot_needed, 410, "snapshot_needed", "the changes since then are not known, fetch everything"},
    {registry_error::wrong_content, 502, "wrong_content", "what was replicated does not have the root's hash"},
    {registry_error::root_unavailable, 502, "root_unavailable", "the root does not answer"},
    {registry_error::unexpected_answer, 502, "unexpected_answer", "the answer belongs to nothing that was asked for"},
    {registry_error::bad_option, 400, "bad_option", "an option is outside its permitted values"},
}};
[[nodiscard]] constexpr error_row const* row_of(registry_error value) noexcept {
    auto const at = static_cast<std::size_t>(value) - 1;
    return at < error_rows.size() ? &error_rows[at] : nullptr;
}
} // namespace detail

/// The text by which programs know an error; never changes: "name_taken".
[[nodiscard]] constexpr std::string_view code_of(registry_error value) noexcept {
    auto const* const row = detail::row_of(value);
    return row != nullptr ? row->code : std::string_view{"unknown"};
}
/// The HTTP status an error is answered with.
[[nodiscard]] constexpr std::uint16_t status_of(registry_error value) noexcept {
    auto const* const row = detail::row_of(value);
    return row != nullptr ? row->status : std::uint16_t{500};
}
/// The error of that code, as another registry said it, or none.
[[nodiscard]] constexpr std::optional<registry_error> error_of(std::string_view code) noexcept {
    for (auto const& row : detail::error_rows) {
        if (row.code == code) return row.value;
    }
    return std::nullopt;
}
/// Whether an error's position is the seconds after which asking again makes sense.
[[nodiscard]] constexpr bool has_wait(registry_error value) noexcept {
    using enum registry_error;
    return value == rate_limited || value == table_full || value == queue_full || value == busy ||
           value == not_durable || value == shutting_down;
}
/// Whether the same request may be answered otherwise later, though nothing about it changes: such writes stay in
/// the queue of a replica, those but that found `table_full`.
[[nodiscard]] constexpr bool is_transient(registry_error value) noexcept {
    using enum registry_error;
    return has_wait(value) || value == root_unavailable || value == timed_out || value == not_root ||
           value == unexpected_answer;
}

} // namespace registry

template <>
struct domain_of<registry::registry_error> {
    static constexpr std::string_view sentence(std::uint16_t value) noexcept {
        auto const* const row = registry::detail::row_of(static_cast<registry::registry_error>(value));
        return row != nullptr ? row->sentence : std::string_view{"unknown registry error"};
    }
    static constexpr error_domain const& get() noexcept { return domain; }
    static constexpr error_domain domain{"registry", &sentence};
};

namespace registry {

/// The enumerator in an error of this floor, or none.
[[nodiscard]] inline std::optional<registry_error> as_registry_error(error const& what) noexcept {
    auto const value = static_cast<registry_error>(what.value());
    return what == value && detail::row_of(value) != nullptr ? std::optional{value} : std::nullopt;
}

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
