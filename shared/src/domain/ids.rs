//! Typed identifiers: a prefix that names the kind, then a [`Ksuid`]. One Rust type for every kind, so that an
//! endpoint's id can never be passed where a message's is meant.

use super::ksuid::{Ksuid, TAIL_BYTES};
use super::timestamp::Timestamp;

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ksuid);

        impl $name {
            /// What every identifier of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// The identifier of this instant with the given tail.
            pub fn new(at: Timestamp, tail: [u8; TAIL_BYTES]) -> Self {
                Self(Ksuid::new(at, tail))
            }

            /// Parses the prefixed text form; `None` for anything else.
            pub fn parse(text: &str) -> Option<Self> {
                text.strip_prefix($prefix).and_then(Ksuid::parse).map(Self)
            }

            /// The identifier without its prefix: what keys are made of.
            pub fn ksuid(&self) -> Ksuid {
                self.0
            }

            /// Puts the prefix back on what a key holds.
            pub fn from_ksuid(ksuid: Ksuid) -> Self {
                Self(ksuid)
            }

            /// When this identifier was made, to 4 ms.
            pub fn timestamp(&self) -> Timestamp {
                self.0.timestamp()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{self}")
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom(concat!("not a ", $prefix, " identifier")))
            }
        }
    };
}

typed_id!(
    /// Who owns applications: the subject of a caller's token.
    OrganizationId, "org_");
typed_id!(
    /// One customer of the organization.
    ApplicationId, "app_");
typed_id!(
    /// A URL that wants messages.
    EndpointId, "ep_");
typed_id!(
    /// One accepted event. Its tail is derived from the event id or idempotency key: see [`super::message`].
    MessageId, "msg_");
typed_id!(
    /// One HTTP request of a delivery.
    AttemptId, "atmpt_");
typed_id!(
    /// Where a delivery that ended without being delivered stands among its endpoint's: see [`super::undelivered`].
    UndeliveredId, "und_");
typed_id!(
    /// One piece of work in the background.
    TaskId, "qtask_");
typed_id!(
    /// One uploaded file of events.
    ImportId, "imp_");

typed_id!(
    /// One request to the API, as the logs know it.
    RequestId, "req_");
typed_id!(
    /// A secret text that lets a machine in.
    ApiKeyId, "key_");

typed_id!(
    /// One change of the configuration, in the audit log.
    ChangeId, "audit_");

typed_id!(
    /// Where webhooks of a provider come in.
    SourceId, "src_");

/// An application within its organization: the scope every message, endpoint and attempt lives in, and the beginning of
/// each of their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppScope {
    /// The owner.
    pub organization: OrganizationId,
    /// The application.
    pub application: ApplicationId,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_identifier_round_trips_through_text_and_json() {
        let id = EndpointId::new(Timestamp::from_millis(1_764_000_000_000), [7; TAIL_BYTES]);
        assert_eq!(EndpointId::parse(&id.to_string()), Some(id));
        assert_eq!(serde_json::from_str::<EndpointId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
        assert_eq!(id.to_string().len(), "ep_".len() + 27);
    }

    #[test]
    fn one_kind_does_not_parse_as_another() {
        let id = EndpointId::new(Timestamp::from_millis(1_764_000_000_000), [7; TAIL_BYTES]);
        assert_eq!(MessageId::parse(&id.to_string()), None);
        assert_eq!(EndpointId::parse(&id.ksuid().to_string()), None);
    }
}
