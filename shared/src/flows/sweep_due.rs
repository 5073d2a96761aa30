//! Sweeping: deliveries that are due go back into the queue.
//!
//! Queued first, then forgotten. Cut short in between, a delivery is queued again by the next sweep; whoever gets the
//! second one finds the first one's attempt. Two sweeps at one time do the same to each other.
//!
//! A sweep reads the minutes from the cursor to now, all shards of each. Those of the running minute that are still to come
//! are queued with the rest of their delay. A minute that is over and was found empty moves the cursor.

use crate::config::Platform;
use crate::domain::timestamp::Timestamp;
use crate::effects::Effects;
use crate::fault::Fault;
use crate::queue::DeliveryQueue;
use crate::store::{DUE_SHARDS, DueDelivery, Store, minute_of};
use crate::telemetry::{Metric, Metrics};

/// Deliveries queued between two looks at the clock.
const BATCH_MAX: usize = 200;

/// The flow, with what it needs.
#[derive(Clone)]
pub struct SweepDue {
    store: Store,
    queue: DeliveryQueue,
    effects: Effects,
    metrics: Metrics,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Deliveries put back into the queue.
    pub queued: usize,
    /// Whether it ran out of time with more to do.
    pub is_unfinished: bool,
}

impl SweepDue {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        Self {
            store: Store::new(&platform.sdk, &platform.settings.table, &platform.keys),
            queue: DeliveryQueue::new(&platform.sdk, &platform.settings.delivery_queue_url, &platform.keys),
            effects: platform.effects.clone(),
            metrics: platform.telemetry.metrics(),
        }
    }

    /// Sweeps until all that is due is queued, or until `stop_at`.
    pub async fn run(&self, stop_at: Timestamp) -> Result<Swept, Fault> {
        let mut swept = Swept::default();
        // No cursor: nothing ever had to wait.
        let Some(mut minute) = self.store.sweep_cursor().await? else {
            self.metrics.note(Metric::DueBacklogAge, 0);
            return Ok(swept);
        };
        let begun_at = minute;
        let begun = self.effects.now();
        let now_minute = minute_of(begun);
        let mut oldest = begun;
        while minute <= now_minute {
            for shard in 0..DUE_SHARDS {
                swept.queued += self.empty(minute, shard, stop_at, &mut oldest).await?;
            }
            if self.effects.now() >= stop_at {
                swept.is_unfinished = true;
                break;
            }
            minute += 1;
        }
        self.metrics.note(Metric::DueBacklogAge, u64::try_from(begun.millis_since(oldest) / 1_000).unwrap_or(0));
        // The running minute stays open: what is due in it was queued, but it is not over.
        let first_open = minute.min(now_minute);
        if first_open > begun_at {
            self.store.advance_sweep_cursor(first_open).await?;
        }
        Ok(swept)
    }

    /// Queues and forgets what waits in one partition; how many it were.
    async fn empty(&self, minute: i64, shard: u8, stop_at: Timestamp, oldest: &mut Timestamp) -> Result<usize, Fault> {
        let mut queued = 0;
        loop {
            let due = self.store.due_in(minute, shard, BATCH_MAX).await?;
            if due.is_empty() {
                return Ok(queued);
            }
            *oldest = due.iter().map(|due| due.at).chain([*oldest]).min().unwrap_or(*oldest);
            self.queue_all(&due).await?;
            self.store.forget_due(&due).await?;
            queued += due.len();
            if self.effects.now() >= stop_at {
                return Ok(queued);
            }
        }
    }

    async fn queue_all(&self, due: &[DueDelivery]) -> Result<(), Fault> {
        let now = self.effects.now();
        let sends = due.iter().map(|due| {
            let delay_ms = u64::try_from(due.at.millis_since(now)).unwrap_or(0);
            self.queue.send(&due.task, delay_ms)
        });
        futures_util::future::join_all(sends).await.into_iter().collect()
    }
}
