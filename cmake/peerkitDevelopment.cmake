# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Flags for peerkit's own programs; nothing here reaches a consumer.

include_guard(GLOBAL)

set(CMAKE_CXX_EXTENSIONS OFF)

add_library(peerkit_development INTERFACE)
target_compile_features(peerkit_development INTERFACE cxx_std_20)

if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    target_compile_options(peerkit_development INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
    if(PEERKIT_WERROR)
        target_compile_options(peerkit_development INTERFACE -Werror)
    endif()
    if(PEERKIT_SANITIZE)
        target_compile_options(peerkit_development INTERFACE
            "-fsanitize=${PEERKIT_SANITIZE}" -fno-sanitize-recover=all -fno-omit-frame-pointer)
        target_link_options(peerkit_development INTERFACE "-fsanitize=${PEERKIT_SANITIZE}")
    endif()
endif()

# Fails with a sentence when a component peerkit's own programs need could not be had.
function(peerkit_require_components purpose)
    foreach(component IN LISTS ARGN)
        if(NOT TARGET peerkit::${component})
            message(FATAL_ERROR "peerkit: ${purpose} need the component ${component}, whose dependencies are missing "
                "(see the lines above); on Debian: apt install libexpected-dev libsodium-dev libsimdjson-dev libasio-dev libc-ares-dev liblz4-dev libcpp-httplib-dev libsqlite3-dev")
        endif()
    endforeach()
endfunction()

# peerkit_add_program(<target> COMPONENTS <component>... SOURCES <file>...)
function(peerkit_add_program target)
    cmake_parse_arguments(PARSE_ARGV 1 program "" "" "COMPONENTS;SOURCES")
    add_executable(${target} ${program_SOURCES})
    list(TRANSFORM program_COMPONENTS PREPEND "peerkit::")
    target_link_libraries(${target} PRIVATE peerkit_development ${program_COMPONENTS})
endfunction()
