//! Endpoints on the wire. The older SDKs call event types `filterTypes`, the rate `rateLimit`, and require `version`.
//! When both names are there, the new one counts.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::legacy_signature::{LegacySignatureIn, LegacySignatureOut, into_drafts};
use super::{
    GRACE_S_DEFAULT, GRACE_S_MAX, bounded_list, checked_grace, checked_list, checked_metadata, checked_text, present,
};
use crate::domain::Metadata;
use crate::domain::endpoint::{
    ENDPOINT_CHANNELS_MAX, ENDPOINT_EVENT_TYPES_MAX, Endpoint, EndpointDraft, EndpointPatch, HEADERS_MAX, Header,
};
use crate::domain::event_type::DESCRIPTION_BYTES_MAX;
use crate::domain::ids::EndpointId;
use crate::domain::names::{Channel, EndpointUid, EventTypeName};
use crate::domain::schedule::RetrySchedule;
use crate::domain::signature::{SignatureScheme, SigningSecret};
use crate::domain::timestamp::Timestamp;
use crate::domain::url::EndpointUrl;
use crate::flows::configure::{NewEndpoint, Rotation};
use crate::http::Problem;
use crate::http::openapi::values::{HeaderChanges, Headers, Pairs};

// What the schemas below say in figures.
const _: () = assert!(ENDPOINT_CHANNELS_MAX == 10 && ENDPOINT_EVENT_TYPES_MAX == 256);
const _: () = assert!(DESCRIPTION_BYTES_MAX == 4_096 && GRACE_S_MAX == 604_800 && GRACE_S_DEFAULT == 86_400);

const VERSION_DEFAULT: u16 = 1;

/// What creates an endpoint, or replaces one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointIn {
    /// Where deliveries go.
    #[schema(value_type = EndpointUrl)]
    url: String,
    /// Your own identifier, unique in the application. Every path takes it in place of the id.
    uid: Option<EndpointUid>,
    /// For people; its length counts in bytes of UTF-8.
    #[schema(max_length = 4_096)]
    description: Option<String>,
    /// Only these event types, which have to exist; left out: every one.
    #[schema(min_items = 1, max_items = 256)]
    event_types: Option<Vec<EventTypeName>>,
    /// The older name of `eventTypes`, which goes before it.
    #[schema(min_items = 1, max_items = 256, deprecated)]
    filter_types: Option<Vec<EventTypeName>>,
    /// Only messages with one of these channels; left out: every message.
    #[schema(min_items = 1, max_items = 10)]
    channels: Option<Vec<Channel>>,
    /// Whether it gets nothing.
    disabled: Option<bool>,
    /// Deliveries a second; what exceeds it waits and is not dropped. Left out: no limit.
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 65_535)]
    throttle_rate: Option<NonZeroU16>,
    /// The older name of `throttleRate`, which goes before it.
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 65_535, deprecated)]
    rate_limit: Option<NonZeroU16>,
    /// Free-form pairs; as JSON not larger than 4,096 bytes.
    #[schema(value_type = Option<Pairs>)]
    metadata: Option<Metadata>,
    /// Of the older API generation; it has no meaning.
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 65_535, deprecated)]
    version: Option<NonZeroU16>,
    /// What signs; left out: one is made. Counts when an endpoint is created; PUT leaves the secret of one as it is.
    #[schema(value_type = Option<SigningSecret>)]
    secret: Option<String>,
    /// Sent with every delivery. Count when an endpoint is created; PUT leaves the headers of one as they are.
    #[schema(value_type = Option<Headers>)]
    headers: Option<BTreeMap<String, String>>,
    /// Which kind of secret is made when none is given: `v1`, unless it is `v1a`.
    #[schema(value_type = Option<SignatureScheme>)]
    signature: Option<String>,
    /// Signatures in older forms that deliveries carry as well; left out, PUT leaves those of an endpoint as they are.
    #[schema(max_items = 4)]
    legacy_signatures: Option<Vec<LegacySignatureIn>>,
    /// When a failed delivery is tried again: the delay after each failed attempt. Left out: as the application says; PUT
    /// leaves that of an endpoint as it is.
    retry_schedule: Option<RetrySchedule>,
    /// Whether messages with the same `orderingKey` are delivered one after the other, in the order they were accepted;
    /// `false` unless it is said. While one is tried again, all behind it wait, until it is delivered or given up. What is sent
    /// again by hand or by a replay does not wait in line. Left out, PUT leaves it as it is.
    ordered: Option<bool>,
}

