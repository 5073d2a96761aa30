//! Event types on the wire.

use serde::{Deserialize, Serialize};

use super::{checked_text, present};
use crate::domain::event_type::{
    DESCRIPTION_BYTES_MAX, EventType, EventTypeDraft, EventTypePatch, SCHEMAS_BYTES_MAX, SchemaValidation,
};
use crate::domain::names::EventTypeName;
use crate::domain::timestamp::Timestamp;
use crate::http::Problem;

/// JSON Schemas by version number.
type Schemas = serde_json::Map<String, serde_json::Value>;

/// What replaces an event type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventTypeUpdateIn {
    description: String,
    archived: Option<bool>,
    deprecated: Option<bool>,
    schemas: Option<Schemas>,
    feature_flag: Option<EventTypeName>,
    group_name: Option<EventTypeName>,
    /// What is done with a payload that the newest schema does not allow: `off`, `warn` or `reject`. Absent, what was done
    /// before.
    schema_validation: Option<String>,
}

/// What creates an event type. Written out, since a flattened struct would not tell which of its fields is wrong.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventTypeIn {
    name: EventTypeName,
    description: String,
    archived: Option<bool>,
    deprecated: Option<bool>,
    schemas: Option<Schemas>,
    feature_flag: Option<EventTypeName>,
    group_name: Option<EventTypeName>,
    /// As in [`EventTypeUpdateIn`].
    schema_validation: Option<String>,
}

impl EventTypeIn {
    /// Name and the rest, checked as a whole.
    pub fn into_draft(self) -> Result<(EventTypeName, EventTypeDraft), Problem> {
        let rest = EventTypeUpdateIn {
            description: self.description,
            archived: self.archived,
            deprecated: self.deprecated,
            schemas: self.schemas,
            feature_flag: self.feature_flag,
            group_name: self.group_name,
            schema_validation: self.schema_validation,
        };
        Ok((self.name, rest.into_draft()?))
    }
}

impl EventTypeUpdateIn {
    /// Checked as a whole.
    pub fn into_draft(self) -> Result<EventTypeDraft, Problem> {
        Ok(EventTypeDraft {
            description: checked_text("description", self.description, 0..=DESCRIPTION_BYTES_MAX)?,
            archived: self.archived.unwrap_or(false),
            deprecated: self.deprecated.unwrap_or(false),
            schemas: self.schemas.map(checked_schemas).transpose()?,
            schema_validation: self.schema_validation.map(schema_validation).transpose()?,
            feature_flag: self.feature_flag.map(|flag| flag.to_string()),
            group_name: self.group_name.map(|name| name.to_string()),
        })
    }
}

fn schema_validation(text: String) -> Result<SchemaValidation, Problem> {
    SchemaValidation::parse(&text).map_err(|reason| Problem::field(&["body", "schemaValidation"], reason.0))
}

fn checked_schemas(schemas: Schemas) -> Result<serde_json::Value, Problem> {
    let refuse = |rule: String| Err(Problem::field(&["body", "schemas"], rule));
    if schemas.values().any(|schema| !schema.is_object()) {
        return refuse("each version's schema must be an object".to_owned());
    }
    let schemas = serde_json::Value::Object(schemas);
    if schemas.to_string().len() > SCHEMAS_BYTES_MAX {
        return refuse(format!("must not be larger than {SCHEMAS_BYTES_MAX} bytes as JSON"));
    }
    Ok(schemas)
}

/// What changes an event type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventTypePatchIn {
    description: Option<String>,
    archived: Option<bool>,
    deprecated: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    schemas: Option<Option<Schemas>>,
    #[serde(default, deserialize_with = "present")]
    feature_flag: Option<Option<EventTypeName>>,
    #[serde(default, deserialize_with = "present")]
    group_name: Option<Option<EventTypeName>>,
    schema_validation: Option<String>,
}

impl EventTypePatchIn {
    /// Checked as a whole.
    pub fn into_patch(self) -> Result<EventTypePatch, Problem> {
        let description = |text| checked_text("description", text, 0..=DESCRIPTION_BYTES_MAX);
        let schemas = |given: Option<Schemas>| given.map(checked_schemas).transpose();
        let name = |given: Option<EventTypeName>| given.map(|name| name.to_string());
        Ok(EventTypePatch {
            description: self.description.map(description).transpose()?,
            archived: self.archived,
            deprecated: self.deprecated,
            schemas: self.schemas.map(schemas).transpose()?,
            schema_validation: self.schema_validation.map(schema_validation).transpose()?,
            feature_flag: self.feature_flag.map(name),
            group_name: self.group_name.map(name),
        })
    }
}

/// An event type as callers see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventTypeOut {
    name: EventTypeName,
    description: String,
    archived: bool,
    deprecated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    schemas: Option<serde_json::Value>,
    schema_validation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    feature_flag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feature_flags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_name: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl EventTypeOut {
    /// With its schemas or without: lists leave them out unless they are asked for.
    pub fn new(event_type: EventType, with_content: bool) -> Self {
        Self {
            name: event_type.name,
            description: event_type.description,
            archived: event_type.archived,
            deprecated: event_type.deprecated,
            schemas: event_type.schemas.filter(|_| with_content),
            schema_validation: event_type.schema_validation.as_str(),
            feature_flags: event_type.feature_flag.clone().map(|flag| vec![flag]),
            feature_flag: event_type.feature_flag,
            group_name: event_type.group_name,
            created_at: event_type.created_at,
            updated_at: event_type.updated_at,
        }
    }
}
