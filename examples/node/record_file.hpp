// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Writes what a flight recorder has to a file.
#ifndef PEERKIT_NODE_RECORD_FILE_HPP
#define PEERKIT_NODE_RECORD_FILE_HPP

#include <cstddef>
#include <span>
#include <string>

namespace node_program {

/// Whether it could be written now, although it is not. @returns 0, or errno
int try_record(std::string const& path);
/// Replaces the file by these bytes, whole or not at all; only its owner can read it. @returns 0, or errno
int write_record(std::string const& path, std::span<std::byte const> bytes);

} // namespace node_program

#endif