fn url(text: &str) -> Result<EndpointUrl, Problem> {
    EndpointUrl::parse(text).map_err(|reason| Problem::field(&["body", "url"], reason.0))
}

impl EndpointIn {
    /// A new endpoint, checked as a whole; what replaces one is its draft.
    pub fn into_new(mut self) -> Result<NewEndpoint, Problem> {
        let (secret, scheme) = secret_and_scheme("secret", self.secret.take(), self.signature.take())?;
        let headers = checked_headers(self.headers.take().unwrap_or_default())?;
        let scheme = scheme.unwrap_or(SignatureScheme::V1);
        Ok(NewEndpoint { draft: self.into_draft()?, secret, scheme, headers })
    }

    fn into_draft(self) -> Result<EndpointDraft, Problem> {
        Ok(EndpointDraft {
            url: url(&self.url)?,
            uid: self.uid,
            description: checked_text("description", self.description.unwrap_or_default(), 0..=DESCRIPTION_BYTES_MAX)?,
            event_types: checked_list("eventTypes", self.event_types.or(self.filter_types), ENDPOINT_EVENT_TYPES_MAX)?,
            channels: checked_list("channels", self.channels, ENDPOINT_CHANNELS_MAX)?,
            is_disabled: self.disabled.unwrap_or(false),
            rate_limit: self.throttle_rate.or(self.rate_limit).map(NonZeroU16::get),
            metadata: checked_metadata(self.metadata.unwrap_or_default())?,
            version: self.version.map_or(VERSION_DEFAULT, NonZeroU16::get),
            legacy_signatures: self.legacy_signatures.map(into_drafts).transpose()?,
            retry_schedule: self.retry_schedule,
            is_ordered: self.ordered,
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
    let headers: Vec<Header> = headers.iter().map(parse).collect::<Result<_, Problem>>()?;
    let mut names: Vec<&str> = headers.iter().map(Header::name).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Problem::field(&["body", "headers", twice[0]], "must not be there twice, whatever its case"));
    }
    Ok(headers)
}

/// What changes an endpoint. What is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointPatchIn {
    /// Where deliveries go.
    #[schema(value_type = Option<EndpointUrl>)]
    url: Option<String>,
    /// Your own identifier; null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<EndpointUid>)]
    uid: Option<Option<EndpointUid>>,
    /// For people; its length counts in bytes of UTF-8.
    #[schema(max_length = 4_096)]
    description: Option<String>,
    /// Only these event types, which have to exist; null or nothing in it: every one.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<EventTypeName>>, max_items = 256)]
    event_types: Option<Option<Vec<EventTypeName>>>,
    /// The older name of `eventTypes`, which goes before it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<EventTypeName>>, max_items = 256, deprecated)]
    filter_types: Option<Option<Vec<EventTypeName>>>,
    /// Only messages with one of these channels; null or nothing in it: every message.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<Channel>>, max_items = 10)]
    channels: Option<Option<Vec<Channel>>>,
    /// Whether it gets nothing. Switched on again, an endpoint begins with a clean slate.
    disabled: Option<bool>,
    /// Deliveries a second; null means no limit.
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
    /// Of the older API generation; it has no meaning.
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 65_535, deprecated)]
    version: Option<NonZeroU16>,
    /// Signatures in older forms, all of them; null means none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<LegacySignatureIn>>, max_items = 4)]
    legacy_signatures: Option<Option<Vec<LegacySignatureIn>>>,
    /// When a failed delivery is tried again; null: as the application says.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<RetrySchedule>)]
    retry_schedule: Option<Option<RetrySchedule>>,
    /// Whether messages with the same `orderingKey` are delivered one after the other; null means `false`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    ordered: Option<Option<bool>>,
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
            event_types: self.event_types.or(self.filter_types).map(event_types).transpose()?,
            channels: self.channels.map(channels).transpose()?,
            is_disabled: self.disabled,
            rate_limit: self.throttle_rate.or(self.rate_limit).map(|rate| rate.map(NonZeroU16::get)),
            metadata: self.metadata.map(checked_metadata).transpose()?,
            version: self.version.map(NonZeroU16::get),
            legacy_signatures: self
                .legacy_signatures
                .map(|entries| into_drafts(entries.unwrap_or_default()))
                .transpose()?,
            retry_schedule: self.retry_schedule,
            is_ordered: self.ordered.map(|ordered| ordered.unwrap_or(false)),
        })
    }
}

