//! Whether the gateway works, for monitors and load balancers; no token is needed.

use axum::extract::State;
use fanfare::http::Problem;
use fanfare::store::Store;
use lambda_http::http::StatusCode;

/// 204 when the table answers.
pub(crate) async fn health(State(store): State<Store>) -> Result<StatusCode, Problem> {
    store.check().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// 204 when this function answers.
pub(crate) async fn ping() -> StatusCode {
    StatusCode::NO_CONTENT
}
