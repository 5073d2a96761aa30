//! An event type: the catalogue entry customers choose from when they subscribe.

use serde_json::Value;

use super::Invalid;
use super::names::EventTypeName;
use super::payload_schema::PayloadSchema;
use super::revision::Revision;
use super::timestamp::Timestamp;

/// One kind of event, as the organization documents it.
#[derive(Clone, Debug, PartialEq)]
pub struct EventType {
    /// Its identifier.
    pub name: EventTypeName,
    /// For people.
    pub description: String,
    /// No longer offered; endpoints that name it keep working.
    pub archived: bool,
    /// Still sent, but new receivers should not rely on it.
    pub deprecated: bool,
    /// JSON Schemas of the payload by version number, as given.
    pub schemas: Option<Value>,
    /// What is done with a payload that the newest schema does not allow.
    pub schema_validation: SchemaValidation,
    /// Flags that hide the type from customers who have none of them; empty: everybody sees it.
    pub feature_flags: Vec<String>,
    /// Heading it is listed under.
    pub group_name: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What is done with a payload that the newest schema does not allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchemaValidation {
    /// It is not looked at.
    #[default]
    Off,
    /// The message is accepted, and its sender told.
    Warn,
    /// The message is refused.
    Reject,
}

impl SchemaValidation {
    /// `off`, `warn` or `reject`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Reject => "reject",
        }
    }

    /// The one of this name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = [Self::Off, Self::Warn, Self::Reject].into_iter().find(|mode| mode.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be off, warn or reject"))
    }
}

impl EventType {
    /// Names the state it is in. A name that was forgotten and given again is told by when it was made.
    pub fn revision(&self) -> Revision {
        Revision::new(format_args!("{:x}", self.created_at.as_millis()), self.updated_at)
    }

    /// The schema of the highest version number.
    pub fn newest_schema(&self) -> Option<&Value> {
        let versions = self.schemas.as_ref()?.as_object()?;
        let newest = versions.iter().filter_map(|(version, schema)| Some((version.parse::<u64>().ok()?, schema)));
        newest.max_by_key(|(version, _)| *version).map(|(_, schema)| schema)
    }

    /// The schema that payloads are held against, ready to use. None when nothing is validated, or there is none.
    pub fn payload_schema(&self) -> Result<Option<PayloadSchema>, Invalid> {
        let versions = self.schemas.as_ref().and_then(Value::as_object).filter(|versions| !versions.is_empty());
        if self.schema_validation == SchemaValidation::Off || versions.is_none() {
            return Ok(None);
        }
        let schema = self.newest_schema();
        let schema = schema.ok_or_else(|| Invalid::new("no version of the schemas is a whole number"))?;
        PayloadSchema::compile(schema).map(Some)
    }
}

/// Event types of one organization, archived ones included: as many as a person can find anything among, and a list that is still read.
pub const EVENT_TYPES_PER_ORGANIZATION_MAX: usize = 5_000;

/// Longest description, in bytes.
pub const DESCRIPTION_BYTES_MAX: usize = 4_096;

/// Largest JSON of an event type's schemas: with everything else it fits into an item of 400 KB.
pub const SCHEMAS_BYTES_MAX: usize = 256 * 1024;

/// What a caller says about an event type.
#[derive(Clone, Debug, PartialEq)]
pub struct EventTypeDraft {
    /// For people.
    pub description: String,
    /// No longer offered.
    pub archived: bool,
    /// Not to be relied on.
    pub deprecated: bool,
    /// JSON Schemas by version number.
    pub schemas: Option<Value>,
    /// What is done with a payload that is not allowed; `None`, what was done before, for SDKs do not know of it.
    pub schema_validation: Option<SchemaValidation>,
    /// Hides it from customers without the flag.
    pub feature_flags: Vec<String>,
    /// Heading it is listed under.
    pub group_name: Option<String>,
}

impl EventTypeDraft {
    /// A new event type.
    pub fn create(self, name: EventTypeName, now: Timestamp) -> EventType {
        EventType {
            name,
            description: self.description,
            archived: self.archived,
            deprecated: self.deprecated,
            schemas: self.schemas,
            schema_validation: self.schema_validation.unwrap_or_default(),
            feature_flags: self.feature_flags,
            group_name: self.group_name,
            created_at: now,
            updated_at: now,
        }
    }

    /// The event type with everything the caller may say replaced.
    pub fn replace(self, before: &EventType, now: Timestamp) -> EventType {
        EventType {
            schema_validation: self.schema_validation.unwrap_or(before.schema_validation),
            created_at: before.created_at,
            updated_at: now.later_than(before.updated_at),
            ..self.create(before.name.clone(), now)
        }
    }
}

/// What a caller wants changed about an event type; `None` is left as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventTypePatch {
    /// For people.
    pub description: Option<String>,
    /// No longer offered.
    pub archived: Option<bool>,
    /// Not to be relied on.
    pub deprecated: Option<bool>,
    /// JSON Schemas by version number, or none from now on.
    pub schemas: Option<Option<Value>>,
    /// What is done with a payload that is not allowed.
    pub schema_validation: Option<SchemaValidation>,
    /// Hides it from customers without one of these; empty: from nobody from now on.
    pub feature_flags: Option<Vec<String>>,
    /// Heading it is listed under, or none from now on.
    pub group_name: Option<Option<String>>,
}

impl EventTypePatch {
    /// The event type with what the caller said changed.
    pub fn apply(self, before: &EventType, now: Timestamp) -> EventType {
        EventType {
            name: before.name.clone(),
            description: self.description.unwrap_or_else(|| before.description.clone()),
            archived: self.archived.unwrap_or(before.archived),
            deprecated: self.deprecated.unwrap_or(before.deprecated),
            schemas: self.schemas.unwrap_or_else(|| before.schemas.clone()),
            schema_validation: self.schema_validation.unwrap_or(before.schema_validation),
            feature_flags: self.feature_flags.unwrap_or_else(|| before.feature_flags.clone()),
            group_name: self.group_name.unwrap_or_else(|| before.group_name.clone()),
            created_at: before.created_at,
            updated_at: now.later_than(before.updated_at),
        }
    }
}
