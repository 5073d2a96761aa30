//! Requests as providers make them, signed by their schemes' own words and not by our code.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fanfare::domain::timestamp::Timestamp;

/// What each secret is in these tests.
pub(super) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(super) const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

pub(super) type Headers = Vec<(&'static str, String)>;

fn hmac_sha256(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::sign(&key, &parts.concat()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn stripe(secret: &str, at: Timestamp, body: &[u8]) -> Headers {
    let at = at.as_seconds().to_string();
    let signature = hex(&hmac_sha256(secret.as_bytes(), &[at.as_bytes(), b".", body]));
    vec![
        ("content-type", "application/json; charset=utf-8".to_owned()),
        ("stripe-signature", format!("t={at},v1={signature}")),
    ]
}

pub(super) fn github(secret: &str, delivery: &str, event: &str, body: &[u8]) -> Headers {
    let signature = hex(&hmac_sha256(secret.as_bytes(), &[body]));
    vec![
        ("content-type", "application/json".to_owned()),
        ("x-github-delivery", delivery.to_owned()),
        ("x-github-event", event.to_owned()),
        ("x-hub-signature-256", format!("sha256={signature}")),
    ]
}

/// Slack's, and Zoom's, which has the same under names of its own.
fn v0(headers: [&'static str; 2], secret: &str, at: Timestamp, body: &[u8]) -> Headers {
    let at = at.as_seconds().to_string();
    let signature = hex(&hmac_sha256(secret.as_bytes(), &[b"v0:", at.as_bytes(), b":", body]));
    let [time, name] = headers;
    vec![("content-type", "application/json".to_owned()), (time, at), (name, format!("v0={signature}"))]
}

pub(super) fn slack(secret: &str, at: Timestamp, body: &[u8]) -> Headers {
    v0(["x-slack-request-timestamp", "x-slack-signature"], secret, at, body)
}

pub(super) fn zoom(secret: &str, at: Timestamp, body: &[u8]) -> Headers {
    v0(["x-zm-request-timestamp", "x-zm-signature"], secret, at, body)
}

/// What Zoom wants to see of its challenge.
pub(super) fn zoom_token(secret: &str, plain: &str) -> String {
    hex(&hmac_sha256(secret.as_bytes(), &[plain.as_bytes()]))
}

/// As any program signs that has no scheme of a name.
pub(super) fn generic(header: &'static str, secret: &str, body: &[u8]) -> Headers {
    vec![("content-type", "application/json".to_owned()), (header, hex(&hmac_sha256(secret.as_bytes(), &[body])))]
}

pub(super) fn standard_webhooks(secret: &str, id: &str, at: Timestamp, body: &[u8]) -> Headers {
    let signer = standardwebhooks::Webhook::new(secret).unwrap();
    vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.as_seconds().to_string()),
        ("webhook-signature", signer.sign(id, at.as_seconds(), body).unwrap()),
    ]
}

/// SendGrid's key pair.
pub(super) struct Sendgrid(EcdsaKeyPair);

impl Sendgrid {
    pub(super) fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    /// The public key as SendGrid shows it: the base64 of its DER.
    pub(super) fn public_key(&self) -> String {
        /// Of a P-256 key, up to the point.
        const DER_HEAD: [u8; 26] = [
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
            0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        STANDARD.encode([&DER_HEAD, self.0.public_key().as_ref()].concat())
    }

    pub(super) fn sign(&self, at: Timestamp, body: &[u8]) -> Headers {
        let at = at.as_seconds().to_string();
        let signature = self.0.sign(&SystemRandom::new(), &[at.as_bytes(), body].concat()).unwrap();
        vec![
            ("content-type", "application/json".to_owned()),
            ("x-twilio-email-event-webhook-timestamp", at),
            ("x-twilio-email-event-webhook-signature", STANDARD.encode(signature)),
        ]
    }
}
