// The scenario of README.md, with the official JavaScript SDK. Called by tests/lanes/sdk-javascript.sh:
//
//     node scenario.mjs --url http://127.0.0.1:8071 --token TOKEN [--only 4,5]

import http from "node:http";
import { inspect, isDeepStrictEqual, parseArgs } from "node:util";
import standardwebhooks from "standardwebhooks";
import { ApiException, MessageStatus, StatusCodeClass, Svix, Webhook } from "svix";

const WAIT_SECONDS_MAX = 30;
const POLL_MS = 50;
const PAGES_MAX = 200;
const REQUESTS_AT_ONCE_MAX = 16;

// Checks

// A check that did not hold: what it was about, what was expected, what was seen.
class Failed extends Error {
    constructor(what, expected, seen) {
        super(`${what}\n    expected ${short(expected)}\n    seen     ${short(seen)}`);
    }
}

let passed = 0;

function short(value) {
    const text = inspect(value, { breakLength: Infinity });
    return text.length <= 1_000 ? text : `${text.slice(0, 1_000)}…`;
}

function check(what, seen, expected) {
    if (!isDeepStrictEqual(seen, expected)) {
        throw new Failed(what, expected, seen);
    }
    passed += 1;
}

// One check, of something that takes its time.
async function eventually(what, see, expected) {
    const until = Date.now() + WAIT_SECONDS_MAX * 1_000;
    let seen = await see();
    while (!isDeepStrictEqual(seen, expected) && Date.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        seen = await see();
    }
    check(what, seen, expected);
}

// The call is answered with that status, and with that code if one is named.
async function refused(what, call, status, code) {
    let seen;
    try {
        seen = await call();
    } catch (error) {
        if (!(error instanceof ApiException)) {
            throw error;
        }
        check(what, error.code, status);
        if (code) {
            check(`${what}: code`, error.body.code, code);
        }
        return error.body;
    }
    throw new Failed(what, `status ${status}`, seen);
}

// Both verifiers accept it, and neither accepts it changed.
function verified(what, delivery, secret) {
    const verifiers = { svix: new Webhook(secret), standardwebhooks: new standardwebhooks.Webhook(secret) };
    for (const [name, verifier] of Object.entries(verifiers)) {
        check(`${what}: ${name}`, isAccepted(verifier, delivery.body, delivery.headers), true);
        check(`${what}: ${name}, changed`, isAccepted(verifier, `${delivery.body} `, delivery.headers), false);
    }
}

function isAccepted(verifier, body, headers) {
    try {
        verifier.verify(body, headers);
        return true;
    } catch (error) {
        if (!(error instanceof standardwebhooks.WebhookVerificationError)) {
            throw error;
        }
        return false;
    }
}

// The receiver

// Answers each path as it was told, and keeps what it got. A path nobody spoke of answers 200.
class Receiver {
    #answers = new Map();
    #received = new Map();
    #server = http.createServer((request, response) => {
        const chunks = [];
        request.on("data", (chunk) => chunks.push(chunk));
        request.on("end", () => {
            const delivery = { body: Buffer.concat(chunks).toString(), headers: request.headers };
            response.writeHead(this.#take(request.url, delivery)).end();
        });
    });

    listen() {
        return new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    }

    close() {
        this.#server.close();
        this.#server.closeAllConnections();
    }

    url(path) {
        return `http://127.0.0.1:${this.#server.address().port}${path}`;
    }

    // These, one after another; the last one for ever.
    answer(path, ...statuses) {
        this.#answers.set(path, statuses);
    }

    received(path) {
        return this.#received.get(path) ?? [];
    }

    ids(path) {
        return this.received(path).map((delivery) => delivery.headers["webhook-id"]);
    }

    #take(path, delivery) {
        this.#received.set(path, [...this.received(path), delivery]);
        const answers = this.#answers.get(path) ?? [200];
        return answers.length > 1 ? answers.shift() : answers[0];
    }
}

// What the steps share

class Scenario {
    constructor(url, token) {
        this.url = url;
        this.svix = this.asCaller(token);
        this.receiver = new Receiver();
    }

    asCaller(token) {
        return new Svix(token, { serverUrl: this.url });
    }

    async application(uid) {
        return (await this.svix.application.create({ name: uid, uid })).uid;
    }

