//! Asking for an import: the import is stored, and the address its file is to be uploaded to is signed. The file's arrival does the
//! rest ([`super::import_file`]).
//!
//! Why it may run twice: an idempotency key finds the import it made, and signs its address anew. An upload in pieces is begun before
//! the import is stored, so a repeat that was cut short leaves one behind, which the bucket forgets after a day.

use super::{CreationKey, Refusal, Thing, key_reused};
use crate::blobs::Blobs;
use crate::config::Platform;
use crate::domain::Invalid;
use crate::domain::ids::{ApplicationId, ImportId, OrganizationId};
use crate::domain::import::{
    Columns, Counts, Import, ImportStatus, SINGLE_UPLOAD_BYTES_MAX, UPLOAD_PART_BYTES, UPLOAD_S, Upload, upload_key,
};
use crate::domain::timestamp::Timestamp;
use crate::effects::Effects;
use crate::fault::Fault;
use crate::queue::ImportQueue;
use crate::store::{Created, Store};

/// How long the address of a list of rejected records is valid, in seconds.
const ERRORS_URL_S: u32 = 3_600;

/// The flow, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct AskImport {
    store: Store,
    blobs: Blobs,
    queue: ImportQueue,
    effects: Effects,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct ImportDraft {
    /// Where records go that do not say it themselves.
    pub application: Option<ApplicationId>,
    /// What the file is called.
    pub name: String,
    /// Its exact size in bytes.
    pub size: u64,
    /// Its content type.
    pub content_type: String,
    /// What its columns mean.
    pub columns: Columns,
}

/// A piece of a file, and where it is to be put.
#[derive(Clone, Debug)]
pub struct Piece {
    /// From 1.
    pub number: u32,
    /// Its exact size.
    pub size: u64,
    /// Its address.
    pub url: String,
}

/// An import, and where its file is to be put.
#[derive(Clone, Debug)]
pub struct AskedImport {
    /// The import.
    pub import: Import,
    /// The file's pieces in order; one, unless [`AskedImport::is_multipart`].
    pub pieces: Vec<Piece>,
    /// Whether S3 must be told when all pieces are there ([`AskImport::complete`]).
    pub is_multipart: bool,
    /// Until when the addresses are valid.
    pub valid_until: Timestamp,
}

/// An import as it stands.
#[derive(Clone, Debug)]
pub struct ImportView {
    /// The import.
    pub import: Import,
    /// The numbers of its parts together.
    pub counts: Counts,
    /// Parts that are done.
    pub parts_done: u32,
    /// Where its rejected records can be read for some time, if there are any and it is over.
    pub errors_url: Option<String>,
}

