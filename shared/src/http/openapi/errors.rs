//! What is answered when a request is refused, once for all operations.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};

use super::values::Collected;
use crate::http::problem::{ErrorOut, ValidationErrorOut};

/// One way in which requests are refused.
struct Refused {
    status: u16,
    /// Its name among the components.
    name: &'static str,
    description: &'static str,
    code: &'static str,
    detail: &'static str,
    /// A header that comes with it, and what it says.
    header: Option<(&'static str, &'static str)>,
}

const VALIDATION: u16 = 422;

#[rustfmt::skip]
const REFUSED: [Refused; 12] = [
    Refused { status: 400, name: "BadRequest", code: "limit_reached", detail: "an endpoint may have 50 headers", header: None,
        description: "A named limit is reached (`limit_reached`), or what was asked cannot be done; `code` tells them apart." },
    Refused { status: 401, name: "Unauthenticated", code: "authentication_failed", detail: "the bearer token is not valid",
        header: Some(("www-authenticate", "`Bearer`.")),
        description: "The token is missing, malformed, expired, called back or signed by somebody else." },
    Refused { status: 403, name: "Forbidden", code: "forbidden", detail: "this token does not allow that", header: None,
        description: "A portal's token, and not good for this." },
    Refused { status: 404, name: "NotFound", code: "not_found", detail: "Entity not found", header: None,
        description: "There is no such thing, or it is somebody else's." },
    Refused { status: 409, name: "Conflict", code: "conflict", detail: "this uid is taken", header: None,
        description: "A name is taken (`conflict`, `event_type_exists`), or the idempotency key was used for another request." },
    Refused { status: 412, name: "PreconditionFailed", code: "precondition_failed",
        detail: "it was changed meanwhile, or is not there: read it again", header: None,
        description: "It is not in the state that `if-match` or `if-none-match` asks for." },
    Refused { status: 413, name: "TooLarge", code: "payload_too_large", detail: "the body must not be larger than 1114112 bytes",
        header: None, description: "The body is too large." },
    Refused { status: 415, name: "NotJson", code: "unsupported_media_type",
        detail: "the body must be sent as content-type: application/json", header: None,
        description: "The body is not declared as JSON." },
    Refused { status: VALIDATION, name: "Invalid", code: "", detail: "", header: None,
        description: "A value breaks its rule; `loc` says where it stands." },
    Refused { status: 429, name: "TooManyRequests", code: "rate_limited", detail: "too many requests; the next is taken in 7 s",
        header: Some(("retry-after", "After how many seconds there is room again.")),
        description: "The organization, or this token, made more requests than its limit; `ratelimit-policy` and `ratelimit` say which." },
    Refused { status: 500, name: "Failed", code: "internal_error", detail: "the request could not be completed", header: None,
        description: "A failure of the gateway's that waiting does not help." },
    Refused { status: 503, name: "Unavailable", code: "unavailable", detail: "not done; repeat the request in a moment",
        header: Some(("retry-after", "After how many seconds the same request may succeed.")),
        description: "Nothing was done; the same request may succeed in a moment." },
];

/// The shared responses by name.
pub(super) fn responses() -> BTreeMap<String, RefOr<Response>> {
    REFUSED.iter().map(|refused| (refused.name.to_owned(), RefOr::T(response(refused)))).collect()
}

/// The response for a status, as operations name it.
///
/// None: nothing is refused with this status.
pub(super) fn response_of(status: u16) -> Option<RefOr<Response>> {
    let refused = REFUSED.iter().find(|refused| refused.status == status)?;
    Some(RefOr::Ref(Ref::from_response_name(refused.name)))
}

/// The schemas that the shared responses name.
pub(super) fn collect(schemas: &mut Collected) {
    schemas.push((ErrorOut::name().into_owned(), ErrorOut::schema()));
    schemas.push((ValidationErrorOut::name().into_owned(), ValidationErrorOut::schema()));
    ValidationErrorOut::schemas(schemas);
}

fn response(refused: &Refused) -> Response {
    let (schema, example) = match refused.status {
        VALIDATION => (ValidationErrorOut::name(), validation_example()),
        _ => (ErrorOut::name(), json!({ "code": refused.code, "detail": refused.detail })),
    };
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).example(Some(example)).build();
    let response = ResponseBuilder::new().description(refused.description).content("application/json", content);
    match refused.header {
        None => response.build(),
        Some((name, text)) => {
            response.header(name, HeaderBuilder::new().schema(String::schema()).description(Some(text)).build()).build()
        }
    }
}

fn validation_example() -> Value {
    json!({ "detail": [{ "loc": ["body", "name"], "msg": "must be 1 to 256 bytes long", "type": "value_error" }] })
}
