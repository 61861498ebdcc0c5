// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Brings a database of ours to the present schema, step by step, or says why it cannot be used.
#ifndef PEERKIT_STORE_SQLITE_SCHEMA_HPP
#define PEERKIT_STORE_SQLITE_SCHEMA_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/store/error.hpp>
#include <peerkit/store/sqlite_connection.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace store {

/// A kind of database: the number in its header that says so, and the statements that lead from each version to the
/// next. The version it has is in `PRAGMA user_version`.
struct sqlite_schema {
    std::int32_t application = 0;            ///< `PRAGMA application_id`; never 0
    std::span<std::string_view const> steps; ///< the first makes version 1 of an empty database
};

/// Which version a database has; 0: it is empty.
/// @par Errors `damaged`, `not_ours` (position: its application id), `newer_format` (position: its version), `busy`,
/// `database_failed`, `unusable`
[[nodiscard]] inline result<std::size_t> schema_version(sqlite_connection& db, sqlite_schema const& schema) {
    auto const application = db.integer("PRAGMA application_id");
    if (!application) return fail(application.error());
    auto const version = db.integer("PRAGMA user_version");
    if (!version) return fail(version.error());
    auto const tables = db.integer("SELECT count(*) FROM sqlite_master");
    if (!tables) return fail(tables.error());
    if (*application == 0 && *version == 0 && *tables == 0) return 0;
    if (*application != schema.application || *version <= 0) {
        return fail(store_error::not_ours, static_cast<std::uint64_t>(*application), "application id");
    }
    if (static_cast<std::uint64_t>(*version) > schema.steps.size()) {
        return fail(store_error::newer_format, static_cast<std::uint64_t>(*version), "schema");
    }
    return static_cast<std::size_t>(*version);
}

/// Makes the tables of an empty database, or those of an older version what they are now, in one transaction.
/// @returns the version it had
/// @par Errors those of `schema_version`; `read_only`, `full`
[[nodiscard]] inline result<std::size_t> migrate(sqlite_connection& db, sqlite_schema const& schema) {
    auto const before = schema_version(db, schema);
    if (!before) return before;
    if (*before == schema.steps.size()) return before;
    auto change = sqlite_transaction::begin(db);
    if (!change) return fail(change.error());
    auto const version = schema_version(db, schema); // another connection may have been faster
    if (!version) return version;
    for (std::size_t i = *version; i < schema.steps.size(); ++i) {
        if (auto const done = db.execute(std::string{schema.steps[i]}, "migrate"); !done) return fail(done.error());
    }
    std::string const marks = "PRAGMA application_id = " + std::to_string(schema.application) +
                              "; PRAGMA user_version = " + std::to_string(schema.steps.size());
    if (auto const done = db.execute(marks, "migrate"); !done) return fail(done.error());
    if (auto const done = change->commit(); !done) return fail(done.error());
    return version;
}

} // namespace store
PEERKIT_END_NAMESPACE

#endif
