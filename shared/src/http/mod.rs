//! The API contract: who calls ([`auth`]), what is refused and how that looks ([`problem`]), what comes in and goes out
//! ([`wire`]), how lists are paged ([`query`]), which routes there are ([`routes`]), and the document that tells all of it to
//! others ([`openapi`]).
//!
//! The wire is that of the Svix v1 API, in the superset that both generations of its SDKs read. A handler takes a caller, a
//! path and a body that were checked when they were parsed, asks a flow, and turns its answer into a wire type.

pub mod auth;
pub mod body;
pub mod etag;
pub mod hygiene;
pub mod openapi;
pub mod path;
pub mod problem;
pub mod public_url;
pub mod query;
pub mod rate_limit;
pub mod routes;
pub mod wire;

pub use auth::{Auth, Caller, guarded};
pub use body::Json;
pub use etag::Conditions;
pub use path::Segments;
pub use problem::{FieldError, Problem};
pub use query::Query;
