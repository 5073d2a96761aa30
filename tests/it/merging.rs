//! PATCH, then GET: what was sent is there, what was not sent is as it was, and null clears. For random patches of
//! applications, endpoints and event types.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::harness::Stage;

/// Patches tried for each kind of thing, one after the other on the same thing.
const PATCHES: u32 = 40;

/// A field's possible values; null among them where it clears.
type Field = (&'static str, &'static [&'static str]);

const APPLICATION: &[Field] = &[
    ("name", &["\"A\"", "\"é\""]),
    ("uid", &["null", "\"u1\"", "\"u2\""]),
    ("throttleRate", &["null", "1", "65535"]),
    ("metadata", &["{}", "{\"a\":\"1\"}", "{\"b\":\"\"}"]),
];

const ENDPOINT: &[Field] = &[
    ("url", &["\"https://example.com/\"", "\"https://example.org/x?y=1\""]),
    ("uid", &["null", "\"u1\""]),
    ("description", &["\"\"", "\"text\""]),
    ("eventTypes", &["null", "[\"a.b\"]", "[\"a.b\",\"c.d\"]"]),
    ("channels", &["null", "[\"x\"]"]),
    ("disabled", &["true", "false"]),
    ("throttleRate", &["null", "7"]),
    ("metadata", &["{}", "{\"a\":\"1\"}"]),
];

const EVENT_TYPE: &[Field] = &[
    ("description", &["\"\"", "\"text\""]),
    ("archived", &["true", "false"]),
    ("deprecated", &["true", "false"]),
    ("schemas", &["null", "{\"1\":{\"type\":\"object\"}}"]),
    ("groupName", &["null", "\"g\""]),
    ("featureFlags", &["null", "[\"f\"]", "[\"f\",\"g\"]"]),
];

/// Some of the fields with one of their values each.
fn patches(fields: &'static [Field]) -> impl Strategy<Value = Map<String, Value>> {
    let field = |(name, values): &'static Field| {
        let value = prop::sample::select(*values).prop_map(|text| serde_json::from_str::<Value>(text).unwrap());
        prop::option::of(value).prop_map(move |value| value.map(|value| ((*name).to_owned(), value)))
    };
    let all: Vec<_> = fields.iter().map(field).collect();
    all.prop_map(|fields| fields.into_iter().flatten().collect())
}

/// What is shown, without what changes by itself and without what is shown under a second name.
fn shown(mut thing: Value) -> Map<String, Value> {
    let shown = thing.as_object_mut().unwrap();
    for name in ["updatedAt", "filterTypes", "rateLimit", "featureFlag"] {
        shown.remove(name);
    }
    shown.clone()
}

async fn check(path: &str, fields: &'static [Field]) {
    let stage = Stage::new(&[]).await;
    for (at, body) in [
        ("/api/v1/event-type", json!({ "name": "a.b", "description": "" })),
        ("/api/v1/event-type", json!({ "name": "c.d", "description": "" })),
        ("/api/v1/app", json!({ "name": "A" })),
    ] {
        assert_eq!(stage.call("POST", at, Some(body)).await.status, 201);
    }
    let application = stage.call("GET", "/api/v1/app", None).await.json()["data"][0]["id"].as_str().unwrap().to_owned();
    let endpoint = stage.endpoint(&application, "https://example.com/").await;
    let path = path.replace("{app}", &application).replace("{ep}", &endpoint);
    let mut runner = TestRunner::new(Config { cases: PATCHES, failure_persistence: None, ..Config::default() });
    let mut expected = shown(stage.call("GET", &path, None).await.json());
    for _ in 0..PATCHES {
        let patch = patches(fields).new_tree(&mut runner).unwrap().current();
        for (name, value) in &patch {
            match value {
                Value::Null => drop(expected.remove(name)),
                value => drop(expected.insert(name.clone(), value.clone())),
            }
        }
        let answer = stage.call("PATCH", &path, Some(Value::Object(patch.clone()))).await;
        assert_eq!(answer.status, 200, "{patch:?}: {answer:?}");
        assert_eq!(shown(answer.json()), expected, "the answer to {patch:?}");
        assert_eq!(shown(stage.call("GET", &path, None).await.json()), expected, "after {patch:?}");
    }
}

#[tokio::test]
async fn a_patched_application_is_the_merge() {
    check("/api/v1/app/{app}", APPLICATION).await;
}

#[tokio::test]
async fn a_patched_endpoint_is_the_merge() {
    check("/api/v1/app/{app}/endpoint/{ep}", ENDPOINT).await;
}

#[tokio::test]
async fn a_patched_event_type_is_the_merge() {
    check("/api/v1/event-type/a.b", EVENT_TYPE).await;
}
