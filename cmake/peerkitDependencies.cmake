# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# The components, what each needs, and how each dependency is found: read by the build tree and by the installed package.
#
# Every third-party library becomes one internal target peerkit::dep_<name>, so that exported files never name a
# target only one packager provides. For each library, in this order: a target that exists already (a superbuild), a
# CONFIG package (vcpkg, Conan, upstream), pkg-config, a plain search for its header. Nothing is ever downloaded.
#
# A new component is one entry in the table below, one list in peerkitHeaders.cmake and, if it needs a library that
# is new here, one _peerkit_find_<name> macro. Its target, export set, install rules and package logic follow.

# Lowest floor first: a component may only require components named before it.
set(peerkit_components core crypto json net dns http lz4 sqlite peerkit)

set(peerkit_core_requires)
set(peerkit_core_dependencies expected)

set(peerkit_crypto_requires core)
set(peerkit_crypto_dependencies sodium)

set(peerkit_json_requires core)
set(peerkit_json_dependencies simdjson)

set(peerkit_net_requires core crypto)
set(peerkit_net_dependencies asio)

# Opt-in: not part of the umbrella.
set(peerkit_dns_requires core net)
set(peerkit_dns_dependencies cares)

# Opt-in: not part of the umbrella.
set(peerkit_http_requires core net)
set(peerkit_http_dependencies httplib)

# Opt-in: not part of the umbrella.
set(peerkit_lz4_requires core)
set(peerkit_lz4_dependencies lz4)

# Opt-in: not part of the umbrella.
set(peerkit_sqlite_requires core)
set(peerkit_sqlite_dependencies sqlite3)

# The umbrella.
set(peerkit_peerkit_requires core crypto json net)
set(peerkit_peerkit_dependencies)

# What a dependency is called when it has to be named to a person.
set(peerkit_expected_title "tl-expected (tl/expected.hpp)")
set(peerkit_sodium_title "libsodium (sodium.h)")
set(peerkit_simdjson_title "simdjson (simdjson.h)")
set(peerkit_asio_title "standalone asio (asio/version.hpp)")
set(peerkit_cares_title "c-ares (ares.h)")
set(peerkit_httplib_title "cpp-httplib (httplib.h)")
set(peerkit_lz4_title "LZ4 (lz4.h)")
set(peerkit_sqlite3_title "SQLite (sqlite3.h)")

# Wraps the first of the given targets that exists as peerkit::dep_<name>.
macro(_peerkit_adopt name)
    if(NOT TARGET peerkit::dep_${name})
        foreach(_peerkit_candidate IN ITEMS ${ARGN})
            if(TARGET ${_peerkit_candidate} AND NOT TARGET peerkit::dep_${name})
                add_library(peerkit::dep_${name} INTERFACE IMPORTED)
                set_property(TARGET peerkit::dep_${name} PROPERTY INTERFACE_LINK_LIBRARIES ${_peerkit_candidate})
                set(peerkit_${name}_from ${_peerkit_candidate})
            endif()
        endforeach()
    endif()
endmacro()

# The last resort: a header and, unless LIBRARY is empty, a library found by name.
macro(_peerkit_adopt_header name header library)
    if(NOT TARGET peerkit::dep_${name})
        string(TOUPPER ${name} _peerkit_upper)
        find_path(PEERKIT_${_peerkit_upper}_INCLUDE_DIR NAMES ${header})
        mark_as_advanced(PEERKIT_${_peerkit_upper}_INCLUDE_DIR)
        set(_peerkit_found ${PEERKIT_${_peerkit_upper}_INCLUDE_DIR})
        if(NOT "${library}" STREQUAL "")
            find_library(PEERKIT_${_peerkit_upper}_LIBRARY NAMES ${library})
            mark_as_advanced(PEERKIT_${_peerkit_upper}_LIBRARY)
            if(NOT PEERKIT_${_peerkit_upper}_LIBRARY)
                set(_peerkit_found FALSE)
            endif()
        endif()
        if(_peerkit_found)
            add_library(peerkit::dep_${name} INTERFACE IMPORTED)
            set_property(TARGET peerkit::dep_${name} PROPERTY
                INTERFACE_INCLUDE_DIRECTORIES "${PEERKIT_${_peerkit_upper}_INCLUDE_DIR}")
            if(NOT "${library}" STREQUAL "")
                set_property(TARGET peerkit::dep_${name} PROPERTY
                    INTERFACE_LINK_LIBRARIES "${PEERKIT_${_peerkit_upper}_LIBRARY}")
            endif()
            set(peerkit_${name}_from "${PEERKIT_${_peerkit_upper}_INCLUDE_DIR}/${header}")
        endif()
    endif()
endmacro()