    async eventType(name, fields = {}) {
        await this.svix.eventType.create({ name, description: name, ...fields });
        return name;
    }

    // An endpoint at that path of the receiver; for all event types unless some are named.
    endpoint(app, path, ...eventTypes) {
        const fields = eventTypes.length > 0 ? { eventTypes } : {};
        return this.svix.endpoint.create(app, { url: this.receiver.url(path), ...fields });
    }

    publish(app, eventType, payload, fields = {}) {
        return this.svix.message.create(app, { eventType, payload, ...fields });
    }

    // Follows a background task to its end.
    async finished(what, started, task) {
        check(`${what}: task`, started.task, task);
        check(`${what}: status`, ["running", "finished"].includes(started.status), true);
        const status = async () => (await this.svix.backgroundTask.get(started.id)).status;
        await eventually(`${what}: status in the end`, status, "finished");
    }
}

// The pages of a list, from the first to the one that says it is the last.
async function* pages(fetch) {
    let iterator;
    for (let count = 0; count < PAGES_MAX; count += 1) {
        const page = await fetch(iterator);
        yield page;
        if (page.done) {
            return;
        }
        iterator = page.iterator;
    }
    throw new Failed("pages of a list", `at most ${PAGES_MAX}`, "more");
}

// A set compares without order, sorted or not.
const setOf = (items) => new Set(items);
const ids = (listed) => listed.data.map((item) => item.id);
const names = (listed) => listed.data.map((item) => item.name);

// Steps

const EXAMPLE = { invoice: "in_1042", amount_cents: 125_000 };
const SCHEMA = {
    1: {
        title: "Invoice paid",
        type: "object",
        properties: { invoice: { type: "string" }, amount_cents: { type: "integer" } },
        required: ["invoice"],
        examples: [EXAMPLE],
    },
};

async function applications({ svix }) {
    const client = svix.application;
    const created = await client.create({ name: "Acme", uid: "step-1-a", metadata: { plan: "gold" }, throttleRate: 50 });
    check("created: uid", created.uid, "step-1-a");
    check("created: metadata", created.metadata, { plan: "gold" });
    check("created: throttle rate", created.throttleRate, 50);
    check("by id", await client.get(created.id), created);
    check("by uid", await client.get("step-1-a"), created);
    check("get or create", await client.getOrCreate({ name: "Other", uid: "step-1-a" }), created);

    const fields = { name: "Acme & Sons", uid: "step-1-a", metadata: { plan: "tin" }, throttleRate: 7 };
    const replaced = await client.upsert("step-1-a", fields);
    check("replaced: id", replaced.id, created.id);
    check("replaced: name", replaced.name, "Acme & Sons");
    check("replaced: metadata", replaced.metadata, { plan: "tin" });
    const other = await client.upsert("step-1-b", { name: "Other", uid: "step-1-b" });
    check("created by PUT", await client.get("step-1-b"), other);

    let patched = await client.patch("step-1-a", { name: "Acme Ltd" });
    check("patched name", patched.name, "Acme Ltd");
    check("patched name: metadata stays", patched.metadata, { plan: "tin" });
    check("patched name: throttle rate stays", patched.throttleRate, 7);
    patched = await client.patch("step-1-a", { throttleRate: null });
    check("throttle rate patched to null", patched.throttleRate ?? null, null);
    check("throttle rate patched to null: name stays", patched.name, "Acme Ltd");

    const listed = [];
    for await (const page of pages((iterator) => client.list({ limit: 1, iterator }))) {
        listed.push(...ids(page));
    }
    for (const { id } of [created, other]) {
        check("list one at a time: ours once each", listed.filter((each) => each === id).length, 1);
    }
    check("list one at a time: nothing twice", setOf(listed).size, listed.length);

    await client.delete("step-1-b");
    await refused("deleted", () => client.get("step-1-b"), 404, "not_found");
}

