//! Messages on their way out of a queue: handed out, deleted, given more or less time, or buried as dead letters.

use std::sync::Arc;

use super::Book;
use crate::sqs::error::SqsError;
use crate::sqs::journal::{Change, Reading, Received, Saved};
use crate::sqs::limits::IN_FLIGHT_MAX;
use crate::sqs::message::{Payload, Receipt, Seq};
use crate::sqs::queue::{Message, Queue, Terms};
use crate::sqs::rotation::GroupId;

/// A message handed out.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) receipt: Receipt,
    pub(crate) payload: Arc<Payload>,
    pub(crate) group_id: Option<GroupId>,
    pub(crate) sent_ms: u64,
    pub(crate) first_received_ms: u64,
    pub(crate) receive_count: u64,
    pub(crate) origin: Option<String>,
}

/// Messages handed out, some of whose payloads may still be on their way from disk.
#[derive(Debug)]
pub(crate) struct Taken {
    messages: Vec<Lent>,
    reading: Reading,
}

/// A handed-out message before its payload is certain to be there.
#[derive(Debug)]
struct Lent {
    receipt: Receipt,
    payload: Option<Arc<Payload>>,
    group_id: Option<GroupId>,
    sent_ms: u64,
    first_received_ms: u64,
    receive_count: u64,
    origin: Option<String>,
}

impl Taken {
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Fills in the payloads. A message whose payload is gone was purged meanwhile and is left out.
    pub(crate) async fn complete(self) -> Result<Vec<Delivered>, SqsError> {
        let mut read = self.reading.wait().await?;
        let complete = |lent: Lent| {
            let payload = lent.payload.or_else(|| read.remove(&lent.receipt.seq).map(Arc::new))?;
            Some(Delivered {
                receipt: lent.receipt,
                payload,
                group_id: lent.group_id,
                sent_ms: lent.sent_ms,
                first_received_ms: lent.first_received_ms,
                receive_count: lent.receive_count,
                origin: lent.origin,
            })
        };
        Ok(self.messages.into_iter().filter_map(complete).collect())
    }
}

impl Book {
    /// Hands out up to `count` messages in fair order, each leased for `visibility_s` (None: the queue's own).
    /// On the way, messages past their retention are dropped and those received too often moved to the dead letters.
    pub(crate) fn take(
        &mut self,
        name: &str,
        count: usize,
        visibility_s: Option<u64>,
        now_ms: u64,
    ) -> Result<Taken, SqsError> {
        let redrive = self.queue(name, now_ms)?.settings.redrive.clone();
        // A policy that names a queue nobody made, or the queue itself, has no effect.
        let redrive = redrive.filter(|redrive| redrive.target != name && self.queues.contains_key(&redrive.target));
        let queue = self.queues.get_mut(name).ok_or(SqsError::QueueDoesNotExist)?;
        if queue.counts().in_flight >= IN_FLIGHT_MAX {
            return Err(SqsError::OverLimit);
        }
        let terms = Terms {
            count,
            now_ms,
            until_ms: now_ms + visibility_s.unwrap_or(queue.settings.visibility_s) * 1000,
            sent_after_ms: now_ms.saturating_sub(queue.settings.retention_s * 1000),
            receives_max: redrive.as_ref().map(|redrive| redrive.receives_max),
        };
        let picked = queue.pick(&terms, &mut self.last_lease);
        let messages: Vec<_> = picked.leased.iter().filter_map(|seq| lend(queue, *seq)).collect();
        self.forget_expired(&picked.expired);
        if let Some(redrive) = redrive {
            self.bury(name, &redrive.target, picked.dead, now_ms);
        }
        Ok(self.hand_out(messages))
    }

