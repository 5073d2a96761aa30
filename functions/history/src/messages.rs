//! Messages over HTTP.

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::ids::{AppScope, MessageId};
use fanfare::domain::message::{Message, Payload};
use fanfare::flows::Refusal;
use fanfare::http::body::ok;
use fanfare::http::query::PageOut;
use fanfare::http::wire::message::MessageOut;
use fanfare::http::{Caller, Problem, Query, Segments, path};
use futures_util::future::try_join_all;
use lambda_http::http::StatusCode;

use crate::{Door, list_filter};

pub(crate) async fn list(
    State(door): State<Door>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    query: Query,
) -> Result<Response, Problem> {
    let request = query.page_by_time(MessageId::parse)?;
    let with_content = query.flag("with_content", true)?;
    let filter = list_filter(&query)?;
    let (scope, application) = door.application(&caller, &app_id).await?;
    let page = door.store.list_messages(&scope, &application, &request, &filter).await?;
    let shown = try_join_all(page.items.iter().map(|message| show(&door, &scope, message, with_content))).await?;
    let mut shown = shown.into_iter();
    Ok(ok(&PageOut::new(page.map(|_| shown.next()), |message| message)))
}

pub(crate) async fn get(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, msg_id)): Segments<(String, String)>,
    query: Query,
) -> Result<Response, Problem> {
    let (with_content, named) = (query.flag("with_content", true)?, path::message(&msg_id)?);
    let (scope, _) = door.application(&caller, &app_id).await?;
    let message = door.store.message(&scope, &named).await?.ok_or(Problem::NotFound)?;
    Ok(ok(&show(&door, &scope, &message, with_content).await?))
}

/// 204 once nobody will deliver it any more. Twice is as good as once.
pub(crate) async fn cancel(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, msg_id)): Segments<(String, String)>,
) -> Result<StatusCode, Problem> {
    let named = path::message(&msg_id)?;
    let (scope, _) = door.application(&caller, &app_id).await?;
    let message = door.store.message(&scope, &named).await?.ok_or(Problem::NotFound)?;
    if !door.store.cancel_message(&scope, &message.id, door.effects.now()).await? {
        return Err(Refusal::TooLate.into());
    }
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn show(
    door: &Door,
    scope: &AppScope,
    message: &Message,
    with_content: bool,
) -> Result<MessageOut, Problem> {
    let payload = match with_content {
        true => Some(door.payloads.of(scope, message).await?.unwrap_or_else(Payload::gone)),
        false => None,
    };
    Ok(MessageOut::new(message.clone(), payload))
}
