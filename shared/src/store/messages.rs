//! Messages. A message and its attempts share a partition, named by the 15 bytes that follow from the message's id, from its
//! event id and from its idempotency key alike: so one conditional put accepts it, or finds the first one on a repeat.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use super::item::{Item, ItemBuilder, Reader};
use super::listing::ListFilter;
use super::sealing::ERASED;
use super::write::Write;
use super::{Store, fault, keys};
use crate::domain::application::Application;
use crate::domain::ids::{AppScope, MessageId};
use crate::domain::ksuid::Ksuid;
use crate::domain::message::{ContentHash, Message, MessageIdentity, Origin, Payload, PayloadPlace};
use crate::domain::names::{Channel, EventId, EventTypeName, OrderingKey, Tag};
use crate::domain::original_headers::OriginalHeaders;
use crate::domain::page::{Page, PageRequest};
use crate::fault::Fault;

/// Payloads above this are compressed: below, an item fits into one write unit of 1,024 bytes as it is.
const COMPRESS_ABOVE_BYTES: usize = 600;

/// Largest payload that stays in the item whatever its compression makes of it; an item may have 400 KB in all.
pub const PAYLOAD_IN_ITEM_BYTES_MAX: usize = 300 * 1024;

const ZSTD_LEVEL: i32 = 3;

/// What became of a message that was to be stored.
#[derive(Clone, Debug)]
pub enum Accepted {
    /// It is stored; there was none of its identity.
    New,
    /// There was one already, and it was asked for with the same content.
    Repeat(Box<Message>),
    /// There was one already, with other content.
    Conflict,
}

/// How a caller names a message.
#[derive(Clone, Debug)]
pub enum MessageRef {
    /// By our identifier.
    Id(MessageId),
    /// By the caller's own.
    EventId(EventId),
}

impl MessageRef {
    /// None when the text can be neither: then there is no such message.
    pub fn parse(text: &str) -> Option<Self> {
        match MessageId::parse(text) {
            Some(id) => Some(Self::Id(id)),
            None => EventId::parse(text).ok().map(Self::EventId),
        }
    }
}

/// A payload as it is stored: whether it is compressed, and its bytes.
fn encode_payload(payload: &Payload) -> (bool, Vec<u8>) {
    let plain = payload.as_str().as_bytes();
    if plain.len() <= COMPRESS_ABOVE_BYTES {
        return (false, plain.to_vec());
    }
    match zstd::bulk::compress(plain, ZSTD_LEVEL) {
        Ok(compressed) if compressed.len() < plain.len() => (true, compressed),
        _ => (false, plain.to_vec()),
    }
}

fn decode_payload(reader: &Reader<'_>) -> Result<Option<Payload>, Fault> {
    let text = match (reader.bytes_if("body")?, reader.bytes_if("zbody")?) {
        (Some(plain), _) => plain.to_vec(),
        (None, Some(compressed)) => zstd::bulk::decompress(compressed, crate::domain::message::PAYLOAD_BYTES_MAX)
            .map_err(|error| Fault::corrupt_because("decompressing a payload", error))?,
        (None, None) => return Ok(None),
    };
    let text = String::from_utf8(text).map_err(|_| reader.corrupt("body"))?;
    Payload::from_text(text).map(Some).map_err(|_| reader.corrupt("body"))
}

/// What is sealed where payloads are.
const PAYLOAD: [&str; 2] = ["body", "zbody"];

fn to_item(scope: &AppScope, application: &Application, message: &Message, hash: &ContentHash) -> Item {
    let shard = listing_shard(&message.id, application.list_shards);
    let item = ItemBuilder::new(keys::message_of(scope, &message.id), keys::MESSAGE.to_owned())
        .text("lpk", keys::messages_listing(scope, shard))
        .text("lsk", message.id.ksuid().to_string())
        .text_if("event", message.event_id.as_ref().map(EventId::as_str))
        .text("type", message.event_type.as_str())
        .texts("channels", &message.channels)
        .texts("tags", &message.tags)
        .bytes("hash", hash.0.to_vec())
        .instant_if("deliver", message.deliver_at)
        .instant_if("deadline", message.deliver_before)
        .text_if("order", message.ordering_key.as_ref().map(OrderingKey::as_str))
        .text_if("origin", message.origin.map(|origin| origin.to_string()))
        .pairs("headers", message.headers.pairs())
        .flag("canceled", message.is_canceled)
        .expires(message.expires_at);
    let item = match &message.payload {
        PayloadPlace::Blob(name) => item.text("blob", name),
        PayloadPlace::Expunged => item.flag("expunged", true),
        PayloadPlace::Here(payload) => match encode_payload(payload) {
            (true, bytes) => item.bytes("zbody", bytes),
            (false, bytes) => item.bytes("body", bytes),
        },
    };
    item.build()
}

/// Which of the application's index partitions holds it.
fn listing_shard(id: &MessageId, shards: u8) -> u8 {
    id.ksuid().tail()[0] % shards.max(1)
}

