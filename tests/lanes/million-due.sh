#!/usr/bin/env bash
# The sweep with a million deliveries that wait for later: it asks the table for no more than with none.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo test -p fanfare-tests --test it -- --ignored a_million_that_wait --nocapture
