#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Installs peerkit to a scratch prefix and lets host projects ask for it in every supported and every refused way.
"""usage: check.py <case> --source <root> --build <build tree> --scratch <dir>

A case is a function case_<name> below; the case "install" comes first and leaves <scratch>/prefix for the others."""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

SKIP = 77
# Dependencies that are linked under their own name; the others are headers alone.
LINKED = ("sodium", "simdjson", "cares", "lz4", "sqlite3")


class Failed(Exception):
    pass


class World:
    def __init__(self, arguments):
        self.source = pathlib.Path(arguments.source).resolve()
        self.build = pathlib.Path(arguments.build).resolve()
        self.scratch = pathlib.Path(arguments.scratch).resolve()
        self.case = arguments.case
        self.prefix = self.scratch / "prefix"
        self.own = self.scratch / self.case
        shutil.rmtree(self.own, ignore_errors=True)
        self.own.mkdir(parents=True)
        self.cache = dict(
            re.findall(r"^([^#/\n][^:\n]*):[A-Z]+=(.*)$", (self.build / "CMakeCache.txt").read_text(), re.MULTILINE)
        )
        sys.path.insert(0, str(self.source / "tests/lint"))
        import tree

        self.headers = tree.component_lists(self.source)
        self.requires, _ = tree.component_table(self.source)
        # Configured twice from a preset, CMake keeps the name as it was given; consumers without a path need all of it.
        compiler = self.cache["CMAKE_CXX_COMPILER"]
        self.cache["CMAKE_CXX_COMPILER"] = shutil.which(compiler) or compiler
        config = (self.source / "include/peerkit/detail/config.hpp").read_text()
        self.version = ".".join(
            re.search(rf"PEERKIT_VERSION_{part} ([0-9]+)", config)[1] for part in ("MAJOR", "MINOR", "PATCH")
        )

    def run(self, *command, environment=None, fails=False):
        """Runs a command and returns what it printed; it must succeed, or fail if `fails`."""
        command = [str(word) for word in command]
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **(environment or {})},
        )
        if (done.returncode != 0) != fails:
            raise Failed(f"{' '.join(command)}\n{done.stdout}\nexit status {done.returncode}")
        return done.stdout

    def closure(self, component):
        found = {component}
        for lower in self.requires[component]:
            found |= self.closure(lower)
        return found

    def consume(self, name, *, link=(), headers_of=None, fails=False, prefix=None, extra=(), **variables):
        """Configures the consumer, and builds and runs it if it links something; returns the output of CMake.

        It includes every header of what it links, or those of the component `headers_of` alone."""
        where = self.own / name
        where.mkdir(parents=True, exist_ok=True)
        components = set().union(*(self.closure(target.removeprefix("peerkit::")) for target in link))
        if headers_of:
            components = {headers_of}
        included = [header for component in self.headers if component in components for header in self.headers[component]]
        (where / "includes.hpp").write_text("".join(f"#include <{header}>\n" for header in included))
        options = {f"CONSUMER_{key.upper()}": value for key, value in variables.items()}
        options["CONSUMER_LINK"] = ";".join(link)
        output = self.run(
            "cmake",
            "-S",
            self.source / "tests/package/consumer",
            "-B",
            where,
            "-G",
            "Ninja",
            f"-DCMAKE_CXX_COMPILER={self.cache['CMAKE_CXX_COMPILER']}",
            f"-DCMAKE_CXX_COMPILER_LAUNCHER={self.cache.get('PEERKIT_CCACHE', '').replace('PEERKIT_CCACHE-NOTFOUND', '')}",
            f"-DCMAKE_PREFIX_PATH={prefix or self.prefix}",
            *(f"-D{key}={value}" for key, value in options.items() if value),
            *extra,
            fails=fails,
        )
        if link and not fails:
            self.run("cmake", "--build", where)
            self.run(where / "consumer")
        return output

    def only(self, *dependencies):
        """CMake arguments for a system on which nothing but these dependencies of peerkit can be found."""
        arguments = [f"-DCMAKE_MAKE_PROGRAM={self.cache['CMAKE_MAKE_PROGRAM']}"] + [
            f"-DCMAKE_FIND_USE_{place}=OFF"
            for place in ("CMAKE_SYSTEM_PATH", "SYSTEM_ENVIRONMENT_PATH", "CMAKE_ENVIRONMENT_PATH", "PACKAGE_REGISTRY")
        ]
        # Whatever the build tree itself found the dependency by.
        found_by = {
            "expected": ("tl-expected_DIR", "PEERKIT_EXPECTED_INCLUDE_DIR"),
            "sodium": ("unofficial-sodium_DIR", "libsodium_DIR", "PEERKIT_SODIUM_INCLUDE_DIR", "PEERKIT_SODIUM_LIBRARY"),
            "simdjson": ("simdjson_DIR", "PEERKIT_SIMDJSON_INCLUDE_DIR", "PEERKIT_SIMDJSON_LIBRARY"),
            "asio": ("asio_DIR", "PEERKIT_ASIO_INCLUDE_DIR"),
            "cares": ("c-ares_DIR", "PEERKIT_CARES_INCLUDE_DIR", "PEERKIT_CARES_LIBRARY"),
            "lz4": ("lz4_DIR", "PEERKIT_LZ4_INCLUDE_DIR", "PEERKIT_LZ4_LIBRARY"),
            "httplib": ("httplib_DIR",),
            "sqlite3": ("unofficial-sqlite3_DIR", "SQLite3_INCLUDE_DIR", "SQLite3_LIBRARY"),
        }
        for dependency in dependencies:
            if dependency == "httplib" and self.cache.get("PEERKIT_PC_HTTPLIB_FOUND"):
                # Its macros come with it, which only a package can say.
                imitate_package(self, self.own / "httplib", "httplib", "httplib::httplib", "httplib")
                arguments.append(f"-Dhttplib_DIR={self.own / 'httplib/share/httplib'}")
                continue
            given = [
                f"-D{name}={self.cache[name]}"
                for name in found_by[dependency]
                if self.cache.get(name) and not self.cache[name].endswith("-NOTFOUND")
            ]
            upper = dependency.upper()
            if not given and self.cache.get(f"PEERKIT_PC_{upper}_FOUND"):
                # pkg-config itself would show everything it knows; its answer is given instead.
                library = next(key for key in self.cache if key.startswith(f"pkgcfg_lib_PEERKIT_PC_{upper}_"))
                given = [
                    f"-DPEERKIT_{upper}_INCLUDE_DIR={self.cache[f'PEERKIT_PC_{upper}_INCLUDEDIR']}",
                    f"-DPEERKIT_{upper}_LIBRARY={self.cache[library]}",
                ]
            if not given:
                raise Failed(f"cannot tell how the build tree found {dependency}")
            arguments += given
        return arguments


