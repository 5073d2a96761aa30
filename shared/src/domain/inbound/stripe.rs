//! Stripe, as its page "Receive Stripe events in your webhook endpoint" has it: `Stripe-Signature: t=…,v1=…`, HMAC-SHA256 of
//! `{t}.{body}` in hex with the endpoint's secret. Other versions (`v0`) are for test events and count for nothing.
//!
//! A retry has the same `id` and a signature of its own time.

use super::claim::Claim;
use super::event::Names;
use super::secret::InboundSecret;
use super::timed_list::TimedList;
use super::{Rejected, Verified};
use crate::domain::Invalid;

const SIGNATURE: TimedList =
    TimedList { header: "stripe-signature", separator: ',', time: "t", signature: "v1", joint: b"." };

/// What signing secrets begin with, and API keys, which are easily taken for them, do not.
const SECRET_PREFIX: &str = "whsec_";

pub(super) fn check_secret(text: &str) -> Result<InboundSecret, Invalid> {
    let key = |text: &str| text.starts_with(SECRET_PREFIX).then(|| text.as_bytes().to_vec());
    InboundSecret::shared(text, key, "must be the endpoint's signing secret, which begins with whsec_")
}

pub(super) fn verify(claim: &Claim<'_>) -> Result<Verified, Rejected> {
    SIGNATURE.must_be_signed(claim)?;
    let event = claim.event(|body| Names { id: body.name("id"), event_type: body.name("type") })?;
    Ok(event.into())
}
