#!/usr/bin/env bash
# Tests that take a minute each, or measure and want the machine for themselves: one after the other.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo test -p fanfare-tests --test it -- --ignored --nocapture --test-threads 1
