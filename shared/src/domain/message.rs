//! A message: one event, accepted once.
//!
//! **Its id makes acceptance idempotent for free.** The 15 bytes after the id's time are a hash of what identifies the
//! event, and the stored item is keyed by those bytes. So the key follows from the message id, from the event id and from
//! the idempotency key alike, and one conditional put both stores a new message and finds the first one on a repeat.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest;
use serde_json::value::RawValue;

use super::Invalid;
use super::ids::{AppScope, ImportId, MessageId};
use super::ksuid::{Ksuid, TAIL_BYTES};
use super::names::{Channel, EventId, EventTypeName, OrderingKey, Tag};
use super::original_headers::OriginalHeaders;
use super::timestamp::{MS_PER_DAY, Timestamp};

/// Channels of one message.
pub const MESSAGE_CHANNELS_MAX: usize = 5;

/// Tags of one message.
pub const MESSAGE_TAGS_MAX: usize = 5;

/// Largest payload. Receivers and the specification advise far less (20 kB); more than this and API Gateway, Lambda and
/// most receivers refuse the request anyway.
pub const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

/// Deepest payload. Parsers of receivers stop at some depth, or fall over; 128 levels pass through those of the common languages.
pub const PAYLOAD_DEPTH_MAX: usize = 128;

/// How long a message and its attempts are kept unless the caller says otherwise, in days.
pub const RETENTION_DAYS_DEFAULT: u16 = 90;

/// How far ahead a message may be accepted, in days.
pub const DELIVER_AHEAD_DAYS_MAX: i64 = 30;

/// How far ahead a message's deadline may be, in days: no message need be kept for longer than one without a deadline.
pub const DEADLINE_DAYS_MAX: i64 = RETENTION_DAYS_DEFAULT as i64;

/// Longest idempotency key taken from a caller.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 256;

/// One event, accepted once.
#[derive(Clone, Debug)]
pub struct Message {
    /// Ours; what receivers see as `webhook-id`.
    pub id: MessageId,
    /// The caller's own identifier of the event.
    pub event_id: Option<EventId>,
    /// What happened.
    pub event_type: EventTypeName,
    /// Second dimension to subscribe by; empty for none.
    pub channels: Vec<Channel>,
    /// Labels to find it by.
    pub tags: Vec<Tag>,
    /// What is delivered, byte for byte; where it is.
    pub payload: PayloadPlace,
    /// When it was first accepted.
    pub accepted_at: Timestamp,
    /// Before this it is not delivered.
    pub deliver_at: Option<Timestamp>,
    /// From this on it is not delivered any more.
    pub deliver_before: Option<Timestamp>,
    /// Endpoints that are ordered get the messages of one key one after the other.
    pub ordering_key: Option<OrderingKey>,
    /// The record of an uploaded file that it was made from.
    pub origin: Option<Origin>,
    /// What came with the event beside its body; deliveries carry it.
    pub headers: OriginalHeaders,
    /// Whether it was called off before it was delivered.
    pub is_canceled: bool,
    /// After this it is forgotten.
    pub expires_at: Timestamp,
}

impl Message {
    /// Whether nothing of it is sent any more: somebody canceled it, or had its payload removed.
    pub fn is_called_off(&self) -> bool {
        self.is_canceled || self.payload.is_expunged()
    }

    /// Whether an attempt may be made now.
    pub fn is_deliverable(&self, now: Timestamp) -> bool {
        !self.is_called_off()
            && self.expires_at > now
            && self.deliver_at.is_none_or(|at| at <= now)
            && self.deliver_before.is_none_or(|deadline| deadline > now)
    }
}

/// Where a message's payload is.
#[derive(Clone, Debug)]
pub enum PayloadPlace {
    /// In hand.
    Here(Payload),
    /// Too large for the message's record: in the blob store, under this name.
    Blob(String),
    /// Nowhere: somebody had it removed. The message is neither shown with it nor delivered any more.
    Expunged,
}

impl PayloadPlace {
    /// Whether it was removed.
    pub fn is_expunged(&self) -> bool {
        matches!(self, Self::Expunged)
    }
}

