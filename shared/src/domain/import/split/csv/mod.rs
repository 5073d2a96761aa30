//! Rows of cells below a header: RFC 4180, with line feeds, carriage returns or both at the ends of lines, and with the
//! delimiter that the header has.
//!
//! Lines are counted as an editor does: a row with line feeds in its cells has several, an empty line is one and no row. Cells
//! are read leniently where that is unambiguous; a quote that is never closed is not.

mod header;
mod row;

use bytes::{Buf, Bytes};

use super::{Split, Taken};
use crate::domain::import::mapping::Mapping;
use crate::domain::import::read::{Record, Resume};
use crate::domain::import::{BadFile, BadRecord, Columns, Header};
use header::HeaderText;
use row::Row;

pub(super) struct Csv {
    /// Of the next byte.
    offset: u64,
    /// Lines that have ended before it.
    lines: u64,
    /// The byte before it is a carriage return that ended a line: a line feed would belong to that line.
    is_behind_return: bool,
    state: State,
    columns: Columns,
    /// A row that has ended, until it is known whether a line feed follows.
    ended: Option<Record>,
    /// Where this reading began.
    from: Resume,
    /// Bytes and lines before the place behind the last row that was handed out.
    resume: (u64, u64),
}

enum State {
    Header(HeaderText),
    Rows(Box<Rows>),
    Bad(BadFile),
}

/// The rows below a header.
struct Rows {
    header: Header,
    mapping: Mapping,
    row: Row,
    /// The row under way: its first line, and its first byte.
    begun: Option<(u64, u64)>,
}

impl Rows {
    fn new(header: Header, columns: &Columns) -> Result<Self, BadFile> {
        let mapping = columns.bind(&header)?;
        let row = Row::new(header.delimiter, header.columns.len());
        Ok(Self { header, mapping, row, begun: None })
    }

    /// Ends the row under way.
    fn end(&mut self) -> Option<Record> {
        let (number, offset) = self.begun.take()?;
        let json = self.json().map(Bytes::from);
        self.row.clear();
        Some(Record { number, offset, json })
    }

    fn json(&self) -> Result<Vec<u8>, BadRecord> {
        let cells = self.row.cells().ok_or(BadRecord::TooLong)?;
        let (found, expected) = (self.row.cells_count(), self.header.columns.len());
        if found != expected {
            return Err(BadRecord::Cells { found, expected });
        }
        self.mapping.json(&cells)
    }
}

impl Csv {
    pub(super) fn new(from: Resume, columns: Columns) -> Self {
        let state = match &from.header {
            None => State::Header(HeaderText::default()),
            Some(header) => match Rows::new(header.clone(), &columns) {
                Ok(rows) => State::Rows(Box::new(rows)),
                Err(bad) => State::Bad(bad),
            },
        };
        Self {
            offset: from.offset,
            lines: from.number,
            is_behind_return: false,
            state,
            columns,
            ended: None,
            resume: (from.offset, from.number),
            from,
        }
    }

    /// Takes line ends off the front: empty lines, and the second half of a line end.
    fn skip_line_ends(&mut self, piece: &mut Bytes) {
        while let Some(&byte @ (b'\n' | b'\r')) = piece.first() {
            let is_second_half = byte == b'\n' && self.is_behind_return;
            self.count_lines(u64::from(!is_second_half), byte);
            self.take(1, piece);
        }
    }

    /// So many lines have ended, the last of them with this byte.
    fn count_lines(&mut self, lines: u64, last: u8) {
        self.lines += lines;
        self.is_behind_return = last == b'\r';
    }

    fn take(&mut self, bytes: usize, piece: &mut Bytes) {
        self.offset += bytes as u64;
        piece.advance(bytes);
    }

    /// Takes bytes of the header or of a row, up to its end: how many, and whether it ends with them.
    fn read(&mut self, piece: &[u8]) -> Result<(usize, bool), BadFile> {
        match &mut self.state {
            State::Header(header) => header.read(piece),
            State::Rows(rows) => {
                rows.begun.get_or_insert((self.lines + 1, self.offset));
                Ok(rows.row.read(piece))
            }
            State::Bad(bad) => Err(bad.clone()),
        }
    }

    /// Ends the header or the row under way, which this byte has ended.
    fn end_line(&mut self, last: u8) -> Result<(), BadFile> {
        match &mut self.state {
            State::Header(header) => {
                let line_feeds = header.line_feeds();
                self.state = State::Rows(Box::new(Rows::new(header.parse()?, &self.columns)?));
                self.count_lines(line_feeds + 1, last);
            }
            State::Rows(rows) => {
                let lines = rows.row.line_feeds() + u64::from(last == b'\r');
                self.ended = rows.end();
                self.count_lines(lines, last);
            }
            State::Bad(_) => {}
        }
        Ok(())
    }

    fn is_between_lines(&self) -> bool {
        match &self.state {
            State::Header(header) => header.is_empty(),
            State::Rows(rows) => rows.begun.is_none(),
            State::Bad(_) => true,
        }
    }

    /// What is wrong when the file ends in a quote.
    fn open_quote(&self) -> BadFile {
        match &self.state {
            State::Rows(rows) if let Some((line, at)) = rows.begun => BadFile::QuoteOpen { line, at },
            State::Rows(_) | State::Header(_) => header::bad("it opens a quote that is never closed"),
            State::Bad(bad) => bad.clone(),
        }
    }

    /// The row that has ended, once it is known where the next one begins.
    fn hand_out(&mut self, piece: &mut Bytes) -> Option<Record> {
        if self.is_behind_return {
            let is_second_half = *piece.first()? == b'\n';
            self.take(usize::from(is_second_half), piece);
            self.is_behind_return = false;
        }
        self.resume = (self.offset, self.lines);
        self.ended.take()
    }
}

impl Split for Csv {
    fn split(&mut self, piece: &mut Bytes) -> Result<Taken, BadFile> {
        loop {
            if self.ended.is_some() {
                return Ok(self.hand_out(piece).map_or(Taken::All, Taken::Record));
            }
            if self.is_between_lines() {
                self.skip_line_ends(piece);
            }
            if piece.is_empty() {
                return Ok(Taken::All);
            }
            let (bytes, is_end) = self.read(piece)?;
            let last = bytes.checked_sub(1).map(|at| piece[at]);
            self.take(bytes, piece);
            match last {
                Some(last) if is_end => self.end_line(last)?,
                _ => return Ok(Taken::All),
            }
        }
    }

    /// The last row may have no line end of its own.
    fn finish(&mut self) -> Result<Option<Record>, BadFile> {
        if self.ended.is_none() && !self.is_between_lines() {
            // In an open quote not even a line end ends a row.
            if !self.read(b"\n")?.1 {
                return Err(self.open_quote());
            }
            self.end_line(b'\n')?;
        }
        self.resume = (self.offset, self.lines);
        Ok(self.ended.take())
    }

    fn resume_point(&self) -> Resume {
        let (offset, number) = self.resume;
        match &self.state {
            State::Rows(rows) if offset > self.from.offset => {
                Resume { offset, number, header: Some(rows.header.clone()) }
            }
            _ => self.from.clone(),
        }
    }

    #[cfg(test)]
    fn held_bytes(&self) -> usize {
        match &self.state {
            State::Header(header) => header.held_bytes(),
            State::Rows(rows) => rows.row.held_bytes(),
            State::Bad(_) => 0,
        }
    }
}
