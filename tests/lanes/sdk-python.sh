#!/usr/bin/env bash
# Proves that a program written with the official Python SDK works against Fanfare as it is: the scenario of
# tests/lanes/sdk/README.md, told once with the newest SDK and once with the last of the generation before, each against a
# gateway of its own. Webhooks are verified with the SDK and with the Standard Webhooks library.
#
#     tests/lanes/sdk-python.sh [--only 4,5]
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/lanes/lib.sh

standard_webhooks="standardwebhooks==1.1.0"

build_gateway
for sdk in svix==2.9.1 svix==1.99.1; do
    venv=".lanes/sdk-python-${sdk#*==}"
    install "$venv" "$sdk" "$standard_webhooks"

    echo "Python, $sdk"
    start_gateway "gateway-$sdk" --retry-schedule 1,1 --portal-url https://portal.example.com/
    "$venv/bin/python" tests/lanes/sdk/scenario.py --url "$url" --token "$token" "$@"
    stop_all
done
is_done=true