/// What a caller asks to be accepted.
#[derive(Clone, Debug)]
pub struct MessageDraft {
    /// The caller's own identifier of the event.
    pub event_id: Option<EventId>,
    /// What happened.
    pub event_type: EventTypeName,
    /// Second dimension to subscribe by.
    pub channels: Vec<Channel>,
    /// Labels to find it by.
    pub tags: Vec<Tag>,
    /// What is to be delivered.
    pub payload: Payload,
    /// How long it is kept, from when it can be delivered.
    pub retention_days: u16,
    /// Before this it is not delivered.
    pub deliver_at: Option<Timestamp>,
    /// From this on it is not delivered any more.
    pub deliver_before: Option<Timestamp>,
    /// Endpoints that are ordered get the messages of one key one after the other.
    pub ordering_key: Option<OrderingKey>,
    /// What came with the event beside its body. No part of the content: the repeat of an event may have others.
    pub headers: OriginalHeaders,
}

/// A JSON object, kept as the text that came in: receivers get and verify exactly these bytes.
#[derive(Clone)]
pub struct Payload(Arc<RawValue>);

impl Payload {
    /// Takes a JSON text whose outermost value is an object and that is not too large.
    pub fn parse(json: Box<RawValue>) -> Result<Self, Invalid> {
        if !json.get().starts_with('{') {
            return Err(Invalid::new("must be a JSON object"));
        }
        if json.get().len() > PAYLOAD_BYTES_MAX {
            return Err(Invalid::new(format!("must not be larger than {PAYLOAD_BYTES_MAX} bytes")));
        }
        if depth(json.get()) > PAYLOAD_DEPTH_MAX {
            return Err(Invalid::new(format!("must not be nested deeper than {PAYLOAD_DEPTH_MAX} levels")));
        }
        Ok(Self(Arc::from(json)))
    }

    /// Takes text that should be what [`Payload::parse`] takes; for text that comes back from storage.
    pub fn from_text(text: String) -> Result<Self, Invalid> {
        RawValue::from_string(text).map_err(|reason| Invalid::new(reason.to_string())).and_then(Self::parse)
    }

