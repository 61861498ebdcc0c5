// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Remembers a node's last incarnation across restarts, in a small file.
#ifndef PEERKIT_NET_INCARNATION_FILE_HPP
#define PEERKIT_NET_INCARNATION_FILE_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/net/error.hpp>
#include <peerkit/net/system.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// The wall clock in microseconds: the lowest incarnation a starting node takes. Nobody reads it as a time.
[[nodiscard]] inline std::uint64_t wall_clock_incarnation() noexcept {
    auto const since = std::chrono::system_clock::now().time_since_epoch();
    auto const micros = std::chrono::duration_cast<std::chrono::microseconds>(since).count();
    return micros > 0 ? static_cast<std::uint64_t>(micros) : 1;
}

/// The next incarnation to start with: above the stored one, and above every one minted by the clock before. A clock
/// that was set back costs nothing as long as the file is there.
[[nodiscard]] constexpr std::uint64_t next_incarnation(std::uint64_t stored, std::uint64_t clock) noexcept {
    return std::clamp<std::uint64_t>(std::max(stored + 1, clock), 1, limits::incarnation - 1);
}

/// `<directory>/peerkit-<short id>.incarnation`: one decimal number and a line end. Calls block on the file system for
/// a write of 20 bytes; it is not synced, since a loss only means that the clock decides.
class incarnation_file {
public:
    /// No file: loads 0 and stores nothing.
    incarnation_file() = default;
    incarnation_file(std::string const& directory, short_id of) {
        if (!directory.empty()) path_ = directory + "/peerkit-" + to_string(of) + ".incarnation";
    }

    [[nodiscard]] std::string const& path() const noexcept { return path_; }

    /// The number stored last; 0 if there is no file yet.
    /// @par Errors `state_unusable` (errno), `state_malformed`
    [[nodiscard]] result<std::uint64_t> load() const {
        if (path_.empty()) return std::uint64_t{0};
        owned_fd const file{::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
        if (!file && errno == ENOENT) return std::uint64_t{0};
        if (!file) return failed("open");
        std::array<char, 32> buffer{};
        std::size_t size = 0;
        for (;;) {
            ssize_t const got = ::read(file.get(), buffer.data() + size, buffer.size() - size);
            if (got == 0) break;
            if (got > 0)
                size += static_cast<std::size_t>(got);
            else if (errno != EINTR)
                return failed("read");
        }
        return parse({buffer.data(), size});
    }

    /// @par Errors `state_unusable` (errno); the file then still holds what it held
    [[nodiscard]] result<void> store(std::uint64_t incarnation) const {
        if (path_.empty()) return {};
        std::string const draft = path_ + ".new";
        std::string const text = std::to_string(incarnation) + "\n";
        {
            owned_fd const file{::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR)};
            if (!file) return failed("create");
            ssize_t const put = ::write(file.get(), text.data(), text.size());
            if (put != static_cast<ssize_t>(text.size())) {
                if (put >= 0) errno = ENOSPC;
                return failed("write");
            }
        }
        if (std::rename(draft.c_str(), path_.c_str()) != 0) return failed("rename");
        return {};
    }

    /// Reads the text of such a file. @par Errors `state_malformed` with the offset
    [[nodiscard]] static result<std::uint64_t> parse(std::string_view text) noexcept {
        if (text.ends_with('\n')) text.remove_suffix(1);
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] < '0' || text[i] > '9' || i == 19)
                return fail(net_error::state_malformed, i, "incarnation file");
            value = value * 10 + static_cast<unsigned>(text[i] - '0');
        }
        if (text.empty() || value == 0 || value >= limits::incarnation) {
            return fail(net_error::state_malformed, text.size(), "incarnation file");
        }
        return value;
    }

private:
    [[nodiscard]] static tl::unexpected<error> failed(char const* doing) noexcept {
        return fail(net_error::state_unusable, static_cast<std::uint64_t>(errno), doing);
    }

    std::string path_;
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
