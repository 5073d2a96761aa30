//! The units of DynamoDB by its own rules, from items as they stand on the wire: the developer guide's "item sizes and formats" and
//! "capacity unit consumption". The engine counts too; a call whose numbers differ fails the test.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What each item of a table or an index is billed besides its bytes, where it is stored.
const STORED_WITH_BYTES: u64 = 100;

const WRITE_UNIT_BYTES: u64 = 1_024;
const READ_UNIT_BYTES: u64 = 4_096;

/// An index, as far as it is paid for.
#[derive(Clone, Debug)]
pub(super) struct Index {
    pub(super) partition: String,
    pub(super) sort: String,
    /// What it holds, keys of table and index included.
    pub(super) attributes: Vec<String>,
}

/// An item's size: names and values.
pub(super) fn item_bytes(item: &Value) -> u64 {
    item.as_object().unwrap().iter().map(|(name, value)| name.len() as u64 + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> u64 {
    /// A list or a map costs this, and each of its members one.
    const CONTAINER_BYTES: u64 = 3;
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    let texts = |size: fn(&str) -> u64| value.as_array().unwrap().iter().map(|text| size(text.as_str().unwrap())).sum();
    match kind.as_str() {
        "S" => value.as_str().unwrap().len() as u64,
        "N" => number_bytes(value.as_str().unwrap()),
        "B" => binary_bytes(value.as_str().unwrap()),
        "BOOL" | "NULL" => 1,
        "SS" => texts(|text| text.len() as u64),
        "NS" => texts(number_bytes),
        "BS" => texts(binary_bytes),
        "L" => CONTAINER_BYTES + value.as_array().unwrap().iter().map(|each| 1 + value_bytes(each)).sum::<u64>(),
        "M" => {
            let members = value.as_object().unwrap().iter();
            CONTAINER_BYTES + members.map(|(name, each)| 1 + name.len() as u64 + value_bytes(each)).sum::<u64>()
        }
        other => panic!("an attribute of type {other}"),
    }
}

fn binary_bytes(base64: &str) -> u64 {
    STANDARD.decode(base64).unwrap().len() as u64
}

/// One byte for two significant digits, and one; a sign costs another.
fn number_bytes(text: &str) -> u64 {
    let digits = text.trim_start_matches('-');
    let significant = digits.replace('.', "");
    let significant = significant.trim_start_matches('0').trim_end_matches('0').len() as u64;
    significant.div_ceil(2) + 1 + u64::from(text.starts_with('-'))
}

/// What a write costs the table: by the larger of what is there and what is to be there.
pub(super) fn write_units(before: Option<&Value>, after: Option<&Value>) -> u64 {
    let larger = before.into_iter().chain(after).map(item_bytes).max().unwrap_or(0);
    units(larger, WRITE_UNIT_BYTES)
}

/// What reading so many bytes costs, strongly consistent.
pub(super) fn read_units(bytes: u64) -> u64 {
    units(bytes, READ_UNIT_BYTES)
}

fn units(bytes: u64, unit: u64) -> u64 {
    bytes.div_ceil(unit).max(1)
}

/// What a stored item is billed as.
pub(super) fn stored_bytes(item: Option<&Value>) -> i64 {
    item.map_or(0, |item| i64::try_from(item_bytes(item) + STORED_WITH_BYTES).unwrap())
}

impl Index {
    /// What the index holds of an item; none: the item has not its keys.
    pub(super) fn entry(&self, item: Option<&Value>) -> Option<Value> {
        let item = item?.as_object().unwrap();
        if !item.contains_key(&self.partition) || !item.contains_key(&self.sort) {
            return None;
        }
        let held = item.iter().filter(|(name, _)| self.attributes.contains(name));
        Some(Value::Object(held.map(|(name, value)| (name.clone(), value.clone())).collect()))
    }

    /// What a change of an item costs here: nothing when the entry stays as it is, and twice when its key changes.
    pub(super) fn write_units(&self, before: Option<&Value>, after: Option<&Value>) -> u64 {
        let (before, after) = (self.entry(before), self.entry(after));
        let key = |entry: &Value| (entry[&self.partition].clone(), entry[&self.sort].clone());
        match (&before, &after) {
            (None, None) => 0,
            (Some(one), None) | (None, Some(one)) => write_units(None, Some(one)),
            (Some(old), Some(new)) if old == new => 0,
            (Some(old), Some(new)) if key(old) == key(new) => write_units(Some(old), Some(new)),
            (Some(old), Some(new)) => write_units(None, Some(old)) + write_units(None, Some(new)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_follow_the_guide() {
        assert_eq!(
            item_bytes(&json!({ "pk": { "S": "é" }, "b": { "B": "AAAA" }, "t": { "BOOL": true } })),
            2 + 2 + 4 + 2
        );
        assert_eq!(["0", "7", "27", "-27", "1764000000000", "0.050"].map(number_bytes), [1, 2, 2, 3, 3, 2]);
        assert_eq!(item_bytes(&json!({ "l": { "L": [{ "S": "ab" }] } })), 1 + 3 + 1 + 2);
        assert_eq!(item_bytes(&json!({ "m": { "M": { "a": { "S": "bc" } } } })), 1 + 3 + 1 + 1 + 2);
    }

    fn item(lsk: Option<&str>, body: usize) -> Value {
        let mut item = json!({ "pk": { "S": "p" }, "body": { "S": "x".repeat(body) }, "lpk": { "S": "l" } });
        if let Some(lsk) = lsk {
            item["lsk"] = json!({ "S": lsk });
        }
        item
    }

    #[test]
    fn writes_are_charged_by_the_larger_item_and_the_index_by_what_changes_in_it() {
        assert_eq!(write_units(None, None), 1, "nothing was there");
        assert_eq!(write_units(Some(&item(None, 2_000)), Some(&item(None, 10))), 2);
        let attributes = ["pk", "lpk", "lsk"].map(str::to_owned).to_vec();
        let index = Index { partition: "lpk".to_owned(), sort: "lsk".to_owned(), attributes };
        let units = |before: Option<Value>, after: Option<Value>| index.write_units(before.as_ref(), after.as_ref());
        assert_eq!(units(None, Some(item(None, 10))), 0, "not in the index");
        assert_eq!(units(None, Some(item(Some("1"), 5_000))), 1, "what is not projected costs nothing");
        assert_eq!(units(Some(item(Some("1"), 10)), Some(item(Some("1"), 5_000))), 0);
        assert_eq!(units(Some(item(Some("1"), 10)), Some(item(Some("2"), 10))), 2);
        assert_eq!(units(Some(item(Some("1"), 10)), None), 1);
    }

    #[test]
    fn reads_are_rounded_up_to_four_kilobytes() {
        assert_eq!([0, 1, 4_096, 4_097].map(read_units), [1, 1, 1, 2]);
    }
}