async function eventTypes({ svix }) {
    const client = svix.eventType;
    const name = "step2.invoice.paid";
    const fields = { name, description: "An invoice was paid", schemas: SCHEMA };
    const created = await client.create(fields);
    check("created: name", created.name, name);
    check("created: schema", created.schemas, SCHEMA);
    check("by name", await client.get(name), created);
    check("in the list", names(await client.list()).includes(name), true);

    const patched = await client.patch(name, { description: "Paid" });
    check("patched description", patched.description, "Paid");
    check("patched description: schema stays", patched.schemas, SCHEMA);
    await refused("a second one", () => client.create(fields), 409, "event_type_exists");

    await client.delete(name);
    check("archived: by name", (await client.get(name)).archived, true);
    check("archived: not in the list", names(await client.list()).includes(name), false);
    const everything = await client.list({ includeArchived: true });
    check("archived: in the list with archived ones", names(everything).includes(name), true);
    check("created again: archived", Boolean((await client.create(fields)).archived), false);
    check("created again: in the list", names(await client.list()).includes(name), true);
}

async function endpoints(scenario) {
    const client = scenario.svix.endpoint;
    const app = await scenario.application("step-3");
    const wanted = [await scenario.eventType("step3.paid")];
    const url = scenario.receiver.url("/3");
    const created = await client.create(app, {
        url,
        uid: "main",
        description: "The first",
        eventTypes: wanted,
        channels: ["project-1"],
        metadata: { team: "billing" },
        headers: { "x-tenant": "acme", authorization: "Bearer abc" },
    });
    check("created: url", created.url, url);
    check("created: event types", created.eventTypes, wanted);
    check("created: channels", created.channels, ["project-1"]);
    check("created: metadata", created.metadata, { team: "billing" });
    check("by id", await client.get(app, created.id), created);
    check("by uid", await client.get(app, "main"), created);
    check("in the list", ids(await client.list(app)), [created.id]);

    let patched = await client.patch(app, "main", { description: "Patched" });
    check("patched description", patched.description, "Patched");
    check("patched description: event types stay", patched.eventTypes, wanted);
    check("patched description: channels stay", patched.channels, ["project-1"]);
    check("patched description: metadata stays", patched.metadata, { team: "billing" });
    patched = await client.patch(app, "main", { channels: null });
    check("channels patched to null", patched.channels ?? null, null);
    check("channels patched to null: event types stay", patched.eventTypes, wanted);

    const replaced = await client.upsert(app, "main", { url: `${url}/new`, uid: "main" });
    check("replaced: id", replaced.id, created.id);
    check("replaced: url", replaced.url, `${url}/new`);
    check("replaced: event types", replaced.eventTypes ?? null, null);

    let shown = await client.getHeaders(app, "main");
    check("headers", shown.headers, { "x-tenant": "acme" });
    check("sensitive headers", shown.sensitive, ["authorization"]);
    await client.patchHeaders(app, "main", { headers: { "x-region": "eu" }, deleteHeaders: ["x-tenant"] });
    shown = await client.getHeaders(app, "main");
    check("patched headers", shown.headers, { "x-region": "eu" });
    check("patched headers: sensitive ones stay", shown.sensitive, ["authorization"]);
    await client.setHeaders(app, "main", { headers: { "x-zone": "b" } });
    check("set headers", (await client.getHeaders(app, "main")).headers, { "x-zone": "b" });

    check("secret", (await client.getSecret(app, "main")).key.slice(0, 6), "whsec_");
    await client.delete(app, "main");
    await refused("deleted", () => client.get(app, "main"), 404, "not_found");
}

