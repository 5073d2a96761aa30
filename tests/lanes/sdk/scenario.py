#!/usr/bin/env python3
"""The scenario of README.md, with the official Python SDK. The same file runs with both generations of it: where they differ in
a name, the name is chosen once, below the imports. Called by tests/lanes/sdk-python.sh:

    scenario.py --url http://127.0.0.1:8071 --token TOKEN [--only 4,5]
"""

import argparse
import http.server
import json
import sys
import threading
import time
import traceback
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import standardwebhooks
import svix.api as api
import svix.models as models
from svix.exceptions import HttpError, HTTPValidationError
from svix.webhooks import Webhook

WAIT_SECONDS_MAX = 30
POLL_SECONDS = 0.05
PAGES_MAX = 200
REQUESTS_AT_ONCE_MAX = 16

# The generations of the SDK, in this order: 2.x, 1.x.
IS_NEW = hasattr(models, "EndpointUpsertIn")
EVENT_TYPES = "event_types" if IS_NEW else "filter_types"
UPSERT = "upsert" if IS_NEW else "update"
SET_HEADERS = "set_headers" if IS_NEW else "update_headers"
EndpointUpsert = models.EndpointUpsertIn if IS_NEW else models.EndpointUpdate
OperationalUpsert = models.OperationalWebhookEndpointUpsertIn if IS_NEW else models.OperationalWebhookEndpointUpdate


# Checks


class Failed(Exception):
    """A check that did not hold: what it was about, what was expected, what was seen."""

    def __init__(self, what, expected, seen):
        super().__init__(f"{what}\n    expected {short(expected)}\n    seen     {short(seen)}")


passed = 0


def short(value):
    text = repr(value)
    return text if len(text) <= 1_000 else text[:1_000] + "…"


def check(what, seen, expected):
    global passed
    if seen != expected:
        raise Failed(what, expected, seen)
    passed += 1


def eventually(what, see, expected):
    """One check, of something that takes its time."""
    until = time.monotonic() + WAIT_SECONDS_MAX
    while (seen := see()) != expected and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    check(what, seen, expected)


def refused(what, call, status, code=None):
    """The call is answered with that status, and with that code if one is named."""
    try:
        seen = call()
    except (HttpError, HTTPValidationError) as error:
        check(what, error.status_code, status)
        if code:
            check(f"{what}: code", error.code, code)
        return error
    raise Failed(what, f"status {status}", seen)


def verified(what, delivery, secret):
    """Both verifiers accept it, and neither accepts it changed."""
    for verifier in (Webhook(secret), standardwebhooks.Webhook(secret)):
        who = f"{what}: {type(verifier).__module__}"
        check(who, is_accepted(verifier, delivery.body, delivery.headers), True)
        check(f"{who}, changed", is_accepted(verifier, delivery.body + b" ", delivery.headers), False)


def is_accepted(verifier, body, headers):
    try:
        verifier.verify(body, headers)
        return True
    except standardwebhooks.WebhookVerificationError:
        return False


# The receiver

Delivery = namedtuple("Delivery", "body headers")


class Receiver:
    """Answers each path as it was told, and keeps what it got. A path nobody spoke of answers 200."""

    def __init__(self):
        self._lock = threading.Lock()
        self._answers = {}
        self._received = {}
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def answer(self, path, *statuses):
        """These, one after another; the last one for ever."""
        with self._lock:
            self._answers[path] = list(statuses)

    def received(self, path):
        with self._lock:
            return list(self._received.get(path, []))

    def ids(self, path):
        return [delivery.headers["webhook-id"] for delivery in self.received(path)]

    def _take(self, path, delivery):
        with self._lock:
            self._received.setdefault(path, []).append(delivery)
            answers = self._answers.get(path, [200])
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def _handler(receiver):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(receiver._take(self.path, Delivery(body, headers)))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler


# What the steps share


