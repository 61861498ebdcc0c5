// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// First translation unit of a host that includes everything it linked.
#include "includes.hpp"

int other_minor();

int main() { return other_minor() == PEERKIT_VERSION_MINOR ? 0 : 1; }