async function publish(scenario) {
    const { receiver } = scenario;
    const client = scenario.svix.message;
    const app = await scenario.application("step-4");
    const paid = await scenario.eventType("step4.paid");
    const other = await scenario.eventType("step4.other");
    const everything = await scenario.svix.endpoint.create(app, {
        url: receiver.url("/4/all"),
        headers: { "x-tenant": "acme" },
    });
    await scenario.endpoint(app, "/4/other", other);
    const payload = { invoice: "in_1042", text: "Grüße, 世界" };
    const fields = { eventId: "event-1", tags: ["red", "blue"] };

    const first = await scenario.publish(app, paid, payload, fields);
    check("published: id", first.id.slice(0, 4), "msg_");
    check("published: event id", first.eventId, "event-1");
    check("the same event again", (await scenario.publish(app, paid, payload, fields)).id, first.id);
    await refused("another body", () => scenario.publish(app, paid, { b: 2 }, { eventId: "event-1" }), 409, "conflict");
    const second = await scenario.publish(app, other, { second: true });

    await eventually("all types arrive", () => setOf(receiver.ids("/4/all")), setOf([first.id, second.id]));
    await eventually("the other type, and only it, arrives", () => receiver.ids("/4/other"), [second.id]);
    const delivery = receiver.received("/4/all").find((each) => each.headers["webhook-id"] === first.id);
    check("delivered: body", JSON.parse(delivery.body), payload);
    check("delivered: the endpoint's header", delivery.headers["x-tenant"], "acme");
    verified("delivered", delivery, (await scenario.svix.endpoint.getSecret(app, everything.id)).key);

    check("by event id", (await client.get(app, "event-1")).id, first.id);
    check("by tag", ids(await client.list(app, { tag: "blue" })), [first.id]);
    check("by a tag of nobody", ids(await client.list(app, { tag: "green" })), []);

    const bare = await client.create(app, { eventType: paid, payload: { a: 1 } }, { withContent: false });
    check("created without content", bare.payload, {});
    for (const [withContent, expected] of [[true, payload], [false, {}]]) {
        const shown = await client.get(app, first.id, { withContent });
        check(`get, with_content=${withContent}`, shown.payload, expected);
        const listed = await client.list(app, { tag: "red", withContent });
        check(`list, with_content=${withContent}`, listed.data[0].payload, expected);
    }

    const application = { name: "Inline", uid: "step-4-inline" };
    const inline = await scenario.publish("step-4-inline", paid, { a: 1 }, { application });
    check("application inside: application", (await scenario.svix.application.get("step-4-inline")).name, "Inline");
    check("application inside: message", (await client.get("step-4-inline", inline.id)).id, inline.id);
}

async function messagePages(scenario) {
    const client = scenario.svix.message;
    const app = await scenario.application("step-5");
    const eventType = await scenario.eventType("step5.counted");

    async function publishMany(count) {
        const published = [];
        let next = 0;
        async function publishInTurn() {
            while (next < count) {
                next += 1;
                published.push((await scenario.publish(app, eventType, { number: next })).id);
            }
        }
        await Promise.all(Array.from({ length: REQUESTS_AT_ONCE_MAX }, publishInTurn));
        return published;
    }

    const published = await publishMany(1_000);
    check("published: different ids", setOf(published).size, 1_000);

    const forth = [];
    let meanwhile;
    for await (const page of pages((iterator) => client.list(app, { limit: 100, iterator }))) {
        meanwhile ??= publishMany(20);
        forth.push(page);
    }
    check("published meanwhile", (await meanwhile).length, 20);

    const listed = forth.flatMap(ids);
    check("pages: every message exactly once", [...listed].sort(), [...published].sort());
    check("pages: newest first", listed, [...listed].sort().reverse());
    check("pages: sizes", forth.map((page) => page.data.length), Array(10).fill(100));

    const back = [forth.at(-1)];
    while (back.length < forth.length) {
        const iterator = back.at(-1).prevIterator;
        check("back: there is a page before", Boolean(iterator), true);
        back.push(await client.list(app, { limit: 100, iterator }));
    }
    check("back: the same pages", back.reverse().map(ids), forth.map(ids));
}

