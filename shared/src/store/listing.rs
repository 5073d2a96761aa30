//! Lists by time in the index: messages of an application, attempts of an endpoint.
//!
//! An entry's sort key is the KSUID of its item, so a cursor is a bound of the query, and a page stays what it was while
//! newer items arrive. Entries are filtered by what the index holds; the items themselves are read afterwards by key.

use std::collections::HashMap;

use super::item::{Item, Reader};
use super::page::{Range, ResumeAt};
use super::{Store, keys};
use crate::domain::background::Window;
use crate::domain::ksuid::Ksuid;
use crate::domain::names::{Channel, EventTypeName, Tag};
use crate::domain::page::{Cursor, Page, PageRequest};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;

/// Index pages one listing reads before it answers with what it has: filters that match next to nothing must not read a
/// whole history in one request. The caller goes on from where it stopped.
const LIST_READS_MAX: usize = 10;

/// A list in the index: the partitions it is spread over, and its bounds.
pub(super) struct Listing {
    pub(super) partitions: Vec<String>,
    pub(super) before: Option<Timestamp>,
    pub(super) after: Option<Timestamp>,
    pub(super) cursor: Option<Ksuid>,
}

/// An entry of the index: the key of its item, and where it stands in time.
pub(super) struct Entry {
    pub(super) pk: String,
    pub(super) sk: String,
    pub(super) ksuid: Ksuid,
}

/// What a listing found: at most one entry more than the page holds.
pub(super) struct Found {
    pub(super) keys: Vec<Entry>,
    /// Where reading stopped short of both the end and a full page.
    stopped_at: Option<Ksuid>,
}

impl Found {
    /// What was found in several readings, of which the last stopped here; none: it read to the end or to a full page.
    pub(super) fn stopped(at: Option<Ksuid>) -> Self {
        Self { keys: Vec::new(), stopped_at: at }
    }

    /// Where reading has to go on for more than this; none: there is no more.
    pub(super) fn resume_at(&self, limit: usize) -> Option<Ksuid> {
        if self.keys.len() > limit { self.keys.last().map(|entry| entry.ksuid) } else { self.stopped_at }
    }

    /// The page of the items that were read for these entries.
    pub(super) fn page<T, K>(
        self,
        request: &PageRequest<K>,
        read: Vec<T>,
        key_of: impl Fn(&T) -> K,
        to_key: impl Fn(Ksuid) -> K,
    ) -> Page<T, K> {
        let mut page = request.page(read, key_of);
        match (&request.cursor, self.stopped_at) {
            (Some(Cursor::Before(_)), Some(stopped_at)) => page.previous = Some(to_key(stopped_at)),
            (_, Some(stopped_at)) => {
                page.next = Some(to_key(stopped_at));
                page.is_done = false;
            }
            (_, None) => {}
        }
        page
    }
}

/// What every list by time can be narrowed to: what the messages are labelled with, and the time the list runs by.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    /// Messages of one of these types; empty: any.
    pub event_types: Vec<EventTypeName>,
    /// Messages with this channel.
    pub channel: Option<Channel>,
    /// Messages with this tag.
    pub tag: Option<Tag>,
    /// What was accepted, made or first attempted before.
    pub before: Option<Timestamp>,
    /// What was accepted, made or first attempted at or after.
    pub after: Option<Timestamp>,
}

impl ListFilter {
    /// Whether the labels of an index entry, or of the item itself, are wanted; the time is decided by the key.
    pub(super) fn wants(&self, entry: &Reader<'_>) -> Result<bool, Fault> {
        let event_type = entry.text("type")?;
        let holds = |name, wanted: Option<&str>| match wanted {
            None => Ok(true),
            Some(wanted) => Ok::<_, Fault>(entry.texts(name, Some)?.contains(&wanted)),
        };
        Ok((self.event_types.is_empty() || self.event_types.iter().any(|wanted| wanted.as_str() == event_type))
            && holds("channels", self.channel.as_ref().map(Channel::as_str))?
            && holds("tags", self.tag.as_ref().map(Tag::as_str))?)
    }

    /// The part of these partitions that it narrows to, from a cursor on.
    pub(super) fn listing(&self, partitions: Vec<String>, cursor: Option<Ksuid>) -> Listing {
        Listing { partitions, before: self.before, after: self.after, cursor }
    }
}

