//! Messages on the wire. A payload goes through as the text it is.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::application::ApplicationIn;
use super::checked_list;
use crate::domain::application::ApplicationDraft;
use crate::domain::ids::MessageId;
use crate::domain::message::{
    DEADLINE_DAYS_MAX, DELIVER_AHEAD_DAYS_MAX, MESSAGE_CHANNELS_MAX, MESSAGE_TAGS_MAX, Message, MessageDraft, Payload,
    RETENTION_DAYS_DEFAULT,
};
use crate::domain::names::{Channel, EventId, EventTypeName, OrderingKey, Tag};
use crate::domain::original_headers::OriginalHeaders;
use crate::domain::timestamp::{MS_PER_DAY, Timestamp};
use crate::http::Problem;
use crate::http::body::parse;
use crate::store::ApplicationRef;

// What the schemas below say in figures.
const _: () = assert!(MESSAGE_CHANNELS_MAX == 5 && MESSAGE_TAGS_MAX == 5);
const _: () = assert!(DELIVER_AHEAD_DAYS_MAX == 30 && DEADLINE_DAYS_MAX == 90);
const _: () = assert!(*RETENTION_DAYS.start() == 5 && *RETENTION_DAYS.end() == 90 && *RETENTION_HOURS.end() == 2_160);

/// How long a payload may be kept, in days.
const RETENTION_DAYS: std::ops::RangeInclusive<u16> = 5..=RETENTION_DAYS_DEFAULT;
/// The same in hours.
const RETENTION_HOURS: std::ops::RangeInclusive<u16> = 1..=RETENTION_DAYS_DEFAULT * 24;

/// What is accepted as a message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageIn {
    /// What happened. It need not be in the catalogue.
    event_type: EventTypeName,
    /// Your own identifier of the event: an application takes it once, a repeat is answered with the first message.
    event_id: Option<EventId>,
    /// A second dimension to subscribe by: endpoints with channels get messages that share one.
    #[schema(min_items = 1, max_items = 5)]
    channels: Option<Vec<Channel>>,
    /// Labels to find the message by.
    #[schema(max_items = 5)]
    tags: Option<Vec<Tag>>,
    /// What is delivered, byte for byte; not larger than 1 MiB.
    #[schema(value_type = BTreeMap<String, Value>)]
    payload: Box<RawValue>,
    /// For how many days the message and its attempts are kept.
    #[schema(minimum = 5, maximum = 90, default = 90)]
    payload_retention_period: Option<u16>,
    /// The same in hours, rounded up to whole days, when `payloadRetentionPeriod` is left out.
    #[schema(minimum = 1, maximum = 2_160)]
    payload_retention_hours: Option<u16>,
    /// When it is delivered, not further ahead than 30 days; left out: at once.
    deliver_at: Option<Timestamp>,
    /// When deliveries stop, whatever has become of them: in the future, after `deliverAt`, not further ahead than 90 days. The
    /// message is kept at least until then.
    deliver_before: Option<Timestamp>,
    /// Endpoints that are `ordered` get the messages of one key one after the other, as they were accepted; one that fails holds up
    /// those behind it. Not together with `deliverAt`.
    ordering_key: Option<OrderingKey>,
    /// The application, made first when nobody has its uid, which must be the one in the path.
    application: Option<ApplicationIn>,
}

impl MessageIn {
    /// Checked as a whole, for the application this path names; with the application, when it came along.
    pub fn into_draft(self, app_id: &str, now: Timestamp) -> Result<(MessageDraft, Option<ApplicationDraft>), Problem> {
        let retention_days = retention_days(self.payload_retention_period, self.payload_retention_hours)?;
        not_beyond("deliverAt", self.deliver_at, now, DELIVER_AHEAD_DAYS_MAX)?;
        not_beyond("deliverBefore", self.deliver_before, now, DEADLINE_DAYS_MAX)?;
        let is_too_early = |deadline| deadline <= now || self.deliver_at.is_some_and(|at| deadline <= at);
        if self.deliver_before.is_some_and(is_too_early) {
            return Err(Problem::field(&["body", "deliverBefore"], "must be in the future and after deliverAt"));
        }
        if self.ordering_key.is_some() && self.deliver_at.is_some_and(|at| at > now) {
            let reason = "cannot be in the future with an orderingKey: everything behind it would wait";
            return Err(Problem::field(&["body", "deliverAt"], reason));
        }
        let application = self.application.map(|application| application.into_draft_for(app_id)).transpose()?;
        let draft = MessageDraft {
            event_id: self.event_id,
            event_type: self.event_type,
            channels: checked_list("channels", self.channels, MESSAGE_CHANNELS_MAX)?,
            tags: checked_list("tags", self.tags.filter(|tags| !tags.is_empty()), MESSAGE_TAGS_MAX)?,
            payload: Payload::parse(self.payload).map_err(|reason| Problem::field(&["body", "payload"], reason.0))?,
            retention_days,
            deliver_at: self.deliver_at,
            deliver_before: self.deliver_before,
            ordering_key: self.ordering_key,
            headers: OriginalHeaders::default(),
        };
        Ok((draft, application))
    }
}

/// What a record of an uploaded file says: a message, and the application by name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordIn {
    event_type: EventTypeName,
    event_id: Option<EventId>,
    channels: Option<Vec<Channel>>,
    tags: Option<Vec<Tag>>,
    payload: Box<RawValue>,
    payload_retention_period: Option<u16>,
    payload_retention_hours: Option<u16>,
    deliver_at: Option<Timestamp>,
    deliver_before: Option<Timestamp>,
    ordering_key: Option<OrderingKey>,
    application: Option<String>,
}

