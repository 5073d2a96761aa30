//! Importing event types out of an OpenAPI document, on the wire.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::names::EventTypeName;
use crate::domain::openapi::{self, Webhook};
use crate::flows::configure::ImportOptions;
use crate::http::Problem;

/// The document, as JSON or as a text that is JSON or YAML, and what is to be done with it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventTypeImportOpenApiIn {
    /// The document as JSON; this or `specRaw`, and not both.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    spec: Option<Value>,
    /// The document as a text that is JSON or YAML.
    spec_raw: Option<String>,
    /// Whether it is only checked, and told what would become of it.
    dry_run: Option<bool>,
    /// Whether event types that the document does not name are archived.
    replace_all: Option<bool>,
}

impl EventTypeImportOpenApiIn {
    /// The document's webhooks, checked as a whole.
    pub fn into_webhooks(self) -> Result<(Vec<Webhook>, ImportOptions), Problem> {
        let options = ImportOptions {
            is_dry_run: self.dry_run.unwrap_or(false),
            replaces_all: self.replace_all.unwrap_or(false),
        };
        let (field, document) = match (self.spec, self.spec_raw) {
            (Some(spec), None) => ("spec", spec),
            (None, Some(text)) => ("specRaw", parse(&text)?),
            (Some(_), Some(_)) | (None, None) => {
                return Err(Problem::field(&["body", "spec"], "give either spec or specRaw, and not both"));
            }
        };
        let webhooks = openapi::webhooks(&document).map_err(|misfit| {
            let path = ["body", field].into_iter().chain(misfit.path.iter().map(String::as_str));
            Problem::field(&path.collect::<Vec<_>>(), misfit.reason.0)
        })?;
        Ok((webhooks, options))
    }
}

/// YAML, of which JSON is a part. The parser bounds depth and repetition by aliases itself.
fn parse(text: &str) -> Result<Value, Problem> {
    yaml_serde::from_str(text)
        .map_err(|error| Problem::field(&["body", "specRaw"], format!("is neither JSON nor YAML: {error}")))
}

/// What was imported.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventTypeImportOpenApiOut {
    /// What the document names.
    data: EventTypeImportOpenApiOutData,
}

/// The event types of the document: by name, or in a dry run as they would become.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventTypeImportOpenApiOutData {
    /// The event types that are now as the document says; none in a dry run.
    modified: Vec<EventTypeName>,
    /// In a dry run, the event types as they would become.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    to_modify: Option<Vec<EventTypeFromOpenApi>>,
}

/// An event type as the document describes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventTypeFromOpenApi {
    /// The webhook's name.
    name: EventTypeName,
    /// Its description, else its summary.
    description: String,
    /// Not to be relied on.
    deprecated: bool,
    /// The JSON Schema of its body, as version 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Object>>, nullable = false)]
    schemas: Option<Value>,
    /// Its first tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    group_name: Option<String>,
}

impl From<Webhook> for EventTypeFromOpenApi {
    fn from(webhook: Webhook) -> Self {
        Self {
            name: webhook.name,
            description: webhook.description.unwrap_or_default(),
            deprecated: webhook.deprecated,
            schemas: webhook.schemas,
            group_name: webhook.group_name,
        }
    }
}

impl EventTypeImportOpenApiOut {
    /// After an import with these options. What it names is the same for every repeat of it.
    pub fn new(webhooks: Vec<Webhook>, options: ImportOptions) -> Self {
        let data = match options.is_dry_run {
            true => EventTypeImportOpenApiOutData {
                modified: Vec::new(),
                to_modify: Some(webhooks.into_iter().map(EventTypeFromOpenApi::from).collect()),
            },
            false => EventTypeImportOpenApiOutData {
                modified: webhooks.into_iter().map(|webhook| webhook.name).collect(),
                to_modify: None,
            },
        };
        Self { data }
    }
}
