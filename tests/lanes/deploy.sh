#!/usr/bin/env bash
# Proves that what is shipped works once it is deployed: the functions' release binaries, packed and deployed with the real
# template.yaml by `sam deploy`, to ministack, an emulator of AWS that we did not write. It runs the SDK scenario (the newest
# Python SDK), imports files, takes a webhook from GitHub, moves a payload through the bucket and waits for the schedule,
# all through the deployed API. What the emulator lacks is filled in by tests/lanes/deploy/fill_gaps.py; the template is
# not changed for it (docs/decisions/0021).
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/lanes/lib.sh

stack=fanfare
sam=.lanes/sam
ministack=.lanes/ministack
scenario=.lanes/sdk-python-2.9.1

install "$sam" aws-sam-cli==1.170.0
install "$ministack" ministack==1.5.33 aws-sam-translator==1.115.0 boto3==1.43.106 cryptography==50.0.2
install "$scenario" svix==2.9.1 standardwebhooks==1.1.0
build_functions

port=$(free_ports 1)
certificate="$work/server.crt"
export AWS_ENDPOINT_URL="https://127.0.0.1:$port" AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
export AWS_CA_BUNDLE="$certificate" SSL_CERT_FILE="$certificate" SAM_CLI_TELEMETRY=0 SAM_CLI_POLL_DELAY=1

# By hand and not by `ministack`, which would offer HTTP/2: its server (hypercorn) loses streams there. AWS does not offer it either.
start_ministack() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout "$work/server.key" -out "$certificate" -subj /CN=ministack \
        -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE 2>"$work/openssl"
    cat >"$work/hypercorn.toml" <<END
bind = "127.0.0.1:$port"
alpn_protocols = ["http/1.1"]
certfile = "$certificate"
keyfile = "$work/server.key"
END
    TMPDIR="$work" GATEWAY_PORT=$port MINISTACK_HOST=127.0.0.1 LOG_LEVEL=WARNING AUTH=true USE_SSL=1 IOT_MTLS_ENABLED=0 SFTP_ENABLED=0 \
        MINISTACK_SSL_CERT="$certificate" MINISTACK_SSL_KEY="$work/server.key" STATE_DIR="$work/state" S3_DATA_DIR="$work/s3" \
        "$ministack/bin/hypercorn" --config "$work/hypercorn.toml" ministack.app:app >"$work/ministack.log" 2>&1 &
    pids+=($!)
    wait_for "$port" $!
}

deploy() {
    "$sam/bin/python" tests/lanes/deploy/package.py template.yaml "$functions" "$work/packaged.yaml" DeploymentPreference=None
    "$ministack/bin/python" -c 'import boto3; boto3.client("s3").create_bucket(Bucket="artifacts")'
    "$sam/bin/sam" deploy --template-file "$work/packaged.yaml" --stack-name "$stack" --s3-bucket artifacts \
        --capabilities CAPABILITY_IAM --no-execute-changeset --no-progressbar --config-env none \
        --parameter-overrides "JwtSecret=$jwt_secret" HttpsOnly=false AllowedSubnets=127.0.0.0/8 RetrySchedule=1,1 \
        PortalUrl=https://portal.example.com/ DeploymentPreference=None Alarms=false >"$work/deploy.log" 2>&1
    "$ministack/bin/python" tests/lanes/deploy/execute.py "$stack"
}

started=$SECONDS
start_ministack
deploy
url=$("$ministack/bin/python" tests/lanes/deploy/fill_gaps.py "$stack")
echo "deployed in $((SECONDS - started)) s: $url"

token=$("$ministack/bin/python" tests/lanes/deploy/make_token.py "$jwt_secret")

say() {
    "$ministack/bin/python" tests/lanes/deploy/show_logs.py "$stack" >"$work/functions.log" 2>&1
}
"$ministack/bin/python" tests/lanes/deploy/checks.py --url "$url" --token "$token" --stack "$stack" || { say; exit 1; }
"$scenario/bin/python" tests/lanes/sdk/scenario.py --url "$url" --token "$token" "$@" || { say; exit 1; }
say || { echo "FAILED a function logged an error" >&2; exit 1; }
echo "no function logged an error"
is_done=true
