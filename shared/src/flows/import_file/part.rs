//! Reading a part of a file, a window of records at a time.

use serde::Serialize;

use super::ImportFile;
use crate::blobs::{FileHead, FileStream, ReadError};
use crate::domain::import::{BadFile, Import, ImportStatus, Part, REJECTED_MAX, ReadPlan, RecordReader, RecordVerdict};
use crate::domain::message::Origin;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::queue::PartJob;
use crate::store::ApplicationRef;

/// Records of a window, at most: what one checkpoint is worth.
const WINDOW_RECORDS_MAX: usize = 500;

/// Bytes of a window's records; one more record is taken whatever its size. A function holds a few times as much.
const WINDOW_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Longest reason that is kept of a rejected record.
const REASON_BYTES_MAX: usize = 300;

/// What is said of a file that changed.
pub(super) const CHANGED: &str = "the file was changed or deleted while it was read";

/// A part that is being read.
pub struct OpenPart {
    import: Import,
    part: Part,
    reader: RecordReader,
    stream: FileStream,
    has_ended: bool,
    is_resumed: bool,
}

/// Some records in a row.
#[derive(Debug)]
pub struct Window {
    /// The records that could be read, as they stand in the file.
    pub records: Vec<RawRecord>,
    /// When their messages count as accepted.
    pub at: Timestamp,
    /// Whether this window may have been begun before.
    pub is_resumed: bool,
    /// Where it began.
    from: u64,
    /// Records that could not even be read.
    bad: Vec<RejectedOut>,
    /// Why the file cannot be read on.
    failure: Option<String>,
    is_last: bool,
}

/// A record of a file.
#[derive(Debug)]
pub struct RawRecord {
    /// Its line, row or element, from 1.
    pub number: u64,
    /// Which.
    pub origin: Origin,
    /// One JSON text, supposedly.
    pub json: bytes::Bytes,
}

/// What became of one of a window's records.
#[derive(Debug)]
pub struct Judged {
    /// Its line, row or element.
    pub line: u64,
    /// Where it begins.
    pub offset: u64,
    /// What became of it.
    pub verdict: RecordVerdict,
}

/// How it goes on after a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// There is more to read.
    Window,
    /// The part is done.
    Done,
    /// The import is over, or somebody else reads this part.
    Stop,
}

/// A rejected record, as it is listed.
#[derive(Debug, Serialize, serde::Deserialize)]
pub(super) struct RejectedOut {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u64>,
    pub(super) offset: u64,
    pub(super) reason: String,
}

impl ImportFile {
    /// Takes on a part; none: there is nothing to do for it any more.
    pub async fn open_part(&self, job: PartJob) -> Result<Option<OpenPart>, Fault> {
        let Some(import) = self.store.import(&job.organization, &job.import).await? else { return Ok(None) };
        let Some(file) = import.file.clone().filter(|_| import.status == ImportStatus::Running) else {
            return Ok(None);
        };
        if job.part >= import.parts {
            return Ok(None);
        }
        let part = self.store.claim_part(&import, job.part, self.effects.now()).await?;
        if part.is_done {
            // Cut short before it was counted, or before the import was ended.
            self.part_is_done(&import).await?;
            return Ok(None);
        }
        let plan = ReadPlan {
            file: file.detected(),
            size_bytes: import.size,
            columns: import.columns.clone(),
            from: part.resume.clone(),
            range: import.range_of(part.number),
        };
        let reader = RecordReader::new(plan);
        let head = FileHead { size: import.size, etag: file.etag };
        let stream = self.blobs.stream(&import.key, &head, reader.input_offset());
        Ok(Some(OpenPart { is_resumed: part.is_resumed(), import, part, reader, stream, has_ended: false }))
    }

    /// The next records of a part.
    pub async fn read(&self, open: &mut OpenPart) -> Result<Window, Fault> {
        let mut window = Window {
            records: Vec::new(),
            at: open.part.window_at,
            is_resumed: std::mem::take(&mut open.is_resumed),
            from: open.part.resume.offset,
            bad: Vec::new(),
            failure: None,
            is_last: false,
        };
        let mut bytes = 0;
        while window.records.len() + window.bad.len() < WINDOW_RECORDS_MAX && bytes < WINDOW_BYTES_MAX {
            match open.next().await {
                Ok(Some(record)) => {
                    let (number, offset) = (record.number, record.offset);
                    match record.json {
                        Ok(json) => {
                            bytes += json.len();
                            window.records.push(RawRecord {
                                number,
                                origin: Origin { import: open.import.id, offset },
                                json,
                            });
                        }
                        Err(bad) => {
                            window.bad.push(RejectedOut { line: Some(number), offset, reason: bad.to_string() })
                        }
                    }
                }
                Ok(None) => {
                    window.is_last = true;
                    break;
                }
                Err(Unreadable::File(bad)) => {
                    window.failure = Some(bad.to_string());
                    break;
                }
                Err(Unreadable::Stream(ReadError::Changed)) => {
                    window.failure = Some(CHANGED.to_owned());
                    break;
                }
                Err(Unreadable::Stream(ReadError::Fault(fault))) => return Err(fault),
            }
        }
        Ok(window)
    }

