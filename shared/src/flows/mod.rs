//! Verbs, one file each. A flow asks the domain what should happen and performs it with the service rooms; it knows no
//! HTTP and no event format, so every door can use it.
//!
//! A flow never calls a flow: work passes on as a record or a queued task. Every step may run twice; where it is not
//! obvious why that is safe, the flow's header says it.

pub mod accept_message;
pub mod ask_import;
mod audit;
pub mod bury;
pub mod check_health;
pub mod configure;
pub mod deliver;
pub mod example;
pub mod expunge;
pub mod identity_keys;
pub mod import_file;
mod lines;
mod payloads;
pub mod receive_inbound;
pub mod resend;
pub mod run_task;
pub mod start_task;
pub mod sweep_due;
mod undelivered;
mod waiting;

use crate::domain::Invalid;
use crate::domain::payload_schema::Violation;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::store::Idempotency;

pub use payloads::Payloads;

/// Why a flow did not do what it was asked: the caller's doing, apart from [`Refusal::Fault`].
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing, or it is somebody else's.
    #[error("{0:?} not found")]
    NotFound(Thing),
    /// A field breaks a rule that only the store can tell.
    #[error("{field}: {reason}")]
    Invalid {
        /// Its path in the request.
        field: &'static str,
        /// The rule.
        reason: Invalid,
    },
    /// A payload is not what its event type's schema allows.
    #[error("the payload breaks its schema: {0:?}")]
    PayloadInvalid(Violation),
    /// A unique name belongs to another.
    #[error("{0}")]
    Conflict(String),
    /// An event type of this name exists.
    #[error("an event type named {0} exists already")]
    EventTypeExists(String),
    /// The event type has no schema an example could be made from, or no example at the place that was asked for.
    #[error("no example")]
    NoExample,
    /// A message that can no longer be called off, or never could.
    #[error("the message is being delivered")]
    TooLate,
    /// A named limit would be exceeded.
    #[error("{0}")]
    LimitReached(String),
    /// The message's payload was removed: there is nothing to send.
    #[error("the payload of this message was removed")]
    MissingPayload,
    /// It is not in the state that the caller wants it to be in.
    #[error("the precondition does not hold")]
    PreconditionFailed,
    /// Our own failure.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The idempotency key of a request that creates something, with the request itself.
#[derive(Clone, Copy, Debug)]
pub struct CreationKey<'a> {
    /// What the caller calls this request.
    pub key: &'a str,
    /// What it asked: the body.
    pub request: &'a [u8],
}

impl<'a> CreationKey<'a> {
    /// The key of a request, if it has one.
    pub fn of(key: &'a Option<String>, request: &'a [u8]) -> Option<Self> {
        key.as_deref().map(|key| Self { key, request })
    }

    /// `place` is what is created where: a key counts once for each.
    fn at(&self, place: &str, now: Timestamp) -> Idempotency {
        Idempotency::new(self.key, place, self.request, now)
    }
}

fn key_reused() -> Refusal {
    Refusal::Conflict("this idempotency key was used for another request".to_owned())
}

/// What a caller can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// An application.
    Application,
    /// An endpoint.
    Endpoint,
    /// An event type.
    EventType,
    /// A message.
    Message,
    /// An import.
    Import,
    /// A background task.
    Task,
    /// An attempt.
    Attempt,
    /// A source.
    Source,
    /// An API key.
    ApiKey,
}
