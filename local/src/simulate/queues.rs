//! When something is to be done: what the queues will hand out, and what waits in the due index, as seen on the wire.
//!
//! Only to save time. A poller that asked an empty queue every twenty seconds of two days, and a sweep that ran every minute,
//! would cost more than the rest of a run. Whether anything was lost is never concluded from here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fanfare::domain::timestamp::Timestamp;
use serde_json::Value;
use tokio::sync::Notify;

/// What every partition of the due index is named with (docs/DATA.md).
const DUE: &str = "D#";

/// The agenda.
#[derive(Debug, Default)]
pub(super) struct Queues {
    /// When to look into which queue, in milliseconds of the run.
    looks: Mutex<BTreeMap<String, BTreeSet<u64>>>,
    /// Sort keys of what waits, which begin with its time.
    due: Mutex<BTreeSet<String>>,
    changed: Notify,
}

impl Queues {
    /// Something can be received from the queue at that moment.
    pub(super) fn look_at(&self, queue: &str, ms: u64) {
        lock(&self.looks).entry(queue.to_owned()).or_default().insert(ms);
        self.changed.notify_waiters();
    }

    /// When to look into the queue next.
    pub(super) fn next_look_ms(&self, queue: &str) -> Option<u64> {
        lock(&self.looks).get(queue)?.first().copied()
    }

    /// Forgets the moments until now: the queue is looked into.
    pub(super) fn looking(&self, queue: &str, now_ms: u64) {
        if let Some(looks) = lock(&self.looks).get_mut(queue) {
            looks.retain(|ms| *ms > now_ms);
        }
    }

    /// Waits until there is one more moment.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Notes what a batch of writes did to the due index.
    pub(super) fn watch_writes(&self, asked: &Value) {
        let writes =
            asked["RequestItems"].as_object().into_iter().flatten().filter_map(|(_, writes)| writes.as_array());
        for write in writes.flatten() {
            let (item, is_put) = match &write["PutRequest"]["Item"] {
                Value::Null => (&write["DeleteRequest"]["Key"], false),
                item => (item, true),
            };
            let part = |name: &str| item[name]["S"].as_str().unwrap_or_default();
            if !part("pk").starts_with(DUE) {
                continue;
            }
            if is_put {
                lock(&self.due).insert(part("sk").to_owned());
            } else {
                lock(&self.due).remove(part("sk"));
            }
        }
    }

    /// When the first of what waits is due.
    pub(super) fn first_due_at(&self) -> Option<Timestamp> {
        let due = lock(&self.due);
        let at = due.first()?.split('#').next()?.parse().ok()?;
        Some(Timestamp::from_millis(at))
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
