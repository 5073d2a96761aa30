//! Endpoints on the wire. The older SDKs call event types `filterTypes`, the rate `rateLimit`, and require `version`.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use super::legacy_signature::{LegacySignatureIn, LegacySignatureOut, into_drafts};
use super::{bounded_list, checked_list, checked_metadata, checked_text, present};
use crate::domain::Metadata;
use crate::domain::endpoint::{
    ENDPOINT_CHANNELS_MAX, ENDPOINT_EVENT_TYPES_MAX, Endpoint, EndpointDraft, EndpointPatch, HEADERS_MAX, Header,
};
use crate::domain::event_type::DESCRIPTION_BYTES_MAX;
use crate::domain::names::{Channel, EndpointUid, EventTypeName};
use crate::domain::signature::{SignatureScheme, SigningSecret};
use crate::domain::timestamp::Timestamp;
use crate::domain::url::EndpointUrl;
use crate::flows::configure::{NewEndpoint, Rotation};
use crate::http::Problem;

const VERSION_DEFAULT: u16 = 1;

/// What creates an endpoint; without secret and headers it is also what replaces one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointIn {
    url: String,
    uid: Option<EndpointUid>,
    description: Option<String>,
    #[serde(alias = "filterTypes")]
    event_types: Option<Vec<EventTypeName>>,
    channels: Option<Vec<Channel>>,
    disabled: Option<bool>,
    #[serde(alias = "rateLimit")]
    throttle_rate: Option<NonZeroU16>,
    metadata: Option<Metadata>,
    version: Option<NonZeroU16>,
    secret: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    /// Which kind of secret is made when none is given: `v1`, unless it is `v1a`.
    signature: Option<String>,
    legacy_signatures: Option<Vec<LegacySignatureIn>>,
}

fn url(text: &str) -> Result<EndpointUrl, Problem> {
    EndpointUrl::parse(text).map_err(|reason| Problem::field(&["body", "url"], reason.0))
}

impl EndpointIn {
    /// A new endpoint, checked as a whole.
    pub fn into_new(mut self) -> Result<NewEndpoint, Problem> {
        let (secret, scheme) = secret_and_scheme("secret", self.secret.take(), self.signature.take())?;
        let headers = checked_headers(self.headers.take().unwrap_or_default())?;
        let scheme = scheme.unwrap_or(SignatureScheme::V1);
        Ok(NewEndpoint { draft: self.into_draft()?, secret, scheme, headers })
    }

    /// What replaces an endpoint, checked as a whole.
    pub fn into_draft(self) -> Result<EndpointDraft, Problem> {
        Ok(EndpointDraft {
            url: url(&self.url)?,
            uid: self.uid,
            description: checked_text("description", self.description.unwrap_or_default(), 0..=DESCRIPTION_BYTES_MAX)?,
            event_types: checked_list("eventTypes", self.event_types, ENDPOINT_EVENT_TYPES_MAX)?,
            channels: checked_list("channels", self.channels, ENDPOINT_CHANNELS_MAX)?,
            is_disabled: self.disabled.unwrap_or(false),
            rate_limit: self.throttle_rate.map(NonZeroU16::get),
            metadata: checked_metadata(self.metadata.unwrap_or_default())?,
            version: self.version.map_or(VERSION_DEFAULT, NonZeroU16::get),
            legacy_signatures: self.legacy_signatures.map(into_drafts).transpose()?,
        })
    }
}

/// A secret that is given, and the scheme that is asked for: they must not contradict each other.
fn secret_and_scheme(
    field: &str,
    secret: Option<String>,
    scheme: Option<String>,
) -> Result<(Option<SigningSecret>, Option<SignatureScheme>), Problem> {
    let secret = secret.map(|text| SigningSecret::parse(&text)).transpose();
    let secret = secret.map_err(|reason| Problem::field(&["body", field], reason.0))?;
    let scheme = scheme.map(|text| SignatureScheme::parse(&text)).transpose();
    let scheme = scheme.map_err(|reason| Problem::field(&["body", "signature"], reason.0))?;
    match (&secret, scheme) {
        (Some(secret), Some(scheme)) if secret.scheme() != scheme => {
            Err(Problem::field(&["body", "signature"], "is not what the given secret signs with"))
        }
        _ => Ok((secret, scheme)),
    }
}

fn checked_headers(headers: BTreeMap<String, String>) -> Result<Vec<Header>, Problem> {
    if headers.len() > HEADERS_MAX {
        return Err(Problem::field(&["body", "headers"], format!("must not be more than {HEADERS_MAX}")));
    }
    let parse = |(name, value): (&String, &String)| {
        Header::parse(name, value).map_err(|reason| Problem::field(&["body", "headers", name], reason.0))
    };
    headers.iter().map(parse).collect()
}

/// What changes an endpoint.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointPatchIn {
    url: Option<String>,
    #[serde(default, deserialize_with = "present")]
    uid: Option<Option<EndpointUid>>,
    description: Option<String>,
    #[serde(default, alias = "filterTypes", deserialize_with = "present")]
    event_types: Option<Option<Vec<EventTypeName>>>,
    #[serde(default, deserialize_with = "present")]
    channels: Option<Option<Vec<Channel>>>,
    disabled: Option<bool>,
    #[serde(default, alias = "rateLimit", deserialize_with = "present")]
    throttle_rate: Option<Option<NonZeroU16>>,
    metadata: Option<Metadata>,
    version: Option<NonZeroU16>,
    #[serde(default, deserialize_with = "present")]
    legacy_signatures: Option<Option<Vec<LegacySignatureIn>>>,
}

