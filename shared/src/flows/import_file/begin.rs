//! An object came into the bucket: what it is, and what is done about it.

use aws_lc_rs::digest;
use serde_json::json;

use super::ImportFile;
use super::part::CHANGED;
use crate::blobs::{FileHead, ReadError};
use crate::domain::hex::hex;
use crate::domain::ids::{ImportId, OrganizationId};
use crate::domain::import::{
    BadFile, DETECT_BYTES, Detected, FILE_BYTES_MAX, FileFacts, Found, Import, ImportStatus, NAME_BYTES_MAX, detect,
    found,
};
use crate::domain::message::{MessageDraft, Payload, RETENTION_DAYS_DEFAULT};
use crate::domain::names::{EventId, EventTypeName};
use crate::domain::original_headers::OriginalHeaders;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::queue::{CreatedObject, PartJob};
use crate::store::{ApplicationRef, Created, Idempotency};
use crate::telemetry::Metric;

/// Event type of the messages that objects under `files/` become.
const FILE_CREATED: &str = "file.created";

/// How long the address in such a message is valid, in seconds. No longer than the credentials that signed it, either: a function's
/// last some hours.
const FILE_URL_S: u32 = 6 * 3_600;

/// What was made of a created object.
#[derive(Clone, Debug)]
pub enum Begun {
    /// Its import is running, its parts are queued.
    Running(ImportId),
    /// Its import has failed already.
    Failed(ImportId),
    /// It is to become a message, which whoever asked accepts.
    Message(Box<FileMessage>),
    /// It is nothing that is imported: not asked for, seen before, or gone again.
    Nothing,
}

/// What a look at a file came to.
enum Looked {
    /// The import, with what is known of its file.
    Fine(Box<Import>),
    /// Why it cannot be imported.
    Bad(String),
    /// It is not there any more, or another one by now.
    Gone,
}

/// A created object as a message.
#[derive(Clone, Debug)]
pub struct FileMessage {
    /// Whose.
    pub organization: OrganizationId,
    /// For this application.
    pub application: ApplicationRef,
    /// What it says.
    pub draft: MessageDraft,
}

impl ImportFile {
    /// Looks at a created object, and begins its import.
    pub async fn begin(&self, created: &CreatedObject) -> Result<Begun, Fault> {
        if created.bucket != self.bucket {
            tracing::warn!(object.bucket = created.bucket, "an object of another bucket");
            return Ok(Begun::Nothing);
        }
        match found(&created.key) {
            Found::Upload(organization, id) => match self.store.import(&organization, &id).await? {
                Some(import) => self.begin_known(import, created).await,
                None => Ok(Begun::Nothing),
            },
            Found::Dropped(organization, application) => self.begin_dropped(organization, application, created).await,
            Found::File(organization, application) => self.file_message(organization, application, created).await,
            Found::Ours => Ok(Begun::Nothing),
            Found::Stray => {
                tracing::warn!(object.size = created.size, "an object under a prefix of ours whose key names nobody");
                Ok(Begun::Nothing)
            }
        }
    }

    /// Begins an import that waits although its file is there.
    pub async fn look_for(&self, organization: &OrganizationId, id: &ImportId) -> Result<Begun, Fault> {
        let Some(import) = self.store.import(organization, id).await? else { return Ok(Begun::Nothing) };
        let Some(head) = self.blobs.head(&import.key).await? else { return Ok(Begun::Nothing) };
        let created = CreatedObject {
            bucket: self.bucket.clone(),
            key: import.key.clone(),
            size: head.size,
            etag: head.etag,
            sequencer: String::new(),
        };
        self.begin_known(import, &created).await
    }

    /// An import is made for a dropped file, once for the object: the same file that is dropped again is known, as long as the import is.
    async fn begin_dropped(
        &self,
        organization: OrganizationId,
        application: Option<&str>,
        created: &CreatedObject,
    ) -> Result<Begun, Fault> {
        let now = self.effects.now();
        let named = application.and_then(ApplicationRef::parse);
        let known = match &named {
            Some(named) => self.store.application(&organization, named).await?,
            None => None,
        };
        let name = created.key.rsplit('/').next().unwrap_or_default();
        let id = ImportId::new(now, self.effects.random.id_tail());
        let import = Import {
            application: known.map(|application| application.id),
            name: shortened(name, NAME_BYTES_MAX).to_owned(),
            size: created.size,
            ..Import::new(id, organization, created.key.clone(), now)
        };
        // Not the sequencer, which tells one creation of an object from the next.
        let object = format!("{}\n{}\n{}", created.bucket, created.key, created.etag);
        let once = Idempotency::until(&object, "a dropped file", &[], import.expires_at());
        let import = match self.store.create_import(&import, Some(&once)).await? {
            Created::New | Created::NameTaken | Created::ParentGone | Created::Full => import,
            Created::Repeat { made, .. } => {
                let made = ImportId::parse(&made).ok_or_else(|| Fault::corrupt("reading of a dropped file"))?;
                match self.store.import(&organization, &made).await? {
                    Some(import) => import,
                    None => return Ok(Begun::Nothing),
                }
            }
        };
        if application.is_some() && import.application.is_none() {
            return self.fail_early(&import, "there is no application of the name in the object's key").await;
        }
        self.begin_known(import, created).await
    }

