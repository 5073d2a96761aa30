//! Event types out of an OpenAPI document: the webhooks of version 3.1, or the extension `x-webhooks` that stands for them in
//! older ones. A schema is taken with everything it refers to in its place, so that it means the same outside the document.

use serde_json::{Map, Value, json};

use super::Invalid;
use super::event_type::{DESCRIPTION_BYTES_MAX, EventTypePatch, SCHEMAS_BYTES_MAX};
use super::names::EventTypeName;

/// Webhooks of one document: each is one or two writes, and all happen within one request.
pub const WEBHOOKS_MAX: usize = 500;

/// Bytes of all schemas together, references resolved: what they take in memory is several times that.
pub const RESOLVED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Levels of a schema, references resolved. What is stored deeper than 128 could not be read again.
pub const RESOLVED_DEPTH_MAX: usize = 100;

/// References from a webhook to the object that it is: a path item or a request body that only names another.
const HOPS_MAX: usize = 10;

/// Methods in the order in which they are looked for; a webhook is a POST, but documents differ.
const METHODS: [&str; 8] = ["post", "put", "patch", "get", "delete", "head", "options", "trace"];

/// Keywords whose value is data, not a schema.
const DATA: [&str; 5] = ["const", "default", "enum", "example", "examples"];

/// Keywords whose value is a map from names to schemas: there a name is never a keyword.
const MAPS: [&str; 5] = ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"];

/// The version a schema gets; an import knows no other.
const SCHEMA_VERSION: &str = "1";

/// One webhook of a document. What is `None` the document does not say.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// Its key.
    pub name: EventTypeName,
    /// Its description, else its summary.
    pub description: Option<String>,
    /// The JSON Schemas of its body, by version.
    pub schemas: Option<Value>,
    /// Not to be relied on.
    pub deprecated: bool,
    /// Its first tag, when that can be the name of a group.
    pub group_name: Option<String>,
}

impl Webhook {
    /// What an event type of this name has to become; what the document does not say stays.
    pub fn to_patch(&self) -> EventTypePatch {
        EventTypePatch {
            description: self.description.clone(),
            archived: Some(false),
            deprecated: Some(self.deprecated),
            schemas: self.schemas.clone().map(Some),
            group_name: self.group_name.clone().map(Some),
            ..EventTypePatch::default()
        }
    }
}

/// What is wrong with a document, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Names from the document's root.
    pub path: Vec<String>,
    /// The rule.
    pub reason: Invalid,
}

impl Misfit {
    fn at(path: &[&str], reason: impl Into<String>) -> Self {
        Self { path: path.iter().map(|part| (*part).to_owned()).collect(), reason: Invalid::new(reason) }
    }
}

/// All webhooks of a document, in the order of their names.
pub fn webhooks(document: &Value) -> Result<Vec<Webhook>, Misfit> {
    let section = ["webhooks", "x-webhooks"].into_iter().find(|name| document.get(name).is_some());
    let section = section.ok_or_else(|| Misfit::at(&[], "the document has neither webhooks nor x-webhooks"))?;
    let Some(items) = document.get(section).and_then(Value::as_object) else {
        return Err(Misfit::at(&[section], "must be an object"));
    };
    if items.len() > WEBHOOKS_MAX {
        return Err(Misfit::at(&[section], format!("must not have more than {WEBHOOKS_MAX} webhooks")));
    }
    let mut bytes_left = RESOLVED_BYTES_MAX;
    let mut webhooks = Vec::with_capacity(items.len());
    for (name, item) in items {
        let webhook = webhook(document, name, item, &mut bytes_left);
        webhooks.push(webhook.map_err(|reason| Misfit::at(&[section, name], reason.0))?);
    }
    Ok(webhooks)
}

fn webhook(document: &Value, name: &str, item: &Value, bytes_left: &mut usize) -> Result<Webhook, Invalid> {
    let item = dereferenced(document, item)?;
    let operation = METHODS.into_iter().find_map(|method| item.get(method));
    let operation = operation.ok_or_else(|| Invalid::new("has no operation, for example post"))?;
    let text = |field| operation.get(field).or_else(|| item.get(field)).and_then(Value::as_str);
    let description = text("description").or_else(|| text("summary")).map(str::to_owned);
    if description.as_ref().is_some_and(|text| text.len() > DESCRIPTION_BYTES_MAX) {
        return Err(Invalid::new(format!("the description must be at most {DESCRIPTION_BYTES_MAX} bytes long")));
    }
    let first_tag = operation.get("tags").and_then(|tags| tags.get(0)).and_then(Value::as_str);
    Ok(Webhook {
        name: EventTypeName::parse(name).map_err(|reason| Invalid::new(format!("the name {}", reason.0)))?,
        description,
        schemas: schemas(document, operation, bytes_left)?,
        deprecated: operation.get("deprecated").and_then(Value::as_bool).unwrap_or(false),
        group_name: first_tag.and_then(|tag| EventTypeName::parse(tag).ok()).map(|name| name.to_string()),
    })
}

