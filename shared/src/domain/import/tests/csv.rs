//! CSV: what was written as cells is read as cells, whatever is in them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::import::PayloadColumns;

/// How a file is written.
#[derive(Clone, Debug)]
struct Manner {
    delimiter: char,
    line_end: &'static str,
    has_last_line_end: bool,
    has_mark: bool,
    quotes_all: bool,
    blank_lines: usize,
}

fn manner() -> impl Strategy<Value = Manner> {
    let delimiter = prop_oneof![Just(','), Just(';'), Just('\t')];
    let line_end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    (delimiter, line_end, any::<[bool; 3]>(), 0usize..3).prop_map(|(delimiter, line_end, flags, blank_lines)| {
        let [has_last_line_end, has_mark, quotes_all] = flags;
        Manner { delimiter, line_end, has_last_line_end, has_mark, quotes_all, blank_lines }
    })
}

impl Manner {
    fn cell(&self, text: &str) -> String {
        let needs_quotes = text.is_empty() || text.contains(['"', '\r', '\n', self.delimiter]);
        if self.quotes_all || needs_quotes { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
    }

    fn row(&self, cells: &[String]) -> String {
        cells.iter().map(|cell| self.cell(cell)).collect::<Vec<_>>().join(&self.delimiter.to_string())
    }

    /// The text, and of each row its line and its offset.
    fn write(&self, header: &[String], rows: &[Vec<String>]) -> (String, Vec<(u64, u64)>) {
        let mut text = if self.has_mark { "\u{feff}".to_owned() } else { String::new() };
        let mut lines = 0;
        let mut places = Vec::new();
        for (at, cells) in std::iter::once(header).chain(rows.iter().map(Vec::as_slice)).enumerate() {
            if at > 0 {
                text.push_str(&self.line_end.repeat(1 + self.blank_lines));
                lines += 1 + self.blank_lines as u64;
                places.push((lines + 1, text.len() as u64));
            }
            let row = self.row(cells);
            lines += row.matches('\n').count() as u64;
            text.push_str(&row);
        }
        if self.has_last_line_end {
            text.push_str(self.line_end);
        }
        (text, places)
    }
}

fn header(columns: usize) -> Vec<String> {
    (0..columns).map(|column| if column == 0 { "eventType".to_owned() } else { format!("column {column}") }).collect()
}

proptest! {
    #[test]
    fn cells_are_read_as_they_were_written(
        manner in manner(),
        rows in (2usize..5).prop_flat_map(|columns| {
            let cell = prop_oneof![".{0,6}", "[a\",;\t\r\n ]{0,6}", Just("\u{feff}".to_owned())];
            prop::collection::vec(prop::collection::vec(cell, columns), 1..6)
        }),
        chunk in 1usize..9,
    ) {
        let header = header(rows[0].len());
        let (text, places) = manner.write(&header, &rows);
        let plan = ReadPlan::whole(plain(Format::Csv), text.len() as u64);
        let records = read(plan, text.as_bytes(), &[chunk]).all();
        prop_assert_eq!(records.iter().map(|record| (record.number, record.offset)).collect::<Vec<_>>(), places);
        for (record, row) in records.iter().zip(&rows) {
            let fields = header.iter().zip(row).skip(1).map(|(name, cell)| (name.clone(), Value::from(cell.clone())));
            let mut expected = json!({ "payload": Value::Object(fields.collect()) });
            if !row[0].is_empty() {
                expected["eventType"] = Value::from(row[0].clone());
            }
            prop_assert_eq!(serde_json::from_slice::<Value>(record.json.as_ref().unwrap()).unwrap(), expected);
        }
    }
}

fn columns(json: Value) -> Columns {
    serde_json::from_value(json).unwrap()
}

#[track_caller]
fn check(columns: Value, text: &str, expected: &[(u64, &str)]) {
    let plan = ReadPlan { columns: self::columns(columns), ..ReadPlan::whole(plain(Format::Csv), text.len() as u64) };
    let reading = read(plan, text.as_bytes(), &[1]);
    assert_eq!(reading.bad, None, "{text:?}");
    let found = reading.texts();
    let found: Vec<(u64, &str)> = found.iter().map(|(number, text)| (*number, text.as_str())).collect();
    assert_eq!(found, expected, "{text:?}");
}

#[test]
fn columns_of_the_right_names_need_not_be_named() {
    check(
        json!({}),
        "eventType,eventId,channels,application,tags,orderingKey,payload,more\n\
         a.b,e-1,\"eu, vip,\",acme,t,k-1,\" {\"\"n\"\": 1.0} \",left out\n\
         a.b,,,,,,{},\n",
        &[
            (
                2,
                r#"{"eventType":"a.b","eventId":"e-1","channels":["eu","vip"],"application":"acme","tags":["t"],"orderingKey":"k-1","payload":{"n": 1.0}}"#,
            ),
            (3, r#"{"eventType":"a.b","payload":{}}"#),
        ],
    );
}

#[test]
fn what_no_part_of_the_message_takes_is_the_payload() {
    check(json!({}), "n,eventType, name \n1,a.b,x\n", &[(2, r#"{"eventType":"a.b","payload":{"n":"1","name":"x"}}"#)]);
    check(json!({ "defaultEventType": "a.b" }), "n\n\n1\n", &[(3, r#"{"eventType":"a.b","payload":{"n":"1"}}"#)]);
}

#[test]
fn columns_can_be_named() {
    let named = json!({ "eventType": "kind", "eventId": "id", "payload": { "number": "id", "who": "name" } });
    check(
        named,
        "id;kind;name;eventType\n7;a.b;Ada;x\n",
        &[(2, r#"{"eventType":"a.b","eventId":"7","payload":{"number":"7","who":"Ada"}}"#)],
    );
    let object = json!({ "defaultEventType": "d.e", "payload": "data" });
    check(
        object,
        "eventType\tdata\n\t{}\na.b\t{}\n",
        &[(2, r#"{"eventType":"d.e","payload":{}}"#), (3, r#"{"eventType":"a.b","payload":{}}"#)],
    );
}

#[test]
fn a_bad_row_costs_only_itself() {
    check(
        json!({}),
        "eventType,payload\na,{}\nb\nc,{},,\nd,{\ne,[1]\nf,\"{},\"\ng,\"{}},\"\"eventId\"\":\"\"x\"\"\"\nh,{}\n",
        &[
            (2, r#"{"eventType":"a","payload":{}}"#),
            (3, "must have as many cells as the header, 2; it has 1"),
            (4, "must have as many cells as the header, 2; it has 4"),
            (5, "must have a JSON object in column \"payload\": EOF while parsing an object at line 1 column 1"),
            (6, "must have a JSON object in column \"payload\": it is another JSON value"),
            (7, "must have a JSON object in column \"payload\": trailing characters at line 1 column 3"),
            (8, "must have a JSON object in column \"payload\": trailing characters at line 1 column 3"),
            (9, r#"{"eventType":"h","payload":{}}"#),
        ],
    );
}

#[test]
fn cells_that_are_text_only_together_are_none() {
    let text = b"eventType,a,b\nx,\xc3,\xa9\ny,1,\xff\nz,\xc3\xa9,2\n";
    let texts = read_all(plain(Format::Csv), text).texts();
    let texts: Vec<&str> = texts.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "has a cell that is not valid UTF-8 in column \"a\"",
            "has a cell that is not valid UTF-8 in column \"b\"",
            r#"{"eventType":"z","payload":{"a":"é","b":"2"}}"#,
        ]
    );
}

#[track_caller]
fn check_header(columns: Value, text: &[u8], words: &str) {
    let plan = ReadPlan { columns: self::columns(columns), ..ReadPlan::whole(plain(Format::Csv), text.len() as u64) };
    let reading = read(plan, text, &[4]);
    assert_eq!(reading.records, []);
    assert!(matches!(&reading.bad, Some(BadFile::Header(reason)) if reason.contains(words)), "{:?}", reading.bad);
}

#[test]
fn a_header_that_does_not_fit_says_why() {
    check_header(json!({}), b"type,payload\n", "no column is called eventType");
    check_header(json!({ "eventType": "kind" }), b"eventType\na\n", "no column is called \"kind\"");
    check_header(json!({ "payload": "data" }), b"eventType", "no column is called \"data\"");
    check_header(json!({ "payload": { "a": "b" } }), b"eventType\n", "no column is called \"b\"");
    check_header(json!({}), b"eventType,a,a\n", "two columns are called \"a\"");
    check_header(json!({}), b"eventType,\n", "column 2 has no name");
    check_header(json!({}), b"eventType,\"\"\n", "column 2 has no name");
    check_header(json!({}), b"\xef\xbb\xbf\n", "it is empty");
    check_header(json!({}), b"eventType,\"a\n", "a quote that is never closed");
    check_header(json!({}), b"eventType,a;\"b\nc\",d\n", "its quotes do not enclose whole cells");
    check_header(json!({}), b"\n\xef\xbb\xbf\"event\"\"Type\",a\"\"b,c\"\n\n", "no column is called eventType");
    check_header(json!({}), b"eventType,\xff\n", "not valid UTF-8");
    check_header(json!({}), &[b'a'; 20_000], "longer than 16384 bytes");
}

#[test]
fn a_quote_that_is_never_closed_says_where_it_began() {
    let reading = read_all(plain(Format::Csv), b"eventType,a\nx,1\ny,\"2\nz,3\n");
    assert_eq!(reading.records.len(), 1);
    assert_eq!(reading.bad, Some(BadFile::QuoteOpen { line: 3, at: 16 }));
}

#[test]
fn columns_are_refused_that_say_nothing() {
    for bad in [
        json!({ "eventtype": "a" }),
        json!({ "payload": 1 }),
        json!({ "payload": { "a": 1 } }),
        json!({ "defaultEventType": "not a name" }),
    ] {
        assert!(serde_json::from_value::<Columns>(bad.clone()).is_err(), "{bad}");
    }
    let fields = json!({ "eventType": "kind", "payload": { "a": "b" } });
    let columns = columns(fields.clone());
    assert_eq!(columns.payload, Some(PayloadColumns::Fields([("a".to_owned(), "b".to_owned())].into())));
    assert_eq!(serde_json::to_value(columns).unwrap(), fields);
}