    async fn begin_known(&self, import: Import, created: &CreatedObject) -> Result<Begun, Fault> {
        let import = match import.status {
            ImportStatus::Waiting => match self.look(&import, created).await? {
                Looked::Fine(looked) => match self.store.begin_import(&looked, self.effects.now()).await? {
                    Some(begun) => begun,
                    // Somebody else has begun or ended it: the event comes again if that one does not get on.
                    None => return Ok(Begun::Nothing),
                },
                Looked::Bad(reason) => return self.fail_early(&import, &reason).await,
                // Another upload to the same address has an event of its own; a dropped file that is another one now has an import
                // of its own.
                Looked::Gone if import.upload.is_some() => return Ok(Begun::Nothing),
                Looked::Gone => return self.fail_early(&import, CHANGED).await,
            },
            ImportStatus::Running if !import.is_queued => import,
            ImportStatus::Running | ImportStatus::Finished | ImportStatus::Failed | ImportStatus::Canceled => {
                return Ok(Begun::Nothing);
            }
        };
        let (organization, id) = (import.organization, import.id);
        self.queue.send((0..import.parts).map(|part| PartJob { organization, import: id, part })).await?;
        self.store.note_import_queued(&import).await?;
        Ok(Begun::Running(id))
    }

    /// What the file is.
    async fn look(&self, import: &Import, created: &CreatedObject) -> Result<Looked, Fault> {
        let head = self.blobs.head(&import.key).await?;
        let Some(head) = head.filter(|head| head.etag == created.etag) else { return Ok(Looked::Gone) };
        if head.size > FILE_BYTES_MAX {
            return Ok(Looked::Bad(format!("the file is larger than {FILE_BYTES_MAX} bytes")));
        }
        let detected = match self.detected(&import.key, &head).await? {
            Some(Ok(detected)) => detected,
            Some(Err(bad)) => return Ok(Looked::Bad(bad.to_string())),
            None => return Ok(Looked::Gone),
        };
        let Detected { encoding, format } = detected;
        Ok(Looked::Fine(Box::new(Import {
            size: head.size,
            parts: Import::parts_of(head.size, detected),
            file: Some(FileFacts { etag: head.etag, encoding, format }),
            ..import.clone()
        })))
    }

    /// None: the file changed while it was looked at.
    async fn detected(&self, key: &str, head: &FileHead) -> Result<Option<Result<Detected, BadFile>>, Fault> {
        let mut stream = self.blobs.stream(key, head, 0);
        let mut first = Vec::new();
        while first.len() < DETECT_BYTES {
            match stream.next().await {
                Ok(Some(bytes)) => first.extend_from_slice(&bytes[..bytes.len().min(DETECT_BYTES)]),
                Ok(None) => break,
                Err(ReadError::Changed) => return Ok(None),
                Err(ReadError::Fault(fault)) => return Err(fault),
            }
        }
        Ok(Some(detect(&first)))
    }

    async fn fail_early(&self, import: &Import, reason: &str) -> Result<Begun, Fault> {
        let now = self.effects.now();
        let ended = self.store.end_import(import, ImportStatus::Failed, Some(reason), None, now).await?;
        self.metrics.count(Metric::ImportsFailed, u64::from(ended.is_some()));
        Ok(Begun::Failed(import.id))
    }

    async fn file_message(
        &self,
        organization: OrganizationId,
        application: &str,
        created: &CreatedObject,
    ) -> Result<Begun, Fault> {
        let Some(application) = ApplicationRef::parse(application) else { return Ok(Begun::Nothing) };
        let now = self.effects.now();
        let url = self.blobs.download_url(&created.key, FILE_URL_S).await?;
        let draft =
            file_draft(created, &url, now).map_err(|error| Fault::corrupt_because("writing of a file", error))?;
        Ok(Begun::Message(Box::new(FileMessage { organization, application, draft })))
    }
}

fn file_draft(created: &CreatedObject, url: &str, now: Timestamp) -> Result<MessageDraft, crate::domain::Invalid> {
    let payload = json!({
        "type": FILE_CREATED,
        "timestamp": now,
        "data": {
            "bucket": created.bucket,
            "key": created.key,
            "size": created.size,
            "etag": created.etag,
            "url": url,
            "urlExpiresAt": now.plus_millis(i64::from(FILE_URL_S) * 1_000),
        },
    });
    let object =
        [&created.bucket, &created.key, &created.etag, &created.sequencer].map(|part| part.as_str()).join("\n");
    let hash = digest::digest(&digest::SHA256, object.as_bytes());
    let event_id = hex(&hash.as_ref()[..16]);
    Ok(MessageDraft {
        event_id: Some(EventId::parse(format!("file_{event_id}"))?),
        event_type: EventTypeName::parse(FILE_CREATED)?,
        channels: Vec::new(),
        tags: Vec::new(),
        payload: Payload::from_text(payload.to_string())?,
        retention_days: RETENTION_DAYS_DEFAULT,
        deliver_at: None,
        deliver_before: None,
        ordering_key: None,
        headers: OriginalHeaders::default(),
    })
}

/// The text, cut to so many bytes at a character's border.
fn shortened(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