pub(super) fn from_item(item: &Item) -> Result<Message, Fault> {
    let reader = Reader::new("message", item);
    let id = reader.parsed("lsk", Ksuid::parse).map(MessageId::from_ksuid)?;
    let is_gone = reader.flag("expunged") || reader.flag(ERASED);
    let payload = match (is_gone, decode_payload(&reader)?) {
        (true, _) => PayloadPlace::Expunged,
        (false, Some(payload)) => PayloadPlace::Here(payload),
        (false, None) => PayloadPlace::Blob(reader.text("blob")?.to_owned()),
    };
    Ok(Message {
        id,
        event_id: reader.parsed_if("event", |text| EventId::parse(text).ok())?,
        event_type: reader.parsed("type", |text| EventTypeName::parse(text).ok())?,
        channels: reader.texts("channels", |text| Channel::parse(text).ok())?,
        tags: reader.texts("tags", |text| Tag::parse(text).ok())?,
        payload,
        accepted_at: id.timestamp(),
        deliver_at: reader.instant_if("deliver")?,
        deliver_before: reader.instant_if("deadline")?,
        ordering_key: reader.parsed_if("order", |text| OrderingKey::parse(text).ok())?,
        origin: reader.parsed_if("origin", Origin::parse)?,
        headers: OriginalHeaders::from_stored(reader.pairs("headers")?),
        is_canceled: reader.flag("canceled"),
        expires_at: reader.expires()?,
    })
}

impl Store {
    async fn message_item(
        &self,
        scope: &AppScope,
        application: &Application,
        message: &Message,
        hash: &ContentHash,
    ) -> Result<Item, Fault> {
        let item = to_item(scope, application, message, hash);
        match self.keys.seals_payloads() {
            true => self.seal(item, &PAYLOAD, message.accepted_at).await,
            false => Ok(item),
        }
    }

    /// Stores the message unless there is one of its identity: one conditional put, which brings the first one along.
    pub async fn accept(
        &self,
        scope: &AppScope,
        application: &Application,
        message: &Message,
        hash: &ContentHash,
    ) -> Result<Accepted, Fault> {
        let action = format!("storing message {}", message.id);
        let put = self
            .client
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(self.message_item(scope, application, message, hash).await?))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let error = match put.send().await {
            Ok(_) => return Ok(Accepted::New),
            Err(error) => error,
        };
        let first = match error.as_service_error() {
            Some(aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed)) => {
                failed.item().cloned()
            }
            _ => return Err(fault(&action, error)),
        };
        let first = first.ok_or_else(|| Fault::corrupt(format!("{action}: the first one did not come along")))?;
        let stored_hash = Reader::new("message", &first).bytes_if("hash")?;
        match stored_hash == Some(hash.0.as_slice()) {
            true => from_item(&self.open(first).await?).map(|first| Accepted::Repeat(Box::new(first))),
            false => Ok(Accepted::Conflict),
        }
    }

    /// Stores messages that nobody else can have stored with other content, because their identity is the record of a file: twice is
    /// once. Without conditions, and so many in one call.
    pub async fn put_messages<'a>(
        &self,
        scope: &AppScope,
        application: &Application,
        messages: impl Iterator<Item = (&'a Message, ContentHash)>,
    ) -> Result<(), Fault> {
        let mut puts = Vec::with_capacity(messages.size_hint().0);
        for (message, hash) in messages {
            puts.push(Write::Put(self.message_item(scope, application, message, &hash).await?));
        }
        self.writer.write_all(puts).await
    }

    /// The message a caller names, if the application has it.
    pub async fn message(&self, scope: &AppScope, named: &MessageRef) -> Result<Option<Message>, Fault> {
        let tail = match named {
            MessageRef::Id(id) => id.ksuid().tail(),
            MessageRef::EventId(event_id) => MessageIdentity::EventId(event_id).tail(scope),
        };
        let item = self.get("reading a message", keys::message(scope, &tail), keys::MESSAGE.to_owned()).await?;
        let Some(item) = item else { return Ok(None) };
        let message = Some(from_item(&self.open(item).await?)?);
        // The key is only the identifier's tail: with another time in front it names nothing.
        Ok(message.filter(|message| match named {
            MessageRef::Id(id) => message.id == *id,
            MessageRef::EventId(_) => true,
        }))
    }

    /// Messages by their identifiers; those that are gone are missing.
    pub async fn messages(
        &self,
        scope: &AppScope,
        ids: &BTreeSet<MessageId>,
    ) -> Result<HashMap<MessageId, Message>, Fault> {
        let wanted = ids.iter().map(|id| (keys::message_of(scope, id), keys::MESSAGE.to_owned())).collect();
        let items = self.open_all(self.batch_get("reading messages", wanted).await?).await?;
        items.iter().map(|item| from_item(item).map(|message| (message.id, message))).collect()
    }

    /// A page of the application's messages, by the time they were accepted. The index follows the table by moments.
    pub async fn list_messages(
        &self,
        scope: &AppScope,
        application: &Application,
        request: &PageRequest<MessageId>,
        filter: &ListFilter,
    ) -> Result<Page<Message, MessageId>, Fault> {
        let shards = (0..application.list_shards.max(1)).map(|shard| keys::messages_listing(scope, shard)).collect();
        let listing = filter.listing(shards, request.cursor_key().map(MessageId::ksuid));
        let wants = |entry: &Item| filter.wants(&Reader::new("message entry", entry));
        let found = self.list(&listing, request, wants).await?;
        let key_of = |message: &Message| message.id.ksuid();
        self.page_of("reading messages", found, request, from_item, key_of, MessageId::from_ksuid).await
    }
}
