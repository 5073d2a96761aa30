//! What a verified request asks for: events, in most cases one.

use super::Rejected;
use super::json::Fields;
use super::reply::Reply;
use crate::domain::message::Payload;

/// Events of one request. SendGrid sends up to some thousand, each of which becomes a message before the answer.
pub(super) const EVENTS_MAX: usize = 2_000;

/// What a request that is right asks for.
#[derive(Debug)]
pub enum Verified {
    /// These are to be accepted, then [`super::accepted_reply`] is the answer. Never empty.
    Events(Vec<InboundEvent>),
    /// Nothing is to be accepted: the provider asks for this answer to know that the address is ours.
    Reply(Reply),
    /// The request can be judged only with what stands at this address: get it, and verify again. The address is one of the
    /// provider's own.
    NeedsCertificate(String),
}

/// One event of a request.
#[derive(Debug)]
pub struct InboundEvent {
    /// The provider's own identifier of the event: its retry has the same one.
    pub id: Option<String>,
    /// The provider's own name for what happened.
    pub event_type: Option<String>,
    /// A JSON object; the body as it came when that is one.
    pub payload: Payload,
}

/// An event's names in the provider's own words.
#[derive(Default)]
pub(super) struct Names {
    pub(super) id: Option<String>,
    pub(super) event_type: Option<String>,
}

impl InboundEvent {
    /// A payload with the names that it holds.
    pub(super) fn named(payload: Payload, names: impl Fn(&Fields<'_>) -> Names) -> Self {
        let Names { id, event_type } = names(&Fields::of(payload.as_str()));
        Self { id, event_type, payload }
    }
}

impl From<InboundEvent> for Verified {
    fn from(event: InboundEvent) -> Self {
        Self::Events(vec![event])
    }
}

impl Verified {
    /// Several events of one body.
    pub(super) fn all(events: Vec<InboundEvent>) -> Result<Self, Rejected> {
        if events.is_empty() {
            return Err(Rejected::BadBody("holds no event"));
        }
        Ok(Self::Events(events))
    }
}
