//! The door `deliver`: tasks from the delivery queue, one HTTP attempt each. What fails through us is handed back to the
//! queue on its own; the rest of its batch is done.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use fanfare::config::Platform;
use fanfare::domain::delivery::DeliveryTask;
use fanfare::domain::timestamp::Timestamp;
use fanfare::effects::Effects;
use fanfare::fault::Fault;
use fanfare::flows::deliver::{Deliver, Ended};
use fanfare::queue;
use fanfare::telemetry::{Invoked, Watch};
use lambda_runtime::{Error, LambdaEvent};

/// How long before its deadline an invocation hands back what it has not finished: enough to answer, little enough to
/// waste nothing. What was handed back comes again, marked as a possible repeat.
const RESERVE_MS: i64 = 2_000;

/// The door, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    deliver: Deliver,
    effects: Effects,
    watch: Watch,
}

impl Door {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        Self {
            deliver: Deliver::new(platform),
            effects: platform.effects.clone(),
            watch: platform.telemetry.watch("deliver"),
        }
    }

    /// One batch. Names the messages that are to stay in the queue.
    pub async fn handle(&self, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
        let LambdaEvent { payload, context } = event;
        let deadline = Timestamp::from_millis(i64::try_from(context.deadline).unwrap_or(i64::MAX));
        let invoked = Invoked { request_id: context.request_id, ..Invoked::default() };
        Ok(self.watch.invocation(invoked, self.work(payload, deadline)).await)
    }

    async fn work(&self, batch: SqsEvent, deadline: Timestamp) -> SqsBatchResponse {
        let (mut ids, mut tasks, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for message in batch.records {
            let id = message.message_id.clone().unwrap_or_default();
            match task(&message) {
                Ok(task) => {
                    ids.push(id);
                    tasks.push(task);
                }
                Err(reason) => {
                    // Nobody can deliver it: it stays until the queue moves it to the dead letters.
                    tracing::error!(queue.message_id = id, reason, "a queued message is no delivery task");
                    failed.push(id);
                }
            }
        }
        failed.extend(self.deliver(ids, tasks, deadline).await);
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = failed.into_iter().map(failure).collect();
        response
    }

    /// Delivers all at once; those that failed through us or were not finished in time.
    async fn deliver(&self, ids: Vec<String>, tasks: Vec<DeliveryTask>, deadline: Timestamp) -> Vec<String> {
        if tasks.is_empty() {
            return Vec::new();
        }
        let open: Mutex<BTreeMap<usize, String>> = Mutex::new(ids.into_iter().enumerate().collect());
        let report = |index, ended| {
            if is_finished(ended) {
                open.lock().unwrap_or_else(PoisonError::into_inner).remove(&index);
            }
        };
        let limit_ms = deadline.millis_since(self.effects.now()) - RESERVE_MS;
        let limit = Duration::from_millis(u64::try_from(limit_ms).unwrap_or(0));
        // Boxed, because futures nested as deeply as this one are more than the compiler lays out.
        let run: Pin<Box<dyn Future<Output = Result<(), Fault>> + Send + '_>> =
            Box::pin(self.deliver.run(tasks, report));
        match tokio::time::timeout(limit, run).await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => tracing::warn!(error = fault.chain(), "a batch was handed back"),
            Err(_) => tracing::warn!("deliveries were handed back, time was up"),
        }
        open.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }
}

fn task(message: &SqsMessage) -> Result<DeliveryTask, String> {
    let receives = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    // Without a count it may be a repeat: looking costs one read.
    queue::decode(message.body.as_deref().unwrap_or_default(), receives.unwrap_or(2)).map_err(|reason| reason.0)
}

fn is_finished(ended: Result<Ended, Fault>) -> bool {
    match ended {
        Ok(_) => true,
        Err(fault) => {
            tracing::warn!(error = fault.chain(), "a delivery was handed back");
            false
        }
    }
}

fn failure(id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = id;
    failure
}
