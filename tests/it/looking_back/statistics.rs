//! What is counted about an endpoint.

use fanfare::domain::ids::EndpointId;
use fanfare::domain::statistics::window;
use fanfare::domain::timestamp::Timestamp;
use serde_json::{Value, json};

use super::Scene;
use crate::harness::Stage;

const DAY_MS: i64 = 24 * 3_600 * 1_000;

fn deliveries(success: u32, sending: u32, fail: u32) -> Value {
    json!({ "success": success, "pending": 0, "sending": sending, "fail": fail, "canceled": 0, "undelivered": 0 })
}

fn attempts(success: u32, fail: u32) -> Value {
    json!({ "success": success, "fail": fail, "canceled": 0 })
}

/// Three days with, from the oldest: two deliveries lost after two attempts each, one saved by a resend; one delivered; one
/// delivered, one still trying.
async fn mix() -> (Scene, Timestamp) {
    let scene = Scene::new("5").await;
    let begun_at = scene.stage.platform.effects.now();
    for _ in 0..2 {
        scene.publish_answered(json!({}), 500).await;
    }
    let saved = scene.publish_answered(json!({}), 500).await;
    scene.stage.clock.forward_s(5);
    scene.stage.deliver_all().await;
    scene.resend(&saved, &scene.endpoint).await;
    scene.receiver.on("/", |_| crate::harness::Reply::Status(204));
    scene.stage.deliver_all().await;
    scene.stage.clock.forward_ms(DAY_MS);
    scene.publish_answered(json!({}), 204).await;
    scene.stage.clock.forward_ms(DAY_MS);
    scene.publish_answered(json!({}), 204).await;
    scene.publish_answered(json!({}), 503).await;
    scene.publish(json!({})).await;
    (scene, begun_at)
}

#[tokio::test]
async fn deliveries_and_attempts_are_counted_within_their_time() {
    let (scene, begun_at) = mix().await;
    let half = |days: i64| begun_at.plus_millis(days * DAY_MS - DAY_MS / 2).to_rfc3339();
    let of = async |endpoint: &str, name: &str, query: &str| {
        let mut shown = scene.get(&format!("/endpoint/{endpoint}/{name}?{query}")).await;
        // What the receiver is like now does not depend on the time that is asked for.
        shown.as_object_mut().unwrap().remove("receiver");
        shown
    };
    let stats = async |name: &str, query: &str| of(&scene.endpoint, name, query).await;
    for (query, of_deliveries, of_attempts) in [
        (String::new(), deliveries(3, 1, 2), attempts(3, 7)),
        (format!("since={}", half(0)), deliveries(3, 1, 2), attempts(3, 7)),
        (format!("since={}", half(1)), deliveries(2, 1, 0), attempts(2, 1)),
        (format!("since={}&until={}", half(1), half(2)), deliveries(1, 0, 0), attempts(1, 0)),
        (format!("until={}", half(1)), deliveries(1, 0, 2), attempts(1, 6)),
    ] {
        assert_eq!(stats("stats", &query).await, of_deliveries, "{query}");
        assert_eq!(stats("attempt-stats", &query).await, of_attempts, "{query}");
    }
    let other = scene.endpoint("/other", &[]).await;
    assert_eq!(of(&other, "stats", "").await, deliveries(0, 0, 0));
}

#[tokio::test]
async fn a_time_that_is_too_long_or_none_is_refused() {
    let scene = Scene::new("").await;
    let now = scene.stage.platform.effects.now();
    let at = |ms: i64| now.plus_millis(ms).to_rfc3339();
    for name in ["stats", "attempt-stats"] {
        let path = format!("/endpoint/{}/{name}", scene.endpoint);
        for query in [
            format!("since={}", at(-29 * DAY_MS)),
            format!("until={}", at(DAY_MS)),
            format!("since={}&until={}", at(-DAY_MS), at(-2 * DAY_MS)),
        ] {
            let code = scene.refused("GET", &format!("{path}?{query}"), None, 400).await;
            assert_eq!(code, json!("invalid_range"), "{query}");
        }
        let place = scene.refused("GET", &format!("{path}?since=monday"), None, 422).await;
        assert_eq!(place, json!(["query", "since"]));
        assert_eq!(scene.refused("GET", &format!("/endpoint/none/{name}"), None, 404).await, json!("not_found"));
    }
}

/// The function's own limit is far above what a test can make, so the table is asked with smaller ones.
#[tokio::test]
async fn more_than_can_be_counted_is_said_and_not_cut_off() {
    let (scene, _) = mix().await;
    let (store, scope) = (scene.stage.store(), Stage::scope(&scene.application));
    let endpoint = EndpointId::parse(&scene.endpoint).unwrap();
    let now = scene.stage.platform.effects.now();
    let window = window(None, None, now).unwrap();
    for (attempts_max, is_whole) in [(10, true), (9, false), (1, false)] {
        let deliveries = store.count_deliveries(&scope, &endpoint, &window, attempts_max, now).await.unwrap();
        let attempts = store.count_attempts(&scope, &endpoint, &window, attempts_max).await.unwrap();
        assert_eq!((deliveries.is_some(), attempts.is_some()), (is_whole, is_whole), "{attempts_max}");
    }
}
