//! Providers that sign nothing: a name and a password in each request, or only an address that nobody else knows.
//!
//! Nothing proves the body, so these are for senders that can do no better, over TLS. Where an event has its names the
//! owner of the source says.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::claim::Claim;
use super::naming::EventNaming;
use super::secret::InboundSecret;
use super::{Rejected, Verified, hmac};
use crate::domain::Invalid;

const CREDENTIALS: &str = "authorization";

/// `name:password`, as the scheme sends it.
pub(super) fn check_secret(text: &str) -> Result<InboundSecret, Invalid> {
    let key = |text: &str| {
        let (name, password) = text.split_once(':')?;
        (!name.is_empty() && !password.is_empty()).then(|| text.as_bytes().to_vec())
    };
    InboundSecret::shared(text, key, "must be a name and a password with a colon between them")
}

/// Basic authentication (RFC 7617).
pub(super) fn verify_basic(claim: &Claim<'_>, naming: &EventNaming) -> Result<Verified, Rejected> {
    let given = claim.header(CREDENTIALS)?;
    let given = credentials(given).ok_or_else(|| Rejected::Malformed(CREDENTIALS.to_owned()))?;
    claim.secret_that(|secret| hmac::is_same_secret(secret.as_text().as_bytes(), &given))?;
    verify_none(claim, naming)
}

/// Whoever knows the address is trusted.
pub(super) fn verify_none(claim: &Claim<'_>, naming: &EventNaming) -> Result<Verified, Rejected> {
    Ok(naming.event(claim)?.into())
}

fn credentials(header: &str) -> Option<Vec<u8>> {
    let (scheme, base64) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(base64.trim()).ok()).flatten()
}
