//! The door `sweep`: every minute, deliveries that are due go back into the queue.

use fanfare::config::Platform;
use fanfare::domain::timestamp::Timestamp;
use fanfare::flows::sweep_due::{SweepDue, Swept};
use fanfare::telemetry::{Invoked, Watch};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};

/// How long before its deadline a sweep stops. The next one goes on where it stopped.
const RESERVE_MS: i64 = 5_000;

/// The door, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    sweep_due: SweepDue,
    watch: Watch,
}

impl Door {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        Self { sweep_due: SweepDue::new(platform), watch: platform.telemetry.watch("sweep") }
    }

    /// One tick of the schedule, whatever it says. Tells how many deliveries it queued.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        let deadline = Timestamp::from_millis(i64::try_from(event.context.deadline).unwrap_or(i64::MAX));
        let invoked = Invoked { request_id: event.context.request_id, ..Invoked::default() };
        self.watch.invocation(invoked, self.sweep(deadline)).await
    }

    async fn sweep(&self, deadline: Timestamp) -> Result<Value, Error> {
        match self.sweep_due.run(deadline.plus_millis(-RESERVE_MS)).await {
            Ok(swept) => {
                // Nothing to do is what nearly every minute brings, and every line of a log is paid for.
                if swept != Swept::default() {
                    tracing::info!(queued = swept.queued, is_unfinished = swept.is_unfinished, "swept");
                }
                Ok(json!({ "queued": swept.queued, "isUnfinished": swept.is_unfinished }))
            }
            Err(fault) => {
                tracing::error!(error = fault.chain(), "a sweep failed; the next one repeats it");
                Err(fault.into())
            }
        }
    }
}
