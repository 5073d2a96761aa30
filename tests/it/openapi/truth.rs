//! What the functions answer is what the document says: the status is there, the properties are those it names, all that it
//! requires are there.

use std::collections::BTreeMap;
use std::sync::Mutex;

use fanfare::domain::undelivered::UndeliveredBecause;
use serde_json::{Value, json};

use super::{Document, assert_fits, route};
use crate::harness::{ORGANIZATION, Receiver, Reply, Stage};

/// A stage whose answers are held against the document.
struct Held {
    stage: Stage,
    document: Document,
    /// Values of path parameters.
    names: Mutex<BTreeMap<&'static str, String>>,
}

impl Held {
    async fn new() -> Self {
        Self { stage: Stage::new(&[]).await, document: Document::new().closed(), names: Mutex::default() }
    }

    fn name(&self, parameter: &'static str, value: impl Into<String>) {
        self.names.lock().unwrap().insert(parameter, value.into());
    }

    /// The answer's body, after the answer was found to be as documented.
    async fn call(&self, id: &str, query: &str, body: Option<Value>, status: u16) -> Value {
        let (operation, route) = (self.document.operation(id), route(id));
        let names = self.names.lock().unwrap().clone();
        let fill = |path: String, (name, value): (&&str, &String)| path.replace(&format!("{{{name}}}"), value);
        let path = names.iter().fold(route.path.to_owned(), fill);
        let what = format!("{id} {query} {body:?}");
        if let (Some(body), 200..=299) = (&body, status) {
            let schema = operation.value.pointer("/requestBody/content/application~1json/schema").unwrap();
            assert_fits(&Document::new().validator(schema), body, &what);
        }
        let answer = self.stage.call(route.method, &format!("{path}{query}"), body).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text);
        let response = operation.value["responses"].get(status.to_string());
        let response = self.document.resolve(response.unwrap_or_else(|| panic!("{what}: {status} is not documented")));
        let Some(media) = response.pointer("/content/application~1json") else {
            assert_eq!(answer.text, "", "{what}");
            return Value::Null;
        };
        assert_fits(&self.document.validator(&media["schema"]), &answer.json(), &what);
        answer.json()
    }
}

#[tokio::test]
async fn answers_about_applications_and_event_types_are_as_documented() {
    let held = Held::new().await;
    held.call("application.create", "", Some(json!({ "name": "Plain" })), 201).await;
    let full = json!({
        "name": "Full", "uid": "full", "throttleRate": 7, "rateLimit": 9, "metadata": { "a": "b" }, "unknown": [1],
        "retrySchedule": [5, 300],
    });
    let made = held.call("application.create", "", Some(full.clone()), 201).await;
    assert_eq!(made["throttleRate"], 7, "the new name counts");
    held.call("application.create", "?get_if_exists=true", Some(full.clone()), 200).await;
    held.call("application.create", "", Some(full.clone()), 409).await;
    held.call("application.create", "", Some(json!({ "name": "" })), 422).await;
    held.call("application.list", "?limit=1", None, 200).await;
    held.call("application.list", "?limit=0", None, 422).await;
    held.name("app_id", "full");
    held.call("application.get", "", None, 200).await;
    held.call("application.patch", "", Some(json!({ "throttleRate": null, "uid": null })), 200).await;
    held.call("application.get", "", None, 404).await;
    held.call("application.update", "", Some(json!({ "name": "Full" })), 201).await;
    held.call("application.update", "", Some(json!({ "name": "Full", "metadata": null })), 200).await;
    held.call("application.delete", "", None, 204).await;

    let schemas = json!({ "1": { "type": "object" } });
    let full = json!({
        "name": "a.b", "description": "", "schemas": schemas, "featureFlag": "beta", "groupName": "a", "archived": false,
        "schemaValidation": "reject",
    });
    held.call("event-type.create", "", Some(full.clone()), 201).await;
    held.call("event-type.create", "", Some(full), 409).await;
    held.call("event-type.list", "?with_content=true&include_archived=true", None, 200).await;
    held.name("event_type_name", "a.b");
    held.call("event-type.get", "", None, 200).await;
    held.call("event-type.patch", "", Some(json!({ "schemas": null, "featureFlag": null })), 200).await;
    held.call("event-type.delete", "?expunge=true", None, 204).await;
    held.call("event-type.get", "", None, 404).await;
    held.call("event-type.update", "", Some(json!({ "description": "d" })), 201).await;
    held.call("event-type.update", "", Some(json!({ "description": "d", "deprecated": true })), 200).await;
}

