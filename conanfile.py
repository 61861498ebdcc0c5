# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Conan 2 recipe: packages the headers together with the CMake files of a normal install.
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load

required_conan_version = ">=2.1"


class PeerkitConan(ConanFile):
    name = "peerkit"
    description = "Peer discovery, SWIM membership and signed announcements as a header-only C++20 library"
    license = "BSL-1.0"
    topics = ("gossip", "swim", "membership", "discovery", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"dns": [True, False], "http": [True, False], "lz4": [True, False], "sqlite": [True, False]}
    default_options = {
        "dns": False,
        "http": False,
        "lz4": False,
        "sqlite": False,
        "cpp-httplib/*:with_openssl": True,
    }
    exports = "include/peerkit/detail/config.hpp"
    exports_sources = "CMakeLists.txt", "LICENSE", "cmake/*.cmake", "cmake/*.in", "include/*"
    no_copy_source = True

    def set_version(self):
        text = load(self, os.path.join(self.recipe_folder, "include/peerkit/detail/config.hpp"))
        parts = dict(re.findall(r"^#define PEERKIT_VERSION_(MAJOR|MINOR|PATCH) ([0-9]+)$", text, re.MULTILINE))
        self.version = f"{parts['MAJOR']}.{parts['MINOR']}.{parts['PATCH']}"

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        # What a header includes, whoever includes the header needs as well.
        for reference in (
            "tl-expected/[>=1.0.0 <2]",
            "libsodium/[>=1.0.18 <2]",
            "simdjson/[>=3.0.1 <5]",
            "asio/[>=1.22.1 <2]",
        ):
            self.requires(reference, transitive_headers=True, transitive_libs=True)
        if self.options.dns:
            self.requires("c-ares/[>=1.18.1 <2]", transitive_headers=True, transitive_libs=True)
        if self.options.http:
            self.requires("cpp-httplib/[>=0.11.4 <1]", transitive_headers=True, transitive_libs=True)
        if self.options.lz4:
            self.requires("lz4/[>=1.9.3 <2]", transitive_headers=True, transitive_libs=True)
        if self.options.sqlite:
            self.requires("sqlite3/[>=3.35 <4]", transitive_headers=True, transitive_libs=True)

    def validate(self):
        check_min_cppstd(self, 20)

    def package_id(self):
        self.info.clear()

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["PEERKIT_BUILD_TESTS"] = False
        toolchain.cache_variables["PEERKIT_BUILD_EXAMPLES"] = False
        toolchain.generate()

    def package(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        # CMake consumers read the installed peerkitConfig.cmake, the same file as everywhere else: it finds each
        # dependency whether Conan or the platform provides it, and knows the components.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = [os.path.join("share", "cmake", "peerkit")]
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
