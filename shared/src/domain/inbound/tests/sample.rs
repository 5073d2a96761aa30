//! One signed request of every provider, made by its documented recipe and not with the code that verifies it. The
//! benchmark takes these too (`shared/benches/inbound.rs`).

use std::ops::Range;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Timestamp;
use super::inbound::{Headers, InboundRequest, InboundSecret, Provider, Rejected, Verified, verify};

/// When all of them are signed: 24 November 2025.
pub(super) const SECONDS: i64 = 1_764_000_000;

pub(super) const URL: &str = "https://hooks.example.com/in/src_1/token?a=b";

/// A request that is right, and what about it is signed.
pub(super) struct Sample {
    /// The kind, with a word behind it when there is more than one of a kind.
    pub(super) name: String,
    pub(super) provider: Provider,
    /// What it is signed with, and another one of that form. None: the provider has no secret.
    pub(super) secrets: Option<[InboundSecret; 2]>,
    pub(super) url: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    pub(super) certificate: Option<Vec<u8>>,
    /// How old it may be.
    pub(super) tolerance_seconds: Option<i64>,
    /// Headers that it cannot do without, the one with the signature first. A scheme's name in front of one may vary.
    pub(super) signed_headers: Vec<&'static str>,
    pub(super) is_url_signed: bool,
    pub(super) signed_body: Vec<Range<usize>>,
}

impl Sample {
    pub(super) fn verify(&self) -> Result<Verified, Rejected> {
        self.verify_at(SECONDS)
    }

    pub(super) fn verify_at(&self, seconds: i64) -> Result<Verified, Rejected> {
        let secrets: Vec<_> = self.secrets.iter().map(|secrets| secrets[0].clone()).collect();
        self.verify_with(&secrets, seconds)
    }

    pub(super) fn verify_with(&self, secrets: &[InboundSecret], seconds: i64) -> Result<Verified, Rejected> {
        let headers: Headers = self.headers.iter().cloned().collect();
        let request = InboundRequest { method: "POST", url: &self.url, headers: &headers, body: &self.body };
        let now = Timestamp::from_millis(seconds * 1_000);
        verify(&self.provider, secrets, &request, now, self.certificate.as_deref())
    }

    pub(super) fn header(&mut self, name: &str) -> &mut Vec<u8> {
        let found = self.headers.iter_mut().find(|(each, _)| each == name);
        &mut found.unwrap_or_else(|| panic!("no header {name}")).1
    }
}

/// Of every provider at least one, their bodies of about this size.
pub(super) fn samples(body_bytes: usize) -> Vec<Sample> {
    let text = format!(
        r#"{{"id":"evt_1","event_id":"evt_1","type":"a.b","event_type":"a.b","event":"a.b","pad":"{}"}}"#,
        "p".repeat(body_bytes)
    );
    let body = text.as_bytes();
    let time = SECONDS.to_string();
    let mut all = vec![
        stripe(body, &time),
        github(body),
        shopify(body),
        versioned("slack", ["x-slack-signature", "x-slack-request-timestamp"], 300, body, &time),
        versioned("zoom", ["x-zm-signature", "x-zm-request-timestamp"], 115 * 60, body, &time),
        paddle(body, &time),
        square(body),
        paypal(body),
        adyen(body_bytes),
        adyen_whole(body),
        twilio_form(body_bytes),
        twilio_json(body),
        sendgrid(body, &time),
        gitlab_token(body),
    ];
    for (name, kind, prefix) in [
        ("standard-webhooks", "standard-webhooks", "webhook"),
        ("standard-webhooks svix", "standard-webhooks", "svix"),
        ("gitlab signing token", "gitlab", "webhook"),
    ] {
        all.push(standard(name, kind, prefix, body, &time));
    }
    all.extend([standard_public(body, &time), generic(body), generic_timed(body, &time), basic(body), none(body)]);
    all
}

