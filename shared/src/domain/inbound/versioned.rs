//! A signature of version, time and body, as Slack and Zoom have it: HMAC-SHA256 of `v0:{time}:{body}` in hex behind
//! `v0=`, with the time in a header of its own.

use super::claim::Claim;
use super::secret::InboundSecret;
use super::tolerance::{must_be_recent, parse_seconds};
use super::{Rejected, hmac};

/// How a provider names its headers.
pub(super) struct Versioned {
    pub(super) signature: &'static str,
    pub(super) time: &'static str,
    pub(super) tolerance_seconds: u32,
}

impl Versioned {
    /// The secret that signed the body and a recent time.
    pub(super) fn signed_by<'a>(&self, claim: &Claim<'a>) -> Result<&'a InboundSecret, Rejected> {
        let malformed = |header: &str| Rejected::Malformed(header.to_owned());
        let given = claim.header(self.signature)?.strip_prefix("v0=").ok_or_else(|| malformed(self.signature))?;
        let time = claim.header(self.time)?;
        let signed_at = parse_seconds(time).ok_or_else(|| malformed(self.time))?;
        let secret = claim.signed_by(hmac::SHA256, &[b"v0:", time.as_bytes(), b":", claim.body()], |tag| {
            hmac::is_same_signature(&hmac::hex(tag), given)
        })?;
        must_be_recent(signed_at, claim.now, self.tolerance_seconds)?;
        Ok(secret)
    }
}
