//! Time and signatures together in one header, as Stripe and Paddle have it: `t=1492774577,v1=5257a8…,v1=…`. Signed is
//! the time, a joint and the body. During a rotation on the provider's side there is one signature for each of its
//! secrets.

use super::claim::Claim;
use super::tolerance::parse_seconds;
use super::{Rejected, hmac};

/// Signatures in one header. Providers send one for each secret that is valid, two as a rule.
pub(super) const SIGNATURES_MAX: usize = 16;

/// How a provider writes it.
pub(super) struct TimedList {
    pub(super) header: &'static str,
    pub(super) separator: char,
    pub(super) time: &'static str,
    pub(super) signature: &'static str,
    /// Between the time and the body.
    pub(super) joint: &'static [u8],
}

impl TimedList {
    /// Refuses a request without a signature of the body and a recent time by one of the secrets.
    pub(super) fn must_be_signed(&self, claim: &Claim<'_>) -> Result<(), Rejected> {
        let malformed = || Rejected::Malformed(self.header.to_owned());
        let (time, signatures) = self.parse(claim.header(self.header)?).ok_or_else(malformed)?;
        let signed_at = parse_seconds(time).ok_or_else(malformed)?;
        claim.signed_by(hmac::SHA256, &[time.as_bytes(), self.joint, claim.body()], |tag| {
            hmac::is_one_of(&hmac::hex(tag), &signatures)
        })?;
        claim.must_be_recent(signed_at)
    }

    /// The time, which is there once, and the signatures, of which there is at least one. Other entries are for others.
    fn parse<'a>(&self, header: &'a str) -> Option<(&'a str, Vec<&'a str>)> {
        let mut time = None;
        let mut signatures = Vec::new();
        for entry in header.split(self.separator) {
            match entry.trim().split_once('=')? {
                (name, value) if name == self.time => time.replace(value).is_none().then_some(())?,
                (name, value) if name == self.signature => signatures.push(value),
                _ => {}
            }
        }
        (1..=SIGNATURES_MAX).contains(&signatures.len()).then_some((time?, signatures))
    }
}
