//! What goes on record of a change: its time, its identifier, and for how long it is kept.

use crate::config::Platform;
use crate::domain::audit::{Author, Change, Changed, Operation};
use crate::domain::ids::ChangeId;
use crate::domain::timestamp::MS_PER_DAY;
use crate::effects::Effects;

/// Makes records. Cheap to clone.
#[derive(Clone)]
pub(super) struct Audit {
    effects: Effects,
    kept_ms: i64,
}

impl Audit {
    /// Once per process.
    pub(super) fn new(platform: &Platform) -> Self {
        let kept_ms = i64::from(platform.settings.audit_days) * MS_PER_DAY;
        Self { effects: platform.effects.clone(), kept_ms }
    }

    /// The record of what this author does now.
    pub(super) fn of(&self, by: &Author, operation: Operation, changed: Changed) -> Change {
        let at = self.effects.now();
        Change {
            id: ChangeId::new(at, self.effects.random.id_tail()),
            at,
            author: by.clone(),
            operation,
            changed,
            expires_at: at.plus_millis(self.kept_ms),
        }
    }
}
