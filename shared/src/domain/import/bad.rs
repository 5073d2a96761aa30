//! What can be wrong with a file, and with one record of it, in words for the person who uploaded it.

use super::Encoding;
use super::decode::{DECODE_LIMITS, WINDOW_LOG_MAX};
use super::read::RECORD_BYTES_MAX;

/// Why a file cannot be read, or not any further. What was handed out before stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFile {
    /// It is nothing that records are read from.
    #[error("the file looks like {looks_like}; it must be NDJSON, a JSON array or CSV in UTF-8, plain, gzip or zstd")]
    Unknown {
        /// What it is instead, as far as one can tell.
        looks_like: &'static str,
    },
    /// The compressed data stops in the middle.
    #[error("the {encoding} data ends before its end")]
    Truncated {
        /// What it is compressed with.
        encoding: Encoding,
    },
    /// The compressed data is not what was once compressed.
    #[error("the {encoding} data is damaged: {reason}")]
    Damaged {
        /// What it is compressed with.
        encoding: Encoding,
        /// What the decoder says.
        reason: String,
    },
    /// Decoding takes more memory than is given to it.
    #[error("the zstd data needs a window of more than {} MiB; compress it without --long or --ultra", (1 << WINDOW_LOG_MAX) >> 20)]
    Window,
    /// It decodes to far more than records ever would.
    #[error(
        "the compressed data decodes to more than {} times its size or more than {} GiB, which no file of records does",
        DECODE_LIMITS.ratio_max, DECODE_LIMITS.decoded_bytes_max >> 30
    )]
    Bomb,
    /// It is not the file it was when its reading began.
    #[error("the file changed while it was read")]
    Changed,
    /// The header of a CSV file does not fit.
    #[error("the header of the CSV file does not fit: {0}")]
    Header(String),
    /// A quote in a CSV file is never closed: all behind it is one cell.
    #[error("the row at line {line} opens a quote that is never closed")]
    QuoteOpen {
        /// The line where the row begins.
        line: u64,
        /// The row's first byte, decoded.
        at: u64,
    },
    /// What stands around the elements is not a JSON array.
    #[error("the JSON array is broken at byte {at}: {reason}")]
    Array {
        /// Where, decoded.
        at: u64,
        /// What should stand there.
        reason: &'static str,
    },
}

/// Why one record cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// It was skipped without being held.
    #[error("is longer than {RECORD_BYTES_MAX} bytes")]
    TooLong,
    /// It is not text.
    #[error("is not valid UTF-8 at byte {at} of the record")]
    NotUtf8 {
        /// Where in the record, from 0.
        at: usize,
    },
    /// A cell of a row is not text.
    #[error("has a cell that is not valid UTF-8 in column {column:?}")]
    CellNotUtf8 {
        /// The column's name.
        column: String,
    },
    /// A row has other cells than the header has columns.
    #[error("must have as many cells as the header, {expected}; it has {found}")]
    Cells {
        /// Cells of the row.
        found: usize,
        /// Columns of the header.
        expected: usize,
    },
    /// The cell that is to be the payload is none.
    #[error("must have a JSON object in column {column:?}: {reason}")]
    Payload {
        /// The column's name.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
}
