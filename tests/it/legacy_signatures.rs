//! Signatures for receivers that were written for another gateway, next to the standard ones.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::harness::table::items;
use crate::harness::{Delivery, Receiver, Stage};

/// What a receiver computes: the bytes of the signature that this key makes of this text.
fn computed(key: &str, text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), text).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn header<'a>(delivery: &'a Delivery, name: &str) -> &'a str {
    let values: Vec<_> = delivery.headers.get_all(name).iter().collect();
    assert_eq!(values.len(), 1, "{name}: {values:?}");
    values[0].to_str().unwrap()
}

struct Scene {
    stage: Stage,
    receiver: Receiver,
    application: String,
    endpoint: String,
}

impl Scene {
    /// An endpoint at `/` with these legacy signatures.
    async fn new(entries: Value) -> Self {
        let (stage, receiver) = (Stage::new(&[]).await, Receiver::start().await);
        let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "A" }))).await.id();
        let body = json!({ "url": receiver.url("/"), "legacySignatures": entries });
        let made = stage.call("POST", &format!("/api/v1/app/{application}/endpoint"), Some(body)).await;
        let scene = Self { stage, receiver, application, endpoint: made.id() };
        scene.learn_secret().await;
        scene
    }

    fn path(&self) -> String {
        format!("/api/v1/app/{}/endpoint/{}", self.application, self.endpoint)
    }

    async fn learn_secret(&self) -> String {
        let secret = self.stage.secret(&self.application, &self.endpoint).await;
        self.receiver.verify("/", &secret);
        secret
    }

    async fn call(&self, method: &str, body: Value) -> Value {
        let answer = self.stage.call(method, &self.path(), Some(body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["legacySignatures"].clone()
    }

    async fn delivery(&self) -> Delivery {
        self.stage.publish(&self.application, None, json!({ "a": "é" })).await.id();
        self.stage.deliver_all().await;
        self.receiver.deliveries().pop().unwrap()
    }
}

#[tokio::test]
async fn each_form_is_what_its_receivers_verify() {
    let scene = Scene::new(json!([
        { "kind": "svix" },
        { "kind": "timestamped", "header": "Acme-Signature" },
        { "kind": "hmac", "header": "X-Acme-Signature-256", "prefix": "sha256=" },
        { "kind": "hmac", "header": "x-acme-hmac", "encoding": "base64", "secret": "a shared word" },
    ]))
    .await;
    let secret = scene.learn_secret().await;
    // The receiver verified `svix-*` with the library of that name and `webhook-*` with the standard's.
    let delivery = scene.delivery().await;
    for name in ["id", "timestamp", "signature"] {
        assert_eq!(header(&delivery, &format!("svix-{name}")), header(&delivery, &format!("webhook-{name}")));
    }
    let time = header(&delivery, "webhook-timestamp");
    let stamped = [format!("{time}.").as_bytes(), &delivery.body].concat();
    assert_eq!(header(&delivery, "acme-signature"), format!("t={time},v1={}", hex(&computed(&secret, &stamped))));
    let plain = hex(&computed(&secret, &delivery.body));
    assert_eq!(header(&delivery, "x-acme-signature-256"), format!("sha256={plain}"));
    assert_eq!(header(&delivery, "x-acme-hmac"), BASE64.encode(computed("a shared word", &delivery.body)));

    let shown = scene.call("PATCH", json!({})).await;
    let expected = json!([
        { "kind": "svix", "hasSecret": false },
        { "kind": "timestamped", "header": "acme-signature", "hasSecret": false },
        { "kind": "hmac", "header": "x-acme-signature-256", "encoding": "hex", "prefix": "sha256=", "hasSecret": false },
        { "kind": "hmac", "header": "x-acme-hmac", "encoding": "base64", "prefix": "", "hasSecret": true },
    ]);
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn through_a_rotation_receivers_verify_with_the_old_secret_and_the_new_one() {
    let scene = Scene::new(json!([
        { "kind": "timestamped", "header": "acme-signature" },
        { "kind": "hmac", "header": "x-hmac" },
    ]))
    .await;
    let old = scene.learn_secret().await;
    let rotate =
        async |body: Value| scene.stage.call("POST", &format!("{}/secret/rotate", scene.path()), Some(body)).await;
    assert_eq!(rotate(json!({})).await.status, 200);
    let new = scene.learn_secret().await;
    let delivery = scene.delivery().await;
    let time = header(&delivery, "webhook-timestamp");
    let stamped = [format!("{time}.").as_bytes(), &delivery.body].concat();
    let both = format!("t={time},v1={},v1={}", hex(&computed(&new, &stamped)), hex(&computed(&old, &stamped)));
    assert_eq!(header(&delivery, "acme-signature"), both);
    assert_eq!(header(&delivery, "x-hmac"), hex(&computed(&new, &delivery.body)));

    // A key of another kind cannot make these signatures.
    let asymmetric = rotate(json!({ "signature": "v1a" })).await;
    assert_eq!(
        (asymmetric.status.as_u16(), &asymmetric.json()["detail"][0]["loc"]),
        (422, &json!(["body", "signature"]))
    );
    let seed = format!("whsk_{}", BASE64.encode([7; 32]));
    let asymmetric = rotate(json!({ "key": seed })).await;
    assert_eq!((asymmetric.status.as_u16(), &asymmetric.json()["detail"][0]["loc"]), (422, &json!(["body", "key"])));
    assert_eq!(scene.learn_secret().await, new, "a refused rotation changes nothing");
}

#[tokio::test]
async fn legacy_signatures_stay_until_they_are_changed_and_their_secrets_are_shown_to_nobody() {
    let scene = Scene::new(json!([{ "kind": "hmac", "header": "x-hmac", "secret": "a shared word" }])).await;
    let secret = scene.learn_secret().await;
    let url = scene.receiver.url("/");
    let check = async |key: &str| {
        let delivery = scene.delivery().await;
        assert_eq!(header(&delivery, "x-hmac"), hex(&computed(key, &delivery.body)));
    };
    check("a shared word").await;
    // An SDK that knows nothing of them replaces the endpoint; then somebody writes back what was shown.
    let shown = scene.call("PUT", json!({ "url": url })).await;
    assert_eq!(
        shown,
        json!([{ "kind": "hmac", "header": "x-hmac", "encoding": "hex", "prefix": "", "hasSecret": true }])
    );
    assert_eq!(scene.call("PUT", json!({ "url": url, "legacySignatures": shown })).await, shown);
    check("a shared word").await;
    let entry = |own: Value| json!({ "legacySignatures": [{ "kind": "hmac", "header": "x-hmac", "secret": own }] });
    scene.call("PATCH", entry(json!("another word"))).await;
    check("another word").await;
    assert_eq!(scene.call("PATCH", entry(json!(null))).await[0]["hasSecret"], false);
    check(&secret).await;
    assert_eq!(scene.call("PATCH", json!({ "legacySignatures": null })).await, json!(null));
    assert!(scene.delivery().await.headers.get("x-hmac").is_none());
}

#[tokio::test]
async fn what_does_not_fit_together_is_refused_and_changes_nothing() {
    let scene = Scene::new(json!([{ "kind": "hmac", "header": "x-hmac", "secret": "w" }])).await;
    let before = items(&scene.stage.engines).await;
    let five: Vec<_> = (0..5).map(|n| json!({ "kind": "hmac", "header": format!("x-{n}") })).collect();
    let (endpoint, headers) = (scene.path(), format!("{}/headers", scene.path()));
    let cases = [
        ("PATCH", &endpoint, json!({ "legacySignatures": five }), json!(["body", "legacySignatures"])),
        ("PUT", &headers, json!({ "headers": { "X-Hmac": "a" } }), json!(["body", "headers"])),
        ("PATCH", &headers, json!({ "headers": { "X-Hmac": "a" } }), json!(["body", "headers"])),
    ];
    for (method, path, body, place) in cases {
        let answer = scene.stage.call(method, path, Some(body)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["detail"][0]["loc"]), (422, &place), "{method} {path}");
    }
    assert_eq!(items(&scene.stage.engines).await, before);
    // A secret of its own is enough where the endpoint's is not a shared one.
    let rotate = format!("{endpoint}/secret/rotate");
    assert_eq!(scene.stage.call("POST", &rotate, Some(json!({ "signature": "v1a" }))).await.status, 200);
}
