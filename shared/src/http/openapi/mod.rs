//! The API's document (OpenAPI 3.1) and the page that shows it.
//!
//! The document is put together from the code: paths, methods and callers from the route table ([`super::routes::ROUTES`]),
//! schemas from the wire types, and the words from one entry for each operation ([`operations`]). A test names the routes
//! that have no entry. It is built once per process, when somebody asks for it first.

mod errors;
mod op;
mod operations;
mod page;
mod paths;
mod provider;
mod tags;
pub mod values;

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, ServerBuilder};

use super::Problem;
pub use page::page;
use values::Collected;

/// What bearer tokens are called in the document.
const BEARER: &str = "bearer";

/// For how long caches may keep document and page: a deployment changes them.
const CACHE_CONTROL: &str = "public, max-age=300";

const DESCRIPTION: &str = "\
Fanfare accepts messages, delivers them signed to the endpoints that want them, retries what fails, and shows what happened. \
The API is that of Svix v1: its official SDKs work unmodified when their server URL is this gateway.\n\n\
Whatever has a `uid` is found under it as well as under its id. Parameters and fields that are not known are ignored. A \
`POST` that makes something may carry an `idempotency-key`: a repeat with the same key does its work once.";

/// The operations that have an entry. Each should be in the route table, and each of the route table here.
pub fn documented() -> Vec<&'static str> {
    operations::all().iter().map(|operation| operation.id).collect()
}

/// The document.
pub fn document() -> OpenApi {
    let operations = operations::all();
    let (mut schemas, bearer) = (Collected::new(), HttpBuilder::new().scheme(HttpAuthScheme::Bearer));
    errors::collect(&mut schemas);
    let paths = paths::paths(&operations, &mut schemas);
    let bearer = bearer.bearer_format("JWT").description(Some(
        "A token of the organization, which may do everything in it; or of a portal, which is good for one application \
         within the portal's capabilities.",
    ));
    schemas.sort_by(|(a, _), (b, _)| a.cmp(b));
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .responses_from_iter(errors::responses())
        .security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Fanfare")
        .description(Some(DESCRIPTION))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(license));
    OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .tags(Some(tags::used_by(&operations)))
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

static JSON: LazyLock<Option<Bytes>> = LazyLock::new(|| match serde_json::to_vec(&document()) {
    Ok(json) => Some(json.into()),
    Err(error) => {
        tracing::error!(%error, "the API's document could not be encoded");
        None
    }
});

/// The document as an answer.
pub fn json() -> Result<Response, Problem> {
    let json = JSON.clone().ok_or(Problem::Internal)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static(CACHE_CONTROL)),
    ];
    Ok((headers, json).into_response())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_name_stands_for_one_schema() {
        let mut schemas = Collected::new();
        errors::collect(&mut schemas);
        paths::paths(&operations::all(), &mut schemas);
        let mut seen = HashMap::new();
        for (name, schema) in schemas {
            let schema = serde_json::to_value(schema).unwrap();
            let first = seen.entry(name.clone()).or_insert_with(|| schema.clone());
            assert_eq!(*first, schema, "{name}");
        }
    }
}
