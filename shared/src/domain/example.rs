//! An example of an event, from what its type's JSON Schema says: an example somebody wrote down, or one made up from the
//! schema's types.

use serde_json::{Map, Value, json};

/// How deep a made-up example goes: schemas may refer to themselves.
const DEPTH_MAX: usize = 8;

/// Values of a made-up example at most: schemas can multiply.
const VALUES_MAX: usize = 1_000;

/// The example at this place of those the schema has, or, when it has none, one that is made up. None: there is no example
/// at this place, or the schema describes no JSON object.
pub fn example_of(schema: &Value, index: usize) -> Option<Value> {
    let written = match (schema.get("examples"), schema.get("example")) {
        (Some(Value::Array(list)), _) if !list.is_empty() => Some(list.get(index).cloned()),
        (_, Some(one)) => Some(Some(one.clone()).filter(|_| index == 0)),
        _ => None,
    };
    let example = match written {
        Some(example) => example,
        None if index == 0 => Maker { root: schema, left: VALUES_MAX }.make(schema, 0),
        None => None,
    };
    example.filter(Value::is_object)
}

struct Maker<'a> {
    root: &'a Value,
    left: usize,
}

impl<'a> Maker<'a> {
    /// A value that the schema describes; none when it would go too deep or too far.
    fn make(&mut self, schema: &'a Value, depth: usize) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        if depth > DEPTH_MAX {
            return None;
        }
        let schema = self.resolved(schema)?;
        let first = |name: &str| schema.get(name).and_then(|list| list.as_array()?.first());
        if let Some(value) = schema.get("const").or(schema.get("example")).or(first("examples")) {
            return Some(value.clone());
        }
        if let Some(value) = schema.get("default").or(first("enum")) {
            return Some(value.clone());
        }
        if let Some(Value::Array(parts)) = schema.get("allOf") {
            return self.merged(schema, parts, depth);
        }
        if let Some(choice) = first("oneOf").or(first("anyOf")) {
            return self.make(choice, depth + 1);
        }
        match type_of(schema) {
            "object" => self.object(schema, depth).map(Value::Object),
            "array" => Some(match schema.get("items").and_then(|items| self.make(items, depth + 1)) {
                Some(item) => json!([item]),
                None => json!([]),
            }),
            "string" => Some(json!(text_of(schema))),
            "integer" => Some(number_of(schema).map_or(json!(1), |number| json!(number as i64))),
            "number" => Some(number_of(schema).map_or(json!(1.5), |number| json!(number))),
            "boolean" => Some(json!(true)),
            _ => Some(Value::Null),
        }
    }

    fn resolved(&self, schema: &'a Value) -> Option<&'a Value> {
        let mut schema = schema;
        for _ in 0..DEPTH_MAX {
            match schema.get("$ref").and_then(Value::as_str) {
                None => return Some(schema),
                Some(reference) => schema = self.root.pointer(reference.strip_prefix('#')?)?,
            }
        }
        None
    }

    fn object(&mut self, schema: &'a Value, depth: usize) -> Option<Map<String, Value>> {
        let mut object = Map::new();
        if let Some(Value::Object(properties)) = schema.get("properties") {
            for (name, property) in properties {
                match self.make(property, depth + 1) {
                    Some(value) => drop(object.insert(name.clone(), value)),
                    // What has to be there and cannot be made makes the whole impossible.
                    None if is_required(schema, name) => return None,
                    None => {}
                }
            }
        }
        Some(object)
    }

    fn merged(&mut self, schema: &'a Value, parts: &'a [Value], depth: usize) -> Option<Value> {
        let mut merged = self.object(schema, depth)?;
        for part in parts {
            match self.make(part, depth + 1)? {
                Value::Object(object) => merged.extend(object),
                other => return Some(other),
            }
        }
        Some(Value::Object(merged))
    }
}

fn is_required(schema: &Value, name: &str) -> bool {
    schema.get("required").and_then(Value::as_array).is_some_and(|list| list.iter().any(|each| each == name))
}

/// The schema's type; of several the first that is not null; without one, what its keywords are about.
fn type_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    }
}

fn number_of(schema: &Value) -> Option<f64> {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    bound("minimum").or(bound("exclusiveMinimum").map(|least| least + 1.0)).or(bound("maximum"))
}

fn text_of(schema: &Value) -> String {
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => "2026-01-31T12:00:00Z",
        Some("date") => "2026-01-31",
        Some("time") => "12:00:00Z",
        Some("email") => "someone@example.com",
        Some("uri" | "url") => "https://example.com/",
        Some("uuid") => "6f1c2f7e-3a0b-4c58-9d3e-2b7a5e8f0c11",
        Some("hostname") => "example.com",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        _ => "string",
    };
    let bound = |name: &str| schema.get(name).and_then(Value::as_u64).and_then(|length| usize::try_from(length).ok());
    let (least, most) = (bound("minLength").unwrap_or(0).min(256), bound("maxLength").unwrap_or(usize::MAX));
    let text: String = text.chars().chain(std::iter::repeat('x')).take(text.len().max(least)).collect();
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schema: Value, index: usize, expected: Option<Value>) {
        assert_eq!(example_of(&schema, index), expected, "{schema}");
    }

    #[test]
    fn what_somebody_wrote_down_comes_first() {
        check(json!({ "examples": [{ "a": 1 }, { "a": 2 }], "type": "object" }), 1, Some(json!({ "a": 2 })));
        check(json!({ "examples": [{ "a": 1 }] }), 1, None);
        check(json!({ "example": { "a": 1 } }), 0, Some(json!({ "a": 1 })));
        check(json!({ "example": "no object" }), 0, None);
    }

    #[test]
    fn otherwise_one_is_made_up_of_the_schemas_types() {
        let schema = json!({
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": { "type": "string", "format": "uuid" },
                "amount": { "type": "integer", "minimum": 5 },
                "state": { "enum": ["paid", "open"] },
                "tags": { "type": "array", "items": { "type": "string", "maxLength": 3 } },
                "customer": { "$ref": "#/$defs/customer" },
                "note": { "type": ["null", "string"], "minLength": 8 },
            },
            "$defs": { "customer": { "allOf": [{ "properties": { "vip": { "type": "boolean" } } }] } },
        });
        let expected = json!({
            "id": "6f1c2f7e-3a0b-4c58-9d3e-2b7a5e8f0c11",
            "amount": 5,
            "state": "paid",
            "tags": ["str"],
            "customer": { "vip": true },
            "note": "stringxx",
        });
        check(schema, 0, Some(expected));
        check(json!({ "type": "array" }), 0, None);
    }

    #[test]
    fn schemas_that_refer_to_themselves_end() {
        let node = json!({ "type": "object", "properties": { "next": { "$ref": "#" } } });
        assert!(example_of(&node, 0).is_some());
        let endless = json!({ "type": "object", "required": ["next"], "properties": { "next": { "$ref": "#" } } });
        check(endless, 0, None);
        check(json!({ "$ref": "#" }), 0, None);
        let wide = json!({ "$defs": { "w": { "properties": {
            "a": { "$ref": "#/$defs/w" }, "b": { "$ref": "#/$defs/w" }, "c": { "$ref": "#/$defs/w" },
        } } }, "$ref": "#/$defs/w" });
        assert!(example_of(&wide, 0).is_some());
    }
}
