#!/usr/bin/env python3
"""Measures the cold start of the functions as they are deployed: from the start of the process to its first question to the
Runtime API, and the memory it has used by then. Not a check: prints a table.

    cargo build --release --config functions/lambda.toml --target-dir target/lambda-build --bins
    tests/lanes/cold-start.py [--starts 30] [function ...]
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FUNCTIONS = ["publish", "manage", "history", "deliver", "sweep"]
START_SECONDS_MAX = 10


def environment(port):
    return {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_LAMBDA_FUNCTION_NAME": "measured",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "measured",
        "AWS_LAMBDA_LOG_STREAM_NAME": "measured",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "FANFARE_TABLE": "fanfare",
        "FANFARE_BUCKET": "fanfare",
        "FANFARE_DELIVERY_QUEUE_URL": "http://127.0.0.1:1/000000000000/fanfare-delivery",
        "FANFARE_JOB_QUEUE_URL": "http://127.0.0.1:1/000000000000/fanfare-job",
        "FANFARE_IMPORT_QUEUE_URL": "http://127.0.0.1:1/000000000000/fanfare-import",
        "FANFARE_KMS_KEY": "arn:aws:kms:us-east-1:000000000000:key/fanfare",
        "FANFARE_JWT_SECRET": "a-secret-for-measuring-the-cold-start",
    }


def start_once(binary, listener, port):
    """Milliseconds to the first poll, and peak resident memory in KiB at that moment."""
    begun = time.perf_counter()
    process = subprocess.Popen([binary], env=environment(port), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(START_SECONDS_MAX)
            request = connection.recv(4096)
            elapsed_ms = (time.perf_counter() - begun) * 1000
            if b"/invocation/next" not in request:
                sys.exit(f"{binary} asked something else first: {request[:80]!r}")
            with open(f"/proc/{process.pid}/status") as status:
                peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
        return elapsed_ms, peak_kib
    finally:
        process.kill()
        process.wait()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("functions", nargs="*", default=FUNCTIONS)
    arguments.add_argument("--starts", type=int, default=30)
    arguments.add_argument("--binaries", default=os.path.join(ROOT, "target", "lambda-build", "release"))
    arguments = arguments.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(START_SECONDS_MAX)
        port = listener.getsockname()[1]
        print(f"{'function':10} {'p50 ms':>8} {'p90 ms':>8} {'max ms':>8} {'RSS MB':>8} {'binary MB':>10}")
        for function in arguments.functions:
            binary = os.path.join(arguments.binaries, function)
            if not os.path.exists(binary):
                sys.exit(f"{binary} is not there; build it first (see --help)")
            start_once(binary, listener, port)  # the file is read from disk here, not below
            starts = [start_once(binary, listener, port) for _ in range(arguments.starts)]
            times = sorted(ms for ms, _ in starts)
            p90 = times[min(len(times) - 1, int(len(times) * 0.9))]
            rss_mb = max(kib for _, kib in starts) / 1024
            size_mb = os.path.getsize(binary) / 1_000_000
            print(f"{function:10} {statistics.median(times):8.1f} {p90:8.1f} {times[-1]:8.1f} {rss_mb:8.1f} {size_mb:10.1f}")


if __name__ == "__main__":
    main()
