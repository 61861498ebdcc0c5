#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# The component lists in cmake/peerkitHeaders.cmake are complete, sorted and true; the version is the same everywhere.
"""Checks that every header is in one list, and needs, through everything it includes, no more than its component has."""
import json
import re
import sys

import tree

# First path component of an include -> the dependency it belongs to.
LIBRARY = {
    "tl": "expected",
    "sodium": "sodium",
    "sodium.h": "sodium",
    "simdjson": "simdjson",
    "simdjson.h": "simdjson",
    "asio": "asio",
    "ares.h": "cares",
    "lz4.h": "lz4",
    "httplib.h": "httplib",
    "sqlite3.h": "sqlite3",
}
RULES = {
    "unlisted": "every header is in a list of cmake/peerkitHeaders.cmake",
    "twice": "no header is in two lists",
    "gone": "every listed header exists",
    "unsorted": "each list is sorted",
    "component": "what a header reaches through its includes belongs to its component or one that component requires",
    "idle": "a header of a component with a dependency of its own reaches that dependency; else it belongs to core",
    "version": "detail/config.hpp states the version; its inline namespace and the vcpkg port agree",
}


def check(root):
    lists = tree.component_lists(root)
    requires, dependencies = tree.component_table(root)
    shown = "cmake/peerkitHeaders.cmake"
    owner = {}
    for component, listed in lists.items():
        if listed != sorted(listed):
            yield tree.Finding("unsorted", shown, 1, f"peerkit_{component}_headers is not sorted")
        for header in listed:
            if header in owner:
                yield tree.Finding("twice", shown, 1, f"{header} is in {owner[header]} and {component}")
            owner[header] = component
            if not (root / "include" / header).is_file():
                yield tree.Finding("gone", shown, 1, f"{header} does not exist")
    for header in tree.headers(root):
        if header not in owner:
            yield tree.Finding("unlisted", "include/" + header, 1, "is in no component list")

    def closure(component):
        found = {component}
        for lower in requires.get(component, []):
            found |= closure(lower)
        return found

    def reach(header, seen):
        """Every header and library reached from `header`: name -> the include chain that leads there."""
        for _, _, name in tree.includes(root / "include" / header):
            if name in seen:
                continue
            if name.startswith("peerkit/"):
                if (root / "include" / name).is_file():
                    seen[name] = seen[header] + [name]
                    reach(name, seen)
            else:
                library = LIBRARY.get(name.split("/")[0])
                if library:
                    seen[name] = seen[header] + [name]
        return seen

    for header, component in owner.items():
        if not (root / "include" / header).is_file():
            continue
        components = closure(component)
        libraries = {library for c in components for library in dependencies.get(c, [])}
        reached = reach(header, {header: [header]})
        for name, chain in reached.items():
            library = LIBRARY.get(name.split("/")[0])
            wrong = owner.get(name, component) not in components or (library and library not in libraries)
            if wrong and len(chain) > 1 and not any(
                owner.get(step, component) not in components for step in chain[1:-1]
            ):
                via = "" if len(chain) == 2 else " through " + ", ".join(chain[1:-1])
                yield tree.Finding(
                    "component", "include/" + header, 1, f"is in component {component} but reaches <{name}>{via}"
                )
        own = set(dependencies.get(component, [])) if requires.get(component) else set()
        # The net floor is the net component, used or not.
        if own and component != "net" and not own & {LIBRARY.get(name.split("/")[0]) for name in reached}:
            yield tree.Finding(
                "idle", "include/" + header, 1, f"is in component {component} but needs no {', '.join(sorted(own))}"
            )

    config = (root / "include/peerkit/detail/config.hpp").read_text()
    version = dict(re.findall(r"^#define PEERKIT_VERSION_(MAJOR|MINOR|PATCH) ([0-9]+)$", config, re.MULTILINE))
    if len(version) != 3:
        yield tree.Finding("version", "include/peerkit/detail/config.hpp", 1, "does not state the version")
        return
    namespace = f"v{version['MAJOR']}_{version['MINOR']}"
    if not re.search(rf"inline namespace {namespace}\b", config):
        yield tree.Finding("version", "include/peerkit/detail/config.hpp", 1, f"opens no inline namespace {namespace}")
    port = root / "cmake/packaging/vcpkg/ports/peerkit/vcpkg.json"
    if port.is_file():
        wanted = f"{version['MAJOR']}.{version['MINOR']}.{version['PATCH']}"
        stated = json.loads(port.read_text()).get("version")
        if stated != wanted:
            yield tree.Finding(
                "version", port.relative_to(root).as_posix(), 1, f"states version {stated}, the header {wanted}"
            )


if __name__ == "__main__":
    sys.exit(tree.main(sys.modules[__name__]))
