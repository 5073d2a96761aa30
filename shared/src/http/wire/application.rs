//! Applications on the wire.

use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use super::{checked_metadata, checked_text, present};
use crate::domain::Metadata;
use crate::domain::application::{APPLICATION_NAME_BYTES_MAX, Application, ApplicationDraft, ApplicationPatch};
use crate::domain::names::ApplicationUid;
use crate::domain::timestamp::Timestamp;
use crate::http::{FieldError, Problem};

/// What creates or replaces an application.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationIn {
    name: String,
    uid: Option<ApplicationUid>,
    #[serde(alias = "rateLimit")]
    throttle_rate: Option<NonZeroU16>,
    metadata: Option<Metadata>,
}

impl ApplicationIn {
    /// Checked as a whole.
    pub fn into_draft(self) -> Result<ApplicationDraft, Problem> {
        Ok(ApplicationDraft {
            name: checked_text("name", self.name, 1..=APPLICATION_NAME_BYTES_MAX)?,
            uid: self.uid,
            rate_limit: self.throttle_rate.map(NonZeroU16::get),
            metadata: checked_metadata(self.metadata.unwrap_or_default())?,
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

/// What changes an application.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationPatchIn {
    name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    uid: Option<Option<ApplicationUid>>,
    #[serde(default, alias = "rateLimit", deserialize_with = "present")]
    throttle_rate: Option<Option<NonZeroU16>>,
    metadata: Option<Metadata>,
}

impl ApplicationPatchIn {
    /// Checked as a whole.
    pub fn into_patch(self) -> Result<ApplicationPatch, Problem> {
        Ok(ApplicationPatch {
            name: self.name.map(|name| checked_text("name", name, 1..=APPLICATION_NAME_BYTES_MAX)).transpose()?,
            uid: self.uid,
            rate_limit: self.throttle_rate.map(|rate| rate.map(NonZeroU16::get)),
            metadata: self.metadata.map(checked_metadata).transpose()?,
        })
    }
}

/// An application as callers see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationOut {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<ApplicationUid>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttle_rate: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<u16>,
    metadata: Metadata,
    created_at: Timestamp,
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
            created_at: application.created_at,
            updated_at: application.updated_at,
        }
    }
}
