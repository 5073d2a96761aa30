//! An endpoint: a URL that wants messages, what it wants, and the secrets that sign what it gets.

use super::ids::EndpointId;
use super::legacy_signature::{LegacySignature, LegacySignatureDraft};
use super::names::{Channel, EndpointUid, EventTypeName};
use super::revision::Revision;
use super::rotation::Rotating;
use super::schedule::RetrySchedule;
use super::signature::SigningSecret;
use super::subscription::Subscriber;
use super::timestamp::Timestamp;
use super::url::EndpointUrl;
use super::{Invalid, Metadata};

/// Endpoints of one application. Strongly consistent queries read them all on every publish, a megabyte each: about one
/// for as many endpoints of the usual size, which is as much as a caller should wait for.
pub const ENDPOINTS_PER_APPLICATION_MAX: usize = 1_000;

/// Channels an endpoint may listen to.
pub const ENDPOINT_CHANNELS_MAX: usize = 10;

/// Event types an endpoint may name; one that wants more wants all, and filters itself.
pub const ENDPOINT_EVENT_TYPES_MAX: usize = 256;

/// Longest value of a configured header.
pub const HEADER_VALUE_BYTES_MAX: usize = 4_096;

/// Longest name of a configured header.
pub const HEADER_NAME_BYTES_MAX: usize = 256;

/// Configured headers of one endpoint.
pub const HEADERS_MAX: usize = 50;

/// A URL that wants messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Ours.
    pub id: EndpointId,
    /// The caller's own identifier, if there is one; unique in the application.
    pub uid: Option<EndpointUid>,
    /// Where deliveries go.
    pub url: EndpointUrl,
    /// For people.
    pub description: String,
    /// Only these event types; empty means every one.
    pub event_types: Vec<EventTypeName>,
    /// Only messages with one of these channels; empty means every message.
    pub channels: Vec<Channel>,
    /// Why nothing is delivered at present, if so.
    pub disabled: Option<DisabledBecause>,
    /// Deliveries a second.
    pub rate_limit: Option<u16>,
    /// Free-form pairs.
    pub metadata: Metadata,
    /// Sent with every delivery; may hold credentials.
    pub headers: Vec<Header>,
    /// The older API generation requires a number here; it has no meaning.
    pub version: u16,
    /// What signs deliveries.
    pub secrets: SigningSecrets,
    /// Signatures in other forms that deliveries carry too.
    pub legacy_signatures: Vec<LegacySignature>,
    /// When a failed delivery is tried again; `None`: as its application says.
    pub retry_schedule: Option<RetrySchedule>,
    /// Whether messages of one ordering key are delivered one after the other, as they were accepted.
    pub is_ordered: bool,
    /// Since when every attempt has failed; `None` while the last one succeeded.
    pub failing_since: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its configuration last changed.
    pub updated_at: Timestamp,
}

impl Endpoint {
    /// As much of it as decides whether it wants a message.
    pub fn subscriber(&self) -> Subscriber {
        Subscriber {
            endpoint: self.id,
            is_enabled: self.disabled.is_none(),
            event_types: self.event_types.clone(),
            channels: self.channels.clone(),
            is_ordered: self.is_ordered,
        }
    }
}

/// Why an endpoint gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisabledBecause {
    /// The owner said so.
    Requested,
    /// It answered 410 Gone.
    Gone,
    /// Every attempt failed for longer than the configured days.
    Failing,
}

/// What signs an endpoint's deliveries: all that are valid, the current one first.
pub type SigningSecrets = Rotating<SigningSecret>;

/// What a caller says about an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointDraft {
    /// Where deliveries go.
    pub url: EndpointUrl,
    /// The caller's own identifier.
    pub uid: Option<EndpointUid>,
    /// For people.
    pub description: String,
    /// Only these event types; empty means every one.
    pub event_types: Vec<EventTypeName>,
    /// Only messages with one of these channels; empty means every message.
    pub channels: Vec<Channel>,
    /// Whether it gets nothing.
    pub is_disabled: bool,
    /// Deliveries a second.
    pub rate_limit: Option<u16>,
    /// Free-form pairs.
    pub metadata: Metadata,
    /// Of the older API generation.
    pub version: u16,
    /// Signatures in other forms; `None`, the ones it has stay, for SDKs that do not know them replace endpoints too.
    pub legacy_signatures: Option<Vec<LegacySignatureDraft>>,
    /// When a failed delivery is tried again; `None`, as before, for the same reason.
    pub retry_schedule: Option<RetrySchedule>,
    /// Whether messages of one ordering key come one after the other; `None`, as before, for the same reason.
    pub is_ordered: Option<bool>,
}

