#!/usr/bin/env bash
# Proves that template.yaml is sound: cfn-lint with the serverless rules, and SAM's own validation, both without a finding.
# Needs no AWS account. A finding is silenced only in the Metadata of its resource, with the reason beside it.
set -euo pipefail
cd "$(dirname "$0")/../.."

requirements="cfn-lint==1.58.0 cfn-lint-serverless==0.3.6 aws-sam-cli==1.170.0"
venv=.lanes/template-lint

# Written last, so that an installation that was cut short is done again.
if [[ "$(cat "$venv/installed" 2>/dev/null)" != "$requirements" ]]; then
    echo "installing $requirements"
    rm -rf "$venv"
    python3 -m venv "$venv"
    # shellcheck disable=SC2086 # one argument for each requirement
    "$venv/bin/pip" install --quiet --disable-pip-version-check $requirements
    echo "$requirements" >"$venv/installed"
fi

# SAM asks for a region even where it calls nobody.
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1

echo "cfn-lint"
"$venv/bin/cfn-lint" template.yaml -a cfn_lint_serverless.rules

echo "sam validate --lint"
"$venv/bin/sam" validate --lint --template template.yaml
