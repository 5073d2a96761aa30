//! A provider hears that all is well when it is, and not before; what it sends again is what it has sent.

use fanfare::domain::ids::SourceId;
use serde_json::json;

use super::signing::{self, SECRET, Sendgrid};
use super::{Provider, now};
use crate::harness::{Stage, Way};

const BODY: &str = r#"{"id":"evt_1","type":"invoice.paid"}"#;

#[tokio::test]
async fn nothing_is_answered_with_success_that_is_not_stored() {
    let stage = Stage::new(&[]).await;
    let stripe = Provider::new(&stage, "stripe").await;
    let application = stripe.application.clone();
    stage.endpoint(&application, "http://127.0.0.1:8/").await;
    let headers = signing::stripe(SECRET, now(&stage), BODY.as_bytes());
    for (operation, way) in [("PutItem", Way::BROKEN), ("SendMessageBatch", Way::BROKEN), ("GetItem", Way::THROTTLED)] {
        stage.faults.next(operation, way, 1);
        let answer = stripe.send(&stage, &headers, BODY).await;
        assert_eq!(answer.status, 503, "{operation}: {answer:?}");
    }
    assert_eq!(stripe.send(&stage, &headers, BODY).await.status, 200);
    assert_eq!(stripe.messages(&stage).await.len(), 1);
    // The delivery of the request that was cut short was never queued; that of its repeat is.
    assert_eq!(stage.backlog().await.0, 1);
}

#[tokio::test]
async fn a_batch_that_is_cut_short_is_healed_by_its_repeat() {
    let stage = Stage::new(&[]).await;
    let keys = Sendgrid::new();
    let source = json!({ "provider": { "kind": "sendgrid" }, "secret": keys.public_key() });
    let sendgrid = Provider::with(&stage, source).await;
    let body = r#"[{"event":"open","sg_event_id":"a"},{"event":"click","sg_event_id":"b"},{"event":"open","sg_event_id":"c"}]"#;
    let headers = keys.sign(now(&stage), body.as_bytes());
    stage.faults.after("PutItem", 1, Way::BROKEN, 1);
    assert_eq!(sendgrid.send(&stage, &headers, body).await.status, 503);
    assert_eq!(sendgrid.messages(&stage).await.len(), 2, "the others are accepted all the same");
    assert_eq!(sendgrid.send(&stage, &headers, body).await.status, 200);
    let messages = sendgrid.messages(&stage).await;
    let mut said: Vec<_> =
        messages.iter().map(|m| (m["eventId"].as_str().unwrap(), m["eventType"].as_str().unwrap())).collect();
    said.sort_unstable();
    assert_eq!(said, [("a", "sendgrid.open"), ("b", "sendgrid.click"), ("c", "sendgrid.open")]);
    assert_eq!(
        messages.iter().find(|m| m["eventId"] == "a").unwrap()["payload"],
        json!({ "event": "open", "sg_event_id": "a" })
    );
}

#[tokio::test]
async fn the_same_event_in_other_words_is_taken_and_the_first_stays() {
    let stage = Stage::new(&[]).await;
    let stripe = Provider::new(&stage, "stripe").await;
    for attempt in [1, 2] {
        let body = json!({ "id": "evt_1", "type": "invoice.paid", "attempt": attempt }).to_string();
        let headers = signing::stripe(SECRET, now(&stage), body.as_bytes());
        assert_eq!(stripe.send(&stage, &headers, body).await.status, 200);
    }
    let messages = stripe.messages(&stage).await;
    assert_eq!((messages.len(), &messages[0]["payload"]["attempt"]), (1, &json!(1)));
}

#[tokio::test]
async fn events_without_an_identifier_are_told_apart_by_what_they_say() {
    let stage = Stage::new(&[]).await;
    let open = Provider::with(&stage, json!({ "provider": { "kind": "none" } })).await;
    let headers = vec![("content-type", "application/json".to_owned())];
    for body in [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":1}"#] {
        assert_eq!(open.send(&stage, &headers, body).await.status, 200);
    }
    let said: Vec<_> = open.messages(&stage).await.iter().map(|message| message["payload"]["n"].clone()).collect();
    assert_eq!(said, [1, 2]);
}

