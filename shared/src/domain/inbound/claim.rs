//! A request that claims to come from a provider, with what the claim is held against.

use super::tolerance::{TOLERANCE_SECONDS_DEFAULT, must_be_recent};
use super::{InboundRequest, InboundSecret, Rejected};
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
    /// The value of a header that the scheme needs.
    pub(super) fn header(&self, name: &str) -> Result<&'a str, Rejected> {
        self.request.headers.require(name)
    }

    /// The value of a header that says more; one that cannot be read says nothing.
    pub(super) fn hint(&self, name: &str) -> Option<&'a str> {
        self.request.headers.get(name).ok().flatten().filter(|value| !value.is_empty())
    }

    /// Refuses what was signed too long ago.
    pub(super) fn must_be_recent(&self, signed_at: Timestamp) -> Result<(), Rejected> {
        must_be_recent(signed_at, self.now, TOLERANCE_SECONDS_DEFAULT)
    }

    /// The secret that the check is right for. All are tried, whichever is.
    pub(super) fn secret_that(&self, is_right: impl Fn(&InboundSecret) -> bool) -> Result<&'a InboundSecret, Rejected> {
        let tried = self.secrets.iter().fold(None, |found, secret| if is_right(secret) { Some(secret) } else { found });
        tried.ok_or(Rejected::Mismatch)
    }
}
