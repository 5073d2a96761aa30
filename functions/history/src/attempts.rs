//! Attempts over HTTP.
//!
//! `expanded_statuses` is taken and changes nothing: it is about attempts that were called off, and those are not made here and
//! leave no record.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::attempt::{Attempt, parse_status_code_class};
use fanfare::domain::delivery::DeliveryStatus;
use fanfare::domain::ids::{AppScope, AttemptId};
use fanfare::domain::page::PageRequest;
use fanfare::http::body::{answer, ok};
use fanfare::http::query::PageOut;
use fanfare::http::wire::attempt::AttemptOut;
use fanfare::http::wire::message::MessageOut;
use fanfare::http::{Caller, Problem, Query, Segments, path};
use fanfare::store::AttemptFilter;
use lambda_http::http::StatusCode;

use crate::{Door, list_filter};

fn filter(query: &Query) -> Result<AttemptFilter, Problem> {
    query.flag("expanded_statuses", false)?;
    Ok(AttemptFilter {
        list: list_filter(query)?,
        status: query.parsed("status", DeliveryStatus::parse)?,
        status_code_class: query.parsed("status_code_class", parse_status_code_class)?,
        endpoint: None,
    })
}

pub(crate) async fn list_by_endpoint(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, endpoint_id)): Segments<(String, String)>,
    query: Query,
) -> Result<Response, Problem> {
    let (request, filter) = (query.page_by_time(AttemptId::parse)?, filter(&query)?);
    let (with_content, with_msg) = (query.flag("with_content", true)?, query.flag("with_msg", false)?);
    let (scope, _) = door.application(&caller, &app_id).await?;
    let endpoint = door.endpoint_id(&scope, &endpoint_id).await?;
    let page = door.store.list_attempts_for_endpoint(&scope, &endpoint, &request, &filter).await?;
    if !with_msg {
        return Ok(ok(&PageOut::new(page, |attempt: Attempt| AttemptOut::new(&attempt, with_content))));
    }
    // One read for a message, however many attempts of it are on the page.
    let ids: BTreeSet<_> = page.items.iter().map(|attempt| attempt.message).collect();
    let messages = door.store.messages(&scope, &ids).await?;
    let show = |attempt: Attempt| {
        let shown = AttemptOut::new(&attempt, with_content);
        match messages.get(&attempt.message) {
            Some(message) => shown.with_message(MessageOut::new(message.clone(), None)),
            None => shown, // it expires at this moment
        }
    };
    Ok(ok(&PageOut::new(page, show)))
}

pub(crate) async fn list_by_message(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, msg_id)): Segments<(String, String)>,
    query: Query,
) -> Result<Response, Problem> {
    let (request, filter) = (query.page_by_time(AttemptId::parse)?, filter(&query)?);
    let with_content = query.flag("with_content", true)?;
    let (scope, _) = door.application(&caller, &app_id).await?;
    list(&door, &scope, &msg_id, query.get("endpoint_id"), &request, filter, with_content).await
}

/// How older SDKs ask for the attempts of one delivery.
pub(crate) async fn list_of_delivery(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, msg_id, endpoint_id)): Segments<(String, String, String)>,
    query: Query,
) -> Result<Response, Problem> {
    let (request, filter) = (query.page_by_time(AttemptId::parse)?, filter(&query)?);
    let with_content = query.flag("with_content", true)?;
    let (scope, _) = door.application(&caller, &app_id).await?;
    list(&door, &scope, &msg_id, Some(&endpoint_id), &request, filter, with_content).await
}

async fn list(
    door: &Door,
    scope: &AppScope,
    msg_id: &str,
    endpoint_id: Option<&str>,
    request: &PageRequest<AttemptId>,
    mut filter: AttemptFilter,
    with_content: bool,
) -> Result<Response, Problem> {
    let message = door.message_id(scope, msg_id).await?;
    if let Some(endpoint_id) = endpoint_id {
        filter.endpoint = Some(door.endpoint_id(scope, endpoint_id).await?);
    }
    let page = door.store.list_attempts_of_message(scope, &message, request, &filter).await?;
    Ok(ok(&PageOut::new(page, |attempt: Attempt| AttemptOut::new(&attempt, with_content))))
}

pub(crate) async fn get(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, msg_id, attempt_id)): Segments<(String, String, String)>,
) -> Result<Response, Problem> {
    let attempt_id = AttemptId::parse(&attempt_id).ok_or(Problem::NotFound)?;
    let (scope, _) = door.application(&caller, &app_id).await?;
    let message = door.message_id(&scope, &msg_id).await?;
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
