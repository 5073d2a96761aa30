#!/usr/bin/env python3
"""Counts the instructions of one invocation: a function runs under callgrind, a stub of the Runtime API hands it events, few the
first time and many the second. The difference, divided, is what one invocation costs once the process is warm.

See tests/lanes/instructions.sh, which starts what this needs.
"""

import argparse
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import lambda_environment  # noqa: E402 - found by the line above

BUDGET = os.path.join(HERE, "budget.json")
# What the same binaries differ by between two runs, and what another release of the compiler may cost unnoticed.
TOLERANCE = 0.10
SECONDS_MAX = 180
BATCH = 10
PAYLOAD_BYTES = 1_024


class Server:
    """An HTTP server on the loopback address that ends with this program."""

    def __init__(self, handler):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def runtime_api(events, answers, is_done):
    """The three routes of Lambda's Runtime API that a function uses. Without another event it is made to wait, as in the cloud."""
    left = list(enumerate(events))

    class RuntimeApi(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if not left:
                is_done.set()
                time.sleep(SECONDS_MAX)
                return
            number, event = left.pop(0)
            body = json.dumps(event).encode()
            self.send_response(200)
            self.send_header("lambda-runtime-aws-request-id", f"00000000-0000-4000-8000-{number:012}")
            self.send_header("lambda-runtime-deadline-ms", str(int(time.time() * 1000) + 60_000))
            self.send_header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:counted")
            self.send_header("lambda-runtime-trace-id", "Root=1-69248108-c1ba6055bf894374dc42fee9;Sampled=0")
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0)) or self.chunks()
            answers.append((self.path.rsplit("/", 1)[-1], body))
            self.send_response(202)
            self.send_header("content-length", "0")
            self.end_headers()

        def chunks(self):
            body = b""
            if self.headers.get("transfer-encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            return body

        def log_message(self, *_):
            pass

    return RuntimeApi


def instructions(options, function, events, check):
    """All instructions of a process that starts, handles these events, and is ended."""
    answers, is_done = [], threading.Event()
    api = Server(runtime_api(events, answers, is_done))
    report = os.path.join(options.work, f"{function}-{len(events)}.valgrind.log")
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={report}"]
    command.append(os.path.join(options.functions, function, "bootstrap"))
    with open(os.path.join(options.work, f"{function}.log"), "a") as log:
        process = subprocess.Popen(command, env=environment(options, api.port), stdout=log, stderr=log)
    try:
        if not is_done.wait(SECONDS_MAX):
            sys.exit(f"{function} did not handle {len(events)} events in {SECONDS_MAX} s")
        process.send_signal(signal.SIGTERM)
        process.wait(SECONDS_MAX)
    finally:
        process.kill()
    for kind, body in answers:
        if kind != "response" or not check(json.loads(body)):
            sys.exit(f"{function} answered {kind} {body[:500]!r}")
    with open(report) as text:
        return int(re.search(r"Collected : (\d+)", text.read())[1])


def environment(options, port):
    return lambda_environment.environment(port, options.jwt_secret, options.aws, "counted") | {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": options.aws,
        "FANFARE_ALLOWED_SUBNETS": "127.0.0.0/8",
        "FANFARE_HTTPS_ONLY": "false",
        # Under valgrind every receiver is a slow one, which must not count as the receiver's trouble.
        "FANFARE_CIRCUIT_BREAKER": "false",
    }


def call(url, body, headers):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def sqs(options, operation, body):
    headers = {"x-amz-target": f"AmazonSQS.{operation}", "content-type": "application/x-amz-json-1.0"}
    return call(options.aws, body, headers)


def publications(options, count, name):
    """Events of API Gateway, each publishing a message of its own."""
    with open(os.path.join(HERE, "..", "..", "..", "events", "publish", "message.json")) as sample:
        event = json.load(sample)
    body = {"eventType": "invoice.paid", "payload": {"pad": "x" * (PAYLOAD_BYTES - 10)}}
    for number in range(count):
        headers = {**event["headers"], "authorization": f"Bearer {options.token}", "idempotency-key": f"{name}-{number}"}
        yield {**event, "headers": headers, "body": json.dumps(body, separators=(",", ":"))}


def batches(options, count):
    """Events of SQS, with what publish has queued."""
    queue = lambda_environment.queue(options.aws, "counted")
    for _ in range(count):
        asked = {"QueueUrl": queue, "MaxNumberOfMessages": BATCH, "MessageSystemAttributeNames": ["All"]}
        messages = []
        while len(messages) < BATCH:
            asked["MaxNumberOfMessages"] = BATCH - len(messages)
            messages += sqs(options, "ReceiveMessage", asked).get("Messages") or sys.exit("publish has queued too little")
        yield {"Records": [record(message) for message in messages]}


def record(message):
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:counted",
        "awsRegion": "us-east-1",
    }


def count(options):
    receiver = Server(Receiver)
    headers = {"authorization": f"Bearer {options.token}"}
    call(f"{options.url}/api/v1/app", {"name": "Acme", "uid": "acme"}, headers)
    call(f"{options.url}/api/v1/app/acme/endpoint", {"url": f"http://127.0.0.1:{receiver.port}/hooks"}, headers)
    sqs(options, "CreateQueue", {"QueueName": "counted"})

    def per_invocation(function, few, many, check):
        counts = [instructions(options, function, list(events), check) for events in (few, many)]
        return lambda fewer, more: round((counts[1] - counts[0]) / (more - fewer))

    publish = per_invocation(
        "publish",
        publications(options, 20, "few"),
        publications(options, 120, "many"),
        lambda answer: answer["statusCode"] == 202,
    )(20, 120)
    deliver = per_invocation(
        "deliver", batches(options, 3), batches(options, 11), lambda answer: answer["batchItemFailures"] == []
    )(3, 11)
    return {"publish": publish, "deliver, a batch of ten": deliver}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("functions", "url", "token", "jwt-secret", "aws", "work"):
        arguments.add_argument(f"--{name}", required=True)
    arguments.add_argument("--write", action="store_true")
    options = arguments.parse_args()
    counted = count(options)
    if options.write:
        with open(BUDGET, "w") as budget:
            budget.write(json.dumps(counted, indent=2) + "\n")
    with open(BUDGET) as budget:
        allowed = json.load(budget)
    failed = 0
    for name, budget in allowed.items():
        ratio = counted[name] / budget
        is_over = ratio > 1 + TOLERANCE
        failed += is_over
        print(f"{'FAILED' if is_over else 'ok'} {name}: {counted[name]:,} instructions, {ratio:.2f} of the budget")
    print(f"{len(allowed) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
