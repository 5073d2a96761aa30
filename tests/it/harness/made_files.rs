//! Files to import, made from a seed: records of which every so many is bad in a known way, and what must come of them.

use std::io::Write;

use fanfare::domain::import::{Encoding, Format, RECORD_BYTES_MAX};

/// What is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileMaker {
    pub(crate) format: Format,
    pub(crate) encoding: Encoding,
    /// How many records, good and bad.
    pub(crate) records: u64,
    /// Every record of so many is bad; 0 for none.
    pub(crate) bad_every: u64,
    /// The same seed makes the same file.
    pub(crate) seed: u64,
}

/// A file, and what is in it.
pub(crate) struct MadeFile {
    pub(crate) stored: Vec<u8>,
    /// The event ids of the good records, in their order.
    pub(crate) good: Vec<String>,
    pub(crate) bad: Vec<BadOne>,
}

/// A bad record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadOne {
    /// Its line, or which element it is.
    pub(crate) number: u64,
    /// Its first byte, decoded.
    pub(crate) offset: u64,
    pub(crate) flaw: Flaw,
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    NotJson,
    NotUtf8,
    NoEventType,
    /// Its payload is a text.
    TextPayload,
    /// It has a cell too many.
    OtherCells,
    /// Once in a file, the last bad one: it is large.
    TooLong,
}

/// Between lines that are records stand blank ones: behind every so many records.
const BLANK_LINE_EVERY: u64 = 97;

impl FileMaker {
    /// The file.
    pub(crate) fn make(self) -> MadeFile {
        let mut text = self.opening().to_vec();
        let mut line = 1 + u64::from(self.format == Format::Csv);
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for record in 1..=self.records {
            let flaw = self.flaw(record);
            let number = if self.format == Format::JsonArray { record } else { line };
            match flaw {
                Some(flaw) => bad.push(BadOne { number, offset: text.len() as u64, flaw }),
                None => good.push(self.event_id(record)),
            }
            text.extend_from_slice(&self.record(record, flaw));
            text.extend_from_slice(self.behind(record));
            line += 1 + u64::from(record.is_multiple_of(BLANK_LINE_EVERY));
        }
        if self.format == Format::JsonArray {
            text.push(b']');
        }
        MadeFile { stored: encode(self.encoding, &text), good, bad }
    }

    /// The event id of a record, from 1.
    pub(crate) fn event_id(self, record: u64) -> String {
        format!("event-{}-{record}", self.seed)
    }

    fn opening(self) -> &'static [u8] {
        match self.format {
            Format::Ndjson => b"",
            Format::JsonArray => b"[",
            Format::Csv => b"eventType,eventId,amount,note\r\n",
        }
    }

    fn behind(self, record: u64) -> &'static [u8] {
        match self.format {
            Format::JsonArray if record == self.records => b"\n",
            Format::JsonArray => b",\n",
            _ if record.is_multiple_of(BLANK_LINE_EVERY) => b"\r\n\r\n",
            _ => b"\n",
        }
    }

    fn flaw(self, record: u64) -> Option<Flaw> {
        let flaws: &[Flaw] = match self.format {
            Format::Ndjson | Format::JsonArray => &[Flaw::NotJson, Flaw::NotUtf8, Flaw::NoEventType, Flaw::TextPayload],
            Format::Csv => &[Flaw::OtherCells, Flaw::NotUtf8, Flaw::NoEventType],
        };
        if self.bad_every == 0 || !record.is_multiple_of(self.bad_every) {
            return None;
        }
        let is_last = record + self.bad_every > self.records;
        let turn = (record / self.bad_every) as usize % flaws.len();
        Some(if is_last { Flaw::TooLong } else { flaws[turn] })
    }

    fn record(self, record: u64, flaw: Option<Flaw>) -> Vec<u8> {
        let chance = mixed(self.seed ^ record);
        let (id, amount) = (self.event_id(record), chance % 100_000);
        let note = match flaw {
            Some(Flaw::TooLong) => "long".repeat(RECORD_BYTES_MAX / 4),
            _ => format!("{chance:x} für {:x}", mixed(chance)),
        };
        let text = match (self.format, flaw) {
            (Format::Csv, Some(Flaw::NoEventType)) => format!(",{id},{amount},{note}"),
            (Format::Csv, Some(Flaw::OtherCells)) => format!("order.paid,{id},{amount},{note},more"),
            (Format::Csv, _) => format!("order.paid,{id},{amount},\"{note}, \"\"paid\"\"\""),
            (_, Some(Flaw::NotJson)) => format!(r#"{{"eventType":,"eventId":"{id}"}}"#),
            (_, Some(Flaw::NoEventType)) => format!(r#"{{"eventId":"{id}","payload":{{}}}}"#),
            (_, Some(Flaw::TextPayload)) => {
                format!(r#"{{"eventType":"order.paid","eventId":"{id}","payload":"{note}"}}"#)
            }
            _ => {
                let payload = format!(r#"{{"amount":{amount},"note":"{note}"}}"#);
                format!(r#"{{"eventType":"order.paid","eventId":"{id}","payload":{payload}}}"#)
            }
        };
        let mut bytes = text.into_bytes();
        if flaw == Some(Flaw::NotUtf8) {
            // Half of the letter that every note has.
            bytes.retain(|byte| *byte != 0xbc);
        }
        bytes
    }
}

/// A number that looks like chance (splitmix64).
fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn encode(encoding: Encoding, text: &[u8]) -> Vec<u8> {
    match encoding {
        Encoding::Plain => text.to_vec(),
        Encoding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        Encoding::Zstd => zstd::encode_all(text, 1).unwrap(),
    }
}
