//! The audit log.

use serde_json::{Value, json};

use super::super::op::{BY_TIME, OperationDoc, one, op, page, times};
use super::{APPLICATION, ENDPOINT, INSTANT, page_of};
use crate::domain::audit::Operation;
use crate::domain::ids::ApplicationId;
use crate::http::openapi::values::ThingName;
use crate::http::query::PageOut;
use crate::http::wire::audit::ChangeOut;

const CHANGE: &str = "audit_1srOrx2ZWZBpBUvZwXKQmoEYga2";

fn shown() -> Value {
    json!({
        "id": CHANGE, "timestamp": INSTANT, "actor": { "kind": "identity", "id": "jo@example.com" },
        "operation": "endpoint.update", "thing": ENDPOINT, "appId": APPLICATION, "requestId": "req_1srOrx2ZWZBpBUvZwXKQmoEYga2",
        "changes": [
            { "field": "description", "before": "Shop", "after": "Shop, new", "secret": false },
            { "field": "secret", "secret": true },
        ],
    })
}

pub(super) fn operations() -> Vec<OperationDoc> {
    vec![
        op("audit-log.list", "List changes of the configuration")
            .describe(
                "Who changed what, when, and from what to what. Of secrets, tokens, values of headers and of metadata it says only that \
                 they changed. A record is kept for a year, or as long as the gateway is set up to.",
            )
            .query([
                one::<Operation>("operation", "Only what was done so."),
                one::<ThingName>("thing", "Only changes of what has this identifier or name."),
                one::<ApplicationId>("app_id", "Only what belongs to this application, and the application itself."),
            ])
            .query(times())
            .query(page(BY_TIME))
            .answers::<PageOut<ChangeOut>>(200, page_of(shown(), CHANGE)),
    ]
}
