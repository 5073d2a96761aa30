//! Messages over HTTP.

use axum::extract::State;
use axum::response::Response;
use fanfare::flows::accept_message::NewApplication;
use fanfare::http::body::{answer, ok};
use fanfare::http::wire::message::{EventExampleIn, MessageIn, MessageOut, MessagePrecheckIn, MessagePrecheckOut};
use fanfare::http::{Caller, Json, Problem, Query, Segments, path};
use lambda_http::http::{HeaderName, HeaderValue, StatusCode};

use crate::Door;

/// Names the first place in an accepted payload that its event type's schema does not allow: a JSON Pointer as a URL's
/// fragment, `#/order/total`.
const SCHEMA_VIOLATION: HeaderName = HeaderName::from_static("fanfare-schema-violation");

/// 202 once the message is stored and its deliveries are queued, and not before.
pub(crate) async fn create(
    State(door): State<Door>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    query: Query,
    body: Json<MessageIn>,
) -> Result<Response, Problem> {
    let with_content = query.flag("with_content", true)?;
    let (named, now) = (caller.application(&app_id)?, door.effects.now());
    let (draft, application) = body.value.into_draft(&app_id, now)?;
    let application = application.map(|draft| NewApplication { draft, by: caller.author() });
    let key = body.idempotency_key.as_deref();
    let accepted = door.accept_message.run(&caller.organization, &named, application, key, draft).await?;
    let payload = Some(accepted.payload).filter(|_| with_content);
    let mut response = answer(StatusCode::ACCEPTED, &MessageOut::new(accepted.message, payload));
    let place = accepted.violation.and_then(|violation| HeaderValue::from_str(&violation.fragment()).ok());
    if let Some(place) = place {
        response.headers_mut().insert(SCHEMA_VIOLATION, place);
    }
    Ok(response)
}

pub(crate) async fn precheck(
    State(door): State<Door>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    body: Json<MessagePrecheckIn>,
) -> Result<Response, Problem> {
    let (named, (event_type, channels)) = (caller.application(&app_id)?, body.value.into_parts()?);
    let active = door.accept_message.is_wanted(&caller.organization, &named, &event_type, &channels).await?;
    Ok(ok(&MessagePrecheckOut { active }))
}

/// 202 with the message that was made of the example; it goes to this endpoint only.
pub(crate) async fn send_example(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, endpoint_id)): Segments<(String, String)>,
    body: Json<EventExampleIn>,
) -> Result<Response, Problem> {
    let (named, endpoint) = (caller.application(&app_id)?, path::endpoint(&endpoint_id)?);
    let (event_type, payload, index) = body.value.into_parts()?;
    let draft = door.examples.draft(&caller.organization, event_type, payload, index).await?;
    let key = body.idempotency_key.as_deref();
    let accepted = door.accept_message.run_for(&caller.organization, &named, &endpoint, key, draft).await?;
    Ok(answer(StatusCode::ACCEPTED, &MessageOut::new(accepted.message, Some(accepted.payload))))
}
