//! Our own failures: an engine that does not answer, a record that cannot be read.
//!
//! A [`Fault`] is never the caller's doing and never the receiver's. The caller of the API gets 503 or 500 without
//! detail and may repeat the request; a queue message stays in the queue; no receiver loses an attempt over it.

use std::error::Error;

/// What we failed to do, and why.
#[derive(Debug, thiserror::Error)]
#[error("{action}")]
pub struct Fault {
    /// Whether trying again can help.
    pub kind: FaultKind,
    action: String,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// An engine refused, throttled or did not answer: it may next time.
    Unavailable,
    /// What is stored or configured makes no sense: somebody must look.
    Corrupt,
}

impl Fault {
    /// An engine did not do what `action` names, for example "storing message msg_…".
    pub fn unavailable(action: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: FaultKind::Unavailable, action: action.into(), source: Some(source.into()) }
    }

    /// What was found while doing `action` makes no sense.
    pub fn corrupt(action: impl Into<String>) -> Self {
        Self { kind: FaultKind::Corrupt, action: action.into(), source: None }
    }

    /// An engine says that what we asked in doing `action` makes no sense.
    pub fn corrupt_because(action: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: FaultKind::Corrupt, action: action.into(), source: Some(source.into()) }
    }

    /// The same fault for each of several callers whose work went in one call.
    pub fn shared(action: impl Into<String>, fault: std::sync::Arc<Fault>) -> Self {
        Self { kind: fault.kind, action: action.into(), source: Some(Box::new(fault)) }
    }

    /// The action and every cause behind it, for the one place that logs it.
    pub fn chain(&self) -> String {
        let mut text = self.action.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
