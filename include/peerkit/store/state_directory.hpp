// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A directory that belongs to one store at a time, and files in it that are replaced whole or not at all (POSIX).
#ifndef PEERKIT_STORE_STATE_DIRECTORY_HPP
#define PEERKIT_STORE_STATE_DIRECTORY_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/store/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace store {
namespace detail {

class file_descriptor {
public:
    file_descriptor() noexcept = default;
    explicit file_descriptor(int fd) noexcept : fd_{fd} {}
    file_descriptor(file_descriptor&& from) noexcept : fd_{std::exchange(from.fd_, -1)} {}
    file_descriptor& operator=(file_descriptor&& from) noexcept {
        std::swap(fd_, from.fd_);
        return *this;
    }
    ~file_descriptor() { (void)close(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    [[nodiscard]] bool close() noexcept {
        int const fd = std::exchange(fd_, -1);
        return fd < 0 || ::close(fd) == 0;
    }

private:
    int fd_ = -1;
};

[[nodiscard]] inline tl::unexpected<error> fail_reading(char const* doing, int code) noexcept {
    auto const what = code == ELOOP ? store_error::not_regular : store_error::unusable;
    return fail(what, static_cast<std::uint64_t>(code), doing);
}
[[nodiscard]] inline tl::unexpected<error> fail_writing(char const* doing, int code) noexcept {
    switch (code) {
    case EACCES:
    case EPERM:
    case EROFS: return fail(store_error::read_only, static_cast<std::uint64_t>(code), doing);
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return fail(store_error::full, static_cast<std::uint64_t>(code), doing);
    default: return fail_reading(doing, code);
    }
}

[[nodiscard]] inline result<void> write_all(int fd, std::string_view text) noexcept {
    while (!text.empty()) {
        ssize_t const put = ::write(fd, text.data(), text.size());
        if (put >= 0) {
            text.remove_prefix(static_cast<std::size_t>(put));
        } else if (errno != EINTR) {
            return fail_writing("write", errno);
        }
    }
    return {};
}

} // namespace detail

/// A directory of this user's, locked: no other `state_directory` has it, in this process or another, until this one is
/// destroyed or its process ends, however that ends (the lock is the kernel's: flock on a file that also holds
/// the number of the process, for people to read).
///
/// Calls block on the file system. Not thread-safe; may move between threads.
/// @code
/// auto place = store::state_directory::open("/var/lib/example");
/// if (!place) return fail(place.error());                    // "store: another store holds it, at 4711 (lock)"
/// auto done = place->replace("settings.json", "settings.previous.json", text);
/// @endcode
class state_directory {
public:
    static constexpr char const* usual_lock = "peerkit.lock";
    /// Damaged files of one name that are kept.
    static constexpr unsigned max_quarantined = 4;

