//! What is shown of a change, and what never is.

#![allow(clippy::unwrap_used)]
use super::*;

/// Named fields in the three forms there are.
struct Sample(Vec<(&'static str, Value, Option<Option<Value>>)>);

impl Audited for Sample {
    fn thing(&self) -> String {
        "sample".to_owned()
    }

    fn fields(&self) -> Vec<Field> {
        let field = |(name, value, shown): &(&'static str, Value, Option<Option<Value>>)| match shown {
            None => Field::open(name, value.clone()),
            Some(Some(part)) => Field::partly(name, value.clone(), part.clone()),
            Some(None) => Field::secret(name, value.clone()),
        };
        self.0.iter().map(field).collect()
    }
}

fn sample(name: &str, url: &str, secret: &str) -> Sample {
    Sample(vec![
        ("name", name.into(), None),
        ("url", url.into(), Some(Some(url.split('?').next().into()))),
        ("secret", secret.into(), Some(None)),
    ])
}

fn change(name: &str, before: Option<&str>, after: Option<&str>, is_secret: bool) -> FieldChange {
    FieldChange { name: name.to_owned(), before: before.map(Value::from), after: after.map(Value::from), is_secret }
}

#[test]
fn what_differs_is_on_record_and_nothing_else() {
    let (a, b) = (sample("a", "u?k=1", "s"), sample("b", "u?k=1", "s"));
    assert_eq!(Changed::between(&a, &b).fields, [change("name", Some("a"), Some("b"), false)]);
    assert_eq!(Changed::between(&a, &a).fields, []);
}

#[test]
fn what_is_hidden_is_said_to_have_changed_without_its_value() {
    let (a, b) = (sample("a", "u?k=1", "s"), sample("a", "u?k=2", "t"));
    let expected = [change("url", Some("u"), Some("u"), true), change("secret", None, None, true)];
    assert_eq!(Changed::between(&a, &b).fields, expected);
    assert_eq!(Changed::created(&b).fields.last().unwrap(), &expected[1]);
    assert_eq!(Changed::deleted(&a).fields[0], change("name", Some("a"), None, false));
}

#[test]
fn long_values_are_cut_between_characters_with_a_mark() {
    let long = "ü".repeat(AUDITED_VALUE_BYTES_MAX);
    let short = "x".repeat(AUDITED_VALUE_BYTES_MAX - 2); // two quotation marks
    let shown = |value: Value| Changed::created(&Sample(vec![("v", value, None)])).fields[0].after.clone().unwrap();
    assert_eq!(shown(short.clone().into()), short);
    for value in [Value::from(long.clone()), serde_json::json!({ "a": long })] {
        let cut = shown(value);
        let cut = cut.as_str().unwrap();
        assert!(cut.len() <= AUDITED_VALUE_BYTES_MAX && cut.ends_with(CUT_MARK), "{}", cut.len());
    }
}

#[test]
fn the_names_of_operations_are_their_own() {
    for operation in Operation::ALL {
        assert_eq!(Operation::parse(operation.as_str()).unwrap(), *operation);
    }
    assert!(Operation::parse("endpoint.explode").is_err());
}
