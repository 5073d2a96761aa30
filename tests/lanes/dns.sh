#!/usr/bin/env bash
# The address guard with the system's own resolver and real sockets: in a network of its own, which has nothing but loopback with a
# few addresses on it, a name server that lies (dns.py) and listeners behind public and private addresses.
#
# Needs the right to make namespaces (root, or unprivileged user namespaces); where that is not given, the lane says so and ends well.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [[ "${1:-}" != "--inside" ]]; then
    if ! reason=$(unshare --map-root-user --net --mount true 2>&1); then
        echo "SKIPPED: the guard was NOT tested with a real resolver; no namespaces here: $reason" >&2
        exit 0
    fi
    command -v ip >/dev/null || { echo "SKIPPED: the guard was NOT tested with a real resolver; no ip command here" >&2; exit 0; }
    # Built outside, because inside there is no network.
    cargo test --quiet --workspace --test it --no-run
    exec unshare --map-root-user --net --mount "$0" --inside
fi

ip link set lo up
for address in 93.184.216.34/32 93.184.216.35/32 10.0.0.1/32 2606:2800:220:1::1/128; do
    ip address add "$address" dev lo
done
work=$(mktemp -d)
server=
finish() {
    [[ -z "$server" ]] || kill "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
printf 'nameserver 127.0.0.1\noptions timeout:5 attempts:1\n' >"$work/resolv.conf"
mount --bind "$work/resolv.conf" /etc/resolv.conf

python3 tests/lanes/dns.py >"$work/ready" &
server=$!
for ((waited = 0; waited < 100; waited++)); do
    [[ ! -s "$work/ready" ]] || break
    sleep 0.1
done
kill -0 "$server"

# A proxy that was taken from the environment would be a connection to a private listener, which the test counts.
export http_proxy=http://10.0.0.1:8080 HTTP_PROXY=http://10.0.0.1:8080 ALL_PROXY=http://10.0.0.1:8080
cargo test --quiet --offline --workspace --test it -- --ignored --exact ssrf::lane::real_names_lead_to_public_addresses_only
