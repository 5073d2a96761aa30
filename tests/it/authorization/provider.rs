//! Tokens of an identity provider, whose keys are published by a server that the test plays.

use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::status_of;
use crate::harness::{ORGANIZATION, Receiver, Reply, Stage};

const ISSUER: &str = "https://id.example.com/";

enum Signer {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// A key of the provider: how it signs, and how it is published.
struct Key {
    name: &'static str,
    signer: Signer,
}

fn rsa(name: &'static str, size: KeySize) -> Key {
    Key { name, signer: Signer::Rsa(RsaKeyPair::generate(size).unwrap()) }
}

fn ec(name: &'static str) -> Key {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    Key { name, signer: Signer::Ec(pair) }
}

fn ed(name: &'static str) -> Key {
    Key { name, signer: Signer::Ed(Ed25519KeyPair::generate().unwrap()) }
}

impl Key {
    fn algorithm(&self) -> &'static str {
        match &self.signer {
            Signer::Rsa(_) => "RS256",
            Signer::Ec(_) => "ES256",
            Signer::Ed(_) => "EdDSA",
        }
    }

    fn published(&self) -> Value {
        let mut key = match &self.signer {
            Signer::Rsa(pair) => {
                let public = pair.public_key();
                json!({
                    "kty": "RSA", "n": BASE64.encode(public.modulus().big_endian_without_leading_zero()),
                    "e": BASE64.encode(public.exponent().big_endian_without_leading_zero()),
                })
            }
            Signer::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": BASE64.encode(&point[1..33]), "y": BASE64.encode(&point[33..]) })
            }
            Signer::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64.encode(pair.public_key().as_ref()) })
            }
        };
        key["kid"] = self.name.into();
        key["use"] = "sig".into();
        key
    }

    fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({ "alg": self.algorithm(), "kid": self.name, "typ": "JWT" }), &claims.to_string())
    }

    fn token_with(&self, header: &Value, claims: &str) -> String {
        let text = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims));
        let random = SystemRandom::new();
        let signature = match &self.signer {
            Signer::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature).unwrap();
                signature
            }
            Signer::Ec(pair) => pair.sign(&random, text.as_bytes()).unwrap().as_ref().to_vec(),
            Signer::Ed(pair) => pair.sign(text.as_bytes()).as_ref().to_vec(),
        };
        format!("{text}.{}", BASE64.encode(signature))
    }
}

/// A provider that publishes what it is told to.
struct Provider {
    server: Receiver,
    published: Arc<Mutex<Option<Value>>>,
}

impl Provider {
    async fn start(keys: &[&Key]) -> (Self, Stage) {
        let server = Receiver::start().await;
        let published = Arc::new(Mutex::new(None));
        let shown = Arc::clone(&published);
        server.leave_to_test("/keys");
        server.on("/keys", move |_| match &*shown.lock().unwrap() {
            Some(keys) => Reply::Text(Value::to_string(keys)),
            None => Reply::Status(503),
        });
        let provider = Self { server, published };
        provider.publish(keys);
        let url = provider.server.url("/keys");
        let settings =
            [("FANFARE_OIDC_ISSUER", ISSUER), ("FANFARE_OIDC_AUDIENCE", "fanfare"), ("FANFARE_OIDC_JWKS_URL", &*url)];
        let stage = Stage::new(&settings).await;
        (provider, stage)
    }

    fn publish(&self, keys: &[&Key]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.published()).collect();
        *self.published.lock().unwrap() = Some(json!({ "keys": keys }));
    }

    fn asked(&self) -> usize {
        self.server.at("/keys").len()
    }
}

fn claims(stage: &Stage) -> Value {
    let now_s = stage.platform.effects.now().as_seconds();
    json!({
        "iss": ISSUER, "aud": "fanfare", "sub": "auth0|17", "exp": now_s + 600, "iat": now_s,
        "fanfare_org": ORGANIZATION, "fanfare_role": "owner",
    })
}

fn with(stage: &Stage, name: &str, value: Value) -> Value {
    let mut claims = claims(stage);
    claims[name] = value;
    claims
}

