//! What ended without being delivered, on the wire.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ids::{EndpointId, MessageId};
use crate::domain::names::{Channel, EventTypeName, Tag};
use crate::domain::timestamp::Timestamp;
use crate::domain::undelivered::{Undelivered, UndeliveredBecause};

/// A delivery that ended without being delivered, and without an attempt that says so.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UndeliveredOut {
    /// Of which message.
    #[schema(value_type = MessageId)]
    msg_id: String,
    /// What happened.
    event_type: EventTypeName,
    /// The message's second dimension to subscribe by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    channels: Option<Vec<Channel>>,
    /// The message's labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    tags: Option<Vec<Tag>>,
    /// To which endpoint.
    #[schema(value_type = EndpointId)]
    endpoint_id: String,
    /// Why.
    #[schema(value_type = UndeliveredBecause)]
    reason: &'static str,
    /// The attempt that was to be made, from 1.
    #[schema(minimum = 1)]
    attempt: u16,
    /// When it ended.
    timestamp: Timestamp,
}

impl From<Undelivered> for UndeliveredOut {
    fn from(record: Undelivered) -> Self {
        Self {
            msg_id: record.message.to_string(),
            event_type: record.event_type,
            channels: Some(record.channels).filter(|list| !list.is_empty()),
            tags: Some(record.tags).filter(|list| !list.is_empty()),
            endpoint_id: record.endpoint.to_string(),
            reason: record.reason.as_str(),
            attempt: record.number,
            timestamp: record.at,
        }
    }
}