#[tokio::test]
async fn answers_about_endpoints_are_as_documented() {
    let held = Held::new().await;
    held.call("event-type.create", "", Some(json!({ "name": "a.b", "description": "d" })), 201).await;
    held.call("application.create", "", Some(json!({ "name": "A", "uid": "a" })), 201).await;
    held.name("app_id", "a");
    held.call("endpoint.create", "", Some(json!({ "url": "http://127.0.0.1:8/" })), 201).await;
    let full = json!({
        "url": "https://example.com/hooks?a=b", "uid": "e", "description": "d", "eventTypes": ["a.b"], "filterTypes": ["c"],
        "channels": ["c:1"], "disabled": true, "throttleRate": 7, "rateLimit": 9, "metadata": { "a": "b" }, "version": 3,
        "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "headers": { "x-a": "b", "Authorization": "c" },
        "retrySchedule": [], "ordered": true,
    });
    let made = held.call("endpoint.create", "", Some(full.clone()), 201).await;
    assert_eq!((&made["throttleRate"], &made["eventTypes"]), (&json!(7), &json!(["a.b"])), "the new names count");
    held.call("endpoint.create", "", Some(full.clone()), 409).await;
    held.call("endpoint.list", "?limit=1", None, 200).await;
    held.name("endpoint_id", "e");
    held.call("endpoint.get", "", None, 200).await;
    // What is answered can be sent back.
    held.call("endpoint.update", "", Some(made), 200).await;
    held.call("endpoint.update", "", Some(json!({ "url": "http://127.0.0.1:8/", "secret": "short" })), 422).await;
    held.call(
        "endpoint.patch",
        "",
        Some(json!({ "uid": "e", "eventTypes": [], "channels": null, "throttleRate": null, "retrySchedule": null })),
        200,
    )
    .await;
    held.call("endpoint.get-secret", "", None, 200).await;
    held.call("endpoint.rotate-secret", "", Some(json!({ "gracePeriodSeconds": 0 })), 200).await;
    held.call("endpoint.get-headers", "", None, 200).await;
    held.call("endpoint.update-headers", "", Some(json!({ "headers": { "x-b": "c" } })), 204).await;
    held.call("endpoint.patch-headers", "", Some(json!({ "headers": { "x-b": null }, "deleteHeaders": ["x-c"] })), 204)
        .await;
    held.call("endpoint.delete", "", None, 204).await;
    held.call("endpoint.delete", "", None, 404).await;
}

