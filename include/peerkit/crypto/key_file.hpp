// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Files that hold an identity or a network key, readable by their owner only (POSIX).
#ifndef PEERKIT_CRYPTO_KEY_FILE_HPP
#define PEERKIT_CRYPTO_KEY_FILE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/crypto/error.hpp>
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/network_key.hpp>
#include <peerkit/crypto/secret_bytes.hpp>
#include <peerkit/detail/config.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

PEERKIT_BEGIN_NAMESPACE
namespace crypto {
namespace detail {

inline constexpr std::string_view identity_header = "peerkit identity 1";
inline constexpr std::string_view network_key_header = "peerkit network key 1";

/// Longer than any key file.
using key_text = secret_bytes<512>;

class file_descriptor {
public:
    explicit file_descriptor(int fd) noexcept : fd_{fd} {}
    file_descriptor(file_descriptor const&) = delete;
    file_descriptor& operator=(file_descriptor const&) = delete;
    ~file_descriptor() { (void)close(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    [[nodiscard]] bool close() noexcept {
        int const fd = fd_;
        fd_ = -1;
        return fd < 0 || ::close(fd) == 0;
    }

private:
    int fd_;
};

[[nodiscard]] inline tl::unexpected<error> fail_io(char const* doing) noexcept {
    return fail(crypto_error::key_file_io, static_cast<std::uint64_t>(errno), doing);
}

/// Whether a key file may be believed: a regular file of the user (root may read anyone's), closed to others.
[[nodiscard]] inline result<void> check_key_file(struct stat const& file, uid_t user) noexcept {
    if (!S_ISREG(file.st_mode)) return fail(crypto_error::key_file_not_regular, 0, "key file");
    if (user != 0 && file.st_uid != user) return fail(crypto_error::key_file_owner, 0, "key file");
    if ((file.st_mode & (S_IRWXG | S_IRWXO)) != 0) return fail(crypto_error::key_file_permissions, 0, "key file");
    return {};
}

/// Reads a whole key file into `text`.
[[nodiscard]] inline result<std::string_view> read_key_file(std::string const& path, key_text& text) noexcept {
    // Non-blocking, so that a pipe by this name is refused below instead of waited for.
    file_descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!file) {
        if (errno == ENOENT) return fail(crypto_error::key_file_missing, ENOENT, "open");
        return fail_io("open");
    }
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return fail_io("stat");
    if (auto const ok = check_key_file(status, ::geteuid()); !ok) return fail(ok.error());

    byte_span const room = text.span();
    std::size_t size = 0;
    while (size < room.size()) {
        ssize_t const got = ::read(file.get(), room.data() + size, room.size() - size);
        if (got == 0) return as_text(text.view().first(size));
        if (got > 0) {
            size += static_cast<std::size_t>(got);
        } else if (errno != EINTR) {
            return fail_io("read");
        }
    }
    return fail(crypto_error::key_file_malformed, 0, "size");
}

[[nodiscard]] inline result<void> write_all(int fd, byte_view bytes) noexcept {
    while (!bytes.empty()) {
        ssize_t const put = ::write(fd, bytes.data(), bytes.size());
        if (put >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(put));
        } else if (errno != EINTR) {
            return fail_io("write");
        }
    }
    return {};
}

/// Puts a finished file at `path`, or nothing. A link instead of a rename makes "does not exist yet" and "is
/// complete" one step, so of two processes that create the same file one succeeds.
[[nodiscard]] inline result<void> create_key_file(std::string const& path, std::string_view text) {
    std::array<std::byte, 8> random{};
    randombytes_buf(random.data(), random.size());
    std::string const draft = path + ".new-" + to_hex(random);
    file_descriptor file{
        ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR)};
    if (!file) return fail_io("create");

    auto const finish = [&]() -> result<void> {
        if (::fchmod(file.get(), S_IRUSR | S_IWUSR) != 0) return fail_io("chmod"); // whatever the umask took away
        if (auto const ok = write_all(file.get(), as_bytes(text)); !ok) return ok;
        if (::fsync(file.get()) != 0) return fail_io("sync");
        if (!file.close()) return fail_io("close");
        if (::link(draft.c_str(), path.c_str()) != 0) {
            if (errno == EEXIST) return fail(crypto_error::key_file_exists, EEXIST, "link");
            return fail_io("link");
        }
        return {};
    };
    result<void> const done = finish();
    (void)::unlink(draft.c_str());
    if (!done) return done;

