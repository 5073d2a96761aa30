"""Takes the blocks of docs/VERIFYING.md, wraps each in the program of its language beside this file, and holds what it says of each
case against what is true. Called by tests/lanes/verifying.sh.

A case is a line: secret, id, time, signatures and body (in base64), with tabs between. A program reads the lines and answers each with
`true` (it is from the owner of the secret) or `false`.
"""

import argparse
import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from svix.api import ApplicationIn, EndpointIn, EndpointSecretRotateIn, MessageIn, Svix, SvixOptions

ROOT = pathlib.Path(__file__).resolve().parents[3]
HERE = pathlib.Path(__file__).resolve().parent
KEY = Ed25519PrivateKey.generate()
WAIT_SECONDS_MAX = 30
RUN_SECONDS_MAX = 120

# The block's name, the program around it, the files it is put together from, and how it is started.
PROGRAMS = {
    "python": ("program.py", "verify.py", [sys.executable, "program.py"]),
    "python-library": ("program.py", "verify.py", [sys.executable, "program.py"]),
    "python-v1a": ("program.py", "verify.py", [sys.executable, "program.py"]),
    "node": ("program.mjs", "verify.mjs", ["node", "program.mjs"]),
    "node-library": ("program.mjs", "verify.mjs", ["node", "program.mjs"]),
    "node-v1a": ("program.mjs", "verify.mjs", ["node", "program.mjs"]),
    "go": ("program.go", "verify.go", ["go", "run", "."]),
    "java": ("Program.java", "Webhooks.java", ["sh", "-c", "javac Webhooks.java Program.java && java Program"]),
    "ruby": ("program.rb", "verify.rb", ["ruby", "program.rb"]),
    "php": ("program.php", "verify.php", ["php", "program.php"]),
}
NEEDS = {"node": "node", "go": "go", "java": "javac", "ruby": "ruby", "php": "php"}
IN_CARGO_TEST = {"rust", "rust-library"}


def blocks():
    """Of the page, by their names."""
    page = (ROOT / "docs/VERIFYING.md").read_text()
    found = dict(re.findall(r"<!-- runs: ([a-z0-9-]+) -->\n```[a-z]+\n(.*?)```", page, re.DOTALL))
    fences = len(re.findall(r"^```(?:python|js|go|java|ruby|php|rust)$", page, re.MULTILINE))
    if fences != len(found):
        sys.exit(f"docs/VERIFYING.md has {fences} blocks of code, and {len(found)} of them say that they run")
    return found


# Deliveries, as a gateway makes them.


class Receiver:
    """Keeps what comes, by path."""

    def __init__(self):
        self.got = {}
        kept = self.got

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                kept.setdefault(self.path, []).append((dict(self.headers.items()), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}"

    def wait(self, path, count):
        until = time.monotonic() + WAIT_SECONDS_MAX
        while len(self.got.get(path, [])) < count:
            if time.monotonic() > until:
                sys.exit(f"{path} got {len(self.got.get(path, []))} deliveries of {count}")
            time.sleep(0.05)
        return self.got[path][count - 1]


def delivered(svix, token, url):
    """Deliveries with their secrets: signed once, signed with two secrets, and signed with a key whose public half the API shows."""
    receiver = Receiver()
    svix.application.create(ApplicationIn(name="Acme", uid="acme"))
    send = lambda: svix.message.create("acme", MessageIn(event_type="invoice.paid", payload={"name": "Zoë & <Co>", "amount": 1.50}))
    shared = svix.endpoint.create("acme", EndpointIn(url=f"{receiver.url}/shared")).id
    private = "whsk_" + base64.b64encode(KEY.private_bytes_raw()).decode()
    own = post(url, token, "/api/v1/app/acme/endpoint", {"url": f"{receiver.url}/own", "secret": private})["id"]
    secret = svix.endpoint.get_secret("acme", shared).key
    key = svix.endpoint.get_secret("acme", own).key
    send()
    once, asymmetric = receiver.wait("/shared", 1), receiver.wait("/own", 1)
    svix.endpoint.rotate_secret("acme", shared, EndpointSecretRotateIn())
    send()
    twice = receiver.wait("/shared", 2)
    return secret, svix.endpoint.get_secret("acme", shared).key, key, once, twice, asymmetric


def post(url, token, path, body):
    import urllib.request

    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(url + path, json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request))


# Cases


def sign(secret, message_id, sent_at, body):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def parts(delivery):
    headers, body = delivery
    return headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"], body


def cases_v1(old, new, once, twice):
    """(what it is, whether it is true, secret, id, time, signatures, body)"""
    message_id, sent_at, signature, body = parts(once)
    if signature != sign(old, message_id, sent_at, body):
        sys.exit("the gateway does not sign as this lane does")
    twice_id, twice_at, both, twice_body = parts(twice)
    if len(both.split()) != 2:
        sys.exit(f"a delivery through a rotation has not two signatures: {both}")
    now = int(time.time())
    at = lambda moment: (message_id, str(moment), sign(old, message_id, moment, body), body)
    stranger = "whsec_" + base64.b64encode(b"x" * 32).decode()
    return [
        ("a delivery", True, old, message_id, sent_at, signature, body),
        ("a delivery through a rotation, old secret", True, old, twice_id, twice_at, both, twice_body),
        ("a delivery through a rotation, new secret", True, new, twice_id, twice_at, both, twice_body),
        ("another version beside it", True, old, message_id, sent_at, f"v1a,bm90aGluZw== {signature}", body),
        ("four minutes old", True, old, *at(now - 240)),
        ("another body", False, old, message_id, sent_at, signature, body.replace(b"1.5", b"9.5")),
        ("one byte more", False, old, message_id, sent_at, signature, body + b"\n"),
        ("another id", False, old, message_id + "x", sent_at, signature, body),
        ("another time", False, old, message_id, str(int(sent_at) + 1), signature, body),
        ("six minutes old", False, old, *at(now - 360)),
        ("six minutes ahead", False, old, *at(now + 360)),
        ("no time", False, old, message_id, "soon", signature, body),
        ("another secret", False, stranger, message_id, sent_at, signature, body),
        ("the new secret, before the rotation", False, new, message_id, sent_at, signature, body),
        ("a version nobody knows", False, old, message_id, sent_at, signature.replace("v1,", "v2,"), body),
        ("half a signature", False, old, message_id, sent_at, signature[:20], body),
        ("no signature", False, old, message_id, sent_at, "v1,", body),
    ]