    /// What is shown in place of a payload that is gone.
    pub fn gone() -> Self {
        GONE.clone()
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// For embedding in other JSON unchanged.
    pub fn as_raw(&self) -> &RawValue {
        &self.0
    }
}

/// How deep a JSON text nests. It is one, so brackets outside of strings are all there is to look at.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut is_in_string, mut is_escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        if is_in_string {
            (is_in_string, is_escaped) = match (byte, is_escaped) {
                (_, true) => (true, false),
                (b'\\', false) => (true, true),
                (b'"', false) => (false, false),
                _ => (true, false),
            };
            continue;
        }
        match byte {
            b'"' => is_in_string = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[allow(clippy::expect_used)] // a constant: the first test that expunges a message would meet it
static GONE: LazyLock<Payload> =
    LazyLock::new(|| Payload::from_text(r#"{"expired":true}"#.to_owned()).expect("an object"));

impl serde::Serialize for Payload {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Payload({} bytes)", self.as_str().len())
    }
}

/// What identifies the event in a request to accept it.
#[derive(Clone, Copy, Debug)]
pub enum MessageIdentity<'a> {
    /// The caller's event id: the same for ever.
    EventId(&'a EventId),
    /// The idempotency key of the HTTP request: the same for its repeats.
    IdempotencyKey(&'a str),
    /// Neither was given: every request is a new event.
    Random([u8; TAIL_BYTES]),
    /// A record of an uploaded file without an event id: the same for every time it is read.
    Record(&'a Origin),
}

/// The record of an uploaded file that a message was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The import of the file.
    pub import: ImportId,
    /// Where in the file the record begins, unpacked.
    pub offset: u64,
}

impl Origin {
    /// The text that [`Display`](std::fmt::Display) makes.
    pub fn parse(text: &str) -> Option<Self> {
        let (import, offset) = text.split_once('@')?;
        Some(Self { import: Ksuid::parse(import).map(ImportId::from_ksuid)?, offset: offset.parse().ok()? })
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.import.ksuid(), self.offset)
    }
}

impl MessageIdentity<'_> {
    /// The 15 bytes that key the message of this identity in an application.
    pub fn tail(&self, scope: &AppScope) -> [u8; TAIL_BYTES] {
        let of_record;
        let (kind, text) = match self {
            Self::EventId(event_id) => (b'e', event_id.as_str()),
            Self::IdempotencyKey(key) => (b'k', *key),
            Self::Random(tail) => return *tail,
            Self::Record(origin) => {
                of_record = origin.to_string();
                (b'r', of_record.as_str())
            }
        };
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(scope.organization.ksuid().as_bytes());
        context.update(scope.application.ksuid().as_bytes());
        context.update(&[kind]);
        context.update(text.as_bytes());
        let mut tail = [0; TAIL_BYTES];
        tail.copy_from_slice(&context.finish().as_ref()[..TAIL_BYTES]);
        tail
    }
}

/// What tells a true repeat from another event under the same identity: a hash over everything the caller sent that
/// becomes part of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentHash(pub [u8; 16]);

impl MessageDraft {
    /// When it is forgotten, accepted now: after its retention from when it can be delivered, and not before its deadline.
    pub fn expires_at(&self, now: Timestamp) -> Timestamp {
        let from = self.deliver_at.map_or(now, |at| at.max(now));
        let expires_at = from.plus_millis(i64::from(self.retention_days) * MS_PER_DAY);
        self.deliver_before.map_or(expires_at, |deadline| deadline.max(expires_at))
    }

    /// The hash of what was asked.
    pub fn content_hash(&self) -> ContentHash {
        let mut context = digest::Context::new(&digest::SHA256);
        let mut part = |bytes: &[u8]| {
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        };
        part(self.event_type.as_str().as_bytes());
        part(self.event_id.as_ref().map_or(&[], |id| id.as_str().as_bytes()));
        part(self.payload.as_str().as_bytes());
        for channel in &self.channels {
            part(channel.as_str().as_bytes());
        }
        part(b"tags");
        for tag in &self.tags {
            part(tag.as_str().as_bytes());
        }
        if let Some(at) = self.deliver_at {
            part(b"deliver at");
            part(&at.as_millis().to_be_bytes());
        }
        if let Some(deadline) = self.deliver_before {
            part(b"deliver before");
            part(&deadline.as_millis().to_be_bytes());
        }
        if let Some(key) = &self.ordering_key {
            part(b"ordering key");
            part(key.as_str().as_bytes());
        }
        let mut hash = [0; 16];
        hash.copy_from_slice(&context.finish().as_ref()[..16]);
        ContentHash(hash)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::ids::{ApplicationId, OrganizationId};

    fn scope(application: u8) -> AppScope {
        let at = Timestamp::from_millis(1_764_000_000_000);
        AppScope {
            organization: OrganizationId::new(at, [1; TAIL_BYTES]),
            application: ApplicationId::new(at, [application; TAIL_BYTES]),
        }
    }

    #[test]
    fn a_payload_nests_so_deep_and_brackets_in_strings_do_not_count() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert!(Payload::from_text(nested(PAYLOAD_DEPTH_MAX)).is_ok());
        assert!(Payload::from_text(nested(PAYLOAD_DEPTH_MAX + 1)).is_err());
        let text = format!("{{\"a\\\"{0}\":\"\\\\\",\"b\":\"{0}\"}}", "[{".repeat(1_000));
        assert_eq!(depth(&text), 1);
        assert!(Payload::from_text(text).is_ok());
    }

    #[test]
    fn an_identity_is_the_same_only_in_the_same_application_and_kind() {
        let event_id = EventId::parse("order-7").unwrap();
        let by_event = MessageIdentity::EventId(&event_id);
        assert_eq!(by_event.tail(&scope(1)), by_event.tail(&scope(1)));
        assert_ne!(by_event.tail(&scope(1)), by_event.tail(&scope(2)));
        assert_ne!(by_event.tail(&scope(1)), MessageIdentity::IdempotencyKey("order-7").tail(&scope(1)));
    }

    fn draft(payload: &str, channels: &[&str], tags: &[&str]) -> MessageDraft {
        MessageDraft {
            event_id: None,
            event_type: EventTypeName::parse("a.b").unwrap(),
            channels: channels.iter().map(|c| Channel::parse(*c).unwrap()).collect(),
            tags: tags.iter().map(|t| Tag::parse(*t).unwrap()).collect(),
            payload: Payload::from_text(payload.to_owned()).unwrap(),
            retention_days: RETENTION_DAYS_DEFAULT,
            deliver_at: None,
            deliver_before: None,
            ordering_key: None,
            headers: OriginalHeaders::default(),
        }
    }

    #[test]
    fn every_part_of_the_content_changes_the_hash() {
        let base = draft("{}", &["a"], &[]).content_hash();
        assert_eq!(base, draft("{}", &["a"], &[]).content_hash());
        for other in [draft("{ }", &["a"], &[]), draft("{}", &[], &["a"]), draft("{}", &["a", "b"], &[])] {
            assert_ne!(base, other.content_hash());
        }
        let at = Timestamp::from_millis(1_764_000_000_000);
        let parts = [
            MessageDraft { deliver_at: Some(at), ..draft("{}", &["a"], &[]) },
            MessageDraft { deliver_before: Some(at), ..draft("{}", &["a"], &[]) },
            MessageDraft { ordering_key: Some(OrderingKey::parse("a").unwrap()), ..draft("{}", &["a"], &[]) },
        ];
        let mut hashes: Vec<ContentHash> = parts.iter().map(MessageDraft::content_hash).collect();
        hashes.push(base);
        for (n, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..n].contains(hash), "part {n}");
        }
    }

    #[test]
    fn headers_are_no_part_of_the_content() {
        let headers = OriginalHeaders::from_stored([("x-a", "1")]);
        let other = MessageDraft { headers, ..draft("{}", &["a"], &[]) };
        assert_eq!(other.content_hash(), draft("{}", &["a"], &[]).content_hash());
    }

    #[test]
    fn the_hash_of_a_message_without_the_newer_parts_is_the_one_that_is_stored() {
        let hash = draft(r#"{"a":1}"#, &["c"], &["t"]).content_hash();
        assert_eq!(u128::from_be_bytes(hash.0), 0x70dd0e454f1420f1d2735cd3f41929f8);
    }

    #[test]
    fn a_message_is_kept_for_its_retention_and_until_its_deadline() {
        let at = |days: i64| Timestamp::from_millis(days * MS_PER_DAY);
        let kept = |deliver_at: Option<i64>, deadline: Option<i64>| {
            let (deliver_at, deliver_before) = (deliver_at.map(at), deadline.map(at));
            MessageDraft { retention_days: 5, deliver_at, deliver_before, ..draft("{}", &[], &[]) }.expires_at(at(1))
        };
        assert_eq!(kept(None, None), at(6));
        assert_eq!(kept(Some(0), None), at(6));
        assert_eq!(kept(Some(3), None), at(8));
        assert_eq!(kept(None, Some(2)), at(6));
        assert_eq!(kept(Some(3), Some(9)), at(9));
    }

    #[test]
    fn a_message_is_delivered_from_its_time_to_its_deadline() {
        let at = Timestamp::from_millis;
        let message = Message {
            id: MessageId::new(at(1_764_000_000_000), [0; TAIL_BYTES]),
            event_id: None,
            event_type: EventTypeName::parse("a.b").unwrap(),
            channels: Vec::new(),
            tags: Vec::new(),
            payload: PayloadPlace::Here(Payload::from_text("{}".to_owned()).unwrap()),
            accepted_at: at(0),
            deliver_at: Some(at(10)),
            deliver_before: Some(at(20)),
            ordering_key: None,
            origin: None,
            headers: OriginalHeaders::default(),
            is_canceled: false,
            expires_at: at(30),
        };
        for (now, is_deliverable) in [(9, false), (10, true), (19, true), (20, false)] {
            assert_eq!(message.is_deliverable(at(now)), is_deliverable, "at {now}");
        }
    }

    #[test]
    fn an_origin_reads_back_and_identifies_its_record() {
        let origin = |offset| Origin { import: ImportId::new(Timestamp::from_millis(0), [7; TAIL_BYTES]), offset };
        assert_eq!(Origin::parse(&origin(12).to_string()), Some(origin(12)));
        for text in ["", "@1", "x@1", "origin"] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
        let tail = |origin: Origin| MessageIdentity::Record(&origin).tail(&scope(1));
        assert_eq!(tail(origin(12)), tail(origin(12)));
        assert_ne!(tail(origin(12)), tail(origin(13)));
    }

    #[test]
    fn a_payload_is_an_object_and_keeps_its_bytes() {
        let odd = r#"{ "b":1.0e2,  "a":"\u00e9é" }"#;
        assert_eq!(Payload::from_text(odd.to_owned()).unwrap().as_str(), odd);
        for not_an_object in ["[]", "1", "null", "\"x\"", "{", ""] {
            assert!(Payload::from_text(not_an_object.to_owned()).is_err(), "{not_an_object:?}");
        }
    }
}