class Scenario:
    def __init__(self, url, token):
        self.url = url
        self.svix = self.as_caller(token)
        self.receiver = Receiver()

    def as_caller(self, token):
        return api.Svix(token, api.SvixOptions(server_url=self.url))

    def application(self, uid):
        return self.svix.application.create(models.ApplicationIn(name=uid, uid=uid)).uid

    def event_type(self, name, **fields):
        self.svix.event_type.create(models.EventTypeIn(name=name, description=name, **fields))
        return name

    def endpoint(self, app, path, *event_types):
        """An endpoint at that path of the receiver; for all event types unless some are named."""
        fields = {EVENT_TYPES: list(event_types)} if event_types else {}
        return self.svix.endpoint.create(app, models.EndpointIn(url=self.receiver.url(path), **fields))

    def publish(self, app, event_type, payload, **fields):
        return self.svix.message.create(app, models.MessageIn(event_type=event_type, payload=payload, **fields))

    def finished(self, what, started, task):
        """Follows a background task to its end."""
        check(f"{what}: task", started.task.value, task)
        check(f"{what}: status", started.status.value in ("running", "finished"), True)
        eventually(
            f"{what}: status in the end", lambda: self.svix.background_task.get(started.id).status.value, "finished"
        )


def pages(fetch):
    """The pages of a list, from the first to the one that says it is the last."""
    iterator = None
    for _ in range(PAGES_MAX):
        page = fetch(iterator)
        yield page
        if page.done:
            return
        iterator = page.iterator
    raise Failed("pages of a list", f"at most {PAGES_MAX}", "more")


def ids(listed):
    return [item.id for item in listed.data]


def names(listed):
    return [item.name for item in listed.data]


# Steps


def applications(scenario):
    client = scenario.svix.application
    created = client.create(
        models.ApplicationIn(name="Acme", uid="step-1-a", metadata={"plan": "gold"}, throttle_rate=50)
    )
    check("created: uid", created.uid, "step-1-a")
    check("created: metadata", created.metadata, {"plan": "gold"})
    check("created: throttle rate", created.throttle_rate, 50)
    check("by id", client.get(created.id), created)
    check("by uid", client.get("step-1-a"), created)
    check("get or create", client.get_or_create(models.ApplicationIn(name="Other", uid="step-1-a")), created)

    upsert = getattr(client, UPSERT)
    replaced = upsert(
        "step-1-a", models.ApplicationIn(name="Acme & Sons", uid="step-1-a", metadata={"plan": "tin"}, throttle_rate=7)
    )
    check("replaced: id", replaced.id, created.id)
    check("replaced: name", replaced.name, "Acme & Sons")
    check("replaced: metadata", replaced.metadata, {"plan": "tin"})
    other = upsert("step-1-b", models.ApplicationIn(name="Other", uid="step-1-b"))
    check("created by PUT", client.get("step-1-b"), other)

    patched = client.patch("step-1-a", models.ApplicationPatch(name="Acme Ltd"))
    check("patched name", patched.name, "Acme Ltd")
    check("patched name: metadata stays", patched.metadata, {"plan": "tin"})
    check("patched name: throttle rate stays", patched.throttle_rate, 7)
    patched = client.patch("step-1-a", models.ApplicationPatch(throttle_rate=None))
    check("throttle rate patched to null", patched.throttle_rate, None)
    check("throttle rate patched to null: name stays", patched.name, "Acme Ltd")

    listed = []
    for page in pages(lambda at: client.list(api.ApplicationListOptions(limit=1, iterator=at))):
        listed += ids(page)
    check("list one at a time: ours once each", (listed.count(created.id), listed.count(other.id)), (1, 1))
    check("list one at a time: nothing twice", len(set(listed)), len(listed))

    client.delete("step-1-b")
    refused("deleted", lambda: client.get("step-1-b"), 404, "not_found")


def event_types(scenario):
    client = scenario.svix.event_type
    name = "step2.invoice.paid"
    new = models.EventTypeIn(name=name, description="An invoice was paid", schemas=SCHEMA)
    created = client.create(new)
    check("created: name", created.name, name)
    check("created: schema", created.schemas, SCHEMA)
    check("by name", client.get(name), created)
    check("in the list", name in names(client.list()), True)

    patched = client.patch(name, models.EventTypePatch(description="Paid"))
    check("patched description", patched.description, "Paid")
    check("patched description: schema stays", patched.schemas, SCHEMA)
    refused("a second one", lambda: client.create(new), 409, "event_type_exists")

    client.delete(name)
    check("archived: by name", client.get(name).archived, True)
    check("archived: not in the list", name in names(client.list()), False)
    everything = client.list(api.EventTypeListOptions(include_archived=True))
    check("archived: in the list with archived ones", name in names(everything), True)
    check("created again: archived", bool(client.create(new).archived), False)
    check("created again: in the list", name in names(client.list()), True)


