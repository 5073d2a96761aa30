//! Putting it on record that a delivery ended without an attempt that says so. A part of the flows that deliver and bury, not
//! one of its own.
//!
//! Of a delivery that was queued twice one task may end so while the other goes on, or has delivered it: then there is nothing to
//! record. Written twice, the record is one item.

use crate::domain::delivery::DeliveryTask;
use crate::domain::timestamp::Timestamp;
use crate::domain::undelivered::{Undelivered, UndeliveredBecause, unmade};
use crate::fault::Fault;
use crate::store::Store;

/// Records that the delivery of this task ended, unless its attempts say what became of it; whether it did.
pub(super) async fn record(
    store: &Store,
    task: &DeliveryTask,
    because: UndeliveredBecause,
    now: Timestamp,
) -> Result<bool, Fault> {
    if task.expires_at <= now {
        return Ok(false);
    }
    let attempts = match task.is_repeat {
        true => store.traces_of(&task.scope, &task.message).await?.of(&task.endpoint).attempts,
        false => Vec::new(),
    };
    let Some(number) = unmade(task, &attempts) else { return Ok(false) };
    let record = Undelivered { number, ..Undelivered::of(task, because, now) };
    store.record_undelivered(&task.scope, &record, task.expires_at).await?;
    tracing::warn!(
        message.id = %record.message,
        endpoint.id = %record.endpoint,
        attempt.number = record.number,
        reason = because.as_str(),
        "a delivery ended undelivered"
    );
    Ok(true)
}
