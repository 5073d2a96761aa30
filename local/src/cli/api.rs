//! The few calls of the public API that `demo` and `bench` need, as any caller would make them.

use http::Method;
use serde_json::{Value, json};

use super::http_client::Connection;

/// Attempts of one page: the API's own maximum.
const PAGE: usize = 250;
/// Pages read at most: far more attempts than a demo makes.
const PAGES_MAX: usize = 400;

/// What is wanted of a new endpoint.
#[derive(Default)]
pub(super) struct NewEndpoint<'a> {
    pub(super) url: String,
    pub(super) description: &'a str,
    /// Empty: all.
    pub(super) event_types: &'a [&'a str],
    /// Empty: all.
    pub(super) channels: &'a [&'a str],
}

/// An attempt, as far as it is looked at.
pub(super) struct Attempt {
    pub(super) is_failed: bool,
}

/// Creates an application, or finds the one with this uid.
pub(super) async fn create_application(api: &mut Connection, uid: &str) -> anyhow::Result<()> {
    let body = json!({ "name": uid, "uid": uid });
    api.call(Method::POST, "/api/v1/app?get_if_exists=true", Some(&body)).await?;
    Ok(())
}

/// Creates an event type, or replaces it.
pub(super) async fn put_event_type(api: &mut Connection, name: &str) -> anyhow::Result<()> {
    let body = json!({ "description": format!("{name}, made by fanfare demo") });
    api.call(Method::PUT, &format!("/api/v1/event-type/{name}"), Some(&body)).await?;
    Ok(())
}

/// Creates an endpoint; its id.
pub(super) async fn create_endpoint(
    api: &mut Connection,
    app: &str,
    endpoint: &NewEndpoint<'_>,
) -> anyhow::Result<String> {
    let mut body = json!({ "url": endpoint.url, "description": endpoint.description });
    if !endpoint.event_types.is_empty() {
        body["eventTypes"] = json!(endpoint.event_types);
    }
    if !endpoint.channels.is_empty() {
        body["channels"] = json!(endpoint.channels);
    }
    let created = api.call(Method::POST, &format!("/api/v1/app/{app}/endpoint"), Some(&body)).await?;
    text(&created, "id")
}

/// What an endpoint's receiver verifies signatures with.
pub(super) async fn endpoint_secret(api: &mut Connection, app: &str, endpoint: &str) -> anyhow::Result<String> {
    let path = format!("/api/v1/app/{app}/endpoint/{endpoint}/secret");
    text(&api.call(Method::GET, &path, None).await?, "key")
}

/// All attempts made for an endpoint.
pub(super) async fn attempts(api: &mut Connection, app: &str, endpoint: &str) -> anyhow::Result<Vec<Attempt>> {
    let base = format!("/api/v1/app/{app}/attempt/endpoint/{endpoint}?limit={PAGE}&with_content=false");
    let (mut found, mut path) = (Vec::new(), base.clone());
    for _ in 0..PAGES_MAX {
        let page = api.call(Method::GET, &path, None).await?;
        for attempt in page["data"].as_array().into_iter().flatten() {
            found.push(Attempt { is_failed: attempt["status"] == 2 });
        }
        match page["iterator"].as_str() {
            Some(iterator) if page["done"] == false => path = format!("{base}&iterator={iterator}"),
            _ => return Ok(found),
        }
    }
    anyhow::bail!("{path}: more pages than expected")
}

/// What an endpoint's circuit breaker does: `closed`, `open` or `half-open`.
pub(super) async fn breaker(api: &mut Connection, app: &str, endpoint: &str) -> anyhow::Result<String> {
    let stats = api.call(Method::GET, &format!("/api/v1/app/{app}/endpoint/{endpoint}/stats"), None).await?;
    text(&stats["receiver"], "breaker")
}

fn text(value: &Value, name: &str) -> anyhow::Result<String> {
    let found = value[name].as_str().map(str::to_owned);
    found.ok_or_else(|| anyhow::anyhow!("the API's answer has no {name}: {value}"))
}
