//! The header: it says what stands between cells, and what the columns are called.

use super::row::Row;
use crate::domain::import::{BYTE_ORDER_MARK, BadFile, Delimiter, Header};

/// Longest header: it travels with every place at which reading may go on.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// A header, as far as it has been read.
#[derive(Default)]
pub(super) struct HeaderText {
    text: Vec<u8>,
    place: Place,
}

/// Where in a header the next byte is, as long as it is not known what stands between cells.
#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    CellStart,
    Unquoted,
    Quoted,
    /// Behind a quote that closed a cell, unless a second one makes it a part of the cell.
    BehindQuote,
}

impl Place {
    fn behind(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::BehindQuote,
            (Self::CellStart | Self::BehindQuote, b'"') | (Self::Quoted, _) => Self::Quoted,
            (_, b',' | b';' | b'\t') => Self::CellStart,
            (Self::CellStart | Self::Unquoted | Self::BehindQuote, _) => Self::Unquoted,
        }
    }
}

impl HeaderText {
    /// Whether nothing of it has been read.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Takes bytes up to the end of the header's line, if it is there: how many, and whether it is.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(usize, bool), BadFile> {
        for (at, &byte) in bytes.iter().enumerate() {
            if matches!(byte, b'\n' | b'\r') && !matches!(self.place, Place::Quoted) {
                return Ok((at + 1, true));
            }
            if self.text.len() == HEADER_BYTES_MAX {
                return Err(BadFile::Header(format!("it is longer than {HEADER_BYTES_MAX} bytes")));
            }
            self.text.push(byte);
            self.place = if self.text == BYTE_ORDER_MARK { Place::CellStart } else { self.place.behind(byte) };
        }
        Ok((bytes.len(), false))
    }

    /// Line feeds in it.
    pub(super) fn line_feeds(&self) -> u64 {
        self.text.iter().filter(|byte| **byte == b'\n').count() as u64
    }

    /// Bytes of it.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.text.len()
    }

    /// The header that this text is.
    pub(super) fn parse(&self) -> Result<Header, BadFile> {
        let text = self.text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.text);
        if text.is_empty() {
            return Err(bad("it is empty"));
        }
        let delimiter = delimiter_of(text);
        let mut row = Row::new(delimiter, text.len());
        let is_one_row = !row.read(text).1 && row.read(b"\n").1;
        let cells = row.cells().filter(|_| is_one_row).ok_or_else(|| bad("its quotes do not enclose whole cells"))?;
        let name = |at| cells.get(at).map(|name: &str| name.trim().to_owned());
        let columns: Option<Vec<String>> = (0..row.cells_count()).map(name).collect();
        let columns = columns.ok_or_else(|| bad("it is not valid UTF-8"))?;
        check_names(&columns)?;
        Ok(Header { delimiter, columns })
    }
}

pub(super) fn bad(reason: &str) -> BadFile {
    BadFile::Header(reason.to_owned())
}

/// What stands most often outside of quotes; the comma, when nothing does.
fn delimiter_of(text: &[u8]) -> Delimiter {
    let outside = || text.split(|byte| *byte == b'"').step_by(2).flatten();
    let count = |delimiter: &Delimiter| outside().filter(|byte| **byte == delimiter.as_byte()).count();
    // Of several that are equal the last is taken: the comma.
    [Delimiter::Tab, Delimiter::Semicolon, Delimiter::Comma].into_iter().max_by_key(count).unwrap_or(Delimiter::Comma)
}

/// Every column has a name of its own.
fn check_names(columns: &[String]) -> Result<(), BadFile> {
    for (at, name) in columns.iter().enumerate() {
        if name.is_empty() {
            return Err(BadFile::Header(format!("column {} has no name", at + 1)));
        }
        if columns[..at].contains(name) {
            return Err(BadFile::Header(format!("two columns are called {name:?}")));
        }
    }
    Ok(())
}