EXAMPLE = {"invoice": "in_1042", "amount_cents": 125_000}
SCHEMA = {
    "1": {
        "title": "Invoice paid",
        "type": "object",
        "properties": {"invoice": {"type": "string"}, "amount_cents": {"type": "integer"}},
        "required": ["invoice"],
        "examples": [EXAMPLE],
    }
}


def endpoints(scenario):
    client = scenario.svix.endpoint
    app = scenario.application("step-3")
    wanted = [scenario.event_type("step3.paid")]
    url = scenario.receiver.url("/3")
    created = client.create(
        app,
        models.EndpointIn(
            url=url,
            uid="main",
            description="The first",
            channels=["project-1"],
            metadata={"team": "billing"},
            headers={"x-tenant": "acme", "authorization": "Bearer abc"},
            **{EVENT_TYPES: wanted},
        ),
    )
    check("created: url", created.url, url)
    check("created: event types", getattr(created, EVENT_TYPES), wanted)
    check("created: channels", created.channels, ["project-1"])
    check("created: metadata", created.metadata, {"team": "billing"})
    check("by id", client.get(app, created.id), created)
    check("by uid", client.get(app, "main"), created)
    check("in the list", ids(client.list(app)), [created.id])

    patched = client.patch(app, "main", models.EndpointPatch(description="Patched"))
    check("patched description", patched.description, "Patched")
    check("patched description: event types stay", getattr(patched, EVENT_TYPES), wanted)
    check("patched description: channels stay", patched.channels, ["project-1"])
    check("patched description: metadata stays", patched.metadata, {"team": "billing"})
    patched = client.patch(app, "main", models.EndpointPatch(channels=None))
    check("channels patched to null", patched.channels, None)
    check("channels patched to null: event types stay", getattr(patched, EVENT_TYPES), wanted)

    replaced = getattr(client, UPSERT)(app, "main", EndpointUpsert(url=url + "/new", uid="main"))
    check("replaced: id", replaced.id, created.id)
    check("replaced: url", replaced.url, url + "/new")
    check("replaced: event types", getattr(replaced, EVENT_TYPES), None)

    shown = client.get_headers(app, "main")
    check("headers", shown.headers, {"x-tenant": "acme"})
    check("sensitive headers", shown.sensitive, ["authorization"])
    patch = models.EndpointHeadersPatchIn(headers={"x-region": "eu"}, delete_headers=["x-tenant"])
    client.patch_headers(app, "main", patch)
    check("patched headers", client.get_headers(app, "main").headers, {"x-region": "eu"})
    check("patched headers: sensitive ones stay", client.get_headers(app, "main").sensitive, ["authorization"])
    getattr(client, SET_HEADERS)(app, "main", models.EndpointHeadersIn(headers={"x-zone": "b"}))
    check("set headers", client.get_headers(app, "main").headers, {"x-zone": "b"})

    check("secret", client.get_secret(app, "main").key[:6], "whsec_")
    client.delete(app, "main")
    refused("deleted", lambda: client.get(app, "main"), 404, "not_found")


