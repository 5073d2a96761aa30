//! From a provider's event to the message that it becomes: its type, its identity, its headers.
//!
//! **A provider's retry is the same message.** The provider's identifier of the event is the event id, as it is or, when event ids
//! are not made of such characters, as a hash. An event without one is identified by what it says: a hash over the source, its place
//! in the request, its type and its payload.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::inbound::InboundEvent;
use super::message::{MessageDraft, RETENTION_DAYS_DEFAULT};
use super::names::EventId;
use super::original_headers::OriginalHeaders;
use super::source::Source;

/// Before the hash of an identifier that event ids cannot hold.
const HASHED: &str = "hash_";

/// What is to be accepted for an event.
#[derive(Clone, Debug)]
pub struct InboundMessage {
    /// Identifies it when it has no event id.
    pub idempotency_key: String,
    /// The message.
    pub draft: MessageDraft,
}

/// The messages that a source makes of the events of one request; those that it ignores are left out.
pub fn messages_of(source: &Source, events: Vec<InboundEvent>, headers: &OriginalHeaders) -> Vec<InboundMessage> {
    let message = |(place, event)| message_of(source, place, event, headers);
    events.into_iter().enumerate().filter_map(message).collect()
}

fn message_of(source: &Source, place: usize, event: InboundEvent, headers: &OriginalHeaders) -> Option<InboundMessage> {
    let event_type = source.event_types.event_type(source.provider.name(), event.event_type.as_deref())?;
    let idempotency_key = hash(&[
        source.id.to_string().as_bytes(),
        &place.to_be_bytes(),
        event_type.as_str().as_bytes(),
        event.payload.as_str().as_bytes(),
    ]);
    let draft = MessageDraft {
        event_id: event.id.as_deref().and_then(event_id),
        event_type,
        channels: Vec::new(),
        tags: Vec::new(),
        payload: event.payload,
        retention_days: RETENTION_DAYS_DEFAULT,
        deliver_at: None,
        deliver_before: None,
        ordering_key: None,
        headers: headers.clone(),
    };
    Some(InboundMessage { idempotency_key, draft })
}

/// The provider's identifier, or its hash; none for one that says nothing.
fn event_id(text: &str) -> Option<EventId> {
    if text.is_empty() {
        return None;
    }
    EventId::parse(text).or_else(|_| EventId::parse(format!("{HASHED}{}", hash(&[text.as_bytes()])))).ok()
}

/// 43 characters that event ids may have.
fn hash(parts: &[&[u8]]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    URL_SAFE_NO_PAD.encode(context.finish())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::domain::ids::{ApplicationId, SourceId};
    use crate::domain::inbound::{EventNaming, Provider};
    use crate::domain::message::Payload;
    use crate::domain::source_address::SourceToken;
    use crate::domain::source_events::{EventTypeRule, Otherwise};
    use crate::domain::timestamp::Timestamp;

    fn source(number: u8) -> Source {
        let at = Timestamp::from_millis(1_764_000_000_000);
        Source {
            id: SourceId::new(at, [number; 15]),
            uid: None,
            name: "s".to_owned(),
            provider: Provider::None(EventNaming::default()),
            secrets: None,
            application: ApplicationId::new(at, [0; 15]),
            event_types: EventTypeRule::new(Otherwise::ByKind, BTreeMap::new(), BTreeSet::from(["ping".to_owned()]))
                .unwrap(),
            forwarded_headers: Vec::new(),
            is_disabled: false,
            token: SourceToken::new([0; 24]),
            created_at: at,
            updated_at: at,
        }
    }

    fn event(id: Option<&str>, event_type: &str, payload: &str) -> InboundEvent {
        InboundEvent {
            id: id.map(str::to_owned),
            event_type: Some(event_type.to_owned()),
            payload: Payload::from_text(payload.to_owned()).unwrap(),
        }
    }

    fn messages(number: u8, events: Vec<InboundEvent>) -> Vec<InboundMessage> {
        messages_of(&source(number), events, &OriginalHeaders::default())
    }

    #[track_caller]
    fn check_id(theirs: Option<&str>, ours: Option<&str>) {
        let messages = messages(1, vec![event(theirs, "a", "{}")]);
        assert_eq!(messages[0].draft.event_id.as_ref().map(EventId::as_str), ours, "{theirs:?}");
    }

    #[test]
    fn the_providers_identifier_is_the_event_id_or_its_hash_is() {
        check_id(Some("evt_1Nv0FGQ9RKHgCVdK"), Some("evt_1Nv0FGQ9RKHgCVdK"));
        check_id(Some("a b"), Some(&format!("hash_{}", hash(&[b"a b"]))));
        // What looks like an identifier of ours is none.
        check_id(
            Some("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"),
            Some(&format!("hash_{}", hash(&[b"msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"]))),
        );
        check_id(Some(&"a".repeat(300)), Some(&format!("hash_{}", hash(&["a".repeat(300).as_bytes()]))));
        check_id(Some(""), None);
        check_id(None, None);
    }

    #[test]
    fn without_one_what_an_event_says_is_its_identity() {
        let key = |number, event_type: &str, payload: &str| {
            messages(number, vec![event(None, event_type, payload)]).remove(0).idempotency_key
        };
        assert_eq!(key(1, "a", "{}"), key(1, "a", "{}"));
        for other in [key(2, "a", "{}"), key(1, "b", "{}"), key(1, "a", "{ }")] {
            assert_ne!(key(1, "a", "{}"), other);
        }
        let twice = messages(1, vec![event(None, "a", "{}"), event(None, "a", "{}")]);
        assert_ne!(twice[0].idempotency_key, twice[1].idempotency_key, "two events of one request are two");
    }

    #[test]
    fn what_is_ignored_becomes_no_message_and_moves_no_other() {
        let both = messages(1, vec![event(None, "ping", "{}"), event(None, "a", "{}")]);
        assert_eq!(both.len(), 1);
        assert_ne!(both[0].idempotency_key, messages(1, vec![event(None, "a", "{}")])[0].idempotency_key);
    }
}
