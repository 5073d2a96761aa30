//! Files that people upload by mistake, or that were broken on their way, and what they are told.

use super::*;
use crate::domain::import::DETECT_BYTES;

/// Detects and reads.
fn upload(stored: &[u8]) -> Reading {
    match detect(&stored[..stored.len().min(DETECT_BYTES)]) {
        Ok(file) => read_all(file, stored),
        Err(bad) => Reading { records: Vec::new(), bad: Some(bad) },
    }
}

#[track_caller]
fn check(stored: &[u8], records: usize, words: &str) {
    let reading = upload(stored);
    let told = reading.bad.as_ref().map(BadFile::to_string).unwrap_or_default();
    assert!(told.contains(words) && !words.is_empty(), "{told:?}, not {words:?}");
    assert_eq!(reading.records.len(), records, "{told}");
}

#[test]
fn what_holds_no_records_is_told_by_its_name() {
    let utf16: Vec<u8> = "\u{feff}{\"a\":1}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&utf16, 0, "looks like UTF-16 or UTF-32 text");
    check(&utf16[2..], 0, "looks like binary data");
    check(&gzip(&utf16), 0, "looks like UTF-16");
    check(b"PAR1\x15\x04", 0, "looks like a Parquet file; it must be NDJSON, a JSON array or CSV");
    check(b"PK\x03\x04\x14\0[Content_Types].xml", 0, "looks like a zip archive or an Excel file");
    check(b"BZh91AY&SY", 0, "looks like bzip2");
    check(b"\xfd7zXZ\0\0", 0, "looks like xz");
    check(b"%PDF-1.7\n", 0, "looks like a PDF");
    check(b"<html>", 0, "looks like XML or HTML");
    check(&gzip(&gzip(b"{}\n")), 0, "looks like gzip in another compression");
    check(&zstd(&zstd(b"{}\n")), 0, "looks like zstd in another compression");
    check(b"{\n  \"eventType\": \"a\"\n}\n", 0, "one JSON object over several lines");
    check(b"ello, w\0rld\n", 0, "looks like binary data");
}

fn many_lines() -> Vec<u8> {
    (0..20_000).flat_map(|n| format!("{{\"n\":{}}}\n", n * 7_919).into_bytes()).collect()
}

#[test]
fn compressed_data_that_is_cut_short_is_no_whole_file() {
    let lines = many_lines();
    for (stored, words) in
        [(gzip(&lines), "the gzip data ends before its end"), (zstd(&lines), "the zstd data ends before its end")]
    {
        for cut in [1, 4, stored.len() / 2, stored.len() - 12] {
            let reading = upload(&stored[..stored.len() - cut]);
            assert_eq!(reading.bad.map(|bad| bad.to_string()).as_deref(), Some(words), "cut by {cut}");
            assert!(reading.records.iter().all(|record| record.json.is_ok()), "what was handed out is whole");
        }
        // The second member is cut in its magic number.
        let reading = upload(&[&stored, &stored[..2]].concat());
        assert_eq!(reading.bad.map(|bad| bad.to_string()).as_deref(), Some(words));
        assert!(reading.records.len() >= 19_999);
    }
}

#[test]
fn compressed_data_that_was_changed_is_found_out_by_its_checksum() {
    let lines = many_lines();
    for (encoding, from_end) in [(Encoding::Gzip, 8), (Encoding::Gzip, 1), (Encoding::Zstd, 1)] {
        let mut stored = encode(encoding, &lines);
        let at = stored.len() - from_end;
        stored[at] ^= 1;
        let told = upload(&stored).bad.map(|bad| bad.to_string()).unwrap_or_default();
        assert!(told.starts_with(&format!("the {encoding} data is damaged: ")), "{told:?}");
    }
    let with_garbage = [gzip(b"{}\n"), b"garbage".to_vec()].concat();
    assert!(matches!(upload(&with_garbage).bad, Some(BadFile::Damaged { .. })));
    let with_garbage = [zstd(b"{}\n"), b"garbage".to_vec()].concat();
    assert!(matches!(upload(&with_garbage).bad, Some(BadFile::Damaged { .. })));
}

#[test]
fn a_window_that_takes_too_much_memory_is_refused() {
    let with_window = |log: u32| {
        let mut encoder = ::zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(log).unwrap();
        encoder.write_all(b"{}\n").unwrap();
        encoder.finish().unwrap()
    };
    assert_eq!(upload(&with_window(25)).all().len(), 1);
    check(&with_window(26), 0, "the zstd data needs a window of more than 32 MiB");
}

#[test]
fn several_members_and_frames_are_one_file() {
    for encode in [gzip, zstd] {
        let stored = [encode(b"{\"n\""), encode(b""), encode(b":1}\n{}"), encode(b"\n")].concat();
        assert_eq!(upload(&stored).texts(), [(1, "{\"n\":1}".to_owned()), (2, "{}".to_owned())]);
    }
    // What pzstd writes: a frame to be skipped before the data.
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4], zstd(b"{}\n").as_slice()].concat();
    assert_eq!(upload(&skipped).all().len(), 1);
}

#[test]
fn a_line_that_is_no_text_costs_only_itself() {
    let reading = upload(b"{\"n\":1}\n{\"n\":\"\xff\"}\n\n{\"n\":3}");
    assert_eq!(
        reading.texts(),
        [
            (1, "{\"n\":1}".to_owned()),
            (2, "is not valid UTF-8 at byte 6 of the record".to_owned()),
            (4, "{\"n\":3}".to_owned()),
        ]
    );
}

#[test]
fn a_file_of_another_size_has_changed() {
    let text = b"{\"n\":1}\n{\"n\":2}";
    for size_bytes in [text.len() as u64 - 1, text.len() as u64 + 1] {
        let reading = read(ReadPlan::whole(plain(Format::Ndjson), size_bytes), text, &[4]);
        assert_eq!(
            (reading.records.len(), reading.bad),
            (1, Some(BadFile::Changed)),
            "the last line may be half of one"
        );
    }
    let stored = gzip(text);
    let cut = &stored[..stored.len() - 9];
    let plan = ReadPlan::whole(file(Format::Ndjson, Encoding::Gzip), stored.len() as u64);
    assert_eq!(read(plan, cut, &[4]).bad, Some(BadFile::Changed));
}

#[test]
fn a_file_that_has_become_shorter_than_where_reading_stopped_has_changed() {
    let stored = gzip(b"{}\n");
    let from = Resume { offset: 4, number: 2, header: None };
    let plan = ReadPlan { from, ..ReadPlan::whole(file(Format::Ndjson, Encoding::Gzip), stored.len() as u64) };
    assert_eq!(read(plan, &stored, &[4]).bad, Some(BadFile::Changed));
}

#[test]
fn a_bad_file_stays_bad() {
    let mut fed = Fed::new(ReadPlan::whole(plain(Format::JsonArray), 5), b"[1 2]", &[5]);
    assert!(fed.next().is_ok());
    let bad = fed.next().unwrap_err();
    assert_eq!(fed.next(), Err(bad));
    assert!(!fed.reader.is_over());
}
