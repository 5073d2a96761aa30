//! One JSON text on each line.
//!
//! A line ends with a line feed, or with the file. Lines of nothing but blanks are no records, but they are counted. A line
//! belongs to the range that its first byte is in: a range begins reading one byte early, and when that byte is no line feed,
//! what follows it belongs to the range before.

use bytes::{Buf, Bytes};
use memchr::memchr;

use super::held::{Held, checked_text};
use super::{Split, Taken};
use crate::domain::import::read::{ReadPlan, Record, Resume};
use crate::domain::import::{BYTE_ORDER_MARK, BadFile};

pub(super) struct Ndjson {
    /// Of the next byte.
    offset: u64,
    /// Of the line under way.
    line_offset: u64,
    /// Lines before the one under way.
    lines: u64,
    /// The line under way began before the range.
    is_in_foreign_line: bool,
    range_end: u64,
    held: Held,
    resume: Resume,
}

impl Ndjson {
    pub(super) fn new(plan: &ReadPlan) -> Self {
        let range = plan.divided().unwrap_or(0..u64::MAX);
        let offset = plan.begin_offset();
        Self {
            offset,
            line_offset: offset,
            lines: plan.from.number,
            is_in_foreign_line: offset < range.start,
            range_end: range.end,
            held: Held::default(),
            resume: plan.from.clone(),
        }
    }

    /// Whether no line that begins behind here begins in the range.
    fn is_behind_range(&self) -> bool {
        let is_between_lines = self.is_in_foreign_line || self.offset == self.line_offset;
        is_between_lines && self.offset >= self.range_end
    }

    /// Ends the line under way.
    fn end_line(&mut self) -> Option<Record> {
        let (line, offset) = (self.held.take(), std::mem::replace(&mut self.line_offset, self.offset));
        if std::mem::take(&mut self.is_in_foreign_line) {
            return None;
        }
        self.lines += 1;
        let line = match line {
            Ok(line) => Ok(without_ends(line, offset)),
            Err(bad) => Err(bad),
        };
        if line.as_ref().is_ok_and(|line| line.iter().all(u8::is_ascii_whitespace)) {
            return None;
        }
        self.resume = Resume { offset: self.offset, number: self.lines, header: None };
        Some(Record { number: self.lines, offset, json: line.and_then(checked_text) })
    }

    fn hold(&mut self, part: Bytes) {
        if !self.is_in_foreign_line {
            self.held.push(part);
        }
    }
}

impl Split for Ndjson {
    fn split(&mut self, piece: &mut Bytes) -> Result<Taken, BadFile> {
        while !self.is_behind_range() {
            let Some(line_bytes) = memchr(b'\n', piece) else {
                self.offset += piece.len() as u64;
                self.hold(std::mem::take(piece));
                return Ok(Taken::All);
            };
            self.offset += line_bytes as u64 + 1;
            self.hold(piece.split_to(line_bytes));
            piece.advance(1);
            if let Some(record) = self.end_line() {
                return Ok(Taken::Record(record));
            }
        }
        Ok(Taken::RangeEnd)
    }

    fn finish(&mut self) -> Result<Option<Record>, BadFile> {
        if self.offset == self.line_offset {
            return Ok(None);
        }
        Ok(self.end_line())
    }

    fn resume_point(&self) -> Resume {
        self.resume.clone()
    }

    #[cfg(test)]
    fn held_bytes(&self) -> usize {
        self.held.len()
    }
}

/// A line without the carriage return at its end, and at the beginning of a file without the byte order mark.
fn without_ends(mut line: Bytes, offset: u64) -> Bytes {
    if offset == 0 && line.starts_with(BYTE_ORDER_MARK) {
        line.advance(BYTE_ORDER_MARK.len());
    }
    if line.ends_with(b"\r") {
        line.truncate(line.len() - 1);
    }
    line
}
