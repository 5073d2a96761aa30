//! NDJSON: every line once, whichever way the file is cut into ranges.

use std::ops::Range;

use proptest::prelude::*;

use super::*;

/// The rules once more, in the simplest way: number, offset and bytes of the lines that are records.
fn lines(text: &[u8]) -> Vec<(u64, u64, Vec<u8>)> {
    let mut offset = 0;
    let mut lines = Vec::new();
    for (before, line) in (0u64..).zip(text.split(|byte| *byte == b'\n')) {
        let begin = offset;
        offset += line.len() as u64 + 1;
        let line = if begin == 0 { line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line) } else { line };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.iter().all(u8::is_ascii_whitespace) {
            lines.push((before + 1, begin, line.to_vec()));
        }
    }
    lines
}

fn shown(record: &Record) -> (u64, u64, Vec<u8>) {
    let bytes = match &record.json {
        Ok(json) => json.to_vec(),
        Err(bad) => bad.to_string().into_bytes(),
    };
    (record.number, record.offset, bytes)
}

fn range_of(text: &[u8], range: Range<u64>) -> ReadPlan {
    ReadPlan { range: Some(range), ..ReadPlan::whole(plain(Format::Ndjson), text.len() as u64) }
}

/// Lines, blanks, both kinds of line ends, with and without the last one; the alphabet is small so that borders are met.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let line =
        prop_oneof![Just(""), Just(" \t"), Just("1"), Just("{\"a\":\"b\"}"), Just("é"), Just("x\r"), Just("\u{feff}2")];
    let end = prop_oneof![4 => Just("\n"), 1 => Just("\r\n"), 1 => Just("")];
    let lines = prop::collection::vec((line, end).prop_map(|(line, end)| format!("{line}{end}")), 0..12);
    lines.prop_map(|lines| lines.concat().into_bytes())
}

/// The ranges between these places and the ends of the text.
fn ranges(text: &[u8], places: &[prop::sample::Index]) -> Vec<Range<u64>> {
    let size = text.len() as u64;
    let mut places: Vec<u64> = places.iter().map(|place| place.index(text.len() + 1) as u64).collect();
    places.extend([0, size]);
    places.sort_unstable();
    places.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

proptest! {
    #[test]
    fn a_file_has_the_lines_between_its_line_feeds(text in text()) {
        let records = read_all(plain(Format::Ndjson), &text).all();
        prop_assert_eq!(records.iter().map(shown).collect::<Vec<_>>(), lines(&text));
    }

    #[test]
    fn cut_into_any_ranges_a_file_yields_each_line_once(
        text in text(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        chunks in prop::collection::vec(1usize..9, 1..4),
    ) {
        let mut found = Vec::new();
        for range in ranges(&text, &places) {
            let records = read(range_of(&text, range.clone()), &text, &chunks).all();
            prop_assert!(records.iter().all(|record| range.contains(&record.offset)), "{records:?} in {range:?}");
            found.extend(records.iter().map(shown).map(|(_, offset, line)| (offset, line)));
        }
        let expected: Vec<_> = lines(&text).into_iter().map(|(_, offset, line)| (offset, line)).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_range_read_on_at_any_of_its_records_yields_the_rest(
        text in text(),
        place in any::<[prop::sample::Index; 2]>(),
        stop in any::<prop::sample::Index>(),
    ) {
        let range = ranges(&text, &place)[1].clone();
        let plan = range_of(&text, range);
        let expected = read(plan.clone(), &text, &[3]).all();
        let stop = stop.index(expected.len() + 1);

        let mut first = Fed::new(plan.clone(), &text, &[2]);
        for record in &expected[..stop] {
            prop_assert_eq!(first.next(), Ok(Some(record.clone())));
        }
        let rest = read(ReadPlan { from: first.reader.resume_point(), ..plan }, &text, &[5]).all();
        prop_assert_eq!(rest, &expected[stop..]);
    }
}

#[test]
fn a_range_is_over_before_the_file_ends() {
    let text = b"{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n";
    let mut fed = Fed::new(range_of(text, 0..9), text, &[8]);
    while fed.next().unwrap().is_some() {}
    assert_eq!(fed.left.len(), 8, "the third line is not asked for");
    assert_eq!(fed.reader.stored_bytes_read(), 16);
}

#[test]
fn a_range_in_the_middle_of_a_line_asks_for_no_more_than_itself() {
    let line = [b'x'; 4_000];
    let mut fed = Fed::new(range_of(&line, 1_000..2_000), &line, &[100]);
    assert_eq!(fed.reader.input_offset(), 999);
    assert_eq!(fed.next(), Ok(None));
    assert_eq!(fed.reader.stored_bytes_read(), 2_099);
}

#[test]
fn a_range_is_only_for_what_can_be_divided() {
    let text = gzip(b"{\"n\":1}\n{\"n\":2}\n");
    let plan =
        ReadPlan { range: Some(20..30), ..ReadPlan::whole(file(Format::Ndjson, Encoding::Gzip), text.len() as u64) };
    assert_eq!(read(plan, &text, &[7]).all().len(), 2);
}
