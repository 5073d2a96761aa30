//! What is sent when somebody asks for an example of an event: what they say, or what the event type's schema gives.

use super::{Refusal, Thing};
use crate::config::Platform;
use crate::domain::example::example_of;
use crate::domain::ids::OrganizationId;
use crate::domain::message::{MessageDraft, Payload, RETENTION_DAYS_DEFAULT};
use crate::domain::names::EventTypeName;
use crate::domain::original_headers::OriginalHeaders;
use crate::store::Store;

/// An event type that needs no schema: it only asks whether the receiver is there.
const PING: &str = "svix.ping";

/// The flow, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct Examples {
    store: Store,
}

impl Examples {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        Self { store: Store::new(&platform.sdk, &platform.settings.table, &platform.keys) }
    }

    /// A message with an example of this event type. `payload` is the caller's own example.
    pub async fn draft(
        &self,
        organization: &OrganizationId,
        event_type: EventTypeName,
        payload: Option<Payload>,
        index: usize,
    ) -> Result<MessageDraft, Refusal> {
        let payload = match payload {
            Some(payload) => payload,
            None => self.payload(organization, &event_type, index).await?,
        };
        Ok(MessageDraft {
            event_id: None,
            event_type,
            channels: Vec::new(),
            tags: Vec::new(),
            payload,
            retention_days: RETENTION_DAYS_DEFAULT,
            deliver_at: None,
            deliver_before: None,
            ordering_key: None,
            headers: OriginalHeaders::default(),
        })
    }

    async fn payload(
        &self,
        organization: &OrganizationId,
        event_type: &EventTypeName,
        index: usize,
    ) -> Result<Payload, Refusal> {
        let json = if event_type.as_str() == PING {
            serde_json::json!({ "success": true })
        } else {
            let found = self.store.event_type(organization, event_type).await?;
            let found = found.ok_or(Refusal::NotFound(Thing::EventType))?;
            let schema = found.newest_schema().ok_or(Refusal::NoExample)?;
            example_of(schema, index).ok_or(Refusal::NoExample)?
        };
        Payload::from_text(json.to_string()).map_err(|_| Refusal::NoExample)
    }
}
