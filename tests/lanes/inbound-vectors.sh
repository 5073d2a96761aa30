#!/usr/bin/env bash
# Proves that what the providers' own libraries sign is accepted, and that what they call wrong is refused: they make some thousand
# requests with random bodies and secrets, and the verifiers of `shared/src/domain/inbound/` judge them. Where a library only
# verifies, the request is made by hand and the library has to agree first.
#
#     tests/lanes/inbound-vectors.sh [COUNT]     requests of each kind, 50 unless it is said
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/lanes/lib.sh

count=${1:-50}
packages=(
    stripe@23.1.0 @octokit/webhooks-methods@6.0.0 @shopify/shopify-api@13.1.0 @paddle/paddle-node-sdk@3.10.0
    square@46.0.0 @adyen/api-library@32.1.0 twilio@6.3.1 @sendgrid/eventwebhook@8.0.0 standardwebhooks@1.1.1
)
home=.lanes/inbound-vectors
vectors="$home/vectors.jsonl" # where the test looks for them

install_npm "$home" "${packages[@]}"
install .lanes/inbound-vectors-python slack_sdk==3.48.0 paypalrestsdk==1.13.3 cryptography==50.0.2

# Modules are looked for beside the file that imports them.
cp tests/lanes/inbound/vectors.mjs "$home/vectors.mjs"
node "$home/vectors.mjs" "$count" >"$vectors.new"
.lanes/inbound-vectors-python/bin/python tests/lanes/inbound/vectors.py "$count" >>"$vectors.new"
mv "$vectors.new" "$vectors"

cargo test --quiet --workspace --test it -- --ignored --nocapture inbound_vectors
is_done=true
