//! Event types over HTTP.

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::names::EventTypeName;
use fanfare::domain::page::Order;
use fanfare::flows::configure::{Configure, Saved};
use fanfare::http::body::{answer, ok};
use fanfare::http::query::PageOut;
use fanfare::http::wire::event_type::{EventTypeIn, EventTypeOut, EventTypePatchIn, EventTypeUpdateIn};
use fanfare::http::{Caller, Json, Problem, Query, Segments};
use lambda_http::http::StatusCode;

fn named(text: String) -> Result<EventTypeName, Problem> {
    EventTypeName::parse(text).map_err(|_| Problem::NotFound)
}

/// Always by name: the parameter `order` has no meaning here.
pub(crate) async fn list(
    State(configure): State<Configure>,
    caller: Caller,
    query: Query,
) -> Result<Response, Problem> {
    let mut request = query.page(Order::Ascending, |text| EventTypeName::parse(text).ok())?;
    request.order = Order::Ascending;
    let (with_content, include_archived) = (query.flag("with_content", false)?, query.flag("include_archived", false)?);
    let page = configure.list_event_types(&caller.organization, &request, include_archived).await?;
    Ok(ok(&PageOut::new(page, |event_type| EventTypeOut::new(event_type, with_content))))
}

pub(crate) async fn create(
    State(configure): State<Configure>,
    caller: Caller,
    body: Json<EventTypeIn>,
) -> Result<Response, Problem> {
    let (key, (name, draft)) = (crate::creation_key(&body.idempotency_key, &body.bytes), body.value.into_draft()?);
    let event_type = configure.create_event_type(&caller.organization, name, draft, key).await?;
    Ok(answer(StatusCode::CREATED, &EventTypeOut::new(event_type, true)))
}

pub(crate) async fn get(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(name): Segments<String>,
) -> Result<Response, Problem> {
    let event_type = configure.event_type(&caller.organization, &named(name)?).await?;
    Ok(ok(&EventTypeOut::new(event_type, true)))
}

pub(crate) async fn put(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(name): Segments<String>,
    body: Json<EventTypeUpdateIn>,
) -> Result<Response, Problem> {
    let (name, draft) = (path_name(name)?, body.value.into_draft()?);
    Ok(match configure.put_event_type(&caller.organization, &name, draft).await? {
        Saved::Created(event_type) => answer(StatusCode::CREATED, &EventTypeOut::new(event_type, true)),
        Saved::Existing(event_type) => ok(&EventTypeOut::new(event_type, true)),
    })
}

pub(crate) async fn patch(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(name): Segments<String>,
    body: Json<EventTypePatchIn>,
) -> Result<Response, Problem> {
    let (name, patch) = (named(name)?, body.value.into_patch()?);
    let event_type = configure.patch_event_type(&caller.organization, &name, patch).await?;
    Ok(ok(&EventTypeOut::new(event_type, true)))
}

pub(crate) async fn delete(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(name): Segments<String>,
    query: Query,
) -> Result<StatusCode, Problem> {
    let expunge = query.flag("expunge", false)?;
    configure.delete_event_type(&caller.organization, &named(name)?, expunge).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// PUT can create: here a name that breaks its rule is an error of the caller's, not a thing that is not there.
fn path_name(text: String) -> Result<EventTypeName, Problem> {
    EventTypeName::parse(text).map_err(|reason| Problem::field(&["path", "event_type_name"], reason.0))
}
