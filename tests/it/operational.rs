//! Operational webhooks: the organization's own endpoints, beside its applications and out of their sight.

use serde_json::{Value, json};
use svix::models::OperationalWebhookEndpointIn;

use crate::harness::{Stage, World};

const ENDPOINTS: &str = "/api/v1/operational-webhook/endpoint";

#[tokio::test]
async fn they_are_endpoints_of_an_application_that_nobody_sees() {
    let stage = Stage::new(&[]).await;
    assert_eq!(stage.call("GET", ENDPOINTS, None).await.json()["data"], json!([]));
    let body = json!({ "url": "https://ops.example.com/", "uid": "ops", "eventTypes": ["endpoint.disabled"] });
    let made = stage.call_with_key("POST", ENDPOINTS, Some(body.clone()), Some("k")).await;
    assert_eq!(
        (made.status.as_u16(), made.id()),
        (201, stage.call_with_key("POST", ENDPOINTS, Some(body), Some("k")).await.id())
    );
    let of_ops = |rest: &str| format!("{ENDPOINTS}/ops{rest}");
    assert_eq!(stage.call("GET", &of_ops(""), None).await.json()["eventTypes"], json!(["endpoint.disabled"]));
    let headers = json!({ "headers": { "x-team": "ops", "authorization": "Bearer s" } });
    assert_eq!(stage.call("PUT", &of_ops("/headers"), Some(headers)).await.status, 204);
    let shown = stage.call("GET", &of_ops("/headers"), None).await.json();
    assert_eq!(shown, json!({ "headers": { "x-team": "ops" }, "sensitive": ["authorization"] }));
    let secret = async || stage.call("GET", &of_ops("/secret"), None).await.json()["key"].clone();
    let first = secret().await;
    assert_eq!(stage.call("POST", &of_ops("/secret/rotate"), Some(json!({}))).await.status, 200);
    assert_ne!(secret().await, first);

    assert_eq!(stage.call("GET", "/api/v1/app", None).await.json()["data"], json!([]), "no application is listed");
    let hidden = crate::harness::ORGANIZATION.replace("org_", "app_");
    for path in ["", "/endpoint", "/msg"] {
        assert_eq!(stage.call("GET", &format!("/api/v1/app/{hidden}{path}"), None).await.status, 404, "{path}");
    }
    assert_eq!(stage.call("DELETE", &of_ops(""), None).await.status, 204);
    assert_eq!(stage.call("GET", &of_ops(""), None).await.status, 404);
}

#[tokio::test]
async fn they_subscribe_to_what_fanfare_says_and_to_nothing_else() {
    let stage = Stage::new(&[]).await;
    stage.call("POST", "/api/v1/event-type", Some(json!({ "name": "order.placed", "description": "" }))).await.json();
    for (event_type, status) in [("message.attempt.exhausted", 201), ("order.placed", 422), ("endpoint.exploded", 422)]
    {
        let body = json!({ "url": "https://ops.example.com/", "eventTypes": [event_type] });
        assert_eq!(stage.call("POST", ENDPOINTS, Some(body)).await.status, status, "{event_type}");
    }
}

#[tokio::test]
async fn the_gateway_tells_its_owner_by_itself() {
    let world = World::start(&[]).await;
    let operational = world.svix.operational_webhook();
    let listener = OperationalWebhookEndpointIn::new(world.receiver.url("/ops"));
    let listener = operational.endpoint().create(listener, None).await.unwrap().id;
    world.receiver.verify("/ops", &operational.endpoint().get_secret(listener).await.unwrap().key);
    let application = world.application().await;
    let endpoint = world.endpoint(&application, "/").await;
    let told = world.receiver.wait_at("/ops", 1).await;
    let body: Value = serde_json::from_slice(&told[0].body).unwrap();
    let data = json!({ "appId": application, "endpointId": endpoint });
    assert_eq!(body, json!({ "type": "endpoint.created", "data": data }));
}
