//! Creating a resource once: the record that an idempotency key leaves, written in the same transaction as what it made.
//!
//! Messages need none (their key follows from the idempotency key); applications, endpoints and event types are made
//! rarely enough to pay for it.

use aws_lc_rs::digest;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use super::item::{Item, ItemBuilder, Reader, text};
use super::{Store, Updated, fault, keys};
use crate::domain::audit::Change;
use crate::domain::ids::OrganizationId;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;

/// For how long a key is remembered: longer than any client keeps repeating a request.
const REMEMBERED_MS: i64 = 24 * 3_600 * 1_000;

/// An idempotency key on a request that creates something, and what the request asked.
#[derive(Clone, Debug)]
pub struct Idempotency {
    key_hash: [u8; 32],
    request_hash: [u8; 32],
    remembered_until: Timestamp,
}

impl Idempotency {
    /// `place` is what is created where (a key counts once for each), `request` the body.
    pub fn new(key: &str, place: &str, request: &[u8], now: Timestamp) -> Self {
        Self::until(key, place, request, now.plus_millis(REMEMBERED_MS))
    }

    /// One that is remembered until then.
    pub fn until(key: &str, place: &str, request: &[u8], remembered_until: Timestamp) -> Self {
        Self {
            key_hash: sha256(&[place.as_bytes(), b"\0", key.as_bytes()]),
            request_hash: sha256(&[request]),
            remembered_until,
        }
    }

    fn item(&self, organization: &OrganizationId, made: &str) -> Item {
        ItemBuilder::new(keys::idempotency(organization, &self.key_hash), "I".to_owned())
            .text("made", made)
            .bytes("request", self.request_hash.to_vec())
            .expires(self.remembered_until)
            .build()
    }

    fn is_same_request(&self, record: &Item) -> Result<bool, Fault> {
        Ok(Reader::new("idempotency record", record).bytes_if("request")? == Some(&self.request_hash))
    }
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// What creating something ended with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is stored.
    New,
    /// Its uid or name belongs to another.
    NameTaken,
    /// What it should be created in is not there (any more).
    ParentGone,
    /// There are as many as there may be.
    Full,
    /// The idempotency key made this before.
    Repeat {
        /// The identifier or name of what it made.
        made: String,
        /// Whether the request was the same then.
        is_same_request: bool,
    },
}

/// A transaction that creates one thing: its steps, and what it means when the condition of each fails.
pub(super) struct Creation {
    steps: Vec<TransactWriteItem>,
    meanings: Vec<Created>,
    idempotency: Option<Idempotency>,
}

impl Creation {
    /// `made` is what a repeat of the key is answered with.
    pub(super) fn new(
        store: &Store,
        organization: &OrganizationId,
        idempotency: Option<&Idempotency>,
        made: &str,
    ) -> Result<Self, Fault> {
        let mut creation = Self { steps: Vec::new(), meanings: Vec::new(), idempotency: idempotency.cloned() };
        if let Some(record) = idempotency {
            let item = record.item(organization, made);
            let repeat = Created::Repeat { made: made.to_owned(), is_same_request: false };
            creation = creation.put_new(store, item, repeat)?;
        }
        Ok(creation)
    }

    /// An item that must not exist yet.
    pub(super) fn put_new(mut self, store: &Store, item: Item, if_it_exists: Created) -> Result<Self, Fault> {
        self.steps.push(store.put_if_new(item)?);
        self.meanings.push(if_it_exists);
        Ok(self)
    }

    /// An item that must exist.
    pub(super) fn require(mut self, store: &Store, pk: String, sk: &str) -> Result<Self, Fault> {
        let check = ConditionCheck::builder()
            .table_name(&*store.table)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(incomplete)?;
        self.steps.push(TransactWriteItem::builder().condition_check(check).build());
        self.meanings.push(Created::ParentGone);
        Ok(self)
    }

    /// A counter of such things, which must not be at its end yet.
    pub(super) fn count(mut self, store: &Store, pk: String, sk: &str, most: usize) -> Result<Self, Fault> {
        self.steps.push(store.count_step(pk, sk, 1, Some(most))?);
        self.meanings.push(Created::Full);
        Ok(self)
    }

    /// The record of the change that this is.
    pub(super) fn record(mut self, store: &Store, change: &Change) -> Result<Self, Fault> {
        self.steps.push(store.record_step(change)?);
        Ok(self)
    }

    /// Performs it. A repeated idempotency key counts before every other reason: its first use made the name it now
    /// finds taken.
    pub(super) async fn run(self, store: &Store, action: &str) -> Result<Created, Fault> {
        let failed = match store.transact(action, self.steps).await? {
            Transacted::Done => return Ok(Created::New),
            Transacted::Failed(failed) => failed,
        };
        let first = failed.first();
        match (first.and_then(|(step, _)| self.meanings.get(*step)), first, &self.idempotency) {
            (Some(Created::Repeat { .. }), Some((_, Some(record))), Some(idempotency)) => {
                let made = Reader::new("idempotency record", record).text("made")?.to_owned();
                Ok(Created::Repeat { made, is_same_request: idempotency.is_same_request(record)? })
            }
            (Some(meaning), _, _) => Ok(meaning.clone()),
            (None, _, _) => Err(Fault::unavailable(action, "the transaction was cancelled by another")),
        }
    }
}

