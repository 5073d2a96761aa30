//! Deliveries over HTTP: the messages that were attempted for an endpoint, and the endpoints of a message. Both say how the
//! delivery stands and when it goes on. And what ended for an endpoint without being delivered.

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::delivery::DeliveryStatus;
use fanfare::domain::ids::{AppScope, AttemptId, EndpointId, UndeliveredId};
use fanfare::domain::page::Order;
use fanfare::domain::standing::{Standing, deliveries};
use fanfare::http::body::ok;
use fanfare::http::query::PageOut;
use fanfare::http::wire::delivery::{EndpointMessageOut, MessageEndpointOut};
use fanfare::http::wire::endpoint::EndpointOut;
use fanfare::http::wire::undelivered::UndeliveredOut;
use fanfare::http::{Caller, Problem, Query, Segments, path};
use fanfare::store::DeliveryFilter;
use futures_util::future::try_join_all;

use crate::messages::show;
use crate::{Door, list_filter};

/// Newest first by the first attempt, which is what `before` and `after` are about and what the iterator names.
pub(crate) async fn list_by_endpoint(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, endpoint_id)): Segments<(String, String)>,
    query: Query,
) -> Result<Response, Problem> {
    let request = query.page_by_time(AttemptId::parse)?;
    let with_content = query.flag("with_content", true)?;
    query.flag("expanded_statuses", false)?;
    let filter = DeliveryFilter { list: list_filter(&query)?, status: query.parsed("status", DeliveryStatus::parse)? };
    let (scope, _) = door.application(&caller, &app_id).await?;
    let endpoint = door.endpoint_id(&scope, &endpoint_id).await?;
    let page = door.store.list_deliveries(&scope, &endpoint, &request, &filter, door.effects.now()).await?;
    let messages =
        try_join_all(page.items.iter().map(|delivery| show(&door, &scope, &delivery.message, with_content))).await?;
    let mut messages = messages.into_iter();
    let shown = page.map(|delivery| messages.next().map(|message| EndpointMessageOut::new(message, delivery.standing)));
    Ok(ok(&PageOut::new(shown, |delivery| delivery)))
}

/// Newest first by the time they ended, which is what `before` and `after` are about.
pub(crate) async fn list_undelivered(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, endpoint_id)): Segments<(String, String)>,
    query: Query,
) -> Result<Response, Problem> {
    let (request, filter) = (query.page_by_time(UndeliveredId::parse)?, list_filter(&query)?);
    let (scope, _) = door.application(&caller, &app_id).await?;
    let endpoint = door.endpoint_id(&scope, &endpoint_id).await?;
    let page = door.store.list_undelivered(&scope, &endpoint, &request, &filter).await?;
    Ok(ok(&PageOut::new(page, UndeliveredOut::from)))
}

/// Newest endpoint first.
pub(crate) async fn list_by_message(
    State(door): State<Door>,
    caller: Caller,
    Segments((app_id, msg_id)): Segments<(String, String)>,
    query: Query,
) -> Result<Response, Problem> {
    let request = query.page(Order::Descending, EndpointId::parse)?;
    let (application, message) = (caller.application(&app_id)?, path::message(&msg_id)?);
    let audience = door.store.audience(&caller.organization, &application, None).await?.ok_or(Problem::NotFound)?;
    let scope = AppScope { organization: caller.organization, application: audience.application.id };
    let message = door.store.message(&scope, &message).await?.ok_or(Problem::NotFound)?;
    let traces = door.store.traces_of(&scope, &message.id).await?;
    let now = door.effects.now();
    let all = deliveries(&message, &audience.subscribers, &traces.attempts, &traces.undelivered, now);
    let page = request.page_of(all, |(endpoint, _)| *endpoint);
    let wanted: Vec<_> = page.items.iter().map(|(endpoint, _)| (scope, *endpoint)).collect();
    let mut endpoints = door.store.endpoints(&wanted).await?;
    let show = |(id, standing): (EndpointId, Standing)| {
        endpoints.remove(&(scope, id)).map(|endpoint| MessageEndpointOut::new(EndpointOut::from(endpoint), standing))
    };
    let mut page = page.map(show);
    page.items.retain(Option::is_some); // what was deleted since the audience was read
    Ok(ok(&PageOut::new(page, |delivery| delivery)))
}