impl EndpointDraft {
    /// A new endpoint.
    pub fn create(self, id: EndpointId, secret: SigningSecret, headers: Vec<Header>, now: Timestamp) -> Endpoint {
        Endpoint {
            id,
            uid: self.uid,
            url: self.url,
            description: self.description,
            event_types: self.event_types,
            channels: self.channels,
            disabled: self.is_disabled.then_some(DisabledBecause::Requested),
            rate_limit: self.rate_limit,
            metadata: self.metadata,
            headers,
            version: self.version,
            secrets: SigningSecrets::only(secret),
            legacy_signatures: over(self.legacy_signatures.unwrap_or_default(), &[]),
            retry_schedule: self.retry_schedule,
            is_ordered: self.is_ordered.unwrap_or(false),
            failing_since: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// The endpoint with everything the caller may say replaced; secrets and headers have operations of their own.
    pub fn replace(mut self, before: &Endpoint, now: Timestamp) -> Endpoint {
        let (secrets, headers) = (before.secrets.clone(), before.headers.clone());
        let (disabled, failing_since) = before.after_switch(self.is_disabled);
        let legacy_signatures = before.legacy_signatures_after(self.legacy_signatures.take());
        let retry_schedule = self.retry_schedule.take().or_else(|| before.retry_schedule.clone());
        Endpoint {
            disabled,
            failing_since,
            secrets,
            legacy_signatures,
            retry_schedule,
            is_ordered: self.is_ordered.unwrap_or(before.is_ordered),
            created_at: before.created_at,
            updated_at: now.later_than(before.updated_at),
            ..self.create(before.id, before.secrets.current.clone(), headers, now)
        }
    }
}

/// What a caller wants changed about an endpoint; `None` is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointPatch {
    /// Where deliveries go.
    pub url: Option<EndpointUrl>,
    /// The caller's own identifier, or none from now on.
    pub uid: Option<Option<EndpointUid>>,
    /// For people.
    pub description: Option<String>,
    /// Only these event types; empty means every one.
    pub event_types: Option<Vec<EventTypeName>>,
    /// Only messages with one of these channels; empty means every message.
    pub channels: Option<Vec<Channel>>,
    /// Whether it gets nothing.
    pub is_disabled: Option<bool>,
    /// Deliveries a second, or no limit from now on.
    pub rate_limit: Option<Option<u16>>,
    /// Free-form pairs, all of them.
    pub metadata: Option<Metadata>,
    /// Of the older API generation.
    pub version: Option<u16>,
    /// Signatures in other forms, all of them.
    pub legacy_signatures: Option<Vec<LegacySignatureDraft>>,
    /// When a failed delivery is tried again, or as the application says from now on.
    pub retry_schedule: Option<Option<RetrySchedule>>,
    /// Whether messages of one ordering key come one after the other.
    pub is_ordered: Option<bool>,
}

impl EndpointPatch {
    /// The endpoint with what the caller said changed.
    pub fn apply(self, before: &Endpoint, now: Timestamp) -> Endpoint {
        let (disabled, failing_since) =
            self.is_disabled.map_or((before.disabled, before.failing_since), |is| before.after_switch(is));
        Endpoint {
            url: self.url.unwrap_or_else(|| before.url.clone()),
            uid: self.uid.unwrap_or_else(|| before.uid.clone()),
            description: self.description.unwrap_or_else(|| before.description.clone()),
            event_types: self.event_types.unwrap_or_else(|| before.event_types.clone()),
            channels: self.channels.unwrap_or_else(|| before.channels.clone()),
            disabled,
            failing_since,
            rate_limit: self.rate_limit.unwrap_or(before.rate_limit),
            metadata: self.metadata.unwrap_or_else(|| before.metadata.clone()),
            version: self.version.unwrap_or(before.version),
            legacy_signatures: before.legacy_signatures_after(self.legacy_signatures),
            retry_schedule: self.retry_schedule.unwrap_or_else(|| before.retry_schedule.clone()),
            is_ordered: self.is_ordered.unwrap_or(before.is_ordered),
            updated_at: now.later_than(before.updated_at),
            ..before.clone()
        }
    }
}

fn over(drafts: Vec<LegacySignatureDraft>, before: &[LegacySignature]) -> Vec<LegacySignature> {
    drafts.into_iter().map(|draft| draft.over(before)).collect()
}

impl Endpoint {
    /// Names the state it is in.
    pub fn revision(&self) -> Revision {
        Revision::new(self.id, self.updated_at)
    }

    /// The rules that hold between its parts: what needs a shared secret has one, and no header is sent twice.
    pub fn check_legacy_signatures(&self) -> Result<(), Invalid> {
        let needs_secret = |entry: &&LegacySignature| entry.needs_shared_secret() && !self.secrets.current.is_shared();
        if let Some(entry) = self.legacy_signatures.iter().find(needs_secret) {
            let kind = entry.form.kind();
            return Err(Invalid::new(format!("the legacy signature {kind} needs a shared secret or one of its own")));
        }
        let header = |entry: &LegacySignature| entry.form.header().cloned();
        let is_taken = |name: &HeaderName| self.headers.iter().any(|header| header.name() == name.as_str());
        match self.legacy_signatures.iter().filter_map(header).find(is_taken) {
            Some(name) => Err(Invalid::new(format!(
                "the header {} cannot be both a configured one and a legacy signature",
                name.as_str()
            ))),
            None => Ok(()),
        }
    }