#[tokio::test]
async fn answers_about_messages_and_attempts_are_as_documented() {
    let held = Held::new().await;
    let receiver = Receiver::start().await;
    receiver.on("/", |delivery| Reply::Status(if delivery.nth == 1 { 500 } else { 204 }));
    receiver.ignore_time();
    let (application, endpoint) = held.stage.application_with_endpoint(&receiver.url("/")).await;
    receiver.verify("/", &held.stage.secret(&application, &endpoint).await);
    held.name("app_id", &application);
    held.name("endpoint_id", &endpoint);
    let full = json!({
        "eventType": "order.placed", "eventId": "e", "channels": ["c"], "tags": ["t"], "payload": { "a": [1] },
        "payloadRetentionPeriod": 5, "deliverBefore": in_an_hour(&held.stage), "orderingKey": "order-7",
    });
    held.call("message.create", "", Some(full.clone()), 202).await;
    held.call("message.create", "", Some(json!({ "eventType": "order.placed", "eventId": "e", "payload": {} })), 409)
        .await;
    held.call("message.create", "?with_content=false", Some(full), 202).await;
    let plain = held.call("message.create", "", Some(json!({ "eventType": "order.placed", "payload": {} })), 202).await;
    held.stage.deliver_all().await;
    held.call("message.list", "?with_content=false&tag=t&channel=c&event_types=order.placed", None, 200).await;
    let listed = held.call("message.list", "?before=2100-01-01T00:00:00Z&limit=1", None, 200).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    held.name("msg_id", plain["id"].as_str().unwrap());
    held.call("message.get", "", None, 200).await;
    held.call("message-attempt.list-by-endpoint", "?status=2&status_code_class=500", None, 200).await;
    held.call("message-attempt.list-by-endpoint", "?status=9", None, 422).await;
    let attempts = held.call("message-attempt.list-by-msg", "?with_content=false", None, 200).await;
    held.name("attempt_id", attempts["data"][0]["id"].as_str().unwrap());
    held.call("message-attempt.get", "", None, 200).await;
    held.call("message-attempt.resend", "", None, 202).await;
    held.call("message-attempt.list-by-endpoint", "?with_msg=true&tag=t", None, 200).await;
    held.call("message-attempt.list-by-msg-deprecated", "", None, 200).await;
    held.call("message-attempt.list-by-endpoint-deprecated", "", None, 200).await;
    held.call("message-attempt.list-attempted-messages", "?status=0", None, 200).await;
    held.call("message-attempt.list-attempted-messages", "?status=3&with_content=false", None, 200).await;
    held.call("message-attempt.list-attempted-destinations", "", None, 200).await;
    let message = plain["id"].as_str().unwrap();
    held.stage.record(&application, &endpoint, message, 9, UndeliveredBecause::DeadLettered).await;
    let ended = held.call("endpoint.list-undelivered", "?event_types=order.placed&limit=1", None, 200).await;
    assert_eq!(ended["data"].as_array().unwrap().len(), 1);
    held.call("endpoint.list-undelivered", "?tag=%20", None, 422).await;
    held.call("endpoint.get-stats", "", None, 200).await;
    held.call("endpoint.get-attempt-stats", "", None, 200).await;
    held.call("endpoint.get-attempt-stats", "?until=2100-01-01T00:00:00Z", None, 400).await;
    held.call("message-attempt.expunge-content", "", None, 204).await;
    held.call("message-attempt.get", "", None, 200).await;
    let ids = json!({ "ids": [plain["id"], plain["id"], "unknown"] });
    held.call("message.bulk-expunge-content", "", Some(ids), 200).await;
    held.call("message.expunge-content", "", None, 204).await;
    held.call("message.get", "", None, 200).await;
    held.call("message-attempt.resend", "", None, 400).await;
    held.call("message.cancel", "", None, 409).await;
    held.call("health.get", "", None, 204).await;
    held.call("health.ping", "", None, 204).await;
    held.call("openapi.get", "", None, 200).await;
}

#[tokio::test]
async fn answers_about_messages_for_later_and_examples_are_as_documented() {
    let held = Held::new().await;
    let (application, endpoint) = held.stage.application_with_endpoint("http://127.0.0.1:8/").await;
    held.name("app_id", &application);
    held.name("endpoint_id", &endpoint);
    let later = json!({ "eventType": "order.placed", "payload": {}, "deliverAt": in_an_hour(&held.stage) });
    let later = held.call("message.create", "", Some(later), 202).await;
    held.name("msg_id", later["id"].as_str().unwrap());
    held.call("message.cancel", "", None, 204).await;
    held.call("message.precheck", "", Some(json!({ "eventType": "order.placed" })), 200).await;
    held.call("endpoint.send-example", "", Some(json!({ "eventType": "svix.ping" })), 202).await;
    held.call("endpoint.send-example", "", Some(json!({ "eventType": "none" })), 404).await;
}

fn in_an_hour(stage: &Stage) -> String {
    stage.platform.effects.now().plus_millis(3_600_000).to_rfc3339()
}

