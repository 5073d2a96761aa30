//! An event source mapping: messages of a queue, brought to a function in batches.
//!
//! **How it flows.** One receive loop waits at the queue. It first takes one of the mapping's `MaximumConcurrency` permits,
//! then receives, then hands batch and permit to an invocation of its own and goes back to the queue. So nothing is
//! received that nobody is free to work on, as its visibility timeout would already run; and an invocation that takes long
//! holds one permit, while the loop goes on with the others. One loop is enough: a receive takes a fraction of a
//! millisecond and brings up to ten messages.
//!
//! **Why it pauses.** The first message after a quiet moment is received at once. A batch that is not full is followed by
//! a pause, so that the next one can gather: an invocation costs the same calls for one message as for ten, and under load
//! most of the time would go into batches of one. The pause is as long as the batch was large ([`GATHER_EACH`], at most
//! [`GATHER_MAX`]): where little arrives, little is waited for.
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

/// How long the next batch may gather for each message of one that was not full. Longer makes batches fuller, and deliveries
/// later. From a message a millisecond on, the pauses grow until batches are full.
const GATHER_EACH: Duration = Duration::from_millis(1);
/// And at most.
const GATHER_MAX: Duration = Duration::from_millis(5);
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
        let count = received.len();
        if !received.is_empty() {
            drop(tasks.spawn(work(Arc::clone(&mapping), received, permit)));
        }
        if count < mapping.batch_size {
            tokio::time::sleep((GATHER_EACH * u32::try_from(count).unwrap_or(u32::MAX)).min(GATHER_MAX)).await;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_lambda_events::sqs::SqsEvent;
    use aws_sdk_sqs::types::QueueAttributeName::{
        ApproximateNumberOfMessages as Visible, ApproximateNumberOfMessagesNotVisible as InFlight,
    };
    use fanfare::effects::Effects;
    use fanfare_engines::{Engines, system_clock};
    use lambda_runtime::{Error, LambdaEvent};
    use serde_json::{Value, json};

    use super::*;
    use crate::functions::events;
    use crate::template::{FunctionPlan, Place};

    /// Longer than anything here takes; a test that hangs should fail.
    const WAIT_MAX: Duration = Duration::from_secs(20);

    struct Bench {
        sqs: Client,
        url: String,
        tasks: Tasks,
        running: Arc<AtomicUsize>,
        running_max: Arc<AtomicUsize>,
    }

    impl Bench {
        /// A queue that feeds a function which does what the messages say.
        async fn new(batch_size: usize, concurrency_max: usize) -> Self {
            let sqs = Client::new(&Engines::in_memory(system_clock()).unwrap().sdk_config());
            let url = sqs.create_queue().queue_name("q").send().await.unwrap().queue_url.unwrap();
            let (running, running_max) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let tasks = Tasks::new();
            let (now, most) = (Arc::clone(&running), Arc::clone(&running_max));
            let handler = events(move |event: LambdaEvent<SqsEvent>| {
                let (now, most) = (Arc::clone(&now), Arc::clone(&most));
                async move {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let answer = obey(event.payload).await;
                    now.fetch_sub(1, Ordering::SeqCst);
                    answer
                }
            });
            let plan = FunctionPlan {
                logical_id: "F".to_owned(),
                binary: "f".to_owned(),
                environment: Default::default(),
                timeout: WAIT_MAX,
                memory_mb: 128,
            };
            let function = Function::new(&plan, &Place::local(""), Box::new(handler), Effects::system(), tasks.clone());
            let mapping = Mapping {
                function,
                sqs: sqs.clone(),
                queue_url: url.clone(),
                queue_arn: "arn:aws:sqs:us-east-1:000000000000:q".to_owned(),
                region: "us-east-1".to_owned(),
                batch_size,
                reports_failures: true,
                concurrency_max,
            };
            let bench = Self { sqs, url, tasks, running, running_max };
            drop(bench.tasks.spawn(run(mapping, bench.tasks.clone())));
            bench
        }

        async fn send(&self, bodies: &[&str]) {
            for body in bodies {
                self.sqs.send_message().queue_url(&self.url).message_body(*body).send().await.unwrap();
            }
        }

        async fn counts(&self) -> (usize, usize) {
            let all = aws_sdk_sqs::types::QueueAttributeName::All;
            let asked = self.sqs.get_queue_attributes().queue_url(&self.url).attribute_names(all).send().await.unwrap();
            let count = |name| asked.attributes.as_ref().unwrap()[&name].parse().unwrap();
            (count(Visible), count(InFlight))
        }

        /// Waits until so many messages are visible and so many in flight, and none is worked on.
        async fn settles_at(&self, expected: (usize, usize), running: usize) {
            let settled = async {
                while self.counts().await != expected || self.running.load(Ordering::SeqCst) != running {
                    tokio::task::yield_now().await;
                }
            };
            let waited = tokio::time::timeout(WAIT_MAX, settled).await;
            assert!(waited.is_ok(), "expected {expected:?}, found {:?}", self.counts().await);
        }
    }

    impl Drop for Bench {
        fn drop(&mut self) {
            self.tasks.end();
        }
    }

    async fn obey(event: SqsEvent) -> Result<Value, Error> {
        let mut failures = Vec::new();
        for record in event.records {
            match record.body.as_deref() {
                Some("fail") => failures.push(json!({ "itemIdentifier": record.message_id })),
                Some("error") => return Err("as asked".into()),
                Some("unknown") => failures.push(json!({ "itemIdentifier": "of another batch" })),
                Some("wait") => std::future::pending().await,
                _ => {}
            }
        }
        Ok(json!({ "batchItemFailures": failures }))
    }

    async fn check(bodies: &[&str], kept: usize) {
        let bench = Bench::new(10, 2).await;
        bench.send(bodies).await;
        bench.settles_at((0, kept), 0).await;
    }

    #[tokio::test]
    async fn what_is_done_is_deleted_and_what_failed_stays() {
        check(&["a", "b", "c"], 0).await;
        check(&["a", "fail", "c", "fail"], 2).await;
        check(&["error"], 1).await;
        check(&["unknown"], 1).await;
    }

    #[tokio::test]
    async fn a_slow_invocation_blocks_nobody_else() {
        let bench = Bench::new(1, 2).await;
        bench.send(&["wait", "a", "b", "c"]).await;
        bench.settles_at((0, 1), 1).await;
    }

    #[tokio::test]
    async fn nothing_is_received_that_nobody_is_free_to_work_on() {
        let bench = Bench::new(1, 2).await;
        bench.send(&["wait", "wait", "a", "b"]).await;
        bench.settles_at((2, 2), 2).await;
        assert_eq!(bench.running_max.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_gateway_that_stops_receives_no_more() {
        let bench = Bench::new(10, 2).await;
        bench.tasks.stop();
        bench.tasks.wait().await;
        bench.send(&["a"]).await;
        assert_eq!(bench.counts().await, (1, 0));
    }
}
