//! SendGrid's event webhook, as its page "Getting started with the event webhook security features" has it:
//! `X-Twilio-Email-Event-Webhook-Signature`, ECDSA P-256 over SHA-256 in base64, of the time in a header and the body,
//! one behind the other. The source's secret is the public key that SendGrid shows.
//!
//! One request holds many events; each becomes one. `sg_event_id` names an event and is the same in a retry. SendGrid
//! tries for 24 hours and does not say whether a retry is signed with a time of its own, so the time may be that old.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use super::body::of_json;
use super::claim::Claim;
use super::event::{EVENTS_MAX, InboundEvent};
use super::json::Fields;
use super::secret::{InboundSecret, Key};
use super::tolerance::{must_be_recent, parse_seconds};
use super::{Rejected, Verified};
use crate::domain::Invalid;

const SIGNATURE: &str = "x-twilio-email-event-webhook-signature";
const TIME: &str = "x-twilio-email-event-webhook-timestamp";

/// The retries, and an hour.
const TOLERANCE_SECONDS: u32 = 25 * 3_600;

pub(super) fn check_secret(text: &str) -> Result<InboundSecret, Invalid> {
    let parse = |text: &str| ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, STANDARD.decode(text).ok()?).ok();
    InboundSecret::public(text, parse, "must be the verification key that SendGrid shows: base64 of a P-256 key")
}

pub(super) fn verify(claim: &Claim<'_>) -> Result<Verified, Rejected> {
    let malformed = |header: &str| Rejected::Malformed(header.to_owned());
    let signature = STANDARD.decode(claim.header(SIGNATURE)?).map_err(|_| malformed(SIGNATURE))?;
    let time = claim.header(TIME)?;
    let signed_at = parse_seconds(time).ok_or_else(|| malformed(TIME))?;
    let signed = [time.as_bytes(), claim.body()].concat();
    claim.secret_that(|secret| match secret.key() {
        Key::Public(key) => key.verify_sig(&signed, &signature).is_ok(),
        Key::Shared(_) => false,
    })?;
    must_be_recent(signed_at, claim.now, TOLERANCE_SECONDS)?;
    Verified::all(events(claim.body())?)
}

fn events(body: &[u8]) -> Result<Vec<InboundEvent>, Rejected> {
    let items: Vec<&RawValue> =
        serde_json::from_slice(body).map_err(|_| Rejected::BadBody("is not a list of events"))?;
    if items.len() > EVENTS_MAX {
        return Err(Rejected::BadBody("holds too many events"));
    }
    let event = |item: &RawValue| {
        let fields = Fields::of(item.get());
        let (id, event_type) = (fields.name("sg_event_id"), fields.name("event"));
        Ok(InboundEvent { id, event_type, payload: of_json(item)? })
    };
    items.into_iter().map(event).collect()
}
