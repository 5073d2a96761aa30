//! A source: where the webhooks of one provider come in. Whom to believe, what the events are called here, and for which
//! application they are.

use super::Invalid;
use super::endpoint::HeaderName;
use super::ids::{ApplicationId, OrganizationId, SourceId};
use super::inbound::{InboundSecret, Provider};
use super::names::SourceUid;
use super::revision::Revision;
use super::rotation::Rotating;
use super::source_address::{SourceAddress, SourceToken};
use super::source_events::EventTypeRule;
use super::timestamp::Timestamp;

/// Sources of one organization. Whoever creates one counts the others, which reads them all: about a megabyte.
pub const SOURCES_PER_ORGANIZATION_MAX: usize = 1_000;

/// Longest name of a source, in bytes.
pub const SOURCE_NAME_BYTES_MAX: usize = 256;

/// Headers that a source may forward besides those its provider is known for.
pub const FORWARDED_HEADERS_MAX: usize = 10;

/// Where the webhooks of one provider come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Ours.
    pub id: SourceId,
    /// The caller's own identifier, if there is one; unique in the organization.
    pub uid: Option<SourceUid>,
    /// For people.
    pub name: String,
    /// Who sends, and how its requests are verified.
    pub provider: Provider,
    /// What they are verified with; none for a provider that has no secret.
    pub secrets: Option<Rotating<InboundSecret>>,
    /// Whose events they are.
    pub application: ApplicationId,
    /// What the events are called.
    pub event_types: EventTypeRule,
    /// Headers that go on with the deliveries, besides those the provider is known for.
    pub forwarded_headers: Vec<HeaderName>,
    /// Whether nothing is taken at present.
    pub is_disabled: bool,
    /// The secret part of its address.
    pub token: SourceToken,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Source {
    /// Names the state it is in.
    pub fn revision(&self) -> Revision {
        Revision::new(self.id, self.updated_at)
    }

    /// Where its provider calls.
    pub fn address(&self, organization: &OrganizationId) -> SourceAddress {
        SourceAddress { organization: *organization, source: self.id, token: self.token }
    }

    /// The secrets that are valid at this instant.
    pub fn secrets_at(&self, at: Timestamp) -> Vec<InboundSecret> {
        self.secrets.iter().flat_map(|secrets| secrets.valid_at(at)).cloned().collect()
    }

    /// Names of the headers that go on with its events.
    pub fn headers_that_go_on(&self) -> impl Iterator<Item = &str> {
        let own = self.forwarded_headers.iter().map(HeaderName::as_str);
        self.provider.forwarded_headers().iter().copied().chain(own)
    }

    /// With a provider's settings that are to hold from now on. The kind stays, for what the secrets are follows from it.
    fn with_provider(self, provider: Provider) -> Result<Self, Invalid> {
        if provider.name() != self.provider.name() {
            let kind = self.provider.name();
            return Err(Invalid::new(format!("the kind of a source stays as it is, {kind}; make another source")));
        }
        for secret in self.secrets.iter().map(|secrets| &secrets.current) {
            provider.check_secret(secret.as_text())?;
        }
        Ok(Self { provider, ..self })
    }
}

/// What a caller says about a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceDraft {
    /// For people.
    pub name: String,
    /// The caller's own identifier.
    pub uid: Option<SourceUid>,
    /// Who sends.
    pub provider: Provider,
    /// What the events are called.
    pub event_types: EventTypeRule,
    /// Headers that go on besides the provider's.
    pub forwarded_headers: Vec<HeaderName>,
    /// Whether nothing is taken.
    pub is_disabled: bool,
}

/// What a new source gets that no caller says.
#[derive(Clone, Debug)]
pub struct SourceParts {
    /// Its identifier.
    pub id: SourceId,
    /// For whom its events are.
    pub application: ApplicationId,
    /// What it verifies with first.
    pub secret: Option<InboundSecret>,
    /// The secret part of its address.
    pub token: SourceToken,
}

impl SourceDraft {
    /// A new source.
    pub fn create(self, parts: SourceParts, now: Timestamp) -> Source {
        Source {
            id: parts.id,
            uid: self.uid,
            name: self.name,
            provider: self.provider,
            secrets: parts.secret.map(Rotating::only),
            application: parts.application,
            event_types: self.event_types,
            forwarded_headers: self.forwarded_headers,
            is_disabled: self.is_disabled,
            token: parts.token,
            created_at: now,
            updated_at: now,
        }
    }

    /// The source with everything the caller may say replaced; secrets and token have operations of their own.
    pub fn replace(self, before: &Source, application: ApplicationId, now: Timestamp) -> Result<Source, Invalid> {
        let after = Source {
            uid: self.uid,
            name: self.name,
            application,
            event_types: self.event_types,
            forwarded_headers: self.forwarded_headers,
            is_disabled: self.is_disabled,
            updated_at: now.later_than(before.updated_at),
            ..before.clone()
        };
        after.with_provider(self.provider)
    }
}

/// What a caller wants changed about a source; `None` is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourcePatch {
    /// For people.
    pub name: Option<String>,
    /// The caller's own identifier, or none from now on.
    pub uid: Option<Option<SourceUid>>,
    /// The provider's settings.
    pub provider: Option<Provider>,
    /// What the events are called.
    pub event_types: Option<EventTypeRule>,
    /// Headers that go on besides the provider's, all of them.
    pub forwarded_headers: Option<Vec<HeaderName>>,
    /// Whether nothing is taken.
    pub is_disabled: Option<bool>,
}

impl SourcePatch {
    /// The source with what the caller said changed; `application`: for whom its events are from now on.
    pub fn apply(self, before: &Source, application: Option<ApplicationId>, now: Timestamp) -> Result<Source, Invalid> {
        let after = Source {
            uid: self.uid.unwrap_or_else(|| before.uid.clone()),
            name: self.name.unwrap_or_else(|| before.name.clone()),
            application: application.unwrap_or(before.application),
            event_types: self.event_types.unwrap_or_else(|| before.event_types.clone()),
            forwarded_headers: self.forwarded_headers.unwrap_or_else(|| before.forwarded_headers.clone()),
            is_disabled: self.is_disabled.unwrap_or(before.is_disabled),
            updated_at: now.later_than(before.updated_at),
            ..before.clone()
        };
        match self.provider {
            Some(provider) => after.with_provider(provider),
            None => Ok(after),
        }
    }
}