/// The schema of the JSON that an operation's body may be.
fn schemas(document: &Value, operation: &Value, bytes_left: &mut usize) -> Result<Option<Value>, Invalid> {
    let Some(body) = operation.get("requestBody") else { return Ok(None) };
    let body = dereferenced(document, body)?;
    let is_json =
        |kind: &str| kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json");
    let contents = body.get("content").and_then(Value::as_object);
    let media_type = contents.and_then(|kinds| kinds.iter().find(|(kind, _)| is_json(kind)));
    let Some(schema) = media_type.and_then(|(_, media_type)| media_type.get("schema")) else { return Ok(None) };
    let before = *bytes_left;
    let schema = Resolver { document, open: Vec::new(), bytes_left }.schema(schema, 0)?;
    if !schema.is_object() {
        return Err(Invalid::new("the schema must be an object"));
    }
    if before - *bytes_left > SCHEMAS_BYTES_MAX {
        return Err(Invalid::new(format!("the schema must not be larger than {SCHEMAS_BYTES_MAX} bytes as JSON")));
    }
    Ok(Some(json!({ SCHEMA_VERSION: schema })))
}

/// What a value is, when it may be a reference to it.
fn dereferenced<'a>(document: &'a Value, value: &'a Value) -> Result<&'a Value, Invalid> {
    let mut value = value;
    for _ in 0..HOPS_MAX {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => value = named(document, reference)?,
            None => return Ok(value),
        }
    }
    Err(Invalid::new(format!("more than {HOPS_MAX} references lead from one to the next")))
}

fn named<'a>(document: &'a Value, reference: &str) -> Result<&'a Value, Invalid> {
    let pointer =
        reference.strip_prefix('#').map(|pointer| percent_encoding::percent_decode_str(pointer).decode_utf8_lossy());
    let Some(pointer) = pointer else {
        return Err(Invalid::new(format!(
            "{reference} is outside of the document; only references within it are followed"
        )));
    };
    document.pointer(&pointer).ok_or_else(|| Invalid::new(format!("{reference} names nothing in the document")))
}

/// Puts what is referred to in the place of the references.
struct Resolver<'a, 'b> {
    document: &'a Value,
    /// The references that lead to where it is.
    open: Vec<&'a str>,
    bytes_left: &'b mut usize,
}