impl Store {
    /// What this idempotency key has made before, if anything: always [`Created::Repeat`].
    pub async fn made_before(
        &self,
        organization: &OrganizationId,
        idempotency: &Idempotency,
    ) -> Result<Option<Created>, Fault> {
        let (pk, sk) = (keys::idempotency(organization, &idempotency.key_hash), "I".to_owned());
        let Some(record) = self.get("looking up an idempotency key", pk, sk).await? else { return Ok(None) };
        let made = Reader::new("idempotency record", &record).text("made")?.to_owned();
        Ok(Some(Created::Repeat { made, is_same_request: idempotency.is_same_request(&record)? }))
    }
}

/// What became of a transaction.
pub(super) enum Transacted {
    Done,
    /// These steps' conditions failed; with the items that stood there, where they were asked for.
    Failed(Vec<(usize, Option<Item>)>),
}

impl Updated {
    /// What the failed condition of a step made by [`Store::once`] means.
    pub(super) fn repeat(idempotency: &Idempotency, record: Option<&Item>) -> Result<Self, Fault> {
        let is_same_request = record.map(|record| idempotency.is_same_request(record)).transpose()?.unwrap_or(false);
        Ok(Self::Repeat { is_same_request })
    }
}

impl Store {
    pub(super) async fn transact(&self, action: &str, steps: Vec<TransactWriteItem>) -> Result<Transacted, Fault> {
        let answer = self.client.transact_write_items().set_transact_items(Some(steps)).send().await;
        let error = match answer {
            Ok(_) => return Ok(Transacted::Done),
            Err(error) => error,
        };
        let reasons = match &error {
            SdkError::ServiceError(service) => match service.err() {
                TransactWriteItemsError::TransactionCanceledException(cancelled) => cancelled.cancellation_reasons(),
                _ => &[],
            },
            _ => &[],
        };
        let failed: Vec<_> = reasons
            .iter()
            .enumerate()
            .filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"))
            .map(|(step, reason)| (step, reason.item().cloned().filter(|item| !item.is_empty())))
            .collect();
        // Cancelled without a failed condition: another transaction holds an item, or the table throttles. Both pass.
        if failed.is_empty() { Err(fault(action, error)) } else { Ok(Transacted::Failed(failed)) }
    }

    /// A step that puts an item over what the caller read.
    pub(super) fn put_over(&self, item: Item, version: Timestamp) -> Result<TransactWriteItem, Fault> {
        let put = Put::builder()
            .table_name(&*self.table)
            .set_item(Some(item))
            .condition_expression("updated = :seen")
            .expression_attribute_values(":seen", super::item::number(version.as_millis()))
            .build()
            .map_err(incomplete)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// A step that puts an item over whatever stands there.
    pub(super) fn put_step(&self, item: Item) -> Result<TransactWriteItem, Fault> {
        let put = Put::builder().table_name(&*self.table).set_item(Some(item)).build().map_err(incomplete)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// A step that leaves the record of an idempotency key, once.
    pub(super) fn once(
        &self,
        organization: &OrganizationId,
        idempotency: &Idempotency,
        made: &str,
    ) -> Result<TransactWriteItem, Fault> {
        self.put_if_new(idempotency.item(organization, made))
    }

    /// A step that puts an item that must not exist yet; when it fails, it comes with what stands there.
    pub(super) fn put_if_new(&self, item: Item) -> Result<TransactWriteItem, Fault> {
        let put = Put::builder()
            .table_name(&*self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(incomplete)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// A step that deletes the version of an item that was read.
    pub(super) fn delete_if_unchanged(
        &self,
        pk: String,
        sk: String,
        version: Timestamp,
    ) -> Result<TransactWriteItem, Fault> {
        let delete = Delete::builder()
            .table_name(&*self.table)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .condition_expression("updated = :seen")
            .expression_attribute_values(":seen", super::item::number(version.as_millis()))
            .build()
            .map_err(incomplete)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// A step that counts up or down, if the counter is below `most`.
    pub(super) fn count_step(
        &self,
        pk: String,
        sk: &str,
        by: i64,
        most: Option<usize>,
    ) -> Result<TransactWriteItem, Fault> {
        let update = Update::builder().table_name(&*self.table).key("pk", text(pk)).key("sk", text(sk));
        let update = update.update_expression("ADD n :by").expression_attribute_values(":by", super::item::number(by));
        let update = match most {
            Some(most) => update
                .condition_expression("attribute_not_exists(n) OR n < :most")
                .expression_attribute_values(":most", super::item::number(i64::try_from(most).unwrap_or(i64::MAX))),
            None => update,
        };
        Ok(TransactWriteItem::builder().update(update.build().map_err(incomplete)?).build())
    }

    /// A step that deletes an item that must be there.
    pub(super) fn delete_existing(&self, pk: String, sk: String) -> Result<TransactWriteItem, Fault> {
        let delete = Delete::builder().table_name(&*self.table).key("pk", text(pk)).key("sk", text(sk));
        let delete = delete.condition_expression("attribute_exists(pk)").build().map_err(incomplete)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// A step that deletes an item, whether it is there or not.
    pub(super) fn delete_step(&self, pk: String, sk: String) -> Result<TransactWriteItem, Fault> {
        let delete = Delete::builder().table_name(&*self.table).key("pk", text(pk)).key("sk", text(sk));
        Ok(TransactWriteItem::builder().delete(delete.build().map_err(incomplete)?).build())
    }
}

fn incomplete(error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::corrupt_because("building a transaction", error)
}
