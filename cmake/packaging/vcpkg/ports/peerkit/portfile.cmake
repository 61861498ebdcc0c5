# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Overlay port: installs the checkout it lies in, vcpkg install peerkit --overlay-ports=<checkout>/cmake/packaging/vcpkg/ports.
#
# PEERKIT_VCPKG_SOURCE in the environment names another source tree, for a copy of the port that lies elsewhere or a
# release candidate. vcpkg hands it on only if VCPKG_KEEP_ENV_VARS names it too.

set(VCPKG_BUILD_TYPE release) # header-only

if(DEFINED ENV{PEERKIT_VCPKG_SOURCE})
    set(SOURCE_PATH "$ENV{PEERKIT_VCPKG_SOURCE}")
else()
    get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../../../.." ABSOLUTE)
endif()
if(NOT EXISTS "${SOURCE_PATH}/include/peerkit/detail/config.hpp")
    message(FATAL_ERROR "peerkit: ${SOURCE_PATH} is not a peerkit source tree; name one in PEERKIT_VCPKG_SOURCE "
        "(and list that variable in VCPKG_KEEP_ENV_VARS)")
endif()

vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        -DPEERKIT_BUILD_TESTS=OFF
        -DPEERKIT_BUILD_EXAMPLES=OFF
        "-DPEERKIT_INSTALL_CMAKEDIR=share/${PORT}"
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup()

# Nothing is compiled, so nothing but headers and share/ is left.
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug" "${CURRENT_PACKAGES_DIR}/lib")

file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
