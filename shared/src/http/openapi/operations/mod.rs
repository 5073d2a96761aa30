//! The words of every operation. To describe one: an entry in the file of its resource, with what it takes and answers.
//!
//! ```text
//! op("endpoint.recover", "Recover an endpoint")
//!     .describe("What the summary leaves open.")
//!     .body::<RecoverIn>(json!({ "since": "2026-11-24T09:30:00Z" }))
//!     .idempotent()
//!     .answers::<RecoverOut>(202, json!({ "id": "…" }))
//!     .errors(&[409])
//! ```
//!
//! Not said here, because it follows from the route: path parameters, callers, and refusals with 401, 403, 404, 500 and 503;
//! with a body also 413, 415 and 422, with query parameters or headers 422.

mod applications;
mod attempts;
mod audit;
mod authentication;
mod contents;
mod deliveries;
mod encryption;
mod endpoints;
mod event_types;
mod imports;
mod messages;
mod operational;
mod service;
mod sources;
mod tasks;

use serde_json::{Value, json};

use super::op::OperationDoc;

/// All of them.
pub(super) fn all() -> Vec<OperationDoc> {
    let resources = [
        applications::operations(),
        event_types::operations(),
        endpoints::operations(),
        messages::operations(),
        attempts::operations(),
        deliveries::operations(),
        contents::operations(),
        imports::operations(),
        tasks::operations(),
        audit::operations(),
        authentication::operations(),
        encryption::operations(),
        operational::operations(),
        sources::operations(),
        service::operations(),
    ];
    resources.into_iter().flatten().collect()
}

const APPLICATION: &str = "app_1srOrx2ZWZBpBUvZwXKQmoEYga2";
const ENDPOINT: &str = "ep_1srOrx2ZWZBpBUvZwXKQmoEYga2";
const MESSAGE: &str = "msg_1srOrx2ZWZBpBUvZwXKQmoEYga2";
const ATTEMPT: &str = "atmpt_1srOrx2ZWZBpBUvZwXKQmoEYga2";
const UNDELIVERED: &str = "und_1srOrx2ZWZBpBUvZwXKQmoEYga2";
const IMPORT: &str = "imp_1srOrx2ZWZBpBUvZwXKQmoEYga2";
const SOURCE: &str = "src_1srOrx2ZWZBpBUvZwXKQmoEYga2";
const TASK: &str = "qtask_1srOrx2ZWZBpBUvZwXKQmoEYga2";
const INSTANT: &str = "2026-11-24T09:30:00Z";

/// A page with this item and nothing behind it.
fn page_of(item: Value, id: &str) -> Value {
    json!({ "data": [item], "iterator": id, "prevIterator": format!("-{id}"), "done": true })
}