def expect(output, *words):
    flat = re.sub(r"\s+", " ", output)
    for word in words:
        if word not in flat:
            raise Failed(f"the output does not say '{word}':\n{output}")


def case_install(world):
    """Installs, moves the prefix elsewhere, and finds in it exactly the headers listed and no path of this machine."""
    shutil.rmtree(world.prefix, ignore_errors=True)
    world.run("cmake", "--install", world.build, "--prefix", world.own / "first")
    (world.own / "first").rename(world.prefix)
    include = world.prefix / "include"
    installed = {path.relative_to(include).as_posix() for path in include.rglob("*") if path.is_file()}
    listed = {header for headers in world.headers.values() for header in headers}
    if installed != listed:
        raise Failed(f"installed but not listed or the other way round: {sorted(installed ^ listed)}")
    for path in world.prefix.rglob("*"):
        text = path.read_text() if path.is_file() else ""
        for place in (world.source, world.build, world.own):
            if str(place) in text:
                raise Failed(f"{path.relative_to(world.prefix)} names {place}")


def case_everything(world):
    """find_package(peerkit): two translation units including every header link and run."""
    major_minor = world.version.rsplit(".", 1)[0]
    output = world.consume("everything", version=major_minor, link=["peerkit::peerkit"])
    expect(output, f"consumer: peerkit {world.version}")


def case_core_alone(world):
    """COMPONENTS core asks for tl::expected and for nothing else."""
    world.consume(
        "core",
        components="core",
        link=["peerkit::core"],
        absent="peerkit::crypto;peerkit::json;peerkit::net;peerkit::peerkit;peerkit::dep_asio;peerkit::dep_sodium",
        extra=world.only("expected"),
    )


def case_each_component(world):
    """Each component is found, compiles and links with only the dependencies of its own."""
    needs = {
        "crypto": ["expected", "sodium"],
        "json": ["expected", "simdjson"],
        "net": ["expected", "sodium", "asio"],
        "dns": ["expected", "sodium", "asio", "cares"],
        "http": ["expected", "sodium", "asio", "httplib"],
        "lz4": ["expected", "lz4"],
        "sqlite": ["expected", "sqlite3"],
    }
    for component, dependencies in needs.items():
        world.consume(
            component,
            components=component,
            link=[f"peerkit::{component}"],
            headers_of=component,
            extra=world.only(*dependencies),
        )


