#!/usr/bin/env bash
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Builds a Consul agent as released, for the test with a real one.
set -euo pipefail

usage="usage: build.sh DIRECTORY    puts consul there; exits with 77 without a fit Go"

if [ $# -ne 1 ]; then
    echo "$usage" >&2
    exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")"

# Go itself refuses go.mod if it is too old, and no other toolchain is downloaded.
export GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=0
needed=$(sed -n 's/^go //p' go.mod)
if ! have=$(go env GOVERSION 2>/dev/null); then
    echo "skipped: there is no go; Consul is built with Go $needed or newer"
    exit 77
fi
if [ "$(printf '%s\n' "go$needed" "$have" | sort -V | head -n 1)" != "go$needed" ]; then
    echo "skipped: this is $have, and Consul is built with Go $needed or newer"
    exit 77
fi
go build -buildvcs=false -trimpath -ldflags='-s -w' -p "${JOBS:-1}" -o "$out/" github.com/hashicorp/consul
