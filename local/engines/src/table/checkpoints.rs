//! Copying the write-ahead log into the table's file, beside the thread that does the table's work.
//!
//! SQLite does this by itself, on the thread whose commit made the log too long, and waits for the disk there: nobody is
//! answered meanwhile, which is what the slowest hundredth of all requests consisted of. A second connection can copy while
//! the first one writes (`PASSIVE`: it waits for nobody, and nobody waits for it). The log begins anew when all of it has been
//! copied; where writing never pauses that is left to SQLite, which then finds little to do.
//!
//! What is committed is in the log, and as safe as before, whenever it is copied: `durability.rs`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use crate::{Durability, thread};

/// How often it is looked whether there is something to copy.
const PERIOD: Duration = Duration::from_millis(100);
/// Jobs of the table after which the log is copied: some megabytes of it, if they all write. Below that the log may wait.
const JOBS_MIN: u64 = 400;

/// The thread that copies. It ends, and gives the file back, when this is dropped.
pub(crate) struct Checkpoints {
    /// None while it is being dropped.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// `jobs` counts what the table has done.
    pub(crate) fn start(path: &Path, durability: Durability, jobs: Arc<AtomicU64>) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "synchronous", durability.sqlite_synchronous())?;
        let (stop, stopped) = channel();
        let copy = move || {
            let mut copied = 0;
            while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                let done = jobs.load(Ordering::Relaxed);
                if done - copied >= JOBS_MIN {
                    copied = done;
                    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(())) {
                        tracing::warn!(%error, "copying the table's log failed; it will be tried again");
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("table-log".to_owned()).spawn(copy).ok();
        // Without the thread SQLite does it all by itself.
        Ok(Self { stop: Some(stop), thread })
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.stop.take());
        thread::join(&mut self.thread, "the thread that copies the table's log panicked");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn the_log_is_copied_while_somebody_writes_and_nothing_is_lost() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.sqlite");
        let writer = Connection::open(&path).unwrap();
        writer.pragma_update(None, "journal_mode", "WAL").unwrap();
        writer.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        writer.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, pad TEXT)", ()).unwrap();
        let jobs = Arc::new(AtomicU64::new(0));
        let checkpoints = Checkpoints::start(&path, Durability::ProcessKill, Arc::clone(&jobs)).unwrap();
        let file_before = std::fs::metadata(&path).unwrap().len();
        for n in 0..2 * i64::try_from(JOBS_MIN).unwrap() {
            writer.execute("INSERT INTO t VALUES (?1, ?2)", (n, "x".repeat(500))).unwrap();
            jobs.fetch_add(1, Ordering::Relaxed);
        }
        let begun = std::time::Instant::now();
        while std::fs::metadata(&path).unwrap().len() <= file_before {
            assert!(begun.elapsed() < Duration::from_secs(20), "nothing was copied");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(checkpoints);
        let count: i64 = writer.query_row("SELECT count(*) FROM t", (), |row| row.get(0)).unwrap();
        assert_eq!(count, 2 * i64::try_from(JOBS_MIN).unwrap());
    }
}
