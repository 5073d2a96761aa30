//! The journal: one thread that makes changes of the queues durable, many at a time.
//!
//! Whoever changes the book records the change here while holding the book's lock, so the order on disk is the order
//! in memory, and then waits outside the lock. The thread takes all changes that are waiting, writes them in one
//! transaction, commits, and only then answers: under load one commit serves many callers, alone a caller waits for
//! one commit.
//!
//! What must be on disk before the answer: sending, deleting, and everything about queues themselves. What is written
//! without waiting: moving to the dead-letter queue (a crash before it leaves the message where it was, to be moved
//! again at its next receive) and receive counts (they are gathered for a moment, because nearly every message is
//! deleted right after and then needs none). Leases are never written: they end with the process.
//!
//! Memory is ahead of the disk for the time of a commit. A crash in that window loses changes nobody was told had
//! happened. When a commit fails, its callers get an error and may repeat; a sent message may then come twice, a
//! deleted one may come back after a restart: at least once, as always.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::message::{Payload, Seq};
use super::rotation::GroupId;
use super::settings::Attributes;
use super::store::Store;
use crate::checkpoints::{Between, Checkpoints};
use crate::{Durability, OpenError, thread};

/// Changes of one transaction. Enough to share a commit among every caller of a busy gateway, few enough that the
/// first of them does not wait noticeably for the last.
const CHANGES_PER_COMMIT_MAX: usize = 512;

/// How long receive counts are gathered before they are written. A message that is handled normally is deleted within
/// it; a message that kills the process must outlive it to be counted, so it is short.
const RECEIVED_GATHER: Duration = Duration::from_millis(50);

/// A change of the stored state.
#[derive(Debug)]
pub(crate) enum Change {
    PutQueue { id: u32, name: String, attributes: Attributes, created_ms: u64 },
    DeleteQueue(u32),
    Purge(u32),
    Insert(Vec<NewMessage>),
    Delete(Vec<Seq>),
    Move { seqs: Vec<Seq>, queue_id: u32, origin: Option<String> },
}

/// A sent message as it is stored.
#[derive(Debug)]
pub(crate) struct NewMessage {
    pub(crate) seq: Seq,
    pub(crate) queue_id: u32,
    pub(crate) group_id: Option<GroupId>,
    pub(crate) sent_ms: u64,
    pub(crate) visible_ms: u64,
    pub(crate) payload_bytes: usize,
    pub(crate) payload: Arc<Payload>,
}

/// A message was handed out for the n-th time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Received {
    pub(crate) seq: Seq,
    pub(crate) receive_count: u64,
    pub(crate) first_received_ms: u64,
}

/// The disk refused, or the writer is gone. The cause is logged where it happened.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the queue file could not be written or read")]
pub(crate) struct NotSaved;

/// The end of a recorded change: wait for it before answering.
#[must_use = "an answer before the change is saved is a promise that a crash breaks"]
#[derive(Debug)]
pub(crate) struct Saved(Option<oneshot::Receiver<Result<(), NotSaved>>>);

impl Saved {
    /// There was nothing to save.
    pub(crate) fn nothing() -> Self {
        Self(None)
    }

    /// Waits until the change is on disk. At once when the queues live in memory.
    pub(crate) async fn wait(self) -> Result<(), NotSaved> {
        match self.0 {
            None => Ok(()),
            Some(receiver) => receiver.await.unwrap_or(Err(NotSaved)),
        }
    }

    /// For a change that may be lost in a crash without breaking a promise.
    pub(crate) fn unawaited(self) {}
}

/// Payloads on their way from the disk.
#[derive(Debug)]
pub(crate) struct Reading(Option<oneshot::Receiver<Payloads>>);

impl Reading {
    pub(crate) async fn wait(self) -> Result<Payloads, NotSaved> {
        match self.0 {
            None => Ok(Payloads::new()),
            Some(receiver) => receiver.await.map_err(|_| NotSaved),
        }
    }
}

