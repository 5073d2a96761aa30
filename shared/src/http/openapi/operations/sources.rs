//! Sources of inbound webhooks, and their address.

use serde_json::{Value, json};

use super::super::op::{OperationDoc, op, page};
use super::{APPLICATION, INSTANT, SOURCE, page_of};
use crate::http::query::PageOut;
use crate::http::wire::source::{SourceIn, SourceOut, SourcePatchIn, SourceSecretOut, SourceSecretRotateIn};

const SECRET: &str = "whsec_5f1c0e9bd3a24c7f8e6d1b20";

fn taken() -> Value {
    json!({
        "name": "Payments", "uid": "stripe", "provider": { "kind": "stripe" }, "appId": "acme", "secret": SECRET,
        "eventTypes": { "prefix": "billing.", "ignore": ["charge.updated"] },
    })
}

fn shown() -> Value {
    json!({
        "id": SOURCE, "uid": "stripe", "name": "Payments", "provider": { "kind": "stripe" }, "appId": APPLICATION,
        "eventTypes": { "prefix": "billing.", "ignore": ["charge.updated"] }, "forwardHeaders": [], "disabled": false,
        "ingestUrl": format!("https://hooks.example.com/in/{SOURCE}/Ab3…"), "createdAt": INSTANT, "updatedAt": INSTANT,
    })
}

pub(super) fn operations() -> Vec<OperationDoc> {
    let mut all = of_sources();
    all.extend(of_secrets());
    all.push(
        op("source.receive", "Take a provider's webhook")
            .describe(
                "What the provider calls: `ingestUrl` of the source. It takes any body of up to 1 MiB, verifies it by the \
                 provider's own scheme, and answers as that provider wants it, once the events are accepted. A source that is \
                 disabled, one of another token, and one that is not there look the same.",
            )
            .answers_text("*/*")
            .errors(&[400, 401, 413, 415, 422, 500, 503]),
    );
    all
}

fn of_sources() -> Vec<OperationDoc> {
    vec![
        op("source.list", "List sources")
            .tagged()
            .query(page("Which end comes first; the newest, unless said otherwise."))
            .answers::<PageOut<SourceOut>>(200, page_of(shown(), SOURCE)),
        op("source.create", "Create a source")
            .describe("What its provider sends to `ingestUrl` becomes messages of the application.")
            .body::<SourceIn>(taken())
            .idempotent()
            .answers::<SourceOut>(201, shown())
            .errors(&[400, 409]),
        op("source.get", "Get a source").tagged().answers::<SourceOut>(200, shown()),
        op("source.update", "Replace a source, or create it")
            .conditional()
            .describe(
                "Named by a uid that nobody has, it is created with that uid. The secret and the address of one that is there \
                 stay as they are.",
            )
            .body::<SourceIn>(taken())
            .answers::<SourceOut>(200, shown())
            .also(201, "Made.")
            .errors(&[400, 409]),
        op("source.patch", "Change a source")
            .conditional()
            .body::<SourcePatchIn>(json!({ "disabled": true }))
            .answers::<SourceOut>(200, shown())
            .errors(&[409]),
        op("source.delete", "Delete a source")
            .conditional()
            .answers_nothing("It is gone, and its address is nobody's; its uid is free again."),
    ]
}

fn of_secrets() -> Vec<OperationDoc> {
    vec![
        op("source.get-secret", "Get what a source's requests are verified with")
            .answers::<SourceSecretOut>(200, json!({ "key": SECRET })),
        op("source.rotate-secret", "Rotate a source's secret")
            .describe(
                "Requests that are signed with the old secret are taken for a while longer, so that the provider can switch.",
            )
            .body::<SourceSecretRotateIn>(json!({ "key": SECRET, "gracePeriodSeconds": 86_400 }))
            .idempotent()
            .answers::<SourceSecretOut>(200, json!({ "key": SECRET }))
            .errors(&[400, 409]),
        op("source.rotate-token", "Give a source another address")
            .describe("The old address is nobody's at once: for when somebody knows it who should not.")
            .idempotent()
            .answers::<SourceOut>(200, shown())
            .errors(&[409]),
    ]
}
