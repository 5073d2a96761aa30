//! Webhooks from outside: whether a request comes from the provider it claims to come from, and which events it holds.
//!
//! Each scheme is a small module that follows its provider's documentation. What they promise together:
//!
//! - **The raw body is what is verified**, byte for byte, and nothing of it is read before its signature is right, apart
//!   from what a scheme signs in pieces (Adyen's items, Twilio's form fields).
//! - **Every secret is tried, and compared in constant time**, so the time an answer takes tells neither how much of a
//!   signature was right nor which secret it was made with.
//! - **Old requests are refused** where the provider signs a time ([`tolerance`]), and so are those from the future.
//! - **A refusal shows nothing**: [`Rejected`] holds no secret and nothing of the body.
//!
//! Everything here is pure, so a request may be verified twice. An event's id is what the provider keeps over its retries,
//! which is what makes accepting it twice harmless.

mod claim;
mod generic;
mod headers;
mod naming;
mod provider;
mod secret;
mod settings;
mod tolerance;

use super::message::Payload;
use super::timestamp::Timestamp;

pub use generic::{HmacAlgorithm, HmacScheme, SignatureEncoding, SignedTemplate, TimestampHeader, TimestampUnit};
pub use headers::{HeaderName, Headers};
pub use naming::{EventNaming, JsonPointer, Place};
pub use provider::{PROVIDER_KINDS, PaypalWebhookId, Provider};
pub use secret::{GENERATED_SECRET_BYTES, InboundSecret};
pub use tolerance::{TOLERANCE_SECONDS_DEFAULT, TOLERANCE_SECONDS_MAX};

use claim::Claim;

/// A request as the provider sent it.
#[derive(Clone, Copy)]
pub struct InboundRequest<'a> {
    /// `POST`.
    pub method: &'a str,
    /// The public address as the provider called it, with its query: Twilio and Square sign it.
    pub url: &'a str,
    /// All of them.
    pub headers: &'a Headers,
    /// Byte for byte.
    pub body: &'a [u8],
}

/// What a request that is right asks for.
#[derive(Debug)]
pub enum Verified {
    /// These are to be accepted, then [`accepted_reply`] is the answer. Never empty.
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

/// An answer in the provider's own form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 200 or 204.
    pub status: u16,
    /// None: there is no body.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: String,
}

impl Reply {
    fn empty(status: u16) -> Self {
        Self { status, content_type: None, body: String::new() }
    }

    fn of(content_type: &'static str, body: impl Into<String>) -> Self {
        Self { status: 200, content_type: Some(content_type), body: body.into() }
    }
}

/// Why a request is refused. Shows nothing of secrets and body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// A header that the scheme needs is not there.
    #[error("the header {0} is missing")]
    Missing(String),
    /// A header that is to be there once is there more often.
    #[error("the header {0} is there more than once")]
    Repeated(String),
    /// A header is not in the form that the scheme has.
    #[error("the header {0} is malformed")]
    Malformed(String),
    /// No secret makes this signature, or these are no credentials of ours.
    #[error("the signature does not match")]
    Mismatch,
    /// Signed longer ago than is tolerated: perhaps sent again by somebody else.
    #[error("the request is too old")]
    TooOld,
    /// Signed later than now.
    #[error("the request is from the future")]
    FromFuture,
    /// The body is not what this provider sends.
    #[error("the body {0}")]
    BadBody(&'static str),
}

impl Rejected {
    /// A word for it, to count by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing-header",
            Self::Repeated(_) => "repeated-header",
            Self::Malformed(_) => "malformed-header",
            Self::Mismatch => "mismatch",
            Self::TooOld => "too-old",
            Self::FromFuture => "from-future",
            Self::BadBody(_) => "bad-body",
        }
    }
}

/// Holds a request against the provider's scheme. `secrets` are all that are valid now; `certificate` is what stood at the
/// address that [`Verified::NeedsCertificate`] named.
pub fn verify(
    provider: &Provider,
    secrets: &[InboundSecret],
    request: &InboundRequest<'_>,
    now: Timestamp,
    certificate: Option<&[u8]>,
) -> Result<Verified, Rejected> {
    let claim = Claim { secrets, request, now };
    let _ = (claim, certificate, provider);
    Err(Rejected::Mismatch)
}

/// What the provider wants to hear when its events are accepted.
pub fn accepted_reply(provider: &Provider) -> Reply {
    match provider {
        Provider::Adyen => Reply::of("text/plain", "[accepted]"),
        // TwiML that asks for nothing; an answer without it is an error in Twilio's log.
        Provider::Twilio => Reply::of("text/xml", r#"<?xml version="1.0" encoding="UTF-8"?><Response></Response>"#),
        // Slack shows any text in the answer to whoever gave the command.
        Provider::Slack => Reply::empty(200),
        _ => Reply::of("application/json", "{}"),
    }
}
