//! Attempts. Each stands behind its message, and in the index under its endpoint.
//!
//! Recording is an unconditional put: done twice, it is the same record. Whether a delivery's attempt was already made is
//! found by reading the message's partition, which only a task that may be a repeat pays for.

use super::item::{Item, ItemBuilder, Reader};
use super::listing::ListFilter;
use super::page::Range;
use super::write::Write;
use super::{Store, keys};
use crate::domain::attempt::{Attempt, AttemptStatus, Outcome, Trigger};
use crate::domain::delivery::DeliveryStatus;
use crate::domain::ids::{AppScope, AttemptId, EndpointId, MessageId};
use crate::domain::ksuid::Ksuid;
use crate::domain::names::{Channel, EventTypeName, Tag};
use crate::domain::page::{Page, PageRequest};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;

/// Attempts of one message that are looked through for a repeat: more than all its endpoints with all their retries make.
pub(super) const ATTEMPTS_OF_A_MESSAGE_MAX: usize = 30_000;

/// Which attempts a list is to hold.
#[derive(Clone, Debug, Default)]
pub struct AttemptFilter {
    /// Of messages with these labels, and made then.
    pub list: ListFilter,
    /// That ended so; no attempt ends otherwise than in success or failure.
    pub status: Option<DeliveryStatus>,
    /// With a status code of this hundred; 0: without one.
    pub status_code_class: Option<u16>,
    /// Made for this endpoint.
    pub endpoint: Option<EndpointId>,
}

/// What happened to a message so far.
#[derive(Clone, Debug)]
pub struct Past {
    /// Its attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// Whether its payload was removed: it is not to be delivered any more, even by who has it in hand.
    pub is_expunged: bool,
}

impl AttemptFilter {
    /// Whether it asks for attempts that cannot be: looking for them would read a whole history for nothing.
    fn is_void(&self) -> bool {
        let possible = [AttemptStatus::Success, AttemptStatus::Fail].map(DeliveryStatus::from);
        self.status.is_some_and(|wanted| !possible.contains(&wanted))
    }

    /// Works on index entries and on whole items alike; the endpoint and the time are decided by the key.
    fn wants(&self, entry: &Reader<'_>) -> Result<bool, Fault> {
        let code: u16 = entry.number("status_code")?;
        let status = DeliveryStatus::from(entry.parsed("status", AttemptStatus::from_stored)?);
        Ok(self.list.wants(entry)?
            && self.status.is_none_or(|wanted| wanted == status)
            && self.status_code_class.is_none_or(|wanted| wanted == code / 100 * 100))
    }
}

impl AttemptStatus {
    fn stored(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Fail => "fail",
        }
    }

    pub(super) fn from_stored(text: &str) -> Option<Self> {
        [Self::Success, Self::Fail].into_iter().find(|status| status.stored() == text)
    }
}

pub(super) fn trigger_stored(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Scheduled => "scheduled",
        Trigger::Manual => "manual",
    }
}

pub(super) fn trigger_from_stored(text: &str) -> Option<Trigger> {
    [Trigger::Scheduled, Trigger::Manual].into_iter().find(|trigger| trigger_stored(*trigger) == text)
}

fn to_item(scope: &AppScope, attempt: &Attempt, expires_at: Timestamp) -> Item {
    let item = ItemBuilder::new(keys::message_of(scope, &attempt.message), keys::attempt_sk(&attempt.id))
        .text("lpk", keys::attempts_listing(scope, &attempt.endpoint))
        .text("lsk", attempt.id.ksuid().to_string())
        .text("message", attempt.message.ksuid().to_string())
        .text("endpoint", attempt.endpoint.ksuid().to_string())
        .text("url", &attempt.url)
        .number("number", attempt.number)
        .text("trigger", trigger_stored(attempt.trigger))
        .text("status", attempt.status().stored())
        .number("status_code", attempt.outcome.status_code())
        .number("ms", attempt.duration_ms)
        .instant_if("next", attempt.next_attempt_at)
        .text("type", attempt.event_type.as_str())
        .texts("channels", &attempt.channels)
        .texts("tags", &attempt.tags)
        .flag("expunged", attempt.is_expunged)
        .expires(expires_at);
    let item = match &attempt.outcome {
        Outcome::Answered { body, .. } => item.text_if("body", Some(body.as_str()).filter(|body| !body.is_empty())),
        Outcome::TimedOut { limit_ms } => item.number("limit_ms", *limit_ms),
        Outcome::Unreachable { reason } => item.text("unreachable", reason),
        Outcome::Forbidden { reason } => item.text("forbidden", reason),
    };
    item.build()
}

