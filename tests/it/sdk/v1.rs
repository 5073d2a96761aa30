//! The last 1.x of the SDK, as the steps name it.

pub(super) use svix_1 as sdk;

use sdk::api::Svix;
use sdk::error::Result;
use sdk::models::{
    ApplicationIn, ApplicationOut, EndpointHeadersIn, EndpointOut, EndpointSecretRotateIn, EndpointUpdate, EventTypeIn,
    OperationalWebhookEndpointHeadersIn, OperationalWebhookEndpointOut, OperationalWebhookEndpointUpdate,
};

#[path = "steps/mod.rs"]
mod steps;

type EndpointPut = EndpointUpdate;
type OperationalPut = OperationalWebhookEndpointUpdate;

fn event_type(name: &str, description: &str) -> EventTypeIn {
    // The other way round than in 2.x.
    EventTypeIn::new(description.to_owned(), name.to_owned())
}

/// The field of what asks for an endpoint, or shows one, that says which event types it gets.
macro_rules! event_types_of {
    ($endpoint:expr) => {
        $endpoint.filter_types
    };
}
use event_types_of;

/// What that field holds.
type EventTypes = Vec<String>;

async fn put_application(svix: &Svix, application: String, new: ApplicationIn) -> Result<ApplicationOut> {
    svix.application().update(application, new).await
}

async fn put_endpoint(svix: &Svix, application: String, endpoint: String, new: EndpointPut) -> Result<EndpointOut> {
    svix.endpoint().update(application, endpoint, new).await
}

async fn put_headers(svix: &Svix, application: String, endpoint: String, new: EndpointHeadersIn) -> Result<()> {
    svix.endpoint().update_headers(application, endpoint, new).await
}

/// This generation does not read the new secret from the answer.
async fn rotate_secret(svix: &Svix, application: String, endpoint: String) -> Result<Option<String>> {
    svix.endpoint().rotate_secret(application, endpoint, EndpointSecretRotateIn::new(), None).await?;
    Ok(None)
}

async fn put_operational(svix: &Svix, endpoint: String, new: OperationalPut) -> Result<OperationalWebhookEndpointOut> {
    svix.operational_webhook().endpoint().update(endpoint, new).await
}

async fn put_operational_headers(
    svix: &Svix,
    endpoint: String,
    new: OperationalWebhookEndpointHeadersIn,
) -> Result<()> {
    svix.operational_webhook().endpoint().update_headers(endpoint, new).await
}
