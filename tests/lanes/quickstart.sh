#!/usr/bin/env bash
# Proves that the commands of docs/QUICKSTART.md, as they stand there, do what the page says, and that the program of
# docs/MIGRATING_FROM_SVIX.md moves applications and endpoints with their secrets: between two gateways, as no server of Svix is here.
# shellcheck disable=SC2016 # sed and the page's own shell expand what stands in quotes
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/lanes/lib.sh

install .lanes/verifying standardwebhooks==1.1.0 cryptography==50.0.2 svix==2.9.1
build_gateway

# Ports and the state are the lane's own; the rest is the page's. What it starts with & ends with its shell.
read -r api_port receiver_port <<<"$(free_ports 2)"
sed -n '/^```sh$/,/^```$/{/^```/d;p}' docs/QUICKSTART.md |
    sed -e '/^cargo build$/d' -e "s|^target/debug/fanfare |\"$gateway\" --listen 127.0.0.1:$api_port --data $work/state |" \
        -e "s|\$(target/debug/fanfare token)|\$(sleep 3; \"$gateway\" token --data $work/state)|" \
        -e "s|127.0.0.1:8071|127.0.0.1:$api_port|; s|127.0.0.1:9000|127.0.0.1:$receiver_port|; s|\"127.0.0.1\", 9000|\"127.0.0.1\", $receiver_port|" \
        -e 's|^MESSAGE=|sleep 12; &|' >"$work/page.sh"
{
    echo 'set -euo pipefail; trap "kill \$(jobs -p) 2>/dev/null" EXIT'
    cat "$work/page.sh"
} >"$work/quickstart.sh"
echo "the commands of docs/QUICKSTART.md"
[[ $(grep -c . "$work/page.sh") -ge 20 ]] || { echo "the page has hardly any commands" >&2; exit 1; }
bash "$work/quickstart.sh" >"$work/quickstart.log" 2>&1
for wanted in '"uid":"acme"' '"uid":"hooks"' '"eventId":"invoice-1042"' 'the connection was refused' 'msg_[A-Za-z0-9]* {"amount_cents": 125000}' '"key":"whsec_'; do
    grep -q "$wanted" "$work/quickstart.log" || { echo "not seen: $wanted" >&2; exit 1; }
done

echo "the program of docs/MIGRATING_FROM_SVIX.md"
start_gateway old
export OLD_URL=$url OLD_TOKEN=$token
start_gateway new
export NEW_URL=$url NEW_TOKEN=$token
sed -n '/^```python$/,/^```$/{/^```/d;p}' docs/MIGRATING_FROM_SVIX.md >"$work/move.py"
.lanes/verifying/bin/python tests/lanes/verifying/moving.py "$work/move.py"
is_done=true
