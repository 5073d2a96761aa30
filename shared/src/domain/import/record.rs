//! What is kept of an import, and of each of its parts.
//!
//! An import is one file, and the file is read in parts: one, or for a large NDJSON file several that are read at the same time.
//! A part says how far it is after every window of records; what is behind that point is done and counted, once. So the numbers of
//! an import are the sums of its parts', and exact whatever is cut short and done again.

use std::ops::Range;

use super::{Columns, Detected, Encoding, Format, Resume};
use crate::domain::ids::{ApplicationId, ImportId, OrganizationId};
use crate::domain::ksuid::Ksuid;
use crate::domain::timestamp::{MS_PER_DAY, Timestamp};

/// Largest file, in bytes as it is stored.
pub const FILE_BYTES_MAX: u64 = 50 * 1024 * 1024 * 1024;

/// Largest file that is uploaded in one piece, in bytes. What fails within that is quicker repeated than taken apart.
pub const SINGLE_UPLOAD_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Size of the pieces of a larger file, in bytes: a few hundred for the largest. S3 takes 5 MiB to 5 GiB, and 10,000 of them.
pub const UPLOAD_PART_BYTES: u64 = 256 * 1024 * 1024;

/// Size of the parts a plain NDJSON file is read in, in bytes: some ten seconds of work, so that several functions share a file, and one
/// that is cut short repeats little.
pub const PART_BYTES: u64 = 32 * 1024 * 1024;

/// Rejected records that end an import: by then somebody uploaded the wrong file.
pub const REJECTED_MAX: u64 = 10_000;

/// How long an import can be looked up after it was asked for, in days. Its file goes with it.
pub const IMPORT_KEPT_DAYS: i64 = 30;

/// How long an upload may take, from when it was asked for, in seconds.
pub const UPLOAD_S: u32 = 12 * 3_600;

/// Longest name of a file, in bytes.
pub const NAME_BYTES_MAX: usize = 256;

/// Where the bucket takes files of imports that were asked for.
pub const UPLOAD_PREFIX: &str = "import/";
/// Where it takes files that nobody announced: `drop/‹organization›/‹application›/…`, or without the application.
pub const DROP_PREFIX: &str = "drop/";
/// Where a created object becomes a message: `files/‹organization›/‹application›/…`.
pub const FILES_PREFIX: &str = "files/";
/// Behind the key of a dropped file: where its rejected records are listed.
pub const ERRORS_SUFFIX: &str = ".errors.ndjson";

/// An import.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// Ours.
    pub id: ImportId,
    /// Whose.
    pub organization: OrganizationId,
    /// Where records go that do not say it themselves.
    pub application: Option<ApplicationId>,
    /// What the file is called; nothing depends on it.
    pub name: String,
    /// Its key in the bucket.
    pub key: String,
    /// Its size in bytes: as announced, then as it is.
    pub size: u64,
    /// How it is to be uploaded; none: it was dropped.
    pub upload: Option<Upload>,
    /// What its columns mean, if it has any.
    pub columns: Columns,
    /// What was found out about the file when it came.
    pub file: Option<FileFacts>,
    /// Whether it is over.
    pub status: ImportStatus,
    /// Why it failed.
    pub failure: Option<String>,
    /// Parts it is read in; 0 before that is known.
    pub parts: u32,
    /// Those that are done.
    pub parts_done: u32,
    /// Whether all of its parts were queued.
    pub is_queued: bool,
    /// Rejected records, counted as they come: at least as many as there are, and more when something was done twice.
    pub strikes: u64,
    /// The numbers, when it is finished; before, and when it ended early, they are those of its parts.
    pub totals: Option<Counts>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its file came.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

/// How a file is to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Upload {
    /// The content type that is signed.
    pub content_type: String,
    /// S3's name of an upload in pieces; none: it comes in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multipart: Option<String>,
}

/// What is known of a file that came. A file of another tag is another file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileFacts {
    /// The object's entity tag.
    pub etag: String,
    /// How it is packed.
    pub encoding: Encoding,
    /// What is in it.
    pub format: Format,
}

impl FileFacts {
    /// What it is.
    pub fn detected(&self) -> Detected {
        Detected { encoding: self.encoding, format: self.format }
    }
}

/// How an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportStatus {
    /// Its file is not there yet.
    Waiting,
    /// It is being read.
    Running,
    /// All of it was read.
    Finished,
    /// It ended before that.
    Failed,
    /// Somebody called it off.
    Canceled,
}

impl ImportStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Running, Self::Finished, Self::Failed, Self::Canceled];

    /// Its name on the wire and in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// The status of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether nothing more will happen to it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Canceled)
    }
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordVerdict {
    /// It is a message; its deliveries are queued.
    Accepted,
    /// Its event id was used before, for the same content.
    Duplicate,
    /// It cannot be a message; why.
    Rejected(String),
}

