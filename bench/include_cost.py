#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Measures what it costs a translation unit to include a header.
"""Compiler seconds at -O2 -c, the minimum of several runs, for the headers a host includes.

usage: bench/include_cost.py [--runs N] [--json FILE]

Environment: CXX is the compiler (g++), CXXFLAGS is added to its flags. Seconds are processor seconds of the compiler,
which do not grow when other programs have the cores. A header that does not exist yet has no figure.
"""

import argparse
import json
import os
import pathlib
import resource
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"


def units():
    """Key and the headers of its translation unit."""
    core = sorted(str(path.relative_to(INCLUDE)) for path in (INCLUDE / "peerkit/core").glob("*.hpp"))
    yield "include.core", ["peerkit/core/endpoint.hpp", *core]
    yield "include.gossip_engine", ["peerkit/gossip/engine.hpp"]
    yield "include.net_node", ["peerkit/net/node.hpp"]
    yield "include.umbrella", ["peerkit/peerkit.hpp"]


def compile_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "CCACHE_DISABLE": "1"})
    if done.returncode != 0:
        sys.exit(f"include_cost: {shlex.join(command)} failed:\n{done.stderr[:4000]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--json", metavar="FILE")
    chosen = options.parse_args()
    compiler = shlex.split(os.environ.get("CXX", "g++"))
    flags = shlex.split(os.environ.get("CXXFLAGS", ""))
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        for key, headers in units():
            if not all((INCLUDE / header).is_file() for header in headers):
                continue
            unit = pathlib.Path(scratch) / "unit.cpp"
            unit.write_text("".join(f"#include <{header}>\n" for header in headers))
            command = [*compiler, "-std=c++20", "-O2", *flags, "-I", str(INCLUDE), "-c", str(unit), "-o", f"{scratch}/unit.o"]
            found[key] = round(min(compile_seconds(command) for _ in range(max(1, chosen.runs))), 3)
            print(f"{key:24} {found[key]:.3f} s")
    if chosen.json:
        pathlib.Path(chosen.json).write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
