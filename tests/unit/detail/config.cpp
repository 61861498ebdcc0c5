// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the version macros and of the inline namespace they name.
#include <peerkit/detail/config.hpp>

#include <doctest/doctest.h>

#include <string_view>
#include <type_traits>
#include <typeinfo>

PEERKIT_BEGIN_NAMESPACE
struct declared_by_the_config_test {};
PEERKIT_END_NAMESPACE

#define PEERKIT_TEST_JOIN(major, minor) v##major##_##minor
#define PEERKIT_TEST_NAMESPACE(major, minor) PEERKIT_TEST_JOIN(major, minor)
namespace versioned = peerkit::PEERKIT_TEST_NAMESPACE(PEERKIT_VERSION_MAJOR, PEERKIT_VERSION_MINOR);
#undef PEERKIT_TEST_NAMESPACE
#undef PEERKIT_TEST_JOIN

TEST_CASE("the inline namespace bears the major and minor version, so two versions in one program do not mix") {
    // Naming the type through the namespace made of the version macros fails to compile if the two disagree.
    CHECK(std::is_same_v<peerkit::declared_by_the_config_test, versioned::declared_by_the_config_test>);
    CHECK(std::is_same_v<peerkit::declared_by_the_config_test, peerkit::v0_1::declared_by_the_config_test>);
}

TEST_CASE("the linker sees the version in the name of every declaration") {
    std::string_view const mangled = typeid(peerkit::declared_by_the_config_test).name();
    CHECK(mangled.find("peerkit") != std::string_view::npos);
    CHECK(mangled.find("v0_1") != std::string_view::npos);
}

TEST_CASE("the version parts are plain numbers the preprocessor can compare") {
#if PEERKIT_VERSION_MAJOR * 10000 + PEERKIT_VERSION_MINOR * 100 + PEERKIT_VERSION_PATCH > 0
    bool const comparable = true;
#else
    bool const comparable = false;
#endif
    CHECK(comparable);
}
