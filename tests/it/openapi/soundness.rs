//! The document has every route and nothing else, everything it names is there, and its examples fit its schemas.

use std::collections::BTreeSet;

use fanfare::http::openapi::documented;
use fanfare::http::routes::{Access, ROUTES};
use serde_json::{Value, json};

use super::{Document, Operation, assert_fits, route};

#[test]
fn every_operation_is_documented() {
    let documented = documented();
    let missing: Vec<_> = ROUTES.iter().map(|route| route.operation).filter(|id| !documented.contains(id)).collect();
    assert!(missing.is_empty(), "without an entry in shared/src/http/openapi/operations: {missing:#?}");
}

#[test]
fn nothing_is_documented_that_is_no_operation_and_nothing_twice() {
    let documented = documented();
    let strays: Vec<_> = documented.iter().filter(|id| ROUTES.iter().all(|route| route.operation != **id)).collect();
    assert!(strays.is_empty(), "in no line of the route table: {strays:#?}");
    let different: BTreeSet<_> = documented.iter().collect();
    assert_eq!(different.len(), documented.len(), "{documented:?}");
}

#[test]
fn an_operation_stands_at_its_route() {
    let document = Document::new();
    assert_eq!(document.operations().len(), documented().len());
    for Operation { method, path, value } in document.operations() {
        let route = route(value["operationId"].as_str().unwrap());
        assert_eq!((method.to_uppercase().as_str(), path), (route.method, route.path));
        let security = if route.access == Access::Public { json!([]) } else { json!([{ "bearer": [] }]) };
        assert_eq!(value["security"], security, "{path}");
        let capability = match route.access {
            Access::Application(capability) => format!("`{}`", capability.as_str()),
            _ => String::new(),
        };
        assert!(value["description"].as_str().unwrap().contains(&capability), "{method} {path}");
    }
}

#[test]
fn the_head_of_the_document_says_what_it_is() {
    let Document(value) = Document::new();
    assert!(value["openapi"].as_str().unwrap().starts_with("3.1."));
    assert_eq!(value["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(value["servers"], json!([{ "url": "/" }]));
    assert_eq!(value["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
}

/// Every reference of a value, wherever it stands.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_referred_to() {
    let document = Document::new();
    let mut found = Vec::new();
    references(&document.0, &mut found);
    assert!(found.len() > 100, "{}", found.len());
    for reference in &found {
        document.resolve(&json!({ "$ref": reference }));
    }
    for kind in ["schemas", "responses"] {
        for name in document.0["components"][kind].as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(found.contains(&reference.as_str()), "nothing refers to {reference}");
        }
    }
}

fn says_something(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

#[test]
fn every_operation_says_what_it_does_what_it_takes_and_how_it_answers() {
    let document = Document::new();
    let tags: Vec<_> = document.0["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    for Operation { method, path, value } in document.operations() {
        let what = format!("{method} {path}");
        assert!(says_something(&value["summary"]), "{what} has no summary");
        let own = value["tags"].as_array().unwrap();
        assert!(own.len() == 1 && tags.contains(&&own[0]), "{what}: {own:?} is not among the tags");
        check_parameters(&document, path, value, &what);
        let takes_json = value.pointer("/requestBody/content/application~1json");
        assert_eq!(value.get("requestBody").is_some(), takes_json.is_some(), "{what}");
        check_responses(&document, value, &what);
    }
}

fn check_parameters(document: &Document, path: &str, operation: &Value, what: &str) {
    let parameters: Vec<_> = operation["parameters"].as_array().unwrap().iter().collect();
    let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
    let named: Vec<String> = in_path.map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap())).collect();
    let expected: Vec<&str> = path.split('/').filter(|segment| segment.starts_with('{')).collect();
    assert_eq!(named, expected, "{what}");
    let mut names = BTreeSet::new();
    for parameter in parameters {
        let name = &parameter["name"];
        assert!(names.insert(name.to_string()), "{what}: {name} is there twice");
        assert!(says_something(&parameter["description"]), "{what}: {name} is not described");
        document.validator(&parameter["schema"]);
    }
}

fn check_responses(document: &Document, operation: &Value, what: &str) {
    let responses = operation["responses"].as_object().unwrap();
    let mut succeeds = false;
    for (status, response) in responses {
        let response = document.resolve(response);
        let what = format!("{what}, {status}");
        assert!(says_something(&response["description"]), "{what} is not described");
        succeeds |= status.starts_with('2');
        let content = response.get("content").and_then(Value::as_object);
        assert_eq!(content.is_none_or(serde_json::Map::is_empty), ["204", "304"].contains(&status.as_str()), "{what}");
        for media in content.into_iter().flat_map(serde_json::Map::values) {
            document.validator(&media["schema"]);
        }
    }
    assert!(succeeds, "{what} never succeeds");
}

#[test]
fn refusals_follow_from_what_an_operation_takes() {
    let document = Document::new();
    for Operation { method, path, value } in document.operations() {
        let what = format!("{method} {path}");
        let refuses = |status: u16| value["responses"].get(status.to_string()).is_some();
        let is_open = value["security"] == json!([]);
        let is_checked = |parameter: &Value| parameter["in"] == "query" || parameter["in"] == "header";
        let has_query = value["parameters"].as_array().unwrap().iter().any(is_checked);
        let takes_body = value.get("requestBody").is_some();
        // What providers send is of any type, and proves itself.
        let is_foreign = value["operationId"] == "source.receive";
        assert_eq!(refuses(401), !is_open || is_foreign, "{what}");
        assert_eq!(refuses(415), takes_body || is_foreign, "{what}");
        assert_eq!(refuses(422), takes_body || has_query || is_foreign, "{what}");
        let has_key = value["parameters"].as_array().unwrap().iter().any(|p| p["name"] == "idempotency-key");
        assert_eq!(refuses(404), path.contains('{') || has_key, "{what}");
    }
}

#[test]
fn examples_fit_their_schemas() {
    let document = Document::new().closed();
    let mut checked = 0;
    let mut check = |media: &Value, what: &str| {
        let example = media.get("example").unwrap_or_else(|| panic!("{what} has no example"));
        assert_fits(&document.validator(&media["schema"]), example, what);
        checked += 1;
    };
    for Operation { method, path, value } in document.operations() {
        if let Some(media) = value.pointer("/requestBody/content/application~1json") {
            check(media, &format!("{method} {path}, the request"));
        }
        for (status, response) in value["responses"].as_object().unwrap() {
            if let Some(media) = document.resolve(response).pointer("/content/application~1json") {
                check(media, &format!("{method} {path}, {status}"));
            }
        }
    }
    assert!(checked > 100, "{checked}");
    for (name, schema) in document.0["components"]["schemas"].as_object().unwrap() {
        for example in schema.get("examples").and_then(Value::as_array).into_iter().flatten() {
            assert_fits(&document.validator(schema), example, name);
        }
    }
}