/// The way to the writer. Without one (queues in memory only) every change is saved as soon as it is made.
#[derive(Debug)]
pub(crate) struct Journal {
    /// None in memory, and while the journal is being dropped.
    sender: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
    checkpoints: Option<Checkpoints>,
}

pub(crate) type Payloads = HashMap<Seq, Payload>;

enum Command {
    Save {
        change: Change,
        done: oneshot::Sender<Result<(), NotSaved>>,
    },
    Received(Vec<Received>),
    /// Reads go the same way as changes, so that a payload is found whose insertion is still waiting.
    Read {
        seqs: Vec<Seq>,
        found: oneshot::Sender<Payloads>,
    },
    /// What must not be done while a transaction is open.
    Between(Between),
}

impl Journal {
    /// A journal that keeps nothing.
    pub(crate) fn in_memory() -> Self {
        Self { sender: None, thread: None, checkpoints: None }
    }

    /// Starts the writer on an open file, which is at `path`.
    pub(crate) fn start(store: Store, path: &Path, durability: Durability) -> Result<Self, OpenError> {
        let (sender, receiver) = channel();
        let commits = Arc::default();
        let writer = Writer::new(store, Arc::clone(&commits));
        let thread = std::thread::Builder::new().name("queue-writer".to_owned());
        let thread = thread.spawn(move || writer.run(&receiver)).map_err(OpenError::Writer)?;
        let between = sender.clone();
        let have_done = move |work| drop(between.send(Command::Between(work)));
        let checkpoints = Checkpoints::start(path, durability, commits, have_done);
        let checkpoints = checkpoints.map_err(|source| OpenError::Queues { path: path.to_owned(), source })?;
        Ok(Self { sender: Some(sender), thread: Some(thread), checkpoints: Some(checkpoints) })
    }

    /// Records a change. The queue of changes needs no bound of its own: every caller waits for its change before it
    /// makes the next one.
    pub(crate) fn save(&self, change: Change) -> Saved {
        let Some(sender) = &self.sender else { return Saved(None) };
        let (done, saved) = oneshot::channel();
        // A writer that is gone drops `done`, and the waiting end reports it.
        let _ = sender.send(Command::Save { change, done });
        Saved(Some(saved))
    }

    /// Records receive counts; nobody waits for them.
    pub(crate) fn note_received(&self, received: Vec<Received>) {
        if let Some(sender) = &self.sender {
            let _ = sender.send(Command::Received(received));
        }
    }

    /// Asks for payloads that are only on disk; wait for the answer outside the lock.
    pub(crate) fn read(&self, seqs: Vec<Seq>) -> Reading {
        let Some(sender) = self.sender.as_ref().filter(|_| !seqs.is_empty()) else { return Reading(None) };
        let (found, receiver) = oneshot::channel();
        let _ = sender.send(Command::Read { seqs, found });
        Reading(Some(receiver))
    }
}

impl Drop for Journal {
    /// Lets the writer finish what was recorded, when nobody can ask it for anything any more.
    fn drop(&mut self) {
        drop(self.checkpoints.take());
        drop(self.sender.take());
        thread::join(&mut self.thread, "the queue writer panicked");
    }
}

struct Writer {
    store: Store,
    /// Receive counts not yet written, the newest of each message.
    received: HashMap<Seq, Received>,
    received_since: Option<Instant>,
    /// What is done after the transaction that is open.
    between: Vec<Between>,
    /// Counts them.
    commits: Arc<AtomicU64>,
}

type Waiting = Vec<oneshot::Sender<Result<(), NotSaved>>>;

impl Writer {
    fn new(store: Store, commits: Arc<AtomicU64>) -> Self {
        Self { store, received: HashMap::new(), received_since: None, between: Vec::new(), commits }
    }