def publish(scenario):
    client, receiver = scenario.svix.message, scenario.receiver
    app = scenario.application("step-4")
    paid, other = scenario.event_type("step4.paid"), scenario.event_type("step4.other")
    everything = scenario.svix.endpoint.create(
        app, models.EndpointIn(url=receiver.url("/4/all"), headers={"x-tenant": "acme"})
    )
    scenario.endpoint(app, "/4/other", other)
    payload = {"invoice": "in_1042", "text": "Grüße, 世界"}

    first = scenario.publish(app, paid, payload, event_id="event-1", tags=["red", "blue"])
    check("published: id", first.id[:4], "msg_")
    check("published: event id", first.event_id, "event-1")
    again = scenario.publish(app, paid, payload, event_id="event-1", tags=["red", "blue"])
    check("the same event again", again.id, first.id)
    refused("another body", lambda: scenario.publish(app, paid, {"b": 2}, event_id="event-1"), 409, "conflict")
    second = scenario.publish(app, other, {"second": True})

    eventually("all types arrive", lambda: set(receiver.ids("/4/all")), {first.id, second.id})
    eventually("the other type, and only it, arrives", lambda: receiver.ids("/4/other"), [second.id])
    delivery = next(each for each in receiver.received("/4/all") if each.headers["webhook-id"] == first.id)
    check("delivered: body", json.loads(delivery.body), payload)
    check("delivered: the endpoint's header", delivery.headers.get("x-tenant"), "acme")
    verified("delivered", delivery, scenario.svix.endpoint.get_secret(app, everything.id).key)

    check("by event id", client.get(app, "event-1").id, first.id)
    check("by tag", ids(client.list(app, api.MessageListOptions(tag="blue"))), [first.id])
    check("by a tag of nobody", ids(client.list(app, api.MessageListOptions(tag="green"))), [])

    bare = client.create(
        app, models.MessageIn(event_type=paid, payload={"a": 1}), api.MessageCreateOptions(with_content=False)
    )
    check("created without content", bare.payload, {})
    for with_content, expected in ((True, payload), (False, {})):
        shown = client.get(app, first.id, api.MessageGetOptions(with_content=with_content))
        check(f"get, with_content={with_content}", shown.payload, expected)
        listed = client.list(app, api.MessageListOptions(tag="red", with_content=with_content))
        check(f"list, with_content={with_content}", listed.data[0].payload, expected)

    new = models.ApplicationIn(name="Inline", uid="step-4-inline")
    inline = scenario.publish("step-4-inline", paid, {"a": 1}, application=new)
    check("application inside: application", scenario.svix.application.get("step-4-inline").name, "Inline")
    check("application inside: message", client.get("step-4-inline", inline.id).id, inline.id)


def message_pages(scenario):
    client = scenario.svix.message
    app = scenario.application("step-5")
    event_type = scenario.event_type("step5.counted")

    def publish_many(count):
        with ThreadPoolExecutor(REQUESTS_AT_ONCE_MAX) as pool:
            return list(pool.map(lambda number: scenario.publish(app, event_type, {"number": number}).id, range(count)))

    published = publish_many(1_000)
    check("published: different ids", len(set(published)), 1_000)

    forth, meanwhile = [], None
    with ThreadPoolExecutor(1) as background:
        for page in pages(lambda at: client.list(app, api.MessageListOptions(limit=100, iterator=at))):
            meanwhile = meanwhile or background.submit(publish_many, 20)
            forth.append(page)
        check("published meanwhile", len(meanwhile.result()), 20)

    listed = [id for page in forth for id in ids(page)]
    check("pages: every message exactly once", sorted(listed), sorted(published))
    check("pages: newest first", listed, sorted(listed, reverse=True))
    check("pages: sizes", [len(page.data) for page in forth], [100] * 10)

    back = [forth[-1]]
    while len(back) < len(forth):
        at = back[-1].prev_iterator
        check("back: there is a page before", at is not None, True)
        back.append(client.list(app, api.MessageListOptions(limit=100, iterator=at)))
    check("back: the same pages", [ids(page) for page in reversed(back)], [ids(page) for page in forth])


