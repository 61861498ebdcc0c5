#!/usr/bin/env bash
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Builds and runs everything, from an empty machine to one line that sums it up.
set -uo pipefail

usage() {
    cat <<'USAGE'
usage: tests/run.sh [--quick|--full] [--format] [step...]

  --quick   about 6 seconds for each fuzz target (the default)
  --full    a minute for each fuzz target, every program under clang and the sanitizers (the simulations too), seeded
            bugs that the tests must notice, the benchmarks built, and two tailscaled built from source that nodes find
            each other through (needs a recent Go)
  --format  also check the formatting with clang-format 19 (always under CI=true)

Steps, all of them in this order unless some are named: gcc clang asan tsan fuzz demo.
What is missing is installed by apt when this runs as root or sudo asks for no password.

Environment: CI=true makes a skipped test a failure. JOBS is the number of compilers and tests at a time (all cores).
PEERKIT_BUILD_ROOT is where the build trees go (build/). CLANGXX names a clang++ (clang++-14, else the newest found).
USAGE
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
build_root=${PEERKIT_BUILD_ROOT:-$root/build}
jobs=${JOBS:-$(nproc)}
mode=quick
format=no
[ "${CI:-}" = true ] && format=yes
steps=()
for argument in "$@"; do
    case $argument in
        --quick) mode=quick ;;
        --full) mode=full ;;
        --format) format=yes ;;
        -h | --help) usage; exit 0 ;;
        gcc | clang | asan | tsan | fuzz | demo) steps+=("$argument") ;;
        *) usage >&2; exit 2 ;;
    esac
done
if [ ${#steps[@]} -eq 0 ]; then
    steps=(gcc clang asan tsan fuzz demo)
fi
mkdir -p "$build_root/results"
# Another clone, or the same one moved, finds what was compiled before.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1}

passed=0
failed=0
skipped=0
failures=()
started=$SECONDS

heading() {
    printf '\n==== %s  [%d:%02d]\n' "$1" $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60))
}

pass() {
    passed=$((passed + 1))
    echo "ok: $1"
}

fail() {
    failed=$((failed + 1))
    failures+=("$1")
    echo "FAILED: $1"
}

# step <name> <command...>: one thing that passes or fails; its output is shown only if it fails.
step() {
    local name=$1 log
    shift
    log=$build_root/results/$(tr -c 'a-zA-Z0-9\n' '-' <<<"$name").log
    if "$@" >"$log" 2>&1; then
        pass "$name"
    else
        tail -n 100 "$log"
        fail "$name (whole log: $log)"
        return 1
    fi
}

# run_ctest <name> <build tree> <ctest arguments...>: every test counts for itself.
run_ctest() {
    local name=$1 tree=$2 report status
    shift 2
    report=$build_root/results/$name.xml
    rm -f "$report"
    ctest --test-dir "$tree" -j "$jobs" --output-on-failure --no-tests=error --output-junit "$report" "$@" |
        grep -v -E '^ *Start +[0-9]+:'
    status=${PIPESTATUS[0]}
    local counts
    counts=$(python3 - "$report" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree

try:
    cases = tree.parse(sys.argv[1]).getroot().findall("testcase")
except (OSError, tree.ParseError):
    cases = []
good, bad, skipped = [], [], []
for case in cases:
    # ctest also calls "skipped" what it could not run at all; only a test that says so itself is.
    said = case.find("skipped")
    itself = said is not None and said.get("message", "").startswith("SKIP_")
    (good if case.get("status") == "run" else skipped if itself else bad).append(case.get("name"))
print(len(good), len(bad), len(skipped))
print(*bad)
print(*skipped)
PYTHON
    )
    local good bad off
    read -r good bad off <<<"$(sed -n 1p <<<"$counts")"
    passed=$((passed + good))
    local test
    for test in $(sed -n 2p <<<"$counts"); do
        fail "$name: $test"
    done
    for test in $(sed -n 3p <<<"$counts"); do
        if [ "${CI:-}" = true ]; then
            fail "$name: $test was skipped, and CI skips nothing"
        else
            skipped=$((skipped + 1))
            echo "skipped: $name: $test"
        fi
    done
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        fail "$name: ctest ended with status $status"
    fi
}

