#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# A header includes only its own floor and lower ones, and third-party libraries only where they belong.
"""Checks the floors of include/peerkit: folder = floor."""
import sys

import tree

FLOORS = [
    "detail", "core", "wire", "crypto", "membership", "gossip", "discovery", "registry", "node", "sim", "store", "net",
]
# Besides everything above it, a floor may not touch these lower ones.
NOT = {
    "discovery": {"membership", "gossip"},
    "store": {"sim"},
    "net": {"sim"},
}
# First path component of an include -> floors that may have it. The component lists are headers.py's business.
THIRD_PARTY = {
    "asio": {"net"},
    "asio.hpp": set(),
    "sodium": {"crypto"},
    "sodium.h": {"crypto"},
    "simdjson": {"discovery", "registry", "store"},
    "simdjson.h": {"discovery", "registry", "store"},
    "ares.h": {"net"},
    "lz4.h": {"wire"},
    "httplib.h": {"net"},
    "sqlite3.h": {"store"},
    "boost": set(),
    "doctest": set(),
    "benchmark": set(),
}
RULES = {
    "floor": "a header includes only its own floor and lower ones; neither store nor net the simulator; "
    "discovery neither membership nor gossip",
    "unknown-floor": "every header lies in one of the folders " + ", ".join(FLOORS),
    "umbrella": "peerkit.hpp is for hosts and never included by our own headers",
    "third-party": "Asio only in net (its parts, never <asio.hpp>), libsodium only in crypto, simdjson only in "
    "discovery, registry and store",
    "own-include": "our own headers are included as <peerkit/floor/name.hpp>",
    "missing": "an included header of ours exists",
    "impl": "<floor>/impl/ holds bodies of headers of that floor: no other floor and no umbrella includes them, and each "
    "is included by a header of its floor",
}


def check(root):
    bodies = {}
    for header in tree.headers(root):
        if header.split("/")[2:3] == ["impl"]:
            bodies.setdefault(header, False)
        path = root / "include" / header
        shown = "include/" + header
        parts = header.split("/")
        umbrella = len(parts) == 2
        floor = None if umbrella else parts[1]
        if (umbrella and parts[1] != "peerkit.hpp") or (not umbrella and floor not in FLOORS):
            yield tree.Finding("unknown-floor", shown, 1, "lies on no floor")
            continue
        allowed = set(FLOORS if umbrella else FLOORS[: FLOORS.index(floor) + 1]) - NOT.get(floor, set())
        for line, bracket, name in tree.includes(path):
            top = name.split("/")
            if bracket == '"':
                yield tree.Finding("own-include", shown, line, f'"{name}" is included in quotes')
            elif name == "peerkit/peerkit.hpp":
                yield tree.Finding("umbrella", shown, line, "includes the umbrella")
            elif top[0] == "peerkit":
                if len(top) < 3 or not (root / "include" / name).is_file():
                    yield tree.Finding("missing", shown, line, f"<{name}> does not exist")
                elif top[1] not in allowed:
                    yield tree.Finding("floor", shown, line, f"floor {floor} may not include <{name}>")
                elif top[2] == "impl" and top[1] != floor:
                    yield tree.Finding("impl", shown, line, f"<{name}> is the business of floor {top[1]}")
                elif top[2] == "impl" and parts[2] != "impl":
                    bodies[name] = True
            elif top[0] in THIRD_PARTY and floor not in THIRD_PARTY[top[0]]:
                yield tree.Finding("third-party", shown, line, f"<{name}> has no place on floor {floor or 'umbrella'}")
    for body, used in bodies.items():
        if not used:
            yield tree.Finding("impl", "include/" + body, 1, "is included by no header of its floor")


if __name__ == "__main__":
    sys.exit(tree.main(sys.modules[__name__]))