impl AskImport {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        Self {
            store: Store::new(&platform.sdk, &platform.settings.table, &platform.keys),
            blobs: Blobs::new(&platform.sdk, &platform.settings.bucket),
            queue: ImportQueue::new(&platform.sdk, &platform.settings.import_queue_url),
            effects: platform.effects.clone(),
        }
    }

    /// Stores an import that waits for its file, once for an idempotency key.
    pub async fn run(
        &self,
        organization: &OrganizationId,
        draft: ImportDraft,
        key: Option<CreationKey<'_>>,
    ) -> Result<AskedImport, Refusal> {
        let now = self.effects.now();
        let id = ImportId::new(now, self.effects.random.id_tail());
        let object = upload_key(organization, &id);
        let multipart = match draft.size > SINGLE_UPLOAD_BYTES_MAX {
            true => Some(self.blobs.begin_upload(&object, &draft.content_type).await?),
            false => None,
        };
        let import = Import {
            application: draft.application,
            name: draft.name,
            size: draft.size,
            upload: Some(Upload { content_type: draft.content_type, multipart }),
            columns: draft.columns,
            ..Import::new(id, *organization, object, now)
        };
        let place = format!("import {}", draft.application.map(|id| id.to_string()).unwrap_or_default());
        let idempotency = key.map(|key| key.at(&place, now));
        let import = match self.store.create_import(&import, idempotency.as_ref()).await? {
            Created::New | Created::NameTaken | Created::ParentGone | Created::Full => import,
            Created::Repeat { is_same_request: false, .. } => return Err(key_reused()),
            Created::Repeat { made, is_same_request: true } => {
                if let Some(upload) = import.upload.as_ref().and_then(|upload| upload.multipart.as_deref()) {
                    self.blobs.abandon_upload(&import.key, upload).await?;
                }
                let gone = Refusal::NotFound(Thing::Import);
                let Some(id) = ImportId::parse(&made) else { return Err(gone) };
                self.store.import(organization, &id).await?.ok_or(gone)?
            }
        };
        Ok(self.signed(import).await?)
    }

    async fn signed(&self, import: Import) -> Result<AskedImport, Fault> {
        let upload = import.upload.clone().ok_or_else(|| Fault::corrupt("signing the address of a dropped file"))?;
        let valid_until = self.effects.now().plus_millis(i64::from(UPLOAD_S) * 1_000);
        let pieces = match &upload.multipart {
            None => {
                let url = self.blobs.upload_url(&import.key, import.size, &upload.content_type, UPLOAD_S).await?;
                vec![Piece { number: 1, size: import.size, url }]
            }
            Some(name) => {
                let mut pieces = Vec::new();
                for (number, from) in (1..).zip((0..import.size).step_by(UPLOAD_PART_BYTES as usize)) {
                    let size = UPLOAD_PART_BYTES.min(import.size - from);
                    let url = self.blobs.piece_url(&import.key, name, number, size, UPLOAD_S).await?;
                    pieces.push(Piece { number, size, url });
                }
                pieces
            }
        };
        Ok(AskedImport { is_multipart: upload.multipart.is_some(), import, pieces, valid_until })
    }

    /// Has S3 put the pieces of an upload together. Twice is once.
    pub async fn complete(&self, import: Import, pieces: &[(u32, String)]) -> Result<ImportView, Refusal> {
        let Some(name) = import.upload.as_ref().and_then(|upload| upload.multipart.clone()) else {
            return Err(invalid("parts", "this file is uploaded in one piece, which needs no completion"));
        };
        if import.status == ImportStatus::Waiting && !self.blobs.complete_upload(&import.key, &name, pieces).await? {
            // S3 forgets an upload that it has put together.
            let is_there = self.blobs.head(&import.key).await?.is_some();
            if !is_there {
                return Err(invalid("parts", "these are not the parts that were uploaded"));
            }
            // The first time was cut short, perhaps before anybody was told.
            self.queue.send_look(import.organization, import.id).await?;
        }
        self.view(import).await
    }

    /// Calls an import off, if it is not over. What was accepted stays accepted.
    pub async fn cancel(&self, import: Import) -> Result<ImportView, Refusal> {
        let ended = self.store.end_import(&import, ImportStatus::Canceled, None, None, self.effects.now()).await?;
        let import = match ended {
            Some(canceled) => {
                if let (ImportStatus::Waiting, Some(name)) =
                    (import.status, import.upload.as_ref().and_then(|upload| upload.multipart.as_deref()))
                {
                    self.blobs.abandon_upload(&import.key, name).await?;
                }
                canceled
            }
            None => {
                let gone = Refusal::NotFound(Thing::Import);
                self.store.import(&import.organization, &import.id).await?.ok_or(gone)?
            }
        };
        self.view(import).await
    }

    /// An import as it stands.
    pub async fn view(&self, import: Import) -> Result<ImportView, Refusal> {
        let (counts, parts_done) = match import.totals {
            Some(totals) => (totals, import.parts),
            // Nothing was begun.
            None if import.parts == 0 => (Counts::default(), 0),
            None => {
                let parts = self.store.import_parts(&import).await?;
                let done = parts.iter().filter(|part| part.is_done).count();
                (parts.iter().map(|part| part.counts).sum(), u32::try_from(done).unwrap_or(u32::MAX))
            }
        };
        let errors_url = match counts.rejected > 0 && import.status.is_over() {
            true => Some(self.blobs.download_url(&import.errors_key(), ERRORS_URL_S).await?),
            false => None,
        };
        Ok(ImportView { import, counts, parts_done, errors_url })
    }
}

fn invalid(field: &'static str, reason: &str) -> Refusal {
    Refusal::Invalid { field, reason: Invalid::new(reason) }
}
