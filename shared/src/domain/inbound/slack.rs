//! Slack, as its page "Verifying requests from Slack" has it: `X-Slack-Signature: v0=…` with the app's signing secret.
//!
//! Three kinds of requests come the same way. Events (JSON) have an `event_id` that stays in retries. Slash commands (a
//! form) and interactivity (JSON in a form) are never sent again by Slack, and have no id. The challenge that Slack sends
//! when the address is entered is signed like everything else, and so is its test of a command's certificate.

use super::body::{form_field, form_fields, is_form};
use super::claim::Claim;
use super::event::{InboundEvent, Names};
use super::json::Fields;
use super::reply::{CHALLENGE_BYTES_MAX, Reply};
use super::tolerance::TOLERANCE_SECONDS_DEFAULT;
use super::versioned::Versioned;
use super::{Rejected, Verified};

const SIGNATURE: Versioned = Versioned {
    signature: "x-slack-signature",
    time: "x-slack-request-timestamp",
    tolerance_seconds: TOLERANCE_SECONDS_DEFAULT,
};

pub(super) fn verify(claim: &Claim<'_>) -> Result<Verified, Rejected> {
    SIGNATURE.signed_by(claim)?;
    if is_form(claim.request) && form_field(&form_fields(claim.body())?, "ssl_check").is_some() {
        return Ok(Verified::Reply(Reply::empty()));
    }
    let payload = claim.payload()?;
    match challenge(&Fields::of(payload.as_str()))? {
        Some(challenge) => Ok(Verified::Reply(Reply::of("text/plain", challenge))),
        None => Ok(InboundEvent::named(payload, names).into()),
    }
}

fn challenge(body: &Fields<'_>) -> Result<Option<String>, Rejected> {
    if body.text("type").as_deref() != Some("url_verification") {
        return Ok(None);
    }
    let challenge = body.name("challenge").filter(|challenge| challenge.len() <= CHALLENGE_BYTES_MAX);
    challenge.map(Some).ok_or(Rejected::BadBody("has no challenge that could be answered"))
}

fn names(body: &Fields<'_>) -> Names {
    let command = body.text("command").map(|_| "slash_command".to_owned());
    let event_type = body.within("event").name("type").or_else(|| body.name("type")).or(command);
    Names { id: body.name("event_id"), event_type }
}
