//! Attempts on the wire.

use serde::Serialize;
use utoipa::ToSchema;

use super::message::MessageOut;
use crate::domain::attempt::{Attempt, AttemptStatus, Trigger};
use crate::domain::delivery::DeliveryStatus;
use crate::domain::ids::{AttemptId, EndpointId, MessageId};
use crate::domain::timestamp::Timestamp;
use crate::http::openapi::values::StatusText;

/// An attempt as callers see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptOut {
    /// Ours.
    #[schema(value_type = AttemptId)]
    id: String,
    /// Of which message.
    #[schema(value_type = MessageId)]
    msg_id: String,
    /// To which endpoint.
    #[schema(value_type = EndpointId)]
    endpoint_id: String,
    /// The address at that time.
    url: String,
    /// The beginning of the receiver's answer, base64 when it is not UTF-8; or why there was none. `{}` when content was not
    /// asked for, `EXPUNGED` when it was removed.
    response: String,
    /// The receiver's HTTP status; 0 when there was none.
    #[schema(maximum = 999)]
    response_status_code: u16,
    /// From the beginning of name resolution to the end of the answer.
    response_duration_ms: u32,
    /// How it ended.
    #[schema(value_type = AttemptStatus)]
    status: u8,
    /// The same as a word.
    #[schema(value_type = StatusText)]
    status_text: &'static str,
    /// What caused it.
    #[schema(value_type = Trigger)]
    trigger_type: u8,
    /// When it was made.
    timestamp: Timestamp,
    /// Its message without the payload, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
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
