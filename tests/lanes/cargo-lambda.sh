#!/usr/bin/env bash
# Proves that the functions are real Lambda functions: their own binaries run under `cargo lambda watch`, against the
# Runtime API and with nothing but environment variables, and answer the sample events under events/. Table, queue and
# bucket are the local gateway's, reached over its AWS endpoint.
set -euo pipefail
cd "$(dirname "$0")/../.."

source tests/lanes/lib.sh # its secret signed the tokens under events/

venv=.lanes/cargo-lambda
invoke_seconds_max=120 # the first invocation of a function may link it
passed=0

# Its dependencies are a cross compiler, which only `cargo lambda build` needs.
install "$venv" --no-deps cargo-lambda==1.9.2
"$venv/bin/cargo-lambda" lambda --version

# With the gateway come the functions, which `cargo lambda watch` would build one at a time.
build_gateway
read -r aws_port invoke_port <<<"$(free_ports 2)"
start_gateway gateway --aws-listen "127.0.0.1:$aws_port"

AWS_ENDPOINT_URL="http://127.0.0.1:$aws_port" AWS_REGION=us-east-1 \
    AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local \
    FANFARE_TABLE=fanfare FANFARE_BUCKET=fanfare \
    FANFARE_DELIVERY_QUEUE_URL="http://127.0.0.1:$aws_port/000000000000/fanfare-delivery" \
    FANFARE_JOB_QUEUE_URL="http://127.0.0.1:$aws_port/000000000000/fanfare-job" \
    FANFARE_IMPORT_QUEUE_URL="http://127.0.0.1:$aws_port/000000000000/fanfare-import" \
    FANFARE_KMS_KEY="arn:aws:kms:us-east-1:000000000000:key/fanfare" \
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
check manage create-source 'answer["statusCode"] == 201'
check ingest bad-signature 'answer["statusCode"] == 404' # nobody has made that source here
check manage create-api-key 'answer["statusCode"] == 201'
check manage rotate-encryption-key 'answer["statusCode"] == 201'
check manage list-encryption-keys 'answer["statusCode"] == 200 and len(json.loads(answer["body"])["data"]) == 2'
check manage health 'answer["statusCode"] in (200, 204)'
check manage unknown-route 'answer["statusCode"] == 404 and "code" in json.loads(answer["body"])'
check publish message 'answer["statusCode"] == 202'
check publish message 'answer["statusCode"] == 202' # a repeat is answered like the first
check publish message-with-channels 'answer["statusCode"] == 202'
check publish base64-body 'answer["statusCode"] == 202'
check publish malformed-json 'answer["statusCode"] in (400, 422)'
check publish bad-token 'answer["statusCode"] == 401'
check history list-messages 'answer["statusCode"] == 200 and len(json.loads(answer["body"])["data"]) == 3'
check history list-changes 'answer["statusCode"] == 200 and json.loads(answer["body"])["data"]'
check history get-message 'answer["statusCode"] == 200'
check history attempts-by-endpoint 'answer["statusCode"] == 200'
check history attempts-by-message 'answer["statusCode"] == 200'
check history attempted-messages 'answer["statusCode"] == 200'
check history attempted-destinations 'answer["statusCode"] == 200'
check history endpoint-stats 'answer["statusCode"] == 200'
check history resend 'answer["statusCode"] == 202'
check history expunge-message 'answer["statusCode"] == 204'
check history ask-import 'answer["statusCode"] == 201'
check history list-imports 'answer["statusCode"] == 200'
check history bulk-expunge 'answer["statusCode"] == 200'
check deliver batch 'isinstance(answer["batchItemFailures"], list)'
check deliver poison 'records[0]["messageId"] in [each["itemIdentifier"] for each in answer["batchItemFailures"]]'
check import part 'answer["batchItemFailures"] == []' # nobody has asked for that import here
check import created 'answer["batchItemFailures"] == []'
check sweep minute 'True' # whatever it answers: it ran to its end

is_done=true
echo "$passed passed, 0 failed"
