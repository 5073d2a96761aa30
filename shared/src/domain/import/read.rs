//! A file as a sequence of records: bytes in, records out.
//!
//! The reader is a state machine that does nothing by itself: whoever has the bytes feeds them and asks for records. Bytes
//! are decoded only when no record can be made of what is decoded already, so what it holds does not depend on the file: the
//! bytes that were fed, one decoded piece, one record.

use std::ops::Range;

use bytes::Bytes;

use super::decode::{DECODE_LIMITS, Decoded, Decoder};
use super::split::{self, Split, Taken};
use super::{BadFile, BadRecord, Columns, Detected, Encoding, Header};
use crate::domain::message::PAYLOAD_BYTES_MAX;

/// Longest record: the largest payload, and what stands around it.
pub const RECORD_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + 64 * 1024;

/// What is to be read, and from where.
#[derive(Clone, Debug)]
pub struct ReadPlan {
    /// What the file is.
    pub file: Detected,
    /// Its stored bytes.
    pub size_bytes: u64,
    /// Which columns hold what, if it is CSV.
    pub columns: Columns,
    /// Where reading begins.
    pub from: Resume,
    /// Only the records that begin in this range of bytes. What is not divisible ([`Detected::is_divisible`]) is read as a
    /// whole. A line begins behind the line feed of the one before; what it begins with may be a byte order mark.
    pub range: Option<Range<u64>>,
}

impl ReadPlan {
    /// All of a file.
    pub fn whole(file: Detected, size_bytes: u64) -> Self {
        Self { file, size_bytes, columns: Columns::default(), from: Resume::default(), range: None }
    }

    /// Where the stored bytes begin that the reader has to be fed: of an encoded file all of them.
    fn input_offset(&self) -> u64 {
        match self.file.encoding {
            Encoding::Plain => self.begin_offset(),
            Encoding::Gzip | Encoding::Zstd => 0,
        }
    }

    /// Decoded bytes before those that are split: a range begins with the byte before it.
    pub(super) fn begin_offset(&self) -> u64 {
        match self.divided() {
            Some(range) if self.from.offset <= range.start => range.start.saturating_sub(1),
            _ => self.from.offset,
        }
    }

    /// The range, where there may be one.
    pub(super) fn divided(&self) -> Option<Range<u64>> {
        self.range.clone().filter(|_| self.file.is_divisible())
    }
}

/// A place between two records: behind those that were handed out. The default is the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resume {
    /// Decoded bytes before it.
    pub offset: u64,
    /// Lines before it, or elements of a JSON array; of a range, those in it.
    pub number: u64,
    /// The header of a CSV file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
}

/// One record of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Of the line where it begins, blank ones counted, or of the element; from 1. Of a range, within the range.
    pub number: u64,
    /// Of its first byte, decoded. It names the record in the file, whichever way it was read.
    pub offset: u64,
    /// It, as one text in UTF-8 in the form in which the API takes messages. Not yet known to be JSON. It may be a part of the
    /// bytes that were fed, and holds them as long as it is held.
    pub json: Result<Bytes, BadRecord>,
}

/// Reads one file once.
pub struct RecordReader {
    encoding: Encoding,
    decoder: Decoder,
    /// Decoded bytes before the place where records begin.
    skipped_bytes_left: u64,
    /// Decoded, not yet split.
    piece: Bytes,
    splitter: Box<dyn Split>,
    /// Stored bytes before those that are fed.
    input_offset: u64,
    size_bytes: u64,
    is_over: bool,
    failure: Option<BadFile>,
}

impl RecordReader {
    /// A reader of what is planned, still without a byte of it.
    pub fn new(plan: ReadPlan) -> Self {
        let (input_offset, encoding) = (plan.input_offset(), plan.file.encoding);
        Self {
            encoding,
            decoder: Decoder::new(encoding, DECODE_LIMITS),
            skipped_bytes_left: plan.begin_offset() - input_offset,
            piece: Bytes::new(),
            input_offset,
            size_bytes: plan.size_bytes,
            splitter: split::splitter(plan),
            is_over: false,
            failure: None,
        }
    }

    /// Where in the stored file the bytes begin that it wants.
    pub fn input_offset(&self) -> u64 {
        self.input_offset
    }

    /// Takes the next stored bytes; best when [`RecordReader::next_record`] has come to their end. They are held until then.
    pub fn feed(&mut self, bytes: Bytes) {
        self.decoder.feed(bytes);
    }

    /// The stored file has no more bytes.
    pub fn end(&mut self) {
        self.decoder.end();
    }

    /// The next record. None: it wants more bytes, or [`RecordReader::is_over`]. Once the file is bad it stays bad.
    pub fn next_record(&mut self) -> Result<Option<Record>, BadFile> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.advance().inspect_err(|failure| self.failure = Some(failure.clone()))
    }

    /// Whether every record was handed out.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The place behind the last record that was handed out.
    pub fn resume_point(&self) -> Resume {
        self.splitter.resume_point()
    }

    /// How far into the stored file it has come, in bytes; of a plain file exactly.
    pub fn stored_bytes_read(&self) -> u64 {
        let ahead = if self.encoding == Encoding::Plain { self.piece.len() as u64 } else { 0 };
        self.input_offset + self.decoder.stored_bytes_taken() - ahead
    }

    fn advance(&mut self) -> Result<Option<Record>, BadFile> {
        while !self.is_over {
            match self.splitter.split(&mut self.piece)? {
                Taken::Record(record) => return Ok(Some(record)),
                Taken::All => {}
                Taken::RangeEnd => {
                    self.is_over = true;
                    break;
                }
            }
            match self.decoder.next_piece().map_err(|failure| self.unless_changed(failure))? {
                Decoded::Piece(piece) => self.piece = self.behind_skipped(piece),
                Decoded::Hungry => break,
                Decoded::Over => return self.finish(),
            }
        }
        Ok(None)
    }

    /// What is left of a piece behind the bytes that an earlier reader has dealt with.
    fn behind_skipped(&mut self, mut piece: Bytes) -> Bytes {
        let skipped = self.skipped_bytes_left.min(piece.len() as u64);
        self.skipped_bytes_left -= skipped;
        piece.split_off(skipped as usize)
    }

    fn finish(&mut self) -> Result<Option<Record>, BadFile> {
        if self.has_other_size() || self.skipped_bytes_left > 0 {
            return Err(BadFile::Changed);
        }
        let last = self.splitter.finish()?;
        self.is_over = true;
        Ok(last)
    }

    /// Bytes that went missing on their way here are not the uploader's fault.
    fn unless_changed(&self, failure: BadFile) -> BadFile {
        if matches!(failure, BadFile::Truncated { .. }) && self.has_other_size() { BadFile::Changed } else { failure }
    }

    fn has_other_size(&self) -> bool {
        self.input_offset + self.decoder.stored_bytes_fed() != self.size_bytes
    }

    #[cfg(test)]
    pub(super) fn is_ended(&self) -> bool {
        self.decoder.is_ended()
    }

    /// Bytes it holds: fed ones, decoded ones, the record under way.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.decoder.held_bytes() + self.piece.len() + self.splitter.held_bytes()
    }
}