#[tokio::test]
async fn each_kind_of_key_signs_with_its_own_algorithm() {
    let keys = [rsa("r", KeySize::Rsa2048), ec("e"), ed("d")];
    let (provider, stage) = Provider::start(&keys.each_ref()).await;
    for key in &keys {
        assert_eq!(status_of(&stage, &key.token(&claims(&stage))).await, 200, "{}", key.name);
        for algorithm in ["none", "HS256", "RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA"] {
            let header = json!({ "alg": algorithm, "kid": key.name });
            let token = key.token_with(&header, &claims(&stage).to_string());
            let expected = if algorithm == key.algorithm() { 200 } else { 401 };
            assert_eq!(status_of(&stage, &token).await, expected, "{} as {algorithm}", key.name);
        }
    }
    assert_eq!(provider.asked(), 1, "the keys were not kept");
}

#[tokio::test]
async fn the_text_of_a_public_key_signs_nothing() {
    let key = rsa("r", KeySize::Rsa2048);
    let (_provider, stage) = Provider::start(&[&key]).await;
    let published = key.published();
    let secrets = [published.to_string(), published["n"].as_str().unwrap().to_owned()];
    for secret in secrets {
        let text =
            format!("{}.{}", BASE64.encode(r#"{"alg":"HS256","kid":"r"}"#), BASE64.encode(claims(&stage).to_string()));
        let mac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        let token = format!("{text}.{}", BASE64.encode(aws_lc_rs::hmac::sign(&mac, text.as_bytes())));
        assert_eq!(status_of(&stage, &token).await, 401);
    }
}

#[tokio::test]
async fn claims_must_be_there_once_and_for_us() {
    let key = ed("d");
    let (_provider, stage) = Provider::start(&[&key]).await;
    let now_s = stage.platform.effects.now().as_seconds();
    let taken = [
        ("aud", json!(["another", "fanfare"])),
        ("exp", json!(now_s as f64 + 60.5)),
        ("exp", json!(now_s - 59)),
        ("nbf", json!(now_s + 59)),
        ("fanfare_role", json!("reader")),
    ];
    for (name, value) in taken {
        assert_eq!(status_of(&stage, &key.token(&with(&stage, name, value.clone()))).await, 200, "{name} {value}");
    }
    let refused = [
        ("iss", json!("https://id.example.com")),
        ("iss", Value::Null),
        ("aud", json!("another")),
        ("aud", json!([])),
        ("aud", json!({ "fanfare": true })),
        ("aud", Value::Null),
        ("exp", json!(now_s - 61)),
        ("exp", json!("4102444800")),
        ("exp", Value::Null),
        ("nbf", json!(now_s + 61)),
        ("nbf", json!("now")),
        ("sub", Value::Null),
        ("sub", json!("")),
        ("sub", json!("x".repeat(256))),
        ("fanfare_org", json!("acme")),
        ("fanfare_org", Value::Null),
        ("fanfare_role", json!("root")),
        ("fanfare_role", json!(["owner"])),
        ("fanfare_role", Value::Null),
    ];
    for (name, value) in refused {
        assert_eq!(status_of(&stage, &key.token(&with(&stage, name, value.clone()))).await, 401, "{name} {value}");
    }
    let header = json!({ "alg": "EdDSA", "kid": "d" });
    let good = claims(&stage).to_string();
    for twice in ["\"fanfare_org\":\"org_2AnotherOrganization0000000\"", "\"exp\":4102444800", "\"x\":1,\"x\":2"] {
        let token = key.token_with(&header, &format!("{{{twice},{}", &good[1..]));
        assert_eq!(status_of(&stage, &token).await, 401, "{twice}");
    }
}

#[tokio::test]
async fn a_token_cannot_bring_its_own_key() {
    let (own, theirs) = (ed("d"), ed("d"));
    let (provider, stage) = Provider::start(&[&own]).await;
    let other = Receiver::start().await;
    let good = claims(&stage).to_string();
    let headers = [
        json!({ "alg": "EdDSA", "kid": "d" }),
        json!({ "alg": "EdDSA", "kid": "d", "jwk": theirs.published() }),
        json!({ "alg": "EdDSA", "kid": "d", "jku": other.url("/keys") }),
        json!({ "alg": "EdDSA", "kid": "d", "x5u": other.url("/keys") }),
        json!({ "alg": "EdDSA" }),
        json!({ "alg": "EdDSA", "kid": "unknown" }),
        json!({ "alg": "EdDSA", "kid": "../../keys" }),
    ];
    for header in headers {
        assert_eq!(status_of(&stage, &theirs.token_with(&header, &good)).await, 401, "{header}");
    }
    // Signed well, but with something that must be understood and is not; and with a key that is not named.
    for header in [json!({ "alg": "EdDSA", "kid": "d", "crit": ["exp"] }), json!({ "alg": "EdDSA" })] {
        assert_eq!(status_of(&stage, &own.token_with(&header, &good)).await, 401, "{header}");
    }
    assert!(other.deliveries().is_empty(), "an address in a token was called");
    assert_eq!(provider.asked(), 1, "made-up names of keys were looked for again and again");
}

#[tokio::test]
async fn weak_keys_and_keys_for_other_uses_verify_nothing() {
    let key = rsa("r", KeySize::Rsa2048);
    let (provider, stage) = Provider::start(&[]).await;
    let publish = |change: &dyn Fn(&mut Value)| {
        let mut published = key.published();
        change(&mut published);
        *provider.published.lock().unwrap() = Some(json!({ "keys": [published] }));
        stage.clock.forward_s(3_601);
    };
    let token = || key.token(&claims(&stage));
    publish(&|_| {});
    assert_eq!(status_of(&stage, &token()).await, 200);
    publish(&|key| key["use"] = "enc".into());
    assert_eq!(status_of(&stage, &token()).await, 401);
    publish(&|key| key["alg"] = "RS512".into());
    assert_eq!(status_of(&stage, &token()).await, 401);
    publish(&|key| key["n"] = BASE64.encode([0xc1; 128]).into());
    assert_eq!(status_of(&stage, &token()).await, 401);
}

#[tokio::test]
async fn keys_come_and_go_and_outlive_an_outage_of_the_provider() {
    let (old, new) = (ed("old"), ec("new"));
    let (provider, stage) = Provider::start(&[&old]).await;
    let status = async |key: &Key| status_of(&stage, &key.token(&claims(&stage))).await;
    assert_eq!((status(&old).await, status(&new).await), (200, 401));
    // A new key is found as soon as we look again, which is a minute after the last look.
    provider.publish(&[&old, &new]);
    assert_eq!(status(&new).await, 401);
    stage.clock.forward_s(61);
    assert_eq!((status(&new).await, status(&old).await, provider.asked()), (200, 200, 2));
    // One that is gone is refused when the set is an hour old.
    provider.publish(&[&new]);
    assert_eq!(status(&old).await, 200);
    stage.clock.forward_s(3_601);
    assert_eq!((status(&new).await, status(&old).await), (200, 401));
    // While the provider is away, its keys go on for a day, and it is asked once a minute.
    *provider.published.lock().unwrap() = None;
    stage.clock.forward_s(3_601);
    let before = provider.asked();
    assert_eq!((status(&new).await, status(&new).await, provider.asked() - before), (200, 200, 1));
    stage.clock.forward_s(24 * 3_600);
    assert_eq!(status(&new).await, 503);
}

#[tokio::test]
async fn a_provider_that_never_answered_is_asked_now_and_then() {
    let key = ed("d");
    let (provider, stage) = Provider::start(&[]).await;
    *provider.published.lock().unwrap() = None;
    for _ in 0..5 {
        assert_eq!(status_of(&stage, &key.token(&claims(&stage))).await, 503);
    }
    assert_eq!(provider.asked(), 1);
    provider.publish(&[&key]);
    stage.clock.forward_s(5);
    assert_eq!(status_of(&stage, &key.token(&claims(&stage))).await, 200);
}
