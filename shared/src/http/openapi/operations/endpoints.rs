//! Endpoints, their headers and secrets.

use serde_json::{Value, json};

use super::super::op::{OperationDoc, op, page};
use super::{ENDPOINT, INSTANT, page_of};
use crate::http::query::PageOut;
use crate::http::wire::endpoint::{
    EndpointHeadersIn, EndpointHeadersOut, EndpointHeadersPatchIn, EndpointIn, EndpointOut, EndpointPatchIn,
    EndpointSecretOut, EndpointSecretRotateIn,
};

const URL: &str = "https://example.com/webhooks";
pub(super) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

pub(super) fn taken() -> Value {
    json!({
        "url": URL, "uid": "billing", "description": "Billing", "eventTypes": ["invoice.paid"],
        "channels": ["project:123"], "throttleRate": 50, "metadata": { "team": "billing" },
    })
}

pub(super) fn shown() -> Value {
    json!({
        "id": ENDPOINT, "uid": "billing", "url": URL, "description": "Billing", "eventTypes": ["invoice.paid"],
        "filterTypes": ["invoice.paid"], "channels": ["project:123"], "disabled": false, "throttleRate": 50,
        "rateLimit": 50, "metadata": { "team": "billing" }, "version": 1, "retrySchedule": [5, 300, 1_800],
        "ordered": false, "createdAt": INSTANT, "updatedAt": INSTANT,
    })
}

pub(super) fn operations() -> Vec<OperationDoc> {
    let mut all = of_endpoints();
    all.extend(of_secrets());
    all.extend(of_headers());
    all
}

fn of_endpoints() -> Vec<OperationDoc> {
    vec![
        op("endpoint.list", "List an application's endpoints").tagged()
            .query(page("Which end comes first; the newest, unless said otherwise."))
            .answers::<PageOut<EndpointOut>>(200, page_of(shown(), ENDPOINT)),
        op("endpoint.create", "Create an endpoint")
            .describe("It gets the messages that are accepted from now on.")
            .body::<EndpointIn>(taken())
            .idempotent()
            .answers::<EndpointOut>(201, shown())
            .errors(&[400, 409]),
        op("endpoint.get", "Get an endpoint").tagged().answers::<EndpointOut>(200, shown()),
        op("endpoint.update", "Replace an endpoint, or create it").conditional()
            .describe(
                "Named by a uid that nobody has, it is created with that uid. The secret and the headers of one that is \
                 there stay as they are.",
            )
            .body::<EndpointIn>(taken())
            .answers::<EndpointOut>(200, shown())
            .also(201, "Made.")
            .errors(&[400, 409]),
        op("endpoint.patch", "Change an endpoint").conditional()
            .body::<EndpointPatchIn>(json!({ "disabled": true, "eventTypes": null }))
            .answers::<EndpointOut>(200, shown())
            .errors(&[409]),
        op("endpoint.delete", "Delete an endpoint").conditional()
            .answers_nothing("It is gone; deliveries to it that are on their way end."),
    ]
}

fn of_secrets() -> Vec<OperationDoc> {
    vec![
        op("endpoint.get-secret", "Get what an endpoint's deliveries are verified with")
            .answers::<EndpointSecretOut>(200, json!({ "key": SECRET })),
        op("endpoint.rotate-secret", "Rotate an endpoint's secret")
            .describe(
                "The old secret goes on signing next to the new one for a while, so that the receiver can switch.",
            )
            .body::<EndpointSecretRotateIn>(json!({ "gracePeriodSeconds": 86_400 }))
            .idempotent()
            .answers::<EndpointSecretOut>(200, json!({ "key": SECRET }))
            .errors(&[400, 409]),
    ]
}

fn of_headers() -> Vec<OperationDoc> {
    vec![
        op("endpoint.get-headers", "Get an endpoint's headers").tagged().answers::<EndpointHeadersOut>(
            200,
            json!({ "headers": { "x-team": "billing" }, "sensitive": ["authorization"] }),
        ),
        op("endpoint.update-headers", "Replace an endpoint's headers")
            .conditional()
            .body::<EndpointHeadersIn>(json!({ "headers": { "x-team": "billing", "authorization": "Bearer 123" } }))
            .answers_nothing("Deliveries carry these headers from now on, and no others."),
        op("endpoint.patch-headers", "Change some of an endpoint's headers")
            .conditional()
            .body::<EndpointHeadersPatchIn>(json!({ "headers": { "x-team": "sales" }, "deleteHeaders": ["x-old"] }))
            .answers_nothing("Deliveries carry the changed headers from now on.")
            .errors(&[400]),
    ]
}