def case_what_is_present(world):
    """A bare find_package() means every component whose dependencies are present at the consumer."""
    output = world.consume(
        "bare", absent="peerkit::json;peerkit::dns;peerkit::http;peerkit::lz4;peerkit::sqlite;peerkit::peerkit", extra=world.only("expected", "sodium", "asio")
    )
    expect(
        output,
        "left out json: component json needs simdjson",
        "left out dns: component dns needs c-ares",
        "left out http: component http needs cpp-httplib",
        "left out lz4: component lz4 needs LZ4",
        "left out sqlite: component sqlite needs SQLite",
        "left out peerkit: component peerkit requires json",
    )
    world.consume(
        "optional",
        components="core",
        optional="json",
        absent="peerkit::json",
        link=["peerkit::core"],
        extra=world.only("expected"),
    )
    output = world.consume("nothing", fails=True, extra=world.only())
    expect(output, "component core needs tl-expected")


def case_missing_is_named(world):
    """A component that is asked for and cannot be had is refused with the name of what is missing."""
    output = world.consume("net", components="core;net", fails=True, extra=world.only("expected", "sodium"))
    expect(output, "component net needs standalone asio")
    output = world.consume("crypto", components="net", fails=True, extra=world.only("expected", "asio"))
    expect(output, "component net requires crypto: component crypto needs libsodium")
    output = world.consume("json", components="json", fails=True, extra=world.only("expected"))
    expect(output, "component json needs simdjson")
    output = world.consume("dns", components="dns", fails=True, extra=world.only("expected", "sodium", "asio"))
    expect(output, "component dns needs c-ares")
    output = world.consume("lz4", components="lz4", fails=True, extra=world.only("expected"))
    expect(output, "component lz4 needs LZ4")
    output = world.consume(
        "http", components="http", fails=True, extra=world.only("expected", "sodium", "asio")
    )
    expect(output, "component http needs cpp-httplib")
    output = world.consume("sqlite", components="sqlite", fails=True, extra=world.only("expected"))
    expect(output, "component sqlite needs SQLite")
    # What nobody asked for is not missed.
    world.consume(
        "without_dns",
        components="peerkit",
        absent="peerkit::dns;peerkit::dep_cares",
        extra=world.only("expected", "sodium", "simdjson", "asio"),
    )


def case_unknown_component(world):
    output = world.consume("unknown", components="core;telepathy", fails=True)
    expect(output, "unknown component 'telepathy' (there are: core, crypto, json, net, dns, http, lz4, sqlite, peerkit)")


def case_wrong_version(world):
    """The same minor version is accepted up to this patch; any other version is refused, and named."""
    major, minor, patch = (int(part) for part in world.version.split("."))
    accepted = [f"{major}.{minor}", world.version]
    refused = [f"{major}.{minor}.{patch + 1}", f"{major}.{minor + 1}", f"{major + 1}.0"]
    if minor:
        refused.append(f"{major}.{minor - 1}")
    for version in accepted:
        world.consume("accepted", version=version, components="core")
        shutil.rmtree(world.own / "accepted")
    for version in refused:
        output = world.consume("refused", version=version, components="core", fails=True)
        expect(output, f'compatible with requested version "{version}"', f"version: {world.version}")
        shutil.rmtree(world.own / "refused")


def case_subdirectory(world):
    """add_subdirectory(): the same targets, and neither tests nor examples nor install rules reach the host."""
    world.consume("subdirectory", source=world.source, link=["peerkit::net"])
    where = world.own / "subdirectory"
    world.run("cmake", "--install", where, "--prefix", world.own / "installed")
    if (world.own / "installed").exists():
        raise Failed("installing the host installs peerkit")
    if (where / "peerkit/tests").exists() or (where / "peerkit/examples").exists():
        raise Failed("the host builds peerkit's tests or examples")
    output = world.consume(
        "without_json",
        source=world.source,
        link=["peerkit::crypto"],
        absent="peerkit::json;peerkit::peerkit",
        extra=world.only("expected", "sodium", "asio"),
    )
    expect(output, "left out json: needs simdjson")


