// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The file of a flight recorder: written beside the old one, which it then replaces.
#include "record_file.hpp"

#include <peerkit/net/system.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace node_program {

namespace {

std::string beside(std::string const& path) { return path + ".new"; }

} // namespace

int try_record(std::string const& path) {
    peerkit::net::owned_fd const file{::open(beside(path).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
    return file && ::unlink(beside(path).c_str()) == 0 ? 0 : errno;
}

int write_record(std::string const& path, std::span<std::byte const> bytes) {
    std::string const fresh = beside(path);
    peerkit::net::owned_fd const file{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (!file || ::fchmod(file.get(), 0600) != 0) return errno;
    while (!bytes.empty()) {
        ssize_t const put = ::write(file.get(), bytes.data(), bytes.size());
        if (put < 0 && errno != EINTR) return errno;
        if (put > 0) bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    if (::fsync(file.get()) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0) return errno;
    return 0;
}

} // namespace node_program
