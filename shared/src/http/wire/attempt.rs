//! Attempts on the wire.

use serde::Serialize;

use crate::domain::attempt::{Attempt, AttemptStatus, Trigger};
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
}

/// The number of a status in the API.
pub fn status_number(status: AttemptStatus) -> u8 {
    match status {
        AttemptStatus::Success => 0,
        AttemptStatus::Fail => 2,
    }
}

impl AttemptOut {
    /// With the receiver's answer or without.
    pub fn new(attempt: &Attempt, with_content: bool) -> Self {
        let status = attempt.status();
        Self {
            id: attempt.id.to_string(),
            msg_id: attempt.message.to_string(),
            endpoint_id: attempt.endpoint.to_string(),
            url: attempt.url.clone(),
            response: if with_content { attempt.outcome.response_text() } else { "{}".to_owned() },
            response_status_code: attempt.outcome.status_code(),
            response_duration_ms: attempt.duration_ms,
            status: status_number(status),
            status_text: match status {
                AttemptStatus::Success => "success",
                AttemptStatus::Fail => "fail",
            },
            trigger_type: match attempt.trigger {
                Trigger::Scheduled => 0,
                Trigger::Manual => 1,
            },
            timestamp: attempt.id.timestamp(),
        }
    }
}
