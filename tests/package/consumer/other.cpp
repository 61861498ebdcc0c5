// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Second translation unit of the same host: both link into one program.
#include "includes.hpp"

int other_minor();

int other_minor() { return PEERKIT_VERSION_MINOR; }
