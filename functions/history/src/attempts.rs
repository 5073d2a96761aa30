//! Attempts over HTTP.

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::Invalid;
use fanfare::domain::attempt::{Attempt, AttemptStatus};
use fanfare::domain::ids::{AppScope, AttemptId, EndpointId, MessageId};
use fanfare::domain::names::{Channel, EventTypeName};
use fanfare::http::body::{answer, ok};
use fanfare::http::query::PageOut;
use fanfare::http::wire::attempt::{AttemptOut, status_number};
use fanfare::http::{Caller, Problem, Query, Segments, path};
use fanfare::store::{AttemptFilter, EndpointRef, MessageRef};
use lambda_http::http::StatusCode;

use crate::Door;

fn filter(query: &Query) -> Result<AttemptFilter, Problem> {
    let status = |text: &str| {
        let all = [AttemptStatus::Success, AttemptStatus::Fail];
        let found = all.into_iter().find(|status| status_number(*status).to_string() == text);
        found.ok_or_else(|| Invalid::new("must be 0 (success) or 2 (fail)"))
    };
    let class = |text: &str| {
        let found = ["0", "100", "200", "300", "400", "500"].contains(&text).then(|| text.parse().ok()).flatten();
        found.ok_or_else(|| Invalid::new("must be one of 0, 100, 200, 300, 400, 500"))
    };
    Ok(AttemptFilter {
        event_types: query.list("event_types", |text| EventTypeName::parse(text))?,
        channel: query.parsed("channel", |text| Channel::parse(text))?,
        status: query.parsed("status", status)?,
        status_code_class: query.parsed("status_code_class", class)?,
        endpoint: None,
        before: query.instant("before")?,
        after: query.instant("after")?,
    })
}

async fn endpoint_id(door: &Door, scope: &AppScope, named: &EndpointRef) -> Result<EndpointId, Problem> {
    // Even an endpoint named by its identifier is looked up: a deleted one has no history any more.
    Ok(door.store.endpoint(scope, named).await?.ok_or(Problem::NotFound)?.id)
}

async fn message_id(door: &Door, scope: &AppScope, named: &MessageRef) -> Result<MessageId, Problem> {
    Ok(door.store.message(scope, named).await?.ok_or(Problem::NotFound)?.id)
}

pub(crate) async fn list_by_endpoint(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, endpoint_id)): Segments<(String, String)>,
    query: Query,
) -> Result<Response, Problem> {
    let (request, filter) = (query.page_by_time(AttemptId::parse)?, filter(&query)?);
    let (with_content, named) = (query.flag("with_content", true)?, path::endpoint(&endpoint_id)?);
    let (scope, _) = door.application(&caller, &app_id).await?;
    let endpoint = self::endpoint_id(&door, &scope, &named).await?;
    let page = door.store.list_attempts_for_endpoint(&scope, &endpoint, &request, &filter).await?;
    Ok(ok(&PageOut::new(page, |attempt: Attempt| AttemptOut::new(&attempt, with_content))))
}

pub(crate) async fn list_by_message(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, msg_id)): Segments<(String, String)>,
    query: Query,
) -> Result<Response, Problem> {
    let (request, mut filter) = (query.page_by_time(AttemptId::parse)?, filter(&query)?);
    let (with_content, named) = (query.flag("with_content", true)?, path::message(&msg_id)?);
    let (scope, _) = door.application(&caller, &app_id).await?;
    let message = message_id(&door, &scope, &named).await?;
    if let Some(text) = query.get("endpoint_id") {
        filter.endpoint = Some(endpoint_id(&door, &scope, &path::endpoint(text)?).await?);
    }
    let page = door.store.list_attempts_of_message(&scope, &message, &request, &filter).await?;
    Ok(ok(&PageOut::new(page, |attempt: Attempt| AttemptOut::new(&attempt, with_content))))
}

pub(crate) async fn get(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, msg_id, attempt_id)): Segments<(String, String, String)>,
) -> Result<Response, Problem> {
    let (named, attempt_id) = (path::message(&msg_id)?, AttemptId::parse(&attempt_id).ok_or(Problem::NotFound)?);
    let (scope, _) = door.application(&caller, &app_id).await?;
    let message = message_id(&door, &scope, &named).await?;
    let attempt = door.store.attempt(&scope, &message, &attempt_id).await?.ok_or(Problem::NotFound)?;
    Ok(ok(&AttemptOut::new(&attempt, true)))
}

/// 202 with an empty object, which the newer SDKs want to parse, once the attempt is queued.
pub(crate) async fn resend(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, msg_id, endpoint_id)): Segments<(String, String, String)>,
) -> Result<Response, Problem> {
    let (message, endpoint) = (path::message(&msg_id)?, path::endpoint(&endpoint_id)?);
    let (scope, _) = door.application(&caller, &app_id).await?;
    door.resend.run(&scope, &message, &endpoint).await?;
    Ok(answer(StatusCode::ACCEPTED, &serde_json::Map::new()))
}
