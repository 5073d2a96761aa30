#!/usr/bin/env bash
# Proves that the gateway is what its OpenAPI document says: Schemathesis makes requests out of the document, good ones and
# bad ones, and asks for what one operation made with the next one. No answer is a 5xx, has an undocumented status or content
# type, or a body that is not as documented. No operation is left out.
#
#     tests/lanes/schemathesis.sh [FLAG...]     flags for `schemathesis run`, such as --include-path-regex '/msg$'
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/lanes/lib.sh

requirement="schemathesis==4.32.5"
venv=.lanes/schemathesis
seed=20250601
seconds_max=240 # always spent: the phases that make up requests go round until then
request_seconds_max=15

checks=(
    not_a_server_error
    status_code_conformance
    content_type_conformance
    response_headers_conformance
    response_schema_conformance
    unsupported_method
    allow_header_conformance     # a 405 names the methods the document has
    ensure_resource_availability # what was made can be asked for at once
    ignored_auth                 # an operation that asks for a token answers nobody without one
)
# Not checked, with reason:
#   negative_data_rejection     fields we do not know are accepted, so that newer SDKs keep working
#   positive_data_acceptance    a document cannot say that an event type must exist, or that a uid must be new
#   use_after_free              a deleted event type is archived, and still there by its name
#   missing_required_header     no operation has a required header but the token, which ignored_auth leaves out

install "$venv" "$requirement"
build_gateway
# No retries: what is delivered here goes nowhere (schemathesis_hooks.py).
start_gateway gateway --retry-schedule "" --request-timeout 1

# `Authorization` is spelt as ignored_auth looks for it. Without a database a run does not depend on the one before. It leaves
# a folder of its own where it runs.
schemathesis="$PWD/$venv/bin/schemathesis"
export PYTHONPATH="$PWD/tests/lanes" PYTHONDONTWRITEBYTECODE=1 SCHEMATHESIS_HOOKS=schemathesis_hooks
(
    cd "$work"
    "$schemathesis" run "$url/api/v1/openapi.json" --origin "$url" --header "Authorization: Bearer $token" \
        --checks "$(IFS=,; echo "${checks[*]}")" --seed "$seed" --max-time "$seconds_max" \
        --request-timeout "$request_seconds_max" --generation-database none \
        --report-json-path "$work/report.json" --no-color "$@"
)

# Time that ran out before every operation had its turn is no success.
python3 - "$work/report.json" <<'PYTHON'
import json, sys
report = json.load(open(sys.argv[1]))
operations, cases = report["operations"], report["test_cases"]
if operations["tested"] != operations["selected"]:
    sys.exit(f"FAILED: only {operations['tested']} of {operations['selected']} operations were tested")
skipped = [name for name in ("coverage", "fuzzing", "stateful") if report["phases"][name]["status"] != "success"]
if skipped:
    sys.exit(f"FAILED: expected all phases to end well, but not so: {', '.join(skipped)}")
print(f"{cases['generated'] - cases['without_checks']} passed, 0 failed")
PYTHON
is_done=true