impl Store {
    /// Reads entries of a listing in the request's reading order until the page is full, the list ends or enough was read.
    pub(super) async fn list<K>(
        &self,
        listing: &Listing,
        request: &PageRequest<K>,
        wants: impl Fn(&Item) -> Result<bool, Fault>,
    ) -> Result<Found, Fault> {
        let is_ascending = request.reading_order().is_ascending();
        let mut found = Found { keys: Vec::new(), stopped_at: None };
        for partition in &listing.partitions {
            let part = self.list_partition(partition, listing, request, &wants).await?;
            found.keys.extend(part.keys);
            // Every partition was read at least to where the first of them stopped.
            found.stopped_at = match (found.stopped_at, part.stopped_at) {
                (Some(a), Some(b)) => Some(if is_ascending { a.min(b) } else { a.max(b) }),
                (a, b) => a.or(b),
            };
        }
        found.keys.sort_unstable_by_key(|entry| entry.ksuid);
        if !is_ascending {
            found.keys.reverse();
        }
        if let Some(limit) = found.stopped_at {
            found.keys.retain(|entry| if is_ascending { entry.ksuid <= limit } else { entry.ksuid >= limit });
        }
        if found.keys.len() > request.limit {
            found.stopped_at = None; // the page is full: where reading stopped does not matter
            found.keys.truncate(request.limit + 1);
        }
        Ok(found)
    }

    /// The page of the items behind what was found, read by key; what is gone by now, or stands elsewhere, is left out.
    pub(super) async fn page_of<T, K>(
        &self,
        action: &str,
        found: Found,
        request: &PageRequest<K>,
        from_item: impl Fn(&Item) -> Result<T, Fault>,
        key_of: impl Fn(&T) -> Ksuid,
        to_key: impl Fn(Ksuid) -> K,
    ) -> Result<Page<T, K>, Fault> {
        let wanted = found.keys.iter().map(|entry| (entry.pk.clone(), entry.sk.clone())).collect();
        let mut things: HashMap<Ksuid, T> = HashMap::new();
        for item in &self.open_all(self.batch_get(action, wanted).await?).await? {
            let thing = from_item(item)?;
            things.insert(key_of(&thing), thing);
        }
        let read = found.keys.iter().filter_map(|entry| things.remove(&entry.ksuid)).collect();
        Ok(found.page(request, read, |thing| to_key(key_of(thing)), &to_key))
    }

    async fn list_partition<K>(
        &self,
        partition: &str,
        listing: &Listing,
        request: &PageRequest<K>,
        wants: &impl Fn(&Item) -> Result<bool, Fault>,
    ) -> Result<Found, Fault> {
        let is_ascending = request.reading_order().is_ascending();
        let mut found = Found { keys: Vec::new(), stopped_at: None };
        let Some(range) = listing.range(partition, is_ascending) else { return Ok(found) };
        let mut resume_at: ResumeAt = None;
        for _ in 0..LIST_READS_MAX {
            let (entries, next) = self.query("listing", &range, is_ascending, request.limit + 2, resume_at).await?;
            for item in &entries {
                let reader = Reader::new("index entry", item);
                let ksuid = reader.parsed("lsk", Ksuid::parse)?;
                found.stopped_at = Some(ksuid);
                if Some(ksuid) != listing.cursor && wants(item)? {
                    let key = |name| reader.text(name).map(str::to_owned);
                    found.keys.push(Entry { pk: key("pk")?, sk: key("sk")?, ksuid });
                }
            }
            resume_at = next;
            if found.keys.len() > request.limit {
                break;
            }
            if resume_at.is_none() {
                found.stopped_at = None; // the end
                break;
            }
        }
        Ok(found)
    }
}

impl Listing {
    /// What is in a window, for who names the partition himself.
    pub(super) fn of(window: &Window) -> Self {
        Self { partitions: Vec::new(), before: Some(window.until), after: Some(window.since), cursor: None }
    }

    /// None when nothing can be in it.
    pub(super) fn range(&self, partition: &str, is_ascending: bool) -> Option<Range<'static>> {
        // The smallest identifier of an instant is a bound that no real one equals.
        let mut from = self.after.map_or(Ksuid::from_bytes([0; 20]), Ksuid::first_at);
        let mut to = self.before.map_or(Ksuid::from_bytes([0xff; 20]), Ksuid::first_at);
        match self.cursor {
            Some(cursor) if is_ascending => from = from.max(cursor),
            Some(cursor) => to = to.min(cursor),
            None => {}
        }
        (from <= to).then(|| Range {
            index: Some(keys::LISTING),
            partition: partition.to_owned(),
            from: from.to_string(),
            to: to.to_string(),
        })
    }
}
