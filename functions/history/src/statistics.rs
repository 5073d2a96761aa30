//! Statistics of an endpoint over HTTP, counted from its attempts, and from what ended without being delivered, at the moment of
//! the request.
//!
//! What has no attempt yet is in no attempt: `pending` is always zero here, and a delivery that was called off counts as what
//! its attempts say.

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::background::Window;
use fanfare::domain::ids::{AppScope, EndpointId};
use fanfare::domain::statistics::window;
use fanfare::http::body::ok;
use fanfare::http::wire::statistics::{EndpointAttemptStatsOut, EndpointStatsOut};
use fanfare::http::{Caller, Problem, Query, Segments};

use crate::Door;

/// Attempts counted in one request: some forty of the index's pages, a second or two of reading.
const COUNTED_ATTEMPTS_MAX: usize = 100_000;

async fn asked(
    door: &Door,
    caller: &Caller,
    (app_id, endpoint_id): (String, String),
    query: &Query,
) -> Result<(AppScope, EndpointId, Window), Problem> {
    let window = window(query.instant("since")?, query.instant("until")?, door.effects.now());
    let window = window.map_err(|reason| Problem::Refused { code: "invalid_range", detail: reason.0 })?;
    let (scope, _) = door.application(caller, &app_id).await?;
    let endpoint = door.endpoint_id(&scope, &endpoint_id).await?;
    Ok((scope, endpoint, window))
}

fn too_many() -> Problem {
    Problem::LimitReached(format!(
        "more than {COUNTED_ATTEMPTS_MAX} attempts were made in this range: ask for a shorter one"
    ))
}

pub(crate) async fn deliveries(
    State(door): State<Door>,
    caller: Caller,
    Segments(named): Segments<(String, String)>,
    query: Query,
) -> Result<Response, Problem> {
    let (scope, endpoint, window) = asked(&door, &caller, named, &query).await?;
    let now = door.effects.now();
    let counts = door.store.count_deliveries(&scope, &endpoint, &window, COUNTED_ATTEMPTS_MAX, now).await?;
    let gate = door.store.gate(&scope, &endpoint).await?;
    Ok(ok(&EndpointStatsOut::new(counts.ok_or_else(too_many)?, &gate, now)))
}

pub(crate) async fn attempts(
    State(door): State<Door>,
    caller: Caller,
    Segments(named): Segments<(String, String)>,
    query: Query,
) -> Result<Response, Problem> {
    let (scope, endpoint, window) = asked(&door, &caller, named, &query).await?;
    let counts = door.store.count_attempts(&scope, &endpoint, &window, COUNTED_ATTEMPTS_MAX).await?;
    Ok(ok(&EndpointAttemptStatsOut::from(counts.ok_or_else(too_many)?)))
}
