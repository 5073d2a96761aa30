//! Resending: a person asks for one more attempt of a delivery. It is made at once, whatever the schedule says, and is not
//! retried.
//!
//! Asked twice it is sent twice: that is what was asked. The attempt's number continues behind those that were made, so that a
//! task the queue hands out twice is still recognized.

use super::{Refusal, Thing};
use crate::config::Platform;
use crate::domain::attempt::Trigger;
use crate::domain::delivery::DeliveryTask;
use crate::domain::ids::AppScope;
use crate::queue::DeliveryQueue;
use crate::store::{EndpointRef, MessageRef, Store};

/// The flow, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct Resend {
    store: Store,
    queue: DeliveryQueue,
}

impl Resend {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        Self {
            store: Store::new(&platform.sdk, &platform.settings.table),
            queue: DeliveryQueue::new(&platform.sdk, &platform.settings.delivery_queue_url),
        }
    }

    /// Queues one more attempt of this message for this endpoint, whether it wanted the message or not.
    pub async fn run(&self, scope: &AppScope, message: &MessageRef, endpoint: &EndpointRef) -> Result<(), Refusal> {
        let message = self.store.message(scope, message).await?.ok_or(Refusal::NotFound(Thing::Message))?;
        if message.payload.is_expunged() {
            return Err(Refusal::MissingPayload);
        }
        let endpoint = self.store.endpoint(scope, endpoint).await?.ok_or(Refusal::NotFound(Thing::Endpoint))?;
        let attempts = self.store.attempts_of(scope, &message.id).await?;
        let last = attempts.iter().filter(|attempt| attempt.endpoint == endpoint.id).map(|a| a.number).max();
        let task = DeliveryTask {
            scope: *scope,
            endpoint: endpoint.id,
            message: message.id,
            event_type: message.event_type,
            channels: message.channels,
            tags: message.tags,
            number: last.unwrap_or(0).saturating_add(1),
            trigger: Trigger::Manual,
            expires_at: message.expires_at,
            payload: None,
            is_repeat: false,
        };
        Ok(self.queue.send(&task, 0).await?)
    }
}
