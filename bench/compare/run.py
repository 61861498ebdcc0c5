#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Puts peerkit beside memberlist and foca: the same scenarios on this machine, one after the other.
"""Builds what can be built of bench/compare/ and prints figures side by side.

usage: bench/compare/run.py --live BENCH_LIVE [--dispatch MEASURES] [--build DIR] [--quick] [--only-build]

BENCH_LIVE is peerkit's program. MEASURES is what bench_dispatch wrote, for the nanoseconds of messages. Without Go or
cargo, or without their modules, that side is left out and said so. Ratios are theirs divided by ours: above 1 peerkit is
better. The measures go to the file that PEERKIT_MEASURES names, as those of the other benchmarks.

Each library has its own defaults for a local network. What that means differs, and belongs to every figure: peerkit seals
every packet, checks a signature per member and carries records of 150 bytes; memberlist encrypts and signs nothing and
carries 107 bytes a member; foca encrypts and signs nothing, and carries an address and a counter, 10 bytes a member.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def tool(name, *places):
    return shutil.which(name) or next((p for p in map(os.path.expanduser, places) if os.access(p, os.X_OK)), None)


def build(name, command, where, environment):
    """Runs a build; says what went wrong and returns False if it fails."""
    try:
        done = subprocess.run(command, cwd=where, env={**os.environ, **environment}, text=True, timeout=600,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        print(f"{name} is left out, its build does not end")
        return False
    if done.returncode != 0:
        print(f"{name} is left out, it does not build here:\n" + "\n".join(done.stdout.splitlines()[-8:]))
    return done.returncode == 0


def programs(target):
    """Yields the name and program of every library that builds."""
    go = tool("go", "/usr/local/go/bin/go")
    if go is None:
        print("memberlist is left out: no Go")
    elif build("memberlist", [go, "build", "-o", target / "compare-memberlist", "."], HERE / "memberlist", {}):
        yield "memberlist", target / "compare-memberlist"
    cargo = tool("cargo", "~/.cargo/bin/cargo")
    if cargo is None:
        print("foca is left out: no cargo")
    elif build("foca", [cargo, "build", "--release", "--locked", "--quiet"], HERE / "foca",
               {"CARGO_TARGET_DIR": str(target / "foca"), "RUSTC": tool("rustc", "~/.cargo/bin/rustc") or "rustc"}):
        yield "foca", target / "foca/release/compare-foca"


def figures(program, *words):
    """The last line of what a program prints, which is JSON."""
    words = [str(word) for word in words]
    done = subprocess.run([program, *words], stdout=subprocess.PIPE, text=True, timeout=900, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def several(runs, program, *words):
    """The median of every figure over some runs, and the worst of `complete`."""
    taken = [figures(program, *words) for _ in range(runs)]
    merged = {key: statistics.median(one[key] for one in taken) for key in taken[0]}
    if "complete" in merged:
        merged["complete"] = min(one["complete"] for one in taken)
    return merged


# Title, words of the program, runs (quick, long), which figures and what they are called in keys.
SCENARIOS = [
    ("join 32", ("join", 32, 60), (1, 5), {"all_see_all_s": "join32", "most_pairs_s": None, "cpu_ms_per_node": None}),
    ("join 128", ("join", 128, 60), (1, 3),
     {"all_see_all_s": "join128", "most_pairs_s": None, "cpu_ms_per_node": None}),
    ("join 256", ("join", 256, 60), (0, 3),
     {"all_see_all_s": "join256", "most_pairs_s": "join256.most", "cpu_ms_per_node": "join256.cpu",
      "bytes_per_node": None}),
    ("crash, 128", ("detect", 128, 5), (0, 1), {"first_s": None, "all_s": "detect128", "false_dead": None}),
    ("broadcast, 256", ("broadcast", 256, 30), (0, 1),
     {"p50_ms": None, "p99_ms": "broadcast256.p99", "missed": None}),
    ("idle, 128", ("idle", 128, 20), (0, 1),
     {"cpu_ms_per_s": "idle128.cpu", "bytes_per_s": "idle128.bytes", "datagrams_per_s": None}),
]
MICRO = {"ping_ns": ("dispatch.ping.ns_10k", "ping"), "stale_update_ns": ("dispatch.stale_update.ns_10k", "stale_update"),
         "new_member_ns": ("dispatch.new_member.ns", "new_member")}


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--live", required=True, type=pathlib.Path)
    options.add_argument("--dispatch", type=pathlib.Path)
    options.add_argument("--build", type=pathlib.Path, default=HERE.parent.parent / "build/compare")
    options.add_argument("--quick", action="store_true")
    options.add_argument("--only-build", action="store_true")
    chosen = options.parse_args()
    chosen.build.mkdir(parents=True, exist_ok=True)
    others = dict(programs(chosen.build.resolve()))
    if chosen.only_build:
        return 0

    print("theirs / ours; peerkit sealed and signed, the others neither; defaults of each for a local network\n")
    names = ["peerkit", *others]
    print(f"{'':34}" + "".join(f"{name:>14}" for name in names))
    measured = {}

    def row(title, values, key, complete=None):
        marks = {name: ">" if complete and complete.get(name) else " " for name in names}
        print(f"{title:34}" + "".join(f"{marks[n] + format(values[n], '.4g') if n in values else '-':>14}" for n in names),
              flush=True)
        for name in others:
            if key and name in values and values.get("peerkit"):
                measured[f"compare.{name}.{key}.ratio"] = values[name] / values["peerkit"]

    for title, words, runs, wanted in SCENARIOS:
        count = runs[0] if chosen.quick else runs[1]
        if count == 0 or not others:
            continue
        taken = {}
        if chosen.quick and words[0] == "join":
            words = (*words[:2], 15)  # seconds, then those that do not see all are counted as if they did
        for name, program in {"peerkit": chosen.live.resolve(), **others}.items():
            taken[name] = several(count, program, *words)
        # Not all saw all within the limit: the figure is the limit, and the truth is more.
        late = {n: words[0] == "join" and f["complete"] < words[1] for n, f in taken.items()}
        for figure, key in wanted.items():
            row(f"{title}: {figure}", {n: f[figure] for n, f in taken.items()}, key,
                late if figure == "all_see_all_s" else None)
    if others and chosen.dispatch and chosen.dispatch.exists():
        ours = json.loads(chosen.dispatch.read_text())
        taken = {name: figures(program, "micro") for name, program in others.items()}
        for figure, (measure, key) in MICRO.items():
            values = {name: f[figure] for name, f in taken.items()}
            if measure in ours:
                values["peerkit"] = ours[measure]
            row(f"10,000 members: {figure}", values, key)

    if path := os.environ.get("PEERKIT_MEASURES"):
        pathlib.Path(path).write_text(json.dumps(measured) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
