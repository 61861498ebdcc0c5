// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// SQLite with owners and typed errors: a connection, its statements, a transaction that rolls back unless committed.
#ifndef PEERKIT_STORE_SQLITE_CONNECTION_HPP
#define PEERKIT_STORE_SQLITE_CONNECTION_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/store/error.hpp>

#include <sqlite3.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace store {

/// What an error code of SQLite means here. `doing` is told in the error's field and must have static lifetime.
/// @param system_error errno of the last call of the system that failed, 0 if none did
[[nodiscard]] constexpr error sqlite_failure(int extended_code, int system_error, char const* doing) noexcept {
    using enum store_error;
    auto const code = static_cast<std::uint64_t>(extended_code);
    auto const system = static_cast<std::uint64_t>(system_error);
    bool const no_room = system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
    bool const forbidden = system_error == EACCES || system_error == EPERM || system_error == EROFS;
    switch (extended_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {busy, code, doing};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return {damaged, code, doing};
    case SQLITE_FULL: return {full, system != 0 ? system : ENOSPC, doing};
    case SQLITE_READONLY:
    case SQLITE_PERM: return {read_only, system != 0 ? system : EROFS, doing};
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        if (no_room) return {full, system, doing};
        if (forbidden) return {read_only, system, doing};
        if (system_error != 0) return {unusable, system, doing};
        break;
    default: break;
    }
    return {database_failed, code, doing};
}

/// One prepared statement. Must not outlive its connection. Parameters are counted from 1, columns from 0.
/// @code
/// auto found = db.prepare("SELECT name FROM peers WHERE id = ?");
/// found->bind(1, id);
/// while (auto row = found->step()) {
///     if (!*row) break;
///     use(found->text(0));
/// }
/// @endcode
class sqlite_statement {
public:
    void bind(int index, std::int64_t value) noexcept { note(::sqlite3_bind_int64(get(), index, value)); }
    /// The bytes are copied.
    void bind(int index, std::string_view text) noexcept {
        note(::sqlite3_bind_text64(get(), index, text.empty() ? "" : text.data(), text.size(), SQLITE_TRANSIENT,
                                   SQLITE_UTF8));
    }
    /// The bytes are copied.
    void bind(int index, byte_view blob) noexcept {
        note(::sqlite3_bind_blob64(get(), index, blob.empty() ? "" : static_cast<void const*>(blob.data()), blob.size(),
                                   SQLITE_TRANSIENT));
    }
    void bind(int index, std::nullptr_t) noexcept { note(::sqlite3_bind_null(get(), index)); }

    /// Goes on to the next row; false: there is none, and the statement is ready to be run again. What could not be
    /// bound is told here.
    [[nodiscard]] result<bool> step() noexcept {
        if (int const failed = std::exchange(unbound_, SQLITE_OK); failed != SQLITE_OK) {
            reset();
            return tl::unexpected{sqlite_failure(failed, 0, "bind")};
        }
        int const code = ::sqlite3_step(get());
        if (code == SQLITE_ROW) return true;
        sqlite3* const of = ::sqlite3_db_handle(get());
        std::optional<error> why;
        if (code != SQLITE_DONE)
            why = sqlite_failure(::sqlite3_extended_errcode(of), ::sqlite3_system_errno(of), "step");
        ::sqlite3_reset(get());
        if (why) return tl::unexpected{*why};
        return false;
    }
    /// A statement that gives no rows, or whose rows do not matter; afterwards it is ready to be run again.
    [[nodiscard]] result<void> run() noexcept {
        auto const row = step();
        reset();
        if (!row) return tl::unexpected{row.error()};
        return {};
    }
    /// Before binding anew, where the rows were not read to their end. What is bound stays.
    void reset() noexcept { ::sqlite3_reset(get()); }

    [[nodiscard]] bool is_null(int column) const noexcept {
        return ::sqlite3_column_type(get(), column) == SQLITE_NULL;
    }
    [[nodiscard]] std::int64_t integer(int column) const noexcept { return ::sqlite3_column_int64(get(), column); }
    /// Until the next step.
    [[nodiscard]] std::string_view text(int column) const noexcept {
        auto const* const data = reinterpret_cast<char const*>(::sqlite3_column_text(get(), column));
        return data == nullptr ? std::string_view{} : std::string_view{data, size(column)};
    }
    /// Until the next step.
    [[nodiscard]] byte_view blob(int column) const noexcept {
        auto const* const data = static_cast<std::byte const*>(::sqlite3_column_blob(get(), column));
        return data == nullptr ? byte_view{} : byte_view{data, size(column)};
    }

private:
    friend class sqlite_connection;
    struct finalizing {
        void operator()(sqlite3_stmt* of) const noexcept { ::sqlite3_finalize(of); }
    };

    explicit sqlite_statement(sqlite3_stmt* made) noexcept : made_{made} {}
    [[nodiscard]] sqlite3_stmt* get() const noexcept { return made_.get(); }
    [[nodiscard]] std::size_t size(int column) const noexcept {
        return static_cast<std::size_t>(::sqlite3_column_bytes(get(), column));
    }
    void note(int code) noexcept {
        if (code != SQLITE_OK && unbound_ == SQLITE_OK) unbound_ = code;
    }

    std::unique_ptr<sqlite3_stmt, finalizing> made_;
    int unbound_ = SQLITE_OK;
};

