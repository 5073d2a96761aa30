//! Square, as its page "Verify and Validate an Event Notification" has it: `x-square-hmacsha256-signature`, HMAC-SHA256
//! in base64 of the notification URL and the body, one behind the other, with the subscription's signature key.
//!
//! The URL is the one entered at Square, so the source's public address has to be known as Square calls it. No time is
//! signed. A retry has the same `event_id`.

use super::claim::Claim;
use super::event::Names;
use super::{Rejected, Verified, hmac};

pub(super) fn verify(claim: &Claim<'_>) -> Result<Verified, Rejected> {
    let given = claim.header("x-square-hmacsha256-signature")?;
    claim.signed_by(hmac::SHA256, &[claim.request.url.as_bytes(), claim.body()], |tag| {
        hmac::is_same_signature(&hmac::base64(tag), given)
    })?;
    let event = claim.event(|body| Names { id: body.name("event_id"), event_type: body.name("type") })?;
    Ok(event.into())
}
