//! Nouns and rules, pure: no async, no clock, no AWS, no HTTP server.
//!
//! Text from outside is parsed into these types at the door and never checked again inside. What should happen next is
//! decided here ([`delivery::next_step`]) and carried out by a flow.

pub mod access;
pub mod actor;
pub mod api_key;
pub mod application;
pub mod attempt;
pub mod audit;
pub mod background;
pub mod delivery;
pub mod destination;
pub mod encryption;
pub mod endpoint;
pub mod event_type;
pub mod example;
pub mod gate;
pub(crate) mod hex;
pub mod ids;
pub mod import;
pub mod inbound;
pub mod inbound_message;
pub mod ksuid;
pub mod legacy_signature;
pub mod message;
pub mod names;
pub mod openapi;
pub mod operational;
pub mod original_headers;
pub mod page;
pub mod payload_schema;
pub mod public_key;
pub mod rate;
pub mod revision;
pub mod rotation;
pub mod schedule;
pub mod signature;
pub mod source;
pub mod source_address;
pub mod source_events;
pub mod standing;
pub mod statistics;
pub mod subscription;
pub mod timestamp;
pub mod trace;
pub mod undelivered;
pub mod url;

use std::collections::BTreeMap;

/// Free-form string pairs a caller attaches to an application or endpoint.
pub type Metadata = BTreeMap<String, String>;

/// Metadata as JSON may not exceed this: it travels with every record that is read on the publish path.
pub const METADATA_BYTES_MAX: usize = 4_096;

/// A value from outside that does not fit its type: which rule it broke, in words for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

impl Invalid {
    /// `Invalid` with this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}
