//! Signatures in the forms that receivers of older gateways verify: sent next to the standard ones, for as long as a team
//! migrates.
//!
//! | form | header | value |
//! |---|---|---|
//! | `svix` | `svix-id`, `svix-timestamp`, `svix-signature` | what the `webhook-*` headers have |
//! | `timestamped` | of the owner's choice | `t=<unix seconds>,v1=<hex>`, HMAC-SHA256 of `<unix seconds>.<body>` |
//! | `hmac` | of the owner's choice | a prefix and HMAC-SHA256 of the body, in hex or base64 |
//!
//! The key is the entry's own secret, else the endpoint's, in both cases the bytes of its text, `whsec_` included, as such
//! schemes have it. Through a rotation `timestamped` carries one `v1` for each secret that signs; `hmac` has room for one
//! signature only, the current secret's.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Invalid;
use super::endpoint::{HeaderName, SigningSecrets};
use super::hex::hex;
use super::ids::MessageId;
use super::signature::SigningSecret;
use super::timestamp::Timestamp;

/// Forms of one endpoint: nobody migrates from more gateways at once, and each is computed for every attempt.
pub const LEGACY_SIGNATURES_MAX: usize = 4;

/// Longest text in front of an `hmac` signature.
pub const LEGACY_PREFIX_BYTES_MAX: usize = 32;

/// Longest secret of an entry.
pub const LEGACY_SECRET_BYTES_MAX: usize = 256;

/// One more signature that deliveries carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacySignature {
    /// What it looks like.
    pub form: LegacyForm,
    /// What it is made with; none: the endpoint's secrets.
    pub secret: Option<LegacySecret>,
}

/// What a legacy signature looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegacyForm {
    /// The standard values under the names of Svix.
    Svix,
    /// Time and signatures in one header, as Stripe has it.
    Timestamped {
        /// Where it stands.
        header: HeaderName,
    },
    /// A signature of the body alone, as GitHub has it.
    Hmac {
        /// Where it stands.
        header: HeaderName,
        /// How its bytes are written.
        encoding: Encoding,
        /// What stands in front of them.
        prefix: SignaturePrefix,
    },
}

/// How the bytes of a signature are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// In lower case.
    Hex,
    /// With padding.
    Base64,
}

impl Encoding {
    /// `hex` or `base64`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hex => "hex",
            Self::Base64 => "base64",
        }
    }

    /// The encoding of this name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = [Self::Hex, Self::Base64].into_iter().find(|encoding| encoding.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be hex or base64"))
    }

    fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hex(bytes),
            Self::Base64 => BASE64.encode(bytes),
        }
    }
}

/// What stands in front of a signature, for example `sha256=`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignaturePrefix(String);

impl SignaturePrefix {
    /// Visible ASCII.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() > LEGACY_PREFIX_BYTES_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let rule = format!("must be at most {LEGACY_PREFIX_BYTES_MAX} visible ASCII characters");
            return Err(Invalid::new(rule));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The secret of one entry. Never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub struct LegacySecret(String);

impl LegacySecret {
    /// Any text; what another gateway gave out has no common form.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() || text.len() > LEGACY_SECRET_BYTES_MAX {
            return Err(Invalid::new(format!("must be 1 to {LEGACY_SECRET_BYTES_MAX} bytes long")));
        }
        Ok(Self(text.to_owned()))
    }

    /// For the store and the signature: never show or log it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for LegacySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LegacySecret(…)")
    }
}

impl<'de> serde::Deserialize<'de> for LegacySecret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl LegacyForm {
    /// `svix`, `timestamped` or `hmac`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Svix => "svix",
            Self::Timestamped { .. } => "timestamped",
            Self::Hmac { .. } => "hmac",
        }
    }

    /// The header its owner chose.
    pub fn header(&self) -> Option<&HeaderName> {
        match self {
            Self::Svix => None,
            Self::Timestamped { header } | Self::Hmac { header, .. } => Some(header),
        }
    }

    /// Whether both stand in the same place, so that only one of them can be sent.
    pub fn is_in_place_of(&self, other: &Self) -> bool {
        self.header() == other.header()
    }
}

/// What a caller says about one of an endpoint's legacy signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacySignatureDraft {
    /// What it looks like.
    pub form: LegacyForm,
    /// Its own secret: `None`, the one it has had stays, since nobody can read it to say it again; `Some(None)`, none.
    pub secret: Option<Option<LegacySecret>>,
}

impl LegacySignatureDraft {
    /// The entry as it is to be, when these were there before.
    pub fn over(self, before: &[LegacySignature]) -> LegacySignature {
        let same = |old: &&LegacySignature| old.form.is_in_place_of(&self.form);
        let kept = || before.iter().find(same).and_then(|old| old.secret.clone());
        LegacySignature { secret: self.secret.clone().unwrap_or_else(kept), form: self.form }
    }
}

