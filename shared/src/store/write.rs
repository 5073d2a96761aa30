//! Puts and deletes without conditions, gathered into `BatchWriteItem` calls.
//!
//! A put that is done twice leaves the same item, a delete that is done twice leaves none: after a fault the caller may
//! simply do it again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};

use super::fault;
use super::item::{Item, text};
use crate::fault::Fault;
use crate::gather::{Gatherer, Limits, Results};

/// Twenty-five is what `BatchWriteItem` takes; its 16 MB are far more than we want in one request. Four calls at a time
/// keep the connection busy without letting one sandbox hog a partition.
const LIMITS: Limits = Limits { items_max: 25, bytes_max: 4 * 1024 * 1024, calls_max: 4 };

/// How often items that DynamoDB left unprocessed (it is throttling) are sent again before the caller is told.
const TRIES_MAX: u32 = 5;
/// The first pause between tries; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(25);

/// One write.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Put(Item),
    Delete { pk: String, sk: String },
}

impl Write {
    fn key(&self) -> (&str, &str) {
        match self {
            Self::Delete { pk, sk } => (pk, sk),
            Self::Put(item) => {
                let part = |name| super::key_text(item, name).unwrap_or_default();
                (part("pk"), part("sk"))
            }
        }
    }

    /// Near enough for a limit that is far from DynamoDB's own.
    fn bytes(&self) -> usize {
        match self {
            Self::Delete { pk, sk } => pk.len() + sk.len(),
            Self::Put(item) => item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum(),
        }
    }

    /// The request, which the write becomes: an item is not copied on its way.
    fn into_request(self) -> Result<WriteRequest, Fault> {
        let incomplete = |error| Fault::corrupt_because("building a write", error);
        let builder = WriteRequest::builder();
        Ok(match self {
            Self::Put(item) => {
                let put = PutRequest::builder().set_item(Some(item)).build().map_err(incomplete)?;
                builder.put_request(put).build()
            }
            Self::Delete { pk, sk } => {
                let delete = DeleteRequest::builder().key("pk", text(pk)).key("sk", text(sk));
                builder.delete_request(delete.build().map_err(incomplete)?).build()
            }
        })
    }

    /// The write behind a request that came back.
    fn of_request(request: WriteRequest) -> Option<Self> {
        if let Some(put) = request.put_request {
            return Some(Self::Put(put.item));
        }
        let mut key = request.delete_request?.key;
        let mut part = |name| {
            key.remove(name).and_then(|value| if let AttributeValue::S(text) = value { Some(text) } else { None })
        };
        Some(Self::Delete { pk: part("pk")?, sk: part("sk")? })
    }
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(values) => values.iter().map(value_bytes).sum(),
        AttributeValue::M(map) => map.iter().map(|(name, value)| name.len() + value_bytes(value)).sum(),
        _ => 8,
    }
}

/// Gathers the writes of a process.
#[derive(Clone)]
pub(super) struct BatchWriter(Gatherer<Write>);

impl BatchWriter {
    pub(super) fn new(client: Client, table: Arc<str>) -> Self {
        let call = move |writes: Vec<Write>| -> std::pin::Pin<Box<dyn Future<Output = Results> + Send>> {
            let (client, table) = (client.clone(), Arc::clone(&table));
            Box::pin(async move { write_all(&client, &table, writes).await })
        };
        Self(Gatherer::new(LIMITS, Box::new(call)))
    }

    /// Writes, together with what others write now.
    pub(super) async fn write(&self, write: Write) -> Result<(), Fault> {
        let bytes = write.bytes();
        self.0.run(write, bytes).await
    }

    /// Writes all of them; the first fault, if any, after everything was tried.
    pub(super) async fn write_all(&self, writes: impl IntoIterator<Item = Write>) -> Result<(), Fault> {
        let all = writes.into_iter().map(|write| self.write(write));
        futures_util::future::join_all(all).await.into_iter().collect()
    }
}

/// A write, and which of the caller's it is.
type Open = (usize, Write);

async fn write_all(client: &Client, table: &str, writes: Vec<Write>) -> Results {
    let mut results: Vec<Option<Result<(), Fault>>> = writes.iter().map(|_| None).collect();
    let mut open: Vec<Open> = writes.into_iter().enumerate().collect();
    for attempt in 0..TRIES_MAX {
        if open.is_empty() {
            break;
        }
        if attempt > 0 {
            tokio::time::sleep(PAUSE * 2u32.pow(attempt - 1)).await;
        }
        let (round, later) = next_round(open);
        open = later;
        let asked: Vec<usize> = round.iter().map(|(index, _)| *index).collect();
        match write_once(client, table, round).await {
            Ok(unprocessed) => {
                for index in asked.into_iter().filter(|index| !unprocessed.iter().any(|(left, _)| left == index)) {
                    results[index] = Some(Ok(()));
                }
                open.extend(unprocessed);
                open.sort_unstable_by_key(|(index, _)| *index);
            }
            Err(error) => {
                let error = Arc::new(error);
                for index in asked {
                    results[index] = Some(Err(Fault::shared("writing items", Arc::clone(&error))));
                }
            }
        }
    }
    let throttled = || Err(Fault::unavailable("writing items", "the table left them unprocessed"));
    results.into_iter().map(|result| result.unwrap_or_else(throttled)).collect()
}

/// The writes that may go together, and those that wait: a call may not name an item twice, so a second write of one waits
/// for the next.
fn next_round(open: Vec<Open>) -> (Vec<Open>, Vec<Open>) {
    let mut keys = HashSet::new();
    let is_first: Vec<bool> = open.iter().map(|(_, write)| keys.insert(write.key())).collect();
    let mut is_first = is_first.into_iter();
    open.into_iter().partition(|_| is_first.next().unwrap_or_default())
}

fn own_key(write: &Write) -> (String, String) {
    let (pk, sk) = write.key();
    (pk.to_owned(), sk.to_owned())
}

/// One call; what it left unprocessed.
async fn write_once(client: &Client, table: &str, round: Vec<Open>) -> Result<Vec<Open>, Fault> {
    let mut indexes: HashMap<(String, String), usize> =
        round.iter().map(|(index, write)| (own_key(write), *index)).collect();
    let requests = round.into_iter().map(|(_, write)| write.into_request()).collect::<Result<Vec<_>, _>>()?;
    let answer = client.batch_write_item().request_items(table, requests).send().await;
    let left = answer.map_err(|error| fault("writing items", error))?.unprocessed_items.unwrap_or_default();
    let ours = |request| {
        let write = Write::of_request(request)?;
        Some((indexes.remove(&own_key(&write))?, write))
    };
    Ok(left.into_values().flatten().filter_map(ours).collect())
}