    fn run(mut self, commands: &Receiver<Command>) {
        loop {
            match self.next_command(commands) {
                Ok(first) => self.write_batch(Some(first), commands),
                Err(RecvTimeoutError::Timeout) => self.write_batch(None, commands),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.received_since = None;
        self.write_batch(None, commands);
    }

    fn next_command(&self, commands: &Receiver<Command>) -> Result<Command, RecvTimeoutError> {
        match self.received_since {
            None => commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(since) => commands.recv_timeout(RECEIVED_GATHER.saturating_sub(since.elapsed())),
        }
    }

    /// One transaction: the first command, all that wait behind it, and the receive counts if they are due.
    fn write_batch(&mut self, first: Option<Command>, commands: &Receiver<Command>) {
        let mut waiting = Waiting::new();
        let outcome = self.write_transaction(first, commands, &mut waiting);
        let answer = outcome.map_err(|error| {
            tracing::error!(%error, changes = waiting.len(), "writing the queue file failed");
            self.store.roll_back();
            NotSaved
        });
        for done in waiting {
            // A caller that stopped waiting is not our concern: its change is saved.
            let _ = done.send(answer);
        }
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.between.drain(..).for_each(|work| work());
    }

    fn write_transaction(
        &mut self,
        first: Option<Command>,
        commands: &Receiver<Command>,
        waiting: &mut Waiting,
    ) -> rusqlite::Result<()> {
        let more = std::iter::from_fn(|| commands.try_recv().ok());
        let mut batch = first.into_iter().chain(more).take(CHANGES_PER_COMMIT_MAX).peekable();
        let gather_is_over = self.received_since.is_none_or(|since| since.elapsed() >= RECEIVED_GATHER);
        if batch.peek().is_none() && self.received.is_empty() {
            // All were deleted meanwhile. The gathering ends with them, or the writer would wake for nothing for ever.
            self.received_since = None;
            return Ok(());
        }
        let mut outcome = self.store.begin();
        // After a failure the rest of the batch is taken and dropped, which tells its callers the same.
        for command in batch {
            outcome = outcome.and_then(|()| self.write(command, waiting));
        }
        if gather_is_over {
            outcome = outcome.and_then(|()| self.write_received());
        }
        outcome.and_then(|()| self.store.commit())
    }

    fn write(&mut self, command: Command, waiting: &mut Waiting) -> rusqlite::Result<()> {
        match command {
            Command::Save { change, done } => {
                waiting.push(done);
                self.forget_received(&change);
                self.store.apply(&change)
            }
            Command::Received(received) => {
                self.received_since.get_or_insert_with(Instant::now);
                self.received.extend(received.into_iter().map(|one| (one.seq, one)));
                Ok(())
            }
            Command::Read { seqs, found } => {
                let _ = found.send(self.read(&seqs)?);
                Ok(())
            }
            Command::Between(work) => {
                self.between.push(work);
                Ok(())
            }
        }
    }

    /// Counts of messages that leave their queue need not be written.
    fn forget_received(&mut self, change: &Change) {
        if let Change::Delete(seqs) | Change::Move { seqs, .. } = change {
            for seq in seqs {
                self.received.remove(seq);
            }
        }
    }

    fn write_received(&mut self) -> rusqlite::Result<()> {
        self.received_since = None;
        for (_, one) in self.received.drain() {
            self.store.set_received(one.seq, one.receive_count, one.first_received_ms)?;
        }
        Ok(())
    }

    fn read(&self, seqs: &[Seq]) -> rusqlite::Result<Payloads> {
        let mut payloads = Payloads::new();
        for seq in seqs {
            payloads.extend(self.store.payload(*seq)?.map(|payload| (*seq, payload)));
        }
        Ok(payloads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathering_ends_when_every_received_message_was_deleted() {
        let directory = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&directory.path().join("queues.sqlite"), crate::Durability::default(), 0).unwrap();
        let mut writer = Writer::new(store, Arc::default());
        let (_sender, commands) = channel();
        let received = Received { seq: 1, receive_count: 1, first_received_ms: 1 };
        writer.write_batch(Some(Command::Received(vec![received])), &commands);
        let (done, _saved) = oneshot::channel();
        writer.write_batch(Some(Command::Save { change: Change::Delete(vec![1]), done }), &commands);
        writer.received_since = Instant::now().checked_sub(RECEIVED_GATHER);
        writer.write_batch(None, &commands);
        assert!(writer.received_since.is_none(), "the writer would wake for nothing for ever");
    }
}
