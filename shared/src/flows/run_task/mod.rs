//! Working on a background task: page by page, the progress stored after each, until it is done or time is up.
//!
//! Why it may run twice, and be cut short anywhere:
//! - A page whose progress was not stored is done again. What it queues is made so that whoever delivers it twice notices, or
//!   finds the receiver served; each kind of work says how in its file.
//! - Progress is written over exactly what was read. Who is overtaken stops: somebody else works on the task.
//! - When time is up the task goes back into the job queue, and another invocation goes on.

mod expunge;
mod replay;
mod usage;

use crate::blobs::Blobs;
use crate::config::Platform;
use crate::domain::application::Application;
use crate::domain::background::{BackgroundTask, FAILED_THROUGH_US, Progress, TaskStatus, Work};
use crate::domain::delivery::DeliveryTask;
use crate::domain::ids::{AppScope, OrganizationId, TaskId};
use crate::domain::timestamp::Timestamp;
use crate::effects::Effects;
use crate::fault::{Fault, FaultKind};
use crate::queue::{DeliveryQueue, Job, JobQueue};
use crate::store::{ApplicationRef, Store, Updated};

/// Things looked at between two looks at the clock.
const PAGE_ITEMS: usize = 100;

/// The flow, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct RunTask {
    store: Store,
    blobs: Blobs,
    queue: DeliveryQueue,
    jobs: JobQueue,
    effects: Effects,
}

/// How an invocation left a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It is over.
    Over(TaskStatus),
    /// There is more to do: it is in the queue again.
    Queued,
    /// Somebody else works on it, or it is forgotten.
    ToOthers,
}

/// What a page of work came to.
struct PageDone {
    progress: Progress,
    is_last: bool,
}

/// Why a page could not be done.
enum Stop {
    /// The work has become impossible: what it is about is gone.
    Impossible(&'static str),
    /// Our own failure.
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl RunTask {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        let settings = &platform.settings;
        Self {
            store: Store::new(&platform.sdk, &settings.table, &platform.keys),
            blobs: Blobs::new(&platform.sdk, &settings.bucket),
            queue: DeliveryQueue::new(&platform.sdk, &settings.delivery_queue_url, &platform.keys),
            jobs: JobQueue::new(&platform.sdk, &settings.job_queue_url),
            effects: platform.effects.clone(),
        }
    }

    /// Works on a task until it is over or `stop_at`. `is_last_try`: a fault ends the task, since nobody will try again.
    pub async fn run(
        &self,
        organization: OrganizationId,
        task: TaskId,
        stop_at: Timestamp,
        is_last_try: bool,
    ) -> Result<Left, Fault> {
        let Some(mut task) = self.store.task(&organization, &task).await? else { return Ok(Left::ToOthers) };
        while task.status == TaskStatus::Running {
            if self.effects.now() >= stop_at {
                self.jobs.send(Job::Task { organization, task: task.id }).await?;
                return Ok(Left::Queued);
            }
            let next = match self.page(&task).await {
                Ok(page) => self.after(&task, page),
                Err(Stop::Impossible(reason)) => task.failed(reason, self.effects.now()),
                Err(Stop::Fault(fault)) if is_last_try || fault.kind == FaultKind::Corrupt => {
                    tracing::error!(task.id = %task.id, error = fault.chain(), "a background task failed");
                    task.failed(FAILED_THROUGH_US, self.effects.now())
                }
                Err(Stop::Fault(fault)) => return Err(fault),
            };
            match self.store.update_task(&task, &next).await? {
                Updated::Done => task = next,
                Updated::UidTaken | Updated::Raced | Updated::Repeat { .. } => return Ok(Left::ToOthers),
            }
        }
        Ok(Left::Over(task.status))
    }

    fn after(&self, task: &BackgroundTask, page: PageDone) -> BackgroundTask {
        let status = if page.is_last { TaskStatus::Finished } else { TaskStatus::Running };
        BackgroundTask {
            status,
            progress: page.progress,
            updated_at: self.effects.now().later_than(task.updated_at),
            ..task.clone()
        }
    }

    async fn page(&self, task: &BackgroundTask) -> Result<PageDone, Stop> {
        let scope = |application: &_| AppScope { organization: task.organization, application: *application };
        match &task.work {
            Work::Recover { application, endpoint, window } => {
                self.recover(task, &scope(application), endpoint, window).await
            }
            Work::ReplayMissing { application, endpoint, window } => {
                self.replay_missing(task, &scope(application), endpoint, window).await
            }
            Work::BulkReplay { application, endpoint, window, filter } => {
                self.bulk_replay(task, &scope(application), endpoint, window, filter).await
            }
            Work::ExpungeAll { application } => self.expunge_all(task, &scope(application)).await,
            Work::AppUsage { window, applications } => self.app_usage(task, window, applications).await,
            Work::EventTypeUsage => self.event_type_usage(task).await,
        }
    }

    /// The application, which must be there.
    async fn application(&self, scope: &AppScope) -> Result<Application, Stop> {
        let named = ApplicationRef::Id(scope.application);
        let application = self.store.application(&scope.organization, &named).await?;
        application.ok_or(Stop::Impossible("the application was deleted"))
    }

    async fn queue_all(&self, tasks: &[DeliveryTask]) -> Result<(), Fault> {
        self.queue.send_all(tasks, 0).await
    }
}
