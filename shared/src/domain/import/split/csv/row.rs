//! The cells of one line, gathered from pieces. One that is too long, or has too many cells, is read on without being held.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::domain::import::Delimiter;
use crate::domain::import::mapping::Cells;
use crate::domain::import::read::RECORD_BYTES_MAX;

/// Room for cells to begin with; few rows need more.
const ROOM_BYTES_MIN: usize = 4 * 1024;

/// One byte more than the longest row: the parser wants room for what is a line end in the end.
const ROOM_BYTES_MAX: usize = RECORD_BYTES_MAX + 1;

/// Gathers one row after the other.
pub(super) struct Row {
    parser: Reader,
    /// Cells, one behind the other, as far as they are read.
    room: Vec<u8>,
    room_used: usize,
    /// Where in the room each cell ends; one place more than there should be cells.
    ends: Vec<usize>,
    ends_used: usize,
    /// Cells for which there was no place.
    cells_dropped: usize,
    is_too_long: bool,
}

impl Row {
    /// For rows of so many cells.
    pub(super) fn new(delimiter: Delimiter, cells: usize) -> Self {
        let mut parser = ReaderBuilder::new().delimiter(delimiter.as_byte()).build();
        // The parser takes a byte order mark off the first thing it reads, which may be a row in the middle of a file.
        parser.read_record(b"\n", &mut [0], &mut [0]);
        parser.set_line(0);
        Self {
            parser,
            room: vec![0; ROOM_BYTES_MIN],
            room_used: 0,
            ends: vec![0; cells + 1],
            ends_used: 0,
            cells_dropped: 0,
            is_too_long: false,
        }
    }

    /// Takes bytes up to the end of the row, if it is there: how many, and whether it is. There must be some.
    pub(super) fn read(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut taken = 0;
        while taken < bytes.len() {
            let (room, ends) = (&mut self.room[self.room_used..], &mut self.ends[self.ends_used..]);
            let (result, read, filled, ended) = self.parser.read_record(&bytes[taken..], room, ends);
            taken += read;
            self.room_used += filled;
            self.ends_used += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.make_room(),
                ReadRecordResult::OutputEndsFull => self.drop_cells(),
                ReadRecordResult::Record | ReadRecordResult::End => return (taken, true),
            }
        }
        (taken, false)
    }

    /// The cells of the row that has ended; None when it was too long to be held.
    pub(super) fn cells(&self) -> Option<Cells<'_>> {
        let is_held = !self.is_too_long && self.room_used <= RECORD_BYTES_MAX;
        is_held.then(|| Cells::new(&self.room[..self.room_used], &self.ends[..self.ends_used]))
    }

    /// How many cells it has, held or not.
    pub(super) fn cells_count(&self) -> usize {
        self.cells_dropped + self.ends_used
    }

    /// Line feeds in and behind it.
    pub(super) fn line_feeds(&self) -> u64 {
        self.parser.line()
    }

    /// What is read next begins another row.
    pub(super) fn clear(&mut self) {
        self.parser.set_line(0);
        (self.room_used, self.ends_used, self.cells_dropped, self.is_too_long) = (0, 0, 0, false);
    }

    fn make_room(&mut self) {
        if self.room.len() < ROOM_BYTES_MAX {
            self.room.resize((self.room.len() * 2).min(ROOM_BYTES_MAX), 0);
        } else {
            self.is_too_long = true;
            self.room_used = 0;
        }
    }

    fn drop_cells(&mut self) {
        self.cells_dropped += std::mem::take(&mut self.ends_used);
    }

    /// Bytes of the rooms for cells.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.room.len() + size_of_val(self.ends.as_slice())
    }
}
