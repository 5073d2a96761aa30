//! The record under way, gathered from pieces: not copied as long as it lies in one, and dropped when it is too long.

use bytes::Bytes;

use crate::domain::import::BadRecord;
use crate::domain::import::read::RECORD_BYTES_MAX;

/// The bytes of one record so far.
#[derive(Default)]
pub(super) enum Held {
    #[default]
    Nothing,
    /// A part of one piece.
    Part(Bytes),
    /// Put together from several.
    Copied(Vec<u8>),
    TooLong,
}

impl Held {
    /// Adds what comes next.
    pub(super) fn push(&mut self, part: Bytes) {
        if part.is_empty() {
            return;
        }
        let bytes = self.len() + part.len();
        *self = match std::mem::take(self) {
            Self::TooLong => Self::TooLong,
            _ if bytes > RECORD_BYTES_MAX => Self::TooLong,
            Self::Nothing => Self::Part(part),
            Self::Part(first) => {
                let mut copied = Vec::with_capacity(bytes.next_power_of_two());
                copied.extend_from_slice(&first);
                copied.extend_from_slice(&part);
                Self::Copied(copied)
            }
            Self::Copied(mut copied) => {
                copied.extend_from_slice(&part);
                Self::Copied(copied)
            }
        };
    }

    /// The whole record; what comes next begins another.
    pub(super) fn take(&mut self) -> Result<Bytes, BadRecord> {
        match std::mem::take(self) {
            Self::Nothing => Ok(Bytes::new()),
            Self::Part(part) => Ok(part),
            Self::Copied(copied) => Ok(copied.into()),
            Self::TooLong => Err(BadRecord::TooLong),
        }
    }

    /// Bytes that are held.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Nothing | Self::TooLong => 0,
            Self::Part(part) => part.len(),
            Self::Copied(copied) => copied.len(),
        }
    }
}

/// The text that these bytes should be.
pub(super) fn checked_text(bytes: Bytes) -> Result<Bytes, BadRecord> {
    match std::str::from_utf8(&bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(BadRecord::NotUtf8 { at: error.valid_up_to() }),
    }
}
