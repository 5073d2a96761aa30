//! Paddle Billing, as its page "Verify webhook signatures" has it: `Paddle-Signature: ts=…;h1=…`, HMAC-SHA256 of
//! `{ts}:{body}` in hex with the secret key of the notification destination.
//!
//! A retry has the same `event_id`; its `notification_id` belongs to the destination.

use super::claim::Claim;
use super::event::Names;
use super::timed_list::TimedList;
use super::{Rejected, Verified};

const SIGNATURE: TimedList =
    TimedList { header: "paddle-signature", separator: ';', time: "ts", signature: "h1", joint: b":" };

pub(super) fn verify(claim: &Claim<'_>) -> Result<Verified, Rejected> {
    SIGNATURE.must_be_signed(claim)?;
    let event = claim.event(|body| Names { id: body.name("event_id"), event_type: body.name("event_type") })?;
    Ok(event.into())
}
