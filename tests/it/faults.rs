//! An engine of AWS fails: the caller is told to come again and learns nothing else, and no delivery is lost.

use fanfare::http::routes::{Access, ROUTES};
use serde_json::{Value, json};

use crate::harness::table::items;
use crate::harness::{Answer, ORGANIZATION, Receiver, Reply, Stage, Way};

/// What must never be in an answer: names of our table, queues, code and engines.
const INTERNALS: [&str; 9] =
    ["fanfare", "dynamo", "sqs", "amazon", "exception", "throttl", "injected", "panicked", ".rs"];

/// A 5xx in the API's own shape that shows nothing of itself.
#[track_caller]
fn assert_unavailable(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 503, "{what}: {answer:?}");
    let body = answer.json();
    let fields: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["code", "detail"], "{what}");
    assert_eq!(body["code"], "unavailable", "{what}");
    assert!(answer.headers["retry-after"].to_str().unwrap().parse::<u32>().is_ok(), "{what}");
    assert_shows_nothing(answer, what);
}

#[track_caller]
fn assert_shows_nothing(answer: &Answer, what: &str) {
    let text = answer.text.to_lowercase();
    for internal in INTERNALS {
        assert!(!text.contains(internal), "{what} shows {internal}: {text}");
    }
}

#[tokio::test]
async fn a_publish_that_fails_is_a_503_and_changes_nothing() {
    let stage = Stage::new(&[]).await;
    let (application, _) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    let before = items(&stage.engines).await.len();
    let ways = [
        Way::THROTTLED,
        Way::Refused(400, "ThrottlingException"),
        Way::Refused(400, "RequestLimitExceeded"),
        Way::BROKEN,
        Way::Refused(503, "ServiceUnavailable"),
    ];
    for operation in ["Query", "PutItem"] {
        for way in ways {
            stage.faults.next(operation, way, 1);
            let answer = stage.publish(&application, Some("key"), json!({})).await;
            stage.faults.end();
            assert_unavailable(&answer, &format!("{operation} {way:?}"));
            assert_eq!(
                (items(&stage.engines).await.len(), stage.backlog().await.0),
                (before, 0),
                "{operation} {way:?}"
            );
        }
    }
    assert_eq!(stage.publish(&application, Some("key"), json!({})).await.status, 202);
}