install_tools() {
    local packages=(
        g++ clang-14 libclang-rt-14-dev cmake ninja-build ccache pkg-config git python3 python3-venv
        libasio-dev libsodium-dev libsimdjson-dev libc-ares-dev liblz4-dev libexpected-dev doctest-dev libcli11-dev
        libcpp-httplib-dev libsqlite3-dev iproute2 util-linux
    )
    # Servers that the integration tests start and stop. Elsewhere than on a build server, installing them would leave
    # them running: whoever has them runs those tests, others skip them.
    if [ "${CI:-}" = true ]; then
        packages+=(dnsmasq-base knot avahi-daemon avahi-utils dbus etcd-server)
    fi
    if [ "$mode" = full ]; then
        packages+=(libbenchmark-dev nlohmann-json3-dev)
    fi
    if [ "$format" = yes ]; then
        packages+=(clang-format-19)
    fi
    if ! command -v dpkg-query >/dev/null; then
        echo "not a Debian system: taking compilers and libraries as they are (Debian calls them: ${packages[*]})"
        return 0
    fi
    local missing=() package
    for package in "${packages[@]}"; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            missing+=("$package")
        fi
    done
    if [ ${#missing[@]} -eq 0 ]; then
        return 0
    fi
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            echo "missing, and neither root nor sudo to install it. Run: sudo apt-get install ${missing[*]}"
            return 1
        fi
        as_root=(sudo -n)
    fi
    "${as_root[@]}" apt-get update
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

find_clang() {
    local candidate
    for candidate in ${CLANGXX:-} clang++-14 clang++-19 clang++-18 clang++-17 clang++-16 clang++-15 clang++; do
        if command -v "$candidate" >/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

# configure <preset> <extra arguments...>
configure() {
    local preset=$1
    shift
    # Line numbers are all a failing test needs; full debug information costs a tenth of the build.
    local debug=()
    case $preset in gcc-debug | clang-debug) debug=(-DCMAKE_CXX_FLAGS_DEBUG=-g1) ;; esac
    step "$preset: configure" cmake --preset "$preset" -B "$build_root/$preset" "${debug[@]}" "$@"
}

# build <preset> <targets...>
build() {
    local preset=$1
    shift
    step "$preset: build${*:+ $*}" cmake --build "$build_root/$preset" -j "$jobs" ${@:+--target "$@"} -- -k 0
}

run_gcc() {
    heading "g++: everything built; tests, lints, packages and integration tests run"
    local extra=()
    # The fuzz step lives through the same inputs.
    [[ " ${steps[*]} " == *" fuzz "* ]] && extra=(-DPEERKIT_FUZZ_REPLAY=OFF)
    [ "$mode" = full ] && extra=(-DPEERKIT_TEST_EVERYTHING=ON)
    configure gcc-debug "${extra[@]}" || return
    if build gcc-debug; then
        # Every unit test includes its header first, which says the same in a shorter time.
        [ "$mode" = full ] && build gcc-debug all_verify_interface_header_sets
        run_ctest gcc-debug "$build_root/gcc-debug"
    fi
    if [ "$mode" = full ]; then
        step "mutations: every seeded bug is noticed" bash tests/mutate.sh
        heading "g++, release: benchmarks built, simulations run"
        configure gcc-release && build gcc-release && run_ctest gcc-release "$build_root/gcc-release" -L '^(pure|sim|net)$'
    fi
}

run_clang() {
    heading "clang, with address and undefined behaviour sanitizers: pure floors and simulations"
    # The same trace on both compilers stands for the other simulations; what the fuzz step compiles with clang is left
    # to it. clang compiles with both sanitizers sooner than g++ without.
    local compiler labels='^(pure|sim|odr|compile_fail)$'
    local targets=(peerkit_unit_pure peerkit_no_exceptions peerkit_sim_tests peerkit_odr)
    local tests="/unit/(core|crypto|detail|discovery|gossip|membership|node|wire)/|/concepts/|/tests/sim/determinism"
    compiler=$(find_clang) || { fail "clang: there is no clang++"; return; }
    if [ "$mode" = full ]; then
        targets=(all)
        labels='^(pure|net|sim|odr|fuzz|compile_fail)$'
        tests=
    fi
    configure clang-debug "-DCMAKE_CXX_COMPILER=$compiler" -DPEERKIT_SANITIZE=address,undefined \
        "-DPEERKIT_TESTS=$tests" || return
    build clang-debug "${targets[@]}" && run_ctest clang-debug "$build_root/clang-debug" -L "$labels"
}

run_asan() {
    heading "g++ with address and undefined behaviour sanitizers"
    # In a short run: what handles sockets, without optimisation, and the address sanitizer alone. The pure floors are the
    # clang step's; the simulations take as long as all the rest together.
    local targets=(peerkit_unit_net) labels='^net$'
    local extra=(-DPEERKIT_SANITIZE=address "-DCMAKE_CXX_FLAGS_DEBUG=-O0 -g1" "-DPEERKIT_TESTS=/unit/(net|store)/")
    if [ "$mode" = full ]; then
        targets=(all)
        labels='^(pure|net|sim|odr|fuzz|integration)$'
        extra=()
    fi
    configure asan-ubsan "${extra[@]}" || return
    build asan-ubsan "${targets[@]}" && run_ctest asan-ubsan "$build_root/asan-ubsan" -L "$labels"
}

run_tsan() {
    heading "g++ with the thread sanitizer: whatever runs threads"
    local extra=()
    [ "$mode" = full ] || extra=("-DCMAKE_CXX_FLAGS_DEBUG=-O0 -g1" "-DPEERKIT_TESTS=/unit/net/(system_resolver|cares_resolver|node_runtime|discovery_driver|http_client)")
    configure tsan "${extra[@]}" || return
    build tsan peerkit_unit_net && run_ctest tsan "$build_root/tsan" -L '^net$'
}

# fuzz_one <target> <seconds>: new inputs are kept in the build tree, crashes are printed with their path.
fuzz_one() {
    local target=$1 seconds=$2 work=$build_root/fuzz/work/$1
    local seeds=$root/tests/fuzz/corpus/$target dictionary=$root/tests/fuzz/$target.dict
    mkdir -p "$work/corpus" "$work/crashes"
    local arguments=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$work/crashes/")
    if [ -f "$dictionary" ]; then
        arguments+=("-dict=$dictionary")
    fi
    timeout $((seconds + 120)) "$build_root/fuzz/tests/fuzz/fuzz_$target" "${arguments[@]}" "$work/corpus" "$seeds"
}

run_fuzz() {
    local seconds=6
    if [ "$mode" = full ]; then
        seconds=60
    fi
    heading "clang: fuzzing, $seconds seconds for each target"
    local compiler
    compiler=$(find_clang) || { fail "fuzz: there is no clang++"; return; }
    configure fuzz "-DCMAKE_CXX_COMPILER=$compiler" || return
    build fuzz || return
    local targets target log running=() logs=$build_root/results
    mapfile -t targets <"$build_root/fuzz/fuzz_targets.txt"
    if [ ${#targets[@]} -eq 0 ]; then
        fail "fuzz: there is no target"
    fi
    # As many at a time as there are jobs, each by itself on its core.
    local -A process=()
    local waiting=("${targets[@]}")
    while [ ${#waiting[@]} -gt 0 ]; do
        running=("${waiting[@]:0:jobs}")
        waiting=("${waiting[@]:jobs}")
        for target in "${running[@]}"; do
            fuzz_one "$target" "$seconds" >"$logs/fuzz-$target.log" 2>&1 &
            process[$target]=$!
        done
        for target in "${running[@]}"; do
            log=$logs/fuzz-$target.log
            if wait "${process[$target]}"; then
                pass "fuzz: $target, $(sed -n 's/^Done \([0-9]*\) runs.*/\1 inputs/p' "$log")"
            else
                tail -n 60 "$log"
                fail "fuzz: $target (whole log: $log)"
            fi
        done
    done
}

run_demo() {
    heading "the demonstration"
    # With the flags of the first step, so that nothing is compiled twice.
    export CMAKE_ARGUMENTS="-DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-g1 -DPEERKIT_WERROR=ON"
    if step "examples/demo.sh" timeout 600 bash examples/demo.sh; then
        tail -n 30 "$build_root/results/examples-demo-sh.log"
    fi
}

heading "tools"
if ! step "tools" install_tools; then
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
for name in "${steps[@]}"; do
    "run_$name"
done
if [ "$format" = yes ]; then
    heading "formatting"
    check_format() {
        python3 -B -c 'import pathlib, sys; sys.path.insert(0, "tests/lint"); import tree
print(*tree.sources(pathlib.Path(".")), sep="\0", end="\0")' | xargs -0 clang-format-19 --dry-run --Werror
    }
    step "formatting" check_format
fi

heading "summary"
for failure in "${failures[@]}"; do
    echo "FAILED: $failure"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