    /// Whether what was learnt about its receiver counts no more: it is switched on again, or somewhere else.
    pub fn begins_anew(&self, before: &Self) -> bool {
        self.url != before.url || (self.disabled.is_none() && before.disabled.is_some())
    }

    fn legacy_signatures_after(&self, drafts: Option<Vec<LegacySignatureDraft>>) -> Vec<LegacySignature> {
        match drafts {
            Some(drafts) => over(drafts, &self.legacy_signatures),
            None => self.legacy_signatures.clone(),
        }
    }

    /// Its state when the owner switches it on or off. Why it is off already stays on record; switched on, it begins with a
    /// clean slate, or it would be disabled again by its first failure.
    fn after_switch(&self, is_disabled: bool) -> (Option<DisabledBecause>, Option<Timestamp>) {
        match (is_disabled, self.disabled) {
            (true, Some(because)) => (Some(because), self.failing_since),
            (true, None) => (Some(DisabledBecause::Requested), self.failing_since),
            (false, Some(_)) => (None, None),
            (false, None) => (None, self.failing_since),
        }
    }
}

/// The name of a header that an endpoint's owner may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderName(String);

/// A header sent with every delivery to an endpoint.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    name: HeaderName,
    value: String,
}

/// Names a caller may not set: they belong to the connection, to the signature, or to the cloud's own proxies.
const FORBIDDEN_HEADERS: [&str; 19] = [
    "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "date", "expect",
    "forwarded", "host", "keep-alive", "origin", "referer", "server", "te", "trailer", "transfer-encoding", "upgrade",
    "user-agent",
];
const FORBIDDEN_HEADER_PREFIXES: [&str; 11] = [
    "proxy-connection", "svix-", "webhook-", "x-amz-", "x-amzn-", "x-azure-", "x-fd-", "x-gfe", "x-goog", "x-google",
    "x-svix-",
];

/// Names whose values are credentials.
const SENSITIVE_HEADERS: [&str; 4] = ["authorization", "www-authenticate", "x-api-key", "x-auth-token"];

/// Whether a header of this name, in lower case, holds a credential.
pub fn is_credential(name: &str) -> bool {
    SENSITIVE_HEADERS.contains(&name) || name.starts_with("proxy-")
}

impl HeaderName {
    /// Checks the name; it is kept in lower case.
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        let name = name.to_ascii_lowercase();
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || name.len() > HEADER_NAME_BYTES_MAX || !name.bytes().all(is_token) {
            return Err(Invalid::new("this is not a header name"));
        }
        let is_forbidden = FORBIDDEN_HEADERS.contains(&name.as_str())
            || FORBIDDEN_HEADER_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        if is_forbidden {
            return Err(Invalid::new(format!("the header {name} is reserved and cannot be set")));
        }
        Ok(Self(name))
    }

    /// In lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Header {
    /// Checks name and value.
    pub fn parse(name: &str, value: &str) -> Result<Self, Invalid> {
        let name = HeaderName::parse(name)?;
        if value.len() > HEADER_VALUE_BYTES_MAX || !value.bytes().all(|b| b == b'\t' || (b >= b' ' && b != 0x7f)) {
            return Err(Invalid::new(format!(
                "the value of header {} must be at most {HEADER_VALUE_BYTES_MAX} bytes without control characters",
                name.as_str()
            )));
        }
        Ok(Self { name, value: value.to_owned() })
    }

    /// Whether the value is a credential by its name: shown to nobody, not even to its owner.
    pub fn is_sensitive(&self) -> bool {
        is_credential(self.name())
    }

    /// In lower case.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// May be a credential: never log it.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Header({}: …)", self.name())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn headers_of_the_connection_and_the_signature_cannot_be_set() {
        for name in ["Host", "content-type", "Webhook-Signature", "svix-id", "X-Amz-Security-Token", "", "a b", "a:b"] {
            assert!(Header::parse(name, "x").is_err(), "{name:?}");
        }
        assert!(Header::parse("x-ok", "line\r\nbreak").is_err());
        assert_eq!(Header::parse("Authorization", "Bearer s3cret").unwrap().name(), "authorization");
    }

    #[test]
    fn a_header_does_not_print_its_value() {
        let header = Header::parse("authorization", "Bearer s3cret").unwrap();
        assert!(!format!("{header:?}").contains("s3cret"));
    }

    #[test]
    fn credentials_are_known_by_their_header() {
        for (name, is_sensitive) in [("Authorization", true), ("X-Api-Key", true), ("proxy-x", true), ("x-shop", false)]
        {
            assert_eq!(Header::parse(name, "v").unwrap().is_sensitive(), is_sensitive, "{name}");
        }
    }
}
