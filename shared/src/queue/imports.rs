//! The import queue: objects that came into the bucket, as S3 tells of them, and parts of imports that are to be read.
//!
//! Both may come twice and in any order. What S3 tells is read leniently: of its many fields, a few are used, and records of other
//! kinds are left out.

use std::borrow::Cow;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::Queued;
use crate::domain::Invalid;
use crate::domain::ids::{ImportId, OrganizationId};
use crate::domain::trace::{self, TraceParent};
use crate::fault::Fault;
use crate::telemetry;

/// Raised when a reader of the old form would misunderstand the new one.
const VERSION: u8 = 1;

/// What `SendMessageBatch` takes.
const BATCH_ITEMS_MAX: usize = 10;

/// The import queue. Cheap to clone; one per process.
#[derive(Clone)]
pub struct ImportQueue {
    client: Client,
    url: String,
}

/// What a message of the queue asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportWork {
    /// Objects were created.
    Created(Vec<CreatedObject>),
    /// A file may be there of which nobody has told: somebody is to look.
    Look(OrganizationId, ImportId),
    /// A part of an import is to be read.
    Part(PartJob),
}

/// An object that was created in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedObject {
    /// The bucket's name.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Tells one creation of the key from the others.
    pub sequencer: String,
}

/// A part of an import that is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartJob {
    /// Whose.
    pub organization: OrganizationId,
    /// Which import.
    pub import: ImportId,
    /// Which part, from 0.
    pub part: u32,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u8,
    org: OrganizationId,
    import: ImportId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "trace::of_queued")]
    trace: Option<TraceParent>,
}

#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
    /// What S3 sends when the notification is set up.
    #[serde(rename = "Event")]
    test: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    s3: S3,
}

#[derive(Deserialize)]
struct S3 {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    key: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    e_tag: String,
    #[serde(default)]
    sequencer: String,
}

impl ImportQueue {
    /// The queue at this URL.
    pub fn new(sdk: &SdkConfig, url: &str) -> Self {
        Self { client: Client::new(sdk), url: url.to_owned() }
    }

    /// Queues parts of imports, ten in a call. After a fault some may be queued and others not: do it again, a part may come twice.
    pub async fn send(&self, jobs: impl Iterator<Item = PartJob>) -> Result<(), Fault> {
        let (action, trace) = ("queueing parts of an import", telemetry::trace());
        let entries = jobs.enumerate().map(|(index, PartJob { organization: org, import, part })| {
            let body = serde_json::to_string(&Wire { v: VERSION, org, import, part: Some(part), trace });
            let body = body.map_err(|error| Fault::corrupt_because(action, error))?;
            let entry = SendMessageBatchRequestEntry::builder().id((index % BATCH_ITEMS_MAX).to_string());
            entry.message_body(body).build().map_err(|error| Fault::corrupt_because(action, error))
        });
        let entries = entries.collect::<Result<Vec<_>, Fault>>()?;
        for batch in entries.chunks(BATCH_ITEMS_MAX) {
            let send = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(batch.to_vec()));
            let answer = send.send().await.map_err(|error| Fault::unavailable(action, error))?;
            if let Some(refused) = answer.failed.first() {
                return Err(Fault::unavailable(action, format!("the queue refused one: {}", refused.code)));
            }
        }
        Ok(())
    }

    /// Has somebody look whether the file of an import is there. Twice is once.
    pub async fn send_look(&self, org: OrganizationId, import: ImportId) -> Result<(), Fault> {
        let action = "having a file looked for";
        let body = serde_json::to_string(&Wire { v: VERSION, org, import, part: None, trace: telemetry::trace() });
        let body = body.map_err(|error| Fault::corrupt_because(action, error))?;
        let send = self.client.send_message().queue_url(&self.url).message_body(body).send();
        send.await.map(drop).map_err(|error| Fault::unavailable(action, error))
    }
}

