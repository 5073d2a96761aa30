//! Endpoints over HTTP: of the application a path names, and, under a path that names none, the organization's own for
//! operational webhooks.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use fanfare::domain::endpoint::Endpoint;
use fanfare::domain::ids::{EndpointId, OrganizationId};
use fanfare::domain::page::Order;
use fanfare::flows::CreationKey;
use fanfare::flows::configure::{Configure, EndpointName, Saved};
use fanfare::http::body::ok;
use fanfare::http::etag::tagged;
use fanfare::http::query::PageOut;
use fanfare::http::wire::endpoint::{
    EndpointHeadersIn, EndpointHeadersOut, EndpointHeadersPatchIn, EndpointIn, EndpointOut, EndpointPatchIn,
    EndpointSecretOut, EndpointSecretRotateIn,
};
use fanfare::http::{Caller, Conditions, Json, Problem, Query, Segments, path};
use fanfare::store::ApplicationRef;
use lambda_http::http::StatusCode;
use lambda_http::http::request::Parts;

use crate::Door;

/// Whose endpoints a path is about.
pub(crate) struct Owner(OrganizationId, ApplicationRef);

impl FromRequestParts<Door> for Owner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, door).await?;
        let Segments(path) = Segments::<HashMap<String, String>>::from_request_parts(parts, door).await?;
        let application = match path.get("app_id") {
            Some(app_id) => caller.application(app_id)?,
            None => door.configure.operational_application(&caller.organization).await?,
        };
        Ok(Self(caller.organization, application))
    }
}

/// The endpoint a path names, in the caller's organization.
pub(crate) struct Named(EndpointName);

impl FromRequestParts<Door> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let Segments(path) = Segments::<HashMap<String, String>>::from_request_parts(parts, door).await?;
        let Owner(organization, application) = Owner::from_request_parts(parts, door).await?;
        let endpoint = path::endpoint(path.get("endpoint_id").map_or("", String::as_str))?;
        Ok(Self(EndpointName { organization, application, endpoint }))
    }
}

pub(crate) async fn list(
    State(configure): State<Configure>,
    Owner(organization, application): Owner,
    query: Query,
) -> Result<Response, Problem> {
    let request = query.page(Order::Descending, EndpointId::parse)?;
    let page = configure.list_endpoints(&organization, &application, &request).await?;
    Ok(ok(&PageOut::new(page, EndpointOut::from)))
}

pub(crate) async fn create(
    State(configure): State<Configure>,
    caller: Caller,
    Owner(_, application): Owner,
    body: Json<EndpointIn>,
) -> Result<Response, Problem> {
    let (key, new) = (CreationKey::of(&body.idempotency_key, &body.bytes), body.value.into_new()?);
    let endpoint = configure.create_endpoint(&caller.author(), &application, new, key).await?;
    Ok(shown(StatusCode::CREATED, endpoint))
}

pub(crate) async fn get(State(configure): State<Configure>, Named(endpoint): Named) -> Result<Response, Problem> {
    let endpoint = configure.endpoint(&endpoint).await?;
    Ok(shown(StatusCode::OK, endpoint))
}

pub(crate) async fn put(
    State(configure): State<Configure>,
    caller: Caller,
    Named(endpoint): Named,
    Conditions(precondition): Conditions,
    body: Json<EndpointIn>,
) -> Result<Response, Problem> {
    let draft = body.value.into_new()?.draft;
    Ok(match configure.put_endpoint(&caller.author(), &endpoint, draft, &precondition).await? {
        Saved::Created(endpoint) => shown(StatusCode::CREATED, endpoint),
        Saved::Existing(endpoint) => shown(StatusCode::OK, endpoint),
    })
}

pub(crate) async fn patch(
    State(configure): State<Configure>,
    caller: Caller,
    Named(endpoint): Named,
    Conditions(precondition): Conditions,
    body: Json<EndpointPatchIn>,
) -> Result<Response, Problem> {
    let patch = body.value.into_patch()?;
    let endpoint = configure.patch_endpoint(&caller.author(), &endpoint, patch, &precondition).await?;
    Ok(shown(StatusCode::OK, endpoint))
}

pub(crate) async fn delete(
    State(configure): State<Configure>,
    caller: Caller,
    Named(endpoint): Named,
    Conditions(precondition): Conditions,
) -> Result<StatusCode, Problem> {
    configure.delete_endpoint(&caller.author(), &endpoint, &precondition).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn get_secret(
    State(configure): State<Configure>,
    Named(endpoint): Named,
) -> Result<Response, Problem> {
    let endpoint = configure.endpoint(&endpoint).await?;
    Ok(ok(&EndpointSecretOut::from(&endpoint)))
}

/// The older SDKs expect no body here, the newer ones the new secret; both read this.
pub(crate) async fn rotate_secret(
    State(configure): State<Configure>,
    caller: Caller,
    Named(endpoint): Named,
    body: Json<EndpointSecretRotateIn>,
) -> Result<Response, Problem> {
    let (key, rotation) = (CreationKey::of(&body.idempotency_key, &body.bytes), body.value.into_rotation()?);
    let rotated = configure.rotate_secret(&caller.author(), &endpoint, rotation, key).await?;
    Ok(ok(&EndpointSecretOut::from(&rotated)))
}

pub(crate) async fn get_headers(
    State(configure): State<Configure>,
    Named(endpoint): Named,
) -> Result<Response, Problem> {
    let endpoint = configure.endpoint(&endpoint).await?;
    Ok(tagged(StatusCode::OK, &endpoint.revision(), &EndpointHeadersOut::from(&endpoint)))
}

pub(crate) async fn put_headers(
    State(configure): State<Configure>,
    caller: Caller,
    Named(endpoint): Named,
    Conditions(precondition): Conditions,
    body: Json<EndpointHeadersIn>,
) -> Result<StatusCode, Problem> {
    let headers = body.value.into_headers()?;
    configure.put_headers(&caller.author(), &endpoint, headers, &precondition).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn patch_headers(
    State(configure): State<Configure>,
    caller: Caller,
    Named(endpoint): Named,
    Conditions(precondition): Conditions,
    body: Json<EndpointHeadersPatchIn>,
) -> Result<StatusCode, Problem> {
    let (set, remove) = body.value.into_changes()?;
    configure.patch_headers(&caller.author(), &endpoint, set, remove, &precondition).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(status: StatusCode, endpoint: Endpoint) -> Response {
    let revision = endpoint.revision();
    tagged(status, &revision, &EndpointOut::from(endpoint))
}
