//! What does not come from the provider leaves nothing behind, and strangers learn nothing.

use std::collections::BTreeMap;

use serde_json::json;

use super::signing::{self, OTHER_SECRET, SECRET};
use super::{Provider, now, post};
use crate::harness::table::items;
use crate::harness::{Answer, Stage};

const BODY: &str = r#"{"id":"evt_1","type":"invoice.paid"}"#;

#[track_caller]
fn expect(answer: &Answer, status: u16, code: &str, what: &str) {
    assert_eq!(answer.status.as_u16(), status, "{what}: {answer:?}");
    assert_eq!(answer.json()["code"], code, "{what}");
}

#[tokio::test]
async fn what_is_not_signed_as_it_should_be_is_refused_and_leaves_nothing() {
    let stage = Stage::new(&[]).await;
    let stripe = Provider::new(&stage, "stripe").await;
    let before = items(&stage.engines).await.len();
    let (at, body) = (now(&stage), BODY.as_bytes());
    let good = signing::stripe(SECRET, at, body);
    let mut twice = good.clone();
    twice.push(good[1].clone());
    let refused = [
        ("another secret", signing::stripe(OTHER_SECRET, at, body), BODY),
        ("another body", good, r#"{"id":"evt_1","type":"invoice.paid" }"#),
        ("no signature", vec![("content-type", "application/json".to_owned())], BODY),
        ("two signatures", twice, BODY),
        ("an old one", signing::stripe(SECRET, at.plus_millis(-301_000), body), BODY),
        ("one of tomorrow", signing::stripe(SECRET, at.plus_millis(301_000), body), BODY),
        ("nonsense", vec![("stripe-signature", "t=,v1=zz,,=".to_owned())], BODY),
    ];
    for (what, headers, body) in refused {
        let answer = stripe.send(&stage, &headers, body).await;
        expect(&answer, 401, "verification_failed", what);
        assert!(!answer.text.contains("evt_1") && !answer.text.contains("whsec_"), "{answer:?}");
    }
    assert_eq!(items(&stage.engines).await.len(), before);
    assert_eq!(stage.backlog().await, (0, 0));
}

#[tokio::test]
async fn addresses_that_are_nobodys_look_alike_and_cost_the_same() {
    let stage = Stage::new(&[]).await;
    let [source, disabled, other] = [
        Provider::new(&stage, "stripe").await,
        Provider::new(&stage, "stripe").await,
        Provider::new(&stage, "stripe").await,
    ];
    let path = format!("/api/v1/source/{}", disabled.id);
    stage.call("PATCH", &path, Some(json!({ "disabled": true }))).await;
    let (own, token) = source.path.rsplit_once('/').unwrap();
    let other_token = other.path.rsplit_once('/').unwrap().1;
    // One bit of the last but one character: the same organization, and 23 bytes of 24.
    let mut near = token.as_bytes().to_vec();
    let last = near.len() - 2;
    near[last] = if near[last] == b'A' { b'B' } else { b'A' };
    let near = String::from_utf8(near).unwrap();
    let paths = [
        format!("{own}/{other_token}"),
        format!("{own}/{near}"),
        format!("{own}/nonsense"),
        format!("{own}/{token}A"),
        format!("/in/src_35voeScxPEP8ejsRbL1w201y48C/{token}"),
        format!("/in/{}/{token}", disabled.id),
        format!("/in/nonsense/{token}"),
        disabled.path.clone(),
    ];
    let headers = signing::stripe(SECRET, now(&stage), BODY.as_bytes());
    let mut texts = Vec::new();
    for path in &paths {
        let before = stage.faults.all_calls();
        let answer = post(stage.router("ingest"), path, &headers, BODY).await;
        expect(&answer, 404, "not_found", path);
        texts.push(answer.text);
        let mut calls = stage.faults.all_calls();
        before.iter().for_each(|(name, count)| *calls.get_mut(name).unwrap() -= count);
        calls.retain(|_, count| *count > 0);
        assert_eq!(calls, BTreeMap::from([("GetItem".to_owned(), 1)]), "{path}");
    }
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "{texts:?}");
    assert_eq!(source.send(&stage, &headers, BODY).await.status, 200, "the right one is another matter");
}

#[tokio::test]
async fn a_source_that_is_switched_on_again_takes_what_it_missed() {
    let stage = Stage::new(&[]).await;
    let stripe = Provider::new(&stage, "stripe").await;
    let path = format!("/api/v1/source/{}", stripe.id);
    for (disabled, status) in [(true, 404), (false, 200)] {
        stage.call("PATCH", &path, Some(json!({ "disabled": disabled }))).await;
        let headers = signing::stripe(SECRET, now(&stage), BODY.as_bytes());
        assert_eq!(stripe.send(&stage, &headers, BODY).await.status, status);
    }
    assert_eq!(stripe.messages(&stage).await.len(), 1);
}

#[tokio::test]
async fn an_address_takes_posts_only_and_a_source_that_was_deleted_is_nobodys() {
    let stage = Stage::new(&[]).await;
    let stripe = Provider::new(&stage, "stripe").await;
    for method in ["GET", "PUT", "DELETE"] {
        let answer = stage.call(method, &stripe.path, None).await;
        expect(&answer, 405, "method_not_allowed", method);
    }
    stage.call("DELETE", &format!("/api/v1/source/{}", stripe.id), None).await;
    let headers = signing::stripe(SECRET, now(&stage), BODY.as_bytes());
    expect(&stripe.send(&stage, &headers, BODY).await, 404, "not_found", "deleted");
}
