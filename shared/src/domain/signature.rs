//! Standard Webhooks signatures: `v1` (HMAC-SHA256) and `v1a` (ed25519).
//!
//! Signed is `{message id}.{unix seconds of the attempt}.{body}`, over the very bytes that are sent. Neither the id nor
//! the time can contain a dot, so the three parts cannot be shifted against each other. The base64 of all signatures
//! goes into one header, separated by spaces, the current secret's first.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Invalid;
use super::ids::MessageId;
use super::public_key::PublicKey;
use super::timestamp::Timestamp;

/// Shortest symmetric secret the specification allows.
pub const SECRET_BYTES_MIN: usize = 24;
/// Longest symmetric secret clients of the v1 API may set (100 base64 characters).
pub const SECRET_BYTES_MAX: usize = 75;
/// What we make when asked for one.
pub const SECRET_BYTES_DEFAULT: usize = 32;

const SYMMETRIC_PREFIX: &str = "whsec_";
const PRIVATE_PREFIX: &str = "whsk_";
const PUBLIC_PREFIX: &str = "whpk_";
const ED25519_SEED_BYTES: usize = 32;

/// A secret that signs deliveries. Never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub enum SigningSecret {
    /// `whsec_…`: shared with the receiver.
    Symmetric(Vec<u8>),
    /// `whsk_…`: an ed25519 seed; the receiver has the public half.
    Asymmetric([u8; ED25519_SEED_BYTES]),
}

/// How deliveries are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureScheme {
    /// `v1`: HMAC-SHA256 with a shared secret.
    V1,
    /// `v1a`: ed25519.
    V1a,
}

impl SignatureScheme {
    /// `v1` or `v1a`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "v1" => Ok(Self::V1),
            "v1a" => Ok(Self::V1a),
            _ => Err(Invalid::new("must be v1 or v1a")),
        }
    }

    /// A secret for it, made of these bytes.
    pub fn secret_of(self, bytes: [u8; SECRET_BYTES_DEFAULT]) -> SigningSecret {
        match self {
            Self::V1 => SigningSecret::Symmetric(bytes.to_vec()),
            Self::V1a => SigningSecret::Asymmetric(bytes),
        }
    }
}

impl SigningSecret {
    /// A symmetric secret of these bytes.
    pub fn symmetric(bytes: &[u8]) -> Result<Self, Invalid> {
        if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes.len()) {
            return Err(Invalid::new(format!(
                "a signing secret must hold {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes, base64 behind {SYMMETRIC_PREFIX}"
            )));
        }
        Ok(Self::Symmetric(bytes.to_vec()))
    }

    /// Parses `whsec_` (the prefix may be missing) or `whsk_` and base64. A private key is a 32-byte seed, with or
    /// without its public half behind it.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let decode = |base64: &str| {
            BASE64.decode(base64).map_err(|_| Invalid::new("a signing secret must be base64 behind its prefix"))
        };
        let Some(private) = text.strip_prefix(PRIVATE_PREFIX) else {
            return Self::symmetric(&decode(text.strip_prefix(SYMMETRIC_PREFIX).unwrap_or(text))?);
        };
        let bytes = decode(private)?;
        let wrong = || Invalid::new("an ed25519 key must be a 32-byte seed, or the seed and its public key");
        let (seed, public) = bytes.split_first_chunk::<ED25519_SEED_BYTES>().ok_or_else(wrong)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| wrong())?;
        if !public.is_empty() && public != pair.public_key().as_ref() {
            return Err(wrong());
        }
        Ok(Self::Asymmetric(*seed))
    }

    /// What it signs with.
    pub fn scheme(&self) -> SignatureScheme {
        match self {
            Self::Symmetric(_) => SignatureScheme::V1,
            Self::Asymmetric(_) => SignatureScheme::V1a,
        }
    }

    /// Whether the receiver has the same secret.
    pub fn is_shared(&self) -> bool {
        self.scheme() == SignatureScheme::V1
    }

    /// The half that everybody may have, if it has one.
    pub fn public_key(&self) -> Option<PublicKey> {
        match self {
            Self::Symmetric(_) => None,
            Self::Asymmetric(seed) => ed25519(seed).map(|pair| PublicKey::ed25519(pair.public_key().as_ref())),
        }
    }

    /// The text form that [`SigningSecret::parse`] takes: what is stored, and what a caller of the `secret` operation
    /// gets for a symmetric one.
    pub fn to_secret_text(&self) -> String {
        match self {
            Self::Symmetric(bytes) => format!("{SYMMETRIC_PREFIX}{}", BASE64.encode(bytes)),
            Self::Asymmetric(seed) => format!("{PRIVATE_PREFIX}{}", BASE64.encode(seed)),
        }
    }

    /// What a receiver verifies with: the shared secret itself, or the public key (`whpk_…`).
    pub fn to_verification_text(&self) -> String {
        match self {
            Self::Symmetric(_) => self.to_secret_text(),
            Self::Asymmetric(seed) => {
                let public = ed25519(seed).map(|pair| BASE64.encode(pair.public_key().as_ref()));
                format!("{PUBLIC_PREFIX}{}", public.unwrap_or_default())
            }
        }
    }

    fn sign(&self, signed: &[u8]) -> String {
        match self {
            Self::Symmetric(bytes) => {
                let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, bytes), signed);
                format!("v1,{}", BASE64.encode(tag))
            }
            Self::Asymmetric(seed) => {
                let tag = ed25519(seed).map(|pair| BASE64.encode(pair.sign(signed)));
                format!("v1a,{}", tag.unwrap_or_default())
            }
        }
    }
}