# One private pkg-config search; a no-op where pkg-config is absent.
macro(_peerkit_pkg_config name module)
    if(NOT TARGET peerkit::dep_${name})
        find_package(PkgConfig QUIET)
        if(PkgConfig_FOUND)
            string(TOUPPER ${name} _peerkit_upper)
            pkg_check_modules(PEERKIT_PC_${_peerkit_upper} QUIET IMPORTED_TARGET ${module})
            _peerkit_adopt(${name} PkgConfig::PEERKIT_PC_${_peerkit_upper})
        endif()
    endif()
endmacro()

macro(_peerkit_find_expected)
    if(NOT TARGET tl::expected)
        find_package(tl-expected CONFIG QUIET)
    endif()
    _peerkit_adopt(expected tl::expected)
    _peerkit_adopt_header(expected tl/expected.hpp "")
endmacro()

macro(_peerkit_find_sodium)
    if(NOT TARGET unofficial-sodium::sodium AND NOT TARGET libsodium::libsodium)
        find_package(unofficial-sodium CONFIG QUIET)
        find_package(libsodium CONFIG QUIET)
    endif()
    _peerkit_adopt(sodium unofficial-sodium::sodium libsodium::libsodium)
    _peerkit_pkg_config(sodium libsodium)
    _peerkit_adopt_header(sodium sodium.h sodium)
endmacro()

# No version is asked for: simdjson's own version file accepts one minor only, and every minor since 3.0 serves.
macro(_peerkit_find_simdjson)
    if(NOT TARGET simdjson::simdjson)
        find_package(simdjson CONFIG QUIET)
    endif()
    _peerkit_adopt(simdjson simdjson::simdjson)
    _peerkit_pkg_config(simdjson simdjson)
    _peerkit_adopt_header(simdjson simdjson.h simdjson)
endmacro()

macro(_peerkit_find_asio)
    find_package(Threads QUIET)
    if(NOT TARGET asio::asio AND NOT TARGET asio)
        find_package(asio CONFIG QUIET)
    endif()
    _peerkit_adopt(asio asio::asio asio)
    _peerkit_pkg_config(asio asio)
    _peerkit_adopt_header(asio asio/version.hpp "")
    if(TARGET peerkit::dep_asio AND NOT TARGET Threads::Threads)
        set(peerkit_asio_title "a threads library (for standalone asio)")
        set(_peerkit_dependency_incomplete TRUE)
    elseif(TARGET peerkit::dep_asio)
        _peerkit_complete_asio()
    endif()
endmacro()

# Threads and the macros Asio wants, on top of whatever the target that was found says itself.
function(_peerkit_complete_asio)
    get_target_property(done peerkit::dep_asio PEERKIT_COMPLETE)
    if(done)
        return()
    endif()
    set_property(TARGET peerkit::dep_asio PROPERTY PEERKIT_COMPLETE TRUE)
    set_property(TARGET peerkit::dep_asio APPEND PROPERTY INTERFACE_LINK_LIBRARIES Threads::Threads)
    set_property(TARGET peerkit::dep_asio APPEND PROPERTY INTERFACE_COMPILE_DEFINITIONS ASIO_STANDALONE)

    # Asio before 1.24 switches coroutines on for compilers it knows, and does not know clang's C++20 ones.
    _peerkit_asio_version(version)
    if(version AND version VERSION_LESS 1.24)
        set(clang "$<CXX_COMPILER_ID:Clang,AppleClang>")
        set_property(TARGET peerkit::dep_asio APPEND PROPERTY INTERFACE_COMPILE_DEFINITIONS
            "$<${clang}:ASIO_HAS_CO_AWAIT>" "$<${clang}:ASIO_HAS_STD_COROUTINE>")
    endif()
endfunction()

macro(_peerkit_find_cares)
    if(NOT TARGET c-ares::cares AND NOT TARGET c-ares::cares_static)
        find_package(c-ares CONFIG QUIET)
    endif()
    _peerkit_adopt(cares c-ares::cares c-ares::cares_static)
    _peerkit_pkg_config(cares libcares)
    _peerkit_adopt_header(cares ares.h cares)
endmacro()

macro(_peerkit_find_lz4)
    if(NOT TARGET lz4::lz4 AND NOT TARGET LZ4::lz4_static AND NOT TARGET LZ4::lz4_shared)
        find_package(lz4 CONFIG QUIET)
    endif()
    _peerkit_adopt(lz4 lz4::lz4 LZ4::lz4_static LZ4::lz4_shared)
    _peerkit_pkg_config(lz4 liblz4)
    _peerkit_adopt_header(lz4 lz4.h lz4)
endmacro()

