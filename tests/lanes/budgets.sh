#!/usr/bin/env bash
# Proves that the functions, built as they are shipped, start as fast, need as little memory and are as small as
# tests/lanes/budgets/budgets.toml says. Memory and sizes are strict; of the times the best of several rounds counts, since the
# machine may be busy. BUDGETS_JSON=FILE writes the figures there. With FANFARE_FUNCTIONS=unlinked memory and
# sizes are shown, not judged.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/lanes/lib.sh

judged=()
[[ "${FANFARE_FUNCTIONS:-}" != unlinked ]] || judged=(--sizes-shown)
build_functions
python3 tests/lanes/budgets/measure.py "$functions" "${judged[@]}" ${BUDGETS_JSON:+--json "$BUDGETS_JSON"} "$@"
is_done=true
