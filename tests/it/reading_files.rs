//! Files of every format and encoding are read to the last record: every good one can be a message, every bad one is known by
//! its line and its byte, and by what is wrong with it.

use bytes::Bytes;
use fanfare::domain::import::{BadRecord, DETECT_BYTES, Encoding, Format, ReadPlan, Record, RecordReader, detect};
use serde_json::Value;

use crate::harness::{BadOne, FileMaker, Flaw};

const CHUNK_BYTES: usize = 64 * 1024;

fn read(stored: &[u8]) -> Vec<Record> {
    let file = detect(&stored[..stored.len().min(DETECT_BYTES)]).unwrap();
    let mut reader = RecordReader::new(ReadPlan::whole(file, stored.len() as u64));
    let mut chunks = stored.chunks(CHUNK_BYTES);
    let mut records = Vec::new();
    while !reader.is_over() {
        if let Some(record) = reader.next_record().unwrap() {
            records.push(record);
        } else if let Some(chunk) = chunks.next() {
            reader.feed(Bytes::copy_from_slice(chunk));
        } else {
            reader.end();
        }
    }
    records
}

/// The event id of a message, or what keeps the record from being one.
fn event_id(record: &Record) -> Result<String, Flaw> {
    let json = record.json.as_ref().map_err(|bad| match bad {
        BadRecord::TooLong => Flaw::TooLong,
        BadRecord::NotUtf8 { .. } | BadRecord::CellNotUtf8 { .. } => Flaw::NotUtf8,
        BadRecord::Cells { .. } => Flaw::OtherCells,
        BadRecord::Payload { .. } => Flaw::TextPayload,
    })?;
    let message: Value = serde_json::from_slice(json).map_err(|_| Flaw::NotJson)?;
    match (message["eventType"].is_string(), message["payload"].is_object()) {
        (false, _) => Err(Flaw::NoEventType),
        (true, false) => Err(Flaw::TextPayload),
        (true, true) => Ok(message["eventId"].as_str().unwrap().to_owned()),
    }
}

#[track_caller]
fn check(format: Format, encoding: Encoding) {
    let made = FileMaker { format, encoding, records: 5_000, bad_every: 60, seed: 7 }.make();
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for record in read(&made.stored) {
        match event_id(&record) {
            Ok(event_id) => good.push(event_id),
            Err(flaw) => bad.push(BadOne { number: record.number, offset: record.offset, flaw }),
        }
    }
    let other = bad.iter().zip(&made.bad).find(|(found, expected)| found != expected);
    assert_eq!(other, None, "{format:?} {encoding}");
    assert_eq!(bad.len(), made.bad.len(), "{format:?} {encoding}");
    assert!(good == made.good, "{format:?} {encoding}: {} good records of {}", good.len(), made.good.len());
}

#[test]
fn every_good_record_can_be_a_message_and_every_bad_one_is_known() {
    for format in Format::ALL {
        for encoding in Encoding::ALL {
            check(format, encoding);
        }
    }
}

#[test]
fn the_same_seed_makes_the_same_file_and_another_seed_another() {
    let maker = |seed| FileMaker { format: Format::Csv, encoding: Encoding::Plain, records: 50, bad_every: 0, seed };
    assert_eq!(maker(1).make().stored, maker(1).make().stored);
    assert_ne!(maker(1).make().stored, maker(2).make().stored);
    assert_eq!(maker(1).make().good.len(), 50);
}
