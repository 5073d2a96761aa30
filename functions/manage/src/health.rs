//! Whether the gateway works, for monitors and load balancers; no token is needed.

use axum::extract::State;
use fanfare::flows::check_health::{CheckHealth, Health};
use fanfare::http::Problem;
use lambda_http::http::StatusCode;

/// 204 when table and queue answer, 503 with the part that does not.
pub(crate) async fn health(State(check_health): State<CheckHealth>) -> Result<StatusCode, Problem> {
    let Health { has_table, has_queue } = check_health.run().await;
    match (has_table, has_queue) {
        (true, true) => Ok(StatusCode::NO_CONTENT),
        (false, true) => Err(Problem::Down("the table does not answer")),
        (true, false) => Err(Problem::Down("the queue does not answer")),
        (false, false) => Err(Problem::Down("table and queue do not answer")),
    }
}

/// 204 when this function answers.
pub(crate) async fn ping() -> StatusCode {
    StatusCode::NO_CONTENT
}
