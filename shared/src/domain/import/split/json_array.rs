//! The elements of one JSON array, each of them any JSON value.
//!
//! Only borders are looked for: quotes, brackets and what stands between elements. Whether an element is JSON is for others to
//! say, and one that is not costs no more than itself as long as its brackets and quotes are closed.

use bytes::{Buf, Bytes};
use memchr::memchr2;

use super::held::{Held, checked_text};
use super::{Split, Taken};
use crate::domain::import::read::{Record, Resume};
use crate::domain::import::{BYTE_ORDER_MARK, BadFile};

pub(super) struct JsonArray {
    /// Of the next byte.
    offset: u64,
    place: Place,
    held: Held,
    /// The place behind the last element.
    resume: Resume,
}

/// Where in the array the next byte is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Before the opening bracket.
    Before,
    /// Before the first element, or the closing bracket of an empty array.
    First,
    /// Behind a comma.
    Next,
    /// In the element that began there.
    Element { offset: u64, borders: Borders },
    /// Behind an element.
    Behind,
    /// Behind the closing bracket.
    Closed,
}

impl JsonArray {
    pub(super) fn new(from: Resume) -> Self {
        let place = if from.offset == 0 { Place::Before } else { Place::Behind };
        Self { offset: from.offset, place, held: Held::default(), resume: from }
    }

    /// What a byte outside of elements means; None when an element begins with it.
    fn step(&self, byte: u8) -> Result<Option<Place>, BadFile> {
        let place = match (self.place, byte) {
            (place, b' ' | b'\t' | b'\n' | b'\r') => place,
            (Place::Before, b'[') => Place::First,
            (Place::Before, _) if self.is_in_byte_order_mark(byte) => Place::Before,
            (Place::First, b']') | (Place::Behind, b']') => Place::Closed,
            (Place::Behind, b',') => Place::Next,
            (Place::First | Place::Next, b',' | b']') => return Err(self.broken("an element should stand here")),
            (Place::First | Place::Next | Place::Element { .. }, _) => return Ok(None),
            (Place::Before, _) => return Err(self.broken("an opening bracket should stand here")),
            (Place::Behind, _) => return Err(self.broken("a comma or the closing bracket should stand here")),
            (Place::Closed, _) => return Err(self.broken("nothing may stand behind the closing bracket")),
        };
        Ok(Some(place))
    }

    fn is_in_byte_order_mark(&self, byte: u8) -> bool {
        BYTE_ORDER_MARK.get(self.offset as usize) == Some(&byte)
    }

    fn broken(&self, reason: &'static str) -> BadFile {
        BadFile::Array { at: self.offset, reason }
    }

    /// Takes from the piece what belongs to the element that began there.
    fn gather(&mut self, offset: u64, mut borders: Borders, piece: &mut Bytes) -> Option<Record> {
        let end = borders.find_end(piece);
        let part = piece.split_to(end.unwrap_or(piece.len()));
        self.offset += part.len() as u64;
        self.held.push(part);
        if end.is_none() {
            self.place = Place::Element { offset, borders };
            return None;
        }
        self.place = Place::Behind;
        self.resume = Resume { offset: self.offset, number: self.resume.number + 1, header: None };
        Some(Record { number: self.resume.number, offset, json: self.held.take().and_then(checked_text) })
    }
}

impl Split for JsonArray {
    fn split(&mut self, piece: &mut Bytes) -> Result<Taken, BadFile> {
        while let Some(&byte) = piece.first() {
            if let Place::Element { offset, borders } = self.place {
                match self.gather(offset, borders, piece) {
                    Some(record) => return Ok(Taken::Record(record)),
                    None => continue,
                }
            }
            match self.step(byte)? {
                None => self.place = Place::Element { offset: self.offset, borders: Borders::of(byte) },
                Some(place) => {
                    self.place = place;
                    self.offset += 1;
                    piece.advance(1);
                }
            }
        }
        Ok(Taken::All)
    }

    fn finish(&mut self) -> Result<Option<Record>, BadFile> {
        match self.place {
            Place::Before | Place::Closed => Ok(None),
            _ => Err(self.broken("the file ends before the closing bracket")),
        }
    }

    fn resume_point(&self) -> Resume {
        self.resume.clone()
    }

    #[cfg(test)]
    fn held_bytes(&self) -> usize {
        self.held.len()
    }
}

/// How far inside an element the next byte is.
#[derive(Clone, Copy, Debug)]
enum Borders {
    /// In a number or a word, which end before what cannot be part of them.
    Bare,
    /// Under so many open brackets, not in a text.
    Brackets(u64),
    /// In a text under so many open brackets.
    Text(u64),
    /// The same, behind a backslash.
    Escape(u64),
}

impl Borders {
    /// Of an element that begins with this byte, before it.
    fn of(first: u8) -> Self {
        if matches!(first, b'{' | b'[' | b'"') { Self::Brackets(0) } else { Self::Bare }
    }

    /// Goes on over these bytes; how many of them belong to the element, if it ends with or before one.
    fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let is_end = match *self {
                Self::Bare => {
                    return rest.iter().position(|byte| matches!(byte, b',' | b']' | b' ' | b'\t' | b'\n' | b'\r'));
                }
                Self::Escape(depth) => {
                    at += 1;
                    *self = Self::Text(depth);
                    false
                }
                Self::Text(depth) => {
                    at += memchr2(b'"', b'\\', rest)? + 1;
                    *self = if bytes[at - 1] == b'"' { Self::Brackets(depth) } else { Self::Escape(depth) };
                    depth == 0 && matches!(self, Self::Brackets(_))
                }
                Self::Brackets(depth) => {
                    at += rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'))? + 1;
                    *self = match bytes[at - 1] {
                        b'"' => Self::Text(depth),
                        b'{' | b'[' => Self::Brackets(depth + 1),
                        _ => Self::Brackets(depth.saturating_sub(1)),
                    };
                    matches!(self, Self::Brackets(0))
                }
            };
            if is_end {
                return Some(at);
            }
        }
        None
    }
}