    /// Deletes what the receipts are for; a result for each. A receipt older than the message's last receive deletes
    /// nothing and is no error, as in SQS: the message is somebody else's now.
    pub(crate) fn delete(
        &mut self,
        name: &str,
        receipts: &[Receipt],
        now_ms: u64,
    ) -> Result<(Vec<Result<(), SqsError>>, Saved), SqsError> {
        let queue = self.queue(name, now_ms)?;
        let mut gone = Vec::new();
        let mut results = Vec::with_capacity(receipts.len());
        for receipt in receipts {
            let checked = check_queue(queue, receipt);
            if checked.is_ok() && is_current(queue, receipt) {
                gone.extend(queue.remove(receipt.seq).map(|message| (receipt.seq, message)));
            }
            results.push(checked);
        }
        self.release_payloads(gone.iter().map(|(_, message)| message));
        let seqs: Vec<_> = gone.into_iter().map(|(seq, _)| seq).collect();
        let saved = if seqs.is_empty() { Saved::nothing() } else { self.journal.save(Change::Delete(seqs)) };
        Ok((results, saved))
    }

    /// Moves the end of the receipt's lease to `visibility_s` from now. Leases are not stored, so nothing is to wait for.
    pub(crate) fn change_visibility(
        &mut self,
        name: &str,
        receipt: &Receipt,
        visibility_s: u64,
        now_ms: u64,
    ) -> Result<(), SqsError> {
        let queue = self.queue(name, now_ms)?;
        check_queue(queue, receipt)?;
        if queue.message(receipt.seq).is_none() || !is_current(queue, receipt) {
            return Err(SqsError::InvalidParameterValue(format!(
                "Value {} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available \
                 for visibility timeout change.",
                receipt.handle()
            )));
        }
        if !queue.message(receipt.seq).is_some_and(Message::is_leased) {
            return Err(SqsError::MessageNotInflight);
        }
        queue.extend_lease(receipt.seq, now_ms + visibility_s * 1000, now_ms);
        Ok(())
    }

    fn hand_out(&self, messages: Vec<Lent>) -> Taken {
        let received: Vec<_> = messages.iter().map(received).collect();
        if !received.is_empty() {
            self.journal.note_received(received);
        }
        let on_disk = messages.iter().filter(|lent| lent.payload.is_none()).map(|lent| lent.receipt.seq).collect();
        Taken { messages, reading: self.journal.read(on_disk) }
    }

    /// Nobody waits for this: an expired message that a crash brings back expires again.
    fn forget_expired(&mut self, expired: &[(Seq, Message)]) {
        if expired.is_empty() {
            return;
        }
        self.release_payloads(expired.iter().map(|(_, message)| message));
        self.journal.save(Change::Delete(expired.iter().map(|(seq, _)| *seq).collect())).unawaited();
    }

    /// Moves dead letters. Nobody waits for this: a crash before it is stored leaves them in their queue, received as
    /// often as before, and their next receive moves them again.
    fn bury(&mut self, name: &str, target: &str, dead: Vec<(Seq, Message)>, now_ms: u64) {
        if !dead.is_empty() {
            self.put_into(target, dead, Some(name), now_ms).unawaited();
        }
    }
}

fn lend(queue: &Queue, seq: Seq) -> Option<Lent> {
    queue.message(seq).map(|message| Lent {
        receipt: Receipt { queue_id: queue.id, seq, lease: message.lease },
        payload: message.payload.clone(),
        group_id: message.group_id.clone(),
        sent_ms: message.sent_ms,
        first_received_ms: message.first_received_ms.unwrap_or(message.sent_ms),
        receive_count: message.receive_count,
        origin: message.origin.clone(),
    })
}

fn received(lent: &Lent) -> Received {
    Received { seq: lent.receipt.seq, receive_count: lent.receive_count, first_received_ms: lent.first_received_ms }
}

fn check_queue(queue: &Queue, receipt: &Receipt) -> Result<(), SqsError> {
    if receipt.queue_id == queue.id { Ok(()) } else { Err(SqsError::ReceiptHandleIsInvalid(receipt.handle())) }
}

/// Whether the receipt is of the message's last receive. After a restart no lease is known, and the receipt of a
/// consumer that outlived the restart still counts until somebody else receives the message.
fn is_current(queue: &Queue, receipt: &Receipt) -> bool {
    queue.message(receipt.seq).is_some_and(|message| message.lease == 0 || message.lease == receipt.lease)
}
