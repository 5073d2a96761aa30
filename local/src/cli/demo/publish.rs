//! Publishes the demo's messages through the public API.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use http::Method;

use super::scenario::{APPLICATION, Message, Stage};
use crate::cli::http_client::Connection;

/// Callers at one time, each with a connection of its own.
const PUBLISHERS: usize = 16;

/// Everything, once. A message that is not accepted shows in the end as one that was not.
pub(super) async fn all(stage: Arc<Stage>, address: SocketAddr, token: String) -> anyhow::Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut publishers = tokio::task::JoinSet::new();
    for _ in 0..PUBLISHERS {
        let api = Connection::open(address, &token).await?;
        publishers.spawn(some(Arc::clone(&stage), api, Arc::clone(&next)));
    }
    while let Some(ended) = publishers.join_next().await {
        if let Err(error) = ended? {
            tracing::error!(error = format!("{error:#}"), "publishing stopped");
        }
    }
    Ok(())
}

async fn some(stage: Arc<Stage>, mut api: Connection, next: Arc<AtomicUsize>) -> anyhow::Result<()> {
    let path = format!("/api/v1/app/{APPLICATION}/msg");
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(id) = stage.ids.get(number) else { return Ok(()) };
        stage.clock.note_sent(number);
        let accepted = api.call(Method::POST, &path, Some(&Message(number).body())).await?;
        let accepted = accepted["id"].as_str().context("the answer has no id")?;
        if id.set(accepted.to_owned()).is_ok() {
            stage.accepted.fetch_add(1, Ordering::Relaxed);
        }
    }
}
