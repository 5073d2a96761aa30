//! Who wants a message.
//!
//! An endpoint without event types wants all of them; one without channels wants every message; one with channels wants
//! only messages that share one with it. A disabled endpoint gets nothing.

use super::ids::EndpointId;
use super::names::{Channel, EventTypeName};

/// As much of an endpoint as publishing needs: it reads all of an application's endpoints for every message, and neither
/// addresses nor secrets help it to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// Which endpoint.
    pub endpoint: EndpointId,
    /// Whether it gets anything at all.
    pub is_enabled: bool,
    /// Only these event types; empty means every one.
    pub event_types: Vec<EventTypeName>,
    /// Only messages with one of these channels; empty means every message.
    pub channels: Vec<Channel>,
    /// Whether it gets messages of one ordering key one after the other.
    pub is_ordered: bool,
}

impl Subscriber {
    /// Whether it gets a message of this type on these channels.
    pub fn wants(&self, event_type: &EventTypeName, channels: &[Channel]) -> bool {
        self.is_enabled
            && (self.event_types.is_empty() || self.event_types.contains(event_type))
            && (self.channels.is_empty() || self.channels.iter().any(|channel| channels.contains(channel)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::timestamp::Timestamp;

    fn names(text: &str) -> impl Iterator<Item = &str> {
        text.split(' ').filter(|name| !name.is_empty())
    }

    fn channels(text: &str) -> Vec<Channel> {
        names(text).map(|name| Channel::parse(name).unwrap()).collect()
    }

    fn subscriber(event_types: &str, wanted_channels: &str) -> Subscriber {
        Subscriber {
            endpoint: EndpointId::new(Timestamp::from_millis(1_764_000_000_000), [0; 15]),
            is_enabled: true,
            event_types: names(event_types).map(|name| EventTypeName::parse(name).unwrap()).collect(),
            channels: channels(wanted_channels),
            is_ordered: false,
        }
    }

    #[track_caller]
    fn check(wanted_types: &str, wanted_channels: &str, message_channels: &str, expected: bool) {
        let event_type = EventTypeName::parse("a.b").unwrap();
        let wanted = subscriber(wanted_types, wanted_channels).wants(&event_type, &channels(message_channels));
        assert_eq!(
            wanted, expected,
            "types {wanted_types:?} channels {wanted_channels:?} message {message_channels:?}"
        );
    }

    #[test]
    fn filters_by_event_type_and_channel() {
        check("", "", "", true);
        check("", "", "x", true);
        check("a.b", "", "", true);
        check("a.c a.b", "", "", true);
        check("a.c", "", "", false);
        check("a", "", "", false);
        check("", "x", "", false);
        check("", "x", "x", true);
        check("", "x y", "y z", true);
        check("a.b", "x", "y", false);
        check("a.c", "x", "x", false);
    }

    #[test]
    fn a_disabled_endpoint_gets_nothing() {
        let disabled = Subscriber { is_enabled: false, ..subscriber("", "") };
        assert!(!disabled.wants(&EventTypeName::parse("a.b").unwrap(), &[]));
    }
}
