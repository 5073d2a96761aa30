//! The API's document: complete and sound ([`soundness`]), true ([`truth`], [`names`]), and readable ([`page`]).

mod names;
mod page;
mod soundness;
mod truth;

use fanfare::http::openapi::document;
use fanfare::http::routes::ROUTES;
use jsonschema::Validator;
use serde_json::{Value, json};

/// One operation of the document.
#[derive(Clone, Copy)]
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    value: &'a Value,
}

/// The document, as callers get it.
struct Document(Value);

impl Document {
    fn new() -> Self {
        Self(serde_json::to_value(document()).unwrap())
    }

    fn operations(&self) -> Vec<Operation<'_>> {
        let items = self.0["paths"].as_object().unwrap().iter();
        let methods = items.flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |entry| (path, entry)));
        methods.map(|(path, (method, value))| Operation { method, path, value }).collect()
    }

    /// The operation of this name, which must be in the document.
    fn operation(&self, id: &str) -> Operation<'_> {
        let found = self.operations().into_iter().find(|operation| operation.value["operationId"] == id);
        found.unwrap_or_else(|| panic!("{id} is not in the document"))
    }

    /// What stands where a reference points; what is no reference stands for itself.
    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value.get("$ref") else { return value };
        let pointer = reference.as_str().unwrap().strip_prefix('#').expect("only references into the document itself");
        self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference} points nowhere"))
    }

    /// Checks values against a schema of the document.
    fn validator(&self, schema: &Value) -> Validator {
        let mut root = json!({ "components": self.0["components"] });
        root.as_object_mut().unwrap().extend(schema.as_object().unwrap().clone());
        jsonschema::options().should_validate_formats(true).build(&root).unwrap()
    }

    /// The same document whose objects have the properties that it names, and no others.
    fn closed(self) -> Self {
        let mut closed = self.0.clone();
        for schema in closed["components"]["schemas"].as_object_mut().unwrap().values_mut() {
            if let Some(parts) = schema.get_mut("allOf") {
                // The parts stay open: what one has, the other need not know.
                let parts = parts.as_array_mut().unwrap();
                parts.iter_mut().for_each(|part| *part = self.resolve(part).clone());
                schema["unevaluatedProperties"] = json!(false);
            } else if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
                schema["additionalProperties"] = json!(false);
            }
        }
        Self(closed)
    }
}

#[track_caller]
fn assert_fits(validator: &Validator, value: &Value, what: &str) {
    let errors: Vec<_> = validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {errors:#?} in {value}");
}

/// The route of an operation.
fn route(id: &str) -> &'static fanfare::http::routes::Route {
    ROUTES.iter().find(|route| route.operation == id).unwrap_or_else(|| panic!("{id} is no route"))
}
