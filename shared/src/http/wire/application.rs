//! Applications on the wire. The older SDKs call the rate `rateLimit`; when both names are there, the new one counts.

use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{checked_metadata, checked_text, present};
use crate::domain::application::{APPLICATION_NAME_BYTES_MAX, Application, ApplicationDraft, ApplicationPatch};
use crate::domain::ids::ApplicationId;
use crate::domain::names::ApplicationUid;
use crate::domain::schedule::RetrySchedule;
use crate::domain::timestamp::Timestamp;
use crate::domain::{METADATA_BYTES_MAX, Metadata};
use crate::http::openapi::values::Pairs;
use crate::http::{FieldError, Problem};

// What the schemas below say in figures.
const _: () = assert!(APPLICATION_NAME_BYTES_MAX == 256 && METADATA_BYTES_MAX == 4_096);

/// What creates or replaces an application.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationIn {
    /// For people; its length counts in bytes of UTF-8.
    #[schema(min_length = 1, max_length = 256)]
    name: String,
    /// Your own identifier, unique among your applications. Every path takes it in place of the id.
    uid: Option<ApplicationUid>,
    /// Messages a second, over all of the application's endpoints.
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 65_535)]
    throttle_rate: Option<NonZeroU16>,
    /// The older name of `throttleRate`, which goes before it.
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 65_535, deprecated)]
    rate_limit: Option<NonZeroU16>,
    /// Free-form pairs; as JSON not larger than 4,096 bytes.
    #[schema(value_type = Option<Pairs>)]
    metadata: Option<Metadata>,
    /// When a failed delivery is tried again, for endpoints that say nothing themselves: the delay after each failed attempt.
    /// Left out: as the gateway is set up; PUT leaves that of an application as it is.
    retry_schedule: Option<RetrySchedule>,
}

impl ApplicationIn {
    /// Checked as a whole.
    pub fn into_draft(self) -> Result<ApplicationDraft, Problem> {
        Ok(ApplicationDraft {
            name: checked_text("name", self.name, 1..=APPLICATION_NAME_BYTES_MAX)?,
            uid: self.uid,
            rate_limit: self.throttle_rate.or(self.rate_limit).map(NonZeroU16::get),
            metadata: checked_metadata(self.metadata.unwrap_or_default())?,
            retry_schedule: self.retry_schedule,
        })
    }
}

impl ApplicationIn {
    /// An application that comes along with something for the application of this path: it must have that one's uid.
    pub fn into_draft_for(self, app_id: &str) -> Result<ApplicationDraft, Problem> {
        let wrong = |msg: &str, kind| {
            let field = FieldError::value(&["body", "application", "uid"], msg);
            Err(Problem::Invalid(vec![FieldError { kind, ..field }]))
        };
        match &self.uid {
            None => wrong("must be there, and be the one in the path", "application_uid_missing"),
            Some(uid) if uid.as_str() != app_id => wrong("must be the one in the path", "application_uid_mismatch"),
            Some(_) => self.into_draft(),
        }
    }
}

/// What changes an application. What is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationPatchIn {
    /// For people; its length counts in bytes of UTF-8.
    #[schema(min_length = 1, max_length = 256)]
    name: Option<String>,
    /// Your own identifier; null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<ApplicationUid>)]
    uid: Option<Option<ApplicationUid>>,
    /// Messages a second; null means no limit.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 65_535)]
    throttle_rate: Option<Option<NonZeroU16>>,
    /// The older name of `throttleRate`, which goes before it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 65_535, deprecated)]
    rate_limit: Option<Option<NonZeroU16>>,
    /// Free-form pairs, all of them; as JSON not larger than 4,096 bytes.
    #[schema(value_type = Option<Pairs>)]
    metadata: Option<Metadata>,
    /// When a failed delivery is tried again; null: as the gateway is set up.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<RetrySchedule>)]
    retry_schedule: Option<Option<RetrySchedule>>,
}

impl ApplicationPatchIn {
    /// Checked as a whole.
    pub fn into_patch(self) -> Result<ApplicationPatch, Problem> {
        Ok(ApplicationPatch {
            name: self.name.map(|name| checked_text("name", name, 1..=APPLICATION_NAME_BYTES_MAX)).transpose()?,
            uid: self.uid,
            rate_limit: self.throttle_rate.or(self.rate_limit).map(|rate| rate.map(NonZeroU16::get)),
            metadata: self.metadata.map(checked_metadata).transpose()?,
            retry_schedule: self.retry_schedule,
        })
    }
}

/// An application as callers see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationOut {
    /// Ours.
    #[schema(value_type = ApplicationId)]
    id: String,
    /// Yours, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    uid: Option<ApplicationUid>,
    /// For people.
    name: String,
    /// Messages a second; not there: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 65_535)]
    throttle_rate: Option<u16>,
    /// The same as `throttleRate`, for older SDKs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 65_535, deprecated)]
    rate_limit: Option<u16>,
    /// Free-form pairs.
    #[schema(value_type = Pairs)]
    metadata: Metadata,
    /// When a failed delivery is tried again, for endpoints that say nothing themselves; not there: as the gateway is set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retry_schedule: Option<RetrySchedule>,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
}

impl From<Application> for ApplicationOut {
    fn from(application: Application) -> Self {
        Self {
            id: application.id.to_string(),
            uid: application.uid,
            name: application.name,
            throttle_rate: application.rate_limit,
            rate_limit: application.rate_limit,
            metadata: application.metadata,
            retry_schedule: application.retry_schedule,
            created_at: application.created_at,
            updated_at: application.updated_at,
        }
    }
}
