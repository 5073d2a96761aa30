//! Work in the background over HTTP: asked for, looked at.

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::Invalid;
use fanfare::domain::background::{TaskStatus, Work};
use fanfare::domain::ids::{ApplicationId, EndpointId, TaskId};
use fanfare::domain::page::Order;
use fanfare::flows::CreationKey;
use fanfare::http::body::{IdempotencyKey, answer, ok};
use fanfare::http::query::PageOut;
use fanfare::http::wire::background::{
    AppUsageStatsIn, AppUsageStatsOut, BackgroundTaskOut, BulkReplayIn, ReplayIn, TaskOut,
};
use fanfare::http::{Caller, Json, Problem, Query, Segments};
use fanfare::store::{ApplicationRef, TaskFilter};
use lambda_http::http::StatusCode;

use crate::Door;

type EndpointPath = (String, String);

/// The task, once it is stored and queued.
async fn start(door: &Door, caller: &Caller, work: Work, key: Option<CreationKey<'_>>) -> Result<TaskOut, Problem> {
    Ok(TaskOut::from(&door.start_task.run(&caller.organization, work, key).await?))
}

/// 202 with the task that makes deliveries to this endpoint again.
async fn replay(
    door: &Door,
    caller: &Caller,
    (app_id, endpoint_id): EndpointPath,
    key: Option<CreationKey<'_>>,
    work: impl FnOnce(ApplicationId, EndpointId) -> Work,
) -> Result<Response, Problem> {
    let (scope, _) = door.application(caller, &app_id).await?;
    let endpoint = door.endpoint_id(&scope, &endpoint_id).await?;
    let task = start(door, caller, work(scope.application, endpoint), key).await?;
    Ok(answer(StatusCode::ACCEPTED, &task))
}

pub(crate) async fn recover(
    State(door): State<Door>,
    caller: Caller,
    Segments(named): Segments<EndpointPath>,
    body: Json<ReplayIn>,
) -> Result<Response, Problem> {
    let key = CreationKey::of(&body.idempotency_key, &body.bytes);
    let window = body.value.into_window(door.effects.now())?;
    let work = |application, endpoint| Work::Recover { application, endpoint, window };
    replay(&door, &caller, named, key, work).await
}

pub(crate) async fn replay_missing(
    State(door): State<Door>,
    caller: Caller,
    Segments(named): Segments<EndpointPath>,
    body: Json<ReplayIn>,
) -> Result<Response, Problem> {
    let key = CreationKey::of(&body.idempotency_key, &body.bytes);
    let window = body.value.into_window(door.effects.now())?;
    let work = |application, endpoint| Work::ReplayMissing { application, endpoint, window };
    replay(&door, &caller, named, key, work).await
}

pub(crate) async fn bulk_replay(
    State(door): State<Door>,
    caller: Caller,
    Segments(named): Segments<EndpointPath>,
    body: Json<BulkReplayIn>,
) -> Result<Response, Problem> {
    let key = CreationKey::of(&body.idempotency_key, &body.bytes);
    let (window, filter) = body.value.into_parts(door.effects.now())?;
    let work = |application, endpoint| Work::BulkReplay { application, endpoint, window, filter };
    replay(&door, &caller, named, key, work).await
}

/// 202 with the task. What is accepted from now on keeps its content.
pub(crate) async fn expunge_all(
    State(door): State<Door>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Response, Problem> {
    let (scope, _) = door.application(&caller, &app_id).await?;
    let work = Work::ExpungeAll { application: scope.application };
    Ok(answer(StatusCode::ACCEPTED, &start(&door, &caller, work, CreationKey::of(&key, &[])).await?))
}

/// Counts messages and attempts; names that no application has are given back at once.
pub(crate) async fn app_usage(
    State(door): State<Door>,
    caller: Caller,
    body: Json<AppUsageStatsIn>,
) -> Result<Response, Problem> {
    let key = CreationKey::of(&body.idempotency_key, &body.bytes);
    let (window, names) = body.value.into_parts(door.effects.now())?;
    let (mut applications, mut unresolved_app_ids) = (Vec::new(), Vec::new());
    for name in names.iter().flatten() {
        let named = ApplicationRef::parse(name);
        let found = match &named {
            Some(named) => door.store.application(&caller.organization, named).await?,
            None => None,
        };
        match found {
            Some(application) => applications.push(application.id),
            None => unresolved_app_ids.push(name.clone()),
        }
    }
    if names.is_some() && applications.is_empty() {
        return Err(Problem::field(&["body", "appIds"], "names no application"));
    }
    let task = start(&door, &caller, Work::AppUsage { window, applications }, key).await?;
    Ok(answer(StatusCode::ACCEPTED, &AppUsageStatsOut { task, unresolved_app_ids }))
}

/// Counts messages by event type. The SDKs ask with PUT and no body.
pub(crate) async fn event_type_usage(
    State(door): State<Door>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Response, Problem> {
    let key = CreationKey::of(&key, &[]);
    Ok(answer(StatusCode::ACCEPTED, &start(&door, &caller, Work::EventTypeUsage, key).await?))
}

pub(crate) async fn list(State(door): State<Door>, caller: Caller, query: Query) -> Result<Response, Problem> {
    let status =
        |text: &str| TaskStatus::parse(text).ok_or_else(|| Invalid::new("must be running, finished or failed"));
    let filter =
        TaskFilter { status: query.parsed("status", status)?, work: query.parsed("task", |text| Ok(text.to_owned()))? };
    let request = query.page(Order::Descending, TaskId::parse)?;
    let page = door.store.list_tasks(&caller.organization, &request, &filter).await?;
    Ok(ok(&PageOut::new(page, BackgroundTaskOut::from)))
}

pub(crate) async fn get(
    State(door): State<Door>,
    caller: Caller,
    Segments(task_id): Segments<String>,
) -> Result<Response, Problem> {
    let id = TaskId::parse(&task_id).ok_or(Problem::NotFound)?;
    let task = door.store.task(&caller.organization, &id).await?.ok_or(Problem::NotFound)?;
    Ok(ok(&BackgroundTaskOut::from(task)))
}
