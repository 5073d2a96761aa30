//! Single values out of a JSON text whose other values stay unread: a name or two of a body that may have a megabyte.

use std::collections::HashMap;

use serde_json::value::RawValue;

/// The members of an object, each as its text. What is no object has none.
#[derive(Default)]
pub(super) struct Fields<'a>(HashMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    pub(super) fn of(json: &'a str) -> Self {
        serde_json::from_str(json).map(Self).unwrap_or_default()
    }

    /// The member's JSON text.
    pub(super) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(name).copied()
    }

    /// The members of a member.
    pub(super) fn within(&self, name: &str) -> Self {
        self.raw(name).map(|value| Self::of(value.get())).unwrap_or_default()
    }

    /// A text, number or truth value, as text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        text_of(self.raw(name)?.get())
    }

    /// A text that is not empty: what names something.
    pub(super) fn name(&self, name: &str) -> Option<String> {
        self.text(name).filter(|text| !text.is_empty())
    }
}

/// The text, number or truth value that a JSON Pointer leads to, as text.
pub(super) fn text_at(json: &str, pointer: &str) -> Option<String> {
    let steps = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"));
    let value = steps.into_iter().try_fold(json, |value, step| below(value, &step))?;
    text_of(value).filter(|text| !text.is_empty())
}

fn below<'a>(json: &'a str, step: &str) -> Option<&'a str> {
    if json.trim_start().starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
        return step.parse().ok().and_then(|index: usize| items.get(index).map(|item| item.get()));
    }
    Fields::of(json).raw(step).map(RawValue::get)
}

fn text_of(json: &str) -> Option<String> {
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok(),
        b'-' | b'0'..=b'9' | b't' | b'f' => Some(json.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pointer: &str, expected: Option<&str>) {
        let json = r#" {"id": "a\u00e9", "n": -1.50, "ok": true, "no": null, "empty": "",
            "deep": {"a/b": [{"x": "first"}, {"x": 2}]}, "twice": 1, "twice": 2} "#;
        assert_eq!(text_at(json, pointer).as_deref(), expected, "{pointer}");
    }

    #[test]
    fn pointers_lead_to_texts_and_numbers() {
        check("/id", Some("aé"));
        check("/n", Some("-1.50"));
        check("/ok", Some("true"));
        check("/deep/a~1b/0/x", Some("first"));
        check("/deep/a~1b/1/x", Some("2"));
        check("/twice", Some("2"));
        for nothing in ["/no", "/empty", "/deep", "/other", "/deep/a~1b/2/x", "/deep/a~1b/-/x", "/id/x", "/"] {
            check(nothing, None);
        }
    }

    #[test]
    fn what_is_no_object_has_no_fields() {
        for json in ["", "[]", "1", "{", r#"{"a":1} x"#] {
            assert_eq!(Fields::of(json).text("a"), None, "{json}");
        }
    }
}
