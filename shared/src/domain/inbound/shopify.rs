//! Shopify, as its page "Verify webhook deliveries" has it: `X-Shopify-Hmac-Sha256`, HMAC-SHA256 of the body in base64
//! with the app's client secret.
//!
//! No time is signed, and neither are the headers that name the event. `X-Shopify-Event-Id` is the same in a retry, in
//! what another subscription to the topic gets, and in other topics that the same act of a merchant leads to; with the
//! topic it names one event. Older deliveries have `X-Shopify-Webhook-Id` only.

use super::claim::Claim;
use super::event::Names;
use super::{Rejected, Verified, hmac};

pub(super) fn verify(claim: &Claim<'_>) -> Result<Verified, Rejected> {
    let given = claim.header("x-shopify-hmac-sha256")?;
    claim.signed_by(hmac::SHA256, &[claim.body()], |tag| hmac::is_same_signature(&hmac::base64(tag), given))?;
    // `orders/paid`
    let topic = claim.hint("x-shopify-topic").map(|topic| topic.replace('/', "."));
    let of_event = claim.hint("x-shopify-event-id").map(|id| match &topic {
        Some(topic) => format!("{id}.{topic}"),
        None => id.to_owned(),
    });
    let id = of_event.or_else(|| claim.hint("x-shopify-webhook-id").map(str::to_owned));
    let event = claim.event(|_| Names { id: id.clone(), event_type: topic.clone() })?;
    Ok(event.into())
}
