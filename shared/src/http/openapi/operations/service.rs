//! The gateway itself: whether it works, and its document.

use serde_json::json;

use super::super::op::{OperationDoc, op};
use super::super::values::Document;

pub(super) fn operations() -> Vec<OperationDoc> {
    vec![
        op("health.get", "Ask whether the gateway works").answers_nothing("Table and queue answer.").errors(&[503]),
        op("health.head", "Ask whether the gateway works, without a body")
            .answers_nothing("Table and queue answer.")
            .errors(&[503]),
        op("health.ping", "Ask whether the gateway is there").answers_nothing("It is."),
        op("health.ping-head", "Ask whether the gateway is there, without a body").answers_nothing("It is."),
        op("openapi.get", "Get this document").answers::<Document>(
            200,
            json!({ "openapi": "3.1.0", "info": { "title": "Fanfare", "version": "0.1.0" }, "paths": {} }),
        ),
        op("docs.get", "Read this document as a page").answers_text("text/html"),
    ]
}
