#!/usr/bin/env bash
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Applies the seeded bugs of tests/mutations.txt one at a time to a copy; the unit tests must notice each.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: tests/mutate.sh [text]

  text   only mutations whose name contains it

Environment: CXX (g++), JOBS (all cores). A few minutes in all.
USAGE
}

case ${1:-} in
    -h | --help) usage; exit 0 ;;
esac
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -r "$root/include" "$scratch/include"
mkdir "$scratch/tests"
cp -r "$root/docs" "$scratch/docs" # which some tests compare with the code
cp -r "$root/tests/support" "$root/tests/main.cpp" "$root/tests/mutations.txt" "$root/tests/data" "$scratch/tests/"
for floor in membership gossip node registry store; do
    mkdir -p "$scratch/tests/unit/$floor"
    cp -r "$root/tests/unit/$floor/." "$scratch/tests/unit/$floor/"
done
(cd "$root" && find tests/unit -name '*.hpp' -exec cp --parents {} "$scratch" \;)
cd "$scratch"

compiler=${CXX:-g++}
if command -v ccache >/dev/null; then
    compiler="ccache $compiler"
    export CCACHE_BASEDIR=$scratch CCACHE_NOHASHDIR=1
fi
$compiler -std=c++20 -O0 -Itests -c tests/main.cpp -o main.o

python3 - "${JOBS:-$(nproc)}" "${1:-}" $compiler <<'PYTHON'
import concurrent.futures
import pathlib
import re
import subprocess
import sys

jobs, wanted, compiler = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
tests = sorted(str(p) for p in pathlib.Path("tests/unit").rglob("*.cpp"))


def mutations():
    name, path, old, new = None, None, [], []
    for line in pathlib.Path("tests/mutations.txt").read_text().splitlines() + ["[]"]:
        if line.startswith("["):
            if name:
                yield name, path, " ".join(old), " ".join(new)
            name, path, old, new = line[1:-1], None, [], []
        elif line.startswith("file "):
            path = pathlib.Path(line[5:].strip())
        elif line.startswith("-"):
            old.append(line[1:].strip())
        elif line.startswith("+"):
            new.append(line[1:].strip())


flags = ["-std=c++20", "-O0", "-Iinclude", "-Itests", '-DPEERKIT_TEST_DATA="tests/data"']
# What the tests of the engine have compiled once for all of them.
shared = ["tests/support/compiled_stage.cpp", "tests/support/allocations.cpp"]


def compiled(source):
    """Compiles one file; the object, and what went wrong or None."""
    made = source.replace("/", "_") + ".o"
    built = subprocess.run([*compiler, *flags, "-c", source, "-o", made], capture_output=True, text=True)
    return made, None if built.returncode == 0 else "does not build:\n" + built.stderr[-2000:]


def group(test):
    """Which tests may notice a bug in a header of the same group."""
    return next((floor for floor in ("registry", "store") if f"/{floor}/" in test), "engine")


def verdict(test):
    """Builds and runs one file of tests; what went wrong, or None."""
    program = test.replace("/", "_") + ".run"
    made, wrong = compiled(test)
    if wrong:
        return wrong
    objects = [made, "main.o"]
    if "/store/" not in test:
        objects += [source.replace("/", "_") + ".o" for source in shared]
    libraries = ["-lsimdjson", "-lsqlite3", "-llz4", "-lsodium"]
    built = subprocess.run([*compiler, *objects, "-o", program, *libraries], capture_output=True, text=True)
    if built.returncode != 0:
        return "does not build:\n" + built.stderr[-2000:]
    try:
        done = subprocess.run(["./" + program, "--abort-after=1", "--no-colors"], capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return "it does not end"
    if done.returncode == 0:
        return None
    failed = re.search(r"^TEST CASE: +(.*)$", done.stdout, re.MULTILINE)
    return failed.group(1) if failed else "it crashed"


def first_complaint(order):
    """Runs the tests in this order, some at a time, until one notices."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        if any("/store/" not in test for test in order):
            for _, wrong in pool.map(compiled, shared):
                if wrong:
                    return wrong
        for start in range(0, len(order), jobs):
            for complaint in pool.map(verdict, order[start : start + jobs]):
                if complaint:
                    return complaint
    return None


complaint = first_complaint(tests)
if complaint:
    sys.exit(f"the tests fail without any mutation: {complaint}")

survived, applied = [], 0
for name, path, old, new in mutations():
    if wanted not in name:
        continue
    applied += 1
    header = pathlib.Path("include/peerkit") / path
    text = header.read_text()
    found = list(re.finditer(r"\s*".join(re.escape(c) for c in old if not c.isspace()), text))
    if len(found) != 1:
        survived.append(name)
        print(f"STALE: {name}: its text is {len(found)} times in {path}", flush=True)
        continue
    header.write_text(text[: found[0].start()] + new + text[found[0].end() :])
    # The tests of the mutated header first, then those of the engine, which see most. Engine, registry and stores share
    # nothing that is mutated.
    own = str("tests/unit" / path.with_suffix(".cpp"))
    near = [t for t in tests if group(t) == group(f"tests/unit/{path}")]
    complaint = first_complaint(sorted(near, key=lambda t: (t != own, "/impl/" not in t, "engine" not in t, t)))
    header.write_text(text)
    if complaint is None or complaint.startswith("does not build"):
        survived.append(name)
        print(f"{'SURVIVED' if complaint is None else 'BROKEN'}: {name} {complaint or ''}", flush=True)
    else:
        print(f"noticed: {name} ({complaint})", flush=True)

print(f"{applied - len(survived)} of {applied} mutations noticed")
sys.exit(1 if survived or applied == 0 else 0)
PYTHON
