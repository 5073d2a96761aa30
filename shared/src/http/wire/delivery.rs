//! Deliveries on the wire: a message as it stands with one endpoint, an endpoint as it stands with one message.

use serde::Serialize;

use super::endpoint::EndpointOut;
use super::message::MessageOut;
use crate::domain::standing::Standing;
use crate::domain::timestamp::Timestamp;

/// A message and how its delivery to the endpoint stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointMessageOut {
    #[serde(flatten)]
    message: MessageOut,
    status: u8,
    status_text: &'static str,
    next_attempt: Option<Timestamp>,
}

impl EndpointMessageOut {
    /// The message with how its delivery stands.
    pub fn new(message: MessageOut, standing: Standing) -> Self {
        Self {
            message,
            status: standing.status.number(),
            status_text: standing.status.as_str(),
            next_attempt: standing.next_attempt_at,
        }
    }
}

/// An endpoint and how the delivery of the message to it stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageEndpointOut {
    #[serde(flatten)]
    endpoint: EndpointOut,
    status: u8,
    status_text: &'static str,
    next_attempt: Option<Timestamp>,
}

impl MessageEndpointOut {
    /// The endpoint with how the delivery to it stands.
    pub fn new(endpoint: EndpointOut, standing: Standing) -> Self {
        Self {
            endpoint,
            status: standing.status.number(),
            status_text: standing.status.as_str(),
            next_attempt: standing.next_attempt_at,
        }
    }
}
