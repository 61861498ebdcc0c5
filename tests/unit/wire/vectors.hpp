// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Reads the golden vectors under tests/data/vectors.
#ifndef PEERKIT_TESTS_UNIT_WIRE_VECTORS_HPP
#define PEERKIT_TESTS_UNIT_WIRE_VECTORS_HPP

#include <peerkit/core/bytes.hpp>

#include <cstddef>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace tests {

using bytes = std::vector<std::byte>;

/// The `name = hex` lines of one file, in order; empty if the file cannot be read.
inline std::vector<std::pair<std::string, bytes>> all_vectors(std::string const& file) {
    std::vector<std::pair<std::string, bytes>> found;
    std::ifstream in{std::string{PEERKIT_TEST_DATA} + "/vectors/" + file};
    for (std::string line; std::getline(in, line);) {
        std::size_t const equals = line.find(" = ");
        if (line.starts_with('#') || equals == std::string::npos) continue;
        std::string const hex = line.substr(equals + 3);
        bytes value(hex.size() / 2);
        if (peerkit::from_hex(hex, value)) found.emplace_back(line.substr(0, equals), value);
    }
    return found;
}

/// One value; empty if it is not there, which no vector is.
inline bytes vector_of(std::string const& file, std::string const& name) {
    for (auto const& [key, value] : all_vectors(file)) {
        if (key == name) return value;
    }
    return {};
}

} // namespace tests

#endif
