//! SQS: standard queues, made fair by message group, kept in memory and in a file.
//!
//! From the inside out: `rotation` (whose turn it is), `queue` (where each message is), `book` (all queues under one
//! lock), `journal` and `store` (what a restart finds), `poll` (waiting for a message), `wire` (the AWS JSON protocol).
//!
//! Promises: what was acknowledged is stored; a message is handed out at least once, and again when it is not deleted
//! within its visibility timeout; a message group with a long backlog does not hold up the others. Limits and error
//! codes are those of SQS. What is missing is what Fanfare does not use: FIFO queues, tags, permissions.

mod book;
mod digest;
mod error;
mod journal;
mod limits;
mod message;
mod poll;
mod queue;
mod rotation;
mod settings;
mod store;
mod wire;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Clock, Durability, OpenError};
use book::{Book, Outgoing};
pub(crate) use error::SqsError;
use message::{MessageAttributes, Payload};

/// The queue engine.
pub(crate) struct Sqs {
    book: Mutex<Book>,
    clock: Clock,
}

impl Sqs {
    pub(crate) fn in_memory(clock: Clock) -> Self {
        Self { book: Mutex::new(Book::in_memory()), clock }
    }

    pub(crate) fn on_disk(path: &Path, durability: Durability, clock: Clock) -> Result<Self, OpenError> {
        let book = Book::on_disk(path, durability, clock())?;
        Ok(Self { book: Mutex::new(book), clock })
    }

    fn now_ms(&self) -> u64 {
        (self.clock)()
    }

    /// A panic while the book was locked is a fault of one request; the others go on with what it left.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is such a queue.
    pub(crate) fn has_queue(&self, name: &str) -> bool {
        self.book().has_queue(name)
    }

    /// Sends a message from within, as any sender would. When this returns well, it is stored.
    pub(crate) async fn send(&self, queue: &str, body: String) -> Result<(), SqsError> {
        let payload = Payload { body, attributes: MessageAttributes::default(), trace_header: None }.checked()?;
        let payload_bytes = payload.bytes_len();
        let message = Outgoing { payload, payload_bytes, group_id: None, delay_s: None };
        let (_, saved) = self.book().send(queue, vec![message], self.now_ms())?;
        Ok(saved.wait().await?)
    }

    /// Makes every waiting poll look again.
    pub(crate) fn clock_moved(&self) {
        for queue in self.book().queues() {
            queue.arrivals.notify_waiters();
        }
    }
}
