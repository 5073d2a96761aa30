//! Sources of inbound webhooks over HTTP.

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::ids::SourceId;
use fanfare::domain::page::Order;
use fanfare::domain::source::Source;
use fanfare::flows::CreationKey;
use fanfare::flows::configure::{Configure, Saved};
use fanfare::http::body::{IdempotencyKey, ok};
use fanfare::http::etag::tagged;
use fanfare::http::public_url::PublicUrl;
use fanfare::http::query::PageOut;
use fanfare::http::wire::source::{SourceIn, SourceOut, SourcePatchIn, SourceSecretOut, SourceSecretRotateIn};
use fanfare::http::{Caller, Conditions, Json, Problem, Query, Segments, path};
use lambda_http::http::{HeaderMap, StatusCode};

pub(crate) async fn list(
    State(configure): State<Configure>,
    State(public_url): State<PublicUrl>,
    caller: Caller,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, Problem> {
    let request = query.page(Order::Descending, SourceId::parse)?;
    let page = configure.list_sources(&caller.organization, &request).await?;
    let base = public_url.base(&headers);
    Ok(ok(&PageOut::new(page, |source| SourceOut::new(source, &caller.organization, &base))))
}

pub(crate) async fn create(
    State(configure): State<Configure>,
    State(public_url): State<PublicUrl>,
    caller: Caller,
    headers: HeaderMap,
    body: Json<SourceIn>,
) -> Result<Response, Problem> {
    let key = CreationKey::of(&body.idempotency_key, &body.bytes);
    let new = body.value.into_new(|app_id| caller.application(app_id))?;
    let source = configure.create_source(&caller.author(), new, key).await?;
    Ok(shown(StatusCode::CREATED, source, &caller, &public_url.base(&headers)))
}

pub(crate) async fn get(
    State(configure): State<Configure>,
    State(public_url): State<PublicUrl>,
    caller: Caller,
    headers: HeaderMap,
    Segments(source_id): Segments<String>,
) -> Result<Response, Problem> {
    let source = configure.source(&caller.organization, &path::source(&source_id)?).await?;
    Ok(shown(StatusCode::OK, source, &caller, &public_url.base(&headers)))
}

pub(crate) async fn put(
    State(configure): State<Configure>,
    State(public_url): State<PublicUrl>,
    caller: Caller,
    headers: HeaderMap,
    Segments(source_id): Segments<String>,
    Conditions(precondition): Conditions,
    body: Json<SourceIn>,
) -> Result<Response, Problem> {
    let named = path::source(&source_id)?;
    let new = body.value.into_new(|app_id| caller.application(app_id))?;
    let base = public_url.base(&headers);
    Ok(match configure.put_source(&caller.author(), &named, new, &precondition).await? {
        Saved::Created(source) => shown(StatusCode::CREATED, source, &caller, &base),
        Saved::Existing(source) => shown(StatusCode::OK, source, &caller, &base),
    })
}

pub(crate) async fn patch(
    State(configure): State<Configure>,
    State(public_url): State<PublicUrl>,
    caller: Caller,
    headers: HeaderMap,
    Segments(source_id): Segments<String>,
    Conditions(precondition): Conditions,
    body: Json<SourcePatchIn>,
) -> Result<Response, Problem> {
    let named = path::source(&source_id)?;
    let (patch, application) = body.value.into_patch(|app_id| caller.application(app_id))?;
    let author = caller.author();
    let source = configure.patch_source(&author, &named, patch, application.as_ref(), &precondition).await?;
    Ok(shown(StatusCode::OK, source, &caller, &public_url.base(&headers)))
}

pub(crate) async fn delete(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(source_id): Segments<String>,
    Conditions(precondition): Conditions,
) -> Result<StatusCode, Problem> {
    configure.delete_source(&caller.author(), &path::source(&source_id)?, &precondition).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn get_secret(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(source_id): Segments<String>,
) -> Result<Response, Problem> {
    let source = configure.source(&caller.organization, &path::source(&source_id)?).await?;
    Ok(ok(&SourceSecretOut::from(&source)))
}

pub(crate) async fn rotate_secret(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(source_id): Segments<String>,
    body: Json<SourceSecretRotateIn>,
) -> Result<Response, Problem> {
    let named = path::source(&source_id)?;
    let (key, rotation) = (CreationKey::of(&body.idempotency_key, &body.bytes), body.value.into_rotation()?);
    let source = configure.rotate_source_secret(&caller.author(), &named, &rotation, key).await?;
    Ok(ok(&SourceSecretOut::from(&source)))
}

pub(crate) async fn rotate_token(
    State(configure): State<Configure>,
    State(public_url): State<PublicUrl>,
    caller: Caller,
    headers: HeaderMap,
    Segments(source_id): Segments<String>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Response, Problem> {
    let (named, key) = (path::source(&source_id)?, CreationKey::of(&key, b""));
    let source = configure.rotate_source_token(&caller.author(), &named, key).await?;
    Ok(shown(StatusCode::OK, source, &caller, &public_url.base(&headers)))
}

fn shown(status: StatusCode, source: Source, caller: &Caller, base: &str) -> Response {
    let revision = source.revision();
    tagged(status, &revision, &SourceOut::new(source, &caller.organization, base))
}