/// What is signed, with the standard signature of it.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The message.
    pub id: &'a MessageId,
    /// When the attempt is made.
    pub at: Timestamp,
    /// The very bytes that are sent.
    pub body: &'a [u8],
    /// `webhook-signature`.
    pub standard: &'a str,
}

/// A header that carries a signature, or belongs to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureHeader {
    /// In lower case.
    pub name: String,
    /// Visible ASCII.
    pub value: String,
}

/// The headers of all of them.
pub fn legacy_headers(
    entries: &[LegacySignature],
    secrets: &SigningSecrets,
    signed: Signed<'_>,
) -> Vec<SignatureHeader> {
    entries.iter().flat_map(|entry| entry.headers(secrets, signed)).collect()
}

impl LegacySignature {
    /// Whether it needs a secret of the endpoint's that is a shared one.
    pub fn needs_shared_secret(&self) -> bool {
        self.form != LegacyForm::Svix && self.secret.is_none()
    }

    fn headers(&self, secrets: &SigningSecrets, signed: Signed<'_>) -> Vec<SignatureHeader> {
        let header = |name: &str, value: String| SignatureHeader { name: name.to_owned(), value };
        let keys = self.keys(secrets, signed.at);
        match &self.form {
            LegacyForm::Svix => vec![
                header("svix-id", signed.id.to_string()),
                header("svix-timestamp", signed.at.as_seconds().to_string()),
                header("svix-signature", signed.standard.to_owned()),
            ],
            LegacyForm::Timestamped { header: name } => {
                let time = signed.at.as_seconds();
                let text = [format!("{time}.").as_bytes(), signed.body].concat();
                let sign = |key: &String| format!(",v1={}", Encoding::Hex.encode(hmac_sha256(key, &text).as_ref()));
                let signatures: String = keys.iter().map(sign).collect();
                vec![header(name.as_str(), format!("t={time}{signatures}"))]
            }
            LegacyForm::Hmac { header: name, encoding, prefix } => {
                let sign = |key: &String| encoding.encode(hmac_sha256(key, signed.body).as_ref());
                let value = |key| format!("{}{}", prefix.as_str(), sign(key));
                keys.first().map(|key| header(name.as_str(), value(key))).into_iter().collect()
            }
        }
    }

    /// The texts it is made with, the current secret's first.
    fn keys(&self, secrets: &SigningSecrets, at: Timestamp) -> Vec<String> {
        match &self.secret {
            Some(own) => vec![own.as_str().to_owned()],
            None => {
                secrets.valid_at(at).filter(|secret| secret.is_shared()).map(SigningSecret::to_secret_text).collect()
            }
        }
    }
}

fn hmac_sha256(key: &str, text: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn secret(text: &str) -> Option<LegacySecret> {
        Some(LegacySecret::parse(text).unwrap())
    }

    fn hmac(encoding: Encoding, prefix: &str) -> LegacyForm {
        let header = HeaderName::parse("X-Hub-Signature-256").unwrap();
        LegacyForm::Hmac { header, encoding, prefix: SignaturePrefix::parse(prefix).unwrap() }
    }

    #[track_caller]
    fn check(form: LegacyForm, body: &str, expected: &str) {
        let id = MessageId::new(Timestamp::from_millis(0), [0; 15]);
        let at = Timestamp::from_millis(1_764_000_000_999);
        let signed = Signed { id: &id, at, body: body.as_bytes(), standard: "v1,x" };
        let secrets = SigningSecrets::only(SigningSecret::Asymmetric([1; 32]));
        let entry = LegacySignature { form, secret: secret("It's a Secret to Everybody") };
        let headers = legacy_headers(&[entry], &secrets, signed);
        assert_eq!(headers[0].value, expected);
    }

    /// The example in GitHub's documentation of webhooks; the others are made from it with `openssl dgst`.
    #[test]
    fn values_are_those_of_the_schemes() {
        let hex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        check(hmac(Encoding::Hex, "sha256="), "Hello, World!", &format!("sha256={hex}"));
        check(hmac(Encoding::Base64, ""), "Hello, World!", "dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc=");
        let stamped = LegacyForm::Timestamped { header: HeaderName::parse("Acme-Signature").unwrap() };
        let tag = "e400107e54677b310c6fd8e101689566324146ff5ab3fffb9bad45981c224e38";
        check(stamped, "Hello, World!", &format!("t=1764000000,v1={tag}"));
    }

    #[test]
    fn a_secret_stays_until_another_is_given_or_it_is_taken_away() {
        let before = [LegacySignature { form: hmac(Encoding::Hex, ""), secret: secret("old") }];
        let draft = |secret| LegacySignatureDraft { form: hmac(Encoding::Base64, ""), secret };
        assert_eq!(draft(None).over(&before).secret, secret("old"));
        assert_eq!(draft(Some(None)).over(&before).secret, None);
        assert_eq!(draft(Some(secret("new"))).over(&before).secret, secret("new"));
        assert_eq!(draft(None).over(&[]).secret, None);
        assert!(!format!("{before:?}").contains("old"));
    }
}
