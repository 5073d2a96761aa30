//! The document's paths: each route of the table with the words of its operation, and what follows from the route itself: the
//! parameters in its path, who may call it, and how it refuses.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    Content as MediaType, ContentBuilder, Required, Response, ResponseBuilder, Responses, ResponsesBuilder,
};

use super::op::{AnswerDoc, Content, EntityTags, OperationDoc};
use super::values::Collected;
use super::{BEARER, errors, tags};
use crate::domain::access::{Right, Role};
use crate::domain::message::IDEMPOTENCY_KEY_BYTES_MAX;
use crate::domain::names::NAME_CHARS_MAX;
use crate::http::routes::{Access, ROUTES, Route};

/// Parameters of paths: name, what it is, an example.
#[rustfmt::skip]
const PATH_PARAMETERS: &[(&str, &str, &str)] = &[
    ("app_id", "The application's id or uid.", "acme"),
    ("endpoint_id", "The endpoint's id or uid.", "ep_1srOrx2ZWZBpBUvZwXKQmoEYga2"),
    ("org_id", "The organization's id.", "org_1srOrx2ZWZBpBUvZwXKQmoEYga2"),
    ("msg_id", "The message's id or event id.", "msg_1srOrx2ZWZBpBUvZwXKQmoEYga2"),
    ("attempt_id", "The attempt's id.", "atmpt_1srOrx2ZWZBpBUvZwXKQmoEYga2"),
    ("event_type_name", "The event type's name.", "invoice.paid"),
    ("import_id", "The import's id.", "imp_1srOrx2ZWZBpBUvZwXKQmoEYga2"),
    ("source_id", "The source's id or uid.", "src_1srOrx2ZWZBpBUvZwXKQmoEYga2"),
    ("token", "The secret part of the source's address.", "YhQ4vCPZZ1cUh9bZJ1Wn0JpPVc3rEJ7kq2mH8sLw4dXo0aBtUuRfG6iYzT5"),
    ("key_id", "The API key's id.", "key_1srOrx2ZWZBpBUvZwXKQmoEYga2"),
    ("task_id", "The task's id.", "qtask_1srOrx2ZWZBpBUvZwXKQmoEYga2"),
];

const UNCHANGED: &str = "It is in a state that `if-none-match` names.";

/// `*`, or entity tags separated by commas.
const TAGS_PATTERN: &str = r#"^(?:\*|(?:W/)?"[!#-~]*"(?:, ?(?:W/)?"[!#-~]*")*)$"#;

/// All routes that have an entry; their schemas are added to `schemas`.
pub(super) fn paths(operations: &[OperationDoc], schemas: &mut Collected) -> Paths {
    let mut paths = Paths::new();
    for route in ROUTES {
        let method = method(route.method);
        let found = operations.iter().find(|operation| operation.id == route.operation);
        let (Some(method), Some(doc)) = (method, found) else { continue };
        for content in doc.body.iter().chain(doc.answers.iter().filter_map(|answer| answer.content.as_ref())) {
            (content.collect)(schemas);
        }
        paths.add_path_operation(route.path, vec![method], operation(route, doc));
    }
    paths
}

fn method(name: &str) -> Option<HttpMethod> {
    Some(match name {
        "GET" => HttpMethod::Get,
        "PUT" => HttpMethod::Put,
        "POST" => HttpMethod::Post,
        "DELETE" => HttpMethod::Delete,
        "HEAD" => HttpMethod::Head,
        "PATCH" => HttpMethod::Patch,
        _ => return None,
    })
}

fn operation(route: &Route, doc: &OperationDoc) -> Operation {
    let mut parameters = path_parameters(route.path);
    let names_something = !parameters.is_empty();
    parameters.extend(doc.query.iter().cloned());
    parameters.extend(doc.is_idempotent.then(idempotency_key));
    parameters.extend(entity_tags(doc.tags));
    let security = match route.access {
        Access::Public => Vec::new(),
        _ => vec![SecurityRequirement::new(BEARER, Vec::<String>::new())],
    };
    OperationBuilder::new()
        .operation_id(Some(doc.id))
        .tag(tags::of(doc.id))
        .summary(Some(doc.summary))
        .description(Some([doc.description, &callers(route.access)].join("\n\n").trim().to_owned()))
        .parameters(Some(parameters))
        .request_body(doc.body.as_ref().map(request_body))
        .responses(responses(doc, &refusals(route.access, names_something, doc)))
        .securities(Some(security))
        .build()
}

