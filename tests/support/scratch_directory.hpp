// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A directory of its own for each test, and children that may die in it (POSIX).
#ifndef PEERKIT_TESTS_SUPPORT_SCRATCH_DIRECTORY_HPP
#define PEERKIT_TESTS_SUPPORT_SCRATCH_DIRECTORY_HPP

#include <sys/wait.h>
#include <unistd.h>

#if defined(__linux__)
#    include <sched.h>
#    include <sys/mount.h>
#endif

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace tests {

/// Made when constructed, removed with all it holds.
class scratch_directory {
public:
    scratch_directory() : scratch_directory{std::filesystem::temp_directory_path()} {}
    explicit scratch_directory(std::filesystem::path const& parent) {
        std::string pattern = (parent / "peerkit-test-XXXXXX").string();
        if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
    }
    scratch_directory(scratch_directory const&) = delete;
    scratch_directory& operator=(scratch_directory const&) = delete;
    ~scratch_directory() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::string path(std::string_view inside = {}) const {
        return inside.empty() ? path_ : path_ + "/" + std::string{inside};
    }
    [[nodiscard]] bool has(std::string_view inside) const { return std::filesystem::exists(path(inside)); }
    [[nodiscard]] std::string read(std::string_view inside) const {
        std::ifstream in{path(inside), std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
    void write(std::string_view inside, std::string_view text) const {
        std::ofstream out{path(inside), std::ios::binary | std::ios::trunc};
        out.write(text.data(), static_cast<std::streamsize>(text.size()));
    }

private:
    std::string path_;
};

/// In memory, where there is such a place: a disk that takes its time with every fsync leaves a test little to see.
[[nodiscard]] inline std::filesystem::path fast_parent() {
    return ::access("/dev/shm", W_OK) == 0 ? std::filesystem::path{"/dev/shm"} : std::filesystem::temp_directory_path();
}

/// Puts a file system of that size at `path`, for this process alone; false where the system does not allow it.
[[nodiscard]] inline bool mount_small(std::string const& path, std::size_t bytes) {
#if defined(__linux__)
    uid_t const user = ::geteuid();
    gid_t const group_id = ::getegid();
    if (user != 0) {
        // The only place where anybody may mount; users that are not mapped could make no files.
        if (::unshare(CLONE_NEWUSER) != 0) return false;
        auto const say = [](char const* file, std::string const& text) {
            std::ofstream to{file};
            return static_cast<bool>(to << text << std::flush);
        };
        std::string const group = std::to_string(group_id), own = std::to_string(user);
        if (!say("/proc/self/uid_map", own + " " + own + " 1\n") || !say("/proc/self/setgroups", "deny") ||
            !say("/proc/self/gid_map", group + " " + group + " 1\n")) {
            return false;
        }
    }
    std::string const options = "mode=0700,size=" + std::to_string(bytes);
    return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("peerkit-test", path.c_str(), "tmpfs", 0, options.c_str()) == 0;
#else
    (void)path, (void)bytes;
    return false;
#endif
}

/// Runs `body` in a child process, as a user without privileges if this is root; true if it returned true.
template <typename Body>
[[nodiscard]] bool in_child(Body body, bool unprivileged = false) {
    pid_t const child = ::fork();
    if (child == 0) {
        bool fine = !unprivileged || ::geteuid() != 0 || (::setgid(65534) == 0 && ::setuid(65534) == 0);
        try {
            fine = fine && body();
        } catch (...) {
            fine = false;
        }
        ::_exit(fine ? 0 : 1);
    }
    int status = -1;
    return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace tests

#endif