/// Reads a record of an uploaded file by the rules of a message: whom it is for, if it says so, and what it says. `Err`: the rule
/// it breaks, for people.
pub fn read_record(json: &[u8], now: Timestamp) -> Result<(Option<ApplicationRef>, MessageDraft), String> {
    let record: RecordIn = parse(json).map_err(|problem| problem.reason())?;
    let application = match record.application.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => Some(ApplicationRef::parse(name).ok_or("application: there is no such application")?),
        None => None,
    };
    let message = MessageIn {
        event_type: record.event_type,
        event_id: record.event_id,
        channels: record.channels,
        tags: record.tags,
        payload: record.payload,
        payload_retention_period: record.payload_retention_period,
        payload_retention_hours: record.payload_retention_hours,
        deliver_at: record.deliver_at,
        deliver_before: record.deliver_before,
        ordering_key: record.ordering_key,
        application: None,
    };
    let (draft, _) = message.into_draft("", now).map_err(|problem| problem.reason())?;
    Ok((application, draft))
}

/// An instant that is not further ahead than so many days.
fn not_beyond(field: &str, at: Option<Timestamp>, now: Timestamp, days_max: i64) -> Result<(), Problem> {
    match at {
        Some(at) if at > now.plus_millis(days_max * MS_PER_DAY) => {
            Err(Problem::field(&["body", field], format!("must not be further ahead than {days_max} days")))
        }
        _ => Ok(()),
    }
}

/// Days, or the newer hours, which are rounded up to whole days.
fn retention_days(days: Option<u16>, hours: Option<u16>) -> Result<u16, Problem> {
    let refuse = |field, range: &std::ops::RangeInclusive<u16>, unit| {
        let rule = format!("must be {} to {} {unit}", range.start(), range.end());
        Err(Problem::field(&["body", field], rule))
    };
    match (days, hours) {
        (Some(days), _) if !RETENTION_DAYS.contains(&days) => refuse("payloadRetentionPeriod", &RETENTION_DAYS, "days"),
        (Some(days), _) => Ok(days),
        (None, Some(hours)) if !RETENTION_HOURS.contains(&hours) => {
            refuse("payloadRetentionHours", &RETENTION_HOURS, "hours")
        }
        (None, Some(hours)) => Ok(hours.div_ceil(24)),
        (None, None) => Ok(RETENTION_DAYS_DEFAULT),
    }
}

/// A message as callers see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageOut {
    /// Ours; what receivers see as `webhook-id`.
    #[schema(value_type = MessageId)]
    id: String,
    /// Yours, if there is one.
    #[schema(required)]
    event_id: Option<EventId>,
    /// What happened.
    event_type: EventTypeName,
    /// Second dimension to subscribe by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    channels: Option<Vec<Channel>>,
    /// Labels to find it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    tags: Option<Vec<Tag>>,
    /// What is delivered; an empty object when content was not asked for.
    #[schema(value_type = BTreeMap<String, Value>)]
    payload: Payload,
    /// When it was accepted.
    timestamp: Timestamp,
    /// When it is delivered, if not at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    deliver_at: Option<Timestamp>,
    /// When its deliveries stop, if there is such a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    deliver_before: Option<Timestamp>,
    /// What ordered endpoints get messages one after the other by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ordering_key: Option<OrderingKey>,
}

impl MessageOut {
    /// With this payload; none was asked for: an empty object, since the field has to be there.
    pub fn new(message: Message, payload: Option<Payload>) -> Self {
        Self {
            id: message.id.to_string(),
            event_id: message.event_id,
            event_type: message.event_type,
            channels: Some(message.channels).filter(|list| !list.is_empty()),
            tags: Some(message.tags).filter(|list| !list.is_empty()),
            payload: payload.unwrap_or_else(|| EMPTY.clone()),
            timestamp: message.accepted_at,
            deliver_at: message.deliver_at,
            deliver_before: message.deliver_before,
            ordering_key: message.ordering_key,
        }
    }
}

#[allow(clippy::expect_used)] // a constant: the first test that shows a message would meet it
static EMPTY: LazyLock<Payload> = LazyLock::new(|| Payload::from_text("{}".to_owned()).expect("an empty object"));

/// A message that is not posted yet: would anybody get it?
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessagePrecheckIn {
    /// Its type.
    event_type: EventTypeName,
    /// Its channels.
    #[schema(min_items = 1, max_items = 5)]
    channels: Option<Vec<Channel>>,
}

impl MessagePrecheckIn {
    /// Its type and channels, checked as a whole.
    pub fn into_parts(self) -> Result<(EventTypeName, Vec<Channel>), Problem> {
        Ok((self.event_type, checked_list("channels", self.channels, MESSAGE_CHANNELS_MAX)?))
    }
}

/// Whether anybody would get it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessagePrecheckOut {
    /// Some endpoint that is enabled wants it.
    pub active: bool,
}

/// What an example is asked for with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventExampleIn {
    /// An event type with a schema; or `svix.ping`, which needs none.
    event_type: EventTypeName,
    /// Which of the examples of the newest schema.
    #[schema(maximum = 65_535, default = 0)]
    example_index: Option<u16>,
    /// Your own example, instead of one made from the schema.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    payload: Option<Box<RawValue>>,
}

impl EventExampleIn {
    /// The type, the caller's own example, and which of the schema's examples, checked as a whole.
    pub fn into_parts(self) -> Result<(EventTypeName, Option<Payload>, usize), Problem> {
        let payload = self.payload.filter(|json| json.get() != "null").map(Payload::parse).transpose();
        let payload = payload.map_err(|reason| Problem::field(&["body", "payload"], reason.0))?;
        Ok((self.event_type, payload, usize::from(self.example_index.unwrap_or(0))))
    }
}