/// Who may call, in words.
fn callers(access: Access) -> String {
    match access {
        Access::Public => "No token is needed.".to_owned(),
        Access::AnyToken => "Any token will do.".to_owned(),
        Access::Organization(right) => format!("A token of the organization is needed, of the role {}.", roles(right)),
        Access::Application(capability) => {
            let (right, capability) = (capability.right(), capability.as_str());
            let roles = roles(right);
            format!(
                "A token of the organization is needed, of the role {roles}, or of the application's portal with `{capability}`."
            )
        }
    }
}

/// The roles that have a right: `owner` or `reader` or `support`.
fn roles(right: Right) -> String {
    let names = Role::ALL.into_iter().filter(|role| role.has(right)).map(|role| format!("`{}`", role.as_str()));
    names.collect::<Vec<_>>().join(" or ")
}

/// The statuses that an operation may refuse with.
fn refusals(access: Access, names_something: bool, doc: &OperationDoc) -> BTreeSet<u16> {
    let mut statuses: BTreeSet<u16> = doc.errors.iter().copied().collect();
    match access {
        Access::Public => {}
        Access::AnyToken => statuses.extend([401, 429, 500, 503]),
        Access::Organization(_) | Access::Application(_) => statuses.extend([401, 403, 429, 500, 503]),
    }
    // A repeat finds what the first request made; it may be gone by then.
    if names_something || doc.is_idempotent {
        statuses.insert(404);
    }
    if doc.body.is_some() {
        statuses.extend([413, 415, 422]);
    }
    if !doc.query.is_empty() || doc.is_idempotent || doc.tags != EntityTags::Unused {
        statuses.insert(422);
    }
    if doc.tags == EntityTags::Asked {
        statuses.insert(412);
    }
    statuses
}

fn path_parameters(path: &str) -> Vec<Parameter> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    names.map(path_parameter).collect()
}

fn path_parameter(name: &str) -> Parameter {
    let known = PATH_PARAMETERS.iter().find(|(known, ..)| *known == name);
    let (description, example) = known.map_or(("", ""), |(_, description, example)| (*description, *example));
    let pattern = format!("^[A-Za-z0-9_.-]{{1,{NAME_CHARS_MAX}}}$");
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(text().pattern(Some(pattern))))
        .example(Some(Value::from(example)))
        .build()
}

fn idempotency_key() -> Parameter {
    ParameterBuilder::new()
        .name("idempotency-key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Your name for this request: repeated with it, the request does its work once. A repeat is answered with what was \
             made, as it is now: not found, when it is gone."))
        .schema(Some(text().pattern(Some(format!("^[!-~]{{1,{IDEMPOTENCY_KEY_BYTES_MAX}}}$")))))
        .example(Some(json!("order-1234")))
        .build()
}

fn entity_tags(tags: EntityTags) -> Vec<Parameter> {
    let header = |name: &str, description: &str| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(text().pattern(Some(TAGS_PATTERN))))
            .build()
    };
    match tags {
        EntityTags::Unused => Vec::new(),
        EntityTags::Shown => vec![header("if-none-match", "Entity tags of states that you have already, or `*`.")],
        EntityTags::Asked => vec![
            header("if-match", "Only when it is in one of these states, named by entity tags; `*`: when it is there."),
            header("if-none-match", "Only when it is in none of these states; `*`: when it is not there."),
        ],
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}

fn media_type(content: &Content) -> MediaType {
    ContentBuilder::new().schema(Some(content.schema.clone())).example(content.example.clone()).build()
}

fn request_body(content: &Content) -> RequestBody {
    RequestBodyBuilder::new().required(Some(Required::True)).content(content.media_type, media_type(content)).build()
}

fn response(answer: &AnswerDoc) -> Response {
    let response = ResponseBuilder::new().description(answer.description);
    match &answer.content {
        Some(content) => response.content(content.media_type, media_type(content)).build(),
        None => response.build(),
    }
}

fn responses(doc: &OperationDoc, refusals: &BTreeSet<u16>) -> Responses {
    let mut responses = ResponsesBuilder::new();
    for answer in &doc.answers {
        responses = responses.response(answer.status.to_string(), response(answer));
    }
    if doc.tags == EntityTags::Shown {
        responses = responses.response("304", ResponseBuilder::new().description(UNCHANGED));
    }
    for status in refusals {
        if let Some(refusal) = errors::response_of(*status) {
            responses = responses.response(status.to_string(), refusal);
        }
    }
    responses.build()
}