/// Any 32 bytes are a seed, so this is `Some` for every [`SigningSecret::Asymmetric`]; the library cannot say so.
fn ed25519(seed: &[u8; ED25519_SEED_BYTES]) -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(seed).ok()
}

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Symmetric(_) => "SigningSecret(whsec_…)",
            Self::Asymmetric(_) => "SigningSecret(whsk_…)",
        })
    }
}

/// The value of the `webhook-signature` header: one signature for each secret, in order.
pub fn signature_header<'a>(
    secrets: impl IntoIterator<Item = &'a SigningSecret>,
    id: &MessageId,
    at: Timestamp,
    body: &[u8],
) -> String {
    let mut signed = format!("{id}.{}.", at.as_seconds()).into_bytes();
    signed.extend_from_slice(body);
    let signatures: Vec<String> = secrets.into_iter().map(|secret| secret.sign(&signed)).collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn headers(secrets: &[&SigningSecret], id: MessageId, at: Timestamp, body: &[u8]) -> http::HeaderMap {
        let signature = signature_header(secrets.iter().copied(), &id, at, body);
        [
            ("webhook-id", id.to_string()),
            ("webhook-timestamp", at.as_seconds().to_string()),
            ("webhook-signature", signature),
        ]
        .into_iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
        .collect()
    }

    fn id() -> MessageId {
        MessageId::new(Timestamp::from_millis(1_764_000_000_000), [9; 15])
    }

    /// The official libraries refuse timestamps that are not recent, so this one test needs the real time.
    #[allow(clippy::disallowed_methods)]
    fn now() -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(since_epoch.as_millis() as i64)
    }

    proptest! {
        #[test]
        fn the_official_verifiers_accept_v1(
            secret in prop::collection::vec(any::<u8>(), SECRET_BYTES_MIN..=SECRET_BYTES_MAX),
            body in ".*",
        ) {
            let secret = SigningSecret::symmetric(&secret).unwrap();
            let headers = headers(&[&secret], id(), now(), body.as_bytes());
            let text = secret.to_secret_text();
            standardwebhooks::Webhook::new(&text).unwrap().verify(body.as_bytes(), &headers).unwrap();
            svix::webhooks::Webhook::new(&text).unwrap().verify(body.as_bytes(), &headers).unwrap();
        }
    }

    #[test]
    fn the_official_verifiers_refuse_a_changed_body_and_another_secret() {
        let (secret, other) =
            (SigningSecret::symmetric(&[1; 32]).unwrap(), SigningSecret::symmetric(&[2; 32]).unwrap());
        let headers = headers(&[&secret], id(), now(), b"{}");
        let official = |secret: &SigningSecret| standardwebhooks::Webhook::new(&secret.to_secret_text()).unwrap();
        assert!(official(&secret).verify(b"{ }", &headers).is_err());
        assert!(official(&other).verify(b"{}", &headers).is_err());
    }

    #[test]
    fn during_a_rotation_both_secrets_verify() {
        let (new, old) = (SigningSecret::symmetric(&[1; 32]).unwrap(), SigningSecret::symmetric(&[2; 32]).unwrap());
        let headers = headers(&[&new, &old], id(), now(), b"{}");
        for secret in [new, old] {
            standardwebhooks::Webhook::new(&secret.to_secret_text()).unwrap().verify(b"{}", &headers).unwrap();
        }
    }

    #[test]
    fn ed25519_matches_rfc_8032_and_verifies() {
        use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
        // RFC 8032, section 7.1, test 3: secret, public key.
        let seed: [u8; 32] =
            hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7").try_into().unwrap();
        let public = hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
        let secret = SigningSecret::Asymmetric(seed);
        assert_eq!(secret.to_verification_text(), format!("whpk_{}", BASE64.encode(&public)));
        assert_eq!(SigningSecret::parse(&secret.to_secret_text()), Ok(secret.clone()));

        let at = Timestamp::from_millis(1_764_000_000_000);
        let header = signature_header([&secret], &id(), at, b"{}");
        let tag = BASE64.decode(header.strip_prefix("v1a,").unwrap()).unwrap();
        let signed = format!("{}.1764000000.{{}}", id());
        UnparsedPublicKey::new(&ED25519, public).verify(signed.as_bytes(), &tag).unwrap();
    }

    #[test]
    fn secrets_parse_or_say_why_not() {
        let seed_and_public = |public: [u8; 32]| format!("whsk_{}", BASE64.encode([[7; 32], public].concat()));
        let public: [u8; 32] = ed25519(&[7; 32]).unwrap().public_key().as_ref().try_into().unwrap();
        assert_eq!(SigningSecret::parse(&seed_and_public(public)), Ok(SigningSecret::Asymmetric([7; 32])));
        assert!(SigningSecret::parse(&seed_and_public([0; 32])).is_err());

        let base64 = BASE64.encode([5; 24]);
        assert_eq!(SigningSecret::parse(&format!("whsec_{base64}")), SigningSecret::parse(&base64));
        for text in
            ["", "whsec_", "whsec_AAAA", "whsec_not base64!", "whsk_AAAA", &format!("whsec_{}", BASE64.encode([0; 76]))]
        {
            assert!(SigningSecret::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn secrets_do_not_print_themselves() {
        let secret = SigningSecret::symmetric(&[b'S'; 32]).unwrap();
        assert!(!format!("{secret:?}").contains("U1NT"));
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    }
}
