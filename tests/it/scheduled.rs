//! Messages that are not for now: delivered at their time, or called off before. And messages that are only tried out.

use serde_json::{Value, json};

use crate::harness::table::items_of;
use crate::harness::{Receiver, Reply, Stage};

async fn scene() -> (Stage, Receiver, String, String) {
    let stage = Stage::new(&[]).await;
    let receiver = Receiver::start().await;
    receiver.ignore_time();
    receiver.on("/", |_| Reply::Status(204));
    let (application, endpoint) = stage.application_with_endpoint(&receiver.url("/")).await;
    receiver.verify("/", &stage.secret(&application, &endpoint).await);
    (stage, receiver, application, endpoint)
}

async fn publish_at(stage: &Stage, application: &str, ahead_s: i64) -> (String, Value) {
    let at = stage.platform.effects.now().plus_millis(ahead_s * 1_000).to_rfc3339();
    let body = json!({ "eventType": "a.b", "payload": { "n": 1 }, "deliverAt": at });
    let answer = stage.call("POST", &format!("/api/v1/app/{application}/msg"), Some(body)).await;
    assert_eq!(answer.json()["deliverAt"], json!(at), "{answer:?}");
    (answer.id(), json!(at))
}

#[tokio::test]
async fn a_message_is_delivered_at_its_time_from_the_queue_or_from_the_due_index() {
    for (ahead_s, in_index) in [(600, 0), (7_200, 1)] {
        let (stage, receiver, application, _) = scene().await;
        let (message, at) = publish_at(&stage, &application, ahead_s).await;
        assert_eq!(items_of(&stage.engines, "D#").await.len(), in_index);
        assert_eq!(stage.deliver_all().await, 0, "not yet");
        let shown = stage.call("GET", &format!("/api/v1/app/{application}/msg/{message}"), None).await.json();
        assert_eq!(shown["deliverAt"], at);
        stage.clock.forward_s(ahead_s + 1);
        stage.sweep().await;
        stage.deliver_all().await;
        assert_eq!(receiver.of(&message).len(), 1);
        assert_eq!(&receiver.of(&message)[0].body[..], br#"{"n":1}"#);
    }
}

#[tokio::test]
async fn a_message_that_is_called_off_in_time_is_not_delivered() {
    for ahead_s in [600, 7_200] {
        let (stage, receiver, application, endpoint) = scene().await;
        let (message, _) = publish_at(&stage, &application, ahead_s).await;
        let cancel = format!("/api/v1/app/{application}/msg/{message}/cancel");
        for _ in 0..2 {
            assert_eq!(stage.call("POST", &cancel, None).await.status, 204);
        }
        stage.clock.forward_s(ahead_s + 1);
        stage.sweep().await;
        stage.deliver_all().await;
        let since = stage.platform.effects.now().plus_millis(-86_400_000).to_rfc3339();
        let replay = format!("/api/v1/app/{application}/endpoint/{endpoint}/replay-missing");
        assert_eq!(stage.call("POST", &replay, Some(json!({ "since": since }))).await.status, 202);
        stage.work(60_000).await;
        stage.deliver_all().await;
        assert_eq!(receiver.of(&message).len(), 0);
    }
}

#[tokio::test]
async fn a_message_that_was_sent_before_its_time_is_not_sent_again_at_it() {
    for ahead_s in [600, 7_200] {
        let (stage, receiver, application, endpoint) = scene().await;
        let (message, _) = publish_at(&stage, &application, ahead_s).await;
        let resend = format!("/api/v1/app/{application}/msg/{message}/endpoint/{endpoint}/resend");
        assert_eq!(stage.call("POST", &resend, None).await.status, 202);
        stage.deliver_all().await;
        assert_eq!(receiver.of(&message).len(), 1);
        stage.clock.forward_s(ahead_s + 1);
        stage.sweep().await;
        stage.deliver_all().await;
        assert_eq!(receiver.of(&message).len(), 1, "{ahead_s} s");
    }
}

#[tokio::test]
async fn what_is_being_delivered_cannot_be_called_off() {
    let (stage, receiver, application, _) = scene().await;
    let now = stage.publish(&application, None, json!({})).await.id();
    let (later, _) = publish_at(&stage, &application, 60).await;
    stage.clock.forward_s(61);
    for message in [&now, &later] {
        let answer = stage.call("POST", &format!("/api/v1/app/{application}/msg/{message}/cancel"), None).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (409, &json!("conflict")));
    }
    stage.deliver_all().await;
    assert_eq!((receiver.of(&now).len(), receiver.of(&later).len()), (1, 1));
    assert_eq!(stage.call("POST", &format!("/api/v1/app/{application}/msg/none/cancel"), None).await.status, 404);
}

