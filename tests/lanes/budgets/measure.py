#!/usr/bin/env python3
"""Measures the functions as they are deployed and holds them against budgets.toml: the cold start (from the start of the process
to its first question to the Runtime API), the processor and the memory it has used by then, and the size of the binary and of its
zip. Prints a table; exits with 1 when something is over. Called by tests/lanes/budgets.sh and tests/lanes/arm64.sh:

    measure.py target/lambda [function ...] [--json FILE] [--starts 25] [--only-sizes] [--machine x86_64]
"""

import argparse
import glob
import io
import json
import os
import platform
import signal
import socket
import statistics
import sys
import time
import tomllib
import zipfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lambda_environment  # noqa: E402 - found by the line above

BUDGETS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "budgets.toml")
START_SECONDS_MAX = 10
# Other processes make a start slower, never faster: a round that is over its budget is measured again, and the best counts.
ROUNDS_MAX = 4
# What depends on how a binary is linked.
SIZES = ("rss_mb", "binary_mb", "zip_mb")
DEBIAN_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
ELF_MACHINES = {62: "x86_64", 183: "aarch64"}


def environment(port):
    # Lambda's system has one bundle; Debian's has every certificate in a file of its own besides, and all are read.
    bundle = {"SSL_CERT_FILE": DEBIAN_BUNDLE} if os.path.exists(DEBIAN_BUNDLE) else {}
    return lambda_environment.environment(port, "a-secret-for-measuring-the-cold-start") | bundle


def start_once(binary, listener, nowhere):
    """Until the first poll: milliseconds, milliseconds of processor, and peak resident memory in KiB."""
    silent = [(os.POSIX_SPAWN_DUP2, nowhere, 1), (os.POSIX_SPAWN_DUP2, nowhere, 2)]
    begun = time.perf_counter()
    pid = os.posix_spawn(binary, [binary], environment(listener.getsockname()[1]), file_actions=silent)
    try:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(START_SECONDS_MAX)
            request = connection.recv(4096)
            elapsed_ms = (time.perf_counter() - begun) * 1000
            if b"/invocation/next" not in request:
                sys.exit(f"{binary} asked something else first: {request[:80]!r}")
            with open(f"/proc/{pid}/status", encoding="ascii") as status:
                peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
            processor_ms = sum(nanoseconds(task) for task in glob.glob(f"/proc/{pid}/task/*/schedstat")) / 1e6
        return elapsed_ms, processor_ms, peak_kib
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def nanoseconds(schedstat):
    with open(schedstat, encoding="ascii") as file:
        return int(file.read().split()[0])


def start_often(binary, count, budget):
    """What the best round says of the times, and the most memory of all."""
    best, peaks = None, []
    with socket.create_server(("127.0.0.1", 0)) as listener, open(os.devnull, "wb") as nowhere:
        listener.settimeout(START_SECONDS_MAX)
        start_once(binary, listener, nowhere.fileno())  # the file is read from disk here, not below
        for _ in range(ROUNDS_MAX):
            elapsed, processor, kib = zip(*(start_once(binary, listener, nowhere.fileno()) for _ in range(count)))
            seen = {"start_ms": min(elapsed), "start_p50_ms": statistics.median(elapsed), "cpu_ms": statistics.median(processor)}
            peaks += kib
            best = {name: round(min(ms, (best or seen)[name]), 2) for name, ms in seen.items()}
            if not over(best, budget):
                break
    return best | {"rss_mb": round(max(peaks) / 1024, 2)}


def zip_bytes(binary):
    """As SAM packs it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(binary, "bootstrap")
    return packed.getbuffer().nbytes


def machine(binary):
    """The processor an ELF file is for."""
    with open(binary, "rb") as file:
        header = file.read(20)
    return ELF_MACHINES.get(int.from_bytes(header[18:20], "little")) if header[:4] == b"\x7fELF" else None


def sizes(binary):
    return {
        "binary_mb": round(os.path.getsize(binary) / 1_000_000, 3),
        "zip_mb": round(zip_bytes(binary) / 1_000_000, 3),
    }


def over(seen, budget):
    return [f"{name} {seen[name]} > {most}" for name, most in budget.items() if name in seen and seen[name] > most]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("binaries", help="folder with ‹function›/bootstrap")
    arguments.add_argument("functions", nargs="*", help="all that have a budget unless some are named")
    arguments.add_argument("--starts", type=int, default=25)
    arguments.add_argument("--only-sizes", action="store_true", help="starts nothing")
    arguments.add_argument("--sizes-shown", action="store_true", help="and not judged")
    arguments.add_argument("--machine", default=platform.machine(), help="what the binaries must be for")
    arguments.add_argument("--json", metavar="FILE", help="writes the figures there, too")
    arguments = arguments.parse_args()
    with open(BUDGETS, "rb") as file:
        budgets = tomllib.load(file)
    if arguments.sizes_shown:
        budgets = {name: {what: most for what, most in each.items() if what not in SIZES} for name, each in budgets.items()}

    columns = ("start_ms", "start_p50_ms", "cpu_ms", "rss_mb", "binary_mb", "zip_mb")
    print(f"{'function':10} " + " ".join(f"{name:>12}" for name in columns))
    figures, failed = {}, False
    for function in arguments.functions or budgets:
        binary = os.path.join(arguments.binaries, function, "bootstrap")
        if not os.path.exists(binary):
            sys.exit(f"{binary} is not there")
        if machine(binary) != arguments.machine:
            sys.exit(f"{binary} is for {machine(binary)} and not for {arguments.machine}")
        seen = sizes(binary)
        if not arguments.only_sizes:
            seen = start_often(binary, arguments.starts, budgets[function]) | seen
        figures[function] = seen
        found = over(seen, budgets[function])
        failed |= bool(found)
        complaint = f"  OVER BUDGET: {', '.join(found)}" if found else ""
        print(f"{function:10} " + " ".join(f"{seen.get(name, '-'):>12}" for name in columns) + complaint, flush=True)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=2)
            file.write("\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
