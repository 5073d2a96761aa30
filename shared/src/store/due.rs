//! The due index: deliveries whose next attempt is further away than the queue can hold them back.
//!
//! An item waits in the partition of the minute it is due in. The sweep reads those partitions in order, and a cursor
//! remembers the first minute that is not finished, so that a sweep that did not run for hours misses nothing. A minute
//! can be finished for good because an item is never written into the past: shorter delays than a quarter of an hour are the queue's, and
//! writing an item takes far less.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::{Item, ItemBuilder, Reader, number};
use super::page::Range;
use super::write::Write;
use super::{Store, fault, is_condition_failed, keys, task_item};
use crate::domain::delivery::DeliveryTask;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;

/// Over how many partitions the deliveries of one minute are spread: a partition takes a thousand writes a second, and
/// each one costs a read in every sweep.
pub const DUE_SHARDS: u8 = 4;

/// A delivery that waits.
#[derive(Clone, Debug)]
pub struct DueDelivery {
    /// When its attempt is to be made.
    pub at: Timestamp,
    /// What is to be done then; without the payload.
    pub task: DeliveryTask,
}

/// The minute an instant lies in, counted from the epoch.
pub fn minute_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(60_000)
}

fn key(due: &DueDelivery) -> (String, String) {
    let shard = due.task.endpoint.ksuid().tail()[0] % DUE_SHARDS;
    (keys::due(minute_of(due.at), shard), keys::due_sk(due.at, &due.task.endpoint, &due.task.message))
}

fn to_item(due: &DueDelivery) -> Item {
    let (pk, sk) = key(due);
    let item = ItemBuilder::new(pk, sk).instant("at", due.at);
    task_item::write(item, &due.task).expires(due.task.expires_at).build()
}

fn from_item(item: &Item) -> Result<DueDelivery, Fault> {
    let reader = Reader::new("due delivery", item);
    Ok(DueDelivery { at: reader.instant("at")?, task: task_item::read(&reader)? })
}

impl Store {
    /// Has a delivery wait until it is due. Written twice it is one item.
    pub async fn put_due(&self, due: &DueDelivery, now: Timestamp) -> Result<(), Fault> {
        // Before the first item there is a cursor, so a sweep that finds none has nothing to look for.
        self.has_sweep_cursor.get_or_try_init(|| self.begin_sweep_cursor(minute_of(now))).await?;
        self.writer.write(Write::Put(to_item(due))).await
    }

    /// Sets the cursor, unless there is one.
    async fn begin_sweep_cursor(&self, minute: i64) -> Result<(), Fault> {
        self.put_sweep_cursor(minute, "attribute_not_exists(#m)", None).await
    }

    /// Up to `count` deliveries of one minute and shard, earliest first.
    pub async fn due_in(&self, minute: i64, shard: u8, count: usize) -> Result<Vec<DueDelivery>, Fault> {
        // Sort keys begin with a digit; a bound may not be empty.
        let partition = keys::due(minute, shard);
        let range = Range { index: None, partition, from: "0".to_owned(), to: ":".to_owned() };
        let items = self.query_count("reading due deliveries", &range, true, count).await?;
        items.iter().map(from_item).collect()
    }

    /// Forgets deliveries that were put into the queue. Forgotten twice is forgotten.
    pub async fn forget_due(&self, done: &[DueDelivery]) -> Result<(), Fault> {
        let deletes = done.iter().map(key).map(|(pk, sk)| Write::Delete { pk, sk });
        self.writer.write_all(deletes).await
    }

    /// The first minute that may hold deliveries, if a sweep ever ran.
    pub async fn sweep_cursor(&self) -> Result<Option<i64>, Fault> {
        let key = keys::SWEEP_CURSOR.to_owned();
        let item = self.get("reading the sweep's cursor", key.clone(), key).await?;
        item.map(|item| Reader::new("sweep cursor", &item).number("minute")).transpose()
    }

    /// Moves the cursor forward, never back: a sweep that was overtaken by another changes nothing.
    pub async fn advance_sweep_cursor(&self, minute: i64) -> Result<(), Fault> {
        let seen = Some((":minute".to_owned(), number(minute)));
        self.put_sweep_cursor(minute, "attribute_not_exists(#m) OR #m < :minute", seen).await
    }

    /// A failed condition means that the cursor is further already.
    async fn put_sweep_cursor(
        &self,
        minute: i64,
        condition: &str,
        values: Option<(String, AttributeValue)>,
    ) -> Result<(), Fault> {
        let key = keys::SWEEP_CURSOR.to_owned();
        let item = ItemBuilder::new(key.clone(), key).number("minute", minute).build();
        let put = self.client.put_item().table_name(&*self.table).set_item(Some(item)).condition_expression(condition);
        let put = put.expression_attribute_names("#m", "minute");
        let put = put.set_expression_attribute_values(values.map(|value| HashMap::from([value])));
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_condition_failed(&error) => Ok(()),
            Err(error) => Err(fault("moving the sweep's cursor", error)),
        }
    }
}
