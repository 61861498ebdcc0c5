// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes the etcd protocol: any replies in any order leave it bounded, and its requests well-formed.
#include <peerkit/registry/etcd.hpp>

#include "fuzz/registry_answers.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    peerkit::registry::etcd_options options;
    if ((data[0] & 32U) != 0) options.user = options.password = "user";
    fuzz_registry::run(peerkit::registry::etcd{std::move(options)}, {"etag"}, data, size);
    return 0;
}
