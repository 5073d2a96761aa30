//! Adyen, as its page "Verify HMAC signatures" has it. A standard webhook holds items, each with a signature in its
//! `additionalData.hmacSignature`: HMAC-SHA256 in base64, with the key that Adyen gives out in hex, of eight of the
//! item's fields with colons between them. Other webhooks (platforms, management) sign the body and have the signature in
//! a header.
//!
//! What an item says beside those eight fields is not signed. An item becomes one event; all of them must be right, or none is
//! taken. Its repeat has the same reference, event code and success, but not always the same other fields.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::body::of_json;
use super::claim::Claim;
use super::event::{EVENTS_MAX, InboundEvent, Names};
use super::json::Fields;
use super::secret::InboundSecret;
use super::{Rejected, Verified, hmac};
use crate::domain::Invalid;

/// Of webhooks that are signed as a whole.
const SIGNATURE: &str = "hmacsignature";

/// Shortest key; Adyen's have 32 bytes.
const KEY_BYTES_MIN: usize = 16;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook<'a> {
    #[serde(borrow)]
    notification_items: Vec<Wrapped<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wrapped<'a> {
    #[serde(borrow)]
    notification_request_item: &'a RawValue,
}

pub(super) fn check_secret(text: &str) -> Result<InboundSecret, Invalid> {
    InboundSecret::shared(text, decode_hex, "must be the webhook's HMAC key: at least 16 bytes in hex")
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let is_hex =
        text.len() >= 2 * KEY_BYTES_MIN && text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit());
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    is_hex.then(|| (0..text.len()).step_by(2).map(byte).collect()).flatten()
}

pub(super) fn verify(claim: &Claim<'_>) -> Result<Verified, Rejected> {
    if claim.request.headers.get(SIGNATURE)?.is_some() {
        return verify_whole(claim);
    }
    let webhook: Webhook<'_> = serde_json::from_slice(claim.body())
        .map_err(|_| Rejected::BadBody("is neither a standard webhook nor signed as a whole"))?;
    if webhook.notification_items.len() > EVENTS_MAX {
        return Err(Rejected::BadBody("holds too many items"));
    }
    let events = webhook.notification_items.iter().map(|item| verify_item(claim, item.notification_request_item));
    Verified::all(events.collect::<Result<_, _>>()?)
}

fn verify_whole(claim: &Claim<'_>) -> Result<Verified, Rejected> {
    let given = claim.header(SIGNATURE)?;
    claim.signed_by(hmac::SHA256, &[claim.body()], |tag| hmac::is_same_signature(&hmac::base64(tag), given))?;
    // No field names the event; a repeat has the same body.
    let event = claim.event(|body| Names { id: None, event_type: body.name("type") })?;
    Ok(event.into())
}

fn verify_item(claim: &Claim<'_>, json: &RawValue) -> Result<InboundEvent, Rejected> {
    let item = Fields::of(json.get());
    let given = item.within("additionalData").name("hmacSignature");
    let given = given.ok_or(Rejected::BadBody("holds an item without a signature"))?;
    let values = signed_values(&item);
    let is_right = |tag: &[u8]| hmac::is_same_signature(&hmac::base64(tag), &given);
    claim.signed_by(hmac::SHA256, &[values.join(":").as_bytes()], is_right).or_else(|refused| {
        // Adyen's older description has backslashes and colons within a field escaped, its libraries do not do it.
        let escaped: Vec<String> = values.iter().map(|value| value.replace('\\', "\\\\").replace(':', "\\:")).collect();
        if escaped == values {
            return Err(refused);
        }
        claim.signed_by(hmac::SHA256, &[escaped.join(":").as_bytes()], is_right)
    })?;
    Ok(InboundEvent { id: id_of(&item), event_type: item.name("eventCode"), payload: of_json(json)? })
}

fn signed_values(item: &Fields<'_>) -> [String; 8] {
    let amount = item.within("amount");
    let text = |fields: &Fields<'_>, name| fields.text(name).unwrap_or_default();
    [
        text(item, "pspReference"),
        text(item, "originalReference"),
        text(item, "merchantAccountCode"),
        text(item, "merchantReference"),
        text(&amount, "value"),
        text(&amount, "currency"),
        text(item, "eventCode"),
        text(item, "success"),
    ]
}

fn id_of(item: &Fields<'_>) -> Option<String> {
    Some([item.name("pspReference")?, item.name("eventCode")?, item.name("success")?].join("."))
}
