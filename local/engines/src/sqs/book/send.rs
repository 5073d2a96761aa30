//! Messages on their way into a queue.

use std::sync::Arc;

use super::Book;
use crate::sqs::error::SqsError;
use crate::sqs::journal::{Change, NewMessage, Saved};
use crate::sqs::message::{Payload, Seq};
use crate::sqs::queue::Message;

/// A message on its way in, already checked.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) payload: Payload,
    pub(crate) payload_bytes: usize,
    pub(crate) group_id: Option<String>,
    /// None: the queue's own delay.
    pub(crate) delay_s: Option<u64>,
}

impl Book {
    /// Takes messages in; their numbers come back in the same order.
    pub(crate) fn send(&mut self, name: &str, all: Vec<Outgoing>, now_ms: u64) -> Result<(Vec<Seq>, Saved), SqsError> {
        self.queue(name, now_ms)?;
        let mut stored = Vec::with_capacity(all.len());
        for outgoing in all {
            stored.push(self.accept(name, outgoing, now_ms)?);
        }
        let seqs = stored.iter().map(|message| message.seq).collect();
        Ok((seqs, self.journal.save(Change::Insert(stored))))
    }

    fn accept(&mut self, name: &str, outgoing: Outgoing, now_ms: u64) -> Result<NewMessage, SqsError> {
        let payload = Arc::new(outgoing.payload);
        let held = self.hold(&payload, outgoing.payload_bytes);
        let queue = self.queues.get_mut(name).ok_or(SqsError::QueueDoesNotExist)?;
        self.last_seq += 1;
        let new = NewMessage {
            seq: self.last_seq,
            queue_id: queue.id,
            group_id: outgoing.group_id.as_deref().map(|group_id| queue.intern(group_id)),
            sent_ms: now_ms,
            visible_ms: now_ms + outgoing.delay_s.unwrap_or(queue.settings.delay_s) * 1000,
            payload_bytes: outgoing.payload_bytes,
            payload,
        };
        let message = Message::new(new.group_id.clone(), held, new.payload_bytes, now_ms);
        queue.add(new.seq, message, new.visible_ms, now_ms);
        Ok(new)
    }

    /// Keeps the payload in memory if the budget allows it.
    fn hold(&mut self, payload: &Arc<Payload>, payload_bytes: usize) -> Option<Arc<Payload>> {
        let total = self.payload_bytes.checked_add(payload_bytes).filter(|total| *total <= self.payload_bytes_max)?;
        self.payload_bytes = total;
        Some(Arc::clone(payload))
    }
}
