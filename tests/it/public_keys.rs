//! Receivers without a shared secret: signatures of ed25519, verified with a key that anybody may fetch.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD};
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::harness::{Answer, Delivery, ORGANIZATION, Receiver, Stage};

/// The keys of an application, asked for without a token.
async fn ask(stage: &Stage, organization: &str, application: &str, known: &str) -> Answer {
    let path = format!("/.well-known/webhooks/{organization}/{application}/jwks.json");
    let request = Request::get(path).header("if-none-match", known).body(axum::body::Body::empty()).unwrap();
    Answer::read(stage.router("manage").oneshot(request).await.unwrap()).await
}

async fn keys(stage: &Stage, application: &str) -> Vec<Value> {
    let answer = ask(stage, ORGANIZATION, application, "\"none\"").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["keys"].as_array().unwrap().clone()
}

/// Whether one of the delivery's signatures was made by this key.
fn verifies(delivery: &Delivery, key: &Value) -> bool {
    let header = |name: &str| delivery.headers[name].to_str().unwrap();
    let text = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp"));
    let signed = [text.as_bytes(), &delivery.body].concat();
    let public = UnparsedPublicKey::new(&ED25519, URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap());
    let signatures = header("webhook-signature").split(' ').filter_map(|signature| signature.strip_prefix("v1a,"));
    signatures.map(|base64| BASE64.decode(base64).unwrap()).any(|signature| public.verify(&signed, &signature).is_ok())
}

#[tokio::test]
async fn a_delivery_verifies_with_a_key_that_anybody_may_fetch() {
    let (stage, receiver) = (Stage::new(&[]).await, Receiver::start().await);
    receiver.leave_to_test("/");
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "A" }))).await.id();
    assert!(keys(&stage, &application).await.is_empty());
    let endpoints = format!("/api/v1/app/{application}/endpoint");
    // One with a shared secret, which must not appear.
    stage.call("POST", &endpoints, Some(json!({ "url": receiver.url("/off"), "disabled": true }))).await.id();
    let new = json!({ "url": receiver.url("/"), "signature": "v1a" });
    let endpoint = stage.call("POST", &endpoints, Some(new)).await.id();

    let found = keys(&stage, &application).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let key = &found[0];
    let x = key["x"].as_str().unwrap();
    let thumbprint =
        digest::digest(&digest::SHA256, format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#).as_bytes());
    let kid = URL_SAFE_NO_PAD.encode(thumbprint);
    assert_eq!(key, &json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig", "alg": "EdDSA", "kid": kid }));
    let shown = stage.secret(&application, &endpoint).await;
    assert_eq!(shown, format!("whpk_{}", BASE64.encode(URL_SAFE_NO_PAD.decode(x).unwrap())));

    let deliver = async || {
        stage.publish(&application, None, json!({ "a": 1 })).await.id();
        stage.deliver_all().await;
        receiver.at("/").pop().unwrap()
    };
    assert!(verifies(&deliver().await, key));

    // Through a rotation both keys sign, and both are published; then one.
    let rotate = format!("{endpoints}/{endpoint}/secret/rotate");
    stage.call("POST", &rotate, Some(json!({ "gracePeriodSeconds": 60 }))).await.json();
    let both = keys(&stage, &application).await;
    assert!(both.len() == 2 && both.contains(key), "{both:?}");
    let delivery = deliver().await;
    assert!(both.iter().all(|key| verifies(&delivery, key)));
    stage.clock.forward_s(61);
    let left = keys(&stage, &application).await;
    assert!(left.len() == 1 && left[0] != *key, "{left:?}");
    let delivery = deliver().await;
    assert!(verifies(&delivery, &left[0]) && !verifies(&delivery, key));
}

#[tokio::test]
async fn keys_may_be_cached_and_tell_nothing_about_others() {
    let stage = Stage::new(&[]).await;
    let body = json!({ "name": "A", "uid": "acme" });
    let application = stage.call("POST", "/api/v1/app", Some(body)).await.id();
    let first = ask(&stage, ORGANIZATION, &application, "\"none\"").await;
    assert_eq!(
        (first.headers["cache-control"].to_str().unwrap(), first.json()),
        ("public, max-age=300", json!({ "keys": [] }))
    );
    let known = first.headers["etag"].to_str().unwrap();
    let again = ask(&stage, ORGANIZATION, &application, known).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    assert_eq!(again.headers["cache-control"], "public, max-age=300");

    let seed = json!({ "url": "http://127.0.0.1:8/", "secret": format!("whsk_{}", BASE64.encode([7; 32])) });
    for _ in 0..2 {
        stage.call("POST", &format!("/api/v1/app/{application}/endpoint"), Some(seed.clone())).await.id();
    }
    let changed = ask(&stage, ORGANIZATION, &application, known).await;
    assert_eq!((changed.status.as_u16(), changed.json()["keys"].as_array().unwrap().len()), (200, 1));

    let foreign = "org_2AnotherOrganization0000000";
    let none = "app_000000000000000000000000000";
    for (organization, application) in
        [(foreign, application.as_str()), (ORGANIZATION, none), (ORGANIZATION, "acme"), ("none", &application)]
    {
        let answer = ask(&stage, organization, application, "*").await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["code"].clone()),
            (404, json!("not_found")),
            "{organization} {application}"
        );
    }
}
