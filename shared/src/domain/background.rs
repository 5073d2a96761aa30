//! Background tasks: work that is larger than a request, done page by page. What is asked ([`Work`]), how far it is
//! ([`Progress`]), and the rules for what may be asked.

use std::collections::BTreeMap;

use super::Invalid;
use super::delivery::DeliveryStatus;
use super::ids::{ApplicationId, EndpointId, OrganizationId, TaskId};
use super::names::{Channel, EventTypeName, Tag};
use super::timestamp::{MS_PER_DAY, Timestamp};

/// How far back messages can be sent again, in days.
pub const REPLAY_DAYS_MAX: i64 = 14;

/// How far back statistics go, in days.
pub const USAGE_DAYS_MAX: i64 = 28;

/// How long a task can be looked up after its last change, in days.
pub const TASK_KEPT_DAYS: i64 = 30;

/// A caller's clock may be this far off, in milliseconds.
pub const CLOCK_SLACK_MS: i64 = 5 * 60 * 1_000;

/// Work that goes on in the background.
#[derive(Clone, Debug, PartialEq)]
pub struct BackgroundTask {
    /// Ours.
    pub id: TaskId,
    /// Whose.
    pub organization: OrganizationId,
    /// What is to be done.
    pub work: Work,
    /// Whether it is over.
    pub status: TaskStatus,
    /// How far it is.
    pub progress: Progress,
    /// When it was asked for. What happens later is not its business.
    pub created_at: Timestamp,
    /// When it last got on.
    pub updated_at: Timestamp,
}

/// What a task says that failed through no fault of its own.
pub const FAILED_THROUGH_US: &str = "an internal failure; ask for it again";

impl BackgroundTask {
    /// The task, over at `now` before it was done, and why.
    #[must_use]
    pub fn failed(&self, reason: &str, now: Timestamp) -> Self {
        let progress = Progress { failure: Some(reason.to_owned()), ..self.progress.clone() };
        Self { status: TaskStatus::Failed, progress, updated_at: now.later_than(self.updated_at), ..self.clone() }
    }
}

/// Whether a task is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskStatus {
    /// It waits or runs.
    Running,
    /// All of it is done.
    Finished,
    /// It ended before it was done; [`Progress::failure`] says why.
    Failed,
}

impl TaskStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Running, Self::Finished, Self::Failed];

    /// Its name on the wire and in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }

    /// The status of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// How far a task is: everything an invocation needs to go on where another one stopped.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    /// Where the next page begins; what it means is the work's own business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Things looked at.
    pub seen: u64,
    /// Things done: deliveries queued, messages expunged.
    pub done: u64,
    /// What is counted, by name, when counting is the work.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A window of time: from `since`, before `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Window {
    /// The first instant that belongs to it.
    pub since: Timestamp,
    /// The first instant that does not.
    pub until: Timestamp,
}

impl Window {
    /// A window that ends now at the latest, when nothing else is said, and reaches back at most so many days.
    pub fn new(since: Timestamp, until: Option<Timestamp>, now: Timestamp, days_max: i64) -> Result<Self, BadWindow> {
        if since < now.plus_millis(-days_max * MS_PER_DAY - CLOCK_SLACK_MS) {
            return Err(BadWindow::Since(Invalid::new(format!("must not be longer ago than {days_max} days"))));
        }
        if until.is_some_and(|until| until > now.plus_millis(CLOCK_SLACK_MS)) {
            return Err(BadWindow::Until(Invalid::new("must not be in the future")));
        }
        let until = until.unwrap_or(now);
        if since >= until {
            return Err(BadWindow::Since(Invalid::new("must be before until, and not in the future")));
        }
        Ok(Self { since, until })
    }

    /// Whether an instant belongs to it.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.since <= at && at < self.until
    }
}

/// Which end of a window breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadWindow {
    /// Its beginning.
    Since(Invalid),
    /// Its end.
    Until(Invalid),
}

/// What a task does. Stored as JSON beside the task's other attributes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Sends again what an endpoint has failed to take.
    Recover {
        /// Of this application.
        application: ApplicationId,
        /// To this endpoint.
        endpoint: EndpointId,
        /// Messages accepted then.
        window: Window,
    },
    /// Sends what an endpoint wants and was never sent.
    ReplayMissing {
        /// Of this application.
        application: ApplicationId,
        /// To this endpoint.
        endpoint: EndpointId,
        /// Messages accepted then.
        window: Window,
    },
    /// Sends again whatever the filter says, successful or not.
    BulkReplay {
        /// Of this application.
        application: ApplicationId,
        /// To this endpoint.
        endpoint: EndpointId,
        /// Messages accepted then.
        window: Window,
        /// Which of them.
        filter: ReplayFilter,
    },
    /// Removes the contents of every message that was accepted before the task was asked for.
    ExpungeAll {
        /// Of this application.
        application: ApplicationId,
    },
    /// Counts messages and deliveries of applications.
    AppUsage {
        /// Messages accepted then.
        window: Window,
        /// Of these; empty: of all.
        applications: Vec<ApplicationId>,
    },
    /// Counts messages by event type, over everything that is kept.
    EventTypeUsage,
}

/// Which messages a bulk replay sends.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ReplayFilter {
    /// Of one of these types; empty: any.
    pub event_types: Vec<EventTypeName>,
    /// With this channel.
    pub channel: Option<Channel>,
    /// With this tag.
    pub tag: Option<Tag>,
    /// Whose delivery to the endpoint stands so.
    pub status: Option<DeliveryStatus>,
    /// Whose last attempt was answered with a code of this hundred; 0: with none.
    pub status_code_class: Option<u16>,
}

impl Work {
    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Recover { .. } => "endpoint.recover",
            Self::ReplayMissing { .. } => "endpoint.replay",
            Self::BulkReplay { .. } => "endpoint.bulk-replay",
            Self::ExpungeAll { .. } => "application.purge_content",
            Self::AppUsage { .. } => "application.stats",
            Self::EventTypeUsage => "event-type.aggregate",
        }
    }

    /// The application it is about, when it is about one.
    pub fn application(&self) -> Option<ApplicationId> {
        match self {
            Self::Recover { application, .. }
            | Self::ReplayMissing { application, .. }
            | Self::BulkReplay { application, .. }
            | Self::ExpungeAll { application } => Some(*application),
            Self::AppUsage { .. } | Self::EventTypeUsage => None,
        }
    }

    /// The endpoint it is about, when it is about one.
    pub fn endpoint(&self) -> Option<EndpointId> {
        match self {
            Self::Recover { endpoint, .. }
            | Self::ReplayMissing { endpoint, .. }
            | Self::BulkReplay { endpoint, .. } => Some(*endpoint),
            Self::ExpungeAll { .. } | Self::AppUsage { .. } | Self::EventTypeUsage => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_000);

    #[track_caller]
    fn check(since_days: i64, until_days: Option<i64>, is_fine: bool) {
        let days = |days: i64| NOW.plus_millis(days * MS_PER_DAY);
        let window = Window::new(days(since_days), until_days.map(days), NOW, REPLAY_DAYS_MAX);
        assert_eq!(window.is_ok(), is_fine, "{since_days} {until_days:?}: {window:?}");
    }

    #[test]
    fn windows_lie_in_the_past_and_are_not_empty() {
        check(-14, None, true);
        check(-15, None, false);
        check(-3, Some(-1), true);
        check(-1, Some(-3), false);
        check(-1, Some(1), false);
        check(0, None, false);
        check(1, None, false);
    }
}