/// What became of the records that were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Records: lines that are not blank, rows, elements.
    pub read: u64,
    /// That became messages.
    pub accepted: u64,
    /// Whose event id an earlier message has.
    pub duplicate: u64,
    /// That could not become messages.
    pub rejected: u64,
    /// Bytes of the file as it is stored.
    pub bytes: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.accepted += other.accepted;
        self.duplicate += other.duplicate;
        self.rejected += other.rejected;
        self.bytes += other.bytes;
    }
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |mut sum, counts| {
            sum += counts;
            sum
        })
    }
}

/// A part of an import, and how far it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Which, from 0.
    pub number: u32,
    /// How often work on it was begun. Whoever has an earlier number has been overtaken.
    pub epoch: u32,
    /// Where the next window begins.
    pub resume: Resume,
    /// When the messages of the next window count as accepted: settled before any of them is, so that a repeat of the window makes
    /// the same messages.
    pub window_at: Timestamp,
    /// What became of the records before.
    pub counts: Counts,
    /// Pieces of the list of rejected records: each is named by where its window began.
    pub error_windows: Vec<u64>,
    /// Whether it is read to its end.
    pub is_done: bool,
}

impl Part {
    /// Whether the next window may have been begun before.
    pub fn is_resumed(&self) -> bool {
        self.epoch > 1
    }
}

impl Import {
    /// One whose file is still to come.
    pub fn new(id: ImportId, organization: OrganizationId, key: String, now: Timestamp) -> Self {
        Self {
            id,
            organization,
            application: None,
            name: String::new(),
            key,
            size: 0,
            upload: None,
            columns: Columns::default(),
            file: None,
            status: ImportStatus::Waiting,
            failure: None,
            parts: 0,
            parts_done: 0,
            is_queued: false,
            strikes: 0,
            totals: None,
            created_at: now,
            started_at: None,
            finished_at: None,
        }
    }

    /// When it is forgotten.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.plus_millis(IMPORT_KEPT_DAYS * MS_PER_DAY)
    }

    /// The end of the time its file may take to come.
    pub fn upload_until(&self) -> Timestamp {
        self.created_at.plus_millis(i64::from(UPLOAD_S) * 1_000)
    }

    /// Parts the file is read in: lines of a plain file can be found from anywhere in it.
    pub fn parts_of(size: u64, file: Detected) -> u32 {
        match file.is_divisible() {
            true => u32::try_from(size.div_ceil(PART_BYTES)).unwrap_or(u32::MAX).max(1),
            false => 1,
        }
    }

    /// The bytes in which the records of a part begin; none: it is the only one.
    pub fn range_of(&self, part: u32) -> Option<Range<u64>> {
        let from = u64::from(part) * PART_BYTES;
        (self.parts > 1).then(|| from..(from + PART_BYTES).min(self.size))
    }

    /// Where its rejected records are listed.
    pub fn errors_key(&self) -> String {
        match self.key.starts_with(DROP_PREFIX) {
            true => format!("{}{ERRORS_SUFFIX}", self.key),
            false => format!("{}errors.ndjson", self.folder()),
        }
    }

    /// Where one window of a part keeps its rejected records until the import is over.
    pub fn error_window_key(&self, part: u32, window: u64) -> String {
        format!("{}rejected/{part:05}-{window:015}.ndjson", self.folder())
    }

    fn folder(&self) -> String {
        folder(&self.organization, &self.id)
    }
}

fn folder(organization: &OrganizationId, id: &ImportId) -> String {
    format!("{UPLOAD_PREFIX}{}/{}/", organization.ksuid(), id.ksuid())
}

/// The key under which the file of an import is uploaded.
pub fn upload_key(organization: &OrganizationId, id: &ImportId) -> String {
    format!("{}upload", folder(organization, id))
}

