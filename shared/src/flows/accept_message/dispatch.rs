//! The deliveries of a message that is stored: which they are, and how they get into the queue.

use std::collections::HashSet;

use super::AcceptMessage;
use crate::domain::attempt::Trigger;
use crate::domain::delivery::DeliveryTask;
use crate::domain::ids::{AppScope, EndpointId};
use crate::domain::message::{Message, PayloadPlace};
use crate::domain::subscription::Subscriber;
use crate::fault::Fault;
use crate::flows::waiting::queue_at;
use crate::queue::{FanOut, Job};
use crate::store::Audience;
use crate::telemetry;

/// Deliveries that a publish queues itself: a dozen calls, four at a time, which the caller waits for. More are left to the
/// background.
pub const FAN_OUT_INLINE_MAX: usize = 100;

impl AcceptMessage {
    /// Sees to it that every endpoint that wants the message will get it. A repeat leaves out what was made since.
    pub(super) async fn dispatch(
        &self,
        scope: &AppScope,
        audience: &Audience,
        message: &Message,
        is_repeat: bool,
    ) -> Result<(), Fault> {
        if is_repeat && message.is_canceled {
            return Ok(());
        }
        let mut wanting = wanting(audience, message);
        wanting.retain(|subscriber| !is_repeat || subscriber.endpoint.timestamp() <= message.accepted_at);
        match wanting.last() {
            None => Ok(()),
            Some(until) if wanting.len() > FAN_OUT_INLINE_MAX => {
                let fan_out =
                    FanOut { scope: *scope, message: message.id, after: None, until: until.endpoint, is_repeat };
                self.jobs.send(Job::FanOut(fan_out)).await
            }
            Some(_) => {
                let tried = self.tried(scope, message, is_repeat).await?;
                wanting.retain(|subscriber| !tried.contains(&subscriber.endpoint));
                self.queue_for(scope, message, &wanting, is_repeat).await
            }
        }
    }

    /// The endpoints that have an attempt already, or a record that there was none, which only those of a repeat can.
    pub(super) async fn tried(
        &self,
        scope: &AppScope,
        message: &Message,
        is_repeat: bool,
    ) -> Result<HashSet<EndpointId>, Fault> {
        if !is_repeat {
            return Ok(HashSet::new());
        }
        let traces = self.store.traces_of(scope, &message.id).await?;
        let attempted = traces.attempts.iter().map(|attempt| attempt.endpoint);
        Ok(attempted.chain(traces.undelivered.iter().map(|record| record.endpoint)).collect())
    }

    /// Queues a delivery to each of these endpoints, or has it stand in line, or wait for the message's own time.
    pub(super) async fn queue_for(
        &self,
        scope: &AppScope,
        message: &Message,
        subscribers: &[&Subscriber],
        is_repeat: bool,
    ) -> Result<(), Fault> {
        let payload = match &message.payload {
            // Without the payload whoever delivers reads the message, and sees whether it was called off.
            PayloadPlace::Here(payload) if message.deliver_at.is_none() => Some(payload),
            PayloadPlace::Here(_) | PayloadPlace::Blob(_) | PayloadPlace::Expunged => None,
        };
        let trace = telemetry::trace();
        let task = |subscriber: &&&Subscriber| DeliveryTask {
            payload: payload.cloned(),
            // Until its time comes somebody may have it sent, and the receiver has it.
            is_repeat: is_repeat || message.deliver_at.is_some(),
            trace,
            ..DeliveryTask::new(scope, message, subscriber.endpoint, 1, Trigger::Scheduled)
        };
        let (ordered, others): (Vec<&&Subscriber>, Vec<_>) =
            subscribers.iter().partition(|subscriber| subscriber.is_ordered && message.ordering_key.is_some());
        if let Some(line) = &message.ordering_key {
            let joins = ordered.iter().map(|subscriber| self.lines.join(task(subscriber), line.clone()));
            futures_util::future::join_all(joins).await.into_iter().collect::<Result<(), _>>()?;
        }
        let tasks: Vec<_> = others.iter().map(task).collect();
        let now = self.effects.now();
        let not_before = if is_repeat { now.plus_millis(self.repeat_delay_ms) } else { now };
        let at = message.deliver_at.map_or(not_before, |at| at.max(not_before));
        queue_at(&self.store, &self.queue, tasks, at, now).await
    }
}

/// The endpoints that want the message, oldest first.
pub(super) fn wanting<'a>(audience: &'a Audience, message: &Message) -> Vec<&'a Subscriber> {
    audience.subscribers.iter().filter(|s| s.wants(&message.event_type, &message.channels)).collect()
}
