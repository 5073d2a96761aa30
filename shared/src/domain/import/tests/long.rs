//! Records that are too long, and data that decodes to more than anybody would send: refused without being held.

use super::*;
use crate::domain::import::RECORD_BYTES_MAX;

/// Far above what is held of a record, at most: its cells in a row and once more as a message.
const HELD_BYTES_MAX: usize = 3 * RECORD_BYTES_MAX;

const CHUNK_BYTES: usize = 64 * 1024;

/// A record of so many bytes, between two others.
fn around(format: Format, bytes: usize) -> Vec<u8> {
    let filled = |around: usize| "x".repeat(bytes - around);
    match format {
        Format::Ndjson => format!("1\n{}\n3\n", filled(0)),
        Format::JsonArray => format!("[1,\"{}\",3]", filled(2)),
        Format::Csv => format!("eventType\n1\n{}\n3\n", filled(0)),
    }
    .into_bytes()
}

#[track_caller]
fn check(format: Format, encoding: Encoding, bytes: usize, is_taken: bool) {
    let stored = encode(encoding, &around(format, bytes));
    let plan = ReadPlan::whole(file(format, encoding), stored.len() as u64);
    let mut fed = Fed::new(plan, &stored, &[CHUNK_BYTES]);
    let mut records = Vec::new();
    while let Some(record) = fed.next().unwrap() {
        records.push(record.json.map(|json| json.len()));
    }
    assert_eq!(records.len(), 3, "{format:?}");
    assert!(records[0].is_ok() && records[2].is_ok(), "{format:?}: {records:?}");
    let is_too_long = records[1] == Err(BadRecord::TooLong);
    assert_eq!(is_too_long, !is_taken, "{format:?} {encoding}: {bytes} bytes, {records:?}");
    assert!(fed.held_bytes_max < HELD_BYTES_MAX, "{format:?} {encoding}: {} bytes held", fed.held_bytes_max);
}

#[test]
fn the_longest_record_is_taken_and_the_next_longer_one_is_not() {
    for format in [Format::Ndjson, Format::JsonArray] {
        check(format, Encoding::Plain, RECORD_BYTES_MAX, true);
        check(format, Encoding::Plain, RECORD_BYTES_MAX + 1, false);
    }
    let message = |cell: usize| r#"{"eventType":"","payload":{}}"#.len() + cell;
    let cell_bytes_max = RECORD_BYTES_MAX - message(0);
    check(Format::Csv, Encoding::Plain, cell_bytes_max, true);
    check(Format::Csv, Encoding::Plain, cell_bytes_max + 1, false);
    check(Format::Csv, Encoding::Plain, RECORD_BYTES_MAX + 1, false);
}

#[test]
fn a_record_of_100_megabytes_is_not_held() {
    for format in Format::ALL {
        check(format, Encoding::Plain, 100_000_000, false);
    }
    check(Format::Ndjson, Encoding::Gzip, 60_000_000, false);
    check(Format::Ndjson, Encoding::Zstd, 60_000_000, false);
}

#[test]
fn a_row_of_more_cells_than_anybody_counts_is_not_held() {
    let text = format!("eventType,a\n1,2\n{}\n3,4\n", ",".repeat(5_000_000));
    let texts = read_all(plain(Format::Csv), text.as_bytes()).texts();
    assert_eq!(texts.len(), 3);
    assert_eq!(texts[1], (3, "must have as many cells as the header, 2; it has 5000001".to_owned()));
}

#[test]
fn data_that_swells_without_end_is_refused() {
    let zeros = vec![0; 1024 * 1024];
    for encoding in [Encoding::Gzip, Encoding::Zstd] {
        let bomb = encode(encoding, &zeros).repeat(80);
        let plan = ReadPlan::whole(file(Format::Ndjson, encoding), bomb.len() as u64);
        let mut fed = Fed::new(plan, &bomb, &[CHUNK_BYTES]);
        assert_eq!(fed.next(), Err(BadFile::Bomb), "{encoding}");
        assert!(fed.held_bytes_max < HELD_BYTES_MAX, "{} bytes held", fed.held_bytes_max);
        let half = encode(encoding, &zeros).repeat(40);
        assert_eq!(read_all(file(Format::Ndjson, encoding), &half).records.len(), 1);
    }
}
