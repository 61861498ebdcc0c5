// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Second of two translation units that include every header, in the opposite role.
#include "all_headers.hpp"

#define PEERKIT_TEXT_OF(x) #x
#define PEERKIT_TEXT(x) PEERKIT_TEXT_OF(x)

char const* two_version();

char const* two_version() {
    return PEERKIT_TEXT(PEERKIT_VERSION_MAJOR) "." PEERKIT_TEXT(PEERKIT_VERSION_MINOR) "." PEERKIT_TEXT(
        PEERKIT_VERSION_PATCH);
}