#[tokio::test]
async fn a_time_that_is_past_means_now_and_one_too_far_is_refused() {
    let (stage, receiver, application, _) = scene().await;
    let (path, now) = (format!("/api/v1/app/{application}/msg"), stage.platform.effects.now());
    let body = |ms: i64| json!({ "eventType": "a.b", "payload": {}, "deliverAt": now.plus_millis(ms).to_rfc3339() });
    let past = stage.call("POST", &path, Some(body(-60_000))).await.id();
    stage.deliver_all().await;
    assert_eq!(receiver.of(&past).len(), 1);
    let far = stage.call("POST", &path, Some(body(31 * 86_400_000))).await;
    assert_eq!((far.status.as_u16(), &far.json()["detail"][0]["loc"]), (422, &json!(["body", "deliverAt"])));
}

#[tokio::test]
async fn an_application_comes_along_with_its_first_message() {
    let stage = Stage::new(&[]).await;
    let body = json!({ "eventType": "a.b", "payload": {}, "application": { "name": "New", "uid": "new" } });
    let first = stage.call_with_key("POST", "/api/v1/app/new/msg", Some(body.clone()), Some("k")).await;
    let second = stage.call_with_key("POST", "/api/v1/app/new/msg", Some(body.clone()), Some("k")).await;
    assert_eq!((first.status.as_u16(), first.id()), (202, second.id()));
    assert_eq!(stage.call("GET", "/api/v1/app/new", None).await.json()["name"], "New");
    let elsewhere = stage.call("POST", "/api/v1/app/other/msg", Some(body)).await;
    assert_eq!(
        (elsewhere.status.as_u16(), &elsewhere.json()["detail"][0]["type"]),
        (422, &json!("application_uid_mismatch"))
    );
    assert_eq!(stage.call("GET", "/api/v1/app/other", None).await.status, 404, "what is refused changes nothing");
}

#[tokio::test]
async fn an_example_goes_to_one_endpoint_whatever_it_subscribed_to() {
    let (stage, receiver, application, _) = scene().await;
    let schema = json!({ "1": { "type": "object", "examples": [{ "n": 1 }, { "n": 2 }] } });
    for (name, schemas) in [("paid", schema), ("bare", Value::Null)] {
        let body = json!({ "name": name, "description": "", "schemas": schemas });
        assert_eq!(stage.call("POST", "/api/v1/event-type", Some(body)).await.status, 201);
    }
    let path = format!("/api/v1/app/{application}/endpoint");
    let body = json!({ "url": receiver.url("/only"), "eventTypes": ["bare"], "channels": ["c"] });
    let endpoint = stage.call("POST", &path, Some(body)).await.id();
    receiver.verify("/only", &stage.secret(&application, &endpoint).await);
    let path = format!("{path}/{endpoint}/send-example");
    let send = async |body: Value| stage.call("POST", &path, Some(body)).await;
    for (body, expected) in [
        (json!({ "eventType": "paid" }), json!({ "n": 1 })),
        (json!({ "eventType": "paid", "exampleIndex": 1 }), json!({ "n": 2 })),
        (json!({ "eventType": "paid", "payload": { "own": true } }), json!({ "own": true })),
        (json!({ "eventType": "svix.ping" }), json!({ "success": true })),
    ] {
        let answer = send(body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["payload"]), (202, &expected));
        stage.deliver_all().await;
        let got: Vec<_> = receiver.of(&answer.id()).into_iter().map(|delivery| delivery.path).collect();
        assert_eq!(got, ["/only"]);
    }
    let bare = send(json!({ "eventType": "bare" })).await;
    assert_eq!((bare.status.as_u16(), &bare.json()["code"]), (400, &json!("invalid_scheme")));
    assert_eq!(send(json!({ "eventType": "unknown" })).await.status, 404);
    assert_eq!(send(json!({ "eventType": "paid", "payload": [] })).await.status, 422);
}

#[tokio::test]
async fn a_precheck_tells_whether_anybody_would_get_it() {
    let stage = Stage::new(&[]).await;
    stage.call("POST", "/api/v1/app", Some(json!({ "name": "A", "uid": "a" }))).await.id();
    let active = async |body: Value| {
        stage.call("POST", "/api/v1/app/a/msg/precheck/active", Some(body)).await.json()["active"].clone()
    };
    assert_eq!(active(json!({ "eventType": "x.y" })).await, false);
    let body = json!({ "url": "https://example.com/", "channels": ["c"] });
    let endpoint = stage.call("POST", "/api/v1/app/a/endpoint", Some(body)).await.id();
    assert_eq!(active(json!({ "eventType": "x.y", "channels": ["c"] })).await, true);
    assert_eq!(active(json!({ "eventType": "x.y", "channels": ["d"] })).await, false);
    stage.call("PATCH", &format!("/api/v1/app/a/endpoint/{endpoint}"), Some(json!({ "disabled": true }))).await;
    assert_eq!(active(json!({ "eventType": "x.y", "channels": ["c"] })).await, false);
}
