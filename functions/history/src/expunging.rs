//! Removing contents over HTTP.

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::ids::{AppScope, AttemptId};
use fanfare::flows::Refusal;
use fanfare::http::body::ok;
use fanfare::http::wire::expunge::{BulkExpungeContentsIn, BulkExpungeContentsOut, BulkExpungeStatus};
use fanfare::http::{Caller, Json, Problem, Segments, path};
use fanfare::store::MessageRef;
use futures_util::{StreamExt, TryStreamExt, stream};
use lambda_http::http::StatusCode;

use crate::Door;

/// Messages of one request that are worked on at one time.
const EXPUNGED_AT_ONCE: usize = 16;

pub(crate) async fn message(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, msg_id)): Segments<(String, String)>,
) -> Result<StatusCode, Problem> {
    let named = path::message(&msg_id)?;
    let (scope, _) = door.application(&caller, &app_id).await?;
    door.expunge.message(&scope, &named).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn attempt(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, msg_id, attempt_id)): Segments<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let (named, attempt_id) = (path::message(&msg_id)?, AttemptId::parse(&attempt_id).ok_or(Problem::NotFound)?);
    let (scope, _) = door.application(&caller, &app_id).await?;
    door.expunge.attempt(&scope, &named, &attempt_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removed twice is removed: a repeat needs no idempotency key to be harmless.
pub(crate) async fn messages(
    State(door): State<Door>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    body: Json<BulkExpungeContentsIn>,
) -> Result<Response, Problem> {
    let ids = body.value.into_ids()?;
    let (scope, _) = door.application(&caller, &app_id).await?;
    let all = ids.into_iter().map(|id| expunge(&door, &scope, id));
    let results = stream::iter(all).buffer_unordered(EXPUNGED_AT_ONCE).try_collect().await?;
    Ok(ok(&BulkExpungeContentsOut { results }))
}

async fn expunge(door: &Door, scope: &AppScope, id: String) -> Result<(String, BulkExpungeStatus), Problem> {
    let Some(named) = MessageRef::parse(&id) else { return Ok((id, BulkExpungeStatus::NotFound)) };
    match door.expunge.message(scope, &named).await {
        Ok(()) => Ok((id, BulkExpungeStatus::Expunged)),
        Err(Refusal::NotFound(_)) => Ok((id, BulkExpungeStatus::NotFound)),
        Err(refusal) => Err(refusal.into()),
    }
}
