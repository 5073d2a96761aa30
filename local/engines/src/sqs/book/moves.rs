//! Moving messages between queues: dead letters into their queue, and back again (`StartMessageMoveTask`).

use std::collections::BTreeMap;

use super::Book;
use crate::sqs::error::SqsError;
use crate::sqs::journal::{Change, Saved};
use crate::sqs::message::Seq;
use crate::sqs::queue::Message;
use crate::sqs::settings::queue_of_arn;

/// Finished tasks that `ListMessageMoveTasks` can still show; SQS shows ten.
const MOVE_TASKS_MAX: usize = 10;

/// A redrive of dead letters. It is done when it is started: there is no rate to keep on one machine.
#[derive(Debug, Clone)]
pub(crate) struct MoveTask {
    pub(crate) number: u64,
    pub(crate) source_arn: String,
    pub(crate) destination_arn: Option<String>,
    pub(crate) moved: usize,
    pub(crate) started_ms: u64,
}

impl Book {
    /// Puts messages of one queue into another. They begin anew there: visible, and not yet received.
    pub(super) fn put_into(
        &mut self,
        target: &str,
        messages: Vec<(Seq, Message)>,
        origin: Option<&str>,
        now_ms: u64,
    ) -> Saved {
        let Some(queue) = self.queues.get_mut(target) else { return Saved::nothing() };
        let seqs = messages.iter().map(|(seq, _)| *seq).collect();
        for (seq, mut message) in messages {
            message.receive_count = 0;
            message.first_received_ms = None;
            message.lease = 0;
            message.origin = origin.map(str::to_owned);
            queue.add(seq, message, now_ms, now_ms);
        }
        self.journal.save(Change::Move { seqs, queue_id: queue.id, origin: origin.map(str::to_owned) })
    }

    /// Moves every visible message of a dead-letter queue to `destination_arn`, or each to the queue it came from.
    /// A message whose queue is gone stays.
    pub(crate) fn redrive(
        &mut self,
        source_arn: &str,
        destination_arn: Option<&str>,
        now_ms: u64,
    ) -> Result<(MoveTask, Vec<Saved>), SqsError> {
        let source = self.known_queue(source_arn)?;
        let destination = destination_arn.map(|arn| self.known_queue(arn)).transpose()?;
        let is_dead_letter_queue =
            self.queues().any(|queue| queue.settings.redrive.as_ref().is_some_and(|redrive| redrive.target == source));
        if !is_dead_letter_queue {
            return Err(SqsError::InvalidParameterValue(
                "Source queue must be configured as a Dead Letter Queue.".into(),
            ));
        }
        let mut targets: BTreeMap<String, Vec<(Seq, Message)>> = BTreeMap::new();
        for (seq, message) in self.queue(&source, now_ms)?.drain_visible() {
            let target = destination.clone().or_else(|| message.origin.clone().filter(|name| self.has_queue(name)));
            targets.entry(target.unwrap_or_else(|| source.clone())).or_default().push((seq, message));
        }
        let stayed = targets.remove(&source).unwrap_or_default();
        let moved = targets.values().map(Vec::len).sum();
        let saved = targets.into_iter().map(|(target, all)| self.put_into(&target, all, None, now_ms)).collect();
        let queue = self.queue(&source, now_ms)?;
        for (seq, message) in stayed {
            queue.add(seq, message, now_ms, now_ms);
        }
        Ok((self.note_task(source_arn, destination_arn, moved, now_ms), saved))
    }

    /// The last tasks of a source, newest first.
    pub(crate) fn move_tasks(&self, source_arn: &str) -> impl Iterator<Item = &MoveTask> {
        self.move_tasks.iter().rev().filter(move |task| task.source_arn == source_arn)
    }

    fn note_task(&mut self, source_arn: &str, destination_arn: Option<&str>, moved: usize, now_ms: u64) -> MoveTask {
        // Tasks share the numbers of the leases: each is given once.
        self.last_lease += 1;
        let task = MoveTask {
            number: self.last_lease,
            source_arn: source_arn.to_owned(),
            destination_arn: destination_arn.map(str::to_owned),
            moved,
            started_ms: now_ms,
        };
        if self.move_tasks.len() == MOVE_TASKS_MAX {
            self.move_tasks.remove(0);
        }
        self.move_tasks.push(task.clone());
        task
    }

    fn known_queue(&self, arn: &str) -> Result<String, SqsError> {
        queue_of_arn(arn).filter(|name| self.has_queue(name)).map(str::to_owned).ok_or_else(|| {
            SqsError::ResourceNotFound(format!("The resource that you specified ({arn}) doesn't exist."))
        })
    }
}
