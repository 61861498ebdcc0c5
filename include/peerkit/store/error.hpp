// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Why something was not remembered, or could not be recalled: the enum of the store floor.
#ifndef PEERKIT_STORE_ERROR_HPP
#define PEERKIT_STORE_ERROR_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>

#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace store {

/// Errors of the store floor. Whatever is refused, what was stored before is still there.
enum class store_error : std::uint16_t {
    // The place. Field says what was being done.
    unusable = 1,  ///< The directory or file cannot be used; position is the system's error code.
    read_only,     ///< This user may not write there (EACCES, EPERM, EROFS); position is the system's error code.
    full,          ///< There is no room left (ENOSPC, EDQUOT, EFBIG); position is the system's error code.
    in_use,        ///< Another store holds it; position is the process that does, 0 if unknown.
    wrong_owner,   ///< It belongs to another user; position is that user's number.
    not_private,   ///< Others may write to it; position is its mode.
    not_directory, ///< There is something else where the directory should be.
    not_regular,   ///< There is something else where the file should be.

    // A stored document; position is an offset unless said otherwise.
    not_json,     ///< It is not one JSON object.
    bad_checksum, ///< It is not what was written: the checksum does not match.
    newer_format, ///< A later version of peerkit wrote it; position is the number of its format or schema.
    not_ours,     ///< It is well formed and something else; position is what it says instead, if that is a number.
    bad_field,    ///< A field is missing, of the wrong type or out of range; field names it.
    too_large,    ///< It is larger than any that is written; position is its size.

    // A state to be saved; position is the index of what was refused.
    too_many,         ///< More entries than are kept; position is their number.
    too_long,         ///< A text or record is longer than its limit.
    bad_text,         ///< A text is empty or not UTF-8.
    bad_record,       ///< A record is malformed.
    incarnation_back, ///< The incarnation is lower than the stored one; position is the stored one.

    // Databases.
    damaged,         ///< It is no database, or a broken one; position is SQLite's extended code.
    busy,            ///< Another connection holds its lock for too long; position is SQLite's extended code.
    database_failed, ///< SQLite refused; position is its extended code, field what was being done.

    threw, ///< A store of the host's own threw an exception.
};

} // namespace store

template <>
struct domain_of<store::store_error> {
    static constexpr std::string_view sentence(std::uint16_t value) noexcept {
        using enum store::store_error;
        switch (static_cast<store::store_error>(value)) {
        case unusable: return "the directory or file cannot be used";
        case read_only: return "this user may not write there";
        case full: return "there is no room left";
        case in_use: return "another store holds it";
        case wrong_owner: return "it belongs to another user";
        case not_private: return "other users may write to it";
        case not_directory: return "there is something else where the directory should be";
        case not_regular: return "there is something else where the file should be";
        case not_json: return "the document is not one JSON object";
        case bad_checksum: return "the document is not what was written";
        case newer_format: return "a later version of peerkit wrote it";
        case not_ours: return "it is well formed and something else";
        case bad_field: return "a field is missing, of the wrong type or out of range";
        case too_large: return "it is larger than any that is written";
        case too_many: return "there are more entries than are kept";
        case too_long: return "a text or record is longer than its limit";
        case bad_text: return "a text is empty or not UTF-8";
        case bad_record: return "a record is malformed";
        case incarnation_back: return "the incarnation is lower than the stored one";
        case damaged: return "it is no database, or a broken one";
        case busy: return "another connection holds the database for too long";
        case database_failed: return "the database refused";
        case threw: return "the store threw an exception";
        }
        return "unknown store error";
    }
    static constexpr error_domain const& get() noexcept { return domain; }
    static constexpr error_domain domain{"store", &sentence};
};

PEERKIT_END_NAMESPACE

#endif