impl EndpointPatchIn {
    /// Checked as a whole. An empty list means the same as null: all.
    pub fn into_patch(self) -> Result<EndpointPatch, Problem> {
        let description = |text| checked_text("description", text, 0..=DESCRIPTION_BYTES_MAX);
        let event_types =
            |list: Option<_>| bounded_list("eventTypes", list.unwrap_or_default(), ENDPOINT_EVENT_TYPES_MAX);
        let channels = |list: Option<_>| bounded_list("channels", list.unwrap_or_default(), ENDPOINT_CHANNELS_MAX);
        Ok(EndpointPatch {
            url: self.url.as_deref().map(url).transpose()?,
            uid: self.uid,
            description: self.description.map(description).transpose()?,
            event_types: self.event_types.map(event_types).transpose()?,
            channels: self.channels.map(channels).transpose()?,
            is_disabled: self.disabled,
            rate_limit: self.throttle_rate.map(|rate| rate.map(NonZeroU16::get)),
            metadata: self.metadata.map(checked_metadata).transpose()?,
            version: self.version.map(NonZeroU16::get),
            legacy_signatures: self
                .legacy_signatures
                .map(|entries| into_drafts(entries.unwrap_or_default()))
                .transpose()?,
        })
    }
}

/// An endpoint as callers see it; never its secrets or headers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointOut {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<EndpointUid>,
    url: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_types: Option<Vec<EventTypeName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_types: Option<Vec<EventTypeName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<Vec<Channel>>,
    disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttle_rate: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<u16>,
    metadata: Metadata,
    version: u16,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    legacy_signatures: Vec<LegacySignatureOut>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Endpoint> for EndpointOut {
    fn from(endpoint: Endpoint) -> Self {
        let event_types = Some(endpoint.event_types).filter(|list| !list.is_empty());
        Self {
            id: endpoint.id.to_string(),
            uid: endpoint.uid,
            url: endpoint.url.to_string(),
            description: endpoint.description,
            filter_types: event_types.clone(),
            event_types,
            channels: Some(endpoint.channels).filter(|list| !list.is_empty()),
            disabled: endpoint.disabled.is_some(),
            throttle_rate: endpoint.rate_limit,
            rate_limit: endpoint.rate_limit,
            metadata: endpoint.metadata,
            version: endpoint.version,
            legacy_signatures: endpoint.legacy_signatures.iter().map(LegacySignatureOut::from).collect(),
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        }
    }
}

/// The headers an endpoint's deliveries carry.
#[derive(Debug, Deserialize)]
pub struct EndpointHeadersIn {
    headers: BTreeMap<String, String>,
}

impl EndpointHeadersIn {
    /// Checked as a whole.
    pub fn into_headers(self) -> Result<Vec<Header>, Problem> {
        checked_headers(self.headers)
    }
}

/// Headers that change; null and `deleteHeaders` remove.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointHeadersPatchIn {
    headers: BTreeMap<String, Option<String>>,
    delete_headers: Option<Vec<String>>,
}

impl EndpointHeadersPatchIn {
    /// What is set and what is removed, checked as a whole.
    pub fn into_changes(self) -> Result<(Vec<Header>, Vec<String>), Problem> {
        let mut remove = self.delete_headers.unwrap_or_default();
        let mut set = BTreeMap::new();
        for (name, value) in self.headers {
            match value {
                Some(value) => drop(set.insert(name, value)),
                None => remove.push(name),
            }
        }
        Ok((checked_headers(set)?, remove))
    }
}

/// The headers as callers see them; of credentials only the name.
#[derive(Debug, Serialize)]
pub struct EndpointHeadersOut {
    headers: BTreeMap<String, String>,
    sensitive: Vec<String>,
}

impl From<&Endpoint> for EndpointHeadersOut {
    fn from(endpoint: &Endpoint) -> Self {
        let (sensitive, shown): (Vec<&Header>, Vec<&Header>) = endpoint.headers.iter().partition(|h| h.is_sensitive());
        let pair = |header: &Header| (header.name().to_owned(), header.value().to_owned());
        Self {
            headers: shown.into_iter().map(pair).collect(),
            sensitive: sensitive.into_iter().map(|header| header.name().to_owned()).collect(),
        }
    }
}

/// Longest time an old secret may go on signing, and the time it does when nothing is said: 7 days and 1 day, in seconds.
const GRACE_S_MAX: u32 = 604_800;
const GRACE_S_DEFAULT: u32 = 86_400;

/// What rotates a secret.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointSecretRotateIn {
    key: Option<String>,
    /// Which kind of secret is made when none is given; the same as before unless it is said.
    signature: Option<String>,
    grace_period_seconds: Option<u32>,
}

impl EndpointSecretRotateIn {
    /// Checked as a whole.
    pub fn into_rotation(self) -> Result<Rotation, Problem> {
        let (secret, scheme) = secret_and_scheme("key", self.key, self.signature)?;
        let grace_s = self.grace_period_seconds.unwrap_or(GRACE_S_DEFAULT);
        if grace_s > GRACE_S_MAX {
            let rule = format!("must not be more than {GRACE_S_MAX}");
            return Err(Problem::field(&["body", "gracePeriodSeconds"], rule));
        }
        Ok(Rotation { secret, scheme, grace_ms: i64::from(grace_s) * 1_000 })
    }
}

/// What a receiver verifies with.
#[derive(Debug, Serialize)]
pub struct EndpointSecretOut {
    key: String,
}

impl From<&Endpoint> for EndpointSecretOut {
    fn from(endpoint: &Endpoint) -> Self {
        Self { key: endpoint.secrets.current.to_verification_text() }
    }
}
