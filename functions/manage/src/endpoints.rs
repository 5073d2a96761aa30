//! Endpoints over HTTP.

use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use fanfare::domain::ids::EndpointId;
use fanfare::domain::page::Order;
use fanfare::flows::configure::{Configure, EndpointName, Saved};
use fanfare::http::body::{answer, ok};
use fanfare::http::query::PageOut;
use fanfare::http::wire::endpoint::{
    EndpointHeadersIn, EndpointHeadersOut, EndpointHeadersPatchIn, EndpointIn, EndpointOut, EndpointPatchIn,
    EndpointSecretOut, EndpointSecretRotateIn,
};
use fanfare::http::{Caller, Json, Problem, Query, Segments, path};
use lambda_http::http::StatusCode;
use lambda_http::http::request::Parts;

use crate::Door;

/// The endpoint a path names, in the caller's organization.
pub(crate) struct Named(EndpointName);

impl FromRequestParts<Door> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, door).await?;
        let Segments((app_id, endpoint_id)) = Segments::<(String, String)>::from_request_parts(parts, door).await?;
        let (application, endpoint) = (caller.application(&app_id)?, path::endpoint(&endpoint_id)?);
        Ok(Self(EndpointName { organization: caller.organization, application, endpoint }))
    }
}

pub(crate) async fn list(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    query: Query,
) -> Result<Response, Problem> {
    let request = query.page(Order::Descending, EndpointId::parse)?;
    let page = configure.list_endpoints(&caller.organization, &caller.application(&app_id)?, &request).await?;
    Ok(ok(&PageOut::new(page, EndpointOut::from)))
}

pub(crate) async fn create(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    body: Json<EndpointIn>,
) -> Result<Response, Problem> {
    let application = caller.application(&app_id)?;
    let (key, new) = (crate::creation_key(&body.idempotency_key, &body.bytes), body.value.into_new()?);
    let endpoint = configure.create_endpoint(&caller.organization, &application, new, key).await?;
    Ok(answer(StatusCode::CREATED, &EndpointOut::from(endpoint)))
}

pub(crate) async fn get(State(configure): State<Configure>, Named(endpoint): Named) -> Result<Response, Problem> {
    let endpoint = configure.endpoint(&endpoint).await?;
    Ok(ok(&EndpointOut::from(endpoint)))
}

pub(crate) async fn put(
    State(configure): State<Configure>,
    Named(endpoint): Named,
    body: Json<EndpointIn>,
) -> Result<Response, Problem> {
    let draft = body.value.into_draft()?;
    Ok(match configure.put_endpoint(&endpoint, draft).await? {
        Saved::Created(endpoint) => answer(StatusCode::CREATED, &EndpointOut::from(endpoint)),
        Saved::Existing(endpoint) => ok(&EndpointOut::from(endpoint)),
    })
}

pub(crate) async fn patch(
    State(configure): State<Configure>,
    Named(endpoint): Named,
    body: Json<EndpointPatchIn>,
) -> Result<Response, Problem> {
    let patch = body.value.into_patch()?;
    let endpoint = configure.patch_endpoint(&endpoint, patch).await?;
    Ok(ok(&EndpointOut::from(endpoint)))
}

pub(crate) async fn delete(State(configure): State<Configure>, Named(endpoint): Named) -> Result<StatusCode, Problem> {
    configure.delete_endpoint(&endpoint).await?;
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
    Named(endpoint): Named,
    body: Json<EndpointSecretRotateIn>,
) -> Result<Response, Problem> {
    let (key, rotation) = (crate::creation_key(&body.idempotency_key, &body.bytes), body.value.into_rotation()?);
    let rotated = configure.rotate_secret(&endpoint, rotation, key).await?;
    Ok(ok(&EndpointSecretOut::from(&rotated)))
}

pub(crate) async fn get_headers(
    State(configure): State<Configure>,
    Named(endpoint): Named,
) -> Result<Response, Problem> {
    let endpoint = configure.endpoint(&endpoint).await?;
    Ok(ok(&EndpointHeadersOut::from(&endpoint)))
}

pub(crate) async fn put_headers(
    State(configure): State<Configure>,
    Named(endpoint): Named,
    body: Json<EndpointHeadersIn>,
) -> Result<StatusCode, Problem> {
    let headers = body.value.into_headers()?;
    configure.put_headers(&endpoint, headers).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn patch_headers(
    State(configure): State<Configure>,
    Named(endpoint): Named,
    body: Json<EndpointHeadersPatchIn>,
) -> Result<StatusCode, Problem> {
    let (set, remove) = body.value.into_changes()?;
    configure.patch_headers(&endpoint, set, remove).await?;
    Ok(StatusCode::NO_CONTENT)
}
