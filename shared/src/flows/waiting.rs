//! Having deliveries wait for their time: a delay the queue can give is the queue's, a longer one waits in the due index. A part of
//! the flows that accept and deliver, not one of its own.

use crate::domain::delivery::DeliveryTask;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::queue::{DELAY_MS_MAX, DeliveryQueue};
use crate::store::{DueDelivery, Store};

/// Sees to it that these tasks come at their time; one that is over means at once. Done twice, they come twice from the queue, and
/// once from the index.
pub(super) async fn queue_at(
    store: &Store,
    queue: &DeliveryQueue,
    tasks: Vec<DeliveryTask>,
    at: Timestamp,
    now: Timestamp,
) -> Result<(), Fault> {
    let delay_ms = u64::try_from(at.millis_since(now)).unwrap_or(0);
    if delay_ms <= DELAY_MS_MAX {
        return queue.send_all(&tasks, delay_ms).await;
    }
    let due: Vec<_> = tasks.into_iter().map(|task| DueDelivery { at, task }).collect();
    let puts = due.iter().map(|due| store.put_due(due, now));
    futures_util::future::join_all(puts).await.into_iter().collect()
}
