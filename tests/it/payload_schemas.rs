//! Payloads held against the schema of their event type, where its owner asked for it.

use serde_json::{Value, json};

use crate::harness::table::items;
use crate::harness::{Answer, Stage, Way};

const VIOLATION: &str = "fanfare-schema-violation";

fn schema() -> Value {
    let order = json!({ "type": "object", "properties": { "total": { "type": "number" }, "a/b ü": { "const": 1 } } });
    json!({ "type": "object", "properties": { "order": order, "list": { "items": { "type": "integer" } } } })
}

async fn stage_with(validation: &str, schemas: Value) -> (Stage, String) {
    let stage = Stage::new(&[]).await;
    let body = json!({ "name": "order.placed", "description": "", "schemaValidation": validation, "schemas": schemas });
    let made = stage.call("POST", "/api/v1/event-type", Some(body)).await;
    assert_eq!((made.status.as_u16(), &made.json()["schemaValidation"]), (201, &json!(validation)), "{made:?}");
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "A" }))).await.id();
    (stage, application)
}

async fn patch(stage: &Stage, body: Value) {
    let answer = stage.call("PATCH", "/api/v1/event-type/order.placed", Some(body)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn place(answer: &Answer) -> Value {
    answer.json()["detail"][0]["loc"].clone()
}

#[tokio::test]
async fn a_payload_that_its_schema_does_not_allow_is_refused_with_its_path() {
    // The newest version counts, by number: ten is more than nine.
    let (stage, application) = stage_with("reject", json!({ "9": { "not": {} }, "10": schema(), "draft": {} })).await;
    let stored = items(&stage.engines).await.len();
    let cases = [
        (json!({ "order": { "total": "s3cret" } }), json!(["body", "payload", "order", "total"])),
        (json!({ "list": [1, "s3cret"] }), json!(["body", "payload", "list", "1"])),
        (json!({ "order": { "a/b ü": 2 } }), json!(["body", "payload", "order", "a/b ü"])),
    ];
    for (payload, expected) in cases {
        let answer = stage.publish(&application, None, payload.clone()).await;
        assert_eq!((answer.status.as_u16(), place(&answer)), (422, expected), "{payload}: {answer:?}");
        assert!(!answer.text.contains("s3cret"), "{answer:?}");
    }
    assert_eq!(items(&stage.engines).await.len(), stored);
    let good = stage.publish(&application, None, json!({ "order": { "total": 7 } })).await;
    assert_eq!((good.status.as_u16(), good.headers.get(VIOLATION)), (202, None));
    assert_eq!(stage.publish("none", None, json!({ "order": 1 })).await.status, 404, "whose it is comes first");
    let other = json!({ "eventType": "other.type", "payload": { "order": 1 } });
    assert_eq!(stage.call("POST", &format!("/api/v1/app/{application}/msg"), Some(other)).await.status, 202);
    // The same name in another organization is another event type.
    let stranger = stage.stranger();
    let headers = [("authorization", stranger.as_str())];
    let foreign = stage.call_with_headers("POST", "/api/v1/app", Some(json!({ "name": "B" })), &headers).await.id();
    let body = json!({ "eventType": "order.placed", "payload": { "order": 1 } });
    let path = format!("/api/v1/app/{foreign}/msg");
    assert_eq!(stage.call_with_headers("POST", &path, Some(body), &headers).await.status, 202);
}

#[tokio::test]
async fn a_warning_names_the_place_and_the_message_goes_its_way() {
    let (stage, application) = stage_with("warn", json!({ "1": schema() })).await;
    let cases = [
        (json!({ "order": { "total": "x" } }), Some("#/order/total")),
        (json!({ "order": { "a/b ü": 2 } }), Some("#/order/a~1b%20%C3%BC")),
        (json!({ "order": {} }), None),
    ];
    for (payload, expected) in cases {
        let answer = stage.publish(&application, None, payload.clone()).await;
        let told = answer.headers.get(VIOLATION).map(|value| value.to_str().unwrap());
        assert_eq!((answer.status.as_u16(), told), (202, expected), "{payload}");
    }
}

#[tokio::test]
async fn what_is_validated_stays_until_it_is_said_otherwise_and_counts_within_a_minute() {
    let (stage, application) = stage_with("off", json!({ "1": schema() })).await;
    let publish = async || stage.publish(&application, None, json!({ "order": 1 })).await.status.as_u16();
    assert_eq!(publish().await, 202);
    patch(&stage, json!({ "schemaValidation": "reject" })).await;
    stage.clock.forward_ms(59_999);
    assert_eq!(publish().await, 202, "what is known counts for a minute");
    stage.clock.forward_ms(1);
    assert_eq!(publish().await, 422);

    // One read for all publishes of a minute, even those that come at the same time.
    stage.clock.forward_s(60);
    let before = stage.faults.calls("GetItem");
    stage.faults.next("GetItem", Way::Late, 100);
    let statuses = futures_util::future::join_all((0..20).map(|_| publish())).await;
    assert_eq!(statuses, [422; 20]);
    stage.faults.stop();
    assert_eq!(stage.faults.calls("GetItem") - before, 1);

    let shown =
        async || stage.call("GET", "/api/v1/event-type/order.placed", None).await.json()["schemaValidation"].clone();
    patch(&stage, json!({ "description": "d" })).await;
    assert_eq!(shown().await, "reject");
    let put = json!({ "description": "d", "schemas": { "1": schema() } });
    stage.call("PUT", "/api/v1/event-type/order.placed", Some(put)).await.json();
    assert_eq!(shown().await, "reject", "SDKs know nothing of it and replace event types all the same");
    patch(&stage, json!({ "schemaValidation": "off" })).await;
    stage.clock.forward_s(60);
    assert_eq!(publish().await, 202);
}

#[tokio::test]
async fn a_schema_that_cannot_be_used_is_refused_where_it_would_be() {
    let bad = json!({ "1": { "properties": { "a": { "type": "nonsense" } } } });
    let (stage, _) = stage_with("off", bad.clone()).await;
    let path = "/api/v1/event-type/order.placed";
    let before = stage.call("GET", path, None).await.json();
    let cases = [
        ("PATCH", json!({ "schemaValidation": "warn" })),
        ("PUT", json!({ "description": "d", "schemaValidation": "reject", "schemas": bad })),
    ];
    for (method, body) in cases {
        let answer = stage.call(method, path, Some(body)).await;
        assert_eq!((answer.status.as_u16(), place(&answer)), (422, json!(["body", "schemas"])), "{method}: {answer:?}");
        assert!(answer.text.contains("/properties/a/type"), "{answer:?}");
    }
    assert_eq!(stage.call("GET", path, None).await.json(), before);
    // An old version may be what it is: only the newest counts.
    let schemas = json!({ "1": { "type": "nonsense" }, "2": {} });
    patch(&stage, json!({ "schemaValidation": "reject", "schemas": schemas })).await;
    patch(&stage, json!({ "schemas": null })).await;
}

#[tokio::test]
async fn when_the_event_type_cannot_be_read_nothing_is_accepted_unseen() {
    let (stage, application) = stage_with("reject", json!({ "1": schema() })).await;
    stage.faults.next("GetItem", Way::THROTTLED, 1);
    let publish = async || stage.publish(&application, None, json!({ "order": 1 })).await.status.as_u16();
    assert_eq!((publish().await, publish().await), (503, 422));
}