/// Reads a queued body: a piece of an import, or what S3 tells.
pub fn decode_import_work(body: &str) -> Result<Queued<ImportWork>, Invalid> {
    if let Ok(Wire { v, org: organization, import, part, trace }) = serde_json::from_str(body) {
        let work = match (v, part) {
            (VERSION, Some(part)) => ImportWork::Part(PartJob { organization, import, part }),
            (VERSION, None) => ImportWork::Look(organization, import),
            (other, _) => {
                return Err(Invalid::new(format!("a piece of version {other}, this program knows {VERSION}")));
            }
        };
        return Ok(Queued { work, trace });
    }
    Ok(Queued { work: ImportWork::Created(decode_created(body)?), trace: None })
}

/// Reads what S3 tells of objects; those that were created.
pub fn decode_created(body: &str) -> Result<Vec<CreatedObject>, Invalid> {
    let told: Notification = serde_json::from_str(body).map_err(|error| Invalid::new(format!("not known: {error}")))?;
    if told.records.is_empty() && told.test.as_deref() != Some("s3:TestEvent") {
        return Err(Invalid::new("neither a part of an import nor an event of S3"));
    }
    let created = told.records.into_iter().filter(|record| {
        let name = record.event_name.strip_prefix("s3:").unwrap_or(&record.event_name);
        name.starts_with("ObjectCreated:")
    });
    created.map(|record| CreatedObject::read(record.s3)).collect()
}

impl CreatedObject {
    /// In events keys are encoded like a form's values.
    fn read(S3 { bucket, object }: S3) -> Result<Self, Invalid> {
        let spaced = object.key.replace('+', " ");
        let key = percent_decode_str(&spaced).decode_utf8().map(Cow::into_owned);
        Ok(Self {
            bucket: bucket.name,
            key: key.map_err(|_| Invalid::new("an object whose key is not UTF-8"))?,
            size: object.size,
            etag: object.e_tag.trim_matches('"').to_owned(),
            sequencer: object.sequencer,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::timestamp::Timestamp;

    const CREATED: &str = r#"{"Records":[
        {"eventVersion":"2.6","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"s3SchemaVersion":"1.0",
         "bucket":{"name":"b","arn":"arn:aws:s3:::b"},
         "object":{"key":"drop/a+b%2Bc%C3%A9.csv","size":12,"eTag":"abc","sequencer":"0055"}}},
        {"eventVersion":"2.6","eventName":"ObjectRemoved:Delete","s3":{"bucket":{"name":"b"},"object":{"key":"x"}}}]}"#;

    fn read(body: &str) -> Result<ImportWork, Invalid> {
        decode_import_work(body).map(|queued| queued.work)
    }

    #[test]
    fn what_s3_tells_is_read_and_other_things_are_left_out() {
        let created = CreatedObject {
            bucket: "b".to_owned(),
            key: "drop/a b+cé.csv".to_owned(),
            size: 12,
            etag: "abc".to_owned(),
            sequencer: "0055".to_owned(),
        };
        assert_eq!(read(CREATED), Ok(ImportWork::Created(vec![created])));
        let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#;
        assert_eq!(read(test), Ok(ImportWork::Created(Vec::new())));
    }

    #[test]
    fn a_part_comes_back_as_it_was_and_poison_is_refused() {
        let at = Timestamp::from_millis(1_764_000_000_000);
        let (org, import) = (OrganizationId::new(at, [1; 15]), ImportId::new(at, [2; 15]));
        let look = serde_json::to_string(&Wire { v: VERSION, org, import, part: None, trace: None }).unwrap();
        assert_eq!(read(&look), Ok(ImportWork::Look(org, import)));
        let body = serde_json::to_string(&Wire { v: VERSION, org, import, part: Some(7), trace: None }).unwrap();
        assert_eq!(read(&body), Ok(ImportWork::Part(PartJob { organization: org, import, part: 7 })));
        let trace = TraceParent::root([7; 24], true);
        let traced = body.replace('}', &format!(",\"trace\":\"{trace}\"}}"));
        assert_eq!(decode_import_work(&traced).unwrap().trace, Some(trace));
        let poison = ["", "{}", "[]", r#"{"Records":[]}"#, r#"{"Records":[{}]}"#, r#"{"Event":"other"}"#];
        for body in poison.into_iter().map(str::to_owned).chain([body.replace("\"v\":1", "\"v\":2")]) {
            assert!(decode_import_work(&body).is_err(), "{body}");
        }
    }
}