def cases_v1a(key, asymmetric):
    message_id, sent_at, signature, body = parts(asymmetric)
    hour_ago = str(int(sent_at) - 3_600)
    old = "v1a," + base64.b64encode(KEY.sign(f"{message_id}.{hour_ago}.".encode() + body)).decode()
    other = base64.b64encode(b"\x00" * 64).decode()
    return [
        ("a delivery", True, key, message_id, sent_at, signature, body),
        ("a second signature", True, key, message_id, sent_at, f"v1a,{other} {signature}", body),
        ("another body", False, key, message_id, sent_at, signature, body + b" "),
        ("another time", False, key, message_id, str(int(sent_at) + 1), signature, body),
        ("an hour old", False, key, message_id, hour_ago, old, body),
        ("another signature", False, key, message_id, sent_at, f"v1a,{other}", body),
        ("v1", False, key, message_id, sent_at, signature.replace("v1a,", "v1,"), body),
    ]


# Running


def put_together(name, block, folder, node_modules):
    program, verify, _ = PROGRAMS[name]
    folder.mkdir()
    (folder / verify).write_text(block)
    shutil.copy(HERE / program, folder / program)
    if name.startswith("node"):
        (folder / "node_modules").symlink_to(node_modules.resolve())
    if name == "go":
        (folder / "go.mod").write_text("module verifying\n\ngo 1.24\n")


def run(name, block, cases, work, node_modules):
    """How many cases were judged wrong."""
    folder = work / name
    put_together(name, block, folder, node_modules)
    lines = "".join("\t".join([*case[2:6], base64.b64encode(case[6]).decode()]) + "\n" for case in cases)
    done = subprocess.run(PROGRAMS[name][2], cwd=folder, input=lines, capture_output=True, text=True, timeout=RUN_SECONDS_MAX)
    answers = done.stdout.split()
    if done.returncode != 0 or len(answers) != len(cases):
        print(f"FAILED {name}: it ended with {done.returncode} and {len(answers)} answers\n{done.stderr[-2000:]}")
        return 1
    wrong = [case[0] for case, answer in zip(cases, answers) if answer != str(case[1]).lower()]
    print(f"FAILED {name}: judged wrong: {wrong}" if wrong else f"ok {name}, {len(cases)} cases")
    return len(wrong)


def check_example(page):
    """The delivery that the page shows is signed with the secret that it names."""
    fields = dict(re.findall(r"^(webhook-[a-z]+): (.*)$", page, re.MULTILINE))
    body = re.search(r"```http\n.*?\n\n(.*?)\n```", page, re.DOTALL).group(1).encode()
    secret = re.search(r"secret `(whsec_[^`]+)`", page).group(1)
    wanted = sign(secret, fields["webhook-id"], fields["webhook-timestamp"], body)
    if fields["webhook-signature"] != wanted:
        sys.exit(f"the example of docs/VERIFYING.md should have the signature {wanted}")


def readme(url, token, receiver_port):
    """The first block of Python in the README, with the printed token and an address that is there in the places of its own."""
    page = (ROOT / "README.md").read_text()
    block = re.search(r"```python\n(from svix.api.*?)```", page, re.DOTALL).group(1)
    for placeholder, value in [
        ("the printed token", token),
        ("http://127.0.0.1:8071", url),
        ("http://127.0.0.1:9000", f"http://127.0.0.1:{receiver_port}"),
        ('"acme"', '"readme"'),
    ]:
        if placeholder not in block:
            sys.exit(f"the README's block does not hold {placeholder}")
        block = block.replace(placeholder, value)
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, timeout=RUN_SECONDS_MAX)
    if done.returncode != 0 or not done.stdout.startswith("whsec_"):
        sys.exit(f"the README's block failed:\n{done.stdout}\n{done.stderr}")
    print("ok the README's block")


def main():
    arguments = argparse.ArgumentParser()
    for flag in ["--url", "--token", "--work", "--node-modules"]:
        arguments.add_argument(flag, required=True)
    arguments.add_argument("--only", type=lambda text: text.split(","))
    given = arguments.parse_args()
    svix = Svix(given.token, SvixOptions(server_url=given.url))
    old, new, key, once, twice, asymmetric = delivered(svix, given.token, given.url)
    check_example((ROOT / "docs/VERIFYING.md").read_text())
    readme(given.url, given.token, int(Receiver().url.rsplit(":", 1)[1]))
    wrong = 0
    for name, block in blocks().items():
        language = name.split("-")[0]
        if name in IN_CARGO_TEST or (given.only and language not in given.only):
            continue
        if (command := NEEDS.get(language)) and not shutil.which(command):
            print(f"SKIPPED {name}: there is no {command} here; NOBODY has run this block")
            continue
        cases = cases_v1a(key, asymmetric) if name.endswith("v1a") else cases_v1(old, new, once, twice)
        wrong += run(name, block, cases, pathlib.Path(given.work), pathlib.Path(given.node_modules))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