/// What an object in the bucket is to Fanfare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// The file of an import that was asked for.
    Upload(OrganizationId, ImportId),
    /// A file that was dropped, with the application its key names.
    Dropped(OrganizationId, Option<&'a str>),
    /// An object that becomes a message for the application its key names.
    File(OrganizationId, &'a str),
    /// Something we put there ourselves.
    Ours,
    /// Nothing that anybody asked for.
    Stray,
}

/// What the object of this key is.
pub fn found(key: &str) -> Found<'_> {
    let organization_of = |text: &str| OrganizationId::parse(text);
    if let Some(rest) = key.strip_prefix(UPLOAD_PREFIX) {
        let mut parts = rest.split('/');
        let owner = parts.next().and_then(Ksuid::parse).map(OrganizationId::from_ksuid);
        let import = parts.next().and_then(Ksuid::parse).map(ImportId::from_ksuid);
        return match (owner, import, parts.next(), parts.next()) {
            (Some(owner), Some(import), Some("upload"), None) => Found::Upload(owner, import),
            (Some(_), Some(_), Some(_), _) => Found::Ours,
            _ => Found::Stray,
        };
    }
    if key.starts_with(DROP_PREFIX) && key.ends_with(ERRORS_SUFFIX) {
        return Found::Ours;
    }
    // What ends with a slash is how people make folders.
    if key.ends_with('/') {
        return Found::Stray;
    }
    let below = |prefix: &str| key.strip_prefix(prefix).and_then(|rest| rest.split_once('/'));
    if let Some((owner, rest)) = below(DROP_PREFIX) {
        let application = rest.split_once('/').map(|(application, _)| application);
        return organization_of(owner).map_or(Found::Stray, |owner| Found::Dropped(owner, application));
    }
    match below(FILES_PREFIX).and_then(|(owner, rest)| Some((organization_of(owner)?, rest.split_once('/')?.0))) {
        Some((owner, application)) => Found::File(owner, application),
        None => Found::Stray,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ksuid::TAIL_BYTES;

    const AT: Timestamp = Timestamp::from_millis(1_764_000_000_000);

    #[test]
    fn a_key_says_what_its_object_is() {
        let (owner, import) = (OrganizationId::new(AT, [1; TAIL_BYTES]), ImportId::new(AT, [2; TAIL_BYTES]));
        let upload = upload_key(&owner, &import);
        assert_eq!(found(&upload), Found::Upload(owner, import));
        assert_eq!(found(&upload.replace("/upload", "/errors.ndjson")), Found::Ours);
        assert_eq!(found(&upload.replace("/upload", "/rejected/00000-1.ndjson")), Found::Ours);
        assert_eq!(found(&format!("drop/{owner}/shop/a/b.csv")), Found::Dropped(owner, Some("shop")));
        assert_eq!(found(&format!("drop/{owner}/b.csv")), Found::Dropped(owner, None));
        assert_eq!(found(&format!("drop/{owner}/b.csv.errors.ndjson")), Found::Ours);
        assert_eq!(found(&format!("files/{owner}/shop/report.pdf")), Found::File(owner, "shop"));
        let strays = [
            String::new(),
            "import/x/y/upload".to_owned(),
            "drop/nobody/b.csv".to_owned(),
            format!("drop/{owner}/shop/"),
            format!("files/{owner}/report.pdf"),
            "payload/a/b".to_owned(),
        ];
        for stray in strays {
            assert_eq!(found(&stray), Found::Stray, "{stray}");
        }
    }

    #[test]
    fn parts_cover_the_file() {
        let size = PART_BYTES * 2 + 1;
        let import = |parts| Import { size, parts, ..sample() };
        assert_eq!(import(1).range_of(0), None);
        let ranges: Vec<_> = (0..3).filter_map(|part| import(3).range_of(part)).collect();
        assert_eq!(ranges, [0..PART_BYTES, PART_BYTES..2 * PART_BYTES, 2 * PART_BYTES..size]);
    }

    #[test]
    fn what_was_rejected_is_listed_beside_the_file() {
        let uploaded = sample();
        assert_eq!(uploaded.errors_key(), uploaded.key.replace("/upload", "/errors.ndjson"));
        let dropped = Import { key: "drop/o/a.csv".to_owned(), ..uploaded };
        assert_eq!(dropped.errors_key(), "drop/o/a.csv.errors.ndjson");
        assert!(dropped.error_window_key(0, 1).starts_with(UPLOAD_PREFIX));
    }

    fn sample() -> Import {
        let (organization, id) = (OrganizationId::new(AT, [1; TAIL_BYTES]), ImportId::new(AT, [2; TAIL_BYTES]));
        Import::new(id, organization, upload_key(&organization, &id), AT)
    }

    #[test]
    fn only_lines_of_a_plain_file_are_read_in_parts_and_the_parts_cover_it() {
        let parts = |size, encoding, format| Import::parts_of(size, Detected { encoding, format });
        for (size, count) in [(0, 1), (PART_BYTES, 1), (PART_BYTES * 2 + 1, 3)] {
            assert_eq!(parts(size, Encoding::Plain, Format::Ndjson), count, "{size}");
        }
        for (encoding, format) in [(Encoding::Gzip, Format::Ndjson), (Encoding::Plain, Format::Csv)] {
            assert_eq!(parts(FILE_BYTES_MAX, encoding, format), 1);
        }
    }
}
