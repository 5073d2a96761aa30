#!/usr/bin/env bash
# Proves that the functions can be built for the processor that template.yaml names, on a machine that has another: with
# cargo-lambda and zig, as `sam build` does it. Prints the sizes of binaries and zips. Nothing is run. FUNCTIONS="deliver publish" builds
# only those; without it all are built.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/lanes/lib.sh

target=aarch64-unknown-linux-gnu
folder="${CARGO_TARGET_DIR:-target}/lambda-arm64"

has_target() {
    [[ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]]
}
if ! has_target; then
    rustup target add "$target" >"$work/rustup.log" 2>&1 || true
fi
if ! has_target; then
    echo "SKIPPED arm64: no standard library for $target here, and rustup could not fetch it: $(tail -n 1 "$work/rustup.log")"
    is_done=true
    exit 0
fi

build_functions_into "$folder" "${as_shipped[@]}" --arm64
# shellcheck disable=SC2086 # one argument for each function
python3 tests/lanes/budgets/measure.py "$folder" ${FUNCTIONS:-} --only-sizes --machine aarch64
is_done=true
