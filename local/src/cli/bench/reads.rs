//! How long reading takes once everything is there: the lists and lookups a portal or a support desk makes, one request at a
//! time, spread over the whole history.

use std::time::Instant;

use anyhow::Context as _;
use hdrhistogram::Histogram;
use http::Method;
use serde_json::Value;

use super::{APPLICATION, load};
use crate::Gateway;
use crate::cli::http_client::Connection;

/// What one kind of reading took.
pub(super) struct Read {
    pub(super) name: &'static str,
    pub(super) latency_us: Histogram<u64>,
}

/// Where in the history the reads look: identifiers from all over it.
struct Known {
    messages: Vec<String>,
    endpoint: String,
}

/// Makes `times` requests of every kind.
pub(super) async fn measure(gateway: &Gateway, token: &str, times: usize) -> anyhow::Result<Vec<Read>> {
    let mut api = Connection::open(gateway.address(), token).await?;
    let known = look_around(&mut api, times).await?;
    let Known { messages, endpoint } = &known;
    let app = format!("/api/v1/app/{APPLICATION}");
    let message = |n: usize| messages.get(n % messages.len()).cloned().unwrap_or_default();
    let mut reads = Vec::new();
    let mut kind = async |name: &'static str, path: &(dyn Fn(usize) -> String + Sync)| {
        let read = one_kind(&mut api, name, times, path).await?;
        reads.push(read);
        anyhow::Ok(())
    };
    kind("get a message", &|n| format!("{app}/msg/{}", message(n))).await?;
    kind("list 50 messages", &|n| format!("{app}/msg?iterator={}", message(n))).await?;
    kind("list 50 messages, no content", &|n| format!("{app}/msg?with_content=false&iterator={}", message(n))).await?;
    kind("list 250 messages", &|n| format!("{app}/msg?limit=250&iterator={}", message(n))).await?;
    kind("list messages of a type nobody sent", &|_| format!("{app}/msg?event_types=bench.never")).await?;
    kind("list attempts of a message", &|n| format!("{app}/attempt/msg/{}", message(n))).await?;
    kind("list 50 attempts of an endpoint", &|_| format!("{app}/attempt/endpoint/{endpoint}")).await?;
    kind("list 50 messages of an endpoint", &|_| format!("{app}/endpoint/{endpoint}/msg")).await?;
    kind("list destinations of a message", &|n| format!("{app}/msg/{}/endpoint", message(n))).await?;
    kind("get an endpoint", &|_| format!("{app}/endpoint/{endpoint}")).await?;
    kind("list endpoints", &|_| format!("{app}/endpoint")).await?;
    Ok(reads)
}

async fn one_kind(
    api: &mut Connection,
    name: &'static str,
    times: usize,
    path: &(dyn Fn(usize) -> String + Sync),
) -> anyhow::Result<Read> {
    let mut latency_us = load::histogram()?;
    for n in 0..times {
        let path = path(n);
        let begun = Instant::now();
        api.call(Method::GET, &path, None).await?;
        latency_us.saturating_record(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    Ok(Read { name, latency_us })
}

/// Walks through the history, a page of every so many.
async fn look_around(api: &mut Connection, wanted: usize) -> anyhow::Result<Known> {
    let app = format!("/api/v1/app/{APPLICATION}");
    let first = |page: &Value, name: &str| page["data"][0][name].as_str().map(str::to_owned);
    let endpoints = api.call(Method::GET, &format!("{app}/endpoint"), None).await?;
    let endpoint = first(&endpoints, "id").context("the bench has no endpoint")?;
    let (mut messages, mut path) = (Vec::new(), format!("{app}/msg?limit=250&with_content=false"));
    while messages.len() < wanted {
        let page = api.call(Method::GET, &path, None).await?;
        messages.extend(first(&page, "id"));
        match page["iterator"].as_str() {
            Some(iterator) if page["done"] == false => {
                path = format!("{app}/msg?limit=250&with_content=false&iterator={iterator}");
            }
            _ => break,
        }
    }
    anyhow::ensure!(!messages.is_empty(), "the bench published no message");
    Ok(Known { messages, endpoint })
}