    /// Makes the directory if there is none (its parent must exist), for this user only, and locks it. A directory that
    /// others may write to is refused, since they could exchange the files in it; so is another user's, except by root.
    /// @param lock_name  name of the file that is locked, for stores that share a directory
    /// @par Errors `unusable`, `read_only`, `full`, `not_directory`, `wrong_owner`, `not_private`, `not_regular`,
    /// `in_use`
    [[nodiscard]] static result<state_directory> open(std::string const& path,
                                                      std::string const& lock_name = usual_lock) {
        if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
            if (errno == ENOTDIR) return fail(store_error::not_directory, ENOTDIR, "create directory");
            return detail::fail_writing("create directory", errno);
        }
        state_directory made;
        made.directory_ = detail::file_descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY)};
        if (!made.directory_) {
            if (errno == ENOTDIR) return fail(store_error::not_directory, ENOTDIR, "open directory");
            return detail::fail_reading("open directory", errno);
        }
        struct stat status{};
        if (::fstat(made.directory_.get(), &status) != 0) return detail::fail_reading("open directory", errno);
        if (::geteuid() != 0 && status.st_uid != ::geteuid()) {
            return fail(store_error::wrong_owner, status.st_uid, "directory");
        }
        if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
            return fail(store_error::not_private, status.st_mode & 07777U, "directory");
        }
        made.path_ = path;
        if (auto const mine = made.lock(lock_name); !mine) return fail(mine.error());
        return made;
    }

    /// Where a file of this name is, for libraries that open files by themselves.
    [[nodiscard]] std::string path(std::string_view name) const {
        return path_ + (path_.ends_with('/') ? "" : "/") + std::string{name};
    }
    /// Makes an empty file for this user only if there is no such file.
    /// @par Errors `unusable`, `read_only`, `full`, `not_regular`, `wrong_owner`
    [[nodiscard]] result<void> make(char const* name) const {
        detail::file_descriptor const file{::openat(
            directory_.get(), name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, S_IRUSR | S_IWUSR)};
        if (!file) return detail::fail_writing("create", errno == EISDIR ? ELOOP : errno);
        return check_file(file.get()).map([](struct stat const&) {});
    }
    /// Whether there is something of this name.
    [[nodiscard]] bool has(char const* name) const noexcept {
        return ::faccessat(directory_.get(), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    }

    /// The text of a file; none if there is no such file.
    /// @par Errors `unusable`, `not_regular`, `wrong_owner`, `too_large` (position: its size)
    [[nodiscard]] result<std::optional<std::string>> read(char const* name, std::size_t max_size) const {
        // Non-blocking, so that a pipe by this name is refused below instead of waited for.
        detail::file_descriptor const file{
            ::openat(directory_.get(), name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
        if (!file && errno == ENOENT) return std::nullopt;
        if (!file) return detail::fail_reading("open", errno);
        auto const status = check_file(file.get());
        if (!status) return fail(status.error());
        auto const size = static_cast<std::uint64_t>(status->st_size);
        if (size > max_size) return fail(store_error::too_large, size, "file");
        std::string text(static_cast<std::size_t>(size), '\0');
        std::size_t have = 0;
        while (have < text.size()) {
            ssize_t const got = ::read(file.get(), text.data() + have, text.size() - have);
            if (got == 0) break; // cut off since it was measured: whoever reads the text will notice
            if (got > 0) {
                have += static_cast<std::size_t>(got);
            } else if (errno != EINTR) {
                return detail::fail_reading("read", errno);
            }
        }
        text.resize(have);
        return text;
    }

    /// Puts `text` in the place of the file, which becomes `previous`. When this returns, the new text survives the
    /// loss of power; whenever the process ends before, at least one of the two names holds a whole text.
    /// @par Errors `unusable`, `read_only`, `full`, `not_regular`; both files then hold what they held, or `previous`
    /// has what `name` had
    [[nodiscard]] result<void> replace(char const* name, char const* previous, std::string_view text) const {
        std::string const draft = std::string{name} + ".new";
        if (auto const written = write_draft(draft.c_str(), text); !written) {
            (void)::unlinkat(directory_.get(), draft.c_str(), 0); // gives room back
            return written;
        }
        int const at = directory_.get();
        if (::renameat(at, name, at, previous) != 0 && errno != ENOENT) return detail::fail_writing("rename", errno);
        if (::renameat(at, draft.c_str(), at, name) != 0) return detail::fail_writing("rename", errno);
        return sync();
    }

    /// Gives a file another name, in the place of whatever has that name.
    /// @par Errors `unusable`, `read_only`, `full`
    [[nodiscard]] result<void> rename(std::string const& from, std::string const& to) const {
        if (::renameat(directory_.get(), from.c_str(), directory_.get(), to.c_str()) == 0) return {};
        return detail::fail_writing("rename", errno);
    }
    /// Gives a file a second name, which must be free. Not every file system can.
    /// @par Errors `unusable`, `read_only`, `full`
    [[nodiscard]] result<void> link(std::string const& from, std::string const& to) const {
        if (::linkat(directory_.get(), from.c_str(), directory_.get(), to.c_str(), 0) == 0) return {};
        return detail::fail_writing("link", errno);
    }
    /// Takes a file away, if there is one.
    /// @par Errors `unusable`, `read_only`
    [[nodiscard]] result<void> remove(std::string const& name) const {
        if (::unlinkat(directory_.get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
        return detail::fail_writing("remove", errno);
    }
    /// Waits until a file that somebody else wrote survives the loss of power.
    /// @par Errors `unusable`, `read_only`, `full`
    [[nodiscard]] result<void> sync(std::string const& name) const {
        detail::file_descriptor const file{
            ::openat(directory_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
        if (!file) return detail::fail_reading("open", errno);
        if (::fsync(file.get()) != 0) return detail::fail_writing("sync", errno);
        return {};
    }
    /// The same for the names of files.
    [[nodiscard]] result<void> sync() const noexcept {
        // Some file systems cannot sync a directory; the file is complete all the same.
        if (::fsync(directory_.get()) == 0 || errno == EINVAL) return {};
        return detail::fail_writing("sync directory", errno);
    }

    /// Renames a damaged file to `<name>.quarantined-1`; what was there becomes -2 and so on, and the oldest goes.
    /// @par Errors `unusable`, `read_only`, `full`
    [[nodiscard]] result<void> quarantine(char const* name) const {
        int const at = directory_.get();
        auto const numbered = [&](unsigned i) { return std::string{name} + ".quarantined-" + std::to_string(i); };
        for (unsigned i = max_quarantined; i > 1; --i) {
            (void)::renameat(at, numbered(i - 1).c_str(), at, numbered(i).c_str());
        }
        if (::renameat(at, name, at, numbered(1).c_str()) != 0) return detail::fail_writing("quarantine", errno);
        return {};
    }

private:
    state_directory() noexcept = default;

    [[nodiscard]] static result<struct stat> check_file(int fd) noexcept {
        struct stat status{};
        if (::fstat(fd, &status) != 0) return detail::fail_reading("stat", errno);
        if (!S_ISREG(status.st_mode)) return fail(store_error::not_regular, 0, "file");
        if (::geteuid() != 0 && status.st_uid != ::geteuid()) {
            return fail(store_error::wrong_owner, status.st_uid, "file");
        }
        return status;
    }
    [[nodiscard]] result<void> lock(std::string const& lock_name) {
        lock_ = detail::file_descriptor{::openat(directory_.get(), lock_name.c_str(),
                                                 O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                                                 S_IRUSR | S_IWUSR)};
        if (!lock_) return detail::fail_writing("lock", errno);
        if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) return fail(store_error::in_use, holder(), "lock");
            return detail::fail_writing("lock", errno);
        }
        // The number is for people and messages; without room for it the lock holds all the same.
        std::string const pid = std::to_string(::getpid()) + "\n";
        if (::ftruncate(lock_.get(), 0) == 0) (void)detail::write_all(lock_.get(), pid);
        return {};
    }
    /// The process that wrote its number into the lock file; 0 if there is no number.
    [[nodiscard]] std::uint64_t holder() const noexcept {
        std::array<char, 16> digits{};
        ssize_t const got = ::pread(lock_.get(), digits.data(), digits.size(), 0);
        std::uint64_t pid = 0;
        for (ssize_t i = 0; i < got; ++i) {
            char const c = digits[static_cast<std::size_t>(i)];
            if (c < '0' || c > '9') break;
            pid = pid * 10 + static_cast<unsigned>(c - '0');
        }
        return pid;
    }
    [[nodiscard]] result<void> write_draft(char const* name, std::string_view text) const {
        detail::file_descriptor file{::openat(directory_.get(), name,
                                              O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                                              S_IRUSR | S_IWUSR)};
        if (!file) return detail::fail_writing("create", errno);
        if (auto const done = detail::write_all(file.get(), text); !done) return done;
        if (::fsync(file.get()) != 0) return detail::fail_writing("sync", errno);
        if (!file.close()) return detail::fail_writing("close", errno);
        return {};
    }

    std::string path_;
    detail::file_descriptor directory_;
    detail::file_descriptor lock_;
};

} // namespace store
PEERKIT_END_NAMESPACE

#endif