#[tokio::test]
async fn answers_about_portals_and_work_in_the_background_are_as_documented() {
    let held = Held::new().await;
    let (application, endpoint) = held.stage.application_with_endpoint("http://127.0.0.1:8/").await;
    held.name("app_id", &application);
    held.name("endpoint_id", &endpoint);
    let asked = json!({ "expiry": 3_600, "sessionId": "s", "capabilities": ["ViewBase"] });
    held.call("authentication.app-portal-access", "", Some(asked), 200).await;
    held.call("authentication.dashboard-access", "", None, 200).await;
    held.call("authentication.expire-all", "", Some(json!({ "expiry": 60 })), 204).await;
    held.call("authentication.logout", "", None, 403).await;

    held.stage.publish(&application, None, json!({})).await.id();
    let now = held.stage.platform.effects.now();
    let (since, until) = (now.plus_millis(-3_600_000).to_rfc3339(), now.to_rfc3339());
    let window = json!({ "since": since, "until": until });
    held.call("endpoint.recover", "", Some(window.clone()), 202).await;
    held.call("endpoint.recover", "", Some(json!({ "since": "2014-01-01T00:00:00Z" })), 422).await;
    held.call("endpoint.replay-missing", "", Some(window), 202).await;
    let filter =
        json!({ "since": since, "status": 1, "statusCodeClass": 0, "eventTypes": [], "channel": "c", "tag": "t" });
    let task = held.call("endpoint.bulk-replay", "", Some(filter), 202).await;
    let counted = json!({ "since": since, "until": until, "appIds": [application, "none"] });
    held.call("statistics.aggregate-app-stats", "", Some(counted), 202).await;
    held.call("statistics.aggregate-event-types", "", None, 202).await;
    held.call("message.expunge-all-contents", "", None, 202).await;
    held.stage.work(60_000).await;
    held.name("task_id", task["id"].as_str().unwrap());
    held.call("background-task.get", "", None, 200).await;
    let tasks = held.call("background-task.list", "?status=finished&order=ascending", None, 200).await;
    assert_eq!(tasks["data"].as_array().unwrap().len(), 6);
    held.call("background-task.list", "?status=nonsense", None, 422).await;
}

#[tokio::test]
async fn answers_about_imports_of_files_are_as_documented() {
    let held = Held::new().await;
    let (application, _) = held.stage.application_with_endpoint("http://127.0.0.1:8/").await;
    held.name("app_id", &application);
    let columns = json!({ "eventId": "id", "defaultEventType": "a.b", "payload": { "n": "number" } });
    let body = json!({ "size": 2_000_000_000, "name": "a.csv", "contentType": "text/csv", "columns": columns });
    let asked = held.call("import.create-for-application", "", Some(body), 201).await;
    held.call("import.create", "", Some(json!({ "size": 1, "columns": { "payload": "body" } })), 201).await;
    held.call("import.create", "", Some(json!({ "size": -1 })), 422).await;
    held.name("import_id", asked["id"].as_str().unwrap());
    held.call("import.complete", "", Some(json!({ "parts": [] })), 422).await;
    let etag = held.stage.upload_part(&asked, 1, b"id,number\n1,2\n,bad,3\n").await;
    let parts = json!({ "parts": [{ "number": 1, "etag": etag }] });
    held.call("import.complete", "", Some(parts), 200).await;
    held.stage.read_files(crate::harness::LONG_MS).await;
    let import = held.call("import.get", "", None, 200).await;
    assert!(import["errorsUrl"].is_string() && import["finishedAt"].is_string(), "{import}");
    held.call("import.list", "?limit=1", None, 200).await;
    held.call("import.list-by-application", "", None, 200).await;
    held.call("import.cancel", "", None, 200).await;
}