def attempts(scenario):
    client, receiver = scenario.svix.message_attempt, scenario.receiver
    app = scenario.application("step-6")
    event_type = scenario.event_type("step6.tried")
    receiver.answer("/6/flaky", 500, 500, 200)
    receiver.answer("/6/broken", 404)
    flaky, good, broken = (scenario.endpoint(app, path) for path in ("/6/flaky", "/6/good", "/6/broken"))
    message = scenario.publish(app, event_type, {"a": 1})

    def of_message(endpoint):
        return client.list_by_msg(app, message.id, api.MessageAttemptListByMsgOptions(endpoint_id=endpoint.id)).data

    for endpoint, codes in ((flaky, [200, 500, 500]), (good, [200]), (broken, [404, 404, 404])):
        eventually(
            f"attempts at {endpoint.url}",
            lambda: [attempt.response_status_code for attempt in of_message(endpoint)],
            codes,
        )
    tried = of_message(flaky)
    success, fail = models.MessageStatus.SUCCESS, models.MessageStatus.FAIL
    check("attempts: status", [attempt.status for attempt in tried], [success, fail, fail])
    check("attempts: status text", tried[0].status_text, models.MessageStatusText.SUCCESS)
    check("attempts: url", tried[0].url, flaky.url)
    check("attempts: newest first", tried, sorted(tried, key=lambda attempt: attempt.timestamp, reverse=True))
    check("attempts of all endpoints", len(client.list_by_msg(app, message.id).data), 7)

    for filters, expected in (
        ({}, ids_of(tried)),
        ({"status": success}, ids_of(tried[:1])),
        ({"status": fail}, ids_of(tried[1:])),
        ({"status_code_class": models.StatusCodeClass.CODE5XX}, ids_of(tried[1:])),
        ({"status_code_class": models.StatusCodeClass.CODE4XX}, []),
    ):
        seen = client.list_by_endpoint(app, flaky.id, api.MessageAttemptListByEndpointOptions(**filters))
        check(f"by endpoint, {filters}", ids(seen), expected)
    check("by id", client.get(app, message.id, tried[0].id).id, tried[0].id)

    eventually(
        "attempted destinations",
        lambda: {each.id: each.status for each in client.list_attempted_destinations(app, message.id).data},
        {flaky.id: success, good.id: success, broken.id: fail},
    )
    for endpoint, status in ((flaky, success), (broken, fail)):
        seen = client.list_attempted_messages(app, endpoint.id).data
        check(f"attempted messages of {endpoint.url}", [(each.id, each.status) for each in seen], [(message.id, status)])
        for wanted in (success, fail):
            options = api.MessageAttemptListAttemptedMessagesOptions(status=wanted)
            seen = ids(client.list_attempted_messages(app, endpoint.id, options))
            check(f"attempted messages, status {wanted}", seen, [message.id] if wanted == status else [])
        eventually(
            f"stats of {endpoint.url}",
            lambda: counts(scenario.svix.endpoint.get_stats(app, endpoint.id)),
            {"success": int(status == success), "fail": int(status == fail), "pending": 0, "sending": 0},
        )


def ids_of(items):
    return [item.id for item in items]


def counts(stats):
    return {name: getattr(stats, name) for name in ("success", "fail", "pending", "sending")}


def resend(scenario):
    client, receiver = scenario.svix.message_attempt, scenario.receiver
    app = scenario.application("step-7")
    endpoint = scenario.endpoint(app, "/7")
    message = scenario.publish(app, scenario.event_type("step7.sent"), {"a": 1})

    def triggers():
        return [attempt.trigger_type.value for attempt in client.list_by_msg(app, message.id).data]

    eventually("one attempt", triggers, [0])
    client.resend(app, message.id, endpoint.id)
    eventually("one more attempt, by hand", triggers, [1, 0])
    check("the same message again", receiver.ids("/7"), [message.id] * 2)
    verified("again", receiver.received("/7")[1], scenario.svix.endpoint.get_secret(app, endpoint.id).key)


def recover(scenario):
    client, receiver = scenario.svix.endpoint, scenario.receiver
    app = scenario.application("step-8")
    event_type = scenario.event_type("step8.lost")
    since = datetime.now(timezone.utc) - timedelta(minutes=1)
    receiver.answer("/8/broken", 404)
    broken = scenario.endpoint(app, "/8/broken")
    messages = {scenario.publish(app, event_type, {"number": number}).id for number in range(5)}
    eventually(
        "all attempts are spent",
        lambda: len(scenario.svix.message_attempt.list_by_endpoint(app, broken.id).data),
        3 * len(messages),
    )

    receiver.answer("/8/broken", 200)
    before = len(receiver.received("/8/broken"))
    started = client.recover(app, broken.id, models.RecoverIn(since=since))
    scenario.finished("recover", started, "endpoint.recover")
    eventually("recover: all arrive", lambda: set(receiver.ids("/8/broken")[before:]), messages)
    check("recover: in the list of tasks", started.id in ids(scenario.svix.background_task.list()), True)

    late = scenario.endpoint(app, "/8/late")
    started = client.replay_missing(app, late.id, models.ReplayIn(since=since))
    scenario.finished("replay missing", started, "endpoint.replay")
    eventually("replay missing: all arrive", lambda: set(receiver.ids("/8/late")), messages)