    std::size_t const slash = path.rfind('/');
    std::string const parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    file_descriptor const directory{::open(parent.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY)};
    // Some file systems cannot sync a directory; the file is complete all the same.
    if (directory && ::fsync(directory.get()) != 0 && errno != EINVAL) return fail_io("sync directory");
    return {};
}

/// Text built in a buffer that is wiped.
class key_text_writer {
public:
    void add(std::string_view part) noexcept {
        copy_bytes(as_bytes(part), text_.span().subspan(size_));
        size_ += part.size();
    }
    void add_hex(byte_view bytes) noexcept {
        constexpr std::string_view digits = "0123456789abcdef";
        for (std::byte const b : bytes) {
            add(digits.substr(std::to_integer<std::size_t>(b >> 4U), 1));
            add(digits.substr(std::to_integer<std::size_t>(b & std::byte{15}), 1));
        }
    }
    [[nodiscard]] std::string_view text() const noexcept { return as_text(text_.view().first(size_)); }

private:
    key_text text_;
    std::size_t size_ = 0;
};

/// Takes the next line off `rest`; a last line may lack its end.
[[nodiscard]] inline std::string_view take_line(std::string_view& rest) noexcept {
    std::size_t const end = rest.find('\n');
    std::string_view const line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    return line;
}

/// The bytes of a line "<word> <hex digits>".
[[nodiscard]] inline result<void> take_hex_line(std::string_view& rest, std::size_t number, std::string_view word,
                                                char const* field, byte_span out) noexcept {
    std::string_view const line = take_line(rest);
    if (!line.starts_with(word) || line.substr(word.size(), 1) != " " || !from_hex(line.substr(word.size() + 1), out)) {
        return fail(crypto_error::key_file_malformed, number, field);
    }
    return {};
}

} // namespace detail

/// Reads an identity file. Blocks on the file system.
///
/// The file is three lines: `peerkit identity 1`, `secret` and `public` with 64 hexadecimal digits each. The
/// second key is there to be read by people, and to notice a damaged secret.
/// @par Errors `key_file_missing`, `key_file_not_regular`, `key_file_owner`, `key_file_permissions`,
/// `key_file_io`, `key_file_malformed`, `key_file_mismatch`, `weak_key`, `unavailable`.
[[nodiscard]] inline result<ed25519_identity> load_identity(std::string const& path) noexcept {
    detail::key_text buffer;
    auto text = detail::read_key_file(path, buffer);
    if (!text) return fail(text.error());
    if (detail::take_line(*text) != detail::identity_header) return fail(crypto_error::key_file_malformed, 1, "header");
    secret_bytes<ed25519_identity::seed_size> seed;
    node_id id;
    if (auto const ok = detail::take_hex_line(*text, 2, "secret", "secret", seed.span()); !ok) return fail(ok.error());
    if (auto const ok = detail::take_hex_line(*text, 3, "public", "public", id.bytes); !ok) return fail(ok.error());
    if (!text->empty()) return fail(crypto_error::key_file_malformed, 4, "end");
    auto identity = ed25519_identity::from_seed(std::span<std::byte const, ed25519_identity::seed_size>{seed.view()});
    if (identity && identity->id() != id) return fail(crypto_error::key_file_mismatch, 0, "public");
    return identity;
}

/// Writes a new identity file with mode 0600, whole or not at all. Blocks on the file system until the file
/// is on disk.
/// @par Errors `key_file_exists` (nothing is overwritten), `key_file_io`.
[[nodiscard]] inline result<void> save_identity(std::string const& path, ed25519_identity const& identity) {
    detail::key_text_writer out;
    out.add(detail::identity_header);
    out.add("\nsecret ");
    out.add_hex(identity.seed().view());
    out.add("\npublic ");
    out.add_hex(identity.id().bytes);
    out.add("\n");
    return detail::create_key_file(path, out.text());
}

/// The identity in the file, which is made first if there is none. Several processes may do so at once: all
/// get the same identity. A file that is there but cannot be used is an error, never replaced.
/// @par Errors those of `load_identity` but `key_file_missing`, and of `save_identity` but `key_file_exists`.
[[nodiscard]] inline result<ed25519_identity> load_or_create_identity(std::string const& path) {
    auto found = load_identity(path);
    if (found || !(found.error() == crypto_error::key_file_missing)) return found;
    auto made = ed25519_identity::generate();
    if (!made) return made;
    if (auto const saved = save_identity(path, *made); !saved) {
        if (saved.error() == crypto_error::key_file_exists) return load_identity(path);
        return fail(saved.error());
    }
    return made;
}

/// Reads a network key file: `peerkit network key 1` and a line of 64 hexadecimal digits, or that line alone,
/// as `openssl rand -hex 32` writes it. Blocks on the file system.
/// @par Errors as `load_identity`; `bad_key_length` and `bad_key_text` for the digits.
[[nodiscard]] inline result<network_key> load_network_key(std::string const& path) noexcept {
    detail::key_text buffer;
    auto text = detail::read_key_file(path, buffer);
    if (!text) return fail(text.error());
    if (text->starts_with("peerkit") && detail::take_line(*text) != detail::network_key_header) {
        return fail(crypto_error::key_file_malformed, 1, "header");
    }
    return network_key::parse(*text);
}

/// Writes a new network key file with mode 0600, whole or not at all. @par Errors `key_file_exists`,
/// `key_file_io`.
[[nodiscard]] inline result<void> save_network_key(std::string const& path, network_key const& key) {
    std::array<char, 2 * network_key::size> digits;
    key.to_hex(digits);
    detail::key_text_writer out;
    out.add(detail::network_key_header);
    out.add("\n");
    out.add({digits.data(), digits.size()});
    out.add("\n");
    sodium_memzero(digits.data(), digits.size());
    return detail::create_key_file(path, out.text());
}

} // namespace crypto
PEERKIT_END_NAMESPACE

#endif
