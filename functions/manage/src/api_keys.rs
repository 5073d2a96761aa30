//! API keys over HTTP.

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::ids::ApiKeyId;
use fanfare::domain::page::Order;
use fanfare::http::body::{answer, ok};
use fanfare::http::query::PageOut;
use fanfare::http::wire::api_key::{ApiKeyCreatedOut, ApiKeyIn, ApiKeyOut};
use fanfare::http::{Caller, Json, Problem, Query, Segments};
use lambda_http::http::StatusCode;

use crate::authentication::Portals;

pub(crate) async fn list(
    State(Portals { configure, .. }): State<Portals>,
    caller: Caller,
    query: Query,
) -> Result<Response, Problem> {
    let request = query.page(Order::Descending, ApiKeyId::parse)?;
    let page = configure.list_api_keys(&caller.organization, &request).await?;
    Ok(ok(&PageOut::new(page, ApiKeyOut::from)))
}

pub(crate) async fn create(
    State(Portals { configure, effects, .. }): State<Portals>,
    caller: Caller,
    body: Json<ApiKeyIn>,
) -> Result<Response, Problem> {
    let new = body.value.into_new(effects.now())?;
    let (key, text) = configure.create_api_key(&caller.author(), new).await?;
    Ok(answer(StatusCode::CREATED, &ApiKeyCreatedOut::new(key, text)))
}

pub(crate) async fn get(
    State(Portals { configure, .. }): State<Portals>,
    caller: Caller,
    Segments(key_id): Segments<String>,
) -> Result<Response, Problem> {
    let key = configure.api_key(&caller.organization, &named(&key_id)?).await?;
    Ok(ok(&ApiKeyOut::from(key)))
}

pub(crate) async fn delete(
    State(Portals { configure, .. }): State<Portals>,
    caller: Caller,
    Segments(key_id): Segments<String>,
) -> Result<StatusCode, Problem> {
    configure.delete_api_key(&caller.author(), &named(&key_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn named(key_id: &str) -> Result<ApiKeyId, Problem> {
    ApiKeyId::parse(key_id).ok_or(Problem::NotFound)
}
