//! Messages on the wire. A payload goes through as the text it is.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::checked_list;
use crate::domain::message::{
    MESSAGE_CHANNELS_MAX, MESSAGE_TAGS_MAX, Message, MessageDraft, Payload, RETENTION_DAYS_DEFAULT,
};
use crate::domain::names::{Channel, EventId, EventTypeName, Tag};
use crate::domain::timestamp::Timestamp;
use crate::http::Problem;

/// How long a payload may be kept, in days.
const RETENTION_DAYS: std::ops::RangeInclusive<u16> = 5..=RETENTION_DAYS_DEFAULT;

/// What is accepted as a message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageIn {
    event_type: EventTypeName,
    event_id: Option<EventId>,
    channels: Option<Vec<Channel>>,
    tags: Option<Vec<Tag>>,
    payload: Box<RawValue>,
    payload_retention_period: Option<u16>,
}

impl MessageIn {
    /// Checked as a whole.
    pub fn into_draft(self) -> Result<MessageDraft, Problem> {
        let retention_days = self.payload_retention_period.unwrap_or(RETENTION_DAYS_DEFAULT);
        if !RETENTION_DAYS.contains(&retention_days) {
            let rule = format!("must be {} to {} days", RETENTION_DAYS.start(), RETENTION_DAYS.end());
            return Err(Problem::field(&["body", "payloadRetentionPeriod"], rule));
        }
        Ok(MessageDraft {
            event_id: self.event_id,
            event_type: self.event_type,
            channels: checked_list("channels", self.channels, MESSAGE_CHANNELS_MAX)?,
            tags: checked_list("tags", self.tags.filter(|tags| !tags.is_empty()), MESSAGE_TAGS_MAX)?,
            payload: Payload::parse(self.payload).map_err(|reason| Problem::field(&["body", "payload"], reason.0))?,
            retention_days,
        })
    }
}

/// A message as callers see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageOut {
    id: String,
    event_id: Option<EventId>,
    event_type: EventTypeName,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<Vec<Channel>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Tag>>,
    payload: Payload,
    timestamp: Timestamp,
}

impl MessageOut {
    /// With this payload; none was asked for: an empty object, since the field has to be there.
    pub fn new(message: Message, payload: Option<Payload>) -> Self {
        Self {
            id: message.id.to_string(),
            event_id: message.event_id,
            event_type: message.event_type,
            channels: Some(message.channels).filter(|list| !list.is_empty()),
            tags: Some(message.tags).filter(|list| !list.is_empty()),
            payload: payload.unwrap_or_else(|| EMPTY.clone()),
            timestamp: message.accepted_at,
        }
    }
}

#[allow(clippy::expect_used)] // a constant: the first test that shows a message would meet it
static EMPTY: LazyLock<Payload> = LazyLock::new(|| Payload::from_text("{}".to_owned()).expect("an empty object"));