def rotate_secret(scenario):
    client, receiver = scenario.svix.endpoint, scenario.receiver
    app = scenario.application("step-9")
    endpoint = scenario.endpoint(app, "/9")
    old = client.get_secret(app, endpoint.id).key
    answer = client.rotate_secret(app, endpoint.id, models.EndpointSecretRotateIn())
    new = client.get_secret(app, endpoint.id).key
    check("another secret", new != old, True)
    if IS_NEW:
        check("the answer is the new one", answer.key, new)

    message = scenario.publish(app, scenario.event_type("step9.signed"), {"a": 1})
    eventually("a message arrives", lambda: receiver.ids("/9"), [message.id])
    for name, secret in (("old", old), ("new", new)):
        verified(f"with the {name} secret", receiver.received("/9")[0], secret)


def portal(scenario):
    authentication = scenario.svix.authentication
    a, b = scenario.application("step-10-a"), scenario.application("step-10-b")
    endpoint = scenario.endpoint(a, "/10")
    event_type = scenario.event_type("step10.seen")

    def access(**fields):
        given = authentication.app_portal_access(a, models.AppPortalAccessIn(**fields))
        check("access: url", given.url[:4], "http")
        return scenario.as_caller(given.token)

    visitor, other, reader = access(), access(), access(read_only=True)
    new_endpoint = models.EndpointIn(url=scenario.receiver.url("/10/new"))

    check("the token lists the endpoints of A", ids(visitor.endpoint.list(a)), [endpoint.id])
    created = visitor.endpoint.create(a, new_endpoint)
    check("the token creates an endpoint in A", scenario.svix.endpoint.get(a, created.id).url, new_endpoint.url)
    refused("the token does not see B", lambda: visitor.endpoint.list(b), 404, "not_found")
    refused("it creates no application", lambda: visitor.application.create(models.ApplicationIn(name="No")), 403)
    new_message = models.MessageIn(event_type=event_type, payload={})
    refused("it creates no message", lambda: visitor.message.create(a, new_message), 403)
    both = {endpoint.id, created.id}
    check("the read-only token lists the endpoints of A", set(ids(reader.endpoint.list(a))), both)
    refused("the read-only token creates no endpoint", lambda: reader.endpoint.create(a, new_endpoint), 403)

    visitor.authentication.logout()
    refused("logged out", lambda: visitor.endpoint.list(a), 401, "authentication_failed")
    check("the other token is not logged out", set(ids(other.endpoint.list(a))), both)
    authentication.expire_all(a, models.ApplicationTokenExpireIn())
    refused("all expired", lambda: other.endpoint.list(a), 401, "authentication_failed")


def content_and_time(scenario):
    client, receiver = scenario.svix.message, scenario.receiver
    app = scenario.application("step-11")
    event_type = scenario.event_type("step11.paid", schemas=SCHEMA)
    unwanted = scenario.event_type("step11.unwanted")
    endpoint = scenario.endpoint(app, "/11", event_type)

    example = scenario.svix.endpoint.send_example(app, endpoint.id, models.EventExampleIn(event_type=event_type))
    eventually("the example arrives", lambda: receiver.ids("/11"), [example.id])
    check("the example is the schema's", json.loads(receiver.received("/11")[0].body), EXAMPLE)

    for name, expected in ((event_type, True), (unwanted, False)):
        seen = client.precheck(app, models.MessagePrecheckIn(event_type=name))
        check(f"precheck of {name}", seen.active, expected)

    message = scenario.publish(app, event_type, {"secret": "forget me"})
    eventually("a message arrives", lambda: receiver.ids("/11"), [example.id, message.id])
    client.expunge_content(app, message.id)
    shown = client.get(app, message.id, api.MessageGetOptions(with_content=True))
    check("expunged content", shown.payload, {"expired": True})

    at = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(minutes=2)
    planned = scenario.publish(app, event_type, {"a": 1}, deliver_at=at)
    check("planned: in the answer", planned.deliver_at, at)
    check("planned: by id", client.get(app, planned.id).deliver_at, at)
    later = scenario.publish(app, event_type, {"a": 2})
    eventually("a later one overtakes it", lambda: receiver.ids("/11"), [example.id, message.id, later.id])


