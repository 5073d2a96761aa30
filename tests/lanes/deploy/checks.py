#!/usr/bin/env python3
"""What the SDK scenario leaves out, against a stack that runs on ministack: files, webhooks from outside, a payload for the
bucket, a message for later. What a customer sees is looked at, and what an operator does: the schedule has fired, no letter is
dead. Called by tests/lanes/deploy.sh.

    checks.py --url API --token TOKEN --stack STACK
"""

import argparse
import hashlib
import hmac
import http.server
import json
import sys
import threading
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

import boto3

WAIT_SECONDS_MAX = 30
# The schedule fires once a minute.
SCHEDULE_SECONDS_MAX = 90
POLL_SECONDS = 0.1
ORGANIZATION = "org_23rb8YdGqMT0qIzpgGwdXfHirMu"

passed = 0


def check(what, seen, expected):
    global passed
    if seen != expected:
        sys.exit(f"FAILED {what}\n    expected {expected!r}\n    seen     {str(seen)[:2000]}")
    passed += 1


def eventually(what, see, expected, seconds_max=WAIT_SECONDS_MAX):
    until = time.monotonic() + seconds_max
    while (seen := see()) != expected and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    check(what, seen, expected)


class Receiver:
    """Answers 200 to everything, and keeps the bodies that came to each path."""

    def __init__(self):
        received = self._received = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                received.setdefault(self.path, []).append((dict(self.headers.items()), body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 256  # a file's records come all at once

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def received(self, path):
        return list(self._received.get(path, []))

    def payloads(self, path):
        return sorted((json.loads(body) for _, body in self.received(path)), key=json.dumps)


def request(method, url, body=None, headers=None):
    """Status, headers and body of the answer, whatever the status."""
    asked = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(asked, timeout=WAIT_SECONDS_MAX) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


class Gateway:
    def __init__(self, url, token):
        self._url = url
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    def call(self, method, path, body=None, expected=200):
        data = None if body is None else json.dumps(body).encode()
        status, _, answer = request(method, self._url + path, data, self._headers)
        if status != expected:
            sys.exit(f"FAILED {method} {path}: {status} instead of {expected}: {answer[:2000]!r}")
        return json.loads(answer) if answer else None

    def application(self, uid, receiver, path):
        """An application with one endpoint, which is for everything."""
        self.call("POST", "/api/v1/app", {"name": uid, "uid": uid}, expected=201)
        return self.call("POST", f"/api/v1/app/{uid}/endpoint", {"url": receiver.url(path)}, expected=201)

    def publish(self, uid, payload, **fields):
        message = {"eventType": "lane.event", "payload": payload} | fields
        return self.call("POST", f"/api/v1/app/{uid}/msg", message, expected=202)

    def imports_named(self, name):
        return [each for each in self.call("GET", "/api/v1/import")["data"] if each["name"] == name]


def numbers(asked):
    return tuple(asked[name] for name in ("status", "linesRead", "accepted", "duplicate", "rejected"))


def lines(*payloads):
    each = [{"eventType": "order.placed", "eventId": f"order-{n['n']}", "payload": n} for n in payloads]
    return "".join(json.dumps(one) + "\n" for one in each).encode()


def errors(gateway, _receiver, url, _outputs):
    status, headers, body = request("GET", url + "/api/v1/nothing/here")
    check("an unknown route: status", status, 404)
    check("an unknown route: in the API's own words", "code" in json.loads(body), True)
    check("an unknown route: type", headers["content-type"].startswith("application/"), True)
    check("health", request("GET", url + "/api/v1/health")[0] in (200, 204), True)
    document = json.loads(request("GET", url + "/api/v1/openapi.json")[2])
    check("the document is served", document["openapi"][:2], "3.")


def upload(gateway, receiver, _url, outputs):
    gateway.application("lane-upload", receiver, "/upload")
    payloads = [{"n": n} for n in range(200)]
    file = lines(*payloads) + b"not JSON\n" + lines(payloads[0])
    asked = gateway.call(
        "POST", "/api/v1/app/lane-upload/import", {"size": len(file), "name": "orders.ndjson"}, expected=201
    )
    check("the address is one of the bucket", f"/{outputs['BucketName']}/" in asked["upload"]["parts"][0]["url"], True)
    status, _, body = request("PUT", asked["upload"]["parts"][0]["url"], file, asked["upload"]["headers"])
    check(f"uploaded ({body[:200]!r})", status, 200)
    shown = lambda: gateway.call("GET", f"/api/v1/import/{asked['id']}")
    eventually("the import's numbers", lambda: numbers(shown()), ("finished", 202, 200, 1, 1))
    rejected = json.loads(request("GET", shown()["errorsUrl"])[2])
    check("the rejected line", rejected["line"], 201)
    expected = sorted(payloads, key=json.dumps)
    eventually("everything arrives, once", lambda: receiver.payloads("/upload"), expected)


def drop(gateway, receiver, _url, outputs):
    gateway.application("lane-drop", receiver, "/drop")
    objects = boto3.client("s3")
    key = f"drop/{ORGANIZATION}/lane-drop/2026/november 28+.ndjson"
    objects.put_object(Bucket=outputs["BucketName"], Key=key, Body=lines({"n": 1}, {"n": 2}))
    name = key.rsplit("/", 1)[1]
    eventually(
        "the dropped file's numbers",
        lambda: [numbers(each) for each in gateway.imports_named(name)],
        [("finished", 2, 2, 0, 0)],
    )
    eventually("its records arrive", lambda: receiver.payloads("/drop"), [{"n": 1}, {"n": 2}])

    gateway.application("lane-files", receiver, "/files")
    content = b"%PDF-1.7 " + b"x" * 2000
    key = f"files/{ORGANIZATION}/lane-files/report.pdf"
    objects.put_object(Bucket=outputs["BucketName"], Key=key, Body=content)
    eventually("a file is told of", lambda: len(receiver.received("/files")), 1)
    told = receiver.payloads("/files")[0]["data"]
    check("of its key and size", (told["key"], told["size"]), (key, len(content)))
    check("its address leads to it", request("GET", told["url"])[2], content)


def inbound(gateway, receiver, url, _outputs):
    """GitHub signs the body with the source's secret (HMAC-SHA256)."""
    gateway.application("lane-inbound", receiver, "/inbound")
    secret = "a-secret-that-github-was-told"
    source = gateway.call(
        "POST",
        "/api/v1/source",
        {
            "name": "GitHub",
            "uid": "lane",
            "appId": "lane-inbound",
            "provider": {"kind": "github"},
            "secret": secret,
        },
        expected=201,
    )
    path = "/in/" + source["ingestUrl"].split("/in/", 1)[1]
    body = b'{ "action": "opened",  "number": 7, "note": "Gr\xc3\xbc\xc3\x9fe" }'

    def send(key, delivery):
        signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "x-github-event": "pull_request",
            "x-github-delivery": delivery,
            "x-hub-signature-256": f"sha256={signature}",
        }
        return request("POST", url + path, body, headers)[0]

    check("signed with another secret", send("another secret", "first"), 401)
    check("signed", send(secret, "second"), 200)
    check("the provider tries again", send(secret, "second"), 200)
    eventually("it arrives", lambda: len(receiver.received("/inbound")), 1)
    headers, received = receiver.received("/inbound")[0]
    check("byte for byte", received, body)
    check("with the provider's header", headers.get("x-github-event"), "pull_request")
    listed = gateway.call("GET", "/api/v1/app/lane-inbound/msg")["data"]
    check(
        "the message",
        [(each["eventType"], each["eventId"]) for each in listed],
        [("github.pull_request.opened", "second")],
    )
    wrong = path[:-1] + ("A" if path[-1] != "A" else "B")
    check("another address", request("POST", url + wrong, body)[0], 404)


def large(gateway, receiver, _url, outputs):
    """A payload that does not fit into an item goes by way of the bucket."""
    gateway.application("lane-large", receiver, "/large")
    payload = {"text": "ü" * 150_000}
    gateway.publish("lane-large", payload)
    eventually("it arrives", lambda: [body for _, body in receiver.received("/large")] != [], True)
    check("whole", receiver.payloads("/large"), [payload])
    stored = boto3.client("s3").list_objects_v2(Bucket=outputs["BucketName"], Prefix="payload/")
    check("it was in the bucket", stored["KeyCount"] >= 1, True)


def plan(gateway, receiver):
    """A message for later, which is looked for at the end: meanwhile the other checks run."""
    gateway.application("lane-later", receiver, "/later")
    at = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=10)
    gateway.publish("lane-later", {"later": True}, deliverAt=at.isoformat())
    return at


