//! GitLab, as its page "Webhooks" has it, in two ways. A secret token comes as it is in `X-Gitlab-Token`, and says
//! nothing about the body. A signing token (`whsec_…`) signs each request by Standard Webhooks. Either
//! proves that the sender has the secret, so a source takes both.
//!
//! `Idempotency-Key` is the same in retries, and as `webhook-id` it is signed. `X-Gitlab-Event-UUID` is not an event's
//! own: what one webhook sets off shares it.

use super::claim::Claim;
use super::event::Names;
use super::json::Fields;
use super::secret::InboundSecret;
use super::{Rejected, Verified, hmac, standard_webhooks};
use crate::domain::Invalid;

const TOKEN: &str = "x-gitlab-token";
const SIGNATURE: &str = "webhook-signature";
const SIGNING_TOKEN_PREFIX: &str = "whsec_";

pub(super) fn check_secret(text: &str) -> Result<InboundSecret, Invalid> {
    if text.starts_with(SIGNING_TOKEN_PREFIX) {
        return standard_webhooks::check_secret(text);
    }
    InboundSecret::of_text(text)
}

pub(super) fn verify(claim: &Claim<'_>) -> Result<Verified, Rejected> {
    let id = match has_token(claim) {
        Ok(()) => claim.hint("idempotency-key"),
        Err(_) if claim.request.headers.get(SIGNATURE)?.is_some() => Some(standard_webhooks::signed_id(claim)?),
        Err(rejected) => return Err(rejected),
    };
    let event = claim.event(|body| Names {
        id: id.map(str::to_owned),
        event_type: type_of(body).or_else(|| claim.hint("x-gitlab-event").map(str::to_owned)),
    })?;
    Ok(event.into())
}

/// `merge_request.open`; the header has `Merge Request Hook` for all of them.
fn type_of(body: &Fields<'_>) -> Option<String> {
    let kind = body.name("object_kind").or_else(|| body.name("event_name"))?;
    let action = body.within("object_attributes").name("action");
    Some(action.map_or(kind.clone(), |action| format!("{kind}.{action}")))
}

fn has_token(claim: &Claim<'_>) -> Result<(), Rejected> {
    let given = claim.header(TOKEN)?.as_bytes();
    claim.secret_that(|secret| hmac::is_same_secret(secret.as_text().as_bytes(), given)).map(drop)
}
