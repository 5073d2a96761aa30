//! DynamoDB: the `dynoxide` engine behind the DynamoDB wire.
//!
//! dynoxide does one thing at a time, blocking, some ten to a few hundred microseconds each; `worker.rs` says where.
//! `operations.rs` reads and writes the JSON.
//!
//! Differences from AWS that Fanfare's code can meet: every read is strongly consistent, there are no throttles and no
//! `TransactionConflict`, streams have one shard, and time to live acts only when it is swept.

mod operations;
mod worker;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use dynoxide::storage_backend::Clock as TableClock;
use dynoxide::{Database, DynoxideError};
use http::StatusCode;
use rusqlite::Connection;
use s3s::Body;

use crate::checkpoints::Checkpoints;
use crate::wire::{self, Response};
use crate::{Clock, Durability, OpenError, SweepError};
use worker::{Runner, Worker};

/// SQLite's number for `synchronous = FULL`.
const FULL: i64 = 2;

/// An open table engine.
///
/// In the order they are dropped: the worker's thread ends when nobody can ask it for anything any more.
pub(crate) struct Table {
    /// Of a file.
    _checkpoints: Option<Checkpoints>,
    runner: Runner,
    database: Database,
}

impl Table {
    pub(crate) fn in_memory(clock: &Clock) -> Result<Self, OpenError> {
        let clock: Arc<dyn TableClock> = Arc::new(InjectedClock(Arc::clone(clock)));
        let database = Database::memory_with_clock(clock)
            .map_err(|source| OpenError::Table { place: "memory".to_owned(), source })?;
        Ok(Self { runner: Runner::InPlace(database.clone()), database, _checkpoints: None })
    }

    /// The engine offers no way to inject the clock of a file: time to live is the machine's here.
    pub(crate) fn on_disk(path: &Path, durability: Durability) -> Result<Self, OpenError> {
        let place = path.display().to_string();
        let failed = |source| OpenError::Table { place: place.clone(), source };
        let not_text = || DynoxideError::InternalServerError("the path is not UTF-8".to_owned());
        let database = Database::new(path.to_str().ok_or_else(not_text).map_err(failed)?).map_err(failed)?;
        match durability {
            // The engine's name for what sets `synchronous = NORMAL`; see `Durability`.
            Durability::ProcessKill => database.disable_bulk_loading().map_err(failed)?,
            Durability::PowerLoss if syncs_by_default(path).map_err(|source| failed(source.into()))? => {}
            Durability::PowerLoss => return Err(OpenError::NotDurable { place }),
        }
        let jobs = Arc::new(AtomicU64::new(0));
        let worker = Worker::start(database.clone(), Arc::clone(&jobs)).map_err(OpenError::Writer)?;
        let checkpoints = Checkpoints::start(path, durability, jobs, worker.between_jobs());
        let checkpoints = checkpoints.map_err(|source| failed(source.into()))?;
        Ok(Self { runner: Runner::OnThread(worker), database, _checkpoints: Some(checkpoints) })
    }

    /// Answers one operation.
    pub(crate) async fn answer(&self, operation: &str, body: Body) -> Response {
        let Some(body) = wire::read_json(body).await else { return wire::unreadable() };
        match operations::run(&self.runner, operation, &body).await {
            Ok(answer) => wire::json(StatusCode::OK, answer),
            Err(error) => refuse(operation, error),
        }
    }

    /// On a thread of its own and not where jobs are done: between pages of the sweep the engine lets others go first.
    pub(crate) async fn sweep_expired(&self) -> Result<usize, SweepError> {
        let database = self.database.clone();
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        Ok(swept.unwrap_or_else(|panic| Err(DynoxideError::InternalServerError(panic.to_string())))?)
    }
}

fn refuse(operation: &str, error: DynoxideError) -> Response {
    if let DynoxideError::UnsupportedCapability(_) = error {
        let body = r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;
        return wire::json(StatusCode::BAD_REQUEST, body);
    }
    let error = operations::as_worded_by(operation, error);
    let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status.is_server_error() {
        tracing::error!(%error, operation, "the table engine failed");
    }
    wire::json(status, error.to_json())
}

/// Whether a connection that says nothing about it syncs every commit, which is what the engine's does.
fn syncs_by_default(path: &Path) -> rusqlite::Result<bool> {
    let synchronous: i64 = Connection::open(path)?.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    Ok(synchronous >= FULL)
}

struct InjectedClock(Clock);

impl TableClock for InjectedClock {
    fn now_unix_secs(&self) -> u64 {
        (self.0)() / 1000
    }

    #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit 53 bits for 285,000 years")]
    fn now_unix_secs_f64(&self) -> f64 {
        (self.0)() as f64 / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `Durability::PowerLoss` builds on, since the engine does not let us set it.
    #[test]
    fn this_build_of_sqlite_syncs_by_default() {
        let directory = tempfile::tempdir().unwrap();
        assert!(syncs_by_default(&directory.path().join("table.sqlite")).unwrap());
    }
}
