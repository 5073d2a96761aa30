//! Reading an uploaded file record by record, in bounded memory, whatever its size.
//!
//! [`detect`] tells from the first bytes what a file is. A [`RecordReader`] is fed the file's bytes as they come and hands out
//! its records one at a time: a line of NDJSON, an element of a JSON array, a row of CSV; plain, gzip or zstd. Every record is
//! one JSON text in the form in which the API takes messages; whether it is a message is not decided here.
//!
//! **A bad record is not a bad file.** A record that cannot be used is handed out as a [`BadRecord`], and the reader goes on
//! behind it. What makes everything behind it meaningless is a [`BadFile`], and ends the reading.
//!
//! **Reading may stop anywhere and run twice.** A [`Resume`] is a place between two records. A reader that begins there hands
//! out exactly the rest, with the same offsets; a reader that begins there again hands out the same once more.

mod bad;
mod columns;
mod decode;
mod detect;
mod mapping;
mod read;
mod record;
mod split;
#[cfg(test)]
mod tests;

pub use bad::{BadFile, BadRecord};
pub use columns::{Columns, Delimiter, Header, PayloadColumns};
pub use detect::{DETECT_BYTES, Detected, Encoding, Format, detect};
pub use read::{RECORD_BYTES_MAX, ReadPlan, Record, RecordReader, Resume};
pub use record::{
    Counts, DROP_PREFIX, ERRORS_SUFFIX, FILE_BYTES_MAX, FILES_PREFIX, FileFacts, Found, IMPORT_KEPT_DAYS, Import,
    ImportStatus, NAME_BYTES_MAX, PART_BYTES, Part, REJECTED_MAX, RecordVerdict, SINGLE_UPLOAD_BYTES_MAX,
    UPLOAD_PART_BYTES, UPLOAD_PREFIX, UPLOAD_S, Upload, found, upload_key,
};

/// What some programs put in front of text in UTF-8. It is no part of it.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