    /// Notes what became of a window's records, and how far the part is now.
    pub async fn note(&self, open: &mut OpenPart, window: Window, judged: Vec<Judged>) -> Result<Next, Fault> {
        let mut rejected = window.bad;
        let part = &mut open.part;
        part.counts.read += (rejected.len() + judged.len()) as u64;
        for Judged { line, offset, verdict } in judged {
            match verdict {
                RecordVerdict::Accepted => part.counts.accepted += 1,
                RecordVerdict::Duplicate => part.counts.duplicate += 1,
                RecordVerdict::Rejected(mut reason) => {
                    reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
                    rejected.push(RejectedOut { line: Some(line), offset, reason });
                }
            }
        }
        part.counts.rejected += rejected.len() as u64;
        part.resume = open.reader.resume_point();
        part.counts.bytes = match open.import.range_of(part.number) {
            Some(range) => part.resume.offset.clamp(range.start, range.end) - range.start,
            None => open.reader.stored_bytes_read(),
        };
        part.window_at = self.effects.now();
        part.is_done = window.is_last;
        let count = rejected.len() as u64;
        if count > 0 {
            part.error_windows.push(window.from);
            self.keep_rejected(&open.import, open.part.number, window.from, rejected).await?;
        }
        // Counted before the checkpoint: cut short in between, they are counted twice, never not at all.
        let import = match count {
            0 => self.store.import(&open.import.organization, &open.import.id).await?,
            count => self.store.note_import_strikes(&open.import, count).await?,
        };
        let Some(import) = import else { return Ok(Next::Stop) };
        if !self.store.checkpoint_part(&import, &open.part).await? {
            return Ok(Next::Stop);
        }
        if import.status != ImportStatus::Running {
            // It was ended while this window was on its way; what that rejected belongs into the list.
            self.list_again(&import).await?;
            return Ok(Next::Stop);
        }
        if let Some(reason) = &window.failure {
            self.end(&import, ImportStatus::Failed, Some(reason)).await?;
            return Ok(Next::Stop);
        }
        if import.strikes > REJECTED_MAX {
            let reason = format!("more than {REJECTED_MAX} records were rejected");
            self.end(&import, ImportStatus::Failed, Some(&reason)).await?;
            return Ok(Next::Stop);
        }
        if window.is_last {
            self.part_is_done(&import).await?;
            return Ok(Next::Done);
        }
        Ok(Next::Window)
    }

    /// Has somebody else go on with this part.
    pub async fn hand_on(&self, open: OpenPart) -> Result<(), Fault> {
        let OpenPart { import, part, .. } = open;
        let job = PartJob { organization: import.organization, import: import.id, part: part.number };
        self.queue.send(std::iter::once(job)).await
    }

    async fn keep_rejected(
        &self,
        import: &Import,
        part: u32,
        window: u64,
        mut rejected: Vec<RejectedOut>,
    ) -> Result<(), Fault> {
        rejected.sort_by_key(|rejected| rejected.offset);
        let mut lines = Vec::new();
        for rejected in &rejected {
            serde_json::to_writer(&mut lines, rejected)
                .map_err(|error| Fault::corrupt_because("listing a rejected record", error))?;
            lines.push(b'\n');
        }
        self.blobs.put_lines(&import.error_window_key(part, window), lines).await
    }
}

/// Why the next record cannot be read.
enum Unreadable {
    File(BadFile),
    Stream(ReadError),
}

impl OpenPart {
    /// The part as it stands.
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// The application of records that name none.
    pub fn application(&self) -> Option<ApplicationRef> {
        self.import.application.map(ApplicationRef::Id)
    }

    async fn next(&mut self) -> Result<Option<crate::domain::import::Record>, Unreadable> {
        loop {
            if let Some(record) = self.reader.next_record().map_err(Unreadable::File)? {
                return Ok(Some(record));
            }
            if self.reader.is_over() || self.has_ended {
                return Ok(None);
            }
            match self.stream.next().await.map_err(Unreadable::Stream)? {
                Some(bytes) => self.reader.feed(bytes),
                None => {
                    self.has_ended = true;
                    self.reader.end();
                }
            }
        }
    }
}
