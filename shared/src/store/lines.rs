//! Lines: messages with one ordering key, for an endpoint that wants them one after the other, in the order in which they were
//! accepted. A line is a partition of its own: a counter, and an entry for each delivery that is not over, which holds
//! what its task needs. Only the first one's task is on its way; whoever ends it starts the next.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};

use super::item::{Item, ItemBuilder, Reader, number};
use super::page::Range;
use super::write::Write;
use super::{Store, fault, keys, task_item};
use crate::domain::delivery::{DeliveryTask, LinePlace};
use crate::domain::ids::{AppScope, EndpointId};
use crate::domain::names::OrderingKey;
use crate::domain::timestamp::{MS_PER_DAY, Timestamp};
use crate::fault::Fault;

/// How long a line's counter outlives the messages it has numbered. Numbers must not begin again while any of them stands in line.
const COUNTER_KEPT_MS: i64 = 90 * MS_PER_DAY;

/// A delivery that stands in line.
#[derive(Clone, Debug)]
pub struct InLine {
    /// What is to be done when it is its turn; with its place.
    pub task: DeliveryTask,
    /// Whether its task is on its way.
    pub is_started: bool,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The caller's.
    Yours,
    /// Somebody else makes this very attempt now.
    Taken,
    /// The delivery does not stand in line any more: it is over.
    Over,
}

fn key(task: &DeliveryTask, place: &LinePlace) -> (String, String) {
    (keys::line(&task.scope, &task.endpoint, &place.key), keys::line_sk(place.number))
}

fn from_item(item: &Item) -> Result<InLine, Fault> {
    let reader = Reader::new("entry of a line", item);
    Ok(InLine { task: task_item::read(&reader)?, is_started: reader.flag("started") })
}

impl Store {
    /// Puts a delivery at the end of its line; the task with its place. Done twice, it stands there twice, and whoever delivers it
    /// the second time finds that it is done.
    pub async fn join_line(&self, task: DeliveryTask, line: OrderingKey) -> Result<DeliveryTask, Fault> {
        let pk = keys::line(&task.scope, &task.endpoint, &line);
        let count = self
            .update(pk.clone(), keys::LINE_COUNTER, "SET #ttl = :ttl ADD #count :one")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":ttl", number(task.expires_at.plus_millis(COUNTER_KEPT_MS).as_seconds()))
            .expression_attribute_values(":one", number(1));
        let counter = self.updated("numbering a delivery in its line", count).await?.unwrap_or_default();
        let place = LinePlace { key: line, number: Reader::new("counter of a line", &counter).number("count")? };
        let task = DeliveryTask { place: Some(place.clone()), ..task };
        let item = task_item::write(ItemBuilder::new(pk, keys::line_sk(place.number)), &task);
        self.writer.write(Write::Put(item.expires(task.expires_at).build())).await?;
        Ok(task)
    }

    /// The delivery that stands first in a line.
    pub async fn first_in_line(
        &self,
        scope: &AppScope,
        endpoint: &EndpointId,
        line: &OrderingKey,
    ) -> Result<Option<InLine>, Fault> {
        let range = Range::prefixed(keys::line(scope, endpoint, line), keys::LINE_ENTRY);
        let items = self.query_count("reading who stands first in a line", &range, true, 1).await?;
        items.first().map(from_item).transpose()
    }

    /// Notes that a delivery's task is on its way. One that has left the line meanwhile stays away.
    pub async fn note_started(&self, task: &DeliveryTask, place: &LinePlace) -> Result<(), Fault> {
        let (pk, sk) = key(task, place);
        let update = self
            .update(pk, sk, "SET started = :true")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":true", AttributeValue::Bool(true));
        self.updated("noting that a delivery in line has begun", update).await.map(drop)
    }

    /// Takes on an attempt of a delivery in line, until then. The same attempt is not taken on twice at one time; the next one
    /// can be at once, for it only exists when this one is over.
    pub async fn take_turn(
        &self,
        task: &DeliveryTask,
        place: &LinePlace,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Turn, Fault> {
        let (pk, sk) = key(task, place);
        let update = self
            .update(pk, sk, "SET turn = :turn, busy = :until")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(turn) OR turn < :turn OR busy <= :now)",
            )
            .expression_attribute_values(":turn", number(task.number))
            .expression_attribute_values(":until", number(until.as_millis()))
            .expression_attribute_values(":now", number(now.as_millis()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(_) => Ok(Turn::Yours),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(if failed.item().is_some() { Turn::Taken } else { Turn::Over })
                }
                _ => Err(fault("taking the turn of a delivery in line", error)),
            },
        }
    }

    /// Lets a delivery leave its line. Who has left has left.
    pub async fn leave_line(&self, task: &DeliveryTask, place: &LinePlace) -> Result<(), Fault> {
        let (pk, sk) = key(task, place);
        self.writer.write(Write::Delete { pk, sk }).await
    }
}
