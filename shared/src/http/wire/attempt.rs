//! Attempts on the wire.

use serde::Serialize;

use super::message::MessageOut;
use crate::domain::attempt::{Attempt, Trigger};
use crate::domain::delivery::DeliveryStatus;
use crate::domain::timestamp::Timestamp;

/// An attempt as callers see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptOut {
    id: String,
    msg_id: String,
    endpoint_id: String,
    url: String,
    response: String,
    response_status_code: u16,
    response_duration_ms: u32,
    status: u8,
    status_text: &'static str,
    trigger_type: u8,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<MessageOut>,
}

impl AttemptOut {
    /// With the receiver's answer or without.
    pub fn new(attempt: &Attempt, with_content: bool) -> Self {
        let status = DeliveryStatus::from(attempt.status());
        Self {
            id: attempt.id.to_string(),
            msg_id: attempt.message.to_string(),
            endpoint_id: attempt.endpoint.to_string(),
            url: attempt.url.clone(),
            response: if with_content { attempt.response_text() } else { "{}".to_owned() },
            response_status_code: attempt.outcome.status_code(),
            response_duration_ms: attempt.duration_ms,
            status: status.number(),
            status_text: status.as_str(),
            trigger_type: match attempt.trigger {
                Trigger::Scheduled => 0,
                Trigger::Manual => 1,
            },
            timestamp: attempt.id.timestamp(),
            msg: None,
        }
    }

    /// With the message it was made for, which is shown without its payload.
    #[must_use]
    pub fn with_message(self, message: MessageOut) -> Self {
        Self { msg: Some(message), ..self }
    }
}
