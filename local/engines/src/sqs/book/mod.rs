//! The book: every queue of the engine, kept under one lock, and the journal that makes its changes durable.
//!
//! One lock for all queues, because a message may move from one queue to another and because what happens under it is
//! a few map operations: tens of nanoseconds to a few microseconds, never a disk access, never an await.
//!
//! Memory: the book knows every message by about 200 bytes. Payloads are kept beside them up to a named budget; above
//! it a payload stays on disk and is read when its message is handed out, so a backlog of any size costs its index.

mod moves;
mod receive;
mod send;

use std::collections::BTreeMap;
use std::path::Path;

use super::error::SqsError;
use super::journal::{Change, Journal, Saved};
use super::message::Seq;
use super::queue::{Message, Queue};
use super::settings::{Attributes, Settings};
use super::store::{Loaded, Store};
use crate::{Durability, OpenError};

pub(crate) use moves::MoveTask;
pub(crate) use receive::{Delivered, Taken};
pub(crate) use send::Outgoing;

/// Payloads kept in memory when there is a file to read them from: enough that a busy queue never reads from disk,
/// little enough to leave room in the local gateway's 60 MB.
const PAYLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Messages and leases are numbered from here in the n-th start of a data directory, times n. So a number is never
/// given twice, even though the numbers of deleted messages are nowhere stored.
const NUMBERS_PER_START: u64 = 1 << 40;

/// All queues by name.
#[derive(Debug)]
pub(crate) struct Book {
    queues: BTreeMap<String, Queue>,
    journal: Journal,
    last_seq: Seq,
    last_lease: u64,
    last_queue_id: u32,
    payload_bytes: usize,
    payload_bytes_max: usize,
    move_tasks: Vec<MoveTask>,
}

impl Book {
    /// Queues that end with the process.
    pub(crate) fn in_memory() -> Self {
        Self::new(Journal::in_memory(), 1, usize::MAX)
    }

    /// Queues in a file. Messages that were in flight when the last process ended are visible at once: their
    /// consumers ended with it. Delayed ones keep their time.
    pub(crate) fn on_disk(path: &Path, durability: Durability, now_ms: u64) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Queues { path: path.to_owned(), source };
        let (store, loaded) = Store::open(path, durability, PAYLOAD_BYTES_MAX).map_err(failed)?;
        let journal = Journal::start(store, path, durability)?;
        let mut book = Self::new(journal, loaded.start_number, PAYLOAD_BYTES_MAX);
        book.load(loaded, now_ms);
        Ok(book)
    }

    fn new(journal: Journal, start_number: u64, payload_bytes_max: usize) -> Self {
        let last_number = start_number * NUMBERS_PER_START;
        Self {
            queues: BTreeMap::new(),
            journal,
            last_seq: last_number,
            last_lease: last_number,
            last_queue_id: 0,
            payload_bytes: 0,
            payload_bytes_max,
            move_tasks: Vec::new(),
        }
    }

    fn load(&mut self, loaded: Loaded, now_ms: u64) {
        let mut names = BTreeMap::new();
        for stored in loaded.queues {
            // Attributes were checked when they were stored; one this program no longer knows falls back to defaults.
            let settings = Settings::default().with(&stored.attributes).unwrap_or_default();
            self.last_queue_id = self.last_queue_id.max(stored.id);
            names.insert(stored.id, stored.name.clone());
            self.queues.insert(stored.name.clone(), Queue::new(stored.id, stored.name, settings, stored.created_ms));
        }
        for stored in loaded.messages {
            let Some(queue) = names.get(&stored.queue_id).and_then(|name| self.queues.get_mut(name)) else { continue };
            let group_id = stored.group_id.as_deref().map(|group_id| queue.intern(group_id));
            self.payload_bytes += stored.payload.as_ref().map_or(0, |_| stored.payload_bytes);
            let mut message = Message::new(group_id, stored.payload, stored.payload_bytes, stored.sent_ms);
            message.receive_count = stored.receive_count;
            message.first_received_ms = stored.first_received_ms;
            message.origin = stored.origin;
            queue.add(stored.seq, message, stored.visible_ms, now_ms);
        }
    }

    /// A queue, with the time that has passed let pass in it.
    pub(crate) fn queue(&mut self, name: &str, now_ms: u64) -> Result<&mut Queue, SqsError> {
        let queue = self.queues.get_mut(name).ok_or(SqsError::QueueDoesNotExist)?;
        queue.settle(now_ms);
        Ok(queue)
    }

    pub(crate) fn has_queue(&self, name: &str) -> bool {
        self.queues.contains_key(name)
    }

    pub(crate) fn queues(&self) -> impl Iterator<Item = &Queue> {
        self.queues.values()
    }

    /// Makes a queue, or finds it if it is there with the same attributes.
    pub(crate) fn create(
        &mut self,
        name: &str,
        attributes: &Attributes,
        now_ms: u64,
    ) -> Result<Option<Saved>, SqsError> {
        if let Some(queue) = self.queues.get(name) {
            let wanted = queue.settings.with(attributes)?.attributes();
            let has = queue.settings.attributes();
            return match wanted.into_iter().find(|(name, value)| has.get(name) != Some(value)) {
                None => Ok(None),
                Some((attribute, _)) => Err(SqsError::QueueNameExists(attribute)),
            };
        }
        let settings = Settings::default().with(attributes)?;
        self.last_queue_id += 1;
        let queue = Queue::new(self.last_queue_id, name.to_owned(), settings, now_ms);
        let saved = self.journal.save(put_queue(&queue));
        self.queues.insert(name.to_owned(), queue);
        Ok(Some(saved))
    }

    pub(crate) fn set_attributes(&mut self, name: &str, attributes: &Attributes) -> Result<Saved, SqsError> {
        let queue = self.queues.get_mut(name).ok_or(SqsError::QueueDoesNotExist)?;
        queue.settings = queue.settings.with(attributes)?;
        queue.arrivals.notify_waiters();
        Ok(self.journal.save(put_queue(queue)))
    }

    pub(crate) fn delete_queue(&mut self, name: &str) -> Result<Saved, SqsError> {
        let mut queue = self.queues.remove(name).ok_or(SqsError::QueueDoesNotExist)?;
        self.release_payloads(&queue.clear());
        queue.arrivals.notify_waiters();
        Ok(self.journal.save(Change::DeleteQueue(queue.id)))
    }

    pub(crate) fn purge(&mut self, name: &str) -> Result<Saved, SqsError> {
        let queue = self.queues.get_mut(name).ok_or(SqsError::QueueDoesNotExist)?;
        let (id, gone) = (queue.id, queue.clear());
        self.release_payloads(&gone);
        Ok(self.journal.save(Change::Purge(id)))
    }

    /// The payloads of messages that left for good no longer count.
    fn release_payloads<'a>(&mut self, gone: impl IntoIterator<Item = &'a Message>) {
        let held_bytes = |message: &Message| message.payload.as_ref().map_or(0, |_| message.payload_bytes);
        self.payload_bytes -= gone.into_iter().map(held_bytes).sum::<usize>();
    }
}

fn put_queue(queue: &Queue) -> Change {
    Change::PutQueue {
        id: queue.id,
        name: queue.name.clone(),
        attributes: queue.settings.attributes(),
        created_ms: queue.created_ms,
    }
}
