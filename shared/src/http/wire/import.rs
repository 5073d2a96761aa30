//! Imports on the wire: what asks for one, how it stands, and what a record of its file says.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::checked_text;
use crate::domain::ids::{ApplicationId, ImportId};
use crate::domain::import::{Columns, FILE_BYTES_MAX, ImportStatus, NAME_BYTES_MAX};
use crate::domain::timestamp::Timestamp;
use crate::flows::ask_import::{AskedImport, ImportDraft, ImportView};
use crate::http::Problem;

// What the schemas below say in figures.
const _: () = assert!(FILE_BYTES_MAX == 53_687_091_200 && NAME_BYTES_MAX == 256);

/// Longest content type that is signed, in bytes.
const CONTENT_TYPE_BYTES_MAX: usize = 128;

/// Most that can be said of columns, in bytes as JSON.
const COLUMNS_BYTES_MAX: usize = 16 * 1024;

/// Pieces an upload is completed with: more than the largest file has.
const PARTS_MAX: usize = 1_000;

/// Longest entity tag of a piece, in bytes.
const ETAG_BYTES_MAX: usize = 256;

/// A file that is to be imported.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportIn {
    /// Its exact size in bytes, up to 50 GiB: nothing else can be uploaded.
    #[schema(minimum = 0, maximum = 53_687_091_200_u64)]
    size: u64,
    /// What it is called; nothing depends on it.
    #[schema(min_length = 1, max_length = 256)]
    name: Option<String>,
    /// Its content type, which must be sent with the upload. What is in the file is found out from its first bytes.
    #[schema(min_length = 1, max_length = 128, default = "application/octet-stream")]
    content_type: Option<String>,
    /// What the columns of a CSV file mean; left out: what their names say.
    columns: Option<Columns>,
}

impl ImportIn {
    /// Checked as a whole.
    pub fn into_draft(self, application: Option<ApplicationId>) -> Result<ImportDraft, Problem> {
        if self.size > FILE_BYTES_MAX {
            return Err(Problem::field(&["body", "size"], format!("must not be more than {FILE_BYTES_MAX}")));
        }
        let name = self.name.unwrap_or_else(|| "upload".to_owned());
        let content_type = self.content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
        if !content_type.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(Problem::field(&["body", "contentType"], "must be visible ASCII characters"));
        }
        let columns = self.columns.unwrap_or_default();
        if serde_json::to_vec(&columns).map_or(usize::MAX, |json| json.len()) > COLUMNS_BYTES_MAX {
            let rule = format!("must not be larger than {COLUMNS_BYTES_MAX} bytes as JSON");
            return Err(Problem::field(&["body", "columns"], rule));
        }
        Ok(ImportDraft {
            application,
            name: checked_text("name", name, 1..=NAME_BYTES_MAX)?,
            size: self.size,
            content_type: checked_text("contentType", content_type, 1..=CONTENT_TYPE_BYTES_MAX)?,
            columns,
        })
    }
}

/// The pieces of an upload, when all of them are there.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ImportCompleteIn {
    /// Every piece, in order.
    #[schema(min_items = 1, max_items = 1_000)]
    parts: Vec<UploadedPartIn>,
}

/// A piece that was uploaded.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UploadedPartIn {
    /// Its number.
    #[schema(minimum = 1, maximum = 1_000)]
    number: u32,
    /// The `ETag` header that its upload was answered with.
    #[schema(min_length = 1, max_length = 256)]
    etag: String,
}

impl ImportCompleteIn {
    /// Numbers and tags, checked as a whole.
    pub fn into_parts(self) -> Result<Vec<(u32, String)>, Problem> {
        if !(1..=PARTS_MAX).contains(&self.parts.len()) {
            return Err(Problem::field(&["body", "parts"], format!("must have 1 to {PARTS_MAX} items")));
        }
        let part = |(index, part): (usize, UploadedPartIn)| {
            if part.number as usize != index + 1 {
                let index = index.to_string();
                return Err(Problem::field(&["body", "parts", &index, "number"], "must be the parts from 1, in order"));
            }
            Ok((part.number, checked_text("parts", part.etag, 1..=ETAG_BYTES_MAX)?))
        };
        self.parts.into_iter().enumerate().map(part).collect()
    }
}

/// How an import stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportStatusOut {
    /// Its file is not there yet.
    Waiting,
    /// It is being read.
    Running,
    /// All of it was read.
    Finished,
    /// It ended before that; `reason` says why.
    Failed,
    /// It was called off.
    Canceled,
    /// Its file did not come in time.
    Expired,
}

