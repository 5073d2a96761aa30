//! JSON arrays: the elements that serde_json finds.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![".{0,8}", r#"[\[\]{},:"\\ ]{0,8}"#];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i16>().prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn an_array_has_the_elements_that_serde_finds(
        values in prop::collection::vec(value(), 0..8), is_pretty in any::<bool>(), chunk in 1usize..9,
    ) {
        let print = if is_pretty { serde_json::to_string_pretty } else { serde_json::to_string };
        let text = print(&values).unwrap();
        let plan = ReadPlan::whole(plain(Format::JsonArray), text.len() as u64);
        let records = read(plan, text.as_bytes(), &[chunk]).all();
        prop_assert_eq!(records.len(), values.len());
        for (number, (record, value)) in (1..).zip(records.iter().zip(&values)) {
            let json = record.json.as_ref().unwrap();
            prop_assert_eq!(&serde_json::from_slice::<Value>(json).unwrap(), value);
            prop_assert!(text.as_bytes()[record.offset as usize..].starts_with(json));
            prop_assert_eq!(record.number, number);
        }
    }
}

#[track_caller]
fn check(text: &str, elements: &[&str], broken: Option<(u64, &str)>) {
    for chunk in [1, 2, usize::MAX] {
        let plan = ReadPlan::whole(plain(Format::JsonArray), text.len() as u64);
        let reading = read(plan, text.as_bytes(), &[chunk]);
        let found: Vec<String> = reading.texts().into_iter().map(|(_, text)| text).collect();
        assert_eq!(found, elements, "{text:?}");
        match (&reading.bad, broken) {
            (None, None) => {}
            (Some(BadFile::Array { at, reason }), Some((place, words))) => {
                assert!(*at == place && reason.contains(words), "{text:?}: {reason} at {at}");
            }
            (bad, _) => panic!("{text:?}: {bad:?}"),
        }
    }
}

#[test]
fn what_stands_around_elements_must_be_an_array() {
    check("[]", &[], None);
    check(" \t\r\n[ ] \n", &[], None);
    check("\u{feff}[1]", &["1"], None);
    check("[1,2 , 3]", &["1", "2", "3"], None);
    check("[1 2]", &["1"], Some((3, "a comma")));
    check("[{}{}]", &["{}"], Some((3, "a comma")));
    check("[1,]", &["1"], Some((3, "an element")));
    check("[,1]", &[], Some((1, "an element")));
    check("[1]]", &["1"], Some((3, "nothing")));
    check("[1]\n[2]", &["1"], Some((4, "nothing")));
    check("{}", &[], Some((0, "an opening bracket")));
    check("[1,{\"a\":", &["1"], Some((8, "the file ends")));
    check("[1,2", &["1"], Some((4, "the file ends")));
    check("[1,", &["1"], Some((3, "the file ends")));
    check("[", &[], Some((1, "the file ends")));
}

#[test]
fn an_element_that_is_no_json_costs_only_itself() {
    check(r#"[{"a":},{"b":1]},[1},nul,"\"]",{"c":"}"},2]"#, &[r#"{"a":}"#, r#"{"b":1]"#], Some((15, "a comma")));
    check(r#"[{"a":},[1},nul,"\"]",{"c":"}"},2]"#, &[r#"{"a":}"#, "[1}", "nul", r#""\"]""#, r#"{"c":"}"}"#, "2"], None);
}
