//! Names callers choose: uids, event ids, event type names, channels, tags, ordering keys. All share one alphabet so that a name can
//! stand in a URL path and in a key unescaped.

use super::Invalid;
use super::ids::{ApplicationId, EndpointId, MessageId, SourceId};

/// Longest name of any kind: it becomes part of a table key (2,048 bytes at most) together with two identifiers.
pub const NAME_CHARS_MAX: usize = 256;

/// Longest channel; channels travel with every message.
pub const CHANNEL_CHARS_MAX: usize = 128;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks the text against this kind's rule.
            pub fn parse(text: impl Into<String>) -> Result<Self, Invalid> {
                let text = text.into();
                let check: fn(&str) -> Result<(), Invalid> = $check;
                check(&text)?;
                Ok(Self(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// The caller's own identifier of an application; unique in the organization. Never looks like an application id.
    ApplicationUid, |text| uid(text, ApplicationId::PREFIX));
name!(
    /// The caller's own identifier of an endpoint; unique in the application. Never looks like an endpoint id.
    EndpointUid, |text| uid(text, EndpointId::PREFIX));
name!(
    /// The caller's own identifier of a source; unique in the organization. Never looks like a source id.
    SourceUid, |text| uid(text, SourceId::PREFIX));
name!(
    /// The caller's own identifier of an event; one message per application and event id. Never looks like a message id.
    EventId, |text| uid(text, MessageId::PREFIX));
name!(
    /// What happened, for example `invoice.paid`.
    EventTypeName, |text| of_alphabet(text, NAME_CHARS_MAX, ""));
name!(
    /// A second dimension to subscribe by, for example a project of the customer.
    Channel, |text| of_alphabet(text, CHANNEL_CHARS_MAX, ":+"));
name!(
    /// A label to find messages by.
    Tag, |text| of_alphabet(text, CHANNEL_CHARS_MAX, ":+"));
name!(
    /// What messages belong together by, that an ordered endpoint gets one after the other.
    OrderingKey, |text| of_alphabet(text, NAME_CHARS_MAX, ""));

fn uid(text: &str, own_prefix: &str) -> Result<(), Invalid> {
    if text.starts_with(own_prefix) {
        return Err(Invalid::new(format!("must not begin with {own_prefix}, which marks our own identifiers")));
    }
    of_alphabet(text, NAME_CHARS_MAX, "")
}

fn of_alphabet(text: &str, chars_max: usize, also: &str) -> Result<(), Invalid> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c) || also.contains(c);
    if text.is_empty() || text.len() > chars_max || !text.chars().all(fits) {
        return Err(Invalid::new(format!("must be 1 to {chars_max} characters out of a-z, A-Z, 0-9 and -_.{also}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, fits: bool) {
        assert_eq!(ApplicationUid::parse(text).is_ok(), fits, "{text:?}");
    }

    #[test]
    fn uids_are_url_safe_names_that_do_not_look_like_ids() {
        check("acme", true);
        check("Acme-1_2.x", true);
        check("ep_is-not-this-kinds-prefix", true);
        check(&"a".repeat(256), true);
        check("", false);
        check(&"a".repeat(257), false);
        check("app_looks-like-an-id", false);
        check("with space", false);
        check("with/slash", false);
        check("ünïcode", false);
        check("hash#ed", false);
    }

    #[test]
    fn channels_allow_colon_and_plus() {
        assert!(Channel::parse("project:123+staging").is_ok());
        assert!(Channel::parse("a".repeat(129)).is_err());
        assert!(EventTypeName::parse("invoice:paid").is_err());
    }
}
