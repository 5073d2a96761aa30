//! The table: an operation, what it is asked with and what it answers.

/// What another organization gets for the same request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stranger {
    /// As if there were nothing.
    NotFound,
    /// The same answer about its own, which is nothing.
    OwnEmpty,
    /// Another status, for its own reasons.
    Status(u16),
}

use Stranger::{NotFound, OwnEmpty, Status};

/// One operation.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) operation: &'static str,
    /// JSON that it takes; `$AN_HOUR_AGO` and `$NOW` are instants, `$ETAG` is the tag of an uploaded part.
    pub(super) body: Option<&'static str>,
    pub(super) success: u16,
    pub(super) stranger: Stranger,
    /// Fields and values that are refused with 422 at that field.
    pub(super) refused: &'static [(&'static str, &'static str)],
    /// Path parameters that may name what is not there yet, because the operation makes it.
    pub(super) creates_by: &'static [&'static str],
    /// Whether a POST under an idempotency key is done once.
    pub(super) honours_keys: bool,
    /// A field and value that make it another request.
    pub(super) variation: Option<(&'static str, &'static str)>,
}

const fn get(operation: &'static str, stranger: Stranger) -> Case {
    Case {
        operation,
        body: None,
        success: 200,
        stranger,
        refused: &[],
        creates_by: &[],
        honours_keys: false,
        variation: None,
    }
}

const fn plain(operation: &'static str, success: u16, stranger: Stranger) -> Case {
    Case { success, ..get(operation, stranger) }
}

type Refused = &'static [(&'static str, &'static str)];

const fn send(operation: &'static str, success: u16, stranger: Stranger, body: &'static str, refused: Refused) -> Case {
    Case { body: Some(body), success, refused, ..get(operation, stranger) }
}

/// A POST that is done once under a key; with the field that makes it another request.
const fn once(case: Case, field: &'static str, value: &'static str) -> Case {
    Case { honours_keys: true, variation: Some((field, value)), ..case }
}

/// A PUT that makes what this parameter names.
const fn upsert(case: Case, creates_by: &'static [&'static str]) -> Case {
    Case { creates_by, ..case }
}

const NAME: Refused = &[
    ("name", "7"),
    ("name", "\"\""),
    ("metadata", "{\"a\":1}"),
    ("metadata", "{\"\":\"a\"}"),
    ("rateLimit", "0"),
    ("retrySchedule", "[-1]"),
];
const PATCHED_NAME: Refused = &[("name", "7"), ("metadata", "{\"a\":1}"), ("retrySchedule", "7")];
const URL: Refused = &[
    ("url", "\"nowhere\""),
    ("url", "\"ftp://example.com/\""),
    ("eventTypes", "[]"),
    ("eventTypes", "[\"un known\"]"),
    ("eventTypes", "[\"un.known\"]"),
    ("uid", "\"a b\""),
    ("description", "7"),
    ("retrySchedule", "[604801]"),
    ("ordered", "7"),
];
const URL_NEW: Refused = &[
    ("url", "\"nowhere\""),
    ("secret", "\"short\""),
    ("headers", "{\"host\":\"x\"}"),
    ("eventTypes", "[\"un.known\"]"),
];
const PATCHED_URL: Refused =
    &[("url", "\"nowhere\""), ("eventTypes", "[\"un.known\"]"), ("disabled", "7"), ("retrySchedule", "[-1]")];
const SINCE: Refused =
    &[("since", "\"yesterday\""), ("since", "\"2020-01-01T00:00:00Z\""), ("until", "\"2100-01-01T00:00:00Z\"")];
