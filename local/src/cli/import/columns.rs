//! `--column`: which column of a CSV file is which part of a message.

use serde_json::{Map, Value};

/// Parts that a column can be; `payload` also with the name of a field behind it, as in `payload.amount`.
const PARTS: [&str; 8] =
    ["eventType", "defaultEventType", "eventId", "channels", "application", "tags", "orderingKey", "payload"];

/// One `--column PART=COLUMN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct ColumnArg {
    part: String,
    column: String,
}

impl std::str::FromStr for ColumnArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (part, column) = text.split_once('=').ok_or("must be PART=COLUMN, as in eventType=kind")?;
        let is_field = part.strip_prefix("payload.").is_some_and(|field| !field.is_empty());
        if !is_field && !PARTS.contains(&part) {
            return Err(format!("{part} is none of {}, payload.FIELD", PARTS.join(", ")));
        }
        Ok(Self { part: part.to_owned(), column: column.to_owned() })
    }
}

/// As the API takes them; None when there are none. A part that is named twice is what it was named last.
pub(super) fn to_json(columns: &[ColumnArg]) -> Option<Value> {
    let mut all = Map::new();
    for ColumnArg { part, column } in columns {
        match part.strip_prefix("payload.") {
            None => drop(all.insert(part.clone(), Value::from(column.as_str()))),
            Some(field) => {
                let payload = all.entry("payload").or_insert_with(|| Value::Object(Map::new()));
                if !payload.is_object() {
                    *payload = Value::Object(Map::new());
                }
                payload[field] = Value::from(column.as_str());
            }
        }
    }
    (!all.is_empty()).then_some(Value::Object(all))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(given: &[&str], expected: Option<Value>) {
        let columns: Vec<ColumnArg> = given.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(to_json(&columns), expected);
    }

    #[test]
    fn columns_become_what_the_api_takes() {
        check(&[], None);
        check(&["eventType=kind", "eventId=id"], Some(json!({ "eventType": "kind", "eventId": "id" })));
        check(&["payload.n=number", "payload.t=a=b"], Some(json!({ "payload": { "n": "number", "t": "a=b" } })));
        check(&["payload=json", "payload.n=number"], Some(json!({ "payload": { "n": "number" } })));
    }

    #[test]
    fn what_is_no_part_of_a_message_is_refused() {
        for text in ["eventType", "colour=red", "payload.=x", "=x"] {
            assert!(text.parse::<ColumnArg>().is_err(), "{text}");
        }
    }
}
