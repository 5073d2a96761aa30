//! What holds for every file in every format and encoding.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::domain::import::DETECT_BYTES;

/// More than a proptest file ever holds at once: a chunk, a decoded piece, the buffers for both.
const HELD_BYTES_MAX: usize = 256 * 1024;

/// Records good and bad, in each format.
fn text(format: Format) -> BoxedStrategy<Vec<u8>> {
    match format {
        Format::Ndjson => {
            let line = prop_oneof![
                4 => "[a-z0-9 \"{}é]{0,12}".prop_map(String::into_bytes),
                1 => Just(b"\xff\xfe".to_vec()),
            ];
            prop::collection::vec(line, 0..12).prop_map(|lines| lines.join(&b'\n')).boxed()
        }
        Format::JsonArray => {
            let element = r#"(\{"[a-z]{0,3}":"([a-z\]}é]|\\"|\\\\){0,8}"\}|[0-9]{1,4}|\[\[\]\])"#;
            let elements = prop::collection::vec((element, "[ \n]{0,2}"), 0..10);
            elements
                .prop_map(|elements| {
                    let elements: Vec<String> = elements.into_iter().map(|(element, blank)| blank + &element).collect();
                    format!("[{} ]\n", elements.join(",")).into_bytes()
                })
                .boxed()
        }
        Format::Csv => {
            let cell = prop_oneof![
                4 => "[a-z é]{0,8}".prop_map(String::into_bytes),
                1 => Just(b"\"a\"\"\r\n,b\"".to_vec()),
                1 => Just(b"\xff".to_vec()),
            ];
            let row = prop::collection::vec(cell, 1..4).prop_map(|cells| cells.join(&b','));
            let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r"), Just("\r\n\r\n")];
            let rows = prop::collection::vec((row, end), 0..8);
            rows.prop_map(|rows| {
                let rows = rows.into_iter().map(|(row, end)| [row, end.as_bytes().to_vec()].concat());
                std::iter::once(b"eventType,\"the\nname\"\r\n".to_vec()).chain(rows).collect::<Vec<_>>().concat()
            })
            .boxed()
        }
    }
}

/// A file, stored in one to three members or frames.
fn stored() -> impl Strategy<Value = (Detected, Vec<u8>)> {
    let kind = (prop::sample::select(&Format::ALL[..]), prop::sample::select(&Encoding::ALL[..]));
    kind.prop_flat_map(|(format, encoding)| {
        (text(format), any::<[Index; 2]>()).prop_map(move |(text, cuts)| {
            let mut cuts = cuts.map(|cut| cut.index(text.len() + 1));
            cuts.sort_unstable();
            let parts = [&text[..cuts[0]], &text[cuts[0]..cuts[1]], &text[cuts[1]..]];
            (file(format, encoding), parts.map(|part| encode(encoding, part)).concat())
        })
    })
}

fn chunks() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1usize..40, 1..5)
}

proptest! {
    #[test]
    fn however_it_is_fed_a_file_has_the_same_records((file, stored) in stored(), chunks in chunks()) {
        let whole = read_all(file, &stored);
        prop_assert_eq!(&whole.bad, &None);
        prop_assert_eq!(read(ReadPlan::whole(file, stored.len() as u64), &stored, &chunks), whole);
    }

    #[test]
    fn read_on_at_any_record_a_file_yields_exactly_the_rest(
        (file, stored) in stored(), stop in any::<Index>(), chunks in chunks(),
    ) {
        let plan = ReadPlan::whole(file, stored.len() as u64);
        let expected = read_all(file, &stored).all();
        let stop = stop.index(expected.len() + 1);

        let mut first = Fed::new(plan.clone(), &stored, &chunks);
        for record in &expected[..stop] {
            prop_assert_eq!(first.next(), Ok(Some(record.clone())));
        }
        let from = serde_json::to_string(&first.reader.resume_point()).unwrap();
        let rest = ReadPlan { from: serde_json::from_str::<Resume>(&from).unwrap(), ..plan };
        prop_assert_eq!(read(rest, &stored, &chunks).all(), &expected[stop..]);
    }

    #[test]
    fn any_bytes_at_all_are_read_to_their_end_or_refused(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            // What looks right at first, and then is not.
            (stored(), any::<Index>(), any::<u8>()).prop_map(|((_, mut stored), at, byte)| {
                if !stored.is_empty() {
                    let at = at.index(stored.len());
                    stored[at] = byte;
                }
                stored
            }),
            (stored(), any::<Index>()).prop_map(|((_, mut stored), at)| {
                stored.truncate(at.index(stored.len() + 1));
                stored
            }),
        ],
        format in prop::sample::select(&Format::ALL[..]),
        encoding in prop::sample::select(&Encoding::ALL[..]),
        chunks in chunks(),
    ) {
        let found = detect(&bytes).unwrap_or(file(format, encoding));
        for file in [file(format, encoding), found] {
            let mut fed = Fed::new(ReadPlan::whole(file, bytes.len() as u64), &bytes, &chunks);
            let mut records = 0;
            while let Ok(Some(_)) = fed.next() {
                records += 1;
                prop_assert!(records <= 100_000, "records without end");
            }
            prop_assert!(fed.held_bytes_max < HELD_BYTES_MAX, "{} bytes held", fed.held_bytes_max);
        }
    }
}

#[test]
fn a_good_file_is_detected_by_its_content() {
    let texts = [
        (Format::Ndjson, "\u{feff} \n{\"eventType\":\"a\"}\n"),
        (Format::JsonArray, " [\n{\"eventType\":\"a\"}]"),
        (Format::Csv, "\u{feff}eventType;name\na;b\n"),
    ];
    for (format, text) in texts {
        for encoding in Encoding::ALL {
            assert_eq!(detect(&encode(encoding, text.as_bytes())), Ok(file(format, encoding)));
        }
    }
}

#[test]
fn what_is_in_a_block_of_compressed_data_is_detected_when_the_block_is_large() {
    let numbers = (1u64..30_000).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_string());
    let text = format!("[{}]", numbers.collect::<Vec<_>>().join(","));
    let stored = zstd(text.as_bytes());
    assert!(stored.len() > DETECT_BYTES);
    assert_eq!(detect(&stored[..DETECT_BYTES]), Ok(file(Format::JsonArray, Encoding::Zstd)));
    let nothing = zstd(b"").repeat(DETECT_BYTES / 4);
    assert!(matches!(detect(&nothing[..DETECT_BYTES]), Err(BadFile::Unknown { .. })));
}

#[test]
fn nothing_has_no_records() {
    for text in ["", "\n\n", " ", "\u{feff}"] {
        for encoding in Encoding::ALL {
            let stored = encode(encoding, text.as_bytes());
            let file = detect(&stored).unwrap();
            assert_eq!(file.encoding, encoding);
            assert_eq!(read_all(file, &stored).all(), []);
        }
    }
    for format in Format::ALL {
        assert_eq!(read_all(plain(format), b"").all(), []);
    }
}

#[test]
fn names_are_the_same_everywhere() {
    for encoding in Encoding::ALL {
        assert_eq!(Encoding::parse(encoding.as_str()), Some(encoding));
        assert_eq!(serde_json::to_value(encoding).unwrap(), encoding.as_str());
    }
    for format in Format::ALL {
        assert_eq!(Format::parse(format.as_str()), Some(format));
        assert_eq!(serde_json::to_value(format).unwrap(), format.as_str());
    }
}

#[test]
fn a_reader_can_be_sent_between_threads() {
    fn check<T: Send>() {}
    check::<RecordReader>();
}
