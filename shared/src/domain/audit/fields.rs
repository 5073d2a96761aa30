//! What a record shows of each noun. Every noun is taken apart by name, without `..`: whoever adds a field decides here whether
//! it is shown, shown in part, or only said to have changed. Left out is what no caller decides: identifiers, times, counters.

use serde_json::{Map, Value, json};

use super::{Audited, Field};
use crate::domain::Metadata;
use crate::domain::access::Capability;
use crate::domain::api_key::ApiKey;
use crate::domain::application::Application;
use crate::domain::encryption::DataKeyRecord;
use crate::domain::endpoint::{DisabledBecause, Endpoint, Header, HeaderName};
use crate::domain::event_type::EventType;
use crate::domain::ids::ApplicationId;
use crate::domain::inbound::InboundSecret;
use crate::domain::legacy_signature::{LegacySecret, LegacySignature};
use crate::domain::rotation::Rotating;
use crate::domain::schedule::RetrySchedule;
use crate::domain::signature::SigningSecret;
use crate::domain::source::Source;
use crate::domain::source_events::{EventTypeRule, Otherwise};
use crate::domain::timestamp::Timestamp;
use crate::domain::url::EndpointUrl;

impl Audited for Application {
    fn thing(&self) -> String {
        self.id.to_string()
    }

    fn fields(&self) -> Vec<Field> {
        let Self {
            id: _,
            uid,
            name,
            rate_limit,
            metadata,
            retry_schedule,
            list_shards: _,
            created_at: _,
            updated_at: _,
        } = self;
        vec![
            Field::open("uid", text(uid.as_ref())),
            Field::open("name", name.as_str()),
            Field::open("rateLimit", *rate_limit),
            metadata_field(metadata),
            schedule_field(retry_schedule.as_ref()),
        ]
    }
}

impl Audited for Endpoint {
    fn thing(&self) -> String {
        self.id.to_string()
    }

    fn fields(&self) -> Vec<Field> {
        let Self {
            id: _,
            uid,
            url,
            description,
            event_types,
            channels,
            disabled,
            rate_limit,
            metadata,
            headers,
            version,
            secrets,
            legacy_signatures,
            retry_schedule,
            is_ordered,
            failing_since: _,
            created_at: _,
            updated_at: _,
        } = self;
        vec![
            Field::open("uid", text(uid.as_ref())),
            Field::partly("url", url.as_str(), without_query(url)),
            Field::open("description", description.as_str()),
            Field::open("eventTypes", texts(event_types)),
            Field::open("channels", texts(channels)),
            Field::open("disabled", disabled.map(because)),
            Field::open("rateLimit", *rate_limit),
            metadata_field(metadata),
            headers_field(headers),
            Field::open("version", *version),
            Field::secret("secret", rotating(secrets, SigningSecret::to_secret_text)),
            legacy_field(legacy_signatures),
            schedule_field(retry_schedule.as_ref()),
            Field::open("ordered", *is_ordered),
        ]
    }
}

impl Audited for EventType {
    fn thing(&self) -> String {
        self.name.to_string()
    }

    fn fields(&self) -> Vec<Field> {
        let Self {
            name: _,
            description,
            archived,
            deprecated,
            schemas,
            schema_validation,
            feature_flags,
            group_name,
            created_at: _,
            updated_at: _,
        } = self;
        vec![
            Field::open("description", description.as_str()),
            Field::open("archived", *archived),
            Field::open("deprecated", *deprecated),
            Field::open("schemas", schemas.clone()),
            Field::open("schemaValidation", schema_validation.as_str()),
            Field::open("featureFlags", texts(feature_flags)),
            Field::open("groupName", group_name.clone()),
        ]
    }
}

impl Audited for Source {
    fn thing(&self) -> String {
        self.id.to_string()
    }

    fn fields(&self) -> Vec<Field> {
        let Self {
            id: _,
            uid,
            name,
            provider,
            secrets,
            application,
            event_types,
            forwarded_headers,
            is_disabled,
            token,
            created_at: _,
            updated_at: _,
        } = self;
        let secrets =
            secrets.as_ref().map(|secrets| rotating(secrets, |secret: &InboundSecret| secret.as_text().to_owned()));
        vec![
            Field::open("uid", text(uid.as_ref())),
            Field::open("name", name.as_str()),
            // Its settings say where a provider's signature stands, and what it is called: nothing that lets anybody in.
            Field::open("provider", serde_json::to_value(provider).unwrap_or_else(|_| provider.name().into())),
            Field::secret("secret", secrets),
            Field::open("appId", application.to_string()),
            Field::open("eventTypes", rule(event_types)),
            Field::open("forwardHeaders", header_names(forwarded_headers)),
            Field::open("disabled", *is_disabled),
            Field::secret("token", token.as_bytes().to_vec()),
        ]
    }
}

impl Audited for ApiKey {
    fn thing(&self) -> String {
        self.id.to_string()
    }

