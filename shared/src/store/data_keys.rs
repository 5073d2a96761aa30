//! Data keys, wrapped: one partition for each organization, one item for each of its keys, by number.
//!
//! The one with the highest number is current: what is written is sealed with it. The others open what was sealed before.
//! Making a key is a put that must be the first of its number, so two that make one at once end up with one. A key that was
//! erased leaves its number and the time behind: no other key ever gets this number.

use std::sync::Arc;

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};

use super::idempotency::Transacted;
use super::item::{Item, ItemBuilder, Reader, number, text};
use super::page::Range;
use super::{Store, keys};
use crate::domain::audit::Change;
use crate::domain::encryption::DataKeyRecord;
use crate::domain::ids::OrganizationId;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::keys::{DataKey, WrappedKey};

/// What is written when the current key is older is sealed with a new one. A key that leaks without anybody knowing opens no
/// more than what was written in this time.
const DATA_KEY_AGE_MAX_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

/// Keys of one organization: more than a century of them, or rotations by hand without end.
pub const DATA_KEYS_MAX: u32 = 1_000;

/// How often a key is made again because somebody else made the one of that number.
const TRIES_MAX: usize = 4;

struct Stored {
    record: DataKeyRecord,
    wrapped: Option<WrappedKey>,
}

fn from_item(item: &Item) -> Result<Stored, Fault> {
    let reader = Reader::new("data key", item);
    Ok(Stored {
        record: DataKeyRecord {
            number: reader.number("number")?,
            created_at: reader.instant("created")?,
            erased_at: reader.instant_if("erased")?,
        },
        wrapped: reader.bytes_if("envelope")?.map(|bytes| WrappedKey(bytes.to_vec())),
    })
}

impl Store {
    /// The organization's key of this number; none: it was erased.
    pub(super) async fn data_key(
        &self,
        organization: &OrganizationId,
        number: u32,
    ) -> Result<Option<Arc<DataKey>>, Fault> {
        if let Some(key) = self.keys.cached(organization, number) {
            return Ok(Some(key));
        }
        let action = format!("reading data key {number} of {organization}");
        let item = self.get(&action, keys::data_keys(organization), keys::data_key_sk(number)).await?;
        let stored = from_item(&item.ok_or_else(|| Fault::corrupt(&*action))?)?;
        self.unwrapped(organization, &stored, false).await
    }

    /// The key that seals what is written now; made when there is none, or none that is young enough.
    pub(super) async fn current_data_key(
        &self,
        organization: &OrganizationId,
        now: Timestamp,
    ) -> Result<Arc<DataKey>, Fault> {
        if let Some(key) = self.keys.cached_current(organization) {
            return Ok(key);
        }
        for _ in 0..TRIES_MAX {
            let newest = self.newest_data_key(organization).await?;
            let usable = newest.as_ref().filter(|stored| is_usable(&stored.record, now));
            if let Some(stored) = usable
                && let Some(key) = self.unwrapped(organization, stored, true).await?
            {
                return Ok(key);
            }
            if let Some(key) = self.make_data_key(organization, newest.as_ref(), now, |_| None).await? {
                return Ok(key);
            }
        }
        Err(Fault::unavailable("making a data key", "others are making them at this moment"))
    }

    /// Has what is written from now on sealed with a new key. Processes that have the old one in memory go on with it for a while.
    /// `change`: the record of making this key.
    pub async fn rotate_data_key(
        &self,
        organization: &OrganizationId,
        now: Timestamp,
        change: impl Fn(&DataKeyRecord) -> Change,
    ) -> Result<Option<DataKeyRecord>, Fault> {
        for _ in 0..TRIES_MAX {
            let newest = self.newest_data_key(organization).await?;
            if newest.as_ref().is_some_and(|stored| stored.record.number >= DATA_KEYS_MAX) {
                return Ok(None);
            }
            let made = self.make_data_key(organization, newest.as_ref(), now, |record| Some(change(record))).await?;
            if let Some(key) = made {
                return Ok(Some(DataKeyRecord { number: key.number(), created_at: now, erased_at: None }));
            }
        }
        Err(Fault::unavailable("rotating a data key", "others are making them at this moment"))
    }

