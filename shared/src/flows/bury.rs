//! Burying: what we failed at again and again, until the queue moved it to the dead letters, is put on record. Then the dead
//! letter may go.
//!
//! A delivery that lies there has a record that it ended, so it is found, counted and sent again like every other that ended
//! without an attempt; the organization is told; and what stands in line behind it goes on. A background task whose job lies there is over: nobody works on it any more, and it says so. So is an import.
//!
//! Why it may run twice: a delivery's record is one item, however often it is written; a task that is over stays as it is.

use std::collections::HashSet;

use super::lines::Lines;
use super::undelivered;
use crate::config::Platform;
use crate::domain::attempt::Trigger;
use crate::domain::background::{FAILED_THROUGH_US, TaskStatus};
use crate::domain::delivery::DeliveryTask;
use crate::domain::ids::{EndpointId, OrganizationId, TaskId};
use crate::domain::import::{Found, ImportStatus, found};
use crate::domain::operational::OperationalEvent;
use crate::domain::undelivered::UndeliveredBecause;
use crate::effects::Effects;
use crate::fault::Fault;
use crate::queue::{CreatedObject, DeliveryQueue, FanOut, ImportWork, Job, JobQueue};
use crate::store::{ApplicationRef, MessageRef, Store, Updated};
use crate::telemetry::{Metric, Metrics};

/// The flow, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct Bury {
    store: Store,
    jobs: JobQueue,
    lines: Lines,
    effects: Effects,
    metrics: Metrics,
}

/// What a dead letter came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buried {
    /// It is on record that this delivery, or this background task, has ended.
    Recorded,
    /// There was nothing to record: an attempt says what became of the delivery, its message has expired, or the task is over
    /// or forgotten.
    Nothing,
}

impl Bury {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        let store = Store::new(&platform.sdk, &platform.settings.table, &platform.keys);
        let queue = DeliveryQueue::new(&platform.sdk, &platform.settings.delivery_queue_url, &platform.keys);
        Self {
            lines: Lines::new(&store, &queue),
            store,
            jobs: JobQueue::new(&platform.sdk, &platform.settings.job_queue_url),
            effects: platform.effects.clone(),
            metrics: platform.telemetry.metrics(),
        }
    }

    /// Puts it on record that this delivery ended, unless its attempts say what became of it.
    pub async fn delivery(&self, task: &DeliveryTask) -> Result<Buried, Fault> {
        let buried = self.record(task).await?;
        if let Some(place) = &task.place {
            self.lines.leave(task, place).await?;
        }
        Ok(buried)
    }

    async fn record(&self, task: &DeliveryTask) -> Result<Buried, Fault> {
        if !undelivered::record(&self.store, task, UndeliveredBecause::DeadLettered, self.effects.now()).await? {
            return Ok(Buried::Nothing);
        }
        self.metrics.count(Metric::DeadLettersRecorded, 1);
        self.jobs.announce(&OperationalEvent::dead_lettered(task)).await?;
        Ok(Buried::Recorded)
    }

    /// Marks a background task as failed. What was to be told to an organization is lost with its job, and logged.
    pub async fn job(&self, job: Job) -> Result<Buried, Fault> {
        match job {
            Job::Task { organization, task } => self.task(&organization, &task).await,
            Job::FanOut(fan_out) => self.fan_out(&fan_out).await,
            Job::Announce(event) => {
                tracing::error!(
                    operational.key = event.key,
                    "an operational event lay among the dead letters; nobody is told"
                );
                Ok(Buried::Nothing)
            }
        }
    }

    /// Puts it on record that the deliveries which were still to be queued have ended, but for those of which an attempt says what
    /// became of them. Others of them may be in the queue, and will make attempts, which say more than a record from before.
    async fn fan_out(&self, job: &FanOut) -> Result<Buried, Fault> {
        let named = ApplicationRef::Id(job.scope.application);
        let audience = self.store.audience(&job.scope.organization, &named, None).await?;
        let message = self.store.message(&job.scope, &MessageRef::Id(job.message)).await?;
        let (Some(audience), Some(message)) = (audience, message) else { return Ok(Buried::Nothing) };
        // Read once for all of them: their records need not look again.
        let attempts = self.store.traces_of(&job.scope, &job.message).await?.attempts;
        let attempted: HashSet<EndpointId> = attempts.iter().map(|attempt| attempt.endpoint).collect();
        let is_open = |endpoint: &EndpointId| job.is_open(*endpoint) && !attempted.contains(endpoint);
        let wanting = audience.subscribers.iter().filter(|s| s.wants(&message.event_type, &message.channels));
        for subscriber in wanting.filter(|subscriber| is_open(&subscriber.endpoint)) {
            self.record(&DeliveryTask::new(&job.scope, &message, subscriber.endpoint, 1, Trigger::Scheduled)).await?;
        }
        Ok(Buried::Recorded)
    }

    /// Marks the import as failed that this work is a piece of, if it is not over.
    pub async fn import_work(&self, work: ImportWork) -> Result<Buried, Fault> {
        let imports = match work {
            ImportWork::Part(job) => vec![(job.organization, job.import)],
            ImportWork::Look(organization, import) => vec![(organization, import)],
            ImportWork::Created(objects) => {
                let upload = |created: CreatedObject| match found(&created.key) {
                    Found::Upload(organization, import) => Some((organization, import)),
                    Found::Dropped(..) | Found::File(..) => {
                        tracing::error!(
                            "an object that came into the bucket lay among the dead letters; nothing is made of it"
                        );
                        None
                    }
                    Found::Ours | Found::Stray => None,
                };
                objects.into_iter().filter_map(upload).collect()
            }
        };
        let mut buried = Buried::Nothing;
        for (organization, id) in imports {
            let Some(import) = self.store.import(&organization, &id).await? else { continue };
            let (failed, now) = (ImportStatus::Failed, self.effects.now());
            if self.store.end_import(&import, failed, Some(FAILED_THROUGH_US), None, now).await?.is_some() {
                tracing::warn!(import.id = %id, "a piece of an import lay among the dead letters; the import has failed");
                self.metrics.count(Metric::ImportsFailed, 1);
                self.metrics.count(Metric::DeadLettersRecorded, 1);
                buried = Buried::Recorded;
            }
        }
        Ok(buried)
    }

    /// Marks the task of this job as failed, if it still runs. Overtaken, it runs: somebody else works on it.
    async fn task(&self, organization: &OrganizationId, id: &TaskId) -> Result<Buried, Fault> {
        let Some(task) = self.store.task(organization, id).await? else { return Ok(Buried::Nothing) };
        if task.status != TaskStatus::Running {
            return Ok(Buried::Nothing);
        }
        match self.store.update_task(&task, &task.failed(FAILED_THROUGH_US, self.effects.now())).await? {
            Updated::Done => {
                self.metrics.count(Metric::DeadLettersRecorded, 1);
                tracing::warn!(task.id = %task.id, "a job lay among the dead letters; its task has failed");
                Ok(Buried::Recorded)
            }
            Updated::UidTaken | Updated::Raced | Updated::Repeat { .. } => Ok(Buried::Nothing),
        }
    }
}
