//! Every route that may change the configuration, asked once.

use std::collections::BTreeSet;

use fanfare::http::routes::ROUTES;
use serde_json::{Value, json};

use super::log;
use crate::harness::{ORGANIZATION, Stage};

/// Route, path, body, and the operation that has to be on record. `$APP`, `$EP`, `$OPS` and `$KEY` are what was made before.
type Step = (&'static str, &'static str, &'static str, &'static str);

/// In an order in which each finds what it needs.
const AUDITED: &[Step] = &[
    ("application.create", "/api/v1/app", r#"{"name":"A","uid":"acme"}"#, "application.create"),
    ("application.update", "/api/v1/app/acme", r#"{"name":"B"}"#, "application.update"),
    ("application.patch", "/api/v1/app/acme", r#"{"name":"C"}"#, "application.update"),
    ("event-type.create", "/api/v1/event-type", r#"{"name":"a.b","description":""}"#, "event-type.create"),
    ("event-type.update", "/api/v1/event-type/a.b", r#"{"description":"x"}"#, "event-type.update"),
    ("event-type.patch", "/api/v1/event-type/a.b", r#"{"description":"y"}"#, "event-type.update"),
    (
        "event-type.import-openapi",
        "/api/v1/event-type/import/openapi",
        r#"{"spec":{"openapi":"3.1.0","info":{"title":"T","version":"1"},"webhooks":{"x.y":{"post":{}}}}}"#,
        "event-type.create",
    ),
    ("event-type.delete", "/api/v1/event-type/a.b?expunge=true", "", "event-type.delete"),
    (
        "endpoint.create",
        "/api/v1/app/acme/endpoint",
        r#"{"url":"http://127.0.0.1:8/","uid":"main"}"#,
        "endpoint.create",
    ),
    ("endpoint.update", "/api/v1/app/acme/endpoint/main", r#"{"url":"http://127.0.0.1:8/b"}"#, "endpoint.update"),
    ("endpoint.patch", "/api/v1/app/acme/endpoint/main", r#"{"description":"d"}"#, "endpoint.update"),
    (
        "endpoint.update-headers",
        "/api/v1/app/acme/endpoint/main/headers",
        r#"{"headers":{"x-a":"1"}}"#,
        "endpoint.update",
    ),
    (
        "endpoint.patch-headers",
        "/api/v1/app/acme/endpoint/main/headers",
        r#"{"headers":{"x-b":"1"}}"#,
        "endpoint.update",
    ),
    ("endpoint.rotate-secret", "/api/v1/app/acme/endpoint/main/secret/rotate", "{}", "endpoint.rotate-secret"),
    ("endpoint.delete", "/api/v1/app/acme/endpoint/main", "", "endpoint.delete"),
    (
        "operational-webhook-endpoint.create",
        "/api/v1/operational-webhook/endpoint",
        r#"{"url":"http://127.0.0.1:8/","uid":"ops"}"#,
        "endpoint.create",
    ),
    (
        "operational-webhook-endpoint.update",
        "/api/v1/operational-webhook/endpoint/ops",
        r#"{"url":"http://127.0.0.1:8/c"}"#,
        "endpoint.update",
    ),
    (
        "operational-webhook-endpoint.update-headers",
        "/api/v1/operational-webhook/endpoint/ops/headers",
        r#"{"headers":{"x-a":"1"}}"#,
        "endpoint.update",
    ),
    (
        "operational-webhook-endpoint.rotate-secret",
        "/api/v1/operational-webhook/endpoint/ops/secret/rotate",
        "{}",
        "endpoint.rotate-secret",
    ),
    ("operational-webhook-endpoint.delete", "/api/v1/operational-webhook/endpoint/ops", "", "endpoint.delete"),
    (
        "source.create",
        "/api/v1/source",
        r#"{"name":"S","uid":"hooks","provider":{"kind":"github"},"appId":"acme"}"#,
        "source.create",
    ),
    (
        "source.update",
        "/api/v1/source/hooks",
        r#"{"name":"T","provider":{"kind":"github"},"appId":"acme"}"#,
        "source.update",
    ),
    ("source.patch", "/api/v1/source/hooks", r#"{"name":"U"}"#, "source.update"),
    ("source.rotate-secret", "/api/v1/source/hooks/secret/rotate", "{}", "source.rotate-secret"),
    ("source.rotate-token", "/api/v1/source/hooks/token/rotate", "", "source.rotate-token"),
    ("source.delete", "/api/v1/source/hooks", "", "source.delete"),
    ("authentication.app-portal-access", "/api/v1/auth/app-portal-access/acme", "{}", "portal-token.issue"),
    ("authentication.dashboard-access", "/api/v1/auth/dashboard-access/acme", "", "portal-token.issue"),
    ("authentication.expire-all", "/api/v1/auth/app/acme/expire-all", "{}", "portal-token.expire"),
    ("authentication.create-api-key", "/api/v1/auth/api-key", r#"{"name":"K","role":"reader"}"#, "api-key.create"),
    ("authentication.delete-api-key", "/api/v1/auth/api-key/$KEY", "", "api-key.delete"),
    ("encryption-key.rotate", "/api/v1/encryption-key/rotate", "", "encryption-key.rotate"),
    ("application.delete", "/api/v1/app/acme", "", "application.delete"),
];

/// Routes of `manage` that are no GET and change no configuration.
const NOT_AUDITED: &[&str] = &["authentication.logout", "health.head", "health.ping-head"];

/// Has a test of its own: it erases as many keys as there are.
const ELSEWHERE: &[&str] = &["encryption-key.erase"];

#[test]
fn every_route_that_may_change_the_configuration_is_in_one_list() {
    let mutating = ROUTES.iter().filter(|route| route.function == "manage" && route.method != "GET");
    let mutating: BTreeSet<_> = mutating.map(|route| route.operation).collect();
    let listed = AUDITED.iter().map(|step| &step.0).chain(NOT_AUDITED).chain(ELSEWHERE);
    assert_eq!(mutating, listed.copied().collect());
}

#[tokio::test]
async fn every_change_is_on_record_once() {
    let stage = Stage::new(&[]).await;
    let mut key = String::new();
    for (number, (name, path, body, operation)) in AUDITED.iter().enumerate() {
        let route = ROUTES.iter().find(|route| route.operation == *name).unwrap();
        stage.clock.forward_s(1);
        let body = (!body.is_empty()).then(|| serde_json::from_str::<Value>(body).unwrap());
        let answer = stage.call(route.method, &path.replace("$KEY", &key), body).await;
        assert!(answer.status.is_success(), "{name}: {answer:?}");
        if *name == "authentication.create-api-key" {
            key = answer.id();
        }
        let log = log(&stage, "").await;
        assert_eq!(log.len(), number + 1, "{name}: {log:?}");
        let last = log.last().unwrap();
        assert_eq!((&last["operation"], &last["actor"]), (&json!(operation), &json!({ "kind": "token" })), "{name}");
        assert!(!last["thing"].as_str().unwrap().is_empty() && last["changes"].is_array(), "{name}: {last}");
    }
}

#[tokio::test]
async fn keys_that_are_erased_are_on_record_each_and_once() {
    let stage = Stage::new(&[]).await;
    for _ in 0..2 {
        stage.call("POST", "/api/v1/encryption-key/rotate", None).await;
    }
    for _ in 0..2 {
        let body = json!({ "organization": ORGANIZATION });
        assert_eq!(stage.call("POST", "/api/v1/encryption-key/erase", Some(body)).await.status, 204);
    }
    let erased = log(&stage, "&operation=encryption-key.erase").await;
    let mut erased: Vec<_> = erased.iter().map(|change| change["thing"].as_str().unwrap()).collect();
    // Within one instant no record comes first.
    erased.sort_unstable();
    assert_eq!(erased, ["1", "2"]);
}
