#!/usr/bin/env bash
# Tests that take a minute each, or measure and want the machine for themselves: one after the other. Then a thousand seeds of the
# simulation that `cargo test` does not play.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo test --workspace --test it -- --ignored --nocapture --test-threads 1 --skip inbound_vectors --skip ssrf::lane --skip fuzz::
cargo run --quiet -- simulate --first-seed 1000 --seeds 1000
