#!/usr/bin/env bash
# Proves that the functions are real Lambda functions: their own binaries run under `cargo lambda watch`, against the
# Runtime API and with nothing but environment variables, and answer the sample events under events/. Table, queue and
# bucket are the local gateway's, reached over its AWS endpoint.
set -euo pipefail
cd "$(dirname "$0")/../.."

requirement="cargo-lambda==1.9.2"
venv=.lanes/cargo-lambda
jwt_secret="fanfare-local-development-secret-not-for-production" # the one that signed the tokens under events/
start_seconds_max=60
invoke_seconds_max=120 # the first invocation of a function may link it

# Written last, so that an installation that was cut short is done again. Without its dependencies: those are a cross
# compiler, which only `cargo lambda build` needs.
if [[ "$(cat "$venv/installed" 2>/dev/null)" != "$requirement" ]]; then
    echo "installing $requirement"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps "$requirement"
    echo "$requirement" >"$venv/installed"
fi
"$venv/bin/cargo-lambda" lambda --version

# What `cargo lambda watch` would build one function at a time, and the gateway.
cargo build --quiet --bins

work=$(mktemp -d)
pids=()
passed=0
is_done=false

finish() {
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    if ! $is_done; then
        tail -n 40 "$work"/*.log >&2 || true
    fi
    rm -rf "$work"
}
trap finish EXIT

# Three ports that are free now, held together so that they differ, and let go before anybody is started.
ports=$(python3 - <<'PYTHON'
import socket
held = [socket.socket() for _ in range(3)]
for each in held:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in held))
PYTHON
)
read -r http_port aws_port invoke_port <<<"$ports"

# wait_for PORT PID: until something listens there; at once an error when the process has ended.
wait_for() {
    for ((waited = 0; waited < start_seconds_max * 10; waited++)); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
            return
        fi
        kill -0 "$2" 2>/dev/null || { echo "the process for port $1 ended" >&2; return 1; }
        sleep 0.1
    done
    echo "nothing listens on port $1 after $start_seconds_max s" >&2
    return 1
}

"${CARGO_TARGET_DIR:-target}/debug/fanfare" --memory --jwt-secret "$jwt_secret" \
    --listen "127.0.0.1:$http_port" --aws-listen "127.0.0.1:$aws_port" >"$work/gateway.log" 2>&1 &
pids+=($!)
wait_for "$aws_port" $!

AWS_ENDPOINT_URL="http://127.0.0.1:$aws_port" AWS_REGION=us-east-1 \
    AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local \
    FANFARE_TABLE=fanfare FANFARE_BUCKET=fanfare \
    FANFARE_DELIVERY_QUEUE_URL="http://127.0.0.1:$aws_port/000000000000/fanfare-delivery" \
    FANFARE_JOB_QUEUE_URL="http://127.0.0.1:$aws_port/000000000000/fanfare-job" \
    FANFARE_JWT_SECRET="$jwt_secret" FANFARE_HTTPS_ONLY=false FANFARE_ALLOWED_SUBNETS=127.0.0.0/8 \
    "$venv/bin/cargo-lambda" lambda watch --ignore-changes --color never \
    --invoke-address 127.0.0.1 --invoke-port "$invoke_port" >"$work/watch.log" 2>&1 &
pids+=($!)
wait_for "$invoke_port" $!

# check FUNCTION CASE CLAIM: sends the event; the claim is Python about `answer` and the event's `records`.
check() {
    if ! timeout "$invoke_seconds_max" "$venv/bin/cargo-lambda" lambda invoke "$1" \
        --invoke-address 127.0.0.1 --invoke-port "$invoke_port" \
        --data-file "events/$1/$2.json" >"$work/answer.json" 2>"$work/invoke.log"; then
        echo "FAILED $1 $2: the invocation failed" >&2
        return 1
    fi
    if ! python3 - "$work/answer.json" "events/$1/$2.json" "$3" <<'PYTHON'
import json, sys
answer = json.load(open(sys.argv[1]))
records = json.load(open(sys.argv[2])).get("Records", [])
sys.exit(0 if eval(sys.argv[3]) else f"expected {sys.argv[3]}, got {json.dumps(answer)[:1000]}")
PYTHON
    then
        echo "FAILED $1 $2" >&2
        return 1
    fi
    echo "ok $1 $2"
    passed=$((passed + 1))
}

# The order matters: an endpoint needs its application, a message is found after it was accepted.
check manage create-application 'answer["statusCode"] == 201'
check manage list-applications 'answer["statusCode"] == 200'
check manage create-event-type 'answer["statusCode"] == 201'
check manage import-event-types 'answer["statusCode"] == 200'
check manage create-endpoint 'answer["statusCode"] == 201'
check manage get-endpoint-secret 'answer["statusCode"] == 200'
check manage put-endpoint-headers 'answer["statusCode"] == 204'
check manage get-endpoint-headers 'answer["statusCode"] == 200'
check manage rotate-endpoint-secret 'answer["statusCode"] == 200'
check manage health 'answer["statusCode"] in (200, 204)'
check manage unknown-route 'answer["statusCode"] == 404 and "code" in json.loads(answer["body"])'
check publish message 'answer["statusCode"] == 202'
check publish message 'answer["statusCode"] == 202' # a repeat is answered like the first
check publish message-with-channels 'answer["statusCode"] == 202'
check publish base64-body 'answer["statusCode"] == 202'
check publish malformed-json 'answer["statusCode"] in (400, 422)'
check publish bad-token 'answer["statusCode"] == 401'
check history list-messages 'answer["statusCode"] == 200 and len(json.loads(answer["body"])["data"]) == 3'
check history get-message 'answer["statusCode"] == 200'
check history attempts-by-endpoint 'answer["statusCode"] == 200'
check history attempts-by-message 'answer["statusCode"] == 200'
check history attempted-messages 'answer["statusCode"] == 200'
check history attempted-destinations 'answer["statusCode"] == 200'
check history endpoint-stats 'answer["statusCode"] == 200'
check history resend 'answer["statusCode"] == 202'
check history expunge-message 'answer["statusCode"] == 204'
check history bulk-expunge 'answer["statusCode"] == 200'
check deliver batch 'isinstance(answer["batchItemFailures"], list)'
check deliver poison 'records[0]["messageId"] in [each["itemIdentifier"] for each in answer["batchItemFailures"]]'
check sweep minute 'True' # whatever it answers: it ran to its end

is_done=true
echo "$passed passed, 0 failed"
