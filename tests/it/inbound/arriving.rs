//! Through the whole gateway, over real sockets: what a provider sends is what a receiver gets.

use bytes::Bytes;
use fanfare::domain::timestamp::Timestamp;
use fanfare::effects::{Clock, SystemClock};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use super::path_of;
use super::signing::{self, Headers, SECRET};
use crate::harness::{Answer, World, send};

/// Text that changes as soon as somebody parses it and writes it again.
const ODD: &str = r#"{ "id":"evt_1",  "type":"invoice.paid", "n":1.0e2, "a":"\u00e9é", "a":2 }"#;

fn now() -> Timestamp {
    SystemClock.now()
}

async fn post(world: &World, path: &str, headers: &Headers, body: &str) -> Answer {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    send(world.address(), request.body(Full::new(Bytes::from(body.to_owned()))).unwrap()).await
}

/// A source of this provider; what is posted to it arrives at the receiver, to the byte, and looks so in the list of messages.
async fn check(
    provider: Value,
    headers: Headers,
    body: &str,
    event_type: &str,
    event_id: Option<&str>,
) -> http::HeaderMap {
    let world = World::start(&[]).await;
    let application = world.application().await;
    world.endpoint(&application, "/hooks").await;
    let secret = (provider["kind"] != "none").then_some(SECRET);
    let source = json!({
        "name": "S", "appId": application, "provider": provider, "secret": secret, "forwardHeaders": ["x-region"],
    });
    let source = world.call("POST", "/api/v1/source", Some(source)).await;
    assert_eq!(source.status, 201, "{source:?}");
    let source = source.json();
    assert!(
        source["ingestUrl"].as_str().unwrap().starts_with(&format!("http://{}/in/src_", world.address())),
        "{source}"
    );
    let path = path_of(&source);

    let mut headers = headers;
    headers.extend([
        ("x-region", "eu".to_owned()),
        ("x-other", "1".to_owned()),
        ("authorization", "Basic x".to_owned()),
    ]);
    for _ in 0..2 {
        let answer = post(&world, &path, &headers, body).await;
        assert!(answer.status.is_success(), "{answer:?}");
    }
    let delivery = world.receiver.wait_at("/hooks", 1).await.remove(0);
    assert_eq!(delivery.body, body.as_bytes());
    world.settled().await;
    assert_eq!(world.receiver.at("/hooks").len(), 1, "a provider's retry is one message");

    let listed = world.call("GET", &format!("/api/v1/app/{application}/msg"), None).await.json();
    let messages = listed["data"].as_array().unwrap();
    assert_eq!((messages.len(), &messages[0]["eventType"]), (1, &json!(event_type)));
    if let Some(event_id) = event_id {
        assert_eq!(messages[0]["eventId"], event_id);
    }
    assert_eq!(delivery.headers["x-region"], "eu");
    assert!(!delivery.headers.contains_key("x-other") && !delivery.headers.contains_key("authorization"));
    delivery.headers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stripe_signs_arrives() {
    let headers = signing::stripe(SECRET, now(), ODD.as_bytes());
    let got = check(json!({ "kind": "stripe" }), headers, ODD, "stripe.invoice.paid", Some("evt_1")).await;
    assert!(!got.contains_key("stripe-signature"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_github_signs_arrives_with_its_headers() {
    let body = r#"{"action":"opened","number":7,"pull_request":{"id":1}}"#;
    let headers = signing::github(SECRET, "72d3162e-cc78-11e3-81ab-4c9367dc0958", "pull_request", body.as_bytes());
    let id = Some("72d3162e-cc78-11e3-81ab-4c9367dc0958");
    let got = check(json!({ "kind": "github" }), headers, body, "github.pull_request.opened", id).await;
    assert_eq!(got["x-github-event"], "pull_request");
    assert_eq!(got["x-github-delivery"], "72d3162e-cc78-11e3-81ab-4c9367dc0958");
    assert!(!got.contains_key("x-hub-signature-256"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_gateway_signs_arrives_signed_by_us() {
    let headers = signing::standard_webhooks(SECRET, "msg_abc", now(), ODD.as_bytes());
    let got = check(json!({ "kind": "standard-webhooks" }), headers, ODD, "standard-webhooks.invoice.paid", None).await;
    assert_ne!(got["webhook-id"], "msg_abc", "the delivery's own, which the receiver has verified");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_any_program_signs_arrives() {
    let provider = json!({
        "kind": "generic-hmac", "header": "X-Sig", "eventId": { "pointer": "/id" }, "eventType": { "pointer": "/type" },
    });
    let headers = signing::generic("x-sig", SECRET, ODD.as_bytes());
    check(provider, headers, ODD, "generic-hmac.invoice.paid", Some("evt_1")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_signs_arrives_where_that_is_wanted() {
    let headers = vec![("content-type", "application/json".to_owned())];
    check(json!({ "kind": "none" }), headers, ODD, "none.event", None).await;
}
