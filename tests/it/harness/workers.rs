//! The stage's queue pollers and its schedule, as far as a test asks for them.

use std::collections::BTreeMap;

use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_sqs::types::Message;
use fanfare::domain::timestamp::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::json;

use super::stage::{Batch, Stage};

impl Stage {
    /// One batch through the deliver function, as the event source mapping would do it.
    pub(crate) async fn deliver(&self) -> Batch {
        let received = self.receive().await;
        let failed = if received.is_empty() { Vec::new() } else { self.hand_to_deliver(&received).await };
        for message in received.iter().filter(|message| !failed.iter().any(|id| Some(&**id) == message.message_id())) {
            self.delete(message).await;
        }
        Batch { received, failed }
    }

    /// Takes a message out of the delivery queue for good.
    pub(crate) async fn delete(&self, message: &Message) {
        let delete = self.sqs.delete_message().queue_url(&self.platform.settings.delivery_queue_url);
        delete.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
    }

    /// Delivers until nothing can be received; how many messages that were.
    pub(crate) async fn deliver_all(&self) -> usize {
        /// More batches than any test has.
        const BATCHES_MAX: usize = 1_000;
        let mut count = 0;
        for _ in 0..BATCHES_MAX {
            let batch = self.deliver().await;
            if batch.received.is_empty() {
                return count;
            }
            count += batch.received.len();
        }
        panic!("the queue does not become empty");
    }

    /// Invokes the function with these messages; identifiers of those it did not finish.
    pub(crate) async fn hand_to_deliver(&self, messages: &[Message]) -> Vec<String> {
        self.hand_to(&self.deliver, messages).await
    }

    /// As [`Stage::hand_to_deliver`], to a function of the test's own.
    pub(crate) async fn hand_to(&self, door: &deliver::Door, messages: &[Message]) -> Vec<String> {
        self.invoke(door, messages, self.context()).await
    }

    /// As [`Stage::hand_to_deliver`], with so much time.
    pub(crate) async fn hand_to_deliver_until(&self, messages: &[Message], deadline: Timestamp) -> Vec<String> {
        let mut context = Context::default();
        context.deadline = u64::try_from(deadline.as_millis()).unwrap();
        self.invoke(&self.deliver, messages, context).await
    }

    async fn invoke(&self, door: &deliver::Door, messages: &[Message], context: Context) -> Vec<String> {
        let event = sqs_event(messages, &self.platform.settings.delivery_queue_url);
        let answer = door.handle(LambdaEvent::new(event, context)).await.unwrap();
        answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    /// Works on the jobs in the queue until none can be received. `time_ms` is what each invocation has before it must stop.
    pub(crate) async fn work(&self, time_ms: i64) {
        while self.work_once(time_ms).await > 0 {}
    }

    /// One invocation for each job that can be received; how many those were.
    pub(crate) async fn work_once(&self, time_ms: i64) -> usize {
        /// The door's own reserve.
        const RESERVE_MS: i64 = 20_000;
        let url = self.platform.settings.job_queue_url.clone();
        let received = self.receive_from(&url).await;
        for message in &received {
            let mut context = Context::default();
            let deadline = self.platform.effects.now().as_millis() + RESERVE_MS + time_ms;
            context.deadline = u64::try_from(deadline).unwrap();
            let event = LambdaEvent::new(sqs_event(std::slice::from_ref(message), &url), context);
            if self.background.handle(event).await.unwrap().batch_item_failures.is_empty() {
                let delete = self.sqs.delete_message().queue_url(&url);
                delete.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
            }
        }
        received.len()
    }

    /// Brings what is in the delivery queue round until the queue gives up on it.
    pub(crate) async fn wear_out(&self) {
        /// As often as the queue hands a message out, and the time when it moves it.
        const ROUNDS: usize = 6;
        for _ in 0..ROUNDS {
            self.deliver().await;
            self.clock.forward_s(360);
        }
    }

    /// One batch of dead letters through the background function; how many were received, and how many of them stay.
    pub(crate) async fn bury(&self) -> (usize, usize) {
        let url = self.queue_url("fanfare-dead-letter").await;
        let received = self.receive_from(&url).await;
        if received.is_empty() {
            return (0, 0);
        }
        let event = LambdaEvent::new(sqs_event(&received, &url), self.context());
        let left = self.background.handle(event).await.unwrap().batch_item_failures;
        let stays = |message: &Message| left.iter().any(|one| Some(&*one.item_identifier) == message.message_id());
        for message in received.iter().filter(|message| !stays(message)) {
            let delete = self.sqs.delete_message().queue_url(&url);
            delete.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
        }
        (received.len(), left.len())
    }

    /// One tick of the schedule; how many deliveries it put back.
    pub(crate) async fn sweep(&self) -> usize {
        let answer = self.sweep.handle(LambdaEvent::new(json!({}), self.context())).await.unwrap();
        usize::try_from(answer["queued"].as_u64().unwrap()).unwrap()
    }
}

/// The event in which Lambda's poller would bring these messages of the queue at this URL.
pub(super) fn sqs_event(messages: &[Message], queue_url: &str) -> SqsEvent {
    let arn = format!("arn:aws:sqs:us-east-1:000000000000:{}", queue_url.rsplit('/').next().unwrap());
    let record = |message: &Message| {
        let attributes = message.attributes().unwrap().iter();
        let attributes: BTreeMap<_, _> = attributes.map(|(name, value)| (name.as_str(), value)).collect();
        json!({
            "messageId": message.message_id(),
            "receiptHandle": message.receipt_handle(),
            "body": message.body(),
            "attributes": attributes,
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": arn,
            "awsRegion": "us-east-1",
        })
    };
    let event = json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() });
    serde_json::from_value(event).unwrap()
}
