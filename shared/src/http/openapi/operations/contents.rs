//! Removing payloads and answers; what was delivered stays on record.

use serde_json::json;

use super::super::op::{OperationDoc, op};
use super::{INSTANT, MESSAGE, TASK};
use crate::http::wire::background::TaskOut;
use crate::http::wire::expunge::{BulkExpungeContentsIn, BulkExpungeContentsOut};

pub(super) fn operations() -> Vec<OperationDoc> {
    let task = json!({ "id": TASK, "status": "running", "task": "application.purge_content", "updatedAt": INSTANT });
    vec![
        op("message.expunge-content", "Remove a message's payload")
            .answers_nothing("The payload is gone; the message is not, but cannot be sent any more."),
        op("message.bulk-expunge-content", "Remove the payloads of many messages")
            .body::<BulkExpungeContentsIn>(json!({ "ids": [MESSAGE, "unknown"] }))
            .answers::<BulkExpungeContentsOut>(
                200,
                json!({ "results": { MESSAGE: "expunged", "unknown": "not-found" } }),
            ),
        op("message.expunge-all-contents", "Remove the payloads of all of an application's messages")
            .describe("In the background; what is accepted from now on keeps its payload.")
            .idempotent()
            .answers::<TaskOut>(202, task)
            .errors(&[409]),
        op("message-attempt.expunge-content", "Remove the receiver's answer to an attempt")
            .answers_nothing("The answer is gone; how the attempt ended is not."),
    ]
}
