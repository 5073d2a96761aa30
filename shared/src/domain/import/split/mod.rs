//! Decoded bytes to records: where one ends and the next begins.
//!
//! A splitter sees the pieces of a file in their order and never twice. It holds the record under way, and of one that is too
//! long nothing.

mod csv;
mod held;
mod json_array;
mod ndjson;

use bytes::Bytes;

use super::read::{ReadPlan, Record, Resume};
use super::{BadFile, Format};

/// What splitting a piece comes to.
#[derive(Debug)]
pub(super) enum Taken {
    /// A record ended; more may be in the piece.
    Record(Record),
    /// All of the piece is taken.
    All,
    /// No record behind this begins in the range.
    RangeEnd,
}

/// Finds the records in a format.
pub(super) trait Split: Send {
    /// Takes bytes off the front of the piece, up to the end of a record.
    fn split(&mut self, piece: &mut Bytes) -> Result<Taken, BadFile>;

    /// The file ends here: the last record, if it is still to be handed out. Called once.
    fn finish(&mut self) -> Result<Option<Record>, BadFile>;

    /// The place behind the last record that was handed out.
    fn resume_point(&self) -> Resume;

    /// Bytes it holds.
    #[cfg(test)]
    fn held_bytes(&self) -> usize;
}

/// The splitter for what is planned.
pub(super) fn splitter(plan: ReadPlan) -> Box<dyn Split> {
    match plan.file.format {
        Format::Ndjson => Box::new(ndjson::Ndjson::new(&plan)),
        Format::JsonArray => Box::new(json_array::JsonArray::new(plan.from)),
        Format::Csv => Box::new(csv::Csv::new(plan.from, plan.columns)),
    }
}
