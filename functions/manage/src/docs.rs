//! The API's document, for programs and for people; no token is needed.

use axum::response::Response;
use fanfare::http::{Problem, openapi};

/// OpenAPI 3.1.
pub(crate) async fn document() -> Result<Response, Problem> {
    openapi::json()
}

/// The same as a page.
pub(crate) async fn page() -> Result<Response, Problem> {
    openapi::page()
}
