#!/usr/bin/env bash
# Proves that a program written with the official JavaScript SDK works against Fanfare as it is: the scenario of
# tests/lanes/sdk/README.md, with the newest SDK. Webhooks are verified with the SDK and with the Standard Webhooks library.
#
#     tests/lanes/sdk-javascript.sh [--only 4,5]
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/lanes/lib.sh

packages=(svix@2.5.0 standardwebhooks@1.1.1)
home=.lanes/sdk-javascript

install_npm "$home" "${packages[@]}"

build_gateway
start_gateway gateway --retry-schedule 1,1 --portal-url https://portal.example.com/

# Modules are looked for beside the file that imports them.
cp tests/lanes/sdk/scenario.mjs "$home/scenario.mjs"
echo "JavaScript, ${packages[0]}"
node "$home/scenario.mjs" --url "$url" --token "$token" "$@"
is_done=true