def operational_webhooks(scenario):
    client = scenario.svix.operational_webhook.endpoint
    url = scenario.receiver.url("/12")
    wanted = ["endpoint.created", "message.attempt.exhausted"]
    new = models.OperationalWebhookEndpointIn(
        url=url, uid="step-12", description="Ours", metadata={"team": "ops"}, **{EVENT_TYPES: wanted}
    )
    created = client.create(new)
    check("created: url", created.url, url)
    check("created: event types", sorted(getattr(created, EVENT_TYPES)), wanted)
    check("created: metadata", created.metadata, {"team": "ops"})
    check("by id", client.get(created.id), created)
    check("by uid", client.get("step-12"), created)
    check("in the list", ids(client.list()), [created.id])

    replaced = getattr(client, UPSERT)("step-12", OperationalUpsert(url=url + "/new", uid="step-12"))
    check("replaced: id", replaced.id, created.id)
    check("replaced: url", replaced.url, url + "/new")

    secret = client.get_secret(created.id).key
    check("secret", secret[:6], "whsec_")
    client.rotate_secret(created.id, models.OperationalWebhookEndpointSecretIn())
    check("another secret after rotation", client.get_secret(created.id).key != secret, True)

    headers = {"x-tenant": "acme", "authorization": "Bearer abc"}
    getattr(client, SET_HEADERS)(created.id, models.OperationalWebhookEndpointHeadersIn(headers=headers))
    shown = client.get_headers(created.id)
    check("headers", shown.headers, {"x-tenant": "acme"})
    check("sensitive headers", shown.sensitive, ["authorization"])

    client.delete(created.id)
    refused("deleted", lambda: client.get(created.id), 404, "not_found")


def errors(scenario):
    refused("an unknown application", lambda: scenario.svix.application.get("step-13-unknown"), 404, "not_found")

    app = scenario.application("step-13")
    wrong = models.EndpointIn(url="not a url")
    error = refused("a wrong body", lambda: scenario.svix.endpoint.create(app, wrong), 422)
    check("a wrong body: path", error.detail[0].loc, ["body", "url"])
    check("a wrong body: message", error.detail[0].msg != "", True)
    check("a wrong body: type", error.detail[0].type, "value_error")

    stranger = scenario.as_caller("not a token")
    refused("a bad token", lambda: stranger.application.list(), 401, "authentication_failed")


STEPS = [
    ("applications", applications),
    ("event types", event_types),
    ("endpoints", endpoints),
    ("publish", publish),
    ("pages", message_pages),
    ("attempts", attempts),
    ("resend", resend),
    ("recover", recover),
    ("rotate secret", rotate_secret),
    ("portal", portal),
    ("content and time", content_and_time),
    ("operational webhooks", operational_webhooks),
    ("errors", errors),
]


def run(title, step, scenario):
    """Whether the step held. What the SDK raises by itself is a failure like any other, and says where."""
    before, start = passed, time.monotonic()
    try:
        step(scenario)
    except Exception as error:
        where = "" if isinstance(error, Failed) else f"{type(error).__name__}, {lines_of(error)}: "
        print(f"FAILED {title}: {where}{error}", file=sys.stderr, flush=True)
        return False
    print(f"ok {title} ({passed - before} checks, {time.monotonic() - start:.1f} s)", flush=True)
    return True


def lines_of(error):
    """The lines of this file that the error went through, the step's first."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [str(frame.lineno) for frame in frames if frame.filename == __file__ and frame.name != run.__name__]
    return "line " + " > ".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--only", default="", help="numbers of steps, separated by commas")
    options = parser.parse_args()

    only = {int(number) for number in options.only.split(",") if number}
    scenario = Scenario(options.url, options.token)
    failed = 0
    for number, (name, step) in enumerate(STEPS, start=1):
        if not only or number in only:
            failed += not run(f"{number} {name}", step, scenario)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
