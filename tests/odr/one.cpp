// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// First of two translation units that include every header: linking them proves that nothing is defined twice.
#include "all_headers.hpp"

#include <cstring>

char const* two_version();

#define PEERKIT_TEXT_OF(x) #x
#define PEERKIT_TEXT(x) PEERKIT_TEXT_OF(x)

int main() {
    char const* const here = PEERKIT_TEXT(PEERKIT_VERSION_MAJOR) "." PEERKIT_TEXT(
        PEERKIT_VERSION_MINOR) "." PEERKIT_TEXT(PEERKIT_VERSION_PATCH);
    return std::strcmp(here, two_version()) == 0 ? 0 : 1;
}
