//! Fanning out in the background: the deliveries of a message that were too many for its publish are queued, page by page, in
//! the order of their endpoints.
//!
//! Why it may run twice, and be cut short anywhere:
//! - The job stays in its queue until the last delivery is in theirs, or until a job that goes on behind the last full page has
//!   taken its place.
//! - A job that comes again, and one that takes the place of a page that failed half way, is marked as a repeat: it leaves out
//!   the endpoints that have an attempt, and its deliveries are repeats themselves.
//! - An endpoint made after the message was accepted is not among them. One that was changed in between gets the message when it
//!   wants it now.

use super::AcceptMessage;
use super::dispatch::wanting;
use crate::domain::ids::EndpointId;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::queue::{FanOut, Job};
use crate::store::{ApplicationRef, MessageRef};

/// Deliveries queued between two looks at the clock: a dozen calls.
const PAGE_DELIVERIES: usize = 100;

/// How an invocation left a fan-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fanned {
    /// All deliveries are queued, as many as these by this invocation.
    Out(usize),
    /// There are more: a job that goes on is in the queue.
    Queued,
    /// There is nothing to deliver: the application or the message is gone, or the message was called off.
    Void,
}

impl AcceptMessage {
    /// Queues deliveries until there are no more, or until `stop_at`.
    pub async fn fan_out(&self, mut job: FanOut, stop_at: Timestamp) -> Result<Fanned, Fault> {
        let FanOut { scope, after, is_repeat, .. } = job;
        let named = ApplicationRef::Id(scope.application);
        let audience = self.store.audience(&scope.organization, &named, None).await?;
        let message = self.store.message(&scope, &MessageRef::Id(job.message)).await?;
        let (Some(audience), Some(message)) = (audience, message) else { return Ok(Fanned::Void) };
        if message.is_called_off() {
            return Ok(Fanned::Void);
        }
        let tried = self.tried(&scope, &message, is_repeat).await?;
        let is_open = |endpoint: &EndpointId| job.is_open(*endpoint) && !tried.contains(endpoint);
        let open: Vec<_> =
            wanting(&audience, &message).into_iter().filter(|subscriber| is_open(&subscriber.endpoint)).collect();
        for page in open.chunks(PAGE_DELIVERIES) {
            if self.effects.now() >= stop_at {
                self.jobs.send(Job::FanOut(job)).await?;
                return Ok(Fanned::Queued);
            }
            if let Err(fault) = self.queue_for(&scope, &message, page, is_repeat).await {
                // A job that got on does not wait for the queue to hand it out again, which takes half an hour.
                if job.after == after {
                    return Err(fault);
                }
                tracing::warn!(message.id = %message.id, error = fault.chain(), "a fan-out goes on behind its last page");
                self.jobs.send(Job::FanOut(FanOut { is_repeat: true, ..job })).await?;
                return Ok(Fanned::Queued);
            }
            job.after = page.last().map(|subscriber| subscriber.endpoint);
        }
        Ok(Fanned::Out(open.len()))
    }
}