const IMPORT: Refused = &[
    ("size", "-1"),
    ("size", "53687091201"),
    ("name", "\"\""),
    ("contentType", "\"\""),
    ("columns", "{\"eventType\":7}"),
    ("columns", "{\"unknown\":\"a\"}"),
];
const DESCRIPTION: Refused = &[("description", "7"), ("schemas", "{\"1\":7}"), ("archived", "7")];
const SOURCE: Refused = &[
    ("name", "\"\""),
    ("uid", "\"a b\""),
    ("provider", "{\"kind\":\"nobody\"}"),
    ("provider", "{\"kind\":\"github\",\"header\":\"x\"}"),
    ("appId", "\"nobody\""),
    ("appId", "\"a b\""),
    ("eventTypes", "{\"prefix\":\"a b\"}"),
    ("forwardHeaders", "[\"host\"]"),
    ("forwardHeaders", "[\"authorization\"]"),
    ("secret", "\"\""),
];
const PATCHED_SOURCE: Refused = &[
    ("name", "\"\""),
    ("provider", "{\"kind\":\"stripe\"}"),
    ("appId", "\"nobody\""),
    ("eventTypes", "7"),
    ("disabled", "7"),
];
const SOURCE_BODY: &str = r#"{"name":"New","provider":{"kind":"github"},"appId":"acme"}"#;
const URL_BODY: &str = r#"{"url":"http://127.0.0.1:8/"}"#;
const SINCE_BODY: &str = r#"{"since":"$AN_HOUR_AGO"}"#;

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    once(send("message.create", 202, NotFound, r#"{"eventType":"a.b","payload":{"n":2}}"#,
        &[("eventType", "\"a b\""), ("payload", "[]"), ("channels", "[]"), ("payloadRetentionPeriod", "1"), ("deliverAt", "\"soon\""),
          ("deliverBefore", "\"2020-01-01T00:00:00Z\""), ("orderingKey", "\"a b\""),
          ("tags", "[\"a b\"]"), ("eventId", "\"a b\"")]), "payload", "{\"n\":3}"),
    send("message.precheck", 200, NotFound, r#"{"eventType":"a.b"}"#, &[("eventType", "7"), ("channels", "[]")]),
    once(send("endpoint.send-example", 202, NotFound, r#"{"eventType":"a.b"}"#, &[("eventType", "7"), ("payload", "[]"), ("exampleIndex", "-1")]),
        "payload", "{\"n\":7}"),

    get("application.list", OwnEmpty),
    once(send("application.create", 201, Status(201), r#"{"name":"New"}"#, NAME), "name", "\"Newer\""),
    get("application.get", NotFound),
    upsert(send("application.update", 200, Status(201), r#"{"name":"New"}"#, NAME), &["app_id"]),
    send("application.patch", 200, NotFound, r#"{"name":"New"}"#, PATCHED_NAME),
    plain("application.delete", 204, NotFound),
    plain("application.jwks", 200, NotFound),
    get("endpoint.list", NotFound),
    once(send("endpoint.create", 201, NotFound, URL_BODY, URL_NEW), "description", "\"other\""),
    get("endpoint.get", NotFound),
    upsert(send("endpoint.update", 200, NotFound, URL_BODY, URL), &["endpoint_id"]),
    send("endpoint.patch", 200, NotFound, r#"{"description":"new"}"#, PATCHED_URL),
    plain("endpoint.delete", 204, NotFound),
    get("endpoint.get-secret", NotFound),
    once(send("endpoint.rotate-secret", 200, NotFound, "{}", &[("key", "\"short\""), ("gracePeriodSeconds", "604801")]),
        "gracePeriodSeconds", "60"),
    get("endpoint.get-headers", NotFound),
    send("endpoint.update-headers", 204, NotFound, r#"{"headers":{"x-a":"1"}}"#,
        &[("headers", "{\"host\":\"x\"}"), ("headers", "7"), ("headers", "{\"x-a\":\"1\",\"X-A\":\"2\"}")]),
    send("endpoint.patch-headers", 204, NotFound, r#"{"headers":{"x-a":"1"}}"#, &[("headers", "{\"host\":\"x\"}")]),
    get("event-type.list", OwnEmpty),
    once(send("event-type.create", 201, Status(201), r#"{"name":"new.type","description":""}"#, DESCRIPTION), "description", "\"other\""),
    send("event-type.import-openapi", 200, Status(200),
        r#"{"spec":{"openapi":"3.1.0","info":{"title":"T","version":"1"},"webhooks":{"im.ported":{"post":{"requestBody":{"content":{"application/json":{"schema":{"type":"object"}}}}}}}}}"#,
        &[("spec", "7")]),
    get("event-type.get", NotFound),
    upsert(send("event-type.update", 200, Status(201), r#"{"description":"new"}"#, DESCRIPTION), &["event_type_name"]),
    send("event-type.patch", 200, NotFound, r#"{"description":"new"}"#, DESCRIPTION),
    plain("event-type.delete", 204, NotFound),
    send("authentication.app-portal-access", 200, NotFound, "{}",
        &[("expiry", "1"), ("capabilities", "[\"Fly\"]"), ("application", "{\"name\":\"A\"}"), ("readOnly", "7")]),
    plain("authentication.dashboard-access", 200, NotFound),
    send("authentication.expire-all", 204, NotFound, "{}", &[("expiry", "604801"), ("sessionIds", "[\"\"]")]),
    plain("authentication.logout", 403, Status(403)),
    get("operational-webhook-endpoint.list", OwnEmpty),
    once(send("operational-webhook-endpoint.create", 201, Status(201), URL_BODY, URL_NEW), "description", "\"other\""),
    get("operational-webhook-endpoint.get", NotFound),
    upsert(send("operational-webhook-endpoint.update", 200, NotFound, URL_BODY, URL), &["endpoint_id"]),
    plain("operational-webhook-endpoint.delete", 204, NotFound),
    get("operational-webhook-endpoint.get-secret", NotFound),
    once(send("operational-webhook-endpoint.rotate-secret", 200, NotFound, "{}", &[("key", "\"short\"")]), "gracePeriodSeconds", "60"),
    get("operational-webhook-endpoint.get-headers", NotFound),
    send("operational-webhook-endpoint.update-headers", 204, NotFound, r#"{"headers":{"x-a":"1"}}"#, &[("headers", "{\"host\":\"x\"}")]),
    get("source.list", OwnEmpty),
    once(send("source.create", 201, Status(422), SOURCE_BODY, SOURCE), "name", "\"Newer\""),
    get("source.get", NotFound),
    upsert(send("source.update", 200, Status(422), SOURCE_BODY, SOURCE), &["source_id"]),
    send("source.patch", 200, NotFound, r#"{"name":"New"}"#, PATCHED_SOURCE),
    plain("source.delete", 204, NotFound),
    get("source.get-secret", NotFound),
    once(send("source.rotate-secret", 200, NotFound, "{}", &[("key", "\"\""), ("gracePeriodSeconds", "604801")]),
        "gracePeriodSeconds", "60"),
    plain("source.rotate-token", 200, NotFound),
    plain("source.receive", 200, Status(200)),
    get("authentication.list-api-keys", OwnEmpty),
    send(
        "authentication.create-api-key",
        201,
        Status(201),
        r#"{"name":"Backend","role":"publisher","expiresAt":"2099-01-01T00:00:00Z"}"#,
        &[("name", "\"\""), ("role", "\"god\""), ("expiresAt", "\"2001-01-01T00:00:00Z\""), ("expiresAt", "7")],
    ),
    get("authentication.get-api-key", NotFound),
    plain("authentication.delete-api-key", 204, NotFound),
    get("encryption-key.list", OwnEmpty),
    plain("encryption-key.rotate", 201, Status(201)),
    send(
        "encryption-key.erase",
        204,
        Status(422),
        r#"{"organization":"org_2FanfareLocalDevelopment000"}"#,
        &[("organization", "\"org_2AnotherOrganization0000000\""), ("organization", "7")],
    ),
    plain("health.get", 204, OwnEmpty),
    plain("health.head", 204, OwnEmpty),
    plain("health.ping", 204, OwnEmpty),
    plain("health.ping-head", 204, OwnEmpty),
    get("openapi.get", OwnEmpty),
    get("docs.get", OwnEmpty),

    get("message.list", NotFound),
    get("message.get", NotFound),
    plain("message.cancel", 204, NotFound),
    plain("message.expunge-content", 204, NotFound),
    send("message.bulk-expunge-content", 200, NotFound, r#"{"ids":["event-1"]}"#, &[("ids", "7")]),
    plain("message.expunge-all-contents", 202, NotFound),
    get("message-attempt.list-by-endpoint", NotFound),
    get("message-attempt.list-by-msg", NotFound),
    get("message-attempt.list-by-msg-deprecated", NotFound),
    get("message-attempt.list-by-endpoint-deprecated", NotFound),
    get("message-attempt.list-attempted-messages", NotFound),
    get("message-attempt.list-attempted-destinations", NotFound),
    get("message-attempt.get", NotFound),
    plain("message-attempt.expunge-content", 204, NotFound),
    plain("message-attempt.resend", 202, NotFound),
    get("endpoint.list-undelivered", NotFound),
    get("endpoint.get-stats", NotFound),
    get("endpoint.get-attempt-stats", NotFound),
    once(send("endpoint.recover", 202, NotFound, SINCE_BODY, SINCE), "aFieldOfTomorrow", "1"),
    once(send("endpoint.replay-missing", 202, NotFound, SINCE_BODY, SINCE), "aFieldOfTomorrow", "1"),
    once(send("endpoint.bulk-replay", 202, NotFound, SINCE_BODY,
        &[("since", "\"yesterday\""), ("status", "7"), ("statusCodeClass", "7"), ("eventTypes", "[\"a b\"]"), ("channel", "\"a b\""), ("tag", "\"a b\"")]),
        "tag", "\"x\""),
    once(send("import.create-for-application", 201, NotFound, r#"{"size":7}"#, IMPORT), "size", "8"),
    get("import.list-by-application", NotFound),
    once(send("import.create", 201, Status(201), r#"{"size":7}"#, IMPORT), "size", "8"),
    get("import.list", OwnEmpty),
    get("import.get", NotFound),
    send("import.complete", 200, NotFound, r#"{"parts":[{"number":1,"etag":"$ETAG"}]}"#, &[("parts", "[]"), ("parts", "7")]),
    plain("import.cancel", 200, NotFound),
    get("audit-log.list", OwnEmpty),
    get("background-task.list", OwnEmpty),
    get("background-task.get", NotFound),
    once(send("statistics.aggregate-app-stats", 202, Status(202), r#"{"since":"$AN_HOUR_AGO","until":"$NOW"}"#, SINCE), "appIds", "[\"acme\"]"),
    plain("statistics.aggregate-event-types", 202, Status(202)),
];
