//! Zoom, as its page "Using webhooks" has it: `x-zm-signature: v0=…` with the app's secret token, and a challenge,
//! `endpoint.url_validation`, when the address is entered and every 72 hours after: its token is to come back with an
//! HMAC of it, made with the same secret.
//!
//! An event has no id; its retry has the same body. Zoom does not say whether a retry is signed with a time of its own,
//! and the last of three comes 85 minutes after the first attempt, so the time may be that old.

use serde_json::json;

use super::claim::Claim;
use super::event::{InboundEvent, Names};
use super::json::Fields;
use super::reply::{CHALLENGE_BYTES_MAX, Reply};
use super::secret::{InboundSecret, Key};
use super::versioned::Versioned;
use super::{Rejected, Verified, hmac};

/// The retries, and half an hour.
const TOLERANCE_SECONDS: u32 = 115 * 60;

const SIGNATURE: Versioned =
    Versioned { signature: "x-zm-signature", time: "x-zm-request-timestamp", tolerance_seconds: TOLERANCE_SECONDS };

pub(super) fn verify(claim: &Claim<'_>) -> Result<Verified, Rejected> {
    let secret = SIGNATURE.signed_by(claim)?;
    let payload = claim.payload()?;
    let body = Fields::of(payload.as_str());
    if body.text("event").as_deref() == Some("endpoint.url_validation") {
        return answer(&body, secret).map(Verified::Reply);
    }
    Ok(InboundEvent::named(payload, |body| Names { id: None, event_type: body.name("event") }).into())
}

fn answer(body: &Fields<'_>, secret: &InboundSecret) -> Result<Reply, Rejected> {
    let token = body.within("payload").name("plainToken").filter(|token| token.len() <= CHALLENGE_BYTES_MAX);
    match (token, secret.key()) {
        (Some(token), Key::Shared(key)) => {
            let encrypted = hmac::hex(hmac::tag(hmac::SHA256, key, &[token.as_bytes()]).as_ref());
            let answer = json!({ "plainToken": token, "encryptedToken": encrypted });
            Ok(Reply::of("application/json", answer.to_string()))
        }
        _ => Err(Rejected::BadBody("has no token that could be answered")),
    }
}
