// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Reads a whole file in small turns, as a discovery strategy asks for it.
#ifndef PEERKIT_NET_FILE_READ_HPP
#define PEERKIT_NET_FILE_READ_HPP

#include <peerkit/core/error.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/system.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// The state a file is in, from what the system says of it.
[[nodiscard]] inline discovery::file_stamp stamp_of(struct ::stat const& about) noexcept {
    return {static_cast<std::int64_t>(about.st_mtim.tv_sec) * 1'000'000'000 + about.st_mtim.tv_nsec,
            static_cast<std::uint64_t>(about.st_size), static_cast<std::uint64_t>(about.st_ino)};
}

/// Carries out `discovery::read_file`. Regular files only, so that no read waits for a writer; at most 64 KiB are read
/// in one turn, then everything else on `executor` has its turn. (A file on a file system that hangs still hangs.)
/// @par Errors `unavailable` (errno; EINVAL: not a regular file; ECANCELED: stopped), `too_large` (the limit)
template <std::convertible_to<asio::any_io_executor> Executor>
[[nodiscard]] asio::awaitable<result<discovery::file_text>> read_file(Executor executor,
                                                                      std::shared_ptr<stop_state> stop,
                                                                      discovery::read_file request) {
    using discovery::discovery_error;
    constexpr std::size_t turn = std::size_t{64} << 10U;
    constexpr std::size_t padding = 64; // spare room behind the text, which lets a JSON parser work in place
    auto const failed = [](int code) {
        return fail(discovery_error::unavailable, static_cast<std::uint64_t>(code), "file");
    };

    // A name with a zero byte in it would open another file.
    if (request.path.find('\0') != std::string::npos) co_return failed(EINVAL);
    owned_fd const file{::open(request.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!file) co_return failed(errno);
    struct ::stat about{};
    if (::fstat(file.get(), &about) != 0) co_return failed(errno);
    if (!S_ISREG(about.st_mode)) co_return failed(EINVAL);
    auto const size = static_cast<std::uint64_t>(about.st_size);
    if (size > request.max_bytes) co_return fail(discovery_error::too_large, request.max_bytes, "file");

    discovery::file_text read;
    read.stamp = stamp_of(about);
    read.text.reserve(static_cast<std::size_t>(size) + padding);
    for (;;) {
        // One byte more than allowed, to notice a file that grows.
        std::size_t const before = read.text.size();
        std::size_t const wanted = std::min(turn, request.max_bytes - before + 1);
        read.text.resize(before + wanted);
        ssize_t const got = ::read(file.get(), read.text.data() + before, wanted);
        read.text.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
        if (got == 0) co_return read;
        if (got < 0 && errno != EINTR) co_return failed(errno);
        if (read.text.size() > request.max_bytes) co_return fail(discovery_error::too_large, request.max_bytes, "file");
        co_await asio::post(executor, asio::use_awaitable);
        if (stop->stopped()) co_return failed(ECANCELED);
    }
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
