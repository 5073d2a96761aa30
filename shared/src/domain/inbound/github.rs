//! GitHub, as its page "Validating webhook deliveries" has it: `X-Hub-Signature-256: sha256=…`, HMAC-SHA256 of the body
//! in hex.
//!
//! No time is signed, and neither are the headers that name the event. `X-GitHub-Delivery` is the same when a delivery is sent
//! again. The type is the event with its action, `pull_request.opened`.

use super::claim::Claim;
use super::event::Names;
use super::{Rejected, Verified, hmac};

const SIGNATURE: &str = "x-hub-signature-256";

pub(super) fn verify(claim: &Claim<'_>) -> Result<Verified, Rejected> {
    let given = claim.header(SIGNATURE)?;
    let given = given.strip_prefix("sha256=").ok_or_else(|| Rejected::Malformed(SIGNATURE.to_owned()))?;
    claim.signed_by(hmac::SHA256, &[claim.body()], |tag| hmac::is_same_signature(&hmac::hex(tag), given))?;
    let event = claim.event(|body| Names {
        id: claim.hint("x-github-delivery").map(str::to_owned),
        event_type: claim.hint("x-github-event").map(|event| match body.name("action") {
            Some(action) => format!("{event}.{action}"),
            None => event.to_owned(),
        }),
    })?;
    Ok(event.into())
}
