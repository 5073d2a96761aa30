//! Deliveries of an endpoint, put together from attempts, and from the records of those that ended without one: there is no
//! record of how a delivery stands, and so none that could be wrong.
//!
//! **Listed by their first attempts.** Each delivery has one attempt with number 1, which never changes its place, whatever
//! attempts come behind it: so pages stay what they were while deliveries go on. (Two happen: a function died between sending
//! and recording, or a person had a message sent again that was still waiting. The older one counts.) How a delivery stands
//! is then read from its message's partition, strongly consistent.
//!
//! **Counted from the index alone**: its entries say how an attempt ended and what was planned after it. What ended without
//! being delivered is counted besides; it stands in a list of its own.

use std::collections::HashMap;

use futures_util::future::try_join_all;

use super::attempts::{ATTEMPTS_OF_A_MESSAGE_MAX, trigger_from_stored};
use super::item::{Item, Reader};
use super::listing::{Entry, Found, ListFilter, Listing};
use super::page::{Range, ResumeAt};
use super::{Store, Traces, key_text, keys, messages};
use crate::domain::attempt::{AttemptStatus, Trigger};
use crate::domain::background::Window;
use crate::domain::delivery::DeliveryStatus;
use crate::domain::ids::{AppScope, AttemptId, EndpointId};
use crate::domain::ksuid::Ksuid;
use crate::domain::message::Message;
use crate::domain::page::{Page, PageRequest};
use crate::domain::standing::{Standing, Step, Trail};
use crate::domain::statistics::{AttemptCounts, DeliveryCounts};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;

/// Readings of the index for one page, and messages looked at: a status that next to no delivery has must not read a whole
/// history in one request. The caller goes on from where it stopped.
const READINGS_MAX: usize = 10;
const LOOKED_AT_MAX: usize = 500;

/// Partitions read at one time: each may bring some hundred kilobytes, and a function has little memory.
const READS_AT_ONCE: usize = 16;

/// Index entries of one query when counting; DynamoDB stops at a megabyte anyway, about three thousand of them.
const ENTRIES_PER_READ: usize = 5_000;

/// One message for one endpoint.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// Its first attempt: where it stands in the list.
    pub first_attempt: AttemptId,
    /// How it stands.
    pub standing: Standing,
}

/// Which deliveries a list is to hold.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Of messages with these labels, and first attempted then.
    pub list: ListFilter,
    /// That stand so.
    pub status: Option<DeliveryStatus>,
}

impl DeliveryFilter {
    /// Whether an entry may be a delivery's first attempt and the delivery one that is wanted. What the index does not hold
    /// decides the record.
    fn may_want(&self, entry: &Reader<'_>) -> Result<bool, Fault> {
        let is_first = entry.number_if::<u16>("number")?.is_none_or(|number| number == 1);
        let is_done = entry.parsed("status", AttemptStatus::from_stored)? == AttemptStatus::Success;
        let may_stand_so = self.status.is_none_or(|wanted| !is_done || wanted == DeliveryStatus::Success);
        Ok(is_first && may_stand_so && self.list.wants(entry)?)
    }
}

impl Store {
    /// A page of an endpoint's deliveries, by the time of their first attempts. The index follows the table by moments.
    pub async fn list_deliveries(
        &self,
        scope: &AppScope,
        endpoint: &EndpointId,
        request: &PageRequest<AttemptId>,
        filter: &DeliveryFilter,
        now: Timestamp,
    ) -> Result<Page<Delivery, AttemptId>, Fault> {
        let partitions = vec![keys::attempts_listing(scope, endpoint)];
        let mut listing = filter.list.listing(partitions, request.cursor_key().map(AttemptId::ksuid));
        let (mut found, mut stopped_at, mut looked_at) = (Vec::new(), None, 0);
        for _ in 0..READINGS_MAX {
            let wants = |entry: &Item| filter.may_want(&Reader::new("attempt entry", entry));
            let part = self.list(&listing, request, wants).await?;
            looked_at += part.keys.len();
            for delivery in self.read_deliveries(endpoint, &part.keys, now).await? {
                if filter.status.is_none_or(|wanted| wanted == delivery.standing.status) {
                    found.push(delivery);
                }
            }
            stopped_at = part.resume_at(request.limit);
            if found.len() > request.limit {
                stopped_at = None; // the page is full: where reading stopped does not matter
                break;
            }
            listing.cursor = stopped_at;
            if stopped_at.is_none() || looked_at >= LOOKED_AT_MAX {
                break;
            }
        }
        Ok(Found::stopped(stopped_at).page(request, found, |delivery| delivery.first_attempt, AttemptId::from_ksuid))
    }

    /// The deliveries that begin with these entries, in their order; entries that begin none are left out.
    async fn read_deliveries(
        &self,
        endpoint: &EndpointId,
        entries: &[Entry],
        now: Timestamp,
    ) -> Result<Vec<Delivery>, Fault> {
        let mut read = Vec::with_capacity(entries.len());
        for chunk in entries.chunks(READS_AT_ONCE) {
            let reads = chunk.iter().map(|entry| self.read_delivery(endpoint, entry, now));
            read.extend(try_join_all(reads).await?.into_iter().flatten());
        }
        Ok(read)
    }