    fn fields(&self) -> Vec<Field> {
        let Self { id: _, name, role, created_at: _, expires_at, used_at: _ } = self;
        vec![
            Field::open("name", name.as_str()),
            Field::open("role", role.as_str()),
            Field::open("expiresAt", expires_at.map(Timestamp::to_rfc3339)),
        ]
    }
}

impl Audited for DataKeyRecord {
    fn thing(&self) -> String {
        self.number.to_string()
    }

    fn fields(&self) -> Vec<Field> {
        let Self { number: _, created_at, erased_at } = self;
        vec![
            Field::open("createdAt", created_at.to_rfc3339()),
            Field::open("erasedAt", erased_at.map(Timestamp::to_rfc3339)),
        ]
    }
}

/// A portal token that is given out. Its name lets nobody in without the signature.
#[derive(Clone, Debug)]
pub struct PortalToken {
    /// Its name.
    pub token: String,
    /// What it may do.
    pub capabilities: Vec<Capability>,
    /// What lets its bearer see hidden event types.
    pub feature_flags: Vec<String>,
    /// The session it belongs to, if it belongs to one.
    pub session: Option<String>,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

impl Audited for PortalToken {
    fn thing(&self) -> String {
        self.token.clone()
    }

    fn fields(&self) -> Vec<Field> {
        let Self { token: _, capabilities, feature_flags, session, expires_at } = self;
        let capabilities: Vec<_> = capabilities.iter().map(|capability| capability.as_str()).collect();
        vec![
            Field::open("capabilities", capabilities),
            Field::open("featureFlags", texts(feature_flags)),
            Field::open("sessionId", session.clone()),
            Field::open("expiresAt", expires_at.to_rfc3339()),
        ]
    }
}

/// Portal tokens that are called back.
#[derive(Clone, Debug)]
pub struct PortalTokens {
    /// Whose portal's.
    pub application: ApplicationId,
    /// Of these sessions; none: all of the application's.
    pub sessions: Vec<String>,
    /// From when on they do not count.
    pub from: Timestamp,
}

impl Audited for PortalTokens {
    fn thing(&self) -> String {
        self.application.to_string()
    }

    fn fields(&self) -> Vec<Field> {
        let Self { application: _, sessions, from } = self;
        vec![Field::open("sessionIds", texts(sessions)), Field::open("from", from.to_rfc3339())]
    }
}

fn text<T: ToString>(value: Option<&T>) -> Option<String> {
    value.map(T::to_string)
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(T::to_string).collect()
}

fn header_names(names: &[HeaderName]) -> Vec<&str> {
    names.iter().map(HeaderName::as_str).collect()
}

/// Customers put what they like into metadata, names of people and tokens among it.
fn metadata_field(metadata: &Metadata) -> Field {
    Field::partly("metadata", json!(metadata), json!(metadata.keys().collect::<Vec<_>>()))
}

fn headers_field(headers: &[Header]) -> Field {
    let names: Vec<&str> = headers.iter().map(Header::name).collect();
    let pairs: Map<_, _> = headers.iter().map(|header| (header.name().to_owned(), header.value().into())).collect();
    Field::partly("headers", pairs, names)
}

fn legacy_field(signatures: &[LegacySignature]) -> Field {
    let form = |entry: &LegacySignature| json!({ "kind": entry.form.kind(), "header": entry.form.header().map(HeaderName::as_str) });
    let whole = |entry: &LegacySignature| {
        let LegacySignature { form, secret } = entry;
        json!([format!("{form:?}"), secret.as_ref().map(LegacySecret::as_str)])
    };
    let (whole, forms): (Vec<Value>, Vec<Value>) = signatures.iter().map(|entry| (whole(entry), form(entry))).unzip();
    Field::partly("legacySignatures", whole, forms)
}

fn schedule_field(schedule: Option<&RetrySchedule>) -> Field {
    Field::open("retrySchedule", text(schedule))
}

/// Some receivers take a token there.
fn without_query(url: &EndpointUrl) -> String {
    let mut url = url.as_url().clone();
    url.set_query(None);
    url.into()
}

fn because(because: DisabledBecause) -> &'static str {
    match because {
        DisabledBecause::Requested => "requested",
        DisabledBecause::Gone => "gone",
        DisabledBecause::Failing => "failing",
    }
}

fn rotating<T>(secrets: &Rotating<T>, to_text: impl Fn(&T) -> String) -> Value {
    let Rotating { current, retired } = secrets;
    let retired: Vec<_> =
        retired.iter().map(|old| json!([to_text(&old.secret), old.valid_until.as_millis()])).collect();
    json!([to_text(current), retired])
}

fn rule(rule: &EventTypeRule) -> Value {
    let EventTypeRule { otherwise, map, ignore } = rule;
    let otherwise = match otherwise {
        Otherwise::ByKind => Value::Null,
        Otherwise::Fixed(event_type) => json!({ "fixed": event_type.as_str() }),
        Otherwise::Prefixed(prefix) => json!({ "prefix": prefix.as_str() }),
    };
    let map: Map<_, _> = map.iter().map(|(theirs, ours)| (theirs.clone(), ours.as_str().into())).collect();
    json!({ "otherwise": otherwise, "map": map, "ignore": ignore })
}
