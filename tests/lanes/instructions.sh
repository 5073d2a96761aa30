#!/usr/bin/env bash
# Proves that publish and deliver have not become slower: counts, with valgrind, the instructions that their release binaries
# need for one invocation, and compares them with tests/lanes/instructions/budget.json. Instructions, not seconds: a busy
# machine does not change them. Table, queues and keys are the local gateway's, the receiver is Python.
#
#     tests/lanes/instructions.sh [--write]     --write: what was counted is the new budget
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/lanes/lib.sh

if ! command -v valgrind >/dev/null && ! { apt-get update && apt-get install -y valgrind; } >"$work/apt.log" 2>&1; then
    echo "SKIPPED instructions: valgrind is not here and cannot be installed" >&2
    is_done=true
    exit 0
fi

build_functions
build_gateway
aws_port=$(free_ports 1)
start_gateway gateway --aws-listen "127.0.0.1:$aws_port"

python3 tests/lanes/instructions/count.py --functions "$functions" --url "$url" --token "$token" --jwt-secret "$jwt_secret" \
    --aws "http://127.0.0.1:$aws_port" --work "$work" "$@"
is_done=true