async function attempts(scenario) {
    const { receiver } = scenario;
    const client = scenario.svix.messageAttempt;
    const app = await scenario.application("step-6");
    const eventType = await scenario.eventType("step6.tried");
    receiver.answer("/6/flaky", 500, 500, 200);
    receiver.answer("/6/broken", 404);
    const flaky = await scenario.endpoint(app, "/6/flaky");
    const good = await scenario.endpoint(app, "/6/good");
    const broken = await scenario.endpoint(app, "/6/broken");
    const message = await scenario.publish(app, eventType, { a: 1 });

    const ofMessage = async (endpoint) => (await client.listByMsg(app, message.id, { endpointId: endpoint.id })).data;
    for (const [endpoint, codes] of [[flaky, [200, 500, 500]], [good, [200]], [broken, [404, 404, 404]]]) {
        const seen = async () => (await ofMessage(endpoint)).map((attempt) => attempt.responseStatusCode);
        await eventually(`attempts at ${endpoint.url}`, seen, codes);
    }
    const tried = await ofMessage(flaky);
    const { Success, Fail } = MessageStatus;
    check("attempts: status", tried.map((attempt) => attempt.status), [Success, Fail, Fail]);
    check("attempts: status text", tried[0].statusText, "success");
    check("attempts: url", tried[0].url, flaky.url);
    const newestFirst = [...tried].sort((left, right) => right.timestamp - left.timestamp);
    check("attempts: newest first", tried, newestFirst);
    check("attempts of all endpoints", (await client.listByMsg(app, message.id)).data.length, 7);

    const triedIds = ids({ data: tried });
    for (const [filters, expected] of [
        [{}, triedIds],
        [{ status: Success }, triedIds.slice(0, 1)],
        [{ status: Fail }, triedIds.slice(1)],
        [{ statusCodeClass: StatusCodeClass.Code5xx }, triedIds.slice(1)],
        [{ statusCodeClass: StatusCodeClass.Code4xx }, []],
    ]) {
        const seen = await client.listByEndpoint(app, flaky.id, filters);
        check(`by endpoint, ${inspect(filters)}`, ids(seen), expected);
    }
    check("by id", (await client.get(app, message.id, tried[0].id)).id, tried[0].id);

    const destinations = async () => {
        const listed = await client.listAttemptedDestinations(app, message.id);
        return Object.fromEntries(listed.data.map((each) => [each.id, each.status]));
    };
    const expected = { [flaky.id]: Success, [good.id]: Success, [broken.id]: Fail };
    await eventually("attempted destinations", destinations, expected);
    for (const [endpoint, status] of [[flaky, Success], [broken, Fail]]) {
        const { data } = await client.listAttemptedMessages(app, endpoint.id);
        const seen = data.map((each) => [each.id, each.status]);
        check(`attempted messages of ${endpoint.url}`, seen, [[message.id, status]]);
        for (const wanted of [Success, Fail]) {
            const seen = ids(await client.listAttemptedMessages(app, endpoint.id, { status: wanted }));
            check(`attempted messages, status ${wanted}`, seen, wanted === status ? [message.id] : []);
        }
        const counts = async () => {
            const { success, fail, pending, sending } = await scenario.svix.endpoint.getStats(app, endpoint.id);
            return { success, fail, pending, sending };
        };
        const once = { success: Number(status === Success), fail: Number(status === Fail), pending: 0, sending: 0 };
        await eventually(`stats of ${endpoint.url}`, counts, once);
    }
}

async function resend(scenario) {
    const { receiver } = scenario;
    const client = scenario.svix.messageAttempt;
    const app = await scenario.application("step-7");
    const endpoint = await scenario.endpoint(app, "/7");
    const message = await scenario.publish(app, await scenario.eventType("step7.sent"), { a: 1 });

    const triggers = async () => (await client.listByMsg(app, message.id)).data.map((attempt) => attempt.triggerType);
    await eventually("one attempt", triggers, [0]);
    await client.resend(app, message.id, endpoint.id);
    await eventually("one more attempt, by hand", triggers, [1, 0]);
    check("the same message again", receiver.ids("/7"), [message.id, message.id]);
    verified("again", receiver.received("/7")[1], (await scenario.svix.endpoint.getSecret(app, endpoint.id)).key);
}

async function recover(scenario) {
    const { svix, receiver } = scenario;
    const app = await scenario.application("step-8");
    const eventType = await scenario.eventType("step8.lost");
    const since = new Date(Date.now() - 60_000);
    receiver.answer("/8/broken", 404);
    const broken = await scenario.endpoint(app, "/8/broken");
    const messages = new Set();
    for (let number = 0; number < 5; number += 1) {
        messages.add((await scenario.publish(app, eventType, { number })).id);
    }
    const spent = async () => (await svix.messageAttempt.listByEndpoint(app, broken.id)).data.length;
    await eventually("all attempts are spent", spent, 3 * messages.size);

    receiver.answer("/8/broken", 200);
    const before = receiver.received("/8/broken").length;
    let started = await svix.endpoint.recover(app, broken.id, { since });
    await scenario.finished("recover", started, "endpoint.recover");
    await eventually("recover: all arrive", () => setOf(receiver.ids("/8/broken").slice(before)), messages);
    check("recover: in the list of tasks", ids(await svix.backgroundTask.list()).includes(started.id), true);

    const late = await scenario.endpoint(app, "/8/late");
    started = await svix.endpoint.replayMissing(app, late.id, { since });
    await scenario.finished("replay missing", started, "endpoint.replay");
    await eventually("replay missing: all arrive", () => setOf(receiver.ids("/8/late")), messages);
}

