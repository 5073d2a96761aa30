//! The address that a provider calls: `/in/‹source›/‹token›`.
//!
//! Whoever calls it has no token of ours, so the address itself says whose source it is, and the secret part of it says that the
//! caller was told: the token is the organization's identifier and 24 random bytes, in base64url. One read finds the source, and
//! the random bytes are compared in constant time.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ids::{OrganizationId, SourceId};
use super::ksuid::{KSUID_BYTES, Ksuid};

/// Random bytes of a token: nobody finds one by trying.
pub const SOURCE_TOKEN_BYTES: usize = 24;

/// The secret part of a source's address. Does not print itself.
#[derive(Clone, Copy)]
pub struct SourceToken([u8; SOURCE_TOKEN_BYTES]);

impl SourceToken {
    /// Of bytes that must be random.
    pub fn new(random: [u8; SOURCE_TOKEN_BYTES]) -> Self {
        Self(random)
    }

    /// For the store.
    pub fn as_bytes(&self) -> &[u8; SOURCE_TOKEN_BYTES] {
        &self.0
    }

    /// Whether it is the same. How long that takes says nothing about how much of it was.
    pub fn is(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl PartialEq for SourceToken {
    fn eq(&self, other: &Self) -> bool {
        self.is(other)
    }
}

impl Eq for SourceToken {}

impl std::fmt::Debug for SourceToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SourceToken(…)")
    }
}

/// Where a provider calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceAddress {
    /// Whose source.
    pub organization: OrganizationId,
    /// Which.
    pub source: SourceId,
    /// What only its callers know.
    pub token: SourceToken,
}

impl SourceAddress {
    /// An address in the form that ours have, which names nothing: what does not parse is looked up here, so that every wrong
    /// address costs the same.
    pub fn nowhere() -> Self {
        let nil = Ksuid::from_bytes([0; KSUID_BYTES]);
        let token = SourceToken([0; SOURCE_TOKEN_BYTES]);
        Self { organization: OrganizationId::from_ksuid(nil), source: SourceId::from_ksuid(nil), token }
    }

    /// From the parts of a path; none for any other text than [`SourceAddress::path`] writes.
    pub fn parse(source: &str, token: &str) -> Option<Self> {
        let source = SourceId::parse(source)?;
        let bytes: [u8; KSUID_BYTES + SOURCE_TOKEN_BYTES] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
        let (organization, token) = bytes.split_first_chunk::<KSUID_BYTES>()?;
        Some(Self {
            organization: OrganizationId::from_ksuid(Ksuid::from_bytes(*organization)),
            source,
            token: SourceToken(token.try_into().ok()?),
        })
    }

    /// The path.
    pub fn path(&self) -> String {
        let mut token = Vec::with_capacity(KSUID_BYTES + SOURCE_TOKEN_BYTES);
        token.extend_from_slice(self.organization.ksuid().as_bytes());
        token.extend_from_slice(&self.token.0);
        format!("/in/{}/{}", self.source, URL_SAFE_NO_PAD.encode(token))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::timestamp::Timestamp;

    fn address() -> SourceAddress {
        let at = Timestamp::from_millis(1_764_000_000_000);
        let (organization, source) = (OrganizationId::new(at, [1; 15]), SourceId::new(at, [2; 15]));
        SourceAddress { organization, source, token: SourceToken::new([3; SOURCE_TOKEN_BYTES]) }
    }

    fn parse(path: &str) -> Option<SourceAddress> {
        let (source, token) = path.strip_prefix("/in/").unwrap().split_once('/').unwrap();
        SourceAddress::parse(source, token)
    }

    #[test]
    fn a_path_is_read_as_it_was_written() {
        assert_eq!(parse(&address().path()), Some(address()));
        assert_eq!(parse(&SourceAddress::nowhere().path()), Some(SourceAddress::nowhere()));
    }

    #[test]
    fn every_character_of_a_path_counts() {
        let path = address().path();
        for (at, _) in path.char_indices().skip("/in/src_".len()).filter(|(_, c)| *c != '/') {
            let mut other = path.clone();
            let swapped = if &path[at..=at] == "A" { "B" } else { "A" };
            other.replace_range(at..=at, swapped);
            assert_ne!(parse(&other), Some(address()), "{other}");
        }
        assert_eq!(parse(&path[..path.len() - 1]), None);
        assert_eq!(parse(&format!("{path}A")), None);
        assert_eq!(parse(&path.replace("src_", "ep_")), None);
    }

    #[test]
    fn a_token_does_not_print_itself() {
        assert_eq!(format!("{:?}", address().token), "SourceToken(…)");
    }
}
