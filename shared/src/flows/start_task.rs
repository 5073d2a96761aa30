//! Asking for work in the background: the task is stored, then queued, then the caller hears of it.
//!
//! Cut short in between, the caller has no answer and repeats: the idempotency key finds the task and queues it again. A task
//! that is queued twice is worked on once, or found to be over.

use super::{CreationKey, Refusal, Thing, key_reused};
use crate::config::Platform;
use crate::domain::background::{BackgroundTask, Progress, TaskStatus, Work};
use crate::domain::ids::{OrganizationId, TaskId};
use crate::effects::Effects;
use crate::queue::{Job, JobQueue};
use crate::store::{Created, Store};

/// The flow, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct StartTask {
    store: Store,
    jobs: JobQueue,
    effects: Effects,
}

impl StartTask {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        Self {
            store: Store::new(&platform.sdk, &platform.settings.table, &platform.keys),
            jobs: JobQueue::new(&platform.sdk, &platform.settings.job_queue_url),
            effects: platform.effects.clone(),
        }
    }

    /// Stores and queues a task, once for an idempotency key.
    pub async fn run(
        &self,
        organization: &OrganizationId,
        work: Work,
        key: Option<CreationKey<'_>>,
    ) -> Result<BackgroundTask, Refusal> {
        let now = self.effects.now();
        let task = BackgroundTask {
            id: TaskId::new(now, self.effects.random.id_tail()),
            organization: *organization,
            status: TaskStatus::Running,
            progress: Progress::default(),
            created_at: now,
            updated_at: now,
            work,
        };
        let idempotency = key.map(|key| key.at(&place(&task.work), now));
        let task = match self.store.create_task(&task, idempotency.as_ref()).await? {
            Created::New | Created::NameTaken | Created::ParentGone | Created::Full => task,
            Created::Repeat { is_same_request: false, .. } => return Err(key_reused()),
            Created::Repeat { made, is_same_request: true } => {
                let gone = Refusal::NotFound(Thing::Task);
                let Some(id) = TaskId::parse(&made) else { return Err(gone) };
                self.store.task(organization, &id).await?.ok_or(gone)?
            }
        };
        if task.status == TaskStatus::Running {
            self.jobs.send(Job::Task { organization: *organization, task: task.id }).await?;
        }
        Ok(task)
    }
}

/// What is asked where: an idempotency key counts once for each.
fn place(work: &Work) -> String {
    let (application, endpoint) = (work.application(), work.endpoint());
    let part = |text: Option<String>| text.unwrap_or_default();
    let (application, endpoint) = (part(application.map(|id| id.to_string())), part(endpoint.map(|id| id.to_string())));
    format!("{} {application} {endpoint}", work.name())
}
