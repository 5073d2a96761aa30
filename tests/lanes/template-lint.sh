#!/usr/bin/env bash
# Proves that template.yaml is sound: cfn-lint with the serverless rules, SAM's own validation and checkov (the template, and what SAM
# makes of it), all without a finding; and, on the expanded template, that every role may do exactly what a table says, that calls
# go to aliases, that nothing is public, and more (tests/lanes/template/). Needs no AWS account. A finding is silenced only in the
# Metadata of its resource, with the reason beside it.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# install FOLDER REQUIREMENT...: what was installed is written last, so that an installation that was cut short is done again.
install() {
    local folder=$1 requirements="${*:2}"
    if [[ "$(cat "$folder/installed" 2>/dev/null)" == "$requirements" ]]; then
        return
    fi
    echo "installing $requirements"
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check "${@:2}"
    echo "$requirements" >"$folder/installed"
}

venv=.lanes/template-lint
install "$venv" cfn-lint==1.58.0 cfn-lint-serverless==0.3.6 aws-sam-cli==1.170.0 aws-sam-translator==1.115.0
# On its own: it wants an older boto3.
install .lanes/checkov checkov==3.3.30

# SAM asks for a region even where it calls nobody.
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 PYTHONDONTWRITEBYTECODE=1

echo "cfn-lint"
"$venv/bin/cfn-lint" template.yaml -a cfn_lint_serverless.rules

echo "sam validate --lint"
"$venv/bin/sam" validate --lint --template template.yaml

echo "the expanded template"
(cd tests/lanes/template && "../../../$venv/bin/python" -m unittest --quiet test_expanded)

echo "checkov"
"$venv/bin/python" tests/lanes/template/expanded.py >"$work/expanded.json"
# --skip-download: its guides are fetched from its makers' site otherwise.
.lanes/checkov/bin/checkov --file template.yaml "$work/expanded.json" --framework cloudformation --skip-download --quiet --compact
