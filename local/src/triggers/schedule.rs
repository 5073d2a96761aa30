//! A schedule: a function called at once and then in every period, as EventBridge Scheduler does for a `rate`.
//!
//! Called at once, because what became due while the gateway was not running should not wait. A call that fails is logged
//! and not repeated: the next one comes by itself. Calls do not overlap; one that takes longer than the period delays the
//! next.

use std::time::Duration;

use bytes::Bytes;
use fanfare::effects::Effects;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::MissedTickBehavior;

use crate::functions::Function;
use crate::ids;
use crate::tasks::Tasks;
use crate::template::Place;

/// What is called, how often.
pub(crate) struct Schedule {
    pub(crate) name: String,
    pub(crate) function: Function,
    pub(crate) period: Duration,
    pub(crate) place: Place,
    pub(crate) effects: Effects,
}

/// Calls until the gateway stops.
pub(crate) async fn run(schedule: Schedule, tasks: Tasks) {
    let mut ticks = tokio::time::interval(schedule.period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = tasks.stopping() => return,
            _ = ticks.tick() => schedule.call().await,
        }
    }
}

impl Schedule {
    async fn call(&self) {
        if let Err(error) = self.function.invoke(self.event()).await {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(schedule = self.name, %error, cause, "a scheduled call failed");
        }
    }

    /// What the scheduler sends to a target that has no input of its own.
    fn event(&self) -> Bytes {
        let Place { account, region, stack_name, .. } = &self.place;
        let now = OffsetDateTime::from_unix_timestamp(self.effects.now().as_seconds());
        let now = now.ok().and_then(|now| now.format(&Rfc3339).ok());
        let event = json!({
            "version": "0",
            "id": ids::uuid(&*self.effects.random),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": account,
            "time": now,
            "region": region,
            "resources": [format!("arn:aws:scheduler:{region}:{account}:schedule/default/{stack_name}-{}", self.name)],
            "detail": "{}"
        });
        Bytes::from(event.to_string())
    }
}
