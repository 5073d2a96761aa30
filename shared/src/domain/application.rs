//! An application: one customer of the organization, with endpoints of its own.

use super::Metadata;
use super::ids::ApplicationId;
use super::names::ApplicationUid;
use super::revision::Revision;
use super::schedule::RetrySchedule;
use super::timestamp::Timestamp;

/// One customer of the organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Ours.
    pub id: ApplicationId,
    /// The caller's own identifier, if there is one; unique in the organization.
    pub uid: Option<ApplicationUid>,
    /// For people.
    pub name: String,
    /// Messages a second, over all of the application's endpoints.
    pub rate_limit: Option<u16>,
    /// Free-form pairs.
    pub metadata: Metadata,
    /// When failed deliveries of endpoints that say nothing themselves are tried again; `None`: as the gateway is set up.
    pub retry_schedule: Option<RetrySchedule>,
    /// Over how many index partitions this application's lists are spread, because one takes about 1,000 writes a
    /// second. It may be raised, never lowered: older entries stay where they are and lists read all of them.
    pub list_shards: u8,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Application {
    /// Names the state it is in.
    pub fn revision(&self) -> Revision {
        Revision::new(self.id, self.updated_at)
    }
}

/// Longest name of an application, in bytes.
pub const APPLICATION_NAME_BYTES_MAX: usize = 256;

/// What a caller says about an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationDraft {
    /// For people.
    pub name: String,
    /// The caller's own identifier.
    pub uid: Option<ApplicationUid>,
    /// Messages a second.
    pub rate_limit: Option<u16>,
    /// Free-form pairs.
    pub metadata: Metadata,
    /// When failed deliveries are tried again; `None`, as before, for SDKs that do not know it replace applications too.
    pub retry_schedule: Option<RetrySchedule>,
}

impl ApplicationDraft {
    /// A new application.
    pub fn create(self, id: ApplicationId, now: Timestamp) -> Application {
        Application {
            id,
            uid: self.uid,
            name: self.name,
            rate_limit: self.rate_limit,
            metadata: self.metadata,
            retry_schedule: self.retry_schedule,
            list_shards: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// The application with everything the caller may say replaced.
    pub fn replace(self, before: &Application, now: Timestamp) -> Application {
        Application {
            uid: self.uid,
            name: self.name,
            rate_limit: self.rate_limit,
            metadata: self.metadata,
            retry_schedule: self.retry_schedule.or_else(|| before.retry_schedule.clone()),
            updated_at: now.later_than(before.updated_at),
            ..before.clone()
        }
    }
}

/// What a caller wants changed about an application; `None` is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplicationPatch {
    /// For people.
    pub name: Option<String>,
    /// The caller's own identifier, or none from now on.
    pub uid: Option<Option<ApplicationUid>>,
    /// Messages a second, or no limit from now on.
    pub rate_limit: Option<Option<u16>>,
    /// Free-form pairs, all of them.
    pub metadata: Option<Metadata>,
    /// When failed deliveries are tried again, or as the gateway is set up from now on.
    pub retry_schedule: Option<Option<RetrySchedule>>,
}

impl ApplicationPatch {
    /// The application with what the caller said changed.
    pub fn apply(self, before: &Application, now: Timestamp) -> Application {
        Application {
            uid: self.uid.unwrap_or_else(|| before.uid.clone()),
            name: self.name.unwrap_or_else(|| before.name.clone()),
            rate_limit: self.rate_limit.unwrap_or(before.rate_limit),
            metadata: self.metadata.unwrap_or_else(|| before.metadata.clone()),
            retry_schedule: self.retry_schedule.unwrap_or_else(|| before.retry_schedule.clone()),
            updated_at: now.later_than(before.updated_at),
            ..before.clone()
        }
    }
}
