#!/usr/bin/env bash
# Proves that what comes from outside, damaged at random, is refused: no panic, no 5xx, nothing slow. Every target of
# `tests/it/fuzz/` has FUZZ_SECONDS (5); the seeds are new in every run, and one that fails is printed with the command that
# plays it again.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Seconds since 1970 in billions: far enough apart that no run plays what another has played.
export FUZZ_FIRST_SEED="${FUZZ_FIRST_SEED:-$(date +%s)000000000}"
cargo test -p fanfare-tests --test it -- --ignored --nocapture --test-threads 1 fuzz::
