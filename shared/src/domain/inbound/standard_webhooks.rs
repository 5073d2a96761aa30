//! Standard Webhooks, by its specification, and Svix, where it comes from and whose headers have a name of their own:
//! HMAC-SHA256 (`v1`, a shared `whsec_…`) or ed25519 (`v1a`, the sender's public `whpk_…`) of `{id}.{timestamp}.{body}`.
//!
//! The id is signed, and the same in every attempt.

use aws_lc_rs::signature::{ED25519, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::claim::Claim;
use super::event::Names;
use super::secret::{InboundSecret, Key};
use super::timed_list::SIGNATURES_MAX;
use super::tolerance::parse_seconds;
use super::{Rejected, Verified, hmac};
use crate::domain::Invalid;

const SECRET_PREFIX: &str = "whsec_";
const PUBLIC_PREFIX: &str = "whpk_";
const PRIVATE_PREFIX: &str = "whsk_";

/// Shortest shared key. The specification has 24 bytes, but there are senders that give out 18.
const KEY_BYTES_MIN: usize = 16;

/// The names of the three headers.
struct Headers {
    id: &'static str,
    timestamp: &'static str,
    signature: &'static str,
}

const STANDARD_HEADERS: Headers =
    Headers { id: "webhook-id", timestamp: "webhook-timestamp", signature: "webhook-signature" };
const SVIX_HEADERS: Headers = Headers { id: "svix-id", timestamp: "svix-timestamp", signature: "svix-signature" };

pub(super) fn check_secret(text: &str) -> Result<InboundSecret, Invalid> {
    if let Some(key) = text.strip_prefix(PUBLIC_PREFIX) {
        let parse = |_: &str| ParsedPublicKey::new(&ED25519, STANDARD.decode(key).ok()?).ok();
        return InboundSecret::public(text, parse, "must be an ed25519 key of 32 bytes, base64 behind whpk_");
    }
    if text.starts_with(PRIVATE_PREFIX) {
        let rule = "must not be a private key: verifying takes the public one, which begins with whpk_";
        return Err(Invalid::new(rule));
    }
    let decode = |text: &str| {
        let key = STANDARD.decode(text.strip_prefix(SECRET_PREFIX).unwrap_or(text)).ok()?;
        (key.len() >= KEY_BYTES_MIN).then_some(key)
    };
    InboundSecret::shared(text, decode, "must hold at least 16 bytes, base64 behind whsec_")
}

pub(super) fn verify(claim: &Claim<'_>) -> Result<Verified, Rejected> {
    let id = signed_id(claim)?;
    let event = claim.event(|body| Names { id: Some(id.to_owned()), event_type: body.name("type") })?;
    Ok(event.into())
}

/// The id of a request that is signed by one of the secrets, not long ago.
pub(super) fn signed_id<'a>(claim: &Claim<'a>) -> Result<&'a str, Rejected> {
    let is_svix = claim.hint(STANDARD_HEADERS.id).is_none() && claim.hint(SVIX_HEADERS.id).is_some();
    let names = if is_svix { SVIX_HEADERS } else { STANDARD_HEADERS };
    let malformed = |header: &str| Rejected::Malformed(header.to_owned());

    let id = claim.header(names.id)?;
    let time = claim.header(names.timestamp)?;
    let signed_at = parse_seconds(time).ok_or_else(|| malformed(names.timestamp))?;
    let given: Vec<&str> = claim.header(names.signature)?.split(' ').collect();
    // A dot in the id would leave open where it ends.
    if id.is_empty() || id.contains('.') {
        return Err(malformed(names.id));
    }
    if given.len() > SIGNATURES_MAX {
        return Err(malformed(names.signature));
    }
    let parts = [id.as_bytes(), b".", time.as_bytes(), b".", claim.body()];
    claim.secret_that(|secret| is_signed(secret, &parts, &given))?;
    claim.must_be_recent(signed_at)?;
    Ok(id)
}

fn is_signed(secret: &InboundSecret, parts: &[&[u8]], given: &[&str]) -> bool {
    match secret.key() {
        Key::Shared(key) => {
            let expected = hmac::base64(hmac::tag(hmac::SHA256, key, parts).as_ref());
            hmac::is_one_of(&format!("v1,{expected}"), given)
        }
        Key::Public(key) => {
            let signed = parts.concat();
            let signatures = given.iter().filter_map(|each| STANDARD.decode(each.strip_prefix("v1a,")?).ok());
            signatures.fold(false, |found, signature| found | key.verify_sig(&signed, &signature).is_ok())
        }
    }
}
