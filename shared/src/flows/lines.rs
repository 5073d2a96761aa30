//! Standing in line: deliveries that are to be made one after the other. A part of the flows that accept and deliver, not one
//! of its own.
//!
//! Why it may be cut short anywhere: the task of whoever stands first is queued, then noted as queued. Cut short in between, or
//! before, whoever comes to the line next queues it: the next message that joins, or the task that was about to leave, which is
//! still in the queue and comes again. A task that was queued twice takes its turn once.

use crate::domain::delivery::{DeliveryTask, LinePlace};
use crate::domain::names::OrderingKey;
use crate::fault::Fault;
use crate::queue::DeliveryQueue;
use crate::store::Store;

/// Lines, with what they need. Cheap to clone.
#[derive(Clone)]
pub(super) struct Lines {
    store: Store,
    queue: DeliveryQueue,
}

impl Lines {
    pub(super) fn new(store: &Store, queue: &DeliveryQueue) -> Self {
        Self { store: store.clone(), queue: queue.clone() }
    }

    /// Has a delivery stand in line; it begins when those before it are over.
    pub(super) async fn join(&self, task: DeliveryTask, line: OrderingKey) -> Result<(), Fault> {
        let task = self.store.join_line(task, line.clone()).await?;
        self.start_first(&task, &line).await
    }

    /// Lets a delivery that is over leave its line, and the next one begin.
    pub(super) async fn leave(&self, task: &DeliveryTask, place: &LinePlace) -> Result<(), Fault> {
        self.store.leave_line(task, place).await?;
        self.start_first(task, &place.key).await
    }

    /// Queues whoever stands first in the line of `task`, if that was not done.
    async fn start_first(&self, task: &DeliveryTask, line: &OrderingKey) -> Result<(), Fault> {
        let first = self.store.first_in_line(&task.scope, &task.endpoint, line).await?;
        let Some(first) = first.filter(|first| !first.is_started) else { return Ok(()) };
        let Some(place) = first.task.place.clone() else {
            return Err(Fault::corrupt("reading an entry of a line: it has no place"));
        };
        let is_own = task.place.as_ref() == Some(&place);
        // Its own payload is in hand, and it is queued for the first time; another's is read where it is kept.
        let first = if is_own { task } else { &first.task };
        self.queue.send(first, 0).await?;
        self.store.note_started(first, &place).await
    }
}
