//! The door `publish`: accepts messages. It writes messages and queues deliveries; it cannot change the configuration.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use fanfare::config::Platform;
use fanfare::flows::accept_message::AcceptMessage;
use fanfare::http::body::answer;
use fanfare::http::wire::message::{MessageIn, MessageOut};
use fanfare::http::{Auth, Caller, Json, Problem, Query, Segments, guarded};
use lambda_http::http::StatusCode;

#[derive(Clone)]
struct Door {
    accept_message: AcceptMessage,
}

/// The routes of this function; built once per process.
pub fn router(platform: &Platform) -> Router {
    let door = Door { accept_message: AcceptMessage::new(platform) };
    let routes = Router::new().route("/api/v1/app/{app_id}/msg", post(create_message));
    guarded(routes, Auth::new(platform)).with_state(door)
}

/// 202 once the message is stored and its deliveries are queued, and not before.
async fn create_message(
    State(door): State<Door>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    query: Query,
    body: Json<MessageIn>,
) -> Result<Response, Problem> {
    let with_content = query.flag("with_content", true)?;
    let (application, draft) = (caller.application(&app_id)?, body.value.into_draft()?);
    let idempotency_key = body.idempotency_key.as_deref();
    let accepted = door.accept_message.run(&caller.organization, &application, idempotency_key, draft).await?;
    let payload = Some(accepted.payload).filter(|_| with_content);
    Ok(answer(StatusCode::ACCEPTED, &MessageOut::new(accepted.message, payload)))
}
