//! Applications, endpoints and event types that are created again under the same idempotency key.

use serde_json::{Value, json};

use crate::harness::table::items;
use crate::harness::{Stage, Way};

const APP: &str = "/api/v1/app";
const EVENT_TYPE: &str = "/api/v1/event-type";

/// Creates under a key, again, and with another body; then compares what a list shows.
async fn check(stage: &Stage, path: &str, body: Value, other: Value, name: &str) {
    let (key, other_key) = (format!("key of {body}"), format!("key of {other}"));
    let create = async |body: &Value, key: &str| stage.call_with_key("POST", path, Some(body.clone()), Some(key)).await;
    let first = create(&body, &key).await;
    assert_eq!(first.status, 201, "{path}: {first:?}");
    let stored = items(&stage.engines).await.len();
    let again = create(&body, &key).await;
    assert_eq!((again.status.as_u16(), again.json()), (201, first.json()), "{path}");
    let conflict = create(&other, &key).await;
    assert_eq!((conflict.status.as_u16(), conflict.json()["code"].clone()), (409, json!("conflict")), "{path}");
    assert_eq!(items(&stage.engines).await.len(), stored, "{path}: repeats store nothing");
    let second = create(&other, &other_key).await;
    assert_eq!(second.status, 201, "{path}: {second:?}");
    assert_ne!(second.json()[name], first.json()[name], "{path}");
}

#[tokio::test]
async fn a_repeated_creation_is_answered_with_the_first() {
    let stage = Stage::new(&[]).await;
    let application = stage.call("POST", APP, Some(json!({ "name": "Acme" }))).await.id();
    let endpoints = format!("{APP}/{application}/endpoint");
    check(&stage, APP, json!({ "name": "A", "uid": "a" }), json!({ "name": "B", "uid": "b" }), "id").await;
    check(&stage, APP, json!({ "name": "no uid" }), json!({ "name": "none either" }), "id").await;
    let url = |path: &str| json!({ "url": format!("http://127.0.0.1:8/{path}") });
    check(&stage, &endpoints, url("a"), url("b"), "id").await;
    let with_uid = |uid: &str| json!({ "url": "http://127.0.0.1:8/", "uid": uid });
    check(&stage, &endpoints, with_uid("a"), with_uid("b"), "id").await;
    let event_type = |name: &str| json!({ "name": name, "description": "d" });
    check(&stage, EVENT_TYPE, event_type("a.b"), event_type("a.c"), "name").await;
}

#[tokio::test]
async fn a_key_counts_once_for_each_kind_and_place() {
    let stage = Stage::new(&[]).await;
    let mut applications = Vec::new();
    for name in ["A", "B"] {
        applications.push(stage.call("POST", APP, Some(json!({ "name": name }))).await.id());
    }
    let url = json!({ "url": "http://127.0.0.1:8/" });
    let mut made = std::collections::BTreeSet::new();
    for application in &applications {
        let path = format!("{APP}/{application}/endpoint");
        made.insert(stage.call_with_key("POST", &path, Some(url.clone()), Some("key")).await.id());
    }
    made.insert(stage.call_with_key("POST", APP, Some(json!({ "name": "C" })), Some("key")).await.id());
    made.insert(stage.publish(&applications[0], Some("key"), json!({})).await.id());
    assert_eq!(made.len(), 4);
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let stage = Stage::new(&[]).await;
    let create = async || stage.call_with_key("POST", APP, Some(json!({ "name": "A" })), Some("key")).await.id();
    let first = create().await;
    assert_eq!(create().await, first);
    stage.clock.forward_s(25 * 3_600);
    stage.engines.sweep_expired().await;
    assert_ne!(create().await, first);
}

#[tokio::test]
async fn a_name_that_is_taken_is_a_conflict() {
    let stage = Stage::new(&[]).await;
    let refused = async |path: &str, body: Value, code: &str| {
        stage.call("POST", path, Some(body.clone())).await.json();
        let second = stage.call("POST", path, Some(body)).await;
        assert_eq!((second.status.as_u16(), second.json()["code"].as_str()), (409, Some(code)), "{path}");
    };
    refused(APP, json!({ "name": "A", "uid": "a" }), "conflict").await;
    refused(EVENT_TYPE, json!({ "name": "a.b", "description": "" }), "event_type_exists").await;
    let endpoint = json!({ "url": "http://127.0.0.1:8/", "uid": "a" });
    refused(&format!("{APP}/a/endpoint"), endpoint, "conflict").await;
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_found_by_its_repeat() {
    let stage = Stage::new(&[]).await;
    stage.faults.next("TransactWriteItems", Way::AnswerLost, 1);
    let body = json!({ "name": "A", "uid": "a" });
    let lost = stage.call_with_key("POST", APP, Some(body.clone()), Some("key")).await;
    stage.faults.end();
    assert_eq!(lost.status, 503);
    let again = stage.call_with_key("POST", APP, Some(body), Some("key")).await;
    assert_eq!((again.status.as_u16(), again.json()["uid"].clone()), (201, json!("a")));
    assert_eq!(stage.call("GET", APP, None).await.json()["data"].as_array().unwrap().len(), 1);
}
