//! An event source mapping: messages of a queue, brought to a function in batches.
//!
//! **How it flows.** One receive loop waits at the queue. It first takes one of the mapping's `MaximumConcurrency` permits,
//! then receives, then hands batch and permit to an invocation of its own and goes back to the queue. So nothing is
//! received that nobody is free to work on, as its visibility timeout would already run; and an invocation that takes long
//! holds one permit, while the loop goes on with the others. One loop is enough: a receive takes a fraction of a
//! millisecond and brings up to ten messages.
//!
//! **Why it pauses.** The first message after a quiet moment is received at once. A batch that is not full is followed by
//! a pause ([`GATHER`]), so that the next one can gather: an invocation costs the same calls for one message as for ten,
//! and under load most of the time would go into batches of one.
//!
//! **What is promised.** A message is deleted only after the function said it is done ([`verdict`](super::verdict)). Until
//! then it is the queue's: whatever ends this process, it comes back. So a message may come twice, never not at all.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::batch;
use super::verdict::{self, Verdict};
use crate::functions::Function;
use crate::tasks::Tasks;

/// How long the next batch may gather after one that was not full. Longer makes batches fuller, and deliveries later.
const GATHER: Duration = Duration::from_millis(3);
/// Longest wait of one receive: SQS's own maximum.
const WAIT_S: i32 = 20;
/// Pause after a receive that failed: the queue's engine is at its limits, or ending.
const RECEIVE_RETRY: Duration = Duration::from_millis(500);

/// A queue and the function it feeds.
pub(crate) struct Mapping {
    pub(crate) function: Function,
    pub(crate) sqs: Client,
    pub(crate) queue_url: String,
    pub(crate) queue_arn: String,
    pub(crate) region: String,
    pub(crate) batch_size: usize,
    pub(crate) reports_failures: bool,
    pub(crate) concurrency_max: usize,
}

/// Brings messages to the function until the gateway stops.
pub(crate) async fn run(mapping: Mapping, tasks: Tasks) {
    let free = Arc::new(Semaphore::new(mapping.concurrency_max));
    let mapping = Arc::new(mapping);
    while let Ok(permit) = Arc::clone(&free).acquire_owned().await {
        let received = tokio::select! {
            biased;
            () = tasks.stopping() => return,
            received = mapping.receive() => received,
        };
        let is_full = received.len() >= mapping.batch_size;
        if !received.is_empty() {
            drop(tasks.spawn(work(Arc::clone(&mapping), received, permit)));
        }
        if !is_full {
            tokio::time::sleep(GATHER).await;
        }
    }
}

async fn work(mapping: Arc<Mapping>, messages: Vec<Message>, permit: OwnedSemaphorePermit) {
    let done = mapping.invoke(messages).await;
    // The next batch can begin while this one is deleted.
    drop(permit);
    mapping.delete(done).await;
}

impl Mapping {
    /// Nothing when receiving failed: that is logged, and tried again after a pause.
    async fn receive(&self) -> Vec<Message> {
        let receive = self
            .sqs
            .receive_message()
            .queue_url(&self.queue_url)
            .max_number_of_messages(i32::try_from(self.batch_size).unwrap_or(1))
            .wait_time_seconds(WAIT_S)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All");
        match receive.send().await {
            Ok(received) => received.messages.unwrap_or_default(),
            Err(error) => {
                let error = aws_sdk_sqs::error::DisplayErrorContext(&error);
                tracing::warn!(queue = self.queue_url, %error, "receiving messages failed");
                tokio::time::sleep(RECEIVE_RETRY).await;
                Vec::new()
            }
        }
    }

    /// Invokes the function with the batch, and gives back what is to be deleted.
    async fn invoke(&self, messages: Vec<Message>) -> Vec<Message> {
        let function = self.function.name();
        let event = match batch::event(&messages, &self.queue_arn, &self.region) {
            Ok(event) => event,
            Err(error) => {
                tracing::error!(function, %error, "a batch could not be put together; its messages will come again");
                return Vec::new();
            }
        };
        let answer = match self.function.invoke(event).await {
            Ok(answer) => answer,
            Err(error) => {
                let causes = std::iter::successors(std::error::Error::source(&error), |error| error.source());
                let cause = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
                tracing::error!(function, %error, cause, "a batch failed; its messages will come again");
                return Vec::new();
            }
        };
        let ids: Vec<&str> = messages.iter().filter_map(Message::message_id).collect();
        match verdict::of(&answer, self.reports_failures, &ids) {
            Verdict::NothingDone(reason) => {
                tracing::error!(function, reason, "a batch failed; its messages will come again");
                Vec::new()
            }
            Verdict::DoneBut(kept) if kept.is_empty() => messages,
            Verdict::DoneBut(kept) => {
                tracing::warn!(
                    function,
                    kept = kept.len(),
                    of = messages.len(),
                    "messages failed; they will come again"
                );
                let is_done = |message: &Message| message.message_id().is_none_or(|id| !kept.contains(id));
                messages.into_iter().filter(is_done).collect()
            }
        }
    }

    async fn delete(&self, messages: Vec<Message>) {
        let entry = |(index, message): (usize, Message)| {
            let handle = message.receipt_handle.unwrap_or_default();
            DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(handle).build().ok()
        };
        let entries: Vec<_> = messages.into_iter().enumerate().filter_map(entry).collect();
        if entries.is_empty() {
            return;
        }
        let delete = self.sqs.delete_message_batch().queue_url(&self.queue_url).set_entries(Some(entries));
        match delete.send().await {
            Ok(deleted) if deleted.failed().is_empty() => {}
            Ok(deleted) => {
                tracing::warn!(failed = deleted.failed().len(), "messages could not be deleted, they will come again")
            }
            Err(error) => {
                let error = aws_sdk_sqs::error::DisplayErrorContext(&error);
                tracing::warn!(%error, "messages could not be deleted, they will come again");
            }
        }
    }
}