#[tokio::test]
async fn events_are_called_as_the_source_says() {
    let stage = Stage::new(&[]).await;
    let rule = json!({ "prefix": "billing.", "map": { "invoice.paid": "paid" }, "ignore": ["ping"] });
    let source = json!({ "provider": { "kind": "stripe" }, "secret": SECRET, "eventTypes": rule });
    let stripe = Provider::with(&stage, source).await;
    for name in ["invoice.paid", "ping", "a/b"] {
        let body = json!({ "id": format!("evt_{}", name.len()), "type": name }).to_string();
        let headers = signing::stripe(SECRET, now(&stage), body.as_bytes());
        assert_eq!(stripe.send(&stage, &headers, body).await.status, 200, "{name}");
    }
    let said: Vec<_> = stripe.messages(&stage).await.iter().map(|message| message["eventType"].clone()).collect();
    assert_eq!(said, ["paid", "billing.a_b"]);
}

#[tokio::test]
async fn challenges_are_answered_and_become_no_message() {
    let stage = Stage::new(&[]).await;
    let slack = Provider::new(&stage, "slack").await;
    let body =
        r#"{"token":"t","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#;
    let answer = slack.send(&stage, &signing::slack(SECRET, now(&stage), body.as_bytes()), body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.text.contains("3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"), "{answer:?}");
    assert_eq!(
        slack.send(&stage, &signing::slack("other-secret", now(&stage), body.as_bytes()), body).await.status,
        401
    );

    let zoom = Provider::new(&stage, "zoom").await;
    let body = r#"{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1654503849680,"event":"endpoint.url_validation"}"#;
    let answer = zoom.send(&stage, &signing::zoom(SECRET, now(&stage), body.as_bytes()), body).await;
    let token = signing::zoom_token(SECRET, "qgg8vlvZRS6UYooatFL8Aw");
    assert_eq!(answer.json(), json!({ "plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": token }));
    for provider in [slack, zoom] {
        assert!(provider.messages(&stage).await.is_empty());
    }
}

#[tokio::test]
async fn an_application_that_is_gone_loses_nothing_that_is_repeated_in_time() {
    let stage = Stage::new(&[]).await;
    let stripe = Provider::new(&stage, "stripe").await;
    stage.call("DELETE", &format!("/api/v1/app/{}", stripe.application), None).await;
    let headers = signing::stripe(SECRET, now(&stage), BODY.as_bytes());
    assert_eq!(stripe.send(&stage, &headers, BODY).await.status, 404);
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "Next" }))).await.id();
    let path = format!("/api/v1/source/{}", SourceId::parse(&stripe.id).unwrap());
    stage.call("PATCH", &path, Some(json!({ "appId": application }))).await;
    assert_eq!(stripe.send(&stage, &headers, BODY).await.status, 200);
    let next = Provider { application, ..stripe };
    assert_eq!(next.messages(&stage).await.len(), 1);
}

#[tokio::test]
async fn a_payload_that_its_event_type_does_not_allow_is_refused() {
    let stage = Stage::new(&[]).await;
    let stripe = Provider::new(&stage, "stripe").await;
    let schemas = json!({ "1": { "type": "object", "required": ["amount"] } });
    let event_type =
        json!({ "name": "stripe.invoice.paid", "description": "", "schemas": schemas, "schemaValidation": "reject" });
    stage.call("POST", "/api/v1/event-type", Some(event_type)).await.json();
    let headers = signing::stripe(SECRET, now(&stage), BODY.as_bytes());
    assert_eq!(stripe.send(&stage, &headers, BODY).await.status, 422);
    assert!(stripe.messages(&stage).await.is_empty());
}
