// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What can go wrong with keys, key files, seals and signatures.
#ifndef PEERKIT_CRYPTO_ERROR_HPP
#define PEERKIT_CRYPTO_ERROR_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>

#include <cstdint>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {

/// Errors of the crypto floor. Of the `key_file_` errors the position is the operating system's error code
/// (errno) where the system refused something, else 0, and the field names what was being done or the line
/// that is wrong.
enum class crypto_error : std::uint16_t {
    unavailable = 1,      ///< The cryptographic library could not be initialised.
    bad_key_length,       ///< The key has the wrong length; position is the length given.
    bad_key_text,         ///< The key text has a character that is not a hexadecimal digit; position is its offset.
    weak_key,             ///< The key is one value repeated, which no generator makes.
    key_id_collision,     ///< Two different keys have the same key id; one of them must be made anew.
    key_ring_full,        ///< The ring already holds a second key; remove it first.
    key_in_use,           ///< The primary key cannot be removed.
    no_key,               ///< No key with this key id is held; position is the key id.
    forged,               ///< The seal does not open: damaged, of another network or receiver, or forged.
    bad_signature,        ///< The signature is not one the subject made over these bytes.
    key_file_missing,     ///< The key file does not exist.
    key_file_exists,      ///< The key file exists already and is not overwritten.
    key_file_permissions, ///< Others than the owner may access the key file.
    key_file_owner,       ///< The key file belongs to another user.
    key_file_not_regular, ///< The path names something that is not a regular file.
    key_file_malformed,   ///< The content of the key file is not what it should be; position is the line.
    key_file_mismatch,    ///< The public key in the key file does not belong to its secret.
    key_file_io,          ///< The key file could not be read or written.
};

} // namespace crypto

template <>
struct domain_of<crypto::crypto_error> {
    static constexpr std::string_view sentence(std::uint16_t value) noexcept {
        using crypto::crypto_error;
        switch (static_cast<crypto_error>(value)) {
        case crypto_error::unavailable: return "the cryptographic library could not be initialised";
        case crypto_error::bad_key_length: return "the key has the wrong length";
        case crypto_error::bad_key_text: return "the key text has a character that is not a hexadecimal digit";
        case crypto_error::weak_key: return "the key is one value repeated, which no generator makes";
        case crypto_error::key_id_collision: return "two different keys have the same key id";
        case crypto_error::key_ring_full: return "the key ring already holds a second key";
        case crypto_error::key_in_use: return "the primary key cannot be removed";
        case crypto_error::no_key: return "no key with this key id is held";
        case crypto_error::forged: return "the seal does not open: damaged, meant for others, or forged";
        case crypto_error::bad_signature: return "the signature is not one the subject made over these bytes";
        case crypto_error::key_file_missing: return "the key file does not exist";
        case crypto_error::key_file_exists: return "the key file exists already and is not overwritten";
        case crypto_error::key_file_permissions: return "others than its owner may access the key file";
        case crypto_error::key_file_owner: return "the key file belongs to another user";
        case crypto_error::key_file_not_regular: return "the path names something that is not a regular file";
        case crypto_error::key_file_malformed: return "the content of the key file is not what it should be";
        case crypto_error::key_file_mismatch: return "the public key in the key file does not belong to its secret";
        case crypto_error::key_file_io: return "the key file could not be read or written";
        }
        return "unknown crypto error";
    }
    static constexpr error_domain const& get() noexcept { return domain; }
    static constexpr error_domain domain{"crypto", &sentence};
};

PEERKIT_END_NAMESPACE

#endif
