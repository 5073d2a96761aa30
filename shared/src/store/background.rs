//! Background tasks: one partition for each organization, sorted by the time they were asked for.

use super::idempotency::{Creation, Transacted};
use super::item::{Item, ItemBuilder, Reader};
use super::page::{Filtered, Range};
use super::{Created, Idempotency, Store, Updated, keys};
use crate::domain::background::{BackgroundTask, TASK_KEPT_DAYS, TaskStatus};
use crate::domain::ids::{OrganizationId, TaskId};
use crate::domain::page::{Page, PageRequest};
use crate::domain::timestamp::MS_PER_DAY;
use crate::fault::Fault;

/// Pages of tasks one listing looks through for those a filter wants.
const LIST_READS_MAX: usize = 10;

/// Which tasks a list is to hold.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// That stand so.
    pub status: Option<TaskStatus>,
    /// Of work with this name.
    pub work: Option<String>,
}

impl TaskFilter {
    fn wants(&self, task: &BackgroundTask) -> bool {
        self.status.is_none_or(|status| status == task.status)
            && self.work.as_deref().is_none_or(|work| work == task.work.name())
    }
}

fn sk(id: &TaskId) -> String {
    format!("{}{}", keys::BACKGROUND_TASK, id.ksuid())
}

fn to_item(task: &BackgroundTask) -> Result<Item, Fault> {
    let json = |value: Result<String, serde_json::Error>| {
        value.map_err(|error| Fault::corrupt_because("encoding a background task", error))
    };
    Ok(ItemBuilder::new(keys::background(&task.organization), sk(&task.id))
        .text("id", task.id.to_string())
        .text("work", json(serde_json::to_string(&task.work))?)
        .text("progress", json(serde_json::to_string(&task.progress))?)
        .text("status", task.status.as_str())
        .instant("created", task.created_at)
        .instant("updated", task.updated_at)
        .expires(task.updated_at.plus_millis(TASK_KEPT_DAYS * MS_PER_DAY))
        .build())
}

fn from_item(organization: &OrganizationId, item: &Item) -> Result<BackgroundTask, Fault> {
    let reader = Reader::new("background task", item);
    Ok(BackgroundTask {
        id: reader.parsed("id", TaskId::parse)?,
        organization: *organization,
        work: reader.parsed("work", |text| serde_json::from_str(text).ok())?,
        status: reader.parsed("status", TaskStatus::parse)?,
        progress: reader.parsed("progress", |text| serde_json::from_str(text).ok())?,
        created_at: reader.instant("created")?,
        updated_at: reader.instant("updated")?,
    })
}

impl Store {
    /// Stores a new task.
    pub async fn create_task(
        &self,
        task: &BackgroundTask,
        idempotency: Option<&Idempotency>,
    ) -> Result<Created, Fault> {
        Creation::new(self, &task.organization, idempotency, &task.id.to_string())?
            .put_new(self, to_item(task)?, Created::NameTaken)?
            .run(self, &format!("creating background task {}", task.id))
            .await
    }

    /// The task with this identifier, if the organization has it.
    pub async fn task(&self, organization: &OrganizationId, id: &TaskId) -> Result<Option<BackgroundTask>, Fault> {
        let item = self.get(&format!("reading background task {id}"), keys::background(organization), sk(id)).await?;
        item.map(|item| from_item(organization, &item)).transpose()
    }

    /// Stores how far a task is, over what was read. Overtaken: somebody else works on it.
    pub async fn update_task(&self, before: &BackgroundTask, after: &BackgroundTask) -> Result<Updated, Fault> {
        let step = self.put_over(to_item(after)?, before.updated_at)?;
        Ok(match self.transact(&format!("updating background task {}", after.id), vec![step]).await? {
            Transacted::Done => Updated::Done,
            Transacted::Failed(_) => Updated::Raced,
        })
    }

    /// A page of the organization's tasks, by the time they were asked for.
    pub async fn list_tasks(
        &self,
        organization: &OrganizationId,
        request: &PageRequest<TaskId>,
        filter: &TaskFilter,
    ) -> Result<Page<BackgroundTask, TaskId>, Fault> {
        let list = Filtered {
            action: "listing background tasks",
            range: || Range::prefixed(keys::background(organization), keys::BACKGROUND_TASK),
            sk_of: sk,
            read: |item: &Item| from_item(organization, item),
            key_of: |task: &BackgroundTask| task.id,
            wants: |task: &BackgroundTask| filter.wants(task),
        };
        self.filtered_page(list, request, LIST_READS_MAX).await
    }
}
