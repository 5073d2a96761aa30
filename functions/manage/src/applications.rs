//! Applications over HTTP.

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::application::Application;
use fanfare::domain::ids::ApplicationId;
use fanfare::domain::page::Order;
use fanfare::flows::CreationKey;
use fanfare::flows::configure::{Configure, Saved};
use fanfare::http::body::ok;
use fanfare::http::etag::tagged;
use fanfare::http::query::PageOut;
use fanfare::http::wire::application::{ApplicationIn, ApplicationOut, ApplicationPatchIn};
use fanfare::http::{Caller, Conditions, Json, Problem, Query, Segments};
use lambda_http::http::StatusCode;

pub(crate) async fn list(
    State(configure): State<Configure>,
    caller: Caller,
    query: Query,
) -> Result<Response, Problem> {
    let request = query.page(Order::Ascending, ApplicationId::parse)?;
    let page = configure.list_applications(&caller.organization, &request).await?;
    Ok(ok(&PageOut::new(page, ApplicationOut::from)))
}

pub(crate) async fn create(
    State(configure): State<Configure>,
    caller: Caller,
    query: Query,
    body: Json<ApplicationIn>,
) -> Result<Response, Problem> {
    let get_if_exists = query.flag("get_if_exists", false)?;
    let (key, draft) = (CreationKey::of(&body.idempotency_key, &body.bytes), body.value.into_draft()?);
    saved(configure.create_application(&caller.author(), draft, key, get_if_exists).await?)
}

pub(crate) async fn get(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(app_id): Segments<String>,
) -> Result<Response, Problem> {
    let application = configure.application(&caller.organization, &caller.application(&app_id)?).await?;
    Ok(shown(StatusCode::OK, application))
}

pub(crate) async fn put(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    Conditions(precondition): Conditions,
    body: Json<ApplicationIn>,
) -> Result<Response, Problem> {
    let (named, draft) = (caller.application(&app_id)?, body.value.into_draft()?);
    saved(configure.put_application(&caller.author(), &named, draft, &precondition).await?)
}

pub(crate) async fn patch(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    Conditions(precondition): Conditions,
    body: Json<ApplicationPatchIn>,
) -> Result<Response, Problem> {
    let (named, patch) = (caller.application(&app_id)?, body.value.into_patch()?);
    let application = configure.patch_application(&caller.author(), &named, patch, &precondition).await?;
    Ok(shown(StatusCode::OK, application))
}

pub(crate) async fn delete(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    Conditions(precondition): Conditions,
) -> Result<StatusCode, Problem> {
    let named = caller.application(&app_id)?;
    configure.delete_application(&caller.author(), &named, &precondition).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn saved(saved: Saved<Application>) -> Result<Response, Problem> {
    Ok(match saved {
        Saved::Created(application) => shown(StatusCode::CREATED, application),
        Saved::Existing(application) => shown(StatusCode::OK, application),
    })
}

fn shown(status: StatusCode, application: Application) -> Response {
    let revision = application.revision();
    tagged(status, &revision, &ApplicationOut::from(application))
}