def case_vcpkg(world):
    """The port runs under stand-ins for vcpkg's functions; a consumer finds the result beside vcpkg-style packages."""
    port = world.source / "cmake/packaging/vcpkg/ports/peerkit"

    def run_port(where, port_directory, environment=None, fails=False):
        return world.run(
            "cmake",
            f"-DPORT_DIR={port_directory}",
            f"-DSCRATCH={world.own / where}",
            f"-DCOMPILER={world.cache['CMAKE_CXX_COMPILER']}",
            "-P",
            world.source / "tests/package/vcpkg/run_port.cmake",
            environment=environment,
            fails=fails,
        )

    run_port("overlay", port)
    # A copy of the port that lies elsewhere needs to be told where the sources are.
    shutil.copytree(port, world.own / "elsewhere/ports/peerkit")
    elsewhere = world.own / "elsewhere/ports/peerkit"
    expect(run_port("lost", elsewhere, fails=True), "name one in PEERKIT_VCPKG_SOURCE")
    run_port("named", elsewhere, environment={"PEERKIT_VCPKG_SOURCE": str(world.source)})

    # The targets vcpkg's ports of the dependencies provide.
    installed = world.own / "overlay/packages"
    imitate_package(world, installed, "asio", "asio::asio", "asio")
    imitate_package(world, installed, "unofficial-sodium", "unofficial-sodium::sodium", "sodium")
    imitate_package(world, installed, "c-ares", "c-ares::cares", "cares")
    imitate_package(world, installed, "lz4", "lz4::lz4", "lz4")
    imitate_package(world, installed, "httplib", "httplib::httplib", "httplib")
    imitate_package(world, installed, "unofficial-sqlite3", "unofficial::sqlite3::sqlite3", "sqlite3")
    where = world.own / "consumer"
    world.consume("consumer", prefix=installed, link=["peerkit::dns", "peerkit::http", "peerkit::lz4", "peerkit::sqlite"])
    found = dict(re.findall(r"^([\w-]+_DIR):[A-Z]+=(.*)$", (where / "CMakeCache.txt").read_text(), re.MULTILINE))
    for package in ("peerkit", "asio", "unofficial-sodium", "c-ares", "lz4", "httplib", "unofficial-sqlite3"):
        if not found.get(f"{package}_DIR", "").startswith(str(installed)):
            raise Failed(f"the consumer did not take {package} from the vcpkg layout")


def imitate_package(world, prefix, package, target, dependency):
    """A CONFIG package of another packager's name around what the build tree found."""
    include, library = locate(world, dependency)
    macros = ""
    if dependency == "httplib":
        macros, library = httplib_flags(world)
    folder = prefix / "share" / package
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{package}-config.cmake").write_text(
        f"if(NOT TARGET {target})\n"
        f"  add_library({target} INTERFACE IMPORTED)\n"
        f'  set_target_properties({target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "{include}"'
        f' INTERFACE_COMPILE_DEFINITIONS "{macros}" INTERFACE_LINK_LIBRARIES "{library}")\n'
        "endif()\n"
    )


def httplib_flags(world):
    """(macros, library) of the system's cpp-httplib, as CMake lists; a header alone has neither."""
    if not world.cache.get("PEERKIT_PC_HTTPLIB_FOUND"):
        return "", ""
    flags = world.run("pkg-config", "--cflags-only-other", "cpp-httplib").split()
    libraries = world.run("pkg-config", "--libs-only-l", "cpp-httplib").split()
    return (
        ";".join(flag.removeprefix("-D") for flag in flags),
        ";".join(library.removeprefix("-l") for library in libraries),
    )


def locate(world, dependency):
    """(include directory, library) of a dependency on this system, by asking the compiler."""
    header = {
        "expected": "tl/expected.hpp",
        "sodium": "sodium.h",
        "simdjson": "simdjson.h",
        "asio": "asio/version.hpp",
        "cares": "ares.h",
        "lz4": "lz4.h",
        "httplib": "httplib.h",
        "sqlite3": "sqlite3.h",
    }
    probe = world.own / "probe.cpp"
    probe.write_text(f"#include <{header[dependency]}>\n")
    listed = world.run(world.cache["CMAKE_CXX_COMPILER"], "-std=c++20", "-M", probe)
    path = next(word for word in listed.split() if word.endswith("/" + header[dependency]))
    return path.removesuffix("/" + header[dependency]), dependency if dependency in LINKED else ""


