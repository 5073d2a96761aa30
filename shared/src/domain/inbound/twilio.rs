//! Twilio, as its page "Webhooks security" has it: `X-Twilio-Signature`, HMAC in base64 of the address and, for a form,
//! its fields: sorted by name, each name and value behind the other without anything between them. Another body is signed
//! by its SHA-256, which Twilio puts into the address (`bodySHA256`).
//!
//! The key is the account's auth token with SHA-1; a webhook with a key of its own says in a header that it is SHA-256.
//! The address is the one entered at Twilio; whether its port is spelled out in what is signed differs, so both are
//! tried. No time is signed.
//!
//! `I-Twilio-Idempotency-Token` is the same in retries, and is not signed. Without it a message is named with its status.
//! A call has many requests in one status, and is named only when they are numbered.

use aws_lc_rs::digest;
use url::Url;

use super::body::{form_fields, is_form};
use super::claim::Claim;
use super::event::{InboundEvent, Names};
use super::hmac::{self, Algorithm};
use super::json::Fields;
use super::{Rejected, Verified};

const SIGNATURE: &str = "x-twilio-signature";
const SETTINGS: &str = "x-twilio-webhooks-signature-settings";

/// The parameter of the address that holds a body's digest.
const BODY_DIGEST: &str = "bodySHA256";

pub(super) fn verify(claim: &Claim<'_>) -> Result<Verified, Rejected> {
    let given = claim.header(SIGNATURE)?;
    let algorithm = algorithm(claim)?;
    let signed_fields = if is_form(claim.request) { sorted(form_fields(claim.body())?) } else { String::new() };
    let is_right = |tag: &[u8]| hmac::is_same_signature(&hmac::base64(tag), given);
    let [as_called, other_port] = addresses(claim.request.url);
    let signed_by =
        |address: &str| claim.signed_by(algorithm, &[address.as_bytes(), signed_fields.as_bytes()], is_right);
    signed_by(&as_called).or_else(|_| signed_by(&other_port))?;
    if !is_form(claim.request) {
        must_have_digest(claim)?;
    }
    Ok(event(claim)?.into())
}

/// SHA-1, unless the settings say otherwise: `key=…,algorithm=HMAC_SHA256`.
fn algorithm(claim: &Claim<'_>) -> Result<Algorithm, Rejected> {
    let settings = claim.request.headers.get(SETTINGS)?.unwrap_or_default();
    let named = settings.split(',').find_map(|setting| setting.trim().strip_prefix("algorithm="));
    match named.unwrap_or("HMAC_SHA1") {
        "HMAC_SHA1" => Ok(hmac::SHA1),
        "HMAC_SHA256" => Ok(hmac::SHA256),
        _ => Err(Rejected::Malformed(SETTINGS.to_owned())),
    }
}

/// Names and values in the order in which they are signed. A value that is there twice under one name counts once.
fn sorted(mut fields: Vec<(String, String)>) -> String {
    fields.sort_unstable();
    fields.dedup();
    fields.into_iter().flat_map(|(name, value)| [name, value]).collect()
}

/// The address as it was called, and with its port written the other way.
fn addresses(called: &str) -> [String; 2] {
    let spelled = || {
        let (scheme, rest) = called.split_once("://")?;
        let port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
        let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let host = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name.to_owned(),
            _ => format!("{host}{port}"),
        };
        Some(format!("{scheme}://{host}{path}"))
    };
    [called.to_owned(), spelled().unwrap_or_else(|| called.to_owned())]
}

/// The digest in the address is signed; the body must be the one that it is of.
fn must_have_digest(claim: &Claim<'_>) -> Result<(), Rejected> {
    let url = Url::parse(claim.request.url).ok();
    let given =
        url.and_then(|url| url.query_pairs().find(|(name, _)| name == BODY_DIGEST).map(|(_, v)| v.into_owned()));
    let expected = hmac::hex(digest::digest(&digest::SHA256, claim.body()).as_ref());
    match given {
        Some(given) if hmac::is_same_signature(&expected, &given) => Ok(()),
        // What has no body has nothing to be signed.
        None if claim.body().is_empty() => Ok(()),
        Some(_) | None => Err(Rejected::Mismatch),
    }
}

fn event(claim: &Claim<'_>) -> Result<InboundEvent, Rejected> {
    let token = claim.hint("i-twilio-idempotency-token").map(str::to_owned);
    let mut event = claim.event(names)?;
    event.id = token.or(event.id);
    Ok(event)
}

fn names(body: &Fields<'_>) -> Names {
    let message = body.name("MessageSid").or_else(|| body.name("SmsSid"));
    let message_status = body.name("MessageStatus").or_else(|| body.name("SmsStatus"));
    let call_status = body.name("CallStatus");
    let of_message = message.zip(message_status.clone()).map(|(sid, status)| format!("{sid}.{status}"));
    let of_call = body.name("CallSid").zip(body.name("SequenceNumber")).map(|(sid, number)| format!("{sid}.{number}"));
    let type_of_message = message_status.map(|status| format!("message.{status}"));
    Names {
        id: of_message.or(of_call),
        event_type: body
            .name("EventType")
            .or(type_of_message)
            .or_else(|| call_status.map(|status| format!("call.{status}"))),
    }
}
