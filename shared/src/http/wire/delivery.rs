//! Deliveries on the wire: a message as it stands with one endpoint, an endpoint as it stands with one message.

use serde::Serialize;
use utoipa::ToSchema;

use super::endpoint::EndpointOut;
use super::message::MessageOut;
use crate::domain::delivery::DeliveryStatus;
use crate::domain::standing::Standing;
use crate::domain::timestamp::Timestamp;
use crate::http::openapi::values::StatusText;

/// A message and how its delivery to the endpoint stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointMessageOut {
    #[serde(flatten)]
    message: MessageOut,
    /// How the delivery stands.
    #[schema(value_type = DeliveryStatus)]
    status: u8,
    /// The same as a word.
    #[schema(value_type = StatusText)]
    status_text: &'static str,
    /// When the next attempt is planned.
    #[schema(required)]
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
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageEndpointOut {
    #[serde(flatten)]
    endpoint: EndpointOut,
    /// How the delivery stands.
    #[schema(value_type = DeliveryStatus)]
    status: u8,
    /// The same as a word.
    #[schema(value_type = StatusText)]
    status_text: &'static str,
    /// When the next attempt is planned.
    #[schema(required)]
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
