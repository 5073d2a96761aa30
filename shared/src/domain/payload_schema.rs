//! A JSON Schema ready to hold payloads against. Nothing is fetched: a schema that refers beyond itself is refused.
//!
//! A schema is written by whoever publishes, so its limits are against accidents: a validator follows references, and a few
//! lines that refer to each other can make it walk for minutes or too deep. Patterns are matched in linear time, which
//! leaves out look-around and back references.

use std::collections::HashMap;

use jsonschema::{PatternOptions, Validator};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;

use super::Invalid;

/// Schemas within schemas, references followed. Deeper than anything a person writes, and far from the end of a stack.
pub const SCHEMA_DEPTH_MAX: usize = 100;

/// Schemas that are met when every reference is followed once. A thousand is already large; this takes milliseconds.
pub const SCHEMA_STEPS_MAX: usize = 20_000;

/// Size of one compiled pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

/// Longest rule told about a violation: some messages list everything that is allowed.
const RULE_CHARS_MAX: usize = 300;

/// Longest path told in a header.
const FRAGMENT_BYTES_MAX: usize = 512;

/// What a URL's fragment does not take as it is, besides what is not ASCII.
const NOT_IN_FRAGMENTS: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%').add(b'<').add(b'>').add(b'`');

/// Keywords that refer in a way only a validator can follow: nothing could be said about what they cost.
const REFUSED_KEYWORDS: [&str; 2] = ["$dynamicRef", "$recursiveRef"];

/// A schema, compiled.
#[derive(Debug)]
pub struct PayloadSchema(Validator);

/// The first thing about a payload that its schema does not allow. Holds no value of the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where in the payload: names and positions.
    pub path: Vec<String>,
    /// Which keyword of the schema: a JSON Pointer into it. What a log may show.
    pub keyword: String,
    /// The rule, for people.
    pub rule: String,
}

impl Violation {
    /// The path as a JSON Pointer (RFC 6901).
    pub fn pointer(&self) -> String {
        self.path.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
    }

    /// The pointer as a URL's fragment: visible ASCII, cut off where it becomes too long for a header.
    pub fn fragment(&self) -> String {
        let mut fragment = format!("#{}", utf8_percent_encode(&self.pointer(), NOT_IN_FRAGMENTS));
        fragment.truncate(FRAGMENT_BYTES_MAX);
        fragment
    }
}

impl PayloadSchema {
    /// Compiles a schema, of draft 2020-12 unless it says otherwise.
    pub fn compile(schema: &Value) -> Result<Self, Invalid> {
        Walk { document: schema, known: HashMap::new(), steps: 0 }.measure(schema, 0)?;
        let options = jsonschema::options().with_pattern_options(
            PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX),
        );
        options.build(schema).map(Self).map_err(|error| {
            let place = error.instance_path().to_string();
            Invalid::new(shortened(format!("{place}: {error}").trim_start_matches(": ")))
        })
    }

    /// What the payload, a JSON text, breaks first.
    pub fn first_violation(&self, payload: &str) -> Option<Violation> {
        let Ok(payload) = serde_json::from_str::<Value>(payload) else {
            // It is JSON, or it would not be a payload.
            let rule = "is nested too deeply, or has a number too large, to be validated".to_owned();
            return Some(Violation { path: Vec::new(), keyword: String::new(), rule });
        };
        let error = self.0.validate(&payload).err()?;
        let unescaped = |part: &str| part.replace("~1", "/").replace("~0", "~");
        Some(Violation {
            path: error.instance_path().as_str().split('/').skip(1).map(unescaped).collect(),
            keyword: error.schema_path().to_string(),
            rule: shortened(&error.masked().to_string()),
        })
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(RULE_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Follows a schema's references before a validator does.
struct Walk<'a> {
    document: &'a Value,
    /// By reference: how deep what it names goes and how many schemas it meets; none while it is being measured.
    known: HashMap<&'a str, Option<Size>>,
    steps: usize,
}

#[derive(Clone, Copy, Default)]
struct Size {
    depth: usize,
    steps: usize,
}

impl<'a> Walk<'a> {
    /// Everything below a value; data between keywords counts too, which costs little.
    fn measure(&mut self, value: &'a Value, above: usize) -> Result<Size, Invalid> {
        if above > SCHEMA_DEPTH_MAX {
            return Err(too_deep());
        }
        let mut size = Size { depth: 1, steps: 1 };
        let mut add = |part: Size| {
            size.depth = size.depth.max(part.depth.saturating_add(1));
            size.steps = size.steps.saturating_add(part.steps);
        };
        match value {
            Value::Array(items) => {
                for item in items {
                    add(self.measure(item, above + 1)?);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    add(self.measure(member, above + 1)?);
                    if let Value::String(text) = member {
                        if name == "$ref" {
                            add(self.follow(text)?);
                        } else if REFUSED_KEYWORDS.contains(&name.as_str()) {
                            return Err(Invalid::new(format!("{name} is not supported")));
                        }
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        if size.depth > SCHEMA_DEPTH_MAX {
            return Err(too_deep());
        }
        if size.steps > SCHEMA_STEPS_MAX {
            let rule = format!("is larger than {SCHEMA_STEPS_MAX} parts when its references are followed");
            return Err(Invalid::new(rule));
        }
        Ok(size)
    }

    /// What a reference names. One that leads back to itself ends with the payload's own depth.
    fn follow(&mut self, reference: &'a str) -> Result<Size, Invalid> {
        if let Some(known) = self.known.get(reference) {
            return Ok(known.unwrap_or_default());
        }
        let named = reference.strip_prefix('#').and_then(|pointer| self.document.pointer(&decoded(pointer)));
        let Some(named) = named else {
            return Err(Invalid::new(shortened(&format!("{reference} names nothing within the schema"))));
        };
        self.known.insert(reference, None);
        self.steps += 1;
        if self.steps > SCHEMA_STEPS_MAX {
            return Err(too_deep());
        }
        let size = self.measure(named, 0)?;
        self.known.insert(reference, Some(size));
        Ok(size)
    }
}

fn too_deep() -> Invalid {
    Invalid::new(format!("goes deeper than {SCHEMA_DEPTH_MAX} levels when its references are followed"))
}

/// A pointer in a URL's fragment is percent-encoded.
fn decoded(pointer: &str) -> String {
    percent_encoding::percent_decode_str(pointer).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(schema: Value, payload: &str, expected: Option<(&str, &str)>) {
        let violation = PayloadSchema::compile(&schema).unwrap().first_violation(payload);
        let found = violation.as_ref().map(|violation| (violation.pointer(), violation.keyword.clone()));
        let expected = expected.map(|(path, keyword)| (path.to_owned(), keyword.to_owned()));
        assert_eq!(found, expected, "{payload}: {violation:?}");
        assert!(!violation.is_some_and(|violation| violation.rule.contains("s3cret")), "it shows a value");
    }

    #[test]
    fn the_first_violation_is_named_by_its_path_and_shows_no_value() {
        let schema = json!({
            "type": "object", "required": ["order"],
            "properties": { "order": { "type": "object", "properties": { "a/b": { "type": "integer" } } } },
        });
        check(schema.clone(), r#"{"order":{"a/b":7}}"#, None);
        check(
            schema.clone(),
            r#"{"order":{"a/b":"s3cret"}}"#,
            Some(("/order/a~1b", "/properties/order/properties/a~1b/type")),
        );
        check(schema.clone(), "{}", Some(("", "/required")));
        let deep = format!(r#"{{"order":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        check(schema, &deep, Some(("", "")));
    }

    /// A list of lists, and so on: recursive, and fine.
    #[test]
    fn a_schema_may_refer_to_itself() {
        let schema = json!({ "$ref": "#/$defs/node", "$defs": { "node": {
            "type": "object", "properties": { "next": { "$ref": "#/$defs/node" } }, "additionalProperties": false,
        } } });
        check(schema.clone(), r#"{"next":{"next":{}}}"#, None);
        check(schema, r#"{"next":{"other":{}}}"#, Some(("/next", "/$defs/node/additionalProperties")));
        check(json!({ "$ref": "#" }), "{}", None);
    }

    fn doubling(levels: usize) -> Value {
        let next = |n: usize| json!({ "$ref": format!("#/$defs/{}", n + 1) });
        let mut defs: serde_json::Map<_, _> =
            (0..levels).map(|n| (n.to_string(), json!({ "allOf": [next(n), next(n)] }))).collect();
        defs.insert(levels.to_string(), json!({}));
        json!({ "$ref": "#/$defs/0", "$defs": defs })
    }

    fn chain(links: usize) -> Value {
        let link = |n: usize| (n.to_string(), json!({ "$ref": format!("#/$defs/{}", n + 1) }));
        let mut defs: serde_json::Map<_, _> = (0..links).map(link).collect();
        defs.insert(links.to_string(), json!({}));
        json!({ "$ref": "#/$defs/0", "$defs": defs })
    }

    #[test]
    fn what_cannot_be_compiled_or_followed_is_refused() {
        check(doubling(5), "{}", None);
        check(chain(20), "{}", None);
        let refused = [
            json!({ "type": "nonsense" }),
            json!({ "properties": { "a": { "pattern": "(" } } }),
            json!({ "properties": { "a": { "pattern": "(?!a)" } } }),
            json!({ "properties": { "a": { "pattern": "((a{100}){100}){100}" } } }),
            json!({ "$ref": "#/$defs/nothing" }),
            json!({ "$ref": "http://127.0.0.1:9/schema.json" }),
            json!({ "$ref": "file:///etc/hostname" }),
            json!({ "$ref": "other.json" }),
            json!({ "$schema": "http://127.0.0.1:9/meta" }),
            json!({ "$dynamicRef": "#a" }),
            doubling(30),
            chain(5_000),
        ];
        for schema in refused {
            let refusal = PayloadSchema::compile(&schema).err();
            let reason = refusal.unwrap_or_else(|| panic!("compiled: {schema}")).0;
            assert!(!reason.is_empty() && reason.chars().count() <= RULE_CHARS_MAX + 20, "{reason}");
        }
    }
}