# Three kinds of it are about: a header alone, with or without TLS (upstream, vcpkg, Conan), and a library whose header
# is right only with the macros it was compiled with (Debian): those are in its pkg-config file, and nowhere else.
macro(_peerkit_find_httplib)
    find_package(Threads QUIET)
    if(NOT TARGET httplib::httplib AND NOT TARGET cpp-httplib::cpp-httplib)
        find_package(httplib CONFIG QUIET)
    endif()
    _peerkit_adopt(httplib httplib::httplib cpp-httplib::cpp-httplib)
    _peerkit_pkg_config(httplib cpp-httplib)
    # A header that only declares is of no use without them.
    find_path(PEERKIT_HTTPLIB_INCLUDE_DIR NAMES httplib.h)
    mark_as_advanced(PEERKIT_HTTPLIB_INCLUDE_DIR)
    if(PEERKIT_HTTPLIB_INCLUDE_DIR)
        file(STRINGS "${PEERKIT_HTTPLIB_INCLUDE_DIR}/httplib.h" _peerkit_defined REGEX "^inline Client::Client" LIMIT_COUNT 1)
        if(_peerkit_defined)
            _peerkit_adopt_header(httplib httplib.h "")
        endif()
    endif()
    if(TARGET peerkit::dep_httplib AND NOT TARGET Threads::Threads)
        set(peerkit_httplib_title "a threads library (for cpp-httplib)")
        set(_peerkit_dependency_incomplete TRUE)
    elseif(TARGET peerkit::dep_httplib)
        set_property(TARGET peerkit::dep_httplib APPEND PROPERTY INTERFACE_LINK_LIBRARIES Threads::Threads)
    endif()
endmacro()

macro(_peerkit_find_sqlite3)
    if(NOT TARGET SQLite::SQLite3 AND NOT TARGET SQLite3::SQLite3 AND NOT TARGET unofficial::sqlite3::sqlite3)
        find_package(unofficial-sqlite3 CONFIG QUIET)
        if(NOT TARGET unofficial::sqlite3::sqlite3)
            find_package(SQLite3 QUIET)
        endif()
    endif()
    _peerkit_adopt(sqlite3 unofficial::sqlite3::sqlite3 SQLite::SQLite3 SQLite3::SQLite3)
    _peerkit_pkg_config(sqlite3 sqlite3)
    _peerkit_adopt_header(sqlite3 sqlite3.h sqlite3)
endmacro()

# The version of the Asio that was found, read from its header; empty where the header cannot be seen.
function(_peerkit_asio_version out)
    set(directories)
    set(pending peerkit::dep_asio)
    set(seen)
    while(pending)
        list(POP_FRONT pending target)
        if(TARGET "${target}" AND NOT target IN_LIST seen)
            list(APPEND seen "${target}")
            get_target_property(more "${target}" INTERFACE_INCLUDE_DIRECTORIES)
            if(more)
                list(APPEND directories ${more})
            endif()
            get_target_property(more "${target}" INTERFACE_LINK_LIBRARIES)
            if(more)
                list(APPEND pending ${more})
            endif()
        endif()
    endwhile()
    list(APPEND directories ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})
    set(${out} "" PARENT_SCOPE)
    foreach(directory IN LISTS directories)
        # Packagers wrap a directory as $<BUILD_INTERFACE:...> or $<$<CONFIG:...>:...>; the last part is the directory.
        string(REGEX REPLACE "^.*[:;]([^:;<>]+)>+$" "\\1" directory "${directory}")
        if(EXISTS "${directory}/asio/version.hpp")
            file(STRINGS "${directory}/asio/version.hpp" line REGEX "^#define ASIO_VERSION [0-9]+")
            if(line MATCHES "ASIO_VERSION ([0-9]+)")
                math(EXPR major "${CMAKE_MATCH_1} / 100000")
                math(EXPR minor "${CMAKE_MATCH_1} / 100 % 1000")
                math(EXPR patch "${CMAKE_MATCH_1} % 100")
                set(${out} "${major}.${minor}.${patch}" PARENT_SCOPE)
                return()
            endif()
        endif()
    endforeach()
endfunction()

# peerkit_find_dependencies(<component>): finds what one component needs, not what the components it requires need.
# Sets peerkit_dependencies_missing to the titles of what could not be found, empty if nothing is missing.
macro(peerkit_find_dependencies component)
    set(peerkit_dependencies_missing "")
    foreach(_peerkit_dependency IN LISTS peerkit_${component}_dependencies)
        set(_peerkit_dependency_incomplete FALSE)
        cmake_language(CALL _peerkit_find_${_peerkit_dependency})
        if(NOT TARGET peerkit::dep_${_peerkit_dependency} OR _peerkit_dependency_incomplete)
            list(APPEND peerkit_dependencies_missing "${peerkit_${_peerkit_dependency}_title}")
        endif()
    endforeach()
    string(REPLACE ";" ", " peerkit_dependencies_missing "${peerkit_dependencies_missing}")
endmacro()