#[tokio::test]
async fn answers_about_own_endpoints_keys_and_imports_are_as_documented() {
    let held = Held::new().await;
    let legacy = json!([{ "kind": "svix" }, { "kind": "hmac", "header": "x-hub", "encoding": "base64", "prefix": "p=", "secret": "shared" }]);
    let own = json!({ "url": "http://127.0.0.1:8/", "uid": "own", "signature": "v1a", "legacySignatures": legacy });
    held.call("operational-webhook-endpoint.create", "", Some(own.clone()), 201).await;
    held.call("operational-webhook-endpoint.create", "", Some(own.clone()), 409).await;
    held.call("operational-webhook-endpoint.list", "", None, 200).await;
    held.name("endpoint_id", "own");
    held.call("operational-webhook-endpoint.get", "", None, 200).await;
    held.call("operational-webhook-endpoint.update", "", Some(own.clone()), 200).await;
    held.call("operational-webhook-endpoint.get-secret", "", None, 200).await;
    held.call("operational-webhook-endpoint.rotate-secret", "", Some(json!({ "signature": "v1" })), 200).await;
    let headers = json!({ "headers": { "x-a": "b" } });
    held.call("operational-webhook-endpoint.update-headers", "", Some(headers), 204).await;
    held.call("operational-webhook-endpoint.get-headers", "", None, 200).await;
    held.call("operational-webhook-endpoint.delete", "", None, 204).await;

    let application = held.call("application.create", "", Some(json!({ "name": "A" })), 201).await;
    held.name("org_id", ORGANIZATION);
    held.name("app_id", application["id"].as_str().unwrap());
    held.call("endpoint.create", "", Some(own), 201).await;
    let keys = held.call("application.jwks", "", None, 200).await;
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    held.name("app_id", "uid");
    held.call("application.jwks", "", None, 404).await;

    let schema = json!({ "content": { "application/json": { "schema": { "type": "object" } } } });
    let webhooks = json!({ "a.b": { "post": { "requestBody": schema, "tags": ["a"] } }, "c.d": { "post": {} } });
    let mut import = json!({ "spec": { "openapi": "3.1.0", "webhooks": webhooks }, "dryRun": true });
    held.call("event-type.import-openapi", "", Some(import.clone()), 200).await;
    import["dryRun"] = json!(false);
    held.call("event-type.import-openapi", "", Some(import), 200).await;
    held.call("event-type.import-openapi", "", Some(json!({ "specRaw": "{" })), 422).await;
    held.call("event-type.list", "?with_content=true", None, 200).await;
}

#[tokio::test]
async fn answers_about_sources_are_as_documented() {
    let held = Held::new().await;
    held.call("application.create", "", Some(json!({ "name": "A", "uid": "a" })), 201).await;
    let place = json!({ "pointer": "/event/id" });
    let providers = [
        json!({ "kind": "github" }),
        json!({ "kind": "none", "eventId": { "header": "x-id" } }),
        json!({ "kind": "basic", "eventType": place }),
        json!({ "kind": "paypal", "webhookId": "1JE4291016473214C" }),
        json!({ "kind": "generic-hmac", "header": "x-sig" }),
        json!({
            "kind": "generic-hmac", "header": "x-sig", "algorithm": "sha512", "encoding": "base64url", "prefix": "v1=",
            "timestampHeader": "x-time", "timestampUnit": "milliseconds", "toleranceSeconds": 60,
            "signed": "{timestamp}:{body}", "eventId": place, "eventType": { "header": "x-type" },
        }),
    ];
    for provider in providers {
        let mut source = json!({ "name": "S", "provider": provider, "appId": "a" });
        if !["none", "paypal", "github"].contains(&provider["kind"].as_str().unwrap()) {
            source["secret"] = json!("name:a-password-of-some-length");
        }
        held.call("source.create", "", Some(source), 201).await;
    }
    let full = json!({
        "name": "S", "uid": "s", "provider": { "kind": "github" }, "appId": "a", "forwardHeaders": ["x-a"], "disabled": true,
        "secret": "a-secret-of-some-length-0123456789",
        "eventTypes": { "eventType": "a.b", "map": { "c/d": "c.d" }, "ignore": ["ping"] },
    });
    held.call("source.create", "", Some(full.clone()), 201).await;
    held.call("source.create", "", Some(full.clone()), 409).await;
    held.call("source.list", "?limit=1", None, 200).await;
    held.name("source_id", "s");
    let shown = held.call("source.get", "", None, 200).await;
    // What is answered can be sent back.
    held.call("source.update", "", Some(shown), 200).await;
    held.call("source.patch", "", Some(json!({ "eventTypes": null, "disabled": false })), 200).await;
    held.call("source.patch", "", Some(json!({ "provider": { "kind": "none" } })), 422).await;
    held.call("source.get-secret", "", None, 200).await;
    held.call("source.rotate-secret", "", Some(json!({ "gracePeriodSeconds": 0 })), 200).await;
    held.call("source.rotate-token", "", None, 200).await;
    held.call("source.delete", "", None, 204).await;
    held.call("source.get", "", None, 404).await;
    held.call("source.update", "", Some(full), 201).await;
}