/// An import as callers see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportOut {
    /// Ours.
    #[schema(value_type = ImportId)]
    id: String,
    /// The application records are for that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ApplicationId>, nullable = false)]
    app_id: Option<String>,
    /// What the file is called.
    name: String,
    /// How it stands.
    status: ImportStatusOut,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
    /// What is in the file: `ndjson`, `json` or `csv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    format: Option<&'static str>,
    /// How it is packed: `plain`, `gzip` or `zstd`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    encoding: Option<&'static str>,
    /// Size of the file in bytes.
    size: u64,
    /// Bytes of it that were read.
    bytes_read: u64,
    /// Records that were read: lines that are not blank, rows, elements.
    lines_read: u64,
    /// Records that became messages.
    accepted: u64,
    /// Records whose event id was used before, for the same content.
    duplicate: u64,
    /// Records that could not become messages.
    rejected: u64,
    /// Parts the file is read in, at the same time.
    parts: u32,
    /// Parts that are done.
    parts_done: u32,
    /// Records a second, from when the file came.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    lines_per_second: Option<u64>,
    /// When it will be done, as things go.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    estimated_end: Option<Timestamp>,
    /// Where the list of rejected records can be read, for an hour: a line of JSON for each, with its line (element in a JSON array),
    /// its byte offset in the unpacked file, and the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    errors_url: Option<String>,
    /// When it was asked for.
    created_at: Timestamp,
    /// When its file came.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    started_at: Option<Timestamp>,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    finished_at: Option<Timestamp>,
}

impl ImportOut {
    /// As it stands at `now`.
    pub fn new(view: ImportView, now: Timestamp) -> Self {
        let ImportView { import, counts, parts_done, errors_url } = view;
        let status = match import.status {
            ImportStatus::Waiting if import.upload_until() <= now => ImportStatusOut::Expired,
            ImportStatus::Waiting => ImportStatusOut::Waiting,
            ImportStatus::Running => ImportStatusOut::Running,
            ImportStatus::Finished => ImportStatusOut::Finished,
            ImportStatus::Failed => ImportStatusOut::Failed,
            ImportStatus::Canceled => ImportStatusOut::Canceled,
        };
        let taken_ms = import.started_at.map(|from| import.finished_at.unwrap_or(now).millis_since(from).max(1));
        let taken_ms = taken_ms.and_then(|ms| u64::try_from(ms).ok());
        let left_ms = match (import.status, taken_ms) {
            (ImportStatus::Running, Some(taken_ms)) if counts.bytes > 0 => {
                let left = u128::from(import.size.saturating_sub(counts.bytes));
                i64::try_from(left * u128::from(taken_ms) / u128::from(counts.bytes)).ok()
            }
            _ => None,
        };
        Self {
            id: import.id.to_string(),
            app_id: import.application.map(|id| id.to_string()),
            name: import.name,
            status,
            reason: import.failure,
            format: import.file.as_ref().map(|file| file.format.as_str()),
            encoding: import.file.as_ref().map(|file| file.encoding.as_str()),
            size: import.size,
            bytes_read: counts.bytes,
            lines_read: counts.read,
            accepted: counts.accepted,
            duplicate: counts.duplicate,
            rejected: counts.rejected,
            parts: import.parts,
            parts_done,
            lines_per_second: taken_ms.map(|ms| counts.read.saturating_mul(1_000) / ms),
            estimated_end: left_ms.map(|ms| now.plus_millis(ms)),
            errors_url,
            created_at: import.created_at,
            started_at: import.started_at,
            finished_at: import.finished_at,
        }
    }
}

/// An import that was asked for, and where its file is to be put.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskedImportOut {
    /// The import.
    #[serde(flatten)]
    import: ImportOut,
    /// Where its file is to be put.
    upload: ImportUploadOut,
}

/// How a file is uploaded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportUploadOut {
    /// The HTTP method: `PUT`.
    method: &'static str,
    /// Headers that must be sent along.
    headers: UploadHeadersOut,
    /// Until when the addresses are valid.
    expires_at: Timestamp,
    /// Whether there are several parts, and the upload is to be completed.
    is_multipart: bool,
    /// Size of every part but the last one.
    part_size: u64,
    /// The parts of the file; one, unless `isMultipart`.
    parts: Vec<UploadPartOut>,
}

/// Headers of an upload.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct UploadHeadersOut {
    /// As it was asked for; not for one part of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    content_type: Option<String>,
}

/// A part of a file, and where it is to be put.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadPartOut {
    /// From 1.
    number: u32,
    /// Its exact size in bytes.
    size: u64,
    /// Its address.
    url: String,
}

impl AskedImportOut {
    /// As it stands at `now`.
    pub fn new(asked: AskedImport, now: Timestamp) -> Self {
        let AskedImport { import, pieces, is_multipart, valid_until } = asked;
        let content_type = import.upload.as_ref().map(|upload| upload.content_type.clone());
        let upload = ImportUploadOut {
            method: "PUT",
            headers: UploadHeadersOut { content_type: content_type.filter(|_| !is_multipart) },
            expires_at: valid_until,
            is_multipart,
            part_size: pieces.first().map_or(0, |piece| piece.size),
            parts: pieces
                .into_iter()
                .map(|piece| UploadPartOut { number: piece.number, size: piece.size, url: piece.url })
                .collect(),
        };
        let view = ImportView { import, counts: Default::default(), parts_done: 0, errors_url: None };
        Self { import: ImportOut::new(view, now), upload }
    }
}