fn provider(json: &str) -> Provider {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

/// A sample of this provider whose whole body is signed.
fn sample(
    name: &str,
    provider: Provider,
    secrets: [&str; 2],
    body: &[u8],
    headers: &[(&'static str, String)],
) -> Sample {
    let secrets = secrets.map(|text| provider.check_secret(text).unwrap_or_else(|reason| panic!("{name}: {reason}")));
    bare(name, provider, Some(secrets), body, headers)
}

fn bare(
    name: &str,
    provider: Provider,
    secrets: Option<[InboundSecret; 2]>,
    body: &[u8],
    headers: &[(&'static str, String)],
) -> Sample {
    let content_type = ("content-type".to_owned(), b"application/json".to_vec());
    let sent = headers.iter().map(|(name, value)| (name.to_string(), value.clone().into_bytes()));
    Sample {
        name: name.to_owned(),
        provider,
        secrets,
        url: URL.to_owned(),
        headers: std::iter::once(content_type).chain(sent).collect(),
        body: body.to_vec(),
        certificate: None,
        tolerance_seconds: None,
        signed_headers: headers.iter().map(|(name, _)| *name).collect(),
        is_url_signed: false,
        signed_body: std::iter::once(0..body.len()).collect(),
    }
}

fn mac(algorithm: hmac::Algorithm, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, key), &parts.concat()).as_ref().to_vec()
}

fn sha256(key: &str, parts: &[&[u8]]) -> Vec<u8> {
    mac(hmac::HMAC_SHA256, key.as_bytes(), parts)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn stripe(body: &[u8], time: &str) -> Sample {
    let secrets = ["whsec_stripe", "whsec_other"];
    let tag = hex(&sha256(secrets[0], &[time.as_bytes(), b".", body]));
    let header = format!("t={time},v1={tag}");
    let sample = sample("stripe", Provider::Stripe, secrets, body, &[("stripe-signature", header)]);
    Sample { tolerance_seconds: Some(300), ..sample }
}

fn paddle(body: &[u8], time: &str) -> Sample {
    let secrets = ["pdl_ntfset_01", "pdl_ntfset_02"];
    let header = format!("ts={time};h1={}", hex(&sha256(secrets[0], &[time.as_bytes(), b":", body])));
    let sample = sample("paddle", Provider::Paddle, secrets, body, &[("paddle-signature", header)]);
    Sample { tolerance_seconds: Some(300), ..sample }
}

fn github(body: &[u8]) -> Sample {
    let header = format!("sha256={}", hex(&sha256("github", &[body])));
    let secrets = ["github", "other"];
    let mut sample = sample("github", Provider::Github, secrets, body, &[("x-hub-signature-256", header)]);
    sample.headers.push(("X-GitHub-Delivery".to_owned(), b"72d3162e".to_vec()));
    sample.headers.push(("X-GitHub-Event".to_owned(), b"push".to_vec()));
    sample
}

fn shopify(body: &[u8]) -> Sample {
    let header = BASE64.encode(sha256("shopify", &[body]));
    sample("shopify", Provider::Shopify, ["shopify", "other"], body, &[("x-shopify-hmac-sha256", header)])
}

fn versioned(kind: &str, names: [&'static str; 2], tolerance_seconds: i64, body: &[u8], time: &str) -> Sample {
    let tag = hex(&sha256(kind, &[b"v0:", time.as_bytes(), b":", body]));
    let headers = [(names[0], format!("v0={tag}")), (names[1], time.to_owned())];
    let sample = sample(kind, provider(&format!(r#"{{"kind":"{kind}"}}"#)), [kind, "other"], body, &headers);
    Sample { tolerance_seconds: Some(tolerance_seconds), ..sample }
}

fn square(body: &[u8]) -> Sample {
    let header = BASE64.encode(sha256("square", &[URL.as_bytes(), body]));
    let headers = [("x-square-hmacsha256-signature", header)];
    Sample { is_url_signed: true, ..sample("square", Provider::Square, ["square", "other"], body, &headers) }
}

fn paypal(body: &[u8]) -> Sample {
    let key = RsaKeyPair::from_pkcs8(include_bytes!("certificates/paypal-key.der")).unwrap();
    let (id, time) = ("69cd13f0-d67a-11e5-baa3-778b53f4ae55", "2025-11-24T16:00:00Z");
    let signed = format!("{id}|{time}|1JE4291016473214C|{}", crc32fast::hash(body));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    let headers = [
        ("paypal-transmission-sig", BASE64.encode(signature)),
        ("paypal-transmission-id", id.to_owned()),
        ("paypal-transmission-time", time.to_owned()),
        ("paypal-auth-algo", "SHA256withRSA".to_owned()),
        ("paypal-cert-url", "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77".to_owned()),
    ];
    let provider = provider(r#"{"kind":"paypal","webhookId":"1JE4291016473214C"}"#);
    let mut sample = bare("paypal", provider, None, body, &headers);
    // Its name is not signed, and the address is judged on its own.
    sample.signed_headers.truncate(3);
    let certificate = Some(include_bytes!("certificates/paypal.pem").to_vec());
    Sample { certificate, tolerance_seconds: Some(73 * 3_600), ..sample }
}

const ADYEN_KEYS: [&str; 2] = [
    "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
    "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF",
];

fn adyen_key() -> Vec<u8> {
    (0..64).step_by(2).map(|at| u8::from_str_radix(&ADYEN_KEYS[0][at..at + 2], 16).unwrap()).collect()
}

fn adyen(body_bytes: usize) -> Sample {
    let signed = "7914073381342284::TestMerchant:TestPayment-1407325143704:1130:EUR:AUTHORISATION:true";
    let tag = BASE64.encode(mac(hmac::HMAC_SHA256, &adyen_key(), &[signed.as_bytes()]));
    let body = format!(
        r#"{{"live":"false","notificationItems":[{{"NotificationRequestItem":{{"additionalData":{{"hmacSignature":"{tag}"}},"amount":{{"currency":"EUR","value":1130}},"eventCode":"AUTHORISATION","eventDate":"2025-11-24T16:00:00+01:00","merchantAccountCode":"TestMerchant","merchantReference":"TestPayment-1407325143704","pspReference":"7914073381342284","reason":"{}","success":"true"}}}}]}}"#,
        "p".repeat(body_bytes)
    );
    let sample = sample("adyen", Provider::Adyen, ADYEN_KEYS, body.as_bytes(), &[]);
    let place = |value: &str| body.find(value).map(|at| at..at + value.len()).unwrap();
    let values = signed.split(':').filter(|value| !value.is_empty()).map(place).chain([place(&tag)]).collect();
    Sample { signed_body: values, ..sample }
}

fn adyen_whole(body: &[u8]) -> Sample {
    let header = BASE64.encode(mac(hmac::HMAC_SHA256, &adyen_key(), &[body]));
    sample("adyen whole", Provider::Adyen, ADYEN_KEYS, body, &[("hmacsignature", header)])
}

fn twilio_form(body_bytes: usize) -> Sample {
    let text = "p".repeat(body_bytes);
    let body = format!("MessageSid=SM1&MessageStatus=delivered&Body=a+b%2F{text}&From=%2B15551234");
    let signed = format!("{URL}Bodya b/{text}From+15551234MessageSidSM1MessageStatusdelivered");
    let header = BASE64.encode(mac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"twilio", &[signed.as_bytes()]));
    let secrets = ["twilio", "other"];
    let mut sample = sample("twilio", Provider::Twilio, secrets, body.as_bytes(), &[("x-twilio-signature", header)]);
    *sample.header("content-type") = b"application/x-www-form-urlencoded".to_vec();
    Sample { is_url_signed: true, ..sample }
}

fn twilio_json(body: &[u8]) -> Sample {
    let url = format!("{URL}&bodySHA256={}", hex(digest::digest(&digest::SHA256, body).as_ref()));
    let header = BASE64.encode(sha256("twilio", &[url.as_bytes()]));
    let settings = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256".to_owned();
    let headers = [("x-twilio-signature", header), ("x-twilio-webhooks-signature-settings", settings)];
    let mut sample = sample("twilio body", Provider::Twilio, ["twilio", "other"], body, &headers);
    sample.signed_headers.truncate(1);
    Sample { is_url_signed: true, url, ..sample }
}

fn sendgrid(body: &[u8], time: &str) -> Sample {
    let events = [b"[", br#"{"sg_event_id":"a","event":"open"}"#.as_slice(), b",", body, b"]"].concat();
    let keys = [(); 2].map(|()| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap());
    let signature = keys[0].sign(&SystemRandom::new(), &[time.as_bytes(), &events].concat()).unwrap();
    let headers = [
        ("x-twilio-email-event-webhook-signature", BASE64.encode(signature)),
        ("x-twilio-email-event-webhook-timestamp", time.to_owned()),
    ];
    // A P-256 key in DER is this and the point.
    let header =
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
    let texts = keys.each_ref().map(|key| BASE64.encode([header, key.public_key().as_ref()].concat()));
    let sample = sample("sendgrid", Provider::Sendgrid, texts.each_ref().map(String::as_str), &events, &headers);
    Sample { tolerance_seconds: Some(25 * 3_600), ..sample }
}

fn gitlab_token(body: &[u8]) -> Sample {
    let headers = [("x-gitlab-token", "a-token".to_owned())];
    Sample { signed_body: vec![], ..sample("gitlab", Provider::Gitlab, ["a-token", "other"], body, &headers) }
}

fn standard(name: &str, kind: &str, prefix: &str, body: &[u8], time: &str) -> Sample {
    let tag = BASE64.encode(mac(hmac::HMAC_SHA256, &[7; 32], &[b"msg_1.", time.as_bytes(), b".", body]));
    standard_with(
        name,
        kind,
        prefix,
        &format!("v1,{tag}"),
        standard_secrets("whsec_", [&[7; 32], &[8; 32]]),
        body,
        time,
    )
}

fn standard_public(body: &[u8], time: &str) -> Sample {
    let keys = [[7; 32], [8; 32]].map(|seed| Ed25519KeyPair::from_seed_unchecked(&seed).unwrap());
    let tag = BASE64.encode(keys[0].sign(&[b"msg_1.", time.as_bytes(), b".", body].concat()));
    let secrets = standard_secrets("whpk_", keys.each_ref().map(|key| key.public_key().as_ref()));
    let name = "standard-webhooks v1a";
    standard_with(name, "standard-webhooks", "webhook", &format!("v1a,{tag}"), secrets, body, time)
}

fn standard_secrets(prefix: &str, keys: [&[u8]; 2]) -> [String; 2] {
    keys.map(|key| format!("{prefix}{}", BASE64.encode(key)))
}

fn standard_with(
    name: &str,
    kind: &str,
    prefix: &str,
    signature: &str,
    secrets: [String; 2],
    body: &[u8],
    time: &str,
) -> Sample {
    let names = match prefix {
        "svix" => ["svix-signature", "svix-id", "svix-timestamp"],
        _ => ["webhook-signature", "webhook-id", "webhook-timestamp"],
    };
    let headers = [(names[0], signature.to_owned()), (names[1], "msg_1".to_owned()), (names[2], time.to_owned())];
    let provider = provider(&format!(r#"{{"kind":"{kind}"}}"#));
    let sample = sample(name, provider, secrets.each_ref().map(String::as_str), body, &headers);
    Sample { tolerance_seconds: Some(300), ..sample }
}

fn generic(body: &[u8]) -> Sample {
    let provider = provider(
        r#"{"kind":"generic-hmac","header":"X-Sig","algorithm":"sha1","prefix":"sha1=",
            "eventId":{"pointer":"/id"},"eventType":{"pointer":"/type"}}"#,
    );
    let header = format!("sha1={}", hex(&mac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"generic", &[body])));
    sample("generic-hmac", provider, ["generic", "other"], body, &[("x-sig", header)])
}

fn generic_timed(body: &[u8], time: &str) -> Sample {
    let provider = provider(
        r#"{"kind":"generic-hmac","header":"X-Sig","algorithm":"sha512","encoding":"base64url","timestampHeader":"X-Time",
            "toleranceSeconds":60,"signed":"v2:{timestamp}:{id}:{method} {url}\n{body}","eventId":{"header":"X-Id"}}"#
            .replace("\\n", ";")
            .as_str(),
    );
    let parts = ["v2:", time, ":e1:POST ", URL, ";"].concat();
    let tag = mac(hmac::HMAC_SHA512, b"generic", &[parts.as_bytes(), body]);
    let header = base64::engine::general_purpose::URL_SAFE.encode(tag);
    let headers = [("x-sig", header), ("x-time", time.to_owned()), ("x-id", "e1".to_owned())];
    let sample = sample("generic-hmac timed", provider, ["generic", "other"], body, &headers);
    Sample { tolerance_seconds: Some(60), is_url_signed: true, ..sample }
}

fn basic(body: &[u8]) -> Sample {
    let header = format!("Basic {}", BASE64.encode("name:a password"));
    let secrets = ["name:a password", "name:other"];
    let headers = [("authorization", header)];
    let sample = sample("basic", provider(r#"{"kind":"basic"}"#), secrets, body, &headers);
    Sample { signed_body: vec![], ..sample }
}

fn none(body: &[u8]) -> Sample {
    let sample = bare("none", provider(r#"{"kind":"none","eventId":{"header":"X-Id"}}"#), None, body, &[]);
    Sample { signed_body: vec![], ..sample }
}
