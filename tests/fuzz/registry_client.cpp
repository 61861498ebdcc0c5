// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes the client's half of the protocol of peerkit's registries: any replies in any order leave it bounded.
#include <peerkit/registry/peerkit_http.hpp>

#include "fuzz/registry_answers.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz_registry::run(peerkit::registry::peerkit_http{}, {"etag", "retry-after"}, data, size);
    return 0;
}