impl<'a> Resolver<'a, '_> {
    fn schema(&mut self, schema: &'a Value, depth: usize) -> Result<Value, Invalid> {
        self.take(2, depth)?;
        match schema {
            Value::Object(members) => match members.get("$ref") {
                Some(Value::String(reference)) => self.reference(reference, members, depth),
                _ => self.members(members, depth),
            },
            Value::Array(schemas) => {
                schemas.iter().map(|schema| self.schema(schema, depth + 1)).collect::<Result<_, _>>().map(Value::Array)
            }
            other => self.data(other, depth),
        }
    }

    /// What stands beside a reference holds as well as what it names.
    fn reference(
        &mut self,
        reference: &'a str,
        members: &'a Map<String, Value>,
        depth: usize,
    ) -> Result<Value, Invalid> {
        if self.open.contains(&reference) {
            return Err(Invalid::new(format!(
                "{reference} leads back to itself; a recursive schema cannot be imported"
            )));
        }
        self.open.push(reference);
        let resolved = self.schema(named(self.document, reference)?, depth + 1)?;
        self.open.pop();
        if members.len() == 1 {
            return Ok(resolved);
        }
        let beside = members.iter().filter(|(name, _)| *name != "$ref");
        let Value::Object(mut beside) = self.some_members(beside, depth)? else { return Ok(resolved) };
        let mut all_of = vec![resolved];
        if let Some(Value::Array(others)) = beside.remove("allOf") {
            all_of.extend(others);
        }
        beside.insert("allOf".to_owned(), Value::Array(all_of));
        Ok(Value::Object(beside))
    }

    fn members(&mut self, members: &'a Map<String, Value>, depth: usize) -> Result<Value, Invalid> {
        self.some_members(members.iter(), depth)
    }

    fn some_members(
        &mut self,
        members: impl Iterator<Item = (&'a String, &'a Value)>,
        depth: usize,
    ) -> Result<Value, Invalid> {
        let mut resolved = Map::new();
        for (name, value) in members {
            self.take(name.len() + 4, depth)?;
            let value = match (name.as_str(), value) {
                (name, _) if DATA.contains(&name) => self.data(value, depth + 1)?,
                (name, Value::Object(schemas)) if MAPS.contains(&name) => self.map(schemas, depth + 1)?,
                _ => self.schema(value, depth + 1)?,
            };
            resolved.insert(name.clone(), value);
        }
        Ok(Value::Object(resolved))
    }

    fn map(&mut self, schemas: &'a Map<String, Value>, depth: usize) -> Result<Value, Invalid> {
        let mut resolved = Map::new();
        for (name, schema) in schemas {
            self.take(name.len() + 4, depth)?;
            resolved.insert(name.clone(), self.schema(schema, depth + 1)?);
        }
        Ok(Value::Object(resolved))
    }

    fn data(&mut self, value: &Value, depth: usize) -> Result<Value, Invalid> {
        self.take(value.to_string().len(), depth)?;
        Ok(value.clone())
    }

    /// Counts what is about to be copied.
    fn take(&mut self, bytes: usize, depth: usize) -> Result<(), Invalid> {
        if depth > RESOLVED_DEPTH_MAX {
            return Err(Invalid::new(format!("the schema goes deeper than {RESOLVED_DEPTH_MAX} levels")));
        }
        let left = self.bytes_left.checked_sub(bytes);
        let rule =
            || format!("all schemas together must not be larger than {RESOLVED_BYTES_MAX} bytes, references resolved");
        *self.bytes_left = left.ok_or_else(|| Invalid::new(rule()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn document(schema: Value, components: Value) -> Value {
        let body = json!({ "content": { "application/json": { "schema": schema } } });
        json!({ "webhooks": { "a.b": { "post": { "requestBody": body } } }, "components": { "schemas": components } })
    }

    #[track_caller]
    fn check(schema: Value, expected: Value) {
        let components = json!({
            "Id": { "type": "integer" },
            "Pet": { "type": "object", "properties": { "id": { "$ref": "#/components/schemas/Id" } } },
            "a/b": { "type": "string" },
        });
        let webhook = webhooks(&document(schema, components)).unwrap().remove(0);
        assert_eq!(webhook.schemas, Some(json!({ "1": expected })));
    }

    #[test]
    fn references_are_replaced_by_what_they_name() {
        let pet = json!({ "type": "object", "properties": { "id": { "type": "integer" } } });
        let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        check(reference("Pet"), pet.clone());
        check(json!({ "items": reference("a~1b") }), json!({ "items": { "type": "string" } }));
        check(json!({ "$ref": "#/components/schemas/Pet", "title": "P" }), json!({ "allOf": [pet], "title": "P" }));
        // A property may be called like a keyword; data may look like a reference.
        let tricky = json!({
            "properties": { "$ref": { "type": "string" }, "enum": reference("Id") },
            "const": { "$ref": "#/nowhere" }
        });
        let mut expected = tricky.clone();
        expected["properties"]["enum"] = json!({ "type": "integer" });
        check(tricky, expected);
    }

    #[track_caller]
    fn refuse(document: &Value, path: &[&str], reason: &str) {
        let misfit = webhooks(document).unwrap_err();
        assert_eq!(misfit.path, path, "{misfit:?}");
        assert!(misfit.reason.0.contains(reason), "{misfit:?}");
    }

    #[test]
    fn what_cannot_be_resolved_is_refused_with_its_place() {
        let at = &["webhooks", "a.b"];
        let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        let node = json!({ "Node": { "properties": { "next": reference("Node") } } });
        refuse(&document(reference("Node"), node), at, "leads back to itself");
        refuse(&document(reference("None"), json!({})), at, "names nothing");
        refuse(&document(json!({ "$ref": "other.yaml#/a" }), json!({})), at, "outside of the document");
        let twice = |name: &str| json!({ "properties": { "a": reference(name), "b": reference(name) } });
        let mut doubling: Map<_, _> = (0..22).map(|n| (format!("{n}"), twice(&format!("{}", n + 1)))).collect();
        doubling.insert("22".to_owned(), json!({}));
        refuse(&document(reference("0"), Value::Object(doubling)), at, "larger than");
        let chain: Map<_, _> = (0..200).map(|n| (format!("{n}"), reference(&format!("{}", n + 1)))).collect();
        refuse(&document(reference("0"), Value::Object(chain)), at, "deeper than");
        refuse(&json!({ "webhooks": { "a b": { "post": {} } } }), &["webhooks", "a b"], "the name");
        refuse(&json!({ "webhooks": { "a.b": {} } }), at, "no operation");
        refuse(&json!({ "webhooks": [] }), &["webhooks"], "object");
        refuse(&json!({ "openapi": "3.1.0" }), &[], "neither");
        let item = json!({ "$ref": "#/webhooks/a.b" });
        refuse(&json!({ "webhooks": { "a.b": item } }), at, "one to the next");
    }
}
