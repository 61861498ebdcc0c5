# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Runs the port with CMake alone: vcpkg's functions are stood in for by small ones that do the part peerkit relies on.
#
#   cmake -DPORT_DIR=<dir> -DSCRATCH=<dir> -DCOMPILER=<c++> -P run_port.cmake
#
# Afterwards <SCRATCH>/packages holds what vcpkg would install. Any call or argument not stood in for here is an error.

set(PORT peerkit)
set(TARGET_TRIPLET x64-linux)
set(CURRENT_PORT_DIR "${PORT_DIR}")
set(CURRENT_BUILDTREES_DIR "${SCRATCH}/buildtrees")
set(CURRENT_PACKAGES_DIR "${SCRATCH}/packages")
set(CURRENT_INSTALLED_DIR "${SCRATCH}/installed")
file(READ "${PORT_DIR}/vcpkg.json" manifest)
string(JSON VERSION GET "${manifest}" version)

set(stub_calls "")

macro(stub_parse one many)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "${one}" "${many}")
    if(DEFINED arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "${CMAKE_CURRENT_FUNCTION}: unexpected ${arg_UNPARSED_ARGUMENTS}")
    endif()
    set_property(GLOBAL APPEND PROPERTY stub_calls ${CMAKE_CURRENT_FUNCTION})
endmacro()

function(stub_run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "${ARGN}\n${output}")
    endif()
    # vcpkg treats an option no one reads as a mistake in the port.
    if(output MATCHES "not used by the project")
        message(FATAL_ERROR "an option of the port means nothing to CMakeLists.txt\n${output}")
    endif()
endfunction()

function(vcpkg_cmake_configure)
    stub_parse("SOURCE_PATH" "OPTIONS")
    if(NOT VCPKG_BUILD_TYPE STREQUAL "release")
        message(FATAL_ERROR "a header-only port builds release only")
    endif()
    stub_run("${CMAKE_COMMAND}" -S "${arg_SOURCE_PATH}" -B "${CURRENT_BUILDTREES_DIR}" -G Ninja
        -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_COMPILER=${COMPILER}"
        "-DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR}" ${arg_OPTIONS})
endfunction()

function(vcpkg_cmake_install)
    stub_parse("" "")
    stub_run("${CMAKE_COMMAND}" --install "${CURRENT_BUILDTREES_DIR}")
endfunction()

function(vcpkg_cmake_config_fixup)
    stub_parse("PACKAGE_NAME;CONFIG_PATH" "")
    if(DEFINED arg_PACKAGE_NAME OR DEFINED arg_CONFIG_PATH)
        message(FATAL_ERROR "the port installs its package files where vcpkg wants them and needs nothing moved")
    endif()
    foreach(file IN ITEMS peerkitConfig.cmake peerkitConfigVersion.cmake peerkit-core-targets.cmake)
        if(NOT EXISTS "${CURRENT_PACKAGES_DIR}/share/${PORT}/${file}")
            message(FATAL_ERROR "share/${PORT}/${file} was not installed")
        endif()
    endforeach()
endfunction()

function(vcpkg_install_copyright)
    stub_parse("" "FILE_LIST")
    file(READ "${arg_FILE_LIST}" text)
    file(WRITE "${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright" "${text}")
endfunction()

include("${PORT_DIR}/portfile.cmake")

get_property(calls GLOBAL PROPERTY stub_calls)
if(NOT calls STREQUAL "vcpkg_cmake_configure;vcpkg_cmake_install;vcpkg_cmake_config_fixup;vcpkg_install_copyright")
    message(FATAL_ERROR "the port called: ${calls}")
endif()

# What vcpkg checks after a build.
foreach(path IN ITEMS debug lib share/cmake)
    if(EXISTS "${CURRENT_PACKAGES_DIR}/${path}")
        message(FATAL_ERROR "the package has a folder ${path}, which vcpkg refuses")
    endif()
endforeach()
foreach(path IN ITEMS share/${PORT}/copyright share/${PORT}/usage include/peerkit/detail/config.hpp)
    if(NOT EXISTS "${CURRENT_PACKAGES_DIR}/${path}")
        message(FATAL_ERROR "the package has no ${path}")
    endif()
endforeach()
file(GLOB_RECURSE scripts "${CURRENT_PACKAGES_DIR}/share/${PORT}/*.cmake")
foreach(script IN LISTS scripts)
    file(READ "${script}" text)
    string(FIND "${text}" "${SCRATCH}" absolute)
    if(NOT absolute EQUAL -1)
        message(FATAL_ERROR "${script} names an absolute path of the build")
    endif()
endforeach()
