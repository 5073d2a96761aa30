//! Sources of inbound webhooks on the wire. A secret goes in, and comes out only where it is asked for; the address holds the
//! token and is shown to the organization alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{bounded_list, checked_grace, checked_text, present};
use crate::domain::endpoint::HeaderName;
use crate::domain::ids::{ApplicationId, OrganizationId, SourceId};
use crate::domain::inbound::Provider;
use crate::domain::names::{EventTypeName, SourceUid};
use crate::domain::original_headers::may_go_on;
use crate::domain::source::{FORWARDED_HEADERS_MAX, SOURCE_NAME_BYTES_MAX, Source, SourceDraft, SourcePatch};
use crate::domain::source_events::{
    EventTypeRule, NAMES_BYTES_MAX, NAMES_MAX, Otherwise, PREFIX_CHARS_MAX, PROVIDER_NAME_BYTES_MAX, Prefix,
};
use crate::domain::timestamp::Timestamp;
use crate::flows::configure::{NewSource, SourceRotation};
use crate::http::openapi::values::ProviderNames;
use crate::http::{FieldError, Problem};
use crate::store::ApplicationRef;

// What the schemas below say in figures.
const _: () = assert!(SOURCE_NAME_BYTES_MAX == 256 && FORWARDED_HEADERS_MAX == 10);
const _: () = assert!(NAMES_MAX == 100 && NAMES_BYTES_MAX == 8_192 && PREFIX_CHARS_MAX == 64);
const _: () = assert!(PROVIDER_NAME_BYTES_MAX == 256);

/// What creates a source, or replaces one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceIn {
    /// For people; its length counts in bytes of UTF-8.
    #[schema(min_length = 1, max_length = 256)]
    name: String,
    /// Your own identifier, unique among your sources. Every path takes it in place of the id.
    uid: Option<SourceUid>,
    /// Who sends, and how its requests are verified. The kind of a source stays; its settings may change.
    provider: Provider,
    /// The id or uid of the application whose events they are.
    #[schema(min_length = 1, max_length = 256)]
    app_id: String,
    /// What the events are called; left out: the provider's kind, a dot, and the provider's own name for it.
    event_types: Option<SourceEventTypes>,
    /// Headers that receivers get as they came, besides those that the provider is known for.
    #[schema(value_type = Option<Vec<String>>, max_items = 10)]
    forward_headers: Option<Vec<String>>,
    /// Whether nothing is taken: its address answers 404.
    disabled: Option<bool>,
    /// What requests are verified with. Needed where the provider makes it; else one is made when none is given. Counts when a
    /// source is created; PUT leaves the secret of one as it is.
    #[schema(min_length = 1, max_length = 512)]
    secret: Option<String>,
}

impl SourceIn {
    /// A new source, checked as a whole. `application` finds what the caller may name.
    pub fn into_new(self, application: impl Fn(&str) -> Result<ApplicationRef, Problem>) -> Result<NewSource, Problem> {
        let secret = self.secret.map(|text| self.provider.check_secret(&text)).transpose();
        let secret = secret.map_err(|reason| Problem::field(&["body", "secret"], reason.0))?;
        let draft = SourceDraft {
            name: checked_text("name", self.name, 1..=SOURCE_NAME_BYTES_MAX)?,
            uid: self.uid,
            provider: self.provider,
            event_types: self.event_types.map(SourceEventTypes::into_rule).transpose()?.unwrap_or_default(),
            forwarded_headers: checked_names(self.forward_headers.unwrap_or_default())?,
            is_disabled: self.disabled.unwrap_or(false),
        };
        Ok(NewSource { draft, application: target(&self.app_id, application)?, secret })
    }
}

/// What changes a source. What is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourcePatchIn {
    /// For people; its length counts in bytes of UTF-8.
    #[schema(min_length = 1, max_length = 256)]
    name: Option<String>,
    /// Your own identifier; null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<SourceUid>)]
    uid: Option<Option<SourceUid>>,
    /// The provider's settings; its kind stays.
    provider: Option<Provider>,
    /// The id or uid of the application whose events they are from now on.
    #[schema(min_length = 1, max_length = 256)]
    app_id: Option<String>,
    /// What the events are called, all of the rule; null: as if nothing were said.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<SourceEventTypes>)]
    event_types: Option<Option<SourceEventTypes>>,
    /// Headers that receivers get as they came, all of them.
    #[schema(value_type = Option<Vec<String>>, max_items = 10)]
    forward_headers: Option<Vec<String>>,
    /// Whether nothing is taken.
    disabled: Option<bool>,
}

impl SourcePatchIn {
    /// What changes, and the application if it does, checked as a whole.
    pub fn into_patch(
        self,
        application: impl Fn(&str) -> Result<ApplicationRef, Problem>,
    ) -> Result<(SourcePatch, Option<ApplicationRef>), Problem> {
        let rule = |rule: Option<SourceEventTypes>| rule.map(SourceEventTypes::into_rule).transpose();
        let patch = SourcePatch {
            name: self.name.map(|name| checked_text("name", name, 1..=SOURCE_NAME_BYTES_MAX)).transpose()?,
            uid: self.uid,
            provider: self.provider,
            event_types: self.event_types.map(rule).transpose()?.map(Option::unwrap_or_default),
            forwarded_headers: self.forward_headers.map(checked_names).transpose()?,
            is_disabled: self.disabled,
        };
        Ok((patch, self.app_id.map(|app_id| target(&app_id, application)).transpose()?))
    }
}

