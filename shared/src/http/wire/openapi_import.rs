//! Importing event types out of an OpenAPI document, on the wire.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::names::EventTypeName;
use crate::domain::openapi::{self, Webhook};
use crate::flows::configure::ImportOptions;
use crate::http::Problem;

/// The document, as JSON or as a text that is JSON or YAML, and what is to be done with it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventTypeImportOpenApiIn {
    spec: Option<Value>,
    spec_raw: Option<String>,
    dry_run: Option<bool>,
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
#[derive(Debug, Serialize)]
pub struct EventTypeImportOpenApiOut {
    data: EventTypeImportOpenApiOutData,
}

/// The event types of the document: by name, or in a dry run as they would become.
#[derive(Debug, Serialize)]
pub struct EventTypeImportOpenApiOutData {
    modified: Vec<EventTypeName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_modify: Option<Vec<EventTypeFromOpenApi>>,
}

/// An event type as the document describes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventTypeFromOpenApi {
    name: EventTypeName,
    description: String,
    deprecated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    schemas: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
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
