//! The organization's own endpoints, which hear of what happens to those of its applications; and public keys.

use serde_json::{Value, json};

use super::super::op::{OperationDoc, op, page};
use super::endpoints::{SECRET, shown, taken};
use super::{ENDPOINT, page_of};
use crate::http::query::PageOut;
use crate::http::wire::endpoint::{
    EndpointHeadersIn, EndpointHeadersOut, EndpointIn, EndpointOut, EndpointSecretOut, EndpointSecretRotateIn,
};
use crate::http::wire::jwks::JwksOut;

/// What such an endpoint gets.
const TOLD: &str = "It gets what happens to your endpoints and messages, signed and retried like any message: `endpoint.created`, \
    `endpoint.updated` (any change, headers and secret included), `endpoint.disabled`, `endpoint.enabled`, `endpoint.deleted`, \
    `message.attempt.failing` (the fourth attempt failed), `message.attempt.recovered`, `message.attempt.exhausted` and \
    `message.dead_lettered`; all of them when it names no event types. The body has `type` and `data`: `appId`, `endpointId`, \
    and with messages `msgId` and `lastAttempt`; `failSince` and `trigger` (`manual` or `automatic`) when an endpoint was \
    disabled; your own identifiers where they are at hand.";

/// An endpoint of the organization's own, as it is taken or shown.
fn own(mut endpoint: Value) -> Value {
    let types = json!(["endpoint.disabled", "message.attempt.exhausted"]);
    for name in ["eventTypes", "filterTypes"] {
        if endpoint.get(name).is_some() {
            endpoint[name] = types.clone();
        }
    }
    endpoint
}

pub(super) fn operations() -> Vec<OperationDoc> {
    let mut all = of_endpoints();
    all.extend(of_secrets_and_headers());
    all
}

fn of_endpoints() -> Vec<OperationDoc> {
    vec![
        op("operational-webhook-endpoint.list", "List your own endpoints")
            .query(page("Which end comes first; the newest, unless said otherwise."))
            .answers::<PageOut<EndpointOut>>(200, page_of(own(shown()), ENDPOINT)),
        op("operational-webhook-endpoint.create", "Create an endpoint of your own")
            .describe(TOLD)
            .body::<EndpointIn>(own(taken()))
            .idempotent()
            .answers::<EndpointOut>(201, own(shown()))
            .errors(&[400, 409]),
        op("operational-webhook-endpoint.get", "Get an endpoint of your own").answers::<EndpointOut>(200, own(shown())),
        op("operational-webhook-endpoint.update", "Replace an endpoint of your own, or create it")
            .conditional()
            .describe("Named by a uid that nobody has, it is created with that uid.")
            .body::<EndpointIn>(own(taken()))
            .answers::<EndpointOut>(200, own(shown()))
            .also(201, "Made.")
            .errors(&[400, 409]),
        op("operational-webhook-endpoint.delete", "Delete an endpoint of your own")
            .conditional()
            .answers_nothing("It is gone."),
    ]
}

fn of_secrets_and_headers() -> Vec<OperationDoc> {
    let key = json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "use": "sig", "alg": "EdDSA",
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    });
    vec![
        op(
            "operational-webhook-endpoint.get-secret",
            "Get what deliveries to an endpoint of your own are verified with",
        )
        .answers::<EndpointSecretOut>(200, json!({ "key": SECRET })),
        op("operational-webhook-endpoint.rotate-secret", "Rotate the secret of an endpoint of your own")
            .body::<EndpointSecretRotateIn>(json!({ "gracePeriodSeconds": 86_400 }))
            .idempotent()
            .answers::<EndpointSecretOut>(200, json!({ "key": SECRET }))
            .errors(&[400, 409]),
        op("operational-webhook-endpoint.get-headers", "Get the headers of an endpoint of your own")
            .answers::<EndpointHeadersOut>(200, json!({ "headers": { "x-team": "ops" }, "sensitive": [] })),
        op("operational-webhook-endpoint.update-headers", "Replace the headers of an endpoint of your own")
            .conditional()
            .body::<EndpointHeadersIn>(json!({ "headers": { "x-team": "ops" } }))
            .answers_nothing("Deliveries carry these headers from now on, and no others."),
        op("application.jwks", "Get the public keys that an application's deliveries are verified with")
            .tagged()
            .describe("Those of endpoints that sign with `v1a`. The application is named by its id only.")
            .answers::<JwksOut>(200, json!({ "keys": [key] }))
            .errors(&[500, 503]),
    ]
}
