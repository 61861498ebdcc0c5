// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes the Consul protocol: any replies in any order leave it bounded, and its requests well-formed.
#include <peerkit/registry/consul.hpp>

#include "fuzz/registry_answers.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz_registry::run(peerkit::registry::consul{}, {"x-consul-index", "retry-after"}, data, size);
    return 0;
}
