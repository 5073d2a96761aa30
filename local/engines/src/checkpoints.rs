//! Copying a write-ahead log into its file, beside the thread that writes.
//!
//! SQLite does this by itself, on the thread whose commit made the log too long, and waits for the disk there: nobody is
//! answered meanwhile, which is what the slowest hundredth of all requests consisted of. A second connection can copy while
//! the first one writes (`PASSIVE`: it waits for nobody, and nobody waits for it). But the log begins anew only when all of it has
//! been copied, and what is written meanwhile never is. So when the log is long, what is left after copying twice is copied
//! between two writes, on the writer's thread: it is little, and so is what the disk has not yet got of the rest.
//!
//! What is committed is in the log, and as safe as before, whenever it is copied: `durability.rs`.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use crate::{Durability, thread};

/// How often it is looked whether there is something to copy.
const PERIOD: Duration = Duration::from_millis(100);
/// Writes after which the log is copied: some megabytes of it. Below that the log may wait.
const WRITES_MIN: u64 = 400;
/// Pages in the log after which it should begin anew: 32 MiB. Twice as many, and SQLite takes care by itself
/// (`.cargo/config.toml`).
const PAGES_MAX: i64 = 8_000;

/// Something that the thread which writes does between two writes.
pub(crate) type Between = Box<dyn FnOnce() + Send>;

/// The thread that copies. It ends, and gives the file back, when this is dropped, which must be before the writer's thread ends.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    /// None while it is being dropped.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// For the file at `path`. `writes` counts what was written, `have_done` has something done on the thread that writes.
    pub(crate) fn start(
        path: &Path,
        durability: Durability,
        writes: Arc<AtomicU64>,
        have_done: impl Fn(Between) + Send + 'static,
    ) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "synchronous", durability.sqlite_synchronous())?;
        let connection = Arc::new(Mutex::new(connection));
        let (stop, stopped) = channel();
        let work = move || {
            let mut seen = 0;
            while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                let written = writes.load(Ordering::Relaxed);
                if written - seen < WRITES_MIN {
                    continue;
                }
                seen = written;
                if copy(&connection) < PAGES_MAX {
                    continue;
                }
                copy(&connection);
                let (done, is_done) = channel::<()>();
                let connection = Arc::clone(&connection);
                have_done(Box::new(move || {
                    copy(&connection);
                    drop(done);
                }));
                // Whether it was done or let go by a writer with other troubles: what is left is copied another time.
                let _ = is_done.recv();
            }
        };
        let thread = std::thread::Builder::new().name("log-copier".to_owned()).spawn(work).ok();
        // Without the thread SQLite does it all by itself.
        Ok(Self { stop: Some(stop), thread })
    }
}

/// Copies what can be copied without waiting for anybody, and says how many pages are in the log.
fn copy(connection: &Mutex<Connection>) -> i64 {
    let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
    let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| row.get("log"));
    copied.unwrap_or_else(|error| {
        tracing::warn!(%error, "copying a write-ahead log failed; it will be tried again");
        0
    })
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.stop.take());
        thread::join(&mut self.thread, "the thread that copies a write-ahead log panicked");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Read as _;
    use std::time::Instant;

    use super::*;

    /// How often this log has begun anew: the fourth number of its head.
    fn beginnings(log: &Path) -> u32 {
        let mut head = [0; 16];
        std::fs::File::open(log).unwrap().read_exact(&mut head).unwrap();
        u32::from_be_bytes(head[12..].try_into().unwrap())
    }

    #[test]
    fn the_log_is_copied_while_somebody_writes_begins_anew_and_nothing_is_lost() {
        let directory = tempfile::tempdir().unwrap();
        let (path, log) = (directory.path().join("t.sqlite"), directory.path().join("t.sqlite-wal"));
        let writer = Connection::open(&path).unwrap();
        writer.pragma_update(None, "journal_mode", "WAL").unwrap();
        writer.pragma_update(None, "synchronous", "OFF").unwrap();
        writer.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        writer.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, pad TEXT)", ()).unwrap();
        let writes = Arc::new(AtomicU64::new(0));
        let (sender, receiver) = channel::<Between>();
        let have_done = move |work| drop(sender.send(work));
        let checkpoints = Checkpoints::start(&path, Durability::ProcessKill, Arc::clone(&writes), have_done).unwrap();
        let between = receiver; // dropped first, as the writer's end of it must be
        let (begun, first, mut count) = (Instant::now(), beginnings(&log), 0);
        let mut is_let_go = true; // what the writer is asked first, as when its transaction fails
        while beginnings(&log) < first + 2 {
            assert!(begun.elapsed() < Duration::from_secs(30), "after {count} rows the log goes on as it began");
            for _ in 0..100 {
                writer.execute("INSERT INTO t VALUES (?1, ?2)", (count, "x".repeat(4_096))).unwrap();
                count += 1;
                for work in between.try_iter() {
                    if !std::mem::take(&mut is_let_go) {
                        work();
                    }
                }
            }
            writes.fetch_add(100, Ordering::Relaxed);
        }
        drop(between);
        drop(checkpoints);
        let counted: i64 = writer.query_row("SELECT count(*) FROM t", (), |row| row.get(0)).unwrap();
        assert_eq!(counted, count);
    }
}