    async fn read_delivery(
        &self,
        endpoint: &EndpointId,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<Option<Delivery>, Fault> {
        let (from, to) = (keys::MESSAGE.to_owned(), keys::undelivered_end());
        let range = Range { index: None, partition: entry.pk.clone(), from, to };
        // Besides the attempts: the message, and perhaps the mark that its payload is gone.
        let count = ATTEMPTS_OF_A_MESSAGE_MAX + 2;
        let items = self.query_count("reading a delivery", &range, true, count).await?;
        let mut items = items.into_iter();
        let Some(first) = items.next().filter(|first| key_text(first, "sk") == Some(keys::MESSAGE)) else {
            return Ok(None); // it has expired
        };
        let message = messages::from_item(&self.open(first).await?)?;
        let mut traces = Traces::default();
        for item in items.filter(|item| key_text(item, "sk") != Some(keys::EXPUNGED)) {
            traces.add(&item, &message.id)?;
        }
        let traces = traces.of(endpoint);
        let first = traces.attempts.iter().find(|attempt| attempt.number == 1).map(|attempt| attempt.id);
        // Begun by another entry it is listed there.
        let first = first.filter(|first| first.ksuid() == entry.ksuid);
        let standing = traces.trail().standing(message.is_called_off(), now);
        Ok(first.map(|first_attempt| Delivery { message, first_attempt, standing }))
    }

    /// An endpoint's deliveries with an attempt in the window, by what those attempts say, and those that ended in the window
    /// without being delivered. None: there are more attempts, or more of those, than `attempts_max`. What has neither is not in
    /// the index and is not counted.
    pub async fn count_deliveries(
        &self,
        scope: &AppScope,
        endpoint: &EndpointId,
        window: &Window,
        attempts_max: usize,
        now: Timestamp,
    ) -> Result<Option<DeliveryCounts>, Fault> {
        let mut trails: HashMap<String, Trail> = HashMap::new();
        let attempts = keys::attempts_listing(scope, endpoint);
        let has_all_attempts = self
            .each_entry(&attempts, window, attempts_max, |entry| {
                trails.entry(entry.text("pk")?.to_owned()).or_default().add(step(entry)?);
                Ok(())
            })
            .await?;
        if !has_all_attempts {
            return Ok(None);
        }
        let mut counts = DeliveryCounts::default();
        let undelivered = keys::undelivered_listing(scope, endpoint);
        let has_all_records = self
            .each_entry(&undelivered, window, attempts_max, |entry| {
                counts.undelivered += 1;
                if let Some(trail) = trails.get_mut(entry.text("pk")?) {
                    trail.add(step(entry)?);
                }
                Ok(())
            })
            .await?;
        trails.values().for_each(|trail| counts.add(trail.standing(false, now).status));
        Ok(has_all_records.then_some(counts))
    }

    /// An endpoint's attempts in the window. None: there are more than `attempts_max`.
    pub async fn count_attempts(
        &self,
        scope: &AppScope,
        endpoint: &EndpointId,
        window: &Window,
        attempts_max: usize,
    ) -> Result<Option<AttemptCounts>, Fault> {
        let mut counts = AttemptCounts::default();
        let is_whole = self
            .each_entry(&keys::attempts_listing(scope, endpoint), window, attempts_max, |entry| {
                counts.add(entry.parsed("status", AttemptStatus::from_stored)?);
                Ok(())
            })
            .await?;
        Ok(is_whole.then_some(counts))
    }

    /// Looks at the entries of an index partition in a window, oldest first, up to so many; whether those were all.
    async fn each_entry(
        &self,
        partition: &str,
        window: &Window,
        entries_max: usize,
        mut look: impl FnMut(&Reader<'_>) -> Result<(), Fault>,
    ) -> Result<bool, Fault> {
        let Some(range) = Listing::of(window).range(partition, true) else { return Ok(true) };
        let (mut count, mut resume_at): (usize, ResumeAt) = (0, None);
        loop {
            let limit = ENTRIES_PER_READ.min(entries_max + 1 - count);
            let (entries, next) = self.query("counting entries", &range, true, limit, resume_at).await?;
            count += entries.len();
            if count > entries_max {
                return Ok(false);
            }
            entries.iter().try_for_each(|entry| look(&Reader::new("attempt entry", entry)))?;
            resume_at = next;
            if resume_at.is_none() {
                return Ok(true);
            }
        }
    }
}

/// What the index entry of an attempt, or of the record that there was none, says about its delivery. Entries from before the
/// index held all of it say less.
fn step(entry: &Reader<'_>) -> Result<Step, Fault> {
    Ok(Step {
        at: entry.parsed("lsk", Ksuid::parse)?.timestamp(),
        number: entry.number_if("number")?.unwrap_or(1),
        trigger: entry.parsed_if("trigger", trigger_from_stored)?.unwrap_or(Trigger::Scheduled),
        status: entry.parsed_if("status", AttemptStatus::from_stored)?.unwrap_or(AttemptStatus::Fail),
        next_attempt_at: entry.instant_if("next")?,
    })
}
