//! What was refused, in the log: counted, and told once a minute at most, or whoever sends us nonsense would write our log.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::ids::SourceId;
use crate::domain::inbound::Rejected;
use crate::domain::timestamp::Timestamp;

/// How often a process says something.
const EVERY_MS: i64 = 60_000;

/// One per process; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Refused(Arc<Mutex<Count>>);

#[derive(Default)]
struct Count {
    told_at: Option<Timestamp>,
    untold: u64,
}

impl Count {
    /// How many there were since the log said something, if it is to say something now.
    fn add(&mut self, now: Timestamp) -> Option<u64> {
        self.untold += 1;
        if self.told_at.is_some_and(|told_at| now.millis_since(told_at) < EVERY_MS) {
            return None;
        }
        self.told_at = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

impl Refused {
    /// Counts a request. The log shows which source the last one was for and why it was refused, nothing of the request itself.
    pub(super) fn note(&self, source: &SourceId, reason: &Rejected, now: Timestamp) {
        let count = self.0.lock().unwrap_or_else(PoisonError::into_inner).add(now);
        if let Some(count) = count {
            tracing::warn!(count, source.id = %source, reason = reason.name(), "inbound webhooks were refused");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_once_a_minute_how_many_there_were() {
        let mut count = Count::default();
        let told: Vec<_> =
            [0, 1, 59_999, 60_000, 60_001, 200_000].map(|at| count.add(Timestamp::from_millis(at))).into();
        assert_eq!(told, [Some(1), None, None, Some(3), None, Some(2)]);
    }
}
