//! The newest 2.x of the SDK, as the steps name it.

use std::collections::BTreeSet;

pub(super) use svix as sdk;

use sdk::api::Svix;
use sdk::error::Result;
use sdk::models::{
    ApplicationIn, ApplicationOut, EndpointHeadersIn, EndpointOut, EndpointSecretRotateIn, EndpointUpsertIn,
    EventTypeIn, OperationalWebhookEndpointHeadersIn, OperationalWebhookEndpointOut,
    OperationalWebhookEndpointUpsertIn,
};

#[path = "steps/mod.rs"]
mod steps;

type EndpointPut = EndpointUpsertIn;
type OperationalPut = OperationalWebhookEndpointUpsertIn;

fn event_type(name: &str, description: &str) -> EventTypeIn {
    EventTypeIn::new(name.to_owned(), description.to_owned())
}

/// The field of what asks for an endpoint, or shows one, that says which event types it gets.
macro_rules! event_types_of {
    ($endpoint:expr) => {
        $endpoint.event_types
    };
}
use event_types_of;

/// What that field holds.
type EventTypes = BTreeSet<String>;

async fn put_application(svix: &Svix, application: String, new: ApplicationIn) -> Result<ApplicationOut> {
    svix.application().upsert(application, new).await
}

async fn put_endpoint(svix: &Svix, application: String, endpoint: String, new: EndpointPut) -> Result<EndpointOut> {
    svix.endpoint().upsert(application, endpoint, new).await
}

async fn put_headers(svix: &Svix, application: String, endpoint: String, new: EndpointHeadersIn) -> Result<()> {
    svix.endpoint().set_headers(application, endpoint, new).await
}

/// The new secret, which this generation reads from the answer.
async fn rotate_secret(svix: &Svix, application: String, endpoint: String) -> Result<Option<String>> {
    let answer = svix.endpoint().rotate_secret(application, endpoint, EndpointSecretRotateIn::new(), None).await?;
    Ok(Some(answer.key))
}

async fn put_operational(svix: &Svix, endpoint: String, new: OperationalPut) -> Result<OperationalWebhookEndpointOut> {
    svix.operational_webhook().endpoint().upsert(endpoint, new).await
}

async fn put_operational_headers(
    svix: &Svix,
    endpoint: String,
    new: OperationalWebhookEndpointHeadersIn,
) -> Result<()> {
    svix.operational_webhook().endpoint().set_headers(endpoint, new).await
}