fn target(
    app_id: &str,
    application: impl Fn(&str) -> Result<ApplicationRef, Problem>,
) -> Result<ApplicationRef, Problem> {
    application(app_id).map_err(|_| Problem::field(&["body", "appId"], "there is no such application"))
}

fn checked_names(names: Vec<String>) -> Result<Vec<HeaderName>, Problem> {
    let check = |(index, name): (usize, &String)| {
        let refuse =
            |msg: String| Problem::Invalid(vec![FieldError::value(&["body", FORWARD, &index.to_string()], msg)]);
        let name = HeaderName::parse(name).map_err(|reason| refuse(reason.0))?;
        match may_go_on(&name) {
            true => Ok(name),
            false => Err(refuse(format!("the header {} is not passed on", name.as_str()))),
        }
    };
    let names = names.iter().enumerate().map(check).collect::<Result<_, _>>()?;
    bounded_list(FORWARD, names, FORWARDED_HEADERS_MAX)
}

const FORWARD: &str = "forwardHeaders";

/// From the provider's names for events to your event types.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceEventTypes {
    /// What every event is called that is not in `map`. Not together with `prefix`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    event_type: Option<EventTypeName>,
    /// What stands before the provider's name; what event types cannot be made of becomes `_`. It may be empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 64, pattern = "^[A-Za-z0-9_.-]*$")]
    prefix: Option<String>,
    /// The provider's name, yours: up to 100.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = ProviderNames, required = false)]
    map: BTreeMap<String, EventTypeName>,
    /// The provider's names whose events are not accepted, up to 100; the provider hears that all is well.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(value_type = Vec<String>, required = false, max_items = 100)]
    ignore: BTreeSet<String>,
}

impl SourceEventTypes {
    fn into_rule(self) -> Result<EventTypeRule, Problem> {
        let refuse = |field: &[&str], msg: String| Problem::field(&[&["body", "eventTypes"], field].concat(), msg);
        let otherwise = match (self.event_type, self.prefix) {
            (Some(_), Some(_)) => return Err(refuse(&["prefix"], "has no meaning beside eventType".to_owned())),
            (Some(event_type), None) => Otherwise::Fixed(event_type),
            (None, Some(prefix)) => {
                Otherwise::Prefixed(Prefix::parse(&prefix).map_err(|reason| refuse(&["prefix"], reason.0))?)
            }
            (None, None) => Otherwise::ByKind,
        };
        EventTypeRule::new(otherwise, self.map, self.ignore).map_err(|reason| refuse(&[], reason.0))
    }
}

impl From<EventTypeRule> for SourceEventTypes {
    fn from(rule: EventTypeRule) -> Self {
        let (event_type, prefix) = match rule.otherwise {
            Otherwise::ByKind => (None, None),
            Otherwise::Fixed(event_type) => (Some(event_type), None),
            Otherwise::Prefixed(prefix) => (None, Some(prefix.as_str().to_owned())),
        };
        Self { event_type, prefix, map: rule.map, ignore: rule.ignore }
    }
}

/// A source as callers see it; never its secrets.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceOut {
    /// Ours.
    #[schema(value_type = SourceId)]
    id: String,
    /// Yours, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    uid: Option<SourceUid>,
    /// For people.
    name: String,
    /// Who sends, and how its requests are verified.
    provider: Provider,
    /// The application whose events they are.
    #[schema(value_type = ApplicationId)]
    app_id: String,
    /// What the events are called.
    event_types: SourceEventTypes,
    /// Headers that receivers get as they came, besides those that the provider is known for.
    #[schema(value_type = Vec<String>)]
    forward_headers: Vec<String>,
    /// Whether nothing is taken.
    disabled: bool,
    /// What the provider calls. Whoever knows it may try, so it is worth keeping to those who need it.
    ingest_url: String,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
}

impl SourceOut {
    /// A source of the organization; `base` is where the gateway is reached from outside.
    pub fn new(source: Source, organization: &OrganizationId, base: &str) -> Self {
        Self {
            ingest_url: format!("{base}{}", source.address(organization).path()),
            id: source.id.to_string(),
            uid: source.uid,
            name: source.name,
            provider: source.provider,
            app_id: source.application.to_string(),
            event_types: source.event_types.into(),
            forward_headers: source.forwarded_headers.iter().map(|name| name.as_str().to_owned()).collect(),
            disabled: source.is_disabled,
            created_at: source.created_at,
            updated_at: source.updated_at,
        }
    }
}

/// What rotates a source's secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceSecretRotateIn {
    /// The new secret; left out: one is made, unless it is the provider who makes it.
    #[schema(min_length = 1, max_length = 512)]
    key: Option<String>,
    /// For how long requests that are signed with the old secret are taken too.
    #[schema(maximum = 604_800, default = 86_400)]
    grace_period_seconds: Option<u32>,
}

impl SourceSecretRotateIn {
    /// Checked as far as can be without the source.
    pub fn into_rotation(self) -> Result<SourceRotation, Problem> {
        Ok(SourceRotation { key: self.key, grace_ms: checked_grace(self.grace_period_seconds)? })
    }
}

/// What a source verifies with.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceSecretOut {
    /// The secret that counts now; null when the provider has none.
    #[schema(required)]
    key: Option<String>,
}

impl From<&Source> for SourceSecretOut {
    fn from(source: &Source) -> Self {
        Self { key: source.secrets.as_ref().map(|secrets| secrets.current.as_text().to_owned()) }
    }
}
