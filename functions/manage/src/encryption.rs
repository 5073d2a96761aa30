//! Data keys over HTTP.

use axum::extract::State;
use axum::response::Response;
use fanfare::flows::configure::Configure;
use fanfare::http::body::{answer, ok};
use fanfare::http::wire::encryption::{DataKeyOut, DataKeysEraseIn, DataKeysOut};
use fanfare::http::{Caller, Json, Problem};
use lambda_http::http::StatusCode;

pub(crate) async fn list(State(configure): State<Configure>, caller: Caller) -> Result<Response, Problem> {
    let keys = configure.data_keys(&caller.organization).await?;
    Ok(ok(&DataKeysOut::from(keys)))
}

pub(crate) async fn rotate(State(configure): State<Configure>, caller: Caller) -> Result<Response, Problem> {
    let key = configure.rotate_data_key(&caller.author()).await?;
    Ok(answer(StatusCode::CREATED, &DataKeyOut::from(key)))
}

pub(crate) async fn erase(
    State(configure): State<Configure>,
    caller: Caller,
    body: Json<DataKeysEraseIn>,
) -> Result<StatusCode, Problem> {
    body.value.check(&caller.organization)?;
    configure.erase_data_keys(&caller.author()).await?;
    Ok(StatusCode::NO_CONTENT)
}