pub(super) fn from_item(item: &Item) -> Result<Attempt, Fault> {
    let reader = Reader::new("attempt", item);
    let owned = |name| reader.text_if(name).map(|text| text.map(str::to_owned));
    let outcome = match (reader.number_if("limit_ms")?, owned("unreachable")?, owned("forbidden")?) {
        (Some(limit_ms), _, _) => Outcome::TimedOut { limit_ms },
        (None, Some(reason), _) => Outcome::Unreachable { reason },
        (None, None, Some(reason)) => Outcome::Forbidden { reason },
        (None, None, None) => Outcome::Answered {
            status: reader.number("status_code")?,
            body: owned("body")?.unwrap_or_default(),
            retry_after_ms: None,
        },
    };
    Ok(Attempt {
        id: reader.parsed("lsk", Ksuid::parse).map(AttemptId::from_ksuid)?,
        message: reader.parsed("message", Ksuid::parse).map(MessageId::from_ksuid)?,
        endpoint: reader.parsed("endpoint", Ksuid::parse).map(EndpointId::from_ksuid)?,
        url: reader.text("url")?.to_owned(),
        number: reader.number("number")?,
        trigger: reader.parsed("trigger", trigger_from_stored)?,
        outcome,
        duration_ms: reader.number("ms")?,
        next_attempt_at: reader.instant_if("next")?,
        event_type: reader.parsed("type", |text| EventTypeName::parse(text).ok())?,
        channels: reader.texts("channels", |text| Channel::parse(text).ok())?,
        tags: reader.texts("tags", |text| Tag::parse(text).ok())?,
        is_expunged: reader.flag("expunged"),
    })
}

impl Store {
    /// Records an attempt, together with what others record now.
    pub async fn record_attempt(
        &self,
        scope: &AppScope,
        attempt: &Attempt,
        expires_at: Timestamp,
    ) -> Result<(), Fault> {
        self.writer.write(Write::Put(to_item(scope, attempt, expires_at))).await
    }

    /// All attempts of a message, oldest first.
    pub async fn attempts_of(&self, scope: &AppScope, message: &MessageId) -> Result<Vec<Attempt>, Fault> {
        let range = Range::prefixed(keys::message_of(scope, message), keys::ATTEMPT);
        let action = format!("reading the attempts of message {message}");
        let items = self.query_count(&action, &range, true, ATTEMPTS_OF_A_MESSAGE_MAX).await?;
        items.iter().map(from_item).collect()
    }

    /// What happened to a message so far, in the one query that its attempts take.
    pub async fn past_of(&self, scope: &AppScope, message: &MessageId) -> Result<Past, Fault> {
        let range = Range {
            from: keys::EXPUNGED.to_owned(),
            ..Range::prefixed(keys::message_of(scope, message), keys::ATTEMPT)
        };
        let action = format!("reading the attempts of message {message}");
        let mut items = self.query_count(&action, &range, true, ATTEMPTS_OF_A_MESSAGE_MAX).await?;
        let mut is_expunged = false;
        if items.first().is_some_and(|first| super::key_text(first, "sk") == Some(keys::EXPUNGED)) {
            let mark = items.remove(0);
            // One of an expired message with the same event id may have outlived it.
            let of = Reader::new("mark of an expunged message", &mark).parsed("message", Ksuid::parse)?;
            is_expunged = of == message.ksuid();
        }
        Ok(Past { attempts: items.iter().map(from_item).collect::<Result<_, _>>()?, is_expunged })
    }

    /// One attempt of a message.
    pub async fn attempt(
        &self,
        scope: &AppScope,
        message: &MessageId,
        id: &AttemptId,
    ) -> Result<Option<Attempt>, Fault> {
        let (pk, sk) = (keys::message_of(scope, message), keys::attempt_sk(id));
        self.get(&format!("reading attempt {id}"), pk, sk).await?.as_ref().map(from_item).transpose()
    }

    /// A page of a message's attempts, by time.
    pub async fn list_attempts_of_message(
        &self,
        scope: &AppScope,
        message: &MessageId,
        request: &PageRequest<AttemptId>,
        filter: &AttemptFilter,
    ) -> Result<Page<Attempt, AttemptId>, Fault> {
        if filter.is_void() {
            return Ok(Page::empty());
        }
        // A message has few attempts; reading them all is one call in all but odd cases.
        let range = Range::prefixed(keys::message_of(scope, message), keys::ATTEMPT);
        let action = format!("listing the attempts of message {message}");
        let items = self.query_count(&action, &range, true, ATTEMPTS_OF_A_MESSAGE_MAX).await?;
        let mut attempts = Vec::new();
        for item in &items {
            let attempt = from_item(item)?;
            let at = attempt.id.timestamp();
            let is_wanted = filter.endpoint.is_none_or(|wanted| wanted == attempt.endpoint)
                && filter.list.before.is_none_or(|before| at < before)
                && filter.list.after.is_none_or(|after| at >= after)
                && filter.wants(&Reader::new("attempt", item))?;
            if is_wanted {
                attempts.push(attempt);
            }
        }
        Ok(request.page_of(attempts, |attempt| attempt.id))
    }

    /// A page of the attempts made for an endpoint, by time. The index follows the table by moments.
    pub async fn list_attempts_for_endpoint(
        &self,
        scope: &AppScope,
        endpoint: &EndpointId,
        request: &PageRequest<AttemptId>,
        filter: &AttemptFilter,
    ) -> Result<Page<Attempt, AttemptId>, Fault> {
        if filter.is_void() {
            return Ok(Page::empty());
        }
        let partitions = vec![keys::attempts_listing(scope, endpoint)];
        let listing = filter.list.listing(partitions, request.cursor_key().map(AttemptId::ksuid));
        let wants = |entry: &Item| filter.wants(&Reader::new("attempt entry", entry));
        let found = self.list(&listing, request, wants).await?;
        let key_of = |attempt: &Attempt| attempt.id.ksuid();
        self.page_of("reading attempts", found, request, from_item, key_of, AttemptId::from_ksuid).await
    }
}
