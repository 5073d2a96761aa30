//! Resending: a person asks for one more attempt of a delivery. It is made at once, whatever the schedule says, and is not
//! retried.
//!
//! Asked twice it is sent twice: that is what was asked. The attempt's number continues behind those that were made, so that a
//! task the queue hands out twice is still recognized.

use super::{Refusal, Thing};
use crate::config::Platform;
use crate::domain::attempt::{Trigger, next_number};
use crate::domain::delivery::DeliveryTask;
use crate::domain::ids::AppScope;
use crate::queue::DeliveryQueue;
use crate::store::{EndpointRef, MessageRef, Store};
use crate::telemetry;

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
            store: Store::new(&platform.sdk, &platform.settings.table, &platform.keys),
            queue: DeliveryQueue::new(&platform.sdk, &platform.settings.delivery_queue_url, &platform.keys),
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
        let number = next_number(attempts.iter().filter(|attempt| attempt.endpoint == endpoint.id));
        let task = DeliveryTask::new(scope, &message, endpoint.id, number, Trigger::Manual);
        // Who asks for one attempt wants to see what comes of it now, whatever the endpoint's gate says.
        Ok(self.queue.send(&DeliveryTask { is_urgent: true, trace: telemetry::trace(), ..task }, 0).await?)
    }
}
