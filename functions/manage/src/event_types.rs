//! Event types over HTTP.

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::event_type::EventType;
use fanfare::domain::names::EventTypeName;
use fanfare::domain::page::Order;
use fanfare::flows::CreationKey;
use fanfare::flows::configure::{Configure, Saved};
use fanfare::http::body::ok;
use fanfare::http::etag::tagged;
use fanfare::http::query::PageOut;
use fanfare::http::wire::event_type::{EventTypeIn, EventTypeOut, EventTypePatchIn, EventTypeUpdateIn};
use fanfare::http::wire::openapi_import::{EventTypeImportOpenApiIn, EventTypeImportOpenApiOut};
use fanfare::http::{Caller, Conditions, Json, Problem, Query, Segments};
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
    let mut page = configure.list_event_types(&caller.organization, &request, include_archived).await?;
    // A page with hidden types is shorter; where the next one begins stays the same.
    page.items.retain(|event_type| caller.sees(event_type));
    Ok(ok(&PageOut::new(page, |event_type| EventTypeOut::new(event_type, with_content))))
}

pub(crate) async fn create(
    State(configure): State<Configure>,
    caller: Caller,
    body: Json<EventTypeIn>,
) -> Result<Response, Problem> {
    let (key, (name, draft)) = (CreationKey::of(&body.idempotency_key, &body.bytes), body.value.into_draft()?);
    let event_type = configure.create_event_type(&caller.author(), name, draft, key).await?;
    Ok(shown(StatusCode::CREATED, event_type))
}

pub(crate) async fn get(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(name): Segments<String>,
) -> Result<Response, Problem> {
    let event_type = configure.event_type(&caller.organization, &named(name)?).await?;
    if !caller.sees(&event_type) {
        return Err(Problem::NotFound);
    }
    Ok(shown(StatusCode::OK, event_type))
}

pub(crate) async fn put(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(name): Segments<String>,
    Conditions(precondition): Conditions,
    body: Json<EventTypeUpdateIn>,
) -> Result<Response, Problem> {
    let (name, draft) = (path_name(name)?, body.value.into_draft()?);
    Ok(match configure.put_event_type(&caller.author(), &name, draft, &precondition).await? {
        Saved::Created(event_type) => shown(StatusCode::CREATED, event_type),
        Saved::Existing(event_type) => shown(StatusCode::OK, event_type),
    })
}

pub(crate) async fn patch(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(name): Segments<String>,
    Conditions(precondition): Conditions,
    body: Json<EventTypePatchIn>,
) -> Result<Response, Problem> {
    let (name, patch) = (named(name)?, body.value.into_patch()?);
    let event_type = configure.patch_event_type(&caller.author(), &name, patch, &precondition).await?;
    Ok(shown(StatusCode::OK, event_type))
}

pub(crate) async fn delete(
    State(configure): State<Configure>,
    caller: Caller,
    Segments(name): Segments<String>,
    Conditions(precondition): Conditions,
    query: Query,
) -> Result<StatusCode, Problem> {
    let (name, expunge) = (named(name)?, query.flag("expunge", false)?);
    configure.delete_event_type(&caller.author(), &name, expunge, &precondition).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The same import again does no more than what is still to be done, so no idempotency key is needed.
pub(crate) async fn import_openapi(
    State(configure): State<Configure>,
    caller: Caller,
    body: Json<EventTypeImportOpenApiIn>,
) -> Result<Response, Problem> {
    let (webhooks, options) = body.value.into_webhooks()?;
    configure.import_event_types(&caller.author(), &webhooks, options).await?;
    Ok(ok(&EventTypeImportOpenApiOut::new(webhooks, options)))
}

fn shown(status: StatusCode, event_type: EventType) -> Response {
    let revision = event_type.revision();
    tagged(status, &revision, &EventTypeOut::new(event_type, true))
}

/// PUT can create: here a name that breaks its rule is an error of the caller's, not a thing that is not there.
fn path_name(text: String) -> Result<EventTypeName, Problem> {
    EventTypeName::parse(text).map_err(|reason| Problem::field(&["path", "event_type_name"], reason.0))
}