/// Every route, with whatever it calls first failing.
#[tokio::test]
async fn every_route_answers_a_failing_engine_in_the_apis_shape() {
    const OPERATIONS: [&str; 7] =
        ["Query", "GetItem", "PutItem", "BatchGetItem", "BatchWriteItem", "TransactWriteItems", "UpdateItem"];
    let stage = Stage::new(&[]).await;
    let (application, endpoint) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    stage.call("POST", "/api/v1/event-type", Some(json!({ "name": "a.b", "description": "" }))).await.json();
    let message = stage.publish(&application, None, json!({})).await.id();
    let portal = stage.call("POST", &format!("/api/v1/auth/app-portal-access/{application}"), Some(json!({}))).await;
    let portal = portal.json()["token"].as_str().unwrap().to_owned();
    let source = json!({ "name": "Open", "provider": { "kind": "none" }, "appId": application });
    let source = stage.call("POST", "/api/v1/source", Some(source)).await.json();
    let token = source["ingestUrl"].as_str().unwrap().rsplit('/').next().unwrap();
    let now = stage.platform.effects.now();
    // What every operation finds its fields in: those it does not know it ignores.
    let good_body = json!({
        "name": "n.m", "description": "", "size": 1, "parts": [{ "number": 1, "etag": "e" }],
        "provider": { "kind": "github" }, "appId": application, "url": "http://127.0.0.1:8/", "headers": {}, "eventType": "a.b", "payload": {},
        "since": now.plus_millis(-60_000).to_rfc3339(), "until": now.to_rfc3339(),
        "organization": ORGANIZATION, "role": "reader",
        "spec": { "openapi": "3.1.0", "info": { "title": "T", "version": "1" }, "webhooks": { "x.y": { "post": {} } } },
    });
    let mut asked = 0;
    for route in ROUTES {
        let calls_nothing = route.path.ends_with("/ping") || ["openapi.get", "docs.get"].contains(&route.operation);
        if calls_nothing || route.path.contains("{attempt_id}") {
            continue; // the last needs an attempt
        }
        let path = route.path.replace("{app_id}", &application).replace("{endpoint_id}", &endpoint);
        let path = path.replace("{msg_id}", &message).replace("{event_type_name}", "a.b");
        let path = path.replace("{org_id}", ORGANIZATION);
        let path = path.replace("{task_id}", "qtask_35voeScxPEP8ejsRbL1w201y48C");
        let path = path.replace("{source_id}", source["id"].as_str().unwrap()).replace("{token}", token);
        let path = path.replace("{key_id}", "key_35voeScxPEP8ejsRbL1w201y48C");
        let path = path.replace("{import_id}", "imp_35voeScxPEP8ejsRbL1w201y48C");
        let body = ["POST", "PUT", "PATCH"].contains(&route.method).then(|| good_body.clone());
        for operation in OPERATIONS {
            stage.faults.next(operation, Way::THROTTLED, 1);
        }
        let answer = match route.access {
            Access::AnyToken => stage.call_as(&portal, route.method, &path, body).await,
            _ => stage.call(route.method, &path, body).await,
        };
        stage.faults.stop();
        let what = format!("{} {}", route.method, route.path);
        assert_eq!(answer.status, 503, "{what}: {answer:?}");
        if route.method != "HEAD" {
            assert_unavailable(&answer, &what);
        }
        asked += 1;
    }
    assert!(asked > 20);
}

#[tokio::test]
async fn a_failure_that_waiting_does_not_help_is_a_500_that_shows_nothing() {
    let stage = Stage::new(&[]).await;
    let (application, _) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    for code in ["ResourceNotFoundException", "ValidationException", "AccessDeniedException"] {
        stage.faults.next("PutItem", Way::Refused(400, code), 1);
        let answer = stage.publish(&application, None, json!({})).await;
        stage.faults.end();
        assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (500, json!("internal_error")), "{code}");
        assert_shows_nothing(&answer, code);
    }
}

/// A stage with so many endpoints of one application at one receiver.
async fn with_endpoints(count: usize) -> (Stage, Receiver, String) {
    let stage = Stage::new(&[("FANFARE_RETRY_SCHEDULE", "5")]).await;
    let receiver = Receiver::start().await;
    receiver.ignore_time();
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme" }))).await.id();
    for number in 0..count {
        let path = format!("/{number}");
        let endpoint = stage.endpoint(&application, &receiver.url(&path)).await;
        receiver.verify(&path, &stage.secret(&application, &endpoint).await);
    }
    (stage, receiver, application)
}

/// What the template gives a consumer before a message comes again.
const VISIBILITY_S: i64 = 360;

#[tokio::test]
async fn an_attempt_that_could_not_be_recorded_comes_again_and_is_not_lost() {
    for way in [Way::THROTTLED, Way::BROKEN, Way::AnswerLost] {
        let (stage, receiver, application) = with_endpoints(1).await;
        let message = stage.publish(&application, None, json!({})).await.id();
        stage.faults.next("BatchWriteItem", way, 1);
        let batch = stage.deliver().await;
        stage.faults.end();
        assert_eq!(batch.failed, [batch.received[0].message_id().unwrap()], "{way:?}");
        assert_eq!(stage.backlog().await, (1, 1), "{way:?}: it is still the queue's");
        stage.clock.forward_s(VISIBILITY_S);
        assert_eq!(stage.deliver_all().await, 1, "{way:?}");
        // The receiver may get it twice, but not when the record was made after all.
        let expected = if matches!(way, Way::AnswerLost) { 1 } else { 2 };
        assert_eq!(receiver.of(&message).len(), expected, "{way:?}");
        assert_eq!(stage.attempts(&application, &message).await.len(), 1, "{way:?}");
        assert_eq!(stage.backlog().await.0, 0, "{way:?}");
    }
}

