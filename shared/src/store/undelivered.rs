//! What ended without being delivered: one item for a message and an endpoint, behind the message's attempts; in the index
//! under its endpoint, by time.
//!
//! Recording is an unconditional put: done twice, it is the same item, and the later one stays.

use super::attempts::trigger_stored;
use super::item::{Item, ItemBuilder};
use super::write::Write;
use super::{Store, keys};
use crate::domain::ids::AppScope;
use crate::domain::timestamp::Timestamp;
use crate::domain::undelivered::Undelivered;
use crate::fault::Fault;

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
}