def case_conan(world):
    """conan create for real, once with the system's libraries as platform_requires, once with packages Conan made."""
    pinned = (world.source / "tests/requirements.txt").read_text()
    virtual = world.scratch / ("conan-" + re.search(r"^conan==(\S+)$", pinned, re.MULTILINE)[1])
    conan = virtual / "bin/conan"
    if not conan.exists():
        try:
            world.run(sys.executable, "-m", "venv", "--clear", virtual)
            world.run(virtual / "bin/pip", "install", "--quiet", "-r", world.source / "tests/requirements.txt")
            world.run(conan, "--version")
        except Failed as failed:
            shutil.rmtree(virtual, ignore_errors=True)
            print(f"skipped: Conan could not be installed from PyPI\n{failed}")
            return SKIP
    # A copy, because test_package/ is built in place; a home of its own, whatever the user has configured.
    copied = world.own / "source"
    copied.mkdir()
    for name in ("CMakeLists.txt", "LICENSE", "conanfile.py"):
        shutil.copy(world.source / name, copied)
    for name in ("cmake", "include", "test_package"):
        shutil.copytree(world.source / name, copied / name, ignore=shutil.ignore_patterns("build"))
    environment = {
        "CONAN_HOME": str(world.own / "home"),
        "PEERKIT_STUB_HTTPLIB": " ".join(httplib_flags(world)),
    }
    # Every dependency comes from the platform or is made here: no remote is asked.
    world.run(conan, "remote", "disable", "*", environment=environment)

    compiler = world.run(world.cache["CMAKE_CXX_COMPILER"], "-dumpversion").split(".")[0]
    clang = "clang" in pathlib.Path(world.cache["CMAKE_CXX_COMPILER"]).name
    settings = (
        "[settings]\nos=Linux\narch={}\ncompiler={}\ncompiler.version={}\ncompiler.libcxx=libstdc++11\n"
        "compiler.cppstd=20\nbuild_type=Release\n"
    ).format(
        {"x86_64": "x86_64", "aarch64": "armv8"}[os.uname().machine], "clang" if clang else "gcc", compiler
    )
    executables = f"[conf]\ntools.build:compiler_executables={{'cpp': '{world.cache['CMAKE_CXX_COMPILER']}'}}\n"
    versions = {
        "tl-expected": "1.0.0",
        "libsodium": "1.0.18",
        "simdjson": "3.0.1",
        "asio": "1.22.1",
        "c-ares": "1.18.1",
        "lz4": "1.9.4",
        "cpp-httplib": "0.11.4",
        "sqlite3": "3.40.1",
    }
    with_options = [word for option in ("dns", "http", "lz4", "sqlite") for word in ("-o", f"peerkit/*:{option}=True")]
    references = [f"{name}/{version}" for name, version in versions.items()]

    platform = world.own / "platform.profile"
    platform.write_text(settings + "[platform_requires]\n" + "\n".join(references) + "\n" + executables)
    output = world.run(
        conan, "create", copied, "-pr:a", platform, "--build=missing", *with_options, environment=environment
    )
    expect(output, "asio/1.22.1 - Platform", "c-ares/1.18.1 - Platform", "lz4/1.9.4 - Platform", "cpp-httplib/0.11.4 - Platform", "sqlite3/3.40.1 - Platform", "Running test()", f"peerkit/{world.version}")

    made = world.own / "made.profile"
    made.write_text(settings + executables)
    for name, version in versions.items():
        dependency = {"tl-expected": "expected", "libsodium": "sodium", "c-ares": "cares", "cpp-httplib": "httplib"}.get(name, name)
        world.run(
            conan,
            "create",
            world.source / "tests/package/conan_stub",
            "--name",
            name,
            "--version",
            version,
            "-pr:a",
            made,
            environment={**environment, "PEERKIT_STUB_INCLUDE": locate(world, dependency)[0]},
        )
    world.run(conan, "remove", "peerkit/*", "--confirm", environment=environment)
    output = world.run(conan, "create", copied, "-pr:a", made, "--build=missing", *with_options, environment=environment)
    expect(output, "Running test()")
    if "Platform" in output:
        raise Failed(f"a dependency still came from the platform:\n{output}")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case")
    parser.add_argument("--source", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--scratch", required=True)
    arguments = parser.parse_args()
    case = globals().get("case_" + arguments.case)
    if case is None:
        parser.error(f"no case {arguments.case}")
    try:
        return case(World(arguments)) or 0
    except Failed as failed:
        print(failed)
        return 1


sys.exit(main())