#[tokio::test]
async fn items_that_the_table_left_unprocessed_are_written_in_the_end() {
    let (stage, receiver, application) = with_endpoints(8).await;
    let message = stage.publish(&application, None, json!({})).await.id();
    stage.faults.next("BatchWriteItem", Way::Unprocessed, 3);
    let batch = stage.deliver().await;
    stage.faults.end();
    assert_eq!((batch.received.len(), batch.failed.len()), (8, 0));
    assert_eq!((receiver.of(&message).len(), stage.attempts(&application, &message).await.len()), (8, 8));
}

#[tokio::test]
async fn a_retry_that_could_not_be_queued_is_queued_when_its_task_comes_again() {
    let (stage, receiver, application) = with_endpoints(1).await;
    receiver.on("/0", |delivery| Reply::Status(if delivery.nth == 1 { 500 } else { 204 }));
    let message = stage.publish(&application, None, json!({})).await.id();
    stage.faults.next("SendMessageBatch", Way::Refused(500, "InternalError"), 1);
    assert_eq!(stage.deliver().await.failed.len(), 1);
    stage.faults.end();
    stage.clock.forward_s(VISIBILITY_S);
    assert_eq!(stage.deliver().await.failed.len(), 0);
    assert_eq!(receiver.of(&message).len(), 1, "the attempt is not made again");
    stage.clock.forward_s(5);
    stage.deliver_all().await;
    let attempts = stage.attempts(&application, &message).await;
    let codes: Vec<_> = attempts.iter().map(|attempt| attempt["responseStatusCode"].clone()).collect();
    assert_eq!((codes, receiver.of(&message).len()), (vec![json!(500), json!(204)], 2));
}

#[tokio::test]
async fn a_batch_whose_endpoints_cannot_be_read_is_handed_back_whole() {
    let (stage, receiver, application) = with_endpoints(3).await;
    stage.publish(&application, None, json!({})).await.id();
    stage.faults.next("BatchGetItem", Way::THROTTLED, 1);
    assert_eq!(stage.deliver().await.failed.len(), 3);
    stage.faults.end();
    assert_eq!(receiver.deliveries().len(), 0);
    stage.clock.forward_s(VISIBILITY_S);
    assert_eq!((stage.deliver_all().await, receiver.deliveries().len()), (3, 3));
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_disabled_even_when_that_could_not_be_written_at_first() {
    let (stage, receiver, application) = with_endpoints(1).await;
    receiver.on("/0", |_| Reply::Status(410));
    stage.publish(&application, None, json!({})).await.id();
    stage.faults.next("TransactWriteItems", Way::THROTTLED, 1);
    stage.deliver().await;
    stage.faults.end();
    stage.clock.forward_s(VISIBILITY_S);
    stage.deliver_all().await;
    let list = stage.call("GET", &format!("/api/v1/app/{application}/endpoint"), None).await.json();
    assert_eq!(list["data"][0]["disabled"], Value::Bool(true));
}

#[tokio::test]
async fn a_large_payload_that_cannot_be_stored_is_a_503_and_nothing_is_promised() {
    let stage = Stage::new(&[]).await;
    let (application, _) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    let before = items(&stage.engines).await.len();
    let payload = json!({ "a": "x".repeat(400_000) });
    stage.faults.next("PutObject", Way::BROKEN, 1);
    let answer = stage.publish(&application, Some("key"), payload.clone()).await;
    stage.faults.end();
    assert_unavailable(&answer, "PutObject");
    assert_eq!((items(&stage.engines).await.len(), stage.backlog().await.0), (before, 0));
    assert_eq!(stage.publish(&application, Some("key"), payload).await.status, 202);
}