/// How a database is opened.
struct sqlite_options {
    bool create = true;                        ///< make it where there is none
    bool read_only = false;                    ///< change nothing, and make nothing
    std::chrono::milliseconds patience{2'000}; ///< how long to wait for the lock of another connection
};

/// One connection to one database. For one thread at a time; every call may block on the disk.
///
/// SQLite opens a file lazily: what is no database shows at the first statement, as `damaged`.
/// @code
/// auto db = store::sqlite_connection::open(path);
/// if (!db) return fail(db.error());
/// if (auto ok = db->execute("PRAGMA journal_mode = WAL"); !ok) return ok;
/// @endcode
class sqlite_connection {
public:
    /// @param path a file, or ":memory:"
    /// @par Errors `unusable`, `read_only`, `full`, `damaged`, `database_failed`
    [[nodiscard]] static result<sqlite_connection> open(std::string const& path, sqlite_options const& how = {}) {
        int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
        if (how.read_only)
            flags |= SQLITE_OPEN_READONLY;
        else
            flags |= SQLITE_OPEN_READWRITE | (how.create ? SQLITE_OPEN_CREATE : 0);
        if (path.find('\0') != std::string::npos) return fail(store_error::unusable, EINVAL, "open");
        sqlite3* made = nullptr;
        int const code = ::sqlite3_open_v2(path.c_str(), &made, flags, nullptr);
        sqlite_connection opened{made}; // also where opening failed, unless there was no memory for it
        if (code != SQLITE_OK) {
            return fail(sqlite_failure(code, made == nullptr ? ENOMEM : ::sqlite3_system_errno(made), "open"));
        }
        auto const wait = how.patience.count();
        ::sqlite3_busy_timeout(made, wait > std::numeric_limits<int>::max() ? std::numeric_limits<int>::max()
                                                                            : static_cast<int>(wait));
        return opened;
    }

    /// Runs every statement of a text, rows ignored.
    [[nodiscard]] result<void> execute(std::string const& sql, char const* doing = "execute") {
        int const code = ::sqlite3_exec(get(), sql.c_str(), nullptr, nullptr, nullptr);
        return code == SQLITE_OK ? result<void>{} : fail(failure(doing));
    }
    /// The first statement of a text; prepare once what runs often.
    [[nodiscard]] result<sqlite_statement> prepare(std::string_view sql) {
        sqlite3_stmt* made = nullptr;
        if (sql.size() > std::numeric_limits<int>::max()) return fail(store_error::too_large, sql.size(), "prepare");
        int const code = ::sqlite3_prepare_v3(get(), sql.data(), static_cast<int>(sql.size()),
                                              SQLITE_PREPARE_PERSISTENT, &made, nullptr);
        if (code != SQLITE_OK) return fail(failure("prepare"));
        if (made == nullptr) return fail(store_error::database_failed, SQLITE_MISUSE, "prepare");
        return sqlite_statement{made};
    }
    /// The first column of the first row, as `PRAGMA user_version` gives it. No row: `database_failed`.
    [[nodiscard]] result<std::int64_t> integer(std::string_view sql) {
        auto asked = prepare(sql);
        if (!asked) return fail(asked.error());
        auto const row = asked->step();
        if (!row) return fail(row.error());
        if (!*row) return fail(store_error::database_failed, SQLITE_DONE, "no row");
        return asked->integer(0);
    }

    /// Rows that the latest INSERT, UPDATE or DELETE changed.
    [[nodiscard]] std::int64_t changes() const noexcept { return ::sqlite3_changes(get()); }
    /// For what is not wrapped here (backup, extended calls).
    [[nodiscard]] sqlite3* get() const noexcept { return made_.get(); }
    /// Why the latest call on `get()` failed.
    [[nodiscard]] error failure(char const* doing) const noexcept {
        return sqlite_failure(::sqlite3_extended_errcode(get()), ::sqlite3_system_errno(get()), doing);
    }

private:
    struct closing {
        void operator()(sqlite3* of) const noexcept { ::sqlite3_close_v2(of); }
    };
    explicit sqlite_connection(sqlite3* made) noexcept : made_{made} {}

    std::unique_ptr<sqlite3, closing> made_;
};

/// Everything until `commit` happens as a whole or not at all: what is not committed is rolled back.
/// @code
/// auto change = store::sqlite_transaction::begin(db);
/// if (!change) return fail(change.error());
/// ...
/// return change->commit();
/// @endcode
class sqlite_transaction {
public:
    /// Takes the write lock at once, so that `busy` is told here and not half way.
    [[nodiscard]] static result<sqlite_transaction> begin(sqlite_connection& on) {
        if (auto ok = on.execute("BEGIN IMMEDIATE", "begin"); !ok) return fail(ok.error());
        return sqlite_transaction{on};
    }
    sqlite_transaction(sqlite_transaction&& from) noexcept : on_{std::exchange(from.on_, nullptr)} {}
    sqlite_transaction& operator=(sqlite_transaction&&) = delete;
    ~sqlite_transaction() {
        if (on_ != nullptr) ::sqlite3_exec(on_->get(), "ROLLBACK", nullptr, nullptr, nullptr);
    }

    /// Durable as far as the connection's `synchronous` says. Where it fails, all is rolled back.
    [[nodiscard]] result<void> commit() {
        auto const done = on_->execute("COMMIT", "commit");
        if (done) on_ = nullptr;
        return done;
    }

private:
    explicit sqlite_transaction(sqlite_connection& on) noexcept : on_{&on} {}

    sqlite_connection* on_;
};

} // namespace store
PEERKIT_END_NAMESPACE

#endif
