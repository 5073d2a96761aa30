//! Endpoints over HTTP.

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::ids::EndpointId;
use fanfare::domain::page::Order;
use fanfare::flows::configure::{Configure, Saved};
use fanfare::http::body::{answer, ok};
use fanfare::http::query::PageOut;
use fanfare::http::wire::endpoint::{
    EndpointHeadersIn, EndpointHeadersOut, EndpointHeadersPatchIn, EndpointIn, EndpointOut, EndpointPatchIn,
    EndpointSecretOut, EndpointSecretRotateIn,
};
use fanfare::http::{Caller, Json, Problem, Query, Segments, path};
use fanfare::store::{ApplicationRef, EndpointRef};
use lambda_http::http::StatusCode;

type Names = Segments<(String, String)>;

fn named((app_id, endpoint_id): &(String, String)) -> Result<(ApplicationRef, EndpointRef), Problem> {
    Ok((path::application(app_id)?, path::endpoint(endpoint_id)?))
}

pub(crate) async fn list(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    query: Query,
) -> Result<Response, Problem> {
    let request = query.page(Order::Descending, EndpointId::parse)?;
    let page = configure.list_endpoints(&caller.organization, &path::application(&app_id)?, &request).await?;
    Ok(ok(&PageOut::new(page, EndpointOut::from)))
}

pub(crate) async fn create(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    body: Json<EndpointIn>,
) -> Result<Response, Problem> {
    let application = path::application(&app_id)?;
    let (key, new) = (crate::creation_key(&body.idempotency_key, &body.bytes), body.value.into_new()?);
    let endpoint = configure.create_endpoint(&caller.organization, &application, new, key).await?;
    Ok(answer(StatusCode::CREATED, &EndpointOut::from(endpoint)))
}

pub(crate) async fn get(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(names): Names,
) -> Result<Response, Problem> {
    let (application, endpoint) = named(&names)?;
    let endpoint = configure.endpoint(&caller.organization, &application, &endpoint).await?;
    Ok(ok(&EndpointOut::from(endpoint)))
}

pub(crate) async fn put(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(names): Names,
    body: Json<EndpointIn>,
) -> Result<Response, Problem> {
    let ((application, endpoint), draft) = (named(&names)?, body.value.into_draft()?);
    Ok(match configure.put_endpoint(&caller.organization, &application, &endpoint, draft).await? {
        Saved::Created(endpoint) => answer(StatusCode::CREATED, &EndpointOut::from(endpoint)),
        Saved::Existing(endpoint) => ok(&EndpointOut::from(endpoint)),
    })
}

pub(crate) async fn patch(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(names): Names,
    body: Json<EndpointPatchIn>,
) -> Result<Response, Problem> {
    let ((application, endpoint), patch) = (named(&names)?, body.value.into_patch()?);
    let endpoint = configure.patch_endpoint(&caller.organization, &application, &endpoint, patch).await?;
    Ok(ok(&EndpointOut::from(endpoint)))
}

pub(crate) async fn delete(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(names): Names,
) -> Result<StatusCode, Problem> {
    let (application, endpoint) = named(&names)?;
    configure.delete_endpoint(&caller.organization, &application, &endpoint).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn get_secret(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(names): Names,
) -> Result<Response, Problem> {
    let (application, endpoint) = named(&names)?;
    let endpoint = configure.endpoint(&caller.organization, &application, &endpoint).await?;
    Ok(ok(&EndpointSecretOut::from(&endpoint)))
}

/// The older SDKs expect no body here, the newer ones the new secret; both read this.
pub(crate) async fn rotate_secret(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(names): Names,
    body: Json<EndpointSecretRotateIn>,
) -> Result<Response, Problem> {
    let (application, endpoint) = named(&names)?;
    let (key, rotation) = (crate::creation_key(&body.idempotency_key, &body.bytes), body.value.into_rotation()?);
    let rotated = configure.rotate_secret(&caller.organization, &application, &endpoint, rotation, key).await?;
    Ok(ok(&EndpointSecretOut::from(&rotated)))
}

pub(crate) async fn get_headers(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(names): Names,
) -> Result<Response, Problem> {
    let (application, endpoint) = named(&names)?;
    let endpoint = configure.endpoint(&caller.organization, &application, &endpoint).await?;
    Ok(ok(&EndpointHeadersOut::from(&endpoint)))
}

pub(crate) async fn put_headers(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(names): Names,
    body: Json<EndpointHeadersIn>,
) -> Result<StatusCode, Problem> {
    let ((application, endpoint), headers) = (named(&names)?, body.value.into_headers()?);
    configure.put_headers(&caller.organization, &application, &endpoint, headers).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn patch_headers(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(names): Names,
    body: Json<EndpointHeadersPatchIn>,
) -> Result<StatusCode, Problem> {
    let ((application, endpoint), (set, remove)) = (named(&names)?, body.value.into_changes()?);
    configure.patch_headers(&caller.organization, &application, &endpoint, set, remove).await?;
    Ok(StatusCode::NO_CONTENT)
}
