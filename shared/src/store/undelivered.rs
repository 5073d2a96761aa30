//! What ended without being delivered: one item for a message and an endpoint, behind the message's attempts; in the index
//! under its endpoint, by time.
//!
//! Recording is an unconditional put: done twice, it is the same item, and the later one stays.

use super::attempts::{self, ATTEMPTS_OF_A_MESSAGE_MAX, trigger_from_stored, trigger_stored};
use super::item::{Item, ItemBuilder, Reader};
use super::listing::ListFilter;
use super::page::Range;
use super::write::Write;
use super::{Store, key_text, keys};
use crate::domain::attempt::Attempt;
use crate::domain::ids::{AppScope, EndpointId, MessageId, UndeliveredId};
use crate::domain::ksuid::Ksuid;
use crate::domain::names::{Channel, EventTypeName, Tag};
use crate::domain::page::{Page, PageRequest};
use crate::domain::standing::{Step, Trail};
use crate::domain::timestamp::Timestamp;
use crate::domain::undelivered::{Undelivered, UndeliveredBecause};
use crate::fault::Fault;

/// What the deliveries of a message left so far.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    /// The attempts that were made, oldest first.
    pub attempts: Vec<Attempt>,
    /// Records of deliveries that ended without one, at most one for each endpoint.
    pub undelivered: Vec<Undelivered>,
}

impl Traces {
    /// What the delivery to this endpoint left.
    #[must_use]
    pub fn of(mut self, endpoint: &EndpointId) -> Self {
        self.attempts.retain(|attempt| attempt.endpoint == *endpoint);
        self.undelivered.retain(|record| record.endpoint == *endpoint);
        self
    }

    /// What is left of one delivery.
    pub fn trail(&self) -> Trail {
        self.attempts.iter().map(Step::from).chain(self.undelivered.iter().map(Step::from)).collect()
    }

    /// Adds what an item says that is an attempt or a record of this message; those of an expired message with the same event
    /// id may have outlived it.
    pub(super) fn add(&mut self, item: &Item, message: &MessageId) -> Result<(), Fault> {
        if key_text(item, "sk").is_some_and(|sk| sk.starts_with(keys::UNDELIVERED)) {
            self.undelivered.extend(Some(from_item(item)?).filter(|record| record.message == *message));
        } else {
            self.attempts.push(attempts::from_item(item)?);
        }
        Ok(())
    }
}

fn to_item(scope: &AppScope, record: &Undelivered, expires_at: Timestamp) -> Item {
    ItemBuilder::new(keys::message_of(scope, &record.message), keys::undelivered_sk(&record.endpoint))
        .text("lpk", keys::undelivered_listing(scope, &record.endpoint))
        .text("lsk", record.id().ksuid().to_string())
        .text("message", record.message.ksuid().to_string())
        .text("endpoint", record.endpoint.ksuid().to_string())
        .text("reason", record.reason.as_str())
        .number("number", record.number)
        .text("trigger", trigger_stored(record.trigger))
        .text("type", record.event_type.as_str())
        .texts("channels", &record.channels)
        .texts("tags", &record.tags)
        .expires(expires_at)
        .build()
}

pub(super) fn from_item(item: &Item) -> Result<Undelivered, Fault> {
    let reader = Reader::new("undelivered record", item);
    let id = reader.parsed("lsk", Ksuid::parse).map(UndeliveredId::from_ksuid)?;
    Ok(Undelivered {
        message: reader.parsed("message", Ksuid::parse).map(MessageId::from_ksuid)?,
        endpoint: reader.parsed("endpoint", Ksuid::parse).map(EndpointId::from_ksuid)?,
        at: id.timestamp(),
        reason: reader.parsed("reason", UndeliveredBecause::parse)?,
        number: reader.number("number")?,
        trigger: reader.parsed("trigger", trigger_from_stored)?,
        event_type: reader.parsed("type", |text| EventTypeName::parse(text).ok())?,
        channels: reader.texts("channels", |text| Channel::parse(text).ok())?,
        tags: reader.texts("tags", |text| Tag::parse(text).ok())?,
    })
}

impl Store {
    /// Records that a delivery ended, together with what others record now.
    pub async fn record_undelivered(
        &self,
        scope: &AppScope,
        record: &Undelivered,
        expires_at: Timestamp,
    ) -> Result<(), Fault> {
        self.writer.write(Write::Put(to_item(scope, record, expires_at))).await
    }
    /// What a message's deliveries left so far, in one query.
    pub async fn traces_of(&self, scope: &AppScope, message: &MessageId) -> Result<Traces, Fault> {
        let attempts = Range::prefixed(keys::message_of(scope, message), keys::ATTEMPT);
        let range = Range { to: keys::undelivered_end(), ..attempts };
        let action = format!("reading what deliveries of message {message} left");
        let items = self.query_count(&action, &range, true, ATTEMPTS_OF_A_MESSAGE_MAX).await?;
        let mut traces = Traces::default();
        items.iter().try_for_each(|item| traces.add(item, message))?;
        Ok(traces)
    }

    /// A page of what ended for an endpoint without being delivered, by time. The index follows the table by moments.
    pub async fn list_undelivered(
        &self,
        scope: &AppScope,
        endpoint: &EndpointId,
        request: &PageRequest<UndeliveredId>,
        filter: &ListFilter,
    ) -> Result<Page<Undelivered, UndeliveredId>, Fault> {
        let partitions = vec![keys::undelivered_listing(scope, endpoint)];
        let listing = filter.listing(partitions, request.cursor_key().map(UndeliveredId::ksuid));
        let wants = |entry: &Item| filter.wants(&Reader::new("undelivered entry", entry));
        let found = self.list(&listing, request, wants).await?;
        let key_of = |record: &Undelivered| record.id().ksuid();
        self.page_of("reading undelivered records", found, request, from_item, key_of, UndeliveredId::from_ksuid).await
    }
}
