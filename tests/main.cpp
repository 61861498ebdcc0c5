// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The main function of every doctest program.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
