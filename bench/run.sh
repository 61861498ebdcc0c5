#!/usr/bin/env bash
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Builds and runs every benchmark, from an empty machine to one table of measures and bars.
set -uo pipefail

usage() {
    cat <<'USAGE'
usage: bench/run.sh [--quick] [--json FILE]

  --quick      every key in under two minutes on two cores (after the build); without it the long scenarios run too
  --json FILE  write the measures as one flat JSON object, key to number

What is missing is installed by apt when this runs as root or sudo asks for no password. A bar that is not met is no
failure; a program that fails or a measure that is missing is one. The bars are in bench/bars.txt.

Environment: JOBS is the number of compilers at a time (all cores). PEERKIT_BUILD_ROOT is where the build tree goes
(build/). CXX is the compiler (g++).
USAGE
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=${JOBS:-$(nproc)}
mode=full
json=
while [ $# -gt 0 ]; do
    case $1 in
        --quick) mode=quick ;;
        --json)
            [ $# -ge 2 ] || { usage >&2; exit 2; }
            json=$(realpath -m "$2")
            shift
            ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
done
cd "$root" || exit 1
export CXX=${CXX:-g++}
build=${PEERKIT_BUILD_ROOT:-$root/build}/bench

# Debian only: elsewhere what is missing is named by CMake.
install_missing() {
    command -v dpkg-query >/dev/null || return 0
    local package missing=()
    for package in g++ cmake ninja-build pkg-config python3 libbenchmark-dev nlohmann-json3-dev libexpected-dev \
        libsodium-dev libsimdjson-dev libasio-dev libc-ares-dev liblz4-dev libcpp-httplib-dev libsqlite3-dev dnsmasq-base; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            echo "missing, and neither root nor sudo to install it. Run: sudo apt-get install ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo -n)
    fi
    "${as_root[@]}" apt-get update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

configure_and_build() {
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DPEERKIT_BUILD_BENCH=ON \
        -DPEERKIT_BUILD_TESTS=OFF -DPEERKIT_BUILD_EXAMPLES=OFF &&
        cmake --build "$build" --target peerkit_bench -j "$jobs" &&
        compare --only-build
}

# memberlist and foca, where there is Go or cargo; without them it only says so.
compare() {
    local depth=()
    [ "$mode" = quick ] && depth=(--quick)
    bench/compare/run.py --live "$build/bench/bench_live" --build "$build/compare" "${depth[@]}" "$@"
}

log=$build-build.log
mkdir -p "$(dirname "$build")" || exit 1
echo "building (log: $log)"
if ! { install_missing && configure_and_build; } >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "FAILED: the benchmarks were not built" >&2
    exit 1
fi

started=$SECONDS
failures=0
results=$build/measures
rm -rf "$results"
mkdir -p "$results"

# run <name> <command...>: its measures go to <name>.json.
run() {
    local name=$1 before=$SECONDS
    shift
    printf '\n==== %s\n' "$name"
    if ! PEERKIT_MEASURES=$results/$name.json "$@" 2>"$results/$name.err"; then
        tail -n 40 "$results/$name.err" >&2
        echo "FAILED: $name" >&2
        failures=$((failures + 1))
    fi
    grep '^measure:' "$results/$name.err" >&2
    printf -- '---- %s took %d s\n' "$name" $((SECONDS - before))
}

micro=()
table=()
runs=5
if [ "$mode" = quick ]; then
    export PEERKIT_BENCH_QUICK=1
    micro=(--benchmark_min_time=0.05)
    table=(--quick)
    runs=3
fi
for source in bench/micro/*.cpp bench/scenario/*.cpp; do
    [ -f "$source" ] || continue
    name=$(basename "$source" .cpp)
    case $source in
        bench/micro/*) run "$name" "$build/bench/bench_$name" "${micro[@]}" ;;
        # Worlds larger than the caches: large pages, where the C library is asked for them.
        */sim_speed.cpp | */full_view.cpp)
            GLIBC_TUNABLES=glibc.malloc.hugetlb=1 run "$name" "$build/bench/bench_$name"
            ;;
        *) run "$name" "$build/bench/bench_$name" ;;
    esac
done
run compare compare --dispatch "$results/dispatch.json"
run include_cost bench/include_cost.py --runs "$runs" --json "$results/include_cost.json"

printf '\n==== measures (%s, %d s)\n' "$mode" $((SECONDS - started))
shopt -s nullglob
bench/table.py "${table[@]}" ${json:+--json "$json"} "$results"/*.json || failures=$((failures + 1))
[ "$failures" -eq 0 ]
