//! Counting: messages and attempts by application, messages by event type. A page is one read of the index; what was counted
//! so far stands in the task.
//!
//! Done twice, a page counts the same again on top of the same: the counts and the cursor are stored together.

use super::replay::advance;
use super::{PageDone, RunTask, Stop};
use crate::domain::application::Application;
use crate::domain::background::{BackgroundTask, USAGE_DAYS_MAX, Window, Work};
use crate::domain::ids::{AppScope, ApplicationId};
use crate::domain::ksuid::Ksuid;
use crate::domain::message::RETENTION_DAYS_DEFAULT;
use crate::domain::page::{Cursor, Order, PageRequest};
use crate::domain::timestamp::MS_PER_DAY;
use crate::fault::Fault;
use crate::store::{ApplicationRef, Counted};

/// Names that are counted: as many as the task's item holds with room to spare.
const COUNTS_MAX: usize = 4_000;

const TOO_MANY: Stop = Stop::Impossible("there is more to count than one task can hold; name fewer applications");

/// Where counting goes on: in which application, in which of its parts, behind which entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    application: ApplicationId,
    part: usize,
    after: Option<Ksuid>,
}

impl Place {
    fn begin(application: ApplicationId) -> Self {
        Self { application, part: 0, after: None }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        Some(Self {
            application: ApplicationId::parse(parts.next()?)?,
            part: parts.next()?.parse().ok()?,
            after: parts.next().and_then(Ksuid::parse),
        })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.application, self.part)?;
        self.after.map_or(Ok(()), |after| write!(f, " {after}"))
    }
}

impl RunTask {
    /// Counts messages and attempts in the window.
    pub(super) async fn app_usage(
        &self,
        task: &BackgroundTask,
        window: &Window,
        applications: &[ApplicationId],
    ) -> Result<PageDone, Stop> {
        self.count_page(task, window, applications).await
    }

    /// Counts messages by event type, over everything that is kept.
    pub(super) async fn event_type_usage(&self, task: &BackgroundTask) -> Result<PageDone, Stop> {
        let days = i64::from(RETENTION_DAYS_DEFAULT).max(USAGE_DAYS_MAX) + 1;
        let since = task.created_at.plus_millis(-days * MS_PER_DAY);
        let window = Window { since, until: task.created_at };
        self.count_page(task, &window, &[]).await
    }

    async fn count_page(
        &self,
        task: &BackgroundTask,
        window: &Window,
        applications: &[ApplicationId],
    ) -> Result<PageDone, Stop> {
        let place = match task.progress.cursor.as_deref().and_then(Place::parse) {
            Some(place) => place,
            None => match self.next_application(task, applications, None).await? {
                Some(first) => Place::begin(first),
                None => return Ok(advance::<Place>(task, 0, 0, None)),
            },
        };
        let scope = AppScope { organization: task.organization, application: place.application };
        let named = ApplicationRef::Id(place.application);
        let parts = match self.store.application(&task.organization, &named).await? {
            Some(application) => self.parts(task, &scope, &application).await?,
            None => Vec::new(), // deleted meanwhile
        };
        let mut counts = task.progress.counts.clone();
        let (seen, next) = match parts.get(place.part) {
            None => (0, self.next_application(task, applications, Some(place.application)).await?.map(Place::begin)),
            Some(counted) => {
                let (types, after) = self.store.count(&scope, *counted, window, place.after).await?;
                for event_type in &types {
                    let name = match (&task.work, counted) {
                        (Work::EventTypeUsage, _) => event_type.to_string(),
                        (_, Counted::Messages(_)) => format!("{}/messages", place.application),
                        (_, Counted::Attempts(_)) => format!("{}/attempts", place.application),
                    };
                    *counts.entry(name).or_default() += 1;
                }
                let part = place.part + usize::from(after.is_none());
                (types.len(), Some(Place { part, after, ..place }))
            }
        };
        if counts.len() > COUNTS_MAX {
            return Err(TOO_MANY);
        }
        let mut page = advance(task, seen, seen, next);
        page.progress.counts = counts;
        Ok(page)
    }

    /// What is counted of an application, in order.
    async fn parts(
        &self,
        task: &BackgroundTask,
        scope: &AppScope,
        application: &Application,
    ) -> Result<Vec<Counted>, Fault> {
        let mut parts: Vec<_> = (0..application.list_shards.max(1)).map(Counted::Messages).collect();
        if task.work != Work::EventTypeUsage {
            parts.extend(self.store.endpoint_ids(scope).await?.into_iter().map(Counted::Attempts));
        }
        Ok(parts)
    }

    /// The application behind this one: in the list, or in the organization when there is none.
    async fn next_application(
        &self,
        task: &BackgroundTask,
        applications: &[ApplicationId],
        last: Option<ApplicationId>,
    ) -> Result<Option<ApplicationId>, Fault> {
        if !applications.is_empty() {
            let behind = last.and_then(|last| applications.iter().position(|id| *id == last)).map_or(0, |at| at + 1);
            return Ok(applications.get(behind).copied());
        }
        let request = PageRequest { limit: 1, cursor: last.map(Cursor::After), order: Order::Ascending };
        let page = self.store.list_applications(&task.organization, &request).await?;
        Ok(page.items.first().map(|application| application.id))
    }
}
