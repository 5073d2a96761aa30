//! A request that claims to come from a provider, with what the claim is held against.

use super::body;
use super::event::{InboundEvent, Names};
use super::hmac::{self, Algorithm};
use super::json::Fields;
use super::secret::Key;
use super::tolerance::{TOLERANCE_SECONDS_DEFAULT, must_be_recent};
use super::{InboundRequest, InboundSecret, Rejected};
use crate::domain::message::Payload;
use crate::domain::timestamp::Timestamp;

/// What a scheme is given.
#[derive(Clone, Copy)]
pub(super) struct Claim<'a> {
    /// All that are valid now.
    pub(super) secrets: &'a [InboundSecret],
    pub(super) request: &'a InboundRequest<'a>,
    pub(super) now: Timestamp,
}

impl<'a> Claim<'a> {
    /// The raw body.
    pub(super) fn body(&self) -> &'a [u8] {
        self.request.body
    }

    /// The value of a header that the scheme needs.
    pub(super) fn header(&self, name: &str) -> Result<&'a str, Rejected> {
        self.request.headers.require(name)
    }

    /// The value of a header that says more about the event; one that cannot be read says nothing.
    pub(super) fn hint(&self, name: &str) -> Option<&'a str> {
        self.request.headers.get(name).ok().flatten().filter(|value| !value.is_empty())
    }

    /// Refuses what was signed longer ago than the providers tolerate.
    pub(super) fn must_be_recent(&self, signed_at: Timestamp) -> Result<(), Rejected> {
        must_be_recent(signed_at, self.now, TOLERANCE_SECONDS_DEFAULT)
    }

    /// The secret that the check is right for. All are tried, whichever is.
    pub(super) fn secret_that(&self, is_right: impl Fn(&InboundSecret) -> bool) -> Result<&'a InboundSecret, Rejected> {
        let found = self.secrets.iter().fold(None, |found, secret| if is_right(secret) { Some(secret) } else { found });
        found.ok_or(Rejected::Mismatch)
    }

    /// The secret whose HMAC of these parts the check is right for.
    pub(super) fn signed_by(
        &self,
        algorithm: Algorithm,
        parts: &[&[u8]],
        is_right: impl Fn(&[u8]) -> bool,
    ) -> Result<&'a InboundSecret, Rejected> {
        self.secret_that(|secret| match secret.key() {
            Key::Shared(key) => is_right(hmac::tag(algorithm, key, parts).as_ref()),
            Key::Public(_) => false,
        })
    }

    /// What is to be delivered of the body.
    pub(super) fn payload(&self) -> Result<Payload, Rejected> {
        body::payload(self.request)
    }

    /// The whole body as one event. Its id and type are taken from what is to be delivered.
    pub(super) fn event(&self, names: impl Fn(&Fields<'_>) -> Names) -> Result<InboundEvent, Rejected> {
        Ok(InboundEvent::named(self.payload()?, names))
    }
}
