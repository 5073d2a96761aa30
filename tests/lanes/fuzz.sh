#!/usr/bin/env bash
# Proves that what comes from outside, damaged at random, is refused: no panic, no 5xx, nothing slow. Every target of
# `tests/it/fuzz/` has FUZZ_SECONDS (5). The seeds are the same in every run, so that a change is judged by what it changes; one that
# fails is printed with the command that plays it again. To play others: FUZZ_FIRST_SEED=$(date +%s)000000000 tests/lanes/fuzz.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo test --workspace --test it -- --ignored --nocapture --test-threads 1 fuzz::
