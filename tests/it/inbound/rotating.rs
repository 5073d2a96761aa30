//! Through a rotation the old secret and the new one are good; the address changes at once.

use serde_json::json;

use super::signing::{self, OTHER_SECRET, SECRET};
use super::{Provider, now, path_of, post};
use crate::harness::Stage;

async fn takes(stage: &Stage, provider: &Provider, secret: &str, id: &str) -> bool {
    let body = json!({ "id": id, "type": "a" }).to_string();
    let answer = provider.send(stage, &signing::stripe(secret, now(stage), body.as_bytes()), body).await;
    assert!([200, 401].contains(&answer.status.as_u16()), "{answer:?}");
    answer.status == 200
}

#[tokio::test]
async fn both_secrets_are_good_for_the_grace_period_and_then_the_new_one() {
    for (asked, grace_s) in
        [(json!({ "key": OTHER_SECRET }), 86_400), (json!({ "key": OTHER_SECRET, "gracePeriodSeconds": 60 }), 60)]
    {
        let stage = Stage::new(&[]).await;
        let stripe = Provider::new(&stage, "stripe").await;
        assert!(takes(&stage, &stripe, SECRET, "evt_1").await && !takes(&stage, &stripe, OTHER_SECRET, "evt_1").await);
        let path = format!("/api/v1/source/{}/secret/rotate", stripe.id);
        for _ in 0..2 {
            let rotated = stage.call_with_key("POST", &path, Some(asked.clone()), Some("once")).await;
            assert_eq!(rotated.json(), json!({ "key": OTHER_SECRET }));
        }
        assert!(takes(&stage, &stripe, SECRET, "evt_2").await && takes(&stage, &stripe, OTHER_SECRET, "evt_3").await);
        // Sending takes a moment.
        stage.clock.forward_ms(grace_s * 1_000 - 1_000);
        assert!(takes(&stage, &stripe, SECRET, "evt_4").await && takes(&stage, &stripe, OTHER_SECRET, "evt_5").await);
        stage.clock.forward_ms(1_000);
        assert!(!takes(&stage, &stripe, SECRET, "evt_6").await && takes(&stage, &stripe, OTHER_SECRET, "evt_7").await);
        assert_eq!(stripe.messages(&stage).await.len(), 6);
    }
}

#[tokio::test]
async fn a_secret_without_grace_ends_at_once() {
    let stage = Stage::new(&[]).await;
    let stripe = Provider::new(&stage, "stripe").await;
    let asked = json!({ "key": OTHER_SECRET, "gracePeriodSeconds": 0 });
    stage.call("POST", &format!("/api/v1/source/{}/secret/rotate", stripe.id), Some(asked)).await;
    assert!(!takes(&stage, &stripe, SECRET, "evt_1").await && takes(&stage, &stripe, OTHER_SECRET, "evt_1").await);
}

#[tokio::test]
async fn another_address_ends_the_old_one_at_once() {
    let stage = Stage::new(&[]).await;
    let stripe = Provider::new(&stage, "stripe").await;
    let path = format!("/api/v1/source/{}/token/rotate", stripe.id);
    let first = stage.call_with_key("POST", &path, None, Some("once")).await.json();
    let second = stage.call_with_key("POST", &path, None, Some("once")).await.json();
    assert_eq!(first["ingestUrl"], second["ingestUrl"], "once for a key");
    let next = Provider { path: path_of(&first), ..stripe };
    assert!(takes(&stage, &next, SECRET, "evt_1").await);
    let old = stage.call("GET", &format!("/api/v1/source/{}", next.id), None).await.json();
    assert_eq!(path_of(&old), next.path);
}

#[tokio::test]
async fn the_old_address_is_nobodys() {
    let stage = Stage::new(&[]).await;
    let stripe = Provider::new(&stage, "stripe").await;
    stage.call("POST", &format!("/api/v1/source/{}/token/rotate", stripe.id), None).await.json();
    let headers = signing::stripe(SECRET, now(&stage), b"{}");
    assert_eq!(post(stage.router("ingest"), &stripe.path, &headers, "{}").await.status, 404);
}