def later(receiver, at):
    eventually("a message for later arrives", lambda: len(receiver.received("/later")), 1)
    check("not before its time", datetime.now(timezone.utc) >= at, True)


def schedule(stack):
    """What sweep finds is nothing; that it ran, and with the role it has, its log says."""
    logs = boto3.client("logs")
    seen = lambda: len(logs.filter_log_events(logGroupName=f"/aws/lambda/{stack}/sweep")["events"]) > 0
    eventually("the schedule fires", seen, True, SCHEDULE_SECONDS_MAX)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--stack", required=True)
    options = parser.parse_args()
    stack = boto3.client("cloudformation").describe_stacks(StackName=options.stack)["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    gateway, receiver = Gateway(options.url, options.token), Receiver()

    at = plan(gateway, receiver)
    for step in (errors, upload, drop, inbound, large):
        before, start = passed, time.monotonic()
        step(gateway, receiver, options.url, outputs)
        print(f"ok {step.__name__} ({passed - before} checks, {time.monotonic() - start:.1f} s)", flush=True)
    later(receiver, at)
    schedule(options.stack)
    attributes = boto3.client("sqs").get_queue_attributes(
        QueueUrl=outputs["DeadLetterQueueUrl"],
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    check("no dead letters", {int(value) for value in attributes.values()}, {0})
    print(f"{passed} passed, 0 failed")


main()
