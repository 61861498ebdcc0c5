# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Offers a library of the system under its Conan name, so that CMakeDeps writes the files a Conan user has.
import os

from conan import ConanFile
from conan.tools.files import copy

TARGETS = {
    # package -> (CMake package, CMake target, headers below the include directory, library)
    "tl-expected": ("tl-expected", "tl::expected", "tl/*", None),
    "libsodium": ("libsodium", "libsodium::libsodium", "sodium*", "sodium"),
    "simdjson": ("simdjson", "simdjson::simdjson", "simdjson*", "simdjson"),
    "asio": ("asio", "asio::asio", "asio*", None),
    "c-ares": ("c-ares", "c-ares::cares", "ares*", "cares"),
    "lz4": ("lz4", "lz4::lz4", "lz4*", "lz4"),
    "cpp-httplib": ("httplib", "httplib::httplib", "httplib.h", None),
    "sqlite3": ("SQLite3", "SQLite::SQLite3", "sqlite3.h", "sqlite3"),
}


class StubConan(ConanFile):
    package_type = "unknown"
    build_policy = "missing"
    # Asked of cpp-httplib alone.
    options = {"with_openssl": [True, False]}
    default_options = {"with_openssl": False}

    def package_id(self):
        self.info.clear()

    def package(self):
        # Where the system's headers are is found out by check.py.
        source = os.environ["PEERKIT_STUB_INCLUDE"]
        copy(self, TARGETS[self.name][2], source, os.path.join(self.package_folder, "include"))

    def package_info(self):
        file_name, target, _, library = TARGETS[self.name]
        self.cpp_info.set_property("cmake_file_name", file_name)
        self.cpp_info.set_property("cmake_target_name", target)
        self.cpp_info.bindirs = self.cpp_info.libdirs = []
        self.cpp_info.system_libs = [library] if library else []
        if self.name == "cpp-httplib":
            # A library with macros, or a header alone: check.py found out.
            macros, libraries = (os.environ["PEERKIT_STUB_HTTPLIB"] + " ").split(" ")[:2]
            self.cpp_info.defines = [macro for macro in macros.split(";") if macro]
            self.cpp_info.system_libs = [name for name in libraries.split(";") if name]