// The SDK does not show the answer to a rotation.
async function rotateSecret(scenario) {
    const { receiver } = scenario;
    const client = scenario.svix.endpoint;
    const app = await scenario.application("step-9");
    const endpoint = await scenario.endpoint(app, "/9");
    const old = (await client.getSecret(app, endpoint.id)).key;
    await client.rotateSecret(app, endpoint.id, {});
    const fresh = (await client.getSecret(app, endpoint.id)).key;
    check("another secret", fresh !== old, true);

    const message = await scenario.publish(app, await scenario.eventType("step9.signed"), { a: 1 });
    await eventually("a message arrives", () => receiver.ids("/9"), [message.id]);
    for (const [name, secret] of [["old", old], ["new", fresh]]) {
        verified(`with the ${name} secret`, receiver.received("/9")[0], secret);
    }
}

async function portal(scenario) {
    const { authentication, endpoint: client } = scenario.svix;
    const a = await scenario.application("step-10-a");
    const b = await scenario.application("step-10-b");
    const endpoint = await scenario.endpoint(a, "/10");
    const eventType = await scenario.eventType("step10.seen");

    async function access(fields) {
        const given = await authentication.appPortalAccess(a, fields);
        check("access: url", given.url.slice(0, 4), "http");
        return scenario.asCaller(given.token);
    }

    const visitor = await access({});
    const other = await access({});
    const reader = await access({ readOnly: true });
    const url = scenario.receiver.url("/10/new");

    check("the token lists the endpoints of A", ids(await visitor.endpoint.list(a)), [endpoint.id]);
    const created = await visitor.endpoint.create(a, { url });
    check("the token creates an endpoint in A", (await client.get(a, created.id)).url, url);
    await refused("the token does not see B", () => visitor.endpoint.list(b), 404, "not_found");
    await refused("it creates no application", () => visitor.application.create({ name: "No" }), 403);
    await refused("it creates no message", () => visitor.message.create(a, { eventType, payload: {} }), 403);
    const both = setOf([endpoint.id, created.id]);
    check("the read-only token lists the endpoints of A", setOf(ids(await reader.endpoint.list(a))), both);
    await refused("the read-only token creates no endpoint", () => reader.endpoint.create(a, { url }), 403);

    await visitor.authentication.logout();
    await refused("logged out", () => visitor.endpoint.list(a), 401, "authentication_failed");
    check("the other token is not logged out", setOf(ids(await other.endpoint.list(a))), both);
    await authentication.expireAll(a, {});
    await refused("all expired", () => other.endpoint.list(a), 401, "authentication_failed");
}

async function contentAndTime(scenario) {
    const { receiver } = scenario;
    const client = scenario.svix.message;
    const app = await scenario.application("step-11");
    const eventType = await scenario.eventType("step11.paid", { schemas: SCHEMA });
    const unwanted = await scenario.eventType("step11.unwanted");
    const endpoint = await scenario.endpoint(app, "/11", eventType);

    const example = await scenario.svix.endpoint.sendExample(app, endpoint.id, { eventType });
    await eventually("the example arrives", () => receiver.ids("/11"), [example.id]);
    check("the example is the schema's", JSON.parse(receiver.received("/11")[0].body), EXAMPLE);

    for (const [name, expected] of [[eventType, true], [unwanted, false]]) {
        check(`precheck of ${name}`, (await client.precheck(app, { eventType: name })).active, expected);
    }

    const message = await scenario.publish(app, eventType, { secret: "forget me" });
    await eventually("a message arrives", () => receiver.ids("/11"), [example.id, message.id]);
    await client.expungeContent(app, message.id);
    const shown = await client.get(app, message.id, { withContent: true });
    check("expunged content", shown.payload, { expired: true });

    const at = new Date(Math.floor(Date.now() / 1_000) * 1_000 + 120_000);
    const planned = await scenario.publish(app, eventType, { a: 1 }, { deliverAt: at });
    check("planned: in the answer", planned.deliverAt, at);
    check("planned: by id", (await client.get(app, planned.id)).deliverAt, at);
    const later = await scenario.publish(app, eventType, { a: 2 });
    await eventually("a later one overtakes it", () => receiver.ids("/11"), [example.id, message.id, later.id]);
}

