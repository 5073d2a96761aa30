//! Background tasks on the wire: what asks for one, and how it stands.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::bounded_list;
use crate::domain::attempt::parse_status_code_class;
use crate::domain::background::{
    BackgroundTask, BadWindow, REPLAY_DAYS_MAX, ReplayFilter, TaskStatus, USAGE_DAYS_MAX, Window, Work,
};
use crate::domain::delivery::DeliveryStatus;
use crate::domain::endpoint::ENDPOINT_EVENT_TYPES_MAX;
use crate::domain::ids::TaskId;
use crate::domain::names::{Channel, EventTypeName, Tag};
use crate::domain::timestamp::Timestamp;
use crate::http::Problem;
use crate::http::openapi::values::{StatusCodeClass, TaskName};

/// Applications whose usage is asked for by name in one request.
const APPLICATIONS_MAX: usize = 1_000;

// What the schemas below say in figures.
const _: () = assert!(APPLICATIONS_MAX == 1_000 && ENDPOINT_EVENT_TYPES_MAX == 256);
const _: () = assert!(REPLAY_DAYS_MAX == 14 && USAGE_DAYS_MAX == 28);

/// What is sent again: messages accepted since then.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReplayIn {
    /// Not longer ago than 14 days.
    since: Timestamp,
    /// Not in the future and not before `since`; left out: now.
    until: Option<Timestamp>,
}

fn window(since: Timestamp, until: Option<Timestamp>, now: Timestamp, days_max: i64) -> Result<Window, Problem> {
    Window::new(since, until, now, days_max).map_err(|bad| match bad {
        BadWindow::Since(reason) => Problem::field(&["body", "since"], reason.0),
        BadWindow::Until(reason) => Problem::field(&["body", "until"], reason.0),
    })
}

impl ReplayIn {
    /// The window, checked.
    pub fn into_window(self, now: Timestamp) -> Result<Window, Problem> {
        window(self.since, self.until, now, REPLAY_DAYS_MAX)
    }
}

/// What is sent again, by a filter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BulkReplayIn {
    /// Not longer ago than 14 days.
    since: Timestamp,
    /// Not in the future and not before `since`; left out: now.
    until: Option<Timestamp>,
    /// Only messages of these types; nothing in it: of every type.
    #[schema(max_items = 256)]
    event_types: Option<Vec<EventTypeName>>,
    /// Only messages with this channel.
    channel: Option<Channel>,
    /// Only messages with this tag.
    tag: Option<Tag>,
    /// Only messages whose delivery stands so.
    #[schema(value_type = Option<DeliveryStatus>)]
    status: Option<u8>,
    /// Only messages with an attempt whose answer had a status of this hundred.
    #[schema(value_type = Option<StatusCodeClass>)]
    status_code_class: Option<u16>,
}

impl BulkReplayIn {
    /// The window and the filter, checked.
    pub fn into_parts(self, now: Timestamp) -> Result<(Window, ReplayFilter), Problem> {
        let status = self.status.map(|number| DeliveryStatus::parse(&number.to_string())).transpose();
        let status = status.map_err(|reason| Problem::field(&["body", "status"], reason.0))?;
        let class = self.status_code_class.map(|class| parse_status_code_class(&class.to_string())).transpose();
        let status_code_class = class.map_err(|reason| Problem::field(&["body", "statusCodeClass"], reason.0))?;
        let event_types = self.event_types.unwrap_or_default();
        let filter = ReplayFilter {
            event_types: bounded_list("eventTypes", event_types, ENDPOINT_EVENT_TYPES_MAX)?,
            channel: self.channel,
            tag: self.tag,
            status,
            status_code_class,
        };
        Ok((window(self.since, self.until, now, REPLAY_DAYS_MAX)?, filter))
    }
}

/// Whose usage is counted, and when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppUsageStatsIn {
    /// Not longer ago than 28 days.
    since: Timestamp,
    /// Not in the future and not before `since`.
    until: Timestamp,
    /// Ids or uids of applications; left out: all of them.
    #[schema(max_items = 1_000)]
    app_ids: Option<Vec<String>>,
}

impl AppUsageStatsIn {
    /// The window and the applications as the caller names them, checked.
    pub fn into_parts(self, now: Timestamp) -> Result<(Window, Option<Vec<String>>), Problem> {
        let names = self.app_ids.map(|names| bounded_list("appIds", names, APPLICATIONS_MAX)).transpose()?;
        Ok((window(self.since, Some(self.until), now, USAGE_DAYS_MAX)?, names))
    }
}

/// A task that was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskOut {
    /// Ours.
    #[schema(value_type = TaskId)]
    id: String,
    /// Whether it is over.
    #[schema(value_type = TaskStatus)]
    status: &'static str,
    /// What is done.
    #[schema(value_type = TaskName)]
    task: &'static str,
    /// When it last got on.
    updated_at: Timestamp,
}

impl From<&BackgroundTask> for TaskOut {
    fn from(task: &BackgroundTask) -> Self {
        Self {
            id: task.id.to_string(),
            status: task.status.as_str(),
            task: task.work.name(),
            updated_at: task.updated_at,
        }
    }
}

/// A task whose work is counting, with the applications that nobody knows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppUsageStatsOut {
    /// The task.
    #[serde(flatten)]
    pub task: TaskOut,
    /// Those of the names that no application has.
    pub unresolved_app_ids: Vec<String>,
}

/// A task, how far it is, and what it found.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackgroundTaskOut {
    #[serde(flatten)]
    task: TaskOut,
    /// What it is about (`appId`, `endpointId`), how far it is (`seen`, `done`), what it counted so far (`data`), and why it
    /// failed (`failure`).
    #[schema(value_type = BTreeMap<String, Value>)]
    data: Map<String, Value>,
}

impl From<BackgroundTask> for BackgroundTaskOut {
    fn from(task: BackgroundTask) -> Self {
        let mut data = Map::new();
        let mut say = |name: &str, value: Value| drop(data.insert(name.to_owned(), value));
        if let Some(application) = task.work.application() {
            say("appId", json!(application));
        }
        if let Some(endpoint) = task.work.endpoint() {
            say("endpointId", json!(endpoint));
        }
        match &task.work {
            Work::AppUsage { .. } | Work::EventTypeUsage => say("data", counted(&task)),
            _ => {
                say("seen", json!(task.progress.seen));
                say("done", json!(task.progress.done));
            }
        }
        if let Some(failure) = &task.progress.failure {
            say("failure", json!(failure));
        }
        Self { task: TaskOut::from(&task), data }
    }
}

/// What was counted so far, as a list.
fn counted(task: &BackgroundTask) -> Value {
    let counts = &task.progress.counts;
    if task.work == Work::EventTypeUsage {
        return counts.iter().map(|(name, count)| json!({ "name": name, "messages": count })).collect();
    }
    let mut applications: Vec<&str> = counts.keys().filter_map(|name| name.split('/').next()).collect();
    applications.dedup();
    let count = |application: &str, what: &str| counts.get(&format!("{application}/{what}")).copied().unwrap_or(0);
    let usage = |application| {
        json!({
            "appId": application,
            "messages": count(application, "messages"),
            "attempts": count(application, "attempts"),
        })
    };
    applications.into_iter().map(usage).collect()
}
