//! API keys: a secret text for a machine, good for one organization within one role, until it expires or is deleted.
//!
//! ```text
//! fk_‹organization, 27›‹key, 27›‹secret, 43›      all of it letters, digits, - and _
//! ```
//!
//! The text says where its record lies, so one read finds it. The record holds a hash of the secret only. A plain SHA-256 is
//! right here: the secret is 32 random bytes, which nobody guesses, however fast. Scanners find leaked keys by `fk_` and the length.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use super::access::Role;
use super::ids::{ApiKeyId, OrganizationId};
use super::ksuid::{KSUID_CHARS, Ksuid};
use super::timestamp::Timestamp;

/// What every key's text begins with.
pub const API_KEY_PREFIX: &str = "fk_";

/// Random bytes of a key.
pub const API_KEY_SECRET_BYTES: usize = 32;

/// Longest name of a key, in bytes.
pub const API_KEY_NAME_BYTES_MAX: usize = 256;

/// Keys of one organization. Whoever creates one counts the others.
pub const API_KEYS_PER_ORGANIZATION_MAX: usize = 100;

/// How old the last use on record may be before it is written again: a key that is used all the time costs one write an hour.
pub const USE_RECORDED_EVERY_MS: i64 = 60 * 60 * 1_000;

/// What is kept of a key besides its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Ours.
    pub id: ApiKeyId,
    /// For people.
    pub name: String,
    /// What it lets its bearer do.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the hour.
    pub used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it has ended.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Whether its use is to be put on record.
    pub fn is_use_due(&self, now: Timestamp) -> bool {
        self.used_at.is_none_or(|at| now.millis_since(at) >= USE_RECORDED_EVERY_MS)
    }
}

/// The secret part of a key. Does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeySecret([u8; API_KEY_SECRET_BYTES]);

/// What is kept of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKeyHash(pub [u8; 32]);

impl ApiKeySecret {
    /// Of these random bytes.
    pub fn new(bytes: [u8; API_KEY_SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    /// What is kept of it.
    pub fn hash(&self) -> ApiKeyHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &self.0).as_ref());
        ApiKeyHash(hash)
    }

    /// The key's text. Shown once; never log it.
    pub fn to_text(&self, organization: &OrganizationId, id: &ApiKeyId) -> String {
        format!("{API_KEY_PREFIX}{}{}{}", organization.ksuid(), id.ksuid(), BASE64.encode(self.0))
    }
}

impl ApiKeyHash {
    /// Whether it is this secret's, in a time that does not tell how much of it matches.
    pub fn is_of(&self, secret: &ApiKeySecret) -> bool {
        verify_slices_are_equal(&self.0, &secret.hash().0).is_ok()
    }
}

impl std::fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKeySecret(…)")
    }
}

/// What a key's text says; none: it is no key's text.
pub fn parse(text: &str) -> Option<(OrganizationId, ApiKeyId, ApiKeySecret)> {
    let text = text.strip_prefix(API_KEY_PREFIX)?;
    let (organization, rest) = text.split_at_checked(KSUID_CHARS)?;
    let (id, secret) = rest.split_at_checked(KSUID_CHARS)?;
    let secret = BASE64.decode(secret).ok()?.try_into().ok()?;
    Some((
        OrganizationId::from_ksuid(Ksuid::parse(organization)?),
        ApiKeyId::from_ksuid(Ksuid::parse(id)?),
        ApiKeySecret(secret),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn sample() -> (OrganizationId, ApiKeyId, ApiKeySecret) {
        let at = Timestamp::from_millis(1_764_000_000_000);
        (OrganizationId::new(at, [1; 15]), ApiKeyId::new(at, [2; 15]), ApiKeySecret([3; 32]))
    }

    #[test]
    fn a_keys_text_comes_back_as_it_was() {
        let (organization, id, secret) = sample();
        let text = secret.to_text(&organization, &id);
        assert_eq!(text.len(), 100);
        assert_eq!(parse(&text), Some((organization, id, secret)));
    }

    #[test]
    fn every_other_text_is_another_key_or_none() {
        let (organization, id, secret) = sample();
        let text = secret.to_text(&organization, &id);
        for at in 0..text.len() {
            assert_eq!(parse(&text[..at]), None, "cut at {at}");
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'B' { b'C' } else { b'B' };
            assert_ne!(parse(&String::from_utf8(changed).unwrap()), parse(&text), "changed at {at}");
        }
        assert_eq!(parse(&format!("{text}A")), None);
    }

    #[test]
    fn a_hash_is_of_its_secret_only() {
        let hash = ApiKeySecret([3; 32]).hash();
        assert!(hash.is_of(&ApiKeySecret([3; 32])));
        for byte in 0..32 {
            let mut bytes = [3; 32];
            bytes[byte] ^= 1;
            assert!(!hash.is_of(&ApiKeySecret(bytes)));
        }
    }

    proptest! {
        #[test]
        fn junk_is_no_key(text: String) {
            let prefixed = format!("fk_{text}");
            prop_assert!(parse(&text).is_none() && parse(&prefixed).is_none());
        }
    }

    #[test]
    fn the_secret_does_not_print_itself() {
        assert_eq!(format!("{:?}", ApiKeySecret([3; 32])), "ApiKeySecret(…)");
    }
}
