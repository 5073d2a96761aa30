//! An attempt: one HTTP request of a delivery, and what the receiver did with it.
//!
//! What the receiver did is data, whatever it was: a 500, a timeout, a refused connection or a name that does not
//! resolve is an [`Outcome`] and is stored. Our own failures are `Fault`s and never end up here.

use super::Invalid;
use super::ids::{AttemptId, EndpointId, MessageId};
use super::names::{Channel, EventTypeName, Tag};
use super::timestamp::Timestamp;

/// How much of a receiver's answer is read and kept.
pub const RESPONSE_BODY_BYTES_MAX: usize = 20_000;

/// What is shown in place of an answer that was removed.
pub const EXPUNGED_RESPONSE: &str = "EXPUNGED";

/// One HTTP request of a delivery, done and recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Ours; carries the instant of the attempt.
    pub id: AttemptId,
    /// Of which message.
    pub message: MessageId,
    /// To which endpoint.
    pub endpoint: EndpointId,
    /// The address at that time.
    pub url: String,
    /// Which attempt of the delivery, from 1.
    pub number: u16,
    /// What caused it.
    pub trigger: Trigger,
    /// What the receiver did.
    pub outcome: Outcome,
    /// From the beginning of name resolution to the end of the answer.
    pub duration_ms: u32,
    /// When the delivery goes on, if it does.
    pub next_attempt_at: Option<Timestamp>,
    /// Copied from the message, so attempts can be listed by it.
    pub event_type: EventTypeName,
    /// Copied from the message, so attempts can be listed by it.
    pub channels: Vec<Channel>,
    /// Copied from the message, so attempts can be listed by it.
    pub tags: Vec<Tag>,
    /// Whether the receiver's answer was removed; what is left of the outcome is how it ended.
    pub is_expunged: bool,
}

impl Attempt {
    /// What a person is shown as the receiver's answer.
    pub fn response_text(&self) -> String {
        if self.is_expunged { EXPUNGED_RESPONSE.to_owned() } else { self.outcome.response_text() }
    }

    /// How it ended.
    pub fn status(&self) -> AttemptStatus {
        if self.outcome.is_success() { AttemptStatus::Success } else { AttemptStatus::Fail }
    }
}

/// A class of status codes by its first number; 0: without a status code.
pub fn parse_status_code_class(number: &str) -> Result<u16, Invalid> {
    const CLASSES: [u16; 6] = [0, 100, 200, 300, 400, 500];
    let found = CLASSES.into_iter().find(|class| class.to_string() == number);
    found.ok_or_else(|| Invalid::new("must be one of 0, 100, 200, 300, 400, 500"))
}

/// The number of the attempt behind these, which are one delivery's.
pub fn next_number<'a>(attempts: impl IntoIterator<Item = &'a Attempt>) -> u16 {
    attempts.into_iter().map(|attempt| attempt.number).max().unwrap_or(0).saturating_add(1)
}

/// Why an attempt was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The message was accepted, or the schedule says so.
    Scheduled,
    /// A person asked for it; it is not retried.
    Manual,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptStatus {
    /// The receiver answered 2xx.
    Success,
    /// Anything else.
    Fail,
}

/// What the receiver did.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It answered.
    Answered {
        /// HTTP status, 100 to 999.
        status: u16,
        /// The beginning of its body, at most [`RESPONSE_BODY_BYTES_MAX`]; base64 when it is not UTF-8.
        body: String,
        /// Its `Retry-After`, in milliseconds from the answer.
        retry_after_ms: Option<u64>,
    },
    /// It did not finish its answer in time.
    TimedOut {
        /// The limit it missed.
        limit_ms: u32,
    },
    /// No answer came: resolution, connection, TLS or the exchange itself failed.
    Unreachable {
        /// What failed, in our words and without addresses of our network.
        reason: String,
    },
    /// The address may not be connected to by policy.
    Forbidden {
        /// The rule.
        reason: String,
    },
}

impl Outcome {
    /// Whether the delivery is complete.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }

    /// The HTTP status; 0 when there was none.
    pub fn status_code(&self) -> u16 {
        match self {
            Self::Answered { status, .. } => *status,
            Self::TimedOut { .. } | Self::Unreachable { .. } | Self::Forbidden { .. } => 0,
        }
    }

    /// The receiver's answer, or why there is none, for people.
    fn response_text(&self) -> String {
        match self {
            Self::Answered { body, .. } => body.clone(),
            Self::TimedOut { limit_ms } => format!("no answer within {limit_ms} ms"),
            Self::Unreachable { reason } => reason.clone(),
            Self::Forbidden { reason } => format!("not sent: {reason}"),
        }
    }
}