async function operationalWebhooks(scenario) {
    const client = scenario.svix.operationalWebhook.endpoint;
    const url = scenario.receiver.url("/12");
    const wanted = ["endpoint.created", "message.attempt.exhausted"];
    const fields = { url, uid: "step-12", description: "Ours", metadata: { team: "ops" }, eventTypes: wanted };
    const created = await client.create(fields);
    check("created: url", created.url, url);
    check("created: event types", [...created.eventTypes].sort(), wanted);
    check("created: metadata", created.metadata, { team: "ops" });
    check("by id", await client.get(created.id), created);
    check("by uid", await client.get("step-12"), created);
    check("in the list", ids(await client.list()), [created.id]);

    const replaced = await client.upsert("step-12", { url: `${url}/new`, uid: "step-12" });
    check("replaced: id", replaced.id, created.id);
    check("replaced: url", replaced.url, `${url}/new`);

    const secret = (await client.getSecret(created.id)).key;
    check("secret", secret.slice(0, 6), "whsec_");
    await client.rotateSecret(created.id, {});
    check("another secret after rotation", (await client.getSecret(created.id)).key !== secret, true);

    await client.setHeaders(created.id, { headers: { "x-tenant": "acme", authorization: "Bearer abc" } });
    const shown = await client.getHeaders(created.id);
    check("headers", shown.headers, { "x-tenant": "acme" });
    check("sensitive headers", shown.sensitive, ["authorization"]);

    await client.delete(created.id);
    await refused("deleted", () => client.get(created.id), 404, "not_found");
}

async function errors(scenario) {
    const { application, endpoint } = scenario.svix;
    await refused("an unknown application", () => application.get("step-13-unknown"), 404, "not_found");

    const app = await scenario.application("step-13");
    const { detail } = await refused("a wrong body", () => endpoint.create(app, { url: "not a url" }), 422);
    check("a wrong body: path", detail[0].loc, ["body", "url"]);
    check("a wrong body: message", detail[0].msg !== "", true);
    check("a wrong body: type", detail[0].type, "value_error");

    const stranger = scenario.asCaller("not a token");
    await refused("a bad token", () => stranger.application.list(), 401, "authentication_failed");
}

const STEPS = [
    ["applications", applications],
    ["event types", eventTypes],
    ["endpoints", endpoints],
    ["publish", publish],
    ["pages", messagePages],
    ["attempts", attempts],
    ["resend", resend],
    ["recover", recover],
    ["rotate secret", rotateSecret],
    ["portal", portal],
    ["content and time", contentAndTime],
    ["operational webhooks", operationalWebhooks],
    ["errors", errors],
];

// Whether the step held. What the SDK throws by itself is a failure like any other, and says where.
async function run(title, step, scenario) {
    const before = passed;
    const start = performance.now();
    try {
        await step(scenario);
    } catch (error) {
        console.error(`FAILED ${title}: ${error instanceof Failed ? error.message : described(error)}`);
        return false;
    }
    const seconds = ((performance.now() - start) / 1_000).toFixed(1);
    console.log(`ok ${title} (${passed - before} checks, ${seconds} s)`);
    return true;
}

// The lines of this file that the error went through, the step's first, and what it says.
function described(error) {
    const answer = error instanceof ApiException ? `${error.code} ${short(error.body)}` : error.message;
    const lines = [...error.stack.matchAll(/(?<!run )\(file:.*scenario\.mjs:(\d+)/g)].map((match) => match[1]);
    return `${error.constructor.name}, line ${lines.reverse().join(" > ")}: ${answer}`;
}

const { values: options } = parseArgs({
    options: { url: { type: "string" }, token: { type: "string" }, only: { type: "string", default: "" } },
});
const only = options.only.split(",").filter(Boolean).map(Number);
const scenario = new Scenario(options.url, options.token);
await scenario.receiver.listen();
let failed = 0;
for (const [index, [name, step]] of STEPS.entries()) {
    if (only.length === 0 || only.includes(index + 1)) {
        failed += Number(!(await run(`${index + 1} ${name}`, step, scenario)));
    }
}
scenario.receiver.close();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
