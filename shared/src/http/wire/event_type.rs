//! Event types on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{bounded_list, checked_text, present};
use crate::domain::event_type::{
    DESCRIPTION_BYTES_MAX, EventType, EventTypeDraft, EventTypePatch, SCHEMAS_BYTES_MAX, SchemaValidation,
};
use crate::domain::names::EventTypeName;
use crate::domain::timestamp::Timestamp;
use crate::http::Problem;

// What the schemas below say in figures.
const _: () = assert!(DESCRIPTION_BYTES_MAX == 4_096 && SCHEMAS_BYTES_MAX == 262_144);

/// JSON Schemas by version number.
type Schemas = serde_json::Map<String, serde_json::Value>;

/// What replaces an event type.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventTypeUpdateIn {
    /// For people; its length counts in bytes of UTF-8.
    #[schema(max_length = 4_096)]
    description: String,
    /// No longer offered; endpoints that name it keep working.
    archived: Option<bool>,
    /// Still sent, but new receivers should not rely on it.
    deprecated: Option<bool>,
    /// JSON Schemas of the payload by version number; as JSON not larger than 262,144 bytes.
    #[schema(value_type = Option<BTreeMap<String, Object>>)]
    schemas: Option<Schemas>,
    /// Flag that hides the type from customers without it; the same as one in `featureFlags`, which wins.
    feature_flag: Option<EventTypeName>,
    /// Flags that hide the type from customers who have none of them.
    #[schema(max_items = 20)]
    feature_flags: Option<Vec<EventTypeName>>,
    /// Heading it is listed under.
    group_name: Option<EventTypeName>,
    /// What is done with a payload that the newest schema does not allow; left out: what was done before.
    #[schema(value_type = Option<SchemaValidation>)]
    schema_validation: Option<String>,
}

// Written out, since a flattened struct would not tell which of its fields is wrong.
/// What creates an event type.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventTypeIn {
    /// Its identifier.
    name: EventTypeName,
    /// For people; its length counts in bytes of UTF-8.
    #[schema(max_length = 4_096)]
    description: String,
    /// No longer offered; endpoints that name it keep working.
    archived: Option<bool>,
    /// Still sent, but new receivers should not rely on it.
    deprecated: Option<bool>,
    /// JSON Schemas of the payload by version number; as JSON not larger than 262,144 bytes.
    #[schema(value_type = Option<BTreeMap<String, Object>>)]
    schemas: Option<Schemas>,
    /// Flag that hides the type from customers without it; the same as one in `featureFlags`, which wins.
    feature_flag: Option<EventTypeName>,
    /// Flags that hide the type from customers who have none of them.
    #[schema(max_items = 20)]
    feature_flags: Option<Vec<EventTypeName>>,
    /// Heading it is listed under.
    group_name: Option<EventTypeName>,
    /// What is done with a payload that the newest schema does not allow; left out: `off`.
    #[schema(value_type = Option<SchemaValidation>)]
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
            feature_flags: self.feature_flags,
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
            feature_flags: flags(self.feature_flags.unwrap_or_else(|| self.feature_flag.into_iter().collect()))?,
            group_name: self.group_name.map(|name| name.to_string()),
        })
    }
}

/// Flags of one event type, or of one portal.
pub(super) const FEATURE_FLAGS_MAX: usize = 20;

fn flags(flags: Vec<EventTypeName>) -> Result<Vec<String>, Problem> {
    let flags = bounded_list("featureFlags", flags, FEATURE_FLAGS_MAX)?;
    Ok(flags.iter().map(EventTypeName::to_string).collect())
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

/// What changes an event type. What is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventTypePatchIn {
    /// For people; its length counts in bytes of UTF-8.
    #[schema(max_length = 4_096)]
    description: Option<String>,
    /// No longer offered.
    archived: Option<bool>,
    /// New receivers should not rely on it.
    deprecated: Option<bool>,
    /// JSON Schemas of the payload by version number, all of them; null takes them away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<BTreeMap<String, Object>>)]
    schemas: Option<Option<Schemas>>,
    /// Flag that hides the type from customers without it; null takes all away. The same as one in `featureFlags`, which wins.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<EventTypeName>)]
    feature_flag: Option<Option<EventTypeName>>,
    /// Flags that hide the type from customers who have none of them, all of them; null takes them away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<EventTypeName>>, max_items = 20)]
    feature_flags: Option<Option<Vec<EventTypeName>>>,
    /// Heading it is listed under; null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<EventTypeName>)]
    group_name: Option<Option<EventTypeName>>,
    /// What is done with a payload that the newest schema does not allow.
    #[schema(value_type = Option<SchemaValidation>)]
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
            feature_flags: self
                .feature_flags
                .map(Option::unwrap_or_default)
                .or(self.feature_flag.map(|flag| flag.into_iter().collect()))
                .map(flags)
                .transpose()?,
            group_name: self.group_name.map(name),
        })
    }
}

/// An event type as callers see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventTypeOut {
    /// Its identifier.
    name: EventTypeName,
    /// For people.
    description: String,
    /// No longer offered.
    archived: bool,
    /// New receivers should not rely on it.
    deprecated: bool,
    /// JSON Schemas of the payload by version number, if there are any and they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Object>>, nullable = false)]
    schemas: Option<serde_json::Value>,
    /// What is done with a payload that the newest schema does not allow.
    #[schema(value_type = SchemaValidation)]
    schema_validation: &'static str,
    /// The first of `featureFlags`, for older SDKs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    feature_flag: Option<String>,
    /// Flags that hide the type from customers who have none of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    feature_flags: Option<Vec<String>>,
    /// Heading it is listed under.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    group_name: Option<String>,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
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
            feature_flag: event_type.feature_flags.first().cloned(),
            feature_flags: Some(event_type.feature_flags).filter(|flags| !flags.is_empty()),
            group_name: event_type.group_name,
            created_at: event_type.created_at,
            updated_at: event_type.updated_at,
        }
    }
}
