#!/usr/bin/env bash
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# From an empty Debian 12 to five nodes that find each other, lose one, take it back and say goodbye.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: examples/demo.sh [--keep] [--node PROGRAM] [--patience SECONDS]

  --keep      leave the five nodes running, and say how to look at them and stop them
  --node      use this peerkit-node instead of building one
  --patience  how long each thing may take; 30 by default

What is missing is installed by apt when this runs as root or sudo asks for no password. Exit status 0 only if
everything happened.

Environment: JOBS is the number of compilers at a time (all cores), PEERKIT_BUILD_ROOT where to build (build/),
CMAKE_ARGUMENTS more for cmake, separated by spaces.
USAGE
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${PEERKIT_BUILD_ROOT:-$root/build}/demo
program=
arguments=()
while [ $# -gt 0 ]; do
    case $1 in
        --keep) arguments+=(--keep) ;;
        --node | --patience)
            [ $# -ge 2 ] || { usage >&2; exit 2; }
            if [ "$1" = --node ]; then program=$2; else arguments+=(--patience "$2"); fi
            shift
            ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
done

install_missing() {
    local packages=(
        g++ cmake ninja-build pkg-config python3
        libasio-dev libsodium-dev libsimdjson-dev libexpected-dev libcli11-dev libcpp-httplib-dev
    )
    if ! command -v dpkg-query >/dev/null; then
        echo "not a Debian system: taking compilers and libraries as they are (Debian calls them: ${packages[*]})"
        return
    fi
    local missing=() package
    for package in "${packages[@]}"; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            missing+=("$package")
        fi
    done
    if [ ${#missing[@]} -eq 0 ]; then
        return
    fi
    echo "installing: ${missing[*]}"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            echo "neither root nor sudo to install it. Run: sudo apt-get install ${missing[*]}" >&2
            exit 1
        fi
        as_root=(sudo -n)
    fi
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

if [ -z "$program" ]; then
    install_missing
    echo "building peerkit-node in $build"
    read -ra more <<<"${CMAKE_ARGUMENTS:-}"
    # The top-level CMakeLists.txt uses ccache where it is.
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DPEERKIT_BUILD_TESTS=OFF -DPEERKIT_BUILD_EXAMPLES=ON "${more[@]}"
    cmake --build "$build" --target peerkit_node -j "${JOBS:-$(nproc)}"
    program=$build/examples/peerkit-node
fi
exec python3 -B "$root/examples/demo/five_nodes.py" --node "$program" "${arguments[@]}"
