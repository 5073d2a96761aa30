//! The table: keys, records, access patterns. The only room that knows DynamoDB.
//!
//! One table, `pk`/`sk`, one index named `listing`; `docs/DATA.md` shows every item and what each operation costs. Nothing
//! scans. What a publish reads is one strongly consistent query of one partition; what it writes is one conditional put.
//!
//! A file for each kind of record: its conversions by hand, for they are the documentation of what is stored, and its
//! access patterns. Answers are domain types; what DynamoDB could not do is a [`Fault`].

mod api_keys;
mod applications;
mod attempts;
mod audit;
mod background;
mod data_keys;
mod deliveries;
mod due;
mod endpoints;
mod event_types;
mod expunge;
mod gates;
mod hidden;
mod idempotency;
mod imports;
mod item;
mod keys;
mod lines;
mod listing;
mod messages;
mod page;
mod rates;
mod recipients;
mod sealing;
mod sessions;
mod sources;
mod task_item;
mod undelivered;
mod usage;
mod write;

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use tokio::sync::OnceCell;

pub use applications::ApplicationRef;
pub use attempts::{AttemptFilter, Past};
pub use audit::ChangeFilter;
pub use background::TaskFilter;
pub use data_keys::DATA_KEYS_MAX;
pub use deliveries::{Delivery, DeliveryFilter};
pub use due::{DUE_SHARDS, DueDelivery, minute_of};
pub use endpoints::{Audience, EndpointRef};
pub use idempotency::{Created, Idempotency};
pub use lines::{InLine, Turn};
pub use listing::ListFilter;
pub use messages::{Accepted, MessageRef, PAYLOAD_IN_ITEM_BYTES_MAX};
pub use rates::Metered;
pub use recipients::Recipients;
pub use sessions::Cutoff;
pub use sources::SourceRef;
pub use undelivered::Traces;
pub use usage::Counted;

use crate::fault::Fault;
use crate::keys::Keys;
use item::{Item, text};
use write::BatchWriter;

/// The table. Cheap to clone; one per process.
#[derive(Clone)]
pub struct Store {
    client: Client,
    table: Arc<str>,
    writer: BatchWriter,
    keys: Keys,
    has_sweep_cursor: Arc<OnceCell<()>>,
}

/// What a read-modify-write ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updated {
    /// It is stored.
    Done,
    /// The uid it should get belongs to another.
    UidTaken,
    /// Somebody else changed or deleted it meanwhile: read it again.
    Raced,
    /// The idempotency key has done this before.
    Repeat {
        /// Whether the request was the same then.
        is_same_request: bool,
    },
}

impl Store {
    /// The table of this name; what is secret in it is sealed with these keys.
    pub fn new(sdk: &SdkConfig, table: &str, keys: &Keys) -> Self {
        let client = Client::new(sdk);
        let table: Arc<str> = Arc::from(table);
        let writer = BatchWriter::new(client.clone(), Arc::clone(&table));
        Self { client, table, writer, keys: keys.clone(), has_sweep_cursor: Arc::default() }
    }

    /// Whether the table answers: the cheapest read there is.
    pub async fn check(&self) -> Result<(), Fault> {
        self.get("checking the table", keys::SWEEP_CURSOR.to_owned(), keys::SWEEP_CURSOR.to_owned()).await.map(drop)
    }

    /// One item, strongly consistent.
    async fn get(&self, action: &str, pk: String, sk: String) -> Result<Option<Item>, Fault> {
        let request = self.client.get_item().table_name(&*self.table).consistent_read(true);
        let answer = request.key("pk", text(pk)).key("sk", text(sk)).send().await;
        answer.map(|output| output.item).map_err(|error| fault(action, error))
    }

    /// An update of one item; it brings the item as it is then.
    fn update(&self, pk: impl Into<String>, sk: impl Into<String>, expression: &str) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&*self.table).update_expression(expression);
        update.key("pk", text(pk)).key("sk", text(sk)).return_values(ReturnValue::AllNew)
    }

    /// The item that an update brings; none: its condition failed.
    async fn updated(&self, action: &str, update: UpdateItemFluentBuilder) -> Result<Option<Item>, Fault> {
        match update.send().await {
            Ok(output) => Ok(output.attributes),
            Err(error) if is_condition_failed(&error) => Ok(None),
            Err(error) => Err(fault(action, error)),
        }
    }
}

/// Whether a write was not done because its condition did not hold.
fn is_condition_failed<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code() == Some("ConditionalCheckFailedException")
}

/// A failed call of the SDK. What no repetition can help (our own mistake: a bad request, a missing table, a missing
/// permission) is told apart from what passes.
fn fault<E, R>(action: &str, error: SdkError<E, R>) -> Fault
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    const OURS: [&str; 4] =
        ["ValidationException", "ResourceNotFoundException", "AccessDeniedException", "SerializationException"];
    if error.code().is_some_and(|code| OURS.contains(&code)) {
        return Fault::corrupt_because(action, error);
    }
    Fault::unavailable(action, error)
}

/// A key attribute out of an item that DynamoDB returned.
fn key_text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name).and_then(|value: &AttributeValue| value.as_s().ok()).map(String::as_str)
}