    /// Erases every key of the organization. What was sealed with them cannot be read any more, by nobody: not in this table, and
    /// not in a copy of it that was made without the keys. Each goes in a transaction of its own, with the record that `change`
    /// makes of the key before and after; one that was erased before leaves none again.
    pub async fn erase_data_keys(
        &self,
        organization: &OrganizationId,
        now: Timestamp,
        change: impl Fn(&DataKeyRecord, &DataKeyRecord) -> Change,
    ) -> Result<(), Fault> {
        for before in self.data_keys(organization).await?.into_iter().filter(|record| record.erased_at.is_none()) {
            let after = DataKeyRecord { erased_at: Some(now), ..before };
            let steps = vec![self.erase_step(organization, &before, now)?, self.record_step(&change(&before, &after))?];
            // A failed condition: somebody else has erased it just now.
            self.transact(&format!("erasing data key {} of {organization}", before.number), steps).await?;
        }
        self.keys.forget(organization);
        Ok(())
    }

    fn erase_step(
        &self,
        organization: &OrganizationId,
        record: &DataKeyRecord,
        now: Timestamp,
    ) -> Result<TransactWriteItem, Fault> {
        let update = Update::builder()
            .table_name(&*self.table)
            .key("pk", text(keys::data_keys(organization)))
            .key("sk", text(keys::data_key_sk(record.number)))
            .update_expression("SET erased = :now REMOVE envelope")
            .condition_expression("attribute_not_exists(erased)")
            .expression_attribute_values(":now", number(now.as_millis()))
            .build()
            .map_err(|error| Fault::corrupt_because("building the erasure of a data key", error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// What is known of the organization's keys, oldest first.
    pub async fn data_keys(&self, organization: &OrganizationId) -> Result<Vec<DataKeyRecord>, Fault> {
        let range = Range::prefixed(keys::data_keys(organization), keys::DATA_KEY);
        let items = self.query_count("listing data keys", &range, true, usize::MAX >> 1).await?;
        items.iter().map(|item| from_item(item).map(|stored| stored.record)).collect()
    }

    async fn newest_data_key(&self, organization: &OrganizationId) -> Result<Option<Stored>, Fault> {
        let range = Range::prefixed(keys::data_keys(organization), keys::DATA_KEY);
        let (items, _) = self.query("finding the current data key", &range, false, 1, None).await?;
        items.first().map(from_item).transpose()
    }

    async fn unwrapped(
        &self,
        organization: &OrganizationId,
        stored: &Stored,
        is_current: bool,
    ) -> Result<Option<Arc<DataKey>>, Fault> {
        let Some(wrapped) = &stored.wrapped else { return Ok(None) };
        let key = self.keys.unwrap(organization, stored.record.number, wrapped).await?;
        Ok(Some(self.keys.remember(organization, key, is_current)))
    }

    /// The key after the newest one; none: somebody else has made it meanwhile.
    async fn make_data_key(
        &self,
        organization: &OrganizationId,
        newest: Option<&Stored>,
        now: Timestamp,
        change: impl Fn(&DataKeyRecord) -> Option<Change>,
    ) -> Result<Option<Arc<DataKey>>, Fault> {
        let next = newest.map_or(1, |stored| stored.record.number.saturating_add(1));
        let (key, wrapped) = self.keys.generate(organization, next).await?;
        let item = ItemBuilder::new(keys::data_keys(organization), keys::data_key_sk(next))
            .number("number", next)
            .bytes("envelope", wrapped.0)
            .instant("created", now)
            .build();
        let change = change(&DataKeyRecord { number: next, created_at: now, erased_at: None });
        let mut steps = vec![self.put_if_new(item)?];
        steps.extend(change.map(|change| self.record_step(&change)).transpose()?);
        match self.transact(&format!("storing data key {next} of {organization}"), steps).await? {
            Transacted::Done => Ok(Some(self.keys.remember(organization, key, true))),
            Transacted::Failed(_) => Ok(None),
        }
    }
}

fn is_usable(record: &DataKeyRecord, now: Timestamp) -> bool {
    record.erased_at.is_none() && now.millis_since(record.created_at) < DATA_KEY_AGE_MAX_MS
}