/// An endpoint as callers see it; never its secrets or headers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointOut {
    /// Ours.
    #[schema(value_type = EndpointId)]
    id: String,
    /// Yours, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    uid: Option<EndpointUid>,
    /// Where deliveries go, in the spelling of the URL standard.
    url: String,
    /// For people.
    description: String,
    /// Only these event types; not there: every one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    event_types: Option<Vec<EventTypeName>>,
    /// The same as `eventTypes`, for older SDKs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, deprecated)]
    filter_types: Option<Vec<EventTypeName>>,
    /// Only messages with one of these channels; not there: every message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    channels: Option<Vec<Channel>>,
    /// Whether it gets nothing: switched off, answering 410 Gone, or failing for days.
    disabled: bool,
    /// Deliveries a second; not there: no limit.
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
    /// Of the older API generation; it has no meaning.
    #[schema(minimum = 1, maximum = 65_535, deprecated)]
    version: u16,
    /// The signatures in older forms that deliveries carry as well; not there: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    legacy_signatures: Vec<LegacySignatureOut>,
    /// When a failed delivery is tried again; not there: as the application says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retry_schedule: Option<RetrySchedule>,
    /// Whether messages with the same `orderingKey` are delivered one after the other.
    ordered: bool,
    /// When it was made.
    created_at: Timestamp,
    /// When its configuration last changed.
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
            retry_schedule: endpoint.retry_schedule,
            ordered: endpoint.is_ordered,
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        }
    }
}

/// The headers an endpoint's deliveries carry.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EndpointHeadersIn {
    /// All of them.
    #[schema(value_type = Headers)]
    headers: BTreeMap<String, String>,
}

impl EndpointHeadersIn {
    /// Checked as a whole.
    pub fn into_headers(self) -> Result<Vec<Header>, Problem> {
        checked_headers(self.headers)
    }
}

/// Headers that change; null and `deleteHeaders` remove.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointHeadersPatchIn {
    /// Those that change; null removes one.
    #[schema(value_type = HeaderChanges)]
    headers: BTreeMap<String, Option<String>>,
    /// Those that are removed.
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
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointHeadersOut {
    /// Sent with every delivery.
    headers: BTreeMap<String, String>,
    /// Names of those whose values are credentials, which are shown to nobody.
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

/// What rotates a secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointSecretRotateIn {
    /// The new secret; left out: one of the same kind is made.
    #[schema(value_type = Option<SigningSecret>)]
    key: Option<String>,
    /// Which kind of secret is made when none is given; the same as before unless it is said.
    #[schema(value_type = Option<SignatureScheme>)]
    signature: Option<String>,
    /// For how long the old secret goes on signing next to the new one.
    #[schema(maximum = 604_800, default = 86_400)]
    grace_period_seconds: Option<u32>,
}

impl EndpointSecretRotateIn {
    /// Checked as a whole.
    pub fn into_rotation(self) -> Result<Rotation, Problem> {
        let (secret, scheme) = secret_and_scheme("key", self.key, self.signature)?;
        Ok(Rotation { secret, scheme, grace_ms: checked_grace(self.grace_period_seconds)? })
    }
}

/// What a receiver verifies with.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointSecretOut {
    /// The secret (`whsec_…`), or the public key (`whpk_…`) of one that only we have.
    key: String,
}

impl From<&Endpoint> for EndpointSecretOut {
    fn from(endpoint: &Endpoint) -> Self {
        Self { key: endpoint.secrets.current.to_verification_text() }
    }
}
